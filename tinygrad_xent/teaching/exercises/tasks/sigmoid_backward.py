r"""The backward rule of the logistic function.

The function is $y = \frac{1}{1 + e^{-x}}$, entry by entry, on an array of any shape. Its backward
rule receives `grad` ($\bar y$, the gradient of the loss with respect to $y$), the output `y` and
the input `x`, all of one shape.

Write the rule with `y` alone, without another exponential: return the gradient with respect to $x$,
of the same shape.

    >>> sigmoid_backward(np.array([1.0, 8.0]), np.array([0.5, 0.75]), np.array([0.0, 1.0986]))
    array([0.25, 1.5 ])

Hints
-----
1. The derivative of $\frac{1}{u}$ is $-\frac{1}{u^2}$. Here $u = 1 + e^{-x}$.
2. $\frac{dy}{dx} = \frac{e^{-x}}{(1 + e^{-x})^2}$. One factor of it is $y$. What is the other, in
   terms of $y$?
3. $\frac{e^{-x}}{1 + e^{-x}} = 1 - y$, so the derivative is $y\,(1 - y)$. Multiply it by `grad`.

Mistakes
--------
return grad / (1 + np.exp(-y)) * (1 - 1 / (1 + np.exp(-y)))
    `y` is already the logistic function of $x$; you applied the function again, to `y`.
return grad * x * (1 - x)
    You put the input `x` where the output `y` belongs.
return grad * np.exp(-x) / (1 + np.exp(-x)) ** 2
    Your rule computes exponentials of $x$ again, and they overflow for large numbers. You only need
    `y`.
return grad * (1 - y**2)
    $1 - y^2$ is the derivative of tanh. The logistic function has another.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def sigmoid_backward(grad, y, x):
    """Return the gradient of x, where y = 1 / (1 + exp(-x))."""
    return grad * y * (1 - y)


def forward(x):
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


def inputs(rng):
    yield Case("three numbers", rng.normal(size=3))
    yield Case("two rows", rng.normal(size=(2, 3)))
    yield Case("saturated numbers", np.array([800.0, -800.0, 30.0, -30.0]))
    yield Case("a single number", np.array(rng.normal()))
