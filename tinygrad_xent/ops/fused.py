"""Cross-entropies, per example, fused with the softmax of their logits.

The gradient of each is p - t. In a recorded backward pass it is an op of its own, which a picture
shows and which can be differentiated again; on arrays a kernel computes it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.arrays import all_numpy, as_array, one_hot, top_apart
from tinygrad_xent.graph import Node
from tinygrad_xent.op import Op, op
from tinygrad_xent.ops import kernels
from tinygrad_xent.ops.softmax_family import centred, log_softmax, softmax, softmax_backward

Kernel = Callable[..., Any]


# -- dense labels ----------------------------------------------------------------------------


@op(symbol="softmax + cross-entropy", shapes="(n),(n)->()", domain=("simplex", "real"))
def softmax_cross_entropy(labels: Any, logits: Any, *, axis: int = -1) -> Any:
    r"""Cross-entropy of a softmax: $\ell = -\sum_i t_i \ln \operatorname{softmax}(z)_i$.

    >>> print(softmax_cross_entropy([0.0, 1.0], [0.0, 0.0]))
    0.6931471805599453
    """
    labels, logits = as_array(labels), as_array(logits)
    if all_numpy(labels, logits):
        return kernels.cross_entropy(labels, logits, axis)[0]
    log_p = log_softmax.function(logits, axis=axis)
    return -np.sum(np.where(labels == 0, 0, labels * log_p), axis=axis)


@softmax_cross_entropy.backward
def softmax_cross_entropy_backward(
    grad: Any, loss: Any, labels: Any, logits: Any, *, axis: int, kept: Any = None
) -> Any:
    r"""$\bar t_i = -\bar\ell \ln p_i$ and $\bar z_i = \bar\ell\,(p_i \sum_j t_j - t_i)$"""
    return (
        lambda: -ops.expand_dims(grad, axis=axis) * log_softmax(logits, axis=axis),
        lambda: (
            _scaled(kernels.cross_entropy, grad, labels, logits, axis, kept)
            if all_numpy(grad, labels, logits)
            else ops.expand_dims(grad, axis=axis) * softmax_minus_labels(labels, logits, axis=axis)
        ),
    )


@op(symbol="p − t", shapes="(n),(n)->(n)", domain=("real", "real"))
def softmax_minus_labels(labels: Any, logits: Any, *, axis: int = -1) -> Any:
    r"""Softmax less labels: $y_i = \operatorname{softmax}(z)_i \sum_j t_j - t_i$.

    The gradient of the cross-entropy: labels that sum to 1 leave p - t. Right to the last
    digits also where p is close to t.

    >>> softmax_minus_labels([0.0, 1.0], [0.0, 0.0])
    array([ 0.5, -0.5])
    """
    labels, logits = as_array(labels), as_array(logits)
    if all_numpy(labels, logits):
        return _scaled(kernels.cross_entropy, np.ones(()), labels, logits, axis)
    is_top, top, others = top_apart(logits, axis)
    whole, total = 1 + others, np.sum(labels, axis=axis, keepdims=True)
    at_top = (total - labels) - labels * others  # p_top sum(t) - t_top, times whole
    return np.where(is_top, at_top / whole, np.exp(logits - top) * (total / whole) - labels)


@softmax_minus_labels.backward
def softmax_minus_labels_backward(grad: Any, y: Any, labels: Any, logits: Any, *, axis: int) -> Any:
    r"""$\bar t_i = \sum_j \bar y_j\,p_j - \bar y_i$
    and $\bar z_i = p_i\,(\bar y_i - \sum_j \bar y_j\,p_j) \sum_j t_j$
    """
    p = softmax(logits, axis=axis)
    return (
        lambda: -centred(grad, p, axis),
        lambda: (
            softmax_backward(grad, p, logits, axis=axis) * ops.sum(labels, axis=axis, keepdims=True)
        ),
    )


# -- integer labels --------------------------------------------------------------------------


@op(symbol="softmax + cross-entropy", shapes="(),(n)->()", domain=("labels", "real"))
def sparse_softmax_cross_entropy(labels: Any, logits: Any, *, axis: int = -1) -> Any:
    r"""Cross-entropy of a softmax and the true class: $\ell = -\ln \operatorname{softmax}(z)_t$.

    The labels are not checked here: `sparse_softmax_cross_entropy_with_logits` does that.

    >>> print(sparse_softmax_cross_entropy(1, [0.0, 0.0]))
    0.6931471805599453
    """
    labels, logits = as_array(labels), as_array(logits)
    if all_numpy(labels, logits):
        return kernels.sparse_cross_entropy(labels, logits, axis)[0]
    hot = one_hot(labels, logits, axis).astype(logits.dtype)
    return softmax_cross_entropy.function(hot, logits, axis=axis)


@sparse_softmax_cross_entropy.backward
def sparse_softmax_cross_entropy_backward(
    grad: Any, loss: Any, labels: Any, logits: Any, *, axis: int, kept: Any = None
) -> Any:
    r"""$\bar z_i = \bar\ell\,(p_i - [i = t])$"""
    if all_numpy(grad, labels, logits):
        return None, _scaled(kernels.sparse_cross_entropy, grad, labels, logits, axis, kept)
    return None, ops.expand_dims(grad, axis=axis) * softmax_minus_one_hot(labels, logits, axis=axis)


@op(symbol="p − one-hot", shapes="(),(n)->(n)", domain=("labels", "real"))
def softmax_minus_one_hot(labels: Any, logits: Any, *, axis: int = -1) -> Any:
    r"""Softmax less the true class: $y_i = \operatorname{softmax}(z)_i - [i = t]$.

    >>> softmax_minus_one_hot(1, [0.0, 0.0])
    array([ 0.5, -0.5])
    """
    labels, logits = as_array(labels), as_array(logits)
    if all_numpy(labels, logits):
        return _scaled(kernels.sparse_cross_entropy, np.ones(()), labels, logits, axis)
    hot = one_hot(labels, logits, axis).astype(logits.dtype)
    return softmax_minus_labels.function(hot, logits, axis=axis)


@softmax_minus_one_hot.backward
def softmax_minus_one_hot_backward(
    grad: Any, y: Any, labels: Any, logits: Any, *, axis: int
) -> Any:
    r"""$\bar z_i = p_i\,(\bar y_i - \sum_j \bar y_j\,p_j)$"""
    return None, softmax_backward(grad, softmax(logits, axis=axis), logits, axis=axis)


# -- what a recorded call keeps for its rule -------------------------------------------------


def _keep(op: Op, kernel: Kernel) -> None:
    """Let recorded calls of an op keep the gradient, which the kernel finds along with the loss."""

    def recorded(labels: Any, logits: Any, *, axis: int = -1) -> Any:
        if all_numpy(labels, logits):
            return kernel(labels, logits, axis, keep=True)
        return op.function(labels, logits, axis=axis), None

    op.recorded = recorded


_keep(softmax_cross_entropy, kernels.cross_entropy)
_keep(sparse_softmax_cross_entropy, kernels.sparse_cross_entropy)


def _scaled(
    kernel: Kernel, grad: Any, labels: Any, logits: Any, axis: int, kept: Any = None
) -> Any:
    """Return the gradient of a loss, times `grad`: the one that was kept, or one computed again."""
    gradient = kept and kept.pop("gradient", None)  # at once, as other threads may ask for it, too
    gradient = gradient or kernel(labels, logits, axis, keep=True)[1]["gradient"]
    return kernels.scaled(gradient, grad, logits, axis)


# -- probabilities that were logits ----------------------------------------------------------


@op(symbol="look through", shapes="(n),(n)->(n)", domain=("real", "held"))
def look_through(logits: Any, probs: Any) -> Any:
    r"""Logits behind a softmax, for a loss that was given its probabilities: $y = z$.

    `probs` is p = softmax(z), which the loss was given. No gradient goes there.

    >>> look_through(np.array([1.0, 2.0]), np.array([0.27, 0.73]))
    array([1., 2.])
    """
    return logits


@look_through.backward
def look_through_backward(grad: Any, y: Any, logits: Any, probs: Any) -> Any:
    r"""$\bar z = \bar y$"""
    return grad, None


def looked_through(node: Node) -> Node | None:
    """Return the softmax that a loss given probabilities looked through at this node, if any."""
    if node.op is not look_through:
        return None
    probs = node.inputs[1]
    return probs if isinstance(probs, Node) else None
