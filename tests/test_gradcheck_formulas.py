"""The formulas that the check finds in wrong rules: each is run on numbers that it has not seen."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_xent as tx
from tinygrad_xent.checking.hypotheses.formulas import inverse, power, text, times, written

RNG = np.random.default_rng(11)
NORMAL = RNG.normal(size=9)
POSITIVE = RNG.uniform(0.4, 2.5, size=9)
TABLE = RNG.normal(size=(4, 5))
SQUARE = RNG.normal(size=(4, 4))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def rows_of_softmax(x):
    return softmax(x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def layernorm(x):
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


PYTHON = {name: getattr(np, name) for name in ("exp", "log", "sqrt", "tanh", "sin", "cos", "sign")}
PYTHON |= {"abs": np.abs, "pi": np.pi, "softmax": softmax, "sigmoid": sigmoid}


def check(function, rule, *inputs, **params):
    op = tx.op(function)
    op.backward(rule)
    return tx.gradcheck(op, *inputs, **params)


def computed(formula, found, **names):
    for word, meaning in re.findall(r"Here (\w+) is `([^`]*)`", found.message):
        names[word] = eval(meaning, PYTHON | names)  # noqa: S307 - what the check wrote
    return eval(formula, PYTHON | names)  # noqa: S307 - likewise


def slopes(f, x, grad):
    """Plain central differences of sum(grad * f(x))."""
    found = np.empty_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-6
        found[i] = ((f(x + step) - f(x - step)) * grad).sum() / 2e-6
    return found


# What a learner wrote for a function, where, and the end of what is said.
WRITTEN = {
    "the input for the output": (
        np.tanh, lambda grad, y, x: grad * (1 - x * x), NORMAL, "`x` stands where `y` belongs."
    ),
    "a factor": (sigmoid, lambda grad, y, x: grad * y, NORMAL, "The factor `1 - y` is missing."),
    "multiplied": (
        lambda x: x**0.5, lambda grad, y, x: grad * y / 2, POSITIVE,
        "It is multiplied by `y` where it should be divided by it.",
    ),
    "a sign within": (
        np.arctan, lambda grad, y, x: grad / (1 - x**2), NORMAL,
        "`1 - x**2` stands where `1 + x**2` belongs.",
    ),
    "a term": (
        lambda x: x * np.log(x), lambda grad, y, x: grad * np.log(x), POSITIVE,
        "The term `1` is missing.",
    ),
    "a mask": (
        lambda x: np.maximum(x, 0), lambda grad, y, x: grad * y, NORMAL,
        "`y` stands where `x > 0` belongs.",
    ),
    "a division too many": (
        np.square, lambda grad, y, x: 2 * grad, NORMAL, "The factor `x` is missing."
    ),
    "a sum for a mean": (
        lambda x: x - x.mean(axis=1, keepdims=True),
        lambda grad, y, x: grad - grad.sum(axis=1, keepdims=True), TABLE,
        "A sum stands where a mean belongs.",
    ),
    "no keepdims": (
        rows_of_softmax, lambda grad, y, x: y * (grad - (grad * y).sum(axis=1)), SQUARE,
        "A sum lacks keepdims=True.",
    ),
    "another axis": (
        layernorm,
        lambda grad, y, x: (grad - grad.mean(0) - y * (grad * y).mean(0))
        / x.std(axis=1, keepdims=True), SQUARE,
        "It runs along axis 0 where it should run along axis 1.",
    ),
    "without the sum": (
        rows_of_softmax, lambda grad, y, x: y * grad, TABLE,
        "The term `(grad * y).sum(axis=1, keepdims=True)` is missing.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRITTEN)
def test_both_formulas_hold_for_fresh_numbers_and_the_difference_is_named(what):
    function, rule, x, said = WRITTEN[what]
    found = check(function, rule, x).diagnosis
    returned, right = re.match(
        r"For x the rule returns `(.*?)`; right is `(.*?)`\.", found.message
    ).groups()
    if said is not None:
        assert found.hint.startswith(said)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        fresh = x.take(rng.permutation(len(x)), 0) * rng.uniform(0.7, 1.3, size=x.shape)
        y, grad = function(fresh), rng.normal(size=np.shape(function(fresh)))
        names = {"x": fresh, "y": y, "grad": grad}
        np.testing.assert_allclose(computed(returned, found, **names), rule(grad, y, fresh), 1e-6)
        close = slopes(function, fresh, grad)
        np.testing.assert_allclose(computed(right, found, **names), close, 1e-4, 1e-6)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (lambda grad, y, x: y * grad, "missing-cross-term"),
        (lambda grad, y, x: y * (grad - (grad * y).sum(axis=0)), "wrong-axis"),
        (lambda grad, y, x: grad - (grad * y).sum(axis=1, keepdims=True), "wrong-formula"),
    ],
)
def test_the_code_says_more_where_it_can(rule, code):
    assert check(rows_of_softmax, rule, SQUARE).diagnosis.code == code


def test_parameters_and_other_inputs_are_named():
    found = check(lambda x, *, n: x**n, lambda grad, y, x, *, n: grad * n * y, POSITIVE, n=3)
    assert "right is `grad * n * x**(n - 1)`" in found.diagnosis.message
    found = check(
        lambda a, b: (a * a + b * b) ** 0.5,
        lambda grad, y, a, b: (grad * a, grad * b),
        NORMAL,
        POSITIVE,
    )
    assert [d.hint for d in found.diagnoses] == ["It is not divided by `y`."] * 2


def test_names_of_several_inputs_and_names_of_functions_are_no_trouble():
    def total(*xs):
        return xs[0] * xs[1]

    found = check(total, lambda grad, y, *xs: (grad * xs[1] ** 2, grad * xs[0]), NORMAL, POSITIVE)
    assert "`grad * xs[1]**2`" in found.diagnosis.message
    found = check(lambda exp: exp**3, lambda grad, y, exp: grad * exp, NORMAL).diagnosis
    assert "`grad * exp`; right is `3 * grad * exp**2`" in found.message


@pytest.mark.parametrize(
    "rule",
    [
        lambda grad, y, x: np.sin(np.cumsum(x)) * grad,
        lambda grad, y, x: grad * np.arange(x.size),
        lambda grad, y, x: grad * np.sort(np.abs(x)) ** 1.7,
    ],
)
def test_a_rule_that_is_no_formula_is_not_given_one(rule):
    assert "rule returns `" not in str(check(np.tanh, rule, NORMAL).diagnosis)


def test_a_function_or_a_rule_that_fails_on_other_numbers_is_no_trouble():
    def only_here(x):
        if not np.allclose(np.sort(np.real(x)), np.sort(NORMAL), atol=1e-2):
            raise RuntimeError
        return np.tanh(x)

    found = check(only_here, lambda grad, y, x: grad * (1 - x * x), NORMAL).diagnosis
    assert found.code == "unknown"


def test_a_rule_that_is_not_linear_is_said_to_be():
    found = check(np.tanh, lambda grad, y, x: grad - y**2, NORMAL).diagnosis
    assert "returns `grad - y**2`; right is `grad * (1 - y**2)`" in found.message
    assert "A gradient is linear in grad" in found.hint
    found = check(np.tanh, lambda grad, y, x: np.sinh(grad) * x.sum(), NORMAL).diagnosis
    assert "not linear in grad" in found.message
    found = check(np.tanh, lambda grad, y, x: np.floor(grad), NORMAL).diagnosis
    assert "whole numbers only" in found.message


PLACES = {
    "shifted": (
        lambda x: np.roll(x, 2), lambda grad, y, x: np.roll(grad, 2), NORMAL, "shifted by 4"
    ),
    "reversed": (lambda x: x[::-1] ** 2, lambda grad, y, x: 2 * grad * x[::-1], NORMAL, "reversed"),
    "forwards": (
        lambda x: np.cumsum(x, axis=1), lambda grad, y, x: np.cumsum(grad, axis=1), TABLE,
        "forwards",
    ),
    "left out": (
        lambda x: np.repeat(x, 3), lambda grad, y, x: grad[::3], NORMAL,
        "contributions of 1 of them",
    ),
    "kernel": (
        lambda x, k: np.correlate(x, k, mode="valid"),
        lambda grad, y, x, k: (np.convolve(grad, k[::-1]), np.correlate(x, grad)),
        (NORMAL, POSITIVE[:3]), "the factor k runs the wrong way",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", PLACES)
def test_right_numbers_in_wrong_places(what):
    function, rule, inputs, said = PLACES[what]
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    assert said in check(function, rule, *inputs).diagnosis.message


@pytest.mark.parametrize("entries", [[-3.0, 0.5, 4.0], [1.1, 3.9, -0.5, -0.5, 2.0, -1.8, 1.8]])
def test_a_formula_holds_between_the_numbers_too(entries):
    """(1 - y) / (1 - x) is the slope of clip inside and above, and not below."""
    op = tx.op(lambda x: np.clip(x, -1, 1))
    op.backward(lambda grad, y, x: grad)
    assert "right is" not in str(tx.gradcheck(op, entries))


def test_two_mistakes_do_not_contradict_each_other():
    one, other = check(np.log2, lambda grad, y, x: -grad / x, POSITIVE).diagnoses
    assert "two mistakes. Undo one: change its sign." in one.message
    assert other.message.startswith("Then the other is left. ")
    assert "ln 2" in other.message


FACTORS = st.sampled_from(["grad", "x", "y", "1 - y", "x > 0", "exp(x)", "2"])
TERMS = st.lists(st.tuples(FACTORS, st.integers(-3, 3)), min_size=1, max_size=4).map(
    lambda parts: times(*(power(f, n) for f, n in parts))
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from([1, -1]), TERMS), min_size=1, max_size=3))
def test_a_sum_is_written_as_what_it_computes(terms):
    numbers = {"grad": 1.7, "x": 0.6, "y": 0.3}
    value = sum(
        sign * np.prod([float(eval(f, PYTHON | numbers)) ** n for f, n in term])  # noqa: S307
        for sign, term in terms
    )
    assert np.isclose(eval(text(tuple(terms)), PYTHON | numbers), value)  # noqa: S307


def test_a_product_is_written_with_one_bar():
    term = times(power("2"), power("grad"), power("y", -2), power("1 - x", -1))
    assert written(term) == "2 * grad / ((1 - x) * y**2)"
    assert times(term, inverse(term)) == frozenset()
