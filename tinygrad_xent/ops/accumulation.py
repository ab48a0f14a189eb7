"""Products, running sums, and the logarithm of a sum of exponentials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_xent.arrays import all_numpy, as_array, top_apart
from tinygrad_xent.op import op
from tinygrad_xent.ops import kernels
from tinygrad_xent.ops.arithmetic import where
from tinygrad_xent.ops.reductions import Axis, spread
from tinygrad_xent.ops.shaping import expand_dims, flip, reshape, transpose
from tinygrad_xent.ops.softmax_family import softmax

__all__ = ["cumsum", "logsumexp", "prod"]


@op(symbol="Π", shapes="(m,n)->()", examples=({}, {"axis": 0}, {"axis": (0, 1), "keepdims": True}))
def prod(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Product over axes: $y = \prod_i x_i$.

    >>> print(prod([2.0, 3.0, 4.0]))
    24.0
    """
    return np.prod(x, axis=axis, keepdims=keepdims)


@prod.backward
def prod_backward(grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    r"""$\bar x_i = \bar y \prod_{j \ne i} x_j$"""
    grad = spread(grad, x, axis, keepdims)
    if np.all((abs(y) >= np.finfo(y.dtype).tiny) & (abs(y) < np.inf)):
        return grad * spread(y, x, axis, keepdims) / x
    return grad * _product_of_the_others(x, axis)


def _product_of_the_others(x: Any, axis: Axis) -> Any:
    """Right also where an entry is 0, and differentiable there; takes n numbers for each entry."""
    reduced = range(x.ndim) if axis is None else [a % x.ndim for a in np.atleast_1d(axis)]
    order = [a for a in range(x.ndim) if a not in reduced] + [int(a) for a in reduced]
    rows = transpose(x, axes=tuple(order))
    kept = rows.shape[: x.ndim - len(reduced)]
    flat = expand_dims(reshape(rows, shape=(*kept, -1)), axis=-2)
    others = prod(where(np.eye(flat.shape[-1], dtype=bool), 1, flat), axis=-1)
    return transpose(reshape(others, shape=rows.shape), axes=tuple(np.argsort(order).tolist()))


@op(symbol="cumsum", shapes="(m,n)->(m,n)", examples=({"axis": -1}, {"axis": 0}, {}))
def cumsum(x: Any, *, axis: int | None = None) -> Any:
    r"""Running sum along an axis, by default of all entries: $y_i = \sum_{j \le i} x_j$.

    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return np.cumsum(x, axis=axis)


@cumsum.backward
def cumsum_backward(grad: Any, y: Any, x: Any, *, axis: int | None) -> Any:
    r"""$\bar x_j = \sum_{i \ge j} \bar y_i$"""
    return reshape(flip(cumsum(flip(grad, axis=axis), axis=axis), axis=axis), shape=x.shape)


@op(
    symbol="ln Σ exp",
    shapes="(m,n)->()",
    examples=({}, {"axis": 0}, {"axis": -1, "keepdims": True}),
)
def logsumexp(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Logarithm of a sum of exponentials that cannot overflow: $y = \ln \sum_i e^{x_i}$.

    >>> print(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    x = as_array(x)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    shape = tuple(x.shape[i] for i in kept)
    rows = np.transpose(x, kept + axes).reshape(*shape, math.prod(x.shape[i] for i in axes))
    if all_numpy(rows):
        out = kernels.logsumexp(rows, -1)
    else:
        _, top, others = top_apart(rows, -1)
        out = np.where(np.isinf(top), top, top + np.log1p(others))[..., 0]
    return np.expand_dims(out, axes) if keepdims else out


@logsumexp.backward
def logsumexp_backward(grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    r"""$\bar x_i = \operatorname{softmax}(x)_i\,\bar y$"""
    return softmax(x, axis=axis) * spread(grad, x, axis, keepdims)
