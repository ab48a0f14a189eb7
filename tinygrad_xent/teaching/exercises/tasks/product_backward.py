r"""The gradients of a product.

The function is $y = a\,b$, entry by entry, on two arrays of one shape. Its backward rule receives
`grad` (the gradient of the loss with respect to $y$, written $\bar y$), the output `y`, and the
inputs `a` and `b`. All have the same shape.

Write the rule: return the tuple `(da, db)`, the gradients of the loss with respect to $a$ and to
$b$, each of the same shape.

    >>> product_backward(np.array([10.0]), np.array([6.0]), np.array([2.0]), np.array([3.0]))
    (array([30.]), array([20.]))

Hints
-----
1. If only $a$ changes a little, by how much does $a\,b$ change? What does that depend on?
2. The slope of $y = a\,b$ in $a$ is $b$. The chain rule multiplies it by $\bar y$, the upstream
   gradient.
3. $\bar a = \bar y\,b$, and likewise $\bar b$ with $a$. Return both as a tuple, $\bar a$ first.

Mistakes
--------
return grad, grad
    Both gradients are `grad`. That is the rule of a sum; the slope of a product in one factor is
    the other factor.
return grad * y, grad * y
    You multiplied `grad` by the output `y`. The slope of a product in one factor is the other
    factor alone.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def product_backward(grad, y, a, b):
    """Return the gradients (da, db), where y = a * b."""
    return grad * b, grad * a


def forward(a, b):
    return a * b


def inputs(rng):
    for about, shape in (("three numbers", 3), ("two rows", (2, 3)), ("a single number", ())):
        yield Case(about, rng.normal(size=shape), rng.normal(size=shape))
    yield Case("zeros", np.zeros(2), rng.normal(size=2))
