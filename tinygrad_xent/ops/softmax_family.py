"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from tinygrad_xent import kernels
from tinygrad_xent.arrays import all_numpy, as_array
from tinygrad_xent.op import op
from tinygrad_xent.ops.broadcasting import Axis, sum
from tinygrad_xent.ops.elementwise import exp

__all__ = ["log_softmax", "softmax"]


@op(shapes="(n)->(n)", examples=({}, {"axis": 0}))
def softmax(x: Any, *, axis: Axis = -1) -> Any:
    r"""Softmax: $y_i = e^{x_i} \big/ \sum_j e^{x_j}$.

    >>> softmax([1.0, 1.0, 1.0, 1.0])
    array([0.25, 0.25, 0.25, 0.25])
    """
    return kernels.softmax(as_array(x), axis)


@softmax.backward
def softmax_backward(grad: Any, y: Any, x: Any, *, axis: Axis) -> Any:
    r"""$\bar x_i = y_i\,(\bar y_i - \sum_j \bar y_j\,y_j)$"""
    if all_numpy(grad, y):
        return kernels.softmax_backward(grad, y, axis)
    # `sum` is the op, not np.sum: this runs on Tensors, and they record it.
    return y * (grad - sum(grad * y, axis=axis, keepdims=True))


@op(symbol="ln softmax", shapes="(n)->(n)", examples=({}, {"axis": 0}))
def log_softmax(x: Any, *, axis: int = -1) -> Any:
    r"""Logarithm of the softmax, without its underflow: $y_i = x_i - \ln \sum_j e^{x_j}$.

    >>> log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    return kernels.log_softmax(as_array(x), axis)


@log_softmax.backward
def log_softmax_backward(grad: Any, y: Any, x: Any, *, axis: int) -> Any:
    r"""$\bar x_i = \bar y_i - e^{y_i} \sum_j \bar y_j$"""
    return grad - exp(y) * sum(grad, axis=axis, keepdims=True)
