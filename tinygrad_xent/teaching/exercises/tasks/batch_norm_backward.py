r"""The backward rule of batch normalisation.

`x` has the shape `(N, D)`: N examples, D features. Each column is shifted and scaled to mean 0 and
variance 1. Then two learned rows of shape `(D,)` scale it and shift it again:

    normed = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + epsilon)
    y = gain * normed + bias

(`x.var` divides by N.) The backward rule receives `grad`, the output `y`, the three inputs, and
`epsilon`. `grad` is the gradient of the loss with respect to `y`, and has its shape.

Write the rule: return the tuple `(dx, dgain, dbias)`. The mean and the variance depend on `x` too.

    >>> x, ones, zeros = np.array([[1.0], [-1.0]]), np.ones(1), np.zeros(1)
    >>> for gradient in batch_norm_backward(np.array([[1.0], [0.0]]), x, x, ones, zeros, epsilon=1):
    ...     print(gradient.round(3).tolist())
    [[0.177], [-0.177]]
    [0.707]
    [1.0]

Hints
-----
1. Start at the end: `gain` and `bias` are broadcast over the rows, so their gradients are sums over
   the rows. That gives the gradient of `normed`, which depends on `x` in three ways.
2. Let $n$ be a column of `normed`, $s = \sqrt{\mathrm{var} + \varepsilon}$, and $\bar n$ the
   gradient of $n$. Shifting all of $x$ changes nothing, so subtract the mean of $\bar n$; scaling
   changes little, so subtract the part of $\bar n$ along $n$.
3. $\bar x = (\bar n - \mathrm{mean}(\bar n) - n \cdot \mathrm{mean}(\bar n\,n)) / s$, with means
   over the rows and $\bar n = \bar y \cdot \mathrm{gain}$.

Mistakes
--------
- dx = (dnormed - np.mean(dnormed, axis=0) - normed * along) / std
+ dx = (dnormed) / std
    `dx` treats the mean and the variance as constants. Both are computed from `x`, so there are two
    more paths back to it.
- dx = (dnormed - np.mean(dnormed, axis=0) - normed * along) / std
+ dx = (dnormed - np.mean(dnormed, axis=0)) / std
    `dx` treats the variance as a constant. It is computed from `x`: a path back to it is missing.
- dx = (dnormed - np.mean(dnormed, axis=0) - normed * along) / std
+ dx = (dnormed - normed * along) / std
    `dx` treats the mean as a constant. It is computed from `x`: a path back to it is missing.
- dnormed = grad * gain
+ dnormed = grad
    The factor `gain` is missing in `dx`.
- return dx, np.sum(grad * normed, axis=0), np.sum(grad, axis=0)
+ return dx, np.sum(grad * x, axis=0), np.sum(grad, axis=0)
    `dgain` uses `x`, but the gain is multiplied by the normalised `x`.
- std = np.sqrt(np.var(x, axis=0) + epsilon)
+ std = np.sqrt(np.var(x, axis=0))
    `epsilon` is missing under the root. For a small variance the result is far off.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def batch_norm_backward(grad, y, x, gain, bias, *, epsilon):
    """Return the gradients (dx, dgain, dbias) of batch normalisation."""
    std = np.sqrt(np.var(x, axis=0) + epsilon)
    normed = (x - np.mean(x, axis=0)) / std
    dnormed = grad * gain
    along = np.mean(dnormed * normed, axis=0)
    dx = (dnormed - np.mean(dnormed, axis=0) - normed * along) / std
    return dx, np.sum(grad * normed, axis=0), np.sum(grad, axis=0)


def forward(x, gain, bias, *, epsilon):
    normed = (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + epsilon)
    return gain * normed + bias


def inputs(rng):
    def case(about, n, d, epsilon, scale=1.0):
        x, gain, bias = scale * rng.normal(size=(n, d)), rng.uniform(0.5, 2, d), rng.normal(size=d)
        return Case(about, x, gain, bias, epsilon=epsilon)

    yield case("three rows of two", 3, 2, 1e-5)
    yield case("eight rows", 8, 3, 1e-5)
    yield case("a small variance", 4, 2, 0.1, scale=0.1)
    yield case("one feature", 4, 1, 1e-3)
