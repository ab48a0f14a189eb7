r"""The backward rule of a table.

An embedding turns numbers of tokens into rows of a table: `y = table[index]`. `table` has the shape
`(V, D)` and `index` holds integers, in any shape, so `y` has the shape of `index` and one axis
more. The backward rule is handed `grad` (the gradient of the loss with respect to `y`, of its
shape), `y`, `table` and `index`.

Write the rule: return the gradient with respect to `table`, of its shape. A row may be used several
times, or never.

    >>> grad, table = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]), np.zeros((3, 2))
    >>> embedding_backward(grad, None, table, index=np.array([0, 2, 0]))
    array([[5., 5.],
           [0., 0.],
           [2., 2.]])
"""

import numpy as np

from tinygrad_xent.teaching.exercises.exercise import Case, Exercise


def embedding_backward(grad, y, table, *, index):
    """Return the gradient of table, where y = table[index]."""
    result = np.zeros(table.shape)
    np.add.at(result, index, grad)
    return result


def embedding(table, *, index):
    return table[index]


def inputs(rng):
    table = rng.normal(size=(3, 2))
    yield Case("a row used twice", table, index=np.array([0, 2, 0]))
    yield Case("each row once", table, index=rng.permutation(3))
    yield Case("a batch of contexts", table, index=rng.integers(3, size=(2, 2)))
    yield Case("a single index", table, index=np.array(1))
    yield Case("no index", table, index=np.zeros(0, np.int64))
    yield Case("float32", table.astype(np.float32), index=np.array([1, 1]))


exercise = Exercise(
    embedding_backward,
    __doc__,
    lesson=12,
    forward=embedding,
    inputs=inputs,
    hints=(
        "Each row of `y` is a copy of a row of the table. What happens to gradients where a value "
        "is used several times?",
        "Start with zeros of the shape of `table`, and add each row of `grad` to the row that it "
        "was copied from. With `+=` and an array of indices NumPy adds only once to each row.",
        "`np.add.at(result, index, grad)` adds every time, also where an index occurs twice.",
    ),
    mistakes={
        ("np.add.at(result, index, grad)", "result[index] = grad"): (
            "Where an index occurs twice, only the last gradient is kept; `result[index] += grad` "
            "does the same. All of them must be added: `np.add.at`."
        ),
        "return grad": (
            "This is the gradient of the copied rows. The table has a row for every token: add "
            "each gradient to the row it was copied from."
        ),
        ("index, grad)", "index, grad / np.bincount(np.ravel(index))[index][..., None])"): (
            "You took the mean of the gradients of a row. They add up."
        ),
        "return grad[index]": (
            "The gradient was read from the places `index`, instead of being put there."
        ),
    },
)
