"""Where boxes and arrows go."""

from __future__ import annotations

import itertools
import os
import shlex
import stat
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_xent.drawing.layout import Link, Placement, dot, place
from tinygrad_xent.drawing.layout.geometry import port_x
from tinygrad_xent.drawing.layout.layers import Grid, grid_of
from tinygrad_xent.drawing.layout.order import order

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
def test_plain_boxes_never_touch_and_arrows_end_at_their_ports(graph) -> None:
    sizes, links = graph
    placed = place(sizes, links, "plain")
    assert placed.engine == "plain"
    check_boxes(sizes, placed, apart=11.9)
    check_ends(sizes, links, placed, 0.01)
    for link in links:
        assert placed.corners[link.source][1] < placed.corners[link.target][1]


@given(graphs(14))
@settings(max_examples=40)
def test_plain_arrows_pass_beside_boxes(graph) -> None:
    sizes, links = graph
    placed = place(sizes, links, "plain")
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
    xs = [x for x, _ in place(sizes, links, "plain").corners]
    assert xs[:4] == sorted(xs[:4])
    assert xs[4] < xs[6] < xs[5]


def crossings(grid: Grid) -> int:
    count = 0
    for layer in grid.layers:
        place_of = {entry: i for i, entry in enumerate(layer)}
        segments = [
            (place_of[s.upper], below.index(s.lower) + s.fraction)
            for below in grid.layers
            for entry in layer
            for s in grid.downs[entry]
            if s.lower in below
        ]
        count += sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(segments, 2))
    return count


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
    xs = [x for x, _ in place([(100, 60)] * 13, links, "plain").corners]
    assert xs[12] - xs[0] < 260


def test_what_simply_follows_stands_in_one_line() -> None:
    sizes = [(80, 40), (160, 40), (50, 90), (120, 40), (70, 40)]
    links = [Link(0, 1), Link(1, 2), Link(2, 3), Link(3, 4, 0, 2), Link(0, 4, 1, 2)]
    corners = place(sizes, links, "plain").corners
    centres = [x + w / 2 for (x, _), (w, _) in zip(corners, sizes, strict=True)]
    assert centres[1] == pytest.approx(centres[2]) == pytest.approx(centres[3])


def test_leaves_stand_just_above_their_use() -> None:
    chain = [Link(i, i + 1) for i in range(5)]
    links = [*chain, Link(5, 7, 0, 2), Link(6, 7, 1, 2)]
    ys = [y for _, y in place([(80, 40)] * 8, links, "plain").corners]
    assert ys[6] == ys[5]


def test_leaves_hang_low_and_results_in_the_middle_of_their_layer() -> None:
    links = [Link(0, 1), Link(1, 4, 0, 3), Link(2, 4, 1, 3), Link(3, 4, 2, 3)]
    sizes = [(80, 40), (80, 40), (80, 100), (80, 40), (80, 40)]
    ys = [y for _, y in place(sizes, links, "plain").corners]
    assert ys[1] + 20 == ys[2] + 50
    assert ys[3] + 40 == ys[2] + 100


def test_an_arrow_leaves_its_layer_before_it_turns() -> None:
    links = [Link(0, 1), Link(0, 2), Link(0, 3)]
    links += [Link(i, 4, i - 1, 3) for i in (1, 2, 3)]
    sizes = [(60, 40), (60, 40), (60, 300), (700, 40), (60, 40)]
    placed = place(sizes, links, "plain")
    (left, top), (w, h) = placed.corners[2], sizes[2]
    for x, y in bezier(placed.routes[3]):
        assert not (left < x < left + w and top < y < top + h)
    assert max(x for x, _ in placed.routes[3]) > left, "the case is too easy"


def test_boxes_stand_in_the_middle_of_what_they_are_connected_to() -> None:
    links = [Link(0, 4, 0, 2), Link(1, 4, 1, 2), Link(2, 5, 0, 2), Link(3, 5, 1, 2)]
    sizes = [(120, 40), (60, 40), (200, 40), (90, 40), (50, 40), (70, 40)]
    corners = place(sizes, links, "plain").corners
    centres = [x + w / 2 for (x, _), (w, _) in zip(corners, sizes, strict=True)]
    assert centres[4] == pytest.approx((centres[0] + centres[1]) / 2, abs=3)
    assert centres[5] == pytest.approx((centres[2] + centres[3]) / 2, abs=3)


def test_order_of_ports_decides_the_order_of_boxes() -> None:
    sizes = [(80, 40)] * 4
    links = [Link(2, 3, 0, 3), Link(0, 3, 1, 3), Link(1, 3, 2, 3)]
    xs = [x for x, _ in place(sizes, links, "plain").corners]
    assert xs[2] < xs[0] < xs[1]


def test_long_arrows_that_would_need_too_many_bends_go_around() -> None:
    count = 300
    sizes = [(80.0, 40.0)] * count
    links = [Link(i - 1, i) for i in range(1, count - 1)]
    links += [Link(i, count - 1, i, count - 1) for i in range(count - 1)]
    placed = place(sizes, links, "plain")
    check_boxes(sizes, placed, apart=11.9)
    check_ends(sizes, links, placed, 0.01)
    around = [
        r for r in placed.routes if max(x for x, _ in r) > max(x for x, _ in placed.corners) + 80
    ]
    assert around
    assert all(a[1] <= b[1] + 0.01 for r in around for a, b in itertools.pairwise(r))


def test_ten_thousand_boxes_do_not_recurse() -> None:
    links = [Link(i - 1, i) for i in range(1, 10_000)]
    placed = place([(80.0, 40.0)] * 10_000, links, "plain")
    assert len({x for x, _ in placed.corners}) == 1


def test_the_same_graph_has_the_same_places() -> None:
    sizes = [(60 + 7 * (i % 5), 40 + 3 * (i % 4)) for i in range(60)]
    links = [Link(i * 7 % t, t, i, 3) for t in range(1, 60) for i in range(3)]
    assert place(sizes, links, "plain") == place(list(sizes), list(links), "plain")


def test_nothing_at_all() -> None:
    assert place([], []) == Placement("plain", 0.0, 0.0, (), ())


# -- Graphviz --------------------------------------------------------------------------------


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any Graphviz; gives an empty folder that is the PATH."""
    empty_path(monkeypatch, tmp_path)
    return tmp_path


def empty_path(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.delenv(dot.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(dot.sysconfig, "get_path", lambda _: str(folder))


def script(path: Path, body: str) -> Path:
    body_file = path.with_suffix(".py")
    body_file.write_text(body)  # not behind a shebang: those take no path with a space
    path.write_text(
        f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(body_file))}\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


GRAPH = ([(100, 60)] * 3, [Link(0, 2, 0, 2), Link(1, 2, 1, 2)])


@given(graphs())
@settings(max_examples=25, deadline=None)
def test_graphviz_boxes_never_touch_and_arrows_end_at_their_ports(graph) -> None:
    sizes, links = graph
    placed = place(sizes, links)
    assert placed.engine == "graphviz-pure" or placed.engine.startswith("dot")
    check_boxes(sizes, placed, apart=2)
    check_ends(sizes, links, placed, 2.0)


def test_without_graphviz_the_plain_layout_does_it(no_graphviz: Path) -> None:
    assert list(dot.executables()) == []
    assert place(*GRAPH) == place(*GRAPH, "plain")


@pytest.mark.parametrize(
    "body",
    [
        "raise SystemExit(1)",
        "print('no json')",
        "print('{}')",
        "print('[1, 2]')",
        'print(\'{"bb": "0,0,1", "objects": []}\')',
        'print(\'{"bb": "0,0,1,1", "objects": [{"name": "n0", "pos": "1,1"}]}\')',
    ],
)
def test_a_broken_program_is_passed_over(
    body: str, no_graphviz: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(dot.VARIABLE, str(script(no_graphviz / "broken", body)))
    assert place(*GRAPH).engine == "plain"


@pytest.mark.parametrize("named", ["/no/such/program", os.devnull, "."])
def test_a_name_that_leads_nowhere_is_passed_over(
    named: str, no_graphviz: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(dot.VARIABLE, named)
    assert list(dot.executables()) == [named]
    assert place(*GRAPH).engine == "plain"


def test_a_program_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = next(dot.executables())
    empty_path(monkeypatch, tmp_path)
    body = f"import os, time; time.sleep(2); os.execv({real!r}, ['dot', '-Tjson0'])"
    slow = script(tmp_path / "dot", body)
    assert list(dot.executables()) == [str(slow)]
    assert place(*GRAPH).engine == "dot"
    monkeypatch.setattr(dot, "TIMEOUT", 0.2)
    assert place(*GRAPH).engine == "plain"


def test_a_program_that_says_it_failed_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = next(dot.executables())
    empty_path(monkeypatch, tmp_path)
    body = f"import subprocess; subprocess.run([{real!r}, '-Tjson0'])\nraise SystemExit({{}})"
    script(tmp_path / "dot", body.format(0))
    assert place(*GRAPH).engine == "dot"
    script(tmp_path / "dot", body.format(1))
    assert place(*GRAPH).engine == "plain"


def test_the_named_program_comes_first(no_graphviz: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [script(no_graphviz / name, "") for name in ("mine", "dot", "graphviz-pure")]
    monkeypatch.setenv(dot.VARIABLE, str(paths[0]))
    assert list(dot.executables()) == [str(path) for path in paths]
    monkeypatch.setenv(dot.VARIABLE, "dot")  # found on the PATH, and asked once
    assert list(dot.executables()) == [str(path) for path in paths[1:]]
