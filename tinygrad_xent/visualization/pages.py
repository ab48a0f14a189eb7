"""A complete HTML page that needs no network."""

import base64
from html import escape

from tinygrad_xent.visualization.naming import printable
from tinygrad_xent.visualization.theme import css

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
