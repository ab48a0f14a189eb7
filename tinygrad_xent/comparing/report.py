"""A comparison as text for a terminal, and as HTML for a notebook."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from tinygrad_xent.comparing.answers import Difference, Exchange, Group, close
from tinygrad_xent.visualization.formatting import brief
from tinygrad_xent.visualization.pages import html_table
from tinygrad_xent.visualization.tracing import table
from tinygrad_xent.visualization.tracing.html import table_style

_WIDTH, _WHO = 78, 44
_HEAD = ("", "loss", "gradient", "who")
_STYLE = table_style(
    "tx-compare",
    """
.tx-compare td:nth-child(-n+3) { font-variant-numeric: tabular-nums; }
.tx-compare.tx-compare dt { float: none; width: auto; padding: 0; font-weight: bold; }
.tx-compare.tx-compare dd { margin: 0 0 0.5em 1.5em; padding: 0; max-width: 45em; }
.tx-compare p { margin: 0 0 0.5em; max-width: 45em; }
""",
)

Groups = Sequence[Group]
Differences = Sequence[Difference]


def lines(
    question: str, groups: Groups, absent: Mapping[str, str], differences: Differences
) -> Iterator[str]:
    """Yield the lines of the report: question, answers, and what makes each two groups differ."""
    yield from _wrapped(question)
    yield ""
    rows = []
    for letter, group in _lettered(groups):
        who, *more = textwrap.wrap(", ".join(group.dialects), _WHO)
        rows += [(letter, *_answer(group), who), *(("", "", "", line) for line in more)]
    yield from table(_HEAD, rows)
    for note in _notes(groups, absent):
        yield from _wrapped(note)
    if len(groups) == 1:
        yield from _wrapped("All of them agree.")
    for heading, sentences in _explained(groups, differences):
        yield ""
        yield heading
        for sentence in sentences:
            yield from _wrapped(sentence, "  ")


def html(question: str, groups: Groups, absent: Mapping[str, str], differences: Differences) -> str:
    """Return the answers as a table, followed by what makes them differ."""
    return (
        f'<div class="tx-compare">{_STYLE}{answers(question, groups, absent)}'
        f"{reasons(groups, differences)}</div>"
    )


def answers(question: str, groups: Groups, absent: Mapping[str, str]) -> str:
    """Return the HTML table of the answers, with the errors and the dialects without the call."""
    rows = [(a, *_answer(group), ", ".join(group.dialects)) for a, group in _lettered(groups)]
    notes = "".join(f"<p>{escape(note)}</p>" for note in _notes(groups, absent))
    return html_table(_HEAD, rows, question) + notes


def reasons(groups: Groups, differences: Differences) -> str:
    """Return, as an HTML list, the steps that make each two groups differ."""
    items = "".join(
        f"<dt>{escape(heading)}</dt>" + "".join(f"<dd>{escape(s)}</dd>" for s in sentences)
        for heading, sentences in _explained(groups, differences)
    )
    return f"<dl>{items}</dl>" if items else ""


def question(labels: Any, x: Any, axis: int, *, sparse: bool, from_logits: bool) -> str:
    """Return labels and numbers on one line."""
    kind = f"class{'es' * (labels.size != 1)}" if sparse else "labels"
    given = ((kind, labels), ("logits" if from_logits else "probabilities", x))
    parts = [f"{word} {_values(a) if a.size else f'of shape {a.shape}'}" for word, a in given]
    if axis != -1:
        parts.append(f"classes along axis {axis}")
    return ", ".join(parts)


# -- the parts of the report -----------------------------------------------------------------


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )


def _lettered(groups: Groups) -> Iterator[tuple[str, Group]]:
    return zip("ABCDEFGHIJ", groups, strict=False)


def _answer(group: Group) -> tuple[str, str]:
    """Return loss and gradient of a group, or its error."""
    first = group.first
    if first.loss is None:
        names = dict.fromkeys(a.framework_error or "" for a in group.answers)
        return f"{type(first.error).__name__} ({' or '.join(names)})", ""
    gradient = _values(first.grad) if first.grad is not None else "none"
    return _values(first.loss), first.framework_error or gradient


def _values(array: Any) -> str:
    return brief(array, 8)


def _notes(groups: Groups, absent: Mapping[str, str]) -> Iterator[str]:
    """Yield the message of each group's error, and why dialects have no such call."""
    for letter, group in _lettered(groups):
        if group.first.error:
            yield f"{letter}: {str(group.first.error).removesuffix('.')}."
    together: dict[str, list[str]] = {}
    for dialect, why in absent.items():
        reason = re.split("[:;] ", why.removeprefix(f"{dialect} "))[0]
        together.setdefault(reason, []).append(dialect)
    for reason, dialects in together.items():
        yield f"No such call: {', '.join(dialects)} ({reason})"


def _explained(groups: Groups, differences: Differences) -> Iterator[tuple[str, list[str]]]:
    """Yield a heading for each pair of groups, with sentences on the steps that differ."""
    letters = {d: letter for letter, group in _lettered(groups) for d in group.dialects}
    for difference in differences:
        a, b = difference.first, difference.second
        heading = " and ".join(sorted((f"{letters[a]} ({a})", f"{letters[b]} ({b})")))
        yield f"{heading} differ:", [_sentence(e, a, b) for e in difference.exchanges]


def _sentence(exchange: Exchange, first: str, second: str) -> str:
    """Return what each of two dialects does, and the row that results."""
    sides = [
        (first, exchange.first, exchange.first_after, exchange.first_gradient),
        (second, exchange.second, exchange.second_after, exchange.second_gradient),
    ]
    does = [f"{dialect} {words}" for dialect, words, _, _ in sides if words]
    does += [f"{dialect} does not" for dialect, words, _, _ in sides if not words]
    text = "; ".join(does)
    if exchange.before is None or any(after is None for _, _, after, _ in sides):
        return f"{text}."
    here = _values(exchange.before)
    if exchange.first_gradient is not None and exchange.second_gradient is not None:
        back = (f"{_values(grad)} in {dialect}" for dialect, _, _, grad in sides)
        return f"{text}. The gradient of {here} is {', '.join(back)}."
    if all(close(exchange.before, after) for _, words, after, _ in sides if words):
        return f"{text}."
    outcomes = [f"{_values(after)} in {dialect}" for dialect, words, after, _ in sides if words]
    return f"{text}. {here} becomes {', '.join(outcomes)}."
