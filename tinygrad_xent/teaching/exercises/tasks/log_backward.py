r"""The backward rule of the logarithm.

The function is the natural logarithm $y = \ln x$, entry by entry, on an array of positive numbers.
Its backward rule receives `grad` ($\bar y$, the gradient of the loss with respect to $y$), the
output `y` and the input `x`, all of one shape.

Write the rule: return the gradient with respect to $x$, of the same shape. Near 0 it becomes very
large; that is right, so do nothing about it.

    >>> log_backward(np.array([1.0, 6.0]), np.array([0.0, 1.0986]), np.array([1.0, 3.0]))
    array([1., 2.])

Hints
-----
1. The logarithm undoes the exponential: $e^y = x$. Take the derivative of both sides.
2. $\frac{dy}{dx} = \frac{1}{x}$. What happens to the upstream gradient?
3. $\bar x = \frac{\bar y}{x}$, entry by entry.

Mistakes
--------
return grad / y
    You divided by the output `y`. The derivative is 1 over the input, `x`.
return grad * x
    You multiplied by `x`; the derivative is $1 / x$.
return grad / (x + 1e-7)
    You added a small number to `x`. That avoids a division by 0, but it is the gradient of another
    function: for small `x` it is far off.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case

entrywise = True


def log_backward(grad, y, x):
    """Return the gradient of x, where y = log(x)."""
    return grad / x


def forward(x):
    return np.log(x)


def inputs(rng):
    yield Case("three numbers", rng.uniform(0.3, 3, size=3))
    yield Case("two rows", rng.uniform(0.3, 3, size=(2, 3)))
    yield Case("tiny numbers", rng.uniform(1, 2, size=2) * [1e-8, 1e-20])
    yield Case("huge numbers", rng.uniform(1, 2, size=2) * [1e8, 1e20])
