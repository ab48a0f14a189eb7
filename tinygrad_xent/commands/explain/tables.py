"""A table of numbers with a column of labels, read from a CSV file.

The file may use any common delimiter, gzip, and a byte order mark. Errors fit on one line.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.errors import TableError
from tinygrad_xent.visualization.formatting import count
from tinygrad_xent.visualization.naming import printable

_TOO_LARGE = 1e100  # its square would overflow
_DELIMITERS = ",;\t|"

Record = tuple[int, list[str]]  # the number of a row in the file, from 1, and its fields


@dataclass(frozen=True)
class Table:
    """Rows of numbers, each with a class.

    Attributes
    ----------
    source : str
        The name of the file.
    features : ndarray of float64, shape (rows, columns)
    columns : tuple of str
        The names of the features.
    label : str
        The name of the column of labels.
    labels : ndarray of int, shape (rows,)
        The class of each row, as an index into `classes`.
    classes : tuple of str
        The distinct labels, in numerical order if they are numbers, otherwise alphabetically.
    rows : ndarray of int, shape (rows,)
        The number of each row in the file; the header is row 1.
    numbered : bool
        Whether a first column without a name numbers the rows; it is not a feature.
    """

    source: str
    features: Any
    columns: tuple[str, ...]
    label: str
    labels: Any
    classes: tuple[str, ...]
    rows: Any
    numbered: bool = False


def read_table(path: Path, label: str | None, *, source: str | None = None) -> Table:
    """Read a table from a CSV file with a header line.

    Parameters
    ----------
    path : Path
    label : str
        The column to predict; every other column must be numeric.
    source : str, optional
        The name of the file in messages; its path by default.

    Raises
    ------
    TableError
        If no classifier can be trained on it. The message is one line.
    """
    source = source or str(path)
    try:
        header, *body = _records(path, label)
        return _table(source, header[1], body, label)
    except TableError as error:
        raise TableError(printable(f"{source}: {error}")) from None


def _table(source: str, header: list[str], body: list[Record], label: str | None) -> Table:
    at = _label_column(header, label)
    if len(header) == 1:
        raise TableError(
            "has no column besides the label; add columns of numbers to predict it from"
        )
    for row, cells in body:
        if len(cells) != len(header):
            raise TableError(
                f"row {row} has {count(len(cells), 'field')}, the header has {len(header)}; give "
                "every row as many fields as the header"
            )
    index = _index_column(header, body, at)
    given = [i for i in range(len(header)) if i not in (at, index)]
    features = np.array([_numbers(record, given, header) for record in body])
    for row, cells in body:
        if cells[at].casefold() in ("", "nan"):
            raise TableError(
                f"{_place(row, at, header)} has no label; fill it in or leave out the row"
            )
    labels = [cells[at] for _, cells in body]
    classes = _in_order(set(labels))
    _check_classes(labels, classes, header[at])
    position = {text: i for i, text in enumerate(classes)}
    return Table(
        source=source,
        features=features,
        columns=tuple(header[i] for i in given),
        label=header[at],
        labels=np.array([position[text] for text in labels]),
        classes=classes,
        rows=np.array([row for row, _ in body]),
        numbered=index is not None,
    )


# -- the column of labels --------------------------------------------------------------------


def _label_column(header: list[str], label: str | None) -> int:
    if label is None:
        raise TableError(
            f"name the column to predict with --label; the columns are {_listed(header)}"
        )
    if header.count(label) > 1:
        raise TableError(
            f"has {header.count(label)} columns '{label}'; give each column a name of its own"
        )
    if label in header:
        return header.index(label)
    alike = {name.casefold(): name for name in header}
    close = difflib.get_close_matches(label.casefold(), alike, 1)
    if close:
        hint = f"did you mean '{alike[close[0]]}'?"
    elif any(map(_is_number, header)):
        hint = f"the first row must hold the names of the columns, here it holds {_listed(header)}"
    else:
        hint = f"the columns are {_listed(header)}"
    raise TableError(f"has no column '{label}'; {hint}")


def _check_classes(labels: list[str], classes: tuple[str, ...], label: str) -> None:
    if not classes:
        raise TableError("has no rows; a classifier needs rows of two classes at least")
    if len(classes) == 1:
        raise TableError(
            f"has only one class ('{classes[0]}' in column '{label}'); a classifier needs rows of "
            "two classes at least"
        )
    if len(labels) < 5:
        raise TableError(
            f"has {count(len(labels), 'row')}, too few to train on some and try the others; give 5 "
            "at least"
        )
    if len(labels) < 2 * len(classes):
        raise TableError(
            f"column '{label}' has {len(classes)} classes in {len(labels)} rows; choose a column "
            "with several rows of each class"
        )


def _in_order(labels: set[str]) -> tuple[str, ...]:
    """Sort as numbers if all are numbers, otherwise as text."""
    numeric = all(map(_is_number, labels))
    return tuple(sorted(labels, key=lambda text: (float(text) if numeric else 0.0, text)))


# -- the columns of numbers ------------------------------------------------------------------


def _index_column(header: list[str], body: list[Record], at: int) -> int | None:
    """Return the place of the row numbers that pandas and R write as a column without a name."""
    numbers = {cells[0] for _, cells in body}
    unnamed = at != 0 and header[0] in ("", "Unnamed: 0") and len(header) > 2
    return 0 if unnamed and len(numbers) == len(body) and all(map(str.isdecimal, numbers)) else None


def _numbers(record: Record, given: list[int], header: list[str]) -> list[float]:
    """Return the numbers of a row; the columns `given` hold the features."""
    row, cells = record
    try:
        numbers = [float(cells[i]) for i in given]
    except ValueError:
        numbers = [np.nan]
    if not all(-_TOO_LARGE < x < _TOO_LARGE for x in numbers):
        for i in given:
            if problem := _problem(cells[i]):
                raise TableError(f"{_place(row, i, header)} is {problem}")
    return numbers


def _problem(cell: str) -> str:
    """Return what is wrong with the number in a cell, or an empty string."""
    if not cell:
        return "empty; fill in a number or leave out the row"
    shown = f"'{cell[:40]}{'...' * (len(cell) > 40)}'"
    if not _is_number(cell):
        if _is_number(cell.replace(",", ".", 1)):
            return f"{shown}; write decimals with a point"
        return f"{shown}, not a number; every column but the label must be numeric"
    if not np.isfinite(float(cell)):
        return f"{shown}; fill in a finite number or leave out the row"
    return "" if abs(float(cell)) < _TOO_LARGE else f"{shown}, too large; scale the column"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# -- the file --------------------------------------------------------------------------------


def _records(path: Path, column: str | None) -> list[Record]:
    """Read the rows that are not blank; the name of a column helps to find the delimiter."""
    text = _text(_bytes(path))
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, column)))
    except csv.Error as error:
        raise TableError(
            f"cannot be split into fields ({error}); check its quotation marks"
        ) from None
    records = [
        (i, [cell.strip() for cell in cells])
        for i, cells in enumerate(rows, 1)
        if any(cell.strip() for cell in cells)
    ]
    if not records:
        raise TableError("is empty; it must have a header line and rows of numbers")
    return records


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except FileNotFoundError:
        raise TableError("no such file; check the path") from None
    except IsADirectoryError:
        raise TableError("is a directory; name a CSV file in it") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise TableError(
            "is damaged: its gzip compression does not unpack; copy or download it again"
        ) from None
    except OSError as error:
        raise TableError(
            f"cannot be read ({error.strerror or error}); check the path and its permissions"
        ) from None


def _text(data: bytes) -> str:
    if data.startswith(b"PK\x03\x04"):
        raise TableError(
            "is a spreadsheet or zip archive, not a CSV file; export the sheet as CSV (UTF-8)"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TableError(f"line {line} is not UTF-8 text; save the file as CSV in UTF-8") from None


def _delimiter(text: str, column: str | None) -> str:
    """Return the delimiter that yields the column in the first row, or else the most fields."""
    line = next((line for line in text.splitlines() if line.strip()), "")

    def merit(mark: str) -> tuple[bool, int]:
        fields = [name.strip() for name in next(csv.reader([line], delimiter=mark), [])]
        return column in fields, len(fields)

    return max(_DELIMITERS, key=merit)


# -- words -----------------------------------------------------------------------------------


def _place(row: int, column: int, header: Sequence[str]) -> str:
    return f"row {row}, column {column + 1} ('{header[column]}')"


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
