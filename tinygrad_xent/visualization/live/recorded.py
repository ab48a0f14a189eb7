"""Tensors that record comparisons as well: masks then follow when a number changes.

A rule that is handed these Tensors writes down everything it computes. What it decides by (`if`) is
written down too, as a condition that must stay as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Never

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_xent import ops
from tinygrad_xent.op import Op
from tinygrad_xent.tensor import Tensor

conditions: ContextVar[list[Recorded]] = ContextVar("conditions")
"""What the rules of the graph that is being recorded have decided by."""


class CannotFollowError(Exception):
    """A rule takes numbers out of the graph, so that a page could not compute it again."""


def _fact(function: Callable[..., Any]) -> Op:
    """Return an op for a function of NumPy that has no gradient: its result is true or false."""

    def one(x: Any) -> Any:
        return function(x)

    def two(x: Any, y: Any) -> Any:
        return function(x, y)

    def over_axes(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
        return function(x, axis=axis, keepdims=keepdims)

    count = 0 if function in (np.all, np.any) else getattr(function, "nin", 1)
    op = Op((over_axes, one, two)[count])
    op.name = function.__name__
    return op


FACTS = {
    f.__name__: _fact(f)
    for f in (
        np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
        np.logical_and, np.logical_or, np.logical_xor, np.logical_not, np.all, np.any,
        np.isfinite, np.isinf, np.isnan, np.isneginf, np.isposinf, np.signbit,
    )
}  # fmt: skip
"""The ops whose results are true or false, by name."""

_BITWISE = {
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "invert": "logical_not",
}
_REDUCED = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}
_OF_SHAPES = {"empty_like", "ndim", "ones_like", "result_type", "shape", "size", "zeros_like"}


def _op_named(name: str) -> Any:
    return FACTS.get(name) or (getattr(ops, name) if name in ops.MODULE_OF else None)


class Recorded(NDArrayOperatorsMixin, Tensor):
    """A Tensor whose operators and comparisons are all ops, and whose truth is a condition."""

    __slots__ = ()

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Recorded({self._data!r})"

    @property
    def data(self) -> Any:
        """The numbers, for a rule: what NumPy computes of them is recorded."""
        seen = self._data.view(Seen)
        seen.tensor = self
        return seen

    def all(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Return whether all entries are true."""
        return FACTS["all"](self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Return whether an entry is true."""
        return FACTS["any"](self, axis=axis, keepdims=keepdims)

    def __bool__(self) -> bool:
        conditions.get().append(self)
        return bool(self._data)

    def _refuse(self, *_: Any) -> Never:
        raise CannotFollowError("it takes a single number out of a Tensor")

    item = __int__ = __float__ = __index__ = _refuse
    argmax = argmin = _refuse  # type: ignore[assignment]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = _BITWISE.get(ufunc.__name__, ufunc.__name__)
        if kwargs.get("out", (None,))[0] is inputs[0]:
            del kwargs["out"]  # x += y makes another x
        xs = [x.tensor if isinstance(x, Seen) and x.tensor is not None else x for x in inputs]
        if method == "reduce" and name in _REDUCED:
            kept = {key: kwargs[key] for key in ("axis", "keepdims") if key in kwargs}
            return _op_named(_REDUCED[name])(xs[0], **{"axis": 0, **kept})
        op = _op_named(name)
        if method != "__call__" or kwargs or op is None:
            raise CannotFollowError(f"it calls np.{ufunc.__name__}, which is not an op")
        return op(*xs)

    def __array_function__(self, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        name = {"amax": "max", "amin": "min"}.get(function.__name__, function.__name__)
        if name in _OF_SHAPES:
            return function(*map(_plain, args), **kwargs)
        op = _op_named(name)
        if op is None or not isinstance(args[0], Tensor | Seen):
            raise CannotFollowError(f"it calls np.{name}, which is not an op")
        first = args[0].tensor if isinstance(args[0], Seen) else args[0]
        return op(first, *args[1:], **kwargs)


class Seen(np.ndarray[Any, Any]):
    """The data of a recorded tensor as a rule sees them: NumPy's functions of them are recorded."""

    tensor: Any = None

    def __array_finalize__(self, _parent: Any) -> None:
        self.tensor = None  # a part of it, or a copy

    def __array_ufunc__(self, *call: Any, **kwargs: Any) -> Any:
        return self._whole().__array_ufunc__(*call, **kwargs)

    def __array_function__(self, *call: Any) -> Any:
        return self._whole().__array_function__(*call)

    def __getitem__(self, index: Any) -> Any:
        return self._whole()[index]

    def _whole(self) -> Any:
        if self.tensor is None:
            raise CannotFollowError("it computes with a part of the data of a Tensor, or a copy")
        return self.tensor


def _plain(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x._data
    return x.view(np.ndarray) if isinstance(x, Seen) else x


def of_ops(result: Any) -> Any:
    """Return what a learner's function or rule returned, or raise if it is not of ops."""
    if isinstance(result, Recorded):
        return result
    raise CannotFollowError("it returns numbers that it did not compute by ops")


def place(x: Any) -> Any:
    """Return where an array lies in memory, the same for the same numbers."""
    if not x.size:
        return id(x)
    return x.__array_interface__["data"][0], x.shape, x.strides, x.dtype


class Elsewhere:
    """What a learner's function or rule was handed, at other numbers than those it was recorded at.

    What was recorded must give there what the function or rule itself computes: otherwise it has
    taken numbers out of the Tensors, and does not follow.
    """

    def __init__(self, inputs: Any) -> None:
        self.inputs = [_moved(_plain(x)) for x in inputs]
        self.values = {
            place(x._data): moved
            for x, moved in zip(inputs, self.inputs, strict=True)
            if isinstance(x, Recorded)
        }

    def check(self, recorded: Recorded, wanted: Any) -> None:
        """Raise unless what was recorded computes what is wanted."""
        got = np.asarray(self.value(recorded), float)
        if np.shape(wanted) != got.shape:
            raise CannotFollowError("it computes another shape when it is handed Tensors")
        far = np.abs(wanted - got).max(initial=0)
        if not far <= _CLOSE.get(recorded._data.dtype.name, 1e-6) * np.abs(got).max(initial=0):
            raise CannotFollowError("it takes numbers out of the Tensors")

    def value(self, x: Any) -> Any:
        """Return what an array that was recorded is at the other numbers."""
        if not isinstance(x, Recorded | np.ndarray):
            return x
        data = x._data if isinstance(x, Recorded) else x
        key = place(data)
        if key not in self.values and isinstance(x, Recorded) and x.op:
            params = {name: self.value(each) for name, each in x.params.items()}
            self.values[key] = x.op.function(*map(self.value, x.inputs), **params)
        return self.values.get(key, data)


_CLOSE = {"float64": 1e-6, "float32": 1e-3, "float16": 3e-2}


def _moved(x: Any) -> Any:
    """Return other numbers of the same kind, a few per cent away."""
    if np.asarray(x).dtype.kind != "f":
        return x
    x = np.asarray(x)
    return (x * (1 + 0.04 * np.sin(1 + np.arange(x.size)).reshape(x.shape))).astype(x.dtype)
