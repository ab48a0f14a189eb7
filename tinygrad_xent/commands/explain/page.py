"""An explanation as a complete page, which needs no network.

The graph is shown by the player, and without scripts as a picture.
"""

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np

from tinygrad_xent.commands.explain import report
from tinygrad_xent.commands.explain.explanation import Explanation, Training
from tinygrad_xent.ops.fused import looked_through
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.formulas import mathml
from tinygrad_xent.visualization.pages import page as html_page
from tinygrad_xent.visualization.player import Player
from tinygrad_xent.visualization.tables import Markup, html_table
from tinygrad_xent.visualization.tracing import Backward

LIVE = (
    "Drag a number that was given, or open “Change a number”: values, gradients and formulas of "
    "the graph follow. The tables below keep the numbers of this example."
)


def page(e: Explanation) -> str:
    """Return the page."""
    title = f"The gradient of one loss: {number(e.loss.data)}"
    sections = [
        *([("The example", _example(e.training))] if e.training else []),
        ("The loss", _loss(e)),
        ("The graph", _paragraphs(LIVE) + Player(e.trace).fragment("player")),
        ("The forward pass", _forward(e)),
        ("The backward pass", _backward(e)),
        ("The check", _check(e)),
    ]
    style = files("tinygrad_xent.commands.explain").joinpath("page.css").read_text("utf-8")
    body = "".join(
        f"<section>\n<h2>{name}</h2>\n{content}</section>\n" for name, content in sections
    )
    return html_page(title, body, style, scripts=True)


def _paragraphs(*sentences: str) -> str:
    return "".join(f"<p>{escape(sentence)}</p>\n" for sentence in sentences)


def _code(name: str) -> Markup:
    return Markup(f"<code>{escape(name)}</code>")


def _table(kind: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; on a narrow page the style sheet makes a card of each row of `cards`."""
    return f'<div class="{kind}">{html_table(head, rows, headings=False)}</div>\n'


# -- the parts -------------------------------------------------------------------------------


def _example(training: Training) -> str:
    text = _paragraphs(*report.training_sentences(training))
    return text if training.image is None else text + _image(training.image)


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


def _loss(e: Explanation) -> str:
    head, rows, left_out = report.class_rows(e)
    scale = float(np.max(np.abs(e.gradient), initial=0.0)) or 1.0
    cells = []
    for i, (name, *numbers, last) in rows:
        first = Markup(f"<strong>{escape(name)}</strong>") if e.labels[i] > 0 else name
        bar = _bar(float(e.gradient[i]) / scale)
        cells.append((first, *numbers, Markup(f"{bar}{escape(last)}")))
    more = [f"And {left_out} more, with smaller gradients."] if left_out else []
    sentences = (*more, report.loss_sentence(e), *report.gradient_sentences(e), *e.notes)
    return _table("classes", head, cells) + _paragraphs(*sentences)


def _bar(share: float) -> str:
    if not np.isfinite(share):
        return ""
    side = "minus" if share < 0 else "plus"
    return f'<span class="bar {side}" style="--share:{abs(share):.3f}" aria-hidden="true"></span>'


def _forward(e: Explanation) -> str:
    rows = []
    for event in e.trace.forward:
        formula = Markup(mathml(event.formula, event.letters)) if event.formula else "given"
        value = report.outline(event.value)
        rows.append((str(event.step), _code(event.name), formula, value))
    return _table("cards forward", ("step", "tensor", "formula", "value"), rows)


def _backward(e: Explanation) -> str:
    rows: list[tuple[str, ...]] = []
    for _, events in groupby(e.trace.backward, key=lambda event: id(event.tensor)):
        first, *others = events
        rows.append((_sender(e, first),))
        for event in (first, *others):
            same = np.array_equal(event.sent, event.total, equal_nan=True)
            rule = Markup(mathml(event.rule, event.letters)) if event.rule else event.op
            total = "the same" if same else report.summary(event.total)
            to, sent = _code(event.to_name), report.summary(event.sent)
            rows.append((str(event.step), rule, to, sent, total))
    head = ("step", "rule", "to", "sends", "total there")
    return _paragraphs(report.NOTATION) + _table("cards backward", head, rows)


def _sender(e: Explanation, event: Backward) -> Markup:
    """Return how a tensor was computed, and the gradient that it passes to its rule."""
    text = str(_code(report.called(event, e.trace)))
    text += _paragraphs(f"incoming ∂{event.name}: {report.summary(event.incoming)}")
    if looked_through(event.tensor) is not None:
        text += _paragraphs(report.LOOK_THROUGH)
    return Markup(text)


def _check(e: Explanation) -> str:
    rows = [(_code(c.name), c.counted, number(c.error), c.remark) for c in e.check]
    return (
        _paragraphs(report.METHOD)
        + _table("plain", ("gradient of", "entries", "largest difference", "verdict"), rows)
        + f'<p class="{"good" if e.check.ok else "bad"}">{escape(report.check_sentence(e))}</p>\n'
    )
