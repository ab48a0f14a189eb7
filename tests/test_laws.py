"""Laws that gradients must obey: found from the function, held against the rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from right_rules import RIGHT_RULES

import tinygrad_xent as tx
from tinygrad_xent.teaching.museum import op_of


def codes(report: Any) -> set[str]:
    return {law.code for law in report}


def broken(name: str, *inputs: Any, **params: Any) -> str:
    report = tx.invariants(op_of(name), *inputs, **params)
    assert not report
    return str(report)


Z = np.array([[2.0, 1.0, 0.1], [0.0, -1.0, 0.5]])


@pytest.mark.parametrize("rule", RIGHT_RULES[::2], ids=lambda rule: rule.name)
def test_right_rules_keep_all_laws(rule: Any) -> None:
    rng = np.random.default_rng(1)
    inputs, params = rule.example(rng)
    report = tx.invariants(op_of(rule), *inputs, rng=rng, **params)
    assert report.ok, str(report)
    assert len(report), "linearity applies to every rule"


def test_the_laws_are_those_of_the_function() -> None:
    both = {"linear", "batch", "symmetry"}
    assert codes(tx.invariants(tx.softmax)) == both | {"shift", "total"}
    assert codes(tx.invariants(tx.logsumexp, Z, axis=1)) == both | {"shift", "convexity"}
    assert codes(tx.invariants(tx.sum, Z)) == both | {"shift", "scale"}
    assert codes(tx.invariants(tx.exp, Z)) == both | {"convexity"}
    assert codes(tx.invariants(tx.tanh, Z)) == both
    cross_entropy = tx.invariants(tx.sparse_softmax_cross_entropy, np.array([0, 2]), Z)
    assert codes(cross_entropy) == both | {"shift", "convexity"}
    assert {law.input for law in cross_entropy} == {"logits"}, "class numbers have no gradient"


def test_rows_of_the_cross_entropy_sum_to_zero() -> None:
    text = broken("sparse_softmax_only", np.array([0, 2]), Z)
    assert (
        "Adding a number to logits along axis 1 changes nothing, so the gradient of logits sums to "
        "0 along it. It sums to " in text
    )


def test_softmax_is_orthogonal_to_ones_and_its_outputs_sum_to_one() -> None:
    text = broken("softmax_diagonal_only", Z)
    assert "the gradient of x sums to 0 along it" in text
    assert "equal upstream gradients along it give x the gradient 0. They give up to " in text


def test_what_is_added_and_what_is_multiplied() -> None:
    text = broken("logsumexp_not_divided", Z)
    assert (
        "adds it to the output, so the gradient of x sums to the sum of the upstream gradient"
        in text
    )
    assert "Multiplying x by a number changes nothing, so the gradient of x is orthogonal" in (
        broken("normalise_diagonal_only", np.exp(Z))
    )
    text = broken("multiply_as_add", Z, np.exp(Z))
    assert "Multiplying x by c multiplies the output by c. So the sum of x times its" in text
    assert "is 2 times the sum of the output times the upstream gradient (Euler). The sum is" in (
        broken("square_without_the_two", Z)
    )


def test_gradients_are_linear_in_what_arrives() -> None:
    text = broken("exp_local_slope_only", Z)
    assert "the gradient of x is linear in it. For 2 a - 3 b it gives " in text


def test_examples_that_do_not_see_each_other() -> None:
    text = broken("softmax_summed_over_the_batch", Z)
    assert "The 2 examples do not depend on each other, so the gradient of x is that" in text
    text = broken("linear_weights_averaged", np.ones((4, 3)) + np.eye(4, 3), Z.T, Z[:, 0])
    assert "so the gradient of w is that of each example by itself, added up. It gives " in text
    assert not any(law.code == "batch" for law in tx.invariants(tx.cumsum, Z, axis=0))


def test_the_mean_of_a_batch_weighs_its_examples() -> None:
    report = tx.invariants(tx.mean, Z)
    assert report.ok
    assert "batch" in codes(report)


def test_second_derivatives_are_symmetric() -> None:
    @tx.op
    def product(x: Any, y: Any) -> Any:
        return x * y

    @product.backward
    def product_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
        return grad * y, grad * x * np.sign(x * y)

    report = tx.invariants(product, [1.5, -2.0], [1.0, 3.0])
    (law, *_) = (law for law in report.broken if law.code == "symmetry")
    assert "A Hessian is symmetric" in str(law)
    assert "One way gives " in law.numbers


def test_a_bowl_curves_up() -> None:
    @tx.op
    def square(x: Any) -> Any:
        return x * x

    @square.backward
    def square_backward(grad: Any, y: Any, x: Any) -> Any:
        return -2 * x * grad

    text = str(tx.invariants(square, Z))
    assert "The output is convex in x, so its Hessian has no negative eigenvalue" in text
    assert not any(law.code == "convexity" for law in tx.invariants(tx.tanh, 10 * Z))


def test_a_gradient_has_the_shape_of_its_input() -> None:
    report = tx.invariants(op_of("sum_not_spread"), Z, axis=1)
    assert [law.code for law in report] == ["shape"]
    assert str(report[0]) == "The gradient of x has the shape of x. (2,) is not (2, 3)."


def test_a_function_of_tensors_is_held_to_the_same_laws() -> None:
    report = tx.invariants(lambda z: tx.log(tx.softmax(z)), Z)
    assert report.ok
    assert "shift" in codes(report)
    with pytest.raises(tx.errors.DtypeError):
        tx.invariants(lambda z: z)
    with pytest.raises(tx.errors.ArgumentError):
        tx.invariants(3, Z)


def test_the_report_reads_and_shows() -> None:
    good = tx.invariants(tx.softmax, Z)
    assert str(good).startswith("softmax_backward keeps all 5 laws that apply.")
    assert "broken" not in good._repr_html_()
    bad = tx.invariants(op_of("softmax_diagonal_only"), Z)
    assert str(bad).splitlines()[0] == "softmax_backward breaks 3 of 5 laws that apply."
    page = bad._repr_html_()
    assert page.count("<td>broken</td>") == 3
    assert page.count("<tr>") == 6
    assert bad.broken == tuple(bad[:3]), "what is broken comes first"


def test_no_law_is_held_against_a_function_that_is_not_finite() -> None:
    nothing = tx.invariants(tx.exp, [1000.0, 2.0])
    assert str(nothing) == "exp_backward: no law applies where the function is not finite."
    assert nothing.ok
    assert tx.invariants(tx.softmax, np.zeros((0, 3))).ok


def test_a_large_batch_is_cut_into_parts() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 4))
    assert tx.invariants(tx.softmax, logits).ok
    assert "The 50 examples do not depend" in broken("softmax_summed_over_the_batch", logits)
    mean = tx.invariants(op_of("batch_not_divided"), logits, target=np.arange(50) % 4)
    assert not any(law.code == "batch" for law in mean), "the target cannot be cut"


def test_what_is_no_gradient_is_refused() -> None:
    @tx.op
    def product(x: Any, y: Any) -> Any:
        return x * y

    @product.backward
    def product_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
        return grad * y if z.size == 1 else (grad * y * 1j, grad * x)

    with pytest.raises(
        tx.errors.RuleResultError, match="returns 1 gradient for 2 inputs; return a tuple"
    ):
        tx.invariants(product, [1.0], [2.0])
    with pytest.raises(tx.errors.RuleResultError, match="complex128 for `x`; return real numbers"):
        tx.invariants(product, [1.0, 2.0], [2.0, 3.0])
