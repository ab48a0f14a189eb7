"""Wrong rules of sums, means, extremes, products over axes, and of what they undo."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.museum.inputs import above_zero, normal, with_value
from tinygrad_xent.museum.layers import channel_bias, outer, scale_rows
from tinygrad_xent.museum.rules import wrong
from tinygrad_xent.ops import broadcast_to, cumsum, logsumexp, max, mean, prod, softmax, sum, var
from tinygrad_xent.ops.broadcasting import spread


@wrong(sum, "wrong-shape", normal((2, 3), axis=1))
def sum_not_spread(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """One number per row where one per entry is wanted; NumPy may broadcast it, or refuse."""
    return grad


@wrong(sum, "ignores-upstream")
def sum_as_ones(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """Each entry gets 1, however little the sum matters to the loss."""
    return np.ones_like(x)


# Of a square gradient, the wrong axis is the transposed gradient.
@wrong(sum, "wrong-axis", normal((3, 3), axis=1), also=("transposed",))
def sum_spread_over_rows(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """Broadcasting adds axes in front: row sums send their gradients down the columns."""
    return np.ones_like(x) * grad


@wrong(mean, "constant-factor")
def mean_not_divided(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """Gradients grow with the batch, and the learning rate has to shrink with it."""
    return np.broadcast_to(spread(grad, x, axis, keepdims), x.shape)


@wrong(mean, "constant-factor", normal((4, 3), axis=0))
def mean_divided_by_everything(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """A mean over 4 rows divided by all 12 entries."""
    return np.broadcast_to(np.expand_dims(grad, axis) / x.size, x.shape)


@wrong(mean, "ignores-upstream", normal((4, 3)))
def mean_of_nothing_else(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """Always 1/n: a loss weighted by 0 trains like any other."""
    return np.full_like(x, 1 / x.size)


@wrong(max, "unknown", normal((4, 5), axis=1))
def max_as_sum(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """All entries of a row are pushed up, not only the largest."""
    return np.broadcast_to(np.expand_dims(grad, axis), x.shape)


@wrong(max, "few-entries-wrong", normal((4, 5), axis=1), also=("wrong-axis",))
def max_of_the_whole_array(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """One entry gets a gradient, and one per row should: `argmax` without its axis."""
    chosen = np.zeros_like(x)
    chosen.flat[np.argmax(x)] = 1
    return chosen * np.expand_dims(grad, axis)


@wrong(var, "constant-factor", normal((4, 3)))
def var_without_the_two(
    grad: Any, y: Any, x: Any, *, axis: Any, ddof: float, keepdims: bool
) -> Any:
    """Half of the gradient."""
    return grad * (x - np.mean(x)) / x.size


@wrong(var, "constant-factor", normal((4, 3), ddof=1))
def var_biased(grad: Any, y: Any, x: Any, *, axis: Any, ddof: float, keepdims: bool) -> Any:
    """Slightly too short: the forward pass divided by n - 1, the rule divides by n."""
    return grad * 2 * (x - np.mean(x)) / x.size


@wrong(var, "unknown", normal((4, 3)))
def var_not_centred(grad: Any, y: Any, x: Any, *, axis: Any, ddof: float, keepdims: bool) -> Any:
    """Pulls towards 0 instead of towards the mean, so the mean drifts."""
    return grad * 2 * x / x.size


@wrong(logsumexp, "ignores-upstream")
def logsumexp_local_slope_only(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """The softmax and nothing else."""
    return softmax(x, axis=axis)


@wrong(logsumexp, "constant-factor", normal((2, 3)))
def logsumexp_not_divided(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """Too large by the sum of the exponentials: the logarithm was forgotten."""
    return grad * np.exp(x)


@wrong(logsumexp, "wrong-axis", normal((3, 4), axis=1))
def logsumexp_down_the_columns(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """The columns of the gradient sum to 1, and its rows should."""
    return softmax(x, axis=0) * np.expand_dims(grad, axis)


@wrong(logsumexp, "non-finite", with_value(1000.0, (2, 3)))
def logsumexp_not_shifted(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """The loss is finite, its gradient is NaN: the rule overflows where the function does not."""
    e = np.exp(x)
    return grad * e / np.sum(e)


@wrong(cumsum, "missing-cross-term", normal((3, 5), axis=1))
def cumsum_entry_by_entry(grad: Any, y: Any, x: Any, *, axis: Any) -> Any:
    """The last entry is right; the first, which is in every sum, has far too little."""
    return grad


# The Jacobian is triangular, and its transpose is the other triangle.
@wrong(cumsum, "transposed", normal((2, 4), axis=1), also=("unknown",))
def cumsum_forwards(grad: Any, y: Any, x: Any, *, axis: Any) -> Any:
    """Runs the same way as the function: the past is given the gradient of the future's past."""
    return np.cumsum(grad, axis=axis)


@wrong(cumsum, "wrong-axis", normal((4, 4), axis=1))
def cumsum_down_the_columns(grad: Any, y: Any, x: Any, *, axis: Any) -> Any:
    """Steps of one example mix with those of the others."""
    return np.flip(np.cumsum(np.flip(grad, 0), 0), 0)


@wrong(prod, "non-finite", with_value(0.0, (2, 3)))
def prod_by_division(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """NaN wherever a factor is 0: the product without it was got by dividing."""
    return grad * y / x


@wrong(prod, "few-entries-wrong", with_value(0.0, (4, 5), axis=1))
def prod_zero_left_out(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """A zero stays a zero for ever, although it is the one entry that matters."""
    grad, y = np.expand_dims(grad, axis), np.expand_dims(y, axis)
    return np.where(x == 0, 0, grad * y / np.where(x == 0, 1, x))


@wrong(prod, "unknown", above_zero((2, 3)))
def prod_of_all_of_them(grad: Any, y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """All entries get the same gradient: the product of all, not of the others."""
    return np.full_like(x, grad * y)


@wrong(broadcast_to, "not-summed-over-broadcast", normal((3,), shape=(4, 3)))
def broadcast_to_first_copy(grad: Any, y: Any, x: Any, *, shape: Any) -> Any:
    """Only the first of the copies is heard."""
    return grad[0]


@wrong(
    broadcast_to,
    "constant-factor",
    normal((3,), shape=(4, 3)),
    also=("not-summed-over-broadcast",),
)
def broadcast_to_averaged(grad: Any, y: Any, x: Any, *, shape: Any) -> Any:
    """The copies were averaged; their gradients add up."""
    return np.mean(grad, axis=0)


@wrong(outer, "not-summed-over-broadcast")
def outer_left_as_matrices(grad: Any, y: Any, a: Any, b: Any) -> Any:
    """A matrix where a vector is wanted: each entry of a was used in a whole row."""
    return grad * b, grad * a[:, None]


@wrong(scale_rows, "not-summed-over-broadcast")
def scale_rows_not_summed(grad: Any, y: Any, x: Any, s: Any) -> Any:
    """As many gradients as the row has entries, for one number per row."""
    return grad * s[:, None], grad * x


@wrong(channel_bias, "not-summed-over-broadcast")
def channel_bias_summed_over_images_only(grad: Any, y: Any, x: Any, b: Any) -> Any:
    """Summed over the batch, and not over the pixels that share the bias too."""
    return grad, np.sum(grad, axis=0)


@wrong(channel_bias, "wrong-axis", normal((3, 3, 2, 2), (3,)))
def channel_bias_per_image(grad: Any, y: Any, x: Any, b: Any) -> Any:
    """With as many images as channels nothing complains: each bias follows one image."""
    return grad, np.sum(grad, axis=(1, 2, 3))
