"""Tensor as an array: operators, methods, dtypes, and the border to NumPy."""

from __future__ import annotations

import copy
import importlib
import inspect
import operator
import pydoc
import re
from typing import Any, get_args

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors

ARRAY = np.array([[1.5, -2.0, 0.5], [3.0, 0.25, -1.0]])


@pytest.mark.parametrize(
    "f", [operator.add, operator.sub, operator.mul, operator.truediv], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("other", [2, 2.5, np.array([1.0, 2.0, 4.0]), [1.0, 2.0, 4.0]], ids=str)
def test_operators_take_arrays_and_numbers_on_either_side(f: Any, other: Any) -> None:
    x = tx.Tensor(ARRAY)
    for result, wanted in ((f(x, other), f(ARRAY, other)), (f(other, x), f(other, ARRAY))):
        assert isinstance(result, tx.Tensor)
        np.testing.assert_array_equal(result.data, wanted)
        assert tx.gradients(result.sum(), x).shape == ARRAY.shape


def test_more_operators() -> None:
    x = tx.Tensor(ARRAY)
    for result, wanted in (
        (x**2, ARRAY**2),
        (2**x, 2**ARRAY),
        (-x, -ARRAY),
        (+x, ARRAY),
        (abs(x), abs(ARRAY)),
        (x @ ARRAY.T, ARRAY @ ARRAY.T),
        (ARRAY.T @ x, ARRAY.T @ ARRAY),
        (x[1, ::-1], ARRAY[1, ::-1]),
    ):
        np.testing.assert_array_equal(result.data, wanted)


def test_comparisons_give_arrays() -> None:
    x, y = tx.Tensor(ARRAY), tx.Tensor(-ARRAY)
    for f in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        for other, plain in ((y, -ARRAY), (0.5, 0.5), (ARRAY, ARRAY)):
            np.testing.assert_array_equal(f(x, other), f(ARRAY, plain), strict=True)
    assert len({x, y, x}) == 2  # as keys, tensors are themselves


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("sum", (), {}),
        ("sum", (0,), {"keepdims": True}),
        ("mean", (1,), {}),
        ("var", (), {"ddof": 1}),
        ("max", (1,), {}),
        ("min", (), {}),
        ("prod", (0,), {}),
        ("cumsum", (1,), {}),
        ("clip", (0, 1), {}),
        ("clip", (), {"max": 0}),
        ("reshape", (3, 2), {}),
        ("reshape", ((3, -1),), {}),
        ("reshape", (-1,), {}),
        ("transpose", (), {}),
        ("transpose", (1, 0), {}),
        ("transpose", ((1, 0),), {}),
        ("swapaxes", (0, 1), {}),
        ("squeeze", (), {}),
        ("take", ([0, 0, 1],), {"axis": 1}),
        ("astype", (np.float32,), {}),
        ("argmax", (1,), {}),
        ("argmin", (), {}),
    ],
)
def test_methods_are_numpys(name: str, args: Any, kwargs: Any) -> None:
    found = getattr(tx.Tensor(ARRAY), name)(*args, **kwargs)
    wanted = getattr(ARRAY, name)(*args, **kwargs)
    np.testing.assert_allclose(getattr(found, "data", found), wanted, rtol=1e-15)
    assert np.shape(getattr(found, "data", found)) == np.shape(wanted)


def test_the_array_shows_through() -> None:
    x = tx.Tensor(ARRAY)
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert x.dtype == np.float64
    np.testing.assert_array_equal(x.T.data, ARRAY.T)
    assert [row.shape for row in x] == [(3,), (3,)]
    one = tx.Tensor([2.0])
    assert (one.item(), float(tx.Tensor(2.5)), int(tx.Tensor(2.5)), bool(one)) == (
        2.0,
        2.5,
        2,
        True,
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_do_not_widen_a_dtype(dtype: Any) -> None:
    x = tx.Tensor([1.0, 2.0], dtype=dtype)
    assert all(y.dtype == dtype for y in (x + 1, 2.5 * x, x**2, 1 / x, tx.where(x > 1, x, 0.0)))
    assert tx.gradients((x**2).sum(), x).dtype == dtype


def test_mixed_dtypes_widen_as_in_numpy_and_gradients_narrow_again() -> None:
    x, y = tx.Tensor([1.0], dtype=np.float32), tx.Tensor([2.0])
    product = x * y
    assert product.dtype == np.float64
    assert [g.dtype for g in tx.gradients(product.sum(), [x, y])] == [np.float32, np.float64]


@pytest.mark.parametrize("data", [[1j], ["a"], [None], [[1.0], [1.0, 2.0]]], ids=str)
def test_a_tensor_holds_real_numbers(data: Any) -> None:
    with pytest.raises((errors.DtypeError, ValueError)):
        tx.Tensor(data)
    with pytest.raises(errors.DtypeError, match="real numbers, got complex128"):
        tx.Tensor([1j])


def test_numpys_functions_record_where_there_is_an_op_of_their_name() -> None:
    x = tx.Tensor([1.0, 2.0])
    for result, op in ((np.exp(x), tx.exp), (np.multiply([3.0, 4.0], x), tx.multiply)):
        assert result.op is op
    assert (np.float64(2.0) * x).op is tx.multiply
    np.testing.assert_array_equal(np.array([1.5, 1.5]) < x, [False, True])


def test_an_op_makes_real_numbers_only() -> None:
    x = tx.Tensor(ARRAY)
    with pytest.raises(errors.DtypeError, match="numbers are needed, got None"):
        tx.where(x > 0, x, None)


def test_numpy_functions_are_refused_rather_than_lose_the_graph() -> None:
    x = tx.Tensor(ARRAY)
    with pytest.raises(errors.NumpyFunctionError, match="lose the graph"):
        np.nextafter(x, x)
    with pytest.raises(errors.NumpyFunctionError, match=r"np\.add of .*`dtype`; it calls tx\.add"):
        np.add(x, x, dtype=np.float32)
    with pytest.raises(errors.NumpyFunctionError, match=r"lose the graph.*tinygrad_xent.*\.data"):
        np.asarray(x)
    with pytest.raises(errors.NumpyFunctionError, match=r"np\.cross .*compose it.*\.data"):
        np.cross(x, x)
    with pytest.raises(errors.InPlaceError, match="where, concatenate or stack"):
        x[0] = 1.0


def test_an_entry_of_an_array_cannot_hold_a_tensor() -> None:
    x = tx.Tensor(ARRAY.ravel())
    held = np.zeros(3)
    with pytest.raises(ValueError, match="setting an array element") as raised:
        held[0] = x[0] * x[0]
    assert isinstance(raised.value.__cause__, errors.NumpyFunctionError)
    assert re.search(r"stack.*where.*array\[i\] = float\(x\)", str(raised.value.__cause__))
    with pytest.raises(ValueError, match="setting an array element"):
        held[1] += x[1]
    assert not held.any()
    held[0] = float(x[0])
    held[1] = x[1].item()
    held[int(x[0] * 0)] = 3.0
    assert held.tolist() == [3.0, x[1].item(), 0.0]
    listed: list[Any] = [None]
    listed[0] = x[0] * x[0]
    assert listed[0].op is tx.multiply


@pytest.mark.parametrize(
    "step",
    [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow],
)
def test_an_update_that_would_leave_the_leaf_as_it_is(step: Any) -> None:
    p, q = tx.Tensor([1.0, 2.0], name="p"), tx.Tensor(3.0, name="q")
    told = r"tensor '[pq]' of shape .* is a leaf.*p\.data -= 0\.1 \* p\.grad"
    for operand in (np.ones(2), tx.gradients((p * p).sum(), p)):  # of the shape of the leaf
        with pytest.raises(errors.InPlaceError, match=told):
            step(p, operand)
    with pytest.raises(errors.InPlaceError, match=told):
        step(q, np.float64(0.1))
    (p * p).sum().backward()
    with pytest.raises(errors.InPlaceError, match=told):
        step(p, 0.5)  # such as a decay of weights
    assert p.data.tolist() == [1.0, 2.0]


def test_an_update_of_a_matrix_in_place() -> None:
    w = tx.Tensor(np.eye(2))
    with pytest.raises(errors.InPlaceError, match="is a leaf"):
        w @= np.eye(2)


def test_a_sum_that_is_built_up_with_augmented_assignment() -> None:
    x, shift = tx.Tensor([1.0, 2.0]), tx.Tensor([3.0, 4.0])
    (x * x).sum().backward()
    total = tx.Tensor(0.0)
    for _ in range(2):
        total += (x * x).sum()
    total += 1.0
    total -= np.float64(0.5)
    y = x
    y += shift
    y *= np.ones(2)
    z = tx.Tensor([1.0, 2.0])
    z *= 2.0
    assert (total.item(), y.data.tolist(), z.data.tolist()) == (10.5, [4.0, 6.0], [2.0, 4.0])
    assert x.data.tolist() == [1.0, 2.0]
    assert tx.gradients(total, x).tolist() == [4.0, 8.0]


def test_a_leaf_is_updated_through_its_data() -> None:
    p = tx.Tensor([1.0, 2.0])
    for _ in range(2):
        p.grad = None
        (p * p).sum().backward()
        p.data -= 0.25 * p.grad
    assert p.data.tolist() == [0.25, 0.5]


def test_repr_tells_what_matters() -> None:
    assert repr(tx.Tensor([1.0, 2.0], name="x")) == "Tensor([1., 2.], name='x')"
    assert (
        repr(tx.Tensor([1.0], dtype=np.float32) * 2) == "Tensor([2.], dtype=float32, op=multiply)"
    )


def test_a_tensor_of_a_tensor_starts_a_new_graph() -> None:
    x = tx.Tensor([1.0]) * 2
    assert tx.Tensor(x).op is None


# -- ops as a user calls them ------------------------------------------------------------------


def test_parameters_are_keywords() -> None:
    x = tx.Tensor(ARRAY)
    with pytest.raises(
        errors.OpCallError, match=r"`sum` takes 1 input, got 2 .*keywords: axis=0.*sum\(x"
    ):
        tx.sum(x, 0)
    with pytest.raises(errors.OpCallError, match="`add` takes 2 inputs, got 3"):
        tx.add(x, x, x)
    with pytest.raises(errors.OpCallError, match="`add` is missing its input `y`"):
        tx.add(x)
    with pytest.raises(errors.OpCallError, match="`concatenate` takes one list"):
        tx.concatenate([x, x], 1)


def test_parameters_that_an_op_requires_may_stand_behind_the_inputs() -> None:
    x = tx.Tensor(ARRAY)
    assert tx.reshape(x, (3, 2)).shape == (3, 2)
    assert tx.expand_dims(x, 0).shape == (1, 2, 3)
    assert tx.swapaxes(x, 0, 1).shape == (3, 2)
    assert tx.broadcast_to(x, (4, 2, 3)).shape == (4, 2, 3)
    assert tx.swapaxes(x, 0, axis2=1).shape == (3, 2)


def test_inputs_may_be_named() -> None:
    x = tx.Tensor(ARRAY)
    np.testing.assert_array_equal(tx.clip(x, max=1).data, ARRAY.clip(max=1))
    np.testing.assert_array_equal(tx.subtract(x, y=1).data, ARRAY - 1)


def test_lists_of_tensors_are_joined() -> None:
    x, y = tx.Tensor([1.0, 2.0]), tx.Tensor([3.0])
    joined = tx.concatenate([x, y, [4.0]])
    np.testing.assert_array_equal(joined.data, [1.0, 2.0, 3.0, 4.0])
    grads = tx.gradients(joined, [x, y], seed=[1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(grads[0], [1.0, 2.0])
    np.testing.assert_array_equal(grads[1], [3.0])
    numbered = tx.concatenate([x, 5.0], axis=None)
    assert tx.gradients(numbered, x, seed=[1.0, 2.0, 3.0]).tolist() == [1.0, 2.0]
    assert tx.concatenate.names_of(2) == ("xs[0]", "xs[1]")
    assert tx.stack([x, x], axis=1).shape == (2, 2)
    square = tx.Tensor([[1.0, 2.0], [3.0, 4.0]])  # as in NumPy, an array is the list of its rows
    np.testing.assert_array_equal(tx.concatenate(square).data, [1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(tx.concatenate([square]).data, square.data)


def test_ties_share_the_gradient() -> None:
    x = tx.Tensor([2.0, 1.0, 2.0])
    np.testing.assert_array_equal(tx.gradients(x.max(), x), [0.5, 0.0, 0.5])
    y = tx.Tensor(2.0)
    assert tx.gradients(tx.maximum(y, 2.0), y) == 0.5
    np.testing.assert_array_equal(tx.gradients(tx.minimum(x, y), y, seed=np.ones(3)), 1.0)


def test_kinks_have_the_documented_gradient() -> None:
    zero = tx.Tensor(0.0)
    assert tx.gradients(tx.relu(zero), zero) == 0
    assert tx.gradients(abs(zero), zero) == 0
    assert tx.gradients(zero**2, zero) == 0
    assert tx.gradients(zero**0, zero) == 0
    edge = tx.Tensor([0.0, 1.0])
    np.testing.assert_array_equal(tx.gradients(edge.clip(0, 1).sum(), edge), [1.0, 1.0])


def test_an_index_that_repeats_adds_up() -> None:
    x = tx.Tensor([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(tx.gradients(x[[0, 2, 2, 2]].sum(), x), [1.0, 0.0, 3.0])
    rows = tx.Tensor(ARRAY)
    index = tx.Tensor([1, 1])
    np.testing.assert_array_equal(tx.gradients(rows[index].sum(), rows)[:, 0], [0.0, 2.0])
    np.testing.assert_array_equal(
        tx.gradients(rows.take(index, axis=0).sum(), rows)[:, 0], [0.0, 2.0]
    )


def test_product_with_zeros() -> None:
    for values in ([2.0, 0.0, 3.0], [0.0, 0.0, 3.0]):
        x = tx.Tensor(values)
        wanted = [np.prod(values[:i] + values[i + 1 :]) for i in range(3)]
        np.testing.assert_array_equal(tx.gradients(x.prod(), x), wanted)
    x = tx.Tensor([0.0, 2.0, 3.0])
    np.testing.assert_array_equal(tx.hessian(x.prod(), x), [[0, 3, 2], [3, 0, 0], [2, 0, 0]])


# -- ops that a learner writes -----------------------------------------------------------------


def test_a_cell_may_be_run_again_but_a_rule_is_not_replaced() -> None:
    @tx.op
    def cube(x: Any) -> Any:
        """Third power: $y = x^3$."""
        return x**3

    def first() -> Any:
        def cube_backward(grad: Any, y: Any, x: Any) -> Any:
            return 3 * x**2 * grad

        return cube_backward

    cube.backward(first())
    cube.backward(first())
    with pytest.raises(
        errors.OpDefinitionError, match=r"`cube` already has the rule `cube_backward`"
    ):
        cube.backward(lambda grad, y, x: grad)
    x = tx.Tensor(2.0)
    cube(x).backward()
    assert x.grad == 12.0
    assert (cube.name, cube.formula, str(cube)) == ("cube", "y = x^3", "cube")
    assert "Third power" in (cube.__doc__ or "")


def test_definitions_that_cannot_be_ops() -> None:
    with pytest.raises(errors.OpDefinitionError, match=r"define it with `def`"):
        tx.op(len)
    with pytest.raises(errors.OpDefinitionError, match="name every parameter"):
        tx.op(lambda x, **params: x)
    with pytest.raises(errors.OpDefinitionError, match="has no input"):
        tx.op(lambda *, axis: axis)


def test_an_op_needs_one_domain_for_each_input_or_one_for_all() -> None:
    def ratio(x: Any, y: Any) -> Any:
        """Ratio: $z = x / y$."""
        return x / y

    for given in (("real", "nonzero"), ("real", tx.domains.nonzero)):
        assert tx.op(domain=given)(ratio).domains == (tx.domains.real, tx.domains.nonzero)
    assert tx.op(domain="positive")(ratio).domains == (tx.domains.positive,) * 2
    assert tx.op(ratio).domains == (tx.domains.real,) * 2
    assert tx.op(domain="positive")(lambda *xs: xs[0]).domains == (tx.domains.positive,)
    for wrong in (("real",), ("real",) * 3, ()):
        with pytest.raises(errors.OpDefinitionError, match=f"2 inputs, but {len(wrong)} domains"):
            tx.op(domain=wrong)(ratio)
    for wrong in ("postive", "Domain", "np", ["real", "real"], None):
        with pytest.raises(errors.OpDefinitionError, match=r"no domain .*; choose from real, pos"):
            tx.op(domain=wrong)(ratio)
    known = {name for name, value in vars(tx.domains).items() if hasattr(value, "draw")}
    assert known == set(get_args(importlib.import_module("tinygrad_xent.op").DomainName))


def test_an_op_has_the_docstring_of_its_function_and_the_class_its_own() -> None:
    assert "From the domain: positive." in pydoc.render_doc(tx.log)
    assert "axis : keyword, default -1" in inspect.getdoc(tx.softmax)
    assert (tx.Op.__doc__ or "").startswith("A function of arrays")

    class Loud(tx.Op):
        """A class of ops, as `crossentropy` has one."""

    def double(x: Any) -> Any:
        """Twice: $y = 2 x$."""
        return 2 * x

    assert Loud.__doc__ == "A class of ops, as `crossentropy` has one."
    for made in (Loud(double), tx.op(double), copy.copy(tx.crossentropy)):
        assert (made.__doc__ or "").partition(":")[0] in ("Twice", "Cross-entropy of probabilities")
    made = tx.op(lambda x: x)  # a function without a docstring
    assert "x : array_like or Tensor" in (made.__doc__ or "")
    made.__doc__ = "Another."
    assert made.__doc__ == "Another."


def test_a_learners_op_does_not_leak_into_the_catalogue() -> None:
    @tx.op
    def mine(x: Any) -> Any:
        """Identity: $y = x$."""
        return x

    assert mine.name not in tx.ops.OPS
