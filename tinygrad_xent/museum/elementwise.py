"""Wrong rules of functions of one variable."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.museum.inputs import few_negative, with_value
from tinygrad_xent.museum.layers import clipped_log, hard_tanh, square
from tinygrad_xent.museum.rules import wrong
from tinygrad_xent.ops import (
    absolute,
    exp,
    expm1,
    log,
    log1p,
    negative,
    relu,
    sigmoid,
    sqrt,
    tanh,
)


@wrong(exp, "ignores-upstream")
def exp_local_slope_only(grad: Any, y: Any, x: Any) -> Any:
    """Right as long as `exp` is the last op, where the gradient that arrives is 1.

    Anywhere else the rest of the graph is forgotten.
    """
    return y


@wrong(exp, "unknown")
def exp_as_a_power(grad: Any, y: Any, x: Any) -> Any:
    """The power rule, where it is the exponent that varies: 0 at x = 0, where the slope is 1."""
    return grad * x * np.exp(x - 1)


@wrong(exp, "second-order-only", order=2)
def exp_of_bare_numbers(grad: Any, y: Any, x: Any) -> Any:
    """Every gradient is right. Its own gradient is 0, because `.data` is cut off from the graph."""
    return grad * y.data


@wrong(log, "ignores-upstream")
def log_local_slope_only(grad: Any, y: Any, x: Any) -> Any:
    """In `-log(p)` the gradient has the wrong sign: the minus came from upstream."""
    return 1 / x


@wrong(log, "unknown")
def log_multiplies(grad: Any, y: Any, x: Any) -> Any:
    """Small where it should be large: the rare classes of a cross-entropy hardly learn."""
    return grad * x


@wrong(log, "constant-factor")
def log_to_base_ten(grad: Any, y: Any, x: Any) -> Any:
    """The direction is right, and training is 2.3 times slower: 2.303 is ln 10."""
    return grad / (x * np.log(10))


@wrong(log, "second-order-only", order=2)
def log_of_bare_numbers(grad: Any, y: Any, x: Any) -> Any:
    """Training is as it should be; a Hessian of the loss has a zero where -1/x² belongs."""
    return grad / x.data


@wrong(log1p, "unknown")
def log1p_as_log(grad: Any, y: Any, x: Any) -> Any:
    """Enormous near x = 0, where the slope is 1: the 1 is missing below the bar."""
    return grad / x


@wrong(expm1, "unknown")
def expm1_as_exp(grad: Any, y: Any, x: Any) -> Any:
    """Zero at x = 0, where the slope is 1: the output is not e^x but e^x - 1."""
    return grad * y


@wrong(sqrt, "constant-factor")
def sqrt_without_the_two(grad: Any, y: Any, x: Any) -> Any:
    """Twice too long everywhere, which a smaller learning rate hides."""
    return grad / y


@wrong(sqrt, "unknown")
def sqrt_exponent_not_lowered(grad: Any, y: Any, x: Any) -> Any:
    """Grows with x instead of shrinking: the power rule without its second half."""
    return grad * 0.5 * x**0.5


@wrong(tanh, "unknown")
def tanh_not_squared(grad: Any, y: Any, x: Any) -> Any:
    """Right where the unit is saturated at 1, and up to 2 where it is saturated at -1."""
    return grad * (1 - y)


@wrong(tanh, "wrong-sign")
def tanh_turned_round(grad: Any, y: Any, x: Any) -> Any:
    """The loss climbs from the first step."""
    return grad * (y * y - 1)


@wrong(tanh, "wrong-dtype")
def tanh_in_half_precision(grad: Any, y: Any, x: Any) -> Any:
    """Three digits are right, and tiny gradients become exactly 0."""
    return (grad * (1 - y * y)).astype(np.float16)


@wrong(tanh, "second-order-only", order=2)
def tanh_of_bare_numbers(grad: Any, y: Any, x: Any) -> Any:
    """First derivatives pass every check; the second are those of a straight line."""
    return grad * (1 - np.square(y.data))


@wrong(sigmoid, "unknown")
def sigmoid_of_its_input(grad: Any, y: Any, x: Any) -> Any:
    """Gradients of any size and sign: y (1 - y) was written with the input."""
    return grad * x * (1 - x)


@wrong(sigmoid, "unknown")
def sigmoid_twice(grad: Any, y: Any, x: Any) -> Any:
    """Always between 0.19 and 0.25, and saturation is never seen: σ is applied to the output."""
    s = 1 / (1 + np.exp(-y))
    return grad * s * (1 - s)


@wrong(sigmoid, "non-finite", with_value(-1000.0, (2, 3)))
def sigmoid_from_its_formula(grad: Any, y: Any, x: Any) -> Any:
    """Fine for weeks, then NaN in every weight: one input was very negative."""
    e = np.exp(-x)
    return grad * e / (1 + e) ** 2


@wrong(sigmoid, "ignores-upstream")
def sigmoid_local_slope_only(grad: Any, y: Any, x: Any) -> Any:
    """Never negative, so all weights of a neuron can only grow or shrink together."""
    return y * (1 - y)


@wrong(negative, "wrong-sign")
def negative_passes(grad: Any, y: Any, x: Any) -> Any:
    """The rule of a copy: what was to fall rises."""
    return grad


@wrong(square, "constant-factor")
def square_without_the_two(grad: Any, y: Any, x: Any) -> Any:
    """Half of the gradient: a product with itself counted once."""
    return x * grad


@wrong(square, "missing-gradient")
def square_held_constant(grad: Any, y: Any, x: Any) -> Any:
    """The weights before this op never move."""
    return np.zeros_like(x)


@wrong(absolute, "few-entries-wrong", few_negative((4, 5), 3))
def absolute_passes(grad: Any, y: Any, x: Any) -> Any:
    """Right wherever x is positive; the few negative entries run away from 0."""
    return grad


@wrong(relu, "few-entries-wrong", few_negative((4, 5), 3))
def relu_passes(grad: Any, y: Any, x: Any) -> Any:
    """Units that are off learn as if they were on."""
    return grad


@wrong(relu, "unknown", few_negative((4, 5), 3))
def relu_of_the_gradient(grad: Any, y: Any, x: Any) -> Any:
    """Negative gradients are lost, whatever the units did: the mask looks at `grad`, not at x."""
    return np.where(grad > 0, grad, 0)


@wrong(relu, "ignores-upstream")
def relu_mask_only(grad: Any, y: Any, x: Any) -> Any:
    """Nothing but zeros and ones."""
    return np.where(x > 0, 1.0, 0.0)


@wrong(relu, "wrong-dtype")
def relu_in_integers(grad: Any, y: Any, x: Any) -> Any:
    """Most of the gradient is 0: everything after the point was cut off."""
    return ((x > 0) * grad).astype(int)


@wrong(hard_tanh, "few-entries-wrong", lambda rng: (_three_beyond(rng), {}))
def hard_tanh_passes(grad: Any, y: Any, x: Any) -> Any:
    """Entries that are cut off still pull: the optimiser moves them, and nothing happens."""
    return grad


def _three_beyond(rng: np.random.Generator) -> Any:
    x = rng.uniform(-0.9, 0.9, (4, 5))
    x.flat[rng.choice(20, 3, replace=False)] = rng.choice([-2.0, 1.5], 3)
    return (x,)


@wrong(clipped_log, "few-entries-wrong", lambda rng: (_two_clipped(rng), {"epsilon": 0.05}))
def clipped_log_not_clipped(grad: Any, y: Any, p: Any, *, epsilon: float) -> Any:
    """A huge gradient at probabilities near 0, where the clipped function is flat."""
    return grad / p


def _two_clipped(rng: np.random.Generator) -> Any:
    p = rng.uniform(0.1, 0.9, (4, 5))
    p.flat[rng.choice(20, 2, replace=False)] = rng.uniform(0.005, 0.04, 2)
    return (p,)
