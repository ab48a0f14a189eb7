"""The tasks in MyGrad."""

from __future__ import annotations

from typing import Any

import mygrad as mg
from mygrad.nnet import activations, losses

imported = True


def cross_entropy(logits: Any, labels: Any, axis: int) -> Any:
    if labels.ndim < logits.ndim and logits.ndim > 2:
        return None  # it has matrices and integer labels only
    z = mg.tensor(logits)

    def run() -> Any:
        if labels.ndim < logits.ndim:
            loss = losses.softmax_crossentropy(z, labels)
        else:
            loss = -(labels * activations.logsoftmax(z)).sum(axis=1).mean()
        loss.backward()
        return loss.data, z.grad

    return run


def unfused(logits: Any, labels: Any, axis: int) -> Any:
    z = mg.tensor(logits)

    def run() -> Any:
        loss = -(labels * mg.log(activations.softmax(z))).sum(axis=1).mean()
        loss.backward()
        return loss.data, z.grad

    return run


def chain(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    leaves = [mg.tensor(x)]
    if weights:
        a, b = mg.tensor(a), mg.tensor(b)
        leaves += [a, b]

    def run() -> Any:
        y = leaves[0]
        for _ in range(ops // 2):
            y = y * a + b
        y.sum().backward()
        return [leaf.grad for leaf in leaves]

    return run


def graph(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    def run() -> Any:
        y = mg.tensor(x)
        for _ in range(ops // 2):
            y = y * a + b
        return y

    return run


def mlp(x: Any, labels: Any, rate: float, **weights: Any) -> Any:
    w1, b1, w2, b2 = params = [mg.tensor(w.copy()) for w in weights.values()]

    def run() -> Any:
        hidden = activations.relu(mg.matmul(x, w1) + b1)
        loss = losses.softmax_crossentropy(mg.matmul(hidden, w2) + b2, labels)
        loss.backward()
        for w in params:
            w.data -= rate * w.grad
        return loss.data, w1.data

    return run
