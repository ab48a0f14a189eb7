"""Everything that a result was computed from.

A graph is given as a dict: `inputs[name]` is the list of the names that `name` was computed from. A
name that was not computed, a leaf, has an empty list. Nothing is computed from itself, not even
through others.

Write a function that returns the set of all names that `name` was computed from, directly or
through others. `name` itself is not one of them.

    >>> inputs = {"x": [], "w": [], "a": ["w", "x"], "y": ["a"], "z": ["y"]}
    >>> sorted(ancestors_of(inputs, "y"))
    ['a', 'w', 'x']

Hints
-----
1. The direct inputs are `inputs[name]`. What were those computed from?
2. Keep a set of the names found so far and a list of those still to visit. While the list is not
   empty, take a name from it and look at its inputs.
3. Start with `waiting = [name]` and `found = set()`. For each input of a name taken from `waiting`:
   if it is not in `found`, add it to both.

Mistakes
--------
return set(inputs[name])
    These are only the direct inputs. What those were computed from belongs to the set, too.
- found = set()
+ found = {name}
    `name` itself is in your set. It was not computed from itself.
two_steps
    Your function stops two steps back. A graph can be of any depth.
return set(inputs) - {name}
    These are all other names of the graph. Some may have no path to `name`.
- return found
+ return {name for name in found if not inputs[name]}
    These are only the leaves. The names on the way to them belong to the set, too.
"""

from tinygrad_xent.teaching.exercises.cases import Case, ManyPaths, graphs


def ancestors_of(inputs, name):
    """Return the set of all names that `name` was computed from."""
    found = set()
    waiting = [name]
    while waiting:
        for source in inputs[waiting.pop()]:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def inputs(rng):
    for case in graphs(rng):
        yield Case(*case)
    yield Case("a leaf", {"x": [], "y": ["x"], "u": []}, "x")
    yield ManyPaths("n59")


def two_steps(inputs, name):
    found = set(inputs[name])
    for source in inputs[name]:
        found.update(inputs[source])
    return found
