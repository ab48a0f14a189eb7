r"""The logarithm of a sum of exponentials.

The function is $\ell = \ln \sum_i e^{x_i}$, over the last axis of an array of any shape; the result
lacks that axis. It is a smooth maximum, and the core of every cross-entropy.

Write it so that it is right for entries of any size: no exponential may overflow, and a row of only
$-\infty$ gives $-\infty$, not NaN.

    >>> x = np.array([[0.0, 0.0], [100.0, 0.0], [-np.inf, -np.inf]])
    >>> with np.errstate(divide="ignore"):
    ...     logsumexp(x).round(3)
    array([  0.693, 100.   ,    -inf])

Hints
-----
1. For any number $m$, $\ln \sum_i e^{x_i} = m + \ln \sum_i e^{x_i - m}$. Which $m$ is a good
   choice?
2. Take the largest entry of each row as $m$. In a row of only $-\infty$ that gives
   $-\infty - (-\infty)$, which is NaN: take another $m$ there.
3. `top = np.max(x, axis=-1, keepdims=True)`, then `top = np.where(np.isfinite(top), top, 0)`. Add
   `top` again at the end, without its last axis: `top[..., 0]`.

Mistakes
--------
return np.log(np.sum(np.exp(x), axis=-1))
    The exponential overflows for large numbers, and is rounded to 0 for very negative ones.
    Subtract the largest entry of each row first.
- return top[..., 0] + np.log(np.sum(np.exp(x - top), axis=-1))
+ return np.log(np.sum(np.exp(x - top), axis=-1))
    You subtracted the maximum before the exponential, but do not add it again at the end.
- top = np.where(np.isfinite(top), top, 0)
    In a row of only $-\infty$, the maximum is $-\infty$, too, and the difference is NaN. Subtract 0
    there.
- return top[..., 0] + np.log(np.sum(np.exp(x - top), axis=-1))
+ return top + np.log(np.sum(np.exp(x - top), axis=-1, keepdims=True))
    The last axis is still there, with length 1. The result should not have it.
- top = np.max(x, axis=-1, keepdims=True)
+ top = np.max(x, keepdims=True)
    You subtracted the largest entry of the whole array. In a row far below it, all exponentials are
    rounded to 0. Each row needs its own maximum.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case, rows


def logsumexp(x):
    """Return the log of the sum of exp(x) over the last axis."""
    top = np.max(x, axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    return top[..., 0] + np.log(np.sum(np.exp(x - top), axis=-1))


def inputs(rng):
    for about, x in rows(rng):
        yield Case(about, x)
    yield Case("very negative numbers", -1000 + rng.normal(size=3))
    yield Case("some entries of -inf", np.array([rng.normal(), -np.inf, 0.0]))
    yield Case("a row of -inf", np.array([[-np.inf, -np.inf], [0.0, 1.0]]))
