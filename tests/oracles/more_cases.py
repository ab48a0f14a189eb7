"""Cases that nobody recorded: odd shapes, labels and numbers, and random draws of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from golden import Case

SPECIAL = (0.0, 1.0, -1.0, 0.5, 1e-7, 1e-8, 1 - 1e-7, 3e38, -3e38, np.inf, -np.inf, np.nan, 2.0)


def cases() -> list[Case]:
    """Give all of them, the same ones each time."""
    return [
        *(_case(f"shapes-{i}", *what, from_logits=True) for i, what in enumerate(_shapes())),
        *(
            _case(f"labels-{i}", *what, from_logits=from_logits)
            for i, what in enumerate(_labels())
            for from_logits in (False, True)
        ),
        *_random(120),
    ]


def _case(name: str, x: Any, labels: Any, axis: int = -1, *, from_logits: Any = None) -> Case:
    x, labels = np.asarray(x), np.asarray(labels)
    dense = name.startswith("shapes") or name.endswith("dense")
    rng = np.random.default_rng(len(name))
    rows = np.delete(x.shape, axis)
    return Case(
        id=f"{name}-{'logits' if from_logits else 'probs'}",
        labels_kind="dense" if dense else "sparse",
        from_logits=bool(from_logits),
        axis=axis,
        array=x,
        labels=labels,
        upstream=rng.normal(size=rows).astype(x.dtype),
        entries=None,
    )


def _shapes() -> Any:
    """Dense labels of other shapes than the logits, for the dialects that broadcast."""
    rng = np.random.default_rng(0)
    for x, labels in (
        ((2, 2, 2), (4, 2)),
        ((4, 2), (2, 2, 2)),
        ((2, 3), (2, 1)),
        ((1, 3), (2, 3)),
        ((2, 3), (2, 4)),
        ((2, 3, 4), (1, 3, 4)),
        ((2, 3), (1, 1)),
        ((3, 3), (3,)),
        ((3,), (1, 3)),
        ((3,), (1,)),
    ):
        yield rng.normal(size=x), rng.uniform(size=labels)


def _labels() -> Any:
    """Integer labels in forms and with values that some refuse, some bend."""
    rng = np.random.default_rng(1)

    def probs(*shape: int) -> Any:
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])

    yield probs(2, 4), np.array([-5, 1])
    yield probs(2, 4), np.array([-4, 3])
    yield probs(2, 4), np.array([-0.5, 1.9])
    yield probs(2, 4), np.array([True, False])
    yield probs(2, 4), np.array([0, 1], np.int8)
    yield probs(2, 4), np.array(1)
    yield probs(4), np.array([1])
    yield probs(2, 2, 4), np.array([0, 1, 2, 3])
    yield probs(2, 2, 4), np.array([[0, 1, 2], [0, 1, 2]])
    yield probs(2, 3, 4), np.array([[0, 1], [1, 2], [2, 3]])
    yield probs(2, 3, 4), np.array([[0, 1, 2]])
    for axis in (0, 1, 2, -1, -2):
        yield probs(2, 2, 2, 2), rng.integers(0, 2, (2, 2, 2)), axis
        yield probs(2, 2, 2), rng.integers(0, 2, (2, 2)), axis if axis < 3 else -1
    yield probs(2, 1, 2, 1, 2), rng.integers(0, 2, (2, 1, 2, 1)), -1


def _random(count: int) -> Any:
    """Small arrays, many of their entries special, in every kind of call."""
    rng = np.random.default_rng(2)
    for i in range(count):
        dtype = rng.choice([np.float32, np.float64, np.float16], p=[0.5, 0.4, 0.1])
        shape = tuple(rng.integers(1, 4, rng.integers(1, 4)))
        axis = int(rng.integers(-len(shape), len(shape)))
        from_logits = bool(rng.integers(2))
        x = rng.normal(scale=3, size=shape) if from_logits else rng.uniform(size=shape)
        odd = rng.uniform(size=shape) < rng.choice([0, 0.3])
        with np.errstate(over="ignore"):
            x = np.where(odd, rng.choice(SPECIAL, size=shape), x).astype(dtype)
        labels: Any = rng.integers(0, shape[axis], np.delete(shape, axis))
        name = f"random-{i}"
        if rng.integers(2):
            name += "-dense"
            labels = rng.choice([0, 1, 0.25, -1, 2], size=shape).astype(dtype)
        yield _case(name, x, labels, axis, from_logits=from_logits)
