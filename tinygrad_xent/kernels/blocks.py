"""What all kernels share: rows, blocks of rows that stay in the cache, and sums of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_xent.kernels import pool

Array = Any

CACHE = 2**21  # bytes; with less Python's share grows, more leaves the processor's own cache
WORTH_THREADS = 2 * CACHE
BUFFER = 8192  # numbers
PIECE = 512


def compute_dtype(dtype: Any) -> Any:
    """Half precision is computed in single precision, integers in double."""
    if dtype.kind in "iub":
        return np.dtype(np.float64)
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def wide(dtype: Any) -> Any:
    """Give the dtype of what there is one of in a row: double precision at least."""
    return np.promote_types(dtype, np.float64)


def result_dtype(z: Array) -> Any:
    """Give what a function of `z` is rounded to at its end."""
    return z.dtype if z.dtype.kind == "f" else compute_dtype(z.dtype)


def round_to_half(x: Array) -> Array:
    """Round single precision to half: `x.astype(np.float16)` in a quarter of the time.

    NumPy does it number by number, and raises a flag for each that loses digits where halves are
    subnormal. On the bits it is arithmetic of integers. A half has 13 bits less and an exponent
    that is 112 less; below 2**-14 halves are multiples of 2**-24, as singles are next to 0.5.
    """
    bits = x.view(np.int32)
    size = bits & 0x7FFFFFFF
    if np.maximum.reduce(size, axis=None, initial=0) > 0x7F800000:  # a NaN
        return x.astype(np.float16)
    small = np.minimum(size.view(np.float32), 2.0**-14) + np.float32(0.5)
    half = size + ((size >> 13) & 1)  # ties go to even numbers
    half += 0x0FFF - (112 << 23)
    half >>= 13
    np.maximum(half, small.view(np.int32) - 0x3F000000, out=half)
    np.minimum(half, 0x7C00, out=half)  # infinity
    return (half | ((bits >> 16) & 0x8000)).astype(np.uint16).view(np.float16)


def to_rows(x: Array, axis: int) -> Array:
    """Give `x` as a matrix whose rows lie along `axis`; a copy only where there is no view."""
    if axis not in (-1, x.ndim - 1):
        x = np.moveaxis(x, axis, -1)
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def block_of(rows: Array, some: slice, dtype: Any) -> Array:
    """Give some rows with their numbers side by side in memory.

    Columns are first copied as they lie: the copy is small enough to be transposed in the cache.
    """
    block = rows[some]
    if block.dtype == dtype and block.flags.c_contiguous:
        return block
    return np.ascontiguousarray(block.astype(dtype, order="K"))


def from_rows(rows: Array, like: Array, axis: int) -> Array:
    """Give a matrix that `to_rows` could have made of `like` the shape of `like`."""
    if axis in (-1, like.ndim - 1):
        return rows.reshape(like.shape)
    return np.moveaxis(rows.reshape(np.moveaxis(like, axis, -1).shape), -1, axis)


def without_axis(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Drop one axis of a shape."""
    axis %= len(shape)
    return shape[:axis] + shape[axis + 1 :]


def in_blocks(work: Callable[[slice], None], rows: Array, matrices: int = 2) -> None:
    """Call `work` on slices of rows, on all threads if there is enough to do.

    `matrices` says how many of such blocks should fit the cache together.

    Blocks depend on the shape alone and each writes to rows of its own, so that results do not
    depend on threads. Inside them nothing warns: a NaN, and what an infinite logit makes, are
    answers here. The small buffer keeps NumPy from copying the one number per row that a row is
    combined with into a buffer of 8,192 numbers first, which would cost as much as the arithmetic.
    """
    if rows.dtype == np.float16:
        matrices *= 8  # many of single precision come and go while it is rounded
    step = max(1, CACHE // max(1, matrices * rows.shape[1] * rows.itemsize))
    starts = range(0, len(rows), step)

    def run(some: Any) -> None:
        with np.errstate(all="ignore"):
            if rows.size > BUFFER:
                np.setbufsize(16)
            for start in some:
                work(slice(start, start + step))

    if rows.nbytes >= WORTH_THREADS:
        pool.share(run, starts)
    else:
        run(starts)


def row_sums(x: Array) -> Array:
    """Sum each row in double precision, or nearly: plainly `np.sum(x, axis=1, dtype=float)`.

    `einsum` adds single precision in a third of the time of `np.sum`, but one after another: pieces
    keep its roundings from piling up.
    """
    if x.dtype != np.float32 or x.shape[1] < 128:  # so few are soon added one by one
        return np.add.reduce(x, axis=1, dtype=wide(x.dtype))
    total, pieces = 0, x.shape[1] // PIECE
    if pieces:
        cube = x[:, : pieces * PIECE].reshape(len(x), pieces, PIECE)
        total = np.add.reduce(np.einsum("ijk->ij", cube), axis=1, dtype=np.float64)
    return total + np.einsum("ij->i", x[:, pieces * PIECE :]).astype(np.float64)


def row_dots(x: Array, y: Array) -> Array:
    """Sum the products in each row: plainly `np.sum(x * y, axis=1, dtype=float)`."""
    total, pieces = 0, x.shape[1] // PIECE
    if pieces:
        cubes = (a[:, : pieces * PIECE].reshape(len(a), pieces, PIECE) for a in (x, y))
        total = np.add.reduce(np.vecdot(*cubes), axis=1, dtype=wide(x.dtype))
    rest = np.vecdot(x[:, pieces * PIECE :], y[:, pieces * PIECE :])
    return total + rest.astype(wide(x.dtype))


def sums(x: Array, axis: int) -> Array:
    """Sum along an axis in double precision, or nearly, of numbers of any kind."""
    if x.dtype == np.float32 and axis % x.ndim == x.ndim - 1 and x.flags.c_contiguous:
        return row_sums(to_rows(x, axis)).reshape(x.shape[:-1])
    return np.asarray(np.sum(x, axis=axis, dtype=np.float64))


def exact_sums(x: Array) -> tuple[Array, Array]:
    """Sum each row in double precision; give the sum in two parts, exact to nearly twice that.

    Doubles are split: their high parts are multiples of 2**-20, which add up without any rounding,
    and the low parts are so small that their roundings do not count.
    """
    if x.dtype == np.float32:
        return row_sums(x), np.float64(0)
    ones = np.ones(x.shape[1], x.dtype)
    high = x + 2.0**32
    high -= 2.0**32
    sums = high @ ones  # in any order, as nothing is rounded
    low = np.ascontiguousarray(np.subtract(x, high, out=high))  # else it adds one by one
    return sums, np.vecdot(low, ones)
