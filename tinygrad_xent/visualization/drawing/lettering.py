"""Text that is safe to show, and how much room it takes."""

from __future__ import annotations

import functools
import html
import json
import unicodedata
from pathlib import Path

from tinygrad_xent.visualization.naming import printable

# Text is measured in the font that ships, which also draws the PNG. A browser takes the first
# family that the machine has: DejaVu Sans has the same widths, and the others set words narrower.
FAMILIES = "'DejaVu Sans', 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
DATA = Path(__file__).parents[2] / "data"
_ELSEWHERE = 1.1  # em, for a letter of some other font: CJK has 1


def escape(text: str) -> str:
    """Make text safe between tags; line breaks stay, other control characters become visible."""
    if not text.isprintable():
        text = "\n".join(map(printable, text.split("\n")))
    return html.escape(text, quote=False)


def quote(text: str) -> str:
    """Make text an attribute's value, quotation marks included."""
    return '"' + html.escape(printable(text)) + '"'


def shorten(text: str, limit: int) -> str:
    """Cut text to `limit` characters; the middle goes, since names often differ at their end."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 3
    return text[: limit - 1 - tail] + "…" + text[len(text) - tail :]


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of text, in pixels; an estimate for letters that the shipped font lacks."""
    known = widths()["bold" if bold else "regular"]
    width = 0.0
    for c in text:
        width += known.get(c) or _elsewhere(c)
    return size * width


@functools.cache
def widths() -> dict[str, dict[str, float]]:
    """Return the width of every character of the shipped font, in em, for each weight."""
    weights = json.loads((DATA / "sans.json").read_bytes())
    return {
        weight: {c: float(em) for em, characters in groups.items() for c in characters}
        for weight, groups in weights.items()
    }


def _elsewhere(c: str) -> float:
    return 0.0 if unicodedata.combining(c) else _ELSEWHERE
