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
    Array,
    block_of,
    compute_dtype,
    from_rows,
    in_blocks,
    result_dtype,
    round_to_half,
    row_sums,
    to_rows,
    wide,
)


def _softmax_block(z: Array, out: Array) -> None:
    e = np.exp(np.subtract(z, z.max(axis=1, keepdims=True), out=out), out=out)
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
    dtype, rows = compute_dtype(z.dtype), to_rows(z, axis)
    width = width or rows.shape[1]
    out = np.empty((len(rows), width), result_dtype(z))

    def work(some: slice) -> None:
        made = out[some] if out.dtype == dtype else np.empty((len(out[some]), width), dtype)
        block(block_of(rows, some, dtype), made)
        if out.dtype == np.float16:
            out[some] = round_to_half(made)

    in_blocks(work, rows)
    return out


@along_rows("(n)->(n)", plain.softmax)
def softmax(z: Array, axis: int | tuple[int, ...] | None) -> Array:
    """See `plain.softmax`."""
    if not isinstance(axis, int) or not z.size:
        return plain.softmax(z, axis)
    return from_rows(_along(_softmax_block, z, axis), z, axis)


def softmax_backward(grad: Array, y: Array, axis: Any) -> Array:
    """Plainly: `y * (grad - sum(grad * y))`."""
    if not isinstance(axis, int):
        return y * (grad - np.sum(grad * y, axis=axis, keepdims=True))
    dtype, grads, ys = compute_dtype(y.dtype), to_rows(grad, axis), to_rows(y, axis)
    out = np.empty(ys.shape, y.dtype)

    def work(some: slice) -> None:
        g, p = block_of(grads, some, dtype), block_of(ys, some, dtype)
        made = out[some] if out.dtype == dtype else np.empty_like(p)
        np.multiply(g, p, out=made)
        np.subtract(g, row_sums(made).astype(dtype)[:, None], out=made)
        made *= p
        if out.dtype == np.float16:
            out[some] = round_to_half(made)

    in_blocks(work, ys, matrices=4)
    return from_rows(out, y, axis)


@along_rows("(n)->(n)", plain.log_softmax)
def log_softmax(z: Array, axis: int) -> Array:
    """See `plain.log_softmax`."""
    if not z.size:
        return plain.log_softmax(z, axis)
    return from_rows(_along(_log_softmax_block, z, axis), z, axis)


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
