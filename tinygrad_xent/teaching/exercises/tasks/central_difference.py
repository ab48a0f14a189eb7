r"""A gradient without calculus.

A derivative is the change of the output divided by the change of the input. A step to each side has
a far smaller error than a single step: $\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i)
- f(x - h e_i)}{2 h}$. Here $e_i$ is 1 at the entry $i$ and 0 elsewhere.

Write it for a function `f` from an array to a number. `x` is an array of any shape, `h` is the
step, and the result has the shape of `x`. `f` takes only arrays of that shape. `x` itself must not
change.

    >>> central_difference(np.prod, np.array([2.0, 3.0, 5.0]), 1e-3).round(6)
    array([15., 10.,  6.])

Hints
-----
1. Only one entry moves at a time: two calls of `f` for each entry of `x`.
2. `np.ndindex(x.shape)` yields the index of every entry, for any shape. Copy `x` for each step, and
   change one entry of the copy.
3. For each index `place`: `up = x.copy()`, `up[place] += h`, and likewise `down`. The entry of the
   result is `(f(up) - f(down)) / (2 * h)`.

Mistakes
--------
-     gradient[place] = (f(up) - f(down)) / (2 * h)
+     gradient[place] = (f(up) - f(down)) / h
    You divided by $h$. From $x - h$ to $x + h$ the input changes by $2 h$, so your gradient is
    twice too large.
-     gradient[place] = (f(up) - f(down)) / (2 * h)
+     gradient[place] = (f(up) - f(x)) / h
    This is the one-sided difference. Its error is proportional to $h$; that of the central
    difference, to $h^2$.
return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))
    All entries change at once, which gives the derivative in one direction. For a gradient, change
    one entry at a time.
in_place
    `x` is not restored after a step, so the next derivatives are taken at another point, and the
    caller's array has changed. Work on copies.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case

tolerance = 1e-6
float32 = False


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
