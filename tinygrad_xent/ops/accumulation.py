"""Running sums, and products over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.op import op
from tinygrad_xent.ops.broadcasting import Axis, spread
from tinygrad_xent.ops.piecewise import where
from tinygrad_xent.ops.shaping import expand_dims, flip, reshape, transpose

__all__ = ["cumsum", "prod"]


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
