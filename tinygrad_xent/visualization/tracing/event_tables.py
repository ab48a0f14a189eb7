"""The events of a trace as two tables, for a terminal and for a notebook."""

from collections.abc import Iterator, Sequence
from typing import Any

from tinygrad_xent.visualization.formatting import brief, count
from tinygrad_xent.visualization.formulas import mathml
from tinygrad_xent.visualization.tables import Markup, html_table, styled, table
from tinygrad_xent.visualization.tracing.events import Backward, Event, Forward

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
