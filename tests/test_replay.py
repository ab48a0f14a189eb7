"""The same graph on other numbers, and in another precision."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.checking.replaying import rebuild, replay, replayer


def test_other_leaves():
    x, y = tx.Tensor([1.0, 2.0]), tx.Tensor(3.0)
    out = (x * y + np.array([10.0, 20.0])).sum()
    assert replay(out, {x: [5.0, 6.0]}) == 63
    assert replay(out, {x: [5.0, 6.0], y: 0.0}) == 30
    assert replay(out, {}) == out.item()
    assert out.item() == 39, "the graph stays as it is"
    np.testing.assert_array_equal(x.data, [1, 2])


def test_a_tensor_in_between_hides_what_it_came_from():
    x = tx.Tensor(2.0)
    y = x * x
    out = y * x
    assert replay(out, {y: 100.0}) == 200
    assert replay(out, {y: 100.0, x: 1.0}) == 100
    assert replay(out, {x: 3.0}) == 27
    assert replay(out, {out: 5.0}) == 5


def test_another_batch_size():
    x, w = tx.Tensor(np.ones((2, 3))), tx.Tensor(np.ones((3, 4)))
    assert replay(x @ w, {x: np.ones((7, 3))}).shape == (7, 4)


def test_it_computes_in_float64_whatever_the_graph_did():
    x = tx.Tensor(np.array([1.0, 2.0, 3.0], np.float32))
    out = tx.exp(x / np.float32(3)).sum()
    again = replay(out, {x: x.data})
    assert again.dtype == np.float64
    assert again == np.exp(np.array([1.0, 2.0, 3.0]) / 3).sum() != out.item()
    assert replay(out, {x: x.data}, dtype=np.float16).dtype == np.float16


def test_conversions_and_integers():
    x = tx.Tensor(np.array([0.1, 0.2]))
    low = tx.astype(x, dtype=np.float16)
    assert replay(low, {x: x.data}).dtype == np.float64
    np.testing.assert_array_equal(replay(low, {x: x.data}), x.data)
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=1, logits=x)
    assert replay(loss, {x: [0.0, 0.0]}) == np.log(2)
    whole = tx.astype(x * 10, dtype=np.int64)
    assert replay(whole, {x: [0.5, 0.6]}).dtype == np.int64
    mask = tx.where(np.array([True, False]), x, 0.0)
    np.testing.assert_array_equal(replay(mask, {x: [5.0, 6.0]}), [5, 0])


def test_only_what_changes_is_computed():
    calls = []

    @tx.op
    def counted(x):
        calls.append(1)
        return x + 0.0

    x, y = tx.Tensor(1.0), tx.Tensor(2.0)
    out = counted(x) + counted(y)
    calls.clear()
    f = replayer(out, [x])
    assert [float(f(v)) for v in (1.0, 5.0)] == [3, 7]
    assert len(calls) == 2, "once for each call, never for y"


def test_a_stranger_is_refused():
    x, y = tx.Tensor(1.0), tx.Tensor(2.0, name="y")
    with pytest.raises(errors.NotInGraphError) as caught:
        replay(x * 2, {y: 1.0})
    assert str(caught.value) == (
        "tensor 'y' of shape () is not part of the graph of the tensor from op `multiply` of "
        "shape ()"
    )


def test_deep_graphs():
    x = tx.Tensor(1.0)
    y = x
    for _ in range(5000):
        y = y + x
    assert replay(y, {x: 2.0}) == 10_002
    assert len(rebuild(y)) == 5001


def test_rebuild_records_the_graph_again():
    x = tx.Tensor(np.array([1.0, 2.0], np.float32), name="x")
    p = tx.softmax(x)
    loss = tx.sparse_categorical_crossentropy(1, p)
    loss.name = "loss"
    twins = rebuild(loss)
    assert set(twins) == set(tx.ancestors(loss))
    twin = twins[loss]
    assert (twin.name, twin.dtype, twins[x].name) == ("loss", np.float64, "x")
    assert twin.op is loss.op
    np.testing.assert_allclose(tx.gradients(twin, twins[x]), tx.gradients(loss, x), rtol=1e-6)
