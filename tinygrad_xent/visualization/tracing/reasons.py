"""Why an entry got what it got: a calculation and what it means, from one small function per op.

A function is handed a `Look` at one contribution. To add one, write it and put `@entrywise("op")`
or `@rowwise("op")` above it; an op without one is answered with its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.tracing.events import Backward

Place = tuple[int, ...]
Reason = Callable[["Look"], tuple[str, str]]

_MOST_TERMS = 4
_ROWWISE: dict[str, Reason] = {}
_ENTRYWISE: dict[str, Reason] = {}
_MOVES = (
    *("broadcast_to", "expand_dims", "flip", "getitem", "reshape", "squeeze", "swapaxes"),
    *("take", "take_along_axis", "transpose", "concatenate", "stack"),
)
_PICKS = ("getitem", "take", "take_along_axis")


def at(name: str, place: Place) -> str:
    """Write an entry as code would."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def plus(terms: Sequence[str], result: Any) -> str:
    """Write a sum and what it comes to; only the result, if there are many terms."""
    total = number(result)
    if len(terms) > _MOST_TERMS or not terms:
        return total
    text = " + ".join(terms).replace("+ -", "- ")
    return total if text == total else f"{text} = {total}"


def times(*factors: Any) -> str:
    """Write a product; negative factors after the first in parentheses."""
    texts = [x if isinstance(x, str) else number(x) for x in factors]
    return " × ".join(f"({t})" if i and t.startswith("-") else t for i, t in enumerate(texts))


@dataclass(frozen=True)
class Look:
    """One contribution, seen from one entry that received it.

    Attributes
    ----------
    event : Backward
    names : mapping of Tensor to str
    place : tuple of int
        The entry of the receiver.
    source : tuple of int
        The entry of the sender's output that it came from, where there is one.
    many : bool
        Whether there are several such entries: words are then about all of them.
    """

    event: Backward
    names: Mapping[Node, str]
    place: Place
    source: Place = ()
    many: bool = False

    @property
    def sent(self) -> Any:
        """What this entry received."""
        return self.event.sent[self.place]

    @property
    def g(self) -> Any:
        """The gradient at the source."""
        return self.event.incoming[self.source]

    @property
    def y(self) -> Any:
        """The sender's value at the source."""
        return self.event.tensor.data[self.source]

    @cached_property
    def arrays(self) -> list[Any]:
        """The op's inputs."""
        return [
            x.data if isinstance(x, Node) else np.asarray(np.nan if x is None else x)
            for x in self.event.tensor.inputs
        ]

    def x(self, i: int) -> Any:
        """Give the value of input `i` at the source."""
        return np.broadcast_to(self.arrays[i], self.event.tensor.data.shape)[self.source]

    @property
    def own(self) -> Any:
        """The value of the receiver at the source."""
        return self.x(self.event.position)

    @property
    def sender(self) -> str:
        """The gradient that came in, in words."""
        return (
            f"the gradient of {self.event.name if self.many else at(self.event.name, self.source)}"
        )

    def called(self, i: int) -> str:
        """Name input `i`, with its number if there is one to name."""
        x = self.event.tensor.inputs[i]
        name = self.names[x] if isinstance(x, Node) else ""
        if self.many:
            return name or "a constant"
        value = number(self.x(i))
        return f"{name} = {value}" if name else value

    def classes(self) -> tuple[Place, int]:
        """Split the place into its row and its number along the op's axis."""
        axis = int(self.event.tensor.params["axis"]) % len(self.place)
        return (*self.place[:axis], *self.place[axis + 1 :]), self.place[axis]

    def row(self, x: Any, batch: Place) -> Any:
        """Give the row of an array along the op's axis."""
        return np.moveaxis(x, self.event.tensor.params["axis"], -1)[batch]


def explain(event: Backward, names: Mapping[Node, str], place: Place) -> tuple[str, str]:
    """Give the calculation of what an entry received, and what it means."""
    look = Look(event, names, place)
    if event.op in _ROWWISE:
        calculation, words = _ROWWISE[event.op](look)
        if calculation:
            return calculation, words
    if event.op in _MOVES:
        return _moved(look, _sources(look))
    if event.op not in _ENTRYWISE:
        words = f"by the rule of {event.op}"
        return number(look.sent), f"{words}, {event.text}" if event.text else words
    sources = _sources(look)
    told, many = _ENTRYWISE[event.op], len(sources) > 1
    answers = [
        told(Look(event, names, place, source, many)) for source in sources[: _MOST_TERMS + 1]
    ]
    words = answers[0][1] if answers else "there is nothing to sum"
    if len(sources) > 1:
        words += f", summed over the {_repeats(event, len(sources))}"
    return plus([term for term, _ in answers], look.sent), words


def _sources(look: Look) -> list[Place]:
    """Find the entries of the output that an input's entry went to."""
    event = look.event
    op, out = event.tensor.op, event.tensor.data
    ids = np.arange(event.to.data.size).reshape(event.to.data.shape)
    if op is not None and event.op in _MOVES:
        inputs = [np.full(np.shape(x), -1) for x in look.arrays]
        if event.op in _PICKS:
            inputs = list(look.arrays)
        inputs[event.position] = ids
        where = op.function(*inputs, **event.tensor.params)
    else:
        where = np.broadcast_to(ids, out.shape)
    found = np.argwhere(np.asarray(where) == ids[look.place])
    return [tuple(int(k) for k in place) for place in found]


def _repeats(event: Backward, count: int) -> str:
    rows = event.incoming.ndim == 2 and event.incoming.shape[1:] == event.to.data.shape
    return f"{count} rows" if rows else f"{count} entries that it was broadcast to"


def _moved(look: Look, sources: Sequence[Place]) -> tuple[str, str]:
    event = look.event
    grads = [event.incoming[source] for source in sources]
    calculation = plus([number(g) for g in grads], look.sent)
    where = " and ".join(at(event.name, source) for source in sources[:_MOST_TERMS])
    if event.op not in _PICKS:
        words = f"the gradient of {where}, where this entry went"
        if len(sources) > _MOST_TERMS:
            words = f"the sum of the gradients of the {len(sources)} entries that repeat it"
        return calculation, words
    if not sources:
        return "0", f"{event.name} never picked it"
    if len(sources) == 1:
        return calculation, f"{event.name} picked it once, so the gradient of {where} comes here"
    several = f"{event.name} picked it {len(sources)} times, and the gradients add up"
    return calculation, several


def entrywise(*ops: str) -> Callable[[Reason], Reason]:
    """Register a function that tells of one entry of the output: its term, and the words."""
    return lambda function: (_ENTRYWISE.update(dict.fromkeys(ops, function)), function)[1]


def rowwise(*ops: str) -> Callable[[Reason], Reason]:
    """Register a function that tells of the whole; an empty answer leaves it to the rule."""
    return lambda function: (_ROWWISE.update(dict.fromkeys(ops, function)), function)[1]
