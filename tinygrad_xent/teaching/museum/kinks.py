"""Right rules at kinks, where any slope between those on the left and right is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.teaching.museum.inputs import with_value
from tinygrad_xent.teaching.museum.layers import hard_tanh
from tinygrad_xent.teaching.museum.rules import right

_ZERO = with_value(0.0, (2, 3))


@right(ops.relu, _ZERO)
def relu_by_its_output(grad: Any, y: Any, x: Any) -> Any:
    """Slope 0 at 0."""
    return grad * (y > 0)


@right(ops.relu, _ZERO)
def relu_with_slope_one_at_zero(grad: Any, y: Any, x: Any) -> Any:
    """Slope 1 at 0."""
    return grad * (x >= 0)


@right(ops.relu, _ZERO)
def relu_with_half_a_slope_at_zero(grad: Any, y: Any, x: Any) -> Any:
    """Slope 1/2 at 0, the mean of both sides."""
    return grad * np.heaviside(x, x.dtype.type(0.5))


@right(ops.absolute, _ZERO)
def absolute_by_sign(grad: Any, y: Any, x: Any) -> Any:
    """Slope 0 at 0, between -1 and 1."""
    return grad * np.sign(x)


@right(ops.absolute, _ZERO)
def absolute_falls_at_zero(grad: Any, y: Any, x: Any) -> Any:
    """Slope -1 at 0."""
    return np.where(x > 0, grad, -grad)


@right(hard_tanh, with_value(1.0, (2, 3)))
def hard_tanh_open_at_its_limits(grad: Any, y: Any, x: Any) -> Any:
    """The gradient passes at the limits."""
    return grad * (np.absolute(x) <= 1)


def _ties(rng: np.random.Generator) -> Any:
    x, y = rng.normal(size=(2, 3, 4))
    x[1], y[2, 3] = y[1], x[2, 3]
    return (x, y), {}


@right(ops.maximum, _ties)
def maximum_first_wins_ties(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The first input gets the whole gradient of a tie."""
    return grad * (x >= y), grad * (x < y)


@right(ops.maximum, _ties)
def maximum_second_wins_ties(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The second input gets the whole gradient of a tie."""
    return grad * (x > y), grad * (x <= y)


@right(ops.max, lambda rng: (_tied_rows(rng), {"axis": 1}))
def max_first_of_the_ties(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """The first of the largest entries gets the whole gradient, as with `argmax`."""
    out = np.zeros_like(x)
    out[np.arange(len(x)), np.argmax(x, axis=axis)] = grad
    return out


def _tied_rows(rng: np.random.Generator) -> Any:
    x = rng.uniform(-1, 1, (3, 5))
    x[1, :2] = 2
    return (x,)
