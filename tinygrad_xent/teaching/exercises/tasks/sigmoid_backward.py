r"""The backward rule of the logistic function.

The function is $y = \frac{1}{1 + e^{-x}}$, entry by entry, on an array of any shape. Its backward
rule is handed `grad` ($\bar y$, the gradient of the loss with respect to $y$), the output `y` and
the input `x`, all of one shape.

Write the rule from `y` alone, without another exponential: return the gradient with respect to $x$,
of the same shape.

    >>> sigmoid_backward(np.array([1.0, 8.0]), np.array([0.5, 0.75]), np.array([0.0, 1.0986]))
    array([0.25, 1.5 ])
"""

from __future__ import annotations

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case
from tinygrad_xent.teaching.exercises.exercise import Exercise

exercise = Exercise(
    __name__,
    __doc__,
    lesson=3,
    hints=(
        r"The derivative of $\frac{1}{u}$ is $-\frac{1}{u^2}$. Here $u = 1 + e^{-x}$.",
        r"$\frac{dy}{dx} = \frac{e^{-x}}{(1 + e^{-x})^2}$. One factor of it is $y$. What is the "
        "other, written with $y$?",
        r"$\frac{e^{-x}}{1 + e^{-x}} = 1 - y$, so the derivative is $y\,(1 - y)$. Multiply it with "
        "`grad`.",
    ),
)


@exercise.to_write
def sigmoid_backward(grad, y, x):
    """Give the gradient of x, where y = 1 / (1 + exp(-x))."""
    raise NotImplementedError


@exercise.solved
def sigmoid_backward(grad, y, x):
    return grad * y * (1 - y)


@exercise.mistaken(
    "The gradient that arrives, `grad`, is not used: multiply the derivative with it."
)
def sigmoid_backward(grad, y, x):
    return y * (1 - y)


@exercise.mistaken("`y` is the logistic function of $x$ already; you applied it to `y` once more.")
def sigmoid_backward(grad, y, x):
    s = 1 / (1 + np.exp(-y))
    return grad * s * (1 - s)


@exercise.mistaken("You put the input `x` where the output `y` belongs.")
def sigmoid_backward(grad, y, x):
    return grad * x * (1 - x)


@exercise.mistaken(
    "Your rule computes exponentials of $x$ again, and they overflow for large numbers. "
    "All that is needed is `y`."
)
def sigmoid_backward(grad, y, x):
    return grad * np.exp(-x) / (1 + np.exp(-x)) ** 2


@exercise.mistaken("$1 - y^2$ is the derivative of tanh. That of the logistic function is another.")
def sigmoid_backward(grad, y, x):
    return grad * (1 - y**2)


@exercise.forward
def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1) / (1 + small)


@exercise.inputs
def inputs(rng):
    yield Case("three numbers", rng.normal(size=3))
    yield Case("two rows", rng.normal(size=(2, 3)))
    yield Case("saturated numbers", np.array([800.0, -800.0, 30.0, -30.0]))
    yield Case("a single number", np.array(rng.normal()))
    yield Case("float32", rng.normal(size=4).astype(np.float32))
