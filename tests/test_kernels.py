"""The kernels against their plain versions, and what they promise beside digits."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import kernels
from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.kernels import blocks, half, kept, plain, pool

SHAPES = [(1, 1), (3, 2), (40, 10), (7, 513), (2, 3, 4), (5, 2100), (2, 70, 300)]
TOLERANCE = {np.float16: 1e-3, np.float32: 2e-6, np.float64: 1e-14}

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE)


def kinds(rng: np.random.Generator, shape: Any) -> Iterator[Any]:
    """Logits that the fast path takes, that it refuses, and that it takes in some rows."""
    z = rng.normal(size=shape)
    yield z
    yield z * 20 + 300
    yield np.where(np.arange(shape[0]).reshape(-1, *(1,) * (z.ndim - 1)) % 2, z, z * 100)


def cases(shape: Any, dtype: Any) -> Iterator[tuple[Any, Any, Any, int]]:
    rng = np.random.default_rng(0)
    for axis in range(len(shape)):
        for z in kinds(rng, shape):
            labels = rng.integers(shape[axis], size=blocks.without_axis(shape, axis))
            dense = rng.uniform(size=shape) + 1e-3
            dense /= dense.sum(axis=axis, keepdims=True)
            yield labels, dense.astype(dtype), z.astype(dtype), axis


def assert_close(found: Any, wanted: Any, dtype: Any) -> None:
    assert found.dtype == dtype
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(found, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


@every_dtype
@every_shape
def test_kernels_are_their_plain_versions(shape: Any, dtype: Any) -> None:
    for labels, dense, z, axis in cases(shape, dtype):
        for name, args in (
            ("softmax", (z,)),
            ("log_softmax", (z,)),
            ("cross_entropy", (dense, z)),
            ("softmax_minus_labels", (dense, z)),
            ("sparse_cross_entropy", (labels, z)),
            ("softmax_minus_one_hot", (labels, z)),
        ):
            exact = [x.astype(float) if x.dtype.kind == "f" else x for x in args]
            wanted = getattr(plain, name)(*exact, axis)
            assert_close(getattr(kernels, name)(*args, axis), wanted, dtype)
        wanted = plain.logsumexp(z.astype(float), axis)
        assert_close(kernels.logsumexp(z, axis, False), wanted, dtype)
        grad = dense[::-1]
        wanted = dense * (grad - np.sum(grad * dense, axis=axis, keepdims=True, dtype=float))
        assert_close(kernels.softmax_backward(grad, dense, axis), wanted, dtype)


@every_dtype
@every_shape
def test_gradients_are_what_the_ops_compute(shape: Any, dtype: Any) -> None:
    """On arrays a rule takes what its function kept, on Tensors it computes it with ops."""
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
    wanted = plain.softmax_minus_one_hot(np.array([1, 0]), z.astype(float), 1) * 1e-30
    np.testing.assert_allclose(grad, wanted, rtol=5e-7)
    grad = tx.gradients(loss, x, seed=np.array([0, 1e-30], np.float32))
    np.testing.assert_allclose(grad, wanted * [[0], [1]], rtol=5e-7)


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
    np.testing.assert_allclose(tx.softmax(z, axis=0), plain.softmax(z.astype(float), 0), rtol=2e-6)


@pytest.mark.parametrize("order", ["C", "F"])
def test_sums_of_single_precision_go_on_in_double(order: Any) -> None:
    x = np.random.default_rng(0).uniform(size=(3, 100_000)).astype(np.float32, order=order)
    wide = x.astype(float)
    for found, wanted in (
        (blocks.row_sums(x), wide.sum(axis=1)),
        (blocks.row_dots(x, x), np.square(wide).sum(axis=1)),
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_half_precision_is_rounded_as_numpy_does() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    single = halves.astype(np.float32)
    spread = np.random.default_rng(0).normal(size=10_000) * 2.0 ** np.linspace(-140, 120, 10_000)
    edges = np.array([65519.996, 65520, 1e9, 2**-25, 2**-14, 0, -0.0, np.inf, -np.inf], np.float32)
    with np.errstate(all="ignore"):
        near = np.nextafter(single, np.float32(np.inf)), np.nextafter(single, np.float32(-np.inf))
        ties = single[:-1] + (single[1:] - single[:-1]) / 2  # and what is next to a tie
        near += ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(1e9))
        for x in (single, *near, spread.astype(np.float32), edges):
            for some in (x, x[np.isfinite(x)], x[~np.isnan(x)], np.array([[3.0], [1e-6]], "f4").T):
                wanted = some.astype(np.float16)
                found = half.to_half(some)
                np.testing.assert_array_equal(found, wanted, strict=True)
                np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))


def test_half_precision_is_read_as_numpy_does() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    numbers = halves[~np.isnan(halves)]
    for some in (halves, numbers, numbers[np.isfinite(numbers)], halves[::2], halves[:0]):
        np.testing.assert_array_equal(half.to_single(some), some.astype(np.float32), strict=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_long_columns_stay_as_they_lie(dtype: Any) -> None:
    """Neither the logits nor the gradient are transposed in memory on the way."""
    z = np.random.default_rng(0).normal(size=(3, 20, 1000)).astype(dtype)
    assert blocks.by_columns(z, 1)
    assert not blocks.by_columns(z, 2)
    assert not blocks.by_columns(z, -1)
    assert not blocks.by_columns(z.reshape(-1, 2), 0)  # short ones
    assert not blocks.by_columns(z.astype(float), 1)
    assert np.shares_memory(blocks.to_matrices(z, 1, columns=True), z)
    x = tx.Tensor(z)
    loss = tx.sparse_categorical_crossentropy(np.zeros((3, 1000), int), x, True, axis=1)
    assert tx.gradients(loss.sum(), x).flags.c_contiguous


def test_no_columns_are_no_error() -> None:
    x = tx.Tensor(np.zeros((0, 20, 1000), np.float32))
    loss = tx.sparse_categorical_crossentropy(np.zeros((0, 1000), int), x, True, axis=1)
    assert tx.gradients(loss.sum(), x).shape == x.shape
    loss = tx.categorical_crossentropy(x.data, x, True, axis=1)
    assert tx.gradients(loss.sum(), x).shape == x.shape
    assert tx.gradients(tx.softmax(x, axis=1).sum(), x).shape == x.shape


def test_a_column_left_over_has_the_bits_of_the_others() -> None:
    """Recorded, it lies in the memory of the gradient; otherwise in memory of its own."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(10, 1000, 132), scale=3).astype(np.float32)
    assert blocks.CACHE // (4 * z[0, :, 0].nbytes) == 131  # and one
    t = rng.uniform(size=z.shape).astype(np.float32)
    found = tx.ops.softmax_cross_entropy(t, tx.Tensor(z), axis=1).data
    np.testing.assert_array_equal(found, tx.ops.softmax_cross_entropy(t, z, axis=1))
    for column in z[0].T[:20, None]:
        together = column.copy()
        assert blocks.row_sums(column) == blocks.row_sums(together)
        assert blocks.row_dots(together, column) == blocks.row_dots(together, together)


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
    p = plain.softmax(z, 1)
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


def test_what_is_kept_goes_with_the_graph() -> None:
    gc.collect()
    before = len(kept._kept)
    x = tx.Tensor(np.zeros((3, 4)))
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 2], logits=x)
    assert len(kept._kept) == before + 1
    tx.gradients(loss.sum(), x)
    assert len(kept._kept) == before  # it is the gradient now
    loss = tx.softmax_cross_entropy_with_logits(labels=np.eye(4)[:3], logits=x)
    assert len(kept._kept) == before + 1
    del loss
    assert len(kept._kept) == before
    tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 2], logits=x.data)
    assert len(kept._kept) == before  # nothing is recorded, so nothing is kept


def test_a_gradient_is_never_written_to_again() -> None:
    x = tx.Tensor(np.zeros((2, 3)))
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=x).sum()
    first = dict(backpropagate(loss))[x]
    copy = first.copy()
    second = dict(backpropagate(loss, seed=2.0))[x]
    np.testing.assert_array_equal(first, copy)
    np.testing.assert_array_equal(second, 2 * copy)


def test_the_forward_pass_tells_how_far_labels_are_from_distributions() -> None:
    """Of 300 x 2,000, which are several blocks; whoever warns need not add them up again."""
    t = np.full((300, 2000), 1 / 2000)
    x = tx.Tensor(np.zeros(t.shape))

    def error() -> float:
        return kernels.label_error(tx.ops.softmax_cross_entropy(t, x).data)

    assert error() < 1e-14
    t[250, 3] += 0.25
    assert error() == pytest.approx(0.25)
    t[250, 3:5] = -0.25, 0.25 + 2 / 2000
    assert error() == np.inf
    assert kernels.label_error(tx.ops.softmax_cross_entropy(t, x.data)) == np.inf  # not recorded


@pytest.mark.parametrize("dense", [False, True])
def test_peak_memory_is_that_of_the_gradient(dense: bool) -> None:
    rows, classes = 200, 32_000
    z = np.random.default_rng(0).normal(size=(rows, classes)).astype(np.float32)
    labels = np.arange(rows) if not dense else np.full_like(z, 1 / classes)
    x = tx.Tensor(z)
    tracemalloc.start()
    try:
        if dense:
            loss = tx.softmax_cross_entropy_with_logits(labels=labels, logits=x).mean()
        else:
            loss = tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x).mean()
        loss.backward()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.05 * z.nbytes


# -- threads ---------------------------------------------------------------------------------


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = tx.threads()
    tx.set_threads(3)
    yield
    tx.set_threads(before)


def results(dtype: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1201, 1000)).astype(dtype)
    z[::50] *= 100
    labels = rng.integers(1000, size=1201)
    dense = rng.dirichlet(np.ones(1000), 1201).astype(dtype)
    out = [tx.softmax(z), tx.log_softmax(z), tx.logsumexp(z, axis=1)]
    for op, target in (
        (tx.ops.softmax_cross_entropy, dense),
        (tx.ops.sparse_softmax_cross_entropy, labels),
    ):
        x = tx.Tensor(z)
        loss = op(target, x, axis=1)
        out += [loss.data, tx.gradients(loss, x, seed=np.ones(1201))]
    x = tx.Tensor(z.reshape(1, 1201, 1000))
    loss = tx.ops.sparse_softmax_cross_entropy(labels[None, :1000], x, axis=1)
    out += [loss.data, tx.gradients(loss, x, seed=np.ones((1, 1000)))]
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_do_not_depend_on_threads(
    dtype: Any, three_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted: list[Any] = []
    submit = pool._submit
    monkeypatch.setattr(pool, "_submit", lambda *args: submitted.append(args) or submit(*args))
    with_three = results(dtype)
    assert submitted
    tx.set_threads(1)
    for a, b in zip(results(dtype), with_three, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def test_an_error_in_a_thread_reaches_the_caller(three_threads: None) -> None:
    done = []

    def work(items: Any) -> None:
        done.extend(items)
        if 5 in items:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pool.share(work, range(6))
    assert sorted(done) == list(range(6))


def test_work_is_done_also_where_no_thread_starts_any_more(
    three_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in functions that run while Python closes."""

    def closed(*_: Any) -> Any:
        raise RuntimeError("cannot schedule new futures after interpreter shutdown")

    done: list[int] = []
    monkeypatch.setattr(pool, "_submit", closed)
    pool.share(done.extend, range(6))
    assert sorted(done) == list(range(6))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_a_child_that_is_forked_while_a_thread_holds_the_lock_does_not_wait_for_it() -> None:
    script = """
import os, signal, threading, time
import tinygrad_xent as tx
from tinygrad_xent.kernels import pool
def hold():
    with pool._lock:
        time.sleep(0.3)
threading.Thread(target=hold).start()
time.sleep(0.1)
if not os.fork():
    signal.alarm(10)
    tx.set_threads(3)
    os._exit(0)
print(os.wait()[1])
"""
    env = {"PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    assert done.stdout == "0\n"


def test_the_environment_sets_the_threads() -> None:
    script = "import tinygrad_xent as tx; print(tx.threads())"

    def run(value: str) -> Any:
        env = {"PYTHONPATH": ":".join(sys.path), "TINYGRAD_XENT_THREADS": value}
        command = [sys.executable, "-c", script]
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    assert run("2").stdout == "2\n"
    assert run("").stdout == "1\n"
    for wrong in ("two", "0"):
        message = f"TINYGRAD_XENT_THREADS={wrong!r} is no whole number from 1; correct or unset it"
        assert message in run(wrong).stderr


def test_a_number_of_threads_that_cannot_be_had() -> None:
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(tx.ThreadsError, match=f"whole number from 1, got {wrong!r}"):
            tx.set_threads(wrong)  # type: ignore[arg-type]


def test_a_number_of_threads_may_be_one_of_numpy(three_threads: None) -> None:
    tx.set_threads(np.int64(2))  # type: ignore[arg-type]
    assert tx.threads() == 2
    assert type(tx.threads()) is int
