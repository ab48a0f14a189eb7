r"""The backward rule of a matrix product.

The function is $Y = A B$, `y = a @ b`, with `a` of shape `(m, k)` and `b` of shape `(k, n)`. Its
backward rule receives `grad`, the output `y`, and the inputs `a` and `b`. `grad` is $\bar Y$, the
gradient of the loss with respect to $Y$, of shape `(m, n)`.

Write the rule: return the tuple `(da, db)`, of the shapes of `a` and `b`.

    >>> a, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
    >>> matmul_backward(np.array([[10.0]]), a @ b, a, b)
    (array([[30., 40.]]), array([[10.],
           [20.]]))

Hints
-----
1. The shapes nearly decide it: `da` has the shape `(m, k)`. How can you multiply `grad`, `(m, n)`,
   and something made of `b`, `(k, n)`, to get that shape?
2. $y_{ij} = \sum_k a_{ik} b_{kj}$, so $a_{ik}$ changes the whole row $i$ of $Y$:
   $\bar a_{ik} = \sum_j \bar y_{ij}\,b_{kj}$. Which matrix product is that?
3. $\bar A = \bar Y B^T$ and $\bar B = A^T \bar Y$; `b.T` is the transpose.

Mistakes
--------
return grad @ b, a @ grad
    The transposes are missing. With square matrices the shapes fit anyway.
return b.T @ grad, grad @ a.T
    The factors are in the wrong order: a matrix product does not commute.
return grad * b, grad * a
    This is the rule of the elementwise product; `@` is the matrix product.
"""

import numpy as np  # noqa: F401 - for the example above

from tinygrad_xent.teaching.exercises.cases import Case


def matmul_backward(grad, y, a, b):
    """Return the gradients (da, db), where y = a @ b."""
    return grad @ b.T, a.T @ grad


def forward(a, b):
    return a @ b


def inputs(rng):
    def case(about, m, k, n):
        return Case(about, rng.normal(size=(m, k)), rng.normal(size=(k, n)))

    yield case("square matrices", 2, 2, 2)
    yield case("a row times a matrix", 1, 2, 3)
    yield case("a column times a row", 3, 1, 2)
    yield case("matrices", 2, 3, 4)
