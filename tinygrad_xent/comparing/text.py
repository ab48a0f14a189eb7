"""A comparison as a report that reads well in a terminal, and aloud."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tinygrad_xent.comparing.answers import close
from tinygrad_xent.numbers import brief
from tinygrad_xent.tracing import table

if TYPE_CHECKING:
    from tinygrad_xent.comparing.comparison import Comparison, Exchange, Group

_WIDTH, _WHO = 78, 44


def lines(comparison: Comparison) -> Iterator[str]:
    """Write the question, the answers, and what makes each two of them differ."""
    yield from wrapped(question(comparison))
    yield ""
    rows = []
    for letter, group in lettered(comparison):
        who, *more = textwrap.wrap(", ".join(group.dialects), _WHO)
        rows += [(letter, *answer(group), who), *(("", "", "", line) for line in more)]
    yield from table(("", "loss", "gradient", "who"), rows)
    for letter, message in refusals(comparison):
        yield from wrapped(f"{letter}: {message}")
    for why, dialects in absent(comparison).items():
        yield from wrapped(f"No such call: {', '.join(dialects)} ({why})")
    if len(comparison.groups) == 1:
        yield from wrapped("All of them agree.")
    for heading, sentences in explained(comparison):
        yield ""
        yield heading
        for sentence in sentences:
            yield from wrapped(sentence, "  ")


def wrapped(text: str, indent: str = "") -> list[str]:
    """Break a paragraph into lines."""
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )


def question(comparison: Comparison) -> str:
    """Say what was asked."""
    kind = "logits" if comparison.from_logits else "probabilities"
    several = "es" * (comparison.labels.size != 1)
    labels = f"class{several}" if comparison.sparse else "labels"
    axis = "" if comparison.axis == -1 else f", classes along axis {comparison.axis}"
    given = (
        f"{word} {values(x) if x.size else f'of shape {x.shape}'}"
        for word, x in ((labels, comparison.labels), (kind, comparison.x))
    )
    return ", ".join(given) + axis


def lettered(comparison: Comparison) -> Iterator[tuple[str, Group]]:
    """Call the groups A, B, C."""
    return zip("ABCDEFGHIJ", comparison.groups, strict=False)


def answer(group: Group) -> tuple[str, str]:
    """Give loss and gradient of a group, or what it raises."""
    first = group.first
    if first.loss is None:
        names = dict.fromkeys(a.name_there or "" for a in group.answers)
        return f"{type(first.error).__name__} ({' or '.join(names)})", ""
    gradient = values(first.grad) if first.grad is not None else "none"
    return values(first.loss), first.name_there or gradient


def refusals(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Give what the groups say that raise an error, each in the words of its first dialect."""
    for letter, group in lettered(comparison):
        if group.first.error:
            yield letter, f"{str(group.first.error).removesuffix('.')}."


def values(array: Any) -> str:
    """Write an array on one line."""
    return brief(array, 8)


def absent(comparison: Comparison) -> dict[str, list[str]]:
    """Put the dialects together that lack the call for one reason."""
    reasons: dict[str, list[str]] = {}
    for dialect, why in comparison.absent.items():
        reason = re.split("[:;] ", why.removeprefix(f"{dialect} "))[0]
        reasons.setdefault(reason, []).append(dialect)
    return reasons


def explained(comparison: Comparison) -> Iterator[tuple[str, list[str]]]:
    """Say for each pair of groups which steps make the difference."""
    letters = {d: letter for letter, group in lettered(comparison) for d in group.dialects}
    for difference in comparison.differences:
        a, b = difference.first, difference.second
        heading = " and ".join(sorted((f"{letters[a]} ({a})", f"{letters[b]} ({b})")))
        sentences = [sentence(exchange, a, b) for exchange in difference.exchanges]
        yield f"{heading} differ:", sentences


def sentence(exchange: Exchange, first: str, second: str) -> str:
    """Say what two dialects do in each other's place, and what becomes of a row."""
    sides = [
        (first, exchange.first, exchange.first_after, exchange.first_gradient),
        (second, exchange.second, exchange.second_after, exchange.second_gradient),
    ]
    does = [f"{dialect} {words}" for dialect, words, _, _ in sides if words]
    does += [f"{dialect} does not" for dialect, words, _, _ in sides if not words]
    text = "; ".join(does)
    if exchange.before is None or any(after is None for _, _, after, _ in sides):
        return f"{text}."
    here = values(exchange.before)
    if exchange.first_gradient is not None and exchange.second_gradient is not None:
        back = (f"{values(grad)} in {dialect}" for dialect, _, _, grad in sides)
        return f"{text}. To {here} comes back {', '.join(back)}."
    if all(close(exchange.before, after) for _, words, after, _ in sides if words):
        return f"{text}."
    outcomes = [f"{values(after)} in {dialect}" for dialect, words, after, _ in sides if words]
    return f"{text}. {here} becomes {', '.join(outcomes)}."
