r"""A log-sum-exp from two blocks.

A row that is too long for one machine, or for its memory, is cut into blocks. Each block keeps two
numbers: its maximum $m$, and $s = \sum_i e^{x_i - m}$, the sum of its exponentials relative to that
maximum. The log-sum-exp of the block is $m + \ln s$.

Write a function that merges two blocks: from `m1, s1` and `m2, s2` it returns the tuple `(m, s)` of
both together. The four are arrays of one shape, with one entry for each row. Nothing may overflow.
A block without entries has $m = -\infty$ and $s = 0$; so do two such blocks together.

    >>> merge_logsumexp(np.array([5.0]), np.array([1.5]), np.array([5.0]), np.array([2.0]))
    (array([5.]), array([3.5]))

Hints
-----
1. The maximum of both is easy. But the two sums are relative to different maxima: which factors
   make them relative to the new one?
2. $s = s_1 e^{m_1 - m} + s_2 e^{m_2 - m}$ with $m = \max(m_1, m_2)$: no exponent is positive. With
   two empty blocks, $-\infty - (-\infty)$ is NaN.
3. `m = np.maximum(m1, m2)`; in the exponents, use `np.where(np.isfinite(m), m, 0)` instead.

Mistakes
--------
return np.maximum(m1, m2), s1 + s2
    The sums are added as they are. Each is relative to its own maximum: bring both to the new one
    first.
- return m, s1 * np.exp(m1 - top) + s2 * np.exp(m2 - top)
+ return m, (s1 * np.exp(m1) + s2 * np.exp(m2)) / np.exp(m)
    The exponentials are no longer relative to a maximum: $e^m$ overflows for large $m$.
- return m, s1 * np.exp(m1 - top) + s2 * np.exp(m2 - top)
+ return m, s1 * np.exp(top - m1) + s2 * np.exp(top - m2)
    The exponents have the wrong sign: use $m_1 - m$, which is never positive.
- top = np.where(np.isfinite(m), m, 0)
+ top = m
    With two empty blocks, $-\infty - (-\infty)$ is NaN. Subtract 0 where the maximum is $-\infty$.
- return m, s1 * np.exp(m1 - top) + s2 * np.exp(m2 - top)
+ return m, s1 + s2 * np.exp(m2 - top)
    Only the second block is brought to the new maximum. Either may have the smaller one.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case

returns = "m, s"


def merge_logsumexp(m1, s1, m2, s2):
    """Return the pair (m, s) of two blocks together."""
    m = np.maximum(m1, m2)
    top = np.where(np.isfinite(m), m, 0)
    return m, s1 * np.exp(m1 - top) + s2 * np.exp(m2 - top)


def inputs(rng):
    def blocks(m1, m2):
        s1, s2 = rng.uniform(1, 3, size=(2, len(m1)))
        return np.array(m1), s1, np.array(m2), s2

    yield Case("ordinary blocks", *blocks(rng.normal(size=3), rng.normal(size=3)))
    yield Case("large maxima", *blocks([1000.0, 900.0], [999.0, 901.0]))
    yield Case("maxima far apart", *blocks([800.0, -800.0], [-800.0, 800.0]))
    empty, nothing = np.array([-np.inf]), np.array([0.0])
    some, total = rng.normal(size=1), rng.uniform(1, 3, size=1)
    yield Case("an empty block", some, total, empty, nothing)
    yield Case("an empty block first", empty, nothing, some, total)
    yield Case("two empty blocks", empty, nothing, empty, nothing)
