"""A complete HTML page that needs no network, and its colours: light, dark and on paper."""

import base64
import colorsys
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib import resources

from tinygrad_xent.visualization.drawing import style
from tinygrad_xent.visualization.drawing.style import LEVELS, contrast, heat, ink, luminance
from tinygrad_xent.visualization.naming import printable

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def image(svg: str, alt: str) -> str:
    """Return a picture as an image: of all markup only this passes the sanitisers of notebooks.

    It is a white card, and keeps its colours on a dark page.
    """
    data = base64.b64encode(svg.encode()).decode()
    style = "max-width:100%;height:auto;background:#fff;border-radius:8px"
    alt = escape(printable(alt))
    return f'<img alt="{alt}" style="{style}" src="data:image/svg+xml;base64,{data}">'


def page(title: str, body: str, style: str = "", *, scripts: bool = False, text: str = "") -> str:
    """Return a complete page that needs no network.

    Parameters
    ----------
    title : str
        Plain text: the title of the window and the heading of the page.
    body : str
        HTML, placed under the heading as it is.
    style : str, optional
        What the page needs beyond the style sheet of all pages.
    scripts : bool
        Whether scripts within the page may run. Nothing may be loaded in either case.
    text : str, optional
        Plain text that says the same, folded away at the end under "As text".

    Examples
    --------
    >>> print(page("Loss", "<p>0.417</p>"))
    <!DOCTYPE html>
    ...
    <h1>Loss</h1>
    <p>0.417</p></main>
    ...
    """
    policy = f"{_POLICY}; script-src 'unsafe-inline'" if scripts else _POLICY
    name = escape(printable(title))
    if text:
        lines = "\n".join(map(printable, text.split("\n")))
        body += (
            "<details>\n<summary>As text</summary>\n"
            f'<pre tabindex="0">{escape(lines, quote=False)}</pre>\n</details>\n'
        )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>\n{css()}{style}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{name}</h1>\n{body}</main>\n</body>\n</html>\n"
    )


# -- colours -------------------------------------------------------------------------------------

PAPER = "#1f1f1f"
"""What lies under a picture in the dark."""

_OTHER = {"#000000": "#ffffff", "#ffffff": "#000000"}


@cache
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
