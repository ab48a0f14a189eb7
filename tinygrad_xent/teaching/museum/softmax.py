"""Wrong rules of the softmax, its logarithm, and other functions of a whole row."""

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.ops import sum
from tinygrad_xent.teaching.museum.layers import centre, normalise, standardise
from tinygrad_xent.teaching.museum.rules import above_zero, normal, with_value, wrong

_ROWS = normal((4, 5))


@wrong(ops.softmax, "missing-cross-term", _ROWS)
def softmax_diagonal_only(grad, y, x, *, axis):
    """The rule of the sigmoid: raising one logit does not lower the other probabilities.

    The rows of the gradient no longer sum to 0.
    """
    return grad * y * (1 - y)


@wrong(ops.softmax, "missing-cross-term", _ROWS)
def softmax_as_exp(grad, y, x, *, axis):
    """The numerator's gradient without the denominator's: rows do not sum to 0."""
    return grad * y


@wrong(ops.softmax, "wrong-sign", _ROWS)
def softmax_turned_round(grad, y, x, *, axis):
    """Rows sum to 0 as they should, and the loss rises."""
    return y * (np.sum(grad * y, axis=axis, keepdims=True) - grad)


@wrong(ops.softmax, "wrong-formula", _ROWS)
def softmax_plus_the_mean(grad, y, x, *, axis):
    """One sign is wrong: the gradient of a row does not sum to 0."""
    return y * (grad + np.sum(grad * y, axis=axis, keepdims=True))


@wrong(ops.softmax, "wrong-axis", _ROWS)
def softmax_summed_down_the_columns(grad, y, x, *, axis):
    """An example's gradient changes when another example joins the batch."""
    return y * (grad - np.sum(grad * y, axis=0, keepdims=True))


@wrong(ops.softmax, "wrong-axis", _ROWS)
def softmax_summed_over_the_batch(grad, y, x, *, axis):
    """Right for a single row: a sum without its axis is over the whole batch."""
    return y * (grad - np.sum(grad * y))


@wrong(ops.softmax, "wrong-shape", normal((2, 3)))
def softmax_gives_its_jacobian(grad, y, x, *, axis):
    """A matrix for each row: the Jacobian, not multiplied by the upstream gradient."""
    return y[:, :, None] * (np.eye(y.shape[1]) - y[:, None, :])


# The Jacobian's columns sum to 0, so this is 0 up to rounding.
@wrong(ops.softmax, "missing-gradient", normal((2, 3)), also=("ignores-upstream",))
def softmax_jacobian_summed(grad, y, x, *, axis):
    """Zeros, or 1e-17: the Jacobian summed without the upstream gradient."""
    jacobian = y[:, :, None] * (np.eye(y.shape[1]) - y[:, None, :])
    return np.sum(jacobian, axis=1)


@wrong(ops.softmax, "non-finite", with_value(1000.0, (2, 3)))
def softmax_computed_again(grad, y, x, *, axis):
    """NaN at large logits: the rule computes the softmax again without the shift."""
    p = np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)
    return p * (grad - np.sum(grad * p, axis=axis, keepdims=True))


@wrong(ops.softmax, "few-entries-wrong", normal((6, 4)))
def softmax_last_row_forgotten(grad, y, x, *, axis):
    """The last example of each batch gets no gradient: the loop ends one too early."""
    out = np.zeros_like(x)
    for i in range(len(x) - 1):
        out[i] = y[i] * (grad[i] - grad[i] @ y[i])
    return out


@wrong(ops.softmax, "second-order-only", _ROWS, order=2)
def softmax_of_bare_numbers(grad, y, x, *, axis):
    """Gradients are right, but Hessians too small: the probabilities count as constants."""
    p = np.asarray(y.data)
    return p * (grad - sum(grad * p, axis=axis, keepdims=True))


@wrong(ops.log_softmax, "missing-cross-term", _ROWS)
def log_softmax_diagonal_only(grad, y, x, *, axis):
    """With one-hot labels only the true class gets a gradient; the others never fall."""
    return grad * (1 - np.exp(y))


@wrong(ops.log_softmax, "missing-cross-term", _ROWS)
def log_softmax_passes(grad, y, x, *, axis):
    """All logits grow forever: the denominator counts as a constant."""
    return grad


@wrong(ops.log_softmax, "wrong-formula", _ROWS)
def log_softmax_forgets_the_exponential(grad, y, x, *, axis):
    """The log-probabilities in place of the probabilities."""
    return grad - y * np.sum(grad, axis=axis, keepdims=True)


@wrong(ops.log_softmax, "wrong-formula", _ROWS)
def log_softmax_as_softmax(grad, y, x, *, axis):
    """The rule of the softmax, applied to logarithms: rows do not sum to 0."""
    return y * (grad - np.sum(grad * y, axis=axis, keepdims=True))


@wrong(ops.log_softmax, "non-finite", with_value(-1000.0, (2, 3)))
def log_softmax_in_two_steps(grad, y, x, *, axis):
    """0 times infinity: the slope of the logarithm, 1/p, times that of the softmax, 0."""
    p = np.exp(y)
    return p * (grad / p - np.sum(grad, axis=axis, keepdims=True))


@wrong(centre, "missing-cross-term", _ROWS)
def centre_passes(grad, y, x):
    """The path through the mean of the row is missing."""
    return grad


@wrong(normalise, "missing-cross-term", above_zero((4, 5)), also=("not-summed-over-broadcast",))
def normalise_diagonal_only(grad, y, x):
    """All entries grow together forever, which does not change the output."""
    return grad * (1 - y) / np.sum(x, axis=-1, keepdims=True)


@wrong(standardise, "missing-cross-term", _ROWS)
def standardise_statistics_held_constant(grad, y, x):
    """Mean and deviation count as constants."""
    return grad / np.std(x, axis=-1, keepdims=True)


@wrong(standardise, "wrong-axis", _ROWS)
def standardise_down_the_columns(grad, y, x):
    """The rule of batch normalisation with the function of layer normalisation."""
    shared = np.mean(grad, axis=0, keepdims=True)
    along = y * np.mean(grad * y, axis=0, keepdims=True)
    return (grad - shared - along) / np.std(x, axis=-1, keepdims=True)
