"""What each kernel computes, in the three lines it would have without speed and last digits.

The tests hold the kernels to these. They serve complex numbers too, which the kernels leave to
them: the derivative by a complex step needs a function, not its last digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def log_softmax(z: Array, axis: int) -> Array:
    """Logarithm of the softmax."""
    z = z - np.max(np.real(z), axis=axis, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


def softmax(z: Array, axis: Any) -> Array:
    """Exponentials over their sum."""
    e = np.exp(z - np.max(np.real(z), axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def logsumexp(z: Array, axis: int) -> Array:
    """Logarithm of the sum of exponentials."""
    top = np.max(np.real(z), axis=axis)
    return top + np.log(np.sum(np.exp(z - np.expand_dims(top, axis)), axis=axis))


def cross_entropy(labels: Array, z: Array, axis: int) -> Array:
    """Cross-entropy of dense labels."""
    return -np.sum(labels * log_softmax(z, axis), axis=axis)


def softmax_minus_labels(labels: Array, z: Array, axis: int) -> Array:
    """Its gradient."""
    return softmax(z, axis) * np.sum(labels, axis=axis, keepdims=True) - labels


def sparse_cross_entropy(labels: Array, z: Array, axis: int) -> Array:
    """Cross-entropy of integer labels."""
    at = np.expand_dims(labels, axis)
    return -np.squeeze(np.take_along_axis(log_softmax(z, axis), at, axis=axis), axis)


def softmax_minus_one_hot(labels: Array, z: Array, axis: int) -> Array:
    """Its gradient."""
    classes = np.arange(z.shape[axis]).reshape(-1, *(1,) * (z.ndim - 1 - axis % z.ndim))
    return softmax(z, axis) - (classes == np.expand_dims(labels, axis))
