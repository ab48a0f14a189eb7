"""Fused cross-entropies: one exponential per logit serves the loss and the gradient.

A forward pass leaves, in the gradient's own memory, a matrix `unscaled`. Times what arrives from
above it is the gradient: at once for dense labels, for integer ones times one more number per row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_xent.arrays import along_rows
from tinygrad_xent.kernels import plain
from tinygrad_xent.kernels.blocks import (
    HALF,
    Array,
    Place,
    block_of,
    by_columns,
    compute_dtype,
    exact_sums,
    from_matrices,
    in_blocks,
    memory_for,
    result_dtype,
    row_dots,
    row_sums,
    to_matrices,
    wide,
    without_axis,
)
from tinygrad_xent.kernels.half import to_half
from tinygrad_xent.kernels.kept import keep, peek, take

Block = Callable[[Array, Array, Array], tuple[Array, Array | float]]

# Rows whose exponentials add up to something in between need not be shifted: nothing overflows,
# and only what is at the end of the dtype's range anyway loses digits.
SMALL, LARGE = 2.0**-7, 2.0**40
MODEST = 40  # exp of logits up to this size is far from both ends of single precision
TINY = 2.0**-100  # and so are factors down to this one
HUGE = 2.0**960  # beyond this a quotient of doubles may have lost its divisor


def _sparse_block(t: Array, z: Array, unscaled: Array) -> tuple[Array, Array]:
    """Integer labels: loss = ln(1 + others / e_t), gradient = e / whole, and -others / whole at t.

    `others` is the sum of the exponentials without the label's, `whole` the sum of all. Neither the
    loss nor the gradient cancels, however small.
    """
    shift = np.minimum.reduce(np.abs(np.maximum.reduce(_some_of(z), axis=1))) > MODEST
    fit = np.subtract(z, z.max(axis=1, keepdims=True), out=unscaled) if shift else z
    z_t, others, e_t = _exponentials(t, fit, unscaled)
    whole = others + e_t
    # Rows whose exponentials overflow, or vanish, are done again less their maximum, which changes
    # no ratio. (A NaN is not between anything.)
    if not SMALL < np.minimum.reduce(whole) <= np.maximum.reduce(whole) < LARGE:
        far = np.flatnonzero(~((whole > SMALL) & (whole < LARGE)))
        near = z[far]
        near -= np.maximum.reduce(near, axis=1, keepdims=True)
        z_t[far], others[far], e_t[far] = _exponentials(t[far], near, near)
        unscaled[far] = near
        whole = others + e_t
    ratio = others / e_t
    loss = np.log1p(ratio)
    if not np.maximum.reduce(ratio) < HUGE:  # labels so far below that their e_t has vanished
        loss = np.where(ratio < HUGE, loss, np.log(whole) - z_t)
    return loss, 1 / whole


def _some_of(z: Array) -> Array:
    """Give a few numbers of a few rows: they tell what most are like."""
    return z[:: 1 + len(z) // 4, :8192]


def _exponentials(t: Array, z: Array, e: Array) -> tuple[Array, Array, Array]:
    """Fill `e`, which may be `z`, with exp(z), and less its sum at the label.

    Give the label's logit, the sum without it, and its exponential, in double precision.
    """
    at = np.arange(len(z)), t
    z_t = z[at].astype(wide(z.dtype))
    np.exp(z, out=e)
    e[at] = 0
    others = row_sums(e)
    e[at] = 0 - others  # 0 - 0 is +0, as for one class
    return z_t, others, np.exp(z_t)


def _dense_block(t: Array, z: Array, grad: Array) -> tuple[Array, Array]:
    """Labels t: loss = sum(t) ln(whole) - sum(t z), gradient = e sum(t) / whole - t.

    The loss is a difference, whose two sides have errors of about their size in roundings. Where it
    is not small beside them, that costs no digit; other rows are done with more care. The other
    result is how far from 1 the sum of t is, infinite where one of the labels is negative.
    """
    if not math.log(z.shape[1]) > _enough(np.maximum.reduce(np.abs(_some_of(z)), axis=None)):
        loss, excess = _dense_careful(t, z, grad)
    else:  # as the losses of a model that has learnt little are
        whole = row_sums(np.exp(z, out=grad))
        log_whole = np.log(whole)
        size = np.maximum(log_whole, -np.log(np.minimum.reduce(grad, axis=None)))  # at most
        high, low, excess, share = _shares(t, whole)
        grad *= (1 / share).astype(z.dtype)[:, None]
        grad -= t
        total = high + low
        loss = total * log_whole - row_dots(t, z)
        careful = np.flatnonzero(~(loss > _enough(size) * np.abs(total)))
        if careful.size:
            some = np.empty_like(z, shape=(careful.size, z.shape[1]))
            loss[careful], _ = _dense_careful(t[careful], z[careful], some)
            grad[careful] = some
    return loss, np.inf if np.signbit(t).any() else excess  # also where -1e-50 has become -0


def _enough(size: Any) -> Any:
    """Give the loss from which on logits up to `size` need no care."""
    return 1.5 + 0.7 * size


def _dense_careful(t: Array, z: Array, grad: Array) -> tuple[Array, Array]:
    """Do as `_dense_block`, right to the last digits: no difference that cancels.

    gap = z - m, with m the row's largest logit; e = exp(gap), and `rest` is its sum without the 1
    at the top. ln(1 + rest) keeps every digit when one class dominates.
    """
    top = np.arange(len(z)), np.argmax(z, axis=1)
    gap = e = np.subtract(z, z[top][:, None], out=grad)
    gaps = row_dots(t, gap)
    if np.isnan(gaps).any():  # 0 * -inf: a label of 0 adds nothing
        gaps = row_sums(np.where(t == 0, 0, t * gap))
    np.exp(gap, out=e)
    e_top = e[top].astype(wide(e.dtype))  # 1, or NaN in a row without a finite maximum
    e[top] = 0
    rest = row_sums(e) + (e_top - 1)
    e[top] = e_top
    high, low, excess, share = _shares(t, e_top + rest)
    e *= (1 / share).astype(e.dtype)[:, None]
    e -= t
    # Where the top has more than half of the probability, p_top - t_top cancels; what the others
    # have less of does not.
    grad[top] = np.where(rest < 1, (high - t[top]) + low - rest / share, grad[top])
    return (high + low) * np.log1p(rest) - gaps, excess


def _shares(t: Array, whole: Array) -> tuple[Array, Array, Array, Array]:
    """Give the sum of t in two parts, how far from 1 it is, and by what e becomes p * sum(t).

    The sum of a distribution is 1 and an excess of some roundings, which would be lost if it were
    rounded next to the 1.
    """
    high, low = exact_sums(t)
    total, excess = high + low, (high - 1) + low
    share = np.where(np.abs(excess) < 0.5, whole - whole * (excess / total), whole / total)
    return high, low, excess, share


def _forward(
    block: Block, labels: Array, z: Array, axis: int, recorded: bool
) -> tuple[Any, Any, Any]:
    """Give the losses, `unscaled` if it is wanted, and one number per row.

    This is what `unscaled` lacks (integer labels), or how far from 1 the dense labels sum.
    """
    dtype, dense, columns = compute_dtype(z.dtype), block is _dense_block, by_columns(z, axis)
    shape = without_axis(z.shape, axis)
    if labels.shape != (z.shape if dense else shape):
        labels = np.broadcast_to(labels, z.shape if dense else shape)
    matrices = to_matrices(z, axis, columns)
    rows = matrices.shape[:2]
    t = to_matrices(labels, axis, columns) if dense else labels.reshape(rows)
    unscaled = memory_for(matrices, columns, dtype) if recorded else None
    loss, numbers = np.empty(rows, result_dtype(z.dtype)), np.empty(rows, wide(dtype))

    def work(some: Place) -> None:
        x = block_of(matrices, some, columns, dtype)
        y = block_of(t, some, columns, dtype) if dense else t[some]
        out = np.empty_like(x) if unscaled is None else unscaled[some]
        loss[some], numbers[some] = block(y, x, out)

    in_blocks(work, matrices, arrays=4 if dense else 2)
    return loss.reshape(shape), unscaled, numbers


def _loss(block: Block, labels: Array, z: Array, axis: int, recorded: bool) -> Array:
    loss, unscaled, numbers = _forward(block, labels, z, axis, recorded)
    if recorded:
        keep(loss, (unscaled, numbers))
    return loss


def _gradient(block: Block, grad: Array, loss: Array, labels: Array, z: Array, axis: int) -> Array:
    unscaled, numbers = take(loss) or _forward(block, labels, z, axis, recorded=True)[1:]
    factors = [] if block is _dense_block else [numbers]
    if grad is not None:
        factors = _factors(factors, np.asarray(grad, numbers.dtype).reshape(numbers.shape))
    half = z.dtype == HALF
    out = memory_for(unscaled, by_columns(z, axis), HALF) if half else unscaled

    def work(some: Place) -> None:
        rows = unscaled[some]
        for factor in factors:
            rows *= factor[some].astype(rows.dtype)[:, None]
        if half:
            out[some] = to_half(rows)

    in_blocks(work, out)
    return from_matrices(out, z, axis)


def _factors(scale: list[Array], grad: Array) -> list[Array]:
    """Give one factor for each row, or two if their product is at an end of single precision."""
    if not scale:
        return [grad]
    with np.errstate(over="ignore"):
        factor = scale[0] * grad
    size = np.abs(factor)
    far = (size > 1 / TINY) | ((size < TINY) & (size > 0))
    return [*scale, grad] if far.any() else [factor]


def label_error(loss: Array) -> float:
    """How far from 1 a row of the dense labels of `loss` sums at most, if its forward pass kept it.

    Infinite if it did not, or if a label is negative.
    """
    _, errors = peek(loss) or (None, np.inf)
    return float(np.maximum.reduce(np.abs(errors), axis=None, initial=0))


@along_rows("(n),(n)->()", plain.cross_entropy)
def cross_entropy(labels: Array, z: Array, axis: int, recorded: bool = False) -> Array:
    """Losses of dense labels: `plain.cross_entropy`."""
    return _loss(_dense_block, labels, z, axis, recorded)


def cross_entropy_gradient(grad: Array, loss: Array, labels: Array, z: Array, axis: int) -> Array:
    """`grad` times `softmax_minus_labels`, from what the forward pass of `loss` kept if it did."""
    return _gradient(_dense_block, grad, loss, labels, z, axis)


@along_rows("(n),(n)->(n)", plain.softmax_minus_labels)
def softmax_minus_labels(labels: Array, z: Array, axis: int) -> Array:
    """The gradient of the sum of the losses: `plain.softmax_minus_labels`."""
    return _gradient(_dense_block, None, None, labels, z, axis)


@along_rows("(),(n)->()", plain.sparse_cross_entropy)
def sparse_cross_entropy(labels: Array, z: Array, axis: int, recorded: bool = False) -> Array:
    """Losses of integer labels: `plain.sparse_cross_entropy`."""
    return _loss(_sparse_block, labels, z, axis, recorded)


def sparse_cross_entropy_gradient(
    grad: Array, loss: Array, labels: Array, z: Array, axis: int
) -> Array:
    """`grad` times `softmax_minus_one_hot`, from what the forward pass of `loss` kept if it did."""
    return _gradient(_sparse_block, grad, loss, labels, z, axis)


@along_rows("(),(n)->(n)", plain.softmax_minus_one_hot)
def softmax_minus_one_hot(labels: Array, z: Array, axis: int) -> Array:
    """The gradient of the sum of the losses: `plain.softmax_minus_one_hot`."""
    return _gradient(_sparse_block, None, None, labels, z, axis)
