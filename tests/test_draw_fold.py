"""Large graphs folded into few boxes, scopes in frames, rules, and the backward pass as a graph."""

from __future__ import annotations

import itertools
import re
from contextlib import nullcontext
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.graph import ancestors
from tinygrad_xent.visualization.drawing import Picture, draw
from tinygrad_xent.visualization.drawing.build import MOST_BOXES, build
from tinygrad_xent.visualization.drawing.fold import FOLD_ABOVE, Item, fold_items
from tinygrad_xent.visualization.drawing.layout import Cluster, Link, place
from tinygrad_xent.visualization.drawing.marks import Patch, Sign, Text, edge_labels, layout_of
from tinygrad_xent.visualization.drawing.records import Box, Model
from tinygrad_xent.visualization.drawing.style import RULE, text_width
from tinygrad_xent.visualization.formatting import brief, number

SVG = "{http://www.w3.org/2000/svg}"


def layers(count: int, inner: str = "", outer: str = "net"):
    """A network whose layers are scopes, each with weights of its own."""
    rng = np.random.default_rng(0)
    h = tx.Tensor(rng.normal(size=(4, 3)), name="x")
    with tx.scope(outer) if outer else nullcontext():
        for k in range(1, count + 1):
            with tx.scope(f"layer{k}"):
                weights = tx.Tensor(rng.normal(size=(3, 3)), name=f"W{k}")
                h = h @ weights + tx.Tensor(np.zeros(3), name=f"b{k}")
                if inner:
                    with tx.scope(inner):
                        h = tx.tanh(tx.relu(h))
    loss = h.sum()
    loss.name = "loss"
    return loss


def recurrent(steps: int):
    w, h = tx.Tensor(0.5, name="w"), tx.Tensor(0.0, name="h0")
    for _ in range(steps):
        h = tx.tanh(h * w + tx.Tensor(0.1))
    return h * 1.0


def model(*outputs, **options) -> Model:
    return build(outputs, None, gradients=True, **{"fold": "auto", **options})


def titles(shown: Model) -> list[str]:
    return [box.title for box in shown.boxes]


# -- what is folded --------------------------------------------------------------------------


def test_a_small_graph_stays_as_it_is() -> None:
    shown = model(layers(3))
    assert all(box.members == 1 for box in shown.boxes)
    assert (shown.note, draw(layers(3)).alt.count("olded")) == ("", 0)


def test_scopes_fold_from_the_innermost_outward_until_it_is_small_enough() -> None:
    shown = model(layers(12, "act"))  # 12 × (2 leaves + 4 ops) + 2
    assert len(shown.boxes) == 12 * 5 + 2 - 12 * 4
    assert titles(shown) == ["x", *(f"layer{k}" for k in range(1, 13)), "loss"]
    first = shown.boxes[1]
    assert (first.kind, first.members, first.op) == ("folded", 6, "")
    assert first.caption == "6 tensors folded"
    assert first.details[0].startswith("1 input, 1 output: v6 (4, 3) float64")
    assert first.details[1] == "12 numbers in 2 leaves"
    shallow = model(layers(12, "act"), fold=False)
    leaves = [box.gradient for box in shallow.boxes if box.title in ("W1", "b1")]
    norm = np.sqrt(sum((grad**2).sum() for grad in leaves))
    assert first.details[2] == f"gradient norm {brief(norm)}, of its leaves"
    assert first.value.tolist() == shallow.boxes[6].value.tolist()
    assert first.gradient.tolist() == shallow.boxes[6].gradient.tolist()


def test_no_more_is_folded_than_needed() -> None:
    shown = model(layers(11, "act"))  # innermost scopes alone bring 68 boxes down to 57
    assert sum(title == "act" for title in titles(shown)) == 11
    assert titles(shown)[:6] == ["x", "W1", "v2", "b1", "v4", "act"]
    assert len(shown.boxes) == 57


def test_a_scope_can_be_expanded() -> None:
    for name in ("layer2", "net/layer2"):
        shown = model(layers(20), expand=(name,))
        assert titles(shown)[:6] == ["x", "layer1", "W2", "v6", "b2", "v8"]
        assert titles(shown)[6] == "layer3"
    assert [group.title for group in shown.groups] == ["net", "layer2"]
    message = r"scope 'layer21' .* its scopes: layer1, layer10, .*net$"
    with pytest.raises(errors.ArgumentError, match=message):
        model(layers(20), expand=("layer21",))
    with pytest.raises(errors.ArgumentError, match="fold='no': give \"auto\", True or False"):
        draw(layers(1), fold="no")  # type: ignore[arg-type]


def test_a_scope_that_is_entered_again_makes_two_boxes_and_no_cycle() -> None:
    x = tx.Tensor(1.0, name="x")
    with tx.scope("a"):
        y = tx.tanh(tx.exp(x))
    z = tx.relu(y)
    with tx.scope("a"):
        out = tx.tanh(tx.exp(z))
    shown = model(out * 1.0, fold=True)
    assert titles(shown)[:4] == ["x", "a", "v3", "a (2)"]
    assert [(a.source, a.target) for a in shown.arrows] == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_an_unrolled_loop_folds_by_repetition() -> None:
    shown = model(recurrent(100))
    assert titles(shown) == ["w", "h0", "× 100: multiply, add, tanh", "v402"]
    assert shown.note == "folded: 403 tensors shown as 4 boxes"
    body = shown.boxes[2]
    assert body.members == 400
    assert body.details[1] == "100 numbers in 100 leaves"


def test_a_stack_of_equal_layers_folds_by_repetition() -> None:
    shown = model(layers(80, outer=""))
    assert titles(shown) == ["x", "× 80: layer1 to layer80", "loss"]
    assert shown.boxes[1].members == 320


def neurons(*sizes: int):
    """A network of scalars, as micrograd builds it: neurons one after the other, layer by layer."""
    rng = np.random.default_rng(0)
    values = [tx.Tensor(v) for v in rng.normal(size=sizes[0])]
    for size in sizes[1:]:
        outputs = []
        for _ in range(size):
            total = tx.Tensor(0.0)
            for x in values:
                total = total + x * tx.Tensor(rng.normal())
            outputs.append(tx.tanh(total))
        values = outputs
    return values[0]


@pytest.mark.parametrize(
    "sizes", [(2, 4, 4, 1), (3, 4, 4, 1), (4, 4, 4, 1), (5, 3, 7, 2, 1), (3, 3, 3, 3), (6, 6, 6)]
)
def test_neurons_fold_with_those_of_their_own_layer(sizes) -> None:
    shown = model(neurons(*sizes), fold=True)
    found = [box for box in shown.boxes if re.match("× .*(tanh|ops[)])$", box.title)]
    # Of the last layer one neuron is the output, which keeps its box, and others are not used.
    wanted = [(n, 2 * k + 1) for k, n in itertools.pairwise(sizes[:-1])]
    for box, (n, ops) in zip(found, wanted, strict=False):
        assert box.title.startswith(f"× {n}: multiply, add")
        # A weight and a bias of each are leaves: k and 1 of them.
        assert box.members == n * (ops + (ops - 1) // 2 + 1)
    assert len(found) >= len(wanted)


def test_steps_that_follow_each_other_fold_together() -> None:
    assert "× 12: multiply, add, tanh" in titles(model(recurrent(12), fold=True))


def test_layers_of_layers_do_not_join() -> None:
    # Four side by side, then four that use all of them: two layers, though all ops are alike.
    x = tx.Tensor([0.5, 1.0], name="x")
    first = [tx.tanh(tx.exp(x)) for _ in range(4)]
    total = tx.stack(first).sum(axis=0)
    second = [tx.tanh(tx.exp(total)) for _ in range(4)]
    shown = model(tx.stack(second).sum() * 1.0, fold=True)
    assert [box.members for box in shown.boxes if box.title == "× 4: exp, tanh"] == [8, 8]


def test_a_vanishing_gradient_shows_in_a_folded_box() -> None:
    loss = recurrent(12)
    (box,) = [box for box in model(loss, fold=True).boxes if box.norms]
    tanhs = [node for node in ancestors(loss) if node.op is tx.ops.OPS["tanh"]]
    grads = dict(backpropagate(loss, np.array(1.0)))
    assert box.norms == pytest.approx([abs(float(grads[node])) for node in tanhs])
    assert f"gradient norms: {number(box.norms[0])} first, {number(box.norms[-1])} last" in str(box)
    bars = [m for m in layout_of(box).marks if isinstance(m, Patch) and m.fill == RULE]
    heights = [h for (_, _, _, h) in bars[0].rects]
    assert len(heights) == 12
    assert heights == sorted(heights)
    assert heights[0] < heights[-1] / 5


def test_norms_that_hardly_differ_are_level_and_high() -> None:
    box = Box("f0", "× 2: exp", "folded", np.ones(2), members=4, norms=(0.126, 0.14, 0.159))
    (bars,) = [m for m in layout_of(box).marks if isinstance(m, Patch) and m.fill == RULE]
    heights = [h for *_, h in bars.rects]
    assert min(heights) > 0.9 * max(heights) > 20


@pytest.mark.parametrize(
    "norms", [(0.0, 0.0), (np.nan, 1.0), (np.inf, 1e-300, 0.0), (2.0,) * 500, (1e308, 1e-308)]
)
def test_any_norms_can_be_drawn(norms) -> None:
    box = Box("f0", "× 2: exp", "folded", np.ones(2), members=4, norms=norms)
    layout = layout_of(box)
    (bars,) = [m for m in layout.marks if isinstance(m, Patch) and m.fill == RULE]
    for x, y, w, h in bars.rects:
        assert 0 <= x <= x + w <= layout.width
        assert 0 <= y <= y + h <= layout.height
    assert sum(isinstance(m, Sign) for m in layout.marks) == sum(not np.isfinite(n) for n in norms)


def test_what_does_not_repeat_folds_by_chains() -> None:
    ops = [tx.tanh, tx.relu, tx.sigmoid, tx.abs, tx.negative, tx.exp]
    rng = np.random.default_rng(1)
    x = tx.Tensor(0.5, name="x")
    ends = []
    for _ in range(2):
        y = x
        shift = 1
        for k in rng.integers(0, 6, size=40):
            shift += 1
            y = ops[k](y).reshape((1,) * (shift % 17))
        ends.append(y.reshape(()))
    shown = model(ends[0] * ends[1])
    assert len(shown.boxes) == 4
    assert all(" → … → " in title for title in titles(shown)[1:3])
    assert {(a.source, a.target) for a in shown.arrows} == {(0, 1), (0, 2), (1, 3), (2, 3)}


def items(*sources: tuple[int, ...]) -> list[Item]:
    return [
        Item(f"op{i}", str(i), source, leaf=not source, output=i == len(sources) - 1)
        for i, source in enumerate(sources)
    ]


def test_a_branch_ends_a_chain() -> None:
    units = fold_items(items((), (0,), (1,), (2,), (2,), (4,), (3, 5), (6,)), True, ())
    assert [unit.members for unit in units] == [(0,), (1, 2), (3,), (4, 5), (6,), (7,)]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("limit", ["auto", True])
def test_a_folded_graph_has_every_tensor_once_and_no_arrow_upward(seed: int, limit) -> None:
    rng = np.random.default_rng(seed)
    graph = []
    for i in range(150):
        count = int(rng.integers(0, 3)) if i else 0
        sources = tuple(sorted({int(rng.integers(max(0, i - 9), i)) for _ in range(count)}))
        scope = ("a", "bc"[i // 20 % 2])[: i // 10 % 3]
        op = f"op{rng.integers(3)}"
        graph.append(
            Item(op, f"{op} {len(sources)}", sources, scope, leaf=not sources, output=i == 149)
        )
    units = fold_items(graph, limit, ())
    assert sorted(m for unit in units for m in unit.members) == list(range(150))
    assert len(units) < 150
    at = {m: u for u, unit in enumerate(units) for m in unit.members}
    for i, item in enumerate(graph):
        assert all(at[source] <= at[i] for source in item.sources)
        if item.output:
            assert units[at[i]].members == (i,)


# -- how it says so --------------------------------------------------------------------------


def test_the_picture_says_what_was_folded() -> None:
    picture = draw(layers(20))
    note = "folded: 82 tensors shown as 22 boxes; fold=False shows all"
    assert note in "".join(ET.fromstring(picture.svg).itertext())  # noqa: S314 - our own
    assert f"F{note[1:]}." in picture.alt
    assert "layer1 stands for 4 tensors, computed from x." in picture.alt
    assert str(picture).endswith(f"\n\ngradient: of loss\n{note}")
    assert note in picture.to_dot().source
    assert str(draw(layers(20), gradients=False)).endswith(f"\n\n{note}")
    assert str(draw(layers(70, "act"))).endswith('; expand=("net",) opens a scope')
    opened = model(layers(70, "act"), expand=("layer3",))
    assert "× 67: layer4 to layer70" in titles(opened)
    assert "W3" in titles(opened)
    assert draw(layers(20)).svg == picture.svg


@pytest.mark.parametrize("kind", ["deep", "wide"])
def test_ten_thousand_tensors(kind: str) -> None:
    if kind == "deep":
        x = tx.Tensor(1.0, name="x")
        for _ in range(10_000):
            x = tx.tanh(x)
        picture = draw(x)
        line = str(picture).splitlines()[1]
        assert line.startswith("└─ × 9,999: tanh (")
        assert "9,999 tensors folded" in line
    else:
        leaves = [tx.Tensor(float(i)) for i in range(5000)]
        picture = draw(tx.stack([tx.tanh(leaf) for leaf in leaves]).sum())
        assert len(picture._model.boxes) == 3
    assert len(picture.svg) < 20_000


def test_what_cannot_be_folded_is_an_error_that_says_what_to_do() -> None:
    x = tx.Tensor(1.0)
    rng = np.random.default_rng(2)
    found = [x]
    for _ in range(3 * MOST_BOXES):
        i = int(rng.integers(len(found)))
        found.append([tx.tanh, tx.relu, tx.sigmoid][int(rng.integers(3))](found[-1]) + found[i])
    with pytest.raises(errors.GraphTooLargeError, match=r'folded by .* `with scope\("part"\):`'):
        model(found[-1])
    with pytest.raises(errors.GraphTooLargeError, match=r'let draw fold it \(fold="auto"\)'):
        model(found[-1], fold=False)


def test_fold_true_folds_what_is_small() -> None:
    shown = model(layers(2), fold=True)
    assert titles(shown) == ["x", "net", "loss"]
    assert len(model(layers(2), fold=False).boxes) == 10 < FOLD_ABOVE


# -- frames ----------------------------------------------------------------------------------


def inside(frame, corner, size) -> bool:
    (x, y, w, h), (left, top) = frame, corner
    return x <= left and y <= top and left + size[0] <= x + w and top + size[1] <= y + h


def apart(frame, corner, size) -> bool:
    (x, y, w, h), (left, top) = frame, corner
    return left + size[0] <= x or x + w <= left or top + size[1] <= y or y + h <= top


def test_a_frame_holds_the_boxes_of_its_scope_and_no_other() -> None:
    shown = model(layers(3, "act"))
    assert [(g.title, g.parent) for g in shown.groups] == [
        ("net", -1),
        *((f"layer{k}", 0) for k in (1, 2, 3)),
        *(("act", k) for k in (1, 2, 3)),
    ]
    names = [[shown.boxes[i].title for i in group.boxes] for group in shown.groups]
    assert names[1] == ["W1", "v2", "b1", "v4", "v5", "v6"]
    assert names[4] == ["v5", "v6"]
    layouts = [layout_of(box) for box in shown.boxes]
    sizes = [(f.width, f.height) for f in layouts]
    ports = [max(len(box.ports), 1) for box in shown.boxes]
    links = [Link(a.source, a.target, a.port, ports[a.target]) for a in shown.arrows]
    clusters = [Cluster(g.boxes, g.parent, 60.0) for g in shown.groups]
    placed = place(sizes, links, clusters)
    assert len(placed.frames) == 7
    for group, frame in zip(shown.groups, placed.frames, strict=True):
        for i, (corner, size) in enumerate(zip(placed.corners, sizes, strict=True)):
            check = inside if i in group.boxes else apart
            assert check(frame, corner, size), (group.title, shown.boxes[i].title)
        x, y, w, h = frame
        assert min(x, y) >= 0
        assert x + w <= placed.width + 0.01
        assert y + h <= placed.height + 0.01
        if group.parent >= 0:
            assert inside(placed.frames[group.parent], (x, y), (w, h))
    picture = Picture(shown)
    written = {
        g.get("id"): "".join(g.find(f"{SVG}text").itertext())
        for g in ET.fromstring(picture.svg).iter(f"{SVG}g")  # noqa: S314 - our own
        if re.fullmatch(r"s\d", g.get("id") or "")
    }
    assert list(written.values()) == [group.title for group in shown.groups]
    assert picture.svg == Picture(model(layers(3, "act"))).svg


def test_a_leaf_of_a_scope_that_others_use_first_stays_outside() -> None:
    with tx.scope("a"):
        w = tx.Tensor(2.0, name="w")
    y = w * 3.0
    with tx.scope("a"):
        z = y * w
    shown = model(z * 1.0)
    assert [[shown.boxes[i].title for i in g.boxes] for g in shown.groups] == [["v2"]]


def test_scopes_are_clusters_in_dot_and_their_names_text() -> None:
    with tx.scope('<b>&\\N"'):
        y = tx.exp(tx.Tensor(1.0))
    source = draw(y * 1.0).to_dot().source
    (body,) = re.findall(r"subgraph cluster0 \{(.*?)\t\}", source, re.DOTALL)
    # In DOT an ampersand begins an entity, a backslash an escape, and a quotation mark ends it.
    assert r'label="<b>&amp;\\N\""' in body
    assert re.findall(r"^\t\t(n\d) ", body, re.MULTILINE) == ["n0", "n1"]


# -- rules and what flowed ---------------------------------------------------------------------


def three():
    x, y = tx.Tensor(2.0, name="x"), tx.Tensor([3.0, 1.0], name="y")
    z = x * y
    z.name = "z"
    w = tx.exp(z * 0.1)
    w.name = "w"
    return (w * z).sum()


def written(picture: Picture) -> list[str]:
    root = ET.fromstring(picture.svg)  # noqa: S314 - our own
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_rules_stand_in_the_boxes_with_the_names_of_the_tensors() -> None:
    shown = written(draw(three()))
    for rule in ("∂x = Σ y ∂z", "∂y = x ∂z", "∂z = 0.1 ⋅ ∂v3", "∂v3 = w ∂w", "∂w = z ∂v5"):
        assert rule in shown
    assert "∂x = Σ y ∂z" not in written(draw(three(), rules=False))
    assert "∂x = Σ y ∂z" in draw(three(), rules=False).svg  # the tooltip has it


def test_what_flowed_stands_beside_the_arrows_as_backpropagate_sends_it() -> None:
    output = three()
    sent = []

    def observe(node, i, result, contribution, total) -> None:
        sent.append(f"↑ {brief(contribution)}".replace("-", "−"))

    list(backpropagate(output, observe=observe))
    shown = [text for text in written(draw(output)) if text[0] == "↑" and "gradient" not in text]
    assert len(sent) == 7
    assert sorted(shown) == sorted(sent)


def test_the_sum_that_undoes_broadcasting_is_drawn() -> None:
    v, b = tx.Tensor([[1.0, 2.0], [3.0, 4.0]], name="v"), tx.Tensor([5.0, 6.0], name="b")
    picture = draw((v * b).sum())
    assert {"∂v = b ∂v2", "∂b = Σ_rows v ∂v2"} <= set(written(picture))
    assert "↑ [4 6]" in written(picture)
    told = "gradient sent back: [[1 2] [3 4]] summed to [4 6]\n∂b = Σ_rows v ∂v2</title>"
    assert told in picture.svg


def test_every_contribution_is_written_however_many_there_are() -> None:
    x = tx.Tensor([1.25, 2.5], name="x")
    with tx.scope("a frame"):
        y = tx.stack([x] * 24)
    shown = model(y.sum() + x.sum(), rules=True)
    picture = Picture(shown)
    labels = [text for text in written(picture) if text[0] == "↑" and "sent" not in text]
    assert len(labels) == 24 + 1 + 1 + 1 + 1
    width = float(ET.fromstring(picture.svg).get("width"))  # noqa: S314 - our own
    for text in ET.fromstring(picture.svg).iter(f"{SVG}text"):  # noqa: S314 - our own
        if (text.text or "").startswith("↑ ["):
            assert -16 <= float(text.get("x")) < width - 16


def test_a_picture_is_as_wide_as_what_is_written_beside_its_arrows() -> None:
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    p = tx.softmax(z)
    loss = tx.sparse_categorical_crossentropy(0, p)
    picture = draw(loss, names={"p": p, "loss": loss})
    assert written(picture).count("↑ [−0.341 0.242 0.0986]") == 2
    recorded = Path(__file__).parent.parent / "docs" / "_static" / "first.svg"
    texts = re.findall("<text.*?</text>", recorded.read_text(encoding="utf-8"))
    assert sorted(re.sub("<[^>]*>", "", text) for text in texts) == sorted(written(picture)), (
        "draw it again: draw(loss, names=...).save('docs/_static/first.svg')"
    )


def test_rules_are_left_out_of_graphs_with_more_than_twenty_boxes() -> None:
    x = tx.Tensor(0.5, name="x")
    for _ in range(19):
        x = tx.tanh(x)
    assert any(text.startswith("∂x =") for text in written(draw(x)))
    y = tx.tanh(x)
    assert not any(text.startswith(("∂x =", "↑")) for text in written(draw(y)))
    assert any(text.startswith("∂x =") for text in written(draw(y, rules=True)))


def test_what_flowed_is_written_over_nothing() -> None:
    shown = model(layers(3, "act"), rules=True)
    layouts = [layout_of(box) for box in shown.boxes]
    sizes = [(f.width, f.height) for f in layouts]
    ports = [max(len(box.ports), 1) for box in shown.boxes]
    links = [Link(a.source, a.target, a.port, ports[a.target]) for a in shown.arrows]
    placed = place(sizes, links, [Cluster(g.boxes, g.parent, 60.0) for g in shown.groups])
    labels = [mark for mark in edge_labels(shown, layouts, placed) if isinstance(mark, Text)]
    assert len(labels) == sum(bool(arrow.short_contribution) for arrow in shown.arrows)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(placed.corners, sizes, strict=True)]
    for label in labels:
        place_of = (label.x, label.y - 9, label.x + text_width(label.text, label.size), label.y + 3)
        for left, top, right, bottom in boxes:
            beside = place_of[0] >= right or place_of[2] <= left
            assert beside or place_of[1] >= bottom or place_of[3] <= top
        boxes.append(place_of)


# -- the backward pass as a graph ----------------------------------------------------------------


def test_in_the_backward_graph_of_cross_entropy_p_minus_t_is_a_box() -> None:
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    labels = np.array([1.0, 0.0, 0.0])
    loss = tx.softmax_cross_entropy_with_logits(labels=labels, logits=z, name="L")
    picture = draw(loss, names={"t": labels}, backward=True)
    boxes = {box.title: box for box in picture._model.boxes}
    assert boxes["L"].kind == "forward"
    (difference,) = [box for box in boxes.values() if box.op == "softmax_minus_labels"]
    assert (difference.kind, difference.expression) == ("backward", "p − t")
    wanted = tx.gradients(loss, z)
    assert difference.value.tolist() == pytest.approx(wanted.tolist())
    assert boxes["∂z"].value.tolist() == wanted.tolist()
    assert boxes["∂z"].output
    assert boxes["∂L"].value == 1
    assert boxes["t"].kind == "constant"
    assert {"op of the forward pass", "op of the backward pass"} <= set(written(picture))
    assert z.grad is None


def test_the_backward_graph_names_each_gradient_after_its_tensor() -> None:
    x, y = tx.Tensor(2.0, name="x"), tx.Tensor(3.0)
    product = x * y
    boxes = {b.title: b for b in draw(product, names={"a b": y}, backward=True)._model.boxes}
    assert boxes["∂x"].value == 3
    assert boxes["∂(a b)"].value == 2
    assert boxes["∂v2"].value == 1


def test_the_backward_graph_is_that_of_one_tensor() -> None:
    x = tx.Tensor(2.0)
    with pytest.raises(errors.ArgumentError, match="of one output, got 2"):
        draw(x * 1.0, x * 2.0, backward=True)
    with pytest.raises(errors.NotRecordedError, match="draw takes Tensors, got float"):
        draw(2.0, backward=True)


# -- the first bad number ------------------------------------------------------------------------


def test_the_box_that_made_the_first_bad_number_says_so() -> None:
    z = tx.Tensor([0.0, -800.0], name="z")
    with np.errstate(all="ignore"):
        bad = -(tx.log(tx.softmax(z)) * np.array([0.0, 1.0])).sum()
    picture = draw(bad)
    assert [box.op for box in picture._model.boxes if box.warning] == ["log"]
    assert "✗ first −inf here" in written(picture)
    assert "First −inf here: v2." in picture.alt
    assert "✗ first −inf here" in str(picture)
    assert "first −inf here" in picture.to_dot().source


def test_a_bad_number_of_the_backward_pass_and_in_a_folded_box() -> None:
    x = tx.Tensor(0.0, name="x")
    with np.errstate(all="ignore"):
        y = tx.sqrt(x) * 1.0
        (box,) = [box for box in model(y).boxes if box.warning]
        assert (box.op, box.warning) == ("sqrt", "first inf of the backward pass sent from here")
        z = tx.Tensor(-1.0)
        for _ in range(100):
            z = tx.log(z)
        (box,) = [box for box in model(z * 1.0).boxes if box.warning]
    assert (box.members, box.warning) == (100, "first NaN here")
    assert not any(box.warning for box in model(three()).boxes)


# -- names, dark pages ---------------------------------------------------------------------------


def test_names_may_be_all_that_a_notebook_has() -> None:
    _hidden = x = tx.Tensor([1.0, 2.0])
    junk, text, nothing, module = object(), "x", None, np
    square = x * x
    assert [box.title for box in build((square,), locals(), gradients=True).boxes] == [
        "x",
        "square",
    ]


def test_on_a_dark_page_the_picture_is_a_white_card() -> None:
    (style,) = re.findall(r'style="([^"]+)"', draw(three())._repr_mimebundle_()["text/html"])
    assert "background:#fff" in style
    assert "border-radius" in style


def test_a_contribution_stands_beside_its_own_arrow() -> None:
    x, y = tx.Tensor([1.0, 2.0], name="x"), tx.Tensor([3.0, 5.0], name="y")
    shown = model((x * y).sum(), rules=True)
    layouts = [layout_of(box) for box in shown.boxes]
    links = [Link(a.source, a.target, a.port, 2 - (a.target == 3)) for a in shown.arrows]
    placed = place([(f.width, f.height) for f in layouts], links)
    labels = [mark for mark in edge_labels(shown, layouts, placed) if isinstance(mark, Text)]
    assert [mark.text for mark in labels] == ["↑ [3 5]", "↑ [1 2]", "↑ [1 1]"]
    for label, route in zip(labels, placed.routes, strict=True):
        right = label.x + text_width(label.text, label.size)
        nearest = min(max(label.x - x, x - right) for x, _ in route)
        assert nearest <= 6, label.text
