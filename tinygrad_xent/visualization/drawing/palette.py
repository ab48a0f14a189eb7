"""Colours: all literal, so that they hold in every viewer, and legible in each pair used."""

from __future__ import annotations

import functools

import numpy as np

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

# For each kind of box the colours of its head and border, and the dashes of the border.
LOOKS = {
    "leaf": ("#d9ecdf", "#2f6b45", ""),
    "op": ("#dfe9f6", "#4a6a94", ""),
    "fused": ("#f8e3b8", "#8a5a00", ""),
    "constant": ("#f1f2f4", "#7b8491", "5 3"),
    "aside": ("#f1f2f4", "#7b8491", "1.5 3"),
    "folded": ("#e6e0f3", "#5d4a8a", ""),
    "forward": ("#e4e7eb", "#7b8491", ""),
    "backward": ("#f9dfe6", "#99405f", ""),
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
