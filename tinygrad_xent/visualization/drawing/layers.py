"""Boxes in layers, bends that lead long arrows through the layers they pass, and their order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
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


def port_x(width: float, port: int, ports: int) -> float:
    """Return how far from the left side of a box of this width its port lies."""
    return width * (port + 0.5) / ports


SPACE, LANE = 24.0, 12.0  # between boxes, and between bends
EDGE = 12.0  # an arrow leaves a box at least so far from its corner
MOST_CHAINS = 3  # from one box
LARGE = 1000  # entries from which on fewer orders are tried


class Segment(NamedTuple):
    """A piece of an arrow from one layer to the next.

    It ends at `port`, in units of the lower entry's width from its centre, and can be straight
    where the lower entry's centre is `shift` to the left of the upper one's. It pulls the two
    there as strongly as `pull` says.
    """

    upper: int
    lower: int
    port: float
    shift: float
    pull: float


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
        """Return how far the centres of neighbours are apart at least."""
        a, b = self.widths[left], self.widths[right]
        return (a + b + (SPACE if a else LANE) + (SPACE if b else LANE)) / 2


def grid_of(sizes: Sequence[Size], links: Sequence[Link], clusters: Sequence[Cluster] = ()) -> Grid:
    """Put boxes in layers, and a chain of bends where an arrow passes layers.

    Many long arrows from one box share a chain, as a weight's in an unrolled network. Where bends
    would be many more than boxes, the longest chains are given up and their arrows led around the
    picture: time stays linear.
    """
    count = len(sizes)
    ranks = _ranks(count, links, clusters)
    widths = [width for width, _ in sizes]
    layers: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for box, rank in enumerate(ranks):
        layers[rank].append(box)
    passed = [ranks[target] - ranks[source] - 1 for source, target, _, _ in links]
    long: list[list[int]] = [[] for _ in sizes]
    for k, length in enumerate(passed):
        if length:
            long[links[k].source].append(k)
    bundles: list[tuple[int, list[int]]] = []
    for ks in long:
        shared = [ks] if len(ks) > MOST_CHAINS else [[k] for k in ks]
        bundles += [(max([passed[k] for k in some]), some) for some in shared]
    chains: list[list[int]] = []
    bends: dict[int, list[int]] = {}  # of each link that passes layers
    left = 4 * count + 1000
    for length, some in sorted(bundles):
        left -= length
        if left < 0:
            break
        source = links[some[0]].source
        chains.append([source, *range(len(widths), len(widths) + length)])
        widths += [0.0] * length
        for rank, bend in enumerate(chains[-1][1:], ranks[source] + 1):
            layers[rank].append(bend)
        for k in some:
            bends[k] = chains[-1][1 : passed[k] + 1]
    ups: list[list[Segment]] = [[] for _ in widths]
    downs: list[list[Segment]] = [[] for _ in widths]

    def join(upper: int, lower: int, port: float, pull: float) -> None:
        # An arrow may leave anywhere on the lower side: it can be straight though off the centre.
        off, free = port * widths[lower], max(widths[upper] / 2 - EDGE, 0.0)
        shift = max(off - free, 0.0) if off > 0 else min(off + free, 0.0)
        segment = Segment(upper, lower, port, shift, pull)
        downs[upper].append(segment)
        ups[lower].append(segment)

    for chain in chains:
        for upper, lower in pairwise(chain):
            join(upper, lower, 0.0, 0.5 if upper == chain[0] else 8.0)
    paths: list[list[int] | None] = []
    for k, (source, target, port, ports) in enumerate(links):
        if passed[k] and k not in bends:
            paths.append(None)
            continue
        path = [source, *bends.get(k, ()), target]
        # What was computed pulls more than leaves do, so that the main path stays straight.
        pull = 2.0 if passed[k] else 1.0 if ups[source] else 0.2
        join(path[-2], target, port_x(1.0, port, ports) - 0.5, pull)
        paths.append(path)
    return Grid(widths, layers, ups, downs, paths)


# -- in which layer each box stands ---------------------------------------------------------------


def _ranks(count: int, links: Sequence[Link], clusters: Sequence[Cluster]) -> list[int]:
    """Return each box's layer: below all its inputs, and as near to its uses as costs nothing.

    A cluster has its layers for itself: boxes that follow each other within the same clusters
    share a run of layers.
    """
    runs = _runs(count, links, clusters) if clusters else [list(range(count))]
    run_of = [0] * count
    for k, run in enumerate(runs):
        for box in run:
            run_of[box] = k
    sources: list[set[int]] = [set() for _ in range(count)]
    targets: list[set[int]] = [set() for _ in range(count)]
    for source, target, _, _ in links:
        if run_of[source] == run_of[target]:
            sources[target].add(source)
            targets[source].add(target)
    ranks = [0] * count
    for box in range(count):
        for source in sources[box]:
            ranks[box] = max(ranks[box], ranks[source] + 1)
    for box in reversed(range(count)):
        shared = 0  # the other sources follow it down
        for source in sources[box]:
            shared += len(targets[source]) > 1
        if targets[box] and shared <= len(targets[box]):
            ranks[box] = min([ranks[target] for target in targets[box]]) - 1
    start = 0
    for run in runs:
        lowest = max([ranks[box] for box in run])
        for box in run:
            if clusters and not (sources[box] or targets[box]):
                ranks[box] = lowest  # a leaf that is used further down stands as low as it can
            ranks[box] += start
        start += lowest + 1
    return ranks


def _runs(count: int, links: Sequence[Link], clusters: Sequence[Cluster]) -> list[list[int]]:
    """Share the boxes out to runs that lie in the same clusters, leaves where they are first used.

    A leaf that lies in fewer clusters than its use comes before the outermost of the others.
    """
    chains: list[tuple[int, ...]] = [()] * count
    for i, cluster in enumerate(clusters):
        for box in cluster.boxes:
            chains[box] = (*chains[box], i)
    first: dict[int, int] = {}
    computed = {link.target for link in links}
    for link in links:
        first[link.source] = min(first.get(link.source, count), link.target)
    runs: list[tuple[tuple[int, ...], list[int]]] = []
    at: dict[int, int] = {}
    for box in range(count):
        if box in computed or box not in first:
            if not runs or runs[-1][0] != chains[box]:
                runs.append((chains[box], []))
            runs[-1][1].append(box)
            at[box] = len(runs) - 1
    before: list[dict[tuple[int, ...], list[int]]] = [{} for _ in runs]
    for box in range(count):
        if box in at:
            continue
        chain, k = chains[box], at[first[box]]
        use = runs[k][0]
        while k and _shared(runs[k - 1][0], use) > _shared(chain, use):
            k -= 1
        if runs[k][0] == chain:
            runs[k][1].append(box)
        elif k and runs[k - 1][0] == chain:
            runs[k - 1][1].append(box)
        else:
            before[k].setdefault(chain, []).append(box)
    result = []
    for (_, boxes), leaves in zip(runs, before, strict=True):
        result += [leaves[chain] for chain in sorted(leaves, key=len)]
        result.append(sorted(boxes))
    return result


def _shared(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """Return in how many clusters both lie."""
    return len([x for x, y in zip(a, b, strict=False) if x == y])


# -- in which order -------------------------------------------------------------------------------


def order(grid: Grid) -> None:
    """Sort each layer by the mean place of its neighbours, swap what crosses, and keep the best.

    Start from the order in which a walk from the results up through the ports meets the entries.
    """
    places = [0] * len(grid.widths)
    for i, entry in enumerate(_walk(grid)):
        places[entry] = i
    for layer in grid.layers:
        layer.sort(key=places.__getitem__)
        _number(layer, places)
    best, fewest = [list(layer) for layer in grid.layers], _crossings(grid, places)
    sweep, since, patience = 0, 0, 6 if len(places) < LARGE else 2
    while fewest and since < patience:
        _sweep(grid, places, down=sweep % 2 == 0)
        sweep, since = sweep + 1, since + 1
        crossings = _crossings(grid, places)
        if crossings < fewest:
            best, fewest, since = [list(layer) for layer in grid.layers], crossings, 0
    grid.layers = best


def _walk(grid: Grid) -> list[int]:
    """Return the entries in the order in which a walk upward from the lowest meets them."""
    met: dict[int, None] = {}
    todo = [entry for entry, below in enumerate(grid.downs) if not below]
    while todo:
        entry = todo.pop()
        if entry not in met:
            met[entry] = None
            todo += [segment.upper for segment in reversed(grid.ups[entry])]
    return list(met)


def _sweep(grid: Grid, places: list[int], *, down: bool) -> None:
    for layer in grid.layers if down else reversed(grid.layers):
        if len(layer) > 1:
            _sort(grid, layer, places, down=down)
    for layer in grid.layers if down else reversed(grid.layers):
        if len(layer) > 1:
            _swap(grid, layer, places)


def _number(layer: list[int], places: list[int]) -> None:
    for i, entry in enumerate(layer):
        places[entry] = i


def _sort(grid: Grid, layer: list[int], places: list[int], *, down: bool) -> None:
    keys = {}
    for entry in layer:
        total = 0.0
        if down:
            for upper, _, _, _, _ in grid.ups[entry]:
                total += places[upper]
            near = len(grid.ups[entry])
        else:
            for _, lower, port, _, _ in grid.downs[entry]:
                total += places[lower] + port
            near = len(grid.downs[entry])
        keys[entry] = total / near if near else places[entry]
    layer.sort(key=keys.__getitem__)
    _number(layer, places)


def _swap(grid: Grid, layer: list[int], places: list[int]) -> None:
    """Swap neighbours as long as fewer segments cross then."""
    above = {entry: sorted([places[s.upper] for s in grid.ups[entry]]) for entry in layer}
    below = {
        entry: sorted([places[s.lower] + s.port for s in grid.downs[entry]]) for entry in layer
    }
    moved, rounds = True, 0
    while moved and rounds < 8:
        moved, rounds = False, rounds + 1
        for i in range(1, len(layer)):
            left, right = layer[i - 1 : i + 1]
            gain = 0
            for near in (above, below):
                others = near[right]
                for end in near[left]:
                    gain += bisect_left(others, end) + bisect_right(others, end) - len(others)
            if gain > 0:
                layer[i - 1 : i + 1] = right, left
                moved = True
    _number(layer, places)


def _crossings(grid: Grid, places: list[int]) -> int:
    """Count the pairs of segments that cross."""
    crossings = 0
    for layer in grid.layers[:-1]:
        ends: list[float] = []
        for entry in layer:
            mine = [places[lower] + port for _, lower, port, _, _ in grid.downs[entry]]
            for end in mine:
                crossings += len(ends) - bisect_right(ends, end)
            for end in mine:
                insort(ends, end)
    return crossings
