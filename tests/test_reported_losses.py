"""What people reported of the losses of other libraries, asked here with numbers of our own.

The right answers come from mpmath, or are said beside the test.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf
from test_recipes import INTRODUCTION, RECIPES, run

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.commands import cli

dense = tx.softmax_cross_entropy_with_logits
sparse = tx.sparse_softmax_cross_entropy_with_logits
inf, nan = np.inf, np.nan
any_numbers = pytest.mark.filterwarnings("ignore::RuntimeWarning")
any_labels = pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.LabelsWarning")


def exact_softmax(logits: Any) -> list[Any]:
    mp.dps = 40
    e = [mp.exp(mpf(float(z))) for z in logits]
    return [x / mp.fsum(e) for x in e]


def floats(values: Any) -> Any:
    return np.array([float(x) for x in values])


# -- labels ----------------------------------------------------------------------------------


@any_labels
@pytest.mark.parametrize("way", ["logits", "softmax", "probabilities"])
def test_a_row_without_a_label_has_no_loss_and_no_gradient(way: str) -> None:
    labels = [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    x = tx.Tensor([[1.5, -2.0, 4.0], [0.0, 0.5, 1.0]])
    if way == "logits":
        loss = dense(labels=labels, logits=x)
    elif way == "softmax":
        loss = tx.categorical_crossentropy(labels, tx.softmax(x))
    else:
        x = tx.Tensor([[0.25, 0.25, 0.5], [0.5, 0.125, 0.375]])
        loss = tx.categorical_crossentropy(labels, x)
    gradient = tx.gradients(loss.sum(), x)
    assert (loss.data[0], gradient[0].tolist()) == (0, [0, 0, 0])
    assert loss.data[1] > 0
    assert gradient[1].any()


def test_only_one_class_occurs_in_the_batch() -> None:
    losses = tx.sparse_categorical_crossentropy([2, 2], [[1.0, 0, 0], [0.25, 0.25, 0.5]])
    np.testing.assert_allclose(losses, [np.log(1e7), np.log(2)], rtol=1e-7)


def test_a_label_on_another_axis_is_smoothed_over_the_classes() -> None:
    mp.dps = 40
    logits = np.round(np.random.default_rng(8).normal(size=(2, 4, 3)), 3)
    labels = np.array([[0, 3, 1], [2, 2, 0]])
    names = {"tx": tx, "np": np, "labels": labels, "logits": tx.Tensor(logits)}
    run(INTRODUCTION, names)
    run(RECIPES["label smoothing"], names)
    total = mpf(0)
    for i, j in np.ndindex(labels.shape):
        ln_p = [mp.log(p) for p in exact_softmax(logits[i, :, j])]
        total -= mpf("0.9") * ln_p[labels[i, j]] + mpf("0.1") * mp.fsum(ln_p) / 4
    assert float(names["loss"].data) == pytest.approx(float(total / 6), rel=1e-14)
    soft = np.moveaxis(np.eye(4)[labels], -1, 1) * 0.9 + 0.1 / 4
    loss = tx.categorical_crossentropy(soft, logits, from_logits=True, axis=1).mean()
    assert float(loss) == pytest.approx(float(total / 6), rel=1e-14)


def test_smoothed_labels_have_their_minimum_where_the_probabilities_are_they() -> None:
    z = tx.Tensor([np.log([0.925, 0.025, 0.025, 0.025])])  # 1 - e + e / K, e / K with e = 0.1
    spread = -tx.log_softmax(z).mean(axis=1)
    loss = (0.9 * sparse(labels=[0], logits=z) + 0.1 * spread).sum()
    np.testing.assert_allclose(tx.gradients(loss, z), np.zeros((1, 4)), atol=1e-16)
    entropy = -(0.925 * np.log(0.925) + 0.075 * np.log(0.025))
    assert float(loss.data) == pytest.approx(entropy, rel=1e-15)


def test_a_weighted_mean_divides_by_the_weights() -> None:
    mp.dps = 40
    logits, weight = np.array([[0.5, -1.0, 2.0], [3.0, 0.0, -0.25]]), np.array([1.0, 4.0, 0.5])
    names = {"tx": tx, "np": np, "labels": np.array([2, 1]), "logits": tx.Tensor(logits)}
    names["weight"] = weight
    run(INTRODUCTION, names)
    run(RECIPES["class weights"], names)
    losses = [-mp.log(exact_softmax(row)[t]) for row, t in zip(logits, (2, 1), strict=True)]
    wanted = (mpf("0.5") * losses[0] + 4 * losses[1]) / mpf("4.5")
    assert float(names["loss"].data) == pytest.approx(float(wanted), rel=1e-15)


@pytest.mark.parametrize("names", [["owl", "cat"], np.array(["owl", "cat"], object)], ids=type)
def test_names_of_classes_are_turned_into_numbers(names: Any) -> None:
    with pytest.raises(errors.LabelDtypeError, match=r"np\.unique\(.*return_inverse=True"):
        tx.sparse_categorical_crossentropy(names, [[0.5, 0.5], [0.25, 0.75]])


SHAPES = {
    "a column": (sparse, [[1], [0]], (2, 3), r"\[\.\.\., 0\]|squeeze|sparse_categorical"),
    "one-hot": (sparse, np.eye(2, dtype=int), (2, 2), r"[^_]softmax_cross_entropy_with_logits|arg"),
    "class numbers": (dense, [1, 0], (2, 2), "sparse_softmax_cross_entropy"),
    "channels first": (sparse, np.zeros((2, 3, 4), int), (2, 5, 3, 4), "axis=1|moveaxis"),
    "one label too many": (sparse, [1, 0, 1], (2, 2), "3 labels|2 rows"),
}


@pytest.mark.parametrize(
    ("loss_of", "labels", "shape", "words"),
    SHAPES.values(),
    ids=SHAPES,
)
def test_labels_of_a_wrong_shape_are_told_the_likely_reason(
    loss_of: Any, labels: Any, shape: Any, words: str
) -> None:
    with pytest.raises(errors.ShapeError, match=words):
        loss_of(labels=labels, logits=np.zeros(shape))


@pytest.mark.parametrize(
    "call",
    [
        lambda: sparse(labels=[[0, 1], [2]], logits=np.zeros((2, 2, 3))),
        lambda: tx.Tensor([[1.0, 2, 3], [1.0, 2]]),
    ],
    ids=["labels", "Tensor"],
)
def test_rows_of_different_lengths_are_named(call: Any) -> None:
    with pytest.raises(errors.ShapeError, match=r"row 1.*pad"):
        call()


def test_labels_and_logits_exchanged() -> None:
    with pytest.raises(errors.ArgumentError, match=r"labels=.*logits="):
        dense([[3.0, -0.5]], [[1.0, 0]])
    with pytest.warns(errors.LabelsWarning, match=r"sums to 2\.5"):
        tx.softmax_cross_entropy_with_logits_v2([[3.0, -0.5]], [[1.0, 0]])


# -- labels that are left out -------------------------------------------------------------------


@any_numbers
@pytest.mark.parametrize(
    "fill",
    [-inf, nan],
)
def test_a_padded_row_leaves_the_others_alone_whatever_its_logits(fill: float) -> None:
    logits = tx.Tensor([[0.5, -1.0, 1.5], [fill] * 3])
    names = {"tx": tx, "np": np, "labels": np.array([2, -100]), "logits": logits}
    run(INTRODUCTION, names)
    run(RECIPES["padding"], names)
    p = floats(exact_softmax([0.5, -1.0, 1.5]))
    gradient = tx.gradients(names["loss"], logits)
    np.testing.assert_allclose(names["loss"].data, -np.log(p[2]), rtol=1e-14)
    np.testing.assert_allclose(gradient, [p - [0, 0, 1], [0, 0, 0]], rtol=1e-13)


def test_an_ignored_class_may_be_larger_than_any_class() -> None:
    names = {"tx": tx, "np": np, "labels": np.array([2, 255, 0], np.uint8), "ignored": 255}
    names["logits"] = tx.Tensor(np.full((3, 3), 0.25))
    run(INTRODUCTION, names)
    run(RECIPES["ignored class"], names)
    assert float(names["loss"].data) == pytest.approx(np.log(3), rel=1e-15)


def test_ignore_class_works_or_is_answered_with_a_recipe() -> None:
    try:
        losses = tx.sparse_categorical_crossentropy(
            [0, -1, 1],
            [[0.25, 0.75], [0.5, 0.5], [0.5, 0.5]],
            ignore_class=-1,  # type: ignore[call-arg]
        )
    except (TypeError, ValueError) as error:
        assert re.search("weight|where|recipe", str(error))  # noqa: PT017 (either is right)
    else:
        np.testing.assert_allclose(losses, np.log([4, 1, 2]), rtol=1e-7)


# -- logits beyond the ordinary -----------------------------------------------------------------


def test_masked_classes_without_a_label_change_nothing() -> None:
    z = tx.Tensor([[-inf, 0.75, -inf, 2.0]])
    p = floats(exact_softmax([0.75, 2.0]))
    for loss in (dense(labels=[[0, 0.25, 0, 0.75]], logits=z), sparse(labels=[1], logits=z)):
        t = [0.25, 0.75] if loss.op is tx.softmax_cross_entropy else [1, 0]
        np.testing.assert_allclose(loss.data, [-(t @ np.log(p))], rtol=1e-14)
        np.testing.assert_allclose(
            tx.gradients(loss.sum(), z)[0, [1, 3]], p - np.array(t), rtol=1e-13
        )
        assert not tx.gradients(loss.sum(), z)[0, [0, 2]].any()


ENTROPIES = {
    "crossentropy": lambda z: tx.crossentropy(tx.softmax(z), tx.softmax(z)),
    "v2": lambda z: tx.softmax_cross_entropy_with_logits_v2(tx.softmax(z), z),
}


@any_numbers
@pytest.mark.parametrize(
    "entropy",
    ENTROPIES.values(),
    ids=ENTROPIES,
)
def test_the_entropy_of_a_masked_softmax_has_a_finite_gradient(entropy: Any) -> None:
    x, kept = tx.Tensor([0.5, 2.0, -1.0, 1.25]), np.array([True, False, True, True])
    found = entropy(tx.where(kept, x, -inf))
    p = floats(exact_softmax([0.5, -1.0, 1.25]))
    wanted = np.zeros(4)
    wanted[kept] = -p * (np.log(p) - p @ np.log(p))
    assert float(found.data) == pytest.approx(-p @ np.log(p), rel=1e-14)
    np.testing.assert_allclose(tx.gradients(found, x), wanted, rtol=1e-13)


def test_the_entropy_of_a_softmax_by_either_loss() -> None:
    z = tx.Tensor([0.5, 2.0, -1.0])
    p = floats(exact_softmax(z.data))
    first = dense(labels=tx.softmax(z), logits=z)  # its labels are held constant
    second = tx.softmax_cross_entropy_with_logits_v2(tx.softmax(z), z)
    np.testing.assert_allclose(tx.gradients(first, z), np.zeros(3), atol=1e-15)
    np.testing.assert_allclose(
        tx.gradients(second, z), -p * (np.log(p) - p @ np.log(p)), rtol=1e-13
    )


@any_numbers
def test_an_infinite_logit_gives_nan_and_first_bad_says_why() -> None:
    z = tx.Tensor([[inf, 0.0, -3.0]], name="z")
    loss = sparse(labels=[0], logits=z).sum()
    assert np.isnan(loss.data)
    assert np.isnan(tx.softmax(z).data).all()
    found = tx.first_bad(loss)
    assert found is not None
    assert "has +inf" in found.rewrite


@pytest.mark.parametrize("size", [3e7, -3e7, 1e30])
def test_equal_logits_of_any_size(size: float) -> None:
    z = tx.Tensor(np.full((1, 3), size, np.float32))
    loss = sparse(labels=[2], logits=z)
    third = np.float32(1 / 3)
    np.testing.assert_allclose(loss.data, [np.log(3)], rtol=1e-7)
    gradient = tx.gradients(loss.sum(), z)
    np.testing.assert_allclose(gradient, [[third, third, third - 1]], rtol=2e-7)
    np.testing.assert_allclose(tx.log_softmax(z).data, [[-np.log(3)] * 3], rtol=1e-7)


def test_logits_hundreds_apart() -> None:
    values, tail = [-500.0, 300.0, 420.5], np.exp(-120.5)
    for loss_of in (
        lambda z: -tx.log_softmax(z)[1],
        lambda z: dense(labels=[0, 1, 0], logits=z),
        lambda z: sparse(labels=1, logits=z),
    ):
        z = tx.Tensor(values)
        loss = loss_of(z)
        assert loss.data == 120.5
        np.testing.assert_allclose(tx.gradients(loss, z), [0, tail - 1, 1], rtol=1e-15)
    z = tx.Tensor(values)
    assert tx.gradients(tx.softmax(z).sum(), z).tolist() == [0, 0, 0]


@any_numbers
def test_a_loss_beyond_the_dtype_is_blamed_on_the_dtype() -> None:
    z = tx.Tensor(np.array([[-5e4, 5e4, 0]], np.float16), name="z")
    loss = sparse(labels=[0], logits=z).sum()
    assert loss.data == inf
    assert tx.gradients(loss, z).tolist() == [[-1, 1, 0]]


@any_numbers
@pytest.mark.parametrize(
    ("logits", "dtype", "words"),
    [
        ([-5e4, 5e4, 0], np.float16, "float16"),
        ([-inf, 5, 0], np.float64, "mask"),
    ],
    ids=["float16", "masked"],
)
def test_first_bad_says_why_a_loss_is_infinite(logits: Any, dtype: Any, words: str) -> None:
    z = tx.Tensor(np.array([logits], dtype), name="z")
    found = tx.first_bad(sparse(labels=[0], logits=z).sum())
    assert found is not None
    assert words in found.rewrite


def test_explain_does_not_advise_to_raise_a_masked_logit(capsys: Any, tmp_path: Any) -> None:
    out = str(tmp_path / "loss.svg")
    cli.main(["explain", "--logits=-inf,2.5,1", "--target", "0", "--no-color", "--out", out])
    text = capsys.readouterr().out
    assert "inf" in text
    assert "raise the logit of 0" not in text


@pytest.mark.parametrize(
    "call",
    [
        lambda: tx.softmax(np.zeros((4, 0))).shape == (4, 0),
        lambda: tx.log_softmax(np.zeros((2, 0))).shape == (2, 0),
        lambda: tx.logsumexp(np.zeros(0)) == -inf,
        lambda: tx.softmax(2.5) == 1,
    ],
    ids=["softmax", "log_softmax", "logsumexp", "a number"],
)
def test_no_classes_and_no_axis(call: Any) -> None:
    """What SciPy answers, or an error of ours."""
    try:
        assert call()
    except errors.TinygradXentError as error:
        assert re.search("axis|classes|empty|scalar", str(error))  # noqa: PT017 (either is right)


def test_a_loss_without_classes_is_refused() -> None:
    with pytest.raises(errors.ShapeError, match="no classes"):
        dense(labels=np.zeros((3, 0)), logits=np.zeros((3, 0)))


def test_log_softmax_over_two_axes() -> None:
    x = np.array([[0.5, 1.0], [-2.0, 3.0]])
    wanted = tx.log_softmax(x.ravel()).reshape(2, 2)
    np.testing.assert_allclose(tx.log_softmax(x, axis=(0, 1)), wanted, rtol=1e-15)


def test_an_axis_that_there_is_not() -> None:
    with pytest.raises(ValueError, match=r"^(?!source).*axis 2"):
        tx.softmax(np.ones((2, 2)), axis=2)


def test_logsumexp_with_weights() -> None:
    found = tx.logsumexp([2.0, 0.25], b=[1.5, -0.5])  # type: ignore[call-arg, unused-ignore]
    np.testing.assert_allclose(found, np.log(1.5 * np.exp(2) - 0.5 * np.exp(0.25)), rtol=1e-15)


# -- probabilities ------------------------------------------------------------------------------


def test_a_certain_and_right_answer_in_float32() -> None:
    """Keras clips to 1 - 1e-7, in float32 the number before 1 that is nearest to that."""
    p = np.array([[0, 1], [1, 0]], np.float32)
    clip = -np.log(np.float64(np.float32(1) - np.float32(1e-7)))
    losses = tx.categorical_crossentropy([[0, 1], [1, 0]], p)
    np.testing.assert_allclose(losses, [clip, clip], rtol=1e-6)
    losses = tx.sparse_categorical_crossentropy([1, 0], p)  # normalises after the clip
    np.testing.assert_allclose(losses, [1e-7, 1e-7], rtol=1e-5)


@any_numbers
def test_what_a_probability_of_0_costs_can_be_chosen() -> None:
    loss_of = tx.sparse_categorical_crossentropy
    np.testing.assert_allclose(loss_of([1], [[1.0, 0.0]]), [np.log(1e7)], rtol=1e-7)
    found = loss_of([1], [[1.0, 0.0]], epsilon=1e-12)
    np.testing.assert_allclose(found, [np.log(1e12)], rtol=1e-9)
    assert tx.crossentropy([1.0, 0.0], [0.0, 1.0]) == inf


@any_numbers
@pytest.mark.parametrize(
    "epsilon",
    [0.75, -0.5, 2.0, nan],
)
def test_an_epsilon_that_makes_no_sense_is_refused(epsilon: float) -> None:
    for loss_of, target in (
        (tx.sparse_categorical_crossentropy, [0]),
        (tx.categorical_crossentropy, [[1.0, 0.0]]),
    ):
        with pytest.raises(errors.ArgumentError, match="epsilon"):
            loss_of(target, [[0.25, 0.75]], epsilon=epsilon)


def test_a_cast_between_softmax_and_loss_is_not_looked_through() -> None:
    z = tx.Tensor(np.array([[0.0, 25.0]], np.float16))
    p = tx.softmax(z)
    loss = tx.sparse_categorical_crossentropy([0], p)
    assert (loss.data.tolist(), tx.gradients(loss.sum(), z).tolist()) == ([25.0], [[-1.0, 1.0]])
    with pytest.warns(errors.HiddenSoftmaxWarning, match="behind `astype`"):
        loss = tx.sparse_categorical_crossentropy([0], p.astype(np.float32))
    np.testing.assert_allclose(loss.data, [np.log(1e7)], rtol=1e-6)
    assert not tx.gradients(loss.sum(), z).any()


# -- derivatives --------------------------------------------------------------------------------


def test_the_gradient_is_p_minus_t() -> None:
    z = tx.Tensor([[-5.0, 7.5, 2.0], [0.5, 0.0, 1.0]])
    t = np.array([[0.5, 0.25, 0.25], [0.0, 0.125, 0.875]])
    loss = dense(labels=t, logits=z)
    p = np.array([floats(exact_softmax(row)) for row in z.data])
    np.testing.assert_allclose(loss.data, -np.sum(t * np.log(p), axis=1), rtol=1e-14)
    np.testing.assert_allclose(tx.gradients(loss.sum(), z), p - t, rtol=1e-13, atol=1e-16)


def test_second_derivatives_with_a_negative_weight() -> None:
    def signed(z: Any) -> Any:
        return (np.array([-2.0, 1.0]) * sparse(labels=[0, 2], logits=z)).sum()

    values = np.array([[0.25, -1.0, 0.5], [2.0, 0.0, -0.75]])
    assert tx.gradcheck(signed, values, order=2).ok
    z = tx.Tensor(values)
    hessian = tx.hessian(signed(z), z)
    for row, weight in enumerate([-2.0, 1.0]):
        p = floats(exact_softmax(values[row]))
        wanted = weight * (np.diag(p) - np.outer(p, p))
        np.testing.assert_allclose(hessian[row, :, row], wanted, rtol=1e-13, atol=1e-16)
        assert not hessian[row, :, 1 - row].any()


@any_numbers
def test_where_must_stand_inside_the_logarithm_too() -> None:
    x = tx.Tensor([4.0, 0.0], name="x")
    positive = x.data > 0
    outside = tx.where(positive, tx.log(x), 0).sum()
    np.testing.assert_array_equal(tx.gradients(outside, x), [0.25, nan])
    inside = tx.where(positive, tx.log(tx.where(positive, x, 1)), 0).sum()
    np.testing.assert_array_equal(tx.gradients(inside, x), [0.25, 0])


@any_numbers
def test_first_bad_advises_to_mask_the_input_too() -> None:
    x = tx.Tensor([4.0, 0.0], name="x")
    found = tx.first_bad(tx.where(x.data > 0, tx.log(x), 0).sum())
    assert found is not None
    assert "where(mask, x, 1)" in found.rewrite


def test_compare_says_why_rows_of_zeros_differ() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = str(tx.compare([[0.0, 0.0, 0.0]], [[0.5, 1.0, -1.0]], from_logits=True))
    assert "A (tf1) and B" in text
    assert "0 times inf" not in text


# -- a PyTorch user's words, and NumPy's --------------------------------------------------------

METHODS = {
    "numpy": (lambda z: z.numpy(), r"\.data"),
    "detach": (lambda z: z.detach(), r"\.data"),
    "requires_grad": (lambda z: z.requires_grad, r"\.data|gradients|recorded"),
    "Tensor(requires_grad=True)": (
        lambda z: tx.Tensor(z.data, requires_grad=True),
        "recorded|need",
    ),
    "view": (lambda z: z.view(-1), "reshape"),
    "size": (lambda z: z.size(0), "shape"),
    "retain_graph": (lambda z: z.sum().backward(retain_graph=True), "again|twice|survives|need"),
    "log": (lambda z: z.log(), r"log\("),
    "softmax": (lambda z: z.softmax(-1), r"softmax\("),
    "dim": (lambda z: z.sum(dim=1), "axis"),
    "sparse_categorical_crossentropy": (
        lambda z: z.sparse_categorical_crossentropy([1]),
        r"sparse_categorical_crossentropy\(",
    ),
}


@pytest.mark.parametrize(
    ("call", "words"),
    METHODS.values(),
    ids=METHODS,
)
def test_a_method_of_another_library_is_answered_with_ours(call: Any, words: str) -> None:
    with pytest.raises((AttributeError, TypeError), match=words):
        call(tx.Tensor([[1.0, 2.0]]))


FUNCTIONS = {
    "tensor": (lambda: tx.tensor([1.0]), r"Tensor"),
    "Variable": (lambda: tx.Variable(1.0), r"Tensor"),
    "no_grad": (lambda: tx.no_grad, r"\.data"),
    "cross_entropy": (lambda: tx.cross_entropy([[0.5, 0.5]], [1]), "crossentropy"),
    "CrossEntropyLoss": (lambda: tx.CrossEntropyLoss, "crossentropy"),
    "one_hot": (lambda: tx.one_hot([1], 2), r"eye"),
    "grad": (lambda: tx.grad, "gradients"),
    "GradientTape": (lambda: tx.GradientTape, "gradients"),
    "nn": (lambda: tx.nn, "softmax|tx"),
}


@pytest.mark.parametrize(
    ("call", "words"),
    FUNCTIONS.values(),
    ids=FUNCTIONS,
)
def test_a_function_of_another_library_is_answered_with_ours(call: Any, words: str) -> None:
    with pytest.raises((AttributeError, TypeError), match=words):
        call()


NUMPYS = {
    "tolist": (lambda z: z.tolist(), [[1.0, 2.0]]),
    "flatten": (lambda z: z.flatten().data.tolist(), [1.0, 2.0]),
    "copy": (lambda z: z.copy().data.tolist(), [[1.0, 2.0]]),
    "std": (lambda z: z.std().data.tolist(), 0.5),
    "dot": (lambda z: z.dot([1.0, 2.0]).data.tolist(), [5.0]),
    "round": (lambda z: z.round(1).data.tolist(), [[1.0, 2.0]]),
}


@pytest.mark.parametrize(
    ("call", "wanted"),
    NUMPYS.values(),
    ids=NUMPYS,
)
def test_a_method_of_numpys_arrays(call: Any, wanted: Any) -> None:
    assert call(tx.Tensor([[1.0, 2.0]])) == wanted


WITHOUT_GRADIENT = {
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "argmax": np.argmax,
    "allclose": lambda x: np.allclose(x, x),
    "assert_allclose": lambda x: np.testing.assert_allclose(x, x),
}


@pytest.mark.parametrize(
    "f",
    WITHOUT_GRADIENT.values(),
    ids=WITHOUT_GRADIENT,
)
def test_numpys_functions_without_a_gradient(f: Any) -> None:
    x = tx.Tensor([[1.0, nan], [3.0, 0.0]])
    try:
        found = f(x)
    except errors.NumpyFunctionError as error:
        assert "op of the same name" not in str(error)  # noqa: PT017 (either is right)
    else:
        np.testing.assert_array_equal(found, f(x.data))


@pytest.mark.parametrize(
    "call",
    [
        lambda z: sparse(labels=[0, 1], logits=[z, z]),
        lambda z: tx.Tensor([z, z]),
        lambda z: np.mean([z, z]),
    ],
    ids=["loss", "Tensor", "np.mean"],
)
def test_a_list_of_tensors(call: Any) -> None:
    z = tx.Tensor([1.0, 2.0])
    try:
        found = call(z)
    except errors.NumpyFunctionError as error:
        assert "stack" in str(error)  # noqa: PT017 (either is right)
    else:
        assert tx.gradients(found.sum(), z).shape == (2,)


def test_a_batch_is_stacked() -> None:
    z, w = tx.Tensor([1.0, 2.0]), tx.Tensor([2.0, 0.0])
    loss = sparse(labels=[0, 1], logits=tx.stack([z, w])).sum()
    np.testing.assert_allclose(loss.data, np.log1p(np.exp(1)) + np.log1p(np.exp(2)))
    assert tx.gradients(loss, w)[0] > 0


class Sparse:
    """A matrix as SciPy's are: NumPy takes it for one object."""

    shape = (2, 3)

    def toarray(self) -> Any:
        return np.eye(2, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: sparse(labels=[1, 0], logits=m),
        lambda m: dense(labels=m, logits=np.ones((2, 3))),
        tx.Tensor,
        lambda m: tx.Tensor(np.ones((2, 2))) @ m,
    ],
    ids=["logits", "labels", "Tensor", "product"],
)
def test_a_sparse_matrix_is_told_to_become_an_array(call: Any) -> None:
    with pytest.raises(errors.DtypeError, match=r"toarray\(\)"):
        call(Sparse())


def test_a_masked_array_is_refused_or_honoured() -> None:
    logits = np.ma.masked_array([[0.5, 8.0, 1.0]], mask=[[False, True, False]])
    try:
        loss = sparse(labels=[0], logits=logits)
    except errors.TinygradXentError as error:
        assert "mask" in str(error)  # noqa: PT017 (either is right)
    else:
        np.testing.assert_allclose(np.asarray(loss), [np.log1p(np.exp(0.5))])


def test_what_is_saved_is_the_array(tmp_path: Any) -> None:
    w = tx.Tensor([1.0, 2.0])
    np.savez(tmp_path / "w.npz", w=w.data, v=w)
    with np.load(tmp_path / "w.npz") as saved:
        assert tx.Tensor(saved["w"]).data.tolist() == saved["v"].tolist() == [1.0, 2.0]


# -- tables -------------------------------------------------------------------------------------

ROWS = [(f"{i % 3}.{i}", f"-{i % 3}.{i}", "abc"[i % 3]) for i in range(30)]


def explain(tmp_path: Any, monkeypatch: Any, *lines: str) -> int:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    return cli.main(["explain", "--data", "t.csv", "--label", "y", "--no-color"])


def test_an_index_column_is_not_a_feature(capsys: Any, tmp_path: Any, monkeypatch: Any) -> None:
    numbered = (",".join((str(i), *row)) for i, row in enumerate(ROWS))
    assert explain(tmp_path, monkeypatch, ",u,v,y", *numbered) == 0
    assert "30 rows of 2 features" in capsys.readouterr().out


def test_a_table_without_a_header_is_told_so(capsys: Any, tmp_path: Any, monkeypatch: Any) -> None:
    assert explain(tmp_path, monkeypatch, *map(",".join, ROWS)) != 0
    assert re.search("header|first row", capsys.readouterr().err)
