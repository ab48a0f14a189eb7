"""What a rule returns is checked whatever it is: of an op, in a function, in a graph."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx

X, Y = np.array([0.3, -1.2, 2.0]), np.array([1.0, 0.5, -0.7])


def blend_with(result: Any) -> Any:
    """Return an op z = 2 x + y whose rule returns what `result` makes of the upstream gradient."""

    @tx.op
    def blend(x: Any, y: Any) -> Any:
        return 2 * x + y

    @blend.backward
    def blend_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
        return result(grad)

    return blend


# What the rule returns, the code, and what the message says.
WRONG = {
    "one array": (
        lambda g: 2 * g,
        "wrong-shape",
        "1 gradient for 2 inputs; return a tuple",
    ),
    "a tuple of one": (lambda g: (2 * g,), "wrong-shape", "returns 1 gradient for 2 inputs"),
    "a tuple of three": (
        lambda g: (2 * g, g, g),
        "wrong-shape",
        "3 gradients for 2 inputs",
    ),
    "no return": (lambda g: None, "wrong-shape", "returns None for 2 inputs"),
    "a list": (lambda g: [2 * g, g], "wrong-shape", "returns a list for 2 inputs; return a tuple"),
    "a dict": (lambda g: {"x": 2 * g, "y": g}, "wrong-shape", "returns a dict for 2 inputs"),
    "a generator": (lambda g: (s * g for s in (2, 1)), "wrong-shape", "returns a generator for"),
    "another shape": (
        lambda g: (2 * g, np.ones((2, 5))),
        "wrong-shape",
        "y has the shape (2, 5)",
    ),
    "a number": (lambda g: (2.0, g), "wrong-shape", "of x has the shape ()"),
    "parts of two lengths": (lambda g: ([[1.0, 2.0], [3.0]], g), "wrong-shape", "in length"),
    "None for an input": (lambda g: (2 * g, None), "missing-gradient", "returns None for y"),
    "a string": (lambda g: ("2 * grad", g), "wrong-dtype", "of x comes as <U"),
    "an object": (lambda g: (object(), g), "wrong-dtype", "of x comes as object"),
    "complex numbers": (lambda g: (2j * g, g), "wrong-dtype", "of x comes as complex128"),
}


def loss(op: Any, *inputs: Any) -> Any:
    """Several ops before and behind the one with the wrong rule."""
    x, y = (x if isinstance(x, tx.Tensor) else tx.Tensor(x) for x in inputs)
    return tx.exp(op(tx.tanh(x), y) * 0.5).sum() + (x * x).sum()


CHECKS: dict[str, Callable[[Any], Any]] = {
    "op": lambda op: tx.gradcheck(op, X, Y),
    "op, fast": lambda op: tx.gradcheck(op, X, Y, mode="fast"),
    "op, twice": lambda op: tx.gradcheck(op, X, Y, order=2),
    "function": lambda op: tx.gradcheck(lambda x, y: loss(op, x, y), X, Y),
    "function, twice": lambda op: tx.gradcheck(lambda x, y: loss(op, x, y), X, Y, order=2),
    "loss": lambda op: tx.gradcheck(loss(op, X, Y)),
    "output": lambda op: tx.gradcheck(op(tx.Tensor(X), tx.Tensor(Y)), seed=Y),
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("what", WRONG)
def test_what_a_rule_must_not_return_is_a_verdict(what: str, check: str) -> None:
    result, code, words = WRONG[what]
    report = CHECKS[check](blend_with(result))
    assert not report.ok
    assert code in [found.code for found in report.diagnoses], str(report)
    assert words in str(report)
    assert words in report._repr_html_().replace("&lt;", "<")
    with pytest.raises(tx.errors.GradcheckError):
        report.assert_ok()


@pytest.mark.parametrize("what", WRONG)
def test_in_a_graph_the_rule_is_named_and_no_other_blamed(what: str) -> None:
    result, _, _ = WRONG[what]
    report = tx.gradcheck(loss(blend_with(result), X, Y))
    assert [found.message.count("blend_backward") for found in report.diagnoses] == [1]


def test_what_is_finished_before_the_backward_pass_stops_is_checked() -> None:
    x = tx.Tensor(X, name="x")
    doubled = blend_with(lambda g: [2 * g, g])(x, Y)
    doubled.name = "doubled"
    report = tx.gradcheck((doubled * doubled).sum())
    assert [(case.name, case.verdict) for case in report] == [
        (report[0].name, "right"),
        (report[1].name, "right"),
        ("doubled", "right"),
    ]
    assert "The backward pass stops there: nothing behind it was checked." in str(report)


def test_right_results_of_every_kind_pass() -> None:
    for result in (
        lambda g: (2 * g, g),
        lambda g: ((2 * g).tolist(), g),
        lambda g: (lambda: 2 * g, lambda: g),
        lambda g: (2 * np.stack([g / 2, g / 2]), g),  # as of an input that broadcasting repeated
    ):
        for check in ("op", "function", "loss", "output"):
            assert CHECKS[check](blend_with(result)), check


def test_a_gradient_that_never_comes_is_missed_in_a_graph() -> None:
    y = tx.Tensor(Y, name="y")
    report = tx.gradcheck(loss(blend_with(lambda g: (2 * g, None)), X, tx.exp(y)))
    wrong = {case.name: case.suspects for case in report if case.wrong}
    assert wrong["y"] == ()
    assert ("blend",) in wrong.values()


def test_inputs_that_need_no_gradient_are_not_missed() -> None:
    z = tx.Tensor(X)
    labels, chosen = tx.Tensor([0.2, 0.3, 0.5]), tx.Tensor(np.array([2, 0]))
    for output in (
        tx.categorical_crossentropy([0.0, 1.0, 0.0], tx.softmax(z)),  # looks through the softmax
        tx.softmax_cross_entropy(labels, z),
        tx.take(z, chosen, axis=0).sum(),
        tx.where(z > 0, z, z * z).sum(),
        (z.astype(np.float32) * 2).sum(),
        tx.stack([z, z.data]).sum(),
    ):
        report = tx.gradcheck(output)
        assert report, str(report)


def test_an_input_that_an_op_holds_constant_is_not_missed() -> None:
    @tx.op(domain=(tx.domains.real, tx.domains.held))
    def masked(x: Any, mask: Any) -> Any:
        return x * mask

    @masked.backward
    def masked_backward(grad: Any, y: Any, x: Any, mask: Any) -> Any:
        return grad * mask, None

    report = tx.gradcheck(masked(tx.exp(tx.Tensor(X)), tx.Tensor(Y)).sum())
    assert report, str(report)


def test_an_error_in_the_body_of_a_rule_is_the_learners_to_see() -> None:
    op = blend_with(lambda g: g.undefined)
    for check in CHECKS.values():
        with pytest.raises(AttributeError, match="undefined"):
            check(op)


@pytest.mark.parametrize(
    ("function", "made"),
    [
        (lambda x: None, "object"),
        (lambda x: "a", "<U1"),
        (lambda x: x > 0, "bool"),
        (lambda x: x + 1j * x, "complex128"),  # whose imaginary parts no difference would see
        (lambda x: {"a": x}, "object"),
    ],
)
@pytest.mark.parametrize("mode", ["full", "fast"])
def test_an_op_that_makes_no_real_numbers_is_not_checked(
    function: Any, made: str, mode: str
) -> None:
    op = tx.op(function)
    op.backward(lambda grad, y, x: grad)
    with pytest.raises(tx.errors.DtypeError, match=f"made {made}: only real numbers have grad"):
        tx.gradcheck(op, [1.0, -2.0], mode=mode)


def test_a_check_takes_a_seed_and_refuses_rows_of_unlike_length() -> None:
    assert tx.gradcheck(tx.exp, [1.0, 2.0], rng=1).ok
    with pytest.raises(tx.errors.ShapeError, match="row 1 has 2 entries, row 0 has 1 entry"):
        tx.gradcheck(tx.exp, [[1.0], [1.0, 2.0]])


def test_a_rule_that_stops_without_a_word_is_told_by_the_kind_of_its_error() -> None:
    op = tx.op(lambda x: x * x)

    @op.backward
    def rule(grad: Any, y: Any, x: Any) -> Any:
        raise ValueError

    assert tx.gradcheck(op, [1.0]).diagnoses[0].message == "The rule stops: ValueError"


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_slopes_beside_a_kink_are_shown_without_what_rounding_allows(
    scale: float,
) -> None:
    rows = np.array([[1.0, 1.0, 0.0], [2.0, 3.0, 3.0]])
    found = tx.gradcheck(lambda x: scale * tx.max(x, axis=1), rows).diagnosis
    said = re.search(r"on its two sides are (.*) and (.*), and the rule", str(found))
    assert said is not None
    assert [float(slope) for slope in said.groups()] == [0.0, scale]


def test_a_rule_that_cannot_be_called_is_told_how_it_is_called() -> None:
    op = tx.op(lambda x: x * x)
    op.backward(lambda grad, x: 2 * grad * x)
    with pytest.raises(tx.errors.OpDefinitionError, match=r"is called as <lambda>\(grad, y, x\)"):
        tx.gradcheck(op, [1.0])


def test_an_entry_that_is_wrong_for_one_upstream_gradient_is_not_unclear_for_another() -> None:
    op = tx.op(lambda x: (x - x.mean()) / x.std())
    op.backward(lambda grad, y, x: (grad - grad.mean()) / x.std())
    x = np.random.default_rng(3).normal(size=5)
    report = tx.gradcheck(op, x)  # ones come back as 0, whatever the rule forgets
    assert (report[0].verdict, report[0].unclear) == ("wrong", 0)
    assert "unclear" not in str(report)


def test_a_gradient_of_the_wrong_shape_is_wrong_without_entries_too() -> None:
    op = tx.op(lambda x: x.sum())
    op.backward(lambda grad, y, x: grad)
    report = tx.gradcheck(op, np.zeros((0, 3)))
    assert not report.ok
    assert "right: there" not in str(report)
