"""The key below a picture: only what the picture needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tinygrad_xent.visualization.drawing import cells
from tinygrad_xent.visualization.drawing.box_layout import Block, Mark, Patch, Sign, Swatch, Text
from tinygrad_xent.visualization.drawing.lettering import shorten, text_width
from tinygrad_xent.visualization.drawing.model import Model
from tinygrad_xent.visualization.drawing.palette import GREY, HAIR, LEVELS, RULE, heat

SIZE, LINE, SPACE = 9.5, 16.0, 18.0
_KINDS = {
    "leaf": "leaf",
    "op": "op",
    "fused": "fused op",
    "constant": "constant",
    "aside": "looked through",
    "folded": "several tensors",
    "forward": "op of the forward pass",
    "backward": "op of the backward pass",
}
_SIGNS = {cells.NAN: "NaN", cells.INF: "inf", cells.MINUS_INF: "−inf"}


def legend(model: Model, blocks: Sequence[Block], width: float) -> Block:
    """Explain colours, signs and words below a picture of this width."""
    marks: list[Mark] = []
    x = y = 0.0
    for item in _items(model, blocks):
        if x and x + item.width > width:
            x, y = 0.0, y + LINE
        marks += item.at(x, y)
        x += item.width + SPACE
    return Block(width, y + LINE, tuple(marks))


def _items(model: Model, blocks: Sequence[Block]) -> Iterator[Block]:
    if model.note:
        yield _words(model.note)
    present = {box.kind for box in model.boxes}
    for kind, words in _KINDS.items():
        if kind in present:
            yield _labelled(Swatch(0, 0, kind), 19, words)
    if model.seed:
        output = "sum of " * (model.seed == "sum") + shorten(model.outputs[0].title, 20)
        yield _words("gradient: ∂L/∂value" + (f", L = {output}" if output != "L" else ""))
    if any(box.rules for box in model.boxes):
        yield _words("∂x = …: rule for input x", RULE)
    if model.with_sent and any(arrow.small for arrow in model.arrows):
        yield _words("↑ gradient sent back", RULE)
    marks = [mark for block in blocks for mark in block.marks]
    if any(isinstance(mark, Patch) and mark.fill in _COLOURS for mark in marks):
        yield _scale()
    found = {mark.what for mark in marks if isinstance(mark, Sign)}
    for what, words in _SIGNS.items():
        if what in found:
            yield _labelled(Sign(0, 0, 11, what), 14, words)


_COLOURS = {heat(level) for level in range(-LEVELS, LEVELS + 1)}


def _words(text: str, fill: str = GREY) -> Block:
    return Block(text_width(text, SIZE), LINE, (Text(0, 9, text, SIZE, fill),))


def _labelled(mark: Mark, width: float, words: str) -> Block:
    text = _words(words)
    return Block(width + text.width, LINE, (mark, *text.at(width, 0)))


def _scale() -> Block:
    """The colours, from the most negative to the most positive entry of a table."""
    left, right = _words("−max"), _words("max of each table")
    step, start = 4.0, left.width + 4
    shades: list[Mark] = []
    for level in range(-LEVELS, LEVELS + 1):
        x = start + (level + LEVELS) * step
        shades.append(Patch(x, 1, ((0, 0, step, 9),), heat(level), "" if level else HAIR))
    end = start + len(shades) * step + 4
    return Block(end + right.width, LINE, (*left.marks, *shades, *right.at(end, 0)))
