r"""The backward rule of a layer.

A linear layer computes `y = x @ w + b`. The batch `x` has the shape `(N, D)`, the weights `w` have
`(D, M)`, and the bias `b`, added to every row, has `(M,)`. Its backward rule receives `grad`, the
output `y` and the three inputs. `grad` is $\bar Y$, the gradient of the loss with respect to `y`,
of shape `(N, M)`.

Write the rule: return the tuple `(dx, dw, db)`, each of the shape of its input.

    >>> x, w, b = np.array([[1.0], [2.0]]), np.array([[3.0]]), np.array([0.0])
    >>> for gradient in linear_backward(np.array([[10.0], [20.0]]), x @ w + b, x, w, b):
    ...     print(gradient.tolist())
    [[30.0], [60.0]]
    [[50.0]]
    [30.0]

Hints
-----
1. It is a matrix product and an addition with broadcasting. You know both rules.
2. For the product: $\bar X = \bar Y W^T$ and $\bar W = X^T \bar Y$. The bias is used in every row.
3. `db` is the sum of `grad` over the rows: `np.sum(grad, axis=0)`.

Mistakes
--------
return grad @ w.T, x.T @ grad, grad
    `db` is not summed. The bias was added to every row, so the gradients of all rows add up.
return grad @ w.T, x.T @ grad, np.mean(grad, axis=0)
    `db` is a mean over the rows. It should be a sum; if the loss is a mean, `grad` already contains
    the $1/N$.
return grad @ w.T, x.T @ grad / len(x), np.sum(grad, axis=0) / len(x)
    You divided by the number of rows. If the loss is a mean, `grad` already contains the $1/N$.
return grad @ w.T, x.T @ grad, np.sum(grad, axis=1)
    `db` is summed over the columns. The bias has an entry for each column.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def linear_backward(grad, y, x, w, b):
    """Return the gradients (dx, dw, db), where y = x @ w + b."""
    return grad @ w.T, x.T @ grad, np.sum(grad, axis=0)


def forward(x, w, b):
    return x @ w + b


def inputs(rng):
    def case(about, n, d, m):
        return Case(about, *(rng.normal(size=shape) for shape in ((n, d), (d, m), (m,))))

    yield case("square matrices", 2, 2, 2)
    yield case("four rows", 4, 2, 3)
    yield case("one row", 1, 2, 3)
