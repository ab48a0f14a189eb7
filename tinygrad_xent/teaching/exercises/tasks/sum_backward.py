"""The backward rule of a sum.

The function is `y = np.sum(x, axis=axis, keepdims=keepdims)`, with one integer `axis`. Its backward
rule receives `grad`, the output `y`, the input `x`, and the two parameters. `grad` is the gradient
of the loss with respect to `y`, and has its shape.

Write the rule: return the gradient with respect to `x`, an array of the shape of `x`. Without
`keepdims`, `grad` lacks the summed axis; with it, that axis has length 1.

    >>> x, grad = np.ones((2, 3)), np.array([10.0, 20.0])
    >>> sum_backward(grad, np.sum(x, axis=1), x, axis=1, keepdims=False)
    array([[10., 10., 10.],
           [20., 20., 20.]])

Hints
-----
1. If one term changes, the sum changes by as much: the slope is 1. So what does each entry of a row
   get?
2. Each entry gets the gradient of its own sum, unchanged: the rule of a sum is a broadcast.
   `np.expand_dims` restores the axis that the sum removed.
3. Unless `keepdims`, start with `grad = np.expand_dims(grad, axis)`; then
   `np.broadcast_to(grad, x.shape)`.

Mistakes
--------
return np.broadcast_to(grad, x.shape)
    The summed axis is not restored. Broadcasting then aligns `grad` with the last axes of `x`,
    which fits some shapes by accident.
-     grad = np.expand_dims(grad, axis)
+     grad = np.expand_dims(grad, -1)
    The axis is always restored at the end. It belongs where it was: at `axis`.
- return np.broadcast_to(grad, x.shape)
+ return np.broadcast_to(grad, x.shape) / x.shape[axis]
    You divided by the length of the axis. That is the rule of a mean; in a sum each slope is 1.
- return np.broadcast_to(grad, x.shape)
+ return grad * x
    `grad` is multiplied by `x`. The slope of a sum in each term is 1.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def sum_backward(grad, y, x, *, axis, keepdims):
    """Return the gradient of x, where y is the sum of x along an axis."""
    if not keepdims:
        grad = np.expand_dims(grad, axis)
    return np.broadcast_to(grad, x.shape)


def forward(x, *, axis, keepdims):
    return np.sum(x, axis=axis, keepdims=keepdims)


def inputs(rng):
    yield Case("rows (axis=1)", rng.normal(size=(3, 3)), axis=1, keepdims=False)
    yield Case("columns (axis=0)", rng.normal(size=(2, 3)), axis=0, keepdims=False)
    yield Case("keepdims=True", rng.normal(size=(2, 3)), axis=1, keepdims=True)
    yield Case("a negative axis", rng.normal(size=(2, 3)), axis=-2, keepdims=False)
    yield Case("the middle of three axes", rng.normal(size=(2, 2, 2)), axis=1, keepdims=False)
    yield Case("a vector", rng.normal(size=3), axis=0, keepdims=False)
