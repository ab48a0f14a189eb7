"""gradcheck of inputs without axes, and of rules that do more than compute."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.op import Op

X = np.array([1.0, 2.0])


def cube(rule, function=lambda x: x**3):
    made = Op(function)
    made.backward(rule)
    return made


# -- no axes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [0.3, np.float64(0.3), np.float32(-2), np.array(0.3), 0.0], ids=repr)
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("mode", ["full", "fast"])
def test_an_input_without_axes(x, order, mode):
    for given in (x, tx.Tensor(x)):
        for f in (lambda x: x * x, lambda x: tx.tanh(x).sum(), tx.exp, tx.logsumexp):
            report = tx.gradcheck(f, given, order=order, mode=mode)
            assert report.ok, str(report)
            assert report._repr_html_()
            assert tx.invariants(f, given)


def test_every_op_that_takes_numbers_without_axes():
    tried = 0
    for op in tx.ops.OPS.values():
        numbers = [0.3 + 0.1 * k for k in range(len(op.inputs) or 2)]
        try:
            y = op(*map(tx.Tensor, numbers))
        except (ArithmeticError, IndexError, TypeError, ValueError, RuntimeWarning):
            continue  # it needs an axis, a parameter, or other numbers
        for order in (1, 2):
            assert tx.gradcheck(op, *numbers, order=order), op.name
        assert tx.gradcheck(y, seed=np.ones(y.shape)), op.name
        tried += 1
    assert tried >= 25


def test_a_wrong_rule_without_axes_is_told_apart():
    twice = cube(lambda grad, y, x: 6 * x * x * grad)
    assert tx.gradcheck(twice, 0.3).diagnosis.code == "constant-factor"
    assert tx.gradcheck(cube(lambda grad, y, x: -3 * x * x * grad), 0.3).diagnosis.code in (
        "wrong-sign"
    )


def test_samples_are_arrays_always():
    scalar = Op(lambda x, y: x * y, shapes="(2),()->(2)")
    for inputs, _ in samples(scalar, np.random.default_rng(0)):
        assert all(isinstance(x, np.ndarray) for x in inputs)


# -- habits ----------------------------------------------------------------------------------


def into_grad(grad, y, x):
    grad *= 3 * x * x
    return grad


def into_input(grad, y, x):
    x *= x
    return 3 * x * grad


def into_output(grad, y, x):
    y[...] = 3 * x * x * grad
    return y


@pytest.mark.parametrize("mode", ["full", "fast"])
@pytest.mark.parametrize(
    ("rule", "name"), [(into_grad, "grad"), (into_input, "x"), (into_output, "y")]
)
def test_a_rule_that_writes_into_what_it_is_handed(rule, name, mode):
    mine = X.copy()
    report = tx.gradcheck(cube(rule), mine, mode=mode)
    assert not report.ok
    assert report.diagnosis.code == "in-place"
    assert f"The rule changes `{name}` in place" in report.diagnosis.message
    assert f"`{name} = {name} * 2`" in report.diagnosis.hint
    assert "right" in str(report), "its numbers are"
    np.testing.assert_array_equal(mine, X)
    assert [law.code for law in tx.invariants(cube(rule), mine).broken] == ["in-place"]
    np.testing.assert_array_equal(mine, X)


def test_a_rule_that_writes_into_what_it_is_handed_within_a_graph():
    op = cube(into_grad)
    x = tx.Tensor(X, name="x")

    def function(x):
        return op(x).sum()

    reports = [
        tx.gradcheck(function, X),
        tx.gradcheck(function, X, mode="fast"),
        tx.gradcheck(function, X, order=2),
        tx.gradcheck(function(x)),
        tx.gradcheck(lambda x: op(x).sum() * 0.0, X),  # where the gradient that is missing is 0
    ]
    for report in reports:
        assert not report.ok
        assert {found.code for found in report.diagnoses} == {"in-place"}
        assert "into_grad: The rule changes `grad` in place" in str(report)
        assert report._repr_html_()


def test_a_rule_that_writes_and_is_wrong_is_told_both():
    def rule(grad, y, x):
        grad *= 6 * x * x
        return grad

    codes = [found.code for found in tx.gradcheck(cube(rule), X).diagnoses]
    assert codes == ["constant-factor", "in-place"]


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_a_buffer_that_is_used_again(mode):
    buffer = np.zeros(2)

    def rule(grad, y, x):
        buffer[...] = 3 * x * x * grad
        return buffer

    found = tx.gradcheck(cube(rule), X, mode=mode).diagnosis
    assert found.code == "not-repeatable"
    assert "keeps the array that it returns for x, and overwrites it" in found.message
    assert "not-repeatable" in {law.code for law in tx.invariants(cube(rule), X).broken}
    always_the_same = np.array([3.0, 12.0])
    assert tx.gradcheck(cube(lambda grad, y, x: always_the_same * grad), X)


def random_rule():
    rng = np.random.default_rng(0)
    return lambda grad, y, x: 6 * x * x * grad * (rng.random(x.shape) < 0.5)


def counting_rule():
    calls = []

    def rule(grad, y, x):
        calls.append(y)
        return 3 * x * x * grad * (1 + 1e-4 * len(calls))

    return rule


@pytest.mark.parametrize("mode", ["full", "fast"])
@pytest.mark.parametrize("make", [random_rule, counting_rule])
def test_a_rule_that_answers_differently_each_time(make, mode):
    report = tx.gradcheck(cube(make()), X, mode=mode)
    assert not report.ok
    assert [found.code for found in report.diagnoses] == ["not-repeatable"]
    assert "returns a different result for" in report.diagnosis.message
    assert ", then " in report.diagnosis.message
    assert str(report).splitlines()[1].endswith("unclear")
    with pytest.raises(tx.errors.GradcheckError, match="a different result"):
        report.assert_ok()


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_a_function_that_answers_differently_each_time(mode):
    rng = np.random.default_rng(0)

    def dropout(x):
        return (x * (rng.random(x.shape) < 0.5)).sum()

    noisy = cube(lambda grad, y, x: grad, lambda x: x * rng.random(x.shape))
    for f in (dropout, noisy):
        found = tx.gradcheck(f, np.arange(1.0, 9.0), mode=mode).diagnosis
        assert found.code == "not-repeatable"
        assert found.message.startswith("The function returns a different result for")


def shifting(x):
    x -= x.max()
    return np.exp(x) / np.exp(x).sum()


def writing(x):
    x.data[...] -= 1
    return (x * x).sum()


def test_a_function_that_changes_its_input():
    softmax = cube(lambda grad, y, x: y * (grad - (grad * y).sum()), shifting)
    for f in (softmax, writing):
        mine = X.copy()
        for x in (mine, tx.Tensor(mine)):
            report = tx.gradcheck(f, x)
            assert [found.code for found in report.diagnoses] == ["in-place"]
            assert "The function changes `x` in place" in report.diagnosis.message
            assert "in-place" in {law.code for law in tx.invariants(f, x).broken}
        np.testing.assert_array_equal(mine, X)


def test_an_answer_that_writes_into_its_arguments_spoils_nothing():
    def answer(grad, y, x, *, axis=-1):
        grad -= (grad * y).sum(axis=axis, keepdims=True)
        return grad * y

    verdict = tx.check("softmax_backward", answer)
    assert not verdict
    assert "grad" in str(verdict)
