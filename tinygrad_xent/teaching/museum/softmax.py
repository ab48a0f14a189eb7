"""Wrong rules of the softmax and other functions of rows, of cross-entropies and squared errors."""

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.domains import simplex
from tinygrad_xent.ops import expand_dims, log_softmax, softmax, softmax_minus_one_hot, sum
from tinygrad_xent.teaching.museum.layers import (
    mean_cross_entropy,
    mean_squared_error,
    normalise,
    standardise,
)
from tinygrad_xent.teaching.museum.rules import (
    above_zero,
    class_numbers,
    distributions,
    logits_for,
    normal,
    with_value,
    wrong,
)

_ROWS = normal((4, 5))
_DENSE = distributions(4, 5)
_SPARSE = class_numbers(3, 10)
_MEAN = logits_for(3, 10)


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


# -- cross-entropies of probabilities ----------------------------------------------------------


@wrong(ops.crossentropy, "wrong-sign")
def crossentropy_sign_forgotten(grad, loss, probs, labels, *, axis):
    """The probability of the true class falls."""
    grad = np.expand_dims(grad, axis)
    return grad * labels / probs, grad * np.log(probs)


@wrong(ops.crossentropy, "wrong-formula")
def crossentropy_upside_down(grad, loss, probs, labels, *, axis):
    """Small labels get huge gradients: numerator and denominator are swapped."""
    grad = np.expand_dims(grad, axis)
    return -grad * probs / labels, -grad * np.log(probs)


@wrong(ops.crossentropy, "wrong-formula")
def crossentropy_without_the_logarithm(grad, loss, probs, labels, *, axis):
    """A confident error gets no larger correction than a slight one."""
    grad = np.expand_dims(grad, axis)
    return -grad * labels, -grad * np.log(probs)


@wrong(ops.crossentropy, "non-finite", lambda rng: (_sure(rng), {}))
def crossentropy_zero_over_zero(grad, loss, probs, labels, *, axis):
    """NaN where a class with label 0 rightly has probability 0."""
    return np.expand_dims(-grad, axis) * labels / probs, None


def _sure(rng):
    probs, labels = simplex.draw(rng, (2, 4)), np.eye(4)[[0, 2]]
    probs[0, 3] = 0
    return probs, labels


@wrong(ops.crossentropy, "gradients-swapped")
def crossentropy_exchanged(grad, loss, probs, labels, *, axis):
    """Two right formulas in the order of another library's arguments."""
    grad = np.expand_dims(grad, axis)
    return -grad * np.log(probs), -grad * labels / probs


# -- fused, dense labels ---------------------------------------------------------------------


@wrong(ops.softmax_cross_entropy, "wrong-sign", _DENSE)
def labels_minus_softmax(grad, loss, labels, logits, *, axis):
    """The labels minus the probabilities, t - p: the classifier unlearns."""
    grad = np.expand_dims(grad, axis)
    return -grad * log_softmax(logits), grad * (labels - softmax(logits))


@wrong(ops.softmax_cross_entropy, "ignores-upstream", _DENSE)
def softmax_minus_labels_only(grad, loss, labels, logits, *, axis):
    """Examples with weight 0, such as padding, are learned like the others."""
    return -log_softmax(logits), softmax(logits) - labels


@wrong(ops.softmax_cross_entropy, "constant-factor", _DENSE)
def cross_entropy_averaged(grad, loss, labels, logits, *, axis):
    """Divided by the batch size, although the op returns one loss per example."""
    grad = np.expand_dims(grad, axis)
    return -grad * log_softmax(logits), grad * (softmax(logits) - labels) / len(logits)


@wrong(ops.softmax_cross_entropy, "constant-factor", _DENSE)
def cross_entropy_mean_over_classes(grad, loss, labels, logits, *, axis):
    """A mean over the classes in place of a sum: with 1,000 classes hardly anything is learned."""
    grad = np.expand_dims(grad, axis)
    return -grad * log_softmax(logits), grad * (softmax(logits) - labels) / logits.shape[axis]


@wrong(ops.softmax_cross_entropy, "missing-gradient", _DENSE)
def cross_entropy_labels_constant(grad, loss, labels, logits, *, axis):
    """Right for constant labels; a network that computes the labels is not trained."""
    return None, np.expand_dims(grad, axis) * (softmax(logits) - labels)


@wrong(ops.softmax_cross_entropy, "gradients-swapped", _DENSE)
def cross_entropy_exchanged(grad, loss, labels, logits, *, axis):
    """The logits get the gradient of the labels: all of them grow."""
    grad = np.expand_dims(grad, axis)
    return grad * (softmax(logits) - labels), -grad * log_softmax(logits)


@wrong(ops.softmax_cross_entropy, "few-entries-wrong", lambda rng: (_one_hot(rng), {}))
def cross_entropy_without_labels(grad, loss, labels, logits, *, axis):
    """Right for every class but the true one: all logits fall."""
    grad = np.expand_dims(grad, axis)
    return -grad * log_softmax(logits), grad * softmax(logits)


def _one_hot(rng):
    return np.eye(6)[rng.integers(6, size=4)], rng.normal(size=(4, 6))


@wrong(ops.softmax_cross_entropy, "unknown", _DENSE)
def cross_entropy_softmax_twice(grad, loss, labels, logits, *, axis):
    """Learning stalls with all classes near 1/n: the softmax of a softmax is nearly uniform."""
    grad = np.expand_dims(grad, axis)
    return -grad * log_softmax(logits), grad * (softmax(softmax(logits)) - labels)


@wrong(ops.softmax_cross_entropy, "wrong-formula", _DENSE)
def cross_entropy_with_logits_for_probabilities(grad, loss, labels, logits, *, axis):
    """The logits move towards the labels themselves, as in least squares."""
    grad = np.expand_dims(grad, axis)
    return -grad * log_softmax(logits), grad * (logits - labels)


@wrong(ops.softmax_cross_entropy, "wrong-formula", lambda rng: (_any_labels(rng), {}))
def cross_entropy_of_any_labels(grad, loss, labels, logits, *, axis):
    """Right if the labels of a row sum to 1. If they do not, p - t is not the derivative."""
    grad = np.expand_dims(grad, axis)
    return -grad * log_softmax(logits), grad * (softmax(logits) - labels)


def _any_labels(rng):
    return rng.uniform(0.2, 1, (4, 5)), rng.normal(size=(4, 5))


@wrong(ops.softmax_cross_entropy, "wrong-axis", lambda rng: (_classes_first(rng), {"axis": 0}))
def cross_entropy_classes_last(grad, loss, labels, logits, *, axis):
    """The rule always takes the last axis as the classes."""
    grad = np.expand_dims(grad, axis)
    return -grad * log_softmax(logits, axis=axis), grad * (softmax(logits, axis=-1) - labels)


def _classes_first(rng):
    return np.ascontiguousarray(simplex.draw(rng, (5, 4)).T), rng.normal(size=(4, 5))


@wrong(ops.softmax_cross_entropy, "second-order-only", _DENSE, order=2)
def cross_entropy_of_bare_numbers(grad, loss, labels, logits, *, axis):
    """The gradient is right, its derivative with respect to the logits is 0."""
    grad = expand_dims(grad, axis=axis)
    z = np.asarray(logits.data)
    return -grad * log_softmax(logits), grad * (softmax(z) - labels)


@wrong(ops.softmax_minus_labels, "missing-cross-term", _DENSE)
def hessian_diagonal_only(grad, y, labels, logits, *, axis):
    """A Hessian without off-diagonal entries: false curvature along (1, 1, ..., 1)."""
    p = softmax(logits)
    return (np.sum(grad * p, axis=-1, keepdims=True) - grad, grad * p * (1 - p))


# -- fused, integer labels -------------------------------------------------------------------


@wrong(ops.sparse_softmax_cross_entropy, "few-entries-wrong", _SPARSE)
def sparse_softmax_only(grad, loss, labels, logits, *, axis):
    """The true class is pushed down like the others."""
    return None, np.expand_dims(grad, axis) * softmax(logits)


@wrong(ops.sparse_softmax_cross_entropy, "few-entries-wrong", _SPARSE)
def sparse_labels_from_one(grad, loss, labels, logits, *, axis):
    """Classes are counted from 1 in the rule and from 0 in the function."""
    p = softmax(logits)
    p[np.arange(len(p)), labels - 1] -= 1
    return None, np.expand_dims(grad, axis) * p


@wrong(ops.sparse_softmax_cross_entropy, "few-entries-wrong", _SPARSE)
def sparse_whole_columns(grad, loss, labels, logits, *, axis):
    """`p[:, labels]` selects whole columns, not one entry per row."""
    p = softmax(logits)
    p[:, labels] -= 1
    return None, np.expand_dims(grad, axis) * p


@wrong(ops.sparse_softmax_cross_entropy, "few-entries-wrong", _SPARSE)
def sparse_last_example_only(grad, loss, labels, logits, *, axis):
    """Only the last example of the batch is right."""
    p = softmax(logits)
    p[-1, labels[-1]] -= 1
    return None, np.expand_dims(grad, axis) * p


@wrong(ops.sparse_softmax_cross_entropy, "wrong-axis", class_numbers(4, 4), also=("unknown",))
def sparse_upstream_along_the_row(grad, loss, labels, logits, *, axis):
    """The weights of the examples act on the classes; as many examples as classes hide it."""
    return None, grad * softmax_minus_one_hot(labels, logits)


@wrong(ops.sparse_softmax_cross_entropy, "ignores-upstream", _SPARSE)
def sparse_p_minus_one_hot_only(grad, loss, labels, logits, *, axis):
    """A mean over the batch after this op does not change the gradient."""
    return None, softmax_minus_one_hot(labels, logits)


@wrong(ops.sparse_softmax_cross_entropy, "wrong-shape", _SPARSE)
def sparse_true_class_only(grad, loss, labels, logits, *, axis):
    """One number per example: only the gradient of the true class's logit."""
    p = softmax(logits)
    return None, grad * (p[np.arange(len(p)), labels] - 1)


@wrong(ops.sparse_softmax_cross_entropy, "wrong-dtype", _SPARSE)
def sparse_in_the_labels_dtype(grad, loss, labels, logits, *, axis):
    """Mostly zeros, and otherwise whole numbers: the gradient is cast to integers."""
    slope = np.expand_dims(grad, axis) * softmax_minus_one_hot(labels, logits)
    return None, slope.astype(labels.dtype)


# -- of a batch ------------------------------------------------------------------------------


@wrong(mean_cross_entropy, "constant-factor", _MEAN)
def batch_not_divided(grad, loss, logits, *, target):
    """The loss is a mean, its gradient a sum: the learning rate depends on the batch size."""
    return grad * softmax_minus_one_hot(target, logits)


@wrong(mean_cross_entropy, "constant-factor", _MEAN)
def batch_divided_twice(grad, loss, logits, *, target):
    """Divided by the batch size twice: the larger the batch, the slower the training."""
    return grad * softmax_minus_one_hot(target, logits) / len(logits) ** 2


@wrong(mean_cross_entropy, "ignores-upstream", _MEAN)
def batch_loss_not_scaled(grad, loss, logits, *, target):
    """The weight of this loss has no effect."""
    return softmax_minus_one_hot(target, logits) / len(logits)


@wrong(mean_squared_error, "constant-factor", normal((2, 3), (2, 3)))
def squared_error_not_divided(grad, loss, p, t):
    """The gradient of the sum of squares: n times too large."""
    return grad * 2 * (p - t), -grad * 2 * (p - t)


# The target's gradient is the negative of the prediction's, so swapping them is the same.
@wrong(mean_squared_error, "wrong-sign", normal((2, 3), (2, 3)), also=("gradients-swapped",))
def squared_error_target_first(grad, loss, p, t):
    """Target minus prediction: the fit gets worse at every step."""
    slope = grad * 2 * (t - p) / p.size
    return slope, -slope
