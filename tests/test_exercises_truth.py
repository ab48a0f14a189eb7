"""The solutions, which say what is right, against what the package and mathematics say."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.exercises.cases import random_graph

RULES = [name for name, exercise in CATALOGUE.items() if exercise.forward]
ROWS = np.array([[0.3, -1.2, 2.0], [40.0, 0.0, -3.0], [900.0, -900.0, 899.0]])


def answer(name):
    return CATALOGUE[name].answer


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_passes_the_gradient_check(name: str, rng) -> None:
    exercise = CATALOGUE[name]
    op = tx.Op(exercise.forward)
    op.backward(exercise.answer)
    for case in list(exercise.inputs(rng))[:2]:
        report = tx.gradcheck(op, *case.args, rng=rng, **case.params)
        assert report, (case.about, report)


def test_ties_of_a_maximum_share_the_gradient_as_in_the_package() -> None:
    a, b = tx.Tensor([1.0, 2.0, 3.0]), tx.Tensor([1.0, 3.0, 2.0])
    y = tx.maximum(a, b)
    ours = tx.gradients(y.sum(), [a, b])
    theirs = answer("maximum_backward")(np.ones(3), y.data, a.data, b.data)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("stable_softmax", tx.softmax),
        ("logsumexp", tx.logsumexp),
    ],
)
def test_functions_of_rows(name, op) -> None:
    np.testing.assert_allclose(answer(name)(ROWS), op(ROWS, axis=-1), rtol=1e-14)


def test_logsumexp_of_nothing() -> None:
    with np.errstate(divide="ignore"):
        assert answer("logsumexp")(np.full((1, 2), -np.inf)) == [-np.inf]


def test_cross_entropies(rng) -> None:
    labels, target = rng.dirichlet(np.ones(3), size=3), np.array([2, 0, 1])
    np.testing.assert_allclose(
        answer("softmax_cross_entropy")(labels, ROWS),
        tx.softmax_cross_entropy_with_logits(labels=labels, logits=ROWS),
        rtol=1e-14,
    )
    np.testing.assert_allclose(
        answer("sparse_cross_entropy")(target, ROWS),
        tx.sparse_softmax_cross_entropy_with_logits(labels=target, logits=ROWS),
        rtol=1e-14,
        atol=1e-15,  # the package has the digits of log(1 + tiny), too
    )


@pytest.mark.filterwarnings(
    "ignore::tinygrad_xent.errors.ProbabilitiesWarning"
)  # what it makes of (2, 2, 4)
def test_what_keras_makes_of_probabilities() -> None:
    p = np.array([[1.0, 0, 0], [0, 1, 0], [2, 2, 4], [0, 0, 0], [0.2, 0.3, 0.5]])
    target = np.array([0, 0, 0, 1, 2])
    expected = tx.sparse_categorical_crossentropy(target, p)
    np.testing.assert_allclose(
        answer("keras_probability_loss")(target, p), expected, rtol=1e-9, atol=1e-15
    )


def test_the_last_digits_of_p_minus_t() -> None:
    for row in ROWS:
        for target in range(3):
            np.testing.assert_allclose(
                answer("exact_top_gradient")(row, target),
                tx.softmax_minus_one_hot(np.array(target), row),
                rtol=1e-14,
            )


def test_second_derivatives(rng) -> None:
    z, v = rng.normal(size=4), rng.normal(size=4)
    p = tx.softmax(z)
    x = tx.Tensor(z)
    jacobian = tx.jacobian(tx.softmax(x), x)
    hessian = tx.hessian(tx.sparse_softmax_cross_entropy_with_logits(labels=1, logits=x), x)
    np.testing.assert_allclose(answer("softmax_jacobian")(p), jacobian, atol=1e-15)
    np.testing.assert_allclose(answer("cross_entropy_hessian")(p), hessian, atol=1e-15)
    np.testing.assert_allclose(answer("hessian_vector_product")(z, v), hessian @ v, atol=1e-15)


def test_derivatives_by_small_steps() -> None:
    x = np.array([0.3, -1.0])
    np.testing.assert_allclose(
        answer("chain_rule")(x), answer("complex_step")(lambda x: np.exp(-(x**2)), x), rtol=1e-15
    )
    np.testing.assert_allclose(answer("complex_step")(np.sin, x), np.cos(x), rtol=1e-15)
    x = np.array([2.0, 3.0, 5.0])
    np.testing.assert_allclose(
        answer("central_difference")(np.prod, x, 1e-4), [15, 10, 6], rtol=1e-8
    )


@pytest.mark.parametrize("shape", [(2, 3), (3,), (1, 3), (2, 1), (1,), ()])
def test_unbroadcast_is_the_package_s(shape, rng) -> None:
    grad = rng.normal(size=(2, 3))
    ours = answer("unbroadcast")(grad, shape)
    np.testing.assert_allclose(ours, tx.sum_to(grad, shape=shape), rtol=1e-14)
    assert ours.shape == shape


def test_orders_and_accumulation_on_a_graph_of_tensors(rng) -> None:
    for _ in range(5):
        inputs = random_graph(rng, 8)
        order = answer("topological_order")(inputs, "loss")
        slopes = {name: rng.uniform(0.5, 2, len(inputs[name])).tolist() for name in inputs}
        tensors: dict[str, tx.Tensor] = {}
        for name in order:
            terms = [
                slope * tensors[source]
                for source, slope in zip(inputs[name], slopes[name], strict=True)
            ]
            tensors[name] = sum(terms) if terms else tx.Tensor(1.0)
        assert answer("ancestors_of")(inputs, "loss") == set(order) - {"loss"}
        found = answer("accumulate")(inputs, slopes, "loss")
        loss = tensors["loss"]
        for name, tensor in tensors.items():
            np.testing.assert_allclose(found[name], tx.gradients(loss, tensor), rtol=1e-14)


def test_a_step_of_gradient_descent() -> None:
    w, v = np.array([1.0]), np.array([2.0])
    w, v = answer("sgd_step")(w, np.array([0.5]), 0.1, 0.9, v)
    assert v == [0.9 * 2.0 + 0.5]
    assert w == [1.0 - 0.1 * v[0]]


def test_the_ninja_s_gradients(rng) -> None:
    *_, case = CATALOGUE["ninja_backward"].inputs(rng)
    index, target, *arrays = case.args
    names = ("table", "w1", "gain", "bias", "w2", "b2")
    table, w1, gain, bias, w2, b2 = tensors = [tx.Tensor(x) for x in arrays]
    linear = table[index].reshape((len(index), -1)) @ w1
    centred = linear - linear.mean(axis=0)
    normed = centred / tx.sqrt((centred * centred).mean(axis=0) + 1e-5)
    logits = tx.tanh(gain * normed + bias) @ w2 + b2
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits).mean()
    found = answer("ninja_backward")(*case.args)
    assert found.keys() == set(names)
    for name, expected in zip(names, tx.gradients(loss, tensors), strict=True):
        np.testing.assert_allclose(found[name], expected, atol=1e-14)


def test_merging_blocks(rng) -> None:
    row = 300 * rng.normal(size=12)

    def pair(block):
        m = np.max(block)
        return m, np.sum(np.exp(block - m))

    m, s = answer("merge_logsumexp")(*pair(row[:5]), *pair(row[5:]))
    np.testing.assert_allclose(m + np.log(s), tx.logsumexp(row), rtol=1e-15)
