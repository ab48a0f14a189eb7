r"""A softmax that never overflows.

The softmax of a row is $p_i = e^{x_i} / \sum_j e^{x_j}$. Computed like this it fails: $e^{1000}$ is
more than a float can hold. But adding a number to a whole row changes nothing, because it cancels
in the fraction.

Write the softmax over the last axis of an array `x` of any shape, right for entries of any size.
Entries may be $-\infty$ (their probability is 0), but not all entries of a row.

    >>> stable_softmax(np.array([[1000.0, 1000.0], [0.0, -np.inf]]))
    array([[0.5, 0.5],
           [1. , 0. ]])

Hints
-----
1. Which number could you subtract from a row so that no exponential can overflow?
2. Subtract the largest entry of each row: then all exponents are 0 or less, and one exponential is
   exactly 1.
3. `np.max` and `np.sum` with `axis=-1, keepdims=True` return one number for each row, in a shape
   that broadcasts with `x`.

Mistakes
--------
- e = np.exp(x - np.max(x, axis=-1, keepdims=True))
+ e = np.exp(x)
    The exponential of a large number overflows. Subtract something from the row first: it cancels
    in the fraction.
return np.exp(x) / np.sum(np.exp(x))
    The sum runs over the whole array. Each row is its own distribution: `axis=-1`. And the
    exponential of a large number overflows: subtract something from the row first.
- e = np.exp(x - np.max(x, axis=-1, keepdims=True))
+ e = np.exp(x - np.max(x))
    You subtracted the largest entry of the whole array. In a row far below it, all exponentials are
    rounded to 0. Each row needs its own maximum.
- return e / np.sum(e, axis=-1, keepdims=True)
+ return e / np.sum(e)
    The sum runs over the whole array. Each row is its own distribution: `axis=-1`.
- e = np.exp(x - np.max(x, axis=-1, keepdims=True))
+ e = np.exp(x - np.max(x, axis=0, keepdims=True))
- return e / np.sum(e, axis=-1, keepdims=True)
+ return e / np.sum(e, axis=0, keepdims=True)
    The sum runs over the first axis. The rows lie along the last one: `axis=-1`.
- e = np.exp(x - np.max(x, axis=-1, keepdims=True))
+ e = np.exp(x / np.max(x, axis=-1, keepdims=True))
    You divided by the largest entry, which changes the result. Subtract it.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case, rows


def stable_softmax(x):
    """Return the softmax over the last axis."""
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def inputs(rng):
    for about, x in rows(rng):
        yield Case(about, x)
    yield Case("entries of -inf", np.array([rng.normal(), -np.inf, 0.0]))
    yield Case("one class", rng.normal(size=(2, 1)))
