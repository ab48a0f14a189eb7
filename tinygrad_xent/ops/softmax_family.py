"""Softmax, its logarithm, and the logarithm of a sum of exponentials.

On NumPy's real arrays `kernels` computes them. The formulas here are the same in NumPy's functions
alone: for complex numbers, for arrays of other libraries, and to read.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_xent.arrays import all_numpy, as_array, top_apart
from tinygrad_xent.op import op
from tinygrad_xent.ops import kernels
from tinygrad_xent.ops.broadcasting import Axis, spread, sum
from tinygrad_xent.ops.elementwise import exp

__all__ = ["log_softmax", "logsumexp", "softmax"]


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
