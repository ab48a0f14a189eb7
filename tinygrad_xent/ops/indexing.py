"""Arrays taken apart and put together: what an op does, the rule of another undoes.

The adjoint of indexing is to add entries to zeros at the same positions; that of joining is to cut.
"""

from typing import Any

import numpy as np

from tinygrad_xent.arrays import as_array
from tinygrad_xent.graph import operand, values
from tinygrad_xent.op import op
from tinygrad_xent.ops.shaping import reshape

_BASIC = (int, np.integer, slice, type(None), type(...))  # these select no entry twice
_ROWS = np.array([[0, 2], [2, 2]])


@op(
    symbol="[ ]",
    shapes="(3,4)->(4)",
    examples=(
        {"index": 1},
        {"index": (slice(None, None, -2), None, ..., 0)},
        {"index": np.arange(12).reshape(3, 4) % 5 == 0},
        {"index": (_ROWS, slice(1, 3))},
    ),
)
def getitem(x: Any, *, index: Any) -> Any:
    r"""Entries by any NumPy index: $y_k = x_{i(k)}$. The operator is `x[index]`.

    >>> getitem([10.0, 20.0, 30.0], index=[0, 2, 2])
    array([10., 30., 30.])
    """
    return as_array(x)[_plain(index)]


@getitem.backward
def getitem_backward(grad: Any, y: Any, x: Any, *, index: Any) -> Any:
    r"""$\bar x_i = \sum_{k : i(k) = i} \bar y_k$"""
    return put(grad, index=index, shape=x.shape)


@op(
    shapes="(2,4)->(3,4)",
    examples=({"index": np.array([2, 2]), "shape": (3, 4)}, {"index": slice(2), "shape": (3, 4)}),
)
def put(x: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    r"""Add entries to an array of zeros, by any NumPy index: $y_i = \sum_{k : i(k) = i} x_k$.

    >>> put([1.0, 2.0, 3.0], index=[0, 2, 2], shape=(3,))
    array([1., 0., 5.])
    """
    x, index = np.asarray(x), _plain(index)
    y = np.zeros(shape, x.dtype)
    if all(isinstance(i, _BASIC) for i in (index if isinstance(index, tuple) else (index,))):
        y[index] = x
    else:
        np.add.at(y, index, x)  # a position that occurs twice gets both entries
    return y


@put.backward
def put_backward(grad: Any, y: Any, x: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    r"""$\bar x_k = \bar y_{i(k)}$"""
    return getitem(grad, index=index)


@op(shapes="(3,4),()->()", domain=("real", "labels"), examples=({}, {"axis": 1}, {"axis": -2}))
def take(x: Any, indices: Any, *, axis: int | None = None) -> Any:
    r"""Slices by their index along an axis, by default single entries: $y_k = x_{i_k}$.

    >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 1, 0], axis=0)
    array([[3., 4.],
           [3., 4.],
           [1., 2.]])
    """
    return np.take(x, indices, axis=axis)


@take.backward
def take_backward(grad: Any, y: Any, x: Any, indices: Any, *, axis: int | None) -> Any:
    r"""$\bar x_i = \sum_{k : i_k = i} \bar y_k$"""
    indices = np.asarray(_plain(indices))
    if axis is None:
        return reshape(put(grad, index=indices, shape=(x.size,)), shape=x.shape), None
    return put(grad, index=(*(slice(None),) * (axis % x.ndim), indices), shape=x.shape), None


@op(
    shapes="(3,4),(3,4)->(3,4)",
    domain=("real", "labels"),
    examples=({}, {"axis": 0}, {"axis": None, "indices": np.array([1, 1, 0, 11])}),
)
def take_along_axis(x: Any, indices: Any, *, axis: int | None = -1) -> Any:
    r"""One entry per row (or along another axis): $y_{nk} = x_{n, i_{nk}}$.

    With `axis=None` they are entries of the whole array, in row-major order.

    >>> take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]])
    array([[2.],
           [3.]])
    """
    return np.take_along_axis(np.asarray(x), np.asarray(indices), axis=axis)


@take_along_axis.backward
def take_along_axis_backward(grad: Any, y: Any, x: Any, indices: Any, *, axis: int | None) -> Any:
    r"""$\bar x_{nj} = \sum_{k : i_{nk} = j} \bar y_{nk}$"""
    if axis is None:
        return take_backward(grad, y, x, indices, axis=None)
    index: list[Any] = list(np.ogrid[tuple(slice(n) for n in x.shape)])
    index[axis] = np.asarray(_plain(indices))
    return put(grad, index=tuple(index), shape=x.shape), None


@op(shapes="(2,3),(2,3)->(4,3)", examples=({}, {"axis": 1}, {"axis": None}))
def concatenate(*xs: Any, axis: int | None = 0) -> Any:
    r"""Join along an axis: $y = (x_0, x_1, \dots)$.

    >>> concatenate([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    return np.concatenate(xs, axis=axis)


@concatenate.backward
def concatenate_backward(grad: Any, y: Any, *xs: Any, axis: int | None) -> Any:
    r"""$(\bar x_0, \bar x_1, \dots) = \bar y$"""
    xs = tuple(map(as_array, xs))  # one may be a mere number
    ends = np.cumsum([x.size if axis is None else x.shape[axis] for x in xs])
    before = () if axis is None else (slice(None),) * (axis % y.ndim)
    return tuple(
        reshape(grad[(*before, slice(end - size, end))], shape=x.shape)
        for x, end, size in zip(xs, ends, np.diff(ends, prepend=0), strict=True)
    )


@op(shapes="(2,3),(2,3)->(2,2,3)", examples=({}, {"axis": -1}))
def stack(*xs: Any, axis: int = 0) -> Any:
    r"""Join along a new axis: $y_i = x_i$.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([[1., 3.],
           [2., 4.]])
    """
    return np.stack(xs, axis=axis)


@stack.backward
def stack_backward(grad: Any, y: Any, *xs: Any, axis: int) -> Any:
    r"""$\bar x_i = \bar y_i$"""
    before = (slice(None),) * (axis % y.ndim)
    return tuple(grad[(*before, i)] for i in range(len(xs)))


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the entries on a diagonal, along a new last axis, as `numpy.diagonal`.

    Parameters
    ----------
    x : array_like or Tensor
        Two axes or more.
    offset : int
        Which diagonal: above the main one, or below it if negative.
    axis1, axis2 : int
        The axes of the matrices.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made by indexing.

    Examples
    --------
    >>> diagonal([[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    x = operand(x)
    return take(x, np.diagonal(places(x), offset, axis1, axis2))


def places(x: Any) -> Any:
    """Return an array of the shape of `x` that holds the place of each of its entries."""
    return np.arange(x.size).reshape(x.shape)


def _plain(index: Any) -> Any:
    """Return an index with Tensors replaced by their arrays."""
    if isinstance(index, tuple):
        return tuple(_plain(i) for i in index)
    return values(index)
