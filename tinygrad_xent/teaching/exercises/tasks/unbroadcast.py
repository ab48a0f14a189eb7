"""Broadcasting, undone.

NumPy stretches an array of the shape `shape` to fit a larger one: it adds axes in front, and
repeats entries along axes of length 1. A repeated entry acts in several places, so its gradient is
the sum of the gradients of all these places.

Write a function that takes `grad`, the gradient of the stretched array, and `shape`, that of the
original one. Return the gradient of the original array: `grad`, summed to exactly that shape. Every
axis of `shape`, counted from the end, is as long as that of `grad`, or has length 1.

    >>> grad = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    >>> unbroadcast(grad, (3,))
    array([11., 22., 33.])
    >>> unbroadcast(grad, (2, 1))
    array([[ 6.],
           [60.]])

Hints
-----
1. There are two kinds of stretching, and so two sums: over axes that `shape` lacks, and over axes
   that have length 1 in it.
2. First sum over the `grad.ndim - len(shape)` axes in front, which disappear. Then sum over the
   axes where `shape` has a 1, which stay.
3. `np.sum` takes a tuple of axes. The first sum has `axis=tuple(range(extra))`, the second has the
   positions of the ones in `shape`, with `keepdims=True`.

Mistakes
--------
return np.sum(grad, axis=tuple(range(grad.ndim - len(shape))))
    You summed only over the axes in front. Axes of length 1 in `shape` were stretched, too.
- grad = np.sum(grad, axis=tuple(range(extra)))
- ones = tuple(i for i, length in enumerate(shape) if length == 1)
+ ones = tuple(i + extra for i, length in enumerate(shape) if length == 1)
    You summed only over axes of length 1. Axes that `shape` lacks were added in front, and must
    disappear.
- return np.sum(grad, axis=ones, keepdims=True)
+ return np.sum(grad, axis=ones)
    The axes of length 1 are gone. Keep them, with `keepdims=True`.
- grad = np.sum(grad, axis=tuple(range(extra)))
+ grad = np.mean(grad, axis=tuple(range(extra)))
- return np.sum(grad, axis=ones, keepdims=True)
+ return np.mean(grad, axis=ones, keepdims=True)
    You took a mean. Every repetition counts in full: take the sum.
first_entries
    You took only the first of the repeated entries. Sum all of them.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def unbroadcast(grad, shape):
    """Return grad, summed to the shape that was broadcast to its own."""
    extra = grad.ndim - len(shape)
    grad = np.sum(grad, axis=tuple(range(extra)))
    ones = tuple(i for i, length in enumerate(shape) if length == 1)
    return np.sum(grad, axis=ones, keepdims=True)


def inputs(rng):
    grad = rng.normal(size=(2, 3))
    yield Case("an axis in front", grad, (3,))
    yield Case("a column", grad, (2, 1))
    yield Case("a row", grad, (1, 3))
    yield Case("nothing stretched", grad, (2, 3))
    yield Case("a single number", grad, ())
    yield Case("both kinds", rng.normal(size=(2, 2, 2)), (2, 1))


def first_entries(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[0]
    for i, length in enumerate(shape):
        if length == 1:
            grad = np.take(grad, [0], axis=i)
    return grad
