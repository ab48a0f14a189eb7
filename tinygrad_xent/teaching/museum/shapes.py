"""Wrong rules of ops that move or pick entries."""

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.teaching.museum.rules import normal, repeated_rows, wrong

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
