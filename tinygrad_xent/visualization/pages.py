"""HTML: a page of its own, and a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, body: str, style: str, *, scripts: bool = False) -> str:
    """Return a complete page that needs no network.

    Parameters
    ----------
    title : str
        Plain text: the title of the window and the heading of the page.
    body : str
        HTML, placed under the heading.
    style : str
        The style sheet.
    scripts : bool
        Whether scripts within the page may run. Nothing may be loaded in either case.
    """
    policy = f"{_POLICY}; script-src 'unsafe-inline'" if scripts else _POLICY
    name = escape(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{name}</h1>\n{body}</main>\n</body>\n</html>\n"
    )


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """Return a table of plain text; the first cell of each row is its heading.

    Examples
    --------
    >>> print(html_table(("x", "x²"), [("2", "4")], "Squares"))
    <table><caption>Squares</caption>
    <thead><tr><th scope="col">x</th><th scope="col">x²</th></tr></thead>
    <tbody><tr><th scope="row">2</th><td>4</td></tr></tbody></table>
    """
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for name, *cells in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption>\n<thead><tr>{columns}</tr></thead>\n"
        f"<tbody>{body}</tbody></table>"
    )
