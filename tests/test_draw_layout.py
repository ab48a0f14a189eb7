"""Where boxes and arrows go."""

from __future__ import annotations

import itertools
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_xent.visualization.drawing.layout import (
    MOST_CHAINS,
    Cluster,
    Grid,
    Link,
    Placement,
    grid_of,
    order,
    place,
    port_x,
)

SIZES = st.tuples(st.integers(60, 300), st.integers(40, 200))


@st.composite
def graphs(draw: st.DrawFn, most: int = 24) -> tuple[list[tuple[int, int]], list[Link]]:
    sizes = draw(st.lists(SIZES, min_size=1, max_size=most))
    links = []
    for target in range(1, len(sizes)):
        sources = draw(st.lists(st.integers(0, target - 1), max_size=4))
        links += [Link(s, target, port, len(sources)) for port, s in enumerate(sources)]
    return sizes, links


def bezier(points, steps: int = 12):
    """Points on a route."""
    for i in range(0, len(points) - 1, 3):
        p = points[i : i + 4]
        for k in range(steps + 1):
            t = k / steps
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            yield tuple(
                sum(w * q[axis] for w, q in zip(weights, p, strict=True)) for axis in (0, 1)
            )


def check_boxes(sizes, placed: Placement, apart: float) -> None:
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(placed.corners, sizes, strict=True)]
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert left >= -0.01
        assert top >= -0.01
        assert right <= placed.width + 0.01
        assert bottom <= placed.height + 0.01
        for other_left, other_top, other_right, other_bottom in boxes[:i]:
            beside = left >= other_right + apart or other_left >= right + apart
            assert beside or top >= other_bottom + apart or other_top >= bottom + apart


def check_ends(sizes, links, placed: Placement, tolerance: float) -> None:
    for link, route in zip(links, placed.routes, strict=True):
        (x, y), (w, h) = placed.corners[link.source], sizes[link.source]
        start_x, start_y = route[0]
        inside = x - tolerance <= start_x <= x + w + tolerance
        assert inside
        assert y - tolerance <= start_y <= y + h + tolerance
        sides = [abs(start_x - x), abs(start_x - x - w), abs(start_y - y - h)]
        assert min(sides) <= tolerance, "starts within the box"
        (x, y), (w, _) = placed.corners[link.target], sizes[link.target]
        assert route[-1] == pytest.approx((x + port_x(w, link.port, link.ports), y), abs=tolerance)


@given(graphs())
def test_boxes_never_touch_and_arrows_end_at_their_ports(graph) -> None:
    sizes, links = graph
    placed = place(sizes, links)
    check_boxes(sizes, placed, apart=11.9)
    check_ends(sizes, links, placed, 0.01)
    for link in links:
        assert placed.corners[link.source][1] < placed.corners[link.target][1]


@given(graphs(14))
@settings(max_examples=40)
def test_arrows_pass_beside_boxes(graph) -> None:
    sizes, links = graph
    placed = place(sizes, links)
    for route in placed.routes:
        for x, y in bezier(route):
            assert -0.01 <= x <= placed.width + 0.01
            for (left, top), (w, h) in zip(placed.corners, sizes, strict=True):
                across = left + 0.01 < x < left + w - 0.01
                assert not (across and top + 0.01 < y < top + h - 0.01)


def test_a_tree_has_no_crossings_and_stands_upright() -> None:
    sizes = [(100, 60)] * 7
    links = [Link(i, 4 + i // 2, i % 2, 2) for i in range(4)]
    links += [Link(4, 6, 0, 2), Link(5, 6, 1, 2)]
    xs = [x for x, _ in place(sizes, links).corners]
    assert xs[:4] == sorted(xs[:4])
    assert xs[4] < xs[6] < xs[5]


def crossings(grid: Grid) -> int:
    count = 0
    for layer in grid.layers:
        place_of = {entry: i for i, entry in enumerate(layer)}
        segments = [
            (place_of[s.upper], below.index(s.lower) + s.port)
            for below in grid.layers
            for entry in layer
            for s in grid.downs[entry]
            if s.lower in below
        ]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(segments, 2))
    return count


def ordered(count: int, links: list[Link]) -> int:
    grid = grid_of([(80.0, 40.0)] * count, links)
    order(grid)
    return crossings(grid)


def numbered(count: int, edges: list[tuple[int, int]]) -> list[Link]:
    """Number the ends of edges so that arrows go upward, and a target's sources from the left."""
    missing = [0] * count
    for _, target in edges:
        missing[target] += 1
    ready = [box for box in range(count) if not missing[box]]
    for box in ready:
        for source, target in edges:
            if source == box:
                missing[target] -= 1
                if not missing[target]:
                    ready.append(target)
    number = {box: i for i, box in enumerate(ready)}
    links = []
    for target in ready:
        above = [source for source, end in edges if end == target]
        links += [Link(number[s], number[target], i, len(above)) for i, s in enumerate(above)]
    return links


@pytest.mark.parametrize("seed", range(30))
def test_no_tree_has_crossings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 50))
    edges = [(i, int(rng.integers(i + 1, min(count, i + 9)))) for i in range(count - 1)]
    mixed = [edges[i] for i in rng.permutation(len(edges))]
    assert ordered(count, numbered(count, mixed)) == 0


@pytest.mark.parametrize("seed", range(30))
def test_what_splits_and_joins_has_no_crossings(seed: int) -> None:
    """Graphs made from one arrow by putting a box into an arrow, or two boxes side by side.

    They can be drawn without crossings, except where arrows share a chain of bends.
    """
    rng = np.random.default_rng(seed)
    edges, count = [(0, 1)], 2
    while count < 20:
        i = int(rng.integers(len(edges)))
        source, target = edges[i]
        if sum(s == source for s, _ in edges) == MOST_CHAINS or rng.random() < 0.5:
            edges[i : i + 1] = [(source, count), (count, target)]
            count += 1
        else:
            left, right = count, count + 1
            edges[i : i + 1] = [(source, left), (left, target), (source, right), (right, target)]
            count += 2
    assert ordered(count, numbered(count, edges)) == 0


def test_a_numbering_that_crosses_is_untangled() -> None:
    rows = 8
    # Two trees whose leaves are numbered in turns.
    links = [Link(i, rows + i % 2 + 2 * (i // 4), (i // 2) % 2, 2) for i in range(rows)]
    links += [Link(rows, rows + 4, 0, 2), Link(rows + 2, rows + 4, 1, 2)]
    links += [Link(rows + 1, rows + 5, 0, 2), Link(rows + 3, rows + 5, 1, 2)]
    grid = grid_of([(80.0, 40.0)] * 14, links)
    assert crossings(grid) > 0
    order(grid)
    assert crossings(grid) == 0


def test_ordering_removes_most_crossings_and_never_adds_any() -> None:
    before = after = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        links = []
        for target in range(1, 25):
            sources = rng.integers(max(0, target - 8), target, size=rng.integers(4))
            links += [Link(int(s), target, i, len(sources)) for i, s in enumerate(sources)]
        grid = grid_of([(80.0, 40.0)] * 25, links)
        first = crossings(grid)
        order(grid)
        assert crossings(grid) <= first
        before, after = before + first, after + crossings(grid)
    assert after < 0.4 * before


def test_the_main_path_hardly_drifts_towards_the_leaves_beside_it() -> None:
    links = []
    for op in range(2, 13, 2):
        links += [Link(max(op - 2, 0), op, 0, 2), Link(op - 1, op, 1, 2)]
    xs = [x for x, _ in place([(100, 60)] * 13, links).corners]
    assert xs[12] - xs[0] < 260


def test_what_simply_follows_stands_in_one_line() -> None:
    sizes = [(80, 40), (160, 40), (50, 90), (120, 40), (70, 40)]
    links = [Link(0, 1), Link(1, 2), Link(2, 3), Link(3, 4, 0, 2), Link(0, 4, 1, 2)]
    corners = place(sizes, links).corners
    centres = [x + w / 2 for (x, _), (w, _) in zip(corners, sizes, strict=True)]
    assert centres[1] == pytest.approx(centres[2]) == pytest.approx(centres[3])


def test_leaves_stand_just_above_their_use() -> None:
    chain = [Link(i, i + 1) for i in range(5)]
    links = [*chain, Link(5, 7, 0, 2), Link(6, 7, 1, 2)]
    ys = [y for _, y in place([(80, 40)] * 8, links).corners]
    assert ys[6] == ys[5]


def test_leaves_hang_low_and_results_in_the_middle_of_their_layer() -> None:
    links = [Link(0, 1), Link(1, 4, 0, 3), Link(2, 4, 1, 3), Link(3, 4, 2, 3)]
    sizes = [(80, 40), (80, 40), (80, 100), (80, 40), (80, 40)]
    ys = [y for _, y in place(sizes, links).corners]
    assert ys[1] + 20 == ys[2] + 50
    assert ys[3] + 40 == ys[2] + 100


def test_an_arrow_leaves_its_layer_before_it_turns() -> None:
    links = [Link(0, 1), Link(0, 2), Link(0, 3)]
    links += [Link(i, 4, i - 1, 3) for i in (1, 2, 3)]
    sizes = [(60, 40), (60, 40), (60, 300), (700, 40), (60, 40)]
    placed = place(sizes, links)
    (left, top), (w, h) = placed.corners[2], sizes[2]
    for x, y in bezier(placed.routes[3]):
        assert not (left < x < left + w and top < y < top + h)
    assert max(x for x, _ in placed.routes[3]) > left, "the case is too easy"


def test_boxes_stand_in_the_middle_of_what_they_are_connected_to() -> None:
    links = [Link(0, 4, 0, 2), Link(1, 4, 1, 2), Link(2, 5, 0, 2), Link(3, 5, 1, 2)]
    sizes = [(120, 40), (60, 40), (200, 40), (90, 40), (50, 40), (70, 40)]
    corners = place(sizes, links).corners
    centres = [x + w / 2 for (x, _), (w, _) in zip(corners, sizes, strict=True)]
    assert centres[4] == pytest.approx((centres[0] + centres[1]) / 2, abs=3)
    assert centres[5] == pytest.approx((centres[2] + centres[3]) / 2, abs=3)


def test_an_arrow_is_straight_where_its_end_is_below_its_start() -> None:
    links = [Link(0, 2, 0, 2), Link(1, 2, 1, 2), Link(2, 3)]
    placed = place([(120, 40)] * 4, links)
    assert [len({x for x, _ in route}) for route in placed.routes] == [1, 1, 1]


def test_arrows_from_one_box_start_apart_in_the_order_of_their_ends() -> None:
    links = [Link(0, i) for i in (1, 2, 3)] + [Link(i, 4, i - 1, 3) for i in (1, 2, 3)]
    placed = place([(60, 40)] * 5, links)
    starts = [route[0][0] for route in placed.routes[:3]]
    ends = [route[-1][0] for route in placed.routes[:3]]
    pairs = sorted(zip(ends, starts, strict=True))
    assert all(b - a >= 12 for (_, a), (_, b) in itertools.pairwise(pairs))


@pytest.mark.parametrize(("uses", "lanes"), [(3, 3), (4, 1)])
def test_many_long_arrows_of_one_box_share_a_way(uses: int, lanes: int) -> None:
    chain = [Link(0, 1)]
    for i in range(2, 2 * uses + 2):
        if i % 2:
            chain += [Link(i - 1, i, 0, 2), Link(0, i, 1, 2)]
        else:
            chain += [Link(i - 1, i)]
    placed = place([(80, 40)] * (2 * uses + 2), chain)
    long = [r for link, r in zip(chain, placed.routes, strict=True) if link.source == 0][1:]
    assert len(long) == uses
    level = placed.corners[2][1] + 20
    assert len({round(x) for r in long for x, y in lines(r) if abs(y - level) < 1.5}) == lanes


def lines(route):
    """Points on a route, the straight pieces included, each unit of height."""
    for (x0, y0), (x1, y1) in itertools.pairwise(bezier(route)):
        for step in range(int(y1 - y0) + 1):
            yield (x0 + (x1 - x0) * step / max(y1 - y0, 1), y0 + step)


def test_no_arrow_runs_through_the_title_of_a_frame() -> None:
    # Box 3 pushes the arrow from 0 to 4 to the left, over the title if that stayed at the side.
    links = [Link(0, 1), Link(1, 2), Link(2, 4, 0, 2), Link(3, 4, 1, 2), Link(4, 5)]
    sizes = [(120, 40), (120, 40), (120, 40), (300, 40), (300, 40), (80, 40)]
    clusters = [Cluster((3, 4), -1, 90.0)]
    placed = place(sizes, links, clusters)
    ((left, top, _, _),) = placed.frames
    passing = [x for r in placed.routes for x, y in lines(r) if top + 2 < y < top + 18]
    assert passing
    assert not [x for x in passing if left + 8 < x < left + 10 + 90]


def test_order_of_ports_decides_the_order_of_boxes() -> None:
    sizes = [(80, 40)] * 4
    links = [Link(2, 3, 0, 3), Link(0, 3, 1, 3), Link(1, 3, 2, 3)]
    xs = [x for x, _ in place(sizes, links).corners]
    assert xs[2] < xs[0] < xs[1]


def test_long_arrows_that_would_need_too_many_bends_go_around() -> None:
    count = 300
    sizes = [(80.0, 40.0)] * count
    links = [Link(i - 1, i) for i in range(1, count - 1)]
    links += [Link(i, count - 1, i, count - 1) for i in range(count - 1)]
    placed = place(sizes, links)
    check_boxes(sizes, placed, apart=11.9)
    check_ends(sizes, links, placed, 0.01)
    around = [
        r for r in placed.routes if max(x for x, _ in r) > max(x for x, _ in placed.corners) + 80
    ]
    assert around
    assert all(a[1] <= b[1] + 0.01 for r in around for a, b in itertools.pairwise(r))


def test_ten_thousand_boxes_do_not_recurse() -> None:
    links = [Link(i - 1, i) for i in range(1, 10_000)]
    placed = place([(80.0, 40.0)] * 10_000, links)
    assert len({x for x, _ in placed.corners}) == 1


def test_the_same_graph_has_the_same_places() -> None:
    sizes = [(60 + 7 * (i % 5), 40 + 3 * (i % 4)) for i in range(60)]
    links = [Link(i * 7 % t, t, i, 3) for t in range(1, 60) for i in range(3)]
    assert place(sizes, links) == place(list(sizes), list(links))


def test_nothing_at_all() -> None:
    assert place([], []) == Placement(0.0, 0.0, (), ())
