"""Right rules of layers, written in unusual ways."""

from __future__ import annotations

import numpy as np
from strangers.case import normal, right
from strangers.functions import (
    avgpool,
    causal_attention,
    contraction,
    conv1d,
    conv2d,
    dropped,
    embedding,
    flatten,
    inverse,
    linear,
    log_determinant,
    maxpool,
    pad,
    ranked,
    row_softmax,
)

RAMP = np.arange(36.0).reshape(6, 6) % 7


@right(linear, normal(3, 4, seed=111), normal(4, 2, seed=112), normal(2, seed=113))
def linear_example_by_example(grad, y, x, w, b):
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for n in range(len(x)):
        dx[n] = w.dot(grad[n])
        dw += np.outer(x[n], grad[n])
    return dx, dw, grad


@right(contraction, normal(2, 3, 4, seed=114), normal(2, 5, 4, seed=115))
def contraction_by_other_letters(grad, y, a, b):
    return np.einsum("nij,njk->nik", grad, b), np.tensordot(
        np.eye(2), np.einsum("nij,mik->nmjk", grad, a), axes=([1], [1])
    )[np.arange(2), np.arange(2)]


@right(conv1d, normal(7, seed=116), normal(3, seed=117))
def conv1d_by_shifted_copies(grad, y, x, k):
    n = len(grad)
    dx = np.zeros_like(x)
    for i, weight in enumerate(k):
        dx[i : i + n] += weight * grad
    return dx, np.array([x[i : i + n] @ grad for i in range(len(k))])


@right(conv2d, normal(5, 5, seed=118), normal(3, 3, seed=119))
def conv2d_by_its_matrix(grad, y, x, k, *, stride):
    unit = np.eye(x.size).reshape(x.size, *x.shape)
    matrix = np.stack([conv2d(e, k, stride=stride).ravel() for e in unit])
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape)[::stride, ::stride]
    return (matrix @ grad.ravel()).reshape(x.shape), np.tensordot(grad, windows, axes=2)


@right(maxpool, RAMP + 0.01 * normal(6, 6, seed=120))
def maxpool_by_repeating(grad, y, x):
    def grow(a):
        return np.kron(a, np.ones((2, 2)))

    return grow(grad) * (x == grow(y))


@right(avgpool, normal(4, 2, seed=121))
def avgpool_by_a_kronecker_product(grad, y, x):
    return np.kron(grad, np.full((2, 2), 0.25))


@right(embedding, normal(4, 2, seed=122), np.array([3, 1, 3, 0, 1, 3]))
def embedding_by_one_hot_rows(grad, y, table, tokens):
    return np.eye(len(table))[tokens].T @ grad, None


@right(dropped, normal(3, 4, seed=123), normal(3, 4, seed=124) > -0.5)
def dropped_by_the_output(grad, y, x, keep):
    return grad * (y / x), None


@right(causal_attention, *(normal(4, 2, seed=seed) for seed in (125, 126, 127)))
def causal_attention_without_masking_again(grad, y, q, k, v):
    root = np.sqrt(q.shape[-1])
    p = row_softmax(np.where(np.tri(len(q)) > 0, q @ k.T / root, -np.inf))
    dp = grad @ v.T
    ds = p * (dp - (grad * y).sum(axis=1)[:, None]) / root
    return ds @ k, ds.T @ q, p.T @ grad


@right(inverse, normal(3, 3, seed=128) + 3 * np.eye(3))
def inverse_by_its_transpose(grad, y, a):
    return -(y.T @ grad @ y.T)


@right(log_determinant, normal(3, 3, seed=129) @ normal(3, 3, seed=129).T + np.eye(3))
def log_determinant_by_the_inverse(grad, y, a):
    return grad * np.linalg.inv(a).T


@right(ranked, normal(6, seed=130))
def ranked_put_back(grad, y, x):
    return grad[np.argsort(np.argsort(x))]


@right(flatten, normal(2, 3, seed=131), order="F")
def flatten_undone_in_its_order(grad, y, x, *, order):
    return grad.reshape(x.shape, order=order)


@right(pad, normal(5, seed=132), mode="wrap")
def pad_gathered_by_where_it_came_from(grad, y, x, *, mode):
    return np.bincount(np.pad(np.arange(x.size), 2, mode=mode), weights=grad, minlength=x.size)
