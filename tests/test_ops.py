"""Every op at once: its rule against finite differences, on arrays and as a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.domains import WITHOUT_GRADIENT
from tinygrad_xent.ops import OPS

every_op = pytest.mark.parametrize("op", OPS.values(), ids=str)


def calls(op: tx.Op) -> Any:
    """Sampled calls, as (f of Tensors, the real inputs)."""
    rng = np.random.default_rng(sum(map(ord, op.name)))
    for inputs, params in samples(op, rng):
        domains = op.domains * (len(inputs) if op.variadic else 1)
        real = [
            i
            for i, x in enumerate(inputs)
            if np.asarray(x).dtype.kind == "f" and domains[i] not in WITHOUT_GRADIENT
        ]

        def f(*xs: Any, inputs: Any = inputs, params: Any = params, real: Any = real) -> Any:
            full = list(inputs)
            for i, x in zip(real, xs, strict=True):
                full[i] = x
            return op(*full, **params)

        yield f, [np.asarray(inputs[i]) for i in real], rng


def slope(f: Any, xs: list[Any], i: int) -> Any:
    """Gradient of a scalar function of arrays by central differences of order 4."""
    grad = np.zeros_like(xs[i])
    for k in np.ndindex(grad.shape):

        def at(h: float, k: Any = k) -> float:
            moved = [np.array(x) for x in xs]
            moved[i][k] += h
            return float(f(*moved))

        h = 2e-4
        grad[k] = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    return grad


@every_op
def test_the_rule_is_the_derivative(op: tx.Op) -> None:
    for f, arrays, rng in calls(op):
        xs = [tx.Tensor(x) for x in arrays]
        weights = rng.normal(size=f(*xs).shape)
        found = tx.gradients(f(*xs), xs, seed=weights)
        for i, grad in enumerate(found):
            wanted = slope(lambda *a, f=f, w=weights: np.sum(f(*a) * w), arrays, i)
            np.testing.assert_allclose(grad, wanted, rtol=1e-7, atol=1e-8)


@every_op
@pytest.mark.filterwarnings("ignore:the output does not depend:UserWarning")
def test_the_rule_of_the_rule_is_the_second_derivative(op: tx.Op) -> None:
    for f, arrays, rng in calls(op):
        weights = rng.normal(size=np.shape(f(*arrays)))
        directions = [rng.normal(size=x.shape) for x in arrays]

        def bend(*a: Any, f: Any = f, w: Any = weights, d: Any = directions) -> Any:
            """The first derivative along fixed directions: a scalar Tensor, and its inputs."""
            xs = [tx.Tensor(x) for x in a]
            slopes = tx.gradients(f(*xs), xs, seed=w, create_graph=True)
            parts = [(slope * v).sum() for slope, v in zip(slopes, d, strict=True)]
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            return total, xs

        total, xs = bend(*arrays)
        for i, grad in enumerate(tx.gradients(total, xs)):
            wanted = slope(lambda *a, b=bend: b(*a)[0], arrays, i)
            np.testing.assert_allclose(grad, wanted, rtol=1e-6, atol=1e-7)


@every_op
def test_arrays_and_tensors_give_the_same(op: tx.Op) -> None:
    for f, arrays, rng in calls(op):
        xs = [tx.Tensor(x) for x in arrays]
        out, plain = f(*xs), f(*arrays)
        assert isinstance(out, tx.Tensor)
        assert not isinstance(plain, tx.Tensor)
        np.testing.assert_array_equal(out.data, plain, strict=isinstance(plain, np.ndarray))
        weights = rng.normal(size=out.shape)
        numbers = tx.gradients(out, xs, seed=weights)
        graphs = tx.gradients(out, xs, seed=weights, create_graph=True)
        for number, graph in zip(numbers, graphs, strict=True):
            np.testing.assert_array_max_ulp(number, graph.data, 4)


@every_op
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_dtypes_are_kept(op: tx.Op, dtype: Any) -> None:
    if op is tx.astype:
        return  # changing it is its work
    for f, arrays, _ in calls(op):
        xs = [tx.Tensor(x, dtype=dtype) for x in arrays]
        out = f(*xs)
        assert out.dtype == dtype
        for grad in tx.gradients(out, xs, seed=np.ones(out.shape)):
            assert grad.dtype == dtype


@every_op
def test_each_input_that_has_a_gradient_has_its_formula(op: tx.Op) -> None:
    smooth = [d for d in op.domains if d not in WITHOUT_GRADIENT]
    assert op.formula, "the function's docstring must begin with its formula"
    assert len(op.rule_formulas) == (1 if op.variadic else len(smooth))


@every_op
def test_documented_shapes_are_true(op: tx.Op) -> None:
    inputs, params = next(iter(samples(op, np.random.default_rng(0))))
    own = op.shapes.split("->")[1].strip("()").split(",")
    assert np.ndim(op(*inputs, **params)) >= len([axis for axis in own if axis])


@every_op
def test_every_op_has_an_example(op: tx.Op) -> None:
    doc = op.__doc__ or ""
    assert op.name == "einsum_of" or f">>> {op.name}(" in doc or f">>> print({op.name}(" in doc


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "i4"])
def test_zeros_elsewhere_are_those_of_where(dtype: str) -> None:
    values = np.array([[1.5, -2.5, 0.0, -0.0], [7, 7, 7, 7]]).astype(dtype)
    if values.dtype.kind == "f":
        values[1] = [np.inf, -np.inf, np.nan, -1e-7]
    for x in (values, values.T.copy().T, values[:, ::-1], values[0], np.array(values[0, 0])):
        for condition in (x > 0, ~(x > 0), (x > 0).astype(int), values > 0, True, np.bool_(False)):
            found, wanted = tx.where(condition, x, 0), np.where(condition, x, 0)
            np.testing.assert_array_equal(found, wanted, strict=True)
            if wanted.dtype.kind == "f":
                np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4"])
def test_a_mean_has_the_bits_of_numpy(dtype: str) -> None:
    x = (100 * np.random.default_rng(0).normal(size=(7, 300))).astype(dtype)
    for axis in (None, 0, 1, (0, 1)):
        for keepdims in (False, True):
            found = tx.mean(x, axis=axis, keepdims=keepdims)
            np.testing.assert_array_equal(found, np.mean(x, axis, keepdims=keepdims), strict=True)
    with pytest.warns(RuntimeWarning):
        assert np.isnan(tx.mean(x[:0]))
