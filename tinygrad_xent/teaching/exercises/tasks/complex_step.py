r"""A derivative without a difference.

The difference of two nearby values loses digits: the smaller the step, the more it loses. For a
function of complex numbers there is a way out: step by $i h$ instead of $h$. Then $f(x + i h) =
f(x) + i h f'(x) - \dots$, and the imaginary part is $h f'(x)$, without any subtraction.

Write it for a function `f` that works entry by entry, such as `np.exp`. Return $f'(x)$ for each
entry of the array `x`, right to nearly all digits. Choose the step yourself.

    >>> complex_step(np.sin, np.array([0.0, 1.0])).round(12)
    array([1.        , 0.54030231])

Hints
-----
1. In Python, $i$ is written `1j`. What does the formula say about the imaginary part?
2. Divide the imaginary part by $h$. The error is about $h^2$, and nothing cancels: $h$ can be as
   small as you like.
3. `np.imag(f(x + 1j * h)) / h` with `h = 1e-20`.

Mistakes
--------
return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5
    This is the central difference, in which about half of the digits cancel. Take the imaginary
    part after a step of `1j * h`.
- return np.imag(f(x + 1j * h)) / h
+ return (f(x + h) - f(x)) / h
    A real step this small is lost in rounding: `x + h` equals `x`, and the difference is 0. Step by
    `1j * h`.
- return np.imag(f(x + 1j * h)) / h
+ return np.imag(f(x + 1j * h))
    The division by $h$ is missing: the imaginary part is $h f'(x)$.
return np.real(f(x + 1j * 1e-20))
    You took the real part, which is $f(x)$. The derivative is in the imaginary part.
- h = 1e-20
+ h = 1e-3
    The step is too long: the error is about $h^2$. Nothing cancels, so a step of 1e-20 is fine.
- return np.imag(f(x + 1j * h)) / h
+ return np.real(f(x + 1j * h)) / h
    You took the real part. The derivative is in the imaginary part.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case

tolerance = 1e-12
float32 = False
entrywise = True


def complex_step(f, x):
    """Return the derivative of f at each entry of x."""
    h = 1e-20
    return np.imag(f(x + 1j * h)) / h


def inputs(rng):
    yield Case("the exponential", np.exp, rng.normal(size=3))
    yield Case("the sine", np.sin, rng.normal(size=(2, 2)))
    yield Case("the hyperbolic tangent", np.tanh, rng.uniform(-2, 2, size=3))
    yield Case("the logarithm", np.log, rng.uniform(0.3, 2, size=3))
    yield Case("the exponential of large numbers", np.exp, rng.uniform(20, 50, size=3))
