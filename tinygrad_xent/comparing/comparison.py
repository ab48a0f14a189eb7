"""The same loss in every dialect: which dialects agree, and which steps make the difference."""

import itertools
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np

from tinygrad_xent.comparing import answers
from tinygrad_xent.comparing.dialects import DIALECTS, is_sparse, start
from tinygrad_xent.comparing.steps import constant
from tinygrad_xent.errors import DialectError
from tinygrad_xent.ops.cross_entropy import check_probabilities
from tinygrad_xent.visualization.formatting import brief, plain
from tinygrad_xent.visualization.readable import Readable
from tinygrad_xent.visualization.tables import html_table, styled, table

_WIDTH, _WHO = 78, 44
_HEAD = ("", "loss", "gradient", "who")


@dataclass(frozen=True, repr=False)
class Comparison(Readable):
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
    groups: tuple[answers.Group, ...]
    absent: dict[str, str]

    @cached_property
    def differences(self) -> tuple[answers.Difference, ...]:
        """The steps that make the difference between each two groups."""
        return tuple(
            answers.explain(a.first, b.first) for a, b in itertools.combinations(self.groups, 2)
        )

    @property
    def question(self) -> str:
        """The labels and numbers that were compared, on one line."""
        kind = f"class{'es' * (self.labels.size != 1)}" if self.sparse else "labels"
        given = (
            (kind, self.labels),
            ("logits" if self.from_logits else "probabilities", self.x),
        )
        parts = [f"{name} {_values(a) if a.size else f'of shape {a.shape}'}" for name, a in given]
        if self.axis != -1:
            parts.append(f"classes along axis {self.axis}")
        return ", ".join(parts)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        return styled("compare", self.answers_html() + self.reasons_html())

    def answers_html(self) -> str:
        """Return a table of the answers, with the errors and the dialects without the call."""
        rows = [(a, *_result(g), ", ".join(g.dialects)) for a, g in self._lettered()]
        notes = "".join(f"<p>{escape(note)}</p>" for note in self._notes())
        return html_table(_HEAD, rows, self.question) + notes

    def reasons_html(self) -> str:
        """Return a list of the steps that make each two groups differ, or an empty string."""
        items = "".join(
            f"<dt>{escape(heading)}</dt>" + "".join(f"<dd>{escape(s)}</dd>" for s in sentences)
            for heading, sentences in self._reasons()
        )
        return f"<dl>{items}</dl>" if items else ""

    def _lines(self) -> Iterator[str]:
        yield from _wrapped(self.question)
        yield ""
        rows = []
        for letter, group in self._lettered():
            who, *more = textwrap.wrap(", ".join(group.dialects), _WHO)
            rows += [(letter, *_result(group), who), *(("", "", "", line) for line in more)]
        yield from table(_HEAD, rows)
        for note in self._notes():
            yield from _wrapped(note)
        if len(self.groups) == 1:
            yield from _wrapped("All of them agree.")
        for heading, sentences in self._reasons():
            yield from ("", heading)
            for sentence in sentences:
                yield from _wrapped(sentence, "  ")

    def _lettered(self) -> Iterator[tuple[str, answers.Group]]:
        return zip("ABCDEFGHIJ", self.groups, strict=False)

    def _notes(self) -> Iterator[str]:
        """Yield the message of each group's error, and why dialects have no such call."""
        for letter, group in self._lettered():
            if group.first.error:
                yield f"{letter}: {str(group.first.error).removesuffix('.')}."
        together: dict[str, list[str]] = {}
        for dialect, why in self.absent.items():
            reason = re.split("[:;] ", why.removeprefix(f"{dialect} "))[0]
            together.setdefault(reason, []).append(dialect)
        for reason, dialects in together.items():
            yield f"No such call: {', '.join(dialects)} ({reason})"

    def _reasons(self) -> Iterator[tuple[str, list[str]]]:
        """Yield a heading for each pair of groups, with sentences on the steps that differ."""
        letters = {d: letter for letter, group in self._lettered() for d in group.dialects}
        for difference in self.differences:
            a, b = difference.first, difference.second
            heading = " and ".join(sorted((f"{letters[a]} ({a})", f"{letters[b]} ({b})")))
            yield f"{heading} differ:", [_sentence(e, a, b) for e in difference.exchanges]

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
                {**vars(d), "exchanges": [_exchange_dict(e) for e in d.exchanges]}
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
    roundings, each eps * max(1, abs(value)) of the coarser dtype. Two errors of one kind agree.
    For each pair of groups, steps of one dialect are exchanged for the other's until it gives
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
    given, absent = [], {}
    for dialect in DIALECTS:
        kind = is_sparse(state, sparse, dialect)
        try:
            steps = answers.steps_in_comparison(dialect, state, kind, from_logits)
            answer = answers.ask(dialect, steps, state)
            if isinstance(answer.error, DialectError) and answer.framework_error is None:
                raise answer.error
        except DialectError as error:
            absent[dialect] = str(error)
        else:
            given.append(answer)
    groups = sorted(_groups(given), key=lambda group: -len(group.answers))
    known = is_sparse(state, sparse)
    if not from_logits:
        check_probabilities(x, "x")
    return Comparison(state.labels, x, from_logits, state.axis, known, tuple(groups), absent)


def _groups(given: list[answers.Answer]) -> Iterator[answers.Group]:
    """Group the answers that agree; one without a gradient joins the first group with its loss."""
    waiting = sorted(given, key=lambda answer: answer.grad is None)
    while waiting:
        head = waiting[0]
        members = [answer for answer in waiting if answers.agree(head, answer)]
        waiting = [answer for answer in waiting if answer not in members]
        yield answers.Group(tuple(answer for answer in given if answer in members))


# -- the parts of a report -------------------------------------------------------------------


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )


def _result(group: answers.Group) -> tuple[str, str]:
    """Return loss and gradient of a group, or its error."""
    first = group.first
    if first.loss is None:
        names = dict.fromkeys(a.framework_error or "" for a in group.answers)
        return f"{type(first.error).__name__} ({' or '.join(names)})", ""
    gradient = _values(first.grad) if first.grad is not None else "none"
    return _values(first.loss), first.framework_error or gradient


def _values(array: Any) -> str:
    return brief(array, 8)


def _sentence(exchange: answers.Exchange, first: str, second: str) -> str:
    """Return what each of two dialects does, and the row that results."""
    sides = [
        (first, exchange.first, exchange.first_after, exchange.first_gradient),
        (second, exchange.second, exchange.second_after, exchange.second_gradient),
    ]
    does = [f"{dialect} {words}" for dialect, words, _, _ in sides if words]
    does += [f"{dialect} does not" for dialect, words, _, _ in sides if not words]
    text = "; ".join(does)
    results = [x for _, _, after, grad in sides for x in (after, grad) if x is not None]
    if not any(np.isnan(x).any() for x in results):
        text = text.replace(": 0 times inf is NaN", "")
    if exchange.before is None or any(after is None for _, _, after, _ in sides):
        return f"{text}."
    here = _values(exchange.before)
    if exchange.first_gradient is not None and exchange.second_gradient is not None:
        back = (f"{_values(grad)} in {dialect}" for dialect, _, _, grad in sides)
        return f"{text}. The gradient of {here} is {', '.join(back)}."
    if all(answers.close(exchange.before, after) for _, words, after, _ in sides if words):
        return f"{text}."
    outcomes = [f"{_values(after)} in {dialect}" for dialect, words, after, _ in sides if words]
    return f"{text}. {here} becomes {', '.join(outcomes)}."


def _exchange_dict(exchange: answers.Exchange) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | None) else plain(value)
        for name, value in vars(exchange).items()
    }


def _answer_dict(answer: answers.Answer) -> dict[str, Any]:
    return {
        "dialect": answer.dialect,
        "loss": None if answer.loss is None else plain(answer.loss),
        "gradient": None if answer.grad is None else plain(answer.grad),
        "error": type(answer.error).__name__ if answer.error else None,
        "error_there": answer.framework_error,
        "message": str(answer.error) if answer.error else None,
    }
