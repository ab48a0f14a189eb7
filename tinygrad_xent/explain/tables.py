"""A table of numbers with a column of labels; what is wrong with one is said in one line."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.errors import TableError
from tinygrad_xent.explain.records import Record, read_records
from tinygrad_xent.numbers import count
from tinygrad_xent.reading import printable

_TOO_LARGE = 1e100  # its square would overflow


@dataclass(frozen=True)
class Table:
    """Rows of numbers, each with a class.

    Attributes
    ----------
    source : str
        Where it is from.
    features : ndarray of float64, shape (rows, columns)
    columns : tuple of str
        The names of the features.
    label : str
        The name of the column of labels.
    labels : ndarray of int, shape (rows,)
        Each row's class, as a position in `classes`.
    classes : tuple of str
        The different labels: in numerical order if they are numbers, else in alphabetical order.
    rows : ndarray of int, shape (rows,)
        Each row's number in the file; the header is row 1.
    """

    source: str
    features: Any
    columns: tuple[str, ...]
    label: str
    labels: Any
    classes: tuple[str, ...]
    rows: Any


def read_table(path: Path, label: str | None, *, source: str | None = None) -> Table:
    """Read a table from a CSV file with a header line.

    Parameters
    ----------
    path : Path
    label : str
        The column to predict; every other column must be numeric.
    source : str, optional
        What to call the file in messages; its path by default.

    Raises
    ------
    TableError
        If no classifier can be trained on it. The message is one line: what, where, what to do.
    """
    source = source or str(path)
    try:
        header, *body = read_records(path, label)
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
    features = np.array([_numbers(record, at, header) for record in body])
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
        columns=tuple(name for i, name in enumerate(header) if i != at),
        label=header[at],
        labels=np.array([position[text] for text in labels]),
        classes=classes,
        rows=np.array([row for row, _ in body]),
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
    elif all(map(_is_number, header)):
        hint = "the first row must hold the names of the columns, here it holds numbers"
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
    """Sort as numbers if all are numbers, else as text."""
    numeric = all(map(_is_number, labels))
    return tuple(sorted(labels, key=lambda text: (float(text) if numeric else 0.0, text)))


# -- the columns of numbers ------------------------------------------------------------------


def _numbers(record: Record, at: int, header: list[str]) -> list[float]:
    """Give the numbers of a row; the label stands in column `at`."""
    row, cells = record
    try:
        numbers = [float(cell) for i, cell in enumerate(cells) if i != at]
    except ValueError:
        numbers = [np.nan]
    if not all(-_TOO_LARGE < x < _TOO_LARGE for x in numbers):
        for i, cell in enumerate(cells):
            if i != at and (problem := _problem(cell)):
                raise TableError(f"{_place(row, i, header)} is {problem}")
    return numbers


def _problem(cell: str) -> str:
    """Say what is wrong with the number in a cell; nothing if it is all right."""
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


# -- words -----------------------------------------------------------------------------------


def _place(row: int, column: int, header: Sequence[str]) -> str:
    return f"row {row}, column {column + 1} ('{header[column]}')"


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
