"""The inputs that an answer is tried on, and small graphs among them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

MOST_ENTRIES = 1_000_000
_MOST_LOOKS = 300_000  # a cubic algorithm needs 216,000 for 60 names


class Case:
    """One call of the learner's function.

    Parameters
    ----------
    about : str
        What is special about these inputs, in words that fit after "for": "saturated logits".
    *args, **params
        The arguments of the call. For a backward rule, the inputs and parameters of its function;
        the upstream gradient and the output are added in front.
    """

    def __init__(self, about: str, /, *args: Any, **params: Any) -> None:
        self.about = about
        self.args = args
        self.params = params

    def copy(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return copies of the arguments, which the answer may change."""
        return tuple(map(copied, self.args)), {k: copied(v) for k, v in self.params.items()}

    def cast(self, dtype: Any, about: str = "") -> Case:
        """Return the same arguments, with arrays of floats in another precision."""

        def cast(value: Any) -> Any:
            floats = isinstance(value, np.ndarray) and value.dtype.kind == "f"
            return value.astype(dtype) if floats else copied(value)

        params = {name: cast(value) for name, value in self.params.items()}
        return Case(about or self.about, *map(cast, self.args), **params)

    @property
    def empty(self) -> bool:
        """Whether an array has no entries."""
        values = (*self.args, *self.params.values())
        return any(isinstance(x, np.ndarray) and not x.size for x in values)

    @property
    def epsilon(self) -> float:
        """The machine epsilon of the least precise array."""
        values = (*self.args, *self.params.values())
        dtypes = [x.dtype for x in values if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
        return max([float(np.finfo(dtype).eps) for dtype in dtypes], default=2.0**-52)


def copied(value: Any, depth: int = 4) -> Any:
    """Return a copy of a value, so that later changes to the original do not show.

    Lists and the like are copied down to `depth`, as one may contain itself. An array with more
    entries than any exercise has is not copied: a broadcast one may not fit into memory.
    """
    if isinstance(value, np.ndarray):
        return value.copy() if value.size <= MOST_ENTRIES else value
    if depth and isinstance(value, dict):
        return {key: copied(item, depth - 1) for key, item in value.items()}
    for kind in (list, tuple, set):
        if depth and isinstance(value, kind):
            return kind(copied(item, depth - 1) for item in value)
    return value


def same(a: Any, b: Any) -> bool:
    """Return whether two arguments are equal, NaN to NaN included."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        floats = a.dtype.kind == "f"
        return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=floats))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)


def rows(rng: np.random.Generator) -> Iterator[tuple[str, Any]]:
    """Yield arrays of rows that a function of each row must be right for, and what they are."""
    yield "one row", rng.normal(size=3)
    yield "two rows", rng.normal(size=(2, 3))
    yield "large numbers", 1000 + rng.normal(size=(2, 3))
    yield "saturated rows", 200 * rng.normal(size=(2, 3))
    yield "rows of very different size", rng.normal(size=(2, 2)) + np.array([[900.0], [-900.0]])
    yield "three axes", rng.normal(size=(2, 2, 2))
    yield "no rows", np.zeros((0, 3))


# -- graphs, as dicts from each name to the names that it was computed from ------------------

Graph = dict[str, list[str]]


def graphs(rng: np.random.Generator) -> Iterator[tuple[str, Graph, str]]:
    """Yield graphs, what is special about each, and the name of its output."""
    yield "a chain", {"x": [], "a": ["x"], "b": ["a"], "y": ["b"]}, "y"
    yield "two paths that meet", {"x": [], "a": ["x"], "b": ["x"], "y": ["a", "b"]}, "y"
    # Listed backwards, and with a name that `y` does not use.
    detour = {"y": ["c", "x"], "c": ["b"], "b": ["a"], "a": ["x"], "x": [], "z": ["y"]}
    yield "a short and a long path", detour, "y"
    shortcut = {"y": ["x", "a"], "a": ["b"], "b": ["x"], "x": ["w"], "w": []}
    yield "a long path and a short one", shortcut, "y"
    yield "a product with itself", {"x": [], "y": ["x", "x"]}, "y"
    yield "a random graph", random_graph(rng, 8), "loss"


class TooManyStepsError(RuntimeError):
    """An answer has looked at the inputs of names far more often than any good one does."""


class _Counted(list[str]):
    """The inputs of one name, which count how often they are looked at."""

    def __init__(self, names: list[str], looks: Iterator[int]) -> None:
        super().__init__(names)
        self._looks = looks

    def __iter__(self) -> Iterator[str]:
        self._count()
        return super().__iter__()

    def __getitem__(self, place: Any) -> Any:
        self._count()
        return super().__getitem__(place)

    def _count(self) -> None:
        if next(self._looks) > _MOST_LOOKS:
            raise TooManyStepsError(
                f"the inputs of names were looked at more than {_MOST_LOOKS:,} times"
            )


class ManyPaths(Case):
    """A graph with far more paths than names, which ends a walk along every path.

    Each of its 60 names is computed from the two before it: Fibonacci's numbers count the paths.

    Parameters
    ----------
    *rest
        The arguments after the graph; the last name is "n59".
    """

    def __init__(self, *rest: Any) -> None:
        graph = {f"n{i}": [f"n{k}" for k in (i - 2, i - 1) if k >= 0] for i in range(60)}
        super().__init__("a graph with more than a trillion paths", graph, *rest)

    def copy(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return copies of the arguments, the graph as one that counts how often it is used."""
        (graph, *rest), params = super().copy()
        looks = count()
        return ({k: _Counted(names, looks) for k, names in graph.items()}, *rest), params


def random_graph(rng: np.random.Generator, size: int) -> Graph:
    """Return a random graph whose last name, "loss", depends on at least two others.

    Neither the names nor their order in the dict follow the order of computation.
    """
    letters = [str(letter) for letter in rng.permutation(list("abcdefghijklmnopqrstuvw"))[:size]]
    graph: Graph = {letters[0]: [], letters[1]: []}
    for i, letter in enumerate(letters[2:], start=2):
        count = int(rng.integers(1, 3))
        graph[letter] = [str(x) for x in rng.choice(letters[:i], count, replace=False)]
    graph["loss"] = letters[-2:]
    return {name: graph[name] for name in rng.permutation(list(graph)).tolist()}
