"""The events of both passes: a tensor gets its value, a rule sends a contribution."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.formatting import brief, count, plain
from tinygrad_xent.visualization.formulas import formula_text, mathml, summed_over
from tinygrad_xent.visualization.readable import Readable
from tinygrad_xent.visualization.tables import Markup, html_table, styled, table


@dataclass(frozen=True, eq=False, repr=False)
class Forward(Readable):
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
        What the op was called with: names of tensors and of constant arrays, and numbers.
    formula : str
        The op's formula, as LaTeX.
    letters : mapping of str to str
        Which tensor or number each letter of the formula stands for.
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

    def __str__(self) -> str:
        return f"step {self.step}: {self.text or self.name}, {brief(self.value)}"

    @property
    def text(self) -> str:
        """The formula with the tensors' names, on one line."""
        return formula_text(self.formula, self.letters)

    def to_dict(self) -> dict[str, Any]:
        """Return the event as `Trace.to_dict` documents it."""
        facts = {"inputs": list(self.inputs), "formula": self.formula, "value": plain(self.value)}
        return _as_dict(self, "forward") | facts


@dataclass(frozen=True, eq=False, repr=False)
class Backward(Readable):
    """A tensor's rule sent a contribution to one of its inputs.

    Attributes
    ----------
    step : int
        The place of the event in the whole trace, from 1.
    tensor : Tensor
        The sender.
    name : str
        What it is called in this trace.
    op : str
        The name of the op that made it.
    rule : str
        The op's backward rule for this input, as LaTeX, with the sum that undoes broadcasting.
    letters : mapping of str to str
        Which tensor or number each letter of the rule stands for.
    incoming : ndarray
        The upstream gradient: the sender's own, complete, as the rule receives it.
    to : Tensor
        The receiver: one of the sender's inputs.
    to_name : str
        What the receiver is called in this trace.
    input : str
        What the op calls that input.
    position : int
        Which of the op's inputs it is, from 0.
    unsummed : ndarray or None
        What the rule returned, where broadcasting had repeated the receiver; None elsewhere.
    sent : ndarray
        The contribution, of the receiver's shape: `unsummed` summed over what was repeated.
    total : ndarray
        The sum of all contributions that the receiver has so far.
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
    unsummed: Any
    sent: Any
    total: Any

    def __str__(self) -> str:
        sent = f"sends {brief(self.sent)} to {self.to_name}"
        return f"step {self.step}: {self.text or self.op} {sent}"

    @property
    def text(self) -> str:
        """The rule with the tensors' names, on one line; ∂x is the gradient with respect to x."""
        return formula_text(self.rule, self.letters)

    def to_dict(self) -> dict[str, Any]:
        """Return the event as `Trace.to_dict` documents it."""
        words = {"rule": self.rule, "to": self.to_name, "input": self.input}
        arrays = {name: plain(getattr(self, name)) for name in ("incoming", "sent", "total")}
        return _as_dict(self, "backward") | words | {"position": self.position} | arrays

    @property
    def summed_over(self) -> str:
        """What was summed to undo broadcasting: "rows", "axis 0", "all entries", or nothing."""
        return "" if self.unsummed is None else summed_over(self.unsummed.shape, self.sent.shape)


def _as_dict(event: Event, phase: str) -> dict[str, Any]:
    """Return what both kinds of events hold."""
    who = {"step": event.step, "phase": phase, "tensor": event.name, "op": event.op or None}
    return who | {"letters": dict(event.letters)}


def unsummed(result: Any, sent: Any) -> Any:
    """Return a copy of what a rule returned if it was summed to what was sent, else None."""
    return np.array(result) if math.prod(np.shape(result)) != sent.size else None


Event = Forward | Backward


# -- as tables -----------------------------------------------------------------------------------

_MOST_PRINTED = 5  # entries up to which an array is printed in full
_MOST_ROWS = 200  # of the HTML tables together
_FORWARD = ("step", "tensor", "op", "formula", "value")
_BACKWARD = ("step", "rule", "to", "sends", "total there")
Table = tuple[str, Sequence[str], list[Sequence[str]]]  # caption, head, rows


def text_tables(events: Sequence[Event], of: str) -> Iterator[str]:
    """Yield the lines of both tables; `of` names what the gradients are the gradients of."""
    for i, (caption, head, rows) in enumerate(_tables(events, of, markup=False)):
        if i:
            yield ""
        yield caption
        yield from table(head, rows)


def html_tables(events: Sequence[Event], of: str) -> str:
    """Return both tables as HTML: formulas as MathML, the page's own colours, no script."""
    shown = events[:_MOST_ROWS]
    parts = [
        html_table(head, rows, caption, headings=False)
        for caption, head, rows in _tables(shown, of, markup=True)
    ]
    if left := len(events) - len(shown):
        parts.append(
            f"<p>{left:,} more steps are not shown: print the trace, take a slice of it, or select "
            "the events of one tensor with trace.of(tensor).</p>"
        )
    return styled("trace", "".join(parts))


def _tables(events: Sequence[Event], of: str, *, markup: bool) -> Iterator[Table]:
    forward = [event for event in events if isinstance(event, Forward)]
    backward = [event for event in events if isinstance(event, Backward)]
    if forward:
        yield "Forward", _FORWARD, [_forward_row(event, markup=markup) for event in forward]
    if backward:
        caption = f"Backward: ∂x is the gradient of {of} with respect to x"
        yield caption, _BACKWARD, list(_backward_rows(backward, markup=markup))


def _forward_row(event: Forward, *, markup: bool) -> Sequence[str]:
    formula = Markup(mathml(event.formula, event.letters, spelled=True)) if markup else event.text
    return str(event.step), event.name, event.op or "leaf", formula, _short(event.value)


def _backward_rows(events: Sequence[Backward], *, markup: bool) -> Iterator[Sequence[str]]:
    """Yield what each tensor sends, under a heading with its gradient."""
    sender = None
    for event in events:
        if event.tensor is not sender:
            sender = event.tensor
            yield (f"{event.name} ({event.op}) has ∂{event.name} = {_short(event.incoming)}",)
        rule = Markup(mathml(event.rule, event.letters, spelled=True)) if markup else event.text
        yield str(event.step), rule, event.to_name, _sent(event), _short(event.total)


def _sent(event: Backward) -> str:
    """Return what was sent, and what was summed to it where broadcasting was undone."""
    if event.unsummed is None:
        return _short(event.sent)
    size = event.unsummed.size
    many = count(size, "entry") if size > _MOST_PRINTED else _short(event.unsummed)
    return f"{many} summed to {_short(event.sent)}"


def _short(array: Any) -> str:
    """Return an array on one line: its numbers, or how many there are and their range."""
    text = brief(array, _MOST_PRINTED)
    return text if array.size <= _MOST_PRINTED else f"{count(array.size, 'entry')}, {text}"
