"""Where paths meet, gradients add up.

A graph of numbers is given by two dicts. `inputs[name]` is the list of the names that `name` was
computed from, empty for a leaf. `slopes[name]` is a list of the same length: the derivative of
`name` with respect to each of its inputs, in the same order. A name may be in a list twice, like
`x` in `x * x`.

Write the backward pass. Return a dict with the gradient of `output` with respect to every name that
it was computed from, and to itself, which is 1. Leave out all other names.

    >>> inputs = {"x": [], "a": ["x"], "y": ["a", "x"]}
    >>> slopes = {"x": [], "a": [3.0], "y": [2.0, 10.0]}
    >>> accumulate(inputs, slopes, "y")
    {'x': 16.0, 'a': 2.0, 'y': 1.0}

Hints
-----
1. Along a path the slopes multiply; over several paths the products add up.
2. Start with 1 for `output` and 0 for all others. Go through the names in reverse topological
   order, so that each gradient is complete before it is passed on.
3. For each input and slope of a name:
   `gradients[source] = gradients[source] + gradients[name] * slope`. For the order, define your
   `topological_order` again inside.

Mistakes
--------
-         gradients[source] += gradients[name] * slope
+         gradients[source] = gradients[name] * slope
    Each new contribution replaces the gradient so far. Where two paths meet, their contributions
    add up.
-         gradients[source] += gradients[name] * slope
+         gradients[source] += slope
    The slopes are added, but not multiplied by the gradient of `name`.
in_order_of_discovery
    A gradient is passed on before it is complete. Go in reverse topological order, not in the order
    in which names are reached.
"""

from tinygrad_xent.teaching.exercises.cases import Case, ManyPaths, graphs


def accumulate(inputs, slopes, output):
    """Return the gradient of output with respect to each name that it depends on."""
    order = []

    def add(name):
        if name not in order:
            for source in inputs[name]:
                add(source)
            order.append(name)

    add(output)
    gradients = dict.fromkeys(order, 0.0)
    gradients[output] = 1.0
    for name in reversed(order):
        for source, slope in zip(inputs[name], slopes[name], strict=True):
            gradients[source] += gradients[name] * slope
    return gradients


def inputs(rng):
    for about, graph, output in graphs(rng):
        slopes = {name: rng.uniform(0.5, 3, len(graph[name])).round(2).tolist() for name in graph}
        yield Case(about, graph, slopes, output)
    yield ManyPaths({f"n{i}": [0.75] * min(i, 2) for i in range(60)}, "n59")


def in_order_of_discovery(inputs, slopes, output):
    gradients = {output: 1.0}
    waiting = [output]
    for name in waiting:
        for source, slope in zip(inputs[name], slopes[name], strict=True):
            gradients[source] = gradients.get(source, 0.0) + gradients[name] * slope
            if source not in waiting:
                waiting.append(source)
    return gradients
