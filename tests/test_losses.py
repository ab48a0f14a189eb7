"""The cross-entropies, sentence by sentence: what they accept, refuse, warn of, and answer."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.OneClassWarning")

v1 = tx.softmax_cross_entropy_with_logits
v2 = tx.softmax_cross_entropy_with_logits_v2
sparse_v1 = tx.sparse_softmax_cross_entropy_with_logits
sparse = tx.sparse_categorical_crossentropy
categorical = tx.categorical_crossentropy

Z = np.array([[1.0, 1, 1, 1], [1, 2, 3, 4]])
HOT = np.array([[0.0, 0, 0, 1], [1, 0, 0, 0]])
inf, nan = np.inf, np.nan

# All of them as functions of labels, logits and an axis.
DENSE: dict[str, Callable[..., Any]] = {
    "v1": lambda t, z, axis=-1: v1(labels=t, logits=z, dim=axis),
    "v2": v2,
    "categorical": lambda t, z, axis=-1: categorical(t, z, from_logits=True, axis=axis),
}
INTEGER: dict[str, Callable[..., Any]] = {
    "sparse_v1": lambda t, z: sparse_v1(labels=t, logits=z),
    "sparse": lambda t, z, axis=-1: sparse(t, z, from_logits=True, axis=axis),
}
every_dense = pytest.mark.parametrize("loss_of", DENSE.values(), ids=DENSE)
every_integer = pytest.mark.parametrize("loss_of", INTEGER.values(), ids=INTEGER)
every_keras = pytest.mark.parametrize(
    ("loss_of", "labels_of"),
    [(sparse, np.argmax), (categorical, lambda hot, axis: hot)],
    ids=["sparse", "categorical"],
)


def plain(labels: Any, z: Any, axis: int) -> Any:
    e = np.exp(z)
    return -np.sum(labels * np.log(e / e.sum(axis=axis, keepdims=True)), axis=axis)


def softmax(z: Any) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def text(*parts: str) -> str:
    """A pattern for these parts of a message, in this order."""
    return ".*".join(map(re.escape, parts))


def warning_of(category: type[Warning], call: Callable[[], Any]) -> tuple[str, Any]:
    """The text of the one warning, which points at the caller's line, and the result."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = call()
    (warning,) = found
    assert warning.category is category
    assert warning.filename == __file__
    return str(warning.message), result


# -- arguments -------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [v1, sparse_v1], ids=lambda f: f.__name__)
def test_an_argument_by_position_is_refused(function: Any) -> None:
    usage = text("named arguments only", f"call {function.__name__}(labels=..., logits=...)")
    with pytest.raises(errors.ArgumentError, match=usage) as caught:
        function(HOT, Z)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(errors.ArgumentError, match=usage):
        function(HOT, labels=HOT, logits=Z)


@pytest.mark.parametrize("function", [v1, sparse_v1], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("given", "missing"), [({"labels": HOT}, "logits"), ({"logits": Z}, "labels"), ({}, "labels")]
)
def test_a_missing_argument_is_refused(function: Any, given: Any, missing: str) -> None:
    usage = text(f"missing `{missing}`", f"call {function.__name__}(labels=..., logits=...)")
    with pytest.raises(errors.ArgumentError, match=usage) as caught:
        function(**given)
    assert isinstance(caught.value, ValueError)


@every_dense
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 3, 4, 5)], ids=str)
def test_any_rank_and_axis(loss_of: Any, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    for axis in range(-len(shape), len(shape)):
        z, t = rng.normal(size=shape), rng.uniform(size=shape)
        t /= t.sum(axis=axis, keepdims=True)
        loss = loss_of(t, z, axis)
        assert np.shape(loss) == tuple(np.delete(shape, axis))
        np.testing.assert_allclose(loss, plain(t, z, axis), rtol=1e-13)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 3, 4, 5)], ids=str)
def test_any_rank_and_axis_with_integer_labels(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    for axis in range(-len(shape), len(shape)):
        z = rng.normal(size=shape)
        t = rng.integers(shape[axis], size=tuple(np.delete(shape, axis)))
        hot = np.moveaxis(np.eye(shape[axis])[t], -1, axis)
        for loss in (
            sparse(t, z, True, axis),
            sparse(t, tx.softmax(tx.Tensor(z), axis=axis), axis=axis).data,
        ):
            assert np.shape(loss) == t.shape
            np.testing.assert_allclose(loss, plain(hot, z, axis), rtol=1e-13)
    np.testing.assert_allclose(sparse_v1(labels=t, logits=z), plain(hot, z, -1), rtol=1e-13)


@every_dense
@pytest.mark.parametrize("shape", [(1, 4), (2, 1), (4,), (4, 2), (2, 4, 1)], ids=str)
def test_labels_of_another_shape_are_refused(loss_of: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(errors.ShapeError, match=text(str(shape), "(2, 4)", "same")) as caught:
        loss_of(np.ones(shape), Z)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("labels", [[[3], [0]], [3], [3, 0, 1], 3], ids=str)
def test_integer_labels_of_another_shape_are_refused(labels: Any) -> None:
    shape = str(np.shape(labels))
    with pytest.raises(errors.ShapeError, match=text("labels", shape, "needs (2,)")):
        sparse_v1(labels=labels, logits=Z)


@pytest.mark.parametrize("axis", [2, 5, -3, None, 0.5, "1"], ids=repr)
@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("dim", lambda axis: v1(labels=HOT, logits=Z, dim=axis)),
        ("axis", lambda axis: v2(HOT, Z, axis)),
        ("axis", lambda axis: sparse([3, 0], Z, axis=axis)),
        ("axis", lambda axis: categorical(HOT, Z, axis=axis)),
    ],
    ids=["v1", "v2", "sparse", "categorical"],
)
def test_an_axis_that_does_not_exist_is_refused(word: str, call: Any, axis: Any) -> None:
    pattern = text(f"{word}={axis!r}", "shape (2, 4)", "from -2 to 1")
    with pytest.raises(errors.AxisError, match=pattern) as caught:
        call(axis)
    assert isinstance(caught.value, ValueError)


@every_dense
@pytest.mark.parametrize("logits", [1.0, tx.Tensor(1.0)], ids=["array", "Tensor"])
def test_a_scalar_is_refused(loss_of: Any, logits: Any) -> None:
    with pytest.raises(errors.ShapeError, match="scalar has no axis of classes"):
        loss_of(1.0, logits)


@pytest.mark.parametrize("loss_of", [*DENSE.values(), *INTEGER.values()], ids=[*DENSE, *INTEGER])
@pytest.mark.parametrize("logits", [[[2, 1]], [[2j, 1]], [["2", "1"]], [[True, False]]], ids=str)
def test_logits_that_are_no_floats_are_refused(loss_of: Any, logits: Any) -> None:
    dtype = str(np.asarray(logits).dtype)
    with pytest.raises(errors.DtypeError, match=text("float32 or float64", dtype)) as caught:
        loss_of([0], logits)
    assert isinstance(caught.value, TypeError)


def test_the_error_says_how_to_convert() -> None:
    with pytest.raises(errors.DtypeError, match=text("np.asarray(logits, dtype=float)")):
        v2([[1, 0]], [[2, 1]])
    with pytest.raises(errors.DtypeError, match=text("Tensor(output, dtype=float)")):
        sparse([1], tx.Tensor([[2, 1]]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_loss_and_the_gradient_keep_the_dtype(dtype: Any) -> None:
    z = tx.Tensor(Z.astype(dtype))
    p = tx.Tensor(softmax(Z).astype(dtype))
    losses = [(f(HOT, z), z) for f in DENSE.values()]
    losses += [(f([3, 0], z), z) for f in INTEGER.values()]
    losses += [(sparse([3, 0], p), p), (categorical(HOT, p), p)]
    for loss, x in losses:
        assert loss.dtype == dtype
        assert tx.gradients(loss.sum(), x).dtype == dtype
        np.testing.assert_allclose(loss.data, [np.log(4), 3.4401897], rtol=2e-3)


@every_dense
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float16, np.float64])
def test_labels_are_cast_to_the_dtype_of_the_logits(loss_of: Any, dtype: Any) -> None:
    loss = loss_of(HOT.astype(dtype), Z.astype(np.float32))
    assert loss.dtype == np.float32
    np.testing.assert_array_equal(loss, loss_of(HOT.astype(np.float32), Z.astype(np.float32)))


@every_dense
@pytest.mark.parametrize("labels", [HOT * 1j, HOT.astype(str)], ids=["complex", "text"])
def test_labels_that_are_no_real_numbers_are_refused(loss_of: Any, labels: Any) -> None:
    with pytest.raises(errors.DtypeError, match=text("real numbers", str(labels.dtype))) as caught:
        loss_of(labels, Z)
    assert isinstance(caught.value, TypeError)


@every_integer
def test_float16_is_computed_in_float32(loss_of: Any) -> None:
    z = np.zeros((1, 100_000), np.float16)  # float16 counts to 2048, and ends at 65504
    assert loss_of([0], z)[0] == np.float16(np.log(100_000))
    assert loss_of([1], np.array([[60_000, -60_000]], np.float16))[0] == inf
    assert loss_of([2500], np.eye(3000, dtype=np.float16)[[2500]] * 8)[0] < 1


@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3), (0,) * 3 + (3,)], ids=str)
def test_an_empty_batch_gives_empty_losses(shape: tuple[int, ...]) -> None:
    z = tx.Tensor(np.zeros(shape))
    for loss_of in DENSE.values():
        assert loss_of(np.zeros(shape), z).shape == shape[:-1]
    for loss in [f(np.zeros(shape[:-1], int), z) for f in INTEGER.values()]:
        assert loss.shape == shape[:-1]
        assert tx.gradients(loss.sum(), z).shape == shape
    assert sparse([], np.zeros((0, 3))).shape == (0,)


@pytest.mark.parametrize("shape", [(2, 0), (0, 0), (0,)], ids=str)
def test_zero_classes_are_refused(shape: tuple[int, ...]) -> None:
    calls = [*DENSE.values(), *INTEGER.values(), sparse, categorical]
    for call in calls:
        with pytest.raises(errors.ShapeError, match=text(str(shape), "no classes")) as caught:
            call(np.zeros(shape), np.zeros(shape))
        assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("loss_of", [*DENSE.values(), categorical], ids=[*DENSE, "probabilities"])
def test_lists_and_arrays_give_arrays_and_tensors_give_tensors(loss_of: Any) -> None:
    p = softmax(Z)
    wanted = loss_of(HOT, p)
    for labels in (HOT, HOT.tolist()):
        for logits in (p, p.tolist()):
            assert isinstance(loss_of(labels, logits), np.ndarray)
            np.testing.assert_array_equal(loss_of(labels, logits), wanted)
    for labels in (HOT, HOT.tolist(), tx.Tensor(HOT)):
        loss = loss_of(labels, tx.Tensor(p))
        assert isinstance(loss, tx.Tensor)
        np.testing.assert_array_equal(loss.data, wanted)


@pytest.mark.parametrize("loss_of", [*INTEGER.values(), sparse], ids=[*INTEGER, "probabilities"])
def test_the_same_with_integer_labels(loss_of: Any) -> None:
    p = softmax(Z)
    wanted = loss_of(np.array([3, 0]), p)
    assert isinstance(loss_of([3, 0], p.tolist()), np.ndarray)
    for labels in ([3, 0], np.array([3, 0]), tx.Tensor([3, 0])):
        np.testing.assert_array_equal(loss_of(labels, p), wanted)
        assert isinstance(loss_of(labels, tx.Tensor(p)), tx.Tensor)


def test_the_name_is_the_tensors() -> None:
    z = tx.Tensor(Z)
    assert v1(labels=HOT, logits=z, name="loss").name == "loss"
    assert v2(HOT, z, name="loss").name == "loss"
    assert sparse_v1(labels=[3, 0], logits=z, name="loss").name == "loss"
    assert v1(labels=HOT, logits=z).name is None
    assert isinstance(v1(labels=HOT, logits=Z, name="an array has none"), np.ndarray)


# -- gradients -------------------------------------------------------------------------------


def test_v1_has_no_gradient_for_the_labels() -> None:
    t, z = tx.Tensor(HOT), tx.Tensor(Z)
    loss = v1(labels=t, logits=z)
    assert tx.ancestors(loss) == [z, loss]
    assert isinstance(v1(labels=t, logits=Z), np.ndarray)
    np.testing.assert_allclose(tx.gradients(loss.sum(), z), softmax(Z) - HOT, atol=1e-15)


def test_neither_has_the_integer_target() -> None:
    target, z = tx.Tensor([3, 0]), tx.Tensor(Z)
    for loss in (sparse(target, z, True), sparse_v1(labels=target, logits=z)):
        assert tx.ancestors(loss) == [z, loss]


@pytest.mark.parametrize("loss_of", [v2, DENSE["categorical"]], ids=["v2", "categorical"])
def test_the_others_have_one_for_the_labels(loss_of: Any) -> None:
    t = tx.Tensor(HOT.astype(np.float32))
    for logits in (Z, tx.Tensor(Z)):
        grad = tx.gradients(loss_of(t, logits), t, seed=[1, 2])
        assert grad.dtype == np.float32
        np.testing.assert_allclose(grad, [[1], [2]] * -np.log(softmax(Z)), rtol=1e-6)


def test_categorical_has_one_for_the_target_from_probabilities_too() -> None:
    t, p = tx.Tensor([[0.0, 1, 0]]), [[0.5, 0.3, 0.2]]
    np.testing.assert_allclose(tx.gradients(categorical(t, p), t), -np.log(p))


@every_dense
def test_the_gradient_is_the_derivative_whatever_the_labels_sum_to(loss_of: Any) -> None:
    z, t = tx.Tensor([[0.0, 1.0]]), [[2.0, 1.0]]
    _, loss = warning_of(errors.LabelsWarning, lambda: loss_of(t, z))
    p = softmax(z.data)
    np.testing.assert_allclose(tx.gradients(loss, z), 3 * p - t, rtol=1e-14)
    np.testing.assert_allclose(tx.gradients(loss, z), [[-1.193, 1.193]], atol=5e-4)
    np.testing.assert_allclose(loss.data, plain(t, z.data, -1))


@every_dense
def test_labels_can_be_counts(loss_of: Any) -> None:
    z, t = tx.Tensor([0.0, 1, 2]), np.array([2e6, 5e6, 1e6])
    _, loss = warning_of(errors.LabelsWarning, lambda: loss_of(t, z))
    wanted = softmax(z.data) * t.sum() - t
    np.testing.assert_allclose(tx.gradients(loss, z), wanted, rtol=1e-14)


def test_the_plain_cross_entropy_leaves_out_what_has_no_label() -> None:
    p, t = tx.Tensor([0.5, 0.5, 0.0]), [1.0, 0.0, 0.0]
    loss = tx.crossentropy(p, t)
    assert loss.data == np.log(2)
    np.testing.assert_array_equal(tx.gradients(loss, p), [-2, 0, 0])
    assert str(tx.crossentropy([1.0, 0.0], [1.0, 0.0])) == "0.0"  # not -0.0


def test_second_derivatives() -> None:
    t, z = tx.Tensor([0.2, 0.3, 0.5]), tx.Tensor([0.0, 1.0, 2.0])
    p, identity = softmax(z.data), np.eye(3)
    loss = v2(t, z)
    by_t, by_z = tx.gradients(loss, [t, z], create_graph=True)
    np.testing.assert_allclose(tx.jacobian(by_z, z), np.diag(p) - np.outer(p, p), atol=1e-15)
    np.testing.assert_allclose(tx.jacobian(by_z, t), p[:, None] - identity, atol=1e-15)
    np.testing.assert_allclose(tx.jacobian(by_z, t)[0], [-0.910, 0.090, 0.090], atol=5e-4)
    np.testing.assert_allclose(tx.jacobian(by_t, z), p - identity, atol=1e-15)
    np.testing.assert_allclose(tx.jacobian(by_t, z)[0], [-0.910, 0.245, 0.665], atol=5e-4)


def test_the_hessian_has_the_sum_of_the_labels() -> None:
    z, p = tx.Tensor([0.0, 1.0, 2.0]), softmax([0.0, 1.0, 2.0])
    _, loss = warning_of(errors.LabelsWarning, lambda: v1(labels=[1, 0.5, 1.5], logits=z))
    np.testing.assert_allclose(tx.hessian(loss, z), 3 * (np.diag(p) - np.outer(p, p)), atol=1e-14)
    hessian = tx.hessian(sparse(1, z, from_logits=True), z)
    np.testing.assert_allclose(hessian, np.diag(p) - np.outer(p, p), atol=1e-15)


# -- infinities ------------------------------------------------------------------------------


@pytest.mark.parametrize("loss_of", [*DENSE.values(), *INTEGER.values()], ids=[*DENSE, *INTEGER])
@pytest.mark.parametrize(
    ("logits", "label", "loss", "gradient"),
    [
        ([0.0, -inf], 0, 0, [0, 0]),  # 0 * (-inf) is 0
        ([0.0, -inf], 1, inf, [1, -1]),
        ([-inf, 0.0, 0.0], 1, np.log(2), [0, -0.5, 0.5]),
        ([3e38, -3e38], 0, 0, [0, 0]),
        ([-inf, -inf], 0, nan, [nan, nan]),
        ([0.0, inf], 1, nan, [nan, nan]),
        ([0.0, inf], 0, nan, [nan, nan]),
        ([nan, 0.0], 1, nan, [nan, nan]),
    ],
    ids=str,
)
def test_infinite_logits(loss_of: Any, logits: Any, label: int, loss: Any, gradient: Any) -> None:
    labels = label if loss_of in INTEGER.values() else np.eye(len(logits))[label]
    for dtype in (np.float32, np.float64):
        z = tx.Tensor(logits, dtype=dtype)
        found = loss_of(labels, z)
        np.testing.assert_allclose(found.data, loss, rtol=1e-7)
        np.testing.assert_allclose(tx.gradients(found, z), gradient)


@every_dense
def test_a_soft_label_on_minus_infinity(loss_of: Any) -> None:
    z = tx.Tensor([-inf, 0.0, 0.0])
    loss = loss_of([0.4, 0.3, 0.3], z)
    assert loss.data == inf
    np.testing.assert_allclose(tx.gradients(loss, z), [-0.4, 0.2, 0.2])
    assert loss_of([0, 0.5, 0.5], z).data == pytest.approx(np.log(2))


@pytest.mark.parametrize("loss_of", [*DENSE.values(), *INTEGER.values()], ids=[*DENSE, *INTEGER])
def test_one_class_gives_zeros_with_a_plus(loss_of: Any) -> None:
    z = tx.Tensor([0.7])
    loss = loss_of(0 if loss_of in INTEGER.values() else [1.0], z)
    for zero in (loss.data, tx.gradients(loss, z)):
        assert np.all(zero == 0)
        assert not np.any(np.signbit(zero))


# -- warnings --------------------------------------------------------------------------------


@every_dense
@pytest.mark.parametrize(
    ("labels", "where", "why"),
    [
        ([[1, 0], [0.5, 1], [1, 1]], "of labels at position 1 ", "it sums to 1.5, not 1."),
        ([[1, 0], [1.5, -0.5], [0, 1]], "at position 1 ", "sums to 1, but has a negative entry."),
        ([[1, 0], [0, 1], [1.5, -1]], "at position 2 ", "sums to 0.5, not 1."),
        ([[1, 0], [0.1, 0.2], [0, 1]], "at position 1 ", "sums to 0.3, not 1."),
        ([[1, 1e-9], [1, 0], [1, 0]], "at position 0 ", "sums to 1.000000001, not 1."),
        ([[nan, 1], [1, 0], [1, 0]], "at position 0 ", "sums to nan, not 1."),
        ([[1, 1], [1, 0], [1, 0]], "at position 0 ", "sums to 2, not 1."),
    ],
    ids=str,
)
def test_labels_that_are_no_distribution(loss_of: Any, labels: Any, where: str, why: str) -> None:
    where = where.replace("labels", "target") if loss_of is DENSE["categorical"] else where
    for logits in (np.zeros((3, 2)), tx.Tensor(np.zeros((3, 2)))):
        found, _ = warning_of(errors.LabelsWarning, lambda z=logits: loss_of(labels, z))
        assert re.search(text(where, why, "computed from the labels as they are"), found)


def test_labels_are_told_the_same_whether_recorded_or_not() -> None:
    """As they were before they were cast: -1e-9 would be -0, and 5.74 roundings 5.5 of them."""
    half, single = np.zeros((1, 3), np.float16), np.zeros((1, 3), np.float32)
    for labels, logits in (
        ([[1.0, -1e-9, 0]], half),
        ([[1.0, -1e-300, 0]], single),
        ([[0.5, 0.5 + 5.74 * 2**-23, 0]], single),
    ):
        for z in (logits, tx.Tensor(logits)):
            with pytest.warns(errors.LabelsWarning, match="not a probability distribution"):
                tx.softmax_cross_entropy_with_logits(labels=labels, logits=z)


def test_targets_of_probabilities_are_checked_too() -> None:
    for output in (np.full((1, 2), 0.5), tx.Tensor([[0.5, 0.5]])):
        with pytest.warns(errors.LabelsWarning, match="row of target at position 0"):
            tx.categorical_crossentropy([[0.5, 0.25]], output)


@pytest.mark.parametrize("labels", [[[1e308, 1e308]], [[np.inf, -np.inf]]], ids=str)
def test_labels_with_an_infinite_sum_are_told_once(labels: Any) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        tx.softmax_cross_entropy_with_logits(labels=labels, logits=np.zeros((1, 2)))
    assert [warning.category for warning in told] == [errors.LabelsWarning]


def test_the_row_of_labels_is_named_along_any_axis() -> None:
    t = np.full((2, 2, 3), 0.5)
    t[1, :, 2] = 0.25
    found, _ = warning_of(errors.LabelsWarning, lambda: v1(labels=t, logits=0 * t, dim=1))
    assert "the row of labels at position (1, 2) is not a probability distribution" in found
    found, _ = warning_of(errors.LabelsWarning, lambda: v1(labels=[1, 1], logits=[0.0, 0]))
    assert "the row of labels is not a probability distribution" in found


@every_dense
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rounding_is_no_reason_to_warn(loss_of: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for classes in (2, 10, 1000):
        t = rng.dirichlet(np.ones(classes), 50).astype(dtype)
        loss_of(t, np.zeros((50, classes)))
        loss_of(t.astype(float), np.zeros((50, classes), dtype))


@pytest.mark.parametrize("loss_of", [*DENSE.values(), *INTEGER.values()], ids=[*DENSE, *INTEGER])
def test_a_softmax_before_the_softmax(loss_of: Any) -> None:
    labels = [0] if loss_of in INTEGER.values() else [[1.0, 0]]
    p = tx.softmax(tx.Tensor([[100.0, 0.0]]))
    found, loss = warning_of(errors.DoubleSoftmaxWarning, lambda: loss_of(labels, p))
    assert re.search(text("output of a softmax", "sparse_categorical_crossentropy"), found)
    np.testing.assert_allclose(loss.data, 0.3132616, rtol=1e-6)  # it is computed all the same
    loss_of(labels, p.data)  # an array does not tell
    loss_of(labels, tx.log_softmax(p.inputs[0]))  # does no harm


def test_a_warning_points_at_the_line_that_called() -> None:
    p = tx.softmax(tx.Tensor([[0.0, 0.0]]))
    for call in (
        lambda: v1(labels=[[1, 1]], logits=p.inputs[0]),
        lambda: v2([[1, 1]], p.inputs[0]),
        lambda: categorical([[1, 1]], p),
        lambda: sparse_v1(labels=[0], logits=p),
        lambda: sparse([0], p, from_logits=True),
    ):
        with pytest.warns(UserWarning) as found:  # noqa: PT030 (which warning is tested above)
            call()
        assert [w.lineno for w in found] == [call.__code__.co_firstlineno]


# -- integer labels --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", "bhilqBHILQ")
def test_any_integer_dtype(dtype: str) -> None:
    z = np.zeros((2, 300))
    z[0, 100] = 5
    for loss_of in INTEGER.values():
        wanted = loss_of([100, 7], z)
        np.testing.assert_array_equal(loss_of(np.array([100, 7], dtype), z), wanted)
        with pytest.raises(errors.LabelRangeError, match=text("label 120 at", "from 0 to 119")):
            loss_of(np.array([7, 120], dtype), z[:, :120])


@pytest.mark.parametrize("loss_of", [*INTEGER.values(), sparse], ids=[*INTEGER, "probabilities"])
@pytest.mark.parametrize("target", [[1.0, 0.0], [True, False], ["a", "b"], [[1, 0.0]]], ids=str)
def test_labels_that_are_no_integers_are_refused(loss_of: Any, target: Any) -> None:
    advice = "np.unique" if target == ["a", "b"] else "categorical_crossentropy"
    pattern = text("must be integers", str(np.asarray(target).dtype), advice)
    with pytest.raises(errors.LabelDtypeError, match=pattern) as caught:
        loss_of(target, np.ones((2, 2)) / 2)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("loss_of", [*INTEGER.values(), sparse], ids=[*INTEGER, "probabilities"])
@pytest.mark.parametrize(
    ("target", "where"),
    [
        ([0, 4, 1], "label 4 at position 1 "),
        ([0, 1, -1], "label -1 at position 2 "),
        ([-4, 4, 9], "label -4 at position 0 "),
        (np.array([0, 255, 1], np.uint8), "label 255 at position 1 "),
        (np.array([1, 2**63, 1], np.uint64), "label 9223372036854775808 at position 1 "),
    ],
    ids=str,
)
def test_a_label_that_names_no_class_is_refused(loss_of: Any, target: Any, where: str) -> None:
    pattern = text(where, "from 0 to 3 for 4 classes", "weight 0")
    with pytest.raises(errors.LabelRangeError, match=pattern) as caught:
        loss_of(target, np.full((3, 4), 0.25))
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("target", "shape", "where"),
    [
        (9, (4,), "label 9 is not a class"),
        ([[0], [9]], (2, 4), "at position (1, 0) "),
        ([[0, 1, 2], [0, 9, 1]], (2, 3, 4), "at position (1, 1) "),
        ([0, 1, 2, 0, 9, 1], (2, 3, 4), "at position 4 "),
    ],
    ids=str,
)
def test_its_position_is_that_in_the_target_as_given(target: Any, shape: Any, where: str) -> None:
    with pytest.raises(errors.LabelRangeError, match=text(where)):
        sparse(target, np.full(shape, 0.25))


# -- Keras: shapes and probabilities ---------------------------------------------------------


@pytest.mark.parametrize("from_logits", [False, True])
def test_the_target_shapes_that_tensorflow_accepts(from_logits: bool) -> None:
    rng = np.random.default_rng(0)
    for shape, axis, others in [
        ((3, 4), -1, [(3, 1), (3, 1, 1), (1, 1, 3)]),
        ((4, 3), 0, [(3, 1), (1, 1, 3)]),
        ((2, 3, 4), -1, [(2, 3, 1), (6,), (1, 2, 3)]),
        ((2, 4, 3), 1, [(2, 3, 1), (6,), (1, 6, 1)]),
    ]:
        output = rng.uniform(0.1, 1, size=shape)
        rows = tuple(np.delete(shape, axis))
        target = rng.integers(4, size=rows)
        x = tx.Tensor(output)
        wanted = sparse(target, x, from_logits, axis)
        assert wanted.shape == rows
        for other in others:
            loss = sparse(target.reshape(other), x, from_logits, axis)
            np.testing.assert_array_equal(loss.data, wanted.data)
            grads = [tx.gradients(each.sum(), x) for each in (loss, wanted)]
            np.testing.assert_array_equal(*grads)


def test_one_row_takes_a_number_or_a_list_of_one() -> None:
    x = tx.Tensor([0.5, 0.3, 0.2])
    assert sparse(1, x).shape == ()
    assert sparse([1], x).shape == (1,)
    for loss in (sparse(1, x), sparse([1], x), sparse([[1]], x)):
        np.testing.assert_allclose(loss.data, -np.log(0.3))
        np.testing.assert_allclose(tx.gradients(loss.sum(), x), [1, 1 - 1 / 0.3, 1])


@pytest.mark.parametrize(
    ("target", "output", "axis"),
    [((3,), (2, 4), 1), ((1,), (2, 4), 1), ((2,), (2, 3), 0), ((3, 2), (2, 3, 4), 2),
     ((1, 6), (2, 3, 4), 2), ((5,), (2, 3, 4), 2), ((2,), (4,), 0)],
    ids=str,
)  # fmt: skip
def test_other_target_shapes_are_refused(target: Any, output: Any, axis: int) -> None:
    rows = tuple(np.delete(output, axis).tolist())
    pattern = text(f"target is {target}", f"shape {output}", f"axis {axis}", f"needs {rows}")
    with pytest.raises(errors.ShapeError, match=pattern) as caught:
        sparse(np.zeros(target, int), np.ones(output), axis=axis)
    assert isinstance(caught.value, ValueError)


@every_keras
def test_logits_can_be_told(loss_of: Any, labels_of: Any) -> None:
    loss = loss_of(labels_of(HOT, -1), Z, from_logits=True)
    np.testing.assert_allclose(loss, plain(HOT, Z, -1))


def test_sparse_clips_first_and_renormalises_then() -> None:
    with pytest.warns(errors.ProbabilitiesWarning, match=r"entry of 2 at position \(0, 0\)"):
        (loss,) = sparse([0], [[2.0, 2, 4]])
    assert loss == pytest.approx(np.log(3), rel=1e-6)  # all are 1 - 1e-7
    assert sparse([0], [[0.0, 0, 0]])[0] == pytest.approx(np.log(3))
    assert sparse([0], [[0.2, 0.2, 0.4]])[0] == pytest.approx(np.log(4))
    p = np.array([[1, 0, 0]], np.float32)
    assert sparse([0], p)[0] == pytest.approx(2e-7)  # TensorFlow's 1 + 2e-7 is 1 + 2.38e-7
    assert sparse([1], p)[0] == pytest.approx(16.118095)
    assert sparse([0], [[1.0, 0]])[0] == pytest.approx(1.00000005e-07, rel=1e-9)


def test_categorical_renormalises_first_and_clips_then() -> None:
    hot = [[1, 0, 0]]
    with pytest.warns(errors.ProbabilitiesWarning, match=r"entry of 2 at position \(0, 0\)"):
        (loss,) = categorical(hot, [[2.0, 2, 4]])
    assert loss == pytest.approx(np.log(4))
    p = np.array([[1, 0, 0]], np.float32)
    assert categorical(hot, p)[0] == pytest.approx(1.1920929e-07)
    assert categorical([[0, 1, 0]], p)[0] == pytest.approx(16.118095)
    with np.errstate(invalid="ignore"):
        assert np.isnan(categorical(hot, [[0.0, 0, 0]])[0])


def test_the_gradient_through_the_clip() -> None:
    def slope(p: float, dtype: Any = float) -> Any:
        x = tx.Tensor([p, 1 - p], dtype=dtype)
        return tx.gradients(sparse(0, x), x)[0]

    assert slope(1e-8) == 0
    assert slope(1e-7) == pytest.approx(-9_999_999, rel=1e-6)
    assert slope(0.5) == pytest.approx(-1)
    x = tx.Tensor([0.5, 0.3, 0.2])
    np.testing.assert_allclose(tx.gradients(sparse(1, x), x), [1, -7 / 3, 1])


@every_keras
def test_epsilon(loss_of: Any, labels_of: Any) -> None:
    labels, p = labels_of(np.array([[0, 1]]), -1), [[1.0, 0.0]]
    assert loss_of(labels, p)[0] == pytest.approx(-np.log(1e-7))
    assert loss_of(labels, p, epsilon=1e-3)[0] == pytest.approx(-np.log(1e-3))
    with pytest.raises(TypeError):
        loss_of(labels, p, False, -1, 1e-3)


@every_keras
def test_probabilities_in_half_precision(loss_of: Any, labels_of: Any) -> None:
    p = np.array([[1, 0]], np.float16)  # 1e-7 becomes 1.19e-7, and 1 - 1e-7 becomes 1
    assert loss_of(labels_of(np.array([[0, 1]]), -1), p)[0] == np.float16(15.945)
    assert 0 <= loss_of(labels_of(np.array([[1, 0]]), -1), p)[0] < 2e-7


# -- looking through a softmax ---------------------------------------------------------------


@every_keras
def test_a_saturated_softmax_still_learns(loss_of: Any, labels_of: Any) -> None:
    labels, z = labels_of(np.array([[0.0, 1]]), -1), tx.Tensor([[100.0, 0.0]])
    for axis in (-1, 1):
        for softmax_axis in (-1, 1, (1,), (-1,)):
            p = tx.softmax(z, axis=softmax_axis)
            loss = loss_of(labels, p, axis=axis)
            assert loss.data == 100
            np.testing.assert_array_equal(tx.gradients(loss, z), [[1, -1]])
    seen = next(node for node in tx.ancestors(loss) if node.op is tx.ops.look_through)
    assert seen.inputs[0] is z
    assert seen.inputs[1] is p
    assert loss_of(labels, p.data)[0] == pytest.approx(16.118095)
    assert loss_of(labels, 1.0 * p).data[0] == pytest.approx(16.118095)


@every_keras
@pytest.mark.parametrize("axis", [None, 0, -1, (0,), (-1,)])
def test_the_softmax_of_a_vector_has_one_axis(loss_of: Any, labels_of: Any, axis: Any) -> None:
    z = tx.Tensor([100.0, 0.0])
    loss = loss_of(labels_of(np.array([0.0, 1]), -1), tx.softmax(z, axis=axis))
    assert loss.data == 100
    assert tx.gradients(loss.sum(), z).tolist() == [1, -1]


@every_keras
def test_never_through_a_softmax_along_another_axis(loss_of: Any, labels_of: Any) -> None:
    rng = np.random.default_rng(0)
    z = tx.Tensor(rng.normal(size=(3, 3, 3)))
    for axis in range(3):
        labels = labels_of(np.moveaxis(np.eye(3)[rng.integers(3, size=(3, 3))], -1, axis), axis)
        for other in {0, 1, 2, -1, -2, -3} - {axis, axis - 3}:
            p = tx.softmax(z, axis=other)
            loss = loss_of(labels, p, axis=axis)
            assert tx.ops.look_through not in [node.op for node in tx.ancestors(loss)]
            np.testing.assert_array_equal(loss.data, loss_of(labels, p.data, axis=axis))
        for everything in (None, (0, 1), (0, 1, 2)):
            p = tx.softmax(z, axis=everything)
            np.testing.assert_array_equal(
                loss_of(labels, p, axis=axis).data, loss_of(labels, p.data, axis=axis)
            )


# -- logits where probabilities are expected ---------------------------------------------------

LOG_P = np.log([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
NO_PROBABILITIES = {
    "logits": np.array([[0.3, 0.9, 2.0], [0.1, 0.2, 0.3]]),
    "log-probabilities": LOG_P,
    "a little below": np.array([[0.5, 0.5, -0.001], [0.1, 0.1, 0.8]]),
    "a little above": np.array([[0.5, 0.5, 0.5], [0.1, 1.001, 0.8]]),
}
TAKE_PROBABILITIES: dict[str, Callable[[Any], Any]] = {
    "sparse": lambda p: tx.sparse_categorical_crossentropy([0, 2], p),
    "dense": lambda p: tx.categorical_crossentropy(np.eye(3)[[0, 2]], p),
    "dense, another axis": lambda p: tx.categorical_crossentropy([[1, 0, 1], [0, 1, 0]], p, axis=0),
    "plain": lambda p: tx.crossentropy(p, np.eye(3)[[0, 2]]),
    "dialect": lambda p: tx.crossentropy_as("keras2", [0, 2], p),
    "dense dialect": lambda p: tx.crossentropy_as("keras3-jax", np.eye(3)[[0, 2]], p),
    "comparison": lambda p: tx.compare([0, 2], p),
}


@pytest.mark.parametrize("loss", TAKE_PROBABILITIES.values(), ids=TAKE_PROBABILITIES)
@pytest.mark.parametrize("p", NO_PROBABILITIES.values(), ids=NO_PROBABILITIES)
@pytest.mark.parametrize("kind", [np.asarray, np.float32, np.float16, tx.Tensor])
def test_numbers_that_are_no_probabilities(loss: Any, p: Any, kind: Any) -> None:
    p = kind(p)
    data = p.data if isinstance(p, tx.Tensor) else p
    if data.dtype == np.float16 and -0.002 < data.min() < data.max() < 1.002:
        return  # half precision is no finer
    place = rf"\({', '.join(map(str, np.argwhere((data < 0) | (data > 1))[0]))}\)"
    with (
        np.errstate(all="ignore"),
        pytest.warns(errors.ProbabilitiesWarning, match=rf"{place}.*from_logits=True") as found,
    ):
        loss(p)
    assert [warning.filename for warning in found] == [__file__]


@pytest.mark.parametrize("loss", TAKE_PROBABILITIES.values(), ids=TAKE_PROBABILITIES)
def test_probabilities_that_rounding_put_outside_are_let_by(loss: Any) -> None:
    for dtype in (np.float16, np.float32, np.float64):
        p = np.array([[1 + np.finfo(dtype).eps, 1e-4, 0.0], [0.0, -0.0, 1.0]], dtype)
        loss(p)
        loss(tx.Tensor(p))
    loss(np.array([[1, 0, 0], [0.1, 0.1, 0.8]], np.float32).astype(float) * (1 + 1.2e-7))
    loss(np.array([[np.nan, 0, 0], [0.1, 0.1, 0.8]]))


def test_no_probabilities_in_the_blocks_of_a_dask_array() -> None:
    da = pytest.importorskip("dask.array")
    p = da.from_array(NO_PROBABILITIES["logits"], chunks=(1, 3))
    loss = tx.sparse_categorical_crossentropy([0, 2], p)
    with pytest.warns(errors.ProbabilitiesWarning, match=r"entry of 2 at position \(0, 2\)"):
        loss.compute(scheduler="synchronous")


def test_what_is_looked_through_and_what_is_refused_says_nothing_of_probabilities() -> None:
    z = tx.Tensor([[2.0, -1.0]])
    tx.sparse_categorical_crossentropy([0], tx.softmax(z))
    tx.sparse_categorical_crossentropy([0], z, from_logits=True)
    tx.crossentropy_as("keras2", [0], z, from_logits=True)
    with pytest.raises(errors.DialectError, match="takes logits only"):
        tx.crossentropy_as("torch", [0], z)


def test_class_numbers_are_not_spread_over_the_rows() -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    for labels in ([1, 0], [[1, 0]], [[1], [0]], 1):
        for probs in (p, tx.Tensor(p)):
            with pytest.raises(errors.ShapeError, match=r"\(2, 2\).*sparse_categorical_cross"):
                tx.crossentropy(probs, labels)
    for dialect in ("tf2", "optax"):
        with pytest.warns(errors.LabelsWarning, match="one number for each row.*sparse=True"):
            spread = tx.crossentropy_as(dialect, [1.0, 0.0], p, from_logits=True)
        row = tx.crossentropy_as(dialect, [[1.0, 0.0]], p, from_logits=True)  # as they document
        np.testing.assert_array_equal(spread, row)


@pytest.mark.parametrize("probs", [[0.9999, 1e-4], [1.0, 0.0]])
def test_a_check_may_go_beyond_the_borders_in_silence(probs: Any) -> None:
    tx.gradcheck(lambda p: tx.categorical_crossentropy([0.5, 0.5], p), np.array(probs))
    with np.errstate(all="ignore"):
        tx.gradcheck(lambda p: tx.crossentropy(p, [0.5, 0.5]), np.array(probs))
        tx.gradcheck(tx.crossentropy, np.array(probs), [0.5, 0.5])
        tx.invariants(lambda p: tx.crossentropy(p, [0.5, 0.5]), np.array(probs))


HIDDEN = {
    "getitem": lambda p: p[:],
    "reshape": lambda p: p.reshape(1, 2),
    "astype": lambda p: p.astype(np.float32),
    "transpose": lambda p: p.T.T,
    "squeeze": lambda p: tx.expand_dims(p, 0).squeeze(0),
}


@pytest.mark.parametrize("loss_of", [sparse, tx.categorical_crossentropy])
@pytest.mark.parametrize(("name", "hide"), HIDDEN.items(), ids=HIDDEN)
def test_a_saturated_softmax_that_another_op_hides(loss_of: Any, name: str, hide: Any) -> None:
    labels = [1] if loss_of is sparse else [[0.0, 1.0]]
    z = tx.Tensor([[100.0, 0.0]])
    with pytest.warns(errors.HiddenSoftmaxWarning, match=f"behind `{name}`") as found:
        loss_of(labels, hide(tx.softmax(z)))
    assert [w.filename for w in found] == [__file__]
    loss_of(labels, hide(tx.softmax(z * 0.01)))  # nothing is clipped
    loss_of(labels, hide(z), from_logits=True)
    loss_of(labels, hide(tx.Tensor([[1.0, 0.0]])))  # no softmax


def test_an_epsilon_below_half_precision_still_keeps_the_loss_finite() -> None:
    probs = np.array([[1.0, 0.0]], np.float16)
    assert np.isfinite(tx.sparse_categorical_crossentropy([1], probs, epsilon=1e-9)).all()
    dense = tx.categorical_crossentropy([[0.0, 1.0]], probs, epsilon=1e-9)
    assert np.isfinite(dense).all()
