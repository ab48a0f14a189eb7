"""Elementwise arithmetic with broadcasting; the engine sums gradients over broadcast axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.arrays import all_numpy, zero_elsewhere
from tinygrad_xent.domains import distinct, nonzero, positive, real, truth
from tinygrad_xent.op import op
from tinygrad_xent.ops.elementwise import log

__all__ = [
    "absolute",
    "add",
    "clip",
    "divide",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "power",
    "relu",
    "subtract",
    "where",
]


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


@op(symbol="÷", domain=(real, nonzero))
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


@op(symbol="^", domain=(positive, real))
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


@op(symbol="|x|", domain=nonzero)
def absolute(x: Any) -> Any:
    r"""Absolute value: $y = |x|$. Its gradient at 0 is defined as 0.

    >>> absolute([-2.0, 3.0])
    array([2., 3.])
    """
    return np.absolute(x)


@absolute.backward
def absolute_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \operatorname{sign}(x)\,\bar y$"""
    return where(x < 0, -grad, where(x > 0, grad, 0))


def _share_of_winner(grad: Any, wins: Any, ties: Any) -> Any:
    return where(ties, grad / 2, where(wins, grad, 0))  # not grad * wins: 0 * inf is NaN


@op(symbol="max", shapes="(),()->()", domain=distinct)
def maximum(x: Any, y: Any) -> Any:
    r"""The larger of two: $z = \max(x, y)$. In a tie, each gets half of the gradient.

    >>> maximum([1.0, 5.0], 3.0)
    array([3., 5.])
    """
    return np.maximum(x, y)


@maximum.backward
def maximum_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = [x > y]\,\bar z$ and $\bar y = [y > x]\,\bar z$"""
    return (
        lambda: _share_of_winner(grad, x > y, x == y),
        lambda: _share_of_winner(grad, y > x, x == y),
    )


@op(symbol="min", shapes="(),()->()", domain=distinct)
def minimum(x: Any, y: Any) -> Any:
    r"""The smaller of two: $z = \min(x, y)$. In a tie, each gets half of the gradient.

    >>> minimum([1.0, 5.0], 3.0)
    array([1., 3.])
    """
    return np.minimum(x, y)


@minimum.backward
def minimum_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = [x < y]\,\bar z$ and $\bar y = [y < x]\,\bar z$"""
    return (
        lambda: _share_of_winner(grad, x < y, x == y),
        lambda: _share_of_winner(grad, y < x, x == y),
    )


@op(symbol="relu", domain=nonzero)
def relu(x: Any) -> Any:
    r"""Rectifier: $y = \max(x, 0)$. Its gradient at 0 is defined as 0.

    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """
    return np.maximum(x, 0)


@relu.backward
def relu_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = [x > 0]\,\bar y$"""
    return where(x > 0, grad, 0)


@op(symbol="where", domain=(truth, real, real))
def where(condition: Any, x: Any, y: Any) -> Any:
    r"""Elementwise choice: $z = c\,x + (1 - c)\,y$, where the condition $c$ is 1 or 0.

    >>> where([True, False], [1.0, 2.0], 0.0)
    array([1., 0.])
    """
    if type(y) is int and y == 0 and all_numpy(condition, x):
        return zero_elsewhere(condition, x)
    return np.where(condition, x, y)


@where.backward
def where_backward(grad: Any, z: Any, condition: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = c\,\bar z$ and $\bar y = (1 - c)\,\bar z$"""
    return (
        None,
        lambda: where(condition, grad, 0),
        lambda: where(condition, 0, grad),
    )


@op(
    symbol="clip",
    domain=distinct,
    examples=({"min": -0.31, "max": 0.32}, {"min": None, "max": 0.33}, {}),
)
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    r"""Limit to an interval: $y = \min(\max(x, a), b)$.

    The gradient passes where `min <= x <= max`, including the limits (as in TensorFlow), and goes
    to the limit elsewhere.

    >>> clip([-1.0, 0.5, 7.0], 0, 1)
    array([0. , 0.5, 1. ])
    """
    return np.clip(x, min, max)


@clip.backward
def clip_backward(grad: Any, y: Any, x: Any, min: Any, max: Any) -> Any:
    r"""$\bar x = [a \le x \le b]\,\bar y$ and $\bar a = [x < a \le b]\,\bar y$
    and $\bar b = [\max(x, a) > b]\,\bar y$
    """
    below = x < (-np.inf if min is None else min)
    above = (x if min is None else maximum(x, min)) > (np.inf if max is None else max)
    return (
        lambda: where(below | above, 0, grad),
        lambda: where(below & ~above, grad, 0),
        lambda: where(above, grad, 0),
    )
