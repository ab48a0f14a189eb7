r"""A gradient without calculus.

The derivative of a function is what its output moves by, divided by what its input moved by. With a
step to both sides the error is far smaller than with one step:
$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2 h}$, where $e_i$ is 1
at the entry $i$ and 0 elsewhere.

Write it for a function `f` from an array to a number: `x` is an array of any shape, `h` the step,
and the result has the shape of `x`. `f` is called with arrays of that shape only, and `x` itself
stays as it is.

    >>> central_difference(np.prod, np.array([2.0, 3.0, 5.0]), 1e-3).round(6)
    array([15., 10.,  6.])
"""

import numpy as np

from tinygrad_xent.teaching.exercises.exercise import Case, Exercise


def central_difference(f, x, h):
    """Return the gradient of f at x, entry by entry."""
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        gradient[place] = (f(up) - f(down)) / (2 * h)
    return gradient


def inputs(rng):
    yield Case("a product of three numbers", np.prod, rng.uniform(0.5, 2, size=3), 1e-3)
    yield Case("a variance", np.var, rng.normal(size=(2, 3)), 1e-3)
    yield Case("a single number", np.prod, np.array(rng.uniform(0.5, 2)), 1e-3)
    yield Case("a long step", np.std, rng.normal(size=4), 0.1)


def in_place(f, x, h):
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        x[place] += h
        high = f(x)
        x[place] -= 2 * h
        gradient[place] = (high - f(x)) / (2 * h)
    return gradient


exercise = Exercise(
    central_difference,
    __doc__,
    lesson=10,
    inputs=inputs,
    tolerance=1e-6,
    hints=(
        "Only one entry moves at a time: two calls of `f` for each entry of `x`.",
        "`np.ndindex(x.shape)` goes through all places of an array of any shape. Make a copy of "
        "`x` for each step, and change one entry of it.",
        "For each place: `up = x.copy()`, `up[place] += h`, and likewise `down`. The entry of the "
        "result is `(f(up) - f(down)) / (2 * h)`.",
    ),
    mistakes={
        ("/ (2 * h)", "/ h"): (
            "You divided by $h$. From $x - h$ to $x + h$ the input moved by $2 h$: the gradient "
            "is twice as large as it should be."
        ),
        ("(f(up) - f(down)) / (2 * h)", "(f(up) - f(x)) / h"): (
            "This is the one-sided difference. Its error shrinks only like $h$, that of the "
            "central one like $h^2$."
        ),
        "return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))": (
            "All entries move at once. That is a derivative in one direction; a gradient moves "
            "one entry at a time."
        ),
        in_place: (
            "`x` is not put back after a step: the next entries are differentiated at another "
            "place, and the array that came in has changed. Work on copies."
        ),
    },
)
