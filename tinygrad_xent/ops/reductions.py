"""Means, variances and extremes over axes."""

from typing import Any

import numpy as np

from tinygrad_xent.op import op
from tinygrad_xent.ops.broadcasting import Axis, broadcast_to, spread
from tinygrad_xent.ops.piecewise import where

_AXES: tuple[dict[str, Any], ...] = ({}, {"axis": 0}, {"axis": 1, "keepdims": True})


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
    return broadcast_to(spread(grad * (1 / reduced_count(x, y)), x, axis, keepdims), shape=x.shape)


def reduced_count(x: Any, y: Any) -> int:
    """Return how many entries of `x` were reduced to each entry of `y`."""
    size: int = x.size // y.size if x.size else 1
    return size


@op(shapes="(m,n)->()", examples=({}, {"axis": 0, "ddof": 1}, {"axis": 1, "keepdims": True}))
def var(x: Any, *, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    r"""Variance over axes: $y = \frac{1}{n - d} \sum_i (x_i - \frac{1}{n} \sum_j x_j)^2$.

    `ddof` is $d$: 0 divides by n, and 1 yields the unbiased estimate.

    >>> print(var([1.0, 2.0, 6.0], ddof=1))
    7.0
    """
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


@var.backward
def var_backward(grad: Any, y: Any, x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    r"""$\bar x_i = \frac{2}{n - d} (x_i - \frac{1}{n} \sum_j x_j)\,\bar y$"""
    centred = x - mean(x, axis=axis, keepdims=True)
    factor = float(np.divide(2, reduced_count(x, y) - ddof))
    return spread(grad * factor, x, axis, keepdims) * centred


@op(shapes="(3,4)->()", examples=({}, {"axis": 0, "ddof": 1}, {"axis": 1, "keepdims": True}))
def std(x: Any, *, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    r"""Standard deviation over axes: $y = \sqrt{\frac{1}{n - d} \sum_i (x_i - m)^2}$.

    $m$ is the mean, and `ddof` is $d$, as in `var`. Where all entries are equal, the gradient is
    defined as 0.

    >>> print(std([1.0, 2.0, 6.0], ddof=1).round(3))
    2.646
    """
    return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)


@std.backward
def std_backward(grad: Any, y: Any, x: Any, *, axis: Axis, ddof: float, keepdims: bool) -> Any:
    r"""$\bar x_i = \frac{x_i - m}{(n - d)\,y}\,\bar y$"""
    centred = x - mean(x, axis=axis, keepdims=True)
    factor = float(np.divide(1, reduced_count(x, y) - ddof))
    return spread(grad * factor / (y + (y == 0)), x, axis, keepdims) * centred


def _extreme_backward(grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    y = spread(y, x, axis, keepdims)
    count = np.sum(x == y, axis=axis, keepdims=True)
    shares = 1 / np.where(count == 0, np.nan, count)  # beside a NaN nothing equals y: all get NaN
    grad = spread(grad, x, axis, keepdims)
    return where((x == y) | (count == 0), grad * shares.astype(grad.dtype), 0)


@op(shapes="(m,n)->()", domain="distinct", examples=_AXES)
def max(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Largest entry over axes: $y = \max_i x_i$.

    Tied entries share the gradient equally (as in JAX and PyTorch's `amax`).

    >>> max([[1.0, 5.0], [7.0, 2.0]], axis=1)
    array([5., 7.])
    """
    return np.max(x, axis=axis, keepdims=keepdims)


@max.backward
def max_backward(grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    r"""$\bar x_i = \bar y\,[x_i = y] \big/ \sum_j [x_j = y]$"""
    return _extreme_backward(grad, y, x, axis=axis, keepdims=keepdims)


@op(shapes="(m,n)->()", domain="distinct", examples=_AXES)
def min(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Smallest entry over axes: $y = \min_i x_i$.

    Tied entries share the gradient equally, as in `max`.

    >>> min([[1.0, 5.0], [7.0, 2.0]], axis=1)
    array([1., 2.])
    """
    return np.min(x, axis=axis, keepdims=keepdims)


@min.backward
def min_backward(grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    r"""$\bar x_i = \bar y\,[x_i = y] \big/ \sum_j [x_j = y]$"""
    return _extreme_backward(grad, y, x, axis=axis, keepdims=keepdims)
