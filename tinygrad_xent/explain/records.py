"""From a CSV file to rows of text, whatever its delimiter, compression and byte order mark."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path

from tinygrad_xent.errors import TableError

_DELIMITERS = ",;\t|"

Record = tuple[int, list[str]]  # a row's number in the file, the first is 1, and its fields


def read_records(path: Path, column: str | None) -> list[Record]:
    """Read the rows that are not blank.

    Parameters
    ----------
    path : Path
        A file of UTF-8 text, compressed by gzip or not.
    column : str, optional
        A column that the first row should have: it shows what separates the fields.

    Raises
    ------
    TableError
        If the file cannot be read as such.
    """
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
    """Choose what makes the column a field of the first row; else what makes most fields."""
    line = next((line for line in text.splitlines() if line.strip()), "")

    def merit(mark: str) -> tuple[bool, int]:
        fields = [name.strip() for name in next(csv.reader([line], delimiter=mark), [])]
        return column in fields, len(fields)

    return max(_DELIMITERS, key=merit)
