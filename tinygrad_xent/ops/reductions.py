"""Means, variances, extremes and products over axes, and running sums and products."""

from typing import Any

import numpy as np

from tinygrad_xent.arrays import as_array
from tinygrad_xent.graph import operand, values
from tinygrad_xent.op import op
from tinygrad_xent.ops.broadcasting import Axis, broadcast_to, spread, sum
from tinygrad_xent.ops.indexing import concatenate
from tinygrad_xent.ops.piecewise import where
from tinygrad_xent.ops.shaping import flip, reshape, swapaxes, transpose

_AXES: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": 1, "keepdims": True})


# -- mean and variance -----------------------------------------------------------------------


@op(shapes="(m,n)->()", examples=_AXES)
def mean(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Arithmetic mean over axes: $y = \frac{1}{n} \sum_i x_i$.

    >>> print(mean([1.0, 2.0, 6.0]))
    3.0
    """
    if isinstance(x, np.ndarray) and x.dtype.char in "fd" and x.size:
        total = np.add.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]
        return total / reduced_count(x, total)  # the bits of np.mean, and faster
    return np.mean(x, axis=axis, keepdims=keepdims)


@mean.backward
def mean_backward(grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    r"""$\bar x_i = \bar y / n$"""
    return broadcast_to(spread(grad * (1 / reduced_count(x, y)), axis, keepdims), shape=x.shape)


def reduced_count(x: Any, y: Any) -> int:
    """Return how many entries of `x` were reduced to each entry of `y`."""
    size: int = x.size // y.size if x.size else 1
    return size


def _freedom(x: Any, y: Any, ddof: float) -> float:
    """Return what the sum of squares is divided by: the degrees of freedom, at least 0."""
    return float(np.maximum(reduced_count(x, y) - ddof, 0))


@op(shapes="(m,n)->()", examples=({}, {"axis": 0, "ddof": 1}, {"axis": 1, "keepdims": True}))
def var(x: Any, *, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    r"""Variance over axes: $y = \frac{1}{n - d} \sum_i (x_i - \frac{1}{n} \sum_j x_j)^2$.

    `ddof` is $d$: 0 divides by n, and 1 yields the unbiased estimate.

    >>> print(var([1.0, 2.0, 6.0], ddof=1))
    7.0
    """
    if isinstance(x, np.ndarray) and x.dtype.char in "fd" and x.size:
        centred = x - mean.function(x, axis=axis, keepdims=True)
        total = sum.function(centred * centred, axis=axis, keepdims=keepdims)
        return total / _freedom(x, total, ddof)  # the bits of np.var
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


@var.backward
def var_backward(grad: Any, y: Any, x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    r"""$\bar x_i = \frac{2}{n - d} (x_i - \frac{1}{n} \sum_j x_j)\,\bar y$"""
    centred = x - mean(x, axis=axis, keepdims=True)
    factor = float(np.divide(2, _freedom(x, y, ddof)))
    return spread(grad * factor, axis, keepdims) * centred


@op(shapes="(3,4)->()", examples=({}, {"axis": 0, "ddof": 1}, {"axis": 1, "keepdims": True}))
def std(x: Any, *, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    r"""Standard deviation over axes: $y = \sqrt{\frac{1}{n - d} \sum_i (x_i - m)^2}$.

    $m$ is the mean, and `ddof` is $d$, as in `var`. Where all entries are equal, the gradient is
    defined as 0.

    >>> print(std([1.0, 2.0, 6.0], ddof=1).round(3))
    2.646
    """
    return np.sqrt(var.function(x, axis=axis, ddof=ddof, keepdims=keepdims))


@std.backward
def std_backward(grad: Any, y: Any, x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    r"""$\bar x_i = \frac{x_i - m}{(n - d)\,y}\,\bar y$"""
    centred = x - mean(x, axis=axis, keepdims=True)
    factor = float(np.divide(1, _freedom(x, y, ddof)))
    return spread(grad * factor / (y + (y == 0)), axis, keepdims) * centred


# -- extremes --------------------------------------------------------------------------------


@op(shapes="(m,n)->()", domain="distinct", examples=_AXES)
def max(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Largest entry over axes: $y = \max_i x_i$.

    Tied entries share the gradient equally (as in JAX and PyTorch's `amax`).

    >>> max([[1.0, 5.0], [7.0, 2.0]], axis=1)
    array([5., 7.])
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@op(shapes="(m,n)->()", domain="distinct", examples=_AXES)
def min(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Smallest entry over axes: $y = \min_i x_i$.

    Tied entries share the gradient equally, as in `max`.

    >>> min([[1.0, 5.0], [7.0, 2.0]], axis=1)
    array([1., 2.])
    """
    return np.min(x, axis=axis, keepdims=keepdims)


@max.backward
@min.backward
def extreme_backward(grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    r"""$\bar x_i = \bar y\,[x_i = y] \big/ \sum_j [x_j = y]$"""
    y = spread(y, axis, keepdims)
    count = np.sum(x == y, axis=axis, keepdims=True)
    shares = 1 / np.where(count == 0, np.nan, count)  # beside a NaN nothing equals y: all get NaN
    grad = spread(grad, axis, keepdims)
    return where((x == y) | (count == 0), grad * shares.astype(grad.dtype), 0)


# -- products --------------------------------------------------------------------------------


@op(symbol="Π", shapes="(m,n)->()", examples=({}, {"axis": 0}, {"axis": (0, 1), "keepdims": True}))
def prod(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Product over axes: $y = \prod_i x_i$.

    >>> print(prod([2.0, 3.0, 4.0]))
    24.0
    """
    if isinstance(x, np.ndarray):  # an overflow is warned of here
        return np.multiply.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]
    return np.prod(x, axis=axis, keepdims=keepdims)


@prod.backward
def prod_backward(grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    r"""$\bar x_i = \bar y \prod_{j \ne i} x_j$"""
    grad = spread(grad, axis, keepdims)
    if np.all((abs(y) >= np.finfo(y.dtype).tiny) & (abs(y) < np.inf)):
        return grad * spread(y, axis, keepdims) / x
    return grad * _product_of_the_others(x, axis)


def _product_of_the_others(x: Any, axis: Axis) -> Any:
    """Right also where an entry is 0, and differentiable there: those before times those after."""
    reduced = range(x.ndim) if axis is None else [a % x.ndim for a in np.atleast_1d(axis)]
    order = [a for a in range(x.ndim) if a not in reduced] + [int(a) for a in reduced]
    rows = transpose(x, axes=tuple(order))
    flat = reshape(rows, shape=(*rows.shape[: x.ndim - len(reduced)], -1))
    backwards = flip(flat, axis=-1)
    others = _shifted(cumprod(flat, axis=-1)) * flip(_shifted(cumprod(backwards, axis=-1)), axis=-1)
    return transpose(reshape(others, shape=rows.shape), axes=tuple(np.argsort(order).tolist()))


def _shifted(products: Any) -> Any:
    """Return running products along the last axis that do not yet include the entry itself."""
    first = np.ones_like(values(products))[..., :1]
    return concatenate([first, products[..., :-1]], axis=-1)


# -- running sums and products ---------------------------------------------------------------


@op(symbol="cumsum", shapes="(m,n)->(m,n)", examples=({"axis": -1}, {"axis": 0}, {}))
def cumsum(x: Any, *, axis: int | None = None) -> Any:
    r"""Running sum along an axis, by default of all entries: $y_i = \sum_{j \le i} x_j$.

    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return as_array(x).cumsum(axis)


@cumsum.backward
def cumsum_backward(grad: Any, y: Any, x: Any, *, axis: int | None) -> Any:
    r"""$\bar x_j = \sum_{i \ge j} \bar y_i$"""
    return reshape(flip(cumsum(flip(grad, axis=axis), axis=axis), axis=axis), shape=x.shape)


@op(symbol="cumprod", shapes="(m,n)->(m,n)", examples=({"axis": -1}, {"axis": 0}, {}))
def cumprod(x: Any, *, axis: int | None = None) -> Any:
    r"""Running product along an axis, by default of all entries: $y_i = \prod_{j \le i} x_j$.

    >>> cumprod([2.0, 3.0, 4.0])
    array([ 2.,  6., 24.])
    """
    return as_array(x).cumprod(axis)


@cumprod.backward
def cumprod_backward(grad: Any, y: Any, x: Any, *, axis: int | None) -> Any:
    r"""$\bar x_j = \sum_{i \ge j} \bar y_i \prod_{k \le i, k \ne j} x_k$"""
    if axis is None:
        return reshape(cumprod_backward(grad, y, reshape(x, shape=(-1,)), axis=0), shape=x.shape)
    grad, y, rows = (swapaxes(each, axis1=axis, axis2=-1) for each in (grad, y, x))
    # The sum s_j of what comes after j is grad_j + x_{j+1} s_{j+1}: no division, so zeros are
    # right. It is found for all j at once. After each step s_j has twice as many terms, and
    # between_j is the product of the x that lead to the next of them.
    total, between, step = grad, rows[..., 1:], 1
    while between.shape[-1]:
        total = concatenate(
            [total[..., :-step] + between * total[..., step:], total[..., -step:]], axis=-1
        )
        between = between[..., :-step] * between[..., step:]
        step *= 2
    return swapaxes(total * _shifted(y), axis1=axis, axis2=-1)


# -- the same under the names of the array API standard --------------------------------------


def cumulative_sum(x: Any, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Return the running sum along an axis, if wanted with a 0 at the start; see `cumsum`.

    Parameters
    ----------
    x : array_like or Tensor
        Any shape; without an axis its entries are put in a row.
    axis : int, optional
        What to sum along.
    include_initial : bool
        Whether the result begins with the sum of nothing, which makes it longer by one.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one.

    Examples
    --------
    >>> cumulative_sum([1.0, 2.0, 3.0], include_initial=True)
    array([0., 1., 3., 6.])
    """
    return _begun_with(0, cumsum(operand(x), axis=axis), axis or 0, include_initial)


def cumulative_prod(x: Any, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Return the running product along an axis, if wanted with a 1 at the start; see `cumprod`.

    Parameters
    ----------
    x : array_like or Tensor
        Any shape; without an axis its entries are put in a row.
    axis : int, optional
        What to multiply along.
    include_initial : bool
        Whether the result begins with the product of nothing, which makes it longer by one.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one.

    Examples
    --------
    >>> cumulative_prod([2.0, 3.0], include_initial=True)
    array([1., 2., 6.])
    """
    return _begun_with(1, cumprod(operand(x), axis=axis), axis or 0, include_initial)


def _begun_with(first: int, running: Any, axis: int, wanted: bool) -> Any:
    if not wanted:
        return running
    shape = [1 if a == axis % running.ndim else n for a, n in enumerate(running.shape)]
    return concatenate([np.full(shape, first, running.dtype), running], axis=axis)
