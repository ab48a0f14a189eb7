"""The engine: what a graph remembers, how it is walked, and what it refuses."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import tinygrad_xent as tx
from tinygrad_xent import errors


def test_backward_leaves_a_gradient_on_every_tensor() -> None:
    x, y = tx.Tensor(3.0), tx.Tensor(2.0)
    product = x * y
    loss = product + x
    loss.backward()
    assert [t.grad.item() for t in (x, y, product, loss)] == [3.0, 3.0, 1.0, 1.0]


def test_a_second_backward_doubles_the_leaves_and_spoils_nothing() -> None:
    x = tx.Tensor(2.0)
    square = x * x
    loss = square * square
    loss.backward()
    assert (x.grad, square.grad) == (32.0, 8.0)
    loss.backward()
    assert (x.grad, square.grad) == (64.0, 8.0)


def test_backward_twice_through_a_shared_part() -> None:
    x = tx.Tensor(2.0)
    shared = x * x
    (shared * 3.0).backward()
    (shared * 5.0).backward()
    assert x.grad == 3 * 4 + 5 * 4
    assert shared.grad == 5.0


def test_gradients_stores_nothing() -> None:
    x = tx.Tensor(2.0)
    y = x * x
    assert tx.gradients(y, x) == 4.0
    assert x.grad is None
    assert y.grad is None


def test_gradients_answers_in_the_form_of_the_question() -> None:
    x, y = tx.Tensor([1.0, 2.0]), tx.Tensor([3.0, 4.0])
    out = (x * y).sum()
    np.testing.assert_array_equal(tx.gradients(out, x), [3.0, 4.0])
    for wrt in ([x, y], (x, y)):
        grads = tx.gradients(out, wrt)
        assert isinstance(grads, list)
        np.testing.assert_array_equal(grads, [[3.0, 4.0], [1.0, 2.0]])


def test_gradients_of_what_lies_between() -> None:
    x = tx.Tensor(2.0)
    square = x * x
    out = square * 3.0
    assert tx.gradients(out, square) == 3.0
    assert tx.gradients(out, out) == 1.0


def test_only_the_way_to_wrt_is_walked() -> None:
    asked = []

    @tx.op
    def spy(x: Any) -> Any:
        """Identity: $y = x$."""
        return np.array(x)

    @spy.backward
    def spy_backward(grad: Any, y: Any, x: Any) -> Any:
        r"""$\bar x = \bar y$"""
        asked.append(True)
        return grad

    x, y = tx.Tensor(1.0), tx.Tensor(2.0)
    tx.gradients(spy(x) * y, y)
    assert not asked
    tx.gradients(spy(x) * y, x)
    assert asked


def test_seed_weighs_the_outputs() -> None:
    x = tx.Tensor([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(tx.gradients(x * x, x, seed=[1.0, 0.0, 10.0]), [2.0, 0.0, 60.0])
    (x * x).backward([1.0, 0.0, 10.0])
    np.testing.assert_array_equal(x.grad, [2.0, 0.0, 60.0])


def test_backpropagate_finishes_each_tensor_before_it_gives_it() -> None:
    x = tx.Tensor(2.0, name="x")
    a = x * 3.0
    b = a * x
    steps = [(node, float(grad)) for node, grad in tx.backpropagate(a + b)]
    assert [node is t for (node, _), t in zip(steps[1:], (b, a, x), strict=True)] == [True] * 3
    assert [grad for _, grad in steps] == [1.0, 1.0, 3.0, 15.0]


def test_backpropagate_tells_an_observer_every_contribution() -> None:
    x = tx.Tensor(2.0)
    square = x * x
    seen: list[Any] = []
    list(tx.backpropagate(square, observe=lambda *event: seen.append(event)))
    assert [(event[0] is square, *map(float, event[1:])) for event in seen] == [
        (True, 0, 2.0, 2.0, 2.0),
        (True, 1, 2.0, 2.0, 4.0),
    ]


def test_an_observer_sees_what_broadcasting_repeated_before_and_after_it_is_summed() -> None:
    x, y = tx.Tensor([1.0, 2.0]), tx.Tensor(np.arange(6.0).reshape(3, 2))
    seen: list[Any] = []
    list(tx.backpropagate((x * y).sum(), observe=lambda *event: seen.append(event)))
    _, _, result, contribution, _ = seen[1]
    np.testing.assert_array_equal(result, y.data)
    np.testing.assert_array_equal(contribution, y.data.sum(axis=0))


def test_backpropagate_can_be_stepped() -> None:
    x = tx.Tensor(1.0)
    steps = tx.backpropagate(tx.exp(x))
    assert next(steps)[1] == 1.0
    assert next(steps)[0] is x
    assert next(steps, None) is None


def test_grad_is_the_users_own_array() -> None:
    x, y = tx.Tensor([1.0, 2.0]), tx.Tensor([1.0, 2.0])
    total = (x + y).sum()
    total.backward()
    x.grad[0] = 100
    np.testing.assert_array_equal(y.grad, [1.0, 1.0])
    np.testing.assert_array_equal(tx.gradients(total, y), [1.0, 1.0])


LARGE = (200, 200)  # gradients that are given away without a copy, if nobody else holds them


def test_large_gradients_that_rules_share_are_copied() -> None:
    x, y, z = (tx.Tensor(np.ones(LARGE)) for _ in range(3))
    flat = z.reshape(-1)
    total = x + y + flat.reshape(LARGE)
    for leaf in (x, y, z):
        total.backward(np.full(LARGE, 2.0))
        assert leaf.grad.flags.writeable
        leaf.grad[:] = 100
        for other in {x, y, z, flat, total} - {leaf}:
            assert np.all(other.grad == 2)
        x.grad = y.grad = z.grad = None


def test_a_large_seed_stays_the_users() -> None:
    seed = np.ones(LARGE)
    x, y = tx.Tensor(np.ones(LARGE)), tx.Tensor(np.ones(LARGE))
    both = tx.gradients((x + y).T, [x, y], seed=seed)
    twice = tx.gradients(x.T, [x, x], seed=seed)
    for grad in [*both, *twice]:
        assert np.all(grad == 1)
        grad[:] = 100
    x.backward(seed)
    x.grad[:] = 100
    assert np.all(seed == 1)


def test_a_large_gradient_of_a_small_part_or_a_repeated_number_is_copied() -> None:
    x, y = tx.Tensor(np.ones(LARGE)), tx.Tensor(np.ones((2, 200, 200)))
    (x.sum() + tx.concatenate([y, y])[1].sum()).backward()
    x.grad[0, 0] = 100
    assert x.grad.sum() == 100 + x.size - 1
    stacked = tx.Tensor(np.ones(LARGE))
    tx.stack([stacked, x]).backward(np.ones((2, *LARGE)))
    assert stacked.grad.base is None


def test_a_large_gradient_that_nobody_holds_is_not_copied() -> None:
    made = []

    @tx.op
    def double(x: Any) -> Any:
        """Twice: $y = 2 x$."""
        return 2 * x

    @double.backward
    def double_backward(grad: Any, y: Any, x: Any) -> Any:
        r"""$\bar x = 2 \bar y$"""
        made.append(2 * grad)
        return made[-1]

    x = tx.Tensor(np.ones(LARGE))
    double(x).sum().backward()
    assert x.grad is made[0]
    assert tx.gradients(double(x).sum(), x) is made[1]
    x.grad = None
    (double(x) + double(x)).sum().backward()
    np.testing.assert_array_equal(x.grad, np.full(LARGE, 4.0))


def test_create_graph_gives_higher_derivatives() -> None:
    x = tx.Tensor(2.0)
    y = x**5
    wanted = [5 * 2**4, 20 * 2**3, 60 * 2**2, 120 * 2]
    for value in wanted:
        y = tx.gradients(y, x, create_graph=True)
        np.testing.assert_allclose(y.data, value)


def test_jacobian_and_hessian_of_softmax_and_its_loss() -> None:
    z = tx.Tensor([0.5, -1.0, 2.0])
    p = tx.softmax(z)
    wanted = np.diag(p.data) - np.outer(p.data, p.data)
    np.testing.assert_allclose(tx.jacobian(p, z), wanted, atol=1e-16)
    loss = tx.softmax_cross_entropy_with_logits(labels=[0.0, 1.0, 0.0], logits=z)
    np.testing.assert_allclose(tx.hessian(loss, z), wanted, atol=1e-16)
    jacobian = tx.jacobian(p, z, create_graph=True)
    assert isinstance(jacobian, tx.Tensor)
    assert jacobian.shape == (3, 3)


def test_hessian_of_a_linear_function_is_zero() -> None:
    x = tx.Tensor([1.0, 2.0])
    np.testing.assert_array_equal(tx.hessian((x * 3.0).sum(), x), np.zeros((2, 2)))


def test_jacobian_of_what_does_not_depend_and_of_nothing() -> None:
    x, y = tx.Tensor([1.0, 2.0]), tx.Tensor([3.0, 4.0, 5.0])
    np.testing.assert_array_equal(tx.jacobian(y * 1.0, x), np.zeros((3, 2)))
    assert tx.jacobian(y[:0] * 1.0, y).shape == (0, 3)


def test_scopes_group_what_is_made_in_them() -> None:
    with tx.scope("net"):
        x = tx.Tensor(1.0)
        with tx.scope("layer"):
            y = tx.exp(x)
        with pytest.raises(ZeroDivisionError), tx.scope("broken"):
            raise ZeroDivisionError
        z = y * 2.0
    assert [t.scope for t in (x, y, z, z + 1.0)] == [("net",), ("net", "layer"), ("net",), ()]


# -- sizes and shapes of graphs ---------------------------------------------------------------


def test_sixty_diamonds_in_a_row() -> None:
    x = tx.Tensor(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


def test_a_chain_far_beyond_the_recursion_limit_is_walked_and_freed() -> None:
    x = tx.Tensor(1.0)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    y.backward()
    assert x.grad == 1.0
    gone = weakref.ref(y)
    gc.disable()  # reference counting alone frees a graph
    try:
        del y
        assert gone() is None
    finally:
        gc.enable()


@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3))
def test_broadcasting_is_undone_for_any_shapes(shapes: Any) -> None:
    rng = np.random.default_rng(0)
    (first, second), result = shapes.input_shapes, shapes.result_shape
    x, y = tx.Tensor(rng.normal(size=first)), tx.Tensor(rng.normal(size=second))
    out = x * y
    assert out.shape == result
    grads = tx.gradients(out, [x, y], seed=np.ones(result))
    ones = np.ones(result)
    for shape, grad, other in ((first, grads[0], y.data), (second, grads[1], x.data)):
        wanted = np.zeros(shape)
        spread = np.broadcast_to(np.arange(wanted.size).reshape(shape), result)
        np.add.at(wanted.reshape(-1), spread.reshape(-1), (other * ones).reshape(-1))
        np.testing.assert_allclose(grad, wanted, atol=1e-14)


@given(st.data())
def test_reductions_over_any_axes(data: Any) -> None:
    shape = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=4).map(tuple))
    axes = data.draw(
        st.lists(st.integers(0, len(shape) - 1), unique=True, max_size=len(shape)).map(tuple)
    )
    keepdims = data.draw(st.booleans())
    values = np.random.default_rng(1).permutation(int(np.prod(shape))).reshape(shape) * 1.0
    x = tx.Tensor(values)
    for ours, theirs in (
        (tx.sum, np.sum),
        (tx.mean, np.mean),
        (tx.max, np.max),
        (tx.prod, np.prod),
    ):
        out = ours(x, axis=axes, keepdims=keepdims)
        np.testing.assert_allclose(out.data, theirs(values, axis=axes, keepdims=keepdims))
        grad = tx.gradients(out, x, seed=np.ones(out.shape))
        assert grad.shape == shape
        if ours is tx.max:
            assert grad.sum() == out.size


def test_threads_share_leaves_without_losing_a_gradient() -> None:
    w = tx.Tensor(np.zeros(1000))

    def work() -> None:
        for _ in range(50):
            (w * 1.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(w.grad, np.full(1000, 400.0))


# -- refusals ---------------------------------------------------------------------------------


def test_an_output_that_does_not_depend_gives_zeros_and_says_so() -> None:
    x, other = tx.Tensor([1.0, 2.0]), tx.Tensor([[1.0]], name="other")
    with pytest.warns(
        errors.UnconnectedWarning, match=r"not depend on tensor 'other' of shape \(1, 1\)"
    ) as seen:
        grads = tx.gradients(x.sum(), [x, other])
    assert seen[0].filename == __file__
    np.testing.assert_array_equal(grads[1], [[0.0]])
    p = tx.softmax(x)
    with pytest.warns(errors.UnconnectedWarning, match="looked through this softmax"):
        tx.gradients(tx.sparse_categorical_crossentropy(0, p), p)
    with pytest.warns(errors.UnconnectedWarning):
        assert isinstance(tx.gradients(x.sum(), other, create_graph=True), tx.Tensor)


def test_backward_on_no_scalar() -> None:
    x = tx.Tensor([1.0, 2.0], name="x")
    with pytest.raises(
        errors.NotScalarError, match=r"tensor from op `exp` of shape \(2,\) is not a scalar.*sum"
    ):
        tx.exp(x).backward()
    x[:1].backward()  # one entry is as good as a scalar
    np.testing.assert_array_equal(x.grad, [1.0, 0.0])


def test_a_seed_of_another_shape() -> None:
    x = tx.Tensor([1.0, 2.0], name="x")
    with pytest.raises(errors.ShapeError, match=r"shape \(3,\), tensor 'x' of shape \(2,\)"):
        x.backward([1.0, 2.0, 3.0])


@pytest.mark.parametrize("output", [np.ones(3), 1.0, None])
def test_what_was_not_recorded_has_no_gradient(output: Any) -> None:
    with pytest.raises(errors.NotRecordedError, match=r"nothing was recorded.*Tensor\(x\)"):
        tx.gradients(output, tx.Tensor(1.0))


def test_wrt_must_be_tensors() -> None:
    x = tx.Tensor([1.0])
    with pytest.raises(errors.NotRecordedError, match="with respect to Tensors, got NoneType"):
        tx.gradients(x, None)  # type: ignore[call-overload]
    with pytest.raises(errors.NotRecordedError, match="with respect to Tensors, got ndarray"):
        tx.gradients(x, [np.ones(1)])  # type: ignore[list-item]


def test_integers_have_no_gradient_and_say_so() -> None:
    k = tx.Tensor([1, 2], name="k")
    x = tx.Tensor([0.5, 0.5])
    loss = (x * k).sum()
    loss.backward()
    np.testing.assert_array_equal(x.grad, [1.0, 2.0])
    with pytest.raises(errors.DtypeError, match=r"'k' .*holds int64.*dtype=float"):
        _ = k.grad
    with pytest.raises(errors.DtypeError, match=r"'k' .*holds int64"):
        tx.gradients(loss, k)
    with pytest.raises(errors.DtypeError, match="holds int64: gradients need float16"):
        k.sum().backward()


def test_new_data_between_forward_and_backward_is_noticed() -> None:
    w = tx.Tensor([1.0, 2.0], name="w")
    loss = (w * w).sum()
    w.data -= 0.5
    with pytest.raises(
        errors.StaleGraphError, match=r"'w' .* got new data after op `multiply` had used it"
    ):
        loss.backward()
    with pytest.raises(errors.StaleGraphError, match="'w'"):  # pictures and checks begin with it
        tx.ancestors(loss)
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad, [1.0, 3.0])


def test_the_data_of_a_result_cannot_be_assigned() -> None:
    y = tx.Tensor(1.0) * 2.0
    with pytest.raises(errors.InPlaceError, match=r"computed by op `multiply`.*Tensor\(x.data\)"):
        y.data = np.array(1.0)


def test_a_failing_rule_changes_no_gradient() -> None:
    @tx.op
    def half_done(x: Any) -> Any:
        """Identity: $y = x$."""
        return np.array(x)

    x = tx.Tensor(1.0)
    loss = half_done(x) * x
    with pytest.raises(
        errors.MissingRuleError, match=r"`half_done` has no backward rule.*@half_done.backward"
    ):
        loss.backward()
    assert x.grad is None
    assert loss.grad is None


def wrong(result: Any) -> Any:
    """A function of two inputs whose rule returns `result`."""

    @tx.op
    def f(x: Any, y: Any) -> Any:
        """Sum: $z = x + y$."""
        return np.add(x, y)

    f.backward(lambda grad, z, x, y: result)
    return f(tx.Tensor(np.ones((2, 3))), tx.Tensor(np.ones(3))).sum()


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (np.ones((2, 3)), errors.RuleResultError, r"`f` returned 1 gradients for 2 inputs.*x, y"),
        ((1, 2, 3), errors.RuleResultError, r"`f` returned 3 gradients for 2 inputs"),
        (
            (np.ones((2, 3)), np.ones((2, 4))),
            errors.RuleResultError,
            r"shape \(2, 4\) for `y` of shape \(3,\)",
        ),
        (
            (np.ones(3), np.ones(3)),
            errors.RuleResultError,
            r"shape \(3,\) for `x` of shape \(2, 3\)",
        ),
        (
            (np.ones((2, 3)) * 1j, np.ones(3)),
            errors.RuleResultError,
            "complex128 for `x`; return real",
        ),
        ((np.full((2, 3), "a"), np.ones(3)), errors.RuleResultError, r"for `x`; return real"),
    ],
)
def test_a_wrong_rule_is_named(result: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        wrong(result).backward()


# -- what a rule is handed ---------------------------------------------------------------------


def op_with(rule: Callable[..., Any]) -> tx.Op:
    """Return x + y with a backward rule that goes wrong, or right, in a way of its own."""

    @tx.op
    def plus(x: Any, y: Any) -> Any:
        """Sum: $z = x + y$."""
        return x + y

    plus.backward(rule)
    return plus


def scale_grad(grad: Any, z: Any, x: Any, y: Any) -> Any:
    grad *= 3 * y
    return grad, grad


def scale_input(grad: Any, z: Any, x: Any, y: Any) -> Any:
    x *= 2
    return grad * x, grad


def scale_constant(grad: Any, z: Any, x: Any, y: Any) -> Any:
    return grad, np.multiply(y, 2, out=y)


def scale_output(grad: Any, z: Any, x: Any, y: Any) -> Any:
    z[...] = 0
    return grad, grad


def sort_a_view(grad: Any, z: Any, x: Any, y: Any) -> Any:
    grad.T.sort()
    return grad, grad


def scale_later(grad: Any, z: Any, x: Any, y: Any) -> Any:
    def late() -> Any:
        np.multiply(grad, 2, out=grad)
        return grad

    return late, late


@pytest.mark.parametrize(
    "rule", [scale_grad, scale_input, scale_constant, scale_output, sort_a_view, scale_later]
)
@pytest.mark.parametrize("shape", [(), (3,), (200, 200)])
def test_a_rule_that_changes_what_it_is_handed_is_told_so(rule: Any, shape: Any) -> None:
    if shape == () and rule is sort_a_view:
        return
    start, constant = np.full(shape, 2.0), np.full(shape, 5.0)
    x = tx.Tensor(start)
    wrong = op_with(rule)
    out = (x * 2.0 + wrong(x, constant if rule is scale_constant else x)).sum()
    if rule is scale_constant:
        out = wrong(x, tx.Tensor(constant)).sum()
    with pytest.raises(errors.InPlaceError, match=r"rule of op `plus` changes.*grad = grad \*"):
        out.backward()
    assert np.all(start == 2)
    assert np.all(constant == 5)
    assert x.grad is None
    start += 1  # what the user handed over is his to write to, as before
    constant += 1


def test_an_array_that_is_held_constant_cannot_be_changed_by_a_rule() -> None:
    labels = np.ones(3)
    x = tx.Tensor(np.zeros(3))

    def rule(grad: Any, z: Any, x: Any, y: Any) -> Any:
        y += 1
        return grad, None

    with pytest.raises(errors.InPlaceError, match="rule of op `plus`"):
        tx.gradients(op_with(rule)(x, labels).sum(), x)
    assert np.all(labels == 1)
    labels += 1


def test_a_rule_may_write_to_what_it_made_and_send_one_array_twice() -> None:
    def rule(grad: Any, z: Any, x: Any, y: Any) -> Any:
        new = grad.copy()
        new *= 3
        return new, new

    for shape in ((), (2,), (200, 200)):
        x, y = tx.Tensor(np.ones(shape)), tx.Tensor(np.ones(shape))
        op_with(rule)(x, y).sum().backward()
        assert np.all(x.grad == 3)
        x.grad[...] = 100
        assert np.all(y.grad == 3)
        y.grad[...] = 100


def test_a_part_of_what_a_rule_made_does_not_keep_the_whole() -> None:
    def rule(grad: Any, z: Any, x: Any, y: Any) -> Any:
        both = np.stack([grad, 2 * grad])
        return both[0], both[1]

    x, y = tx.Tensor(np.ones(3)), tx.Tensor(np.ones(3))
    op_with(rule)(x, y).sum().backward()
    assert (x.grad.base, y.grad.base) == (None, None)
    np.testing.assert_array_equal([x.grad, y.grad], [[1.0] * 3, [2.0] * 3])


def test_another_error_of_a_rule_stays_as_it_is() -> None:
    def rule(grad: Any, z: Any, x: Any, y: Any) -> Any:
        raise ValueError("no such luck")

    x = tx.Tensor(1.0)
    with pytest.raises(ValueError, match=r"^no such luck$"):
        op_with(rule)(x, x).backward()


def test_what_a_rule_makes_once_for_two_inputs_is_shared_by_nobody() -> None:
    def twice(grad: Any, z: Any, x: Any, y: Any) -> Any:
        new = 2 * grad
        return new, new

    def turned(grad: Any, z: Any, x: Any, y: Any) -> Any:
        new = 2 * grad
        return new, new.T

    def late(grad: Any, z: Any, x: Any, y: Any) -> Any:
        new = 2 * grad
        return lambda: new.T, lambda: new

    for rule in (twice, turned, late):
        for shape in ((2, 2), (200, 200)):
            x, y = tx.Tensor(np.ones(shape)), tx.Tensor(np.ones(shape))
            between = y * 1.0
            out = op_with(rule)(op_with(rule)(x, y), between)
            for first, others in ((x, (y, between, out)), (y, (x, between, out))):
                x.grad = y.grad = None
                out.backward(np.ones(shape))
                before = [other.grad.copy() for other in others]
                first.grad[...] = 100
                for other, was in zip(others, before, strict=True):
                    np.testing.assert_array_equal(other.grad, was)
            both = tx.gradients(out, [x, y, x], seed=np.ones(shape))
            both[0][...] = 100
            assert not np.any(both[1] == 100)
            assert not np.any(both[2] == 100)


def test_the_gradient_of_a_computed_tensor_is_only_looked_at() -> None:
    x = tx.Tensor([1.0, 2.0])
    y = x * 2.0
    seed = np.ones(2)
    y.backward(seed)
    with pytest.raises(ValueError, match="read-only"):
        y.grad[0] = 5.0
    seed += 1
    x.grad += 1
    assert (y.grad.tolist(), x.grad.tolist()) == ([1.0, 1.0], [3.0, 3.0])
    (grad,) = tx.gradients((y * y).sum(), [y])
    grad += 1  # a gradient that was asked for is the user's
    assert grad.tolist() == [5.0, 9.0]


def test_an_array_of_the_user_stays_his_whatever_an_op_or_a_rule_returns() -> None:
    table = np.ones(3)

    @tx.op
    def second(x: Any, y: Any) -> Any:
        """The second input: $z = y$."""
        return y

    @second.backward
    def second_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
        r"""$\bar x = t$"""
        return table, grad

    start, constant = np.ones(3), np.ones(3)
    x = tx.Tensor(start)
    second(tx.exp(x), constant).sum().backward()
    second(x, x).sum().backward()
    assert all(array.flags.writeable for array in (table, constant, start))


def test_the_data_of_a_computed_tensor_are_read_only() -> None:
    y = tx.exp(tx.Tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 5.0


def test_new_data_during_the_pass_are_noticed() -> None:
    x = tx.Tensor(2.0, name="x")
    y = x * x
    walk = tx.backpropagate(y)
    assert next(walk)[0] is y
    x.data = 3.0  # as another thread may do
    with pytest.raises(tx.errors.StaleGraphError, match=r"'x' .* new data after op `multiply`"):
        next(walk)
