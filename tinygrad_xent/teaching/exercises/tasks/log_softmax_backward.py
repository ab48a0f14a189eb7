r"""The backward rule of log-softmax.

The function is $y_i = x_i - \ln \sum_j e^{x_j}$, over the last axis of an array of any shape: the
logarithm of the softmax. Its backward rule receives `grad` ($\bar y$, the gradient of the loss with
respect to $y$), the output `y` and the input `x`, all of one shape.

Write the rule: return the gradient with respect to $x$, of the same shape.

    >>> y = np.log(np.array([0.25, 0.75]))
    >>> log_softmax_backward(np.array([1.0, 0.0]), y, y).round(3)
    array([ 0.75, -0.75])

Hints
-----
1. $x_i$ changes $y_i$ directly, and all entries of the row through the sum.
2. The derivative of $\ln \sum_j e^{x_j}$ with respect to $x_i$ is the softmax, $p_i$. So
   $\frac{\partial y_j}{\partial x_i} = [i = j] - p_i$.
3. $\bar x_i = \bar y_i - p_i \sum_j \bar y_j$, and you have $p$ already: $p_i = e^{y_i}$.

Mistakes
--------
return grad - y * np.sum(grad, axis=-1, keepdims=True)
    `y` holds logarithms of probabilities. The rule needs the probabilities themselves, `np.exp(y)`.
return grad - np.exp(y) * grad
    This is only the diagonal, $1 - p_i$. Every input changes all outputs of its row through the
    sum, so the upstream gradients of the whole row must be summed.
return np.exp(y) * (grad - np.sum(grad * np.exp(y), axis=-1, keepdims=True))
    This is the rule of the softmax. The rule of its logarithm is simpler: the factors $p_j$ cancel.
return grad - np.exp(y) * np.sum(grad)
    The sum runs over the whole array. Each row needs its own: `axis=-1, keepdims=True`.
return grad - np.exp(x) * np.sum(grad, axis=-1, keepdims=True)
    You took the exponential of `x`, without dividing by its sum. The probabilities are `np.exp(y)`.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case, rows
from tinygrad_xent.teaching.exercises.tasks.logsumexp import logsumexp


def log_softmax_backward(grad, y, x):
    """Return the gradient of x, where y is the log of the softmax of x over the last axis."""
    return grad - np.exp(y) * np.sum(grad, axis=-1, keepdims=True)


def forward(x):
    return x - logsumexp(x)[..., None]


def inputs(rng):
    for about, x in rows(rng):
        yield Case(about, x)
