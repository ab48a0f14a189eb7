"""Both passes of a graph as a list of events: what every explanation of it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from tinygrad_xent.backprop import backpropagate, check_seed
from tinygrad_xent.errors import NotInGraphError
from tinygrad_xent.formulas import formula_text, letters_of, rule_of
from tinygrad_xent.graph import Node, describe
from tinygrad_xent.numbers import brief, count
from tinygrad_xent.reading import names_of, shown

_NARROW = 5  # entries up to which the table prints an array in full


@dataclass(frozen=True, eq=False)
class Forward:
    """A tensor got its value.

    Attributes
    ----------
    step : int
        The place of the event in the whole trace, from 1.
    tensor : Tensor
    name : str
        What it is called in this trace: its name, or v0, v1, ... in order of birth.
    op : str
        The name of the op that made it; empty for a leaf.
    inputs : tuple of str
        What the op was called with: names of tensors, and constants, arrays by their shape.
    formula : str
        The op's formula, as LaTeX.
    letters : mapping of str to str
        For which tensor or number letters of the formula stand.
    value : ndarray
        A copy.
    """

    step: int
    tensor: Node
    name: str
    op: str
    inputs: tuple[str, ...]
    formula: str
    letters: Mapping[str, str]
    value: Any

    @property
    def text(self) -> str:
        """The formula with the tensors' names, on one line."""
        return formula_text(self.formula, self.letters) if self.formula else ""


@dataclass(frozen=True, eq=False)
class Backward:
    """A tensor's rule sent a contribution to one of its inputs.

    Attributes
    ----------
    step : int
        The place of the event in the whole trace, from 1.
    tensor : Tensor
        Who sends.
    name : str
        What it is called in this trace.
    op : str
        The name of the op that made it.
    rule : str
        The op's backward rule for this input, as LaTeX.
    letters : mapping of str to str
        For which tensor or number letters of the rule stand.
    incoming : ndarray
        The finished gradient of the sender, which the rule is handed.
    to : Tensor
        The input that receives.
    to_name : str
        What that is called in this trace.
    input : str
        What the op calls that input.
    position : int
        Which of the op's inputs it is, from 0.
    sent : ndarray
        The contribution: of the receiver's shape, broadcasting undone.
    total : ndarray
        The sum of all contributions that the receiver has by now.
    """

    step: int
    tensor: Node
    name: str
    op: str
    rule: str
    letters: Mapping[str, str]
    incoming: Any
    to: Node
    to_name: str
    input: str
    position: int
    sent: Any
    total: Any

    @property
    def text(self) -> str:
        """The rule with the tensors' names, on one line; ∂x is the gradient with respect to x."""
        return formula_text(self.rule, self.letters) if self.rule else ""


Event = Forward | Backward


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
        if tensor not in self.names:
            what = describe(tensor) if isinstance(tensor, Node) else f"a {type(tensor).__name__}"
            raise NotInGraphError(
                f"{what} is not part of the graph of {self.names[self.output]}; the trace has "
                f"{', '.join(list(self.names.values())[:10])}{', ...' * (len(self.names) > 10)}"
            )
        return self._part(
            e for e in self if e.tensor is tensor or (isinstance(e, Backward) and e.to is tensor)
        )

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain lists, strings and numbers, for JSON.

        Returns
        -------
        dict
            ``format`` is "tinygrad_xent trace", ``version`` 1. ``output`` names the tensor where the
            backward pass started, ``seed`` is the gradient it started with. ``tensors`` lists
            what there is, oldest first: ``name``, ``shape``, ``dtype``, ``op`` (null for a leaf).
            ``events`` are in order; each has ``step``, ``phase`` ("forward" or "backward"), ``tensor``
            (a name), ``op`` and ``letters`` (from the formula's letters to names). A forward
            event adds ``inputs``, ``formula`` (LaTeX) and ``value``; a backward event adds ``rule`` (LaTeX),
            ``incoming``, ``to`` (a name), ``input``, ``position``, ``sent`` and ``total``. Arrays are
            nested lists; entries that no JSON number can be are the strings "nan", "inf" and "-inf".
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
            "events": [_event_dict(event) for event in self],
        }

    def __repr__(self) -> str:
        return (
            f"<Trace of {self.names[self.output]}: {len(self.forward)} forward, "
            f"{len(self.backward)} backward>"
        )

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def trace(output: Node, wrt: Node | Iterable[Node] | None = None, *, seed: Any = None) -> Trace:
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

    Returns
    -------
    Trace
        One event for each tensor (forward), then one for each contribution that a tensor's rule
        sends to one of its inputs (backward). `print` it to read it as a table.

    Raises
    ------
    NotRecordedError, NotScalarError, SeedShapeError, GradientDtypeError, StaleGraphError
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
    nodes = shown(output)
    names = names_of(nodes)
    targets = None if wrt is None else [wrt] if isinstance(wrt, Node) else list(wrt)
    events: list[Event] = [_forward(step, node, names) for step, node in enumerate(nodes, 1)]

    def record(node: Node, i: int, contribution: Any, total: Any) -> None:
        events.append(_backward(len(events) + 1, node, i, names, incoming, contribution, total))

    for _, grad in backpropagate(output, start, wrt=targets, observe=record):
        incoming = np.array(grad)
    return Trace(events, output, np.array(start), names)


# -- recording -------------------------------------------------------------------------------


def _forward(step: int, node: Node, names: Mapping[Node, str]) -> Forward:
    inputs = _inputs(node, names)
    return Forward(
        step=step,
        tensor=node,
        name=names[node],
        op=node.op.name if node.op else "",
        inputs=inputs,
        formula=node.op.formula if node.op else "",
        letters=letters_of(node.op, inputs, names[node]) if node.op else {},
        value=np.array(node.data),
    )


def _backward(
    step: int, node: Node, i: int, names: Mapping[Node, str], incoming: Any, sent: Any, total: Any
) -> Backward:
    assert node.op is not None, "a leaf sends nothing"
    inputs = _inputs(node, names)
    return Backward(
        step=step,
        tensor=node,
        name=names[node],
        op=node.op.name,
        rule=rule_of(node.op, i, len(inputs)),
        letters=letters_of(node.op, inputs, names[node]),
        incoming=incoming,
        to=node.inputs[i],
        to_name=inputs[i],
        input=node.op.names_of(len(inputs))[i],
        position=i,
        sent=np.array(sent),
        total=np.array(total),
    )


def _inputs(node: Node, names: Mapping[Node, str]) -> tuple[str, ...]:
    return tuple(names[x] if isinstance(x, Node) else _constant(x) for x in node.inputs)


def _constant(x: Any) -> str:
    if x is None:
        return ""
    return brief(x) if np.size(x) == 1 else f"array {np.shape(x)}"


# -- plain data ------------------------------------------------------------------------------


def plain(data: Any) -> Any:
    """Give an array as nested lists of numbers, with strings for NaN and infinities."""
    array = np.asarray(data)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        array = np.where(np.isfinite(array), array.astype(object), array.astype(str))
    return array.tolist()


def _event_dict(event: Event) -> dict[str, Any]:
    common = {"step": event.step, "tensor": event.name, "letters": dict(event.letters)}
    if isinstance(event, Forward):
        return {
            **common,
            "phase": "forward",
            "op": event.op or None,
            "inputs": list(event.inputs),
            "formula": event.formula,
            "value": plain(event.value),
        }
    return {
        **common,
        "phase": "backward",
        "op": event.op,
        "rule": event.rule,
        "incoming": plain(event.incoming),
        "to": event.to_name,
        "input": event.input,
        "position": event.position,
        "sent": plain(event.sent),
        "total": plain(event.total),
    }


# -- text ------------------------------------------------------------------------------------


def _lines(trace: Trace) -> Iterator[str]:
    if forward := trace.forward:
        yield "Forward"
        yield from table(
            ("step", "tensor", "op", "formula", "value"),
            [(str(e.step), e.name, e.op or "leaf", e.text, _short(e.value)) for e in forward],
        )
    if forward and trace.backward:
        yield ""
    if backward := trace.backward:
        name = trace.names[trace.output]
        weighted = "the weighted sum of " * bool(trace.seed.ndim)
        yield f"Backward: ∂x is the gradient of {weighted}{name} with respect to x"
        rows = [
            (str(e.step), e.text, e.to_name, _short(e.sent), _short(e.total)) for e in backward
        ]
        head, *lines = table(("step", "rule", "to", "sends", "total there"), rows)
        yield head
        sender = None
        for event, line in zip(backward, lines, strict=True):
            if event.tensor is not sender:
                sender = event.tensor
                yield f"{event.name} ({event.op}) has ∂{event.name} = {_short(event.incoming)}"
            yield line


def _short(array: Any) -> str:
    text = brief(array, _NARROW)
    return text if array.size <= _NARROW else f"{count(array.size, 'entry')}, {text}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write rows of cells in columns, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
