"""The trace: both passes, step by step."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.visualization.formatting import plain
from tinygrad_xent.visualization.tracing import Backward, Forward, Trace, trace


def network():
    rng = np.random.default_rng(0)
    x = tx.Tensor(rng.normal(size=(2, 4)), name="x")
    w = tx.Tensor(rng.normal(size=(4, 3)), name="w")
    b = tx.Tensor(rng.normal(size=3), name="b")
    logits = x @ w + b
    logits.name = "logits"
    loss = tx.sparse_categorical_crossentropy([0, 2], tx.softmax(logits)).sum()
    loss.name = "loss"
    return loss, x, w, b, logits


def test_one_event_per_contribution_with_running_totals():
    x = tx.Tensor(3.0, name="x")
    events = trace(x * x + x).backward
    assert [(e.name, e.to_name, e.input, e.position) for e in events] == [
        ("v2", "v1", "x", 0),
        ("v2", "x", "y", 1),
        ("v1", "x", "x", 0),
        ("v1", "x", "y", 1),
    ]
    assert [float(e.incoming) for e in events] == [1, 1, 1, 1]
    assert [float(e.sent) for e in events] == [1, 1, 3, 3]
    assert [float(e.total) for e in events] == [1, 1, 4, 7]
    assert [e.text for e in events] == ["∂v1 = ∂v2", "∂x = ∂v2", "∂x = x ∂v1", "∂x = x ∂v1"]


def test_forward_events():
    x = tx.Tensor(2.0, name="x")
    t = trace(x * 5.0)
    first, second = t.forward
    assert (first.op, first.inputs, first.formula, first.text) == ("", (), "", "")
    assert (second.op, second.inputs, second.text) == ("multiply", ("x", "5"), "v1 = x ⋅ 5")
    assert second.value == 10
    assert [e.step for e in t] == [1, 2, 3]
    assert [type(e) for e in t] == [Forward, Forward, Backward]


def test_totals_are_the_gradients():
    loss, *tensors = network()
    t = trace(loss)
    for tensor, gradient in zip(tensors, tx.gradients(loss, tensors), strict=True):
        np.testing.assert_array_equal(t.gradient(tensor), gradient)
    assert t.gradient(loss) == 1
    softmax = next(e.tensor for e in t.forward if e.op == "softmax")
    assert t.gradient(softmax) is None, "the loss looked through it"


def test_what_is_sent_has_the_shape_of_who_receives():
    loss, _, _, b, _ = network()
    (event,) = [e for e in trace(loss).backward if e.to is b]
    assert event.incoming.shape == (2, 3)
    assert event.sent.shape == event.total.shape == (3,)
    np.testing.assert_allclose(event.sent, event.incoming.sum(axis=0))


def test_events_hold_copies_and_the_graph_is_left_alone():
    x = tx.Tensor([1.0, 2.0], name="x")
    y = (x + 1).sum()
    t = trace(y)
    before = t.gradient(x).copy(), t.forward[0].value.copy()
    x.data[:] = 7
    for event in t.backward:
        event.total[...] = 9
        assert not np.any(event.sent == 9), "what arrived first is not the same array as the total"
    assert (before[1] == t.forward[0].value).all()
    assert x.grad is None
    assert y.grad is None
    with pytest.raises(AttributeError):
        t[0].step = 3


def test_wrt_limits_the_backward_pass():
    loss, x, w, b, logits = network()
    assert {e.to_name for e in trace(loss, logits).backward} >= {"logits"}
    assert not {"x", "w", "b"} & {e.to_name for e in trace(loss, logits).backward}
    only = {e.to_name for e in trace(loss, [x, b]).backward}
    assert "x" in only
    assert "b" in only
    assert "w" not in only
    assert len(trace(loss, w).forward) == len(trace(loss).forward)


def test_seed():
    x = tx.Tensor([1.0, 2.0], name="x")
    y = x * x
    with pytest.raises(errors.NotScalarError):
        trace(y)
    for seed in ([1.0, 10.0], tx.Tensor([1.0, 10.0])):
        t = trace(y, seed=seed)
        np.testing.assert_array_equal(t.gradient(x), [2, 40])
        assert "the weighted sum of v1" in str(t)
    with pytest.raises(errors.NotRecordedError):
        trace(3.0)


def test_selecting_by_tensor():
    loss, x, _, _, logits = network()
    part = trace(loss).of(logits)
    assert isinstance(part, Trace)
    assert {e.name for e in part.forward} == {"logits"}
    assert all(e.tensor is logits or e.to is logits for e in part.backward)
    assert len(part.backward) == 3
    stranger = tx.Tensor([1.0, 2.0], name="stranger")
    for ask in (trace(loss).of, trace(loss).gradient):
        with pytest.raises(errors.NotInGraphError) as caught:
            ask(stranger)
        assert str(caught.value).startswith(
            "tensor 'stranger' of shape (2,) is not part of the graph of loss; the trace has x, w, "
        )
        with pytest.raises(errors.NotInGraphError, match="a str is not part"):
            ask("x")
    assert len(trace(x.sum()).of(x)) == 2


def test_slices_are_traces():
    t = trace(network()[0])
    assert isinstance(t[2:5], Trace)
    assert [e.step for e in t[2:5]] == [3, 4, 5]
    assert t[-1].step == len(t)
    assert repr(t[:1]) == "<Trace of loss: 1 forward, 0 backward>"
    assert "Backward" not in str(t[:1])
    assert "Forward" not in str(t[-1:])


def test_the_sum_that_undoes_broadcasting_is_written() -> None:
    rng = np.random.default_rng(0)
    v = tx.Tensor(rng.normal(size=(4, 5)), name="v")
    leaves = {
        "b": (5,), "c": (4, 1), "s": (), "one": (1, 1), "same": (4, 5), "flat": (1, 4, 5),
    }  # fmt: skip
    found = {}
    for name, shape in leaves.items():
        x = tx.Tensor(rng.normal(size=shape), name=name)
        event = next(e for e in trace((v - x).sum()).backward if e.to is x)
        np.testing.assert_allclose(event.sent, -np.full(shape, 20 / x.size))
        found[name] = event.text.replace("v2", "z"), event.summed_over
    assert found == {
        "b": ("∂b = Σ_rows (−∂z)", "rows"),
        "c": ("∂c = Σ_columns (−∂z)", "columns"),
        "s": ("∂s = Σ (−∂z)", "all entries"),
        "one": ("∂one = Σ (−∂z)", "all entries"),
        "same": ("∂same = −∂z", ""),
        "flat": ("∂flat = −∂z", ""),
    }
    w = tx.Tensor(rng.normal(size=(2, 3)), name="w")
    t = trace((tx.Tensor(rng.normal(size=(4, 2, 3)), name="x") * w).sum())
    (event,) = [e for e in t.backward if e.to is w]
    assert event.text == "∂w = Σ_(axis 0) x ∂v2"
    np.testing.assert_array_equal(event.unsummed.sum(axis=0), event.sent)
    assert "24 entries summed to 6 entries" in str(t)
    assert "24 entries summed to 6 entries" in t._repr_html_()


def test_a_rule_that_sums_by_itself_is_not_said_to_be_summed() -> None:
    @tx.op
    def shift(x, b):
        """Add a row: $z = x + b$."""
        return x + b

    @shift.backward
    def shift_backward(grad, z, x, b):
        r"""$\bar x = \bar z$ and $\bar b = \sum_n \bar z_n$"""
        return grad, grad.sum(axis=0)

    b = tx.Tensor(np.ones(3), name="b")
    (event,) = [e for e in trace(shift(np.ones((2, 3)), b).sum()).backward if e.to is b]
    assert event.text == "∂b = Σₙ ∂v1ₙ"
    assert event.unsummed is None


def test_to_dict_is_plain_json_and_complete():
    loss, *_ = network()
    t = trace(loss)
    found = json.loads(json.dumps(t.to_dict(), allow_nan=False))
    assert (found["format"], found["version"], found["output"]) == (
        "tinygrad_xent trace",
        1,
        "loss",
    )
    assert found["seed"] == 1.0
    assert found["tensors"][0] == {"name": "x", "shape": [2, 4], "dtype": "float64", "op": None}
    assert len(found["events"]) == len(t)
    forward, backward = found["events"][3], found["events"][-1]
    common = {"step", "phase", "tensor", "op", "letters"}
    assert set(forward) == common | {"inputs", "formula", "value"}
    assert forward["formula"] == "Z = X Y"
    assert forward["letters"] == {"Z": "v3", "X": "x", "Y": "w"}
    sending = {"rule", "incoming", "to", "input", "position", "sent", "total"}
    assert set(backward) == common | sending
    np.testing.assert_array_equal(backward["total"], t[-1].total)


def test_numbers_that_json_does_not_have():
    assert plain([1.0, np.nan, np.inf, -np.inf]) == [1.0, "nan", "inf", "-inf"]
    assert plain(np.float32(np.nan)) == "nan"
    assert plain(np.array([[1, 2]])) == [[1, 2]]
    assert plain([0.1]) == [0.1]
    x = tx.Tensor([0.0], name="x")
    with np.errstate(all="ignore"):
        found = trace(tx.log(x).sum()).to_dict()
    json.dumps(found, allow_nan=False)
    assert found["events"][1]["value"] == ["-inf"]
    assert found["events"][-1]["total"] == ["inf"]


def test_constants_are_named_by_the_op():
    z = tx.Tensor([1.0, 2.0], name="z")
    loss = tx.softmax_cross_entropy_with_logits(labels=[0.5, 0.5], logits=z)
    assert trace(loss).forward[-1].inputs == ("labels", "z")
    y = tx.Tensor([1.0, 2.0], name="y")
    event = trace((y * np.array([3.0, 4.0])).sum()).forward[1]
    assert event.inputs == ("y", "array"), "not to be confused with the tensor y"
    assert "∂y = array ∂v1" in str(trace((y * np.array([3.0, 4.0])).sum()))
    assert trace(tx.clip(y, 0.0).sum()).forward[1].inputs == ("y", "0", "")


def test_deep_graphs_and_many_names():
    x = tx.Tensor(1.0, name="x")
    y = x
    for _ in range(3000):
        y = y * 1.0
    t = trace(y)
    assert len(t) == 6001
    assert t[-1].total == 1
    assert str(t).count("\n") == 3000 * 3 + 5


def test_text():
    loss, *_ = network()
    text = str(trace(loss))
    assert "8     loss" not in text
    assert "∂logits = ∂v7" in text.replace("∂v6", "∂v7")
    assert "looked" not in text
    lines = text.splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert max(map(len, lines)) <= 110
    assert lines[0] == "Forward"
    assert any(line.startswith("loss (sum) has ∂loss = 1") for line in lines)
