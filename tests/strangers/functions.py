"""The functions that strangers wrote rules for: plain NumPy, as they would write them."""

from __future__ import annotations

import numpy as np


def tanh(x):
    return np.tanh(x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def exp(x):
    return np.exp(x)


def sqrt(x):
    return np.sqrt(x)


def log2(x):
    return np.log2(x)


def power_of_base(x, *, base):
    return base**x


def monomial(x, *, n):
    return x**n


def subtract(a, b):
    return a - b


def divide(a, b):
    return a / b


def multiply(a, b):
    return a * b


def relu(x):
    return np.maximum(x, 0)


def leaky_relu(x, *, slope=0.1):
    return np.where(x > 0, x, slope * x)


def elu(x, *, alpha=1.5):
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


def softplus(x):
    return np.log1p(np.exp(x))


def silu(x):
    return x / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def clip(x, *, lo=-1.0, hi=1.0):
    return np.clip(x, lo, hi)


def absolute(x):
    return np.abs(x)


def cosine(x):
    return np.cos(x)


def squared_error(prediction, target):
    return (prediction - target) ** 2


def huber(error, *, delta=1.0):
    small = np.abs(error) <= delta
    return np.where(small, 0.5 * error**2, delta * (np.abs(error) - 0.5 * delta))


def logaddexp(a, b):
    return np.logaddexp(a, b)


def choose(condition, a, b):
    return np.where(condition, a, b)


def maximum(a, b):
    return np.maximum(a, b)


def arctan(x):
    return np.arctan(x)


def log1p(x):
    return np.log1p(x)


def dropout(x, mask, *, rate=0.25):
    return x * mask / (1 - rate)


def sinc(x):
    return np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1.0, x))


def square(x):
    return x * x


def softmax(x, *, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x):
    z = x - x.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def cross_entropy(logits, labels):
    return -np.take_along_axis(log_softmax(logits), labels[:, None], axis=1)[:, 0]


def mean_cross_entropy(logits, labels):
    return cross_entropy(logits, labels).mean()


def masked_cross_entropy(logits, labels, *, ignore_index=-1):
    return np.where(labels == ignore_index, 0.0, cross_entropy(logits, labels))


def smoothed(labels, classes, eps):
    return (1 - eps) * np.eye(classes)[labels] + eps / classes


def smoothed_cross_entropy(logits, labels, *, eps=0.2):
    return -(smoothed(labels, logits.shape[1], eps) * log_softmax(logits)).sum(axis=1)


def binary_cross_entropy(p, *, target):
    return -(target * np.log(p) + (1 - target) * np.log(1 - p))


def logsumexp(x, *, axis=1):
    top = x.max(axis=axis, keepdims=True)
    return np.log(np.exp(x - top).sum(axis=axis)) + top.squeeze(axis)


def mean(x, *, axis=None):
    return x.mean(axis=axis)


def centre(x):
    return x - x.mean(axis=-1, keepdims=True)


def norm(x):
    return np.sqrt((x * x).sum(axis=-1))


def normalize(x):
    return x / np.sqrt((x * x).sum(axis=-1, keepdims=True))


def row_max(x, *, axis=1):
    return x.max(axis=axis)


def cumsum(x, *, axis=-1):
    return np.cumsum(x, axis=axis)


def cumprod(x):
    return np.cumprod(x, axis=-1)


def batchnorm(x, gamma, beta, *, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


def layernorm(x, *, eps=1e-5):
    mu = x.mean(axis=-1, keepdims=True)
    return (x - mu) / np.sqrt(x.var(axis=-1, keepdims=True) + eps)


def linear(x, w, b):
    return x @ w + b


def bilinear(x, a):
    return x @ a @ x


def conv1d(x, k):
    return np.correlate(x, k, mode="valid")


def conv2d(x, k, *, stride=2):
    rows, columns = k.shape
    return np.array(
        [
            [
                (x[i : i + rows, j : j + columns] * k).sum()
                for j in range(0, x.shape[1] - columns + 1, stride)
            ]
            for i in range(0, x.shape[0] - rows + 1, stride)
        ]
    )


def maxpool(x):
    n, m = x.shape
    return x.reshape(n // 2, 2, m // 2, 2).max(axis=(1, 3))


def avgpool(x):
    n, m = x.shape
    return x.reshape(n // 2, 2, m // 2, 2).mean(axis=(1, 3))


def upsample(x):
    return x.repeat(2, axis=0).repeat(2, axis=1)


def embedding(table, tokens):
    return table[tokens]


def padded_embedding(table, tokens, *, padding_idx=0):
    return table[tokens] * (tokens != padding_idx)[:, None]


def row_softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention(q, k, v):
    return row_softmax(q @ k.T / np.sqrt(q.shape[-1])) @ v


def dot(a, b):
    return a @ b


def roll(x, *, shift):
    return np.roll(x, shift)


def flatten(x, *, order="C"):
    return x.ravel(order)


def pad(x, *, mode="edge"):
    return np.pad(x, 2, mode=mode)


def total(x):
    return x.sum()


def add(a, b):
    return a + b


def sum_all(*xs):
    return sum(xs)


def cube(x):
    return x**3


def product(x):
    return x.prod()


def largest(x):
    return x.max()


def lp_norm(x, *, order=2):
    return (np.abs(x) ** order).sum() ** (1 / order)


def causal_attention(q, k, v):
    scores = q @ k.T / np.sqrt(q.shape[-1])
    return row_softmax(np.where(np.tri(len(q)) > 0, scores, -np.inf)) @ v


def contraction(a, b):
    return np.einsum("bij,bkj->bik", a, b)


def inverse(a):
    return np.linalg.inv(a)


def log_determinant(a):
    return np.log(np.linalg.det(a))


def ranked(x):
    return np.sort(x)


def dropped(x, keep):
    return np.where(keep, x / 0.8, 0)
