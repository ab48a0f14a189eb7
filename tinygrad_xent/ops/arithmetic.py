"""Elementwise arithmetic with broadcasting; the engine sums gradients over broadcast axes."""

from typing import Any

import numpy as np

from tinygrad_xent.op import op
from tinygrad_xent.ops.elementwise import log
from tinygrad_xent.ops.piecewise import where


@op(symbol="+")
def add(x: Any, y: Any) -> Any:
    r"""Sum: $z = x + y$.

    >>> add([1.0, 2.0], 10.0)
    array([11., 12.])
    """
    return np.add(x, y)


@add.backward
def add_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = \bar z$ and $\bar y = \bar z$"""
    return grad, grad


@op(symbol="−")
def subtract(x: Any, y: Any) -> Any:
    r"""Difference: $z = x - y$.

    >>> subtract([1.0, 2.0], 10.0)
    array([-9., -8.])
    """
    return np.subtract(x, y)


@subtract.backward
def subtract_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = \bar z$ and $\bar y = -\bar z$"""
    return grad, lambda: -grad


@op(symbol="×")
def multiply(x: Any, y: Any) -> Any:
    r"""Product: $z = x\,y$.

    >>> multiply([1.0, 2.0], 10.0)
    array([10., 20.])
    """
    return np.multiply(x, y)


@multiply.backward
def multiply_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = y\,\bar z$ and $\bar y = x\,\bar z$"""
    return lambda: grad * y, lambda: grad * x


@op(symbol="÷", domain=("real", "nonzero"))
def divide(x: Any, y: Any) -> Any:
    r"""Quotient: $z = x / y$.

    >>> divide([1.0, 2.0], 10.0)
    array([0.1, 0.2])
    """
    return np.divide(x, y)


@divide.backward
def divide_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = \bar z / y$ and $\bar y = -z\,\bar z / y$"""
    return lambda: grad / y, lambda: -grad * z / y


@op(symbol="−")
def negative(x: Any) -> Any:
    r"""Negative: $y = -x$.

    >>> negative([1.0, -2.0])
    array([-1.,  2.])
    """
    return np.negative(x)


@negative.backward
def negative_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = -\bar y$"""
    return -grad


@op(symbol="^", domain=("positive", "real"))
def power(x: Any, n: Any) -> Any:
    r"""Power: $y = x^n$.

    >>> power([1.0, 2.0, 3.0], 2)
    array([1., 4., 9.])
    """
    return np.power(x, n)


@power.backward
def power_backward(grad: Any, y: Any, x: Any, n: Any) -> Any:
    r"""$\bar x = n\,x^{n-1}\,\bar y$ and $\bar n = y \ln(x)\,\bar y$"""
    # x^0 is constant in x, even at x = 0, and 0^n in n: neither derivative may become 0 * inf.
    return (
        lambda: grad * n * where((x == 0) & (n == 0), 1, x) ** (n - 1),
        lambda: grad * y * log(where(x == 0, 1, x)),
    )
