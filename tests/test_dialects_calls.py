"""`crossentropy_as`: how it is called, what it refuses, what its graph is good for."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.comparing.dialects import DIALECTS, RECIPES, framework_error
from tinygrad_xent.comparing.rules import kernel_gradient
from tinygrad_xent.comparing.steps import constant

Z = np.array([[0.0, 1.0, -2.0], [3.0, 0.5, 0.5]])
LABELS = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0]])  # the first row sums to 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_graph_can_be_drawn_and_traced(dialect: str) -> None:
    z = tx.Tensor(Z, name="z")
    given = tx.softmax(z) if dialect == "keras2-graph" else z
    loss = tx.crossentropy_as(dialect, [0, 2], given, from_logits=dialect != "keras2-graph").sum()
    assert "z" in tx.draw(loss).svg
    assert tx.trace(loss).forward[0].name == "z"


def test_arrays_give_arrays() -> None:
    loss = tx.crossentropy_as("torch", [0, 2], Z, from_logits=True)
    np.testing.assert_allclose(loss, tx.sparse_softmax_cross_entropy(np.array([0, 2]), Z))
    assert isinstance(loss, np.ndarray)


def test_labels_are_told_from_weights_by_dtype_and_shape() -> None:
    square = np.eye(3)
    for dialect in "optax", "torch":
        by_class = tx.crossentropy_as(dialect, [0, 1, 2], square, from_logits=True)
        by_weights = tx.crossentropy_as(dialect, np.eye(3), square, from_logits=True)
        np.testing.assert_allclose(by_class, by_weights)
    as_weights = tx.crossentropy_as("optax", np.eye(3, dtype=int), square, from_logits=True)
    np.testing.assert_allclose(as_weights, by_class)
    cut = tx.crossentropy_as("keras2", [0.9, 1.9, 2.9], square, from_logits=True, sparse=True)
    np.testing.assert_allclose(cut, by_class)


def test_keras_in_a_graph_looks_through_a_softmax_along_the_last_axis_only() -> None:
    z = tx.Tensor([[100.0, 0.0]])
    seen = tx.crossentropy_as("keras2-graph", [1], tx.softmax(z))
    assert (seen.item(), tx.gradients(seen, z).tolist()) == (100, [[1, -1]])
    z = tx.Tensor([[100.0], [0.0]])
    not_seen = tx.crossentropy_as("keras2-graph", [1], tx.softmax(z, axis=0), axis=0)
    assert not_seen.item() == pytest.approx(16.118095650958)
    assert not tx.gradients(not_seen, z).any()
    # A softmax along the last axis is seen through whatever axis the loss is asked for.
    z = tx.Tensor([[1.0, 2.0], [3.0, -1.0]])
    wrong = tx.crossentropy_as("keras2-graph", np.eye(2), tx.softmax(z), axis=0)
    np.testing.assert_allclose(wrong.data, tx.softmax_cross_entropy(np.eye(2), z.data, axis=0))
    # Something between the two, and it sees nothing.
    z = tx.Tensor([[100.0, 0.0]])
    assert tx.crossentropy_as("keras2-graph", [1], tx.softmax(z) * 1.0).item() < 17


def test_the_second_derivatives_of_tensorflow_leave_out_the_labels() -> None:
    z, t = tx.Tensor(Z), tx.Tensor(LABELS)
    p = tx.softmax(Z)
    plain = np.array([np.diag(row) - np.outer(row, row) for row in p])
    for dialect, factor in ("tf2", [1, 1]), ("torch", [3, 1]):
        loss = tx.crossentropy_as(dialect, t, z, from_logits=True).sum()
        slope = tx.gradients(loss, z, create_graph=True)
        weights = np.array([[1.0, -2.0, 0.5], [0.3, 0.0, 1.0]])
        found = tx.gradients((slope * weights).sum(), z)
        expected = np.einsum("nij,nj->ni", plain, weights) * np.array(factor)[:, None]
        np.testing.assert_allclose(found, expected, atol=1e-15)
    slope = tx.gradients(
        tx.crossentropy_as("tf2", t, z, from_logits=True).sum(), z, create_graph=True
    )
    with pytest.warns(tx.errors.UnconnectedWarning):
        assert not tx.gradients((slope * weights).sum(), t).any()  # TensorFlow: 0


def test_tensorflow_broadcasts_labels_after_flattening() -> None:
    z = np.random.default_rng(0).normal(size=(2, 2, 2))
    labels = np.random.default_rng(1).uniform(size=(4, 2))
    loss = tx.crossentropy_as("tf2", labels, z, from_logits=True)
    by_hand = tx.softmax_cross_entropy(labels.reshape(2, 2, 2), z)
    np.testing.assert_allclose(loss, by_hand)
    with pytest.raises(tx.errors.BroadcastError, match=r"each as a matrix: \(3, 2\) and \(4, 2\)"):
        tx.crossentropy_as("tf2", labels[:3], z, from_logits=True)


REFUSALS = {
    "a dialect that there is not": (
        lambda: tx.crossentropy_as("keras", [0], Z),
        tx.errors.ArgumentError,
        r"there is no dialect 'keras'; did you mean 'keras2'\? Choose from tf1, tf2, keras2, ",
    ),
    "one far from all": (
        lambda: tx.crossentropy_as("x", [0], Z),
        tx.errors.ArgumentError,
        r"there is no dialect 'x'\. Choose from tf1",
    ),
    "probabilities": (
        lambda: tx.crossentropy_as("torch", [0, 0], Z),
        tx.errors.DialectError,
        r"^torch takes logits only: pass the input of the softmax, with from_logits=True$",
    ),
    "an array in a graph": (
        lambda: tx.crossentropy_as("keras2-graph", [0, 0], Z),
        tx.errors.DialectError,
        r"pass the Tensor that softmax returned$",
    ),
    "another axis": (
        lambda: tx.crossentropy_as("keras3-tf", [0, 0, 0], Z, axis=0),
        tx.errors.DialectError,
        r"axis=0 is not supported; .* \(keras3-tf raises ValueError\)$",
    ),
    "another axis, where there is no argument for it": (
        lambda: tx.crossentropy_as("tf2", [0, 0, 0], Z, axis=0, from_logits=True),
        tx.errors.DialectError,
        r"axis=0 is not supported; move that axis to the end with moveaxis$",
    ),
    "no such axis to move": (
        lambda: tx.crossentropy_as("torch", [0, 0], Z, axis=2, from_logits=True),
        tx.errors.DialectError,
        r"of shape \(2, 3\); PyTorch has no axis argument, so .* to move to axis 1$",
    ),
    "a negative axis": (
        lambda: tx.crossentropy_as("tf1", LABELS, Z, axis=-2, from_logits=True),
        tx.errors.AxisError,
        r"TensorFlow takes -1, or 0 to 1 \(tf1 raises ValueError\)$",
    ),
    "no such axis": (
        lambda: tx.crossentropy_as("keras3-torch", [0, 0], Z, axis=2),
        tx.errors.AxisError,
        r"axis=2 is out of range .* from -2 to 1 \(keras3-torch raises IndexError\)$",
    ),
    "no class": (
        lambda: tx.crossentropy_as("torch", [3, 0], Z, from_logits=True),
        tx.errors.LabelRangeError,
        r"label 3 at position 0 is not a class: .* \(torch raises IndexError\)$",
    ),
    "no class for NumPy": (
        lambda: tx.crossentropy_as("keras3-numpy", [3, -1], Z),
        tx.errors.LabelRangeError,
        r"label 3 at position 0 .* from 0 to 2 for 3 classes.* \(keras3-numpy raises IndexError\)$",
    ),
    "a dtype of labels": (
        lambda: tx.crossentropy_as("torch", np.zeros(2, np.int32), Z, from_logits=True),
        tx.errors.LabelDtypeError,
        r"labels of int32 are refused here; convert them to int64 \(torch raises RuntimeError\)$",
    ),
    "labels of another dtype": (
        lambda: tx.crossentropy_as("keras2", LABELS.astype(int), Z),
        tx.errors.DtypeError,
        r"convert them: labels.astype\('float64'\) \(keras2 raises InvalidArgumentError\)$",
    ),
    "a batch without labels": (
        lambda: tx.crossentropy_as("torch", 0, Z, from_logits=True),
        tx.errors.BatchSizeError,
        r"^0 labels for a batch of 2 ",
    ),
    "another batch": (
        lambda: tx.crossentropy_as("torch", [0], Z, from_logits=True),
        tx.errors.BatchSizeError,
        r"^1 labels for a batch of 2 \(torch raises ValueError\)$",
    ),
    "a column of labels": (
        lambda: tx.crossentropy_as("torch", [[0], [0]], Z, from_logits=True),
        tx.errors.ShapeError,
        r"the shape of labels is \(2, 1\), .* \(torch raises RuntimeError\)$",
    ),
    "too many labels": (
        lambda: tx.crossentropy_as("keras2", [[0, 1]] * 2, Z),
        tx.errors.ShapeError,
        r"^4 labels for 2 rows; give one for each \(keras2 raises ValueError\)$",
    ),
    "labels that do not broadcast": (
        lambda: tx.crossentropy_as("optax", [0, 1, 2], Z, from_logits=True),
        tx.errors.ShapeError,
        r"labels of shape \(3,\) do not broadcast to the rows, \(2,\)",
    ),
    "labels of another rank": (
        lambda: tx.crossentropy_as("optax", [[0], [1]], Z, from_logits=True),
        tx.errors.ShapeError,
        r"labels of shape \(2, 1\) do not broadcast to the rows, \(2,\)",
    ),
    "weights that do not broadcast": (
        lambda: tx.crossentropy_as("optax", np.ones((2, 2)), Z, from_logits=True),
        tx.errors.BroadcastError,
        r"labels of shape \(2, 2\) do not broadcast with \(2, 3\) \(optax raises TypeError\)",
    ),
    "weights of another rank that do not": (
        lambda: tx.crossentropy_as("optax", np.ones(2), Z, from_logits=True),
        tx.errors.ShapeError,
        r"labels of shape \(2,\) do not broadcast with \(2, 3\) \(optax raises ValueError\)",
    ),
    "weights without the axis": (
        lambda: tx.crossentropy_as("tf2", np.ones(2), Z, axis=0, from_logits=True),
        tx.errors.BroadcastError,
        r"labels of shape \(2,\) have no axis 0 of 2 to move to the end",
    ),
    "integers": (
        lambda: tx.crossentropy_as("optax", [0], [[1, 2]], from_logits=True),
        tx.errors.DtypeError,
        "x must be float16, float32 or float64, got int64",
    ),
    "words": (
        lambda: tx.crossentropy_as("optax", ["a"], Z, from_logits=True),
        tx.errors.DtypeError,
        "labels must be real numbers, got <U1",
    ),
    "a scalar": (
        lambda: tx.crossentropy_as("optax", 0, 1.0, from_logits=True),
        tx.errors.ShapeError,
        "a scalar has no axis of classes; give one number per class",
    ),
    "no classes": (
        lambda: tx.crossentropy_as("optax", [0], np.ones((1, 0)), from_logits=True),
        tx.errors.ShapeError,
        r"an array of shape \(1, 0\) has no classes along axis=-1",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_refused(what: str) -> None:
    call, kind, message = REFUSALS[what]
    with pytest.raises(kind, match=message) as caught:
        call()
    assert type(caught.value) is kind


def test_a_backward_pass_fails_where_the_framework_s_does() -> None:
    z, t = tx.Tensor(Z), tx.Tensor(LABELS[:1])
    loss = tx.crossentropy_as("tf2", t, z, from_logits=True).sum()
    assert tx.gradients(loss, z).shape == (2, 3)
    with pytest.raises(
        tx.errors.DialectFaultError, match=r"has shape \(2, 3\), the labels have \(1, 3\)"
    ):
        tx.gradients(loss, t)
    p = tx.Tensor(np.full((1, 2, 1, 2), 0.5))
    loss = tx.crossentropy_as("keras3-torch", np.zeros((1, 2, 1), int), p).sum()
    assert loss.item() == pytest.approx(2 * np.log(2))
    with pytest.raises(
        tx.errors.DialectFaultError, match=r"fails on probabilities of shape \(1, 2, 1, 2\)"
    ):
        tx.gradients(loss, p)
    loss = tx.crossentropy_as("torch", [1], z[0], from_logits=True)
    assert loss.shape == ()
    with pytest.raises(tx.errors.DialectFaultError, match="Give the label without the list"):
        tx.gradients(loss, z)


def test_tf1_and_numpy_give_no_gradients_where_the_framework_has_none() -> None:
    z, t = tx.Tensor(Z), tx.Tensor(LABELS)
    for dialect, held in ("tf1", t), ("keras3-numpy", z), ("keras3-numpy", t):
        loss = tx.crossentropy_as(dialect, t, z, from_logits=True).sum()
        with pytest.warns(tx.errors.UnconnectedWarning):
            tx.gradients(loss, held)


def test_an_exception_has_the_framework_s_name() -> None:
    assert framework_error("torch", tx.errors.BatchSizeError()) == "ValueError"
    assert framework_error("torch", tx.errors.ShapeError()) == "RuntimeError"
    assert framework_error("optax", tx.errors.BatchSizeError()) == "ValueError"
    assert framework_error("torch", tx.errors.DialectError()) is None
    assert framework_error("torch", KeyError()) is None


def test_what_is_written_for_a_dialect_is_a_call_or_an_exception_of_ours() -> None:
    calls = [f"{a} {b}" for a in ("sparse", "dense") for b in ("logits", "probabilities")]
    ours = {name.lower() for name in vars(tx.errors)}
    for dialect in DIALECTS:
        assert {"sparse logits", "dense logits"} <= RECIPES[dialect].keys() <= {*calls, *ours}


def test_the_kernel_s_rules_hold_where_labels_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    z, t = tx.Tensor(rng.normal(size=(3, 4))), rng.dirichlet(np.ones(4), 3)
    loss = tx.crossentropy_as("tf2", t, z, from_logits=True)
    assert tx.gradcheck((loss * loss).sum())
    assert tx.gradcheck((kernel_gradient(t, z) ** 2).sum())
    assert tx.gradcheck(tx.crossentropy_as("optax", [0, -1, 2], z, from_logits=True).sum())


def test_integers_of_python_have_64_bits_wherever_it_runs() -> None:
    """NumPy's own have 32 in a browser, and labels of those are refused as PyTorch refuses them."""
    short = [np.int32(1), np.int32(0)]
    assert np.asarray(short).dtype == np.int32
    assert constant(short).dtype == np.int64
    assert constant(np.asarray(short)).dtype == np.int32
    x = [[2.0, 1.0], [1.0, 2.0]]
    assert tx.crossentropy_as("torch", short, x, from_logits=True).shape == (2,)
    with pytest.raises(tx.errors.LabelDtypeError, match="int32"):
        tx.crossentropy_as("torch", np.asarray(short), x, from_logits=True)
