"""A layered layout: inputs above outputs, few crossings, and the same bytes on every machine.

It knows only the sizes of boxes. They get layers by the longest path from above, are ordered to
cross little, and then moved sideways towards what they are connected to. Nothing recurses.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise, starmap
from math import inf
from typing import NamedTuple

SPACE, LANE = 24.0, 12.0  # between boxes, and between bends
EDGE = 12.0  # an arrow leaves a box at least so far from its corner
MOST_CHAINS = 3  # from one box
LARGE = 1000  # entries from which on fewer orders are tried
GAP, MOST_GAP = 38.0, 90.0  # between layers
TITLE_ROOM, PADDING = 20.0, 12.0  # in a frame: above its boxes, and on the other sides

Point = tuple[float, float]
Size = tuple[float, float]
Rect = tuple[float, float, float, float]
Starts = dict[tuple[int, int, float], float]  # of each segment: upper and lower entry, and port


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
    placement = _placed(sizes, links, clusters, grid, _columns(grid))
    return _framed(placement, sizes, clusters) if clusters else placement


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
    widths, ranks : list of float, list of int
        Width and layer of the entries: first the boxes, with their own numbers, then bends, whose
        width is 0.
    layers : list of lists of entries, from left to right
    ups, downs : list of lists of Segment
        For each entry the segments that end there, and those that start there.
    paths : list
        For each link its entries from source to target; None if it goes around everything.
    """

    widths: list[float]
    ranks: list[int]
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
    ranks = _ranks(len(sizes), links, clusters)
    widths = [width for width, _ in sizes]
    passed = [ranks[target] - ranks[source] - 1 for source, target, _, _ in links]
    long: list[list[int]] = [[] for _ in sizes]
    for k, length in enumerate(passed):
        if length:
            long[links[k].source].append(k)
    bundles: list[tuple[int, list[int]]] = []
    for ks in long:
        shared = [ks] if len(ks) > MOST_CHAINS else [[k] for k in ks]
        bundles += [(max([passed[k] for k in group]), group) for group in shared]
    chains: list[list[int]] = []
    bends: dict[int, list[int]] = {}  # of each link that passes layers
    left = 4 * len(sizes) + 1000
    for length, group in sorted(bundles):
        left -= length
        if left < 0:
            break
        source = links[group[0]].source
        chains.append([source, *range(len(widths), len(widths) + length)])
        widths += [0.0] * length
        ranks += range(ranks[source] + 1, ranks[source] + 1 + length)
        for k in group:
            bends[k] = chains[-1][1 : passed[k] + 1]
    layers: list[list[int]] = [[] for _ in range(max(ranks) + 1)]
    for entry, rank in enumerate(ranks):
        layers[rank].append(entry)
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
    return Grid(widths, ranks, layers, ups, downs, paths)


# -- in which layer each box stands ---------------------------------------------------------------


def _ranks(count: int, links: Sequence[Link], clusters: Sequence[Cluster]) -> list[int]:
    """Return each box's layer: below all its inputs, and as near to its uses as costs nothing.

    A cluster has its layers for itself: boxes that follow each other within the same clusters
    share a run of layers.
    """
    runs = _runs(count, links, clusters) if clusters else [list(range(count))]
    run_of = {box: k for k, run in enumerate(runs) for box in run}
    sources: list[set[int]] = [set() for _ in range(count)]
    targets: list[set[int]] = [set() for _ in range(count)]
    for source, target, _, _ in links:
        if run_of[source] == run_of[target]:
            sources[target].add(source)
            targets[source].add(target)
    ranks = [0] * count
    for box in range(count):
        ranks[box] = max([ranks[source] + 1 for source in sources[box]], default=0)
    for box in reversed(range(count)):
        # The other sources follow it down.
        shared = len([source for source in sources[box] if len(targets[source]) > 1])
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
    _number(_walk(grid), places)
    for layer in grid.layers:
        layer.sort(key=places.__getitem__)
        _number(layer, places)
    best, fewest = [list(layer) for layer in grid.layers], _crossings(grid, places)
    down, since, patience = True, 0, 6 if len(places) < LARGE else 2
    while fewest and since < patience:
        layers = grid.layers if down else grid.layers[::-1]
        for layer in layers:
            _sort(grid, layer, places, down=down)
        for layer in layers:
            _swap(grid, layer, places)
        down, since = not down, since + 1
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


def _number(layer: list[int], places: list[int]) -> None:
    for i, entry in enumerate(layer):
        places[entry] = i


def _sort(grid: Grid, layer: list[int], places: list[int], *, down: bool) -> None:
    keys = {}
    for entry in layer:
        if down:
            near: list[float] = [places[upper] for upper, _, _, _, _ in grid.ups[entry]]
        else:
            near = [places[lower] + port for _, lower, port, _, _ in grid.downs[entry]]
        total = 0.0
        for place in near:  # sum() rounds in another way from Python 3.12 on
            total += place
        keys[entry] = total / len(near) if near else places[entry]
    layer.sort(key=keys.__getitem__)
    _number(layer, places)


def _swap(grid: Grid, layer: list[int], places: list[int]) -> None:
    """Swap neighbours as long as fewer segments cross then."""
    above = {e: sorted([places[s.upper] for s in grid.ups[e]]) for e in layer}
    below = {e: sorted([places[s.lower] + s.port for s in grid.downs[e]]) for e in layer}
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


# -- sideways -------------------------------------------------------------------------------------


def _columns(grid: Grid) -> list[float]:
    """Return the x of each entry's centre: near to what is connected, straight if possible."""
    xs = [0.0] * len(grid.widths)
    packed: list[list[float]] = []  # per layer how far each entry is from the first, at least
    for layer in grid.layers:
        steps = list(accumulate(starmap(grid.apart, pairwise(layer)), initial=0.0))
        packed.append(steps)
        for entry, x in zip(layer, steps, strict=True):
            xs[entry] = x - steps[-1] / 2
    rounds = 6 if len(xs) < 500 else 3 if len(xs) < 3000 else 2
    for sweep in range(2 * rounds):
        down, both = sweep % 2 == 0, sweep >= rounds
        for i in range(len(packed)) if down else reversed(range(len(packed))):
            _settle(grid, grid.layers[i], packed[i], xs, up=down or both, low=not down or both)
    _straighten(grid, xs)
    side = min([x - w / 2 for x, w in zip(xs, grid.widths, strict=True)])
    return [x - side for x in xs]


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
    left = zip(layer, packed, strict=True)
    for weight, wish, entries in pools:
        for entry, step in islice(left, entries):
            xs[entry] = wish / weight + step


def _straighten(grid: Grid, xs: list[float]) -> None:
    """Align entries that simply follow each other, as far as their neighbours leave room."""
    left_of: dict[int, int] = {}
    right_of: dict[int, int] = {}
    for layer in grid.layers:
        for left, right in pairwise(layer):
            right_of[left], left_of[right] = right, left
    for chain in _upright(grid):
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


def _upright(grid: Grid) -> list[list[int]]:
    """Return the runs of entries that would look best in one vertical line."""
    follower: dict[int, int] = {}
    for lower, above in enumerate(grid.ups):
        if len(above) == 1 and not above[0].shift:
            upper = above[0].upper
            bends = not (grid.widths[upper] or grid.widths[lower])
            if bends or len(grid.downs[upper]) == 1:
                follower[upper] = lower
    return chains(follower, follower)


def chains(entries: Iterable[int], follower: Mapping[int, int]) -> list[list[int]]:
    """Return the entries in runs, each from one that follows none to one that none follows."""
    runs = [[start] for start in sorted(set(entries) - set(follower.values()))]
    for run in runs:
        while run[-1] in follower:
            run.append(follower[run[-1]])
    return runs


# -- downward -------------------------------------------------------------------------------------


def _starts(grid: Grid, xs: list[float]) -> Starts:
    """Return the x at which each segment leaves its upper entry: above its end, if possible."""
    starts: Starts = {}
    for upper, below in enumerate(grid.downs):
        ends = sorted([(xs[v] + port * grid.widths[v], v, port) for _, v, port, _, _ in below])
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
    clusters: Sequence[Cluster],
    grid: Grid,
    xs: list[float],
) -> Placement:
    """Turn layers into heights, and paths into curves that bend only between the layers."""
    ranks, starts = grid.ranks, _starts(grid, xs)
    tops, bottoms = _bands(sizes, grid, xs, starts, clusters)
    corners: list[Point] = []
    for box, (w, h) in enumerate(sizes):
        room = bottoms[ranks[box]] - tops[ranks[box]] - h
        above = room / 2 if grid.ups[box] else room  # leaves stand close to their use
        corners.append((xs[box] - w / 2, tops[ranks[box]] + above))
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
    sizes: Sequence[Size], grid: Grid, xs: list[float], starts: Starts, clusters: Sequence[Cluster]
) -> tuple[list[float], list[float]]:
    """Return the upper and lower side of each layer, farther apart where arrows go far sideways."""
    opened, closed = [0] * len(grid.layers), [0] * len(grid.layers)
    for cluster in clusters:
        within = [grid.ranks[box] for box in cluster.boxes]
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
        for upper, lower, port, _, _ in [s for entry in layer for s in grid.downs[entry]]:
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
