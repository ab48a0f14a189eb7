"""Why a tensor has the gradient it has: along which paths it came, and how each entry adds up."""

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.backprop import is_real
from tinygrad_xent.errors import ArgumentError
from tinygrad_xent.graph import Node
from tinygrad_xent.ops.fused import looked_through
from tinygrad_xent.visualization.formatting import brief, count, number
from tinygrad_xent.visualization.naming import entry_name
from tinygrad_xent.visualization.readable import Readable
from tinygrad_xent.visualization.tracing.events import Backward
from tinygrad_xent.visualization.tracing.sentences import Place, equation, explain, plus

_MOST_ENTRIES, _MOST_STATIONS, _MOST_CONTRIBUTIONS = 3, 8, 8
_MOST_PATHS = 1_000_000  # are counted
_TRANSPARENT = ("look_through", "astype")  # they pass the gradient on as it is


@dataclass(frozen=True, repr=False)
class Why(Readable):
    """Sentences that explain a gradient, made by `why`: print it, or let the notebook show it.

    Attributes
    ----------
    sentences : tuple of str
    """

    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def quantity(name: str, seed: Any) -> str:
    """Return in words what the gradients of a backward pass are the gradients of."""
    if seed.size == 1:
        return name
    return f"the {'' if (seed == 1).all() else 'weighted '}sum of {name}"


class Explainer:
    """Explains the gradients of one backward pass.

    Attributes
    ----------
    output, seed
        Where the pass started, and with which gradient.
    names : mapping of Tensor to str
        All tensors, oldest first.
    events : sequence of Backward
    """

    def __init__(
        self, output: Node, seed: Any, names: Mapping[Node, str], events: Sequence[Backward]
    ) -> None:
        self.output = output
        self.seed = seed
        self.names = names
        self.events = events
        self._senders: dict[Node, list[Node]] = {}  # youngest first
        for event in events:
            self._senders.setdefault(event.to, []).append(event.tensor)
        self._paths = {output: 1}  # how many lead from the output to each tensor
        for node in reversed(list(names)):
            paths = sum(self._paths[sender] for sender in self._senders.get(node, ()))
            self._paths.setdefault(node, min(paths, _MOST_PATHS))

    def sentences(self, tensor: Node, gradient: Any, entry: Any) -> Iterator[str]:
        """Explain the gradient of a tensor, and of one entry or those that are largest."""
        name = self.names[tensor]
        places = _places(name, gradient, tensor.data.shape, entry)
        if tensor is self.output:
            yield f"The backward pass started at {name}, with the gradient {brief(self.seed)}."
            return
        received = [event for event in self.events if event.to is tensor]
        if not received:
            yield self._nothing(tensor)
            return
        yield from self._arrival(name, received)
        size = tensor.data.size
        if entry is None and size > _MOST_ENTRIES:
            yield f"Of its {count(size, 'entry')}, these have the largest gradients:"
        for place in places:
            yield from self._entry(received, entry_name(name, place), place)

    def _nothing(self, tensor: Node) -> str:
        """Explain why a tensor received no gradient."""
        name = self.names[tensor]
        if not is_real(tensor):
            return f"{name} holds {tensor.data.dtype}: it has no gradient."
        for node in self.names:
            if looked_through(node) is tensor:
                logits = self.names[node.inputs[0]]
                return (
                    f"No gradient came to {name}: the loss looked through it to the logits it was "
                    f"computed from, {logits}, and sent the gradient there."
                )
        return (
            f"No gradient came to {name}: no op sent it one, or the trace was limited to other "
            "tensors."
        )

    def _arrival(self, name: str, received: Sequence[Backward]) -> Iterator[str]:
        """Describe along which paths a gradient came, and how much came along each."""
        what = f"The gradient of {quantity(self.names[self.output], self.seed)} came to {name}"
        if len(received) == 1:
            yield f"{what} {self._path(received[0])}."
            return
        yield f"{what} in {len(received)} contributions, which add up:"
        for event in received[:_MOST_CONTRIBUTIONS]:
            yield f"{brief(event.sent)} came {self._path(event)}."
        if len(received) > _MOST_CONTRIBUTIONS:
            yield f"Not listed: {len(received) - _MOST_CONTRIBUTIONS} more."

    def _path(self, event: Backward) -> str:
        """Name the tensors on the path of a contribution, or how many paths there are."""
        node = event.tensor
        last = f"{event.name} ({event.op})"
        paths = self._paths[node]
        if paths == 0:  # a slice that begins later
            return f"from {last}"
        if paths > 1:
            many = f"{paths:,}" if paths < _MOST_PATHS else f"{_MOST_PATHS:,} or more"
            return f"along {many} paths, which meet in {last}"
        stations = []
        while node is not self.output:
            (node,) = self._senders[node]
            stations.append(self.names[node])
        if len(stations) > _MOST_STATIONS:
            stations[2:-2] = [f"{len(stations) - 4} more"]
        return f"along the path {', '.join([*reversed(stations), last])}"

    def _entry(self, received: Sequence[Backward], name: str, place: Place) -> Iterator[str]:
        """Write the calculation of an entry, for each contribution that it received."""
        explained = [self._explained(event, place) for event in received]
        if len(received) == 1:
            calculation, words = explained[0]
            yield f"{name} has {calculation}: {words}."
            return
        terms = [number(event.sent[place]) for event in received]
        total = received[-1].total[place]
        yield f"{name} has {equation(plus(terms, _MOST_CONTRIBUTIONS), total)}."
        pairs = list(zip(received, explained, strict=True))
        for event, (calculation, words) in pairs[:_MOST_CONTRIBUTIONS]:
            yield f"From {event.name} ({event.op}) comes {calculation}: {words}."

    def _explained(self, event: Backward, place: Place) -> tuple[str, str]:
        """Explain a contribution; ops that only pass the gradient on are skipped."""
        while event.op in _TRANSPARENT:
            before = [e for e in self.events if e.to is event.tensor]
            if len(before) != 1:
                break
            (event,) = before
        return explain(event, self.names, place)


def _places(name: str, gradient: Any, shape: Place, entry: Any) -> list[Place]:
    """Choose the entries to explain."""
    if entry is not None:
        index = tuple(entry) if isinstance(entry, Sequence) else (entry,)
        try:
            index = tuple(operator.index(k) for k in index)
            inside = all(-n <= k < n for k, n in zip(index, shape, strict=True))
        except (TypeError, ValueError):
            inside = False
        if not inside:
            example = (0,) * len(shape) if len(shape) != 1 else 0
            raise ArgumentError(
                f"{name} has no entry {entry!r}: its shape is {shape}. Pass one index "
                f"for each axis, such as entry={example}"
            )
        return [tuple(k % n for k, n in zip(index, shape, strict=True))]
    if gradient is None:
        return []
    size = np.where(np.isnan(gradient), np.inf, np.abs(gradient)).reshape(-1)
    largest = np.argsort(-size, kind="stable")[:_MOST_ENTRIES]
    order = largest if size.size > _MOST_ENTRIES else np.sort(largest)
    return [tuple(int(k) for k in np.unravel_index(i, shape)) for i in order]
