"""Softmax, its logarithm and the log-sum-exp."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_xent.arrays import along_rows
from tinygrad_xent.kernels import plain
from tinygrad_xent.kernels.blocks import (
    HALF,
    Array,
    Place,
    block_of,
    by_columns,
    compute_dtype,
    from_matrices,
    in_blocks,
    memory_for,
    result_dtype,
    row_sums,
    to_matrices,
    wide,
)
from tinygrad_xent.kernels.half import to_half


def _softmax_block(z: Array, out: Array) -> None:
    top = z.max(axis=1, keepdims=True)
    top[(top > -5) & (top < 40)] = 0  # nothing overflows, nor vanishes but at the range's very end
    e = np.exp(np.subtract(z, top, out=out) if top.any() else z, out=out)
    e /= row_sums(e).astype(e.dtype)[:, None]


def _log_softmax_block(z: Array, out: Array) -> None:
    gap, rest = _gap_and_rest(z, out)
    gap -= np.log1p(rest).astype(gap.dtype)[:, None]


def _logsumexp_block(z: Array, out: Array) -> None:
    """Write to a matrix of one column."""
    _, rest = _gap_and_rest(z, np.empty_like(z))
    top = z.max(axis=1)
    out[:, 0] = np.where(np.isinf(top), top, top + np.log1p(rest))


def _gap_and_rest(z: Array, gap: Array) -> tuple[Array, Array]:
    """Give z less its row's maximum, and the sum of its exponentials without the 1 at the top."""
    top = np.arange(len(z)), np.argmax(z, axis=1)
    np.subtract(z, z[top][:, None], out=gap)
    e = np.exp(gap)
    e_top = e[top].astype(wide(e.dtype))  # 1, or NaN in a row without a finite maximum
    e[top] = 0
    return gap, row_sums(e) + (e_top - 1)


def _along(
    block: Callable[[Array, Array], None], z: Array, axis: int, width: int | None = None
) -> Array:
    """Run a kernel of rows along any axis; `width` is that of the rows it makes, if another."""
    dtype, result, columns = compute_dtype(z.dtype), result_dtype(z.dtype), by_columns(z, axis)
    matrices = to_matrices(z, axis, columns)
    out = memory_for(matrices[:, :, :width], columns, result)

    def work(some: Place) -> None:
        x = block_of(matrices, some, columns, dtype)
        made = out[some] if result == dtype else np.empty_like(x, shape=out[some].shape)
        block(x, made)
        if result == HALF:
            out[some] = to_half(made)

    in_blocks(work, matrices)
    return out


@along_rows("(n)->(n)", plain.softmax)
def softmax(z: Array, axis: int | tuple[int, ...] | None) -> Array:
    """See `plain.softmax`."""
    if not isinstance(axis, int) or not z.size:
        return plain.softmax(z, axis)
    return from_matrices(_along(_softmax_block, z, axis), z, axis)


def softmax_backward(grad: Array, y: Array, axis: Any) -> Array:
    """Plainly: `y * (grad - sum(grad * y))`."""
    if not isinstance(axis, int):
        return y * (grad - np.sum(grad * y, axis=axis, keepdims=True))
    dtype, columns = compute_dtype(y.dtype), by_columns(y, axis)
    grads, ys = to_matrices(grad, axis, columns), to_matrices(y, axis, columns)
    out = memory_for(ys, columns, y.dtype)

    def work(some: Place) -> None:
        g, p = (block_of(x, some, columns, dtype) for x in (grads, ys))
        made = out[some] if y.dtype == dtype else np.empty_like(p)
        np.multiply(g, p, out=made)
        np.subtract(g, row_sums(made).astype(dtype)[:, None], out=made)
        made *= p
        if y.dtype == HALF:
            out[some] = to_half(made)

    in_blocks(work, ys, arrays=4)
    return from_matrices(out, y, axis)


@along_rows("(n)->(n)", plain.log_softmax)
def log_softmax(z: Array, axis: int) -> Array:
    """See `plain.log_softmax`."""
    if not z.size:
        return plain.log_softmax(z, axis)
    return from_matrices(_along(_log_softmax_block, z, axis), z, axis)


@along_rows("(n)->()", plain.logsumexp)
def _logsumexp(rows: Array, axis: int) -> Array:
    return _along(_logsumexp_block, rows, axis, width=1).reshape(rows.shape[:-1])


def logsumexp(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:
    """See `plain.logsumexp`."""
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    shape = tuple(x.shape[i] for i in kept)
    rows = np.transpose(x, kept + axes).reshape(*shape, math.prod(x.shape[i] for i in axes))
    out = _logsumexp(rows, -1) if x.size else plain.logsumexp(rows, -1)
    return np.expand_dims(out, axes) if keepdims else out
