r"""All derivatives of a softmax at once.

Let $p$ be the softmax of a row $x$ of $n$ numbers. Its Jacobian is the $n \times n$ matrix of all
derivatives, $J_{ij} = \frac{\partial p_i}{\partial x_j}$.

Write a function that computes this matrix from the probabilities `p` alone, an array of shape
`(n,)`.

    >>> softmax_jacobian(np.array([0.5, 0.5]))
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])

Hints
-----
1. Write $p_i$ as a fraction and differentiate it with the quotient rule, once for $j = i$ and once
   for $j \ne i$.
2. $\frac{\partial p_i}{\partial x_i} = p_i\,(1 - p_i)$, and for $j \ne i$ it is $-p_i\,p_j$.
3. Both cases in one: $J_{ij} = [i = j]\,p_i - p_i\,p_j$. `np.diag(p)` is the first term,
   `np.outer(p, p)` the second.

Mistakes
--------
return np.diag(p * (1 - p))
    This is only the diagonal. Raising one input lowers all other probabilities: the entries off the
    diagonal are not 0.
return np.diag(p) - np.outer(p, p) * (1 - np.eye(len(p)))
    The diagonal lacks a term. If an input rises, the denominator rises, too: $p_i\,(1 - p_i)$, not
    $p_i$.
return np.diag(p) + np.outer(p, p)
    The second term has the wrong sign: the rows of the matrix must sum to 0.
return -np.outer(p, p)
    The term on the diagonal is missing: $[i = j]\,p_i$.
return np.eye(len(p)) - np.outer(p, p)
    The first term is the identity matrix. It must be weighted by the probabilities: `np.diag(p)`.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def softmax_jacobian(p):
    """Return the matrix of the derivatives dp[i]/dx[j], where p is the softmax of x."""
    return np.diag(p) - np.outer(p, p)


def inputs(rng):
    for classes in (3, 2, 6):
        yield Case(f"{classes} classes", rng.dirichlet(np.ones(classes)))
    yield Case("a certain class", np.array([1.0, 0.0, 0.0]))
    yield Case("one class", np.array([1.0]))
