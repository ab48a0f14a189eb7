r"""The backward rule of a maximum.

The function is $y = \max(a, b)$, entry by entry, on two arrays of one shape. Its backward rule
receives `grad` ($\bar y$, the gradient of the loss with respect to $y$), the output `y`, and the
inputs `a` and `b`. All have one shape.

Write the rule: return the tuple `(da, db)`. Only the larger one changes $y$, so it gets the whole
gradient. Where they are equal, $y$ has a kink, and several answers are valid; here each gets half.

    >>> grad, y = np.array([1.0, 1.0, 1.0]), np.array([5.0, 5.0, 4.0])
    >>> maximum_backward(grad, y, np.array([5.0, 2.0, 4.0]), np.array([3.0, 5.0, 4.0]))
    (array([1. , 0. , 0.5]), array([0. , 1. , 0.5]))

Hints
-----
1. A comparison of arrays, such as `a > b`, gives True and False, which count as 1 and 0.
2. There are three cases for `da`: `grad` where `a > b`, half of it where `a == b`, and 0.
3. The share of $a$ is `(a > b) + 0.5 * (a == b)`; the share of $b$ is 1 minus that.

Mistakes
--------
return grad * (a >= b), grad * (b >= a)
    Where they are equal, both get the whole gradient: together twice the upstream gradient.
return grad * (a > b), grad * (b > a)
    Where they are equal, neither gets anything: the gradient is lost.
return grad * (a >= b), grad * (a < b)
    Where they are equal, $a$ gets everything. That is valid at a kink, but here each gets half, so
    that the order of the two does not matter.
return grad * (a > b), grad * (a <= b)
    Where they are equal, $b$ gets everything. That is valid at a kink, but here each gets half, so
    that the order of the two does not matter.
return grad, grad
    Both get the whole gradient everywhere. The smaller one does not change $y$.
- share = (a > b) + 0.5 * (a == b)
+ share = (a < b) + 0.5 * (a == b)
    The smaller one gets the gradient: the comparison is the wrong way round.
return grad * a * (a > b), grad * b * (b > a)
    `grad` is multiplied by the inputs. The slope is 1 for the larger one and 0 for the other.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def maximum_backward(grad, y, a, b):
    """Return the gradients (da, db), where y is the larger one of a and b."""
    share = (a > b) + 0.5 * (a == b)
    return grad * share, grad * (1 - share)


def forward(a, b):
    return np.maximum(a, b)


def inputs(rng):
    yield Case("three numbers", rng.normal(size=3), rng.normal(size=3))
    yield Case("two rows", *rng.normal(size=(2, 2, 3)))
    ties = rng.integers(-1, 2, size=5).astype(float)
    yield Case("equal numbers", ties, np.array([*ties[:3], *rng.normal(size=2)]))
