"""Small graphs of names, for the exercises about the order of a backward pass."""

from __future__ import annotations

import numpy as np

Graph = dict[str, list[str]]

DIAMOND: Graph = {"x": [], "a": ["x"], "b": ["x"], "y": ["a", "b"]}
"""Two paths of one length that meet."""
DETOUR: Graph = {"y": ["c", "x"], "c": ["b"], "b": ["a"], "a": ["x"], "x": [], "z": ["y"]}
"""A short path and a long one that meet; listed backwards, and with a name that `y` does not "
"use."""


def random_graph(rng: np.random.Generator, size: int) -> Graph:
    """Give names with what each was computed from; the last name depends on at least two others.

    The names and their order in the dict say nothing about the order of computation.
    """
    letters = [str(letter) for letter in rng.permutation(list("abcdefghijklmnopqrstuvw"))[:size]]
    graph: Graph = {letters[0]: [], letters[1]: []}
    for i, letter in enumerate(letters[2:], start=2):
        count = int(rng.integers(1, 3))
        graph[letter] = [str(x) for x in rng.choice(letters[:i], count, replace=False)]
    graph["loss"] = letters[-2:]
    return {name: graph[name] for name in rng.permutation(list(graph)).tolist()}
