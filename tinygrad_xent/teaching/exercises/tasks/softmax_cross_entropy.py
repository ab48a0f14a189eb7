r"""Cross-entropy from dense labels.

A row of logits $z$ and a row of labels $t$, a probability for each class, have the loss $\ell =
-\sum_i t_i \ln p_i$ with $p = \operatorname{softmax}(z)$.

Write it for arrays `labels` and `logits` of one shape, `(..., C)`, with the classes on the last
axis. Return one loss for each row, of shape `(...)`. It must be right for logits of any finite
size, even where a probability is so small that it is rounded to 0.

    >>> labels = np.array([[0.0, 1.0], [0.5, 0.5]])
    >>> softmax_cross_entropy(labels, np.array([[0.0, 0.0], [1000.0, 0.0]])).round(3)
    array([  0.693, 500.   ])

Hints
-----
1. Do not compute $p$ and then its logarithm: write $\ln p_i$ in terms of the logits.
2. $\ln p_i = z_i - \ln \sum_j e^{z_j}$. Subtract the largest logit of each row first, so that
   nothing overflows.
3. `shifted = logits - np.max(logits, axis=-1, keepdims=True)`; the logarithms of the probabilities
   are `shifted` minus the log of the sum of its exponentials. Then multiply by `labels`, sum over
   the last axis, and change the sign.

Mistakes
--------
- log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
+ log_p = np.log(np.exp(shifted) / np.sum(np.exp(shifted), axis=-1, keepdims=True))
    You took the logarithm of the softmax. Where a probability is rounded to 0, its logarithm is
    $-\infty$; compute $\ln p$ from the logits.
- log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
+ log_p = np.log(np.exp(shifted) / np.sum(np.exp(shifted), axis=-1, keepdims=True) + 1e-12)
    You added a small number inside the logarithm. It hides the infinity, but then the loss of a
    badly wrong row is far too small.
- shifted = logits - np.max(logits, axis=-1, keepdims=True)
+ shifted = logits
    The exponential of a large logit overflows: subtract the largest logit of its row first.
- return -np.sum(labels * log_p, axis=-1)
+ return np.sum(labels * log_p, axis=-1)
    The sign is wrong: logarithms of probabilities are negative, a loss is not.
- return -np.sum(labels * log_p, axis=-1)
+ return -np.mean(labels * log_p, axis=-1)
    You took the mean over the classes. The cross-entropy of a row is a sum.
- return -np.sum(labels * log_p, axis=-1)
+ return -np.mean(np.sum(labels * log_p, axis=-1))
    You averaged over the rows. Return one loss for each row.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case, rows


def softmax_cross_entropy(labels, logits):
    """Return the cross-entropy of each row."""
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    return -np.sum(labels * log_p, axis=-1)


def inputs(rng):
    for about, logits in rows(rng):
        weights = rng.uniform(0.1, 1, size=logits.shape)
        yield Case(about, weights / weights.sum(axis=-1, keepdims=True), logits)
    yield Case("one-hot labels", np.eye(3)[[2, 0]], rng.normal(size=(2, 3)))
    ones = np.full((2, 2), 0.5)
    yield Case("improbable classes", ones, np.array([[0.0, -900.0], [700.0, -800.0]]))
