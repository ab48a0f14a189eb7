"""Graphs of a few tensors, and an op with a wrong rule, that several test files look at."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_xent as tx


def by_hand(name: str = "z") -> Any:
    """Return the cross-entropy L of three logits, op by op."""
    z = tx.Tensor([2.0, 1.0, 0.1], name=name)
    p = tx.softmax(z)
    p.name = "p"
    loss = -(tx.log(p) * np.array([1.0, 0.0, 0.0])).sum()
    loss.name = "L"
    return loss


def diamond() -> Any:
    """Return L = ln a + a a with a = 3 x: the gradient of a is 1 / a + 2 a."""
    x = tx.Tensor(2.0, name="x")
    a = x * 3.0
    loss = tx.log(a) + a * a
    a.name, loss.name = "a", "L"
    return loss


def wrong_square() -> tx.Op:
    """Return a square whose rule lacks the 2."""

    @tx.op
    def square(x: Any) -> Any:
        return x * x

    @square.backward
    def square_backward(grad: Any, y: Any, x: Any) -> Any:
        return x * grad

    return square
