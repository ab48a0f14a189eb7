"""What a layout is given and what it answers; it knows sizes, not contents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Point = tuple[float, float]
Size = tuple[float, float]
Rect = tuple[float, float, float, float]


class Link(NamedTuple):
    """An arrow from the lower side of box `source` to port `port` of `ports` on top of `target`.

    Boxes are numbered so that every source is smaller than its target.
    """

    source: int
    target: int
    port: int = 0
    ports: int = 1


@dataclass(frozen=True)
class Cluster:
    """Boxes that get a frame around them, with a title of this width.

    `parent` is the number of the cluster around it, which comes before, or -1. Among the boxes
    that are computed from others, those of a cluster follow each other.
    """

    boxes: tuple[int, ...]
    parent: int = -1
    title: float = 0.0


TITLE_ROOM, PADDING = 20.0, 12.0  # in a frame: above its boxes, and on the other sides


@dataclass(frozen=True)
class Placement:
    """Where everything goes.

    Attributes
    ----------
    width, height : float
        Of the whole; nothing lies outside of it, and y grows downward.
    corners : tuple of points
        The upper left corner of each box.
    routes : tuple of tuples of points
        For each link the first point and three for each cubic Bézier segment.
    frames : tuple of (x, y, width, height)
        One for each cluster.
    """

    width: float
    height: float
    corners: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    frames: tuple[Rect, ...] = ()


def port_x(width: float, port: int, ports: int) -> float:
    """Return how far from the left side of a box of this width its port lies."""
    return width * (port + 0.5) / ports
