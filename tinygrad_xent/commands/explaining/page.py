"""An explanation as a complete page, which needs no network.

The graph is shown by the player, and without scripts as a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np

from tinygrad_xent.checking.graph_check import counted, remark
from tinygrad_xent.commands.explaining import words
from tinygrad_xent.commands.explaining.explanation import Explanation, Training
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.formulas import mathml
from tinygrad_xent.visualization.naming import looked_through
from tinygrad_xent.visualization.pages import page as html_page
from tinygrad_xent.visualization.player import Player
from tinygrad_xent.visualization.tracing import Backward

_STEP = ("step", "rule", "to", "sends", "total there")


def page(e: Explanation) -> str:
    """Return the page."""
    title = f"The gradient of one loss: {number(e.loss.data)}"
    sections = [
        *([("The example", _example(e.training))] if e.training else []),
        ("The loss", _loss(e)),
        ("The graph", Player(e.trace).fragment("player")),
        ("The forward pass", _forward(e)),
        ("The backward pass", _backward(e)),
        ("The check", _check(e)),
    ]
    style = files("tinygrad_xent.commands.explaining").joinpath("page.css").read_text("utf-8")
    body = "".join(
        f"<section>\n<h2>{name}</h2>\n{''.join(parts)}</section>\n" for name, parts in sections
    )
    return html_page(title, body, style, scripts=True)


def _paragraphs(sentences: Iterable[str]) -> Iterator[str]:
    return (f"<p>{escape(sentence)}</p>\n" for sentence in sentences)


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, kind: str, strong: Sequence[int] = ()
) -> Iterator[str]:
    """Yield a table whose cells are HTML; on a narrow page each row becomes a card."""
    yield from _head(head, kind)
    yield '<tbody role="rowgroup">\n'
    for i, row in enumerate(rows):
        yield from _row(head, row, strong=i in strong)
    yield "</tbody>\n</table>\n"


def _head(head: Sequence[str], kind: str) -> Iterator[str]:
    yield f'<table class="{kind}" role="table">\n<thead role="rowgroup"><tr role="row">'
    yield from (f'<th scope="col" role="columnheader">{escape(name)}</th>' for name in head)
    yield "</tr></thead>\n"


def _row(head: Sequence[str], row: Sequence[str], *, strong: bool = False) -> Iterator[str]:
    yield f'<tr role="row"{" class=strong" * strong}>'
    for name, cell in zip(head, row, strict=True):
        yield f'<td role="cell" data-head="{escape(name)}">{cell}</td>'
    yield "</tr>\n"


# -- the parts -------------------------------------------------------------------------------


def _example(training: Training) -> Iterator[str]:
    yield from _paragraphs(words.training_sentences(training))
    if training.image:
        yield _image(training.table.features[training.row].reshape(training.image))


def _image(pixels: Any) -> str:
    """Return a grey image as SVG, in the colour of the text."""
    height, width = pixels.shape
    opacity = pixels / (np.max(pixels) or 1)
    squares = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1" opacity="{opacity[y, x]:.2f}"/>'
        for y in range(height)
        for x in range(width)
        if opacity[y, x] > 0
    )
    return (
        f'<svg class="image" viewBox="0 0 {width} {height}" role="img" aria-label="the example" '
        f'fill="currentColor" shape-rendering="crispEdges">{squares}</svg>\n'
    )


def _loss(e: Explanation) -> Iterator[str]:
    head, rows, left_out = words.class_rows(e)
    scale = float(np.max(np.abs(e.gradient), initial=0.0)) or 1.0
    cells = [
        [*map(escape, row[:-1]), f"{_bar(float(e.gradient[i]) / scale)}{escape(row[-1])}"]
        for i, row in rows
    ]
    strong = [k for k, (i, _) in enumerate(rows) if e.labels[i] > 0]
    yield from _table(head, cells, kind="classes", strong=strong)
    if left_out:
        yield from _paragraphs([f"And {left_out} more, with smaller gradients."])
    yield from _paragraphs([words.loss_sentence(e), *words.gradient_sentences(e), *e.notes])


def _bar(share: float) -> str:
    if not np.isfinite(share):
        return ""
    side = "minus" if share < 0 else "plus"
    return f'<span class="bar {side}" style="--share:{abs(share):.3f}" aria-hidden="true"></span>'


def _forward(e: Explanation) -> Iterator[str]:
    rows = [
        (
            str(event.step),
            f"<code>{escape(event.name)}</code>",
            mathml(event.formula, event.letters) if event.formula else "given",
            escape(words.outline(event.value)),
        )
        for event in e.trace.forward
    ]
    yield from _table(("step", "tensor", "formula", "value"), rows, kind="cards")


def _backward(e: Explanation) -> Iterator[str]:
    yield from _paragraphs([words.NOTATION])
    yield from _head(_STEP, kind="cards")
    for _, events in groupby(e.trace.backward, key=lambda event: id(event.tensor)):
        yield from _sender(e, list(events))
    yield "</table>\n"


def _sender(e: Explanation, events: list[Backward]) -> Iterator[str]:
    """Yield the rows of one tensor: its gradient, and what it sends to its inputs."""
    first = events[0]
    yield '<tbody role="rowgroup">\n<tr role="row" class="sender">'
    yield '<th scope="rowgroup" role="rowheader" colspan="5">'
    yield f"<code>{escape(words.called(first, e.trace))}</code>"
    yield f"<p>incoming ∂{escape(first.name)}: {escape(words.summary(first.incoming))}</p>"
    if looked_through(first.tensor) is not None:
        yield from _paragraphs([words.LOOK_THROUGH])
    yield "</th></tr>\n"
    for event in events:
        same = np.array_equal(event.sent, event.total, equal_nan=True)
        row = (
            str(event.step),
            mathml(event.rule, event.letters) if event.rule else escape(event.op),
            f"<code>{escape(event.to_name)}</code>",
            escape(words.summary(event.sent)),
            "the same" if same else escape(words.summary(event.total)),
        )
        yield from _row(_STEP, row)
    yield "</tbody>\n"


def _check(e: Explanation) -> Iterator[str]:
    yield from _paragraphs([words.METHOD])
    rows = [
        (f"<code>{escape(c.name)}</code>", counted(c), number(c.error), escape(remark(c)))
        for c in e.check
    ]
    yield from _table(
        ("gradient of", "entries", "largest difference", "verdict"), rows, kind="plain"
    )
    yield f'<p class="{"good" if e.check.ok else "bad"}">{escape(words.check_sentence(e))}</p>\n'
