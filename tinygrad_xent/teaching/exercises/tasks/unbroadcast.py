r"""Broadcasting, undone.

NumPy stretches an array of the shape `shape` when it meets a larger one: it puts axes in front, and
repeats along axes of length 1. An entry that was repeated has moved the result in several places,
so its gradient is the sum of the gradients of all these places.

Write the function that is given `grad`, the gradient of the stretched array, and `shape`, and
returns the gradient of the array before: a sum of `grad`, of exactly that shape. Every axis of
`shape`, counted from the end, is as long as that of `grad`, or 1.

    >>> grad = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    >>> unbroadcast(grad, (3,))
    array([11., 22., 33.])
    >>> unbroadcast(grad, (2, 1))
    array([[ 6.],
           [60.]])
"""

import numpy as np

from tinygrad_xent.teaching.exercises.exercise import Case, Exercise


def unbroadcast(grad, shape):
    """Sum grad to a shape that was broadcast to its own."""
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
    yield Case("float32", grad.astype(np.float32), (1,))


def first_entries(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[0]
    for i, length in enumerate(shape):
        if length == 1:
            grad = np.take(grad, [0], axis=i)
    return grad


exercise = Exercise(
    unbroadcast,
    __doc__,
    lesson=4,
    inputs=inputs,
    hints=(
        "There are two kinds of stretching, and so two sums: over axes that `shape` does not have, "
        "and over axes that have length 1 in it.",
        "First sum over the `grad.ndim - len(shape)` axes in front, which go away. Then over the "
        "axes where `shape` has a 1, which stay.",
        "`np.sum` takes a tuple of axes. The first sum has `axis=tuple(range(extra))`, the second "
        "the places of the ones in `shape`, with `keepdims=True`.",
    ),
    mistakes={
        "return np.sum(grad, axis=tuple(range(grad.ndim - len(shape))))": (
            "Only the axes in front are summed. Axes of length 1 in `shape` were stretched too."
        ),
        (
            "    grad = np.sum(grad, axis=tuple(range(extra)))\n    ones = tuple(i ",
            "    ones = tuple(i + extra ",
        ): (
            "Only axes of length 1 are summed. Axes that `shape` does not have were put in front, "
            "and must go away."
        ),
        (", keepdims=True", ""): (
            "The axes of length 1 are summed away. They must stay, with length 1: `keepdims=True`."
        ),
        ("np.sum", "np.mean"): (
            "You took a mean. Every repeated entry counts in full: it is a sum."
        ),
        first_entries: ("You took the first of the repeated entries. All of them count: sum them."),
    },
)
