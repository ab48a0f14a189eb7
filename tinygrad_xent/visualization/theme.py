"""Light, dark and paper: the colours of pages, and of the pictures in them."""

import colorsys
import functools
from collections.abc import Iterator
from importlib import resources

from tinygrad_xent.visualization.drawing import style
from tinygrad_xent.visualization.drawing.style import LEVELS, contrast, heat, ink, luminance

PAPER = "#1f1f1f"
"""What lies under a picture in the dark."""

_OTHER = {"#000000": "#ffffff", "#ffffff": "#000000"}


@functools.cache
def css() -> str:
    """Return the style sheet of every page and view: `color-scheme` chooses light or dark.

    A picture has literal colours, for light; here each has its counterpart for the dark. On paper
    the cells of negative entries have a dashed edge, so that a grey print tells them apart.
    """
    base = resources.files("tinygrad_xent.visualization").joinpath("theme.css").read_text("utf-8")
    return "\n".join([base, "@supports (color: light-dark(#000, #fff)) {", *_rules(), "}", ""])


def _rules() -> Iterator[str]:
    cells = {heat(k): turned(heat(k), 0.8) for k in range(-LEVELS, LEVELS + 1)}
    looks = {colour for head, border, *_ in style.LOOKS.values() for colour in (head, border)}
    plain = {style.INK, style.GREY, style.LINE, style.HAIR, style.RULE, style.ALARM} | looks
    for light, dark in {**cells, **{colour: turned(colour) for colour in sorted(plain)}}.items():
        yield f'svg [fill="{light}"]{{fill:light-dark({light},{dark})}}'
    for light in sorted(plain | {style.POSITIVE, style.NEGATIVE}):
        yield f'svg [stroke="{light}"]{{stroke:light-dark({light},{turned(light)})}}'
    for light, dark in _OTHER.items():  # what stands in a cell
        yield f'svg text[fill="{light}"]{{fill:light-dark({light},{dark})}}'
    for k, (light, dark) in enumerate(cells.items(), -LEVELS):
        mark = f"light-dark({ink(light)},{_OTHER[ink(light)]})"
        yield f'td[data-level="{k}"]{{background:light-dark({light},{dark});color:{mark}}}'
    negative = ",".join(f'[fill="{heat(k)}"]' for k in range(-LEVELS, 0))
    yield f"@media print{{svg path:is({negative}){{stroke:#000;stroke-dasharray:2 1.5}}}}"


def turned(colour: str, power: float = 1.0) -> str:
    """Return a colour of the same hue that is as far from dark paper as this one is from white.

    So every contrast between two colours stays what it is.

    Parameters
    ----------
    colour : str
    power : float
        A contrast c becomes c**power: below 1, what was dark keeps its hue and does not glare.

    Examples
    --------
    >>> turned("#ffffff"), turned("#1b2430")
    ('#1f1f1f', '#f8fafb')
    """
    wanted = (luminance(PAPER) + 0.05) * contrast(colour, "#ffffff") ** power - 0.05
    hue, _, saturation = colorsys.rgb_to_hls(*(x / 255 for x in bytes.fromhex(colour[1:])))
    low, high = 0.0, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        rgb = colorsys.hls_to_rgb(hue, middle, saturation)
        found = "#" + bytes(round(255 * x) for x in rgb).hex()
        low, high = (middle, high) if luminance(found) < wanted else (low, middle)
    return found
