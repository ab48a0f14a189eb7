"""The layout of graphs as people draw them: nothing in the way of anything, and few crossings."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.visualization.drawing import Picture, draw
from tinygrad_xent.visualization.drawing.layout import Cluster, Link, Placement, place
from tinygrad_xent.visualization.drawing.marks import layout_of
from tinygrad_xent.visualization.drawing.style import text_width

SVG = "{http://www.w3.org/2000/svg}"


def first() -> Picture:
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    return draw(tx.sparse_categorical_crossentropy(0, tx.softmax(z)))


def mlp() -> Picture:
    rng = np.random.default_rng(0)
    shapes = {"x": (4, 3), "W1": (3, 5), "b1": (5,), "W2": (5, 2), "b2": (2,)}
    x, w1, b1, w2, b2 = (tx.Tensor(rng.normal(size=s), name=n) for n, s in shapes.items())
    h = tx.relu(x @ w1 + b1)
    labels, logits = np.array([0, 1, 1, 0]), h @ w2 + b2
    return draw(tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits).mean())


def batch_norm() -> Picture:
    x = tx.Tensor(np.random.default_rng(0).normal(size=(4, 3)), name="x")
    gain, bias = tx.Tensor(np.ones(3), name="gain"), tx.Tensor(np.zeros(3), name="bias")
    mean = x.mean(axis=0)
    d = x - mean
    var = (d * d).mean(axis=0)
    y = gain * (d / tx.sqrt(var + 1e-5)) + bias
    return draw((y * y).sum())


def attention() -> Picture:
    rng = np.random.default_rng(0)
    x = tx.Tensor(rng.normal(size=(3, 4)), name="x")
    q, k, v = (x @ tx.Tensor(rng.normal(size=(4, 4)), name=f"W{n}") for n in "qkv")
    scores = q @ k.T / 2.0
    masked = tx.where(np.tril(np.ones((3, 3), bool)), scores, -1e9)
    return draw(((tx.softmax(masked) @ v) + x).sum())


def rnn() -> Picture:
    rng = np.random.default_rng(0)
    w, u, b = (
        tx.Tensor(rng.normal(size=s), name=n)
        for n, s in (("W", (2, 2)), ("U", (2, 2)), ("b", (2,)))
    )
    h = tx.Tensor(np.zeros((1, 2)), name="h0")
    for t in range(5):
        h = tx.tanh(tx.Tensor(rng.normal(size=(1, 2)), name=f"x{t}") @ u + h @ w + b)
    return draw(h.sum())


def diamond() -> Picture:
    x = tx.Tensor(0.5, name="x")
    return draw(tx.exp(x) * tx.tanh(x))


def wide_sum() -> Picture:
    parts = [tx.Tensor(float(i), name=f"x{i}") for i in range(12)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return draw(tx.stack([part * 2.0 for part in parts]).sum() + total)


def backward() -> Picture:
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    w = tx.Tensor(np.eye(3), name="w")
    labels = np.array([1.0, 0.0, 0.0])
    loss = tx.softmax_cross_entropy_with_logits(labels=labels, logits=z @ w)
    return draw(loss, backward=True)


def by_hand() -> Picture:
    rng = np.random.default_rng(0)
    logits = tx.Tensor(rng.normal(size=(4, 3)), name="logits")
    m = logits.max(axis=1, keepdims=True)
    norm = logits - m
    counts = tx.exp(norm)
    total = counts.sum(axis=1, keepdims=True)
    inv = total**-1.0
    probs = counts * inv
    logprobs = tx.log(probs)
    return draw(-logprobs[np.arange(4), np.array([0, 2, 1, 0])].mean())


def chain() -> Picture:
    x = tx.Tensor(0.5, name="x")
    for i in range(18):
        x = tx.tanh(x) if i % 2 else tx.exp(-x)
    return draw(x, fold=False)


def residual() -> Picture:
    rng = np.random.default_rng(0)
    h = tx.Tensor(rng.normal(size=(2, 3)), name="x")
    for k in range(4):
        w, v = (tx.Tensor(rng.normal(size=(3, 3)), name=f"{n}{k}") for n in "WV")
        h = h + tx.relu(h @ w) @ v
    return draw(h.sum())


def four_uses() -> Picture:
    x = tx.Tensor([1.0, 2.0], name="x")
    a = x * x
    return draw((a * tx.exp(x) + tx.log(x) / a + x).sum())


def hessian() -> Picture:
    x, y = tx.Tensor(1.5, name="x"), tx.Tensor(0.5, name="y")
    f = tx.exp(x * y) + x**3
    g = tx.gradients(f, x, create_graph=True)
    return draw(tx.gradients(g, y, create_graph=True))


def folded() -> Picture:
    rng = np.random.default_rng(0)
    h = tx.Tensor(rng.normal(size=(2, 3)), name="x")
    for k in range(50):
        with tx.scope(f"block{k // 10}"), tx.scope(f"layer{k}"):
            w = tx.Tensor(rng.normal(size=(3, 3)), name=f"W{k}")
            b = tx.Tensor(np.zeros(3), name=f"b{k}")
            h = h + tx.relu(tx.tanh(h @ w + b))
    return draw(h.sum())


def scopes() -> Picture:
    rng = np.random.default_rng(0)
    h = x = tx.Tensor(rng.normal(size=(4, 3)), name="x")
    with tx.scope("net"):
        for k in range(1, 4):
            with tx.scope(f"layer{k}"):
                w = tx.Tensor(rng.normal(size=(3, 3)), name=f"W{k}")
                h = h @ w + tx.Tensor(np.zeros(3), name=f"b{k}")
                with tx.scope("act"):
                    h = tx.tanh(tx.relu(h))
    return draw((h + x).sum())


# Where two arrows of different boxes cross, as the eye counts: arrows that share a way cross once.
CROSSINGS = {
    first: 0,
    mlp: 0,
    batch_norm: 0,
    attention: 2,
    rnn: 8,
    diamond: 0,
    wide_sum: 12,
    backward: 1,
    by_hand: 0,
    chain: 0,
    residual: 0,
    four_uses: 2,
    hessian: 3,
    folded: 0,
    scopes: 0,
}
Problem = tuple[Picture, list[tuple[float, float]], list[Link], Placement]
of_each = pytest.mark.parametrize("graph", CROSSINGS, ids=lambda graph: graph.__name__)


@pytest.fixture(scope="module")
def placed() -> dict[object, Problem]:
    found: dict[object, Problem] = {}
    for graph in CROSSINGS:
        picture = graph()
        model = picture._model
        sizes = [(f.width, f.height) for f in map(layout_of, model.boxes)]
        ports = [max(len(box.ports), 1) for box in model.boxes]
        links = [Link(a.source, a.target, a.port, ports[a.target]) for a in model.arrows]
        clusters = [Cluster(g.boxes, g.parent, 60.0) for g in model.groups]
        found[graph] = picture, sizes, links, place(sizes, links, clusters)
    return found


def pieces(route) -> list[tuple[float, float, float, float]]:
    """A route as straight pieces: those that are, and eight for each curve."""
    result = []
    for i in range(0, len(route) - 1, 3):
        p = np.array(route[i : i + 4])
        t = np.linspace(0, 1, 2 if len(set(p[:, 0])) == 1 else 9)[:, None]
        points = (1 - t) ** 3 * p[0] + 3 * t * (1 - t) ** 2 * p[1]
        points += 3 * t * t * (1 - t) * p[2] + t**3 * p[3]
        result += [(*a, *b) for a, b in pairwise(points)]
    return result


def meetings(one, other) -> np.ndarray:
    """Return the points in which two lists of straight pieces cross."""
    a, b = np.array(one)[:, None, :], np.array(other)[None, :, :]
    r, s, d = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2], b[..., :2] - a[..., :2]
    with np.errstate(all="ignore"):
        area = r[..., 0] * s[..., 1] - r[..., 1] * s[..., 0]
        t = (d[..., 0] * s[..., 1] - d[..., 1] * s[..., 0]) / area
        u = (d[..., 0] * r[..., 1] - d[..., 1] * r[..., 0]) / area
    cross = (t > 0) & (t <= 1) & (u > 0) & (u <= 1)
    i, j = np.nonzero(cross)
    return a[i, 0, :2] + t[i, j, None] * r[i, 0]


@of_each
def test_no_more_arrows_cross_than_they_did(graph, placed) -> None:
    _, _, links, placement = placed[graph]
    ways = [pieces(route) for route in placement.routes]
    seen: list[tuple[frozenset[int], np.ndarray]] = []
    for i, j in combinations(range(len(links)), 2):
        boxes = frozenset((links[i].source, links[j].source))
        for point in meetings(ways[i], ways[j]) if len(boxes) == 2 else ():
            if all(boxes != b or np.hypot(*(point - p)) > 5 for b, p in seen):
                seen.append((boxes, point))
    assert len(seen) <= CROSSINGS[graph]


@of_each
def test_no_arrow_runs_into_a_box(graph, placed) -> None:
    _, sizes, _, placement = placed[graph]
    points = np.array([p[k : k + 2] for r in placement.routes for p in pieces(r) for k in (0, 2)])
    for (x, y), (w, h) in zip(placement.corners, sizes, strict=True):
        inside = (points > (x + 0.01, y + 0.01)) & (points < (x + w - 0.01, y + h - 0.01))
        assert not inside.all(axis=1).any()


@of_each
def test_boxes_stand_apart_and_frames_hold_their_own(graph, placed) -> None:
    picture, sizes, _, placement = placed[graph]
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(placement.corners, sizes, strict=True)]
    for a, b in combinations(boxes, 2):
        assert max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3]) >= 11.9
    for group, (x, y, w, h) in zip(picture._model.groups, placement.frames, strict=True):
        for i, (left, top, right, bottom) in enumerate(boxes):
            within = x < left and right < x + w and y < top and bottom < y + h
            beside = right < x or x + w < left or bottom < y or y + h < top
            assert within if i in group.boxes else beside


@of_each
def test_all_that_is_written_lies_in_the_picture(graph, placed) -> None:
    root = ET.fromstring(placed[graph][0].svg)  # noqa: S314 - our own
    width, height = float(root.get("width")), float(root.get("height"))

    def check(element: ET.Element, x: float, y: float) -> int:
        moved = re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\)", element.get("transform", ""))
        if moved:
            x, y = x + float(moved[1]), y + float(moved[2])
        found = 0
        if element.tag == f"{SVG}text":
            size = float(element.get("font-size"))
            span = element.find(f"{SVG}tspan")
            wide = text_width(span.text, size, bold=True) if span is not None else 0.0
            tail = (element.text or "") + (span.tail or "" if span is not None else "")
            wide += text_width(tail, size)
            left = x + float(element.get("x"))
            left -= wide * {"middle": 0.5, "end": 1}.get(element.get("text-anchor"), 0)
            assert left >= 0
            assert left + wide <= width
            assert size <= y + float(element.get("y")) <= height
            found = 1
        return found + sum(check(child, x, y) for child in element)

    assert check(root, 0.0, 0.0) > 5


@of_each
def test_twice_the_same_is_the_same(graph, placed) -> None:
    assert graph().svg == placed[graph][0].svg


# -- chains ----------------------------------------------------------------------------------------


def corners_of(picture) -> list[tuple[float, float, float, float]]:
    """Left, top, width and height of each box, in order of the graph."""
    found = re.findall(
        r'<g id="[nc]\d+" transform="translate\(([\d.]+) ([\d.]+)\)">\n<title>[^<]*</title>\n'
        r'<rect width="([\d.]+)" height="([\d.]+)"',
        picture.svg,
    )
    return [tuple(map(float, place)) for place in found]


@pytest.mark.parametrize("rules", [True, False])
@pytest.mark.parametrize("data", [2.0, [0.5, -1.0, 2.0], np.ones((2, 2)), np.zeros(0)])
def test_a_chain_goes_from_left_to_right(data, rules) -> None:
    x = tx.Tensor(data, name="x")
    picture = tx.draw(tx.tanh(tx.exp(x)), rules=rules)
    boxes = corners_of(picture)
    assert len(boxes) == 3
    for (x0, y0, w0, h0), (x1, y1, _, h1) in pairwise(boxes):
        assert x0 + w0 + 30 <= x1
        assert y0 + h0 / 2 == pytest.approx(y1 + h1 / 2, abs=0.2)
    assert ("← gradient sent back" in picture.svg) == (rules and np.size(data) > 0)
    assert "↑" not in picture.svg


def test_what_flowed_back_along_a_chain_stands_clear_of_the_boxes() -> None:
    x = tx.Tensor([0.123456, -1.23456e-5, 2.5], name="x")
    picture = tx.draw(tx.exp(tx.sin(x)))
    boxes = corners_of(picture)
    labels = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>(← [^<]*\])<', picture.svg)
    assert len(labels) == 2
    for text_x, _, text in labels:
        right = float(text_x) + text_width(text, 9)
        for left, _, width, _ in boxes:
            assert right <= left or float(text_x) >= left + width


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x * x,  # two arrows between the same boxes
        lambda x: tx.exp(x) + tx.Tensor([1.0, 2.0]),
        lambda x: [x := tx.tanh(x) for _ in range(30)][-1],  # no page is so wide
    ],
)
def test_what_is_no_chain_or_a_long_one_stands_upright(make) -> None:
    boxes = corners_of(tx.draw(make(tx.Tensor([0.5, 1.0], name="x"))))
    assert all(y0 < y1 for (_, y0, _, _), (_, y1, _, _) in pairwise(boxes[-2:]))


def test_a_chain_in_a_scope_has_its_frame() -> None:
    with tx.scope("layer"):
        y = tx.tanh(tx.exp(tx.Tensor(1.0)))
    boxes = corners_of(tx.draw(y))
    assert 'id="s0"' in tx.draw(y).svg
    assert boxes[0][1] < boxes[1][1] < boxes[2][1]
