"""The digits of rules and of second derivatives, in saturated rows above all: see `digits`."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
from digits import CLASSES, LEADS, LOSSES, QUANTITIES, VARIABLE, ours, ulps, worst_of
from digits import worst_of_variable as worst_of_function
from mpmath import mpf

import tinygrad_xent as tx

both = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_lead = pytest.mark.parametrize("lead", LEADS)
LIMIT = 4  # (1 + g) ulp


@both
@every_lead
@pytest.mark.parametrize("quantity", QUANTITIES, ids=str)
def test_every_one_hot_upstream_gradient(quantity: Any, lead: float, dtype: Any) -> None:
    assert worst_of(quantity, ours, lead, dtype) <= LIMIT


@both
@every_lead
@pytest.mark.parametrize("quantity", [q for q in QUANTITIES if q.upstream], ids=str)
def test_random_upstream_gradients(quantity: Any, lead: float, dtype: Any) -> None:
    assert worst_of(quantity, ours, lead, dtype, random=True) <= LIMIT


@both
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("function", VARIABLE)
def test_functions_of_one_variable(function: str, order: int, dtype: Any) -> None:
    assert worst_of_function(function, order, ours, dtype) <= LIMIT


@pytest.mark.parametrize("function", ["sigmoid", "tanh"])
def test_far_out_nothing_overflows(function: str) -> None:
    x = tx.Tensor([-1e300, -800.0, 800.0, 1e300, -np.inf, np.inf])
    slope = tx.gradients(getattr(tx, function)(x).sum(), x, create_graph=True)
    assert not slope.data[[0, 3, 4, 5]].any()
    assert np.isfinite(tx.gradients(slope.sum(), x)).all()


@both
@pytest.mark.parametrize("n", [2, 10, 129, 1000])
@pytest.mark.parametrize("lead", LEADS)
def test_the_softmax_itself(lead: float, n: int, dtype: Any) -> None:
    """In float64 within 2 (1 + g) ulp, and the entry that leads within 2 ulp."""
    rng = np.random.default_rng(n)
    worst = 0.0
    for _ in range(20 if n < 1000 else 3):
        z = rng.normal(size=n) * rng.choice([0.1, 1, 3])
        z[0] += lead
        z = z.astype(dtype)
        with mpmath.workdps(40):
            e = [mpmath.exp(mpf(float(x))) for x in z]
            whole = mpmath.fsum(e)
            errors = [ulps(p, x / whole, x / whole) for p, x in zip(tx.softmax(z), e, strict=True)]
        worst = max(worst, (np.array(errors) / (1 + (z.max() - z).astype(float))).max())
    assert worst <= (2 if dtype == np.float64 else LIMIT)


def test_the_definition_of_tensorflow_s_own_test() -> None:
    """Its gradient of a saturated softmax: logits a gap of 37.43 apart, one-hot upstream."""
    z = tx.Tensor([37.42994775023705, 0.0])
    grad = tx.gradients(tx.softmax(z), z, seed=[1.0, 0.0])
    np.testing.assert_allclose(grad, [5.551115123125775e-17, -5.551115123125775e-17], rtol=1e-15)


@both
@pytest.mark.parametrize("n", [129, 1000])
def test_many_classes_of_which_none_leads(n: int, dtype: Any) -> None:
    """There a difference from the largest entry would be what cancels."""
    z = np.random.default_rng(n).normal(size=n).astype(dtype)
    top = int(np.argmax(z))
    x = tx.Tensor(z)
    with mpmath.workdps(40):
        e = [mpmath.exp(mpf(float(a))) for a in z]
        whole = mpmath.fsum(e)
        wanted = [-(a / whole) * (e[top] / whole) for a in e]
        wanted[top] += e[top] / whole
        slope = tx.gradients(tx.softmax(x)[top], x)
        lse = tx.gradients(tx.logsumexp(x), x, create_graph=True)
        recorded = tx.gradients(tx.softmax(x)[top], x, create_graph=True).data
        for found in (slope, recorded, tx.gradients(lse, x, seed=np.eye(n, dtype=dtype)[top])):
            errors = [ulps(a, b, b) for a, b in zip(found, wanted, strict=True)]
            assert max(np.array(errors) / (1 + (z[top] - z).astype(float))) <= LIMIT


def test_the_mixed_derivative_by_labels_and_logits() -> None:
    z, t = tx.Tensor([37.42994775023705, 0.0]), tx.Tensor([1.0, 0.0])
    slope = tx.gradients(tx.softmax_cross_entropy_with_logits_v2(t, z), z, create_graph=True)
    mixed = tx.gradients(slope, t, seed=[1.0, 0.0])  # of the first logit: p - 1 and p
    np.testing.assert_allclose(mixed, [-5.551115123125775e-17, 1], rtol=1e-15)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), (1, 2), None])
@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_along_any_axes(function: str, axis: Any) -> None:
    """As along the last axis of the same entries in rows: values, first and second derivatives."""
    rng = np.random.default_rng(0)
    z, u, v = rng.normal(size=(3, 2, 4, 3))
    z[0, 0, 0] += 40
    last = range(3) if axis is None else (axis,) if isinstance(axis, int) else axis
    last = tuple(a % 3 for a in last)
    order = [a for a in range(3) if a not in last] + list(last)
    rows = int(np.prod([z.shape[a] for a in order[: 3 - len(last)]]))

    def in_rows(x: Any) -> Any:
        return np.transpose(x, order).reshape(rows, -1)

    def derivatives(z: Any, u: Any, v: Any, **axis: Any) -> list[Any]:
        x = tx.Tensor(z)
        y = getattr(tx, function)(x, **axis)
        slope = tx.gradients(y, x, seed=u, create_graph=True)
        numbers = tx.gradients(y, x, seed=u)
        return [y.data, numbers, slope.data, tx.gradients(slope, x, seed=v)]

    found = derivatives(z, u, v, axis=axis)
    wanted = derivatives(*map(in_rows, (z, u, v)))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(in_rows(one), other, rtol=1e-13)


@pytest.mark.parametrize("dtype", [">f4", ">f8", "<f2", "<f4"])
def test_bytes_in_either_order_and_entries_that_are_not_side_by_side(dtype: str) -> None:
    z = np.zeros((6, 8), dtype)
    z[:] = np.random.default_rng(0).normal(size=z.shape)
    z[0, 0] = 12
    u = np.eye(6, 8, dtype=dtype)[::2, ::-2]
    x, plain = tx.Tensor(z[::2, ::-2]), tx.Tensor(z[::2, ::-2].copy().astype(float))
    for function in (tx.softmax, tx.log_softmax):
        found = tx.gradients(function(x), x, seed=u)
        wanted = tx.gradients(function(plain), plain, seed=u.astype(float))
        tolerance = 100 * np.finfo(dtype).eps
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=np.finfo(dtype).tiny)


@both
@every_lead
@pytest.mark.parametrize("function", [*LOSSES, "logsumexp"])
def test_hessians_are_positive_semidefinite(function: str, lead: float, dtype: Any) -> None:
    """Of a diagonal as large as the rest of its row they are, but for roundings of it."""
    rng = np.random.default_rng(int(lead))
    for n in CLASSES:
        z = rng.normal(size=n)
        z[np.argmax(z)] += lead
        hessian = ours("hessian", function, z.astype(dtype), np.ones(n, dtype), n - 1)
        hessian = np.asarray(hessian, float)
        sizes = np.diag(hessian)
        assert (sizes > 0).all()  # a class that leads by 40 has a curvature of e^-40, not 0
        scaled = hessian / np.sqrt(sizes) / np.sqrt(sizes)[:, None]
        assert np.linalg.eigvalsh(scaled).min() > -20 * (1 + lead) * np.finfo(dtype).eps


def test_dask_and_complex_numbers_take_the_same_formulas() -> None:
    da = pytest.importorskip("dask.array")
    z = np.array([[40.0, 0.0, 1.0], [0.3, -0.2, 0.1]])
    u = np.array([[1.0, 0, 0], [0, 1, 0]])
    for function in (tx.softmax, tx.log_softmax):
        x, lazy = tx.Tensor(z), tx.Tensor(da.from_array(z, chunks=(1, 3)))
        wanted = tx.gradients(function(x), x, seed=u)
        found = tx.gradients(function(lazy), lazy, seed=da.from_array(u, chunks=(1, 3)))
        np.testing.assert_allclose(found.compute(), wanted, rtol=1e-14)
        step = 1e-200  # of the complex step, which has no difference that could lose digits
        for k in range(3):
            moved = z.astype(complex)
            moved[0, k] += 1j * step
            slope = function(moved)[0].imag / step
            row = tx.gradients(function(x)[0, 1], x)[0, k]
            assert slope[1] == pytest.approx(row, rel=1e-13, abs=0)


def test_no_entries_and_a_number() -> None:
    for function in (tx.softmax, tx.log_softmax):
        for shape, axis in (((2, 0), -1), ((0, 3), -1), ((0, 3), 0), ((2, 0), None)):
            x = tx.Tensor(np.zeros(shape))
            assert function(x, axis=axis).shape == shape
            assert tx.gradients(function(x, axis=axis).sum(), x).shape == shape
    np.testing.assert_array_equal(tx.logsumexp(np.zeros((2, 0)), axis=1), [-np.inf, -np.inf])
    assert tx.logsumexp([]) == tx.logsumexp([], b=[]) == -np.inf
    x = tx.Tensor(3.0)  # a row of one entry, as for PyTorch and SciPy
    assert (tx.softmax(x).data, tx.log_softmax(x).data, tx.logsumexp(x).data) == (1, 0, 3)
    assert tx.gradients(tx.softmax(x), x) == tx.gradients(tx.log_softmax(x), x) == 0


@pytest.mark.parametrize("axis", [2, -3, (0, 0), (0, 5), 0.5, "0"])
@pytest.mark.parametrize("function", [tx.softmax, tx.log_softmax, tx.logsumexp], ids=str)
def test_axes_that_there_are_not(function: Any, axis: Any) -> None:
    with pytest.raises(
        tx.errors.AxisError, match=r"axis=.* does not fit an array of shape \(2, 3\)"
    ):
        function(np.zeros((2, 3)), axis=axis)


def test_a_nan_is_not_passed_over() -> None:
    """What is NaN has a gradient that says so, or that it depends on the number there."""
    z = np.array([[1.0, np.nan, 0.0], [2.0, 1.0, 0.0]])
    for function in (tx.max, tx.min):
        x = tx.Tensor(z)
        grad = tx.gradients(function(x, axis=1).sum(), x)
        assert np.isnan(grad[0]).all()
        assert np.isfinite(grad[1]).all()
    x = tx.Tensor(z)
    for y in (tx.maximum(x, 0.5), tx.minimum(x, 0.5), tx.relu(x), tx.absolute(x), tx.clip(x, 0, 1)):
        assert tx.gradients(y.sum(), x)[0, 1] != 0


def test_the_check_of_a_gradient_says_where_digits_are_lost() -> None:
    @tx.op
    def squashed(x):
        return np.tanh(x)

    @squashed.backward
    def squashed_backward(grad, y, x):
        return grad * (1 - y * y)

    for x, left in ((20.0, "no digit"), (18.0, "1 digit"), (13.5, "3 digits")):
        report = tx.gradcheck(squashed, [x])
        text = str(report)
        assert report.ok
        assert (f"right within rounding, which leaves {left}" in text) == (left != "3 digits")
        assert "right within" not in str(tx.gradcheck(tx.tanh, [x]))


def test_the_check_of_a_gradient_names_whole_numbers() -> None:
    def f(x, y):
        return x * y

    text = str(tx.gradcheck(f, [1, 2], [1.0, 2.0]))
    assert "Not checked: x, held constant as array of whole numbers. To check its" in text
    assert "whole numbers" in tx.gradcheck(f, [1, 2], [1.0, 2.0])._repr_html_()
    assert "Not checked" not in str(tx.gradcheck(f, [1.0, 2.0], [1.0, 2.0]))
    # An op says which of its inputs are numbers to calculate with, and which are labels.
    both = tx.gradcheck(tx.multiply, [1, 2], [1.0, 2.0])
    assert both.ok
    assert [case.name for case in both.cases] == ["x", "y"]
    labels = tx.gradcheck(tx.ops.sparse_softmax_cross_entropy, [1], [[1.0, 2.0]])
    assert "Not checked" not in str(labels)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u4", "?"])
def test_whole_numbers_do_not_wrap(dtype: str) -> None:
    x = np.array([0, 1, 100]).astype(dtype)
    for op in (tx.sigmoid, tx.sech2):
        np.testing.assert_allclose(op(x), op(x.astype(float)), rtol=1e-2)


def test_many_classes_in_half_precision_do_not_overflow() -> None:
    x = tx.Tensor(np.zeros(70_000, np.float16))
    seed = np.ones(70_000, np.float16)
    got = tx.gradients(tx.log_softmax(x), x, seed=seed)
    assert np.isfinite(got).all()
    assert np.abs(got).max() < 1e-2
