"""Ops with the backward rules of a framework, also where these are not the derivative.

The dialects compute everything else with the ops of the package.
"""

from typing import Any

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.domains import distinct, real
from tinygrad_xent.errors import DialectFaultError
from tinygrad_xent.op import op


@op(symbol="stop", domain=real)
def stop_gradient(x: Any) -> Any:
    r"""Treat a value as a constant: $y = x$, and no gradient flows back."""
    return x


@stop_gradient.backward
def stop_gradient_backward(grad: Any, y: Any, x: Any) -> Any:
    r"""None, unlike $\bar x = 0$: the framework reports that there is no gradient."""
    return (None,)


# -- TensorFlow's kernel ---------------------------------------------------------------------


@op(symbol="softmax + cross-entropy", shapes="(n,c),(n,c)->(n)", domain=(real, real))
def kernel_cross_entropy(labels: Any, logits: Any) -> Any:
    r"""Cross-entropy of a softmax, row by row: $\ell = \sum_i t_i\,(\ln \sum_j e^{z_j - m} - z_i + m)$.

    Source: TensorFlow, `core/kernels/xent_op.h`. A label of 0 at a logit of -inf gives 0 times
    infinity, NaN. A single row of labels broadcasts to all rows of logits.

    >>> kernel_cross_entropy([[0.0, 1.0]], [[0.0, 0.0], [0.0, -np.inf]])
    array([0.69314718,        inf])
    """  # noqa: E501
    with np.errstate(all="ignore"):
        shifted, total = _shifted(np.asarray(logits))
        return np.sum(labels * (np.log(total) - shifted), axis=-1)


@kernel_cross_entropy.backward
def kernel_cross_entropy_backward(grad: Any, loss: Any, labels: Any, logits: Any) -> Any:
    r"""$\bar t_i = -\bar\ell \ln p_i$ and $\bar z_i = \bar\ell\,(p_i - t_i)$

    The second is the derivative only if the labels of the row sum to 1.
    """
    grad = ops.expand_dims(grad, axis=-1)

    def for_labels() -> Any:
        if labels.shape != logits.shape:
            raise DialectFaultError(
                f"TensorFlow does not sum the gradient of labels that it broadcast: it has shape "
                f"{logits.shape}, the labels have {labels.shape}. Broadcast the labels with "
                "broadcast_to, or pass them as an array"
            )
        return ops.multiply(-grad, ops.log_softmax(logits, axis=-1))

    return for_labels, lambda: ops.multiply(grad, kernel_gradient(labels, logits))


@op(symbol="p − t", shapes="(n,c),(n,c)->(n,c)", domain=(real, real))
def kernel_gradient(labels: Any, logits: Any) -> Any:
    r"""The gradient that TensorFlow's kernel computes: $y_i = \operatorname{softmax}(z)_i - t_i$.

    >>> kernel_gradient([[2.0, 1.0]], [[0.0, 0.0]])  # the derivative is 3 p - t
    array([[-1.5, -0.5]])
    """
    with np.errstate(all="ignore"):
        shifted, total = _shifted(np.asarray(logits))
        return np.exp(shifted) / total - labels


@kernel_gradient.backward
def kernel_gradient_backward(grad: Any, y: Any, labels: Any, logits: Any) -> Any:
    r"""$\bar z_i = p_i\,(\bar y_i - \sum_j \bar y_j\,p_j)$

    Source: `_SoftmaxCrossEntropyWithLogitsGrad` in TensorFlow's nn_grad.py, which sends the
    labels nothing: it takes the mixed second derivative as 0.
    """
    p = ops.softmax(logits, axis=-1)
    return None, lambda: ops.multiply(grad - ops.sum(grad * p, axis=-1, keepdims=True), p)


def _shifted(logits: Any) -> tuple[Any, Any]:
    """Return each row minus its maximum, and the sum of the exponentials of that."""
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return shifted, np.sum(np.exp(shifted), axis=-1, keepdims=True)


# -- limits ----------------------------------------------------------------------------------


_LIMITS = {"min": -0.31, "max": 0.32}


@op(
    symbol="clip", domain=distinct, examples=({**_LIMITS, "half": False}, {**_LIMITS, "half": True})
)
def framework_clip(x: Any, *, min: float, max: float, half: bool) -> Any:
    r"""Limit to an interval: $y = \min(\max(x, a), b)$.

    Unlike `clip`, this sends NaN no gradient. Without `half`, the gradient passes inside the
    interval and at its limits, as in `tf.clip_by_value`. With `half`, an entry at a limit gets half
    of the gradient, and an entry outside gets 0 times the gradient, which is NaN if that is
    infinite: `jnp.clip` is a maximum and a minimum, which share the gradient of a tie.

    >>> framework_clip([-1.0, 0.5, 7.0], min=0, max=1, half=False)
    array([0. , 0.5, 1. ])
    """
    return np.clip(x, min, max)


@framework_clip.backward
def framework_clip_backward(
    grad: Any, y: Any, x: Any, *, min: float, max: float, half: bool
) -> Any:
    r"""$\bar x = [a \le x \le b]\,\bar y$, or half of it at a limit"""
    x = np.asarray(getattr(x, "data", x))
    inside = (x >= min) & (x <= max)
    if not half:
        return ops.where(inside, grad, 0)
    at_limit = (x == min) | (x == max)
    return grad * (inside - 0.5 * at_limit).astype(x.dtype)


@op(symbol="ln Σ exp", shapes="(m,n)->(m,1)")
def log_normaliser(x: Any, *, axis: int = -1) -> Any:
    r"""Logarithm of a sum of exponentials, keeping the axis: $y = \ln \sum_i e^{x_i}$.

    >>> log_normaliser([0.0, 0.0])
    array([0.69314718])
    """
    return ops.logsumexp(x, axis=axis, keepdims=True)


@log_normaliser.backward
def log_normaliser_backward(grad: Any, y: Any, x: Any, *, axis: int) -> Any:
    r"""$\bar x_i = \bar y\,e^{x_i - m} \big/ \sum_j e^{x_j - m}$

    Beside a logit of inf the others get 0; the rule of `logsumexp` gives NaN to the whole row.
    """
    top = np.max(getattr(x, "data", x), axis=axis, keepdims=True)
    e = ops.exp(x - np.where(np.isfinite(top), top, top.dtype.type(0)))
    return grad * (e / ops.sum(e, axis=axis, keepdims=True))


# -- PyTorch ---------------------------------------------------------------------------------


@op(symbol="no gradient", shapes="(2,3)->(2,3)", domain=real)
def no_gradient(x: Any, *, why: str = "") -> Any:
    r"""Identity: $y = x$. The backward pass raises an error, as the framework's does."""
    return x


@no_gradient.backward
def no_gradient_backward(grad: Any, y: Any, x: Any, *, why: str) -> Any:
    r"""Raise the error."""
    raise DialectFaultError(f"PyTorch has no gradient here: {why}")
