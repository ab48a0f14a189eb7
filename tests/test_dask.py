"""Tensors of Dask arrays: one lazy computation, forward and backward."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.checking.samples import samples

dask = pytest.importorskip("dask", reason='needs Dask: pip install ".[dask]"')
da = pytest.importorskip("dask.array", reason='needs Dask: pip install ".[dask]"')

EAGER = {  # what Dask has no lazy form of, or one for some calls only
    "getitem",
    "put",
    "take",
    "take_along_axis",
    "reshape",
    "repeat",
    "vector_norm",
}
ROWS, FEATURES, CLASSES, BLOCK = 2_000_000, 64, 10, 50_000


def in_halves(x):
    return da.from_array(x, chunks=tuple(max(1, (n + 1) // 2) for n in x.shape)) if x.ndim else x


def values_and_gradients(op, inputs, params, kind):
    arrays = [kind(np.asarray(x)) for x in inputs]
    domains = op.domains * (len(inputs) if op.variadic else 1)
    constant = [domain in tx.domains.WITHOUT_GRADIENT for domain in domains]
    xs = [a if fixed else tx.Tensor(a) for a, fixed in zip(arrays, constant, strict=False)]
    y = op.on(xs, params)
    leaves = [x for x in xs if isinstance(x, tx.Tensor)]
    return [y.data, *tx.gradients(tx.sum(y * y), leaves)]


@pytest.mark.parametrize("name", sorted(set(tx.ops.OPS) - EAGER))
def test_ops_and_rules_are_lazy_and_right(name):
    op = tx.ops.OPS[name]
    for inputs, params in samples(op, np.random.default_rng(0)):
        if any(value is None for value in inputs):
            continue  # a bound that is left out is no array
        lazy = values_and_gradients(op, inputs, params, in_halves)
        assert all(isinstance(a, da.Array) for a in lazy)
        expected = values_and_gradients(op, inputs, params, np.asarray)
        for got, want in zip(dask.compute(*lazy, scheduler="sync"), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(90, 4)), rng.integers(0, 3, 90)


def test_each_cross_entropy(rows):
    z, t = rows
    dense = np.eye(4)[t]
    for loss in (
        lambda z, t, dense: tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=z),
        lambda z, t, dense: tx.softmax_cross_entropy_with_logits(labels=dense, logits=z),
        lambda z, t, dense: tx.sparse_categorical_crossentropy(t, tx.softmax(z)),
        lambda z, t, dense: tx.sparse_categorical_crossentropy(t, tx.softmax(z) * 1),
        lambda z, t, dense: tx.categorical_crossentropy(dense, tx.softmax(z) * 1),
    ):
        here, there = tx.Tensor(z), tx.Tensor(da.from_array(z, chunks=(40, 3)))
        expected = loss(here, t, dense)
        lazy = loss(there, da.from_array(t, chunks=25), da.from_array(dense, chunks=(30, 2)))
        assert isinstance(lazy.data, da.Array)
        got = dask.compute(lazy.data, tx.gradients(tx.sum(lazy), there), scheduler="sync")
        np.testing.assert_allclose(got[0], expected.data, rtol=1e-14)
        np.testing.assert_allclose(got[1], tx.gradients(tx.sum(expected), here), atol=1e-15)


@pytest.mark.parametrize("op", [tx.softmax, tx.log_softmax, tx.logsumexp])
def test_what_is_announced_is_what_comes(op):
    for dtype in (int, bool, np.float16, np.float32):
        x = np.arange(12).reshape(3, 4).astype(dtype)
        lazy = op(da.from_array(x, chunks=2))
        assert lazy.dtype == lazy.compute(scheduler="sync").dtype == op(x).dtype


def test_an_axis_that_there_is_not():
    with pytest.raises(tx.errors.AxisError, match="axis 5 is out of bounds"):
        tx.softmax(tx.Tensor(da.ones((3, 2))), axis=5)


def test_labels_are_checked_inside_the_tasks(rows):
    z, t = rows
    wrong = da.from_array(np.where(np.arange(90) == 77, 4, t), chunks=20)
    lazy = tx.sparse_softmax_cross_entropy_with_logits(labels=wrong, logits=da.from_array(z))
    with pytest.raises(tx.errors.LabelRangeError, match="label 4 at position 77 is not a class"):
        lazy.sum().compute(scheduler="sync")


def test_odd_dense_labels_are_told_of_inside_the_tasks(rows):
    z, t = rows
    dense = np.eye(4)[t]
    dense[77] *= 1.5
    labels = da.from_array(dense, chunks=(20, 2))
    lazy = tx.softmax_cross_entropy_with_logits(labels=labels, logits=da.from_array(z))
    with pytest.warns(tx.errors.LabelsWarning, match="labels at position 77 .* sums to 1.5"):
        lazy.sum().compute(scheduler="sync")


def test_rows_that_nobody_has_counted(rows):
    z, t = (da.from_array(x, chunks=20) for x in rows)
    some = z[:, 0] > 0
    kept, labels = z[some], t[some]
    w = tx.Tensor(np.eye(4))
    for unknown in (lambda: kept @ w, lambda: tx.Tensor(kept), lambda: tx.Tensor(z)[some]):
        with pytest.raises(tx.errors.ShapeError, match=r"\(nan, 4\).* x.compute_chunk_sizes\(\)"):
            unknown()
    kept.compute_chunk_sizes()
    labels.compute_chunk_sizes()
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=kept @ w)
    there = rows[0][:, 0] > 0
    expected = tx.sparse_softmax_cross_entropy_with_logits(
        labels=rows[1][there], logits=rows[0][there]
    )
    np.testing.assert_allclose(loss.data.compute(scheduler="sync"), expected)


def test_looking_at_a_tensor_computes_nothing():
    def explode(block):
        raise AssertionError("computed")

    x = tx.Tensor(da.ones(6, chunks=2).map_blocks(explode, dtype=float), name="x")
    assert repr(tx.exp(x)).startswith("Tensor(dask.array<")
    tx.gradients(tx.sum(x * x), x)
    assert tx.sum(tx.Tensor(da.ones(6, chunks=2))).item() == 6


def test_a_small_piece_is_shown_with_its_numbers(rows):
    z, t = (da.from_array(x[:3], chunks=2) for x in rows)
    w = tx.Tensor(np.eye(4), name="w")
    loss = tx.mean(tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=z @ w))
    for shown in (str(tx.trace(loss)), tx.play(loss).html, tx.draw(loss).svg):
        assert f"{loss.item():.3g}" in shown


def test_a_checked_array_is_not_called_by_its_key():
    assert "a" in str(tx.gradcheck(lambda a: tx.sum(tx.exp(a)), da.ones(3))).split()


def block_of_rows(start):
    return np.random.default_rng(start).normal(size=(BLOCK, FEATURES))


@pytest.mark.filterwarnings("default")  # a worker that dies leaves warnings behind
def test_a_cluster_that_loses_a_worker():
    """1 GB of rows on two workers of 0.6 GB; killing one changes nothing but the time."""
    distributed = pytest.importorskip(
        "distributed", reason='needs a Dask cluster: pip install ".[dask]"'
    )
    starts = range(0, ROWS, BLOCK)
    x = da.concatenate(
        [da.from_delayed(dask.delayed(block_of_rows)(s), (BLOCK, FEATURES), float) for s in starts]
    )
    rng = np.random.default_rng(1)
    w, b = tx.Tensor(rng.normal(size=(FEATURES, CLASSES)) / 8), tx.Tensor(np.zeros(CLASSES))
    true_w = rng.normal(size=(FEATURES, CLASSES))

    def loss_of(x, t):
        return tx.mean(tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=x @ w + b))

    lazy = loss_of(x, (x @ true_w).argmax(axis=1))
    wanted = [lazy.data, *tx.gradients(lazy, [w, b])]
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit="600MB", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        running = client.compute(wanted)
        before = client.run(os.getpid)
        time.sleep(1)  # some blocks are done
        assert not any(future.done() for future in running)
        os.kill(min(before.values()), signal.SIGKILL)
        loss, *grads = client.gather(running)
        assert set(client.run(os.getpid).values()) != set(before.values())

    here = np.concatenate([block_of_rows(s) for s in starts])
    expected = loss_of(here, (here @ true_w).argmax(axis=1))
    np.testing.assert_allclose(loss, expected.data, rtol=1e-13)
    for got, want in zip(grads, tx.gradients(expected, [w, b]), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-13)
