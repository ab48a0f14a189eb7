"""What a check of a rule did not see: half precision, whole numbers, names of its own parameters,
functions that are not finite, and NumPy's functions as ops."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.errors import GradcheckError, OpDefinitionError
from tinygrad_xent.op import Op

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4))


def tanh(x):
    return np.tanh(x)


def log(x):
    return np.log(x)


def op_of(function, rule, **facts):
    new = Op(function, **facts)
    new.backward(rule)
    return new


def scaled_tanh(factor):
    return op_of(tanh, lambda g, y, x: factor * g * (1 - y * y))


@pytest.mark.parametrize("factor", [1.02, 1.1, 1.3, 0.5, 3])
def test_a_factor_is_found_and_told_in_half_precision(factor):
    found = tx.gradcheck(scaled_tanh(factor), X.astype(np.float16)).diagnosis
    assert found.code == "constant-factor"
    words = {0.5: "exactly 1/2", 3: "exactly 3"}.get(factor, f"{factor}")
    assert f" is {words}" in found.message


def test_right_rules_pass_in_half_precision():
    for op in (tx.tanh, tx.softmax, tx.log_softmax, tx.logsumexp):
        assert tx.gradcheck(op, X.astype(np.float16))


def test_what_double_precision_does_not_have_is_still_told():
    single = op_of(tanh, lambda g, y, x: (g * (1 - y * y)).astype(np.float16))
    assert tx.gradcheck(single, X.astype(np.float16))
    assert tx.gradcheck(single, X.astype(np.float32)).diagnosis.code == "wrong-dtype"
    assert "but x is float32" in tx.gradcheck(single, X.astype(np.float32)).diagnosis.message


def test_a_factor_of_nearly_1_is_told_with_all_its_digits():
    found = tx.gradcheck(scaled_tanh(1.0001), X.astype(np.float32)).diagnosis
    assert "is 1.0001 times" in found.message


def test_whole_numbers_are_checked_where_a_gradient_is_meant():
    square = op_of(lambda x: x * x, lambda g, y, x: g * x)
    assert "1/2" in tx.gradcheck(square, [1, 2, 3]).diagnosis.message
    assert tx.gradcheck(lambda x: (x * x).sum(), np.arange(4))
    product = op_of(lambda a, b: a * b, lambda g, y, a, b: (g * b, 3 * g * a))
    assert tx.gradcheck(product, X, np.arange(4)).diagnosis.input == "b"


def test_labels_stay_whole_numbers():
    def loss(labels, z):
        return -np.log(np.exp(z) / np.exp(z).sum(-1, keepdims=True))[np.arange(len(z)), labels]

    def rule(g, y, labels, z):
        p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
        return labels * 0, (p - np.eye(z.shape[1])[labels]) * g[:, None]

    report = tx.gradcheck(op_of(loss, rule), np.array([0, 2, 1]), X)
    assert report
    assert [case.name for case in report] == ["z"]


def test_a_parameter_with_a_name_of_the_checks_own_goes_to_the_op():
    def norm(x, *, order=2, mode="plain", rng=None):
        assert (mode, rng) == ("edge", "seed")
        return np.sum(np.abs(x) ** order) ** (1 / order)

    def rule(g, y, x, *, order, mode, rng):
        return g * np.sign(x) * np.abs(x) ** (order - 1) * y ** (1 - order)

    report = tx.gradcheck(op_of(norm, rule), X, order=3, mode="edge", rng="seed")
    assert report.ok
    assert report.order == 1
    own = {"order": 3, "mode": "edge", "rng": "seed"}
    assert tx.gradcheck(lambda x, order: (x**order).sum(), X, order=3)
    assert not tx.gradcheck(op_of(norm, lambda *a, **k: 2 * rule(*a, **k)), X, **own)


@pytest.mark.parametrize("bad", [np.nan, -1.0, 0.0])
def test_a_function_that_is_not_finite_is_told_and_is_not_the_rules_fault(bad):
    logarithm = op_of(log, lambda g, y, x: g / x)
    report = tx.gradcheck(logarithm, [1.0, bad, 2.0])
    assert report.ok
    assert report.unclear
    (found,) = report.diagnoses
    assert (found.code, found.of_rule) == ("non-finite", False)
    assert "in 1 of its 3 outputs: output[1] is" in found.message
    with pytest.raises(GradcheckError, match="The function itself is not finite here"):
        report.assert_ok()
    wrong = tx.gradcheck(op_of(log, lambda g, y, x: 2 * g / x), [1.0, bad, 2.0])
    assert not wrong
    assert wrong.diagnosis.code == "constant-factor"


def test_an_infinite_input_alone_is_no_complaint():
    report = tx.gradcheck(tx.softmax, [[-np.inf, 1.0, 2.0]])
    report.assert_ok()
    assert report[0].unclear == 1


def test_nothing_known_of_one_input_is_not_passed_over():
    cosine = op_of(lambda x, y: np.cos(1e30 * x) + y, lambda g, z, x, y: (g, g))
    report = tx.gradcheck(cosine, X, X)
    assert report[1].verdict == "right"
    assert report.unclear or not report


def test_a_fast_check_sees_a_gradient_that_is_missing_however_small():
    none = op_of(lambda x: 1e-14 * x, lambda g, y, x: np.zeros_like(x))
    assert tx.gradcheck(none, X, mode="fast").diagnosis.code == "missing-gradient"


def test_a_check_warns_about_no_row_that_it_moved_itself():
    labels, probs = np.eye(3)[[0, 2]], np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    for mode in ("full", "fast"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert tx.gradcheck(tx.categorical_crossentropy, labels, probs, mode=mode)
            assert tx.gradcheck(lambda p: tx.categorical_crossentropy(p, p), probs, mode=mode)


def test_numpys_functions_are_ops():
    made = tx.op(np.tanh)
    made.backward(lambda grad, y, x: grad * (1 - y * y))
    assert (made.name, made.inputs, str(made)) == ("tanh", ("x",), "tanh")
    assert tx.gradcheck(made, X)
    add = tx.op(np.add)
    add.backward(lambda grad, z, x, y: (grad, -grad))
    assert add.inputs == ("x", "y")
    assert tx.gradcheck(add, X, X[0]).diagnosis.input == "y"
    assert "NumPy's `add`" in add.__doc__
    with pytest.raises(OpDefinitionError, match="NumPy's function has 2 for its 1 inputs"):
        tx.op(np.modf)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (lambda g, a, b: (g * b, g * a, g), "returns 3 gradients for 2 inputs"),
        (lambda g, a, b: [g * b, g * a], "returns a list for 2 inputs; return a tuple"),
        (lambda g, a, b: None, "returns None for 2 inputs"),
    ],
)
def test_results_that_are_not_one_for_each_input(result, words):
    product = op_of(lambda a, b: a * b, lambda g, y, a, b: result(g, a, b))
    found = tx.gradcheck(product, X, X + 1).diagnosis
    assert words in found.message
    assert found.code == "wrong-shape"


@pytest.mark.parametrize("rows", [2, 3])
def test_a_factor_of_calculus_is_not_taken_for_a_length(rows):
    """The lengths are 2 and 3, too: the rule is asked at other lengths."""
    x = RNG.normal(size=(rows, 2))
    square = op_of(lambda x: np.sum(x * x), lambda g, y, x: g * x)
    assert "exactly 1/2 times" in tx.gradcheck(square, x).diagnosis.message
    cube = op_of(lambda x: np.sum(x**3), lambda g, y, x: g * x * x)
    assert "exactly 1/3 times" in tx.gradcheck(cube, x).diagnosis.message
    mean = op_of(lambda x: np.mean(x, axis=0), lambda g, y, x: np.broadcast_to(g, x.shape))
    assert f"exactly {rows} (the number of entries" in tx.gradcheck(mean, x).diagnosis.message
    batch = op_of(lambda x: np.sum(x * x) / len(x), lambda g, y, x: 2 * g * x)
    assert f"exactly {rows} (the batch size" in tx.gradcheck(batch, x).diagnosis.message
