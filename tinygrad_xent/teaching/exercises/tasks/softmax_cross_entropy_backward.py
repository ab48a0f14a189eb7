r"""Both gradients of a cross-entropy.

The function is $\ell = -\sum_i t_i \ln p_i$ with $p = \operatorname{softmax}(z)$, one loss per row.
`labels` and `logits` have the shape `(N, C)`, `loss` has `(N,)`. The backward rule receives `grad`
($\bar\ell$, the gradient of the final result with respect to each loss, of shape `(N,)`), `loss`,
`labels` and `logits`.

Write the rule: return the tuple `(dlabels, dlogits)`, both of shape `(N, C)`. The labels of a row
need not sum to 1. Logits may be large.

    >>> labels, logits = np.array([[1.0, 0.0]]), np.array([[0.0, 0.0]])
    >>> dlabels, dlogits = softmax_cross_entropy_backward(np.ones(1), None, labels, logits)
    >>> dlabels.round(3), dlogits
    (array([[0.693, 0.693]]), array([[-0.5,  0.5]]))

Hints
-----
1. The loss is linear in the labels, so their gradient is simple. For the logits, use
   $\ln p_i = z_i - \ln \sum_j e^{z_j}$.
2. $\frac{\partial \ell}{\partial t_i} = -\ln p_i$. In $\frac{\partial \ell}{\partial z_i}$ every
   label of the row contributes $t_j\,(p_i - [i = j])$.
3. $\bar t_i = -\bar\ell \ln p_i$ and $\bar z_i = \bar\ell\,(p_i \sum_j t_j - t_i)$. First add a
   second axis to `grad`: `grad[:, None]`.

Mistakes
--------
- return -grad * log_p, grad * (np.exp(log_p) * total - labels)
+ return -grad * log_p, grad * (np.exp(log_p) - labels)
    $p - t$ is the gradient of the logits only where the labels of a row sum to 1. Otherwise $p$
    must be multiplied by their sum.
- grad = grad[:, None]
    `grad` is aligned with the classes. It has one entry for each row: add a second axis,
    `grad[:, None]`.
- return -grad * log_p, grad * (np.exp(log_p) * total - labels)
+ return -grad * log_p, grad * (labels - np.exp(log_p) * total)
    The gradient of the logits has the wrong sign: it is $p - t$, not $t - p$.
- return -grad * log_p, grad * (np.exp(log_p) * total - labels)
+ return -grad * np.exp(log_p), grad * (np.exp(log_p) * total - labels)
    The gradient of the labels uses the probabilities. It must use their logarithms.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case
from tinygrad_xent.teaching.exercises.tasks.softmax_cross_entropy import softmax_cross_entropy

forward = softmax_cross_entropy


def softmax_cross_entropy_backward(grad, loss, labels, logits):
    """Return the gradients (dlabels, dlogits) of the cross-entropy of each row."""
    grad = grad[:, None]
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    total = np.sum(labels, axis=-1, keepdims=True)
    return -grad * log_p, grad * (np.exp(log_p) * total - labels)


def inputs(rng):
    yield Case(
        "as many rows as classes", rng.dirichlet(np.ones(2), size=2), rng.normal(size=(2, 2))
    )
    yield Case("two rows", rng.dirichlet(np.ones(3), size=2), rng.normal(size=(2, 3)))
    yield Case("one-hot labels", np.eye(3)[[1, 2]], rng.normal(size=(2, 3)))
    free = rng.uniform(0.2, 2, size=(2, 3))
    yield Case("labels that do not sum to 1", free, rng.normal(size=(2, 3)))
    yield Case("large logits", np.eye(2), 1000 + 30 * rng.normal(size=(2, 2)))
