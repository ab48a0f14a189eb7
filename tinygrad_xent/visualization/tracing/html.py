"""A trace as two tables for a notebook: formulas as MathML, no script, the page's own colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from tinygrad_xent.visualization.formulas import mathml
from tinygrad_xent.visualization.tracing.shown import heading, sends, short

if TYPE_CHECKING:
    from tinygrad_xent.visualization.tracing.events import Backward, Forward
    from tinygrad_xent.visualization.tracing.traces import Trace

_MOST_ROWS = 200
# The name stands twice to weigh more than JupyterLab's own rule, which aligns cells to the right.
_TABLES = """
.NAME { overflow-x: auto; color: var(--jp-ui-font-color1, inherit); }
.NAME.NAME table { border-collapse: collapse; margin: 0 0 1em; font-size: 0.9em; }
.NAME.NAME caption { text-align: start; font-weight: bold; padding: 0.3em 0; caption-side: top; }
.NAME.NAME table :is(th, td) { text-align: start; padding: 0.25em 0.8em; vertical-align: baseline;
  background: none; border: 0 solid var(--jp-border-color2, currentColor); }
.NAME.NAME table thead th { border-bottom-width: 1px; }
"""


def table_style(name: str, more: str = "") -> str:
    """Give the style of the tables in an element of this class: the page's colours, thin lines."""
    return f"<style>{_TABLES.replace('NAME', name)}{more}</style>"


_STYLE = table_style(
    "tx-trace",
    """
.tx-trace.tx-trace table tbody th { font-weight: normal; border-top-width: 1px; }
.tx-trace.tx-trace table td:first-child { text-align: end; font-variant-numeric: tabular-nums; }
.tx-trace math { font-size: 1.1em; }
""",
)


def html(trace: Trace) -> str:
    """Write the forward pass as one table and the backward pass as another."""
    forward, backward = trace.forward, trace.backward
    tables = []
    if forward:
        head = ("step", "tensor", "op", "formula", "value")
        tables.append(_table("Forward", head, list(map(_forward, forward[:_MOST_ROWS]))))
    shown = backward[: max(_MOST_ROWS - len(forward), 0)]
    if shown:
        head = ("step", "rule", "to", "sends", "total there")
        tables.append(_table(escape(heading(trace)), head, list(_backward(shown))))
    left = len(trace) - min(len(forward), _MOST_ROWS) - len(shown)
    if left:
        tables.append(
            f"<p>{left:,} more steps are not shown: print the trace, take a slice of it, or keep "
            "what concerns one tensor, trace.of(tensor).</p>"
        )
    return f'<div class="tx-trace">{_STYLE}{"".join(tables)}</div>'


def _forward(event: Forward) -> str:
    formula = mathml(event.formula, event.letters) if event.formula else ""
    return _row(
        str(event.step),
        escape(event.name),
        escape(event.op or "leaf"),
        formula,
        escape(short(event.value)),
    )


def _backward(events: Sequence[Backward]) -> Iterator[str]:
    """Write what each tensor sends under a line that says what it has."""
    sender = None
    for event in events:
        if event.tensor is not sender:
            sender = event.tensor
            has = f"{event.name} ({event.op}) has ∂{event.name} = {short(event.incoming)}"
            yield f'<tr><th colspan="5" scope="colgroup">{escape(has)}</th></tr>'
        rule = mathml(event.rule, event.letters) if event.rule else ""
        sent, total = escape(sends(event)), escape(short(event.total))
        yield _row(str(event.step), rule, escape(event.to_name), sent, total)


def _table(caption: str, head: Sequence[str], rows: Sequence[str]) -> str:
    cells = "".join(f'<th scope="col">{title}</th>' for title in head)
    return (
        f"<table><caption>{caption}</caption><thead><tr>{cells}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
