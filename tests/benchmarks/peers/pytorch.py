"""The tasks in PyTorch, eager."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch.nn import functional

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
imported = True


def cross_entropy(logits: Any, labels: Any, axis: int) -> Any:
    z = torch.tensor(logits, requires_grad=True)
    t = torch.tensor(labels)

    def run() -> Any:
        z.grad = None
        loss = functional.cross_entropy(z, t)
        loss.backward()
        return loss, z.grad

    return run


def unfused(logits: Any, labels: Any, axis: int) -> Any:
    z = torch.tensor(logits, requires_grad=True)
    t = torch.tensor(labels)

    def run() -> Any:
        z.grad = None
        loss = -(t * torch.log(torch.softmax(z, 1))).sum(1).mean()
        loss.backward()
        return loss, z.grad

    return run


def chain(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    leaf = torch.tensor(x, requires_grad=True)
    a, b = torch.tensor(a, requires_grad=weights), torch.tensor(b, requires_grad=weights)
    leaves = [leaf, a, b] if weights else [leaf]

    def run() -> Any:
        y = leaf
        for one in leaves:
            one.grad = None
        for _ in range(ops // 2):
            y = y * a + b
        if y.ndim:
            y = y.sum()
        y.backward()
        return [one.grad for one in leaves]

    return run


def graph(x: Any, a: Any, b: Any, ops: int, *, weights: bool) -> Any:
    a, b = torch.tensor(a), torch.tensor(b)

    def run() -> Any:
        y = torch.tensor(x, requires_grad=True)
        for _ in range(ops // 2):
            y = y * a + b
        return y

    return run


def mlp(x: Any, labels: Any, rate: float, **weights: Any) -> Any:
    w1, b1, w2, b2 = params = [torch.tensor(w, requires_grad=True) for w in weights.values()]
    x, labels = torch.tensor(x), torch.tensor(labels)

    def run() -> Any:
        loss = functional.cross_entropy(torch.relu(x @ w1 + b1) @ w2 + b2, labels)
        loss.backward()
        with torch.no_grad():
            for w in params:
                w.sub_(w.grad, alpha=rate)
                w.grad = None
        return loss, w1

    return run


def hvp(x: Any, labels: Any, w: Any, v: Any) -> Any:
    weights = torch.tensor(w, requires_grad=True)
    x, labels, v = torch.tensor(x), torch.tensor(labels), torch.tensor(v)

    def run() -> Any:
        loss = functional.cross_entropy(x @ weights, labels)
        (slope,) = torch.autograd.grad(loss, weights, create_graph=True)
        return torch.autograd.grad(slope, weights, v)

    return run


def gradcheck(logits: Any, labels: Any, axis: int, *, fast: bool) -> Any:
    z = torch.tensor(logits, requires_grad=True)
    t = torch.tensor(labels)

    def loss(z: Any) -> Any:
        return functional.cross_entropy(z, t)

    return lambda: [torch.tensor(float(torch.autograd.gradcheck(loss, z, fast_mode=fast)))]
