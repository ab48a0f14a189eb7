r"""One step downhill, with momentum.

Gradient descent with momentum keeps a velocity $v$ for each weight. A step does two things:

1. $v_{\text{new}} = \mu v + g$, with the gradient $g$ and the momentum $\mu$,
2. $w_{\text{new}} = w - \eta\,v_{\text{new}}$, with the learning rate $\eta$.

(This is PyTorch's form. In Keras, $v$ includes the learning rate and the sign.)

Write the step: return the tuple of the new weights and the new velocity. The arguments must not
change.

    >>> w, velocity = sgd_step(np.array([1.0]), np.array([0.5]), 0.1, 0.9, np.array([2.0]))
    >>> w.round(6), velocity
    (array([0.77]), array([2.3]))

Hints
-----
1. The statement has the two formulas; check which velocity the second one uses.
2. The weights change by the new velocity. `velocity = momentum * velocity + grad` makes a new
   array; `velocity *= momentum` would change the argument.
3. After that line: `return w - learning_rate * velocity, velocity`.

Mistakes
--------
- return w - learning_rate * velocity, velocity
+ return w + learning_rate * velocity, velocity
    The weights go uphill: a step goes against the gradient, so subtract it.
return w - learning_rate * velocity, momentum * velocity + grad
    The weights change by the old velocity. They must change by the new one.
return w - learning_rate * grad, momentum * velocity + grad
    The weights change by the gradient alone: momentum has no effect on them.
- velocity = momentum * velocity + grad
+ velocity = momentum * velocity + (1 - momentum) * grad
    The gradient is weighted by 1 minus the momentum. That makes a running mean, as in Adam; here
    the gradient counts in full.
- velocity = momentum * velocity + grad
+ velocity = momentum * velocity - learning_rate * grad
- return w - learning_rate * velocity, velocity
+ return w + velocity, velocity
    Your velocity includes the learning rate, as in Keras. Here it matters only when the weights
    change.
in_place
    `velocity *= ...` and `w -= ...` write into the arguments. Write
    `velocity = momentum * velocity + grad`, which makes a new one.
"""

import numpy as np  # noqa: F401 - for the example above

from tinygrad_xent.teaching.exercises.cases import Case

returns = "w, velocity"


def sgd_step(w, grad, learning_rate, momentum, velocity):
    """Return the new weights and the new velocity."""
    velocity = momentum * velocity + grad
    return w - learning_rate * velocity, velocity


def inputs(rng):
    def case(about, shape, momentum):
        w, grad, velocity = rng.normal(size=(3, *shape))
        return Case(about, w, grad, float(rng.uniform(0.01, 0.2)), momentum, velocity)

    yield case("three weights", (3,), 0.9)
    yield case("a matrix", (2, 2), 0.5)
    yield case("no momentum", (3,), 0.0)


def in_place(w, grad, learning_rate, momentum, velocity):
    velocity *= momentum
    velocity += grad
    w -= learning_rate * velocity
    return w, velocity
