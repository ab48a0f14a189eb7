"""Softmax and its logarithm.

On NumPy's real arrays `kernels` computes them. The formulas here are the same in NumPy's functions
alone: for complex numbers, for arrays of other libraries, and to read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.arrays import all_numpy, as_array, top_apart
from tinygrad_xent.op import op
from tinygrad_xent.ops import kernels
from tinygrad_xent.ops.elementwise import exp
from tinygrad_xent.ops.reductions import Axis, sum

__all__ = ["log_softmax", "softmax"]


@op(shapes="(n)->(n)", examples=({}, {"axis": 0}))
def softmax(x: Any, *, axis: Axis = -1) -> Any:
    r"""Softmax: $y_i = e^{x_i} \big/ \sum_j e^{x_j}$.

    >>> softmax([1.0, 1.0, 1.0, 1.0])
    array([0.25, 0.25, 0.25, 0.25])
    """
    x = as_array(x)
    if isinstance(axis, int) and all_numpy(x):
        return kernels.softmax(x, axis)
    e = np.exp(1.0 * x - np.max(np.real(x), axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@softmax.backward
def softmax_backward(grad: Any, y: Any, x: Any, *, axis: Axis) -> Any:
    r"""$\bar x_i = y_i\,(\bar y_i - \sum_j \bar y_j\,y_j)$"""
    if isinstance(axis, int) and all_numpy(grad, y):
        return kernels.softmax_backward(grad, y, axis)
    # `sum` is the op, not np.sum: this runs on Tensors, and they record it.
    return y * (grad - sum(grad * y, axis=axis, keepdims=True))


@op(symbol="ln softmax", shapes="(n)->(n)", examples=({}, {"axis": 0}))
def log_softmax(x: Any, *, axis: int = -1) -> Any:
    r"""Logarithm of the softmax, without its underflow: $y_i = x_i - \ln \sum_j e^{x_j}$.

    >>> log_softmax([0.0, -1000.0])
    array([    0., -1000.])
    """
    x = as_array(x)
    if all_numpy(x):
        return kernels.log_softmax(x, axis)
    _, top, others = top_apart(x, axis)
    return x - top - np.log1p(others)


@log_softmax.backward
def log_softmax_backward(grad: Any, y: Any, x: Any, *, axis: int) -> Any:
    r"""$\bar x_i = \bar y_i - e^{y_i} \sum_j \bar y_j$"""
    return grad - exp(y) * sum(grad, axis=axis, keepdims=True)
