"""An array as something to look at: a number, numbers in coloured cells, coloured cells, a summary.

Which of them depends on the shape alone, so that a value and its gradient look alike.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.visualization.drawing.style import LEVELS
from tinygrad_xent.visualization.formatting import brief, number, percent

PRINTED = (6, 8)  # rows and columns up to which the numbers are printed ...
ROW_PRINTED = 10  # ... and the length of a single row: the ten classes of digits fit
COLOURED = 32  # rows and columns up to which every entry gets a cell
BINS = 24

NAN, INF, MINUS_INF, MISSING = LEVELS + 1, LEVELS + 2, LEVELS + 3, LEVELS + 4


@dataclass(frozen=True)
class Phrase:
    """One number, or a few words where there is none."""

    text: str


@dataclass(frozen=True)
class Cells:
    """Rows of coloured cells, with their numbers when these are few.

    Attributes
    ----------
    levels : rows of int
        -LEVELS (orange) to LEVELS (purple) in proportion to the largest magnitude; 0 for zero
        only. NAN, INF, MINUS_INF and MISSING (after the end of a wrapped vector) lie above.
    texts : rows of str, or None
        The numbers, when there is room for them.
    slice_rows : int
        After how many rows the next slice of an array of more than two axes begins.
    note : str
        What was done to the shape, in words; empty if nothing.
    """

    levels: tuple[tuple[int, ...], ...]
    texts: tuple[tuple[str, ...], ...] | None
    slice_rows: int
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """What is worth knowing of a large array: (label, text) lines and a histogram.

    Attributes
    ----------
    lines : tuple of (str, str)
    histogram : tuple of float
        Heights between 0 and 1 of the bins between `low` and `high`; empty if no entry is finite.
    low, high : float
    """

    lines: tuple[tuple[str, str], ...]
    histogram: tuple[float, ...]
    low: float
    high: float


Table = Phrase | Cells | Summary


def table_of(data: Any) -> Table:
    """Return an array as a table: its one number, its cells, or a summary."""
    array = np.asarray(data)
    if array.size <= 1 or array.dtype.kind not in "biuf":
        return Phrase(brief(array))
    rows, slice_rows, note = _in_rows(array)
    if max(rows.shape) > COLOURED:
        return _summary(array)
    levels = _levels(rows)
    height, width = rows.shape
    few = height <= PRINTED[0] and width <= PRINTED[1] and not isinstance(rows, np.ma.MaskedArray)
    printed = few or rows.size <= ROW_PRINTED
    texts = tuple(tuple(map(_signed, row)) for row in rows) if printed else None
    return Cells(levels, texts, slice_rows, note)


def _signed(x: Any) -> str:
    """Write a number; what is not finite with a sign that is seen from afar."""
    text = number(x)
    return {"NaN": "✗ NaN", "inf": "▲ inf", "-inf": "▼ -inf"}.get(text, text)


def _in_rows(array: Any) -> tuple[Any, int, str]:
    """Lay an array out in rows (masked after the end of a wrapped vector)."""
    while array.ndim > 1 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 1:
        size = array.size
        per_line = 8 if size <= 64 else 16 if size <= 256 else COLOURED
        if size <= 16 or size > COLOURED**2:
            return array[None, :], 1, ""
        lines = -(-size // per_line)
        padded = np.resize(array, (lines, per_line))
        beyond = np.arange(padded.size).reshape(padded.shape) >= size
        return np.ma.MaskedArray(padded, beyond), lines, f"wrapped, {per_line} to a line"
    *outer, height, width = array.shape
    rows = array.reshape(-1, width)
    if not outer:
        return rows, height, ""
    return rows, height, f"{math.prod(outer)} slices of {height}×{width}"


def _levels(rows: Any) -> tuple[tuple[int, ...], ...]:
    """Grade entries by magnitude against the largest finite one."""
    numbers = np.ma.getdata(rows).astype(np.float64)
    finite = np.isfinite(numbers) & ~np.ma.getmaskarray(rows)
    top = np.max(np.abs(numbers), where=finite, initial=0.0)
    with np.errstate(all="ignore"):
        grades = np.clip(np.ceil(np.abs(numbers) / (top or 1.0) * LEVELS), 1, LEVELS)
    levels = np.where(finite, np.sign(numbers) * grades, 0)
    levels[np.isnan(numbers)] = NAN
    levels[numbers == np.inf] = INF
    levels[numbers == -np.inf] = MINUS_INF
    levels[np.ma.getmaskarray(rows)] = MISSING
    return tuple(tuple(int(level) for level in row) for row in levels)


def _summary(array: Any) -> Summary:
    finite = array[np.isfinite(array)].astype(np.float64)
    lines: list[tuple[str, str]] = []
    histogram: tuple[float, ...] = ()
    low = high = 0.0
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
        top = max(-low, high) or 1.0
        scaled = finite / top  # so that no square overflows, and no denormal vanishes
        lines += [
            ("max", number(high)),
            ("mean", number(float(scaled.mean()) * top)),
            ("min", number(low)),
            ("norm", number(float(np.sqrt(scaled @ scaled)) * top)),
        ]
        spread = (high / top - low / top) or 1.0
        bins = np.minimum(((scaled - low / top) / spread * BINS).astype(int), BINS - 1)
        counts = np.bincount(bins, minlength=BINS)
        histogram = tuple((counts / counts.max()).tolist())
    for label, share in (
        ("zero", np.mean(array == 0)),
        ("NaN", np.mean(np.isnan(array))),
        ("inf", np.mean(np.isinf(array))),
    ):
        if share:
            lines.append((label, percent(float(share))))
    return Summary(tuple(lines), histogram, low, high)
