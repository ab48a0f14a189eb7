"""Wrong rules of functions of one variable, sums, products, quotients, powers and choices."""

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.teaching.museum.rules import above_zero, few_negative, normal, with_value, wrong

# -- functions of one variable ---------------------------------------------------------------


@wrong(ops.exp, "ignores-upstream")
def exp_local_slope_only(grad, y, x):
    """Right only while `exp` is the last op, where the upstream gradient is 1.

    Anywhere else the rest of the graph is ignored.
    """
    return y


@wrong(ops.exp, "wrong-formula")
def exp_as_a_power(grad, y, x):
    """The power rule, although the exponent varies: 0 at x = 0, where the slope is 1."""
    return grad * x * np.exp(x - 1)


@wrong(ops.exp, "second-order-only", order=2)
def exp_of_bare_numbers(grad, y, x):
    """Every gradient is right, but its own gradient is 0: `.data` is not part of the graph."""
    return grad * y.data


@wrong(ops.log, "wrong-formula")
def log_multiplies(grad, y, x):
    """Small where it should be large: the rare classes of a cross-entropy hardly learn."""
    return grad * x


@wrong(ops.log, "constant-factor")
def log_to_base_ten(grad, y, x):
    """The direction is right, and training is 2.3 times slower: 2.303 is ln 10."""
    return grad / (x * np.log(10))


@wrong(ops.log1p, "wrong-formula")
def log1p_as_log(grad, y, x):
    """Enormous near x = 0, where the slope is 1: the denominator lacks the 1."""
    return grad / x


@wrong(ops.expm1, "wrong-formula")
def expm1_as_exp(grad, y, x):
    """Zero at x = 0, where the slope is 1: the output is e^x - 1, not e^x."""
    return grad * y


@wrong(ops.sqrt, "wrong-formula")
def sqrt_exponent_not_lowered(grad, y, x):
    """Grows with x instead of shrinking: the power rule with the old exponent."""
    return grad * 0.5 * x**0.5


@wrong(ops.tanh, "wrong-formula")
def tanh_not_squared(grad, y, x):
    """Right where the unit saturates at 1, but up to 2 where it saturates at -1."""
    return grad * (1 - y)


@wrong(ops.tanh, "wrong-sign")
def tanh_turned_round(grad, y, x):
    """The loss climbs from the first step."""
    return grad * (y * y - 1)


@wrong(ops.tanh, "wrong-dtype")
def tanh_in_half_precision(grad, y, x):
    """Three digits are right, and tiny gradients become exactly 0."""
    return (grad * (1 - y * y)).astype(np.float16)


@wrong(ops.sigmoid, "wrong-formula")
def sigmoid_of_its_input(grad, y, x):
    """Gradients of any size and sign: y (1 - y) computed from the input instead of the output."""
    return grad * x * (1 - x)


@wrong(ops.sigmoid, "wrong-formula")
def sigmoid_twice(grad, y, x):
    """Always between 0.19 and 0.25, even where the unit saturates: σ is applied to its output."""
    s = 1 / (1 + np.exp(-y))
    return grad * s * (1 - s)


@wrong(ops.sigmoid, "non-finite", with_value(-1000.0, (2, 3)))
def sigmoid_from_its_formula(grad, y, x):
    """Works until an input is very negative, and then makes every weight NaN."""
    e = np.exp(-x)
    return grad * e / (1 + e) ** 2


@wrong(ops.negative, "wrong-sign")
def negative_passes(grad, y, x):
    """The rule of a copy: what should fall rises."""
    return grad


@wrong(ops.square, "constant-factor")
def square_without_the_two(grad, y, x):
    """Half of the gradient: only one of the two factors is counted."""
    return x * grad


@wrong(ops.square, "missing-gradient")
def square_held_constant(grad, y, x):
    """The weights before this op never move."""
    return np.zeros_like(x)


@wrong(ops.absolute, "few-entries-wrong", few_negative((4, 5), 3))
def absolute_passes(grad, y, x):
    """Right where x is positive; the few negative entries move away from 0."""
    return grad


@wrong(ops.relu, "few-entries-wrong", few_negative((4, 5), 3))
def relu_passes(grad, y, x):
    """Units that are off learn as if they were on."""
    return grad


@wrong(ops.relu, "wrong-formula", few_negative((4, 5), 3))
def relu_of_the_gradient(grad, y, x):
    """Negative gradients are lost, whatever x is: the mask tests `grad`, not x."""
    return np.where(grad > 0, grad, 0)


@wrong(ops.relu, "ignores-upstream")
def relu_mask_only(grad, y, x):
    """Only zeros and ones."""
    return np.where(x > 0, 1.0, 0.0)


@wrong(ops.relu, "wrong-dtype")
def relu_in_integers(grad, y, x):
    """Most of the gradient is 0: the decimals are cut off."""
    return ((x > 0) * grad).astype(int)


# -- arithmetic ------------------------------------------------------------------------------


@wrong(ops.add, "missing-gradient")
def add_one_sided(grad, z, x, y):
    """A bias added last never changes."""
    return grad, None


@wrong(ops.subtract, "wrong-sign")
def subtract_as_add(grad, z, x, y):
    """The second input moves the wrong way; the rest of the network learns."""
    return grad, grad


# Swapping the two and negating both have the same result.
@wrong(ops.subtract, "gradients-swapped", normal((2, 3), (2, 3)), also=("wrong-sign",))
def subtract_exchanged(grad, z, x, y):
    """Prediction and target move away from each other."""
    return -grad, grad


@wrong(ops.multiply, "gradients-swapped", normal((2, 3), (2, 3)))
def multiply_exchanged(grad, z, x, y):
    """Each factor gets itself in place of the other."""
    return grad * x, grad * y


@wrong(ops.multiply, "wrong-formula", normal((2, 3), (2, 3)))
def multiply_as_add(grad, z, x, y):
    """The gradient does not depend on the factors at all."""
    return grad, grad


@wrong(ops.multiply, "ignores-upstream", normal((2, 3), (2, 3)))
def multiply_local_slopes_only(grad, z, x, y):
    """Right if this is the last op, and wrong in every network."""
    return y, x


@wrong(ops.multiply, "missing-gradient")
def multiply_by_a_constant(grad, z, x, y):
    """The second factor is treated as a constant: a learned scale keeps its initial value."""
    return grad * y, np.zeros_like(y)


@wrong(ops.multiply, "second-order-only", normal((2, 3), (2, 3)), order=2)
def multiply_of_bare_numbers(grad, z, x, y):
    """First derivatives are right; the mixed second derivative is 0 in place of 1."""
    return grad * y.data, grad * x.data


@wrong(ops.divide, "wrong-sign")
def divide_sign_forgotten(grad, z, x, y):
    """The denominator grows where it should shrink."""
    return grad / y, grad * z / y


@wrong(ops.divide, "missing-gradient")
def divide_numerator_only(grad, z, x, y):
    """A norm in the denominator counts as constant: weights also change their length."""
    return grad / y, None


@wrong(ops.divide, "wrong-formula", above_zero((2, 3), (2, 3)))
def divide_not_squared(grad, z, x, y):
    """Right where y is 1, and off by a factor of y elsewhere."""
    return grad / y, -grad * x / y


@wrong(ops.power, "wrong-formula")
def power_exponent_kept(grad, y, x, n):
    """The exponent is copied in front but not reduced by 1."""
    return grad * n * x**n, grad * y * np.log(x)


@wrong(ops.power, "constant-factor", lambda rng: ((rng.uniform(0.5, 2, (2, 3)), np.array(3.0)), {}))
def power_exponent_not_in_front(grad, y, x, n):
    """A third of the gradient of a cube."""
    return grad * x ** (n - 1), grad * y * np.log(x)


@wrong(ops.power, "non-finite", lambda rng: (_with_a_zero(rng), {}))
def power_logarithm_of_zero(grad, y, x, n):
    """0 times minus infinity: a single base of 0 makes the exponent's gradient NaN."""
    return grad * n * x ** (n - 1), grad * y * np.log(x)


def _with_a_zero(rng):
    x = rng.uniform(0.5, 2, (2, 3))
    x.flat[rng.integers(6)] = 0
    return x, np.array(2.0)


@wrong(ops.power, "gradients-swapped", above_zero((2, 3), (2, 3)))
def power_exchanged(grad, y, x, n):
    """Two right formulas in the wrong order."""
    return grad * y * np.log(x), grad * n * x ** (n - 1)


@wrong(ops.maximum, "gradients-swapped", normal((4, 5), (4, 5)))
def maximum_rewards_the_loser(grad, z, x, y):
    """The smaller of the two moves, and the maximum stays."""
    return np.where(x < y, grad, 0), np.where(y < x, grad, 0)


@wrong(ops.maximum, "missing-gradient", normal((4, 5), (4, 5)))
def maximum_first_only(grad, z, x, y):
    """Fine for a rectifier, whose second input is the constant 0; wrong for two tensors."""
    return np.where(x > y, grad, 0), np.zeros_like(y)


@wrong(ops.where, "gradients-swapped", lambda rng: (_choice(rng), {}))
def where_exchanged(grad, z, condition, x, y):
    """The chosen entries get nothing, and the others everything."""
    return None, np.where(condition, 0, grad), np.where(condition, grad, 0)


def _choice(rng):
    return rng.permutation(20).reshape(4, 5) < 9, rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
