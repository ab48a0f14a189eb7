r"""The backward rule of a square.

The function is $y = x^2$, entry by entry, on an array of any shape. Its backward rule receives
`grad` (the gradient of the loss with respect to $y$, the upstream gradient, written $\bar y$), the
output `y` and the input `x`. All three have the same shape.

Write the rule: return the gradient of the loss with respect to $x$, an array of the same shape.

    >>> square_backward(np.array([1.0, 10.0]), np.array([4.0, 9.0]), np.array([2.0, -3.0]))
    array([  4., -60.])

Hints
-----
1. What is the derivative of $x^2$ with respect to $x$? And what does the chain rule do with the
   upstream gradient?
2. The chain rule multiplies: $\bar x = \bar y \cdot \frac{dy}{dx}$, entry by entry.
3. The derivative of $x^2$ is $2 x$. Multiply it by `grad`.

Mistakes
--------
return 2 * x
    The upstream gradient, `grad`, is not used. Your rule returns the derivative of $y$; the
    gradient of the loss is that times `grad`.
return grad * 2 * y
    You multiplied by $2 y$. The derivative of $x^2$ is $2 x$, with the input, not the output.
return grad * x
    The factor 2 is missing: the derivative of $x^2$ is $2 x$, not $x$.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def square_backward(grad, y, x):
    """Return the gradient of x, where y = x**2."""
    return grad * 2 * x


def forward(x):
    return x**2


def inputs(rng):
    yield Case("three numbers", rng.normal(size=3))
    yield Case("two rows and three columns", rng.normal(size=(2, 3)))
    yield Case("a single number", np.array(rng.normal()))
    yield Case("no entries", np.zeros((0, 3)))
