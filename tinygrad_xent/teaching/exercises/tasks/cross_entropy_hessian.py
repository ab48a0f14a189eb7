r"""The second derivative of a cross-entropy.

The gradient of the cross-entropy of one row with respect to its logits is $p - t$. Differentiate
once more, and the labels drop out. What remains is the Hessian $H_{ij} = \frac{\partial^2
\ell}{\partial z_i\,\partial z_j} = \frac{\partial p_i}{\partial z_j}$, a symmetric matrix for each
row.

Write it for a batch: `p` holds probabilities of shape `(..., C)`. The result has the shape `(...,
C, C)`, one matrix for each row of `p`.

    >>> cross_entropy_hessian(np.array([[0.5, 0.5]]))
    array([[[ 0.25, -0.25],
            [-0.25,  0.25]]])

Hints
-----
1. For one row you know it already: it is the Jacobian of the softmax,
   $\operatorname{diag}(p) - p\,p^T$. How do you write it for many rows at once?
2. `p[..., :, None]` are columns and `p[..., None, :]` are rows; their product, with broadcasting,
   holds all $p_i\,p_j$.
3. `p[..., :, None] * np.eye(C)` has $p$ on the diagonals, with `C = p.shape[-1]`. Subtract the
   product of columns and rows.

Mistakes
--------
return (p * (1 - p))[..., :, None] * np.eye(p.shape[-1])
    This is only the diagonal. Changing one logit changes all probabilities of the row, and with
    them all entries of the gradient.
- return column * np.eye(p.shape[-1]) - column * row
+ return -column * row
    The term on the diagonal is missing: $H = \operatorname{diag}(p) - p\,p^T$.
return np.diag(np.ravel(p)) - np.outer(p, p)
    The rows of the batch are mixed: `np.outer` and `np.diag` make one matrix of the whole batch.
    Each row has its own.
- return column * np.eye(p.shape[-1]) - column * row
+ return np.eye(p.shape[-1]) - column * row
    The first term is the identity matrix. It must be weighted by the probabilities.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def cross_entropy_hessian(p):
    """Return the Hessian of the cross-entropy of each row, from its probabilities."""
    column, row = p[..., :, None], p[..., None, :]
    return column * np.eye(p.shape[-1]) - column * row


def inputs(rng):
    yield Case("one row", rng.dirichlet(np.ones(3)))
    yield Case("two rows", rng.dirichlet(np.ones(3), size=2))
    yield Case("three axes", rng.dirichlet(np.ones(2), size=(2, 2)))
    yield Case("a certain class", np.array([[1.0, 0.0, 0.0]]))
    yield Case("no rows", np.zeros((0, 2)))
