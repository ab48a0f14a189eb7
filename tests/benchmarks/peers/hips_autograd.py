"""The tasks in HIPS autograd."""

from __future__ import annotations

from typing import Any

from autograd import make_hvp, value_and_grad
from autograd import numpy as np
from autograd.scipy.special import logsumexp

imported = True


def _loss(logits: Any, labels: Any, axis: int) -> Any:
    log_p = logits - logsumexp(logits, axis=axis, keepdims=True)
    if labels.ndim == logits.ndim:
        return -np.mean(np.sum(labels * log_p, axis=axis))
    places = list(np.indices(labels.shape))
    places.insert(axis % logits.ndim, labels)
    return -np.mean(log_p[tuple(places)])


def cross_entropy(logits: Any, labels: Any, axis: int) -> Any:
    both = value_and_grad(lambda z: _loss(z, labels, axis))
    return lambda: both(logits)


def unfused(logits: Any, labels: Any, axis: int) -> Any:
    def loss(z: Any) -> Any:
        e = np.exp(z - np.max(z, axis=1, keepdims=True))
        p = e / np.sum(e, axis=1, keepdims=True)
        return -np.mean(np.sum(labels * np.log(p), axis=1))

    both = value_and_grad(loss)
    return lambda: both(logits)


def chain(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    def last(x: Any, a: Any, b: Any) -> Any:
        for _ in range(ops // 2):
            x = x * a + b
        return np.sum(x) if x.ndim else x

    x, a, b = x[()], a[()], b[()]
    both = value_and_grad(last, (0, 1, 2) if weights else (0,))
    return lambda: both(x, a, b)[1]


def graph(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    from autograd.core import make_vjp

    def last(x: Any) -> Any:
        for _ in range(ops // 2):
            x = x * a + b
        return x

    return lambda: make_vjp(last, x)


def mlp(x: Any, labels: Any, rate: float, **weights: Any) -> Any:
    params = [w.copy() for w in weights.values()]

    def loss(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        return _loss(np.dot(np.maximum(np.dot(x, w1) + b1, 0), w2) + b2, labels, -1)

    both = value_and_grad(loss, (0, 1, 2, 3))

    def run() -> Any:
        value, slopes = both(*params)
        for w, slope in zip(params, slopes, strict=True):
            w -= rate * slope
        return value, params[0]

    return run


def hvp(x: Any, labels: Any, w: Any, v: Any) -> Any:
    make = make_hvp(lambda w: _loss(np.dot(x, w), labels, -1))
    return lambda: [make(w)[0](v)]
