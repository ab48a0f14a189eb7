r"""Cross-entropy from class numbers.

Often a row has one true class, and its number is the whole label. The loss is then the logarithm of
one probability: $\ell = -\ln p_t$ with $p = \operatorname{softmax}(z)$.

Write it for `logits` of shape `(..., C)`, with the classes on the last axis, and integers `target`
of shape `(...)`. Return one loss for each row, in the shape of `target`. For a single row of logits
`target` is a single number. You need no table of one-hot labels. The result must be right for
logits of any size. Logits may be $-\infty$, but not that of the true class.

    >>> sparse_cross_entropy(np.array([0, 1]), np.array([[0.0, 0.0], [90.0, 0.0]])).round(3)
    array([ 0.693, 90.   ])

Hints
-----
1. $-\ln p_t = \ln \sum_j e^{z_j} - z_t$: a stable log-sum-exp, and one logit of each row.
2. Subtract the largest logit of each row from the whole row, and compute both parts from the
   shifted logits. `np.take_along_axis` picks an entry from each row.
3. `np.take_along_axis(shifted, np.expand_dims(target, -1), axis=-1)[..., 0]` holds the logits of
   the true classes, even if `target` is a single number.

Mistakes
--------
- return np.log(np.sum(np.exp(shifted), axis=-1)) - picked
+ return -np.log(np.exp(picked) / np.sum(np.exp(shifted), axis=-1))
    You took the logarithm of the softmax. Where a probability is rounded to 0, its logarithm is
    $-\infty$; compute $\ln p$ from the logits.
- shifted = logits - np.max(logits, axis=-1, keepdims=True)
+ shifted = logits
    The exponential of a large logit overflows: subtract the largest logit of its row first.
- picked = np.take_along_axis(shifted, where, axis=-1)[..., 0]
+ picked = np.take_along_axis(logits, where, axis=-1)[..., 0]
    The logit of the true class is not shifted, and the log-sum-exp is. Use the shifted logits for
    both.
- return np.log(np.sum(np.exp(shifted), axis=-1)) - picked
+ return picked - np.log(np.sum(np.exp(shifted), axis=-1))
    The sign is wrong: logarithms of probabilities are negative, a loss is not.
whole_columns
    `logits[..., target]` takes these columns from every row. Each row has its own class: use
    `np.take_along_axis`.
- picked = np.take_along_axis(shifted, where, axis=-1)[..., 0]
+ picked = np.take_along_axis(shifted, where, axis=-1)
    The picked logits still have the axis of the classes, with length 1, so the difference is
    broadcast to a table. Remove that axis: `[..., 0]`.
one_hot
    You multiplied the logarithms by one-hot labels: where a logit is $-\infty$, $0 \cdot \infty$ is
    NaN. Pick the entry instead.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case, rows


def sparse_cross_entropy(target, logits):
    """Return the cross-entropy of each row from the number of its class."""
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    where = np.expand_dims(target, -1)
    picked = np.take_along_axis(shifted, where, axis=-1)[..., 0]
    return np.log(np.sum(np.exp(shifted), axis=-1)) - picked


def inputs(rng):
    for about, logits in rows(rng):
        yield Case(about, rng.integers(logits.shape[-1], size=logits.shape[:-1]), logits)
    yield Case("improbable classes", np.array([1, 0]), np.array([[0.0, -900.0], [-800.0, 700.0]]))
    yield Case("logits of -inf", np.array([0]), np.array([[rng.normal(), -np.inf, 0.0]]))


def whole_columns(target, logits):
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    total = np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    return (total - shifted)[..., target]


def one_hot(target, logits):
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    return -np.sum(np.eye(logits.shape[-1])[target] * log_p, axis=-1)
