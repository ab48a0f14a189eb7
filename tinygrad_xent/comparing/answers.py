"""The answer of one dialect, and the search for the steps that make two answers differ.

The search lays the steps of two dialects side by side, steps of the same stage next to each other.
Where they differ there is a piece of the one and a piece of the other. The smallest set of pieces
whose exchange turns the one answer into the other is the difference. No table of causes is used.
"""

import contextlib
import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygrad_xent.comparing.dialects import framework_error, recipe, steps_of
from tinygrad_xent.comparing.steps import State, Step, any_axis, step, walk
from tinygrad_xent.derivatives import gradients_or_none
from tinygrad_xent.errors import TinygradXentError
from tinygrad_xent.graph import Node
from tinygrad_xent.ops import softmax
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.visualization.readable import Readable

_NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
ROUNDINGS = 8
"""How many roundings, each eps * max(1, abs(value)), two numbers that agree may differ by."""


@dataclass(frozen=True, eq=False, repr=False)
class Answer(Readable):
    """The result of some steps for given labels and numbers.

    Attributes
    ----------
    dialect : str
    steps : tuple of Step
    states : tuple of State
        The state before the first step and after each step that succeeded.
    loss : ndarray or None
    grad : ndarray or None
        The gradient of the sum of the losses with respect to the input; None if there is none.
    error : Exception or None
        The error that a step, or a rule of the backward pass, raised.
    """

    dialect: str
    steps: tuple[Step, ...]
    states: tuple[State, ...]
    loss: Any = None
    grad: Any = None
    error: TinygradXentError | None = None

    @property
    def framework_error(self) -> str | None:
        """The name of the framework's exception."""
        return framework_error(self.dialect, self.error) if self.error else None

    def row(self, i: int, place: tuple[int, ...]) -> Any:
        """Return a row of `x` in state `i`, or None if an earlier step raised an error."""
        if i >= len(self.states):
            return None
        return row_at(self.states[i].x.data, self.states[i].axis, place)

    def gradient_row(self, i: int, place: tuple[int, ...]) -> Any:
        """Return the gradient of a row of `x` in state `i`, or None if there is none."""
        last = self.states[-1].x
        if self.grad is None or not isinstance(last, Node):
            return None
        grad = _gradient(last, self.states[i].x)
        return None if grad is None else row_at(grad, self.states[i].axis, place)


def _gradient(loss: Any, x: Any) -> Any:
    with np.errstate(all="ignore"):
        return gradients_or_none(loss, [x], np.ones_like(loss.data), False)[0]


def row_at(array: Any, axis: int, place: tuple[int, ...]) -> Any:
    """Return the numbers of one row; the whole array if it has no such row."""
    if array.ndim > len(place):
        array = np.moveaxis(array, axis % array.ndim, -1)
    place = place[: array.ndim]
    inside = all(i < n for i, n in zip(place, array.shape, strict=False))
    return np.asarray(array[place] if inside else array)


@step("softmax of the model", "takes the softmax of the logits first")
def _softmax(s: State) -> State:
    return s.replace(x=softmax(any_axis.run(s).x, axis=s.axis))


def steps_in_comparison(
    dialect: str, state: State, sparse: bool, from_logits: bool
) -> tuple[Step, ...]:
    """Return the steps of a dialect such that all dialects start from the same numbers.

    If these are logits, the softmax that "keras2-graph" looks through is its first step.
    """
    if dialect != "keras2-graph" or not from_logits:
        return steps_of(dialect, state, sparse, from_logits)
    if state.axis not in (-1, state.x.ndim - 1):
        dialect = "keras2"
    return (_softmax, *recipe(dialect, sparse=sparse, from_logits=False))


def ask(dialect: str, steps: tuple[Step, ...], start: State) -> Answer:
    """Run the steps, and the backward pass."""
    states = [start.replace(x=Tensor(start.x.data if isinstance(start.x, Node) else start.x))]
    loss = grad = error = None
    try:
        states += walk(steps, states[0])
        loss = states[-1].x
        grad = _gradient(loss, states[0].x)
    except TinygradXentError as raised:
        error = raised
    return Answer(dialect, steps, tuple(states), None if loss is None else loss.data, grad, error)


def agree(a: Answer, b: Answer) -> bool:
    """Return whether losses and gradients are equal up to roundings, or both errors of one kind.

    If one framework computes no gradient, the losses decide.
    """
    if a.error or b.error:
        return type(a.error) is type(b.error) and close(a.loss, b.loss)
    one_without = a.grad is None or b.grad is None
    return close(a.loss, b.loss) and (one_without or close(a.grad, b.grad))


def close(a: Any, b: Any) -> bool:
    """Return whether two arrays differ by at most a few roundings of the coarser dtype."""
    if a is None or b is None:
        return a is b
    if a.shape != b.shape:
        return False
    eps = max(np.finfo(array.dtype).eps for array in (a, b))
    with np.errstate(all="ignore"):
        a, b = a.astype(np.float64), b.astype(np.float64)
        near = np.abs(a - b) <= ROUNDINGS * eps * np.maximum(1, np.abs(b))
    return bool(np.all(near | (a == b) | (np.isnan(a) & np.isnan(b))))


@dataclass(frozen=True, eq=False, repr=False)
class Group(Readable):
    """Dialects that agree.

    Attributes
    ----------
    answers : tuple of Answer
    """

    answers: tuple[Answer, ...]

    def __str__(self) -> str:
        return ", ".join(self.dialects)

    @property
    def dialects(self) -> tuple[str, ...]:
        """The names of the dialects."""
        return tuple(answer.dialect for answer in self.answers)

    @property
    def first(self) -> Answer:
        """The first answer with a gradient, if there is one, or else the first."""
        return next((a for a in self.answers if a.grad is not None), self.answers[0])


# -- the steps that make the difference ------------------------------------------------------


class Piece(NamedTuple):
    """A place where two sequences of steps differ.

    Attributes
    ----------
    first, second : slice
        The steps of each sequence at that place; either may be empty.
    """

    first: slice
    second: slice


@dataclass(frozen=True, repr=False)
class Exchange(Readable):
    """One or more steps that one dialect takes in place of another's.

    Attributes
    ----------
    first, second : str
        What each dialect does there; empty if it does nothing.
    before : ndarray or None
        The first row whose result differs, before the steps.
    first_after, second_after : ndarray or None
        The same row after the steps; None if they raise an error.
    first_gradient, second_gradient : ndarray or None
        The gradient of that row, if only the backward passes differ.
    """

    first: str
    second: str
    before: Any
    first_after: Any
    second_after: Any
    first_gradient: Any = None
    second_gradient: Any = None


@dataclass(frozen=True, repr=False)
class Difference(Readable):
    """Why two groups disagree.

    Attributes
    ----------
    first, second : str
        One dialect of each group.
    exchanges : tuple of Exchange
        All of them together turn the first answer into the second; no smaller set does.
    """

    first: str
    second: str
    exchanges: tuple[Exchange, ...]


def pieces(first: Sequence[Step], second: Sequence[Step]) -> list[Piece]:
    """Lay two sequences side by side, and return the places where they differ."""
    a, b = ([step.stage for step in steps] for steps in (first, second))
    found: list[Piece] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs = zip(range(i, j), range(k, m), strict=True)
            changed = ((n, o) for n, o in pairs if first[n] is not second[o])
            found += [Piece(slice(n, n + 1), slice(o, o + 1)) for n, o in changed]
        else:
            found += [Piece(slice(n, n + 1), slice(k, k)) for n in range(i, j)]
            found += [Piece(slice(j, j), slice(n, n + 1)) for n in range(k, m)]
    return found


def difference(a: Answer, b: Answer) -> tuple[Answer, Answer, tuple[Piece, ...]]:
    """Find the fewest pieces whose exchange turns one answer into the other.

    Returns
    -------
    first, second : Answer
        `a` and `b` in either order: after the exchange, the first gives the second's answer.
    chosen : tuple of Piece
    """
    ways = [(x, y, pieces(x.steps, y.steps)) for x, y in ((a, b), (b, a))]
    for size in range(1, len(ways[0][2])):
        for first, second, found in ways:
            for chosen in itertools.combinations(found, size):
                # Steps of two dialects may not fit together.
                with contextlib.suppress(*_NONSENSE):
                    steps = exchanged(first.steps, second.steps, chosen)
                    if agree(ask(second.dialect, steps, first.states[0]), second):
                        return first, second, chosen
    return a, b, tuple(ways[0][2])  # exchanging every piece makes the first the second


def exchanged(
    first: Sequence[Step], second: Sequence[Step], chosen: Sequence[Piece]
) -> tuple[Step, ...]:
    """Return the first sequence with some pieces replaced by those of the second."""
    steps = list(first)
    for piece in reversed(chosen):
        steps[piece.first] = second[piece.second]
    return tuple(steps)


def joined(chosen: Sequence[Piece]) -> list[list[Piece]]:
    """Group pieces that follow one another in one of the sequences."""
    together: list[list[Piece]] = []
    for piece in chosen:
        last = together[-1][-1] if together else None
        if last and any(x.stop == y.start for x, y in zip(last, piece, strict=True)):
            together[-1].append(piece)
        else:
            together.append([piece])
    return together


def explain(a: Answer, b: Answer) -> Difference:
    """Return what the steps that make the difference do to the first row that differs."""
    first, second, chosen = difference(a, b)
    place = _place(first, second)
    exchanges = (_exchange(first, second, together, place) for together in joined(chosen))
    return Difference(first.dialect, second.dialect, tuple(exchanges))


def _exchange(a: Answer, b: Answer, together: list[Piece], place: tuple[int, ...]) -> Exchange:
    first = [step.words for piece in together for step in a.steps[piece.first]]
    second = [step.words for piece in together for step in b.steps[piece.second]]
    start, stop = together[0], together[-1]
    before = a.row(start.first.start, place), b.row(start.second.start, place)
    after = a.row(stop.first.stop, place), b.row(stop.second.stop, place)
    gradients: tuple[Any, Any] = (None, None)
    if after[0] is not None and close(*after):
        found = (
            a.gradient_row(start.first.start, place),
            b.gradient_row(start.second.start, place),
        )
        if not close(*found):  # otherwise the backward passes differ elsewhere
            gradients = found
    # If both take steps here, a row is shown only where the rows before these steps are equal.
    same = not (first and second) or close(*before)
    return Exchange(
        ", then ".join(first),
        ", then ".join(second),
        (before[0] if first else before[1]) if same else None,
        *after,
        *gradients,
    )


def _place(a: Answer, b: Answer) -> tuple[int, ...]:
    """Return the first row whose loss or gradient differs; the first row if none does."""
    nowhere: tuple[int, ...] = (0,) * (a.states[0].x.ndim - 1)
    if a.loss is None or b.loss is None or a.loss.shape != b.loss.shape:
        return nowhere
    shape: tuple[int, ...] = a.loss.shape
    with_gradients = a.grad is not None and b.grad is not None
    for place in np.ndindex(shape):
        pairs = [[np.asarray(answer.loss[place]) for answer in (a, b)]]
        if with_gradients:
            pairs.append([row_at(x.grad, x.states[0].axis, place) for x in (a, b)])
        if not all(close(*pair) for pair in pairs):
            return tuple(place)
    return nowhere
