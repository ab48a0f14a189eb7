"""A report for a notebook: what is wrong in words, and the gradients as heat tables."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.visualization.drawing import cells
from tinygrad_xent.visualization.drawing.palette import LEVELS, heat, ink
from tinygrad_xent.visualization.tracing.html import table_style

if TYPE_CHECKING:
    from tinygrad_xent.checking.report import GradcheckReport

_SIGNS = {cells.NAN: "NaN", cells.INF: "∞", cells.MINUS_INF: "−∞"}
_STYLE = table_style(
    "tx-check",
    """
.tx-check p { margin: 0.3em 0; max-width: 60em; }
.tx-check .heats { display: flex; flex-wrap: wrap; gap: 0.6em 1.4em; align-items: flex-start; }
.tx-check figure { margin: 0; max-width: 100%; overflow-x: auto; }
.tx-check figcaption { font-size: 0.85em; padding-bottom: 0.2em; }
.tx-check.tx-check table.heat td { padding: 0; min-width: 0.8em; height: 0.8em;
  border: 1px solid #d3d8df; text-align: center; font-variant-numeric: tabular-nums; }
.tx-check.tx-check table.heat td.number { padding: 0.15em 0.4em; }
""",
)


def html(report: GradcheckReport) -> str:
    """Write a report: diagnoses, the table, and the gradients of each wrong input."""
    unclear = report.ok and report.cases and all(case.unclear for case in report.cases)
    said = "Unclear" if unclear else "Right" if report.ok else "Wrong"
    parts = [f"<p><strong>{said}:</strong> {escape(report.subject.name)}</p>"]
    for found in report.diagnoses:
        parts.append(f"<p><code>{found.code}</code> {escape(found.message)}</p>")
        if found.hint:
            parts.append(f"<p>{escape(found.hint)}</p>")
    parts.append(_table(report))
    if report.along:
        parts.append(f"<p>A fast check can miss, {escape(report.can_miss)}.</p>")
    shown = [c for c in report.cases if c.got is not None and (c.wrong or len(report.cases) == 1)]
    for case in shown:
        if case.arriving:
            parts.append(f"<p>The gradient of {escape(case.name)}, {case.arriving}:</p>")
        parts.append(f'<div class="heats">{"".join(_heats(case))}</div>')
    return f'<div class="tx-check">{_STYLE}{"".join(parts)}</div>'


def _table(report: GradcheckReport) -> str:
    head = "".join(
        f'<th scope="col">{title}</th>'
        for title in ("input", "entries", "largest error", "verdict")
    )
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in report.rows()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _heats(case: Case) -> Iterator[str]:
    got, expected, tolerance = (a[case.shown] for a in (case.got, case.expected, case.tolerance))
    with np.errstate(all="ignore"):
        difference = got - expected
    name = f"∂{escape(case.name)}"
    noise = np.abs(difference) <= tolerance
    for words, array in (
        (f"{name} by the rule", got),
        (f"{name} by differences", expected),
        ("difference", np.where(noise, 0, difference)),
    ):
        yield f"<figure><figcaption>{words}</figcaption>{_heat(array)}</figure>"


def _heat(array: Any) -> str:
    match cells.view(array):
        case cells.Phrase(text):
            return escape(text)
        case cells.Summary() as summary:
            return "<br>".join(escape(f"{label} {text}") for label, text in summary.lines)
        case cells.Cells() as shown:
            texts = shown.texts or [[""] * len(row) for row in shown.levels]
            rows = zip(shown.levels, texts, strict=True)
            return '<table class="heat">' + "".join(_row(*row) for row in rows) + "</table>"


def _row(levels: tuple[int, ...], texts: Any) -> str:
    return "<tr>" + "".join(_cell(*cell) for cell in zip(levels, texts, strict=True)) + "</tr>"


def _cell(level: int, text: str) -> str:
    if level == cells.MISSING:
        return '<td style="border: 0"></td>'
    finite = abs(level) <= LEVELS
    fill = heat(level) if finite else "#ffffff"
    text = text.replace("-", "−") if finite else _SIGNS[level]
    kind = ' class="number"' if text else ""
    return f'<td{kind} style="background: {fill}; color: {ink(fill)}">{escape(text)}</td>'
