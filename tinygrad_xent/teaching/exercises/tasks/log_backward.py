r"""The backward rule of the logarithm.

The function is the natural logarithm $y = \ln x$, entry by entry, on an array of positive numbers.
Its backward rule is handed `grad` ($\bar y$, the gradient of the loss with respect to $y$), the
output `y` and the input `x`, all of one shape.

Write the rule: return the gradient with respect to $x$, of the same shape. Near 0 it becomes very
large; that is right, and nothing is to be done about it.

    >>> log_backward(np.array([1.0, 6.0]), np.array([0.0, 1.0986]), np.array([1.0, 3.0]))
    array([1., 2.])
"""

from __future__ import annotations

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case
from tinygrad_xent.teaching.exercises.exercise import Exercise

exercise = Exercise(
    __name__,
    __doc__,
    lesson=6,
    hints=(
        r"The logarithm undoes the exponential: $e^y = x$. Take the derivative of both sides.",
        r"$\frac{dy}{dx} = \frac{1}{x}$. And the gradient that arrives?",
        r"$\bar x = \frac{\bar y}{x}$, entry by entry.",
    ),
    entrywise=True,
)


@exercise.to_write
def log_backward(grad, y, x):
    """Give the gradient of x, where y = log(x)."""
    raise NotImplementedError


@exercise.solved
def log_backward(grad, y, x):
    return grad / x


@exercise.mistaken("You divided by the output `y`. The derivative is 1 over the input, `x`.")
def log_backward(grad, y, x):
    return grad / y


@exercise.mistaken(
    "The gradient that arrives, `grad`, is not used: multiply the derivative with it."
)
def log_backward(grad, y, x):
    return 1 / x


@exercise.mistaken("You multiplied with `x`; the derivative is $1 / x$.")
def log_backward(grad, y, x):
    return grad * x


@exercise.mistaken(
    "You added a small number to `x`. That avoids a division by 0, but it is another function's "
    "gradient: for small `x` it is far off."
)
def log_backward(grad, y, x):
    return grad / (x + 1e-7)


@exercise.mistaken("The gradient of $\\ln x$ has no sign to turn: it is $1 / x$, not $-1 / x$.")
def log_backward(grad, y, x):
    return -grad / x


@exercise.forward
def log(x):
    return np.log(x)


@exercise.inputs
def inputs(rng):
    yield Case("three numbers", rng.uniform(0.3, 3, size=3))
    yield Case("two rows", rng.uniform(0.3, 3, size=(2, 3)))
    yield Case("tiny numbers", rng.uniform(1, 2, size=2) * [1e-8, 1e-20])
    yield Case("huge numbers", rng.uniform(1, 2, size=2) * [1e8, 1e20])
    yield Case("float32", rng.uniform(0.3, 3, size=4).astype(np.float32))
