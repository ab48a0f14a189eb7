"""Wrong rules of sums, products, quotients, powers and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.museum.inputs import above_zero, normal
from tinygrad_xent.museum.rules import wrong
from tinygrad_xent.ops import (
    add,
    divide,
    maximum,
    minimum,
    multiply,
    power,
    subtract,
    where,
)


@wrong(add, "missing-gradient")
def add_one_sided(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """A bias added last never changes."""
    return grad, None


@wrong(subtract, "wrong-sign")
def subtract_as_add(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """What is subtracted moves the wrong way; the other half of the network learns."""
    return grad, grad


# Exchanging the two and turning both round come to the same.
@wrong(subtract, "gradients-swapped", normal((2, 3), (2, 3)), also=("wrong-sign",))
def subtract_exchanged(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """Prediction and target run away from each other."""
    return -grad, grad


@wrong(multiply, "gradients-swapped", normal((2, 3), (2, 3)))
def multiply_exchanged(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """Each factor gets itself where it should get the other one."""
    return grad * x, grad * y


@wrong(multiply, "unknown", normal((2, 3), (2, 3)))
def multiply_as_add(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The gradient does not depend on the factors at all."""
    return grad, grad


@wrong(multiply, "ignores-upstream", normal((2, 3), (2, 3)))
def multiply_local_slopes_only(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """Right in an exercise that ends here, wrong in every network."""
    return y, x


@wrong(multiply, "missing-gradient")
def multiply_by_a_constant(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The second factor was taken for a constant: a learned scale stays at its first value."""
    return grad * y, np.zeros_like(y)


@wrong(multiply, "second-order-only", normal((2, 3), (2, 3)), order=2)
def multiply_of_bare_numbers(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """First derivatives are right; the mixed one, which is 1, is missing."""
    return grad * y.data, grad * x.data


@wrong(divide, "wrong-sign")
def divide_sign_forgotten(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The denominator grows where it should shrink."""
    return grad / y, grad * z / y


@wrong(divide, "missing-gradient")
def divide_numerator_only(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """A norm in the denominator counts as constant: weights change length when they should turn."""
    return grad / y, None


@wrong(divide, "unknown", above_zero((2, 3), (2, 3)))
def divide_not_squared(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """Right where y is 1, and off by a factor y elsewhere."""
    return grad / y, -grad * x / y


@wrong(power, "unknown")
def power_exponent_kept(grad: Any, y: Any, x: Any, n: Any) -> Any:
    """The exponent came down, and was not made smaller."""
    return grad * n * x**n, grad * y * np.log(x)


@wrong(power, "constant-factor", lambda rng: ((rng.uniform(0.5, 2, (2, 3)), np.array(3.0)), {}))
def power_exponent_not_in_front(grad: Any, y: Any, x: Any, n: Any) -> Any:
    """A third of the gradient of a cube."""
    return grad * x ** (n - 1), grad * y * np.log(x)


@wrong(power, "missing-gradient")
def power_exponent_held_constant(grad: Any, y: Any, x: Any, n: Any) -> Any:
    """A learned exponent does not learn."""
    return grad * n * x ** (n - 1), np.zeros_like(n)


@wrong(power, "non-finite", lambda rng: (_with_a_zero(rng), {}))
def power_logarithm_of_zero(grad: Any, y: Any, x: Any, n: Any) -> Any:
    """0 times minus infinity: one zero among the bases makes the exponent NaN."""
    return grad * n * x ** (n - 1), grad * y * np.log(x)


def _with_a_zero(rng: np.random.Generator) -> Any:
    x = rng.uniform(0.5, 2, (2, 3))
    x.flat[rng.integers(6)] = 0
    return x, np.array(2.0)


@wrong(power, "gradients-swapped", above_zero((2, 3), (2, 3)))
def power_exchanged(grad: Any, y: Any, x: Any, n: Any) -> Any:
    """Two right formulas in the wrong order."""
    return grad * y * np.log(x), grad * n * x ** (n - 1)


@wrong(maximum, "gradients-swapped", normal((4, 5), (4, 5)))
def maximum_rewards_the_loser(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The smaller of the two moves, and the maximum stays where it is."""
    return np.where(x < y, grad, 0), np.where(y < x, grad, 0)


@wrong(maximum, "missing-gradient", normal((4, 5), (4, 5)))
def maximum_first_only(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """Fine for a rectifier, whose second input is the number 0; wrong for two tensors."""
    return np.where(x > y, grad, 0), np.zeros_like(y)


@wrong(minimum, "gradients-swapped", normal((4, 5), (4, 5)))
def minimum_copied_from_maximum(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """A copied rule: one comparison was to be turned round, and was not."""
    return np.where(x > y, grad, 0), np.where(y > x, grad, 0)


@wrong(where, "gradients-swapped", lambda rng: (_choice(rng), {}))
def where_exchanged(grad: Any, z: Any, condition: Any, x: Any, y: Any) -> Any:
    """What was chosen gets nothing, what was not chosen gets all."""
    return None, np.where(condition, 0, grad), np.where(condition, grad, 0)


def _choice(rng: np.random.Generator) -> Any:
    return rng.permutation(20).reshape(4, 5) < 9, rng.normal(size=(4, 5)), rng.normal(size=(4, 5))


@wrong(where, "missing-gradient", lambda rng: (_choice(rng), {}))
def where_first_only(grad: Any, z: Any, condition: Any, x: Any, y: Any) -> Any:
    """The branch for "otherwise" gets no gradient: masked places never learn."""
    return None, np.where(condition, grad, 0), np.zeros_like(y)
