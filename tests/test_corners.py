"""Corners where a rule is easily almost right: each was wrong once, here or elsewhere."""

from __future__ import annotations

import copy
import functools
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors


def test_integer_logits_are_numbers_like_any_other() -> None:
    np.testing.assert_allclose(tx.logsumexp([1, 2, 3]), 3.40760596)
    np.testing.assert_allclose(tx.log_softmax([1, 2, 3])[0], -2.40760596)
    loss = tx.sparse_categorical_crossentropy([0], tx.softmax(tx.Tensor([[2, 1, 0]])))
    np.testing.assert_allclose(loss.data, [0.40760596])


@pytest.mark.parametrize(
    ("f", "a", "b"),
    [
        (tx.power, [2.0, 0.5], [0.0, 0.0]),
        (tx.power, [2.0, 0.5], [1.0, 2.0]),
        (tx.crossentropy, [0.25, 0.75], [0.0, 1.0]),
    ],
)
def test_mixed_second_derivatives_do_not_depend_on_their_order(f: Any, a: Any, b: Any) -> None:
    x, y = tx.Tensor(a), tx.Tensor(b)
    out = f(x, y).sum()
    dx, dy = tx.gradients(out, [x, y], create_graph=True)
    np.testing.assert_allclose(tx.jacobian(dx, y), tx.jacobian(dy, x).T, rtol=1e-14)


@pytest.mark.parametrize("index", [((2, 2),), [2, 2], np.array([2, 2]), ([2, 2],)], ids=repr)
def test_however_an_index_repeats_its_gradients_add_up(index: Any) -> None:
    x = tx.Tensor([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(tx.gradients(x[index].sum(), x), [0.0, 0.0, 2.0])


@pytest.mark.parametrize("axis", range(-3, 3))
def test_slices_that_are_taken_twice_add_up_along_any_axis(axis: int) -> None:
    x = tx.Tensor(np.ones((2, 3, 4)))
    twice = np.zeros(x.shape[axis])
    twice[[0, 1]] = 2, 1
    rows = np.moveaxis(np.broadcast_to(twice, np.moveaxis(x.data, axis, -1).shape), -1, axis)
    np.testing.assert_array_equal(tx.gradients(x.take([0, 1, 0], axis).sum(), x), rows)


@pytest.mark.parametrize(
    ("x", "n", "wanted"),
    [
        (0.0, 2.0, [0.0, 0.0]),
        (0.0, 0.0, [0.0, 0.0]),
        (0.0, 1.0, [1.0, 0.0]),
        (1.0, 0.0, [0.0, 0.0]),
    ],
)
def test_a_power_of_zero_and_to_zero(x: float, n: float, wanted: Any) -> None:
    base, exponent = tx.Tensor(x), tx.Tensor(n)
    assert tx.gradients(base**exponent, [base, exponent]) == wanted


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("f", "values", "wanted"),
    [
        (lambda x: tx.log(tx.relu(x)), [-1.0, 1.0], [0.0, 1.0]),
        (lambda x: tx.log(tx.clip(x, 0, 2)), [-1.0, 1.0], [0.0, 1.0]),
        (lambda x: tx.sqrt(tx.maximum(x, 0)), [-1.0, 1.0], [0.0, 0.5]),
        (lambda x: tx.sqrt(x.max()), [-1.0, 0.0], [0.0, np.inf]),
        (lambda x: tx.sqrt(abs(x)), [0.0, 1.0], [0.0, 0.5]),
    ],
)
def test_what_gets_no_gradient_gets_no_nan(f: Any, values: Any, wanted: Any) -> None:
    x = tx.Tensor(values)
    np.testing.assert_array_equal(tx.gradients(f(x).sum(), x), wanted)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("f", "wanted"),
    [
        (tx.relu, [1.0, 1.0, 0.0]),
        (tx.absolute, [1.0, 1.0, -1.0]),
        (lambda x: tx.maximum(x, 0.5), [1.0, 1.0, 0.0]),
        (lambda x: tx.minimum(0.5, x), [1.0, 0.0, 1.0]),
        (tx.max, [np.nan] * 3),  # nobody knows which one is the largest
        (tx.min, [np.nan] * 3),
    ],
)
def test_a_nan_passes_its_gradient_on(f: Any, wanted: Any) -> None:
    x = tx.Tensor([np.nan, 1.0, -1.0])
    np.testing.assert_array_equal(tx.gradients(f(x).sum(), x), wanted)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", [tx.var, tx.std])
def test_more_degrees_than_there_are_entries(f: Any) -> None:
    x = tx.Tensor([1.0, 3.0])
    spread = f(x, ddof=3)  # NumPy divides by 0, not by -1
    assert spread.data == np.inf
    assert not np.isfinite(tx.gradients(spread, x)).any()


def test_a_rule_need_not_know_of_a_mask_that_is_not_given() -> None:
    @tx.op
    def doubled(x: Any, *, where: Any = None) -> Any:
        return 2 * x if where is None else np.where(where, 2 * x, 0)

    @doubled.backward
    def doubled_backward(grad: Any, y: Any, x: Any) -> Any:
        return 2 * grad

    x = tx.Tensor(1.0)
    assert tx.gradients(doubled(x), x) == 2.0
    with pytest.raises(errors.OpDefinitionError, match="which it does not take"):
        tx.gradients(doubled(x, where=True), x)


@pytest.mark.parametrize("thing", [3, "softmax", functools.partial(np.exp), [np.exp]])
def test_what_is_no_function_makes_no_op(thing: Any) -> None:
    with pytest.raises(errors.OpDefinitionError, match=f"`{type(thing).__name__}`: define it with"):
        tx.op(thing)


def test_arrays_may_be_joined_without_a_list() -> None:
    x, y = tx.Tensor([1.0]), tx.Tensor([2.0])
    assert tx.concatenate(x, y).tolist() == tx.concatenate([x, y]).tolist() == [1.0, 2.0]
    assert tx.stack(x, y, axis=1).tolist() == [[1.0, 2.0]]


def test_a_tensor_to_start_from_does_not_record_by_itself() -> None:
    x, seed = tx.Tensor([2.0, 3.0]), tx.Tensor([1.0, 10.0])
    grad = tx.gradients(x * x, x, seed=seed)
    assert isinstance(grad, np.ndarray)
    assert grad.tolist() == [4.0, 60.0]
    recorded = tx.gradients(x * x, x, seed=seed, create_graph=True)
    assert tx.gradients(recorded.sum(), seed).tolist() == [4.0, 6.0]


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i4"])
def test_numbers_get_the_byte_order_of_the_machine(dtype: str) -> None:
    x = tx.Tensor(np.array([1, 2], dtype))
    assert x.dtype.isnative
    assert (x * 2.0).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize(
    ("f", "value", "slope"),
    [(tx.softmax, 1.0, 0.0), (tx.log_softmax, 0.0, 0.0), (tx.logsumexp, 3.0, 1.0)],
)
def test_a_number_is_a_row_of_one_entry(f: Any, value: float, slope: float, axis: Any) -> None:
    x = tx.Tensor(3.0)
    y = f(x, axis=axis)
    assert (y.data, y.shape, tx.gradients(y, x)) == (value, (), slope)
    with pytest.raises(errors.AxisError, match=r"axis=1 does not fit"):
        f(x, axis=1)


def test_logsumexp_far_from_zero() -> None:
    for dtype, at in ((np.float32, 1e7), (np.float64, 1e15)):
        x = tx.Tensor([at, at], dtype=dtype)
        np.testing.assert_array_equal(tx.gradients(tx.logsumexp(x), x), [0.5, 0.5])
    assert tx.logsumexp(np.zeros((0, 3)), axis=1).shape == (0,)


def test_products_beyond_the_range_of_the_dtype() -> None:
    small = tx.Tensor([1e-200, 1e-200])
    np.testing.assert_array_equal(tx.gradients(small.prod(), small), [1e-200, 1e-200])
    infinite = tx.Tensor([np.inf, 2.0])
    np.testing.assert_array_equal(tx.gradients(infinite.prod(), infinite), [2.0, np.inf])


def test_half_precision_counts_beyond_its_range() -> None:
    x = tx.Tensor(np.ones(70_000), dtype=np.float16)
    share = np.float16(1 / 70_000)
    np.testing.assert_array_equal(tx.gradients(x.mean(), x), share)
    np.testing.assert_array_equal(tx.gradients(x.max(), x), share)
    np.testing.assert_array_equal(tx.softmax(x).data, share)


def test_new_data_from_another_thread_is_noticed() -> None:
    x = tx.Tensor([3.0])

    @tx.op
    def slow(a: Any, b: Any) -> Any:
        """Product: $z = a b$."""
        x.data = np.array([100.0])  # as another thread might, between reading and recording
        return a * b

    @slow.backward
    def slow_backward(grad: Any, z: Any, a: Any, b: Any) -> Any:
        r"""$\bar a = b \bar z$ and $\bar b = a \bar z$"""
        return grad * b, grad * a

    with pytest.raises(errors.StaleGraphError):
        slow(x, x).backward()
    y = tx.Tensor([2.0])
    steps = tx.backpropagate(y * y)
    next(steps)
    thread = threading.Thread(target=setattr, args=(y, "data", np.array([50.0])))
    thread.start()
    thread.join()
    with pytest.raises(errors.StaleGraphError):
        list(steps)


def test_leaves_and_ops_can_be_copied_graphs_cannot() -> None:
    w = tx.Tensor([1.0, 2.0], name="w")
    (w * w).sum().backward()
    twin = pickle.loads(pickle.dumps(w))  # noqa: S301 - our own bytes
    assert (twin.name, twin.birth > w.birth) == ("w", True)
    copied = copy.deepcopy(w)
    copied.data += 1
    assert twin.grad.tolist() == copied.grad.tolist() == copy.copy(w).grad.tolist() == [2.0, 4.0]
    copied.grad += 1
    assert w.grad.tolist() == [2.0, 4.0]
    assert copy.deepcopy(tx.Tensor(1.0)).grad is None
    np.testing.assert_array_equal(w.data, [1.0, 2.0])
    assert copy.deepcopy(tx.softmax) is tx.softmax
    assert pickle.loads(pickle.dumps(tx.softmax)) is tx.softmax  # noqa: S301
    with pytest.raises(errors.CopyError, match=r"from op `multiply`.*cannot be copied.*Tensor\(x"):
        copy.deepcopy(w * 2)


def test_data_is_checked_however_it_arrives() -> None:
    w = tx.Tensor([1.0])
    for data in (3.0, [3.0], w * 3):
        w.data = data
        assert isinstance(w.data, np.ndarray)
        assert (w * 2).data == 6.0
        w.data = np.array([1.0])
    with pytest.raises(errors.DtypeError, match="real numbers, got complex128"):
        w.data = 1j


def test_a_rule_is_the_same_wherever_it_stands_but_not_whatever_it_holds() -> None:
    def scaled(k: float) -> Any:
        return lambda grad, y, x: k * grad

    @tx.op
    def f(x: Any) -> Any:
        """Double: $y = 2 x$."""
        return 2 * x

    f.backward(scaled(2))
    f.backward(scaled(2))
    with pytest.raises(errors.OpDefinitionError, match="already has the rule"):
        f.backward(scaled(3))


@pytest.mark.parametrize("kind", [np.array, tx.Tensor])
def test_a_rule_that_holds_an_array_can_be_run_again_too(kind: Any) -> None:
    def scaled(k: Any, default: Any) -> Any:
        def rule(grad: Any, y: Any, x: Any, k: Any = default) -> Any:
            return grad * factor

        factor = k
        return rule

    one, two = kind([2.0, 2.0]), kind([2.0, 3.0])
    for other in (one, kind([2.0, 2.0])) if kind is np.array else (one,):

        @tx.op
        def f(x: Any) -> Any:
            return 2 * x

        f.backward(scaled(one, one))
        f.backward(scaled(other, other))
        for wrong in (scaled(two, one), scaled(one, two)):
            with pytest.raises(errors.OpDefinitionError, match="already has the rule"):
                f.backward(wrong)


def test_a_rule_is_the_same_whatever_its_comments() -> None:
    source = "def g_backward(grad, y, x):\n    return (lambda: 3 * grad,)[0]\n"
    rules = []
    for text in (source, "# a comment\n" + source):
        scope: dict[str, Any] = {}
        exec(text, scope)  # noqa: S102
        rules.append(scope["g_backward"])
    g = tx.op(lambda x: 3 * x)
    g.backward(rules[0])
    g.backward(rules[1])


def test_einsum_stretches_an_axis_of_length_one() -> None:
    x, y = tx.Tensor(np.ones((1, 3))), tx.Tensor(np.full((2, 3), 5.0))
    grads = tx.gradients(tx.einsum("ij,ij->", x, y), [x, y])
    np.testing.assert_array_equal(grads[0], np.full((1, 3), 10.0))
    np.testing.assert_array_equal(grads[1], np.ones((2, 3)))


def test_a_parameter_is_given_once() -> None:
    with pytest.raises(errors.OpCallError, match="`reshape` takes 1 input"):
        tx.reshape(tx.Tensor([1.0, 2.0]), (2, 1), shape=(1, 2))


def test_recorded_gradients_are_tensors_of_the_right_dtype() -> None:
    @tx.op
    def constant_slope(x: Any) -> Any:
        """Triple: $y = 3 x$."""
        return 3 * x

    @constant_slope.backward
    def constant_slope_backward(grad: Any, y: Any, x: Any) -> Any:
        r"""$\bar x = 3$"""
        return np.full(x.shape, 3.0)

    x = tx.Tensor([1.0, 2.0])
    np.testing.assert_array_equal(tx.hessian(constant_slope(x).sum(), x), np.zeros((2, 2)))
    narrow = tx.Tensor([1.0], dtype=np.float32)
    seed = tx.Tensor([1.0])
    assert tx.gradients(narrow * 2, narrow, seed=seed, create_graph=True).dtype == np.float32
    assert isinstance(tx.jacobian(narrow[:0] * 1, narrow, create_graph=True), tx.Tensor)


@pytest.mark.parametrize(
    ("name", "labels", "logits", "said"),
    [
        ("softmax_cross_entropy", (3, 4), (3,), "the labels come first"),  # the order of PyTorch
        ("softmax_cross_entropy", (3,), (3, 4), "be broadcast together"),
        ("softmax_cross_entropy", (2, 3, 4), (3, 4), "the labels come first"),
        ("softmax_cross_entropy", (3, 4), (), "a number has none"),
        ("sparse_softmax_cross_entropy", (3, 4), (3,), "the labels come first"),
        ("sparse_softmax_cross_entropy", (3, 4), (3, 4), "the labels come first"),
        ("sparse_softmax_cross_entropy", (2,), (3, 4), "be broadcast together"),
        ("sparse_softmax_cross_entropy", (), (), "a number has none"),
        ("softmax_minus_labels", (3, 4), (3,), "the labels come first"),
        ("softmax_minus_one_hot", (3, 4), (3,), "the labels come first"),
    ],
)
def test_labels_and_logits_in_the_other_order(
    name: str, labels: Any, logits: Any, said: str
) -> None:
    for z in (np.zeros(logits), tx.Tensor(np.zeros(logits))):
        with pytest.raises((errors.ShapeError, errors.AxisError), match=said):
            getattr(tx, name)(np.zeros(labels, int), z)
