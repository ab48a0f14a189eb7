"""Functions made of steps. Between two steps nothing changes: there the slope is 0.

A step itself has no derivative. The gradients are 0 on it too, so that nothing that came through
one of these functions is ever trained; `remainder` alone is a ramp between its steps.
"""

from typing import Any

import numpy as np

from tinygrad_xent.arrays import as_array
from tinygrad_xent.op import op
from tinygrad_xent.ops.piecewise import where


def _zeros(grad: Any) -> Any:
    return where(False, grad, 0)  # not grad * 0, which is NaN for an infinite gradient


@op(symbol="sign", domain="nonzero")
def sign(x: Any) -> Any:
    r"""-1, 0 or 1, as x is negative, zero or positive: $y = x / |x|$. Its gradient is 0.

    >>> sign([-2.0, 0.0, 3.0])
    array([-1.,  0.,  1.])
    """
    return np.sign(x)


@op(symbol="floor", domain="between_steps")
def floor(x: Any) -> Any:
    r"""Largest whole number that is not above x: $y = \operatorname{floor}(x)$. Its gradient is 0.

    >>> floor([1.7, -1.2])
    array([ 1., -2.])
    """
    return np.floor(x)


@op(symbol="ceil", domain="between_steps")
def ceil(x: Any) -> Any:
    r"""Smallest whole number that is not below x: $y = \operatorname{ceil}(x)$. Its gradient is 0.

    >>> ceil([1.2, -1.7])
    array([ 2., -1.])
    """
    return np.ceil(x)


@sign.backward
@floor.backward
@ceil.backward
def step_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x = 0$"""
    return _zeros(grad)


@op(symbol="round", domain="between_steps", examples=({}, {"decimals": 1}))
def round(x: Any, *, decimals: int = 0) -> Any:
    r"""Nearest number with so many decimals: $y = \operatorname{round}(x)$. Its gradient is 0.

    Halfway between two numbers it is the even one.

    >>> round([1.25, 2.5, -0.7])
    array([ 1.,  2., -1.])
    """
    return as_array(x).round(decimals)


@round.backward
def round_backward(grad: Any, y: Any, x: Any, *, decimals: int) -> Any:
    r"""$\bar x = 0$"""
    return _zeros(grad)


@op(symbol="//", domain=("between_steps", "divisor"))
def floor_divide(x: Any, y: Any) -> Any:
    r"""Quotient, rounded down: $z = \operatorname{floor}(x / y)$. Both of its gradients are 0.

    >>> floor_divide([7.0, -7.0], 2.0)
    array([ 3., -4.])
    """
    return np.floor_divide(x, y)


@floor_divide.backward
def floor_divide_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = 0$ and $\bar y = 0$"""
    return _zeros(grad), _zeros(grad)


@op(symbol="%", domain=("between_steps", "divisor"))
def remainder(x: Any, y: Any) -> Any:
    r"""Rest of a division, with the sign of y: $z = x - y\,\operatorname{floor}(x / y)$.

    >>> remainder([7.0, -7.0], 2.0)
    array([1., 1.])
    """
    return np.remainder(x, y)


@remainder.backward
def remainder_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar x = \bar z$ and $\bar y = -\operatorname{floor}(x / y)\,\bar z$"""
    return grad, lambda: -grad * floor_divide(x, y)
