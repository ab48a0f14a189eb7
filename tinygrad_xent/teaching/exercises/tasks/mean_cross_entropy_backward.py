r"""Dividing by N in the rule of a mean.

The function is the mean of a sparse cross-entropy over a batch, $\ell = \frac{1}{N} \sum_n \ell_n$
with $\ell_n = -\ln p_{n,t_n}$. `logits` has the shape `(N, C)`, `target` holds `N` class numbers,
and `loss` is a single number. So is `grad` ($\bar\ell$, the gradient of the final result with
respect to the loss).

Write the backward rule: return the gradient with respect to `logits`, of shape `(N, C)`.

    >>> logits, target = np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1])
    >>> mean_cross_entropy_backward(np.array(1.0), None, logits, target=target)
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])

Hints
-----
1. Take two steps: what gradient does a mean pass to each of its $N$ losses? And what does each loss
   pass to its row of logits?
2. Each loss gets $\bar\ell / N$, and its row $(p - t)$ times that.
3. `p[np.arange(N), target] -= 1` turns the softmax into $p - t$. Then multiply by `grad / N`, where
   `N` is `len(logits)`.

Mistakes
--------
- return grad * p / len(logits)
+ return grad * p
    The division by $N$ is missing: a mean passes only $1/N$ of the gradient to each of its $N$
    losses.
- return grad * p / len(logits)
+ return grad * p / logits.shape[1]
    You divided by the number of classes. The mean is over the rows: divide by `len(logits)`.
- return grad * p / len(logits)
+ return grad * p / logits.size
    You divided by the number of all logits. The mean is over the rows: divide by `len(logits)`.
- p[np.arange(len(logits)), target] -= 1
+ p[:, target] -= 1
    `p[:, target] -= 1` changes these columns in every row. Each row has only one target.
- p[np.arange(len(logits)), target] -= 1
    This is the softmax alone: subtract 1 at the true class of each row.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case
from tinygrad_xent.teaching.exercises.tasks.sparse_cross_entropy import sparse_cross_entropy


def mean_cross_entropy_backward(grad, loss, logits, *, target):
    """Return the gradient of the logits of a mean cross-entropy."""
    e = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    p = e / np.sum(e, axis=-1, keepdims=True)
    p[np.arange(len(logits)), target] -= 1
    return grad * p / len(logits)


def forward(logits, *, target):
    return np.mean(sparse_cross_entropy(target, logits))


def inputs(rng):
    def case(about, logits):
        return Case(about, logits, target=rng.integers(logits.shape[1], size=len(logits)))

    yield Case("two rows", rng.normal(size=(2, 3)), target=np.array([2, 0]))
    yield case("four rows", rng.normal(size=(4, 2)))
    yield case("one row", rng.normal(size=(1, 3)))
    yield case("large logits", 1000 + 30 * rng.normal(size=(2, 3)))
