"""A step of training as it was taken, and what a page needs to train on from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.errors import GraphTooLargeError, NotScalarError, StaleGraphError
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.visualization.live.program import program_of
from tinygrad_xent.visualization.tracing import plain


@dataclass(frozen=True)
class Step:
    """A step as it was taken: the loss, and copies of what the next step will change.

    Attributes
    ----------
    number : int
        From 1.
    loss : float
    output : Tensor or None
        The loss with its graph.
    leaves : dict of Tensor to (ndarray, int)
        The data of each leaf of the graph, and its birth.
    arrays : dict of str to ndarray
    """

    number: int
    loss: float
    output: Node | None
    leaves: dict[Node, tuple[Any, int]]
    arrays: dict[str, Any]

    @classmethod
    def of(cls, number: int, loss: Any, arrays: Mapping[str, Any]) -> Step:
        """Write a step down."""
        output = loss if isinstance(loss, Node) else None
        try:
            nodes = [] if output is None else ancestors(output)
        except StaleGraphError as error:
            raise StaleGraphError(
                f"{error}. Call recording.step(loss) before the parameters are updated"
            ) from None
        leaves = {x: (x.data.copy(), x.birth) for x in nodes if x.op is None}
        value = np.asarray(loss if output is None else output.data)
        if value.size != 1 or value.dtype.kind not in "fiub":
            raise NotScalarError(
                f"the loss of a step is one number, got {type(loss).__name__} of shape "
                f"{value.shape}: reduce it first (.sum() or .mean())"
            )
        return cls(
            number, float(value.item()), output, leaves, {k: _copied(x) for k, x in arrays.items()}
        )

    @contextmanager
    def back(self) -> Iterator[None]:
        """Give the leaves for a while what they held when the step was taken."""
        now = {x: (x._data, x._given, x.birth) for x in self.leaves}
        try:
            for x, (data, birth) in self.leaves.items():
                x._data = x._given = data
                x.birth = birth
            yield
        finally:
            for x, (data, given, birth) in now.items():
                x._data, x._given, x.birth = data, given, birth


def _copied(x: Any) -> Any:
    x = x.data if isinstance(x, Node) else x
    return x.copy() if isinstance(x, np.ndarray) else x


def training(
    first: Step, kept: Sequence[Mapping[Node, Any]], names: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return what `training.js` needs, or None where there is no graph that a page could run.

    Parameters
    ----------
    first : Step
        The first step: its graph is the program, and its numbers are where training starts.
    kept : sequence of mapping of Tensor to ndarray
        The data of the leaves in each step that is shown; empty where they were not kept.
    names : mapping of str to Tensor or ndarray, optional
        What to call the tensors.

    Returns
    -------
    dict
        ``program``; ``output``, the entry of the loss; ``weights``, the entry of each leaf that
        training changed; ``frames``, for each kept step the numbers of these leaves, or null;
        ``why``, what the page cannot follow.
    """
    if first.output is None:
        return None
    try:
        with first.back():
            program = program_of(first.output, names=names)
    except GraphTooLargeError:
        return None
    weights = [x for x in first.leaves if x in program.gradients and _changes(x, kept)]
    if not weights:
        return None
    return {
        "program": program.to_dict(),
        "output": program.tensors[first.output],
        "weights": [program.tensors[x] for x in weights],
        "frames": [_numbers(weights, leaves) for leaves in kept],
        "why": program.unknown,
    }


def _then(x: Node, leaves: Mapping[Node, Any]) -> Any:
    """Return what a leaf of the first step held in another: it, or the one of its name."""
    if x in leaves:
        return leaves[x]
    same = [data for y, data in leaves.items() if y.name is not None and y.name == x.name]
    return same[0] if same and same[0].shape == x.data.shape else None


def _changes(x: Node, kept: Sequence[Mapping[Node, Any]]) -> bool:
    """Return whether training changed a leaf, as far as is known."""
    known = [data for leaves in kept if (data := _then(x, leaves)) is not None]
    return len(known) < 2 or any(not np.array_equal(data, known[0]) for data in known)


def _numbers(weights: Sequence[Node], leaves: Mapping[Node, Any]) -> list[Any] | None:
    """Return the entries of each weight in a step, or None if one of them is not known."""
    data = [_then(x, leaves) for x in weights]
    return None if any(a is None for a in data) else [plain(a.ravel()) for a in data]
