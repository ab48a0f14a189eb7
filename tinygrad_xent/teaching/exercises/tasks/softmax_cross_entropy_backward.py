r"""Both gradients of a cross-entropy.

The function is $\ell = -\sum_i t_i \ln p_i$ with $p = \operatorname{softmax}(z)$, one loss per row:
`labels` and `logits` have the shape `(N, C)`, `loss` has `(N,)`. The backward rule is handed `grad`
($\bar\ell$, the gradient of the final result with respect to each loss, of shape `(N,)`), `loss`,
`labels` and `logits`.

Write the rule: return the tuple `(dlabels, dlogits)`, both of shape `(N, C)`. The labels of a row
need not sum to 1. Logits may be large.

    >>> labels, logits = np.array([[1.0, 0.0]]), np.array([[0.0, 0.0]])
    >>> dlabels, dlogits = softmax_cross_entropy_backward(np.ones(1), None, labels, logits)
    >>> dlabels.round(3), dlogits
    (array([[0.693, 0.693]]), array([[-0.5,  0.5]]))
"""

from __future__ import annotations

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case
from tinygrad_xent.teaching.exercises.exercise import Exercise

exercise = Exercise(
    __name__,
    __doc__,
    lesson=7,
    hints=(
        r"The loss is linear in the labels, so their gradient is short. For the logits use "
        r"$\ln p_i = z_i - \ln \sum_j e^{z_j}$.",
        r"$\frac{\partial \ell}{\partial t_i} = -\ln p_i$. In "
        r"$\frac{\partial \ell}{\partial z_i}$ every label of the row contributes "
        r"$t_j\,(p_i - [i = j])$.",
        r"$\bar t_i = -\bar\ell \ln p_i$ and $\bar z_i = \bar\ell\,(p_i \sum_j t_j - t_i)$. Give "
        "`grad` a second axis first: `grad[:, None]`.",
    ),
)


@exercise.to_write
def softmax_cross_entropy_backward(grad, loss, labels, logits):
    """Give the gradients (dlabels, dlogits) of the cross-entropy of each row."""
    raise NotImplementedError


@exercise.solved
def softmax_cross_entropy_backward(grad, loss, labels, logits):
    grad = grad[:, None]
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    total = np.sum(labels, axis=-1, keepdims=True)
    return -grad * log_p, grad * (np.exp(log_p) * total - labels)


@exercise.mistaken(
    "$p - t$ is the gradient of the logits only where the labels of a row sum to 1. Otherwise $p$ "
    "is to be multiplied with their sum."
)
def softmax_cross_entropy_backward(grad, loss, labels, logits):
    grad = grad[:, None]
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    return -grad * log_p, grad * (np.exp(log_p) - labels)


@exercise.mistaken(
    "`grad` is lined up with the classes. It has one entry for each row: give it a second axis, "
    "`grad[:, None]`."
)
def softmax_cross_entropy_backward(grad, loss, labels, logits):
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    total = np.sum(labels, axis=-1, keepdims=True)
    return -grad * log_p, grad * (np.exp(log_p) * total - labels)


@exercise.mistaken(
    "The gradient that arrives, `grad`, is not used: each row is multiplied with its."
)
def softmax_cross_entropy_backward(grad, loss, labels, logits):
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    total = np.sum(labels, axis=-1, keepdims=True)
    return -log_p, np.exp(log_p) * total - labels


@exercise.mistaken("The two gradients are swapped: that of the labels comes first.")
def softmax_cross_entropy_backward(grad, loss, labels, logits):
    grad = grad[:, None]
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    total = np.sum(labels, axis=-1, keepdims=True)
    return grad * (np.exp(log_p) * total - labels), -grad * log_p


@exercise.mistaken("The gradient of the logits has the wrong sign: it is $p - t$, not $t - p$.")
def softmax_cross_entropy_backward(grad, loss, labels, logits):
    grad = grad[:, None]
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    total = np.sum(labels, axis=-1, keepdims=True)
    return -grad * log_p, grad * (labels - np.exp(log_p) * total)


@exercise.mistaken(
    "The gradient of the labels is taken from the probabilities. It holds their logarithms."
)
def softmax_cross_entropy_backward(grad, loss, labels, logits):
    grad = grad[:, None]
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    total = np.sum(labels, axis=-1, keepdims=True)
    return -grad * np.exp(log_p), grad * (np.exp(log_p) * total - labels)


@exercise.forward
def softmax_cross_entropy(labels, logits):
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    return -np.sum(labels * log_p, axis=-1)


@exercise.inputs
def inputs(rng):
    yield Case(
        "as many rows as classes", rng.dirichlet(np.ones(2), size=2), rng.normal(size=(2, 2))
    )
    yield Case("two rows", rng.dirichlet(np.ones(3), size=2), rng.normal(size=(2, 3)))
    yield Case("one-hot labels", np.eye(3)[[1, 2]], rng.normal(size=(2, 3)))
    free = rng.uniform(0.2, 2, size=(2, 3))
    yield Case("labels that do not sum to 1", free, rng.normal(size=(2, 3)))
    yield Case("large logits", np.eye(2), 1000 + 30 * rng.normal(size=(2, 2)))
    yield Case("float32", free.astype(np.float32), rng.normal(size=(2, 3)).astype(np.float32))
