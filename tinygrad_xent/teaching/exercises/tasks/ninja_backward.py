"""A whole network, backwards, by hand.

A character model predicts the next character from the last ones. Their embeddings are joined to one
row, which goes through a linear layer, a batch normalisation and a tanh. A second linear layer
computes the logits. The loss is the mean cross-entropy of the batch. The forward pass is already
there, with a name for every step.

`index` holds the last T characters as `(N, T)` integers, and `target` the next one, `(N,)`. The
weights are `table` (`(V, D)`), `w1` (`(T * D, H)`), `gain` and `bias` (`(H,)`), `w2` (`(H, V)`) and
`b2` (`(V,)`).

Write the backward pass below it: return a dict with the gradient of the mean cross-entropy for each
weight. Its keys are `"table"`, `"w1"`, `"gain"`, `"bias"`, `"w2"` and `"b2"`; each gradient has the
shape of its weight.

    >>> index, target = np.array([[0, 1], [1, 1]]), np.array([1, 0])
    >>> table, w1, w2 = np.eye(2), np.ones((4, 1)), np.ones((1, 2))
    >>> gain, bias, b2 = np.ones(1), np.zeros(1), np.zeros(2)
    >>> gradients = ninja_backward(index, target, table, w1, gain, bias, w2, b2)
    >>> {name: gradient.shape for name, gradient in gradients.items()}
    {'table': (2, 2), 'w1': (4, 1), 'gain': (1,), 'bias': (1,), 'w2': (1, 2), 'b2': (2,)}

Hints
-----
1. Go through the forward pass from the last line to the first, and write one or two lines for each:
   `dsomething` is the gradient of `something`.
2. You have written all these rules before: mean cross-entropy (`p` minus one-hot, divided by N),
   linear layer, $1 - h^2$ for tanh, batch normalisation, matrix product, embedding.
3. `dlogits` is `p` with 1 subtracted at the targets, divided by `n`. Then come
   `dh = dlogits @ w2.T` and `da = dh * (1 - h**2)`. Batch normalisation leads from `da` to
   `dlinear`. Last, `de = dlinear @ w1.T`, and `np.add.at` puts `de.reshape(*index.shape, -1)` into
   the table.

Mistakes
--------
- dlogits = dlogits / n
    The division by N is missing: a mean passes only 1/N of the gradient to each of its N losses.
- da = dh * (1 - h**2)
+ da = dh * (1 - h)
    The slope of tanh is $1 - h^2$, with the square of the output.
- dlinear = (dnormed - np.mean(dnormed, axis=0) - normed * along) / std
+ dlinear = dnormed / std
    Mean and variance in the batch normalisation are treated as constants. Both are computed from
    its input: two more paths.
- np.add.at(dtable, index, de.reshape(*index.shape, -1))
+ dtable[index] = de.reshape(*index.shape, -1)
    Where a character occurs twice in `index`, only its last gradient is kept in the table. Add all
    of them, with `np.add.at`.
- dnormed = da * gain
+ dnormed = da
    The factor `gain` is missing on the way back through the batch normalisation.
- da = dh * (1 - h**2)
+ da = dh
    The step back through tanh is missing: its slope is $1 - h^2$.
"""

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case

float32 = False  # its digits are lost on the way back through the batch normalisation


def ninja_backward(index, target, table, w1, gain, bias, w2, b2):
    """Return the gradient of the mean cross-entropy with respect to each weight."""
    n = len(index)
    e = table[index].reshape(n, -1)
    linear = e @ w1
    std = np.sqrt(np.var(linear, axis=0) + 1e-5)
    normed = (linear - np.mean(linear, axis=0)) / std
    h = np.tanh(gain * normed + bias)
    logits = h @ w2 + b2
    p = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = p / np.sum(p, axis=1, keepdims=True)
    # The backward pass:
    dlogits = p.copy()
    dlogits[np.arange(n), target] -= 1
    dlogits = dlogits / n
    dh = dlogits @ w2.T
    da = dh * (1 - h**2)
    dnormed = da * gain
    along = np.mean(dnormed * normed, axis=0)
    dlinear = (dnormed - np.mean(dnormed, axis=0) - normed * along) / std
    de = dlinear @ w1.T
    dtable = np.zeros(table.shape)
    np.add.at(dtable, index, de.reshape(*index.shape, -1))
    return {
        "table": dtable,
        "w1": e.T @ dlinear,
        "gain": np.sum(da * normed, axis=0),
        "bias": np.sum(da, axis=0),
        "w2": h.T @ dlogits,
        "b2": np.sum(dlogits, axis=0),
    }


def inputs(rng):
    def case(about, n, context, size, width, hidden):
        weights = [
            rng.normal(size=(size, width)),
            rng.normal(size=(context * width, hidden)) / np.sqrt(context * width),
            rng.uniform(0.5, 1.5, size=hidden),
            0.1 * rng.normal(size=hidden),
            rng.normal(size=(hidden, size)),
            0.1 * rng.normal(size=size),
        ]
        index, target = rng.integers(size, size=(n, context)), rng.integers(size, size=n)
        return Case(about, index, target, *weights)

    yield case("a small network", 4, 2, 3, 2, 2)
    yield case("another network", 8, 3, 5, 2, 4)
    yield case("a context of one character", 5, 1, 4, 3, 3)
