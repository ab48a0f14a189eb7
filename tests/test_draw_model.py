"""What a picture shows: boxes and arrows, before anything is placed."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from random_graphs import random_graph

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.visualization.drawing.build import MOST_BOXES, build, expression
from tinygrad_xent.visualization.drawing.records import Arrow, Box, Model
from tinygrad_xent.visualization.formatting import plain


def model(*outputs, names=None, gradients=True) -> Model:
    return build(outputs, names, gradients=gradients)


def boxed(shown: Model) -> dict[str, Box]:
    return {box.title: box for box in shown.boxes}


def test_a_product_as_a_model() -> None:
    x, y = tx.Tensor(2.0, name="x"), tx.Tensor(3.0)
    shown = model(x * y)
    assert shown == Model(
        boxes=(
            Box("n0", "x", "leaf", None),
            Box("n1", "v1", "leaf", None),
            Box(
                "n2",
                "v2",
                "op",
                None,
                expression="x × v1",
                op="multiply",
                ports=("x", "y"),
                formula=tx.multiply.formula,
                letters={"z": "v2", "x": "x", "y": "v1"},
                output=True,
            ),
        ),
        arrows=(
            Arrow(0, 2, 0, "x", tx.multiply.rule_formulas[0], "3"),
            Arrow(1, 2, 1, "y", tx.multiply.rule_formulas[1], "2"),
        ),
        seed="output",
    )
    assert [box.value.item() for box in shown.boxes] == [2, 3, 6]
    assert [box.gradient.item() for box in shown.boxes] == [3, 2, 1]


def test_contributions_stand_on_the_arrows_and_their_sum_in_the_box() -> None:
    x = tx.Tensor([1.0, 2.0], name="x")
    shown = model((x * x).sum())
    assert [arrow.contribution for arrow in shown.arrows] == ["[1 2]", "[1 2]", "[1 1]"]
    assert boxed(shown)["x"].gradient.tolist() == [2, 4]


def test_arrays_are_constants_with_one_box_however_often_they_are_used() -> None:
    x, data = tx.Tensor(np.ones(3), name="x"), np.arange(3.0)
    shown = model((x * data + data).sum())
    assert [(box.id, box.title, box.kind) for box in shown.boxes][:2] == [
        ("c0", "array", "constant"),
        ("n0", "x", "leaf"),
    ]
    from_data = [arrow for arrow in shown.arrows if arrow.source == 0]
    assert [arrow.label for arrow in from_data] == ["y", "y"]
    assert [(arrow.contribution, arrow.rule) for arrow in from_data] == [("", "")] * 2
    assert [arrow.dashed for arrow in shown.arrows] == [False, True, False, True, False]
    assert boxed(shown)["array"].gradient is None


def test_small_constants_and_parameters_are_written_into_the_box() -> None:
    x = tx.Tensor(np.ones((2, 3)), name="x")
    shown = boxed(model(((x * 0.1) ** np.array(2.0)).sum(axis=(0, 1))))
    assert (shown["v1"].expression, shown["v1"].details) == ("x × 0.1", ("y = 0.1",))
    assert (shown["v1"].ports, shown["v2"].details) == ((), ("n = 2",))
    assert (shown["v3"].expression, shown["v3"].details) == ("Σ(v2)", ("axis = (0, 1)",))


def test_defaults_go_without_saying_but_an_axis_does_not() -> None:
    x = tx.Tensor(np.ones((2, 3)), name="x")
    assert boxed(model(x.sum(keepdims=True)))["v1"].details == ("keepdims = True",)
    assert boxed(model(x.sum()))["v1"].details == ()
    assert boxed(model(tx.softmax(x)))["v1"].details == ("axis = -1",)


def test_an_index_reads_as_code() -> None:
    x = tx.Tensor(np.ones((4, 5, 6)))
    (line,) = boxed(model(x[1:, ..., ::2]))["v1"].details
    assert line == "index = (1:, ..., ::2)"
    (line,) = boxed(model(x.astype(np.float32)))["v1"].details
    assert line == "dtype = float32"


def test_an_input_that_was_left_out_is_not_shown() -> None:
    box = boxed(model(tx.Tensor(3.0, name="x").clip(max=2.0)))["v1"]
    assert (box.expression, box.details) == ("clip(x, 2)", ("max = 2",))


def test_class_labels_are_a_constant_named_after_the_input() -> None:
    z = tx.Tensor([[2.0, 1.0, 0.1], [0.0, 1.0, 0.0]], name="z")
    shown = boxed(model(tx.sparse_softmax_cross_entropy(np.array([0, 1]), z)))
    assert shown["labels"].kind == "constant"
    loss = shown["v1"]
    assert (loss.kind, loss.ports) == ("fused", ("labels", "logits"))
    assert loss.caption == "fused op · (2,) float64"


def test_an_op_whose_word_says_something_gives_a_constant_its_title() -> None:
    p, t = tx.Tensor([0.5, 0.5], name="p"), np.array([1.0, 0.0])
    assert "labels" in boxed(model(tx.crossentropy(p, t) + (p * t).sum()))
    assert "labels" in boxed(model((p * t).sum() + tx.crossentropy(p, t)))


def test_a_softmax_that_was_looked_through_stands_aside() -> None:
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    p = tx.softmax(z)
    p.name = "p"
    shown = model(tx.sparse_categorical_crossentropy(0, p))
    boxes = boxed(shown)
    assert boxes["p"].kind == "aside"
    assert boxes["p"].gradient is None
    way = [(shown.boxes[a.source].title, shown.boxes[a.target].title) for a in shown.arrows]
    assert way == [("z", "p"), ("z", "v2"), ("p", "v2"), ("v2", "v3")]
    assert [arrow.dashed for arrow in shown.arrows] == [True, False, True, False]
    assert shown.arrows[2].label == "looked through"
    # Used by something else as well, it is an op like others.
    both = model(tx.sparse_categorical_crossentropy(0, p) + p.sum())
    assert boxed(both)["p"].kind == "op"
    (aside,) = [arrow for arrow in both.arrows if arrow.label == "looked through"]
    assert aside.dashed


def test_names_of_variables_go_before_the_tensors_own() -> None:
    x, data = tx.Tensor(np.ones(2), name="input"), np.ones(2)
    y = x * data
    shown = model(y, names={"_": y, "square": y, "again": y, "data": data, "x": x, "n": 2})
    assert [box.title for box in shown.boxes] == ["data", "x", "square"]


def test_a_sum_seeds_what_is_no_scalar() -> None:
    x = tx.Tensor([1.0, 2.0])
    shown = model(x * 3.0)
    assert shown.seed == "sum"
    assert shown.boxes[0].gradient.tolist() == [3, 3]


@pytest.mark.parametrize("case", ["not wanted", "integers", "several outputs", "empty"])
def test_without_gradients(case: str) -> None:
    x = tx.Tensor([1.0, 2.0])
    outputs = (x * 2.0, x * 3.0) if case == "several outputs" else (x * 2.0,)
    if case == "integers":
        outputs = (tx.Tensor([1, 2]),)
    if case == "empty":
        outputs = (x[:0],)
    shown = model(*outputs, gradients=case != "not wanted")
    assert shown.seed == ""
    assert all(box.gradient is None for box in shown.boxes)
    assert len(shown.outputs) == len(outputs)


@pytest.mark.parametrize("seed", range(0, 60, 7))
def test_a_record_is_plain_data(seed: int) -> None:
    shown = build((random_graph(seed),), None, gradients=True, rules=True)
    told = json.loads(json.dumps(asdict(shown), default=plain, allow_nan=False))
    assert [box["title"] for box in told["boxes"]] == [box.title for box in shown.boxes]
    for box, facts in zip(shown.boxes, told["boxes"], strict=True):
        assert facts["value"] == plain(box.value)
        assert facts["gradient"] == (None if box.gradient is None else plain(box.gradient))
    arrows = [(a["source"], a["target"], a["contribution"]) for a in told["arrows"]]
    assert arrows == [(a.source, a.target, a.contribution) for a in shown.arrows]


def test_drawing_leaves_the_graph_alone() -> None:
    x = tx.Tensor(3.0)
    y = x * x
    y.backward()
    model(y)
    assert x.grad == 6


def test_a_backward_pass_through_nan_and_inf_warns_of_nothing() -> None:
    x = tx.Tensor([0.0, -1.0])
    with np.errstate(all="ignore"):
        y = tx.log(x) * 0.0
    assert np.isnan(boxed(model(y))["v0"].gradient[0])


def test_what_is_no_tensor_cannot_be_drawn() -> None:
    with pytest.raises(errors.NotRecordedError, match=r"nothing to draw: pass a Tensor, as in"):
        model()
    with pytest.raises(errors.NotRecordedError, match=r"takes Tensors, got ndarray.*Wrap the inp"):
        model(np.ones(2))


def test_a_graph_too_large_for_a_picture_says_so_and_what_to_do() -> None:
    x = tx.Tensor(1.0)
    for _ in range(MOST_BOXES - 1):
        x = x + 1.0
    assert len(model(x).boxes) == MOST_BOXES
    message = rf"has {MOST_BOXES + 1} tensors, .* {MOST_BOXES} at most: draw an earlier tensor"
    with pytest.raises(errors.GraphTooLargeError, match=message):
        model(x + 1.0)


@pytest.mark.parametrize(
    ("symbol", "arguments", "text"),
    [
        ("+", ["a", "b"], "a + b"),
        ("−", ["a"], "−a"),
        ("σ", ["a"], "σ(a)"),
        ("|x|", ["a"], "|a|"),
        ("exp(x)−1", ["a"], "exp(a)−1"),
        ("clip", ["a", "", "2"], "clip(a, 2)"),
        ("where", ["a", "b", "c"], "where"),
        ("softmax + cross-entropy", ["t", "z"], "softmax + cross-entropy"),
        ("@", ["a_name_of_some_length", "another_name"], "a_name…gth @ anothe…ame"),
        ("×", ["long_" * 12, "0.123456789"], "long_l…ng_ × 0.123456789"),
        ("σ", ["w" * 60], "σ(wwwwww…www)"),
        ("×", ["z > 0", "v1"], "(z > 0) × v1"),
        ("|x|", [r"\1"], r"|\1|"),
    ],
)
def test_expressions(symbol: str, arguments: list[str], text: str) -> None:
    assert expression(symbol, arguments) == text
