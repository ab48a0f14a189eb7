"""Text that is safe to show, and how much room it takes."""

from __future__ import annotations

import functools
import html
import unicodedata

from tinygrad_xent.reading import printable

# Widths in em of DejaVu Sans, the widest of the usual sans-serif fonts: text measured with it
# also fits where another font of the stack is the one at hand.
_NARROW = dict.fromkeys("ijlI|.,:;'!·", 0.34) | dict.fromkeys('frt()[]/-" ', 0.41)
_WIDE = dict.fromkeys("mMW@%", 0.98) | dict.fromkeys("wQOGDNHU&+=<>−×∂~", 0.84)
_BOLD = 1.1


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
    """Estimate the width of text, in pixels; never much too small."""
    return sum(map(_em, text)) * size * (_BOLD if bold else 1)


@functools.lru_cache(1000)
def _em(c: str) -> float:
    if c in _NARROW:
        return _NARROW[c]
    if c in _WIDE:
        return _WIDE[c]
    if unicodedata.combining(c):
        return 0.0
    if unicodedata.east_asian_width(c) in "WF":
        return 1.05
    if ord(c) > 0x2FFF:
        return 1.3
    return 0.72 if c.isupper() else 0.64
