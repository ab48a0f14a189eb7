r"""What Keras makes of probabilities.

`sparse_categorical_crossentropy` of Keras 2.2 takes probabilities by default. If it gets a plain
array (and not the output of a softmax layer), it does three things to each row:

1. clip every entry to the range from $\varepsilon = 10^{-7}$ to $1 - \varepsilon$,
2. take the logarithm of each entry, and use it as a logit,
3. compute the sparse cross-entropy of these logits: $\ln \sum_j e^{z_j} - z_t$.

In effect, the last step divides the clipped entries by their sum. So any row of positive numbers
has a loss, and even a certain and right prediction has a loss above 0.

Write it for `target`, integers of shape `(N,)`, and `p` of shape `(N, C)`: one loss per row.

    >>> keras_probability_loss(np.array([0, 1]), np.array([[0.5, 0.5], [1.0, 0.0]])).round(3)
    array([ 0.693, 16.118])

Hints
-----
1. Follow the three steps in their order. What does $e^{z_j}$ become when $z_j$ is the logarithm of
   a clipped probability?
2. With the clipped probabilities $c$ the loss is $\ln \sum_j c_j - \ln c_t$.
3. `c = np.clip(p, 1e-7, 1 - 1e-7)`; `c[np.arange(len(c)), target]` is the entry of the true class
   in each row.

Mistakes
--------
- return np.log(np.sum(c, axis=-1)) - np.log(c[np.arange(len(c)), target])
+ return -np.log(c[np.arange(len(c)), target])
    The third step is missing: the clipped row is divided by its sum again. It matters where the
    entries of a row do not sum to 1, and after the clip they hardly ever do.
- c = np.clip(p, 1e-7, 1 - 1e-7)
+ c = p
    The clip is missing: a probability of 0 gives an infinite loss.
divided_before_the_clip
    You divided by the sum before the clip, as Keras does in its *dense* cross-entropy. In the
    sparse one the clip comes first.
- return np.log(np.sum(c, axis=-1)) - np.log(c[np.arange(len(c)), target])
+ return np.log(np.sum(p, axis=-1)) - np.log(c[np.arange(len(c)), target])
    Only the entry of the true class is clipped. Clip all entries before you sum them.
- return np.log(np.sum(c, axis=-1)) - np.log(c[np.arange(len(c)), target])
+ return np.log(np.sum(np.exp(c), axis=-1)) - c[np.arange(len(c)), target]
    You took exponentials of the probabilities, as if these were the logits. The logits are their
    logarithms.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def keras_probability_loss(target, p):
    """Return the loss of each row, as Keras 2.2 computes it from an array of probabilities."""
    c = np.clip(p, 1e-7, 1 - 1e-7)
    return np.log(np.sum(c, axis=-1)) - np.log(c[np.arange(len(c)), target])


def inputs(rng):
    p = rng.dirichlet(np.ones(3), size=2)
    yield Case("two distributions", rng.integers(3, size=2), p)
    yield Case("a certain and wrong prediction", np.array([1]), np.array([[1.0, 0.0, 0.0]]))
    yield Case("a certain and right prediction", np.array([0]), np.array([[1.0, 0.0, 0.0]]))
    yield Case("rows that do not add up to 1", np.array([0, 1]), rng.uniform(0.1, 0.9, size=(2, 3)))
    yield Case("entries above 1", np.array([0, 1]), np.array([[2.0, 2.0, 4.0], [0.5, 3.0, 0.0]]))
    yield Case("a row of zeros", np.array([0]), np.zeros((1, 3)))


def divided_before_the_clip(target, p):
    c = np.clip(p / np.sum(p, axis=-1, keepdims=True), 1e-7, 1 - 1e-7)
    return -np.log(c[np.arange(len(c)), target])
