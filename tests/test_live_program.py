"""The list of calls behind a page that computes; the browser tests run it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.ops import OPS
from tinygrad_xent.visualization.live.program import program_of
from tinygrad_xent.visualization.live.recorded import FACTS


def calls(program):
    return [entry["op"] for entry in program.entries if "op" in entry]


def leaf(program, name):
    (found,) = [x for x in program.leaves if x.name == name]
    return found


def vector():
    return tx.Tensor([1.0, -2.0, 3.0], name="x")


def test_a_list_has_the_forward_pass_and_then_the_backward_pass() -> None:
    x = vector()
    program = program_of(tx.exp(x).sum())
    assert calls(program) == ["exp", "sum", "broadcast_to", "multiply"]
    assert program.names[x] == "x"
    assert program.tensors[x] == 0
    assert program.entries[0] == {"data": [1.0, -2.0, 3.0], "shape": [3], "dtype": "float64"}
    assert program.unknown == []


def test_each_number_that_an_entry_names_comes_before_it() -> None:
    x = vector()
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=np.array([1]), logits=x[None] * 2.0)
    program = program_of((loss.sum() + (x * x).sum()).sum())
    for k, entry in enumerate(program.entries):
        assert all(i < k for i in entry.get("in", []))
        assert "op" not in entry or entry["op"] in {*OPS, *FACTS}


def test_a_value_used_twice_has_two_contributions_and_a_running_total() -> None:
    x = tx.Tensor(3.0, name="x")
    program = program_of(x * x)
    first, second = program.events
    assert (first.tensor, first.i, first.to) == (program.tensors[program_output(program)], 0, 0)
    assert first.total == first.contribution
    assert program.entries[second.total]["in"] == [first.contribution, second.contribution]
    assert program.gradients[x] == second.total


def program_output(program):
    return list(program.tensors)[-1]


def test_constants_can_be_changed_and_are_named_after_where_they_go() -> None:
    x, targets = vector(), np.array([0.0, 1.0, 0.0])
    y = x * targets
    loss = ((y - targets) ** 2).sum() / 3
    program = program_of(loss, names={"targets": targets, "y": y})
    names = {x.name: x.constant for x in program.leaves}
    assert names == {"x": False, "targets": True, "n of v3": True, "y of v5": True}
    number = leaf(program, "targets").number
    assert [n for n in program.constants.values() if n == number] == [number, number]


def test_a_plain_number_takes_the_dtype_that_it_takes_in_the_call() -> None:
    x = tx.Tensor(np.array([1.0, 2.0], np.float32), name="x")
    program = program_of((x * 2 + 0.1).sum())
    constants = [program.entries[leaf.number] for leaf in program.leaves if leaf.constant]
    assert [entry["dtype"] for entry in constants] == ["float32", "float32"]
    assert all(entry.get("dtype") == "float32" for entry in program.entries if "op" in entry)


def test_what_is_not_finite_is_json() -> None:
    x = tx.Tensor([np.nan, np.inf, -np.inf, -0.0], name="x")
    text = json.dumps(program_of((x * 1.0).sum()).to_dict(), allow_nan=False)
    data = json.loads(text)["entries"][0]["data"]
    assert data[:3] == ["nan", "inf", "-inf"]
    assert str(data[3]) == "-0.0"


def test_masks_and_shares_are_calls() -> None:
    x = tx.Tensor([[1.0, 5.0], [5.0, 2.0]], name="x")
    for y in (tx.relu(x), abs(x), tx.maximum(x, 2.0), x.clip(0, 4), x.max(), x.min(axis=0)):
        program = program_of(y.sum())
        assert set(FACTS) & set(calls(program))
        assert "where" in calls(program)
        assert all(e["dtype"] != "bool" for e in program.entries if "data" in e)  # none is frozen
    assert "sum" in calls(program)  # how many are equal to the smallest


def test_class_numbers_in_an_index_follow() -> None:
    labels = tx.Tensor(np.array([0, 1]), name="labels")
    x = tx.Tensor([[1.0, 5.0], [5.0, 2.0]], name="x")
    program = program_of(-tx.log_softmax(x)[np.arange(2), labels].sum())
    number = leaf(program, "labels").number
    indices = [e["with"]["index"] for e in program.entries if "index" in e.get("with", {})]
    assert len(indices) == 2  # of getitem and of its rule's put
    assert all(index[1] == {"value": number} for index in indices)


def test_a_rule_that_decides_by_numbers_leaves_a_condition() -> None:
    program = program_of(tx.prod(vector()))
    (condition,) = program.conditions
    assert (condition.was, condition.op) == (True, "prod")
    assert program.entries[condition.number]["op"] == "all"


# -- a learner's own ops -------------------------------------------------------------------------


def op_with(rule):
    @tx.op
    def own(x):
        return x * x

    own.backward(rule)
    return own


def test_a_learners_op_is_recorded_as_what_it_is_made_of() -> None:
    @tx.op
    def softsign(x):
        return x / (1 + np.abs(x))

    @softsign.backward
    def softsign_backward(grad, y, x):
        slope = np.where(x == np.inf, 0.0, 1.0)
        slope /= (1 + abs(x)) ** 2
        return grad * slope

    program = program_of(softsign(vector()).sum())
    assert calls(program)[:4] == ["absolute", "add", "divide", "sum"]
    assert {"equal", "where"} <= set(calls(program))
    assert program.unknown == []


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (lambda grad, _, x: grad * 2 * np.array(getattr(x, "data", x)), "takes numbers out"),
        (lambda grad, _, x: grad * 2 * float(np.max(x)), "takes a single number out"),
        (lambda grad, _, x: grad * np.interp(x, [0.0, 1.0], [0.0, 1.0]), "np.interp"),
        (lambda _, __, x: np.zeros(x.shape), "returns numbers that it did not compute"),
    ],
)
def test_what_cannot_follow_says_why(rule, why) -> None:
    x = vector()
    program = program_of(op_with(rule)(x).sum())
    (said,) = program.unknown
    assert said.startswith("the rule of op own: ")
    assert why in said
    (event,) = [e for e in program.events if e.to == program.tensors[x]]
    entry = program.entries[event.contribution]
    assert entry["op"] == "unknown"
    assert set(entry["in"]) >= {program.tensors[x]}


def test_without_a_rule_there_is_the_usual_error() -> None:
    @tx.op
    def lonely(x):
        return x * x

    with pytest.raises(tx.errors.MissingRuleError, match="lonely"):
        program_of(lonely(vector()).sum())


def test_an_output_without_a_gradient_gets_the_usual_errors() -> None:
    with pytest.raises(tx.errors.NotScalarError):
        program_of(vector() * 2)
    with pytest.raises(tx.errors.NotRecordedError):
        program_of(np.ones(3))
    seeded = program_of(vector() * 2, seed=[1.0, 2.0, 3.0])
    assert seeded.entries[seeded.gradients[program_output(seeded)]]["data"] == [1.0, 2.0, 3.0]


def test_nothing_of_the_graph_is_changed() -> None:
    x = vector()
    loss = (x * np.array([1.0, 2.0, 3.0])).sum()
    before = [(node.op, node.inputs, node.birth, node.data.copy()) for node in tx.ancestors(loss)]
    program_of(loss)
    after = [(node.op, node.inputs, node.birth, node.data) for node in tx.ancestors(loss)]
    for (op, inputs, birth, data), (op2, inputs2, birth2, data2) in zip(before, after, strict=True):
        assert (op, birth) == (op2, birth2)
        assert all(a is b for a, b in zip(inputs, inputs2, strict=True))
        np.testing.assert_array_equal(data, data2)
    assert x.grad is None


def test_too_many_numbers_for_a_page_are_refused() -> None:
    x = tx.Tensor(np.zeros((500, 401)), name="x")
    with pytest.raises(tx.errors.GraphTooLargeError, match=r"200,500 numbers.*smaller batch"):
        program_of((x * x).sum())
