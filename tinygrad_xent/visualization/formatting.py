"""Numbers and arrays as text, with three significant digits, and as plain data."""

from typing import Any

import numpy as np

_LONGEST_INDEX = 14


def number(x: Any) -> str:
    """Return a number with at most three significant digits (four for 1000 to 9999).

    Exact results have no trailing zeros; rounded ones keep them, so that 0.9999 is not shown as 1.

    Examples
    --------
    >>> [number(x) for x in (2.0, 0.5, 0.41703, 0.99999, -1.2e-5, 5.551115123125783e-17, -0.0)]
    ['2', '0.5', '0.417', '1.00', '-1.2e-05', '5.55e-17', '-0']
    """
    x = np.asarray(x)[()]
    if x.dtype.kind == "b":
        return str(bool(x))
    if x.dtype.kind in "iu":
        return str(x) if abs(int(x)) < 100_000 else _drop_zeros(f"{int(x):.2e}", int(x), int)
    if np.isnan(x):
        return "NaN"
    if np.isinf(x):
        return "inf" if x > 0 else "-inf"
    if x == 0:
        return "-0" if np.signbit(x) else "0"
    magnitude = f"{abs(float(x)):.2e}"  # rounded first: 999.9 counts as 1000
    exponent = int(magnitude.split("e")[1])
    if -3 <= exponent <= 3:
        return _drop_zeros(f"{float(x):.{max(2 - exponent, 0)}f}", x, type(x))
    return _drop_zeros(f"{float(x):.2e}", x, type(x))


def telling(x: Any) -> str:
    """Return an array of one number with enough digits to distinguish it from a round one.

    Examples
    --------
    >>> [telling(x) for x in (1 - 1e-7, 1.0, 1 / 3, 999.9999)]
    ['0.9999999', '1', '0.333', '999.9999']
    """
    x = np.reshape(x, ())[()]
    text = brief(x)
    if x.dtype.kind != "f":
        return text
    for digits in range(4, 18):
        if x.dtype.type(float(text)) == x or not text.partition("e")[0].endswith(("0", ".")):
            break
        text = f"{float(x):#.{digits}g}"
    return text


def _drop_zeros(text: str, x: Any, kind: Any) -> str:
    """Return the text without trailing zeros if it is still exactly the number."""
    mantissa, e, exponent = text.partition("e")
    if "." not in mantissa:
        return text
    short = mantissa.rstrip("0").rstrip(".") + e + exponent
    return short if kind(float(short)) == x else text


def count(n: int, noun: str) -> str:
    """Return a count with its noun: "1 entry", "2,048 entries"."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{n:,} {noun if n == 1 else plural}"


def percent(share: float) -> str:
    """Return a share in whole percent; only 0 is "0 %", and only 1 is "100 %".

    Examples
    --------
    >>> percent(0.5), percent(0.0001), percent(0.9999)
    ('50 %', '<1 %', '>99 %')
    """
    if 0 < share < 0.01:
        return "<1 %"
    if 0.99 < share < 1:
        return ">99 %"
    return f"{share:.0%}".replace("%", " %")


def brief(data: Any, most: int = 10) -> str:
    """Return an array on one line: in full with up to `most` entries, otherwise its range.

    Examples
    --------
    >>> brief([[1.0, 2.5], [0.1, -3.0]]), brief([[1.0, 2.5], [0.1, -3.0]], most=3)
    ('[[1 2.5] [0.1 -3]]', '-3 to 2.5')
    """
    array = np.asarray(data)
    if array.dtype.kind not in "biuf":
        return f"{array.dtype} entries"
    if array.size == 0:
        return "no entries"
    if array.size == 1:
        return number(array.reshape(()))
    if array.size <= most:
        return _nested(array)
    finite = array[np.isfinite(array)]
    odd = array.size - finite.size
    if not finite.size:
        return f"{odd} NaN or inf"
    low, high = number(finite.min()), number(finite.max())
    return (f"{low} to {high}" if low != high else f"all {low}") + (
        f", {odd} NaN or inf" if odd else ""
    )


def _nested(array: Any) -> str:
    return number(array) if array.ndim == 0 else "[" + " ".join(map(_nested, array)) + "]"


def index_text(index: Any) -> str:
    """Return a NumPy index as written between the brackets; an ellipsis if it is long.

    Examples
    --------
    >>> [index_text(i) for i in (0, (slice(None), -1), (..., slice(2, None)), np.arange(9))]
    ['0', ':, -1', '..., 2:', '…']
    """
    parts = index if isinstance(index, tuple) else (index,)
    text = ", ".join(map(part_text, parts))
    return text if len(text) <= _LONGEST_INDEX else "…"


def part_text(part: Any) -> str:
    """Return one part of an index as it is written, such as `1:`."""
    match part:
        case slice():
            ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
            return ":".join(ends if part.step is not None else ends[:2])
        case np.ndarray() | list():
            array = np.asarray(part)
            few = array.ndim == 1 and array.size <= _LONGEST_INDEX // 2
            return f"[{' '.join(map(str, array))}]" if few else "…"
    return "..." if part is Ellipsis else str(part)


def short(x: Any) -> str:
    """Write a small constant or a parameter as code would."""
    match x:
        case slice():
            return part_text(x)
        case tuple() | list():
            return "(" + ", ".join(map(short, x)) + ")"
        case type():
            return x.__name__
        case np.ndarray() | np.generic() | float():
            return telling(x) if np.size(x) == 1 else brief(x)
        case None:
            return ""
    return "..." if x is Ellipsis else str(x)


def plain(data: Any) -> Any:
    """Return an array as nested lists for JSON, with strings for NaN and infinities.

    Examples
    --------
    >>> plain([1.0, -np.inf])
    [1.0, '-inf']
    """
    array = np.asarray(data)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        array = np.where(np.isfinite(array), array.astype(object), array.astype(str))
    return array.tolist()


# -- an array as rows of text ----------------------------------------------------------------

# Up to how many everything is printed; of more, how many at either end.
_ROWS = 8, 4, 2
_COLUMNS = 10, 4, 3


def window(data: Any) -> dict[str, Any]:
    """Return an array as a table of numbers, with a gap where it is long.

    Returns
    -------
    dict
        ``rows`` of texts, with "…" where entries were left out; ``top``, the largest finite
        magnitude of all entries; ``note``, in words what the rows do not show: the shape, and the
        range of what was left out.

    Examples
    --------
    >>> window([[1.0, -0.5], [0.25, 0.0]])
    {'rows': [['1', '-0.5'], ['0.25', '0']], 'top': '1', 'note': ''}
    """
    array = np.asarray(data)
    table = as_rows(array)
    rows, columns = visible(table)
    texts = [
        ["…" if i is None or j is None else number(table[i, j]) for j in columns] for i in rows
    ]
    finite = table[np.isfinite(table)] if table.dtype.kind == "f" else table
    top = np.max(np.abs(finite.astype(np.float64)), initial=0.0)
    return {"rows": texts, "top": number(top), "note": _note(array, finite, rows, columns)}


def as_rows(array: Any) -> Any:
    """Lay an array out in rows and columns; a scalar is one row of one."""
    return array.reshape(-1, array.shape[-1]) if array.ndim and array.size else array.reshape(1, -1)


def visible(table: Any) -> tuple[list[int | None], list[int | None]]:
    """Return the rows and columns that are printed, with None for a gap."""
    height, width = table.shape
    return _ends(height, *_ROWS), _ends(width, *_COLUMNS)


def _ends(count: int, most: int, first: int, last: int) -> list[int | None]:
    if count <= most:
        return list(range(count))
    return [*range(first), None, *range(count - last, count)]


def _note(array: Any, finite: Any, rows: list[int | None], columns: list[int | None]) -> str:
    shape = " × ".join(map(str, array.shape))
    if array.size == 0:
        return f"no entries ({shape})"
    if None in rows or None in columns:
        low, high = (number(np.min(finite)), number(np.max(finite))) if finite.size else ("", "")
        return f"{shape}" + (f", from {low} to {high}" if finite.size else "")
    return shape if array.ndim > 2 else ""
