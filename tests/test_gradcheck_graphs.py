"""gradcheck of functions of Tensors: through their graph, where that says what they say."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.checking.slopes import slopes
from tinygrad_xent.checking.subjects import FunctionSubject
from tinygrad_xent.checking.through_graph import way_of
from tinygrad_xent.op import Op

X = np.random.default_rng(0).normal(size=(6, 4))
ROWS = np.arange(6)
LABELS = np.array([0, 2, 1, 3, 0, 1])
ODD = ROWS[:, None] % 2 == 1


def subject(f, *inputs):
    return FunctionSubject(f, inputs, {})


def way(of):
    return way_of(of, 0, of.value(of.inputs))


def loss(x):
    return tx.sparse_softmax_cross_entropy(LABELS, x).mean()


IN_TWO_PARTS = {
    "mean": loss,
    "weighted": lambda x: (tx.logsumexp(x, axis=1) * np.arange(6.0)).sum(),
    "not linear": lambda x: tx.logsumexp((x * x).sum(axis=1), axis=None),
    "classes first": lambda x: tx.var(tx.logsumexp(x, axis=0)),
    "differences": lambda x: tx.tanh(tx.absolute(x).sum(axis=1)).sum(),
}


@pytest.mark.parametrize("name", IN_TWO_PARTS)
def test_slopes_in_two_parts_are_those_of_the_whole(name):
    found = way(subject(IN_TWO_PARTS[name], X))
    assert found.middle is not None
    assert found.middle.size <= X.size
    weights = np.array([1.0, -2.0])
    parts, whole = found.slopes(X, weights), slopes(found.whole, X, weights)
    off = np.abs(parts.value - whole.value)
    assert (off <= 2 * (parts.error + whole.error) + 1e-13).all()
    assert (parts.error <= 1e-6 * np.abs(whole.value).max()).all(), "and they are known well"


def test_a_bend_between_the_parts_is_seen_from_the_whole():
    bent = tx.gradcheck(lambda x: tx.absolute(x.sum(axis=1)).sum(), [[1.0, -1.0], [1.0, 2.0]])
    assert bent.ok
    assert bent.diagnosis.code == "kink"
    assert "2 entries" in bent.diagnosis.message


def test_a_way_round_the_middle_is_not_overlooked():
    direct = way(subject(lambda x: loss(x) + 0.1 * (x * x).sum(), X))
    assert direct.middle is None
    assert tx.gradcheck(lambda x: loss(x) + 0.1 * (x * x).sum(), X, order=2)


GRAPHS_THAT_SAY_SOMETHING_ELSE = {
    "cut": lambda x: (tx.exp(x.data) * x).sum(),
    "cut in one row": lambda x: tx.where(ROWS[:, None] == 3, x.data, x).sum(),
    "number taken out": lambda x: (x * float(x.data.max())).sum(),
}


@pytest.mark.parametrize("name", GRAPHS_THAT_SAY_SOMETHING_ELSE)
@pytest.mark.parametrize("mode", ["full", "fast"])
def test_a_graph_that_says_something_else_is_not_believed(name, mode):
    f = GRAPHS_THAT_SAY_SOMETHING_ELSE[name]
    assert not tx.gradcheck(f, X, mode=mode)
    recorded = subject(f, X)
    moved = X + 0.01
    assert way(recorded).whole(moved) == recorded.function_of(0)(moved)


RIGHT = {
    "branch": lambda x: (x * x).sum() if x.data.sum() > 0 else (x * x * x).sum(),
    "chosen by argmax": lambda x: x[ROWS, x.data.argmax(axis=1)].sum(),
    "in single precision": lambda x: (x.astype(np.float32) * 2).sum(),
    "one entry": lambda x: x[0, 1] * x[2, 3],
    "constant in x": lambda x: x.sum() * 0 + 1,
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("mode", ["full", "fast"])
def test_right_backward_passes(name, mode):
    report = tx.gradcheck(RIGHT[name], X, mode=mode)
    assert report.ok, str(report)


def test_an_input_that_is_not_used():
    report = tx.gradcheck(lambda x, y: x.sum(), X, X)
    assert report.ok, str(report)


def test_second_derivatives_of_a_batch():
    x = np.random.default_rng(0).normal(size=(32, 10))
    labels = np.arange(32) % 10
    report = tx.gradcheck(lambda x: tx.sparse_softmax_cross_entropy(labels, x).sum(), x, order=2)
    assert report.ok
    assert [case.name for case in report.cases] == ["x", "x", "grad"]


def test_a_kink_of_the_second_derivative_is_nobodys_mistake():
    report = tx.gradcheck(lambda x: (tx.relu(x) * x).sum(), [0.0, 1.0, -1.0], order=2)
    assert report.ok, str(report)
    assert report.diagnosis.code == "kink"


def test_saturation_is_no_kink():
    x = 30 * np.random.default_rng(2).normal(size=(2, 3))
    report = tx.gradcheck(tx.softmax, x, order=2)
    assert report.ok
    assert report.diagnosis is None


def test_nan_is_traced_to_the_op_that_made_it():
    report = tx.gradcheck(lambda x: tx.where(x > 0.5, 1 / x, x).sum(), [0.0, 1.0, 4.0])
    found = report.diagnosis
    assert found.code == "non-finite"
    assert "first at x[0] = 0" in found.message
    assert "the slope is 1." in found.message
    assert found.hint.startswith("It begins here: divide made inf at")
    masked = tx.gradcheck(lambda x: tx.where(x > 0, tx.sqrt(x), 0 * x).sum(), [0.0, 1.0])
    assert masked.diagnosis.code == "non-finite"
    assert "slope" not in masked.diagnosis.message, "it is infinite on one side"


def test_what_could_not_be_compared_is_not_called_right():
    report = tx.gradcheck(lambda x: tx.log(tx.exp(x)).sum(), [800.0, 900.0])
    assert "unclear: the function is not finite here" in str(report)
    assert report.ok  # no gradient is known to be wrong,
    with pytest.raises(tx.errors.GradcheckError, match="unclear"):
        report.assert_ok()  # but a test that compared nothing must not pass
    assert "<strong>Unclear:</strong>" in report._repr_html_()
    assert "Right" not in report._repr_html_()


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_no_entries_are_all_right(mode):
    empty = np.zeros((0, 3))
    assert tx.gradcheck(tx.softmax, empty, mode=mode)
    assert tx.gradcheck(lambda x: tx.exp(x).sum(), empty, mode=mode)


def test_fast_mode_finds_a_small_factor():
    wrong = Op(tx.sigmoid.function)
    wrong.backward(lambda grad, y, x: 1.0001 * grad * y * (1 - y))
    assert tx.gradcheck(tx.sigmoid, X, mode="fast")
    assert not tx.gradcheck(wrong, X, mode="fast")


@pytest.mark.parametrize(("mode", "calls"), [("full", 3), ("fast", 3)])
def test_a_right_function_is_called_no_more_than_needed(mode, calls):
    """Once for its gradient, and on both sides of the point."""
    called = []

    def counted(x):
        called.append(x)
        return loss(x)

    assert tx.gradcheck(counted, X, mode=mode)
    assert len(called) == calls
