"""The same loss in every dialect: which dialects agree, and which steps make the difference."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_xent.comparing import report
from tinygrad_xent.comparing.answers import (
    Answer,
    Difference,
    Exchange,
    Group,
    Piece,
    agree,
    ask,
    close,
    difference,
    joined,
    steps_in_comparison,
)
from tinygrad_xent.comparing.dialects import is_sparse, start
from tinygrad_xent.comparing.recipes import RECIPES
from tinygrad_xent.comparing.steps import constant
from tinygrad_xent.errors import DialectError
from tinygrad_xent.ops.cross_entropy import check_probabilities
from tinygrad_xent.visualization.tracing.plain import plain


@dataclass(frozen=True)
class Comparison:
    """The answers of all dialects for the same labels and numbers.

    Attributes
    ----------
    labels, x : ndarray
    from_logits : bool
    axis : int
    sparse : bool
        Whether the labels are class numbers.
    groups : tuple of Group
        The dialects that agree, the largest group first.
    absent : dict of str to str
        The dialects that have no such call, with the reason.
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
        """The steps that make the difference between each two groups."""
        return tuple(
            _difference(a.first, b.first) for a, b in itertools.combinations(self.groups, 2)
        )

    @property
    def question(self) -> str:
        """The labels and numbers that were compared, on one line."""
        return report.question(
            self.labels, self.x, self.axis, sparse=self.sparse, from_logits=self.from_logits
        )

    def __str__(self) -> str:
        return "\n".join(report.lines(self.question, self.groups, self.absent, self.differences))

    def _repr_html_(self) -> str:
        return report.html(self.question, self.groups, self.absent, self.differences)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as lists, strings and numbers.

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
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)


def compare(
    labels: Any,
    x: Any,
    *,
    from_logits: bool = False,
    axis: int = -1,
    sparse: bool | None = None,
) -> Comparison:
    """Compare loss and gradient of the same labels and numbers in every dialect.

    Two answers agree if their losses and gradients have the same shapes and differ by at most 8
    roundings, each eps * max(1, abs(value)) of the coarser dtype; or if both are errors of the same
    kind. For each pair of groups, steps of one dialect are exchanged for the other's until it gives
    the other's answer: those are the steps that make the difference.

    Parameters
    ----------
    labels, x, from_logits, axis, sparse
        As for `crossentropy_as`. With `from_logits`, "keras2-graph" is given the softmax of `x`.

    Returns
    -------
    Comparison
        Prints as a report, shows as a table in a notebook, and has `to_json`.

    Raises
    ------
    DtypeError, ShapeError
        If no framework accepts them.

    Examples
    --------
    >>> comparison = compare([0], [[0.0, 0.0, 0.0]])
    >>> for group in comparison.groups:
    ...     print(*group.dialects, group.first.loss)
    keras3-jax keras3-torch keras3-numpy [nan]
    keras2 keras3-tf [1.09861229]
    >>> for exchange in comparison.differences[0].exchanges:
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
            if isinstance(answer.error, DialectError) and answer.framework_error is None:
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
    """Group the answers that agree; one without a gradient joins the first group with its loss."""
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
        if close(*back):  # the backward passes differ elsewhere
            back = None, None
    same = not (mine and theirs) or close(*before)  # otherwise they differ already
    return Exchange(
        ", then ".join(mine),
        ", then ".join(theirs),
        (before[0] if mine else before[1]) if same else None,
        *after,
        *back,
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
            pairs.append([_at(x.grad, x.states[0].axis, place) for x in (a, b)])
        if not all(close(*pair) for pair in pairs):
            return tuple(place)
    return nowhere


def _row(answer: Answer, i: int, place: tuple[int, ...]) -> Any:
    """Return the row of a state, or None if an earlier step raised an error."""
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
        "error_there": answer.framework_error,
        "message": str(answer.error) if answer.error else None,
    }
