"""What a dialect is made of: steps, each with a stage, a few words, and a function of the state."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """What one step hands to the next.

    Attributes
    ----------
    labels : ndarray or Tensor
        Class numbers or rows of weights, as far as they have been brought into form.
    x : ndarray or Tensor
        Probabilities, then their logarithms; or logits; in the end the losses.
    axis : int
        The axis of classes in `x`.
    shape : tuple of int or None
        The shape of the losses, where a step has flattened the rows.
    normaliser : ndarray or Tensor or None
        What is still to be subtracted from `x` to make it a logarithm of probabilities.
    missing : ndarray or None
        Which rows have a label that names no class.
    dtype : dtype
        That of the numbers given.
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
        """The shape of `x` without its classes."""
        shape = list(self.x.shape)
        del shape[self.axis]
        return tuple(shape)

    def but(self, **changes: Any) -> State:
        """Give this state with some parts changed."""
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """One step of a dialect.

    Attributes
    ----------
    stage : str
        What the step is about. Steps of one stage stand in each other's place in two dialects.
    words : str
        What it does, as the rest of a sentence about the dialect.
    run : callable
        From a state to the next.
    """

    stage: str
    words: str
    run: Callable[[State], State]

    def __repr__(self) -> str:
        return f"<step {self.run.__name__}>"


def step(stage: str, words: str) -> Callable[[Callable[[State], State]], Step]:
    """Make a step of a function: `@step("clip", "clips ...")`."""
    return lambda run: Step(stage, words, run)


def run(steps: Iterable[Step], state: State) -> State:
    """Take the steps one after another, and give the last state."""
    *_, last = (state, *walk(steps, state))
    return last


def walk(steps: Iterable[Step], state: State) -> Iterator[State]:
    """Take the steps one after another, and give every state.

    What is infinite or NaN is an answer here, so NumPy is not asked to warn of it.
    """
    for taken in steps:
        with np.errstate(all="ignore"):
            state = taken.run(state)
        yield state


def constant(x: Any) -> Any:
    """Give the array behind a Tensor, or of Python's numbers.

    Their integers have 64 bits, as the frameworks' own arrays of them do, also where NumPy's have
    32 (in a browser).
    """
    array = np.asarray(x.data if isinstance(x, Node) else x)
    shorter = array.dtype == np.int32 and not hasattr(x, "dtype")
    return array.astype(np.int64) if shorter else array
