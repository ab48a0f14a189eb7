"""Ops that learners write and the package lacks, each with its right rule."""

from typing import Any

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.domains import positive
from tinygrad_xent.op import op
from tinygrad_xent.ops import softmax_minus_one_hot

_TARGET = np.array([1, 0])


@op(shapes="(5,3),(3,4),(4)->(5,4)")
def linear(x: Any, w: Any, b: Any) -> Any:
    r"""Linear layer: $Y = X W + b$."""
    return x @ w + b


@linear.backward
def linear_backward(grad: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    r"""$\bar X = \bar Y\,W^T$ and $\bar W = X^T\,\bar Y$ and $\bar b_j = \sum_i \bar Y_{ij}$"""
    return (
        grad @ ops.swapaxes(w, axis1=-1, axis2=-2),
        ops.swapaxes(x, axis1=-1, axis2=-2) @ grad,
        ops.sum(grad, axis=-2),
    )


@op(shapes="(3),(4)->(3,4)")
def outer(a: Any, b: Any) -> Any:
    r"""Outer product: $Y_{ij} = a_i\,b_j$."""
    return np.multiply.outer(a, b)


@outer.backward
def outer_backward(grad: Any, y: Any, a: Any, b: Any) -> Any:
    r"""$\bar a_i = \sum_j \bar Y_{ij}\,b_j$ and $\bar b_j = \sum_i \bar Y_{ij}\,a_i$"""
    return grad @ b, a @ grad


@op(shapes="(2,3,4,2),(3)->(2,3,4,2)")
def channel_bias(x: Any, b: Any) -> Any:
    r"""A bias for each channel of images: $y_{nchw} = x_{nchw} + b_c$."""
    return x + b[:, None, None]


@channel_bias.backward
def channel_bias_backward(grad: Any, y: Any, x: Any, b: Any) -> Any:
    r"""$\bar x = \bar y$ and $\bar b_c = \sum_{nhw} \bar y_{nchw}$"""
    return grad, ops.sum(grad, axis=(0, 2, 3))


@op(shapes="(n)->(n)", domain=positive)
def normalise(x: Any) -> Any:
    r"""Rows divided by their sum: $y_i = x_i \big/ \sum_j x_j$."""
    return x / np.sum(x, axis=-1, keepdims=True)


@normalise.backward
def normalise_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x_i = (\bar y_i - \sum_j \bar y_j\,y_j) \big/ \sum_j x_j$"""
    total = ops.sum(x, axis=-1, keepdims=True)
    return (grad - ops.sum(grad * y, axis=-1, keepdims=True)) / total


@op(shapes="(n)->(n)")
def standardise(x: Any) -> Any:
    r"""Rows with mean 0 and variance 1: $y_i = (x_i - \mu) / \sigma$."""
    return (x - np.mean(x, axis=-1, keepdims=True)) / np.std(x, axis=-1, keepdims=True)


@standardise.backward
def standardise_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""$\bar x_i = (\bar y_i - \overline{\bar y} - y_i\,\overline{\bar y\,y}) / \sigma$"""
    shared = ops.mean(grad, axis=-1, keepdims=True)
    along = y * ops.mean(grad * y, axis=-1, keepdims=True)
    # σ as the mean of (x - μ) y: squares of tiny numbers would underflow.
    deviation = ops.mean((x - ops.mean(x, axis=-1, keepdims=True)) * y, axis=-1, keepdims=True)
    return (grad - shared - along) / deviation


@op(shapes="(m,n),(m,n)->()")
def mean_squared_error(p: Any, t: Any) -> Any:
    r"""Mean squared error: $\ell = \frac{1}{n} \sum_i (p_i - t_i)^2$."""
    return np.mean((p - t) ** 2)


@mean_squared_error.backward
def mean_squared_error_backward(grad: Any, loss: Any, p: Any, t: Any) -> Any:
    r"""$\bar p_i = \frac{2}{n} (p_i - t_i)\,\bar\ell$ and $\bar t_i = -\bar p_i$"""
    slope = grad * (2 / p.size) * (p - t)
    return slope, -slope


@op(shapes="(2,4)->()", examples=({"target": _TARGET},))
def mean_cross_entropy(logits: Any, *, target: Any) -> Any:
    r"""Mean cross-entropy of a batch: $\ell = -\frac{1}{N} \sum_n \ln p_{n,t_n}$."""
    return np.mean(ops.sparse_softmax_cross_entropy(target, logits))


@mean_cross_entropy.backward
def mean_cross_entropy_backward(grad: Any, loss: Any, logits: Any, *, target: Any) -> Any:
    r"""$\bar z_{ni} = \frac{1}{N} (p_{ni} - [i = t_n])\,\bar\ell$"""
    return softmax_minus_one_hot(target, logits) * (grad * (1 / logits.shape[0]))
