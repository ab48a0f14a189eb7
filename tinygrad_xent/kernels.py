r"""Array code under the softmax family, right to the last digits; it knows no graph.

Everything rests on one decomposition of a row of logits z with its maximum m at place `top`:

    gap   = z - m                       (exact or rounded once)
    e     = exp(gap)
    rest  = sum of e without the top
    whole = sum of e = 1 + rest

With it the logarithm of the sum is log1p(rest), which keeps every digit when one class dominates,
and the gradient at the top is -rest / whole, where p - 1 would cancel. (TensorFlow's `xent_op.h`
and PyTorch's `log_softmax` compute log(sum) and p - 1, and lose them.)

Half precision is computed in single precision; what there is one of in a row, such as these sums,
always in double precision. Both are rounded once, at the end.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

Array = Any


def _sum(x: Array) -> tuple[Array, Array]:
    """Sum each row in double precision; give the sum in two parts, exact to nearly twice that.

    Doubles are split: their high parts are multiples of 2**-20, which add up without any rounding,
    and the low parts are so small that their roundings do not count.
    """
    if x.dtype == np.float32:
        return np.sum(x, axis=-1, keepdims=True, dtype=np.float64), np.float64(0)
    high = (x + 2.0**32) - 2.0**32
    low = np.ascontiguousarray(x - high)  # along other axes NumPy adds one by one, not in pairs
    return np.sum(high, axis=-1, keepdims=True), np.sum(low, axis=-1, keepdims=True)


def _decompose(z: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Give gap, e, top, rest and whole of each row; the last three with a last axis of length 1."""
    top = np.expand_dims(np.argmax(z, axis=-1), -1)
    gap = z - np.take_along_axis(z, top, axis=-1)
    e = np.exp(gap)
    e_top = np.take_along_axis(e, top, axis=-1)  # 1, or NaN in a row without a finite maximum
    np.put_along_axis(e, top, 0, axis=-1)
    high, low = _sum(e)
    rest, whole = high + low + (e_top - 1), (high + e_top) + low
    np.put_along_axis(e, top, e_top, axis=-1)
    return gap, e, top, rest, whole


def _in_rows(kernel: Callable[..., Array]) -> Callable[..., Array]:
    """Let a kernel of rows work along any axis, in at least single precision, without warnings.

    A NaN, and the NaN that an infinite logit makes, are answers here, not accidents.
    """

    @functools.wraps(kernel)
    def along(*arrays: Array, axis: int) -> Array:
        z = arrays[-1]
        if z.dtype.kind in "iub":
            z = z.astype(np.float64)
        half = z.dtype == np.float16
        rows = np.moveaxis(z.astype(np.float32) if half else z, axis, -1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            out = kernel(*arrays[:-1], rows).astype(z.dtype, copy=False)
        return np.moveaxis(out, -1, axis) if out.ndim == z.ndim else out

    return along


def _labels_in_rows(labels: Array, z: Array, axis: int) -> Array:
    return np.moveaxis(labels.astype(np.promote_types(z.dtype, np.float32), copy=False), axis, -1)


# -- softmax family --------------------------------------------------------------------------


@_in_rows
def _log_softmax(z: Array) -> Array:
    gap, _, _, rest, _ = _decompose(z)
    return gap - np.log1p(rest).astype(gap.dtype)


def log_softmax(z: Array, axis: int) -> Array:
    """Plainly: `z - max(z) - log(sum(exp(z - max(z))))`."""
    return _log_softmax(z, axis=axis)


@_in_rows
def _logsumexp(z: Array) -> Array:
    top = np.max(z, axis=-1)
    _, _, _, rest, _ = _decompose(z)
    return np.where(np.isinf(top), top, top + np.log1p(rest[..., 0]))


def logsumexp(x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:
    """Plainly: `log(sum(exp(x)))`."""
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    rows = np.transpose(x, kept + axes).reshape(
        *(x.shape[i] for i in kept), math.prod(x.shape[i] for i in axes)
    )
    out = _logsumexp(rows, axis=-1)
    return np.expand_dims(out, axes) if keepdims else out


# -- dense labels ----------------------------------------------------------------------------


@_in_rows
def _cross_entropy(t: Array, z: Array) -> Array:
    gap, _, _, rest, _ = _decompose(z)
    high, low = _sum(t)
    gaps = np.ascontiguousarray(np.where(t == 0, 0, t * gap))
    return ((high + low) * np.log1p(rest))[..., 0] - np.sum(gaps, axis=-1, dtype=np.float64)


def cross_entropy(labels: Array, z: Array, axis: int) -> Array:
    """Plainly: `-sum(labels * log_softmax(z))`."""
    return _cross_entropy(_labels_in_rows(labels, z, axis), z, axis=axis)


@_in_rows
def _softmax_minus_labels(t: Array, z: Array) -> Array:
    _, e, top, rest, whole = _decompose(z)
    # p * sum(t) is e / share. The sum of a distribution is 1 and an excess of some roundings, which
    # would be lost if it were rounded next to the 1.
    high, low = _sum(t)
    total, excess = high + low, (high - 1) + low
    share = np.where(np.abs(excess) < 0.5, whole - whole * (excess / total), whole / total)
    grad = e / share.astype(e.dtype) - t
    # Where the top has more than half of the probability, p_top - t_top cancels; what the others
    # have less of does not.
    t_others = np.array(t)
    np.put_along_axis(t_others, top, 0, axis=-1)
    high, low = _sum(t_others)
    at_top = high + low - rest / share
    plain = np.take_along_axis(grad, top, axis=-1)
    np.put_along_axis(grad, top, np.where(rest < 1, at_top, plain), axis=-1)
    return grad


def softmax_minus_labels(labels: Array, z: Array, axis: int) -> Array:
    """Plainly: `softmax(z) * sum(labels) - labels`."""
    return _softmax_minus_labels(_labels_in_rows(labels, z, axis), z, axis=axis)


# -- integer labels --------------------------------------------------------------------------


@_in_rows
def _sparse_cross_entropy(t: Array, z: Array) -> Array:
    gap, _, _, rest, _ = _decompose(z)
    return (np.log1p(rest) - np.take_along_axis(gap, t[..., None], axis=-1))[..., 0]


def sparse_cross_entropy(labels: Array, z: Array, axis: int) -> Array:
    """Plainly: `-log_softmax(z)[labels]`, row by row."""
    return _sparse_cross_entropy(labels, z, axis=axis)


@_in_rows
def _softmax_minus_one_hot(t: Array, z: Array) -> Array:
    _, e, top, rest, whole = _decompose(z)
    t = t[..., None]
    e_others = np.where(t == top, rest, whole - np.take_along_axis(e, t, axis=-1))
    grad = e / whole.astype(e.dtype)
    np.put_along_axis(grad, t, 0 - e_others / whole, axis=-1)  # 0 - 0 is +0, as for one class
    return grad


def softmax_minus_one_hot(labels: Array, z: Array, axis: int) -> Array:
    """Plainly: `softmax(z) - one_hot(labels)`."""
    return _softmax_minus_one_hot(labels, z, axis=axis)
