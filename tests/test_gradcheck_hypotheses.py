"""Each hypothesis: a mistake that it names, and a near miss that it must leave to others."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.op import Op
from tinygrad_xent.teaching.museum import WRONG_RULES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))


def check(op, rule, *inputs, order=1, **params):
    new = Op(op.function, shapes=op.shapes, domain=op.domains, examples=op.examples)
    new.backward(rule)
    return tx.gradcheck(new, *inputs, order=order, **params)


def total(x):
    return np.mean(x**2)


MEAN_SQUARE = Op(total)


@pytest.mark.parametrize("rule", WRONG_RULES, ids=lambda rule: rule.name)
def test_the_museum(rule):
    inputs, params = rule.example(np.random.default_rng(0))
    found = check(rule.op, rule.rule, *inputs, order=rule.order, **params).diagnosis
    assert found.code in (rule.code, *rule.also), found
    assert found.message.endswith((".", ". ")) or ":" in found.message
    assert "{" not in found.message + found.hint


def softmax_rule(grad, y):
    return y * (grad - np.sum(grad * y, axis=-1, keepdims=True))


NEARLY = np.linspace(1, 1.01, 12).reshape(3, 4)
NEAR_MISSES = {
    "wrong-sign": lambda g, y, x, *, axis: -softmax_rule(g, y) * NEARLY,
    "constant-factor": lambda g, y, x, *, axis: 2 * softmax_rule(g, y) * NEARLY,
    "ignores-upstream": lambda g, y, x, *, axis: np.abs(softmax_rule(g, y)),
    "missing-cross-term": lambda g, y, x, *, axis: NEARLY * softmax_rule(g, y) + g * y,
}


@pytest.mark.parametrize("code", NEAR_MISSES)
def test_near_misses(code):
    found = check(tx.softmax, NEAR_MISSES[code], X).diagnosis
    assert found.code == ("wrong-formula" if code == "ignores-upstream" else "unknown")
    assert ("not linear in grad" in found.message) == (code == "ignores-upstream")


def test_a_factor_is_named_by_what_it_equals():
    found = check(MEAN_SQUARE, lambda g, y, x: 2 * x * g, X).diagnosis
    assert found.code == "constant-factor"
    assert "exactly 12 (the number of entries of x" in found.message
    assert "divide" in found.hint
    found = check(MEAN_SQUARE, lambda g, y, x: 2 * x * g / x.shape[1], X).diagnosis
    assert "exactly 3 (the batch size)" in found.message
    assert "Did you forget to divide by N" in found.hint
    found = check(tx.log, lambda g, y, x: g / x / np.log(10), np.abs(X) + 1).diagnosis
    assert "ln 10" in found.message


def test_two_mistakes_are_told_one_after_the_other():
    report = check(MEAN_SQUARE, lambda g, y, x: -x * g / x.size, X)
    assert [found.code for found in report.diagnoses] == ["wrong-sign", "constant-factor"]
    assert "0.5" in report.diagnoses[1].message or "1/2" in report.diagnoses[1].message

    def sign_and_one_entry(g, y, x, *, axis):
        gradient = -softmax_rule(g, y)
        gradient[1, 2] *= 3
        return gradient

    codes = [found.code for found in check(tx.softmax, sign_and_one_entry, X).diagnoses]
    assert codes == ["wrong-sign", "few-entries-wrong"]
    both = check(tx.multiply, lambda g, z, x, y: (-g * y, 3 * g * x), X, 2 * X + 1)
    assert [(found.input, found.code) for found in both.diagnoses] == [
        ("x", "wrong-sign"),
        ("y", "constant-factor"),
    ]


def test_few_entries_are_named_with_what_they_have_in_common():
    labels = np.array([0, 2, 1])

    def forgot_one_hot(g, y, t, z, *, axis):
        return None, np.expand_dims(g, axis) * tx.softmax(z)

    found = check(tx.sparse_softmax_cross_entropy, forgot_one_hot, labels, X).diagnosis
    assert found.code == "few-entries-wrong"
    assert "the places of the labels in labels" in found.message


def test_a_rule_that_stops_is_told_by_its_shapes():
    found = check(tx.sum, lambda g, y, x, *, axis, keepdims: g * x, X, axis=1).diagnosis
    assert found.code == "wrong-shape"
    assert "could not be broadcast" in found.message


def test_a_missing_factor_is_found_among_the_arrays_at_hand():
    found = check(tx.divide, lambda g, z, x, y: (g / y, -g * x / y), X, X**2 + 1).diagnosis
    assert found.code == "wrong-formula"
    assert "It is not divided by `y`." in found.hint


def test_the_largest_error_means_something():
    def error(rule):
        new = Op(tx.softmax.function, shapes="(n)->(n)")
        new.backward(rule)
        return tx.gradcheck(new, X).max_error

    assert error(lambda g, y, x, *, axis: np.zeros_like(x)) == 1
    assert error(lambda g, y, x, *, axis: -softmax_rule(g, y)) == pytest.approx(2)
    assert error(lambda g, y, x, *, axis: 4 * softmax_rule(g, y)) == pytest.approx(0.75)
    assert error(lambda g, y, x, *, axis: np.ones((3, 4, 5))) == np.inf


def test_a_statistic_of_the_batch_taken_along_the_rows():
    standardise = Op(lambda x: (x - np.mean(x, axis=0)) / np.std(x, axis=0))

    def along_the_rows(g, y, x):
        inner = g - np.mean(g, 1, keepdims=True) - y * np.mean(g * y, 1, keepdims=True)
        return inner / np.std(x, axis=0)

    found = check(standardise, along_the_rows, X).diagnosis
    assert found.code == "wrong-axis"
    assert "along axis 1 where it should run along axis 0" in found.hint


def test_a_square_factor_of_a_larger_product_transposed():
    product = Op(lambda x, a, w: x @ a @ w)
    found = check(
        product,
        lambda g, y, x, a, w: (g @ w.T @ a.T, (x.T @ g @ w.T).T, (x @ a).T @ g),
        RNG.normal(size=(4, 3)),
        RNG.normal(size=(3, 3)),
        RNG.normal(size=(3, 2)),
    ).diagnosis
    assert (found.code, found.input) == ("transposed", "a")


def test_whole_numbers_that_are_all_cut_to_zero():
    flat = check(tx.tanh, lambda g, y, x: (g * (1 - y**2)).astype(int), 2.5 + X**2)
    assert flat.diagnosis.code == "wrong-dtype"
    large = check(tx.tanh, lambda g, y, x: np.zeros(x.shape, int), 0.1 * X)
    assert large.diagnosis.code == "missing-gradient"


def test_the_diagonal_of_a_large_jacobian():
    x = RNG.normal(size=(32, 60))
    found = check(tx.softmax, lambda g, y, x, *, axis: g * y * (1 - y), x).diagnosis
    assert found.code == "missing-cross-term"


def test_more_digits_than_the_input_has_are_no_mistake():
    x = X.astype(np.float32)
    assert check(tx.tanh, lambda g, y, x: np.float64(1) * g * (1 - y**2), x).ok


def test_a_factor_that_is_a_parameter():
    scaled = Op(lambda x, *, scale: scale * x)
    found = check(scaled, lambda g, y, x, *, scale: g, X, scale=7.0).diagnosis
    assert "1/7 (the parameter scale)" in found.message
    assert "forgotten" in found.hint
    total = check(tx.sum, lambda g, y, x, *, axis, keepdims: 7.5 * g + 0 * x, X, keepdims=True)
    assert total.diagnosis.code == "constant-factor"
    assert "keepdims" not in total.diagnosis.message
