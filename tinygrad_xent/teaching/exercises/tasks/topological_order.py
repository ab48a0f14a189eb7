"""Inputs before what uses them.

A graph is given as a dict: `inputs[name]` is the list of the names that `name` was computed from,
empty for a leaf. A backward pass may pass a gradient on only when it is complete; for that it needs
an order.

Write a function that returns a list of `output` and all names that it was computed from, each once.
Every name must come after all its inputs. There may be several such orders: any will do. Leave out
names that `output` does not depend on.

    >>> inputs = {"y": ["a", "x"], "a": ["x"], "x": [], "z": ["y"]}
    >>> topological_order(inputs, "y")
    ['x', 'a', 'y']

Hints
-----
1. When may a name be added to the list? When all its inputs are in it.
2. Use a function that calls itself. To add a name, first add each of its inputs, then the name. If
   a name is in the list already, there is nothing to do.
3. Define `add(name)` inside: if `name` is not in `order`, call `add` for each of `inputs[name]`,
   and only after that `order.append(name)`. Then `add(output)`.

Mistakes
--------
- return order
+ return order[::-1]
    This is the order of the backward pass, output first. Reverse the list.
names_before_inputs
    You added each name before its inputs, and reversed the list. Where a short and a long path
    meet, a name then comes too late: the first path that reaches it fixes its place, not the
    longest.
level_by_level
    You went back level by level, and reversed the list. Where a short and a long path meet, a name
    belongs to several levels, and the first is not the right one.
-     if name not in order:
+     if True:
    Names on several paths are listed several times. Check whether a name is in the list already.
"""

from tinygrad_xent.teaching.exercises.cases import Case, ManyPaths, graphs
from tinygrad_xent.teaching.exercises.returned_values import a, shown
from tinygrad_xent.teaching.exercises.verdict import quoted


def topological_order(inputs, output):
    """Return a list of output and its ancestors, inputs first."""
    order = []

    def add(name):
        if name not in order:
            for source in inputs[name]:
                add(source)
            order.append(name)

    add(output)
    return order


def verify(given, inputs, output):
    if not isinstance(given, list | tuple):
        return f"The result is {a(given)}, and should be a list."
    wanted = set(topological_order(inputs, output))
    strange = [name for name in given if not isinstance(name, str) or name not in wanted]
    if strange:
        one = quoted(shown(strange[0]))
        return f"{one} is in the list, but `{output!r}` does not depend on it."
    for name in given:
        if given.count(name) > 1:
            return f"`{name!r}` is in the list {given.count(name)} times."
    for name in sorted(wanted - set(given)):
        return f"`{name!r}` is not in the list."
    for i, name in enumerate(given):
        for source in inputs[name]:
            if source not in given[:i]:
                return f"In `{list(given)}`, `{name!r}` comes before its input `{source!r}`."
    return ""


def inputs(rng):
    for case in graphs(rng):
        yield Case(*case)
    yield ManyPaths("n59")


def names_before_inputs(inputs, output):
    order = []

    def add(name):
        if name not in order:
            order.append(name)
            for source in inputs[name]:
                add(source)

    add(output)
    return order[::-1]


def level_by_level(inputs, output):
    order = [output]
    for name in order:
        for source in inputs[name]:
            if source not in order:
                order.append(source)
    return order[::-1]
