r"""The backward rule of softmax.

The function is the softmax $y_i = e^{x_i} / \sum_j e^{x_j}$ along the axis `axis`, on an array of
any shape. Its backward rule receives `grad` (the gradient of the loss with respect to $y$, written
$\bar y$), the output `y`, the input `x`, and `axis`. The three arrays have the same shape.

Write the rule without forming the Jacobian matrix: return the gradient of the loss with respect to
$x$, an array of the same shape.

    >>> y = np.array([0.25, 0.75])
    >>> softmax_backward(np.array([1.0, 0.0]), y, np.log(y), axis=-1)
    array([ 0.1875, -0.1875])

Hints
-----
1. Every output depends on every input of its row, so the gradient of one input is a sum over all
   outputs.
2. The derivative of $y_j$ with respect to $x_i$ is $J_{ji} = y_j\,([i = j] - y_i)$. Insert it into
   $\bar x_i = \sum_j \bar y_j\,J_{ji}$, and split the sum.
3. $\bar x_i = y_i\,(\bar y_i - \sum_j \bar y_j\,y_j)$. The sum runs along `axis`; with
   `keepdims=True` you can subtract it from `grad`.

Mistakes
--------
return grad * y * (1 - y)
    This is only the diagonal of the Jacobian, $y_i (1 - y_i)$. A softmax has cross terms: raising
    one input lowers all other outputs of its row.
return y * (grad - np.sum(grad * y, axis=-1, keepdims=True))
    The sum runs over the last axis, whatever `axis` says. Rows of the softmax lie along `axis`.
return y * (grad - np.sum(grad * y))
    The sum runs over the whole array. Each row of the softmax has its own sum: call `np.sum` with
    `axis=axis`.
return y * (grad - np.sum(grad, axis=axis, keepdims=True))
    The sum lacks the weights $y_j$: it is $\sum_j \bar y_j\,y_j$.
return grad - np.sum(grad * y, axis=axis, keepdims=True)
    The factor $y_i$ in front is missing.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case, rows


def softmax_backward(grad, y, x, *, axis):
    """Return the gradient of x, where y is the softmax of x along an axis."""
    return y * (grad - np.sum(grad * y, axis=axis, keepdims=True))


def forward(x, *, axis):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def inputs(rng):
    for about, x in rows(rng):
        yield Case(about, x, axis=-1)
    yield Case("columns (axis=0)", rng.normal(size=(3, 2)), axis=0)
    yield Case("the middle of three axes", rng.normal(size=(2, 3, 2)), axis=1)
