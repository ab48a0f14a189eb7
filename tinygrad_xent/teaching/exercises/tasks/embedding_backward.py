"""The backward rule of an embedding.

An embedding turns token numbers into rows of a table: `y = table[index]`. `table` has the shape
`(V, D)` and `index` holds integers, in any shape, so `y` has the shape of `index` with one more
axis. The backward rule receives `grad` (the gradient of the loss with respect to `y`, of its
shape), `y`, `table` and `index`.

Write the rule: return the gradient with respect to `table`, of its shape. A row may be used several
times, or never.

    >>> grad, table = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]), np.zeros((3, 2))
    >>> embedding_backward(grad, None, table, index=np.array([0, 2, 0]))
    array([[5., 5.],
           [0., 0.],
           [2., 2.]])

Hints
-----
1. Each row of `y` is a copy of a row of the table. What happens to the gradient of a value that is
   used several times?
2. Start with zeros of the shape of `table`, and add each row of `grad` to the row that it was
   copied from. With `+=` and an array of indices, NumPy adds to each row only once.
3. `np.add.at(result, index, grad)` adds every time, even where an index occurs twice.

Mistakes
--------
- np.add.at(result, index, grad)
+ result[index] = grad
    Where an index occurs twice, only the last gradient is kept; `result[index] += grad` has the
    same flaw. Add all of them, with `np.add.at`.
return grad
    This is the gradient of the copied rows. The table has a row for every token: add each gradient
    to the row it was copied from.
- np.add.at(result, index, grad)
+ np.add.at(result, index, grad / np.bincount(np.ravel(index))[index][..., None])
    You took the mean of the gradients of a row. They add up.
return grad[index]
    The gradient is read at `index` instead of being written there.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def embedding_backward(grad, y, table, *, index):
    """Return the gradient of table, where y = table[index]."""
    result = np.zeros(table.shape)
    np.add.at(result, index, grad)
    return result


def forward(table, *, index):
    return table[index]


def inputs(rng):
    table = rng.normal(size=(3, 2))
    yield Case("a row used twice", table, index=np.array([0, 2, 0]))
    yield Case("each row once", table, index=rng.permutation(3))
    yield Case("a batch of contexts", table, index=rng.integers(3, size=(2, 2)))
    yield Case("a single index", table, index=np.array(1))
    yield Case("no index", table, index=np.zeros(0, np.int64))
