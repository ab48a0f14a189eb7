r"""The chain rule, by hand.

The function is $y = e^{-x^2}$, entry by entry. It is made of three steps: $a = x^2$, then $b = -a$,
then $y = e^b$. Each step has its own derivative, and the chain rule multiplies them.

Write a function that returns $\frac{dy}{dx}$ for an array `x` of any shape, as an array of that
shape.

    >>> chain_rule(np.array([1.0, 2.0])).round(3)
    array([-0.736, -0.073])

Hints
-----
1. Write down the derivative of each of the three steps: of $x^2$, of $-a$, of $e^b$. Then multiply
   them.
2. $\frac{dy}{dx} = \frac{dy}{db} \cdot \frac{db}{da} \cdot \frac{da}{dx}$, and
   $\frac{dy}{db} = e^b$, which is $y$ itself.
3. The factors are $e^{-x^2}$, $-1$ and $2 x$.

Mistakes
--------
return np.exp(-(x**2))
    The inner derivatives are missing: this is $y$, the derivative of $e^b$ alone.
return 2 * x * np.exp(-(x**2))
    The factor of the step $b = -a$ is missing: it is $-1$.
return -2 * np.exp(-(x**2))
    The derivative of $x^2$ is $2 x$; only its factor 2 is there.
return np.exp(-2 * x)
    The inner derivative is inside the exponential. It is a factor: the chain rule multiplies.
return -2 * x * np.exp(x**2)
    The exponent has lost its minus: $y$ is $e^{-x^2}$, also in the derivative.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def chain_rule(x):
    """Return dy/dx, where y = exp(-x**2)."""
    a = x**2
    b = -a
    y = np.exp(b)
    return y * -1 * (2 * x)


def inputs(rng):
    yield Case("three numbers", rng.uniform(0.3, 1.5, size=3) * rng.choice([-1, 1], size=3))
    yield Case("two rows", rng.normal(size=(2, 3)))
    yield Case("zero", np.array(0.0))
    yield Case("large numbers", np.array([30.0, -40.0]))
