"""Wrong rules that `gradcheck` was not made for: it met them when it was finished.

People wrote them who had not seen it, after public questions of learners and repairs of libraries.
`first_sight` is the code of the diagnosis that they got then.
"""

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.ops import softmax
from tinygrad_xent.teaching.museum import layers
from tinygrad_xent.teaching.museum.rules import above_zero, logits_for, normal, wrong

_ROWS, _PAIR = normal((3, 4)), normal((2, 3), (2, 3))
_LAYER = normal((4, 4), (4, 4), (4,))


@wrong(ops.tanh, "unknown", _ROWS, first_sight="unknown")
def tanh_without_parentheses(grad, y, x):
    """The upstream gradient multiplies the 1 alone: the rule is not even linear in it."""
    return grad * 1 - y * y


@wrong(ops.tanh, "unknown", _ROWS, first_sight="unknown")
def tanh_of_the_input(grad, y, x):
    """The derivative is 1 - y², with the output; near 0 the two are alike."""
    return grad * (1 - x**2)


@wrong(ops.exp, "unknown", _ROWS, first_sight="unknown")
def exp_of_the_input(grad, y, x):
    """The derivative is the output, not the input; negative inputs turn the sign round."""
    return grad * x


@wrong(ops.sigmoid, "unknown", _ROWS, first_sight="unknown")
def sigmoid_of_the_upstream_gradient(grad, y, x):
    """The formula of the slope with `grad` in the place of `y`."""
    return grad * grad * (1 - grad)


@wrong(ops.sqrt, "unknown", above_zero((5,)), first_sight="unknown")
def sqrt_multiplied_not_divided(grad, y, x):
    """Large where it should be small: the slope is 1 / (2 y)."""
    return grad * 0.5 * y


@wrong(ops.log2, "constant-factor", above_zero((4,)), first_sight="constant-factor")
def log2_without_ln2(grad, y, x):
    """Training is 1.44 times slower: the rule of the natural logarithm."""
    return grad / x


@wrong(ops.divide, "unknown", above_zero((2, 3), (2, 3)), first_sight="unknown")
def divide_by_the_plain_denominator(grad, y, a, b):
    """The gradient of `b` has b² below: the square is forgotten."""
    return grad / b, -grad * a / b


@wrong(ops.relu, "unknown", _ROWS, first_sight="unknown")
def relu_with_values_for_the_mask(grad, y, x):
    """Active units are scaled by their own output."""
    return grad * y


@wrong(ops.relu, "few-entries-wrong", _ROWS, first_sight="unknown")
def relu_masked_by_the_upstream_gradient(grad, y, x):
    """Negative gradients never get through, so weights move in one direction only."""
    return np.where(grad > 0, grad, 0) * (x > 0)


@wrong(ops.absolute, "unknown", _ROWS, first_sight="unknown")
def absolute_times_the_input(grad, y, x):
    """The sign of the input is wanted, not its size."""
    return grad * x


@wrong(ops.arctan, "unknown", _ROWS, first_sight="unknown")
def arctan_with_minus(grad, y, x):
    """The rule of artanh: infinite at 1, where the slope is 1/2."""
    return grad / (1 - x**2)


@wrong(ops.logaddexp, "gradients-swapped", _PAIR, first_sight="gradients-swapped")
def logaddexp_swapped(grad, y, a, b):
    """The smaller one gets the gradient of the larger."""
    return grad * np.exp(b - y), grad * np.exp(a - y)


@wrong(ops.maximum, "few-entries-wrong", _PAIR, also=("missing-gradient",), first_sight="unknown")
def maximum_all_to_the_first(grad, y, a, b):
    """The second input never learns."""
    return grad, np.zeros_like(b)


@wrong(ops.softmax, "wrong-axis", normal((4, 4)), also=("transposed",), first_sight="wrong-axis")
def softmax_without_keepdims(grad, y, x, *, axis):
    """Runs only for as many rows as classes, and subtracts the sums of other rows."""
    return y * (grad - (grad * y).sum(axis=axis))


@wrong(ops.softmax, "unknown", _ROWS, first_sight="unknown")
def softmax_sums_the_plain_upstream(grad, y, x, *, axis):
    """The sum lacks its weights, the probabilities."""
    return y * (grad - grad.sum(axis=axis, keepdims=True))


@wrong(ops.softmax, "unknown", _ROWS, first_sight="unknown")
def softmax_off_the_diagonal_only(grad, y, x, *, axis):
    """The cross terms without the term of the entry itself."""
    return -y * (grad * y).sum(axis=axis, keepdims=True)


@wrong(ops.softmax, "unknown", _ROWS, first_sight="unknown")
def softmax_without_the_outer_factor(grad, y, x, *, axis):
    """Improbable classes move as much as probable ones."""
    return grad - (grad * y).sum(axis=axis, keepdims=True)


@wrong(ops.log_softmax, "unknown", _ROWS, first_sight="unknown")
def log_softmax_minus_the_bare_probability(grad, y, x, *, axis):
    """Right while the upstream gradients of a row sum to 1, as those of a mean do not."""
    return grad - np.exp(y)


def _of_rows(rng):
    return (rng.normal(size=(3, 4)),), {"axis": -1}


@wrong(ops.logsumexp, "wrong-axis", _of_rows, also=("constant-factor",), first_sight="wrong-axis")
def logsumexp_normalized_over_everything(grad, y, x, *, axis, keepdims):
    """The probabilities sum to 1 over the batch instead of in each row."""
    e = np.exp(x - x.max())
    return np.expand_dims(grad, axis) * e / e.sum()


@wrong(layers.normalise, "missing-cross-term", _ROWS, first_sight="unknown")
def normalize_with_a_detached_norm(grad, y, x):
    """The length depends on the input, too; without it the gradient points along the row."""
    return grad / np.sqrt((x * x).sum(axis=-1, keepdims=True))


@wrong(ops.max, "few-entries-wrong", _of_rows, first_sight="unknown")
def row_max_to_every_entry(grad, y, x, *, axis, keepdims):
    """Every entry of a row gets what belongs to its largest."""
    return np.repeat(grad[:, None], x.shape[1], axis=1)


@wrong(
    ops.roll, "unknown", lambda rng: ((rng.normal(size=6),), {"shift": 2}), first_sight="unknown"
)
def roll_in_the_same_direction(grad, y, x, *, shift, axis):
    """A gradient goes back where its entry came from: by -shift."""
    return np.roll(grad, shift)


@wrong(layers.mean_cross_entropy, "few-entries-wrong", logits_for(3, 4), first_sight="unknown")
def cross_entropy_one_hot_off_by_one(grad, loss, logits, *, target):
    """Labels counted from 1: the class before the true one is pushed up."""
    d = softmax(logits)
    d[np.arange(len(d)), target - 1] -= 1
    return grad * d / len(d)


@wrong(layers.linear, "transposed", _LAYER, also=("constant-factor",), first_sight="transposed")
def linear_input_not_transposed_and_weights_averaged(grad, y, x, w, b):
    """Two mistakes: the weights lie on their side, and their gradient is a mean."""
    return grad @ w, x.T @ grad / len(x), grad.sum(axis=0)


@wrong(layers.linear, "unknown", _LAYER, first_sight="wrong-axis")
def linear_goes_back_through_updated_weights(grad, y, x, w, b):
    """The weights take their step before the gradient of the input is computed."""
    dw, db = x.T @ grad, grad.sum(axis=0)
    return grad @ (w - 0.1 * dw).T, dw, db
