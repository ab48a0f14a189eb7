r"""A softmax that never overflows.

The softmax of a row is $p_i = e^{x_i} / \sum_j e^{x_j}$. Written like this it fails: $e^{1000}$ is
more than a float can hold. But adding one number to a whole row changes nothing, because it cancels
in the fraction.

Write the softmax over the last axis of an array `x` of any shape, right for entries of any size.
Entries may also be $-\infty$ (their probability is 0), but not all of a row.

    >>> stable_softmax(np.array([[1000.0, 1000.0], [0.0, -np.inf]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
"""

from __future__ import annotations

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case
from tinygrad_xent.teaching.exercises.exercise import Exercise

exercise = Exercise(
    __name__,
    __doc__,
    lesson=5,
    hints=(
        "Which number could you subtract from a row so that no exponential can overflow?",
        "Subtract the largest entry of each row: then all exponents are 0 or less, and one "
        "exponential is exactly 1.",
        "`np.max` and `np.sum` with `axis=-1, keepdims=True` give one number for each row, in a "
        "shape that can be combined with `x`.",
    ),
)


@exercise.to_write
def stable_softmax(x):
    """Give the softmax over the last axis."""
    raise NotImplementedError


@exercise.solved
def stable_softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


@exercise.mistaken(
    "The exponential of a large number overflows. Subtract something from the row first: it "
    "cancels in the fraction."
)
def stable_softmax(x):
    e = np.exp(x)
    return e / np.sum(e, axis=-1, keepdims=True)


@exercise.mistaken(
    "The sum runs over the whole array. Each row is a distribution of its own: `axis=-1`. And the "
    "exponential of a large number overflows: subtract something from the row first."
)
def stable_softmax(x):
    e = np.exp(x)
    return e / np.sum(e)


@exercise.mistaken(
    "You subtracted the largest entry of the whole array. A row that lies far below it then has "
    "only exponentials that are rounded to 0. Each row needs its own maximum."
)
def stable_softmax(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e, axis=-1, keepdims=True)


@exercise.mistaken(
    "The sum runs over the whole array. Each row is a distribution of its own: `axis=-1`."
)
def stable_softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e)


@exercise.mistaken("The sum runs over the first axis. The rows lie along the last one: `axis=-1`.")
def stable_softmax(x):
    e = np.exp(x - np.max(x, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


@exercise.mistaken("You divided by the largest entry; that changes the result. Subtract it.")
def stable_softmax(x):
    e = np.exp(x / np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


@exercise.inputs
def inputs(rng):
    yield Case("one row", rng.normal(size=3))
    yield Case("two rows", rng.normal(size=(2, 3)))
    yield Case("large numbers", 1000 + rng.normal(size=3))
    yield Case(
        "rows of very different size", rng.normal(size=(2, 2)) + np.array([[900.0], [-900.0]])
    )
    yield Case("entries of -inf", np.array([rng.normal(), -np.inf, 0.0]))
    yield Case("three axes", rng.normal(size=(2, 2, 2)))
    yield Case("one class", rng.normal(size=(2, 1)))
    yield Case("no rows", np.zeros((0, 3)))
    yield Case("float32", 100 * rng.normal(size=(2, 3)).astype(np.float32))
