"""Arrays of other libraries, reached by NumPy's own dispatch.

`np.exp(x)` on an array that has `__array_ufunc__` and `__array_function__`, such as a `dask.array`,
calls that library's function. Ops and rules written with NumPy's functions and operators therefore
run on it as they stand; all they must not do is to turn it into a NumPy array by `np.asarray`.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_xent import errors

_NUMPY = (np.ndarray, np.generic)


def is_foreign(x: Any) -> bool:
    """Return whether this is an array of another library than NumPy."""
    return not isinstance(x, _NUMPY) and hasattr(x, "__array_function__")


def as_array(x: Any, dtype: Any = None) -> Any:
    """Return `x` as an array: another library's unchanged, anything else as NumPy's.

    Its numbers have the byte order of this machine. A masked array is refused, as the mask would
    be lost.
    """
    if type(x) is np.ndarray and dtype is None and x.dtype.isnative:
        return x  # the usual case
    if hasattr(x, "__array_function__") and is_foreign(x):
        if any(map(math.isnan, x.shape)):  # NaN equals nothing: no shape would fit
            raise errors.ShapeError(
                f"an array of shape {x.shape} does not know how long it is, as after a selection "
                "by a mask; let Dask find out first: x.compute_chunk_sizes()"
            )
        return x if dtype is None else x.astype(dtype)
    if isinstance(x, np.ndarray) and hasattr(x, "mask"):
        raise errors.DtypeError(
            "a masked array would lose its mask: fill it first, x.filled(0), and mask the result "
            "with where"
        )
    try:
        array = np.asarray(x, dtype)
    except ValueError:
        errors.hints.explain_input(x)
        raise
    if array.dtype.kind == "O":
        errors.hints.explain_data(x)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def read_only(x: Any) -> Any:
    """Return a view of an array through which nobody can write; anything else as it is."""
    if type(x) is not np.ndarray:
        return x
    view = x.view()
    view.setflags(False)  # type: ignore[call-arg]  # by name it takes twice as long
    return view


def owned(grad: Any, taken: set[int]) -> Any:
    """Return a gradient as an array that the user may write to.

    What a rule was handed is read-only and is copied, and so is a part of another array. What a
    rule made is given away, but only once: `taken` has the ids of the memory that others hold.
    """
    if is_foreign(grad):
        return grad
    memory = grad if grad.base is None else grad.base
    whole = getattr(memory, "nbytes", 0) == grad.nbytes
    if not (whole and grad.flags.writeable) or id(memory) in taken:
        return grad.copy()
    taken.add(id(memory))
    return grad


def checked(check: Callable[[Any, tuple[int, ...]], None], x: Any, whole: int | None = None) -> Any:
    """Return `x` after `check(x, start)`; check a Dask array's blocks when they are computed.

    `start` is the index of a block's first entry, all 0 for an array in one piece. No block is cut
    along the axis `whole`.
    """
    if not hasattr(x, "map_blocks"):
        check(x, (0,) * x.ndim)
        return x
    if whole is not None:
        x = x.rechunk({whole: -1})

    def on_block(block: Any, block_info: Any = None) -> Any:
        start = tuple(first for first, _ in block_info[0]["array-location"])
        check(block, start)
        return block

    return x.map_blocks(on_block, dtype=x.dtype, meta=x._meta)


def all_numpy(*arrays: Any) -> bool:
    """Return whether these are arrays of NumPy that hold real numbers."""
    for x in arrays:  # noqa: SIM110 - `all` of a generator takes twice the time
        if not isinstance(x, np.ndarray) or x.dtype.kind == "c":
            return False
    return True


def repeated_axes(result: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes along which broadcasting repeats an array of `shape` to make `result`.

    Examples
    --------
    >>> repeated_axes((4, 2, 3), (2, 1))
    (0, 2)
    """
    new = len(result) - len(shape)
    explained = new >= 0 and all(
        want in (1, have) for want, have in zip(shape, result[new:], strict=True)
    )
    if not explained:
        raise errors.RuleResultError(f"shape {result} did not come from {shape} by broadcasting")
    return tuple(range(new)) + tuple(
        i + new for i, want in enumerate(shape) if want == 1 and result[i + new] != 1
    )


def one_hot(labels: Any, x: Any, axis: int) -> Any:
    """Return whether each entry of `x` is the one that a label names along an axis."""
    places = np.arange(x.shape[axis]).reshape(-1, *(1,) * (x.ndim - 1 - axis % x.ndim))
    return places == np.expand_dims(labels, axis)


def top_apart(x: Any, axis: int) -> tuple[Any, Any, Any]:
    """Return where the largest entry along an axis is, that entry, and exp(x - it) of the others.

    Its own exp(x - it) is 1, so the logarithm of the sum of all is log1p of the sum of the others,
    which is returned, and keeps every digit of these however small they are.
    """
    is_top = one_hot(np.argmax(np.real(x), axis=axis), x, axis)
    top = np.sum(np.where(is_top, x, 0.0), axis=axis, keepdims=True)
    return is_top, top, np.sum(np.exp(x - top) - is_top, axis=axis, keepdims=True)


def first(wrong: Any) -> tuple[int, ...]:
    """Return the index of the first True."""
    return tuple(int(i) for i in np.argwhere(wrong)[0])


def at(place: tuple[int, ...], start: tuple[int, ...] = ()) -> str:
    """Return where an entry is, for a message; nothing if there is only one entry.

    `start` is the index of the first entry if these are a part of an array.

    Examples
    --------
    >>> at((3,)), at((0, 1)), at(()), at((3,), (20,))
    (' at position 3', ' at position (0, 1)', '', ' at position 23')
    """
    place = tuple(map(operator.add, place, start or (0,) * len(place)))
    return f" at position {place if len(place) > 1 else place[0]}" if place else ""
