"""A comparison as a table for a notebook: no script, the page's own colours."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tinygrad_xent.comparing.text import absent, answer, explained, lettered, question

if TYPE_CHECKING:
    from tinygrad_xent.comparing.comparison import Comparison

_STYLE = """
.tx-compare { overflow-x: auto; color: var(--jp-ui-font-color1, inherit); }
.tx-compare table { border-collapse: collapse; margin: 0 0 1em; font-size: 0.9em; }
.tx-compare caption { text-align: start; font-weight: bold; padding: 0.3em 0; caption-side: top; }
.tx-compare table :is(th, td) { text-align: start; padding: 0.25em 0.8em; vertical-align: baseline;
  background: none; border: 0 solid var(--jp-border-color2, currentColor); }
.tx-compare thead th { border-bottom-width: 1px; }
.tx-compare td:nth-child(-n+3) { font-variant-numeric: tabular-nums; }
.tx-compare dt { font-weight: bold; } .tx-compare dd { margin: 0 0 0.5em 1.5em; max-width: 45em; }
.tx-compare p { margin: 0 0 0.5em; max-width: 45em; }
"""


def html(comparison: Comparison) -> str:
    """Write the answers as a table, and under it what makes them differ."""
    return (
        f'<div class="tx-compare"><style>{_STYLE}</style>'
        f"{answers(comparison)}{reasons(comparison)}</div>"
    )


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
    missing = "".join(
        f"<p>No such call: {escape(', '.join(dialects))} ({escape(why)})</p>"
        for why, dialects in absent(comparison).items()
    )
    return (
        f"<table><caption>{escape(question(comparison))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{missing}"
    )


def reasons(comparison: Comparison) -> str:
    """Write which steps make each two groups differ."""
    items = "".join(
        f"<dt>{escape(heading)}</dt>" + "".join(f"<dd>{escape(s)}</dd>" for s in sentences)
        for heading, sentences in explained(comparison)
    )
    return f"<dl>{items}</dl>" if items else ""
