"""gradcheck: the report, what is right, what precision allows, kinks, orders and modes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.checking.slopes import find_rows, slopes
from tinygrad_xent.op import Op

RNG = np.random.default_rng(0)


def with_rule(op, rule):
    """The function of an op under another rule."""
    new = Op(op.function, shapes=op.shapes, domain=op.domains, examples=op.examples)
    new.backward(rule)
    return new


def spoiled(place, factor):
    """The softmax's rule, with one entry off by a factor."""

    def rule(grad, y, x, *, axis):
        gradient = y * (grad - np.sum(grad * y, axis=axis, keepdims=True))
        gradient[place] *= factor
        return gradient

    return with_rule(tx.softmax, rule)


# -- right -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "op", [op for op in tx.ops.OPS.values() if op.name != "look_through"], ids=str
)
def test_the_rules_of_the_package_are_right(op):
    for inputs, params in samples(op, np.random.default_rng(1)):
        report = tx.gradcheck(op, *inputs, order=2, **params)
        assert report.ok, str(report)
        assert report.diagnosis is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 30.0, 1000.0])
def test_no_precision_and_no_saturation_makes_a_right_rule_wrong(dtype, scale):
    x = (scale * RNG.normal(size=(4, 5))).astype(dtype)
    for op in (tx.softmax, tx.log_softmax, tx.tanh, tx.sigmoid, tx.logsumexp):
        assert tx.gradcheck(op, x), (op.name, str(tx.gradcheck(op, x)))
    p_minus_t = with_rule(
        tx.sparse_softmax_cross_entropy,
        lambda grad, y, t, z, *, axis: (
            None,
            np.expand_dims(grad, axis) * (tx.softmax(z) - np.eye(5, dtype=z.dtype)[t]),
        ),
    )
    assert tx.gradcheck(p_minus_t, np.array([0, 1, 4, 2]), x)


def test_functions_of_tensors():
    w = tx.Tensor(RNG.normal(size=(3, 2)), name="w")
    report = tx.gradcheck(lambda x, w: tx.tanh(x @ w).sum(), RNG.normal(size=(4, 3)), w, order=2)
    assert report
    assert [case.name for case in report.cases] == ["x", "w", "x", "w", "grad"]


def test_a_graph_that_was_cut_is_found():
    report = tx.gradcheck(lambda x: tx.exp(x.data) + 0 * x, [1.0, 2.0])
    assert report.diagnosis.code == "missing-gradient"
    assert ".data" in report.diagnosis.hint


# -- wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_tenth_of_a_percent_in_one_entry_is_found(dtype):
    x = RNG.normal(size=(64, 10)).astype(dtype)
    report = tx.gradcheck(spoiled((17, 3), 1.001), x)
    assert not report
    assert report.where == ("x", (17, 3))
    assert report.diagnosis.code == "few-entries-wrong"
    assert "[17, 3]" in report.diagnosis.message
    assert tx.gradcheck(spoiled((17, 3), 1.0), x)


def test_what_the_report_says():
    report = tx.gradcheck(spoiled((1, 0), 3.0), [[1.0, 2.0], [0.0, 1.0], [1.0, 1.0]])
    assert 0 < report.max_error < 10
    text = str(report)
    assert text.splitlines()[0].split() == ["input", "entries", "largest", "error", "verdict"]
    assert "wrong" in text
    assert report.diagnosis.message in text
    with pytest.raises(errors.GradcheckError, match="right but for 1 entry"):
        report.assert_ok()
    tx.gradcheck(tx.exp, [1.0]).assert_ok()
    page = report._repr_html_()
    assert page.count('<table class="heat">') == 3
    assert "few-entries-wrong" in page
    assert "NaN" not in page


def test_the_curve_falls_for_a_right_gradient_and_stays_for_a_wrong_one():
    x = [[1.0, 2.0], [0.0, 1.0]]
    right, wrong = (
        tx.gradcheck(tx.softmax, x).curve(),
        tx.gradcheck(spoiled((0, 0), 2.0), x).curve(),
    )
    assert right.errors.min() < 1e-9
    assert right.errors[0] > 1e-5, "rounding"
    assert wrong.errors.min() > 1e-3
    assert right.svg.startswith("<svg")
    assert "smallest" in right.alt
    with pytest.raises(errors.ArgumentError, match="'nobody'; there is x"):
        tx.gradcheck(tx.softmax, x).curve("nobody")


# -- kinks -----------------------------------------------------------------------------------


def test_a_kink_is_no_mistake_and_beside_it_there_is_one():
    report = tx.gradcheck(tx.relu, [0.0, 1.0, -1.0])
    assert report.ok
    assert report.diagnosis.code == "kink"
    assert "x[0] = 0. The slopes on its two sides are 0 and 1" in report.diagnosis.message
    outside = with_rule(
        tx.relu, lambda grad, y, x: np.where(x >= 0, grad * np.where(x == 0, 7, 1), 0)
    )
    assert not tx.gradcheck(outside, [0.0, 1.0, -1.0])
    near = tx.gradcheck(tx.relu, [1e-9, -1e-9, 1.0])
    assert near.diagnosis is None


# -- orders and modes ------------------------------------------------------------------------


def test_a_rule_that_holds_its_output_constant_is_wrong_at_second_order_only():
    rule = with_rule(tx.exp, lambda grad, y, x: grad * getattr(y, "data", y))
    constant = with_rule(
        tx.exp, lambda grad, y, x: grad * (y.data if isinstance(y, tx.Tensor) else y)
    )
    for op in (rule, constant):
        assert tx.gradcheck(op, [1.0, 2.0]) if op is constant else True
    report = tx.gradcheck(constant, [1.0, 2.0], order=2)
    assert report.diagnosis.code == "second-order-only"
    assert report.diagnosis.input == "x"
    numpy_only = with_rule(
        tx.exp, lambda grad, y, x: np.multiply(grad, np.median(y, keepdims=True) * 0 + y)
    )
    found = tx.gradcheck(numpy_only, [1.0, 2.0], order=2).diagnosis
    assert found.code == "second-order-only"
    assert "fails on Tensors" in found.message


def test_fast_mode_says_what_it_can_miss_and_explains_what_it_finds():
    x = RNG.normal(size=(64, 10))
    report = tx.gradcheck(tx.log_softmax, x, mode="fast")
    assert report
    assert "an error in a single entry smaller than" in report.can_miss
    assert report.can_miss in str(report)
    assert report.can_miss in report._repr_html_()
    assert not tx.gradcheck(tx.softmax, x).can_miss
    wrong = tx.gradcheck(spoiled((5, 5), 1.001), x, mode="fast")
    assert wrong.diagnosis.code == "few-entries-wrong"


def test_fast_mode_sees_an_error_in_any_single_entry_that_is_as_large_as_it_says():
    x = RNG.normal(size=(3, 4))
    smallest = tx.gradcheck(tx.softmax, x, mode="fast").along[0].smallest
    assert smallest < 1e-6
    for place in np.ndindex(x.shape):

        def rule(grad, y, x, *, axis, place=place):
            gradient = y * (grad - np.sum(grad * y, axis=axis, keepdims=True))
            gradient[place] += 3 * smallest
            return gradient

        report = tx.gradcheck(with_rule(tx.softmax, rule), x, mode="fast")
        assert not report.along, "it had to look at every entry"


def test_fast_mode_takes_a_second_direction_where_the_first_is_not_known_well():
    asked = []

    def noisy(x):
        asked.append(x)
        return np.tanh(np.float32(x))

    op = Op(noisy)
    op.backward(lambda grad, y, x: grad * (1 - np.tanh(x) ** 2))
    report = tx.gradcheck(op, RNG.normal(size=(3, 4)), mode="fast")
    assert report.along
    moves = {tuple(np.sign(x - asked[0]).flat) for x in asked if abs(x - asked[0]).max() > 1e-6}
    assert len(moves) == 4, "up and down, along two directions"


# -- bad input -------------------------------------------------------------------------------


def test_what_cannot_be_checked():
    with pytest.raises(errors.DtypeError, match="none of the inputs is of a floating dtype"):
        tx.gradcheck(tx.exp, [True, False])
    with pytest.raises(errors.ArgumentError, match="or a recorded Tensor, got int"):
        tx.gradcheck(3, [1.0])
    with pytest.raises(errors.ArgumentError, match="order=1 or 2"):
        tx.gradcheck(tx.exp, [1.0], order=3)
    with pytest.raises(errors.NotRecordedError, match="not a Tensor"):
        tx.gradcheck(lambda x: x.data, [1.0])
    with pytest.raises(errors.MissingRuleError):
        tx.gradcheck(tx.op(lambda x: x), [1.0])


# -- the slopes ------------------------------------------------------------------------------


def test_rows_are_found_and_never_where_there_are_none():
    x = RNG.normal(size=(6, 5))
    for f, count in (
        (np.exp, 30),
        (tx.softmax, 6),
        (lambda x: tx.softmax(x, axis=0), 5),
        (lambda x: x.sum(1), 6),
        (lambda x: x.sum(0), 5),
        (lambda x: x * x.sum(), 1),
        (lambda x: x[::-1], 5),
        (lambda x: x.sum(), 1),
    ):
        assert find_rows(f, x, np.asarray(f(x))).count == count


def test_a_row_that_depends_on_any_single_other_one_is_found_out():
    x = RNG.normal(size=(5, 2))
    for row, other in itertools.permutations(range(5), 2):

        def f(x, row=row, other=other):
            y = x.sum(1)
            y[row] += 0.1 * x[other, 0]
            return y

        assert find_rows(f, x, f(x)).count == 1


def test_the_complex_step_is_given_up_where_it_would_lie():
    x = RNG.normal(size=7)
    assert slopes(np.exp, x, np.ones((1, 7))).method == "complex step"
    for f in (np.abs, lambda x: np.real(x) ** 2, lambda x: np.abs(x) * x):
        found = slopes(f, x, np.ones((1, 7)))
        assert found.method == "central differences"
        step = 1e-6
        np.testing.assert_allclose(
            found.value[0], (f(x + step) - f(x - step)) / 2 / step, rtol=1e-6
        )


def test_cancellation_within_a_function_is_no_certainty():
    x = np.array([9.913, 10.37, 3.0])
    found = slopes(lambda x: 1 - np.tanh(np.real(x)) ** 2, x, np.ones((1, 3)))
    truth = -2 * np.tanh(x) / np.cosh(x) ** 2
    assert (np.abs(found.value[0] - truth) <= 2 * found.error[0] + 1e-14).all()
