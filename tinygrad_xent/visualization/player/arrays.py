"""Arrays as a page shows them: printed numbers, and of a large array its corners."""

import json
from typing import Any

import numpy as np

from tinygrad_xent.visualization.formatting import number

GAP = "…"
# Up to so many rows and columns everything is printed; of more, so many at either end.
ROWS, FIRST_ROWS, LAST_ROWS = 8, 4, 2
COLUMNS, FIRST_COLUMNS, LAST_COLUMNS = 10, 4, 3


class Arrays:
    """The arrays of a page, each of them once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def add(self, shown: dict[str, Any]) -> int:
        """Return the place of an array that `window` printed."""
        return self._places.setdefault(json.dumps(shown), len(self._places))

    @property
    def shown(self) -> list[dict[str, Any]]:
        """What has been added."""
        return [json.loads(text) for text in self._places]


def window(data: Any) -> dict[str, Any]:
    """Print an array.

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
        [GAP if i is None or j is None else number(table[i, j]) for j in columns] for i in rows
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
    return (
        _ends(height, ROWS, FIRST_ROWS, LAST_ROWS),
        _ends(width, COLUMNS, FIRST_COLUMNS, LAST_COLUMNS),
    )


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
