"""What people reported of other engines of differentiation, asked here with numbers of our own.

The right answers are worked out by hand, beside the test where they are not plain.
"""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.checking.gradient_check import GradcheckReport

nan = np.nan

any_numbers = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def gradient(f: Any, x: Any) -> Any:
    """Return the gradient of the sum of f(x)."""
    x = tx.Tensor(x)
    return tx.gradients(f(x).sum(), x)


def pickled(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x))  # noqa: S301 (its own)


# -- indexing and joining -----------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_copy_of_an_entry_has_a_way_back(place: int) -> None:
    assert gradient(lambda x: x[np.array([1, 1, 1])][place], [3.0, 5.0]).tolist() == [0, 1]


def test_take_with_repeats_from_the_end() -> None:
    weights = np.array([1.0, 3.0, 5.0, 7.0])
    found = gradient(lambda x: x.take([-1, 0, -1, -3]) ** 2 * weights, [2.0, -1.0, 4.0])
    assert found.tolist() == [2 * 2 * (3 + 7), 0, 2 * 4 * (1 + 5)]


def test_where_that_picks_by_label() -> None:
    labels = np.array([[1, 0, 1, 1], [2, 1, 2, 1]])

    def chosen(p: Any) -> Any:
        total: Any = 0.0
        for k in range(3):
            total = total + tx.where(labels == k, p[k], 0.0)
        return tx.exp(total)

    found = gradient(chosen, [0.5, -1.0, 2.0])
    np.testing.assert_allclose(found, np.exp([0.5, -1.0, 2.0]) * [1, 5, 2], rtol=1e-15)


def test_a_block_of_an_array_cannot_hold_a_tensor() -> None:
    held = np.zeros((3, 4))
    with pytest.raises(errors.NumpyFunctionError, match=r"\.data"):
        held[1:, :2] = tx.Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert not held.any()


def test_an_array_joined_with_its_own_maximum() -> None:
    def joined(x: Any) -> Any:
        for _ in range(4):
            x = tx.concatenate([x, x.max(axis=0, keepdims=True)])
        return x

    assert gradient(joined, [[0.75]]).tolist() == [[5]]
    assert gradient(joined, [[0.75], [2.0]]).tolist() == [[1], [5]]


def test_numbers_are_stacked_not_concatenated() -> None:
    x, y = tx.Tensor(2.0), tx.Tensor(-1.0)
    assert tx.gradients((tx.stack([x, y]) * [3.0, 4.0]).sum(), [x, y]) == [3.0, 4.0]
    with pytest.raises(ValueError, match="zero-dimensional"):
        tx.concatenate([x, y])


def test_numbers_that_are_concatenated_are_told_of_stack() -> None:
    with pytest.raises(ValueError, match="stack"):
        tx.concatenate([tx.Tensor(2.0), tx.Tensor(-1.0)])


# -- products -----------------------------------------------------------------------------------


def test_einsum_that_only_adds_up() -> None:
    x = np.arange(24.0).reshape(2, 4, 3)
    found = gradient(lambda x: tx.einsum("abc->c", x) ** 2, x)
    np.testing.assert_array_equal(found, np.broadcast_to(2 * x.sum(axis=(0, 1)), x.shape))


def test_einsum_with_an_ellipsis() -> None:
    k = np.ones((3, 7, 2))
    found = gradient(lambda q: tx.einsum("...qd,...kd->...qk", q, k), np.ones((3, 4, 2)))
    np.testing.assert_array_equal(found, np.full((3, 4, 2), 7.0))


def test_a_matrix_times_a_vector() -> None:
    a, b, w = tx.Tensor([[1.0, -2.0], [0.5, 3.0]]), tx.Tensor([4.0, 2.0]), np.array([1.0, 100.0])
    found = tx.gradients(((a @ b) * w).sum(), [a, b])
    np.testing.assert_array_equal(found[0], [[4, 2], [400, 200]])
    np.testing.assert_array_equal(found[1], [1 + 50, -2 + 300])


@pytest.mark.parametrize(
    ("left", "right", "shape", "entry"),
    [
        ((2, 3), (5, 3, 4), (5, 2, 4), 5 * 4),
        ((4, 3), (1, 3, 3, 2), (1, 3, 4, 2), 3 * 2),
        ((3,), (2, 5, 3, 4), (2, 5, 4), 2 * 5 * 4),
    ],
)
def test_a_product_with_a_batch_adds_up_over_it(
    left: Any, right: Any, shape: Any, entry: float
) -> None:
    a, b = tx.Tensor(np.ones(left)), tx.Tensor(np.ones(right))
    out = a @ b
    assert out.shape == shape
    np.testing.assert_array_equal(tx.gradients(out.sum(), a), np.full(left, entry))


# -- broadcasting -------------------------------------------------------------------------------


def test_broadcast_to() -> None:
    w = np.arange(8.0).reshape(4, 2)
    assert gradient(lambda x: tx.broadcast_to(x, (4, 2)) * w, [1.0, 2.0]).tolist() == [12, 16]


def test_one_entry_beside_a_row() -> None:
    a, b = tx.Tensor([5.0]), tx.Tensor([[2.0, -1.0, 4.0]])
    found = tx.gradients((a * b).sum(), [a, b])
    assert [g.tolist() for g in found] == [[5.0], [[5.0, 5.0, 5.0]]]


def test_a_column_beside_no_columns() -> None:
    found = gradient(lambda b: np.zeros((4, 0)) + tx.expand_dims(b, 1), [1.0, 2.0, 3.0, 4.0])
    assert found.tolist() == [0, 0, 0, 0]


# -- reductions ---------------------------------------------------------------------------------


def test_a_maximum_of_more_ties_than_float16_counts() -> None:
    n = 80_000
    found = gradient(lambda x: x.max(), np.full(n, -3.0, np.float16))
    assert found.dtype == np.float16
    np.testing.assert_allclose(found.astype(float), 1 / n, rtol=2.0**-5)  # a subnormal number


def test_clip_at_its_bounds_lets_the_gradient_through() -> None:
    assert gradient(lambda x: x.clip(-1.0, 1.0), [-2.0, -1.0, 0.0, 1.0, 1.5]).tolist() == [
        *(0, 1, 1, 1, 0)
    ]
    np.testing.assert_array_equal(tx.clip(tx.Tensor([0.25]), -1.0, nan).data, [nan])


@pytest.mark.parametrize(
    ("x", "wanted"),
    [
        ([2.0, 0.0, 7.0], [0, 14, 0]),
        ([0.0], [1]),
        ([0.0, 4.0, 0.0], [0, 0, 0]),
        ([[5.0, 0.0], [2.0, 4.0]], [[0, 5], [40, 20]]),
    ],
    ids=str,
)
def test_a_product_with_zeros(x: Any, wanted: Any) -> None:
    weights = 1.0 if np.ndim(x) == 1 else np.array([1.0, 10.0])
    assert gradient(lambda x: x.prod(axis=-1) * weights, x).tolist() == wanted


def test_the_hessian_of_a_product_with_two_zeros() -> None:
    x = tx.Tensor([0.0, 3.0, 0.0, 4.0])
    wanted = np.zeros((4, 4))
    wanted[0, 2] = wanted[2, 0] = 12
    np.testing.assert_array_equal(tx.hessian(x.prod(), x), wanted)


def test_a_cumulative_product_with_a_zero() -> None:
    found = gradient(tx.cumprod, [3.0, 0.0, 5.0])  # 3, 3 * 0, 3 * 0 * 5
    assert found.tolist() == [1, 3 + 15, 0]


def test_a_cumulative_sum_of_nothing() -> None:
    assert gradient(lambda x: x.cumsum(axis=1), np.zeros((3, 0))).shape == (3, 0)


@any_numbers
def test_the_standard_deviation_of_equal_numbers() -> None:
    assert gradient(tx.std, [0.5, 0.5, 0.5, 0.5]).tolist() == [0, 0, 0, 0]


# -- digits -------------------------------------------------------------------------------------

SLOPES = {
    "sigmoid": lambda x: 1 / ((1 + mp.exp(-x)) * (1 + mp.exp(x))),
    "tanh": lambda x: 1 / mp.cosh(x) ** 2,
    "expm1": mp.exp,
}
FAR_OUT = [
    *[("sigmoid", x, np.float64) for x in (20.5, 38.5, 100.0, 700.0)],
    *[("tanh", x, np.float64) for x in (17.5, -17.5, 25.0, -300.0)],
    *[("expm1", x, np.float64) for x in (-30.5, -45.0, -700.0)],
    *[("sigmoid", 18.5, np.float32), ("tanh", 8.5, np.float32), ("expm1", -18.0, np.float32)],
]


@pytest.mark.parametrize(
    ("name", "x", "dtype"),
    FAR_OUT,
)
def test_slopes_far_out(name: str, x: float, dtype: Any) -> None:
    mp.dps = 40
    wanted = float(SLOPES[name](mpf(x)))
    found = gradient(getattr(tx, name), np.array(x, dtype))
    np.testing.assert_allclose(found, wanted, rtol=8 * float(np.finfo(dtype).eps))


def test_gradcheck_does_not_call_a_gradient_of_0_right_where_the_slope_is_not() -> None:
    found = tx.gradcheck(tx.sigmoid, np.array([36.5, 39.0]))
    assert isinstance(found, GradcheckReport)
    assert found.max_error < 1e-3 or "leaves no digit" in str(found)


def test_float32_stays_float32() -> None:
    x = tx.Tensor(np.float32([1.0, -2.0, 3.0]))
    y = sum([x * 0.5, x / 4, 3 - x]) + 1
    assert y.dtype == np.float32
    assert tx.gradients(tx.where(y > 0, y, 0.0).mean(), x).dtype == np.float32


# -- higher derivatives -------------------------------------------------------------------------


def test_two_derivatives_through_thousands_of_ops() -> None:
    x = tx.Tensor(2.0)
    y = x
    for _ in range(15_000):
        y = y + y * 1e-5
    first = tx.gradients(y * y, x, create_graph=True)
    growth = np.exp(30_000 * np.log1p(1e-5))
    np.testing.assert_allclose(tx.gradients(first, x), 2 * growth, rtol=1e-11)


def test_the_hessian_through_a_maximum_of_products() -> None:
    x = tx.Tensor([0.5, -0.25])
    products = tx.stack([x[0] * tx.exp(x[1]), x[1] * 0.1, x[0] * 0.01])
    e = np.exp(-0.25)
    found = tx.hessian(tx.maximum(tx.max(products), 0.05), x)
    np.testing.assert_allclose(found, [[0, e], [e, 0.5 * e]], rtol=1e-15)


def test_the_hessian_of_a_length() -> None:
    x = np.array([2.0, -1.0, 2.0])
    found = tx.hessian(tx.sqrt((t := tx.Tensor(x)) * t @ np.ones(3)), t)
    np.testing.assert_allclose(found, (np.eye(3) - np.outer(x, x) / 9) / 3, rtol=1e-14)


def test_the_gradient_of_a_vector_asks_for_a_number() -> None:
    w = tx.Tensor([1.5, -2.0])
    first = tx.gradients(w[0] * w[1] ** 2, w, create_graph=True)
    with pytest.raises(errors.NotScalarError, match=r"\.sum\(\).*gradient to start from"):
        tx.gradients(first, w)
    assert tx.gradients(first, w, seed=[0.0, 1.0]).tolist() == [2 * -2.0, 2 * 1.5]


def test_the_slope_of_an_absolute_value() -> None:
    assert gradient(tx.absolute, [-0.0, 0.0, -3.5, 1e-300]).tolist() == [0, 0, -1, 1]


# -- graphs and memory --------------------------------------------------------------------------


def test_graphs_of_a_loop_are_freed_without_the_collector() -> None:
    x, seen = tx.Tensor(np.ones(50)), []
    gc.disable()
    try:
        for _ in range(8):
            y = tx.sigmoid(x * x).sum()
            first = tx.gradients(y, x, create_graph=True)
            tx.gradients((first * first).sum(), x)
            seen.append(weakref.ref(y))
        del y, first
        assert [ref() for ref in seen] == [None] * 8
    finally:
        gc.enable()


def test_a_running_sum_holds_every_graph() -> None:
    w, total = tx.Tensor(np.ones(3)), 0.0
    for steps in range(1, 6):
        total = total + (w * w).sum()
        assert len(tx.ancestors(total)) == 3 * steps + 1  # multiply, sum, add; and w


def test_an_update_that_makes_a_new_tensor_is_recorded() -> None:
    first = w = tx.Tensor([8.0])
    for _ in range(3):
        (w * w).sum().backward()
        w = w - 0.25 * w.grad
    assert (first.grad.tolist(), w.data.tolist()) == ([16 + 8 + 4], [1.0])


def test_new_data_ask_for_another_forward_pass() -> None:
    w = tx.Tensor([3.0], name="w")
    loss = (w * w).sum()
    loss.backward()
    w.data -= 0.5 * w.grad
    with pytest.raises(errors.StaleGraphError, match="forward pass again"):
        loss.backward()


def test_gradients_of_a_sum_are_arrays_of_their_own() -> None:
    x, y = tx.Tensor([1.0, 2.0]), tx.Tensor([3.0, 4.0])
    (x + y).sum().backward()
    x.grad += 7.0
    assert y.grad.tolist() == [1, 1]


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_keeps_name_and_dtype(copied: Any) -> None:
    x = copied(tx.Tensor(np.float32([1.0, 2.0]), name="w"))
    assert (x.name, x.dtype, x.data.tolist()) == ("w", np.float32, [1, 2])


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_keeps_the_gradient(copied: Any) -> None:
    x = tx.Tensor([1.0, 2.0], name="w")
    (x * x).sum().backward()
    assert copied(x).grad.tolist() == [2, 4]


def test_threads_add_to_one_leaf() -> None:
    w = tx.Tensor(np.zeros(2))

    def work() -> None:
        for _ in range(50):
            (w * [1.0, 2.0]).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert w.grad.tolist() == [300, 600]


def test_a_sum_over_every_entry_by_its_number() -> None:
    n = 1500
    found = gradient(lambda x: sum(x[i] * float(i % 4) for i in range(n)), np.arange(float(n)))
    np.testing.assert_array_equal(found, np.arange(n) % 4)


# -- rules and their check ----------------------------------------------------------------------


def test_a_rule_that_doubles_what_it_is_handed_is_not_right() -> None:
    @tx.op
    def same(x: Any) -> Any:
        return x * 1.0

    @same.backward
    def same_backward(grad: Any, y: Any, x: Any) -> Any:
        grad += grad
        return grad

    report = tx.gradcheck(same, np.array([0.5, -1.0, 2.0]))
    assert not report.ok


def test_a_right_rule_written_in_place_is_refused_and_spoils_nothing() -> None:
    @tx.op
    def opposite(x: Any) -> Any:
        return -x

    @opposite.backward
    def opposite_backward(grad: Any, y: Any, x: Any) -> Any:
        np.negative(grad, out=grad)
        return grad

    assert not tx.gradcheck(opposite, np.array([0.5, -1.0])).ok
    x = tx.Tensor([1.0, -2.0])
    a = x * 1.0
    loss = ((tx.exp(a) + opposite(a)) * np.array([1.0, 3.0])).sum()
    with pytest.raises(errors.InPlaceError, match="op `opposite`"):
        tx.gradients(loss, x)


@pytest.mark.parametrize("x", [0.75, np.float64(0.75), np.array(0.75), tx.Tensor(0.75)], ids=type)
def test_gradcheck_of_a_function_of_one_number(x: Any) -> None:
    assert tx.gradcheck(lambda x: x * x * x, x).ok
    assert tx.gradcheck(lambda x, n: x * n, x, 3).ok


def test_gradcheck_of_a_product_over_nothing() -> None:
    assert tx.gradcheck(lambda a, b: a @ b, np.zeros((3, 0)), np.zeros((0, 2))).ok


# -- the player ---------------------------------------------------------------------------------


def test_the_player_where_a_vector_is_used_twice() -> None:
    x = tx.Tensor([0.5, -1.0, 2.0], name="x")
    h = tx.tanh(x)
    assert "tanh" in tx.play((h * h - h).sum()).html


def test_the_player_does_not_take_equal_numbers_for_one_tensor() -> None:
    x, k = tx.Tensor(2.0, name="x"), tx.Tensor(1.0, name="k")
    a, c = x * 3.0, k * 2.0  # the numbers of x and c are the same
    loss = a + a * a + c
    steps = tx.play(loss, names={"a": a, "c": c, "loss": loss})._data["wrong"]["steps"]
    notes = [note for step in steps for note in step["notes"]]
    assert notes
    assert not [note for note in notes if {"name": "c"} in note]
