"""What a layout engine is given and what it answers; it knows sizes, not contents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]
Size = tuple[float, float]


@dataclass(frozen=True)
class Link:
    """An arrow from the lower side of box `source` to port `port` of `ports` on top of `target`.

    Boxes are numbered so that every source is smaller than its target.
    """

    source: int
    target: int
    port: int = 0
    ports: int = 1


@dataclass(frozen=True)
class Placement:
    """Where everything goes.

    Attributes
    ----------
    engine : str
        Who placed it.
    width, height : float
        Of the whole; nothing lies outside of it, and y grows downward.
    corners : tuple of points
        The upper left corner of each box.
    routes : tuple of tuples of points
        For each link the first point and three for each cubic Bézier segment.
    """

    engine: str
    width: float
    height: float
    corners: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]


Engine = Callable[[Sequence[Size], Sequence[Link]], Placement]


def port_x(width: float, port: int, ports: int) -> float:
    """How far from the left side of a box of this width its port lies."""
    return width * (port + 0.5) / ports
