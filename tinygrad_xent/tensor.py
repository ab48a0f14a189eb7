"""A tensor is an array that remembers how it was computed."""

from __future__ import annotations

import opcode
import operator
import sys
from _thread import allocate_lock  # all that is needed of `threading`, which loads slowly
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Never

import numpy as np

from tinygrad_xent import errors, ops
from tinygrad_xent.arrays import as_array, is_foreign, owned, read_only
from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.errors import DtypeError, InPlaceError, NotScalarError, NumpyFunctionError
from tinygrad_xent.graph import Node, describe, real_array, values
from tinygrad_xent.op import answering

Axis = int | tuple[int, ...] | None
_STORE_SUBSCR = opcode.opmap["STORE_SUBSCR"]

_grad_lock = allocate_lock()  # threads may share leaves, so they take turns adding to .grad


def _operators(name: str) -> tuple[Any, Any]:
    """Return the methods for `tensor + other` and `other + tensor`, which call the op `name`."""
    return (
        lambda x, other: getattr(ops, name)(x, other),  # noqa: PLW0108 - looked up when called
        lambda x, other: getattr(ops, name)(other, x),
    )


def _compared(function: Any) -> Any:
    return lambda x, other: function(x.data, values(other))


class Tensor(Node):
    """An array that remembers how it was computed.

    Constants need not be Tensors: arrays and numbers mix freely with Tensors, and no gradient is
    computed for them.

    Parameters
    ----------
    data : array_like
        Real numbers. An array is used as it is, not copied. Tensors of integers and booleans
        are constants: gradients need a floating dtype.
    dtype : dtype, optional
        What to convert the data to.
    name : str, optional
        What to call it in traces, pictures and messages.

    Attributes
    ----------
    data : ndarray
        The numbers. Give a leaf new ones by assigning (`w.data -= 0.1 * w.grad`); a graph that
        used the old ones then refuses its backward pass. It cannot notice what is written behind
        the Tensor's back: single entries (`w.data[0] = 1`), an array that two Tensors share, and
        arrays used as constants, labels or indices. After such a change run the forward pass
        again, or the gradient mixes old numbers with new. The data of a computed Tensor is
        read-only.
    grad : ndarray or None
        The gradient that `backward` left here. That of a leaf is yours to write to; that of a
        computed Tensor is read-only.

    Raises
    ------
    DtypeError
        If the data are not real numbers.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], name="x")
    >>> y = (x * x).sum()
    >>> y
    Tensor(5., op=sum)
    >>> y.backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ()

    @answering
    def __init__(self, data: Any, *, dtype: Any = None, name: str | None = None) -> None:
        given = real_array(data, dtype)
        super().__init__(read_only(given))
        self._given = given
        self.name = name

    # -- gradients ---------------------------------------------------------------------------

    def backward(self, gradient: Any = None, **others: Never) -> None:
        """Compute the gradient of this tensor with respect to every tensor of its graph.

        Leaves add it to the `.grad` they have, the others keep that of the last pass. If a
        rule fails, no `.grad` has changed.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient to start from, of this tensor's shape; 1 for a scalar.

        Raises
        ------
        NotScalarError, ShapeError, DtypeError, StaleGraphError
            If there is nothing to start from; the message says what to do.
        MissingRuleError, RuleResultError
            If an op has no rule, or a wrong one.

        Examples
        --------
        >>> w = Tensor(3.0)
        >>> (w * w).backward()
        >>> (w * w).backward()
        >>> w.grad
        array(12.)
        """
        for name in others:
            raise errors.hints.no_argument(Tensor.backward, name)
        seed = gradient.data if isinstance(gradient, Node) else gradient
        finished = dict(backpropagate(self, None if seed is None else as_array(seed).copy()))
        taken: set[int] = set()  # ids of the buffers behind the gradients of computed tensors
        for node, grad in finished.items():
            if node.op is not None:
                taken.add(id(getattr(grad, "base", None)))
        with _grad_lock:
            for node, grad in finished.items():
                old = node._grad
                if node.op is not None:
                    node._grad = grad
                elif old is None:
                    node._grad = owned(grad, taken)
                else:
                    node._grad = as_array(old + grad)

    @property
    def grad(self) -> Any:
        """What `backward` left here: an array of this tensor's shape and dtype, or None."""
        if self.data.dtype.kind != "f":
            raise DtypeError(
                f"{describe(self)} holds {self.dtype}: integers have no gradient; "
                "make it float: Tensor(data, dtype=float)"
            )
        return self._grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        self._grad = grad

    # -- the array ---------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the data."""
        dtype: np.dtype[Any] = self.data.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of entries."""
        return _Size(self.data.size)

    def item(self) -> Any:
        """Return the only entry as a Python number."""
        if self.data.size != 1:
            raise NotScalarError(errors.hints.SEVERAL.format(describe(self), self.data.size))
        return np.asarray(self.data).item()

    def tolist(self) -> Any:
        """Return the entries as nested lists of Python numbers."""
        return np.asarray(self.data).tolist()

    def __len__(self) -> int:
        return len(self.data)

    def __float__(self) -> float:
        # `array[i] = x` calls this too, and only the caller's bytecode tells it from `float(x)`.
        caller = sys._getframe(1)
        if caller.f_code.co_code[caller.f_lasti] == _STORE_SUBSCR:
            raise NumpyFunctionError(errors.hints.IN_AN_ARRAY)
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        return bool(self.item())

    def __repr__(self) -> str:
        if is_foreign(self.data):  # it may be lazy: leave it to its library
            facts = [repr(self.data)]
        else:
            facts = [np.array2string(self.data, separator=", ", prefix="Tensor(")]
        if self.dtype not in (np.float64, np.int64, np.bool_):
            facts.append(f"dtype={self.dtype}")
        if self.name:
            facts.append(f"name={self.name!r}")
        if self.op:
            facts.append(f"op={self.op.name}")
        return f"Tensor({', '.join(facts)})"

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec else repr(self), spec)

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.item(), digits)

    def __getattr__(self, name: str) -> Never:
        raise errors.hints.no_attribute(self, name, ops)

    requires_grad = property(
        lambda x: x.__getattr__("requires_grad"),
        lambda x, _: x.__getattr__("requires_grad"),
        doc="PyTorch's word, which people read and assign: both get a sentence.",
    )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Record NumPy's function of a Tensor if there is an op for it: `np.exp(x)`."""
        from tinygrad_xent.ops.numpy_calls import call_ufunc

        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        """Record NumPy's function of a Tensor if there is one here: `np.sum(x, axis=0)`."""
        from tinygrad_xent.ops.numpy_calls import call

        return call(function, args, kwargs)

    def __array__(self, *_args: Any, **_kwargs: Any) -> Any:
        reader = sys._getframe(1).f_globals.get("__name__", "")
        if reader.startswith("numpy.testing"):
            return self.data
        raise NumpyFunctionError(errors.hints.no_array(reader))

    @property
    def _mask(self) -> Never:
        """Refuse: `masked * x` would take `_data` and `_mask` and lose the graph."""
        raise NumpyFunctionError(
            "a masked array of NumPy would lose the graph of a Tensor: fill it first, "
            "masked.filled(0), and mask the result with where"
        )

    def __setitem__(self, index: Any, value: Any) -> Never:
        raise InPlaceError(errors.hints.ASSIGNED)

    def _changed_in_place(self, other: Any) -> Any:
        """Refuse an update that would only rebind the name and leave the leaf unchanged."""
        if self.op or isinstance(other, Node):
            return NotImplemented  # Python then computes p = p - step
        if self._grad is not None or getattr(other, "shape", None) == self.data.shape:
            raise InPlaceError(errors.hints.UPDATED.format(describe(self)))
        return NotImplemented

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imatmul__ = _changed_in_place
    __imod__ = __ifloordiv__ = _changed_in_place

    # -- operators ---------------------------------------------------------------------------

    __add__, __radd__ = _operators("add")
    __sub__, __rsub__ = _operators("subtract")
    __mul__, __rmul__ = _operators("multiply")
    __truediv__, __rtruediv__ = _operators("divide")
    __floordiv__, __rfloordiv__ = _operators("floor_divide")
    __mod__, __rmod__ = _operators("remainder")
    __pow__, __rpow__ = _operators("power")
    __matmul__, __rmatmul__ = _operators("matmul")

    def __neg__(self) -> Any:
        return ops.negative(self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Any:
        return ops.absolute(self)

    def __getitem__(self, index: Any) -> Any:
        return ops.getitem(self, index=index)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # Comparisons return arrays: no gradient passes through them.

    __hash__ = object.__hash__

    __eq__, __ne__ = _compared(operator.eq), _compared(operator.ne)
    __lt__, __le__ = _compared(operator.lt), _compared(operator.le)
    __gt__, __ge__ = _compared(operator.gt), _compared(operator.ge)
    __contains__ = _compared(operator.contains)

    # -- NumPy's methods ---------------------------------------------------------------------

    def sum(self, axis: Axis = None, *more: Never, keepdims: bool = False, **others: Never) -> Any:
        """Sum over axes; see `sum`."""
        return ops.sum(self, *more, axis=axis, keepdims=keepdims, **others)

    def mean(self, axis: Axis = None, *more: Never, keepdims: bool = False, **others: Never) -> Any:
        """Arithmetic mean over axes; see `mean`."""
        return ops.mean(self, *more, axis=axis, keepdims=keepdims, **others)

    def var(
        self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, **others: Never
    ) -> Any:
        """Variance over axes; see `var`."""
        return ops.var(self, axis=axis, ddof=ddof, keepdims=keepdims, **others)

    def max(self, axis: Axis = None, *more: Never, keepdims: bool = False, **others: Never) -> Any:
        """Largest entry over axes; see `max`."""
        return ops.max(self, *more, axis=axis, keepdims=keepdims, **others)

    def min(self, axis: Axis = None, *more: Never, keepdims: bool = False, **others: Never) -> Any:
        """Smallest entry over axes; see `min`."""
        return ops.min(self, *more, axis=axis, keepdims=keepdims, **others)

    def prod(self, axis: Axis = None, *more: Never, keepdims: bool = False, **others: Never) -> Any:
        """Product over axes; see `prod`."""
        return ops.prod(self, *more, axis=axis, keepdims=keepdims, **others)

    def cumsum(self, axis: int | None = None, **others: Never) -> Any:
        """Running sum along an axis; see `cumsum`."""
        return ops.cumsum(self, axis=axis, **others)

    @answering
    def argmax(self, axis: int | None = None) -> Any:
        """Place of the largest entry, as a plain array: it has no gradient."""
        return self.data.argmax(axis)

    @answering
    def argmin(self, axis: int | None = None) -> Any:
        """Place of the smallest entry, as a plain array: it has no gradient."""
        return self.data.argmin(axis)

    def clip(self, min: Any = None, max: Any = None, **others: Never) -> Any:
        """Limit to an interval; see `clip`."""
        return ops.clip(self, min, max, **others)

    def reshape(self, *shape: Any, **others: Any) -> Any:
        """Same numbers, another shape; see `reshape`."""
        return ops.reshape(self, **{"shape": _one_or_many(shape)} if shape else {}, **others)

    def transpose(self, *axes: Any, **others: Never) -> Any:
        """Axes in another order, by default reversed; see `transpose`."""
        return ops.transpose(self, axes=_one_or_many(axes) if axes else None, **others)

    @property
    def T(self) -> Any:
        """The axes reversed."""
        return ops.transpose(self)

    def swapaxes(self, *axes: int, **others: Any) -> Any:
        """Swap two axes; see `swapaxes`."""
        return ops.swapaxes(self, *axes, **others)

    def squeeze(self, axis: Axis = None, **others: Never) -> Any:
        """Drop axes of length 1; see `squeeze`."""
        return ops.squeeze(self, axis=axis, **others)

    def take(self, indices: Any, axis: int | None = None, **others: Never) -> Any:
        """Slices by their index along an axis; see `take`."""
        return ops.take(self, indices, axis=axis, **others)

    def copy(self) -> Any:
        """Same numbers in memory of their own, recorded; see `astype`."""
        return ops.astype(self, dtype=self.dtype)

    def astype(self, dtype: Any) -> Any:
        """Same numbers, rounded to another dtype; see `astype`."""
        return ops.astype(self, dtype=dtype)

    def std(
        self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, **others: Never
    ) -> Any:
        """Standard deviation over axes; see `std`."""
        return ops.std(self, axis=axis, ddof=ddof, keepdims=keepdims, **others)

    def cumprod(self, axis: int | None = None, **others: Never) -> Any:
        """Running product along an axis; see `cumprod`."""
        return ops.cumprod(self, axis=axis, **others)

    def round(self, decimals: int = 0, **others: Never) -> Any:
        """Nearest numbers with so many decimals; see `round`."""
        return ops.round(self, decimals=decimals, **others)

    def dot(self, other: Any) -> Any:
        """Matrix product, or that of two vectors; see `dot`."""
        return ops.dot(self, other)

    @answering
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """Entries on a diagonal; see `diagonal`."""
        return ops.diagonal(self, offset, axis1, axis2)

    @answering
    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """Sum of a diagonal; see `matrix_trace`. The gradients of a graph are in `tx.trace(x)`."""
        return ops.matrix_trace(self, offset, axis1, axis2)

    def repeat(self, repeats: Any, axis: int | None = None, **others: Never) -> Any:
        """Each entry several times in a row; see `repeat`."""
        return ops.repeat(self, repeats=repeats, axis=axis, **others)

    @answering
    def ravel(self) -> Any:
        """Entries in one row; see `ravel`."""
        return ops.ravel(self)

    flatten = ravel

    @property
    def mT(self) -> Any:
        """The last two axes swapped; see `matrix_transpose`."""
        return ops.matrix_transpose(self)

    @answering
    def argsort(self, axis: int | None = -1) -> Any:
        """Places of the entries in rising order, as a plain array: it has no gradient."""
        return self.data.argsort(axis, kind="stable")

    def sort(self, *_args: Any, **_kwargs: Any) -> Never:
        """Refuse: `x.sort()` of NumPy reorders an array in place. See `sort`."""
        raise InPlaceError(
            "x.sort() would change the Tensor in place, and its graph would be wrong; write "
            "tx.sort(x), which returns a new one"
        )


class _Size(int):
    """The number of entries, which says what `x.size(0)` is called here."""

    def __call__(self, *_axis: Any) -> Never:
        raise TypeError("x.size is the number of entries: write x.shape[0], the length of an axis")


class _Module(ModuleType):
    """A module that says what `tx.tensor([1.0])` is called here."""

    def __call__(self, *_args: Any, **_kwargs: Any) -> Never:
        raise TypeError("write tx.Tensor(array), with a capital T")


sys.modules[__name__].__class__ = _Module


def _one_or_many(numbers: tuple[Any, ...]) -> Any:
    """Accept both `x.reshape(2, 3)` and `x.reshape((2, 3))`."""
    return numbers[0] if len(numbers) == 1 and not isinstance(numbers[0], int) else numbers
