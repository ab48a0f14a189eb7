"""A layered layout in plain Python: no program to call, and the same bytes on every machine.

Boxes get layers by the longest path from above, are ordered within them to cross little, and then
moved sideways towards what they are connected to. Nothing recurses; time grows with the number
of boxes and arrows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tinygrad_xent.drawing.layout.columns import columns
from tinygrad_xent.drawing.layout.geometry import (
    PADDING,
    TITLE_ROOM,
    Cluster,
    Link,
    Placement,
    Point,
    Rect,
    Size,
    port_x,
)
from tinygrad_xent.drawing.layout.layers import LANE, Grid, grid_of
from tinygrad_xent.drawing.layout.order import order

GAP, MOST_GAP = 38.0, 90.0  # between layers


def plain(
    sizes: Sequence[Size], links: Sequence[Link], clusters: Sequence[Cluster] = ()
) -> Placement:
    """Place boxes in layers, inputs above outputs."""
    if not sizes:
        return Placement("plain", 0.0, 0.0, (), ())
    grid = grid_of(sizes, links, clusters)
    order(grid)
    xs = columns(grid)
    left = min(x - w / 2 for x, w in zip(xs, grid.widths, strict=True))
    placement = _placed(sizes, links, grid, [x - left for x in xs], clusters)
    return _framed(placement, sizes, clusters) if clusters else placement


def _placed(
    sizes: Sequence[Size],
    links: Sequence[Link],
    grid: Grid,
    xs: list[float],
    clusters: Sequence[Cluster],
) -> Placement:
    """Turn layers into heights, and paths into curves that bend only between the layers."""
    tops, bottoms = _bands(sizes, grid, xs, clusters)
    corners: list[Point] = [(0.0, 0.0)] * len(sizes)
    ranks = [0] * len(xs)
    for rank, layer in enumerate(grid.layers):
        for entry in layer:
            ranks[entry] = rank
            if entry < len(sizes):
                w, h = sizes[entry]
                room = bottoms[rank] - tops[rank] - h
                above = room / 2 if grid.ups[entry] else room  # leaves stand close to their use
                corners[entry] = (xs[entry] - w / 2, tops[rank] + above)
    width = max(x + w / 2 for x, w in zip(xs, grid.widths, strict=True))
    outside, routes = width, []
    for link, path in zip(links, grid.paths, strict=True):
        (x, y), (w, h) = corners[link.source], sizes[link.source]
        below, above = bottoms[ranks[link.source]], tops[ranks[link.target]]
        stops = [(x + w / 2, y + h), (x + w / 2, below)]
        if path is None:
            lane = width + LANE * (1 + link.source % 4)
            outside = max(outside, lane)
            stops += [(lane, below + GAP), (lane, above - GAP)]
        else:
            for bend in path[1:-1]:
                stops += [(xs[bend], tops[ranks[bend]]), (xs[bend], bottoms[ranks[bend]])]
        (x, y), (w, _) = corners[link.target], sizes[link.target]
        end = x + port_x(w, link.port, link.ports)
        routes.append(_curve([*stops, (end, above), (end, y)]))
    return Placement("plain", outside, bottoms[-1], tuple(corners), tuple(routes))


def _framed(placement: Placement, sizes: Sequence[Size], clusters: Sequence[Cluster]) -> Placement:
    """Draw a frame around each cluster, and move everything to the right of the left side."""
    sides: list[list[Rect]] = [[] for _ in clusters]  # what lies in each: left, top, right, bottom
    for i in reversed(range(len(clusters))):
        for box in clusters[i].boxes:
            (x, y), (w, h) = placement.corners[box], sizes[box]
            sides[i].append((x, y, x + w, y + h))
        lefts, tops, rights, bottoms = zip(*sides[i], strict=True)
        left, top = min(lefts) - PADDING, min(tops) - TITLE_ROOM
        right = max(max(rights) + PADDING, left + clusters[i].title + 2 * PADDING)
        sides[i] = [(left, top, right, max(bottoms) + PADDING)]
        if clusters[i].parent >= 0:
            sides[clusters[i].parent] += sides[i]
    shift = -min([0.0, *(left for ((left, _, _, _),) in sides)])
    right = max([placement.width, *(right for ((_, _, right, _),) in sides)])
    bottom = max([placement.height, *(bottom for ((_, _, _, bottom),) in sides)])
    return Placement(
        placement.engine,
        right + shift,
        bottom,
        tuple((x + shift, y) for x, y in placement.corners),
        tuple(tuple((x + shift, y) for x, y in route) for route in placement.routes),
        tuple((a + shift, b, c - a, d - b) for ((a, b, c, d),) in sides),
    )


def _bands(
    sizes: Sequence[Size], grid: Grid, xs: list[float], clusters: Sequence[Cluster]
) -> tuple[list[float], list[float]]:
    """Give the upper and lower side of each layer, farther apart where arrows go far sideways."""
    rank_of = {box: rank for rank, layer in enumerate(grid.layers) for box in layer}
    opened, closed = [0] * len(grid.layers), [0] * len(grid.layers)
    for cluster in clusters:
        within = [rank_of[box] for box in cluster.boxes]
        opened[min(within)] += 1
        closed[max(within)] += 1
    tops: list[float] = []
    bottoms: list[float] = []
    y = 0.0
    for layer, frames in zip(grid.layers, opened, strict=True):
        y += frames * TITLE_ROOM
        tops.append(y)
        y += max((sizes[entry][1] for entry in layer if entry < len(sizes)), default=0.0)
        bottoms.append(y)
        sideways = (abs(xs[s.lower] + s.shift - xs[s.upper]) for e in layer for s in grid.downs[e])
        y += min(GAP + 0.08 * max(sideways, default=0.0), MOST_GAP)
        y += closed[len(tops) - 1] * PADDING
    return tops, bottoms


def _curve(stops: Sequence[Point]) -> tuple[Point, ...]:
    """Join stops by curves that leave and arrive vertically."""
    points = [stops[0]]
    for (x0, y0), (x1, y1) in pairwise(stops):
        if y1 - y0 > 0.05:
            half = (y1 - y0) / 2
            points += [(x0, y0 + half), (x1, y1 - half), (x1, y1)]
    return tuple(points)
