"""NumPy's everyday functions as somebody calls them who knows NumPy and not this package.

Each call runs on arrays, where NumPy is the judge of the values, and on Tensors, where differences
are the judge of the gradients: through `np` and, where the spelling is the same, through `tx`.
"""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors

RNG = np.random.default_rng(0)
NUMBER = np.array(0.7)
ROW = RNG.normal(size=3)
MATRIX = RNG.normal(size=(2, 3))
SQUARE = RNG.normal(size=(3, 3))
BOX = RNG.normal(size=(2, 3, 4))
LONG = np.concatenate([MATRIX, MATRIX + 0.1])
EMPTY = np.zeros((0, 3))
POSITIVE = np.abs(MATRIX) + 1.5

# What is called, and with which arrays; `m` is numpy, or this package.
CALLS: dict[str, tuple[Any, ...]] = {
    # one number in, one number out
    "sin of a number": (lambda m, x: m.sin(x), NUMBER),
    "cos": (lambda m, x: m.cos(x), BOX),
    "tan": (lambda m, x: m.tan(x), MATRIX),
    "arcsin": (lambda m, x: m.arcsin(x / 4), MATRIX),
    "arccos": (lambda m, x: m.arccos(x / 4), MATRIX),
    "arctan": (lambda m, x: m.arctan(x), MATRIX),
    "sinh": (lambda m, x: m.sinh(x), MATRIX),
    "cosh": (lambda m, x: m.cosh(x), MATRIX),
    "arcsinh": (lambda m, x: m.arcsinh(x), MATRIX),
    "arccosh": (lambda m, x: m.arccosh(x), POSITIVE),
    "arctanh": (lambda m, x: m.arctanh(x / 4), MATRIX),
    "log2": (lambda m, x: m.log2(x), POSITIVE),
    "log10": (lambda m, x: m.log10(x), POSITIVE),
    "exp2": (lambda m, x: m.exp2(x), MATRIX),
    "cbrt of negative numbers": (lambda m, x: m.cbrt(x), -POSITIVE),
    "square": (lambda m, x: m.square(x), MATRIX),
    "reciprocal": (lambda m, x: m.reciprocal(x), POSITIVE),
    "three times the sine of an empty array": (lambda m, x: 3.0 * m.sin(x), EMPTY),
    # two in, with broadcasting
    "arctan2": (lambda m, y, x: m.arctan2(y, x), MATRIX, ROW),
    "hypot": (lambda m, x, y: m.hypot(x, y), MATRIX, np.array(2.0)),
    "logaddexp": (lambda m, x, y: m.logaddexp(x, y), MATRIX, np.ones((4, 1, 1))),
    "remainder": (lambda m, x, y: m.remainder(x, y), MATRIX, np.array([0.7, -1.1, 2.3])),
    "x % y": (lambda m, x, y: x % y, MATRIX, np.array([0.7, -1.1, 2.3])),
    "a number % y": (lambda m, y: 7.0 % y, np.array([0.9, -1.1, 2.3])),
    "x // y": (lambda m, x, y: x // y + 0 * x, MATRIX, np.array([0.7, -1.1, 2.3])),
    "7 // y": (lambda m, y: 7.0 // y, np.array([0.9, -1.1, 2.3])),
    # reductions
    "std": (lambda m, x: m.std(x), MATRIX),
    "std along the last axis": (lambda m, x: m.std(x, axis=-1, keepdims=True, ddof=1), BOX),
    "std along two axes": (lambda m, x: m.std(x, axis=(0, -1)), BOX),
    "cumprod": (lambda m, x: m.cumprod(x), MATRIX),
    "cumprod along an axis": (lambda m, x: m.cumprod(x, axis=-2), BOX),
    "cumprod of a number": (lambda m, x: m.cumprod(x), NUMBER),
    "cumprod of nothing": (lambda m, x: m.cumprod(x, axis=0), EMPTY),
    "cumprod with zeros": (lambda m, x: m.cumprod(x), np.array([2.0, 0.0, 3.0, 0.0, 5.0])),
    "prod with a zero": (lambda m, x: m.prod(x, axis=1), np.array([[2.0, 0.0, 3.0], [0, 0, 5.0]])),
    # products
    "dot of vectors": (lambda m, x, y: m.dot(x, y), ROW, ROW + 1),
    "dot of matrix and vector": (lambda m, x, y: m.dot(x, y), MATRIX, ROW),
    "dot of matrices": (lambda m, x, y: m.dot(x, y), MATRIX, SQUARE),
    "dot with a number": (lambda m, x, y: m.dot(x, y), MATRIX, NUMBER),
    "dot of a number": (lambda m, x, y: m.dot(x, y), NUMBER, MATRIX),
    "dot of a box and a vector": (lambda m, x, y: m.dot(x, y), BOX, np.ones(4)),
    "dot of boxes": (lambda m, x, y: m.dot(x, y), BOX, RNG.normal(size=(2, 4, 2))),
    "inner": (lambda m, x, y: m.inner(x, y), MATRIX, SQUARE),
    "inner of vectors": (lambda m, x, y: m.inner(x, y), ROW, ROW + 1),
    "inner with a number": (lambda m, x, y: m.inner(x, y), ROW, NUMBER),
    "outer": (lambda m, x, y: m.outer(x, y), ROW, ROW + 1),
    "outer of matrices": (lambda m, x, y: m.outer(x, y), MATRIX, ROW),
    "outer of a vector with itself": (lambda m, x: m.outer(x, x), ROW),
    "tensordot": (lambda m, x, y: m.tensordot(x, y), BOX, RNG.normal(size=(3, 4, 2))),
    "tensordot over one axis": (lambda m, x, y: m.tensordot(x, y, 1), MATRIX, SQUARE),
    "tensordot over none": (lambda m, x, y: m.tensordot(x, y, axes=0), ROW, MATRIX),
    "tensordot over none with a number": (lambda m, x, y: m.tensordot(x, y, 0), ROW, NUMBER),
    "tensordot by pairs": (
        lambda m, x, y: m.tensordot(x, y, axes=([0, 2], [2, 0])), BOX, RNG.normal(size=(4, 5, 2)),
    ),
    "tensordot by a negative axis": (
        lambda m, x, y: m.tensordot(x, y, axes=[-1, 0]), MATRIX, SQUARE,
    ),
    "tensordot of empty arrays": (lambda m, x, y: m.tensordot(x, y, 1), EMPTY, SQUARE),
    # parts of matrices
    "trace": (lambda m, x: np.trace(x) if m is np else m.matrix_trace(x), SQUARE),
    "trace off the diagonal": (lambda m, x: np.trace(x, offset=-1), SQUARE),
    "trace of several": (lambda m, x: np.trace(x, 1, 2, 1), BOX),
    "diagonal": (lambda m, x: m.diagonal(x), SQUARE),
    "diagonal of several": (lambda m, x: m.diagonal(x, offset=1, axis1=-1, axis2=-2), BOX),
    "diagonal outside": (lambda m, x: m.diagonal(x, 7), SQUARE),
    "diag of a matrix": (lambda m, x: m.diag(x, k=-1), SQUARE),
    "diag of a vector": (lambda m, x: m.diag(x, k=2), ROW),
    "diag of an oblong": (lambda m, x: m.diag(x), MATRIX),
    "tril": (lambda m, x: m.tril(x), SQUARE),
    "tril of an oblong": (lambda m, x: m.tril(x, k=1), MATRIX),
    "tril of several": (lambda m, x: m.tril(x, -1), BOX),
    "tril of a vector": (lambda m, x: m.tril(x), ROW),
    "triu": (lambda m, x: m.triu(x), SQUARE),
    "triu of several": (lambda m, x: m.triu(x, k=2), BOX),
    # norms
    "norm of a vector": (lambda m, x: np.linalg.norm(x) if m is np else m.norm(x), ROW),
    "norm of all": (lambda m, x: np.linalg.norm(x) if m is np else m.norm(x), BOX),
    "norms of rows": (lambda m, x: np.linalg.norm(x, axis=-1, keepdims=True), MATRIX),
    "sum of absolute values": (lambda m, x: np.linalg.norm(x, 1, axis=1), MATRIX),
    "largest absolute value": (lambda m, x: np.linalg.norm(x, np.inf, axis=0), MATRIX),
    "smallest absolute value": (lambda m, x: np.linalg.norm(x, -np.inf, axis=0), MATRIX),
    "norm of order 3": (lambda m, x: np.linalg.norm(x, ord=3), ROW),
    "norm of order one half": (lambda m, x: np.linalg.norm(x, ord=0.5), ROW),
    "Frobenius norm": (lambda m, x: np.linalg.norm(x, "fro"), MATRIX),
    "norm of matrices": (lambda m, x: np.linalg.norm(x, axis=(0, 2)), BOX),
    "largest sum of a column": (lambda m, x: np.linalg.norm(x, 1), MATRIX),
    "smallest sum of a row": (lambda m, x: np.linalg.norm(x, -np.inf, (2, 0)), BOX),
    "vector_norm": (lambda m, x: np.linalg.vector_norm(x, axis=(0, 1)), BOX),
    # rearranging
    "repeat": (lambda m, x: np.repeat(x, 2) if m is np else m.repeat(x, 2), MATRIX),
    "repeat along an axis": (lambda m, x: np.repeat(x, 2, axis=-1), BOX),
    "repeat by numbers": (lambda m, x: np.repeat(x, [2, 0, 1], axis=1), MATRIX),
    "repeat never": (lambda m, x: np.repeat(x, 0), ROW),
    "repeat a number": (lambda m, x: np.repeat(x, 3), NUMBER),
    "tile": (lambda m, x: m.tile(x, 2), MATRIX),
    "tile with more axes": (lambda m, x: m.tile(x, (2, 1, 3)), ROW),
    "tile with fewer numbers": (lambda m, x: m.tile(x, (2,)), BOX),
    "tile a number": (lambda m, x: m.tile(x, (2, 2)), NUMBER),
    "tile nothing": (lambda m, x: m.tile(x, 0), ROW),
    "roll": (lambda m, x: np.roll(x, 2) if m is np else m.roll(x, 2), MATRIX),
    "roll along an axis": (lambda m, x: np.roll(x, -1, axis=1), BOX),
    "roll along two": (lambda m, x: np.roll(x, (1, 2), axis=(0, -1)), BOX),
    "roll one shift along two": (lambda m, x: np.roll(x, 1, axis=(0, 1)), BOX),
    "pad": (lambda m, x: m.pad(x, 1), MATRIX),
    "pad with a number": (lambda m, x: m.pad(x, ((1, 0), (0, 2)), constant_values=7.0), MATRIX),
    "pad by nothing": (lambda m, x: m.pad(x, 0), MATRIX),
    "pad nothing": (lambda m, x: m.pad(x, 1), EMPTY),
    "pad with the edge": (lambda m, x: m.pad(x, (3, 2), "edge"), ROW),
    "pad reflected": (lambda m, x: m.pad(x, 2, mode="reflect"), SQUARE),
    "pad symmetric": (lambda m, x: m.pad(x, ((0, 0), (2, 1)), mode="symmetric"), MATRIX),
    "pad around": (lambda m, x: m.pad(x, 4, mode="wrap"), ROW),
    "split": (lambda m, x: m.split(x, 3, axis=-1), MATRIX),
    "split at places": (lambda m, x: m.split(x, [1, 3]), LONG),
    "split at places in disorder": (lambda m, x: m.split(x, [3, 1, 9]), LONG),
    "array_split": (lambda m, x: m.array_split(x, 3), LONG),
    "array_split along an axis": (lambda m, x: m.array_split(x, 2, axis=2), BOX),
    "ravel": (lambda m, x: m.ravel(x), BOX),
    "ravel a number": (lambda m, x: m.ravel(x), NUMBER),
    "moveaxis": (lambda m, x: m.moveaxis(x, 0, -1), BOX),
    "moveaxis of two": (lambda m, x: m.moveaxis(x, (0, 1), (-1, 0)), BOX),
    "hstack of vectors": (lambda m, x, y: m.hstack([x, y]), ROW, ROW + 1),
    "hstack of matrices": (lambda m, x, y: m.hstack((x, y, x)), SQUARE, SQUARE + 1),
    "hstack of numbers": (lambda m, x, y: m.hstack([x, y, 3.0]), NUMBER, NUMBER + 1),
    "hstack of a matrix": (lambda m, x: m.hstack(x), MATRIX),
    "vstack of vectors": (lambda m, x, y: m.vstack([x, y]), ROW, ROW + 1),
    "vstack of matrix and vector": (lambda m, x, y: m.vstack([x, y]), MATRIX, ROW),
    "vstack of boxes": (lambda m, x: m.vstack((x, x)), BOX),
    "atleast_1d": (lambda m, x: m.atleast_1d(x), NUMBER),
    "atleast_1d of several": (lambda m, x, y: list(m.atleast_1d(x, y)), NUMBER, MATRIX),
    "atleast_2d": (lambda m, x: m.atleast_2d(x), ROW),
    "atleast_2d of a number": (lambda m, x: m.atleast_2d(x), NUMBER),
    "atleast_2d of nothing": (lambda m, x: m.atleast_2d(x), np.zeros(0)),
    "append a number": (lambda m, x: m.append(x, 4.0), ROW),
    "append a matrix": (lambda m, x, y: m.append(x, y), MATRIX, SQUARE),
    "append rows": (lambda m, x, y: m.append(x, y, axis=0), MATRIX, SQUARE),
    "sort": (lambda m, x: m.sort(x), MATRIX),
    "sort along the first axis": (lambda m, x: m.sort(x, axis=0), LONG),
    "sort all": (lambda m, x: m.sort(x, axis=None), MATRIX),
    "sort in one row": (lambda m, x: m.sort(x), ROW),
    # sums with letters
    "einsum of a diagonal": (lambda m, x: m.einsum("ii->i", x), SQUARE),
    "einsum of a trace": (lambda m, x: m.einsum("ii", x), SQUARE),
    "einsum of a diagonal of three": (lambda m, x: m.einsum("iii->i", x), np.ones((3, 3, 3))),
    "einsum of two diagonals": (lambda m, x: m.einsum("ijij->ji", x), np.ones((2, 3, 2, 3))),
    "einsum of rows": (lambda m, x, y: m.einsum("...ij,...jk->...ik", x, y), BOX, np.ones((4, 2))),
    "einsum of ...": (lambda m, x, y: m.einsum("...,...->...", x, y), BOX, np.ones((3, 1))),
    "einsum of ... at the end": (lambda m, x, y: m.einsum("ij...,kj...->ik...", x, y), BOX, BOX),
    "einsum of ... in the middle": (lambda m, x, y: m.einsum("i...j,k...j", x, y), BOX, BOX + 1),
    "einsum without an output": (lambda m, x, y: m.einsum("ba,cb", x, y), MATRIX, LONG[:, :2]),
    "einsum of ... without an output": (lambda m, x: m.einsum("b...a", x), BOX),
    "einsum with a diagonal among others": (
        lambda m, x, y, z: m.einsum("ijk,lji,lli->lki", x, y, z),
        RNG.normal(size=(2, 3, 3)), RNG.normal(size=(3, 3, 2)), RNG.normal(size=(3, 3, 2)),
    ),
    "einsum of lists": (lambda m, x, y: m.einsum(x, [0, 1], y, [1, 2], [0, 2]), MATRIX, SQUARE),
    "einsum of lists without an output": (
        lambda m, x, y: m.einsum(x, [1, 0], y, [2, 1]), SQUARE, SQUARE + 1,
    ),
    "einsum of lists with ...": (
        lambda m, x, y: m.einsum(x, [..., 0, 1], y, [..., 1, 2], [..., 0, 2]), BOX, np.ones((4, 2)),
    ),
    "einsum of an axis of length 1": (
        lambda m, x, y: m.einsum("ij,ij->i", x, y), MATRIX, MATRIX[:, :1],
    ),
}  # fmt: skip


def joined(m: Any, result: Any) -> Any:
    """What one call returns, or all parts of a list in one row."""
    return m.concatenate([m.ravel(x) for x in result]) if isinstance(result, list) else result


@pytest.mark.parametrize("name", CALLS)
def test_the_values_are_those_of_numpy(name: str) -> None:
    call, *arrays = CALLS[name]
    wanted = call(np, *arrays)
    for m in (np, tx):
        found = call(m, *map(tx.Tensor, arrays))
        pairs = zip(found, wanted, strict=True) if isinstance(wanted, list) else [(found, wanted)]
        for got, want in pairs:
            assert isinstance(got, tx.Tensor)
            np.testing.assert_allclose(got.data, want, rtol=1e-14, atol=1e-15)
            assert (got.shape, got.dtype) == (np.shape(want), np.float64)
    plain = joined(np, call(tx, *arrays))
    assert not isinstance(plain, tx.Tensor)
    np.testing.assert_allclose(plain, joined(np, wanted), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", CALLS)
def test_the_gradients_are_those_of_differences(name: str) -> None:
    call, *arrays = CALLS[name]

    def f(*xs: Any) -> Any:
        return joined(tx, call(np, *xs)) + 0.0 * sum(x.sum() for x in xs)

    if all(x.size for x in arrays):
        for order in (1, 2):
            report = tx.gradcheck(f, *arrays, order=order)
            assert report.ok, str(report)
            assert "unclear" not in str(report)
    else:
        xs = [*map(tx.Tensor, arrays)]
        assert [x.shape for x in tx.gradients(f(*xs).sum(), xs)] == [x.shape for x in arrays]


@pytest.mark.parametrize("name", CALLS)
def test_dtypes_are_those_of_numpy(name: str) -> None:
    call, *arrays = CALLS[name]
    xs = [tx.Tensor(x, dtype=np.float32) for x in arrays]
    y = joined(tx, call(np, *xs))
    assert y.dtype == joined(np, call(np, *[x.astype(np.float32) for x in arrays])).dtype
    assert {g.dtype for g in tx.gradients(y, xs, seed=np.ones(y.shape))} == {np.dtype(np.float32)}


# -- steps -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step", [tx.sign, tx.floor, tx.ceil, tx.round, lambda x: x // 1.5, lambda x: 7.0 // x]
)
def test_what_came_through_a_step_is_not_trained(step: Any) -> None:
    x = tx.Tensor([-1.5, 0.25, 2.0, 1e300])  # on a step, too
    slope = tx.gradients(step(x), x, seed=[1.0, np.inf, np.nan, 1.0], create_graph=True)
    assert slope.data.tolist() == [0, 0, 0, 0]
    assert tx.gradients(slope.sum() + (x * 0).sum(), x).tolist() == [0, 0, 0, 0]
    step(x).sum().backward()
    assert x.grad.tolist() == [0, 0, 0, 0], "zeros, so that an update finds a gradient"


def test_rounding_is_that_of_numpy() -> None:
    x = tx.Tensor([0.5, 1.5, -2.5, 1.25])
    assert np.round(x).data.tolist() == x.round().data.tolist() == [0, 2, -2, 1]
    assert (
        tx.round(x, decimals=1).data.tolist()
        == np.round(x, 1).data.tolist()
        == [0.5, 1.5, -2.5, 1.2]
    )
    assert (x % 1).data.tolist() == [0.5, 0.5, 0.5, 0.25]
    assert (-7 // tx.Tensor(2.0)).item() == -4
    assert (tx.Tensor([7, -7]) // 2).data.tolist() == [3, -4]
    x %= tx.Tensor(1.0)  # a new Tensor: the other operand is one
    assert x.op is tx.remainder
    leaf = tx.Tensor([1.0, 2.0])
    with pytest.raises(errors.InPlaceError, match=r"p\.data -= "):
        leaf %= np.ones(2)
    with pytest.raises(errors.InPlaceError, match=r"p\.data -= "):
        leaf //= np.ones(2)


# -- places where a formula breaks ---------------------------------------------------------------


CLOSE = 45 * 2.0**-52  # so that 1 - CLOSE is exact


def slope_at(f: Any, *numbers: float) -> list[float]:
    xs = [tx.Tensor(float(x)) for x in numbers]
    return [g.item() for g in tx.gradients(f(*xs), xs)]


@pytest.mark.parametrize(
    ("f", "x", "wanted"),
    [
        (tx.arctan, 1e200, 0.0),
        (tx.arctan, 1e150, 1e-300),
        (tx.arcsinh, 1e200, 1e-200),
        (tx.arcsinh, -1e200, 1e-200),
        (tx.arccosh, 1e200, 1e-200),
        (tx.arcsin, 1 - CLOSE, 1 / math.sqrt(CLOSE * (2 - CLOSE))),
        (tx.arccos, CLOSE - 1, -1 / math.sqrt(CLOSE * (2 - CLOSE))),
        (tx.arctanh, 1 - CLOSE, 1 / (CLOSE * (2 - CLOSE))),
        (tx.cbrt, -1e-300, 1e200 / 3),
        (tx.reciprocal, 1e-100, -1e200),
        (tx.vector_norm, -3.0, -1.0),
        (tx.vector_norm, 0.0, 0.0),
        (lambda x: tx.norm(x * np.ones(2), 1), 0.0, 0.0),
        (lambda x: tx.norm(x * np.ones(2), np.inf), 0.0, 0.0),
        (lambda x: tx.vector_norm(x * np.ones(3), ord=0), 2.0, 0.0),
        (lambda x: tx.std(x * np.ones(3)), 2.0, 0.0),
        (tx.std, 2.0, 0.0),
    ],
)  # fmt: skip
def test_slopes_far_out_near_borders_and_at_zero(f: Any, x: float, wanted: float) -> None:
    (found,) = slope_at(f, x)
    assert found == pytest.approx(wanted, rel=4e-16, abs=0)


@pytest.mark.parametrize(
    ("f", "xs", "wanted"),
    [
        (tx.hypot, (3e200, 4e200), [0.6, 0.8]),
        (tx.hypot, (0, 0), [0, 0]),
        (tx.hypot, (0, -2), [0, -1]),
        (tx.arctan2, (1e200, 1e200), [5e-201, -5e-201]),
        (tx.arctan2, (0, -1), [-1, 0]),
        (tx.arctan2, (0, 0), [0, 0]),
        (tx.logaddexp, (1000, 1000), [0.5, 0.5]),
        (tx.logaddexp, (-1000, 1000), [0, 1]),
        (tx.logaddexp, (-np.inf, 2), [0, 1]),
        (tx.logaddexp, (-np.inf, -np.inf), [0.5, 0.5]),
        (tx.logaddexp, (np.inf, np.inf), [0.5, 0.5]),
        (tx.logaddexp, (1e15, 1e15 + 1), [1 / (1 + math.e), 1 / (1 + math.exp(-1))]),
        (tx.remainder, (7.5, 2), [1, -3]),
        (tx.remainder, (-7.5, 2), [1, 4]),
    ],
)
def test_slopes_of_two_numbers(f: Any, xs: Any, wanted: Any) -> None:
    assert slope_at(f, *xs) == pytest.approx(wanted, rel=1e-15, abs=0)


def test_logaddexp_bends_where_its_inputs_are_equal() -> None:
    x = tx.Tensor([3.0, 3.0])
    np.testing.assert_allclose(
        tx.hessian(tx.logaddexp(x[0], x[1]), x), [[0.25, -0.25], [-0.25, 0.25]], rtol=1e-15
    )


def test_entries_that_are_equal() -> None:
    x = tx.Tensor([2.0, 1.0, 2.0, 1.0])
    ordered = np.sort(x)
    assert tx.gradients(ordered, x, seed=[1, 2, 3, 4]).tolist() == [3, 1, 4, 2], "in their order"
    level = tx.Tensor(np.tile([1.0, 0.0], 100))  # long enough for a sort that mixes equal entries
    seed = np.arange(200.0)
    assert (tx.gradients(np.sort(level), level, seed=seed)[1::2] == seed[:100]).all()
    assert tx.gradients(tx.norm(x, np.inf), x).tolist() == [0.5, 0, 0.5, 0], "those that tie share"
    assert x.argsort().tolist() == [1, 3, 0, 2]
    assert np.sort(tx.Tensor([np.nan, 1.0])).data[0] == 1


# -- products with zeros -------------------------------------------------------------------------


def others(values: Any, *left_out: int) -> int:
    return math.prod(v for i, v in enumerate(values) if i not in left_out)


@pytest.mark.parametrize("seed", range(20))
def test_products_of_whole_numbers_are_exact_to_the_second_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    values = rng.integers(-3, 4, n).tolist()  # zeros: none, one, or several
    weights = rng.integers(-4, 5, n).tolist()
    x = tx.Tensor([float(v) for v in values])
    places = range(n)
    assert tx.gradients(x.prod(), x).tolist() == [others(values, i) for i in places]
    assert tx.hessian(x.prod(), x).tolist() == [
        [0 if i == j else others(values, i, j) for j in places] for i in places
    ]
    running = (np.array(weights) * x.cumprod()).sum()
    assert tx.gradients(running, x).tolist() == [
        sum(weights[k] * others(values[: k + 1], i) for k in range(i, n)) for i in places
    ]
    assert tx.hessian(running, x).tolist() == [
        [
            0 if i == j else sum(
                weights[k] * others(values[: k + 1], i, j) for k in range(max(i, j), n)
            )
            for j in places
        ]
        for i in places
    ]  # fmt: skip


@pytest.mark.parametrize("op", [tx.prod, tx.cumprod])
def test_a_product_with_a_zero_takes_little_memory(op: Any) -> None:
    n = 20_000
    values = np.ones(n)
    values[n // 2] = 0
    x = tx.Tensor(values)
    y = op(x)
    tracemalloc.start()
    grad = tx.gradients(y, x, seed=np.ones(y.shape))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grad[n // 2] == (1 if op is tx.prod else n // 2)
    assert peak < 20 * values.nbytes, "a table of all pairs would take 20,000 times as much"


def test_a_product_that_underflows_has_slopes_that_do_not() -> None:
    x = tx.Tensor([1e-200, 1e-200, 3.0])
    assert tx.gradients(x.prod(), x).tolist() == [3e-200, 3e-200, 0]
    assert tx.gradients(x.cumprod()[1], x).tolist() == [1e-200, 1e-200, 0]


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: tx.einsum("ij->ij", x, x), errors.ArgumentError, "names 1 operands, got 2"),
        (lambda x: tx.einsum("ijk->k", x), errors.ArgumentError, r"'ijk' does not fit .*\(2, 3\)"),
        (lambda x: tx.einsum("i", x), errors.ArgumentError, r"'i' does not fit"),
        (lambda x: tx.einsum("ii", x), errors.ArgumentError, r"axes 0 and 1 .*both 'i'"),
        (lambda x: tx.einsum("...i->i", x), errors.ArgumentError, r"\.\.\. in the output"),
        (lambda x: tx.einsum(x, [0, 52]), errors.ArgumentError, r"0 to 51, got \[0, 52\]"),
        (lambda x: tx.einsum(x, [0, -1]), errors.ArgumentError, r"0 to 51, got \[0, -1\]"),
        (lambda x: tx.einsum("ij->ii", x), ValueError, "more than once|multiple times"),
        (lambda x: tx.einsum("ij->k", x), ValueError, "never appeared|not appear"),
        (lambda x: tx.einsum("i1", x), ValueError, "invalid subscript"),
        (lambda x: tx.tensordot(x, x, 1), errors.ArgumentError, r"\(2, 3\) and \(2, 3\).*lengths"),
        (lambda x: tx.tensordot(x, x, 3), errors.ArgumentError, "axes=3, but x has 2 axes"),
        (lambda x: tx.split(x, 2, axis=2), ValueError, "axis 2 is out of bounds"),
        (lambda x: tx.array_split(x, 2, axis=2), ValueError, "axis 2 is out of bounds"),
        (lambda x: tx.tensordot(x, x, ([0], [0, 1])), errors.ArgumentError, "same lengths"),
        (lambda x: tx.dot(x, x), errors.ShapeError, r"Perhaps x @ y\.T is meant"),
        (lambda x: tx.diag(x[None]), errors.ArgumentError, r"got shape \(1, 2, 3\); see diagonal"),
        (lambda x: tx.norm(x, 2), errors.ArgumentError, "ord=2 over 2 axes.*singular values"),
        (lambda x: tx.norm(x, "nuc"), errors.ArgumentError, "ord='nuc'"),
        (lambda x: tx.norm(x[None], 1), errors.ArgumentError, "ord=1 over 3 axes"),
        (lambda x: tx.norm(x[0], "fro"), errors.ArgumentError, "of a vector it is a number"),
        (lambda x: tx.pad(x, 1, mode="mean"), errors.ArgumentError, "'mean'; choose one of"),
        (lambda x: tx.split(x, 2, axis=1), ValueError, "equal division"),
        (lambda x: x.sort(), errors.InPlaceError, r"write tx\.sort\(x\)"),
        (lambda x: np.sum(x, dtype=float), errors.NumpyFunctionError, r"`dtype`; it calls tx\.sum"),
        (lambda x: np.ravel(x, "F"), errors.NumpyFunctionError, "`order`"),
        (lambda x: np.exp(x, out=np.ones((2, 3))), errors.NumpyFunctionError, "`out`"),
        (np.add.reduce, errors.NumpyFunctionError, r"np\.add\.reduce would lose"),
        (lambda x: np.nextafter(x, x), errors.NumpyFunctionError, r"np\.nextafter would lose"),
        (lambda x: np.put(x, 0, 1), errors.NumpyFunctionError, r"np\.put would lose"),
        (np.fft.fft, errors.NumpyFunctionError, r"np\.fft\.fft would lose .*compose it"),
        (np.linalg.inv, errors.NumpyFunctionError, r"np\.linalg\.inv would lose"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_right_says_why(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call(tx.Tensor(MATRIX))


# -- spellings -----------------------------------------------------------------------------------


def test_numpys_own_arguments_by_position_and_by_name() -> None:
    x = tx.Tensor(BOX)
    for found, wanted in (
        (np.sum(x, 0), BOX.sum(0)),
        (np.sum(a=x, axis=(0, 1), keepdims=True), BOX.sum((0, 1), keepdims=True)),
        (np.mean(x, -1, None, None, True), BOX.mean(-1, keepdims=True)),
        (np.amax(x, 1), BOX.max(1)),
        (np.clip(x, -1, None), BOX.clip(-1, None)),
        (np.clip(x, a_min=0, a_max=1), BOX.clip(0, 1)),
        (np.reshape(x, (4, 6)), BOX.reshape(4, 6)),
        (np.concatenate([x, np.ones((1, 3, 4))]), np.concatenate([BOX, np.ones((1, 3, 4))])),
        (np.concatenate((BOX, x), 2), np.concatenate((BOX, BOX), 2)),
        (np.stack([x, x], -1), np.stack([BOX, BOX], -1)),
        (np.where(BOX > 0, x, 0), np.where(BOX > 0, BOX, 0)),
        (np.einsum("ijk->kj", x, optimize=True), np.einsum("ijk->kj", BOX)),
        (np.sort(x, kind="stable"), np.sort(BOX)),
        (np.linalg.trace(x), np.linalg.trace(BOX)),
        (np.linalg.diagonal(x, offset=1), np.linalg.diagonal(BOX, offset=1)),
        (np.take(x, [0, 2], 1), np.take(BOX, [0, 2], 1)),
        (np.expand_dims(x, 0), BOX[None]),
        (np.squeeze(x[:1], 0), BOX[0]),
    ):
        assert isinstance(found, tx.Tensor)
        np.testing.assert_array_equal(found.data, wanted)


def test_what_numpy_tells_of_the_numbers_is_plain() -> None:
    x = tx.Tensor([[1.0, np.nan], [-0.0, np.inf]])
    for f in (
        np.isnan, np.isfinite, np.isinf, np.signbit, np.logical_not, np.shape, np.ndim, np.size,
        np.argmax, np.argsort, np.zeros_like, np.ones_like, np.any, np.count_nonzero,
    ):  # fmt: skip
        found = f(x)
        assert not isinstance(found, tx.Tensor)
        np.testing.assert_array_equal(found, f(x.data))
    assert np.allclose(tx.Tensor(MATRIX), MATRIX)
    assert np.array_equal(MATRIX, tx.Tensor(MATRIX))
    assert np.less(x, 2).tolist() == [[True, False], [True, False]]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("std", ()), ("std", (1,)), ("cumprod", ()), ("cumprod", (0,)), ("round", (1,)),
        ("dot", (np.ones(3),)), ("diagonal", (1,)), ("trace", ()), ("trace", (-1,)),
        ("repeat", (2,)), ("repeat", ([1, 2], 0)), ("ravel", ()), ("flatten", ()),
        ("argsort", (0,)),
    ],
)  # fmt: skip
def test_methods_are_those_of_arrays(name: str, args: Any) -> None:
    found, wanted = getattr(tx.Tensor(MATRIX), name)(*args), getattr(MATRIX, name)(*args)
    np.testing.assert_allclose(getattr(found, "data", found), wanted, rtol=1e-14)
    assert tx.Tensor(BOX).mT.shape == (2, 4, 3)


def test_the_names_of_the_array_api() -> None:
    same = {
        "acos": tx.arccos, "acosh": tx.arccosh, "asin": tx.arcsin, "asinh": tx.arcsinh,
        "atan": tx.arctan, "atan2": tx.arctan2, "atanh": tx.arctanh, "concat": tx.concatenate,
        "permute_dims": tx.transpose, "pow": tx.power,
    }  # fmt: skip
    for name, op in same.items():
        assert getattr(tx, name) is op
    x = tx.Tensor(MATRIX)
    for running, numpys, first in (
        (tx.cumulative_sum, np.cumsum, 0),
        (tx.cumulative_prod, np.cumprod, 1),
    ):
        np.testing.assert_array_equal(running(x, axis=1).data, numpys(MATRIX, 1))
        begun = running(x, axis=-1, include_initial=True)
        np.testing.assert_array_equal(begun.data[:, 1:], numpys(MATRIX, 1))
        assert begun.data[:, 0].tolist() == [first, first]
        assert running(x[0], include_initial=True).shape == (4,)
        assert tx.gradcheck(lambda x, f=running: f(x, axis=0, include_initial=True), MATRIX)
    assert np.permute_dims(x, (1, 0)).shape == (3, 2)
    assert np.concat([x, x]).shape == (4, 3)
    assert tx.matrix_transpose(x).shape == np.matrix_transpose(x).shape == (3, 2)


def test_the_trace_of_a_matrix_and_that_of_a_graph() -> None:
    x = tx.Tensor(SQUARE)
    assert x.trace().item() == np.trace(x).item() == tx.matrix_trace(x).item() == np.trace(SQUARE)
    assert isinstance(tx.trace(x.trace()), tx.visualization.tracing.Trace)


def test_plain_lists_and_complex_numbers_go_through_as_in_numpy() -> None:
    assert tx.hstack([[1.0], 2.0]).tolist() == [1, 2]
    assert tx.norm([3.0, 4.0]) == 5
    assert tx.tile([1, 2], 2).tolist() == [1, 2, 1, 2]
    assert tx.sin(1j) == np.sin(1j)
    assert tx.cumprod([1j, 1j]).tolist() == [1j, -1]


# -- arrays from elsewhere -----------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_either_byte_order(order: str, kind: str) -> None:
    logits = MATRIX.astype(order + kind)
    labels = np.array([0, 2], f"{order}i4")
    x = tx.Tensor(logits)
    assert x.dtype == np.dtype(kind)
    assert x.dtype.isnative
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    wanted = tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 2], logits=MATRIX.astype(kind))
    np.testing.assert_array_equal(loss.data, wanted)
    np.testing.assert_array_equal(
        tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits), wanted
    )
    loss.sum().backward()
    assert x.grad.dtype == x.dtype
    x.data = logits + 1
    assert x.dtype.isnative


def test_a_mask_is_not_lost_silently() -> None:
    masked = np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False])
    x = tx.Tensor([1.0, 2.0, 3.0])
    for call in (
        lambda: tx.Tensor(masked),
        lambda: setattr(x, "data", masked),
        lambda: x * masked,
        lambda: tx.softmax(masked),
        lambda: tx.sparse_categorical_crossentropy(0, masked / 6),
        lambda: (x * 1).backward(masked),
    ):
        with pytest.raises(
            errors.DtypeError, match=r"lose its mask: fill it first, x\.filled\(0\)"
        ):
            call()
    for call in (lambda: masked * x, lambda: masked + x, lambda: np.ma.exp(x)):
        with pytest.raises(errors.NumpyFunctionError, match=r"masked array .*lose the graph"):
            call()
    assert tx.exp(masked).mask.tolist() == [False, True, False], "NumPy alone keeps it"


def test_take_along_axis_of_all_entries() -> None:
    x = tx.Tensor(MATRIX)
    picked = tx.take_along_axis(x, [5, 0, 0], axis=None)
    np.testing.assert_array_equal(picked.data, MATRIX.ravel()[[5, 0, 0]])
    grad = tx.gradients(picked, x, seed=[1.0, 2.0, 3.0])
    assert grad.tolist() == [[5, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("ord", [0.5, 1.5, 3.0, -1.0])
def test_the_gradient_of_a_norm_is_0_where_an_entry_is(ord: float) -> None:
    x = tx.Tensor([[0.0, 2.0], [0.0, 0.0], [3.0, 4.0]])
    with np.errstate(divide="ignore"):
        (grad,) = tx.gradients(tx.vector_norm(x, ord=ord, axis=1).sum(), [x])
        y = np.linalg.vector_norm(x.data[2], ord=ord)
    assert grad[:2].tolist() == [[0, 0 if ord < 0 else 1], [0, 0]]
    np.testing.assert_allclose(grad[2], (x.data[2] / y) ** (ord - 1))
