"""A list of events, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from tinygrad_xent.errors import NotInGraphError
from tinygrad_xent.graph import Node, describe
from tinygrad_xent.visualization.tracing.events import Backward, Event, Forward
from tinygrad_xent.visualization.tracing.plain import event_dict, plain
from tinygrad_xent.visualization.tracing.shown import lines

if TYPE_CHECKING:
    from tinygrad_xent.visualization.tracing.answer import Why


class Trace(Sequence[Event]):
    """The events of a forward and a backward pass, in order.

    A slice of a trace, and its part that `of` selects, are traces too.

    Attributes
    ----------
    output : Tensor
        Where the backward pass started.
    seed : ndarray
        The gradient it started with.
    names : mapping of Tensor to str
        What the tensors are called.
    """

    def __init__(
        self, events: Iterable[Event], output: Node, seed: Any, names: Mapping[Node, str]
    ) -> None:
        self._events = tuple(events)
        self.output = output
        self.seed = seed
        self.names = names

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Trace: ...
    def __getitem__(self, index: int | slice) -> Event | Trace:
        if isinstance(index, slice):
            return self._part(self._events[index])
        return self._events[index]

    def _part(self, events: Iterable[Event]) -> Trace:
        return Trace(events, self.output, self.seed, self.names)

    @property
    def forward(self) -> tuple[Forward, ...]:
        """The events of the forward pass."""
        return tuple(event for event in self if isinstance(event, Forward))

    @property
    def backward(self) -> tuple[Backward, ...]:
        """The events of the backward pass."""
        return tuple(event for event in self if isinstance(event, Backward))

    def of(self, tensor: Node) -> Trace:
        """Keep the events in which a tensor gets its value, sends, or receives.

        Raises
        ------
        NotInGraphError
            If the tensor is not part of the graph.
        """
        self._check(tensor)
        return self._part(
            e for e in self if e.tensor is tensor or (isinstance(e, Backward) and e.to is tensor)
        )

    def gradient(self, tensor: Node) -> Any:
        """Give what a tensor's contributions add up to in the end; None if it got none.

        Raises
        ------
        NotInGraphError
            If the tensor is not part of the graph.
        """
        self._check(tensor)
        if tensor is self.output:
            return self.seed
        return next((e.total for e in reversed(self.backward) if e.to is tensor), None)

    def why(self, tensor: Node, *, entry: int | Sequence[int] | None = None) -> Why:
        """Say in plain sentences why a tensor has the gradient it has; see `why`.

        Parameters
        ----------
        tensor : Tensor
        entry : int or sequence of int, optional
            Which entry to explain; by default the three of the largest gradient.

        Raises
        ------
        NotInGraphError
            If the tensor is not part of the graph.
        ArgumentError
            If the tensor has no such entry.
        """
        from tinygrad_xent.visualization.tracing.answer import answer

        self._check(tensor)
        return answer(self, tensor, entry)

    def _check(self, tensor: Any) -> None:
        if not isinstance(tensor, Node) or tensor not in self.names:
            what = describe(tensor) if isinstance(tensor, Node) else f"a {type(tensor).__name__}"
            raise NotInGraphError(
                f"{what} is not part of the graph of {self.names[self.output]}; the trace has "
                f"{', '.join(list(self.names.values())[:10])}{', ...' * (len(self.names) > 10)}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain lists, strings and numbers, for JSON.

        Returns
        -------
        dict
            ``format`` is "tinygrad_xent trace", ``version`` 1. ``output`` names the tensor where
            the backward pass started, ``seed`` is the gradient it started with. ``tensors`` lists
            what there is, oldest first: ``name``, ``shape``, ``dtype``, ``op`` (null for a leaf).
            ``events`` are in order; each has ``step``, ``phase`` ("forward" or "backward"),
            ``tensor`` (a name), ``op`` and ``letters`` (from letters of the formula to names). A
            forward event adds ``inputs``, ``formula`` (LaTeX) and ``value``; a backward event adds
            ``rule`` (LaTeX), ``incoming``, ``to`` (a name), ``input``, ``position``, ``sent`` and
            ``total``. Arrays are nested lists; entries that no JSON number can be are the strings
            "nan", "inf" and "-inf".
        """
        return {
            "format": "tinygrad_xent trace",
            "version": 1,
            "output": self.names[self.output],
            "seed": plain(self.seed),
            "tensors": [
                {
                    "name": name,
                    "shape": list(node.data.shape),
                    "dtype": str(node.data.dtype),
                    "op": node.op.name if node.op else None,
                }
                for node, name in self.names.items()
            ],
            "events": [event_dict(event) for event in self],
        }

    def __repr__(self) -> str:
        return (
            f"<Trace of {self.names[self.output]}: {len(self.forward)} forward, "
            f"{len(self.backward)} backward>"
        )

    def __str__(self) -> str:
        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        from tinygrad_xent.visualization.tracing.html import html

        return html(self)
