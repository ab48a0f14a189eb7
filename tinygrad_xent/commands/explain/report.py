"""An explanation as text for a terminal, and as a complete page, which needs no network.

On the page the player shows the graph, and without scripts a picture.
"""

import textwrap
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.commands.explain.classifier import HIDDEN, Training
from tinygrad_xent.commands.explain.explanation import Explanation
from tinygrad_xent.commands.streams import Style
from tinygrad_xent.visualization.formatting import count, number
from tinygrad_xent.visualization.naming import printable
from tinygrad_xent.visualization.pages import page as html_page
from tinygrad_xent.visualization.player import Player
from tinygrad_xent.visualization.tables import Markup, html_table, table

_SHADES = " ░▒▓█"
_BAR = 10
_SCREEN = 30  # lines
_LINE = 88  # letters
_WIDTH = 72  # of the table of classes, beside which there is an image
MOST_CLASSES = 12
_FEW = 5
_LONGEST = 20  # letters of a name

NO_STEP = (
    "No small step makes an infinite loss smaller: a class with a label is infinitely unlikely. If "
    "a mask gave it the logit -inf, the mask or the label is wrong."
)
LIVE = (
    "This is the last step, with every value and gradient: move the slider to its start and press "
    "Next to see how they come about. Drag a number that was given, or open “Change a number”: "
    "values, gradients and formulas of the graph follow. The tables below keep the numbers of this "
    "example."
)
METHOD = (
    "Each entry is moved a little up and down, and the loss computed again: the gradient should "
    "equal this slope. Differences are relative to the largest entry of the gradient."
)


def report(e: Explanation, style: Style, *, full: bool = False) -> list[str]:
    """Return the example, p - t and the verdict, which fit on a screen; all steps if `full`."""
    sentences = [] if e.training is None else training_sentences(e.training)
    before = [line for sentence in sentences for line in textwrap.wrap(sentence, _LINE)]
    sentences = [loss_sentence(e), *gradient_sentences(e), *e.notes]
    after = [line for sentence in sentences for line in textwrap.wrap(sentence, _LINE)]
    verdict = style.strong(check_sentence(e), "32" if e.check.ok else "1;31")
    image = None if e.training is None else e.training.image
    room = MOST_CLASSES if full else _SCREEN - len(before) - len(after) - 6
    middle = _classes(e, style, max(room, _FEW), [] if image is None else list(art(image)))
    lines = [*before, *([""] if before else []), *middle, "", *after, verdict]
    return [*lines, "", str(e.trace), "", str(e.check), ""] if full else lines


def art(pixels: Any) -> Iterator[str]:
    """Yield the lines of a grey image; two characters per pixel make it square."""
    levels = np.ceil(pixels / (pixels.max() or 1) * (len(_SHADES) - 1)).astype(int)
    for row in levels:
        yield "".join(_SHADES[level] * 2 for level in row).rstrip()


def _classes(e: Explanation, style: Style, most: int, image: Sequence[str] = ()) -> Iterator[str]:
    """Yield a line for each class, and beside them those of an image."""
    head, rows, left_out = class_rows(e, most)
    scale = float(np.max(np.abs(e.gradient), initial=0.0))
    bars = [_bar(e.gradient[i], scale) for i, _ in rows]
    cells = [(*row, bar) for (_, row), bar in zip(rows, bars, strict=True)]
    lines = list(table((*head, ""), cells, right=len(head)))
    yield lines[0]
    beside = [*image, *[""] * len(rows)]
    for (i, _), line, pixels in zip(rows, lines[1:], beside, strict=False):
        shown = style.strong(line) if e.labels[i] > 0 else line
        yield f"{shown}{' ' * (_WIDTH - len(line))}{pixels}".rstrip()
    if left_out:
        yield f"and {left_out} more, with smaller gradients"


def _bar(x: float, scale: float) -> str:
    """Return a number as a bar to the left or right of zero."""
    length = round(abs(x) / scale * _BAR) if np.isfinite(x) and scale else 0
    left, right = ("█" * length, "") if x < 0 else ("", "█" * length)
    return f"{left:>{_BAR}}│{right:<{_BAR}}"


# -- sentences for both -----------------------------------------------------------------------


def training_sentences(training: Training) -> list[str]:
    """Return sentences on the training, its accuracy, and the row that is explained."""
    table, held_out = training.table, len(training.held_out)
    rows = f"{len(table.labels):,}"
    features = f"{rows} rows of {count(len(table.columns), 'feature')}"
    digits = f"{rows} handwritten digits of 8 × 8 pixels"
    content = (
        f"{printable(Path(table.source).name)}: {features if training.image is None else digits}, "
        f"{len(table.classes)} classes in column '{printable(table.label)}'."
    )
    right = round(training.accuracy * held_out)
    success = (
        f"A classifier with {HIDDEN} hidden units learned from {len(training.trained_on):,} rows "
        f"in {training.seconds:.1f} s (seed {training.seed}). It is right on {right:,} of the "
        f"{held_out:,} rows held out: {100 * training.accuracy:.1f} %."
    )
    label = shortened(table.classes[table.labels[training.row]])
    predicted = shortened(table.classes[training.predicted[training.worst]])
    same = predicted == label
    verdict = "as the classifier predicts" if same else f"the classifier predicts {predicted}"
    choice = (
        f"Of those, row {table.rows[training.row]} of the file has the largest loss: the label is "
        f"{label}, {verdict}."
    )
    return [content, *table.notes, success, choice]


def class_rows(
    e: Explanation, most: int = MOST_CLASSES
) -> tuple[tuple[str, ...], list[tuple[int, tuple[str, ...]]], int]:
    """Return the table of classes: its head, its rows by class, and how many are left out."""
    order = list(range(len(e.classes)))
    if len(order) > most:  # keep the labels and the largest gradients
        order.sort(key=lambda i: (e.labels[i] <= 0, -abs(e.gradient[i])))
        order = sorted(order[:most])
    names = [shortened(e.classes[i]) for i in order]
    rows = []
    for i, name in zip(order, names, strict=True):
        cells = (decimal(e.probs[i]), number(e.labels[i]), decimal(e.gradient[i], signed=True))
        rows.append((i, (name, *((decimal(e.given.data[i]),) if e.from_logits else ()), *cells)))
    head = ("logit z", "softmax p") if e.from_logits else ("prob p",)
    return ("class", *head, "label t", gradient_name(e)), rows, len(e.classes) - len(order)


def gradient_name(e: Explanation) -> str:
    """Return the gradient with respect to logits as a formula, and to probabilities as a name."""
    if not e.from_logits:
        return "∂probs"
    return "p − t" if np.isclose(np.sum(e.labels), 1, rtol=0, atol=1e-6) else "p Σt − t"


def loss_sentence(e: Explanation) -> str:
    """Return the loss with its formula."""
    loss = number(e.loss.data)
    if e.target is None:
        return f"loss = −Σᵢ tᵢ ln pᵢ = {loss}"
    p = np.exp(-e.loss.data)  # as the loss used it, after clipping
    middle = f"−ln {number(p)} = " if p else ""
    return f"loss = −ln p[{shortened(e.classes[e.target])}] = {middle}{loss}"


def gradient_sentences(e: Explanation) -> list[str]:
    """Return sentences on the gradient with respect to the logits or probabilities."""
    what, gradient = ("logit" if e.from_logits else "probability"), e.gradient
    name = gradient_name(e)
    if e.from_logits:
        sentences = [f"{name} is the gradient of the loss with respect to the logits: ∂logits."]
    else:
        sentences = [f"{name} is the gradient of the loss with respect to the probabilities."]
        if e.target is not None and e.probs[e.target] < 1e-7:
            sentences.append(
                "A probability below 1e-7 counts as 1e-7, and no gradient passes this limit: "
                "nothing can be learned here. A loss from logits has no such limit."
            )
    if np.isinf(e.loss.data):
        return [*sentences, NO_STEP]
    if not np.isfinite(gradient).all() or not gradient.any():
        return sentences
    low, high = int(np.argmin(gradient)), int(np.argmax(gradient))
    names = [
        f"{shortened(e.classes[i])} ({decimal(gradient[i], signed=True)})" for i in (low, high)
    ]
    moves = [f"raise the {what} of {names[0]}"] if gradient[low] < 0 else []
    moves += [f"lower that of {names[1]}"] if gradient[high] > 0 else []
    sentences.append(f"A step against it makes the loss smaller: {' and '.join(moves)}.")
    return sentences


def check_sentence(e: Explanation) -> str:
    """Return the verdict on all gradients in one sentence."""
    entries = sum(len(c.sample) if c.sampled else c.x.size for c in e.check)
    wrong = [f"∂{c.name}" for c in e.check if c.verdict == "wrong"]
    unclear = sum(c.verdict == "unclear" for c in e.check)
    if wrong:
        others = count(len(e.check) - len(wrong), "other gradient")
        return f"WRONG: {', '.join(wrong)}. {others} agree."
    if unclear == len(e.check):
        return "Nothing could be checked: the loss is not finite."
    worst = number(max(c.error for c in e.check))
    accuracy = f"{count(entries, 'entry')}, off by {worst} at most."
    right = len(e.check) - unclear
    if unclear:
        return f"{right} gradients are right, {unclear} could not be checked: {accuracy}"
    return f"All {right} gradients are right: {accuracy}"


def decimal(x: Any, *, signed: bool = False) -> str:
    """Return a number with four decimals, so that columns align; a tiny one as 1e-06.

    Examples
    --------
    >>> [decimal(x) for x in (0.5, 0.0, 1.0, 3e-6, 12345.6)], decimal(0.25, signed=True)
    (['0.5000', '0', '1.0000', '3e-06', '1.23e+04'], '+0.2500')
    """
    x = float(x)
    sign = "+" if signed else ""
    if x == 0 or not np.isfinite(x):
        return number(x)
    if abs(x) < 5e-4:
        return f"{x:{sign}.0e}"
    return f"{x:{sign}.4f}" if abs(x) < 1000 else sign * (x > 0) + number(x)


def shortened(text: str) -> str:
    """Return a printable name, shortened in the middle if it is long."""
    text = printable(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 8]}…{text[-7:]}"


# -- the page ---------------------------------------------------------------------------------


def page(e: Explanation) -> str:
    """Return the page."""
    title = f"The gradient of one loss: {number(e.loss.data)}"
    sections = [
        *([("The example", _example(e.training))] if e.training else []),
        ("The loss", _loss(e)),
        ("The graph", _paragraphs(LIVE) + Player(e.trace).fragment("player", last=True)),
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


def _example(training: Training) -> str:
    text = _paragraphs(*training_sentences(training))
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
    head, rows, left_out = class_rows(e)
    scale = float(np.max(np.abs(e.gradient), initial=0.0)) or 1.0
    cells = []
    for i, (name, *numbers, last) in rows:
        first = Markup(f"<strong>{escape(name)}</strong>") if e.labels[i] > 0 else name
        bar = _html_bar(float(e.gradient[i]) / scale)
        cells.append((first, *numbers, Markup(f"{bar}{escape(last)}")))
    more = [f"And {left_out} more, with smaller gradients."] if left_out else []
    sentences = (*more, loss_sentence(e), *gradient_sentences(e), *e.notes)
    table = html_table(head, cells, headings=False)
    return f'<div class="classes">{table}</div>\n{_paragraphs(*sentences)}'


def _html_bar(share: float) -> str:
    if not np.isfinite(share):
        return ""
    side = "minus" if share < 0 else "plus"
    return f'<span class="bar {side}" style="--share:{abs(share):.3f}" aria-hidden="true"></span>'


def _check(e: Explanation) -> str:
    verdict = f'<p class="{"good" if e.check.ok else "bad"}">{escape(check_sentence(e))}</p>'
    return f"{_paragraphs(METHOD)}{verdict}\n{e.check._repr_html_()}"
