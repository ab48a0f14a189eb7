"""The parts of a dialect: steps, each a stage, a description, and a function of the state."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node
from tinygrad_xent.ops import astype


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """The values that one step passes to the next.

    Attributes
    ----------
    labels : ndarray or Tensor
        Class numbers, or rows of weights.
    x : ndarray or Tensor
        Logits or probabilities at first, later their logarithms, and the losses at the end.
    axis : int
        The axis of classes in `x`.
    dtype : dtype
        The dtype of `x` before the first step.
    shape : tuple of int or None
        The shape of the losses, if a step has flattened the rows.
    normaliser : ndarray or Tensor or None
        What remains to be subtracted from `x` to make it log-probabilities.
    missing : ndarray or None
        Which rows have a label out of range.
    """

    labels: Any
    x: Any
    axis: int
    dtype: Any
    shape: tuple[int, ...] | None = None
    normaliser: Any = None
    missing: Any = None

    @property
    def rows(self) -> tuple[int, ...]:
        """The shape of `x` without the axis of classes."""
        shape = list(self.x.shape)
        del shape[self.axis]
        return tuple(shape)

    def replace(self, **changes: Any) -> State:
        """Return a copy of this state with some fields replaced."""
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """One step of a dialect.

    Attributes
    ----------
    stage : str
        What the step is about. Steps of the same stage in two dialects can be exchanged.
    words : str
        What the step does, as the predicate of a sentence about the dialect.
    run : callable
        A function from one state to the next.
    """

    stage: str
    words: str
    run: Callable[[State], State]

    def __repr__(self) -> str:
        return f"<step {self.run.__name__}>"


def step(stage: str, words: str) -> Callable[[Callable[[State], State]], Step]:
    """Make a step of a function, as a decorator: `@step("clip", "clips ...")`."""
    return lambda run: Step(stage, words, run)


def run(steps: Iterable[Step], state: State) -> State:
    """Run the steps one after another, and return the last state."""
    *_, last = (state, *walk(steps, state))
    return last


def walk(steps: Iterable[Step], state: State) -> Iterator[State]:
    """Run the steps one after another, and yield the state after each.

    NumPy's warnings are off: infinity and NaN are valid results here.
    """
    for taken in steps:
        with np.errstate(all="ignore"):
            state = taken.run(state)
        yield state


def converted(x: Any, dtype: Any) -> Any:
    """Return an array or Tensor in this dtype, unchanged if it has it."""
    return x if x.dtype == dtype else astype(x, dtype=dtype)


def constant(x: Any) -> Any:
    """Return a Tensor's array, or an array of Python numbers.

    Python's integers become int64, as in the frameworks, even where NumPy's default is int32 (in a
    browser).
    """
    array = np.asarray(x.data if isinstance(x, Node) else x)
    shorter = array.dtype == np.int32 and not hasattr(x, "dtype")
    return array.astype(np.int64) if shorter else array
