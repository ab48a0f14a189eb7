"""`compare`: who agrees, and which step makes the difference, found by exchanging steps."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from golden import load

import tinygrad_xent as tx
from tinygrad_xent.comparing import answers
from tinygrad_xent.comparing import steps as to
from tinygrad_xent.comparing.answers import (
    agree,
    ask,
    close,
    difference,
    exchanged,
    joined,
    pieces,
    steps_in_comparison,
)
from tinygrad_xent.comparing.dialects import start


def by_group(report):
    return [set(group.dialects) for group in report.groups]


def words(report, i=0):
    return [(e.first, e.second) for e in report.differences[i].exchanges]


TENSORFLOW = {"tf1", "tf2", "keras2", "keras2-graph", "keras3-tf"}
ALL = {*TENSORFLOW, "keras3-jax", "keras3-torch", "keras3-numpy", "torch", "optax"}
KERAS = {"keras2", "keras3-tf", "keras3-jax", "keras3-torch", "keras3-numpy"}
DIVIDES = "divides each probability by the sum of its row"


def test_where_nothing_is_special_all_agree() -> None:
    report = tx.compare([0, 2], [[1.0, 2.0, 3.0], [0.5, 0.0, -1.0]], from_logits=True)
    assert by_group(report) == [ALL]
    assert report.differences == ()
    assert report.absent == {}
    assert str(report).endswith("\nAll of them agree.")


def test_a_row_of_zeros() -> None:
    report = tx.compare([0], [[0.0, 0.0, 0.0]])
    assert by_group(report) == [KERAS - {"keras2", "keras3-tf"}, {"keras2", "keras3-tf"}]
    assert np.isnan(report.groups[0].first.loss)
    assert report.groups[1].first.loss == pytest.approx(np.log(3))
    assert words(report) == [("", DIVIDES)]
    (exchange,) = report.differences[0].exchanges
    assert report.differences[0].first == "keras2"
    np.testing.assert_array_equal(exchange.before, [0, 0, 0])
    np.testing.assert_array_equal(exchange.second_after, [np.nan] * 3)
    assert report.absent.keys() == ALL - KERAS


def test_a_sure_and_right_answer() -> None:
    report = tx.compare(0, [1.0, 0.0, 0.0])
    assert words(report) == [("", "takes the log-softmax, which normalises")]
    assert report.differences[0].second == "keras2"
    # in float32 the two, 1.2e-7 and 2.4e-7, are a rounding apart
    assert len(tx.compare(0, np.array([1, 0, 0], np.float32)).groups) == 1


def test_labels_that_sum_to_three() -> None:
    report = tx.compare([2.0, 1.0], [0.0, 1.0], from_logits=True)
    assert by_group(report) == [TENSORFLOW | {"keras3-numpy"}, ALL - TENSORFLOW - {"keras3-numpy"}]
    ((first, second),) = words(report)
    assert (
        first
        == "takes softmax and loss in one op, whose gradient is p - t whatever the labels sum to"
    )
    assert second.startswith("takes the log-softmax, which normalises, then multiplies by the l")
    (exchange,) = report.differences[0].exchanges
    np.testing.assert_allclose(exchange.first_gradient.sum(), -2)
    np.testing.assert_allclose(exchange.second_gradient.sum(), 0, atol=1e-15)


def test_a_label_that_is_no_class() -> None:
    report = tx.compare([-1], [[1.0, 2.0, 3.0]], from_logits=True)
    refusing = TENSORFLOW | {"keras3-torch", "torch"}
    assert by_group(report) == [refusing, {"keras3-jax", "keras3-numpy"}, {"optax"}]
    assert all("out of range" in "".join(words(report, 0)[0]) for i in range(3))
    assert words(report, 1)[0][1].startswith("counts a negative label from the end")
    names = {answer.dialect: answer.framework_error for answer in report.groups[0].answers}
    assert (names["tf2"], names["torch"]) == ("InvalidArgumentError", "IndexError")
    assert "LabelRangeError (InvalidArgumentError or IndexError)" in str(report)


def test_the_edge_of_the_clip() -> None:
    report = tx.compare([1.0, 0.0], [1e-7, 1 - 1e-7])
    assert by_group(report)[1] == {"keras3-jax"}
    ((first, second),) = words(report)
    assert first.endswith("the whole gradient at a limit")
    assert second.endswith("half of the gradient at a limit")
    assert "The gradient of [1e-07 1.00] is [-1e+07 -0] in keras2, [-5e+06 -0] in keras3-jax." in (
        " ".join(str(report).split())
    )


def test_keras_in_a_graph_sees_through_along_the_last_axis_only() -> None:
    report = tx.compare([1], [[100.0], [0.0]], from_logits=True, axis=0)
    (group,) = (group for group in report.groups if "keras2-graph" in group.dialects)
    assert group.dialects == ("keras2-graph",)
    assert group.first.loss == pytest.approx(16.118095650958)
    assert len(tx.compare([1], [[100.0, 0.0]], from_logits=True).groups) == 1


def test_the_row_that_differs_is_shown() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 2))  # classes along axis 1
    labels = np.zeros((2, 3, 2))
    labels[:, 1] = 1
    labels[1, 1, 1] = 3
    report = tx.compare(labels, x, from_logits=True, axis=1)
    exchange = report.differences[0].exchanges[0]
    np.testing.assert_array_equal(exchange.before, x[1, :, 1])


def test_numbers_agree_within_roundings_of_the_coarser_dtype() -> None:
    one = np.array([1.0, np.nan, np.inf, 0.0])
    eps = np.finfo(np.float64).eps
    assert close(one, one + 7 * eps)
    assert not close(one, one + 10 * eps)
    assert close(one.astype(np.float32), one + 1e-7)
    assert not close(one, -one)
    assert not close(one, one[:3])
    assert not close(one, None)
    assert close(None, None)


# -- the search itself -----------------------------------------------------------------------


def test_two_sequences_side_by_side() -> None:
    a = (to.any_axis, to.clip_whole, to.logarithm, to.take_log_softmax, to.pick)
    b = (to.any_axis, to.renormalise, to.clip_half, to.logarithm, to.weigh_one_hot)
    found = pieces(a, b)
    changed = [([*a[p.first]], [*b[p.second]]) for p in found]
    assert changed == [
        ([], [to.renormalise]),
        ([to.clip_whole], [to.clip_half]),
        ([to.take_log_softmax], []),
        ([to.pick], [to.weigh_one_hot]),
    ]
    assert exchanged(a, b, found) == b
    assert exchanged(a, b, []) == a
    assert exchanged(a, b, found[:1]) == (a[0], to.renormalise, *a[1:])
    assert [len(group) for group in joined(found)] == [2, 2]


@pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.ProbabilitiesWarning")
def test_with_the_exchange_the_first_answers_as_the_second_and_with_less_it_does_not() -> None:
    """For every pair of groups of every kind of edge case."""
    explained = 0
    seen = set()
    for case in load("dialects"):
        kind = (case.edge, case.labels_kind, case.from_logits)
        if kind in seen or case.array.size > 100:
            continue
        seen.add(kind)
        sparse = case.labels_kind == "sparse"
        report = tx.compare(
            case.labels, case.array, from_logits=case.from_logits, axis=case.axis, sparse=sparse
        )
        for pair in itertools.combinations([group.first for group in report.groups], 2):
            a, b, chosen = difference(*pair)
            steps = exchanged(a.steps, b.steps, chosen)
            assert agree(ask(b.dialect, steps, a.states[0]), b)
            assert len(chosen) <= 4, (case, pair)
            explained += 1
    assert explained >= 75


def test_the_steps_decide_not_a_table(monkeypatch) -> None:
    """Let one framework divide first too: the difference is gone."""
    from tinygrad_xent.comparing.dialects import RECIPES

    call = "sparse probabilities"
    changed = RECIPES["keras2"][call].replace("clip_whole", "renormalise clip_whole")
    monkeypatch.setitem(RECIPES["keras2"], call, changed)
    report = tx.compare([0], [[0.0, 0.0, 0.0]])
    assert "keras2" in by_group(report)[0]
    assert by_group(report)[1] == {"keras3-tf"}


# -- how it is shown -------------------------------------------------------------------------


def test_as_json() -> None:
    report = tx.compare([0, -1], [[0.0, -np.inf], [1.0, 2.0]], from_logits=True)
    data = json.loads(report.to_json())
    assert data["x"] == [[0, "-inf"], [1, 2]]
    assert sum(len(group) for group in data["groups"]) == 10
    kinds = {answer["error"] for group in data["groups"] for answer in group}
    assert kinds == {"LabelRangeError", None}
    assert {"first", "second", "exchanges"} == data["differences"][0].keys()
    assert tx.compare([0], [[0.0, 0.0]]).to_dict()["groups"][0][0]["loss"] == ["nan"]


def test_as_text() -> None:
    lines = str(tx.compare([0], [[0.0, 0.0, 0.0]])).splitlines()
    assert lines[0] == "class 0, probabilities [[0 0 0]]"
    assert lines[2].split() == ["loss", "gradient", "who"]
    assert lines[4].split(maxsplit=2)[:2] == ["B", "1.10"]
    assert "No such call: tf1, tf2, torch, optax (takes logits only)" in lines
    assert "A (keras3-jax) and B (keras2) differ:" in lines
    text = str(tx.compare([0, 1, 0], np.ones((2, 3)), from_logits=True, axis=0))
    assert text.startswith("classes [0 1 0], logits [[1 1 1] [1 1 1]], classes along axis 0\n")


def test_as_html() -> None:
    page = tx.compare([0], [[0.0, 0.0, 0.0]])._repr_html_()
    assert page.count("<tr>") == 3
    assert f"<dd>keras3-jax {DIVIDES}; keras2 does not. [0 0 0] becomes" in page
    assert "<dl>" not in tx.compare([0], [[0.5, 0.5]])._repr_html_()
    assert "<script" not in page


def test_tables_outweigh_the_notebooks_own_alignment() -> None:
    """JupyterLab's rule has the weight of two classes and an element."""
    compared = tx.compare([0], [[0.0, 0.0]])
    for shown in (compared, tx.invariants(tx.softmax), tx.unfuse(0, [1.0, 0.0])):
        page = shown._repr_html_()
        assert page.startswith('<div class="tx ')
        assert ".tx.tx table :is(th, td) { text-align: start;" in page


def test_tensors_are_compared_by_their_numbers() -> None:
    report = tx.compare(tx.Tensor([1.0, 0.0]), tx.Tensor([0.5, 0.5]))
    assert by_group(report) == [KERAS]


def test_an_empty_list_holds_class_numbers() -> None:
    report = tx.compare([], np.zeros((0, 3)))
    assert by_group(report) == [KERAS]
    assert report.groups[0].first.loss.shape == (0,)
    assert str(report).startswith("classes of shape (0,), probabilities of shape (0, 3)\n")


def test_gradients_that_agree_are_not_told_as_a_difference() -> None:
    report = tx.compare([0], np.array([[60000, -60000]], np.float16), from_logits=True)
    (exchange,) = report.differences[0].exchanges
    assert exchange.first_gradient is None
    assert exchange.second_gradient is None
    assert str(report).endswith("tf1 computes float16 in float32; keras3-jax does not.")


def test_many_rows_take_no_backward_pass_each(monkeypatch) -> None:
    passes = []
    count = answers.gradients_or_none
    monkeypatch.setattr(answers, "gradients_or_none", lambda *a: passes.append(a) or count(*a))
    labels = np.zeros(500, int)
    labels[-1] = -1
    x = np.random.default_rng(0).normal(size=(500, 3))
    report = tx.compare(labels, x, from_logits=True)
    assert "optax" in str(report.differences[-1])
    assert len(passes) < 100


def test_long_lists_of_names_are_broken() -> None:
    report = str(tx.compare([1], [[1.0, 2.0]], from_logits=True))
    assert max(map(len, report.splitlines())) < 80
    assert all(dialect in report for dialect in ALL)


@pytest.mark.parametrize("axis", ["x", 1.5, None])
def test_an_axis_that_is_no_whole_number(axis) -> None:
    with pytest.raises(tx.errors.AxisError, match=f"axis must be a whole number, got {axis!r}"):
        tx.compare([0], [[0.2, 0.8]], axis=axis)


def test_what_nobody_could_take_is_refused() -> None:
    with pytest.raises(
        tx.errors.DtypeError, match="x must be float16, float32 or float64, got int64"
    ):
        tx.compare([0], [[1, 2]])


def test_a_softmax_along_an_axis_that_there_is_not() -> None:
    state = start(0, np.ones(2), 3)
    answer = ask("keras2-graph", steps_in_comparison("keras2-graph", state, True, True), state)
    assert str(answer.error).startswith("axis=3 is out of range for an array of shape (2,);")
    assert answer.framework_error == "InvalidArgumentError"
