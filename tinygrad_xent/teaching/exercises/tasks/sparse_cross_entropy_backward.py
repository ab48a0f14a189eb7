r"""The backward rule of the fused sparse cross-entropy.

The function is $\ell = -\ln p_t$ with $p = \operatorname{softmax}(z)$ along the axis `axis` of
`logits`. `target` holds the number of the true class for each row. It has the shape of `logits`
without that axis, and so do `loss` and `grad`. `grad` is $\bar\ell$, the gradient of the final
result with respect to each loss.

Write the rule: return the gradient with respect to `logits`, an array of its shape. The axis may be
any axis, counted from the end if negative, and logits may be large.

    >>> logits, target = np.array([[0.0, 0.0], [0.0, 0.0]]), np.array([0, 1])
    >>> sparse_cross_entropy_backward(np.array([1.0, 2.0]), None, logits, target=target, axis=-1)
    array([[-0.5,  0.5],
           [ 1. , -1. ]])

Hints
-----
1. It is $p - t$ again, with a one-hot $t$; and each entry of the upstream gradient belongs to a
   whole row.
2. $\bar z_i = \bar\ell\,(p_i - [i = t])$. Compute the softmax along `axis`, then subtract 1 at the
   true class of each row.
3. `where = np.expand_dims(target, axis)`; `np.take_along_axis` reads the entries there and
   `np.put_along_axis` writes them. `np.expand_dims(grad, axis)` has the right shape for the
   product.

Mistakes
--------
- np.put_along_axis(p, where, picked - 1, axis)
    This is the softmax alone: subtract 1 at the true class of each row.
- return np.expand_dims(grad, axis) * p
+ return -np.expand_dims(grad, axis) * p
    The sign is wrong: the gradient is $p - t$, not $t - p$.
- return np.expand_dims(grad, axis) * p
+ return grad * p
    `grad` is aligned with the last axes of `logits`. It lacks the axis of the classes: insert it
    with `np.expand_dims(grad, axis)`.
- e = np.exp(logits - np.max(logits, axis=axis, keepdims=True))
+ axis = -1
+ e = np.exp(logits - np.max(logits, axis=axis, keepdims=True))
    The classes are taken along the last axis, whatever `axis` says.
- return np.expand_dims(grad, axis) * p
+ return np.expand_dims(grad, axis) * p / max(target.size, 1)
    You divided by the number of rows. That belongs to a mean over the batch.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case
from tinygrad_xent.teaching.exercises.tasks.sparse_cross_entropy import sparse_cross_entropy


def sparse_cross_entropy_backward(grad, loss, logits, *, target, axis):
    """Return the gradient of the logits of a sparse cross-entropy along an axis."""
    e = np.exp(logits - np.max(logits, axis=axis, keepdims=True))
    p = e / np.sum(e, axis=axis, keepdims=True)
    where = np.expand_dims(target, axis)
    picked = np.take_along_axis(p, where, axis)
    np.put_along_axis(p, where, picked - 1, axis)
    return np.expand_dims(grad, axis) * p


def forward(logits, *, target, axis):
    return sparse_cross_entropy(target, np.moveaxis(logits, axis, -1))


def inputs(rng):
    def case(about, logits, axis):
        shape = np.delete(logits.shape, axis)
        target = rng.integers(logits.shape[axis], size=shape)
        return Case(about, logits, target=target, axis=axis)

    yield case("as many rows as classes", rng.normal(size=(3, 3)), -1)
    yield case("two rows", rng.normal(size=(2, 3)), -1)
    yield case("columns (axis=0)", rng.normal(size=(3, 2)), 0)
    yield case("the middle of three axes", rng.normal(size=(2, 3, 2)), -2)
    yield case("large logits", 1000 + 30 * rng.normal(size=(2, 3)), 1)
    yield case("no rows", np.zeros((0, 3)), -1)
