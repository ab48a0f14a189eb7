"""What all kernels share: rows, blocks of rows that stay in the cache, and sums of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_xent.kernels import half, pool

Array = Any
Place = tuple[int, slice]  # a matrix, and some of its rows

CACHE = 2**21  # bytes; with less Python's share grows, more leaves the processor's own cache
WORTH_THREADS = 2 * CACHE
BUFFER = 8192  # numbers
LONG, MATRIX = 64, 2**14  # numbers in a column and a matrix that are worth calls of their own
PIECE = 96  # numbers that single precision adds up before double precision goes on
DOUBLE, SINGLE, HALF = np.dtype(np.float64), np.dtype(np.float32), np.dtype(np.float16)


def compute_dtype(dtype: Any) -> Any:
    """Half precision is computed in single precision, integers in double."""
    return dtype if dtype in (SINGLE, DOUBLE) else SINGLE if dtype == HALF else result_dtype(dtype)


def wide(dtype: Any) -> Any:
    """Give the dtype of what there is one of in a row: double precision at least."""
    return DOUBLE if dtype in (SINGLE, DOUBLE) else np.promote_types(dtype, DOUBLE)


def result_dtype(dtype: Any) -> Any:
    """Give what a function of such numbers is rounded to at its end."""
    return dtype if dtype.kind == "f" else DOUBLE


def by_columns(z: Array, axis: int) -> bool:
    """Whether the numbers of a column, not those of a row, stay neighbours in memory.

    Only where columns are long, and in single precision: column by column numbers are added one
    after another, which costs digits unless it is done in double precision.
    """
    behind = math.prod(z.shape[axis % z.ndim + 1 :])
    return behind >= LONG and behind * z.shape[axis] >= MATRIX and z.dtype in (SINGLE, HALF)


def to_matrices(x: Array, axis: int, columns: bool) -> Array:
    """Give `x` as a stack of matrices with their rows along `axis`: a view, if it can be.

    By columns there is one for each place before the axis, otherwise only one.
    """
    if columns:
        behind = math.prod(x.shape[axis % x.ndim + 1 :])
        return x.reshape(-1, x.shape[axis], behind).swapaxes(1, 2)
    if axis not in (-1, x.ndim - 1):
        x = np.moveaxis(x, axis, -1)
    return x.reshape(1, -1, x.shape[-1])


def from_matrices(matrices: Array, like: Array, axis: int) -> Array:
    """Give what `to_matrices` could have made of `like` the shape of `like`."""
    if axis in (-1, like.ndim - 1):
        return matrices.reshape(like.shape)
    if by_columns(like, axis):
        return matrices.swapaxes(1, 2).reshape(like.shape)
    return np.moveaxis(matrices.reshape(np.moveaxis(like, axis, -1).shape), -1, axis)


def memory_for(matrices: Array, columns: bool, dtype: Any) -> Array:
    """Give memory for as many numbers, whose columns or rows lie side by side."""
    if columns:
        return np.empty(matrices.swapaxes(1, 2).shape, dtype).swapaxes(1, 2)
    return np.empty(matrices.shape, dtype)


def block_of(matrices: Array, some: Place, columns: bool, dtype: Any) -> Array:
    """Give some rows in `dtype`, with their columns or rows side by side in memory.

    Columns that shall be rows are first copied as they lie: the copy is small enough to be
    transposed in the cache.
    """
    block = matrices[some]
    if block.dtype == HALF and dtype == SINGLE:
        block = half.to_single(block)
    if block.dtype == dtype and (block.T if columns else block).flags.c_contiguous:
        return block
    copy = block.astype(dtype, order="K")
    return np.asfortranarray(copy) if columns else np.ascontiguousarray(copy)


def without_axis(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """Drop one axis of a shape."""
    axis %= len(shape)
    return shape[:axis] + shape[axis + 1 :]


def in_blocks(work: Callable[[Place], None], matrices: Array, arrays: int = 2) -> None:
    """Call `work` on the places of blocks of rows, on all threads if there is enough to do.

    `arrays` says how many of such blocks should fit the cache together.

    Blocks depend on the shape alone and each writes to rows of its own, so that results do not
    depend on threads. Inside them nothing warns: a NaN, and what an infinite logit makes, are
    answers here. The small buffer keeps NumPy from copying the one number per row that a row is
    combined with into a buffer of 8,192 numbers first, which would cost as much as the arithmetic.
    """
    count, rows, width = matrices.shape
    if matrices.dtype == HALF:
        arrays *= 8  # several of single precision come and go while it is read and rounded
    step = max(1, CACHE // max(1, arrays * width * matrices.itemsize))
    places = [(i, slice(j, j + step)) for i in range(count) for j in range(0, rows, step)]

    def run(some: Any) -> None:
        with np.errstate(all="ignore"):
            if matrices.size > BUFFER:
                np.setbufsize(16)
            for place in some:
                work(place)

    if matrices.nbytes >= WORTH_THREADS:
        pool.share(run, places)
    else:
        run(places)


def row_sums(x: Array) -> Array:
    """Sum each row in double precision, or nearly: plainly `np.sum(x, axis=1, dtype=float)`.

    That would convert single precision through the small buffer of `in_blocks`; `einsum` takes a
    tenth of the time, and in long rows it is worth the trouble to convert only sums of pieces.

    A single row may be a column left over, which lies in one piece or not, depending on where it is
    written: it is put into one piece, so that its bits do not depend on that.
    """
    x = np.ascontiguousarray(x) if len(x) == 1 else x
    if x.dtype != SINGLE or (x.size < 512 and x.flags.c_contiguous):
        return np.add.reduce(x, axis=1, dtype=wide(x.dtype))
    if x.shape[1] < PIECE or not x.flags.c_contiguous:
        return np.einsum("ij->i", x, dtype=DOUBLE)
    return _over_pieces(lambda piece: np.einsum("...k->...", piece), x)


def row_dots(x: Array, y: Array) -> Array:
    """Sum the products in each row: plainly `np.sum(x * y, axis=1, dtype=float)`."""
    if x.flags.c_contiguous:
        return _over_pieces(np.vecdot, x, np.ascontiguousarray(y))
    return np.einsum("ij,ij->i", x, y, dtype=DOUBLE)


def _over_pieces(add: Callable[..., Array], *xs: Array) -> Array:
    """Let `add` sum pieces of rows, so short that single precision will do, and then add these up.

    It takes a few numbers at a time, one time after another: pieces keep roundings from piling up.
    """
    count = xs[0].shape[1] // PIECE
    total = add(*(x[:, count * PIECE :] for x in xs)).astype(wide(xs[0].dtype))
    if count:
        pieces = (x[:, : count * PIECE].reshape(len(x), count, PIECE) for x in xs)
        total += np.add.reduce(add(*pieces).astype(total.dtype, copy=False), axis=1)
    return total


def exact_sums(x: Array) -> tuple[Array, Array]:
    """Sum each row in double precision; give the sum in two parts, exact to nearly twice that.

    Doubles are split: their high parts are multiples of 2**-20, which add up without any rounding,
    and the low parts are so small that the few roundings of a sum by pairs do not count.
    """
    if x.dtype == SINGLE:
        return row_sums(x), np.float64(0)
    high = x + 2.0**32 - 2.0**32
    sums = high @ np.ones(x.shape[1], x.dtype)  # in any order, as nothing is rounded
    low = np.ascontiguousarray(np.subtract(x, high, out=high))  # else they add one by one
    return sums, row_sums(low)
