"""The arithmetic of softmax and the cross-entropies on NumPy's real arrays.

A kernel works through the rows along an axis, in blocks that fit the processor's cache. It
subtracts the largest entry of each row, so that exp cannot overflow. The exponential of one class
is kept apart from the sum of the others: what a probability close to 1 lacks is then a quotient of
sums, not a difference that cancels.

float16 is computed in float32, and what a row has one of, such as its sum, in float64.
"""

import functools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

Array = Any

BLOCK = 2**20  # bytes
PIECE = 96  # numbers that are added in their own dtype before float64 goes on

_ones = functools.cache(np.ones)


# -- rows ------------------------------------------------------------------------------------


def _rows(x: Array, axis: int) -> Array:
    """Return a matrix whose rows are those of `x` along `axis`, in the dtype to compute in.

    It is a view where `x` has this dtype and its rows lie one behind the other, otherwise a copy.
    """
    if not x.ndim or axis not in (-1, x.ndim - 1):
        x = _turned(x, axis)
    dtype = np.float32 if x.dtype == np.float16 else x.dtype if x.dtype.kind == "f" else float
    return np.ascontiguousarray(x, dtype).reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _turned(x: Array, axis: int) -> Array:
    """Return a copy with `axis` last.

    Pieces are first copied as they lie: then they are small enough to be turned in the cache.
    """
    turned = np.empty_like(np.moveaxis(x, axis, -1), order="C")
    behind = math.prod(x.shape[axis % x.ndim + 1 :])
    before, classes = math.prod(x.shape[: axis % x.ndim]), x.shape[axis]
    step = max(1, BLOCK // 4 // max(1, x.itemsize * classes))
    source, target = x.reshape(before, classes, behind), turned.reshape(before, behind, classes)
    for i in range(before):
        for j in range(0, behind, step):
            target[i, j : j + step] = source[i, :, j : j + step].copy().T
    return turned


def _like(z: Array, axis: int, rows: Array) -> Array:
    """Return a matrix of `_rows` in the shape of `z`, and in its dtype if that is floating."""
    rows = rows if rows.dtype == z.dtype else _rounded(rows, z)
    if axis in (-1, z.ndim - 1):
        return rows.reshape(z.shape)
    return np.moveaxis(rows.reshape(np.moveaxis(z, axis, -1).shape), -1, axis)


def _rounded(x: Array, z: Array) -> Array:
    """Return `x` in the dtype of `z` if that is floating.

    NumPy needs many times as long for a subnormal half that loses digits: those are rounded before,
    by an addition, as next to 0.75 single precision has the same last place.
    """
    if z.dtype == np.float16 and x.dtype == np.float32:
        x = np.where(np.abs(x) < 2.0**-14, (x + 0.75) - 0.75, x)
    return x.astype(z.dtype, copy=False) if z.dtype.kind == "f" else x


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis % len(shape) + 1 :])


def _memory(x: Array, z: Array) -> Array:
    """Return memory for a matrix like `x`: its own, if it is a copy of `z` and not a view."""
    return np.empty_like(x) if np.may_share_memory(x, z) else x


def _blocks(x: Array) -> Iterable[slice]:
    """Return slices of rows that share a matrix out into blocks.

    Until the `errstate` of the caller ends, NumPy's buffer is small: it copies the one number that
    belongs to a row into a buffer for every row that is shorter than half of it.
    """
    if x.size > 8192:
        np.setbufsize(16)
    step = max(1, BLOCK // max(1, x.itemsize * x.shape[1]))
    count = len(x) if x.size else 0
    return map(slice, range(0, count, step), range(step, count + step, step))


def row_sums(x: Array, y: Array | None = None) -> Array:
    """Return the sum of each row of `x`, or of its products with those of `y`, in float64.

    The rows are cut into pieces so short that their own dtype will do; float64 adds these up.
    """
    x = np.ascontiguousarray(x)
    cut = x.shape[1] - x.shape[1] % PIECE
    ones = _ones(PIECE, x.dtype)
    wide = np.promote_types(x.dtype, np.float64)
    sums = np.vecdot(x[:, cut:], ones[: x.shape[1] - cut] if y is None else y[:, cut:]).astype(wide)
    if cut:
        pieces = x[:, :cut].reshape(len(x), -1, PIECE)
        others = ones if y is None else y[:, :cut].reshape(pieces.shape)
        sums += np.add.reduce(np.vecdot(pieces, others).astype(wide, copy=False), axis=1)
    return sums


def exact_sums(x: Array) -> tuple[Array, Array]:
    """Return the sum of each row in two parts, together exact to nearly twice float64's digits.

    float64 is split: the high parts are multiples of 2**-20, whose sums are not rounded, and the
    low parts are so small that the roundings of their sums do not count.
    """
    if x.dtype == np.float32:
        return row_sums(x), np.float64(0)
    high = x + 2.0**32 - 2.0**32
    return row_sums(high), row_sums(np.subtract(x, high, out=high))


def _less_top(x: Array, gap: Array) -> Array:
    """Fill `gap` with each row less its largest entry; return the place of this in the memory."""
    top = np.arange(0, x.size, x.shape[1]) + x.argmax(axis=1)
    np.subtract(x, x.reshape(-1)[top][:, None], out=gap)
    return top


def _sum_of_others(e: Array, top: Array) -> Array:
    """Take the exponential of the largest entry out of `e`, and return the sum of each row."""
    e.reshape(-1)[top] -= 1  # it is NaN in a row without a finite maximum, and so is the sum then
    return row_sums(e)


# -- softmax ---------------------------------------------------------------------------------


@np.errstate(all="ignore")
def softmax(z: Array, axis: int) -> Array:
    """Return exp(z) over its sum along an axis."""
    x = _rows(z, axis)
    out = _memory(x, z)
    for rows in _blocks(x):
        e = out[rows]
        top = _less_top(x[rows], e)
        np.exp(e, out=e)
        flat = e.reshape(-1)
        flat[top] -= 1  # the 1 of the largest entry comes last: no digit of the others is lost
        whole = 1 + row_sums(e)
        flat[top] += 1
        e /= whole.astype(e.dtype)[:, None]
    return _like(z, axis, out)


@np.errstate(all="ignore")
def softmax_backward(grad: Array, y: Array, x: Array, axis: int) -> Array:
    """Return y (grad - sum(grad y)), what comes through a softmax `y` of `grad`.

    Where one y has more than half, `grad` counts from the entry there: the sum would otherwise be
    close to this, and the difference would lose its digits.
    """
    g, p = _rows(grad, axis), _rows(y, axis)
    out = np.empty_like(p)
    for rows in _blocks(p):
        top = np.arange(0, p[rows].size, p.shape[1]) + p[rows].argmax(axis=1)
        g_top = np.where(p[rows].reshape(-1)[top] > 0.5, g[rows].reshape(-1)[top], 0)
        made = np.subtract(g[rows], g_top[:, None], out=out[rows])
        means = row_sums(made, p[rows])
        if np.isnan(means).any():  # 0 * inf: a logit of -inf gets nothing, and sends nothing
            made[np.isneginf(_rows(x, axis)[rows])] = 0
            means = row_sums(made, p[rows])
        made -= means.astype(p.dtype)[:, None]
        made *= p[rows]
    return _like(y, axis, out)


@np.errstate(all="ignore")
def log_softmax(z: Array, axis: int) -> Array:
    """Return z - ln(sum(exp(z))) along an axis."""
    x = _rows(z, axis)
    out = _memory(x, z)
    for rows in _blocks(x):
        gap = out[rows]
        top = _less_top(x[rows], gap)
        gap -= np.log1p(_sum_of_others(np.exp(gap), top)).astype(gap.dtype)[:, None]
    return _like(z, axis, out)


@np.errstate(all="ignore")
def logsumexp(z: Array, axis: int) -> Array:
    """Return ln(sum(exp(z))) along an axis."""
    x = _rows(z, axis)
    out = np.full(len(x), -np.inf, np.promote_types(x.dtype, np.float64))  # ln 0, of no entries
    for rows in _blocks(x):
        e = np.empty_like(x[rows])
        top = _less_top(x[rows], e)
        largest = x[rows].reshape(-1)[top]
        others = _sum_of_others(np.exp(e, out=e), top)
        out[rows] = np.where(np.isinf(largest), largest, largest + np.log1p(others))
    return _rounded(out, z).reshape(_without(z.shape, axis))


# -- cross-entropies -------------------------------------------------------------------------


@np.errstate(all="ignore")
def sparse_cross_entropy(labels: Array, z: Array, axis: int, keep: bool = False) -> Any:
    """Return the losses of integer labels, and what to keep: their "gradient", as a product.

    With e = exp(z - max) and `others` the sum of e without the label's, the loss is
    ln(others + e_label) - ln(e_label), and its gradient e / (others + e_label), but
    -others / (others + e_label) at the label. The product is that of the numerators, a matrix with
    the classes last, and one over the denominators. `rest` lacks the 1 of the maximum, too, beside
    which the others would lose digits one by one.
    """
    x, shape = _rows(z, axis), _without(z.shape, axis)
    labels = (labels if labels.shape == shape else np.broadcast_to(labels, shape)).reshape(-1)
    unscaled = _memory(x, z) if keep else None
    loss, scale = np.zeros((2, len(x)), np.promote_types(x.dtype, np.float64))
    for rows in _blocks(x):
        e = np.empty_like(x[rows]) if unscaled is None else unscaled[rows]
        at = np.ravel_multi_index((np.arange(len(e)), labels[rows]), e.shape)
        flat = e.reshape(-1)
        top = _less_top(x[rows], e)
        gap, is_top = flat[at].astype(loss.dtype), top == at
        e_label = np.exp(gap) - is_top  # as the top's 1 is added last
        np.exp(e, out=e)
        flat[top] -= 1
        flat[at] = 0
        rest = row_sums(e)
        flat[top] += 1
        flat[at] = 0 - (rest + ~is_top)  # 0 - 0 is +0, as for one class
        loss[rows] = np.log1p(rest + e_label) - gap
        scale[rows] = 1 / (1 + (rest + e_label))
    return _rounded(loss, z).reshape(shape), {"gradient": (unscaled, scale)}


@np.errstate(all="ignore")
def cross_entropy(labels: Array, z: Array, axis: int, keep: bool = False) -> Any:
    """Return the losses of dense labels, and what to keep: "gradient" and "label error".

    With e = exp(z - max), `others` the sum of e without the 1 at the maximum and T the sum of the
    labels t, the loss is T ln(1 + others) - sum(t (z - max)), two terms of one sign. The gradient
    is s e - t with s = T / (1 + others), and where the maximum has more than half of the
    probability, T - t - s others there, which keeps the digits where p is close to t. The error is
    how far from 1 a row of labels sums at most; infinite where a label is negative.
    """
    x = _rows(z, axis)
    labels = labels if labels.shape == z.shape else np.broadcast_to(labels, z.shape)
    labels = _rows(labels, axis).astype(x.dtype, copy=False)
    gradient = _memory(x, z) if keep else None
    loss, errors = np.zeros((2, len(x)), np.promote_types(x.dtype, np.float64))
    for rows in _blocks(x):
        t = labels[rows]
        e = np.empty_like(t) if gradient is None else gradient[rows]
        top = _less_top(x[rows], e)
        gaps = row_sums(e, t)
        if np.isnan(gaps).any():  # 0 * -inf: a label of 0 adds nothing
            gaps = row_sums(np.where(t == 0, 0, t * e))
        others = _sum_of_others(np.exp(e, out=e), top)
        high, low = exact_sums(t)
        total = high + low
        loss[rows] = total * np.log1p(others) - gaps
        errors[rows] = np.inf if np.signbit(t).any() else (high - 1) + low
        if gradient is not None:
            t_top, share = t.reshape(-1)[top], total / (1 + others)
            e *= share.astype(e.dtype)[:, None]
            e -= t
            exact = (high - t_top) + low - others * share
            e.reshape(-1)[top] = np.where(others < 1, exact, share - t_top)
    unit = np.ones(len(x), loss.dtype)
    kept = {"gradient": (gradient, unit), "label error": float(np.abs(errors).max(initial=0))}
    return _rounded(loss, z).reshape(_without(z.shape, axis)), kept


@np.errstate(all="ignore")
def scaled(product: tuple[Array, Any], grad: Array, z: Array, axis: int) -> Array:
    """Return a gradient that was kept as a product, times `grad`, in the shape of the logits `z`.

    It is computed in the memory of the product.
    """
    unscaled, scale = product
    dtype = unscaled.dtype
    grad = grad.astype(scale.dtype).reshape(-1)
    factor = scale * grad
    small = np.abs(factor) < np.finfo(dtype).tiny
    if small.any():  # a subnormal factor has lost digits, which the product at the label still has
        small &= factor != 0
        unscaled[small] *= scale[small].astype(dtype)[:, None]
        factor[small] = np.broadcast_to(grad, factor.shape)[small]
    for rows in _blocks(unscaled):
        unscaled[rows] *= factor[rows].astype(dtype)[:, None]
    return _like(z, axis, unscaled)
