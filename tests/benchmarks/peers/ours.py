"""The tasks in tinygrad_xent, through its public functions."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_xent as tx

imported = True


def _loss(labels: Any, logits: Any, axis: int) -> Any:
    if labels.ndim < logits.ndim:
        return tx.sparse_categorical_crossentropy(labels, logits, from_logits=True, axis=axis)
    return tx.softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=axis)


def cross_entropy(logits: Any, labels: Any, axis: int) -> Any:
    z = tx.Tensor(logits)

    def run() -> Any:
        z.grad = None
        loss = _loss(labels, z, axis).mean()
        loss.backward()
        return loss.data, z.grad

    return run


def unfused(logits: Any, labels: Any, axis: int) -> Any:
    z = tx.Tensor(logits)

    def run() -> Any:
        z.grad = None
        loss = -(labels * tx.log(tx.softmax(z))).sum(axis=1).mean()
        loss.backward()
        return loss.data, z.grad

    return run


def chain(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    leaves = [tx.Tensor(x)]
    if weights:
        a, b = tx.Tensor(a), tx.Tensor(b)
        leaves += [a, b]

    def run() -> Any:
        y = leaves[0]
        for leaf in leaves:
            leaf.grad = None
        for _ in range(ops // 2):
            y = y * a + b
        if y.ndim:
            y = y.sum()
        y.backward()
        return [leaf.grad for leaf in leaves]

    return run


def graph(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    def run() -> Any:
        y = tx.Tensor(x)
        for _ in range(ops // 2):
            y = y * a + b
        return y

    return run


def mlp(x: Any, labels: Any, rate: float, **weights: Any) -> Any:
    w1, b1, w2, b2 = params = [tx.Tensor(w.copy()) for w in weights.values()]

    def run() -> Any:
        hidden = tx.relu(x @ w1 + b1)
        loss = tx.sparse_categorical_crossentropy(labels, hidden @ w2 + b2, from_logits=True)
        loss = loss.mean()
        loss.backward()
        for w in params:
            w.data -= rate * w.grad
            w.grad = None
        return loss.data, w1.data

    return run


def hvp(x: Any, labels: Any, w: Any, v: Any) -> Any:
    weights = tx.Tensor(w)

    def run() -> Any:
        loss = tx.sparse_categorical_crossentropy(labels, x @ weights, from_logits=True).mean()
        slope = tx.gradients(loss, weights, create_graph=True)
        return [tx.gradients(slope, weights, seed=v)]

    return run


def gradcheck(logits: Any, labels: Any, axis: int, *, fast: bool) -> Any:
    def loss(z: Any) -> Any:
        return _loss(labels, z, axis).mean()

    mode = "fast" if fast else "full"
    return lambda: [np.array(float(bool(tx.gradcheck(loss, logits, mode=mode))))]


def picture(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    y = graph(x, a, b, ops, weights=weights)()

    def run() -> Any:
        passes = tx.trace(y.sum())
        assert tx.draw(y.sum()).svg
        return [passes[-1].total]

    return run
