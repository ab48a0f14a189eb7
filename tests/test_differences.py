"""Numerical derivatives, and the check of a whole graph by them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_xent as tx
from tinygrad_xent import errors, ops
from tinygrad_xent.checking import differences, gradcheck
from tinygrad_xent.checking.samples import samples

RNG = np.random.default_rng(0)


# -- derivatives -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: np.exp(x[0]), 3.0, np.exp(3.0)),
        (lambda x: np.exp(x[0]), -40.0, np.exp(-40.0)),
        (lambda x: x[0] ** 5, 1e-3, 5e-12),
        (lambda x: x[0] ** 3, 1e6, 3e12),
        (lambda x: np.log(x[0]), 1e-5, 1e5),
        (lambda x: np.sin(1e4 * x[0]), 1.0, 1e4 * np.cos(1e4)),
        (lambda x: np.log1p(np.exp(-x[0])), 37.0, -1 / (1 + np.exp(37.0))),
        (lambda x: 1e8 + x[0] ** 2, 1.0, 2.0),
        (lambda x: np.logaddexp(x[0], 1e6), 1e6 - 1, 1 / (1 + np.e)),
        (lambda x: 1.0, 2.0, 0.0),
        (lambda x: 5 * x[0], 0.0, 5.0),
    ],
)
def test_the_derivative_is_within_its_own_error(f, x, slope):
    found = differences(f, [x])
    (off,) = np.abs(found.value[0] - slope)
    assert off <= found.error[0, 0]
    assert off <= 1e-5 * abs(slope)
    assert not found.kink[0]


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_linear_functions_whose_terms_cancel(size, seed):
    rng = np.random.default_rng(seed)
    w, x = rng.normal(size=(2, size))
    found = differences(lambda x: np.sum(w * x), x)
    assert (np.abs(found.value[0] - w) <= 2 * found.error[0] + 1e-14).all()


def test_kinks_are_seen_where_they_are():
    found = differences(lambda x: np.sum(np.abs(x)), [0.0, 1.0, -2.0])
    assert found.kink.tolist() == [True, False, False]
    assert found.error[0, 0] >= 1, "the jump is 2, the mean is off by half of that"
    np.testing.assert_allclose(found.value[0][1:], [1, -1])
    tie = differences(np.max, [3.0, 1.0, 3.0])
    assert tie.kink.tolist() == [True, False, True]


@pytest.mark.parametrize("distance", [1e-3, 1e-4, 1e-6, 1e-8, -1e-4, -1e-8])
def test_a_kink_nearby_is_stepped_around(distance):
    found = differences(lambda x: np.maximum(x, 0).sum(), [distance, 1.0])
    np.testing.assert_allclose(found.value[0], [float(distance > 0), 1.0], atol=1e-5)
    assert not found.kink.any()


def test_where_the_function_is_not_finite():
    with np.errstate(all="raise"):
        found = differences(lambda x: np.sqrt(x).sum(), [0.0, 4.0])
    assert np.isinf(found.error[0, 0])
    assert np.isnan(found.value[0][0])
    np.testing.assert_allclose(found.value[0][1], 0.25)


def test_some_entries_of_any_layout():
    x = np.asfortranarray(RNG.normal(size=(3, 4)))
    found = differences(lambda x: np.sum(x**2), x, [5, 0])
    np.testing.assert_allclose(found.value[0], 2 * x.reshape(-1)[[5, 0]], rtol=1e-9)
    assert differences(np.sum, np.zeros((0, 3))).value[0].shape == (0,)


# -- whole graphs ----------------------------------------------------------------------------


def tensors_of(inputs, dtype=np.float64):
    return [
        tx.Tensor(x, dtype=dtype) if getattr(x, "dtype", np.dtype(int)).kind == "f" else x
        for x in inputs
    ]


@pytest.mark.parametrize("op", ops.OPS.values(), ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_right_rule_is_called_wrong(op, dtype):
    rng = np.random.default_rng(1)
    for inputs, params in samples(op, rng):
        y = op(*tensors_of(inputs, dtype), **params)
        if isinstance(y, tx.Tensor):
            found = gradcheck(y, seed=rng.normal(size=y.shape))
            assert {c.verdict for c in found} == {"right"}, str(found)


@pytest.mark.parametrize(
    "op", [op for op in ops.OPS.values() if not op.rule_formulas[0].endswith("= 0")], ids=str
)
def test_a_rule_that_is_off_by_a_thousandth_in_one_entry_is_caught(op, monkeypatch):
    right = op.rule

    def wrong(*args, **params):
        results = right(*args, **params)
        results = results if isinstance(results, tuple) else (results,)
        return tuple(spoiled(r() if callable(r) else r) for r in results)

    def spoiled(grad):
        if grad is not None:
            grad = np.array(grad)
            # The same entry each time, also where two differ in their last digits only.
            grad.flat[np.argmax(np.abs(grad).round(9))] *= 1.001
        return grad

    monkeypatch.setattr(op, "rule", wrong)
    rng = np.random.default_rng(2)
    for inputs, params in samples(op, rng):
        y = op(*tensors_of(inputs), **params)
        if isinstance(y, tx.Tensor):
            found = gradcheck(y, seed=rng.normal(size=y.shape))
            assert not found
            assert {c.suspects for c in found if c.verdict == "wrong"} == {(op.name,)}


@tx.op
def twice(x):
    return 2 * x


@twice.backward
def twice_backward(grad, y, x):
    return grad  # forgets the 2


def test_the_report_names_the_guilty_rule_and_the_place():
    x = tx.Tensor([1.0, 2.0], name="x")
    h = tx.exp(x)
    h.name = "h"
    out = tx.log(twice(h)).sum()
    out.name = "out"
    found = gradcheck(out)
    wrong = {c.name: c.suspects for c in found if c.verdict == "wrong"}
    assert wrong == {"h": ("twice",), "x": ()}, "x only inherits the mistake"
    assert [c.name for c in found] == ["out", "v3", "v2", "h", "x"]
    text = str(found)
    assert "∂h[0] is 0.184, differences give 0.368; look at the rule of twice" in text
    assert "∂x[1] is 0.5, differences give 1" in text
    assert text.splitlines()[0] == "tensor  entries  largest error  verdict"
    assert not found.ok
    assert found[3].error == pytest.approx(0.5)
    assert found[3].at_worst == pytest.approx((np.exp(-1) / 2, np.exp(-1)))


def test_the_mistake_in_the_rule_is_explained_as_for_an_op_by_itself():
    x = tx.Tensor([1.0, 2.0], name="x")
    found = gradcheck(twice(tx.exp(x)).sum())
    assert [d.code for d in found.diagnoses] == ["constant-factor"]
    assert found.diagnosis.message.startswith("twice_backward: The gradient of x is exactly 1/2")
    assert "exactly 1/2 times" in str(found)
    with pytest.raises(errors.GradcheckError, match="exactly 1/2 times"):
        found.assert_ok()
    assert found.max_error == pytest.approx(0.5)
    assert found.where[1] in {(0,), (1,)}
    shown = found._repr_html_()
    assert "<strong>Wrong:</strong> the graph of" in shown
    assert shown.count('<table class="heat">') == 6, "three for each of two wrong gradients"
    curve = found.curve("x")
    assert curve.errors.min() > 0.1, "a wrong gradient stays wrong however short the step"
    assert gradcheck(tx.exp(x).sum()).curve("x").errors.min() < 1e-9


def test_only_some_tensors_and_functions_without_inputs():
    x, w = tx.Tensor([1.0, 2.0], name="x"), tx.Tensor([3.0, 4.0], name="w")

    def computed():
        return (x * w).sum()

    loss = computed()
    assert [c.name for c in gradcheck(loss, wrt=w)] == ["w"]
    assert {c.name for c in gradcheck(computed, wrt=[x, w])} == {"x", "w"}
    assert len(gradcheck(computed)) == len(gradcheck(loss)) == 4


def test_a_gradient_that_is_not_finite_is_wrong_where_there_is_a_derivative():
    @tx.op
    def same(x):
        return x + 0.0

    @same.backward
    def same_backward(grad, y, x):
        return grad * np.array([1.0, np.nan])

    found = gradcheck(same(tx.Tensor([1.0, 2.0], name="x")).sum())
    assert found[-1].verdict == "wrong"
    assert found[-1].worst == (1,)
    assert "∂x[1] is NaN, differences give 1" in str(found)


def test_kinks_are_reported_and_are_no_failure():
    x = tx.Tensor([0.0, 1.0, -1.0, 0.0], name="x")
    found = gradcheck(tx.relu(x).sum())
    assert found
    assert found[-1].kinks == 2
    assert str(found).endswith("right; 2 at a kink")
    tie = gradcheck(tx.max(tx.Tensor([1.0, 1.0, 0.0])))
    assert tie
    assert tie[-1].kinks == 2


def test_at_a_kink_the_gradient_must_still_be_between_the_slopes():
    @tx.op
    def ramp(x):
        return np.maximum(x, 0)

    @ramp.backward
    def ramp_backward(grad, y, x):
        return grad * np.where(x == 0, 7.0, x > 0)

    assert not gradcheck(ramp(tx.Tensor([0.0, 1.0])).sum())


def test_what_differences_cannot_tell_is_unclear_not_wrong():
    z = tx.Tensor([1.0, -np.inf], name="z")
    with np.errstate(all="ignore"):
        found = gradcheck(tx.sparse_categorical_crossentropy(1, tx.softmax(z)))
        assert {c.verdict for c in found} == {"unclear"}
        found = gradcheck(tx.sparse_categorical_crossentropy(0, tx.softmax(z)))
    assert found
    assert str(found).endswith("right; 1 unclear")


def test_large_tensors_are_sampled():
    x = tx.Tensor(RNG.normal(size=(50, 60)), name="x")
    found = gradcheck((x * x).sum(), limit=100)
    assert (len(found[-1].sample), found[-1].x.size) == (100, 3000)
    assert "100 of 3,000" in str(found)
    again = gradcheck((x * x).sum(), limit=100, rng=np.random.default_rng(5))
    assert again[-1].worst != found[-1].worst


def test_saturated_and_shifted_logits():
    for logits in ([1000.0, 0.0], [0.0, 1000.0], [40.0, 0.0], [1e6, 1e6 + 1], [1e-300, 0.0]):
        for dtype in (np.float64, np.float32):
            z = tx.Tensor(np.array(logits, dtype))
            assert gradcheck(tx.sparse_categorical_crossentropy(0, tx.softmax(z)))


def test_seeds_and_what_cannot_be_checked():
    x = tx.Tensor([1.0, 2.0])
    with pytest.raises(errors.NotScalarError):
        gradcheck(x * 2)
    assert gradcheck(x * 2, seed=tx.Tensor([1.0, 2.0]))
    with pytest.raises(errors.ArgumentError, match="recorded Tensor, got float"):
        gradcheck(3.0)
    with pytest.raises(errors.NotRecordedError, match="returned float, not a Tensor"):
        gradcheck(lambda: 3.0)
    for wrong in ({"order": 2}, {"mode": "fast"}, {"axis": 0}):
        with pytest.raises(errors.ArgumentError, match="is checked as it was recorded"):
            gradcheck((x * x).sum(), **wrong)
    with pytest.raises(errors.ArgumentError, match="hand over the function"):
        gradcheck((x * x).sum(), [1.0])
    with pytest.raises(errors.NotInGraphError):
        gradcheck((x * x).sum(), wrt=tx.Tensor(1.0))
    empty = gradcheck(tx.Tensor(np.zeros((0, 2))).sum())
    assert len(empty) == 1, "a tensor without entries has no gradient to check"
