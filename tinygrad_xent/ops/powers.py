"""Squares, roots, and powers and logarithms to the bases 2 and 10."""

import math
from typing import Any

import numpy as np

from tinygrad_xent.op import op
from tinygrad_xent.ops.elementwise import sigmoid
from tinygrad_xent.ops.piecewise import where


@op(symbol="x²")
def square(x: Any) -> Any:
    r"""Square: $y = x^2$.

    >>> square([2.0, -3.0])
    array([4., 9.])
    """
    return np.square(x)


@square.backward
def square_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = 2 x\,\bar y$"""
    return 2 * grad * x


@op(symbol="1/x", domain="nonzero")
def reciprocal(x: Any) -> Any:
    r"""Reciprocal: $y = 1 / x$.

    >>> reciprocal([2.0, -4.0])
    array([ 0.5 , -0.25])
    """
    return np.reciprocal(x)


@reciprocal.backward
def reciprocal_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = -y^2\,\bar y$"""
    return -grad * y * y


@op(symbol="∛", domain="nonzero")
def cbrt(x: Any) -> Any:
    r"""Cube root, also of negative numbers: $y = x^{1/3}$.

    >>> cbrt([8.0, -27.0])
    array([ 2., -3.])
    """
    return np.cbrt(x)


@cbrt.backward
def cbrt_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / (3 y^2)$"""
    return grad / (3 * y * y)


@op(symbol="hypot", domain="nonzero")
def hypot(x: Any, y: Any) -> Any:
    r"""Length of the vector (x, y): $z = \sqrt{x^2 + y^2}$. Its gradient at 0 is defined as 0.

    >>> hypot([3.0, 1e200], [4.0, 0.0])
    array([5.e+000, 1.e+200])
    """
    return np.hypot(x, y)


@hypot.backward
def hypot_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = \frac{x}{z}\,\bar z$ and $\bar y = \frac{y}{z}\,\bar z$"""
    length = z + (z == 0)
    return lambda: grad * (x / length), lambda: grad * (y / length)


@op(symbol="2^x")
def exp2(x: Any) -> Any:
    r"""Power of 2: $y = 2^x$.

    >>> exp2([3.0, -1.0])
    array([8. , 0.5])
    """
    return np.exp2(x)


@exp2.backward
def exp2_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \ln(2)\,y\,\bar y$"""
    return grad * y * math.log(2)


@op(symbol="log2", domain="positive")
def log2(x: Any) -> Any:
    r"""Logarithm to the base 2: $y = \ln(x) / \ln(2)$.

    >>> log2([8.0, 0.5])
    array([ 3., -1.])
    """
    return np.log2(x)


@log2.backward
def log2_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / (x \ln 2)$"""
    return grad / (x * math.log(2))


@op(symbol="log10", domain="positive")
def log10(x: Any) -> Any:
    r"""Logarithm to the base 10: $y = \ln(x) / \ln(10)$.

    >>> log10([1000.0, 0.1])
    array([ 3., -1.])
    """
    return np.log10(x)


@log10.backward
def log10_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = \bar y / (x \ln 10)$"""
    return grad / (x * math.log(10))


@op(symbol="ln(eˣ+eʸ)")
def logaddexp(x: Any, y: Any) -> Any:
    r"""Logarithm of a sum of exponentials, without overflow: $z = \ln(e^x + e^y)$.

    >>> print(logaddexp(1000.0, 1000.0))
    1000.6931471805599
    """
    return np.logaddexp(x, y)


@logaddexp.backward
def logaddexp_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = \frac{e^x}{e^x + e^y}\,\bar z$ and $\bar y = \frac{e^y}{e^x + e^y}\,\bar z$"""
    same = (x == y) & (abs(z) == np.inf)  # each gets a half; inf - inf would be NaN
    lead = where(same, 0, x) - where(same, 0, y)
    return lambda: grad * sigmoid(lead), lambda: grad * sigmoid(-lead)
