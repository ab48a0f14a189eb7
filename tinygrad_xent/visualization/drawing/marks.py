"""The few things that pictures are made of. Coordinates are pixels; y grows downward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tinygrad_xent.visualization.drawing.palette import INK

Rect = tuple[float, float, float, float]  # x, y, width, height


class Text(NamedTuple):
    """A line of text, perhaps with a few bold words before it."""

    x: float
    y: float
    text: str
    size: float = 10.0
    fill: str = INK
    anchor: str = "start"
    bold: str = ""


class Patch(NamedTuple):
    """Rectangles of one colour, from the patch's corner on; `lines` is the colour between them."""

    x: float
    y: float
    rects: tuple[Rect, ...]
    fill: str
    lines: str = ""


class Sign(NamedTuple):
    """A mark in a cell whose entry is no finite number: cells.NAN, INF or MINUS_INF."""

    x: float
    y: float
    size: float
    what: int


class Swatch(NamedTuple):
    """A small sample of what boxes of a kind look like."""

    x: float
    y: float
    kind: str


Mark = Text | Patch | Sign | Swatch


@dataclass(frozen=True)
class Block:
    """Marks that belong together, and the room they take from (0, 0) on."""

    width: float
    height: float
    marks: tuple[Mark, ...]

    def at(self, x: float, y: float) -> Iterator[Mark]:
        """Give the marks moved to a place."""
        return moved(self.marks, x, y)


def moved(marks: Iterable[Mark], dx: float, dy: float) -> Iterator[Mark]:
    """Give marks moved right and down."""
    for mark in marks:
        yield mark._replace(x=mark.x + dx, y=mark.y + dy)
