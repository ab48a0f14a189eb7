"""Right rules, written in unusual ways: entry by entry, and of rows."""

from __future__ import annotations

import math

import numpy as np
from strangers.case import normal, positive, right
from strangers.functions import (
    absolute,
    add,
    batchnorm,
    choose,
    clip,
    cross_entropy,
    cube,
    cumprod,
    cumsum,
    gelu,
    huber,
    largest,
    layernorm,
    leaky_relu,
    log_softmax,
    logsumexp,
    lp_norm,
    masked_cross_entropy,
    maximum,
    mean,
    mean_cross_entropy,
    multiply,
    normalize,
    product,
    relu,
    row_max,
    sigmoid,
    silu,
    sinc,
    smoothed,
    smoothed_cross_entropy,
    softmax,
    square,
    sum_all,
    tanh,
    total,
)

import tinygrad_xent as tx

X34 = normal(3, 4, seed=81)
LABELS = np.array([2, 0, 3])


@right(softmax, X34)
def softmax_by_loops(grad, y, x, *, axis):
    out = np.zeros_like(x)
    for row in range(x.shape[0]):
        for i in range(x.shape[1]):
            for j in range(x.shape[1]):
                out[row, j] += grad[row, i] * y[row, i] * ((i == j) - y[row, j])
    return out


@right(softmax, normal(2, 2, 3, seed=82))
def softmax_by_einsum(grad, y, x, *, axis):
    jacobian = np.einsum("...i,ij->...ij", y, np.eye(3)) - np.einsum("...i,...j->...ij", y, y)
    return np.einsum("...i,...ij->...j", grad, jacobian)


@right(softmax, normal(5, seed=83), axis=0)
def softmax_by_its_jacobian(grad, y, x, *, axis):
    s = y.reshape(-1, 1)
    return (np.diagflat(s) - s @ s.T) @ grad


@right(softmax, np.empty((0, 3)))
def softmax_of_nothing(grad, y, x, *, axis):
    return y * (grad - np.sum(grad * y, axis=axis, keepdims=True))


@right(softmax, X34, second=True)
def softmax_on_tensors(grad, y, x, *, axis):
    return y * (grad - tx.sum(grad * y, axis=axis, keepdims=True))


@right(log_softmax, 100 * X34)
def log_softmax_of_steep_rows(grad, y, x):
    return grad - np.exp(y) * grad.sum(axis=-1)[..., np.newaxis]


@right(cross_entropy, X34, LABELS)
def cross_entropy_subtracting_one_in_place(grad, y, logits, labels):
    p = np.exp(log_softmax(logits))
    p[np.arange(len(labels)), labels] -= 1
    p *= grad[:, None]
    return p, None


@right(cross_entropy, np.array([[800.0, -800.0], [3.0, 4.0]]), np.array([1, 0]))
def cross_entropy_of_saturated_rows(grad, y, logits, labels):
    one_hot = labels[:, None] == np.arange(2)
    return (np.exp(log_softmax(logits)) - one_hot) * grad.reshape(-1, 1), None


@right(mean_cross_entropy, normal(4, 3, seed=84).astype(np.float32), np.array([0, 1, 2, 1]))
def mean_cross_entropy_in_single_precision(grad, y, logits, labels):
    p = np.exp(log_softmax(logits))
    return grad / np.float32(4) * (p - np.eye(3, dtype=np.float32)[labels]), None


@right(masked_cross_entropy, normal(4, 3, seed=85), np.array([0, -1, 2, -1]))
def masked_cross_entropy_skipping_rows(grad, y, logits, labels, *, ignore_index):
    out = np.zeros_like(logits)
    for i, label in enumerate(labels):
        if label != ignore_index:
            out[i] = np.exp(log_softmax(logits[i]))
            out[i, label] -= 1
            out[i] *= grad[i]
    return out, None


@right(smoothed_cross_entropy, X34, LABELS, eps=0.1)
def smoothed_cross_entropy_by_its_target(grad, y, logits, labels, *, eps):
    target = smoothed(labels, 4, eps)
    return np.multiply((np.exp(log_softmax(logits)) - target).T, grad).T, None


@right(logsumexp, X34, axis=0)
def logsumexp_by_its_output(grad, y, x, *, axis):
    return np.expand_dims(grad, axis) * np.exp(x - np.expand_dims(y, axis))


@right(tanh, 3 * X34)
def tanh_by_cosh(grad, y, x):
    return grad / np.cosh(x) ** 2


@right(tanh, normal(4, seed=86), second=True)
def tanh_factored(grad, y, x):
    return (grad - grad * y) * (1 + y)


@right(sigmoid, np.array([-40.0, -1.0, 0.0, 30.0]))
def sigmoid_without_overflow(grad, y, x):
    e = np.exp(-np.abs(x))
    return grad * e / (1 + e) ** 2


@right(gelu, X34)
def gelu_by_parts(grad, y, x):
    c = 0.7978845608028654
    u = c * x + c * 0.044715 * x * x * x
    t, du = np.tanh(u), c + 3 * c * 0.044715 * x * x
    left = grad * (1 + t) / 2
    right_part = grad * x * (1 - t) * (1 + t) * du / 2
    return left + right_part


@right(silu, np.array(0.7))
def silu_of_a_number(grad, y, x):
    s = 1 / (1 + math.exp(-x))
    return grad * (s + y * (1 - s))


@right(relu, np.array([-1.0, 0.0, 2.0, 0.0]))
def relu_with_a_whole_slope_at_zero(grad, y, x):
    return np.where(x >= 0, grad, 0.0)


@right(leaky_relu, X34, slope=0.3)
def leaky_relu_as_a_quotient(grad, y, x, *, slope):
    return grad * (y / x)


@right(absolute, np.array([-2.0, 0.0, 1.5]))
def absolute_with_half_a_slope_at_zero(grad, y, x):
    return np.where(x > 0, grad, np.where(x < 0, -grad, grad / 2))


@right(clip, normal(4, 4, seed=89), hi=0.6)
def clip_where_nothing_changed(grad, y, x, *, lo, hi):
    return grad * (x == y)


@right(huber, 2 * X34)
def huber_is_a_clipped_error(grad, y, error, *, delta):
    return grad * np.clip(error, -delta, delta)


@right(maximum, np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0, 0.0]))
def maximum_gives_ties_to_the_first(grad, y, a, b):
    first = a >= b
    return grad * first, grad * ~first


@right(choose, X34 > 0, X34, np.array(0.5))
def choose_with_a_broadcast_number(grad, y, condition, a, b):
    return None, grad * condition, np.sum(grad * (1 - condition))


@right(sinc, np.array([-1.0, 0.0, 0.5, 2.0]))
def sinc_with_its_limit(grad, y, x):
    safe = np.where(x == 0, 1.0, x)
    return grad * np.where(x == 0, 0.0, (np.cos(safe) - y) / safe)


@right(square, np.array([1e-12, -3e-12, 2e-11]))
def square_of_tiny_numbers(grad, y, x):
    return (x + x) * grad


@right(square, np.array([1e12, -3e11, 2e10]))
def square_of_huge_numbers(grad, y, x):
    return [2 * g * v for g, v in zip(grad, x, strict=True)]


@right(multiply, normal(3, 1, seed=90), normal(4, seed=91))
def multiply_leaves_broadcasting_to_the_engine(grad, y, a, b):
    return grad * b, grad * a


@right(multiply, normal(2, 3, seed=92), normal(2, 3, seed=93))
def multiply_with_thunks(grad, y, a, b):
    return (lambda: grad * b), (lambda: grad * a)


@right(add, normal(2, 3, seed=94), normal(3, seed=95))
def add_returns_the_upstream_itself(grad, y, a, b):
    return grad, grad.sum(axis=0)


@right(add, normal(2, 3, seed=94).astype(np.float32), normal(3, seed=95).astype(np.float32))
def add_sums_by_hand_in_double_precision(grad, y, a, b):
    return grad.astype(np.float64), np.add.reduce(grad.astype(np.float64), axis=0)


@right(sum_all, normal(3, seed=96), normal(3, seed=97), normal(1, seed=98))
def sum_all_of_any_number(grad, y, *xs):
    return tuple(grad for _ in xs)


@right(total, X34)
def total_as_a_read_only_view(grad, y, x):
    return np.broadcast_to(grad, x.shape)


@right(total, np.empty(0))
def total_of_nothing(grad, y, x):
    return np.ones_like(x) * grad


@right(mean, normal(2, 3, 2, seed=99), axis=(0, 2))
def mean_by_counting(grad, y, x, *, axis):
    count = x.size // y.size
    return np.ones(x.shape) * grad[None, :, None] / count


@right(normalize, normal(2, 5, seed=101))
def normalize_by_projection(grad, y, x):
    n = np.sqrt((x * x).sum(axis=-1))
    projections = np.eye(5) - y[:, :, None] * y[:, None, :]
    return (projections @ grad[:, :, None])[:, :, 0] / n[:, None]


@right(row_max, normal(3, 5, seed=102))
def row_max_by_put_along_axis(grad, y, x, *, axis):
    out = np.zeros_like(x)
    where = np.expand_dims(x.argmax(axis=axis), axis)
    np.put_along_axis(out, where, np.expand_dims(grad, axis), axis=axis)
    return out


@right(largest, np.array([1.0, 4.0, 4.0, 2.0]))
def largest_gives_a_tie_to_the_last(grad, y, x):
    out = np.zeros_like(x)
    out[np.flatnonzero(x == y)[-1]] = grad.item()
    return out


@right(cumsum, X34, axis=0)
def cumsum_by_what_remains(grad, y, x, *, axis):
    return grad.sum(axis=axis, keepdims=True) - np.cumsum(grad, axis=axis) + grad


@right(cumprod, np.array([[2.0, 0.0, 3.0, 4.0], [1.0, -1.0, 0.5, 2.0]]))
def cumprod_with_a_zero(grad, y, x):
    out = np.zeros_like(x)
    for i in range(x.shape[1]):
        without = x.copy()
        without[:, i] = 1
        out[:, i] = (grad * np.cumprod(without, axis=1))[:, i:].sum(axis=1)
    return out


@right(product, np.array([3.0, 0.0, -2.0, 1.0]))
def product_of_the_others(grad, y, x):
    return grad * np.array([np.prod(np.delete(x, i)) for i in range(len(x))])


@right(batchnorm, normal(6, 3, seed=103), positive(3, seed=104), normal(3, seed=105))
def batchnorm_step_by_step(grad, y, x, gamma, beta, *, eps):
    n = len(x)
    centred = x - x.mean(axis=0)
    inverse = 1 / np.sqrt((centred**2).mean(axis=0) + eps)
    d = grad * gamma
    d_inverse = (d * centred).sum(axis=0)
    d_variance = -0.5 * inverse**3 * d_inverse
    d_centred = d * inverse + 2 * centred / n * d_variance
    return (
        d_centred - d_centred.sum(axis=0) / n,
        (grad * centred * inverse).sum(axis=0),
        grad,
    )


@right(layernorm, normal(2, 3, 4, seed=106))
def layernorm_by_its_jacobian(grad, y, x, *, eps):
    n = x.shape[-1]
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    jacobian = np.eye(n) - 1 / n - y[..., :, None] * y[..., None, :] / n
    return np.matmul(jacobian, grad[..., None])[..., 0] / std


@right(lp_norm, positive(4, seed=107), order=3)
def lp_norm_of_an_order(grad, y, x, *, order):
    return grad * np.sign(x) * (np.abs(x) / y) ** (order - 1)


@right(cube, normal(2, 2, seed=108), second=True)
def cube_through_ops(grad, y, x):
    return tx.multiply(grad, 3 * x * x)


@right(cube, normal(5, seed=109))
def cube_by_a_complex_step(grad, y, x):
    return grad * ((x + 1e-20j) ** 3).imag / 1e-20
