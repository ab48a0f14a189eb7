"""Random inputs that show a mistake, and leave only one diagnosis for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_xent.domains import positive, simplex
from tinygrad_xent.teaching.museum.rules import Inputs


def normal(*shapes: tuple[int, ...], **params: Any) -> Inputs:
    """Return inputs of normally distributed numbers."""
    return lambda rng: (tuple(rng.normal(size=shape) for shape in shapes), params)


def above_zero(*shapes: tuple[int, ...], **params: Any) -> Inputs:
    """Return inputs of positive numbers."""
    return lambda rng: (tuple(positive.draw(rng, shape) for shape in shapes), params)


def with_value(
    value: float, shape: tuple[int, ...], *, dtype: Any = np.float64, **params: Any
) -> Inputs:
    """Return an input of positive numbers, one of them replaced by `value`."""

    def draw(rng: np.random.Generator) -> Any:
        x = positive.draw(rng, shape).astype(dtype)
        x.flat[rng.integers(x.size)] = value
        return (x,), params

    return draw


def few_negative(shape: tuple[int, ...], count: int) -> Inputs:
    """Return an input of numbers away from zero, `count` of them negative."""

    def draw(rng: np.random.Generator) -> Any:
        x = positive.draw(rng, shape)
        x.flat[rng.choice(x.size, count, replace=False)] *= -1
        return (x,), {}

    return draw


def distributions(rows: int, classes: int, **params: Any) -> Inputs:
    """Return logits, and labels that are distributions along the last axis."""
    return lambda rng: (
        (simplex.draw(rng, (rows, classes)), rng.normal(size=(rows, classes))),
        params,
    )


def one_hot(rows: int, classes: int) -> Inputs:
    """Return logits, and one-hot labels."""

    def draw(rng: np.random.Generator) -> Any:
        labels = np.eye(classes)[rng.integers(classes, size=rows)]
        return (labels, rng.normal(size=(rows, classes))), {}

    return draw


def classes_first(shape: tuple[int, ...]) -> Inputs:
    """Return logits, and labels that are distributions along the first axis, with `axis=0`."""

    def draw(rng: np.random.Generator) -> Any:
        labels = simplex.draw(rng, shape[::-1]).T
        return (np.ascontiguousarray(labels), rng.normal(size=shape)), {"axis": 0}

    return draw


def class_numbers(rows: int, classes: int, **params: Any) -> Inputs:
    """Return logits, and a different class number for each row."""

    def draw(rng: np.random.Generator) -> Any:
        labels = rng.choice(classes, rows, replace=False)
        return (labels, rng.normal(size=(rows, classes))), params

    return draw


def logits_for(rows: int, classes: int) -> Inputs:
    """Return logits, and class numbers as the parameter `target`."""

    def draw(rng: np.random.Generator) -> Any:
        target = rng.choice(classes, rows, replace=False)
        return (rng.normal(size=(rows, classes)),), {"target": target}

    return draw


def repeated_rows(make: Callable[[Any], Any]) -> Inputs:
    """Return a table of 6 rows, and what `make` returns for 4 row numbers, two of them equal."""

    def draw(rng: np.random.Generator) -> Any:
        once = rng.choice(6, 3, replace=False)
        inputs, params = make(np.append(once, once[1]))
        return (rng.normal(size=(6, 3)), *inputs), params

    return draw
