"""Softmax, its logarithm, and the logarithm of a sum of exponentials.

On NumPy's real arrays `kernels` computes them. The formulas here are the same in NumPy's functions
alone: for complex numbers, for arrays of other libraries, and to read.
"""

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_xent import ops
from tinygrad_xent.arrays import all_numpy, as_array, is_foreign, one_hot, top_apart
from tinygrad_xent.errors import AxisError, DtypeError, ShapeError
from tinygrad_xent.graph import Node, values
from tinygrad_xent.op import op
from tinygrad_xent.ops import kernels

Axis = int | tuple[int, ...] | None
_MASK = np.array([True, False, True])


@op(shapes="(n)->(n)", examples=({}, {"axis": 0}, {"axis": None}, {"where": _MASK}))
def softmax(x: Any, *, axis: Axis = -1, where: Any = None) -> Any:
    r"""Softmax: $y_i = e^{x_i} \big/ \sum_j e^{x_j}$.

    Only entries where the mask `where` is True take part; the others are 0.

    >>> softmax([1.0, 1.0, 1.0, 1.0])
    array([0.25, 0.25, 0.25, 0.25])
    >>> softmax([1.0, 1.0, 99.0], where=[True, True, False])
    array([0.5, 0.5, 0. ])
    """
    x = as_array(x)
    if where is not None or not (isinstance(axis, int) and -x.ndim <= axis < x.ndim):
        return _masked_or_merged(softmax.function, x, axis, where, 0)
    if all_numpy(x):
        return kernels.softmax(x, axis)
    e = np.exp(1.0 * x - np.max(np.real(x), axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@softmax.backward
def softmax_backward(grad: Any, y: Any, x: Any, *, axis: Axis, where: Any = None) -> Any:
    r"""$\bar x_i = y_i\,(\bar y_i - \sum_j \bar y_j\,y_j)$"""
    if where is not None:
        grad = ops.where(mask_of(where, x), grad, 0)
    if isinstance(axis, int) and x.ndim and all_numpy(grad, y):
        return kernels.softmax_backward(grad, y, x, axis)
    grad = ops.where(x == -np.inf, 0, grad)  # there y is 0, and it would stay so
    return y * centred(grad, y, axis)


@op(symbol="ln softmax", shapes="(n)->(n)", examples=({}, {"axis": 0}, {"axis": None}))
def log_softmax(x: Any, *, axis: Axis = -1, where: Any = None) -> Any:
    r"""Logarithm of the softmax, without its underflow: $y_i = x_i - \ln \sum_j e^{x_j}$.

    Only entries where the mask `where` is True take part; the others are -inf.

    >>> log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    x = as_array(x)
    if where is not None or not (isinstance(axis, int) and -x.ndim <= axis < x.ndim):
        return _masked_or_merged(log_softmax.function, x, axis, where, -np.inf)
    if all_numpy(x):
        return kernels.log_softmax(x, axis)
    _, top, others = top_apart(x, axis)
    return x - top - np.log1p(others)


@log_softmax.backward
def log_softmax_backward(grad: Any, y: Any, x: Any, *, axis: Axis, where: Any = None) -> Any:
    r"""$\bar x_i = \bar y_i - e^{y_i} \sum_j \bar y_j$"""
    if where is not None:
        grad = ops.where(mask_of(where, x), grad, 0)
    if isinstance(y, np.ndarray) and y.dtype == np.float16:  # sums of many entries overflow
        wide = [a.astype(np.float32) for a in (grad, y, x)]
        return log_softmax_backward(*wide, axis=axis).astype(y.dtype)
    p = ops.exp(y)
    top = p > 0.5
    # 1 - p at the top, with its digits:
    rest = ops.sum(ops.where(top, 0, p), axis=axis, keepdims=True)
    others = ops.sum(ops.where(top, 0, grad), axis=axis, keepdims=True)
    total = ops.sum(grad, axis=axis, keepdims=True)
    return ops.where(top, grad * rest - p * others, grad - p * total)


@op(
    symbol="ln Σ exp",
    shapes="(m,n)->()",
    examples=(
        {},
        {"axis": 0},
        {"axis": -1, "keepdims": True},
        {"axis": -1, "where": _MASK},
        {"axis": -1, "b": np.array([2.0, 0.0, 0.5])},
    ),
)
def logsumexp(
    x: Any, *, axis: Axis = None, keepdims: bool = False, where: Any = None, b: Any = None
) -> Any:
    r"""Logarithm of a sum of exponentials that cannot overflow: $y = \ln \sum_i e^{x_i}$.

    Only entries where the mask `where` is True take part. `b` are factors of the exponentials, of
    either sign; gradients do not reach them.

    >>> print(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    >>> print(logsumexp([1000.0, 1000.0], b=[1.0, -0.5]))
    999.3068528194401
    """
    x = as_array(x)
    if where is not None:
        x = np.where(mask_of(where, x), x, np.asarray(-np.inf, _floating(x)))
    rows, order = merged(x, axis)
    if b is not None and rows.size:
        b = factors_of(b, x)
        b = b if where is None else np.where(mask_of(where, x), b, 0)
        out = _weighted(rows, merged(b, axis)[0])
    elif all_numpy(rows):
        out = kernels.logsumexp(rows, -1)
    else:
        _, top, others = top_apart(rows, -1)
        out = np.where(np.isinf(top), top, top + np.log1p(others))[..., 0]
    return np.expand_dims(out, order[rows.ndim - 1 :]) if keepdims else out


@logsumexp.backward
def logsumexp_backward(
    grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool, where: Any = None, b: Any = None
) -> Any:
    r"""$\bar x_i = \operatorname{softmax}(x)_i\,\bar y$"""
    from tinygrad_xent.ops.broadcasting import spread

    grad = spread(grad, axis, keepdims)
    logs = values(y)
    if is_foreign(logs) or np.isneginf(logs).any():
        taken = True if where is None else mask_of(where, x)
        where = (x != -np.inf) & taken  # ln 0: without a gradient, not with 0/0
    if b is None:
        return softmax(x, axis=axis, where=where) * grad
    b = factors_of(b, x)
    alive = (b != 0) if where is None else (b != 0) & mask_of(where, x)
    share = ops.exp(ops.where(alive, x, 0) - ops.where(alive, spread(y, axis, keepdims), 0))
    shares = ops.where(alive, b * share, 0)
    total = ops.sum(shares, axis=axis, keepdims=True)  # 1, but for what rounding took from y
    return shares / ops.where(total != 0, total, 1) * grad


def _weighted(x: Any, b: Any) -> Any:
    """Return the logarithm of the sum of b exp(x) along the last axis."""
    dtype = _floating(x)
    x, b = (a.astype(np.result_type(dtype, np.float32)) for a in (x, b))  # half overflows in sums
    with np.errstate(divide="ignore", invalid="ignore"):  # a factor of 0, or a sum of 0
        x = np.where(b == 0, -np.inf, x)
        is_top = one_hot(np.argmax(np.real(x + np.log(np.abs(b))), axis=-1), x, -1)
        top, factor = (np.sum(np.where(is_top, a, 0), axis=-1, keepdims=True) for a in (x, b))
        apart = np.isfinite(top) & (np.real(factor) > 0)
        top = np.where(np.isfinite(top), top, 0)
        shares = b * np.exp(x - top)
        others = np.sum(np.where(is_top, 0, shares), axis=-1, keepdims=True)
        kept = np.log(factor) + np.log1p(others / factor)  # the digits of the others, too
        whole = np.log(np.sum(shares, axis=-1, keepdims=True))
        return (top + np.where(apart, kept, whole))[..., 0].astype(dtype)


# -- differences that keep their digits ------------------------------------------------------


def centred(grad: Any, p: Any, axis: Axis) -> Any:
    r"""Return $\bar y_i - \sum_j \bar y_j\,p_j$ for probabilities p.

    Where one p has more than half, the gradients count from its own: the sum would otherwise be
    close to this, and their difference would lose its digits.
    """
    grad = grad - ops.sum(ops.where(p > 0.5, grad, 0), axis=axis, keepdims=True)
    return grad - ops.sum(grad * p, axis=axis, keepdims=True)


# -- axes ------------------------------------------------------------------------------------


def merged(x: Any, axis: Axis) -> tuple[Any, tuple[int, ...]]:
    """Return `x` with its axes in another order, and the last of them, those of `axis`, made one.

    The order comes with it. A number counts as a row of one entry.
    """
    if not x.ndim and axis in (0, -1):
        axis = ()
    if isinstance(axis, float) and axis.is_integer():
        raise TypeError("axis is not an integer")
    try:
        last = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    except (TypeError, ValueError) as error:
        raise AxisError(
            f"axis={axis!r} does not fit an array of shape {x.shape}: {error}"
        ) from None
    kept = tuple(i for i in range(x.ndim) if i not in last)
    rows = (*(x.shape[i] for i in kept), math.prod(x.shape[i] for i in last))
    return np.transpose(x, kept + last).reshape(rows), kept + last


def unmerged(rows: Any, order: tuple[int, ...], x: Any) -> Any:
    """Return what `merged` made of `x`, or an array of the same shape, in the shape of `x`."""
    return np.transpose(rows.reshape([x.shape[i] for i in order]), np.argsort(order).tolist())


def _masked_or_merged(function: Any, x: Any, axis: Axis, where: Any, outside: float) -> Any:
    """Return what a function of rows makes of masked rows, of several axes, or of a wrong axis."""
    if where is not None:
        mask = mask_of(where, x)
        return np.where(mask, function(masked(x, mask, axis), axis=axis), outside)
    rows, order = merged(x, axis)
    return unmerged(function(rows), order, x)


# -- masks -----------------------------------------------------------------------------------


def mask_of(where: Any, x: Any, word: str = "x") -> Any:
    """Return a mask in the shape of `x`, which messages call by a word."""
    mask = as_array(values(where))
    if mask.dtype != bool:
        raise DtypeError(
            f"where must hold True and False, got {mask.dtype}. Of a mask of 1 and 0 make "
            "mask == 1; add one of 0 and -inf to x instead: softmax(x + mask)"
        )
    return _broadcast(mask, x, "where", word)


def factors_of(b: Any, x: Any) -> Any:
    """Return the factors of the exponentials in the shape of `x`, and in its dtype."""
    if isinstance(b, Node):
        raise DtypeError(
            "b must be an array: gradients do not reach it. Add the logarithm of a Tensor instead: "
            "logsumexp(x + log(b))"
        )
    return _broadcast(as_array(b, _floating(x)), x, "b", "x")


def _broadcast(array: Any, x: Any, word: str, target: str) -> Any:
    try:
        return np.broadcast_to(array, x.shape)
    except ValueError:
        raise ShapeError(
            f"{word} of shape {array.shape} does not broadcast to the {x.shape} of {target}"
        ) from None


def masked(x: Any, mask: Any, axis: Axis) -> Any:
    """Return `x` with the entries that a mask leaves out so low that their softmax is exactly 0.

    They are finite, as 0 times infinity is NaN. Rows without any other entry become 0.
    """
    numbers = np.real(values(x))
    if not numbers.size:
        return x
    with np.errstate(over="ignore"):  # next to the largest negative number it may be -inf
        top = np.max(np.where(mask, numbers, -np.inf), axis=axis, keepdims=True)
        low = np.where(np.any(mask, axis=axis, keepdims=True), top - np.abs(top) - 1000, 0)
        return ops.where(mask, x, low.astype(_floating(x)))


def _floating(x: Any) -> Any:
    return x.dtype if x.dtype.kind in "fc" else np.dtype(float)
