"""Layers for boxes, and bends that lead long arrows through the layers they pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from tinygrad_xent.drawing.layout.geometry import Cluster, Link, Size, port_x
from tinygrad_xent.drawing.layout.ranks import ranks_of

SPACE, LANE = 24.0, 12.0  # between boxes, and around bends


class Segment(NamedTuple):
    """A piece of an arrow from one layer to the next.

    It ends at a port: `shift` is the distance from the lower entry's centre, and `fraction` the
    same in units of that entry's width.
    """

    upper: int
    lower: int
    shift: float
    fraction: float
    weight: float


@dataclass
class Grid:
    """Boxes and bends in their layers.

    Attributes
    ----------
    widths : list of float
        Of the entries: first the boxes, with their own numbers, then bends, which have none.
    layers : list of lists of entries, from left to right
    ups, downs : list of lists of Segment
        For each entry the segments that end there, and those that start there.
    paths : list
        For each link its entries from source to target; None if it goes around everything.
    """

    widths: list[float]
    layers: list[list[int]]
    ups: list[list[Segment]]
    downs: list[list[Segment]]
    paths: list[list[int] | None]

    def apart(self, left: int, right: int) -> float:
        """How far the centres of neighbours are apart at least."""
        widths = self.widths[left], self.widths[right]
        return sum(widths) / 2 + (SPACE if all(widths) else LANE)


def grid_of(sizes: Sequence[Size], links: Sequence[Link], clusters: Sequence[Cluster] = ()) -> Grid:
    """Put boxes in layers, and a chain of bends under each box whose arrows pass layers.

    Arrows from one box share its chain. Where bends would be many more than boxes, the longest
    chains are given up and their arrows led around the picture: time stays linear.
    """
    count = len(sizes)
    ranks = ranks_of(count, links, clusters)
    widths = [width for width, _ in sizes]
    layers: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for box, rank in enumerate(ranks):
        layers[rank].append(box)
    lasts = list(ranks)
    for link in links:
        lasts[link.source] = max(lasts[link.source], ranks[link.target] - 1)
    bends: dict[int, range] = {}
    left = 4 * count + 1000
    for box in sorted(range(count), key=lambda b: (lasts[b] - ranks[b], b)):
        length = lasts[box] - ranks[box]
        if length > left:
            break
        left -= length
        bends[box] = range(len(widths), len(widths) + length)
        widths += [0.0] * length
        for rank, bend in enumerate(bends[box], ranks[box] + 1):
            layers[rank].append(bend)
    ups: list[list[Segment]] = [[] for _ in widths]
    downs: list[list[Segment]] = [[] for _ in widths]

    def join(upper: int, lower: int, fraction: float, weight: float) -> None:
        segment = Segment(upper, lower, fraction * widths[lower], fraction, weight)
        downs[upper].append(segment)
        ups[lower].append(segment)

    for box, chain in bends.items():
        for upper, lower in pairwise([box, *chain]):
            join(upper, lower, 0.0, 2.0 if upper == box else 8.0)
    paths: list[list[int] | None] = []
    for link in links:
        passed = ranks[link.target] - ranks[link.source] - 1
        if passed and link.source not in bends:
            paths.append(None)
            continue
        path = [link.source, *(bends[link.source][:passed] if passed else ()), link.target]
        # What was computed pulls more than leaves do, so that the main path stays straight.
        weight = 2.0 if passed else 1.0 if ups[link.source] else 0.2
        join(path[-2], link.target, port_x(1.0, link.port, link.ports) - 0.5, weight)
        paths.append(path)
    return Grid(widths, layers, ups, downs, paths)
