"""The same labels and numbers put to every dialect: who answers what, and why."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_xent.comparing.answers import Answer, agree, ask, close, steps_in_comparison
from tinygrad_xent.comparing.exchange import Piece, difference, joined
from tinygrad_xent.dialects.recipes import RECIPES
from tinygrad_xent.dialects.speak import is_sparse, start
from tinygrad_xent.dialects.steps import constant
from tinygrad_xent.domains import check_probabilities
from tinygrad_xent.errors import DialectError
from tinygrad_xent.tracing.plain import plain


@dataclass(frozen=True, eq=False)
class Group:
    """Dialects that agree.

    Attributes
    ----------
    answers : tuple of Answer
    """

    answers: tuple[Answer, ...]

    @property
    def dialects(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(answer.dialect for answer in self.answers)

    @property
    def first(self) -> Answer:
        """The answer that speaks for the group: one with a gradient, if there is one."""
        return next((a for a in self.answers if a.grad is not None), self.answers[0])


@dataclass(frozen=True)
class Exchange:
    """A step, or several, that one dialect takes in the place of another's.

    Attributes
    ----------
    first, second : str
        What each does there; empty where it does nothing.
    before : ndarray or None
        The first row that comes out differently, before the steps.
    first_after, second_after : ndarray or None
        And after them; None where they raise an error.
    first_gradient, second_gradient : ndarray or None
        What each sends back to that row, if only the way back differs.
    """

    first: str
    second: str
    before: Any
    first_after: Any
    second_after: Any
    first_gradient: Any = None
    second_gradient: Any = None


@dataclass(frozen=True)
class Difference:
    """Why two groups do not agree.

    Attributes
    ----------
    first, second : str
        A dialect of each.
    exchanges : tuple of Exchange
        With these, the first dialect answers as the second does; with fewer it does not.
    """

    first: str
    second: str
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True)
class Comparison:
    """The answers of all dialects to one question.

    Attributes
    ----------
    labels, x : ndarray
    from_logits : bool
    axis : int
    sparse : bool
        Whether the labels are class numbers.
    groups : tuple of Group
        Those who agree, the largest group first.
    absent : dict of str to str
        The dialects that have no such call, and why.
    """

    labels: Any
    x: Any
    from_logits: bool
    axis: int
    sparse: bool
    groups: tuple[Group, ...]
    absent: dict[str, str]

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """For each pair of groups the steps that make the difference."""
        return tuple(
            _difference(a.first, b.first) for a, b in itertools.combinations(self.groups, 2)
        )

    def __str__(self) -> str:
        from tinygrad_xent.comparing.text import lines

        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        from tinygrad_xent.comparing.html import html

        return html(self)

    def to_dict(self) -> dict[str, Any]:
        """Give the comparison as plain lists, strings and numbers.

        Returns
        -------
        dict
            ``labels``, ``x``, ``from_logits``, ``axis``, ``sparse``; ``groups``, each a list of
            ``dialect``, ``loss``, ``gradient``, ``error`` (our class), ``error_there`` (the
            framework's) and ``message``; ``differences``, each with ``first``, ``second`` and
            ``exchanges``; ``absent``. NaN and infinities are strings.
        """
        return {
            "labels": plain(self.labels),
            "x": plain(self.x),
            "from_logits": self.from_logits,
            "axis": self.axis,
            "sparse": self.sparse,
            "groups": [[_answer_dict(answer) for answer in g.answers] for g in self.groups],
            "differences": [
                {
                    "first": d.first,
                    "second": d.second,
                    "exchanges": [
                        {
                            name: value if isinstance(value, str | None) else plain(value)
                            for name, value in vars(e).items()
                        }
                        for e in d.exchanges
                    ],
                }
                for d in self.differences
            ],
            "absent": self.absent,
        }

    def to_json(self) -> str:
        """Give `to_dict` as JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)


def compare(
    labels: Any,
    x: Any,
    *,
    from_logits: bool = False,
    axis: int = -1,
    sparse: bool | None = None,
) -> Comparison:
    """Put the same labels and numbers to every dialect, and compare loss and gradient.

    Two answers agree if their losses and their gradients have the same shape and differ by no more
    than 8 roundings, of max(1, abs(value)) each, in the coarser of their dtypes; or if both are
    refusals of the same kind. For each pair of groups the steps that make the difference are found
    by exchanging steps of one dialect for the other's until it answers as the other.

    Parameters
    ----------
    labels, x, from_logits, axis, sparse
        As for `crossentropy_as`. With `from_logits`, "keras2-graph" is handed the softmax of `x`.

    Returns
    -------
    Comparison
        Prints as a report, shows as a table in a notebook, and has `to_json`.

    Raises
    ------
    DtypeError, ShapeError
        If no framework could take them.

    Examples
    --------
    >>> report = compare([0], [[0.0, 0.0, 0.0]])
    >>> for group in report.groups:
    ...     print(*group.dialects, group.first.loss)
    keras3-jax keras3-torch keras3-numpy [nan]
    keras2 keras3-tf [1.09861229]
    >>> for exchange in report.differences[0].exchanges:
    ...     print(exchange.second, exchange.before, exchange.second_after)
    divides each probability by the sum of its row [0. 0. 0.] [nan nan nan]
    """
    x = constant(x)
    state = start(constant(labels), x, axis)
    answers, absent = [], {}
    for dialect in RECIPES:
        try:
            steps = steps_in_comparison(
                dialect, state, is_sparse(state, sparse, dialect), from_logits
            )
            answer = ask(dialect, steps, state)
            if isinstance(answer.error, DialectError) and answer.name_there is None:
                raise answer.error
        except DialectError as error:
            absent[dialect] = str(error)
        else:
            answers.append(answer)
    groups = sorted(_groups(answers), key=lambda group: -len(group.answers))
    known = is_sparse(state, sparse)
    if not from_logits:
        check_probabilities(x, "x")
    return Comparison(state.labels, x, from_logits, state.axis, known, tuple(groups), absent)


def _groups(answers: list[Answer]) -> Iterator[Group]:
    """Put those together that agree; one without a gradient joins the first whose loss it has."""
    waiting = sorted(answers, key=lambda answer: answer.grad is None)
    while waiting:
        head = waiting[0]
        members = [answer for answer in waiting if agree(head, answer)]
        waiting = [answer for answer in waiting if answer not in members]
        yield Group(tuple(answer for answer in answers if answer in members))


def _difference(a: Answer, b: Answer) -> Difference:
    first, second, chosen = difference(a, b)
    place = _place(first, second)
    return Difference(
        first.dialect,
        second.dialect,
        tuple(_exchange(first, second, found, place) for found in joined(chosen)),
    )


def _exchange(a: Answer, b: Answer, found: list[Piece], place: tuple[int, ...]) -> Exchange:
    mine = [step.words for piece in found for step in a.steps[piece.first]]
    theirs = [step.words for piece in found for step in b.steps[piece.second]]
    before = _row(a, found[0].first.start, place), _row(b, found[0].second.start, place)
    after = _row(a, found[-1].first.stop, place), _row(b, found[-1].second.stop, place)
    back: tuple[Any, Any] = (None, None)
    if after[0] is not None and close(*after):
        back = (
            _gradient_row(a, found[0].first.start, place),
            _gradient_row(b, found[0].second.start, place),
        )
        if close(*back):  # it is somewhere else that the two part
            back = None, None
    same = not (mine and theirs) or close(*before)  # else the two had parted before
    return Exchange(
        ", then ".join(mine),
        ", then ".join(theirs),
        (before[0] if mine else before[1]) if same else None,
        *after,
        *back,
    )


def _place(a: Answer, b: Answer) -> tuple[int, ...]:
    """Find the first row whose loss or gradient differs; the first if there is no telling."""
    nowhere: tuple[int, ...] = (0,) * (a.states[0].x.ndim - 1)
    if a.loss is None or b.loss is None or a.loss.shape != b.loss.shape:
        return nowhere
    shape: tuple[int, ...] = a.loss.shape
    with_gradients = a.grad is not None and b.grad is not None
    for place in np.ndindex(shape):
        pairs = [[np.asarray(answer.loss[place]) for answer in (a, b)]]
        if with_gradients:
            pairs.append([_at(x.grad, x.states[0].axis, place) for x in (a, b)])
        if not all(close(*pair) for pair in pairs):
            return tuple(place)
    return nowhere


def _row(answer: Answer, i: int, place: tuple[int, ...]) -> Any:
    """Give the row of a state, None if the steps did not come so far."""
    if i >= len(answer.states):
        return None
    return _at(answer.states[i].x.data, answer.states[i].axis, place)


def _gradient_row(answer: Answer, i: int, place: tuple[int, ...]) -> Any:
    grad = answer.gradient_at(i)
    return None if grad is None else _at(grad, answer.states[i].axis, place)


def _at(array: Any, axis: int, place: tuple[int, ...]) -> Any:
    if array.ndim > len(place):
        array = np.moveaxis(array, axis % array.ndim, -1)
    place = place[: array.ndim]
    inside = all(i < n for i, n in zip(place, array.shape, strict=False))
    return np.asarray(array[place] if inside else array)


def _answer_dict(answer: Answer) -> dict[str, Any]:
    return {
        "dialect": answer.dialect,
        "loss": None if answer.loss is None else plain(answer.loss),
        "gradient": None if answer.grad is None else plain(answer.grad),
        "error": type(answer.error).__name__ if answer.error else None,
        "error_there": answer.name_there,
        "message": str(answer.error) if answer.error else None,
    }
