r"""The cliff in Keras's loss.

Before it takes a logarithm, Keras 2.2 clips probabilities: $y = \ln c$, where
$c = \min(\max(p, \varepsilon), 1 - \varepsilon)$, entry by entry. The loss is then never infinite.
But a clipped probability no longer changes the loss, so the worst predictions get no gradient at
all.

The backward rule receives `grad` ($\bar y$, the gradient of the loss with respect to $y$), the
output `y`, the input `p`, and the parameter `epsilon`. Write it: return the gradient with respect
to $p$, an array of its shape. `p` may be exactly 0 or 1; the result must be finite.

    >>> grad, p = np.ones(3), np.array([0.0, 0.25, 1.0])
    >>> clipped_log_backward(grad, None, p, epsilon=1e-7)
    array([0., 4., 0.])

Hints
-----
1. There are two steps, a clip and a logarithm. What is the derivative of the clip inside its
   limits, and outside?
2. Inside the limits the gradient is $\bar y / p$, outside it is 0. Note that `p` may be 0 where you
   divide.
3. `inside = (p > epsilon) & (p < 1 - epsilon)`; divide by `np.clip(p, epsilon, 1 - epsilon)`, which
   is never 0, and multiply by `inside`.

Mistakes
--------
return grad / p
    This is the rule of the logarithm alone. Where `p` is clipped, it does not change $y$: its
    gradient is 0.
return grad / np.clip(p, epsilon, 1 - epsilon)
    You divided by the clipped `p`, but the gradient still passes through the clip. Where `p` is
    clipped, it does not change $y$: its gradient is 0.
- inside = (p > epsilon) & (p < 1 - epsilon)
+ inside = (p > epsilon)
    The upper limit is missing: `p` is also clipped above $1 - \varepsilon$.
- return inside * grad / np.clip(p, epsilon, 1 - epsilon)
+ return inside * (grad / p)
    Outside the limits you multiply an infinite quotient by 0, which is NaN. Divide by the clipped
    `p`.
return grad / (p + epsilon)
    You added epsilon to `p` instead of clipping it: that is another function.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case


def clipped_log_backward(grad, y, p, *, epsilon):
    """Return the gradient of p, where y = log(clip(p, epsilon, 1 - epsilon))."""
    inside = (p > epsilon) & (p < 1 - epsilon)
    return inside * grad / np.clip(p, epsilon, 1 - epsilon)


def forward(p, *, epsilon):
    return np.log(np.clip(p, epsilon, 1 - epsilon))


def inputs(rng):
    yield Case("probabilities inside the limits", rng.uniform(0.1, 0.9, size=(2, 3)), epsilon=1e-7)
    yield Case("0 and 1", np.array([0.0, 1.0, 0.5]), epsilon=1e-7)
    yield Case("just outside the limits", np.array([1e-8, 1 - 1e-8, 0.3]), epsilon=1e-7)
    yield Case("another epsilon", np.array([0.1, 0.5, 0.9, 0.001]), epsilon=0.2)
