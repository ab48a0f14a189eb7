"""The slopes of a function of Tensors, with few calls: through the graph that it recorded.

Computing a recorded graph again costs less than recording it. Often all paths from an input to the
output lead through a tensor in between, as from a table of logits through one loss for each row.
Then the chain rule cuts the work in two: how the output moves with that tensor, and how that tensor
moves with the input. In the second part the rows are independent, so one entry of every row moves
in the same call.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking.replaying import replayer
from tinygrad_xent.checking.slopes import (
    EPSILON,
    Function,
    Rows,
    Slopes,
    find_rows,
    sizes,
    slopes,
)
from tinygrad_xent.checking.subjects import Subject, is_real, precise
from tinygrad_xent.graph import Node, ancestors, downstream, parents

_MOVE = 1e-3  # as far as the longest steps of differences go


@dataclass(frozen=True)
class Way:
    """A function of one input, from `x` through `middle` to the output.

    Attributes
    ----------
    whole : callable
        From the input to the output.
    middle : ndarray or None
        A tensor that all ways lead through; None where there is none that saves work.
    head, tail : callable
        From the input to the middle, and from there to the output.
    rows : Rows or None
        Those of the head, or of the whole where there is no middle, if they were looked for.
    y : ndarray
        The output at the place of the check, in double precision if the function allows it.
    """

    whole: Function
    y: Any
    rows: Rows | None = None
    middle: Any = None
    head: Function | None = None
    tail: Function | None = None

    @property
    def precision(self) -> float:
        """The precision that the function computes in, called with float64."""
        kind = self.y.dtype
        return float(np.finfo(kind).eps) if kind.kind == "f" else EPSILON

    @property
    def whole_rows(self) -> Rows | None:
        """The rows of the whole, if they were looked for."""
        return self.rows if self.head is None else None

    def slopes(self, x: Any, weights: Any) -> Slopes:
        """Differentiate, in two parts if there are two."""
        if self.precision > EPSILON:
            return slopes(self.whole, x, weights, y=self.y, out_epsilon=self.precision)
        if self.head is not None and self.tail is not None:
            tail = slopes(self.tail, self.middle, weights)
            if np.isfinite(tail.error).all() and not tail.kink.any():
                return _chained(self.head, x, tail, self.rows)
            return slopes(self.whole, x, weights, y=self.y)
        return slopes(self.whole, x, weights, y=self.y, rows=self.rows)


def way_of(subject: Subject, i: int, out: Any) -> Way:
    """Find the cheapest way from a subject's input `i` to its output, which is `out` here."""
    again, output, leaf = _again(subject, i)
    if output is None:
        exact = all(x.dtype == np.float64 for x in subject.inputs if is_real(x))
        x = precise(subject.inputs[i])
        y = out if exact else np.asarray(again(x))
        return Way(again, y, find_rows(again, x, y) if y.dtype == np.float64 else None)
    x = leaf.data
    whole = find_rows(again, x, output.data)
    if whole.count == 1:
        for node in _gates(ancestors(output), leaf):
            head = replayer(node, [leaf])
            rows = find_rows(head, x, node.data)
            if rows.count > 1:
                return Way(again, output.data, rows, node.data, head, replayer(output, [node]))
    return Way(again, output.data, whole)


def _again(subject: Subject, i: int) -> tuple[Function, Any, Any]:
    """Return the function, with the output and the input of the graph that computes it."""
    f = subject.function_of(i)
    recorded = subject.record([precise(value) for value in subject.inputs])
    if recorded is not None:
        output, leaves = recorded
        leaf = leaves[i]
        if leaf.data.size and leaf in set(ancestors(output)):  # a list would compare tensors
            again = replayer(output, [leaf])
            if _agree(f, again, leaf.data):
                return again, output, leaf
    return f, None, None


def _agree(f: Function, again: Function, x: Any) -> bool:
    """Whether a graph says what the function says around `x`, to the last digit.

    It does not where the function looks at numbers: `if`, `.data`, an index from `argmax`.
    """
    move = _MOVE * sizes(x) * np.random.default_rng(0).normal(size=x.shape)
    with np.errstate(all="ignore"):
        low, high = x - move, x + move
        return bool(
            np.array_equal(f(low), again(low), equal_nan=True)
            and np.array_equal(f(high), again(high), equal_nan=True)
        )


def _gates(graph: list[Node], leaf: Node) -> Iterator[Node]:
    """Yield tensors that every path from the leaf leads through, the last first.

    Only those that share an outer axis with the leaf, and have no more entries, as these may save
    calls.
    """
    moving = downstream(graph, [leaf])
    order = [node for node in graph if node in moving]
    place = {node: k for k, node in enumerate(order)}
    reads = {node: k for k, node in enumerate(order)}  # where a tensor is read for the last time
    for k, node in enumerate(order):
        for parent in parents(node):
            if parent in place:
                reads[parent] = k
    theirs, furthest, found = leaf.data.shape, reads[leaf], []
    for k, node in enumerate(order[:-1]):
        mine = node.data.shape
        shared = mine[:1] == theirs[:1] or mine[-1:] == theirs[-1:]
        if k and furthest <= k and shared and 1 < node.data.size <= leaf.data.size:
            found.append(node)
        furthest = max(furthest, reads[node])
    return reversed(found)


def _chained(head: Function, x: Any, tail: Slopes, rows: Rows | None) -> Slopes:
    """Carry the slopes of the tail, and how far these may be off, through the head."""
    signs = np.random.default_rng(0).choice([-1, 1], tail.error.shape[1:])
    weights = np.concatenate([tail.value, tail.error, signs * tail.error])
    found = slopes(head, x, weights, rows=rows)
    value, straight, mixed = np.split(found.value, 3)
    doubt = 2 * np.maximum(np.abs(straight), np.abs(mixed))
    method = found.method if tail.method == found.method else "central differences"
    return Slopes(value, found.error[: len(value)] + doubt, found.kink, method)
