"""What pictures are drawn with: literal colours, legible in each pair used, and safe text.

The colours hold in every viewer. Text is measured in the font that ships.
"""

import functools
import html
import json
import unicodedata
from pathlib import Path

import numpy as np

from tinygrad_xent.visualization.naming import printable

# -- colours ---------------------------------------------------------------------------------------

# ColorBrewer's PuOr: negative is orange, positive purple; told apart in every colour blindness.
_PUOR = (
    *("7f3b08", "b35806", "e08214", "fdb863", "fee0b6"),
    "f7f7f7",
    *("d8daeb", "b2abd2", "8073ac", "542788", "2d004b"),
)
LEVELS = 10  # shades on either side of zero

INK, GREY, LINE, HAIR = "#1b2430", "#566071", "#5f6b7a", "#d3d8df"
RULE, ALARM = "#7a2f4d", "#a51d1d"
NEGATIVE, POSITIVE = "#b35806", "#542788"

# For each kind of box the colours of its head and border, the dashes of the border, and words.
LOOKS = {
    "leaf": ("#d9ecdf", "#2f6b45", "", "leaf"),
    "op": ("#dfe9f6", "#4a6a94", "", "op"),
    "fused": ("#f8e3b8", "#8a5a00", "", "fused op"),
    "constant": ("#f1f2f4", "#7b8491", "5 3", "constant"),
    "aside": ("#f1f2f4", "#7b8491", "1.5 3", "looked through"),
    "folded": ("#e6e0f3", "#5d4a8a", "", "several tensors"),
    "forward": ("#e4e7eb", "#7b8491", "", "op of the forward pass"),
    "backward": ("#f9dfe6", "#99405f", "", "op of the backward pass"),
}


_RGB = np.array([list(bytes.fromhex(colour)) for colour in _PUOR])
_HALVES = np.arange(2 * LEVELS + 1)
_BLENDS = (_RGB[_HALVES // 2] + _RGB[(_HALVES + 1) // 2]) // 2
# Zero alone is white: what is not zero shows, however small.
_SCALE = ["#" + bytes(rgb).hex() for rgb in _BLENDS.tolist()]
_SCALE[LEVELS] = "#ffffff"


def heat(level: int) -> str:
    """Return the colour of a level between -LEVELS and LEVELS."""
    return _SCALE[LEVELS + level]


@functools.cache
def luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2 defines it."""
    channels = np.frombuffer(bytes.fromhex(colour.lstrip("#")), np.uint8) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    """Return the contrast ratio as WCAG 2 defines it; small text needs at least 4.5."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


@functools.cache
def ink(fill: str) -> str:
    """Return black or white, whichever reads better on `fill`."""
    black, white = "#000000", "#ffffff"
    return black if contrast(black, fill) >= contrast(white, fill) else white


# -- text ------------------------------------------------------------------------------------------

# Text is measured in the font that ships, which also draws the PNG. A browser takes the first
# family that the machine has: DejaVu Sans has the same widths, and the others set words narrower.
FAMILIES = "'DejaVu Sans', 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
FONT = Path(__file__).parents[1] / "font"
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
        width += known.get(c) or (0.0 if unicodedata.combining(c) else _ELSEWHERE)
    return size * width


@functools.cache
def widths() -> dict[str, dict[str, float]]:
    """Return the width of every character of the shipped font, in em, for each weight."""
    weights = json.loads((FONT / "sans.json").read_bytes())
    return {
        weight: {c: float(em) for em, characters in groups.items() for c in characters}
        for weight, groups in weights.items()
    }
