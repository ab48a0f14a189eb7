"""Tables: as text in columns, and as HTML."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path


class Markup(str):
    """HTML that a table takes as it is; a cell that is a plain string is escaped."""

    __slots__ = ()


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: int = 0) -> Iterator[str]:
    """Yield the lines of a table in columns, two spaces apart.

    Parameters
    ----------
    head, rows
        The cells. A row of one cell is a heading for the rows below it.
    right : int
        How many of the first columns are aligned to the right.

    Examples
    --------
    >>> for line in table(("number", "square"), [("2", "4"), ("12", "144")], right=1):
    ...     print(line)
    number  square
         2  4
        12  144
    """
    lines = [head, *rows]
    full = [row for row in lines if not len(row) == 1 < len(head)]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    for row in lines:
        if len(row) == 1 < len(head):
            yield row[0]
            continue
        cells = [
            cell.rjust(width) if i < right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def html_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    caption: str = "",
    *,
    headings: bool = True,
) -> str:
    """Return an HTML table.

    Parameters
    ----------
    head, rows
        The cells, as plain text or as `Markup`. A row of one cell is a heading for the rows below.
    caption : str, optional
        Plain text.
    headings : bool
        Whether the first cell of each row is its heading.

    Examples
    --------
    >>> print(html_table(("x", "x²"), [("2", "4")], "Squares"))
    <table><caption>Squares</caption>
    <thead><tr><th scope="col">x</th><th scope="col">x²</th></tr></thead>
    <tbody><tr><th scope="row">2</th><td>4</td></tr></tbody></table>
    """
    columns = "".join(f'<th scope="col">{_html(name)}</th>' for name in head)
    body = "".join(_row(cells, len(head), headings=headings) for cells in rows)
    title = f"<caption>{_html(caption)}</caption>\n" if caption else ""
    return f"<table>{title}<thead><tr>{columns}</tr></thead>\n<tbody>{body}</tbody></table>"


def styled(kind: str, html: str) -> str:
    """Return HTML in an element of class ``tx-<kind>``, with tables of thin lines."""
    return f'<div class="tx tx-{kind}" tabindex="0"><style>{_style()}</style>{html}</div>'


@cache
def _style() -> str:
    return Path(__file__).with_suffix(".css").read_text("utf-8")


def _row(cells: Sequence[str], width: int, *, headings: bool) -> str:
    if len(cells) == 1 < width:
        return f'<tr><th colspan="{width}" scope="colgroup">{_html(cells[0])}</th></tr>'
    first = f'<th scope="row">{_html(cells[0])}</th>' if headings else f"<td>{_html(cells[0])}</td>"
    return f"<tr>{first}{''.join(f'<td>{_html(cell)}</td>' for cell in cells[1:])}</tr>"


def _html(cell: str) -> str:
    return cell if isinstance(cell, Markup) else escape(cell)
