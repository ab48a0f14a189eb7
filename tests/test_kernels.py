"""The kernels against the formulas of the ops, and what they promise beside digits."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref
from collections.abc import Iterator
from math import fsum
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.ops import kernels

SHAPES = [(1, 1), (3, 2), (40, 10), (7, 513), (2, 3, 4), (5, 2100), (2, 70, 300), (600, 500)]
TOLERANCE = {np.float16: 1e-3, np.float32: 2e-6, np.float64: 1e-14}

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE)
both_labels = pytest.mark.parametrize("dense", [False, True])


def kinds(rng: np.random.Generator, shape: Any) -> Iterator[Any]:
    """Ordinary logits; large ones far from 0; and rows of both kinds."""
    z = rng.normal(size=shape)
    yield z
    yield z * 20 + 300
    yield np.where(np.arange(shape[0]).reshape(-1, *(1,) * (z.ndim - 1)) % 2, z, z * 100)


def cases(shape: Any, dtype: Any) -> Iterator[tuple[Any, Any, Any, int]]:
    rng = np.random.default_rng(0)
    for axis in range(len(shape)):
        for z in kinds(rng, shape):
            labels = rng.integers(shape[axis], size=np.delete(shape, axis))
            dense = rng.uniform(size=shape) + 1e-3
            dense /= dense.sum(axis=axis, keepdims=True)
            yield labels, dense.astype(dtype), z.astype(dtype), axis


def assert_close(found: Any, wanted: Any, dtype: Any) -> None:
    assert found.dtype == dtype
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(found, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


def by_formula(op: tx.Op, *args: Any, **params: Any) -> Any:
    """What the formula of an op gives in double precision: it is taken for complex numbers."""
    *labels, z = (x.astype(float) if x.dtype.kind == "f" else x for x in args)
    return op.function(*labels, z + 0j, **params).real


@every_dtype
@every_shape
def test_kernels_are_the_formulas(shape: Any, dtype: Any) -> None:
    for labels, dense, z, axis in cases(shape, dtype):
        for op, args in (
            (tx.softmax, (z,)),
            (tx.log_softmax, (z,)),
            (tx.logsumexp, (z,)),
            (tx.ops.softmax_cross_entropy, (dense, z)),
            (tx.ops.softmax_minus_labels, (dense, z)),
            (tx.ops.sparse_softmax_cross_entropy, (labels, z)),
            (tx.ops.softmax_minus_one_hot, (labels, z)),
        ):
            before = [x.copy() for x in args]
            assert_close(op(*args, axis=axis), by_formula(op, *args, axis=axis), dtype)
            for x, old in zip(args, before, strict=True):
                np.testing.assert_array_equal(x, old)  # in whatever memory it was computed
        grad = dense[::-1]
        wanted = dense * (grad - np.sum(grad * dense, axis=axis, keepdims=True, dtype=float))
        assert_close(kernels.softmax_backward(grad, dense, z, axis), wanted, dtype)


def test_half_precision_is_rounded_to_nearest_everywhere() -> None:
    """Also subnormal ones, ties and what is next to a tie, and too large ones."""
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    ties = halves[:-1] + np.diff(halves) / 2
    near = np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(1e9))
    edges = np.array([65519.996, 65520, 1e9, 2**-25, 2**-150, np.inf, np.nan], np.float32)
    for x in (halves, ties, *near, edges):
        for some in (x, -x):
            with np.errstate(all="ignore"):
                found = kernels._rounded(some, np.zeros(1, np.float16))
                np.testing.assert_array_equal(found, some.astype(np.float16), strict=True)


@pytest.mark.parametrize("what", ["columns", "every other", "reversed", "cut out", "read-only"])
def test_arrays_in_any_memory_order(what: str) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(40, 30))
    lying = {
        "columns": np.asfortranarray(z),
        "every other": np.repeat(np.repeat(z, 2, axis=0), 2, axis=1)[::2, ::2],
        "reversed": z[::-1, ::-1].copy()[::-1, ::-1],
        "cut out": np.pad(z, 3)[3:-3, 3:-3],
        "read-only": z.copy(),
    }[what]
    lying.flags.writeable = what != "read-only"
    for axis in (0, 1):
        labels = rng.integers(30, size=z.shape[1 - axis])
        for op, args in ((tx.softmax, ()), (tx.ops.sparse_softmax_cross_entropy, (labels,))):
            x, straight = tx.Tensor(lying), tx.Tensor(z)
            found, wanted = op(*args, x, axis=axis), op(*args, straight, axis=axis)
            np.testing.assert_array_equal(found.data, wanted.data)
            seed = rng.normal(size=found.shape)
            np.testing.assert_array_equal(
                tx.gradients(found, x, seed=seed), tx.gradients(wanted, straight, seed=seed)
            )
            np.testing.assert_array_equal(lying, z)


@pytest.mark.parametrize("shape", [(2, 5000, 3), (3, 4, 5000), (5000, 3), (1, 3, 1, 2), (2, 0, 3)])
def test_an_axis_is_turned_in_pieces(shape: Any) -> None:
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for axis in range(-x.ndim, x.ndim):
        turned = kernels._turned(x, axis)
        np.testing.assert_array_equal(turned, np.moveaxis(x, axis, -1), strict=True)
        assert turned.flags.c_contiguous


def test_integers_and_labels_that_broadcast() -> None:
    z, t = np.array([[1, 2, 3], [3, 1, 2]]), np.array([0.25, 0.25, 0.5])
    wide = z.astype(float)
    for found, wanted in (
        (tx.softmax(z), tx.softmax(wide)),
        (tx.logsumexp(z > 1, axis=1), tx.logsumexp((z > 1).astype(float), axis=1)),
        (tx.ops.softmax_cross_entropy(t, z), tx.ops.softmax_cross_entropy([t, t], wide)),
        (
            tx.ops.sparse_softmax_cross_entropy(2, z),
            tx.ops.sparse_softmax_cross_entropy([2, 2], wide),
        ),
    ):
        np.testing.assert_array_equal(found, wanted, strict=True)
    small = np.array([2, 0], np.uint8)
    for labels in (small, small.astype(np.uint64), small.astype(np.int32)):
        found = tx.ops.sparse_softmax_cross_entropy(labels, wide)
        np.testing.assert_array_equal(found, -tx.log_softmax(wide)[[0, 1], [2, 0]])


@pytest.mark.parametrize("label", [3, -1])
def test_a_label_never_reaches_into_the_next_row(label: int) -> None:
    """The public losses say which label is wrong; the op must not answer from other rows."""
    with pytest.raises(ValueError, match="invalid entry in coordinates array"):
        tx.ops.sparse_softmax_cross_entropy(np.array([0, label, 0]), np.zeros((3, 3)))


@every_dtype
def test_rows_without_a_finite_maximum(dtype: Any) -> None:
    """NaN where there is no answer, in these rows alone; and a label of 0 on -inf adds nothing."""
    inf, nan = np.inf, np.nan
    z = np.array([[inf, 0, 1], [-inf] * 3, [nan, 0, 1], [inf, inf, 0], [0, 1, -inf]], dtype)
    one_hot = np.array([[0, 1, 0]] * 5, dtype)
    for op, labels in (
        (tx.ops.sparse_softmax_cross_entropy, np.ones(5, int)),
        (tx.ops.sparse_softmax_cross_entropy, np.array([0, 0, 0, 1, 1])),
        (tx.ops.softmax_cross_entropy, one_hot),
    ):
        for axis, logits in ((1, z), (0, z.T)):
            x = tx.Tensor(logits)
            loss = op(labels.T if labels.ndim == 2 and axis == 0 else labels, x, axis=axis)
            assert np.isnan(loss.data).tolist() == [True] * 4 + [False]
            grad = np.moveaxis(tx.gradients(loss, x, seed=np.ones(5)), axis, 1)
            assert np.isnan(grad).any(axis=1).tolist() == [True] * 4 + [False]
            assert grad[4, 2] == 0
    assert tx.logsumexp(z, axis=1).tolist()[:2] == [inf, -inf]


@every_dtype
@every_shape
def test_gradients_are_what_the_ops_compute(shape: Any, dtype: Any) -> None:
    """On arrays a rule takes what the forward pass kept, on Tensors it computes with ops."""
    for labels, dense, z, axis in cases(shape, dtype):
        for op, target in (
            (tx.ops.softmax_cross_entropy, dense),
            (tx.ops.sparse_softmax_cross_entropy, labels),
        ):
            x = tx.Tensor(z)
            loss = op(target, x, axis=axis)
            seed = np.random.default_rng(1).normal(size=loss.shape).astype(dtype)
            first = tx.gradients(loss, x, seed=seed)
            again = tx.gradients(loss, x, seed=seed)
            np.testing.assert_array_equal(first, again, strict=True)  # nothing is kept any more
            by_ops = tx.gradients(loss, x, seed=tx.Tensor(seed), create_graph=True)
            assert_close(first, by_ops.data, dtype)
            alone = op.rule(seed, loss.data, target, z, axis=axis)[1]
            np.testing.assert_array_equal(alone() if callable(alone) else alone, first)
            np.testing.assert_array_equal(op(target, z, axis=axis), loss.data)


def test_softmax_on_tensors_has_the_rule_of_arrays() -> None:
    x = tx.Tensor(np.random.default_rng(0).normal(size=(4, 5)))
    seed = np.random.default_rng(1).normal(size=(4, 5))
    for axis in (0, 1, -1, None, (0, 1)):
        y = tx.softmax(x, axis=axis)
        by_ops = tx.gradients(y, x, seed=tx.Tensor(seed), create_graph=True)
        np.testing.assert_allclose(tx.gradients(y, x, seed=seed), by_ops.data, atol=1e-16)


def test_a_tiny_gradient_from_above_costs_no_digit() -> None:
    """Its product with 1 / sum(e) would be subnormal in float32, the gradient is not."""
    z = np.array([[27.0, 25.0], [1, 2]], np.float32)
    x = tx.Tensor(z)
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=[1, 0], logits=x)
    grad = tx.gradients(loss, x, seed=np.array([1e-30, 1e-30], np.float32))
    wanted = by_formula(tx.ops.softmax_minus_one_hot, np.array([1, 0]), z, axis=1) * 1e-30
    np.testing.assert_allclose(grad, wanted, rtol=5e-7)
    grad = tx.gradients(loss, x, seed=np.array([0, 1e-30], np.float32))
    np.testing.assert_allclose(grad, wanted * [[0], [1]], rtol=5e-7)
    x = tx.Tensor(np.zeros((3, 1000), np.float32))  # 1e-37 / 1000 is subnormal
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=[1, 2, 3], logits=x)
    grad = tx.gradients(loss, x, seed=np.array([1e-37, 0, 1], np.float32))
    wanted = [-0.999 * float(np.float32(1e-37)), 0, -0.999]
    np.testing.assert_allclose(grad[[0, 1, 2], [1, 2, 3]], wanted, rtol=5e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_huge_gradient_from_above_does_not_overflow(dtype: Any) -> None:
    """Its product with 1 / sum(e), 122 here, would; nor does it warn."""
    x = tx.Tensor(np.full((2, 2), -5.5, dtype))
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=x)
    huge = np.finfo(dtype).max / 16
    grad = tx.gradients(loss, x, seed=np.full(2, huge, dtype))
    np.testing.assert_allclose(grad / huge, [[-0.5, 0.5], [0.5, -0.5]], rtol=1e-6)


def test_float32_sums_along_an_axis_that_is_not_the_last() -> None:
    """NumPy adds one by one there, which would lose three digits of 100,000 numbers."""
    z = np.random.default_rng(0).normal(size=(100_000, 2)).astype(np.float32)
    np.testing.assert_allclose(tx.softmax(z, axis=0), by_formula(tx.softmax, z, axis=0), rtol=2e-6)


@pytest.mark.parametrize("what", ["sparse", "dense"])
@pytest.mark.parametrize("classes", [129, 1000, 1025, 20_000])
def test_a_thousand_tiny_exponentials_beside_the_maximum(classes: int, what: str) -> None:
    """Added to its 1 one by one they would be lost; the label is another class."""
    z = np.random.default_rng(classes).normal(size=(4, classes))
    z[:, 7] = 40
    x = tx.Tensor(z)
    if what == "sparse":
        loss = tx.sparse_softmax_cross_entropy_with_logits(labels=[3] * 4, logits=x)
    else:
        hot = np.zeros((4, classes))
        hot[:, 3] = 1
        loss = tx.softmax_cross_entropy_with_logits(labels=hot, logits=x)
    e = np.exp(z - 40)
    wanted = [1 / (1 + fsum(np.delete(row, 7))) for row in e]
    found = tx.gradients(loss, x, seed=np.ones(4))[:, 7]
    np.testing.assert_array_max_ulp(found, np.array(wanted), 2)


@pytest.mark.parametrize("order", ["C", "F"])
def test_sums_of_single_precision_go_on_in_double(order: Any) -> None:
    x = np.random.default_rng(0).uniform(size=(3, 100_000)).astype(np.float32, order=order)
    wide = x.astype(float)
    for found, wanted in (
        (kernels.row_sums(x), wide.sum(axis=1)),
        (kernels.row_sums(x, x), np.square(wide).sum(axis=1)),
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_columns_of_equal_labels_beside_an_infinite_logit() -> None:
    """0 * -inf is left out of the sum, which is added up as carefully as any other."""
    z = np.full((20_000, 64), -0.1, np.float32)
    t = np.full(z.shape, 1 / 19_999, np.float32)
    z[0], t[0], z[1] = -np.inf, 0, 30
    loss = tx.ops.softmax_cross_entropy(t, z, axis=0)
    p = t.astype(float)
    wanted = p.sum(0) * np.log(np.exp(z.astype(float)).sum(0)) - (p[1:] * z[1:]).sum(0)
    np.testing.assert_allclose(loss, wanted, rtol=2e-7)


def test_complex_numbers_pass() -> None:
    """By a step of 1e-30 along the imaginary axis: derivatives without a difference."""
    rng = np.random.default_rng(0)
    z, v, t = rng.normal(size=(3, 4, 5))
    labels = np.array([0, 3, 4, 1])
    p = by_formula(tx.softmax, z)
    step = z + 1e-30j * v
    for found, gradient in (
        (tx.ops.sparse_softmax_cross_entropy.function(labels, step), p - np.eye(5)[labels]),
        (tx.ops.softmax_cross_entropy.function(t, step), p * t.sum(1, keepdims=True) - t),
        (tx.logsumexp.function(step, axis=1), p),
        (tx.softmax.function(step)[:, 2], p[:, 2:3] * (np.eye(5)[2] - p)),
        (tx.log_softmax.function(step)[:, 2], np.eye(5)[2] - p),
        (tx.ops.softmax_minus_one_hot.function(labels, step)[:, 2], p[:, 2:3] * (np.eye(5)[2] - p)),
    ):
        np.testing.assert_allclose(found.imag / 1e-30, (gradient * v).sum(1), rtol=1e-12)


# -- what is kept ----------------------------------------------------------------------------


def recorded(dense: bool, x: tx.Tensor) -> Any:
    """A loss of x, of shape (rows, classes)."""
    rows, classes = x.shape
    if dense:
        labels = np.full(x.shape, 1 / classes, x.dtype)
        return tx.softmax_cross_entropy_with_logits(labels=labels, logits=x)
    return tx.sparse_softmax_cross_entropy_with_logits(labels=np.arange(rows) % classes, logits=x)


@both_labels
def test_what_is_kept_is_given_away_once_and_goes_with_the_graph(dense: bool) -> None:
    x = tx.Tensor(np.random.default_rng(0).normal(size=(100, 400)))
    loss = recorded(dense, x)
    memory = weakref.ref(loss.kept["gradient"][0])
    first = tx.gradients(loss.sum(), x)
    assert "gradient" not in loss.kept
    assert np.shares_memory(first, memory())
    del first
    gc.collect()
    assert memory() is None
    loss = recorded(dense, x)
    memory = weakref.ref(loss.kept["gradient"][0])
    del loss
    assert memory() is None


@both_labels
def test_what_nobody_kept(dense: bool) -> None:
    x = tx.Tensor(np.zeros((3, 4)))
    assert x.kept is None
    assert tx.softmax(x).kept is None
    loss = recorded(dense, x)
    assert isinstance(loss, tx.Tensor)
    assert loss.kept
    assert loss.sum().kept is None
    assert not isinstance(recorded(dense, x.data), tx.Tensor)


@both_labels
def test_a_gradient_is_never_written_to_again(dense: bool) -> None:
    x = tx.Tensor(np.random.default_rng(0).normal(size=(20, 30)))
    loss = recorded(dense, x).sum()
    first = dict(backpropagate(loss))[x]
    copy = first.copy()
    second = dict(backpropagate(loss, seed=2.0))[x]
    np.testing.assert_array_equal(first, copy)
    np.testing.assert_array_equal(second, 2 * copy)


@both_labels
def test_a_loss_that_is_used_twice(dense: bool) -> None:
    x = tx.Tensor(np.random.default_rng(0).normal(size=(20, 30)))
    loss = recorded(dense, x)
    grad = tx.gradients((loss * loss).sum() + loss.mean(), x)
    factor = 2 * loss.data + 1 / 20
    np.testing.assert_allclose(grad, tx.gradients(recorded(dense, x), x, seed=factor), rtol=1e-15)


@both_labels
def test_threads_that_go_back_through_one_loss(dense: bool) -> None:
    """One of them gets what was kept, the others compute it again."""
    x = tx.Tensor(np.random.default_rng(0).normal(size=(200, 300)))
    for _ in range(20):
        loss = recorded(dense, x)
        wanted = tx.gradients(recorded(dense, x), x, seed=np.ones(200))
        found: list[Any] = []
        work = lambda loss=loss, found=found: found.append(  # noqa: E731
            tx.gradients(loss, x, seed=np.ones(200))
        )
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        for grad in found:
            np.testing.assert_array_equal(grad, wanted)


def test_the_forward_pass_tells_how_far_labels_are_from_distributions() -> None:
    """Of 300 x 2,000, which are several blocks; whoever warns need not add them up again."""
    t = np.full((300, 2000), 1 / 2000)
    x = tx.Tensor(np.zeros(t.shape))

    def error() -> float:
        kept: float = tx.ops.softmax_cross_entropy(t, x).kept["label error"]
        return kept

    assert error() < 1e-14
    t[250, 3] += 0.25
    assert error() == pytest.approx(0.25)
    t[250, 3:5] = -0.25, 0.25 + 2 / 2000
    assert error() == np.inf
    t[250, 3] = np.nan
    assert np.isnan(error())


@pytest.mark.parametrize("axis", [0, 1])
@both_labels
def test_peak_memory_is_that_of_the_gradient(dense: bool, axis: int) -> None:
    """Also along another axis: the copy with the classes last becomes the gradient."""
    rows, classes = 200, 32_000
    z = np.random.default_rng(0).normal(size=(rows, classes)).astype(np.float32)
    labels = np.arange(rows) if not dense else np.full_like(z, 1 / classes)
    x, labels = (tx.Tensor(z), labels) if axis else (tx.Tensor(z.T.copy()), labels.T)
    loss_of = tx.categorical_crossentropy if dense else tx.sparse_categorical_crossentropy
    tracemalloc.start()
    try:
        loss_of(labels, x, True, axis=axis).mean().backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (2.1 if dense and not axis else 1.05) * z.nbytes  # the labels are turned, too


def test_a_loss_that_is_not_recorded_takes_a_block_at_a_time() -> None:
    z = np.random.default_rng(0).normal(size=(200, 32_000)).astype(np.float32)
    tracemalloc.start()
    try:
        tx.sparse_softmax_cross_entropy_with_logits(labels=np.arange(200), logits=z)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.2 * z.nbytes
