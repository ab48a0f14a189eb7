"""Entries repeated, shifted, padded, split, joined and sorted.

Most of these are functions made of other ops, which are what a graph then shows.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from tinygrad_xent.errors import ArgumentError
from tinygrad_xent.graph import operand, values
from tinygrad_xent.op import op
from tinygrad_xent.ops.broadcasting import broadcast_to
from tinygrad_xent.ops.indexing import concatenate, places, put, take, take_along_axis
from tinygrad_xent.ops.piecewise import where
from tinygrad_xent.ops.shaping import reshape, transpose

Axes = int | tuple[int, ...]
_COPIES = ("edge", "reflect", "symmetric", "wrap")


# -- ops -------------------------------------------------------------------------------------


@op(
    shapes="(2,3)->(12)",
    examples=({"repeats": 2}, {"repeats": 2, "axis": 1}, {"repeats": (1, 0, 2), "axis": -1}),
)
def repeat(x: Any, *, repeats: Any, axis: int | None = None) -> Any:
    r"""Each entry, or slice along an axis, several times in a row: $y_k = x_{i(k)}$.

    >>> repeat([1.0, 2.0], 2)
    array([1., 1., 2., 2.])
    >>> repeat([1.0, 2.0], (1, 3))
    array([1., 2., 2., 2.])
    """
    return np.repeat(x, repeats, axis)


@repeat.backward
def repeat_backward(grad: Any, y: Any, x: Any, *, repeats: Any, axis: int | None) -> Any:
    r"""$\bar x_i = \sum_{k : i(k) = i} \bar y_k$"""
    copied = np.repeat(places(x), repeats, axis)
    return reshape(put(grad, index=copied, shape=(x.size,)), shape=x.shape)


@op(shapes="(2,3)->(2,3)", examples=({"shift": 1}, {"shift": -2, "axis": 1}))
def roll(x: Any, *, shift: Axes, axis: Axes | None = None) -> Any:
    r"""Entries shifted, those that leave at the end entering at the front: $y_i = x_{i - s}$.

    >>> roll([1.0, 2.0, 3.0], 1)
    array([3., 1., 2.])
    """
    return np.roll(x, shift, axis)


@roll.backward
def roll_backward(grad: Any, y: Any, x: Any, *, shift: Axes, axis: Axes | None) -> Any:
    r"""$\bar x_i = \bar y_{i + s}$"""
    back = -shift if isinstance(shift, int | np.integer) else tuple(-s for s in shift)
    return roll(grad, shift=back, axis=axis)


# -- functions made of ops -------------------------------------------------------------------


def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """Return the array in a frame, of a constant or of copies of its entries, as `numpy.pad`.

    Parameters
    ----------
    x : array_like or Tensor
        Any shape.
    pad_width : int, pair of int, or sequence of pairs
        How wide the frame is before and after each axis.
    mode : str
        What it is made of: "constant", or copies as "edge", "reflect", "symmetric" and "wrap" say.
    constant_values : number, pair, or sequence of pairs
        What a constant frame holds.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `put` and `where`, or with `take`.

    Raises
    ------
    ArgumentError
        If the mode is another one: those of NumPy that compute something have no rule.

    Examples
    --------
    >>> pad([1.0, 2.0], (1, 2))
    array([0., 1., 2., 0., 0.])
    >>> pad([1.0, 2.0], 1, mode="edge")
    array([1., 1., 2., 2.])
    """
    x = operand(x)
    if mode in _COPIES:
        return take(x, np.pad(places(x), pad_width, mode=mode))  # type: ignore[call-overload]
    if mode != "constant":
        names = ", ".join(("constant", *_COPIES))
        raise ArgumentError(f"pad has no mode {mode!r}; choose one of {names}")
    inside = np.pad(np.ones(x.shape, bool), pad_width)
    frame = np.pad(np.zeros(x.shape, x.dtype), pad_width, constant_values=constant_values)
    return where(inside, put(ravel(x), index=inside, shape=inside.shape), frame)


def tile(x: Any, reps: int | Sequence[int]) -> Any:
    """Return the whole array several times along each axis, as `numpy.tile`.

    Parameters
    ----------
    x : array_like or Tensor
        Any shape.
    reps : int or sequence of int
        How often along each axis; the last number is for the last axis.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `broadcast_to`.

    Examples
    --------
    >>> tile([1.0, 2.0], 2)
    array([1., 2., 1., 2.])
    """
    x = operand(x)
    counts = tuple(np.atleast_1d(reps).tolist())
    if min(counts, default=0) < 0:
        raise ArgumentError(f"tile repeats an array 0 times or more, not {reps}")
    ndim = max(x.ndim, len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    lengths = (1,) * (ndim - x.ndim) + x.shape
    apart = reshape(x, shape=[n for length in lengths for n in (1, length)])
    pairs = zip(counts, lengths, strict=True)
    copies = broadcast_to(apart, shape=tuple(n for pair in pairs for n in pair))
    return reshape(copies, shape=[k * n for k, n in zip(counts, lengths, strict=True)])


def ravel(x: Any) -> Any:
    """Return the entries in one row, in row-major order, as `numpy.ravel`.

    Parameters
    ----------
    x : array_like or Tensor
        Any shape.

    Returns
    -------
    ndarray or Tensor
        Shape (n,). A Tensor if `x` is one; it is made with `reshape`.

    Examples
    --------
    >>> ravel([[1.0, 2.0], [3.0, 4.0]])
    array([1., 2., 3., 4.])
    """
    return reshape(x, shape=(-1,))


flatten = ravel  # nobody can write to a Tensor's data, so it does not matter which one copies


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """Return the array with some of its axes moved, the others in their order.

    Parameters
    ----------
    x : array_like or Tensor
        Any shape.
    source, destination : int or sequence of int
        The axes, and where to put each of them.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `transpose`.

    Examples
    --------
    >>> moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = operand(x)
    numbered = np.empty(tuple(range(x.ndim)))  # each axis is as long as its number
    return transpose(x, axes=np.moveaxis(numbered, source, destination).shape)


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Return the parts of an array that is cut along an axis, as `numpy.split`.

    Parameters
    ----------
    x : array_like or Tensor
        At least one axis.
    indices_or_sections : int or sequence of int
        How many equal parts, or where to cut.
    axis : int
        What to cut along.

    Returns
    -------
    list of ndarray or Tensor
        Tensors if `x` is one; each is made by indexing.

    Raises
    ------
    ValueError
        If the parts cannot be equal; see `array_split`.

    Examples
    --------
    >>> split([1.0, 2.0, 3.0, 4.0], [1, 3])
    [array([1.]), array([2., 3.]), array([4.])]
    """
    return _parts(np.split, operand(x), indices_or_sections, axis)


def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Return the parts of an array that is cut along an axis; the first may be longer by one.

    Parameters
    ----------
    x : array_like or Tensor
        At least one axis.
    indices_or_sections : int or sequence of int
        How many parts, or where to cut.
    axis : int
        What to cut along.

    Returns
    -------
    list of ndarray or Tensor
        Tensors if `x` is one; each is made by indexing.

    Examples
    --------
    >>> array_split([1.0, 2.0, 3.0], 2)
    [array([1., 2.]), array([3.])]
    """
    return _parts(np.array_split, operand(x), indices_or_sections, axis)


def _parts(split: Any, x: Any, where: Any, axis: int) -> list[Any]:
    """Return views of an array as a function of NumPy cuts the numbers of its rows."""
    axis = normalize_axis_index(axis, x.ndim)
    parts = split(np.arange(x.shape[axis]), where)
    cuts = [slice(int(part[0]), int(part[-1]) + 1) if part.size else slice(0) for part in parts]
    return [x[(*(slice(None),) * axis, cut)] for cut in cuts]


def atleast_1d(*xs: Any) -> Any:
    """Return arrays with one axis or more: a number becomes an array of one entry.

    Parameters
    ----------
    *xs : array_like or Tensor
        One or several.

    Returns
    -------
    ndarray or Tensor, or a tuple of them
        One for each input; it is made with `reshape`.

    Examples
    --------
    >>> atleast_1d(2.0)
    array([2.])
    """
    return _each(xs, lambda x: x if x.ndim else reshape(x, shape=(1,)))


def atleast_2d(*xs: Any) -> Any:
    """Return arrays with two axes or more: a vector becomes a row.

    Parameters
    ----------
    *xs : array_like or Tensor
        One or several.

    Returns
    -------
    ndarray or Tensor, or a tuple of them
        One for each input; it is made with `reshape`.

    Examples
    --------
    >>> atleast_2d([2.0, 3.0])
    array([[2., 3.]])
    """
    return _each(xs, lambda x: x if x.ndim > 1 else reshape(x, shape=(1, -1)))


def _each(xs: tuple[Any, ...], change: Any) -> Any:
    changed = tuple(change(operand(x)) for x in xs)
    return changed[0] if len(changed) == 1 else changed


def hstack(xs: Sequence[Any]) -> Any:
    """Return arrays joined along the second axis, vectors along their only one.

    Parameters
    ----------
    xs : sequence of array_like or Tensor
        Arrays of the same shape but for that axis.

    Returns
    -------
    ndarray or Tensor
        A Tensor if one of them is; it is made with `concatenate`.

    Examples
    --------
    >>> hstack([[1.0, 2.0], 3.0])
    array([1., 2., 3.])
    """
    arrays = [atleast_1d(x) for x in xs]
    return concatenate(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1)


def vstack(xs: Sequence[Any]) -> Any:
    """Return arrays joined along the first axis, vectors as rows.

    Parameters
    ----------
    xs : sequence of array_like or Tensor
        Arrays of the same shape but for that axis.

    Returns
    -------
    ndarray or Tensor
        A Tensor if one of them is; it is made with `concatenate`.

    Examples
    --------
    >>> vstack([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [3., 4.]])
    """
    return concatenate([atleast_2d(x) for x in xs], axis=0)


def append(x: Any, values: Any, axis: int | None = None) -> Any:
    """Return the array with values after its last entry, as `numpy.append`.

    Parameters
    ----------
    x, values : array_like or Tensor
        Any shapes; with an axis, the same but for this axis.
    axis : int, optional
        What to join along; None joins the entries of both in one row.

    Returns
    -------
    ndarray or Tensor
        A Tensor if one of them is; it is made with `concatenate`.

    Examples
    --------
    >>> append([1.0, 2.0], 3.0)
    array([1., 2., 3.])
    """
    return concatenate([operand(x), operand(values)], axis=axis)


def sort(x: Any, axis: int | None = -1) -> Any:
    """Return the entries in rising order along an axis; each sends its gradient to where it was.

    Parameters
    ----------
    x : array_like or Tensor
        At least one axis. Equal entries keep their order, NaN comes last.
    axis : int, optional
        What to sort along; None sorts all entries in one row.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `take_along_axis`.

    Examples
    --------
    >>> sort([3.0, 1.0, 2.0])
    array([1., 2., 3.])
    """
    x, axis = (ravel(x), -1) if axis is None else (operand(x), axis)
    order = np.argsort(values(x), axis=axis, kind="stable")
    return take_along_axis(x, order, axis=axis)
