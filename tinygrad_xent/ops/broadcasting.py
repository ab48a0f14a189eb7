"""Sum and broadcast: they are adjoint, so each is the other's rule."""

from typing import Any

import numpy as np

from tinygrad_xent.arrays import repeated_axes
from tinygrad_xent.op import op
from tinygrad_xent.ops.shaping import expand_dims

Axis = int | tuple[int, ...] | None


def spread(grad: Any, axis: Axis, keepdims: bool) -> Any:
    """Return what a reduction made, or its gradient, with the reduced axes, of length 1.

    If all axes were reduced, its single entry broadcasts to any shape anyway.
    """
    return grad if keepdims or axis is None else expand_dims(grad, axis=axis)


@op(symbol="Σ", shapes="(m,n)->()", examples=({}, {"axis": 0}, {"axis": (0, -1), "keepdims": True}))
def sum(x: Any, *, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Sum over axes: $y = \sum_i x_i$.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    array([4., 6.])
    """
    if isinstance(x, np.ndarray):  # faster on small arrays, and an overflow is warned of here
        return np.add.reduce(x, axis=axis, keepdims=keepdims)  # type: ignore[call-overload]
    return np.sum(x, axis=axis, keepdims=keepdims)


@sum.backward
def sum_backward(grad: Any, y: Any, x: Any, *, axis: Axis, keepdims: bool) -> Any:
    r"""$\bar x_i = \bar y$"""
    return broadcast_to(spread(grad, axis, keepdims), shape=x.shape)


@op(symbol="broadcast", shapes="(1,n)->(3,n)", examples=({"shape": (3, 3)}, {"shape": (2, 1, 3)}))
def broadcast_to(x: Any, *, shape: int | tuple[int, ...]) -> Any:
    r"""Repeat along new axes and axes of length 1: $y_{ij} = x_j$.

    >>> broadcast_to([1.0, 2.0], (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    return np.broadcast_to(x, shape)


@broadcast_to.backward
def broadcast_to_backward(grad: Any, y: Any, x: Any, *, shape: int | tuple[int, ...]) -> Any:
    r"""$\bar x_j = \sum_i \bar y_{ij}$"""
    return sum_to(grad, shape=x.shape)


@op(symbol="Σ to shape", shapes="(2,3)->(3)", examples=({"shape": (3,)}, {"shape": (2, 1)}))
def sum_to(x: Any, *, shape: tuple[int, ...]) -> Any:
    r"""Undo broadcasting from `shape`, by summing the repeated entries: $y_j = \sum_i x_{ij}$.

    Raises `RuleResultError` if `shape` does not broadcast to that of `x`: the gradient then comes
    from a wrong rule, which a silent sum would hide.

    >>> sum_to(np.ones((4, 3)), shape=(3,))
    array([4., 4., 4.])
    """
    return np.sum(x, axis=repeated_axes(x.shape, tuple(shape))).reshape(shape)


@sum_to.backward
def sum_to_backward(grad: Any, y: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    r"""$\bar x_{ij} = \bar y_j$"""
    return broadcast_to(grad, shape=x.shape)
