"""An explanation as a complete page, which needs no network.

The graph is shown by the player, and without scripts as a picture.
"""

from html import escape
from importlib.resources import files
from typing import Any

import numpy as np

from tinygrad_xent.commands.explain import report
from tinygrad_xent.commands.explain.classifier import Training
from tinygrad_xent.commands.explain.explanation import Explanation
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.pages import page as html_page
from tinygrad_xent.visualization.player import Player
from tinygrad_xent.visualization.tables import Markup, html_table

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
        ("Every step", e.trace._repr_html_()),
        ("The check", _check(e)),
    ]
    style = files("tinygrad_xent.commands.explain").joinpath("page.css").read_text("utf-8")
    body = "".join(
        f"<section>\n<h2>{name}</h2>\n{content}</section>\n" for name, content in sections
    )
    return html_page(title, body, style, scripts=True)


def _paragraphs(*sentences: str) -> str:
    return "".join(f"<p>{escape(sentence)}</p>\n" for sentence in sentences)


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
    table = html_table(head, cells, headings=False)
    return f'<div class="classes">{table}</div>\n{_paragraphs(*sentences)}'


def _bar(share: float) -> str:
    if not np.isfinite(share):
        return ""
    side = "minus" if share < 0 else "plus"
    return f'<span class="bar {side}" style="--share:{abs(share):.3f}" aria-hidden="true"></span>'


def _check(e: Explanation) -> str:
    verdict = f'<p class="{"good" if e.check.ok else "bad"}">{escape(report.check_sentence(e))}</p>'
    return f"{_paragraphs(report.METHOD)}{verdict}\n{e.check._repr_html_()}"
