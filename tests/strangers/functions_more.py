"""More functions that strangers wrote rules for, in plain NumPy."""

from __future__ import annotations

import numpy as np
from strangers.functions import row_softmax


def softsign(x):
    return x / (1 + np.abs(x))


def arcsin(x):
    return np.arcsin(x)


def reciprocal(x):
    return 1 / x


def reciprocal_root(x):
    return 1 / np.sqrt(x)


def sinh(x):
    return np.sinh(x)


def expm1(x):
    return np.expm1(x)


def hypotenuse(a, b):
    return np.sqrt(a**2 + b**2)


def power(a, b):
    return a**b


def swish(x, *, beta=1.0):
    return x / (1 + np.exp(-beta * x))


def gaussian(x, *, sigma=1.0):
    return np.exp(-(x**2) / (2 * sigma**2))


def lerp(a, b, t):
    return a + t * (b - a)


def hinge(score, *, target):
    return np.maximum(0, 1 - target * score)


def log_cosh(x):
    return np.log(np.cosh(x))


def angle(a, b):
    return np.arctan2(a, b)


def variance(x):
    return x.var(axis=-1)


def deviation(x):
    return x.std(axis=0)


def weighted_mean(x, w):
    return (x * w).sum() / w.sum()


def tempered_softmax(x, *, temperature):
    return row_softmax(x / temperature)


def divergence(logits, q):
    return (q * (np.log(q) - np.log(row_softmax(logits)))).sum(axis=1)


def negative_log_likelihood(log_p, labels):
    return -log_p[np.arange(len(labels)), labels]


def weighted_cross_entropy(logits, labels, *, weights):
    p = row_softmax(logits)[np.arange(len(labels)), labels]
    return -weights[labels] * np.log(p)


def cosine_similarity(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def rms_norm(x):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True))


def layernorm_with_gain(x, gain):
    mu = x.mean(axis=-1, keepdims=True)
    return gain * (x - mu) / x.std(axis=-1, keepdims=True)


def row_min(x):
    return x.min(axis=1)


def outer(a, b):
    return np.outer(a, b)


def trace(a):
    return np.trace(a)


def squared_distances(a, b):
    return ((a[:, None] - b[None]) ** 2).sum(axis=-1)


def permuted(x):
    return x.transpose(1, 2, 0)


def joined(a, b):
    return np.concatenate([a, b])


def differences(x):
    return np.diff(x)


def memory_cell(c, forget, write, new):
    return forget * c + write * new


def scaled_embedding(table, tokens):
    return table[tokens] * np.sqrt(table.shape[1])


def convolution_with_bias(x, k, b):
    return np.correlate(x, k, mode="valid") + b
