"""Wrong rules of functions of whole arrays: sums, products of matrices, moves and picks."""

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.ops import softmax
from tinygrad_xent.ops.broadcasting import spread
from tinygrad_xent.teaching.museum.layers import channel_bias, linear, outer
from tinygrad_xent.teaching.museum.rules import above_zero, normal, repeated_rows, with_value, wrong


@wrong(ops.sum, "wrong-shape", normal((2, 3), axis=1))
def sum_not_spread(grad, y, x, *, axis, keepdims):
    """One number per row in place of one per entry; NumPy may broadcast it or raise an error."""
    return grad


@wrong(ops.sum, "ignores-upstream")
def sum_as_ones(grad, y, x, *, axis, keepdims):
    """Each entry gets 1, however little the sum matters to the loss."""
    return np.ones_like(x)


# Of a square gradient, the wrong axis is the transposed gradient.
@wrong(ops.sum, "wrong-axis", normal((3, 3), axis=1), also=("transposed",))
def sum_spread_over_rows(grad, y, x, *, axis, keepdims):
    """Broadcasting adds axes in front: row sums send their gradients down the columns."""
    return np.ones_like(x) * grad


@wrong(ops.mean, "constant-factor")
def mean_not_divided(grad, y, x, *, axis, keepdims):
    """Gradients grow with the batch, so the learning rate must shrink with it."""
    return np.broadcast_to(spread(grad, axis, keepdims), x.shape)


@wrong(ops.mean, "constant-factor", normal((4, 3), axis=0))
def mean_divided_by_everything(grad, y, x, *, axis, keepdims):
    """A mean over 4 rows divided by all 12 entries."""
    return np.broadcast_to(np.expand_dims(grad, axis) / x.size, x.shape)


@wrong(ops.max, "wrong-formula", normal((4, 5), axis=1), also=("few-entries-wrong",))
def max_as_sum(grad, y, x, *, axis, keepdims):
    """All entries of a row get the gradient, not only the largest."""
    return np.broadcast_to(np.expand_dims(grad, axis), x.shape)


@wrong(ops.max, "few-entries-wrong", normal((4, 5), axis=1), also=("wrong-axis",))
def max_of_the_whole_array(grad, y, x, *, axis, keepdims):
    """One entry in all gets a gradient, not one per row: `argmax` lacks its axis."""
    chosen = np.zeros_like(x)
    chosen.flat[np.argmax(x)] = 1
    return chosen * np.expand_dims(grad, axis)


@wrong(ops.var, "constant-factor", normal((4, 3), ddof=1))
def var_biased(grad, y, x, *, axis, ddof, keepdims):
    """Slightly too small: the forward pass divides by n - 1, the rule by n."""
    return grad * 2 * (x - np.mean(x)) / x.size


@wrong(ops.var, "missing-cross-term", normal((4, 3)))
def var_not_centred(grad, y, x, *, axis, ddof, keepdims):
    """Pulls towards 0 instead of towards the mean, so the mean drifts."""
    return grad * 2 * x / x.size


@wrong(ops.logsumexp, "ignores-upstream")
def logsumexp_local_slope_only(grad, y, x, *, axis, keepdims):
    """The softmax alone."""
    return softmax(x, axis=axis)


@wrong(ops.logsumexp, "constant-factor", normal((2, 3)))
def logsumexp_not_divided(grad, y, x, *, axis, keepdims):
    """Too large by the sum of the exponentials: the derivative of the logarithm is missing."""
    return grad * np.exp(x)


@wrong(ops.logsumexp, "wrong-axis", normal((3, 4), axis=1))
def logsumexp_down_the_columns(grad, y, x, *, axis, keepdims):
    """The columns of the gradient sum to 1 where the rows should."""
    return softmax(x, axis=0) * np.expand_dims(grad, axis)


@wrong(ops.logsumexp, "non-finite", with_value(1000.0, (2, 3)))
def logsumexp_not_shifted(grad, y, x, *, axis, keepdims):
    """The loss is finite and its gradient NaN: the rule overflows where the function does not."""
    e = np.exp(x)
    return grad * e / np.sum(e)


@wrong(ops.cumsum, "missing-cross-term", normal((3, 5), axis=1), also=("few-entries-wrong",))
def cumsum_entry_by_entry(grad, y, x, *, axis):
    """The last entry is right; the first, which is in every sum, gets far too little."""
    return grad


# The Jacobian is triangular, and its transpose is the other triangle.
@wrong(ops.cumsum, "transposed", normal((2, 4), axis=1), also=("unknown",))
def cumsum_forwards(grad, y, x, *, axis):
    """Sums in the same direction as the function, not backwards."""
    return np.cumsum(grad, axis=axis)


@wrong(ops.prod, "non-finite", with_value(0.0, (2, 3)))
def prod_by_division(grad, y, x, *, axis, keepdims):
    """NaN wherever a factor is 0: the rule divides the product by it."""
    return grad * y / x


@wrong(ops.prod, "few-entries-wrong", with_value(0.0, (4, 5), axis=1))
def prod_zero_left_out(grad, y, x, *, axis, keepdims):
    """A factor of 0 gets no gradient, although it is the only entry that matters."""
    grad, y = np.expand_dims(grad, axis), np.expand_dims(y, axis)
    return np.where(x == 0, 0, grad * y / np.where(x == 0, 1, x))


@wrong(ops.prod, "wrong-formula", above_zero((2, 3)))
def prod_of_all_of_them(grad, y, x, *, axis, keepdims):
    """All entries get the same gradient: the product of all, not of the others."""
    return np.full_like(x, grad * y)


@wrong(ops.broadcast_to, "not-summed-over-broadcast", normal((3,), shape=(4, 3)))
def broadcast_to_first_copy(grad, y, x, *, shape):
    """Only the first of the copies counts."""
    return grad[0]


@wrong(
    ops.broadcast_to,
    "constant-factor",
    normal((3,), shape=(4, 3)),
    also=("not-summed-over-broadcast",),
)
def broadcast_to_averaged(grad, y, x, *, shape):
    """The copies are averaged; their gradients should be added."""
    return np.mean(grad, axis=0)


@wrong(outer, "not-summed-over-broadcast")
def outer_left_as_matrices(grad, y, a, b):
    """A matrix in place of a vector: each entry of a is used in a whole row."""
    return grad * b, grad * a[:, None]


@wrong(channel_bias, "not-summed-over-broadcast")
def channel_bias_summed_over_images_only(grad, y, x, b):
    """Summed over the batch, but not over the pixels that share the bias."""
    return grad, np.sum(grad, axis=0)


@wrong(channel_bias, "wrong-axis", normal((3, 3, 2, 2), (3,)))
def channel_bias_per_image(grad, y, x, b):
    """As many images as channels hide it: each bias follows one image."""
    return grad, np.sum(grad, axis=(1, 2, 3))


# -- matrix products and linear layers -------------------------------------------------------

_SQUARE = normal((3, 3), (3, 3))


@wrong(ops.matmul, "transposed", _SQUARE)
def matmul_not_transposed(grad, z, x, y):
    """Square matrices hide it; for any others NumPy raises an error."""
    return grad @ y, x.T @ grad


@wrong(ops.matmul, "transposed", normal((2, 3), (3, 4)))
def matmul_answer_lies_on_its_side(grad, z, x, y):
    """The right numbers, in columns instead of rows."""
    return y @ grad.T, x.T @ grad


@wrong(ops.matmul, "gradients-swapped", _SQUARE)
def matmul_exchanged(grad, z, x, y):
    """Weights move by what the inputs should get."""
    return x.T @ grad, grad @ y.T


@wrong(ops.matmul, "wrong-formula", _SQUARE)
def matmul_in_the_other_order(grad, z, x, y):
    """The right two matrices in the wrong order: their product does not commute."""
    return y.T @ grad, grad @ x.T


@wrong(ops.matmul, "wrong-formula", _SQUARE, also=("missing-cross-term",))
def matmul_as_multiply(grad, z, x, y):
    """The rule of the elementwise product, which only square matrices allow."""
    return grad * y, grad * x


@wrong(ops.matmul, "missing-gradient", normal((2, 3), (3, 4)))
def matmul_left_only(grad, z, x, y):
    """The weights on the right never move."""
    return grad @ y.T, None


@wrong(ops.matmul, "ignores-upstream", normal((2, 3), (3, 4)))
def matmul_of_ones(grad, z, x, y):
    """All rows of the first gradient are equal, as if every output mattered equally."""
    ones = np.ones_like(grad)
    return ones @ y.T, x.T @ ones


@wrong(ops.matmul, "wrong-sign", normal((2, 3), (3, 4)))
def matmul_turned_round(grad, z, x, y):
    """The minus of the update, `w -= rate * grad`, is in the rule as well."""
    return -grad @ y.T, -x.T @ grad


@wrong(linear, "transposed", normal((5, 3), (3, 3), (3,)))
def linear_input_by_w(grad, y, x, w, b):
    """Hidden layers of equal width hide it, and the lower layers learn badly."""
    return grad @ w, x.T @ grad, np.sum(grad, axis=0)


@wrong(linear, "constant-factor", normal((5, 3), (3, 4), (4,)))
def linear_weights_averaged(grad, y, x, w, b):
    """The loss is a mean already, so the gradient is divided by the batch size twice."""
    return grad @ w.T, x.T @ grad / len(x), np.sum(grad, axis=0)


@wrong(linear, "missing-gradient", normal((5, 3), (3, 4), (4,)))
def linear_bias_forgotten(grad, y, x, w, b):
    """The biases stay 0 throughout the training."""
    return grad @ w.T, x.T @ grad, np.zeros_like(b)


@wrong(linear, "not-summed-over-broadcast", normal((5, 3), (3, 4), (4,)))
def linear_bias_of_the_first_example(grad, y, x, w, b):
    """The shape fits, but one example decides for the whole batch."""
    return grad @ w.T, x.T @ grad, grad[0]


@wrong(linear, "wrong-axis", normal((4, 3), (3, 4), (4,)))
def linear_bias_per_example(grad, y, x, w, b):
    """A batch as large as the layer hides it: the sum is over the outputs."""
    return grad @ w.T, x.T @ grad, np.sum(grad, axis=1)


@wrong(linear, "ignores-upstream", normal((5, 3), (3, 4), (4,)))
def linear_bias_counts_examples(grad, y, x, w, b):
    """Every bias gets the batch size as its gradient."""
    return grad @ w.T, x.T @ grad, np.full_like(b, len(x))


# -- moving and picking entries ---------------------------------------------------------------

_ROWS = repeated_rows(lambda rows: ((rows,), {"axis": 0}))


@wrong(ops.reshape, "wrong-shape", normal((2, 3), shape=(6,)))
def reshape_left_flat(grad, y, x, *, shape):
    """The gradient keeps the shape of the output."""
    return grad


@wrong(ops.reshape, "transposed", normal((3, 3), shape=(9,)))
def reshape_by_columns(grad, y, x, *, shape):
    """Read row by row, and written back column by column."""
    return np.reshape(grad, x.shape, order="F")


@wrong(ops.transpose, "transposed", normal((3, 3)))
def transpose_forgotten(grad, y, x, *, axes):
    """Symmetric matrices hide it."""
    return grad


@wrong(ops.transpose, "transposed", normal((3, 3, 3), axes=(1, 2, 0)))
def transpose_in_the_same_order(grad, y, x, *, axes):
    """Two exchanged axes come back when exchanged again; a cycle of three does not."""
    return np.transpose(grad, axes)


@wrong(ops.flip, "transposed", normal((2, 4), axis=1))
def flip_forgotten(grad, y, x, *, axis):
    """The first entry learns from the errors of the last."""
    return grad


@wrong(ops.expand_dims, "wrong-shape", normal((2, 3), axis=1))
def expand_dims_left_long(grad, y, x, *, axis):
    """One axis of length 1 too many; broadcasting sometimes makes a large array of it."""
    return grad


@wrong(ops.concatenate, "gradients-swapped", normal((2, 3), (2, 3)))
def concatenate_exchanged(grad, y, *xs, axis):
    """The parts come back in the wrong order."""
    first, second = np.split(grad, 2, axis=axis)
    return second, first


@wrong(ops.concatenate, "missing-gradient", normal((2, 3), (2, 3)))
def concatenate_first_only(grad, y, *xs, axis):
    """The features at the end are never trained."""
    return np.split(grad, 2, axis=axis)[0], None


@wrong(ops.stack, "constant-factor", normal((2, 3), (2, 3)))
def stack_shared(grad, y, *xs, axis):
    """Divided by the number of parts, as if the forward pass averaged them."""
    return tuple(part / len(xs) for part in grad)


@wrong(ops.getitem, "few-entries-wrong", normal((12,), index=np.array([1, 4, 4, 7, 9])))
def getitem_overwrites(grad, y, x, *, index):
    """An entry that is read twice gets only the last of its gradients."""
    out = np.zeros_like(x)
    out[index] = grad
    return out


@wrong(ops.getitem, "ignores-upstream", normal((12,), index=np.array([1, 4, 4, 7, 9])))
def getitem_counts(grad, y, x, *, index):
    """Whole numbers: how often each entry is read."""
    out = np.zeros_like(x)
    np.add.at(out, index, 1)
    return out


@wrong(ops.getitem, "few-entries-wrong", normal((12,), index=slice(3, 9)))
def getitem_one_short(grad, y, x, *, index):
    """The last entry of the slice gets nothing: an off-by-one end."""
    out = np.zeros_like(x)
    out[index.start : index.stop - 1] = grad[:-1]
    return out


@wrong(ops.take, "wrong-shape", _ROWS)
def take_left_short(grad, y, x, indices, *, axis):
    """The gradient of the rows that were read, not of the whole table."""
    return grad, None


@wrong(ops.take, "wrong-dtype", _ROWS)
def take_into_integers(grad, y, x, indices, *, axis):
    """Whole numbers, mostly 0: the zeros have the dtype of the indices."""
    out = np.zeros_like(indices, shape=x.shape)
    for row, piece in zip(indices, grad, strict=True):
        out[row] = out[row] + piece
    return out, None


@wrong(ops.put, "missing-gradient", normal((2, 4), index=np.array([2, 0]), shape=(3, 4)))
def put_held_constant(grad, y, x, *, index, shape):
    """The values written into the array get no gradient."""
    return np.zeros_like(x)
