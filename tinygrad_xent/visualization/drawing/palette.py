"""Colours: all literal, so that they hold in every viewer, and legible in each pair used."""

from __future__ import annotations

import functools

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


def _channels(colour: str) -> tuple[int, int, int]:
    colour = colour.lstrip("#")
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)


def _blend(a: str, b: str) -> str:
    return "#" + "".join(
        f"{(x + y) // 2:02x}" for x, y in zip(_channels(a), _channels(b), strict=True)
    )


# Zero alone is white: what is not zero shows, however small.
_SCALE = [_blend(_PUOR[i // 2], _PUOR[(i + 1) // 2]) for i in range(2 * LEVELS + 1)]
_SCALE[LEVELS] = "#ffffff"


def heat(level: int) -> str:
    """Give the colour of a level between -LEVELS and LEVELS."""
    return _SCALE[LEVELS + level]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours as WCAG 2 defines it: 4.5 is the least for small text."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


@functools.cache
def ink(fill: str) -> str:
    """Black or white, whichever reads better on `fill`."""
    return max("#000000", "#ffffff", key=lambda colour: contrast(colour, fill))
