"""A trace as tables that read well in a terminal, and aloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_xent.visualization.formatting import brief, count

if TYPE_CHECKING:
    from tinygrad_xent.visualization.tracing.events import Backward
    from tinygrad_xent.visualization.tracing.traces import Trace

_NARROW = 5  # entries up to which an array is printed in full


def lines(trace: Trace) -> Iterator[str]:
    """Write a table of what each tensor is, and one of what is sent where."""
    if forward := trace.forward:
        yield "Forward"
        yield from table(
            ("step", "tensor", "op", "formula", "value"),
            [(str(e.step), e.name, e.op or "leaf", e.text, short(e.value)) for e in forward],
        )
    if forward and trace.backward:
        yield ""
    if backward := trace.backward:
        yield heading(trace)
        rows = [(str(e.step), e.text, e.to_name, sends(e), short(e.total)) for e in backward]
        head, *lines = table(("step", "rule", "to", "sends", "total there"), rows)
        yield head
        sender = None
        for event, line in zip(backward, lines, strict=True):
            if event.tensor is not sender:
                sender = event.tensor
                yield f"{event.name} ({event.op}) has ∂{event.name} = {short(event.incoming)}"
            yield line


def heading(trace: Trace) -> str:
    """Say what the ∂ of the backward pass means."""
    weighted = "the weighted sum of " * bool(trace.seed.ndim)
    name = trace.names[trace.output]
    return f"Backward: ∂x is the gradient of {weighted}{name} with respect to x"


def short(array: Any) -> str:
    """Write an array on one line: its numbers, or how many there are and their range."""
    text = brief(array, _NARROW)
    return text if array.size <= _NARROW else f"{count(array.size, 'entry')}, {text}"


def sends(event: Backward) -> str:
    """Write what was sent, and from what it was summed where broadcasting is undone."""
    if event.unsummed is None:
        return short(event.sent)
    size = event.unsummed.size
    many = count(size, "entry") if size > _NARROW else short(event.unsummed)
    return f"{many} summed to {short(event.sent)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: int = 0) -> Iterator[str]:
    """Write rows of cells in columns, two spaces apart; the first `right` of them end evenly."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if i < right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
