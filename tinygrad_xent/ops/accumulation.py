"""Running sums and products, and products over axes."""

from typing import Any

import numpy as np

from tinygrad_xent.graph import Node
from tinygrad_xent.op import op
from tinygrad_xent.ops.broadcasting import Axis, spread
from tinygrad_xent.ops.indexing import concatenate
from tinygrad_xent.ops.shaping import flip, reshape, swapaxes, transpose


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
    first = np.ones_like(products.data if isinstance(products, Node) else products)[..., :1]
    return concatenate([first, products[..., :-1]], axis=-1)


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


@op(symbol="cumprod", shapes="(m,n)->(m,n)", examples=({"axis": -1}, {"axis": 0}, {}))
def cumprod(x: Any, *, axis: int | None = None) -> Any:
    r"""Running product along an axis, by default of all entries: $y_i = \prod_{j \le i} x_j$.

    >>> cumprod([2.0, 3.0, 4.0])
    array([ 2.,  6., 24.])
    """
    return np.cumprod(x, axis=axis)


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
