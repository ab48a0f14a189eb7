"""The tasks in NumPy, derivatives by hand: what the others are compared with, and a peer too."""

from __future__ import annotations

from typing import Any

import numpy as np


def _softmax(z: Any, axis: int = -1) -> tuple[Any, Any]:
    z = z - z.max(axis, keepdims=True)
    p = np.exp(z)
    total = p.sum(axis, keepdims=True)
    p /= total
    z -= np.log(total)
    return p, z


def cross_entropy(logits: Any, labels: Any, axis: int) -> Any:
    sparse = labels.ndim < logits.ndim
    places = logits.size // logits.shape[axis]
    where = np.expand_dims(labels, axis) if sparse else None

    def run() -> Any:
        p, log_p = _softmax(logits, axis)
        if sparse:
            loss = -np.take_along_axis(log_p, where, axis).mean(dtype=p.dtype)
            picked = np.take_along_axis(p, where, axis)
            np.put_along_axis(p, where, picked - 1, axis)
        else:
            loss = -(labels * log_p).sum() / places
            p -= labels
        p /= places
        return loss, p

    return run


def unfused(logits: Any, labels: Any, axis: int) -> Any:
    def run() -> Any:
        p, _ = _softmax(logits)
        loss = -(labels * np.log(p)).sum(axis=1).mean()
        grad = -labels / len(labels) / p
        return loss, p * (grad - (grad * p).sum(axis=1, keepdims=True))

    return run


def chain(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    def run() -> Any:
        steps = [x]
        for _ in range(ops // 2):
            steps.append(steps[-1] * a + b)
        grad, grad_a, grad_b = np.ones_like(x), np.zeros_like(x), np.zeros_like(x)
        for step in reversed(steps[:-1]):
            if weights:
                grad_b = grad_b + grad
                grad_a = grad_a + grad * step
            grad = grad * a
        return [grad, grad_a, grad_b] if weights else [grad]

    return run


def graph(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    """The arrays alone, in a list."""

    def run() -> Any:
        steps = [x]
        for _ in range(ops // 2):
            steps.append(steps[-1] * a)
            steps.append(steps[-1] + b)
        return steps

    return run


def mlp(x: Any, labels: Any, rate: float, w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
    w1, b1, w2, b2 = w1.copy(), b1.copy(), w2.copy(), b2.copy()
    rows = np.arange(len(x))

    def run() -> Any:
        hidden = x @ w1
        hidden += b1
        np.maximum(hidden, 0, out=hidden)
        p, log_p = _softmax(hidden @ w2 + b2)
        loss = -log_p[rows, labels].mean()
        p[rows, labels] -= 1
        p /= len(x)
        grad = p @ w2.T
        grad *= hidden > 0
        for w, slope in ((w2, hidden.T @ p), (b2, p.sum(0)), (w1, x.T @ grad), (b1, grad.sum(0))):
            slope *= rate
            w -= slope
        return loss, w1

    return run


def hvp(x: Any, labels: Any, w: Any, v: Any) -> Any:
    def run() -> Any:
        p, _ = _softmax(x @ w)
        change = x @ v
        change -= (p * change).sum(axis=1, keepdims=True)
        change *= p
        return [x.T @ change / len(x)]

    return run


def picture(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    """The gradient only, for comparison."""
    return chain(x, a, b, ops, weights=False)


def gradcheck(logits: Any, labels: Any, axis: int, *, fast: bool) -> Any:
    """Central differences in a loop, or along eight random directions."""
    forward_and_backward = cross_entropy(logits, labels, axis)
    rng = np.random.default_rng(0)

    def loss(z: Any) -> Any:
        return -np.take_along_axis(_softmax(z)[1], labels[:, None], -1).mean()

    def run() -> Any:
        grad = forward_and_backward()[1]
        directions = rng.normal(size=(8, *logits.shape))
        if not fast:
            directions = np.eye(logits.size).reshape(-1, *logits.shape)
        h = 1e-6
        errors = [
            (loss(logits + h * d) - loss(logits - h * d)) / (2 * h) - (grad * d).sum()
            for d in directions
        ]
        return [np.array(float(np.abs(errors).max() < 1e-6))]

    return run
