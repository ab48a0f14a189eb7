"""The picture of a graph for paper, with blank boxes or filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_xent.teaching.by_hand import by_hand
from tinygrad_xent.visualization.drawing.face import HEADER, Face
from tinygrad_xent.visualization.drawing.layout import Link, place
from tinygrad_xent.visualization.drawing.lettering import shorten, text_width
from tinygrad_xent.visualization.drawing.marks import Mark, Patch, Text, moved
from tinygrad_xent.visualization.drawing.model import Box, Model
from tinygrad_xent.visualization.drawing.paint import paint
from tinygrad_xent.visualization.drawing.palette import GREY, INK, LINE, RULE

PAD, CELL, DOWN, TEXT, SMALL = 12.0, 60.0, 30.0, 14.0, 11.0
RULE_LINE = 26.0
ROOM = 150.0  # for a rule written by hand
_PAPER = "#fffffe"  # not the white of 0, which the legend would explain
_CAPTION = 62.0  # the cells begin to the right of the words "value" and "gradient"


def on_paper(model: Model, title: str, alt: str, *, filled: bool) -> str:
    """Return a model as SVG, with its numbers and rules or with space for them."""
    arrows = tuple(replace(arrow, sent="", small="", rule="") for arrow in model.arrows)
    # Both pages have the boxes in the same places: widths do not depend on the content.
    faces = [_face(box, filled=filled) for box in model.boxes]
    links = [
        Link(a.source, a.target, a.port, max(len(model.boxes[a.target].ports), 1)) for a in arrows
    ]
    placement = place([(face.width, face.height) for face in faces], links)
    plain = replace(model, arrows=arrows, with_sent=False, groups=())
    return paint(plain, faces, placement, title, alt)


def is_given(box: Box) -> bool:
    """Return whether the value of a box is printed on the blank sheet."""
    return box.kind in ("leaf", "constant")


def _face(box: Box, *, filled: bool) -> Face:
    title = shorten(box.title, 30)
    made = f" = {shorten(box.expression, 30)}" if box.expression else ""
    marks: list[Mark] = [Text(PAD, HEADER - 7, made, 13, bold=title)]
    width = text_width(title, 13, bold=True) + text_width(made, 13)
    y = HEADER
    for line in box.details:
        y += 15
        marks.append(Text(PAD, y, line, SMALL, GREY))
        width = max(width, text_width(line, SMALL))
    for rule in box.rules:
        left, _, right = rule.partition(" = ")
        y += RULE_LINE
        marks.append(Text(PAD, y, f"{left} = {right if filled else ''}", 12, RULE))
        start = text_width(f"{left} = ", 12)
        length = max(ROOM, text_width(right, 12))
        if not filled:
            marks.append(Patch(PAD + start, y + 3, ((0, 0, length, 0.6),), LINE))
        width = max(width, start + length)
    y += 10
    tables = [("value", _texts(box.value), filled or is_given(box))]
    if box.gradient is not None:
        tables.append(("gradient", _texts(box.gradient), filled))
    # All cells have one width, so that it does not reveal the length of an answer.
    texts = [text for _, rows, _ in tables for row in rows for text in row]
    longest = max((text_width(text, TEXT) for text in texts), default=0.0)
    across = max(CELL, longest + 10)
    for words, rows, shown in tables:
        marks.append(Text(PAD, y + DOWN / 2 + 4, words, SMALL, GREY))
        if not rows[0]:
            marks.append(Text(PAD + _CAPTION, y + DOWN / 2 + 4, "no entries", SMALL, GREY))
        marks += moved(_cells(rows, across, shown=shown), PAD + _CAPTION, y)
        width = max(width, _CAPTION + len(rows[0]) * across)
        y += len(rows) * DOWN + 8
    return Face(float(round(width + 2 * PAD)), float(round(y + 4)), tuple(marks), HEADER)


def _texts(array: Any) -> list[list[str]]:
    return [[by_hand(x).replace("-", "−") for x in row] for row in np.atleast_2d(array)] or [[]]


def _cells(rows: list[list[str]], across: float, *, shown: bool) -> Iterator[Mark]:
    """Yield cells of one width, empty or with their numbers."""
    places = [(i * DOWN, j * across) for i, row in enumerate(rows) for j in range(len(row))]
    yield Patch(0, 0, tuple((x, y, across, DOWN) for y, x in places), _PAPER, LINE)
    if shown:
        texts = (text for row in rows for text in row)
        for (y, x), text in zip(places, texts, strict=True):
            yield Text(x + across / 2, y + 20, text, TEXT, INK, "middle")
