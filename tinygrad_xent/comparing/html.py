"""A comparison as a table for a notebook: no script, the page's own colours."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tinygrad_xent.comparing.text import absent, answer, explained, lettered, question, refusals
from tinygrad_xent.tracing.html import table_style

if TYPE_CHECKING:
    from tinygrad_xent.comparing.comparison import Comparison

_STYLE = table_style(
    "tx-compare",
    """
.tx-compare td:nth-child(-n+3) { font-variant-numeric: tabular-nums; }
.tx-compare.tx-compare dt { float: none; width: auto; padding: 0; font-weight: bold; }
.tx-compare.tx-compare dd { margin: 0 0 0.5em 1.5em; padding: 0; max-width: 45em; }
.tx-compare p { margin: 0 0 0.5em; max-width: 45em; }
""",
)


def html(comparison: Comparison) -> str:
    """Write the answers as a table, and under it what makes them differ."""
    return f'<div class="tx-compare">{_STYLE}{answers(comparison)}{reasons(comparison)}</div>'


def answers(comparison: Comparison) -> str:
    """Write who answers what."""
    rows = "".join(
        f'<tr><th scope="row">{letter}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in (*answer(group), who))
        + "</tr>"
        for letter, group in lettered(comparison)
        for who in [", ".join(group.dialects)]
    )
    head = "".join(f'<th scope="col">{word}</th>' for word in ("", "loss", "gradient", "who"))
    said = "".join(
        f"<p>{letter}: {escape(message)}</p>" for letter, message in refusals(comparison)
    )
    missing = "".join(
        f"<p>No such call: {escape(', '.join(dialects))} ({escape(why)})</p>"
        for why, dialects in absent(comparison).items()
    )
    return (
        f"<table><caption>{escape(question(comparison))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{said}{missing}"
    )


def reasons(comparison: Comparison) -> str:
    """Write which steps make each two groups differ."""
    items = "".join(
        f"<dt>{escape(heading)}</dt>" + "".join(f"<dd>{escape(s)}</dd>" for s in sentences)
        for heading, sentences in explained(comparison)
    )
    return f"<dl>{items}</dl>" if items else ""
