"""Figures from the test suites of TensorFlow and Keras, put to the functions that answer to them.

Where an answer differs on purpose, the test says so: labels that do not sum to 1 get the true
gradient, and float32 keeps a tail that TensorFlow loses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.OneClassWarning")

dense = tx.softmax_cross_entropy_with_logits
sparse = tx.sparse_softmax_cross_entropy_with_logits
keras_sparse = tx.sparse_categorical_crossentropy
keras_dense = tx.categorical_crossentropy

inf, nan = np.inf, np.nan
GAP = 37.42994775023705  # exp(-GAP) is half an eps of float64
any_labels = pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.LabelsWarning")
every_dtype = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])


def dense_and_gradient(labels: Any, logits: Any, dtype: Any = float, dim: int = -1) -> Any:
    z = tx.Tensor(logits, dtype=dtype)
    loss = dense(labels=np.asarray(labels, dtype), logits=z, dim=dim)
    return loss.data, tx.gradients(loss, z, seed=np.ones(loss.shape))


def sparse_and_gradient(labels: Any, logits: Any, dtype: Any = float) -> Any:
    z = tx.Tensor(logits, dtype=dtype)
    loss = sparse(labels=labels, logits=z)
    return loss.data, tx.gradients(loss, z, seed=np.ones(loss.shape))


def slope(f: Any, x: Any, h: float = 1e-5) -> Any:
    """Central differences of a function that gives an array."""
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.stack([(f(x + step) - f(x - step)) / (2 * h) for step in steps], axis=-1)


# -- tf.nn.softmax_cross_entropy_with_logits -------------------------------------------------

NP_LABELS = [[0, 0, 0, 1], [0, 0.5, 0.5, 0]]
NP_LOGITS = [[1, 1, 1, 1], [1, 2, 3, 4]]
NP_GRADIENT = [[0.25, 0.25, 0.25, -0.75], [0.0321, -0.4129, -0.2632, 0.6439]]


@every_dtype
def test_dense_numpy_example(dtype: Any) -> None:
    loss, gradient = dense_and_gradient(NP_LABELS, NP_LOGITS, dtype)
    np.testing.assert_allclose(loss, [1.3862, 1.9401], atol=1e-3)
    np.testing.assert_allclose(gradient, NP_GRADIENT, atol=1e-3)


@any_labels
@every_dtype
def test_dense_single_class(dtype: Any) -> None:
    loss, gradient = dense_and_gradient([[-1], [0], [1], [1]], [[1], [-1], [0], [1]], dtype)
    assert loss.tolist() == [0, 0, 0, 0]
    assert gradient.tolist() == [[0]] * 4  # the kernel's own is p - t: 2, 1, 0, 0


@any_labels
def test_dense_labels_that_do_not_sum_to_one() -> None:
    labels = np.repeat([[0.0], [2], [0.25]], 4, axis=1)
    logits = [[1, 1, 1, 1], [1, 2, 3, 4], [1, 2, 3, 4]]
    _, gradient = dense_and_gradient(labels, logits)
    wanted = [[0] * 4, [-1.743, -1.303, -0.105, 3.150], [-0.218, -0.163, -0.013, 0.394]]
    np.testing.assert_allclose(gradient, wanted, atol=2e-3)


@pytest.mark.parametrize(
    ("labels", "logits"), [((2, 3), (2, 2)), ((1, 4), (2, 4)), ((2, 1), (2, 4))]
)
def test_dense_shape_mismatch(labels: Any, logits: Any) -> None:
    with pytest.raises(ValueError, match="must be the same"):
        dense(labels=np.ones(labels), logits=np.ones(logits))


LABELS_12 = np.array([[0, 0, 1, 0], [1, 0, 0, 0], [0, 0.5, 0, 0.5]])
LOGITS_12 = np.array([[0.1, 0.2, 0.3, 0.4], [0.1, 0.4, 0.9, 1.6], [0.1, 0.8, 2.7, 6.4]])


@any_labels
@pytest.mark.parametrize("labels", [LABELS_12, LABELS_12.ravel() / 3], ids=["(3, 4)", "(12,)"])
def test_dense_gradient_and_second_gradient(labels: Any) -> None:
    logits = LOGITS_12.reshape(labels.shape)

    def loss_of(z: Any) -> Any:
        return dense(labels=labels, logits=z)

    def gradient_of(z: Any, t: Any = labels, wrt: str = "z") -> Any:
        z, t = tx.Tensor(z), tx.Tensor(t)
        loss = tx.softmax_cross_entropy_with_logits_v2(t, z).sum()
        return tx.gradients(loss, {"z": z, "t": t}[wrt])

    wanted = slope(lambda z: np.sum(loss_of(z)), logits)
    assert np.abs(gradient_of(logits).ravel() - wanted).max() < 5e-8
    wanted = slope(lambda t: np.sum(dense(labels=t, logits=logits)), labels)
    assert np.abs(gradient_of(logits, wrt="t").ravel() - wanted).max() < 5e-8
    z = tx.Tensor(logits)
    first = tx.gradients(dense(labels=labels, logits=z).sum(), z, create_graph=True)
    second = tx.jacobian(first, z).reshape((*logits.shape, -1))
    assert np.abs(second - slope(gradient_of, logits)).max() < 5e-8


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2, -3])
def test_dense_three_dimensions(dim: int) -> None:
    hot = np.eye(4)
    labels = np.array([[hot[3], hot[1]], [hot[[1, 2]].mean(0), hot[:2].mean(0)], [hot[1], hot[2]]])
    logits = np.array(
        [[[1.0, 1, 1, 1], [1, 2, 3, 4]], [[2, 3, 4, 5], [6, 7, 8, 9]], [[5, 4, 3, 2], [1, 2, 3, 4]]]
    )
    labels, logits = np.moveaxis(labels, -1, dim), np.moveaxis(logits, -1, dim)
    loss, gradient = dense_and_gradient(labels, logits, dim=dim)
    p = np.exp(logits) / np.exp(logits).sum(axis=dim, keepdims=True)
    np.testing.assert_allclose(loss, -np.sum(labels * np.log(p), axis=dim), rtol=1e-14)
    np.testing.assert_allclose(gradient, p - labels, atol=1e-15)


def test_dense_zero_dimension() -> None:
    loss, gradient = dense_and_gradient(np.zeros((0, 2, 4)), np.zeros((0, 2, 4)))
    assert (loss.shape, gradient.shape) == ((0, 2), (0, 2, 4))


@pytest.mark.parametrize("batch", [0, 1, 4096])
@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dense_small_gradient(batch: int, target: int, dtype: Any) -> None:
    logits = np.tile(np.roll([GAP, 0], target), (batch, 1))
    labels = np.tile(np.roll([1, 0], target), (batch, 1))
    loss, gradient = dense_and_gradient(labels, logits, dtype)
    tail = np.exp(-dtype(GAP))
    rtol = 1e-14 if dtype is np.float64 else 1e-6
    np.testing.assert_allclose(gradient[:, 1 - target], tail, rtol=rtol)
    np.testing.assert_array_equal(gradient.sum(axis=1), 0)  # in float32 TensorFlow's is the tail
    np.testing.assert_array_equal(loss, gradient[:, 1 - target])


def test_dense_multi_class_tail() -> None:
    logits = np.zeros((3, 10))
    logits[0, 0] = logits[1, 9] = 40
    logits[2, 4] = 3
    _, gradient = dense_and_gradient(np.eye(10)[[0, 9, 4]], logits)
    np.testing.assert_allclose(gradient[[0, 1], [0, 9]], -9 * np.exp(-40), rtol=1e-14)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-15)


def test_dense_soft_labels_and_positive_zero() -> None:
    _, gradient = dense_and_gradient([0.5, 0.5], [GAP, 0])
    assert gradient[0] < 0.5
    assert gradient.sum() == 0
    for zero in dense_and_gradient([[1]], [[0]]):
        assert zero.item() == 0
        assert not np.signbit(zero.item())


@any_labels
def test_dense_general_label_gradients() -> None:
    labels = [[0, 0], [2, 0], [nan, 0], [1, 0], [1, 0], [1, 0]]
    logits = [[0, 0], [0, 0], [0, 0], [inf, 0], [nan, 0], [-inf, -inf]]
    _, gradient = dense_and_gradient(labels, logits)
    wanted = [[0, 0], [-1, 1], *[[nan, nan]] * 4]  # p - t: [.5, .5], [-1.5, .5], [nan, .5]
    np.testing.assert_array_equal(gradient, wanted)


@pytest.mark.parametrize("shape", [(0, 0), (1, 0)])
def test_dense_rejects_zero_classes(shape: Any) -> None:
    with pytest.raises(ValueError, match="no classes"):
        dense(labels=np.zeros(shape), logits=np.zeros(shape))


@pytest.mark.parametrize("classes", [3000, 20_000])
def test_dense_is_the_same_bit_for_bit_every_time(classes: int) -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(64, classes)), rng.dirichlet(np.ones(classes), 64)
    first, again = (dense_and_gradient(labels, logits, np.float32) for _ in range(2))
    assert [x.tobytes() for x in first] == [x.tobytes() for x in again]


# -- tf.nn.sparse_softmax_cross_entropy_with_logits ------------------------------------------


@pytest.mark.parametrize("integer", [np.int32, np.int64])
def test_sparse_single_class(integer: Any) -> None:
    loss, gradient = sparse_and_gradient(np.zeros(3, integer), [[1], [-1], [0]])
    assert loss.tolist() == [0, 0, 0]
    assert gradient.tolist() == [[0]] * 3


def test_sparse_invalid_label() -> None:
    logits = [[1.0, 1, 1, 1], [1, 1, 1, 1], [1, 2, 3, 4], [1, 2, 3, 4]]
    with pytest.raises(errors.LabelRangeError, match="label 4 at position 0"):
        sparse(labels=[4, 3, 0, -1], logits=logits)
    loss, gradient = sparse_and_gradient([3, 0], logits[1:3])
    np.testing.assert_allclose(loss, [1.3862, 3.4420], atol=3e-3)
    wanted = [[0.25, 0.25, 0.25, -0.75], [-0.968, 0.087, 0.237, 0.6439]]
    np.testing.assert_allclose(gradient, wanted, atol=1e-3)


@every_dtype
@pytest.mark.parametrize(
    ("labels", "losses"), [([3, 0], [1.3862944, 3.4401897]), ([0, 3], [1.3862944, 0.4401897])]
)
def test_sparse_numpy_example(labels: Any, losses: Any, dtype: Any) -> None:
    loss, _ = sparse_and_gradient(labels, NP_LOGITS, dtype)
    np.testing.assert_allclose(loss, losses, rtol=1e-3 if dtype is np.float16 else 1e-6)


def test_sparse_shapes() -> None:
    for labels, logits in [([[0, 2]], np.ones((3, 2))), ([[0]], [[7.0]]), (0, [[7.0]])]:
        with pytest.raises(ValueError, match="one label for each row"):
            sparse(labels=labels, logits=logits)
    with pytest.raises(ValueError, match="scalar"):
        sparse(labels=0, logits=1.0)
    assert sparse(labels=0, logits=[1.0]) == 0
    assert sparse(labels=np.zeros(0, int), logits=np.zeros((0, 3))).shape == (0,)


def test_sparse_gradient_and_second_gradient() -> None:
    others = np.array([[0.3, 0.4, 0.1, 1.2], [0.1, 1.9, 0.1, 0.7], [0.8, 0.2, 1.3, 1.3]])
    for logits in (LOGITS_12, others):
        z = tx.Tensor(logits)
        loss = sparse(labels=[3, 0, 1], logits=z).sum()
        wanted = slope(lambda z: sparse(labels=[3, 0, 1], logits=z).sum(), logits)
        assert np.abs(tx.gradients(loss, z).ravel() - wanted).max() < 5e-8
        wanted = slope(lambda z: sparse_and_gradient([3, 0, 1], z)[1], logits)
        assert np.abs(tx.hessian(loss, z).reshape(wanted.shape) - wanted).max() < 5e-8


def test_sparse_high_dimensions() -> None:
    loss, gradient = sparse_and_gradient([[3], [0]], [[[1, 1, 1, 1]], [[1, 2, 3, 4]]])
    flat_loss, flat_gradient = sparse_and_gradient([3, 0], NP_LOGITS)
    np.testing.assert_array_equal(loss.ravel(), flat_loss)
    np.testing.assert_array_equal(gradient.reshape(2, 4), flat_gradient)
    logits = [[[1, 1, 1, 1], [2, 2, 2, 2]], [[1, 2, 3, 4], [5, 6, 7, 8]]]
    loss, _ = sparse_and_gradient([[3, 2], [0, 3]], logits)
    np.testing.assert_allclose(loss, [[1.3862944, 1.3862944], [3.4401897, 0.4401897]])


# -- tf.nn.softmax, tf.nn.log_softmax --------------------------------------------------------


@every_dtype
def test_softmax_numpy_example(dtype: Any) -> None:
    x = np.array(NP_LOGITS, dtype)
    p = [[0.25] * 4, [0.0320586, 0.08714432, 0.23688282, 0.64391426]]
    tolerance = 2e-3 if dtype is np.float16 else 1e-6
    np.testing.assert_allclose(tx.softmax(x), p, rtol=tolerance)
    np.testing.assert_allclose(tx.log_softmax(x), np.log(p), rtol=tolerance)
    assert tx.softmax(x).dtype == tx.log_softmax(x).dtype == dtype


@every_dtype
def test_softmax_overflow(dtype: Any) -> None:
    largest = np.finfo(dtype).max
    x = np.array([[1, 1, 1, 1], [largest, 1, 2, 3]], dtype)
    np.testing.assert_array_equal(tx.softmax(x), [[0.25] * 4, [1, 0, 0, 0]])
    np.testing.assert_array_equal(tx.log_softmax(x)[1], [0, -largest, -largest, -largest])


def test_softmax_axes() -> None:
    x = np.random.default_rng(0).normal(size=(3, 2, 4))
    for axis in (0, 1, -2):
        p = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
        np.testing.assert_allclose(tx.softmax(x, axis=axis), p, rtol=1e-14)
        np.testing.assert_allclose(tx.log_softmax(x, axis=axis), np.log(p), rtol=1e-13)
    for axis in (2, 100):
        for function in (tx.softmax, tx.log_softmax):
            with pytest.raises(ValueError, match="out of bounds"):
                function(x[0], axis=axis)


# -- tf.keras.backend ------------------------------------------------------------------------

P = np.array([[0.9, 0.05, 0.05], [0.05, 0.89, 0.06], [0.05, 0.01, 0.94]])
KERAS_LOGITS = np.array([[8.0, 1, 1], [0, 9, 1], [2, 3, 5]])


@pytest.mark.parametrize(
    ("output", "from_logits", "losses"),
    [(P, False, [0.105, 0.116, 0.062]), (KERAS_LOGITS, True, [0.001822, 0.000459, 0.169846])],
    ids=["probabilities", "logits"],
)
def test_keras_backend(output: Any, from_logits: bool, losses: Any) -> None:
    for loss in (
        keras_dense(np.eye(3), output, from_logits),
        keras_dense(np.eye(3), output.T, from_logits, axis=0),
        keras_sparse([0, 1, 2], output, from_logits),
        keras_sparse([0, 1, 2], output.T, from_logits, axis=0),
    ):
        np.testing.assert_allclose(loss, losses, atol=1e-6 if from_logits else 1e-3)


@any_labels
def test_keras_backend_along_the_wrong_axis() -> None:
    loss = keras_dense(np.eye(3), P, axis=0)
    np.testing.assert_allclose(loss, [0.105, 0.065, 0.111], atol=1e-3)
    loss = keras_dense(np.eye(3), KERAS_LOGITS, from_logits=True, axis=0)
    np.testing.assert_allclose(loss, [0.002, 0.003, 0.036], atol=1e-3)


# -- keras.losses, where the reduction is a line on top --------------------------------------

UNNORMALISED = np.array([[0.9, 0.05, 0.05], [0.5, 0.89, 0.6], [0.05, 0.01, 0.94]])


@pytest.mark.parametrize(
    ("output", "from_logits", "mean", "weighted", "by_sample"),
    [(UNNORMALISED, False, 0.3239, 0.7449, 1.0696), (KERAS_LOGITS, True, 0.0573, 0.1317, 0.31829)],
    ids=["probabilities", "logits"],
)
def test_keras_losses(
    output: Any, from_logits: bool, mean: float, weighted: float, by_sample: float
) -> None:
    weights = np.array([1.2, 3.4, 5.6])
    for loss in (
        keras_dense(np.eye(3), output.tolist(), from_logits),
        keras_sparse([0, 1, 2], output.tolist(), from_logits),
    ):
        assert loss.mean() == pytest.approx(mean, abs=1e-4)
        assert (2.3 * loss).mean() == pytest.approx(weighted, abs=1e-3)
        assert (weights * loss).mean() == pytest.approx(by_sample, abs=1e-3)


def test_keras_losses_all_correct() -> None:
    for loss in (
        keras_dense(np.eye(3), np.eye(3)),
        keras_sparse([0, 1, 2], np.eye(3)),
        keras_dense(np.eye(3), 10 * np.eye(3), from_logits=True),
        keras_sparse([0, 1, 2], 10 * np.eye(3), from_logits=True),
    ):
        np.testing.assert_allclose(loss, 0, atol=1e-3)


def test_keras_losses_label_smoothing() -> None:
    hot = np.array([[1.0, 0, 0]])
    loss = keras_dense(0.9 * hot + 0.1 / 3, [[100.0, -100, -100]], from_logits=True)
    assert loss[0] == pytest.approx(400 * 0.1 / 3)


def test_keras_losses_shapes() -> None:
    with pytest.raises(ValueError, match="must be the same"):
        keras_dense([[0.0], [1], [2]], P)
    for shape in [(5, 6, 7), (6, 7)]:
        p = np.random.default_rng(0).dirichlet(np.ones(7), shape[:-1])
        assert keras_dense(p, p).shape == shape[:-1]
        assert keras_sparse(np.zeros(shape[:-1], int), p).shape == shape[:-1]


def test_keras_losses_ignored_class() -> None:
    labels, logits = np.array([[-1, 2]]), [[[0.854, 0.698, 0.598], [0.088, 0.86, 0.018]]]
    loss = keras_sparse(np.maximum(labels, 0), logits, from_logits=True) * (labels != -1)
    np.testing.assert_allclose(loss, [[0, 1.480129]], rtol=1e-6)


@pytest.mark.parametrize("wrong", [[0.2, 0.4], [0.2, 0.3, 0.5]], ids=["2 classes", "3 classes"])
def test_keras_losses_segmentation(wrong: list[float]) -> None:
    classes = len(wrong)
    labels = np.arange(16).reshape(4, 4) % classes
    p = np.eye(classes)[labels]
    for i, p_true in enumerate(wrong):
        p[i, i] = (1 - p_true) / (classes - 1)
        p[i, i, labels[i, i]] = p_true
    wanted = -np.sum(np.log(wrong)) / 16
    assert keras_sparse(labels, p).mean() == pytest.approx(wanted, abs=1e-6)
    assert keras_dense(np.eye(classes)[labels], p).mean() == pytest.approx(wanted, abs=1e-6)


@any_labels
def test_keras_ops() -> None:
    target = [[0.33008796, 0.0391289, 0.9503603], [0.80376694, 0.92363342, 0.19147756]]
    p = [[0.23446431, 0.35822914, 0.06683268], [0.3413979, 0.05420256, 0.81619654]]
    np.testing.assert_allclose(keras_dense(target, p), [2.54095299, 3.96374412])
    wanted = [0.71683073, 1.87988172, 2.46810762]
    np.testing.assert_allclose(keras_dense(target, p, axis=0), wanted)
    loss = keras_dense(target, p, from_logits=True)
    np.testing.assert_allclose(loss, [1.59419954, 2.49880593])
    logits = [[1.23446431, -0.35822914, 1.06683268], [0.3413979, -0.05420256, 0.81619654]]
    loss = keras_dense(target, logits, from_logits=True)
    np.testing.assert_allclose(loss, [1.16825923, 2.55436813])


def test_keras_four_dimensions() -> None:
    p_true = np.array([0.7, 0.3, 0.1, 0, 0.4, 0.2, 0.1, 0, 0.3]).reshape(1, 3, 3)
    p = np.stack([p_true, 1 - p_true], axis=-1)
    wanted = -np.log(np.maximum(p_true, 1e-7))
    np.testing.assert_allclose(keras_sparse(np.zeros((1, 3, 3), int), p), wanted, rtol=1e-7)
    np.testing.assert_allclose(keras_dense(np.full(p.shape, [1, 0]), p), wanted, rtol=1e-7)
