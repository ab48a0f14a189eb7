"""A trace: both passes of a graph as a list of events, and what can be asked of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np

from tinygrad_xent.backprop import backpropagate, check_seed, is_real
from tinygrad_xent.errors import ArgumentError, NotInGraphError, NotRecordedError
from tinygrad_xent.graph import Node, ancestors, describe
from tinygrad_xent.ops.fused import looked_through
from tinygrad_xent.visualization.formatting import brief, count, number, plain, short
from tinygrad_xent.visualization.formulas import formula_of, letters_of, rule_at
from tinygrad_xent.visualization.naming import constants_of, entry_name, names_of
from tinygrad_xent.visualization.readable import Readable
from tinygrad_xent.visualization.tracing.events import (
    Backward,
    Event,
    Forward,
    html_tables,
    text_tables,
    unsummed,
)
from tinygrad_xent.visualization.tracing.sentences import Place, equation, explain, plus


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

    @cached_property
    def forward(self) -> tuple[Forward, ...]:
        """The events of the forward pass."""
        return tuple([event for event in self._events if isinstance(event, Forward)])

    @cached_property
    def backward(self) -> tuple[Backward, ...]:
        """The events of the backward pass."""
        return tuple([event for event in self._events if isinstance(event, Backward)])

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
        """Return the sum of all contributions to a tensor, or None if there were none.

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
        """Explain in plain sentences why a tensor has the gradient it has; see `why`.

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
        gradient = self.gradient(tensor)
        explainer = Explainer(self.output, self.seed, self.names, self.backward)
        return Why(tuple(explainer.sentences(tensor, gradient, entry)))

    def _check(self, tensor: Any) -> None:
        if not isinstance(tensor, Node) or tensor not in self.names:
            what = describe(tensor) if isinstance(tensor, Node) else f"a {type(tensor).__name__}"
            raise NotInGraphError(
                f"{what} is not part of the graph of {self.names[self.output]}; the trace has "
                f"{', '.join(list(self.names.values())[:10])}{', ...' * (len(self.names) > 10)}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as plain lists, strings and numbers, for JSON.

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
            "events": [event.to_dict() for event in self],
        }

    def __repr__(self) -> str:
        return (
            f"<Trace of {self.names[self.output]}: {len(self.forward)} forward, "
            f"{len(self.backward)} backward>"
        )

    def __str__(self) -> str:
        return "\n".join(text_tables(self, self._of))

    def _repr_html_(self) -> str:
        return html_tables(self, self._of)

    @property
    def _of(self) -> str:
        return quantity(self.names[self.output], self.seed)


def trace(
    output: Node,
    wrt: Node | Iterable[Node] | None = None,
    *,
    seed: Any = None,
    names: Mapping[str, Any] | None = None,
) -> Trace:
    """Run the backward pass of a graph and record each step of both passes.

    Nothing is stored on the graph: `.grad` stays as it is.

    Parameters
    ----------
    output : Tensor
        Where the backward pass starts.
    wrt : Tensor or iterable of Tensor, optional
        Record the backward pass only on the way to these.
    seed : array_like, optional
        The gradient of `output`, of its shape; 1 where it is a scalar.
    names : mapping of str to Tensor, optional
        What to call the tensors, before their own names; `names=locals()` takes those of a
        notebook's or a function's variables.

    Returns
    -------
    Trace
        One event for each tensor (forward), then one for each contribution that a tensor's rule
        sends to one of its inputs (backward). `print` it to read it as a table.

    Raises
    ------
    NotRecordedError, NotScalarError, ShapeError, DtypeError, StaleGraphError
        If there is no backward pass to run; the message says why.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor(3.0, name="x")
    >>> print(trace(x * x + x))
    Forward
    step  tensor  op        formula      value
    1     x       leaf                   3
    2     v1      multiply  v1 = x x     9
    3     v2      add       v2 = v1 + x  12
    <BLANKLINE>
    Backward: ∂x is the gradient of v2 with respect to x
    step  rule         to  sends  total there
    v2 (add) has ∂v2 = 1
    4     ∂v1 = ∂v2    v1  1      1
    5     ∂x = ∂v2     x   1      1
    v1 (multiply) has ∂v1 = 1
    6     ∂x = x ∂v1   x   3      4
    7     ∂x = x ∂v1   x   3      7
    """
    start = check_seed(output, seed.data if isinstance(seed, Node) else seed)
    targets = None if wrt is None else [wrt] if isinstance(wrt, Node) else list(wrt)
    recorder = _Recorder(output, names)
    passes = backpropagate(output, start, wrt=targets, observe=recorder.backward)
    for _, grad in passes:
        recorder.incoming = np.array(grad)
    return Trace(recorder.events, output, np.array(start), recorder.names)


class _Recorder:
    """Writes events down as they happen."""

    def __init__(self, output: Node, names: Mapping[str, Any] | None) -> None:
        nodes = ancestors(output)
        self.names = names_of(nodes, names)
        self.called = {id(node): name for node, name in self.names.items()}
        constants = constants_of(nodes, names, self.names)
        self.called |= {key: name for key, (name, _) in constants.items()}
        self.incoming: Any = None
        self.events: list[Event] = []
        for node in nodes:
            self.forward(node)

    def forward(self, node: Node) -> None:
        inputs = self.inputs(node)
        event = Forward(
            step=len(self.events) + 1,
            tensor=node,
            name=self.names[node],
            op=node.op.name if node.op else "",
            inputs=inputs,
            formula=formula_of(node),
            letters=letters_of(node.op, inputs, self.names[node]) if node.op else {},
            value=np.array(node.data),
        )
        self.events.append(event)

    def backward(self, node: Node, i: int, result: Any, contribution: Any, total: Any) -> None:
        op, inputs = node.op, self.inputs(node)
        if op is None:  # a leaf has no rule
            return
        event = Backward(
            step=len(self.events) + 1,
            tensor=node,
            name=self.names[node],
            op=op.name,
            rule=rule_at(node, i, np.shape(result)),
            letters=letters_of(op, inputs, self.names[node]),
            incoming=self.incoming,
            to=node.inputs[i],
            to_name=inputs[i],
            input=op.names_of(len(inputs))[i],
            position=i,
            unsummed=unsummed(result, contribution),
            sent=np.array(contribution),
            total=np.array(total),
        )
        self.events.append(event)

    def inputs(self, node: Node) -> tuple[str, ...]:
        """Name what an op was called with."""
        return tuple([self.called.get(id(x)) or short(x) for x in node.inputs])


def why(
    tensor: Any,
    output: Any = None,
    *,
    entry: int | Sequence[int] | None = None,
    names: Mapping[str, Any] | None = None,
) -> Why:
    """Explain in plain sentences why a tensor has the gradient it has.

    Parameters
    ----------
    tensor : Tensor
        Whose gradient is to be explained.
    output : Tensor
        Of what it is the gradient; if that is not a scalar, of its sum.
    entry : int or sequence of int, optional
        Which entry to explain; by default the three of the largest gradient.
    names : mapping of str to Tensor, optional
        What to call the tensors, before their own names, such as `locals()`.

    Returns
    -------
    Why
        Over which tensors the gradient came, how much each way brought, and for each entry the
        calculation and what its numbers are.

    Raises
    ------
    ArgumentError
        If no output is given, or the tensor has no such entry.
    NotInGraphError
        If the output was not computed from the tensor.

    See Also
    --------
    trace : its result has a method `why`, for several questions about one backward pass.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, sparse_softmax_cross_entropy_with_logits
    >>> z = Tensor([2.0, 1.0, 0.1], name="z")
    >>> loss = sparse_softmax_cross_entropy_with_logits(labels=0, logits=z, name="loss")
    >>> why(z, loss)
    The gradient of loss came to z along the path loss (sparse_softmax_cross_entropy).
    z[0] has 0.659 - 1 = -0.341: p = 0.659, and 0 is the label.
    z[1] has 0.242: p = 0.242, and the label is 0, not 1.
    z[2] has 0.0986: p = 0.0986, and the label is 0, not 2.
    """
    if not isinstance(tensor, Node):
        raise NotRecordedError(
            f"why explains the gradient of a Tensor, got {type(tensor).__name__}: nothing was "
            "recorded"
        )
    if output is None:
        raise ArgumentError(
            f"{describe(tensor)} does not know what was computed from it: name the output that the "
            "gradient is of, as in why(logits, loss)"
        )
    if isinstance(output, Node) and output is not tensor and output in set(ancestors(tensor)):
        raise NotInGraphError(
            f"{describe(tensor)} was computed from {describe(output)}, not the other way round: "
            "the output comes second, as in why(logits, loss)"
        )
    scalar = not isinstance(output, Node) or output.data.size == 1
    seed = None if scalar else np.ones_like(output.data)
    return trace(output, seed=seed, names=names).why(tensor, entry=entry)


# -- in sentences ---------------------------------------------------------------------------------

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
        numbers = np.arange(math.prod(shape)).reshape(shape)
        try:
            number = numbers[tuple(entry) if isinstance(entry, Sequence) else entry]
        except IndexError:
            number = numbers[None]
        if np.ndim(number):
            example = (0,) * len(shape) if len(shape) != 1 else 0
            raise ArgumentError(
                f"{name} has no entry {entry!r}: its shape is {shape}. Pass one index "
                f"for each axis, such as entry={example}"
            )
        return [tuple(int(k) for k in np.unravel_index(number, shape))]
    if gradient is None:
        return []
    size = np.where(np.isnan(gradient), np.inf, np.abs(gradient)).reshape(-1)
    largest = np.argsort(-size, kind="stable")[:_MOST_ENTRIES]
    order = largest if size.size > _MOST_ENTRIES else np.sort(largest)
    return [tuple(int(k) for k in np.unravel_index(i, shape)) for i in order]
