"""Right rules, written differently from those of the package: `gradcheck` must pass them all.

`python tests/right_rules.py` checks each in several dtypes and magnitudes.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_xent import gradcheck, op, ops
from tinygrad_xent.checking.samples import Sample
from tinygrad_xent.checking.subjects import OpSubject, is_real, precise
from tinygrad_xent.domains import distinct, positive
from tinygrad_xent.ops import log_softmax, sigmoid, softmax, sum_to
from tinygrad_xent.teaching.museum import RIGHT_RULES as OWN
from tinygrad_xent.teaching.museum import layers, op_of
from tinygrad_xent.teaching.museum.rules import (
    Rule,
    above_zero,
    class_numbers,
    distributions,
    logits_for,
    normal,
    repeated_rows,
    with_value,
)


def right(op, inputs=None):
    """Make a rule of the decorated function; its docstring is its description."""
    return lambda rule: Rule(rule.__name__, op, rule, inspect.cleandoc(rule.__doc__ or ""), inputs)


_ROWS = normal((4, 5))
_SPARSE = class_numbers(3, 10)


@op(domain=distinct)
def hard_tanh(x):
    r"""Identity, clipped at 1 and -1: $y = \max(-1, \min(x, 1))$."""
    return np.clip(x, -1, 1)


@hard_tanh.backward
def hard_tanh_backward(grad, y, x):
    r"""$\bar x = [-1 < x < 1]\,\bar y$"""
    return ops.where((x > -1) & (x < 1), grad, 0)


@op(shapes="(n)->(n)")
def centre(x):
    r"""Rows minus their mean: $y_i = x_i - \frac{1}{n} \sum_j x_j$."""
    return x - np.mean(x, axis=-1, keepdims=True)


@centre.backward
def centre_backward(grad, y, x):
    r"""$\bar x_i = \bar y_i - \frac{1}{n} \sum_j \bar y_j$"""
    return grad - ops.mean(grad, axis=-1, keepdims=True)


@right(ops.exp)
def exp_computed_again(grad, y, x):
    """Computed from the input instead of the output."""
    return np.exp(x) * grad


@right(ops.log)
def log_by_power(grad, y, x):
    """1/x as a power."""
    return grad * x**-1


@right(ops.sqrt)
def sqrt_by_power(grad, y, x):
    """The power rule."""
    return grad * 0.5 * x**-0.5


@right(ops.tanh)
def tanh_by_cosh(grad, y, x):
    """1 - tanh² equals 1/cosh²."""
    return grad / np.cosh(x) ** 2


@right(ops.tanh)
def tanh_in_factors(grad, y, x):
    """Loses fewer digits near saturation."""
    return grad * (1 - y) * (1 + y)


@right(ops.sigmoid)
def sigmoid_by_symmetry(grad, y, x):
    """1 - σ(x) equals σ(-x), which avoids cancellation."""
    return grad * y * sigmoid(-x)


@right(ops.sigmoid)
def sigmoid_by_exponentials(grad, y, x):
    """Exponentials of -|x| do not overflow."""
    e = np.exp(-np.absolute(x))
    return grad * e / (1 + e) ** 2


@right(ops.add)
def add_of_copies(grad, z, x, y):
    """Two arrays instead of the same one twice."""
    return grad.copy(), grad.copy()


@right(ops.multiply)
def multiply_summed_by_hand(grad, z, x, y):
    """Broadcasting undone in the rule instead of the engine."""
    return sum_to(grad * y, shape=x.shape), sum_to(grad * x, shape=y.shape)


@right(ops.multiply)
def multiply_by_thunks(grad, z, x, y):
    """Computed only when needed."""
    return lambda: y * grad, lambda: x * grad


@right(ops.divide)
def divide_by_the_square(grad, z, x, y):
    """The textbook formula."""
    return grad / y, -grad * x / y**2


@right(ops.power, above_zero((2, 3), (2, 3)))
def power_by_logarithm(grad, y, x, n):
    """From the output: n x^n / x."""
    return grad * y * n / x, grad * y * np.log(x)


@right(ops.sum, normal((2, 3), axis=1))
def sum_times_ones(grad, y, x, *, axis, keepdims):
    """A new array instead of a view."""
    return np.expand_dims(grad, axis) * np.ones_like(x)


@right(ops.mean, normal((4, 3), axis=0))
def mean_of_ones(grad, y, x, *, axis, keepdims):
    """A read-only view of one row."""
    return np.broadcast_to(grad / x.dtype.type(x.shape[axis]), x.shape)


@right(ops.var, normal((4, 3)))
def var_with_the_mean(grad, y, x, *, axis, ddof, keepdims):
    """Includes the path through the mean, although it sums to 0."""
    slope = grad * 2 * (x - np.mean(x)) / x.dtype.type(x.size)
    return slope - np.mean(slope)


@right(ops.logsumexp, normal((2, 3), axis=1))
def logsumexp_from_its_output(grad, y, x, *, axis, keepdims):
    """The softmax as exp(x - y), which cannot overflow."""
    return np.expand_dims(grad, axis) * np.exp(x - np.expand_dims(y, axis))


@right(ops.cumsum, normal((2, 4), axis=1))
def cumsum_from_the_total(grad, y, x, *, axis):
    """The total minus the earlier entries."""
    return np.sum(grad, axis=axis, keepdims=True) - np.cumsum(grad, axis=axis) + grad


@right(ops.prod, normal((5,)))
def prod_one_left_out(grad, y, x, *, axis, keepdims):
    """For each entry, the product of the others."""
    return grad * np.array([np.prod(np.delete(x, i)) for i in range(len(x))], x.dtype)


@right(ops.broadcast_to, normal((3,), shape=(4, 3)))
def broadcast_to_by_a_product(grad, y, x, *, shape):
    """A row of ones times the gradient."""
    return np.ones(4, grad.dtype) @ grad


@right(ops.matmul, normal((2, 3), (3, 4)))
def matmul_by_einsum(grad, z, x, y):
    """The subscripts name the axis that is summed."""
    return np.einsum("mn,kn->mk", grad, y), np.einsum("mk,mn->kn", x, grad)


@right(ops.matmul, normal((2, 3), (3, 4)))
def matmul_transposed_twice(grad, z, x, y):
    """(y zᵀ)ᵀ, which is not contiguous in memory."""
    return (y @ grad.T).T, (grad.T @ x).T


@right(layers.linear, normal((5, 3), (3, 4), (4,)))
def linear_bias_by_a_loop(grad, y, x, w, b):
    """One example after another."""
    db = np.zeros_like(b)
    for row in grad:
        db += row
    return grad @ w.T, x.T @ grad, db


@right(layers.outer)
def outer_by_sums(grad, y, a, b):
    """Elementwise products, then summed."""
    return np.sum(grad * b, axis=1), np.sum(grad * a[:, None], axis=0)


@right(ops.reshape, normal((2, 3), shape=(6,)))
def reshape_like_the_input(grad, y, x, *, shape):
    """Uses the method."""
    return grad.reshape(x.shape)


@right(ops.transpose, normal((2, 3, 4), axes=(1, 2, 0)))
def transpose_by_moving(grad, y, x, *, axes):
    """Moves each axis back."""
    return np.moveaxis(grad, range(grad.ndim), axes)


@right(ops.swapaxes)
def swapaxes_as_transpose(grad, y, x, *, axis1, axis2):
    """For a matrix the two are the same."""
    return grad.T


@right(ops.flip, normal((2, 4), axis=1))
def flip_by_slice(grad, y, x, *, axis):
    """A view with a negative stride."""
    return grad[:, ::-1]


@right(ops.expand_dims, normal((2, 3), axis=1))
def expand_dims_by_reshape(grad, y, x, *, axis):
    """Needs only the shape of the input."""
    return grad.reshape(x.shape)


@right(ops.concatenate, normal((2, 3), (2, 3)))
def concatenate_by_split(grad, y, *xs, axis):
    """NumPy's inverse function."""
    return tuple(np.split(grad, 2, axis=axis))


@right(ops.stack, normal((2, 3), (2, 3)))
def stack_by_iteration(grad, y, *xs, axis):
    """Iterates over the first axis."""
    return tuple(grad)


@right(ops.getitem, normal((12,), index=np.array([1, 4, 4, 7, 9])))
def getitem_by_loop(grad, y, x, *, index):
    """One entry after another, so that an entry read twice gets both gradients."""
    out = np.zeros_like(x)
    for place, piece in zip(index, grad, strict=True):
        out[place] += piece
    return out


@right(ops.take, repeated_rows(lambda rows: ((rows,), {"axis": 0})))
def take_by_one_hot(grad, y, x, indices, *, axis):
    """A one-hot matrix, transposed, times the gradient."""
    return np.eye(len(x), dtype=grad.dtype)[indices].T @ grad, None


@right(ops.softmax, _ROWS)
def softmax_multiplied_out(grad, y, x, *, axis):
    """The product expanded."""
    return y * grad - y * np.sum(y * grad, axis=axis, keepdims=True)


@right(ops.softmax, _ROWS)
def softmax_by_jacobian(grad, y, x, *, axis):
    """The Jacobian of each row, then the product."""
    jacobian = y[:, :, None] * (np.eye(y.shape[1], dtype=y.dtype) - y[:, None, :])
    return np.einsum("ni,nij->nj", grad, jacobian)


@right(ops.softmax, _ROWS)
def softmax_row_by_row(grad, y, x, *, axis):
    """A loop over the rows."""
    return np.stack([p * (g - g @ p) for g, p in zip(grad, y, strict=True)])


@right(ops.log_softmax, _ROWS)
def log_softmax_by_softmax(grad, y, x, *, axis):
    """The probabilities computed again."""
    return grad - softmax(x, axis=axis) * np.sum(grad, axis=axis, keepdims=True)


@right(centre, _ROWS)
def centre_again(grad, y, x):
    """Centring is a symmetric projection, so the rule equals the function."""
    return centre(grad)


@right(layers.normalise, above_zero((4, 5)))
def normalise_by_quotient_rule(grad, y, x):
    """Numerator and denominator separately."""
    total = np.sum(x, axis=-1, keepdims=True)
    return grad / total - np.sum(grad * x, axis=-1, keepdims=True) / total**2


@right(ops.softmax_cross_entropy, distributions(4, 5))
def cross_entropy_by_logarithm(grad, loss, labels, logits, *, axis):
    """Through log-softmax."""
    grad, log_p = np.expand_dims(grad, axis), log_softmax(logits, axis=axis)
    total = np.sum(labels, axis=axis, keepdims=True)
    return -grad * log_p, grad * (np.exp(log_p) * total - labels)


@right(ops.sparse_softmax_cross_entropy, _SPARSE)
def sparse_by_subtracting_one(grad, loss, labels, logits, *, axis):
    """Subtracts 1 at the label of each row."""
    p = softmax(logits)
    p[np.arange(len(p)), labels] -= 1
    return None, np.expand_dims(grad, axis) * p


@right(ops.sparse_softmax_cross_entropy, _SPARSE)
def sparse_by_one_hot(grad, loss, labels, logits, *, axis):
    """With one-hot labels computed in the rule."""
    one_hot = np.eye(logits.shape[1], dtype=logits.dtype)[labels]
    return None, np.expand_dims(grad, axis) * (softmax(logits) - one_hot)


@right(ops.sparse_softmax_cross_entropy, _SPARSE)
def sparse_by_loop(grad, loss, labels, logits, *, axis):
    """Row by row."""
    out = softmax(logits)
    for i, label in enumerate(labels):
        out[i, label] -= 1
        out[i] *= grad[i]
    return None, out


@right(layers.mean_cross_entropy, logits_for(3, 10))
def batch_divided_early(grad, loss, logits, *, target):
    """Divides the upstream gradient, not the result."""
    p = softmax(logits)
    p[np.arange(len(p)), target] -= 1
    return p * (grad / logits.dtype.type(len(logits)))


@right(ops.square, lambda rng: ((np.asarray(positive.draw(rng, ())),), {}))
def square_of_a_scalar(grad, y, x):
    """Returns a NumPy scalar, not an array."""
    return (x + x) * grad[()]


# -- at kinks, where every slope between those of the two sides is right ----------------------

_ZERO = with_value(0.0, (2, 3))


@right(ops.relu, _ZERO)
def relu_by_its_output(grad, y, x):
    """Slope 0 at 0."""
    return grad * (y > 0)


@right(ops.relu, _ZERO)
def relu_with_slope_one_at_zero(grad, y, x):
    """Slope 1 at 0."""
    return grad * (x >= 0)


@right(ops.relu, _ZERO)
def relu_with_half_a_slope_at_zero(grad, y, x):
    """Slope 1/2 at 0, the mean of both sides."""
    return grad * np.heaviside(x, x.dtype.type(0.5))


@right(ops.absolute, _ZERO)
def absolute_by_sign(grad, y, x):
    """Slope 0 at 0, between -1 and 1."""
    return grad * np.sign(x)


@right(ops.absolute, _ZERO)
def absolute_falls_at_zero(grad, y, x):
    """Slope -1 at 0."""
    return np.where(x > 0, grad, -grad)


@right(hard_tanh, with_value(1.0, (2, 3)))
def hard_tanh_open_at_its_limits(grad, y, x):
    """The gradient passes at the limits."""
    return grad * (np.absolute(x) <= 1)


def _ties(rng):
    x, y = rng.normal(size=(2, 3, 4))
    x[1], y[2, 3] = y[1], x[2, 3]
    return (x, y), {}


@right(ops.maximum, _ties)
def maximum_first_wins_ties(grad, z, x, y):
    """The first input gets the whole gradient of a tie."""
    return grad * (x >= y), grad * (x < y)


@right(ops.maximum, _ties)
def maximum_second_wins_ties(grad, z, x, y):
    """The second input gets the whole gradient of a tie."""
    return grad * (x > y), grad * (x <= y)


@right(ops.max, lambda rng: (_tied_rows(rng), {"axis": 1}))
def max_first_of_the_ties(grad, y, x, *, axis, keepdims):
    """The first of the largest entries gets the whole gradient, as with `argmax`."""
    out = np.zeros_like(x)
    out[np.arange(len(x)), np.argmax(x, axis=axis)] = grad
    return out


def _tied_rows(rng):
    x = rng.uniform(-1, 1, (3, 5))
    x[1, :2] = 2
    return (x,)


RIGHT_RULES = (*OWN, *(value for value in vars().values() if isinstance(value, Rule)))
SCALES = {"usual": 1.0, "tiny": 1e-4, "large": 20.0}


def false_alarms(rules: tuple[Rule, ...], seed: int = 0) -> Iterator[tuple[Rule, str, Any]]:
    """Check right rules in several dtypes and magnitudes; yield those that fail, and where."""
    for rule in rules:
        for where, (inputs, params) in variants(rule, np.random.default_rng(seed)):
            report = gradcheck(op_of(rule), *inputs, rng=np.random.default_rng(seed), **params)
            if not report.ok:
                yield rule, where, report


def variants(rule: Rule, rng: np.random.Generator) -> Iterator[tuple[str, Sample]]:
    """Yield an example in each precision with usual, tiny and large numbers.

    Examples whose function or gradient the precision cannot represent are left out, as the rule is
    not to blame for them.
    """
    for dtype in (np.float64, np.float32, np.float16):
        for size, scale in SCALES.items():
            inputs, params = rule.example(rng)
            scaled = tuple(_cast(x, scale, dtype) for x in inputs)
            if _fits(rule, scaled, params, np.finfo(dtype)):
                yield f"{np.dtype(dtype).name}, {size}", (scaled, params)


def _cast(x: Any, scale: float, dtype: Any) -> Any:
    return np.asarray(x * scale, dtype) if is_real(x) else x


def _fits(rule: Rule, inputs: Any, params: Any, limits: Any) -> bool:
    """Return whether the precision represents function and gradient well."""
    narrow, wide = (OpSubject(rule.op, x, params) for x in (inputs, map(precise, inputs)))
    with np.errstate(all="ignore"):
        out = wide.value(wide.inputs)
        grads = wide.vjp(np.ones_like(out), out, wide.inputs)
        values = [out, *(g for g in grads if g is not None)]
        slack = 100 * limits.eps * np.max(np.absolute(out), initial=0)
        lost = np.absolute(narrow.value(narrow.inputs).astype(np.float64) - out)
        well = bool(np.all(lost <= slack))
    return well and all(np.all(np.absolute(value) < limits.max / 100) for value in values)


if __name__ == "__main__":
    for failed, _, said in false_alarms(RIGHT_RULES):
        sys.stdout.write(f"{failed.name}: {said}\n")
