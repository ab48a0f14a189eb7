"""An explanation as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_xent.commands.explaining import words
from tinygrad_xent.commands.explaining.explanation import Explanation, Training
from tinygrad_xent.ops.fused import looked_through
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.tables import table

if TYPE_CHECKING:
    from tinygrad_xent.commands.streams import Style

_INDENT = "  "
_SHADES = " ░▒▓█"
_BAR = 10


def report(explanation: Explanation, style: Style) -> Iterator[str]:
    """Yield the lines of an explanation, few of them longer than 90 columns."""
    if explanation.training:
        yield from _section(style, "The example", _example(explanation.training))
    yield from _section(style, "The loss", _loss(explanation, style))
    yield from _section(style, "The forward pass", _forward(explanation, style))
    yield from _section(style, "The backward pass", _backward(explanation, style))
    yield from _section(style, "The check", _check(explanation, style))


def _section(style: Style, title: str, lines: Iterator[str]) -> Iterator[str]:
    yield style.strong(title)
    for line in lines:
        yield f"{_INDENT}{line}".rstrip()
    yield ""


# -- the example -----------------------------------------------------------------------------


def _example(training: Training) -> Iterator[str]:
    for sentence in words.training_sentences(training):
        yield from wrapped(sentence)
    if training.image:
        yield ""
        yield from (
            f"    {line}" for line in art(training.table.features[training.row], training.image)
        )


def art(features: Any, shape: tuple[int, int]) -> Iterator[str]:
    """Yield the lines of a grey image; two characters per pixel make it square."""
    pixels = np.reshape(features, shape)
    levels = np.ceil(pixels / (pixels.max() or 1) * (len(_SHADES) - 1)).astype(int)
    for row in levels:
        yield "".join(_SHADES[level] * 2 for level in row).rstrip()


# -- the loss --------------------------------------------------------------------------------


def _loss(e: Explanation, style: Style) -> Iterator[str]:
    head, rows, left_out = words.class_rows(e)
    scale = float(np.max(np.abs(e.gradient), initial=0.0))
    bars = [_bar(e.gradient[i], scale) for i, _ in rows]
    cells = [(*row, bar) for (_, row), bar in zip(rows, bars, strict=True)]
    lines = list(table((*head, ""), cells, right=len(head)))
    yield lines[0]
    for (i, _), line in zip(rows, lines[1:], strict=True):
        yield style.strong(line) if e.labels[i] > 0 else line
    if left_out:
        yield f"and {left_out} more, with smaller gradients"
    yield ""
    yield from wrapped(words.loss_sentence(e))
    for sentence in (*words.gradient_sentences(e), *e.notes):
        yield from wrapped(sentence)


def _bar(x: float, scale: float) -> str:
    """Return a number as a bar to the left or right of zero."""
    length = round(abs(x) / scale * _BAR) if np.isfinite(x) and scale else 0
    left, right = ("█" * length, "") if x < 0 else ("", "█" * length)
    return f"{left:>{_BAR}}│{right:<{_BAR}}"


# -- the passes ------------------------------------------------------------------------------


def _forward(e: Explanation, style: Style) -> Iterator[str]:
    rows = [
        (
            str(event.step),
            event.name,
            style.formula(event.text) or "given",
            words.outline(event.value),
        )
        for event in e.trace.forward
    ]
    yield from table(("step", "tensor", "formula", "value"), rows)


def _backward(e: Explanation, style: Style) -> Iterator[str]:
    yield from wrapped(words.NOTATION)
    sender = None
    for i, event in enumerate(e.trace.backward):
        if event.tensor is not sender:
            sender = event.tensor
            yield ""
            yield style.strong(words.called(event, e.trace))
            if looked_through(event.tensor) is not None:
                yield from wrapped(words.LOOK_THROUGH)
            yield f"incoming ∂{event.name}: {words.summary(event.incoming)}"
        first = all(event.to is not earlier.to for earlier in e.trace.backward[:i])
        yield f"{event.step:4}. {event.text}"
        yield f"      sends to {event.to_name}: {words.summary(event.sent)}"
        yield f"      total there so far: {'the same' if first else words.summary(event.total)}"


# -- the check -------------------------------------------------------------------------------


def _check(e: Explanation, style: Style) -> Iterator[str]:
    rows = [(f"∂{c.name}", c.counted, number(c.error), c.remark) for c in e.check]
    yield from wrapped(words.METHOD)
    yield from table(("gradient", "entries", "largest difference", "verdict"), rows)
    mark = style.good if e.check.ok else style.bad
    yield mark(words.check_sentence(e))


def wrapped(text: str, width: int = 88) -> list[str]:
    """Break a sentence into lines."""
    return textwrap.wrap(text, width)
