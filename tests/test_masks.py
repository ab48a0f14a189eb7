"""Masks: `where=`, logits of -inf, and rows that are padding. What is left out must not be felt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx

FUNCTIONS: dict[str, tuple[Any, float]] = {  # and what stands where the mask leaves out
    "softmax": (tx.softmax, 0.0),
    "log_softmax": (tx.log_softmax, -np.inf),
}
JUNK = (np.nan, np.inf, -np.inf, 1e300, -1e300, 0.0)
every_function = pytest.mark.parametrize("name", FUNCTIONS)


def masked_rows(rng: np.random.Generator, shape: Any) -> tuple[Any, Any]:
    """Draw rows with junk where they are masked; the first is masked as a whole."""
    z, mask = rng.normal(size=shape) * 3, rng.random(shape) < 0.6
    mask[..., 0] |= ~mask.any(axis=-1)
    mask.reshape(-1, shape[-1])[0] = False
    z[~mask] = rng.choice(JUNK, size=(~mask).sum())
    return z, mask


def finite(y: Any) -> Any:
    """Make a smooth scalar of a result, without its infinities."""
    y = tx.where(np.isfinite(y.data), y, 0.0)
    return (y * y * y).sum()


def derivatives(f: Any, z: Any) -> list[Any]:
    """The value of a scalar function, its gradient on arrays and recorded, and two more orders."""
    x = tx.Tensor(z)
    y = f(x)
    first = tx.gradients(y, x, create_graph=True)
    second = tx.gradients((first * first).sum(), x, create_graph=True)
    third = tx.gradients((second * np.cos(np.arange(z.size)).reshape(z.shape)).sum(), x)
    return [y.data, tx.gradients(y, x), first.data, second.data, third]


@every_function
@pytest.mark.parametrize("shape", [(4,), (5, 3), (2, 3, 6)])
def test_what_is_masked_might_as_well_not_exist(name: str, shape: Any) -> None:
    function, outside = FUNCTIONS[name]
    z, mask = masked_rows(np.random.default_rng(0), shape)
    y = function(z, where=mask)
    assert (y[~mask] == outside).all()
    found = derivatives(lambda x: finite(function(x, where=mask)), z)
    assert all(np.isfinite(array).all() for array in found)
    assert all(not array[~mask].any() for array in found[1:])
    for row in np.ndindex(shape[:-1]):
        keep = mask[row]
        if not keep.any():
            continue
        np.testing.assert_allclose(y[row][keep], function(z[row][keep]), rtol=1e-14)
        gradient = derivatives(lambda x: finite(function(x)), z[row][keep])[1]
        np.testing.assert_allclose(found[1][row][keep], gradient, rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(found[1], found[2], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 1e4, 1e30, -1.0, -1e4, -1e30])
def test_numbers_of_any_size(size: float, dtype: Any) -> None:
    with np.errstate(over="ignore"):
        x = np.array([size, size, np.nan, size], dtype)
    if not np.isfinite(x[0]):
        return  # 1e30 in float16
    mask = np.array([True, False, False, True])
    np.testing.assert_array_equal(tx.softmax(x, where=mask), np.array([0.5, 0, 0, 0.5], dtype))
    assert tx.softmax(x, where=mask).dtype == tx.log_softmax(x, where=mask).dtype == dtype
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=0, logits=x, where=mask)
    assert (loss, loss.dtype) == (dtype(np.log(2)), dtype)


@pytest.mark.parametrize("axis", [-1, 0, (0, 2), None])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp(axis: Any, keepdims: bool) -> None:
    z, mask = masked_rows(np.random.default_rng(1), (2, 3, 4))
    y = tx.logsumexp(z, axis=axis, keepdims=keepdims, where=mask)
    with np.errstate(divide="ignore"):
        exact = np.log(
            np.sum(np.exp(np.where(mask, z, 0)), axis=axis, keepdims=keepdims, where=mask)
        )
    np.testing.assert_allclose(y, exact, rtol=1e-14)
    found = derivatives(
        lambda x: finite(tx.logsumexp(x, axis=axis, keepdims=keepdims, where=mask)), z
    )
    assert all(np.isfinite(array).all() and not array[~mask].any() for array in found[1:])
    moved = np.where(mask, z, 0.0)
    direction = np.where(mask, np.random.default_rng(2).normal(size=z.shape), 0)

    def at(step: float) -> float:
        y = tx.logsumexp(moved + step * direction, axis=axis, where=mask)
        return float(np.sum(np.where(np.isfinite(y), y, 0) ** 3))

    slope = (at(1e-6) - at(-1e-6)) / 2e-6
    assert np.sum(found[1] * direction) == pytest.approx(slope, rel=1e-6, abs=1e-7)


LABELS = np.array([-100, 1, 2, 0])


def losses(mask: Any, dense: Any, t: Any) -> dict[str, Any]:
    """Every loss with a mask; each on logits."""
    return {
        "sparse": lambda z: tx.sparse_softmax_cross_entropy_with_logits(
            labels=LABELS, logits=z, where=mask
        ),
        "dense": lambda z: tx.softmax_cross_entropy_with_logits(labels=dense, logits=z, where=mask),
        "v2": lambda z: tx.softmax_cross_entropy_with_logits_v2(t, z, where=mask),
        "keras sparse": lambda z: tx.sparse_categorical_crossentropy(LABELS, z, True, where=mask),
        "keras dense": lambda z: tx.categorical_crossentropy(t, z, True, where=mask),
        "looked through, sparse": lambda z: tx.sparse_categorical_crossentropy(
            LABELS, tx.softmax(z, where=mask)
        ),
        "looked through, dense": lambda z: tx.categorical_crossentropy(
            dense, tx.softmax(z, where=mask)
        ),
        "looked through, with its own mask": lambda z: tx.categorical_crossentropy(
            dense, tx.softmax(z), where=mask
        ),
    }


def batch() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(3)
    mask = np.array([[0, 0, 0, 0], [1, 1, 0, 1], [0, 1, 1, 0], [1, 1, 1, 1]], bool)
    z = rng.normal(size=mask.shape)
    z[~mask] = rng.choice(JUNK, size=(~mask).sum())
    dense = np.where(mask, rng.uniform(0.1, 1, size=mask.shape), 0)
    dense[1:] /= dense[1:].sum(axis=1, keepdims=True)
    return z, mask, dense


@pytest.mark.parametrize("name", losses(None, None, None))
def test_a_loss_with_a_mask(name: str) -> None:
    z, mask, dense = batch()
    t = tx.Tensor(dense)
    loss_of = losses(mask, dense, t)[name]
    loss = loss_of(tx.Tensor(z)).data
    assert loss[0] == 0
    if name == "looked through, with its own mask":
        z = np.where(mask, z, 0.0)  # a softmax without a mask is NaN where a row has a NaN
    found = derivatives(lambda x: (loss_of(x) * loss_of(x)).sum(), z)
    assert all(np.isfinite(array).all() for array in found)
    assert all(not array[~mask].any() and not array[0].any() for array in found[1:])
    for row in (1, 2, 3):
        keep = mask[row]
        x = tx.Tensor(z[row][keep])
        if "sparse" in name:
            label = int(np.flatnonzero(np.flatnonzero(keep) == LABELS[row])[0])
            wanted = tx.sparse_softmax_cross_entropy_with_logits(labels=label, logits=x)
        else:
            wanted = tx.softmax_cross_entropy_with_logits(labels=dense[row][keep], logits=x)
        assert loss[row] == pytest.approx(float(wanted.data), rel=1e-14)
        slope = tx.gradients(wanted * wanted, x)
        np.testing.assert_allclose(found[1][row][keep], slope, rtol=1e-12, atol=1e-16)


def test_labels_that_are_computed_get_finite_gradients_of_every_order() -> None:
    z, mask, dense = batch()
    t, x = tx.Tensor(dense), tx.Tensor(z)
    loss = tx.softmax_cross_entropy_with_logits_v2(t, x, where=mask)
    first = tx.gradients((loss * loss).sum(), t, create_graph=True)
    assert not first.data[~mask].any()
    assert first.data[mask].all()
    for second in tx.gradients((first * first).sum(), [t, x]):
        assert np.isfinite(second).all()
        assert not second[~mask].any()


@pytest.mark.parametrize("dense", [False, True])
def test_probabilities_with_a_mask(dense: bool) -> None:
    _, mask, t = batch()
    p = np.where(mask, 0.2, np.nan)
    x = tx.Tensor(p)
    loss = (
        tx.categorical_crossentropy(t, x, where=mask)
        if dense
        else tx.sparse_categorical_crossentropy(LABELS, x, where=mask)
    )
    counts = mask.sum(axis=1)
    np.testing.assert_allclose(loss.data, [0, *np.log(counts[1:])], rtol=1e-14)  # renormalised
    grad = tx.gradients(loss.sum(), x)
    assert np.isfinite(grad).all()
    assert not grad[~mask].any()


def test_nothing_leaks_into_weights_that_all_rows_share() -> None:
    rng = np.random.default_rng(0)
    data = rng.normal(size=(4, 3))
    data[2] = np.nan  # padding, as it comes
    labels = np.array([0, 1, -100, 1])
    w = tx.Tensor(rng.normal(size=(3, 2)))
    real = labels >= 0
    logits = tx.Tensor(np.where(real[:, None], data, 0)) @ w  # NaN times 0 would reach w
    loss = tx.sparse_softmax_cross_entropy_with_logits(
        labels=labels, logits=logits, where=real[:, None]
    )
    found = tx.gradients(loss.sum() / real.sum(), w)
    only = tx.sparse_softmax_cross_entropy_with_logits(
        labels=labels[real], logits=tx.Tensor(data[real]) @ w
    )
    np.testing.assert_allclose(found, tx.gradients(only.mean(), w), rtol=1e-14)


@pytest.mark.parametrize("fill", [-np.inf, np.nan])
def test_padded_rows_of_logits(fill: float) -> None:
    """The recipe for padding, with rows that have no softmax."""
    logits = tx.Tensor([[0.0, 2.0, 1.0], [fill] * 3])
    labels = np.array([1, -100])
    loss = tx.sparse_categorical_crossentropy(labels, logits, True, where=labels[:, None] >= 0)
    mean = loss.sum() / (labels >= 0).sum()
    assert mean.data == pytest.approx(0.4076059644443803, rel=1e-15)
    assert tx.first_bad(mean) is None or np.isnan(fill)
    grad = tx.gradients(mean, logits)
    np.testing.assert_allclose(grad[0], [0.09003057, -0.33475904, 0.24472847], rtol=1e-7)
    assert not grad[1].any()


# -- without `where` -------------------------------------------------------------------------


def test_rows_of_minus_infinity() -> None:
    """ln 0 stays ln 0 when its terms move, so nothing is sent there."""
    x = tx.Tensor([[-np.inf, -np.inf], [0.0, -np.inf]])
    y = tx.logsumexp(tx.logsumexp(x, axis=1)) + tx.logsumexp([-np.inf, 2.0]) * 0
    assert y.data == 0
    np.testing.assert_array_equal(tx.gradients(y, x), [[0, 0], [1, 0]])
    assert not tx.hessian(y, x).any()
    inner = tx.Tensor([-np.inf, -np.inf])
    y = tx.logsumexp(tx.stack([tx.logsumexp(inner), tx.Tensor(2.0)]))
    assert y.data == 2
    assert not tx.gradients(y, inner).any()
    assert not tx.hessian(y, inner).any()
    assert np.isnan(tx.softmax(inner.data)).all()  # 0 / 0: only a mask says what is meant


def test_the_entropy_of_a_softmax_with_a_zero() -> None:
    """-p_i (ln p_i + H) goes to 0 with p_i, though the slope of p ln p does not."""
    z, keep = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, True])
    p = np.exp(z[keep]) / np.exp(z[keep]).sum()
    h = -(p * np.log(p)).sum()
    wanted = np.zeros(4)
    wanted[keep] = -p * (np.log(p) + h)
    x = tx.Tensor(z, name="x")
    logits = tx.where(keep, x, -np.inf)
    few = tx.Tensor(z[keep])
    curved = tx.hessian(tx.crossentropy(tx.softmax(few), tx.softmax(few)), few)
    for probs in (tx.softmax(logits), tx.softmax(x, where=keep)):
        for entropy in (
            tx.crossentropy(probs, probs),
            tx.softmax_cross_entropy_with_logits_v2(probs, logits),
        ):
            assert entropy.data == pytest.approx(h, rel=1e-15)
            with np.errstate(all="ignore"):  # of ln 0 and 1 / 0, which no entry gets
                np.testing.assert_allclose(tx.gradients(entropy, x), wanted, rtol=1e-14)
                hessian = tx.hessian(entropy, x)
            np.testing.assert_allclose(hessian[np.ix_(keep, keep)], curved, rtol=1e-12, atol=1e-16)
            assert not hessian[~keep].any()
            assert tx.first_bad(entropy) is None  # an infinity that does no harm


def test_an_underflow_is_not_a_mask() -> None:
    """The logarithm of a softmax that underflowed keeps its NaN: the true slope is not 0."""
    z = tx.Tensor([0.0, -800.0])
    with np.errstate(all="ignore"):
        loss = -tx.log(tx.softmax(z))[1]
        assert np.isnan(tx.gradients(loss, z)).all()


# -- factors ---------------------------------------------------------------------------------


def test_factors_of_either_sign() -> None:
    z, b = [3.0625, 0.375, 3.875], np.array([1.875, 2.84375, -0.84375])
    x = tx.Tensor(z)
    y = tx.logsumexp(x, b=b)
    assert y.data == pytest.approx(1.2733349987621734, rel=1e-14)
    e = b * np.exp(z)
    p = e / e.sum()
    np.testing.assert_allclose(tx.gradients(y, x), p, rtol=1e-13)
    np.testing.assert_allclose(tx.hessian(y, x), np.diag(p) - np.outer(p, p), rtol=1e-12)


def test_factors_of_zero_leave_out() -> None:
    x = tx.Tensor([[1.0, np.inf, 2.0], [np.nan, 5.0, 0.0]])
    b = [[1, 0, 3], [0, 0, 0]]
    y = tx.logsumexp(x, axis=1, b=b, keepdims=True)
    np.testing.assert_allclose(y.data, [[np.log(np.e + 3 * np.e**2)], [-np.inf]], rtol=1e-15)
    grad = tx.gradients(y, x, seed=np.ones((2, 1)), create_graph=True)
    assert np.isfinite(grad.data).all()
    assert not grad.data[np.equal(b, 0)].any()
    assert np.isfinite(tx.gradients((grad * grad).sum(), x)).all()
    with np.errstate(invalid="ignore"):
        assert np.isnan(tx.logsumexp([0.0, 1.0], b=[1, -1]))  # the logarithm of less than 0
    assert tx.logsumexp([0.0, 0.0], b=[1, -1]) == -np.inf
    assert tx.logsumexp([800.0, 1.0], b=2.0) == pytest.approx(800 + np.log(2))


# -- messages --------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [[1, 0, 1], [0.0, -np.inf, 0.0], 0, -1])
def test_a_mask_is_true_or_false(mask: Any) -> None:
    for function in (tx.softmax, tx.log_softmax, tx.logsumexp):
        with pytest.raises(tx.errors.DtypeError, match=r"where must hold True and False, got .*64"):
            function([1.0, 2.0, 3.0], where=mask)


def test_shapes_that_do_not_fit() -> None:
    words = r"where of shape \(2,\) does not broadcast to the \(3,\) of "
    with pytest.raises(tx.errors.ShapeError, match=words + "x"):
        tx.softmax([1.0, 2.0, 3.0], where=[True, False])
    with pytest.raises(tx.errors.ShapeError, match=words + "the logits"):
        tx.sparse_softmax_cross_entropy_with_logits(
            labels=0, logits=[1.0, 2.0, 3.0], where=[True, False]
        )
    with pytest.raises(tx.errors.ShapeError, match=r"b of shape \(2,\) does not broadcast"):
        tx.logsumexp([1.0, 2.0, 3.0], b=[1, 2])


def test_what_gradients_do_not_reach() -> None:
    with pytest.raises(tx.errors.DtypeError, match=r"b must be an array.*logsumexp\(x \+ log\(b\)"):
        tx.logsumexp(tx.Tensor([1.0]), b=tx.Tensor([2.0]))
    mask = tx.Tensor([True, False])  # what a comparison of Tensors may give is taken
    np.testing.assert_array_equal(tx.softmax([5.0, 7.0], where=mask), [1, 0])


def test_a_label_that_the_mask_leaves_out() -> None:
    with pytest.raises(
        tx.errors.LabelRangeError, match=r"leaves out class 2 at position 1, which is the label"
    ):
        tx.sparse_softmax_cross_entropy_with_logits(
            labels=[0, 2], logits=np.zeros((2, 3)), where=[True, True, False]
        )
    with pytest.raises(tx.errors.LabelRangeError, match="label -1 at position 1 is not a class"):
        tx.sparse_softmax_cross_entropy_with_logits(
            labels=[0, -1], logits=np.zeros((2, 3)), where=[True, True, False]
        )
    with pytest.warns(tx.errors.LabelsWarning, match=r"position 1 .* sums to 0.5"):
        tx.softmax_cross_entropy_with_logits(
            labels=[[1, 0, 0], [0.5, 0, 0.5]],
            logits=np.zeros((2, 3)),
            where=[True, True, False],
        )


def test_one_class() -> None:
    calls = (
        lambda: tx.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=[[1.0]]),
        lambda: tx.softmax_cross_entropy_with_logits(labels=[[1.0]], logits=[[1.0]]),
        lambda: tx.categorical_crossentropy([[1.0]], [[0.7]]),
    )
    for call in calls:
        with pytest.warns(tx.errors.OneClassWarning, match=r"one class along .* two columns"):
            assert call() == pytest.approx(0, abs=2e-7)  # probabilities are clipped
    assert tx.softmax([[1.0]]) == 1  # attention to a single key is nothing unusual


# -- other users of the ops ------------------------------------------------------------------


def test_checked_drawn_and_traced() -> None:
    mask = np.array([True, False, True])
    for op, params in (
        (tx.softmax, {"where": mask}),
        (tx.log_softmax, {"axis": (0, 1)}),
        (tx.logsumexp, {"axis": -1, "where": mask}),
        (tx.logsumexp, {"axis": -1, "b": [1.0, 0.0, 2.0]}),
    ):
        z = np.random.default_rng(0).normal(size=(2, 3))
        if op is not tx.log_softmax:
            tx.gradcheck(op, z, order=2, **params).assert_ok()
        x = tx.Tensor(z, name="x")
        loss = finite(op(x, **params))
        tx.gradcheck(loss).assert_ok()
        tx.draw(loss).svg  # noqa: B018
        text = str(tx.trace(loss))
        assert op.name in text
        assert tx.why(x, loss, entry=(0, 1))
    with pytest.raises(TypeError, match="where"):
        tx.exp(1.0, where=mask)


def test_rules_need_not_know_of_masks() -> None:
    """Whoever writes another rule for an op of ours writes it as before."""
    mine = tx.Op(tx.softmax.function, shapes="(n)->(n)")

    @mine.backward
    def rule(grad, y, x, *, axis):
        return y * (grad - tx.ops.sum(grad * y, axis=axis, keepdims=True))

    assert tx.gradcheck(mine, [[1.0, 2.0]])
    assert "where" not in mine(tx.Tensor([1.0, 2.0])).params


def test_dask_takes_masks() -> None:
    da = pytest.importorskip("dask.array")
    z, mask = masked_rows(np.random.default_rng(0), (4, 5))
    lazy, lazy_mask = da.from_array(z, chunks=(2, 5)), da.from_array(mask, chunks=(2, 5))
    for name, (function, _) in FUNCTIONS.items():
        for where in (mask, lazy_mask):
            x, plain = tx.Tensor(lazy), tx.Tensor(z)
            y, wanted = function(x, where=where), function(plain, where=mask)
            np.testing.assert_allclose(y.data.compute(), wanted.data, rtol=1e-14, err_msg=name)
            seed = np.ones_like(z)
            found = tx.gradients(y, x, seed=da.from_array(seed, chunks=(2, 5)))
            grad = tx.gradients(wanted, plain, seed=seed)
            np.testing.assert_allclose(found.compute(), grad, rtol=1e-12, atol=1e-15)
    labels = np.where(mask.any(axis=1), mask.argmax(axis=1), -100)
    loss = tx.sparse_softmax_cross_entropy_with_logits(
        labels=da.from_array(labels, chunks=2), logits=lazy, where=mask
    )
    wanted = tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=z, where=mask)
    np.testing.assert_allclose(loss.compute(), wanted, rtol=1e-14)


# -- masks of different kinds at once ------------------------------------------------------------


def test_minus_infinity_and_a_mask_together() -> None:
    x = tx.Tensor([-np.inf, 5.0])
    y = tx.logsumexp(x, where=[True, False])
    assert y.item() == -np.inf
    np.testing.assert_array_equal(tx.gradients(y, x), [0, 0])
    y = tx.logsumexp(x, where=[True, False], b=np.array([2.0, 1.0]))
    np.testing.assert_array_equal(tx.gradients(y, x), [0, 0])


def test_a_label_on_minus_infinity_has_the_gradient_of_the_frameworks() -> None:
    x = tx.Tensor([0.0, -np.inf, 1.0])
    grad = tx.gradients(-tx.log_softmax(x)[1], x)
    np.testing.assert_allclose(grad, tx.softmax(x.data) - [0, 1, 0], rtol=1e-14)


def test_a_factor_that_a_mask_leaves_out_may_be_nan() -> None:
    x = tx.Tensor([1.0, 2.0])
    y = tx.logsumexp(x, where=[True, False], b=np.array([1.0, np.nan]))
    assert y.item() == 1
    np.testing.assert_array_equal(tx.gradients(y, x), [1, 0])


def test_a_causal_mask_stays_a_mask() -> None:
    mask = tx.tril(np.ones((3, 3), bool))
    assert mask.dtype == bool
    assert tx.triu(mask).dtype == bool
    np.testing.assert_array_equal(tx.softmax(np.zeros((3, 3)), where=mask)[0], [1, 0, 0])


def test_factors_keep_the_digits_and_the_range() -> None:
    assert tx.logsumexp([0.0, -40.0], b=[1.0, 1.0]) == tx.logsumexp([0.0, -40.0])
    zeros = np.zeros(70_000, np.float16)
    assert tx.logsumexp(zeros, b=np.ones(70_000)) == tx.logsumexp(zeros)
    for x in ([-np.inf, -np.inf], [np.inf, 0.0], [-np.inf, 1.0], [np.nan, 1.0]):
        np.testing.assert_array_equal(tx.logsumexp(x, b=[1.0, 1.0]), tx.logsumexp(x))
