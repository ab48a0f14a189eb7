r"""The last digits of p - t.

The gradient of a sparse cross-entropy with respect to one row of logits is $p_i - [i = t]$. When a
model is sure and right, $p_t$ is close to 1, and $p_t - 1$ cancels. First its last digits are
wrong; in the end it is exactly 0. TensorFlow and PyTorch lose digits this way.

Write the gradient with all its digits. `logits` has the shape `(C,)`, and so has the result;
`target` is the number of the true class. Every entry must be accurate relative to its own size,
however small it is.

    >>> exact_top_gradient(np.array([40.0, 0.0]), 0)
    array([-4.24835426e-18,  4.24835426e-18])

Hints
-----
1. Only one entry is at risk, that of the true class. What do the probabilities of a row sum to?
2. $p_t - 1 = -\sum_{i \ne t} p_i$: a sum of numbers of one sign, in which nothing cancels.
3. Compute `p` as usual, then replace `p[target]` by minus the sum of the other entries,
   `np.delete(p, target)`.

Mistakes
--------
- gradient[target] = -np.sum(np.delete(gradient, target))
+ gradient[target] -= 1
    $p_t - 1$ cancels where $p_t$ is close to 1. Write it in another way, without a difference.
- gradient[target] = -np.sum(np.delete(gradient, target))
+ gradient[target] = np.sum(np.delete(gradient, target))
    The sum of the other entries has the right size, but this entry is negative.
- gradient[target] = -np.sum(np.delete(gradient, target))
+ target = np.argmax(logits)
+ gradient[target] = -np.sum(np.delete(gradient, target))
    You replaced the largest entry. That is not always the entry of the true class: a model may be
    wrong.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case

entrywise = True


def exact_top_gradient(logits, target):
    """Return p - t for one row, right to the last digits."""
    e = np.exp(logits - np.max(logits))
    gradient = e / np.sum(e)
    gradient[target] = -np.sum(np.delete(gradient, target))
    return gradient


def inputs(rng):
    def sure(gap, size=3):
        return rng.normal(size=size) + gap * (np.arange(size) == 0)

    yield Case("a row", rng.normal(size=3), int(rng.integers(3)))
    yield Case("a model that is sure and right", sure(45), 0)
    yield Case("a model that is sure and wrong", sure(45), 1)
    yield Case("a gap of 300", sure(300), 0)
    yield Case("a gap of 20 and six classes", sure(20, 6), 0)
    yield Case("large logits", sure(50) + 1000, 0)
