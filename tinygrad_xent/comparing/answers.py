"""What one dialect answers: its steps, the states between them, the loss and the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.backprop import gradients_or_none
from tinygrad_xent.dialects.recipes import RECIPES
from tinygrad_xent.dialects.refusals import name_there
from tinygrad_xent.dialects.speak import steps_of
from tinygrad_xent.dialects.steps import State, Step, walk
from tinygrad_xent.dialects.steps import step as make_step
from tinygrad_xent.errors import AxisError, TinygradXentError
from tinygrad_xent.graph import Node
from tinygrad_xent.ops import softmax
from tinygrad_xent.tensor import Tensor

ROUNDINGS = 8
"""How many roundings, each one eps of max(1, abs(value)), two numbers that agree may lie apart."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What some steps make of labels and numbers.

    Attributes
    ----------
    dialect : str
    steps : tuple of Step
    states : tuple of State
        Before the first step, and after each that could be taken.
    loss : ndarray or None
    grad : ndarray or None
        Of the sum of the losses, with respect to the numbers given. None if there is none.
    error : Exception or None
        What a step raised, or a rule on the way back.
    """

    dialect: str
    steps: tuple[Step, ...]
    states: tuple[State, ...]
    loss: Any = None
    grad: Any = None
    error: TinygradXentError | None = None

    @property
    def name_there(self) -> str | None:
        """What the framework's exception is called."""
        return name_there(self.dialect, self.error) if self.error else None

    def gradient_at(self, i: int) -> Any:
        """Give the gradient of what the steps were given as state `i`, or None."""
        last = self.states[-1].x
        if self.grad is None or not isinstance(last, Node):
            return None
        with np.errstate(all="ignore"):
            (grad,) = gradients_or_none(last, [self.states[i].x], np.ones_like(last.data), False)
        return grad


@make_step("softmax of the model", "takes the softmax of the logits first")
def _softmax(s: State) -> State:
    if s.axis not in range(-s.x.ndim, s.x.ndim):
        raise AxisError(f"axis={s.axis} is no axis of an array of shape {s.x.shape}")
    return s.but(x=softmax(s.x, axis=s.axis))


def steps_in_comparison(
    dialect: str, state: State, sparse: bool, from_logits: bool
) -> tuple[Step, ...]:
    """Give a dialect's steps from the same numbers as the others': logits, if any takes logits.

    Keras in a graph is handed probabilities that a softmax made; that softmax is its first step.
    """
    if dialect != "keras2-graph" or not from_logits:
        return steps_of(dialect, state, sparse, from_logits)
    if state.axis in (-1, state.x.ndim - 1):
        return (_softmax, *RECIPES[dialect](sparse, False))
    return (_softmax, *RECIPES["keras2"](sparse, False))


def ask(dialect: str, steps: tuple[Step, ...], start: State) -> Answer:
    """Take the steps, and go back."""
    states = [start.but(x=Tensor(start.x.data if isinstance(start.x, Node) else start.x))]
    loss = grad = error = None
    try:
        states += walk(steps, states[0])
        loss = states[-1].x
        with np.errstate(all="ignore"):
            (grad,) = gradients_or_none(loss, [states[0].x], np.ones_like(loss.data), False)
    except TinygradXentError as raised:
        error = raised
    return Answer(dialect, steps, tuple(states), None if loss is None else loss.data, grad, error)


def agree(a: Answer, b: Answer) -> bool:
    """Whether two answers are the same: losses and gradients up to roundings, or kinds of errors.

    Where one has no gradient because its framework computes none, the losses decide.
    """
    if a.error or b.error:
        return type(a.error) is type(b.error) and close(a.loss, b.loss)
    one_without = a.grad is None or b.grad is None
    return close(a.loss, b.loss) and (one_without or close(a.grad, b.grad))


def close(a: Any, b: Any) -> bool:
    """Whether two arrays differ by a few roundings of the coarser dtype at most."""
    if a is None or b is None:
        return a is b
    if a.shape != b.shape:
        return False
    eps = max(np.finfo(array.dtype).eps for array in (a, b))
    with np.errstate(all="ignore"):
        a, b = a.astype(np.float64), b.astype(np.float64)
        near = np.abs(a - b) <= ROUNDINGS * eps * np.maximum(1, np.abs(b))
    return bool(np.all(near | (a == b) | (np.isnan(a) & np.isnan(b))))
