"""A layered layout: inputs above outputs, few crossings, and the same bytes on every machine.

Boxes get layers by the longest path from above, are ordered within them to cross little, and then
moved sideways towards what they are connected to. Nothing recurses; time grows with the number
of boxes and arrows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from tinygrad_xent.visualization.drawing.layers import (
    EDGE,
    LANE,
    Cluster,
    Grid,
    Link,
    Point,
    Rect,
    Size,
    grid_of,
    order,
    port_x,
)

GAP, MOST_GAP = 38.0, 90.0  # between layers
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


def place(
    sizes: Sequence[Size], links: Sequence[Link], clusters: Sequence[Cluster] = ()
) -> Placement:
    """Place boxes in layers and lead the arrows between them. This never fails."""
    if not sizes:
        return Placement(0.0, 0.0, (), ())
    grid = grid_of(sizes, links, clusters)
    order(grid)
    xs = _columns(grid)
    left = min([x - w / 2 for x, w in zip(xs, grid.widths, strict=True)])
    xs = [x - left for x in xs]
    starts = _starts(grid, xs)
    placement = _placed(sizes, links, grid, xs, starts, _bands(sizes, grid, xs, starts, clusters))
    return _framed(placement, sizes, clusters) if clusters else placement


# -- sideways -------------------------------------------------------------------------------------


def _columns(grid: Grid) -> list[float]:
    """Return the x of each entry's centre: near to what is connected, straight if possible."""
    xs = [0.0] * len(grid.widths)
    packed: list[list[float]] = []  # per layer how far each entry is from the first, at least
    for layer in grid.layers:
        steps = [0.0]
        for left, right in pairwise(layer):
            steps.append(steps[-1] + grid.apart(left, right))
        packed.append(steps)
        for entry, x in zip(layer, steps, strict=True):
            xs[entry] = x - steps[-1] / 2
    rounds = 6 if len(xs) < 500 else 3 if len(xs) < 3000 else 2
    for sweep in range(2 * rounds):
        down, both = sweep % 2 == 0, sweep >= rounds
        for i in range(len(packed)) if down else reversed(range(len(packed))):
            _settle(grid, grid.layers[i], packed[i], xs, up=down or both, low=not down or both)
    _straighten(grid, xs)
    return xs


def _settle(
    grid: Grid, layer: list[int], packed: list[float], xs: list[float], *, up: bool, low: bool
) -> None:
    """Move a layer's entries as near to their neighbours as their order and widths allow.

    The least-squares answer under these bounds is a monotone regression of the wishes, less the
    packed distances: entries that press against each other are pooled.
    """
    pools: list[tuple[float, float, int]] = []  # weight, weighted wish, entries
    for entry, step in zip(layer, packed, strict=True):
        weight, wish = 0.0, 0.0
        if up:
            for upper, _, _, shift, pull in grid.ups[entry]:
                weight += pull
                wish += pull * (xs[upper] - shift)
        if low:
            for _, lower, _, shift, pull in grid.downs[entry]:
                weight += pull
                wish += pull * (xs[lower] + shift)
        if not weight:
            weight, wish = 0.01, 0.01 * xs[entry]
        wish -= weight * step
        entries = 1
        while pools and pools[-1][1] * weight > wish * pools[-1][0]:
            more_weight, more_wish, more = pools.pop()
            weight, wish, entries = weight + more_weight, wish + more_wish, entries + more
        pools.append((weight, wish, entries))
    i = 0
    for weight, wish, entries in pools:
        for _ in range(entries):
            xs[layer[i]] = wish / weight + packed[i]
            i += 1


def _straighten(grid: Grid, xs: list[float]) -> None:
    """Align entries that simply follow each other, as far as their neighbours leave room."""
    left_of: dict[int, int] = {}
    right_of: dict[int, int] = {}
    for layer in grid.layers:
        for left, right in pairwise(layer):
            right_of[left], left_of[right] = right, left
    for chain in _chains(grid):
        rooms = []
        for entry in chain:
            low, high = -inf, inf
            if entry in left_of:
                low = xs[left_of[entry]] + grid.apart(left_of[entry], entry)
            if entry in right_of:
                high = xs[right_of[entry]] - grid.apart(entry, right_of[entry])
            rooms.append((low, high))
        start = 0
        while start < len(chain):
            low, high = rooms[start]
            total, end = xs[chain[start]], start + 1
            while end < len(chain) and max(low, rooms[end][0]) <= min(high, rooms[end][1]):
                low, high = max(low, rooms[end][0]), min(high, rooms[end][1])
                total += xs[chain[end]]
                end += 1
            x = min(max(total / (end - start), low), high)
            for entry in chain[start:end]:
                xs[entry] = x
            start = end


def _chains(grid: Grid) -> list[list[int]]:
    """Return the runs of entries that would look best in one vertical line."""
    follower: dict[int, int] = {}
    for lower, above in enumerate(grid.ups):
        if len(above) == 1 and not above[0].shift:
            upper = above[0].upper
            bends = not (grid.widths[upper] or grid.widths[lower])
            if bends or len(grid.downs[upper]) == 1:
                follower[upper] = lower
    chains = [[start] for start in sorted(follower.keys() - set(follower.values()))]
    for chain in chains:
        while chain[-1] in follower:
            chain.append(follower[chain[-1]])
    return chains


# -- downward -------------------------------------------------------------------------------------


def _starts(grid: Grid, xs: list[float]) -> dict[tuple[int, int, float], float]:
    """Return the x at which each segment leaves its upper entry: above its end, if possible."""
    starts: dict[tuple[int, int, float], float] = {}
    for upper, below in enumerate(grid.downs):
        ends = sorted(
            [(xs[s.lower] + s.port * grid.widths[s.lower], s.lower, s.port) for s in below]
        )
        free = max(grid.widths[upper] / 2 - EDGE, 0.0)
        low, last = xs[upper] - free, len(ends) - 1
        step = min(EDGE, 2 * free / last) if last > 0 else 0.0
        for i, (end, lower, port) in enumerate(ends):
            x = min(max(end, low), xs[upper] + free - (last - i) * step)
            starts[upper, lower, port] = x
            low = x + step
    return starts


def _placed(
    sizes: Sequence[Size],
    links: Sequence[Link],
    grid: Grid,
    xs: list[float],
    starts: dict[tuple[int, int, float], float],
    bands: tuple[list[float], list[float]],
) -> Placement:
    """Turn layers into heights, and paths into curves that bend only between the layers."""
    tops, bottoms = bands
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
    width = max([x + w / 2 for x, w in zip(xs, grid.widths, strict=True)])
    outside, routes = width, []
    for link, path in zip(links, grid.paths, strict=True):
        below, above = bottoms[ranks[link.source]], tops[ranks[link.target]]
        port = port_x(1.0, link.port, link.ports) - 0.5
        end = xs[link.target] + port * sizes[link.target][0]
        foot = corners[link.source][1] + sizes[link.source][1]
        if path is None:
            x, lane = xs[link.source], width + LANE * (1 + link.source % 4)
            outside = max(outside, lane)
            stops = [(x, foot), (x, below), (lane, below + GAP), (lane, above - GAP)]
        else:
            x = starts[link.source, path[1], port if len(path) == 2 else 0.0]
            stops = [(x, foot), (x, below)]
            for bend in path[1:-1]:
                stops += [(xs[bend], tops[ranks[bend]]), (xs[bend], bottoms[ranks[bend]])]
        routes.append(_curve([*stops, (end, above), (end, corners[link.target][1])]))
    return Placement(outside, bottoms[-1], tuple(corners), tuple(routes))


def _bands(
    sizes: Sequence[Size],
    grid: Grid,
    xs: list[float],
    starts: dict[tuple[int, int, float], float],
    clusters: Sequence[Cluster],
) -> tuple[list[float], list[float]]:
    """Return the upper and lower side of each layer, farther apart where arrows go far sideways."""
    opened, closed = [0] * len(grid.layers), [0] * len(grid.layers)
    if clusters:
        rank_of = {box: rank for rank, layer in enumerate(grid.layers) for box in layer}
        for cluster in clusters:
            within = [rank_of[box] for box in cluster.boxes]
            opened[min(within)] += 1
            closed[max(within)] += 1
    tops: list[float] = []
    bottoms: list[float] = []
    y = 0.0
    for rank, layer in enumerate(grid.layers):
        y += opened[rank] * TITLE_ROOM
        tops.append(y)
        y += max([0.0, *[sizes[entry][1] for entry in layer if entry < len(sizes)]])
        bottoms.append(y)
        sideways = 0.0
        for entry in layer:
            for upper, lower, port, _, _ in grid.downs[entry]:
                end = xs[lower] + port * grid.widths[lower]
                sideways = max(sideways, abs(end - starts[upper, lower, port]))
        y += min(GAP + 0.08 * sideways, MOST_GAP) + closed[rank] * PADDING
    return tops, bottoms


def _curve(stops: Sequence[Point]) -> tuple[Point, ...]:
    """Join stops by curves that leave and arrive vertically."""
    points = [stops[0]]
    for (x0, y0), (x1, y1) in pairwise(stops):
        if y1 - y0 > 0.05:
            swing = 0.4 * (y1 - y0)
            points += [(x0, y0 + swing), (x1, y1 - swing), (x1, y1)]
    return tuple(points)


def _framed(placement: Placement, sizes: Sequence[Size], clusters: Sequence[Cluster]) -> Placement:
    """Draw a frame around each cluster, and move everything to the right of the left side."""
    stops = [stop for route in placement.routes for stop in route[::3]]
    sides: list[list[Rect]] = [[] for _ in clusters]  # what lies in each: left, top, right, bottom
    for i in reversed(range(len(clusters))):
        cluster, highest = clusters[i], inf
        for box in cluster.boxes:
            (x, y), (w, h) = placement.corners[box], sizes[box]
            sides[i].append((x, y, x + w, y + h))
            highest = min(highest, y)
        lefts, tops, rights, bottoms = zip(*sides[i], strict=True)
        left, room = min(lefts) - PADDING, cluster.title + 2 * PADDING
        for x in sorted([x for x, y in stops if y == highest], reverse=True):
            if left < x < left + room:
                left = x - room  # the arrow would run through the title
        right = max(max(rights) + PADDING, left + room)
        sides[i] = [(left, min(tops) - TITLE_ROOM, right, max(bottoms) + PADDING)]
        if cluster.parent >= 0:
            sides[cluster.parent] += sides[i]
    shift = -min([0.0, *[left for ((left, _, _, _),) in sides]])
    right = max([placement.width, *[right for ((_, _, right, _),) in sides]])
    bottom = max([placement.height, *[bottom for ((_, _, _, bottom),) in sides]])
    return Placement(
        right + shift,
        bottom,
        tuple([(x + shift, y) for x, y in placement.corners]),
        tuple([tuple([(x + shift, y) for x, y in route]) for route in placement.routes]),
        tuple([(a + shift, b, c - a, d - b) for ((a, b, c, d),) in sides]),
    )
