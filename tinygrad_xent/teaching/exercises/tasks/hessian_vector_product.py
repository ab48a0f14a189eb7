r"""A Hessian times a vector, without the Hessian.

For one row of $C$ logits, the Hessian $H = \operatorname{diag}(p) - p\,p^T$ of the cross-entropy
(and of $\ln \sum_i e^{z_i}$) has $C^2$ entries. With a vocabulary of 100,000 words it would take 80
GB. But to multiply it by a vector $v$, you do not need the matrix.

Write the product $H v$ for `logits` and `v` of shape `(C,)`; the result has the same shape. The
logits may be large. Do not form any `(C, C)` matrix.

    >>> hessian_vector_product(np.array([0.0, 0.0]), np.array([1.0, 0.0]))
    array([ 0.25, -0.25])

Hints
-----
1. Multiply each of the two terms by $v$. What kind of thing is $p^T v$?
2. $\operatorname{diag}(p)\,v$ is an elementwise product, and $p^T v$ is a single number.
3. $H v = p \odot (v - p^T v)$, elementwise. You have seen it before: it is the backward rule of the
   softmax, because $H$ is symmetric.

Mistakes
--------
- return p * (v - np.sum(p * v))
+ return p * v
    This is $\operatorname{diag}(p)\,v$ alone. The second term, $-p\,(p^T v)$, is missing.
- return p * (v - np.sum(p * v))
+ return p * (1 - p) * v
    This is the diagonal of the Hessian times $v$. The entries off the diagonal, $-p_i\,p_j$, count
    as well.
- e = np.exp(logits - np.max(logits))
+ e = np.exp(logits)
    The exponential of a large logit overflows: subtract the largest first.
- return p * (v - np.sum(p * v))
+ return p * (v - np.sum(v))
    The sum in the bracket lacks its weights: it is $p^T v = \sum_j p_j\,v_j$.
- return p * (v - np.sum(p * v))
+ return p * (v + np.sum(p * v))
    The two terms are added. The second one is subtracted.
return logits * (v - np.sum(logits * v))
    You used the logits where the formula has their softmax, $p$.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def hessian_vector_product(logits, v):
    """Return the Hessian of the log-sum-exp of the logits, times v."""
    e = np.exp(logits - np.max(logits))
    p = e / np.sum(e)
    return p * (v - np.sum(p * v))


def inputs(rng):
    yield Case("three classes", rng.normal(size=3), rng.normal(size=3))
    yield Case("large logits", 1000 + rng.normal(size=3), rng.normal(size=3))
    yield Case("a vector of ones", rng.normal(size=4), np.ones(4))
    yield Case("two thousand classes", rng.normal(size=2000), rng.normal(size=2000))
