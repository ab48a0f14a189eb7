"""A table with a column of labels, read from a file as strangers have it.

Text becomes columns of 0 and 1, what no number can be made of is left out, gaps are left out or
filled; `Table.notes` says so. The csv module reads text, pandas or polars anything else. Errors fit
on one line.
"""

import csv
import difflib
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.errors import TableError
from tinygrad_xent.visualization.formatting import count
from tinygrad_xent.visualization.naming import printable

DIGITS = Path(__file__).parents[2] / "teaching" / "data" / "digits.csv.gz"
DIGITS_SOURCE = "digits.csv.gz (ships with tinygrad_xent)"
_TOO_LARGE = 1e100  # its square would overflow
_DELIMITERS = "\t;|, "  # the first that splits the rows alike
_GAPS = {"", "na", "n/a", "nan", "<na>", "null", "none", "?", "-", ".", "nat"}
_FEW_VALUES, _MOST_VALUES = 12, 200  # of a column of text: by itself, and if it is asked for
_MOSTLY = 0.9  # a column of numbers may hold a few that are none
_FEWEST_ROWS = 5
_FEW_ROWS = 0.1  # more rows with gaps are not left out, but filled
_INDEX = {"", "unnamed: 0", "id", "index", "row", "rowid", "row_id", "rownames"}
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d.*",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_FRAMES = {".parquet": "parquet", ".feather": "feather", ".xlsx": "excel", ".json": "json"}

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
    notes : tuple of str
        What was left out, filled or made into columns, and the option that changes it.
    """

    source: str
    features: Any
    columns: tuple[str, ...]
    label: str
    labels: Any
    classes: tuple[str, ...]
    rows: Any
    notes: tuple[str, ...] = ()


def read_table(
    path: Path, label: str | None, features: str | None = None, *, source: str | None = None
) -> Table:
    """Read a table from a file.

    Parameters
    ----------
    path : Path
        Text with any common delimiter, gzipped or not; Parquet, Feather, Excel or JSON where pandas
        or polars is installed.
    label : str
        The column to predict: its name, or its number from 1, or from -1 for the last.
    features : str, optional
        The columns to predict it from, separated by commas; by default all that can be used.
    source : str, optional
        The name of the file in messages; its path by default.

    Raises
    ------
    TableError
        If no classifier can be trained on it. The message is one line.
    """
    source = source or str(path)
    try:
        notes: list[str] = []
        return _table(source, _records(path, label, notes), label, features, notes)
    except TableError as error:
        raise TableError(printable(f"{source}: {error}")) from None


def _table(
    source: str, records: list[Record], label: str | None, chosen: str | None, notes: list[str]
) -> Table:
    header, body = _headed(records, label, notes)
    at = _column(header, label, "label")
    if len(header) == 1:
        raise TableError(
            "has no column besides the label; add columns of numbers to predict it from"
        )
    labelled = [(row, cells) for row, cells in body if not _is_gap(cells[at])]
    if len(labelled) < len(body):
        notes.append(f"{count(len(body) - len(labelled), 'row')} without a label left out.")
    labels = [cells[at] for _, cells in labelled]
    classes = _in_order(set(labels))
    _check_classes(labels, classes, header[at])
    names, columns = _features(header, labelled, at, chosen, notes)
    kept = _without_gaps(names, columns, notes)
    position = {text: i for i, text in enumerate(classes)}
    table = Table(
        source=source,
        features=columns[kept],
        columns=tuple(names),
        label=header[at],
        labels=np.array([position[text] for text in labels])[kept],
        classes=classes,
        rows=np.array([row for row, _ in labelled])[kept],
        notes=tuple(notes),
    )
    if len(np.unique(table.labels)) < len(classes):
        raise TableError("a class has gaps in every row; choose other columns with --features")
    return table


# -- the header ------------------------------------------------------------------------------


def _headed(records: list[Record], label: str | None, notes: list[str]) -> tuple[list[str], Any]:
    """Return the names of the columns, and the rows below."""
    width = Counter(len(cells) for _, cells in records).most_common(1)[0][0]
    start = next(i for i, (_, cells) in enumerate(records) if len(cells) == width)
    above, ((_, names), *body) = records[:start], records[start:]
    numbered = [[str(i) for i in range(k, width + k)] for k in (0, 1)]
    named = (label in names and not _is_whole(label)) or names in numbered
    first = above[0][1] if start == 1 else []
    if first and len(first) == width - 1 and all(first) and not any(map(_is_number, first)):
        names, body, above = ["", *first], records[1:], []  # R names no column of row names
    elif not named and any(map(_is_number, names)):
        notes.append(f"No header: the columns are numbered from 1 to {width}.")
        if all(map(_alike, names, body[0][1] if body else names)):
            body = records[start:]
        else:
            above = records[: start + 1]
        names = numbered[1]
    for row, cells in above:
        notes.append(f"Row {row}, {_listed(cells, 3)}, is unlike the others and left out.")
    for row, cells in body:
        if len(cells) != width:
            raise TableError(
                f"row {row} has {count(len(cells), 'field')}, the others have {width}; give every "
                "row as many"
            )
    return names, body


def _alike(cell: str, below: str) -> bool:
    return _is_gap(cell) or _is_gap(below) or _is_number(cell) == _is_number(below)


def _column(header: list[str], name: str | None, option: str) -> int:
    """Return the place of a column that is given by its name, or by its number."""
    if name is None:
        raise TableError(
            "name the column to predict with --label, or give its number, -1 for the last; the "
            f"columns are {_listed(header)}"
        )
    if header.count(name) > 1:
        raise TableError(
            f"has {header.count(name)} columns '{name}'; give each column a name of its own"
        )
    if name in header:
        return header.index(name)
    number = int(name) if _is_whole(name) else 0
    if 1 <= abs(number) <= len(header):
        return (number - (number > 0)) % len(header)
    alike = {text.casefold(): text for text in header}
    close = difflib.get_close_matches(name.casefold(), alike, 1)
    if _is_whole(name):
        hint = f"they are numbered from 1 to {len(header)}, and -1 is the last"
    elif close:
        hint = f"did you mean '{alike[close[0]]}'?"
    elif header[-1] == str(len(header)):
        hint = f"it has no header, so give the number, such as --{option} -1 for the last"
    else:
        hint = f"the columns are {_listed(header)}"
    raise TableError(f"has no column '{name}'; {hint}")


# -- the labels ------------------------------------------------------------------------------


def _check_classes(labels: list[str], classes: tuple[str, ...], label: str) -> None:
    several = "class" if len(classes) == 1 else "classes"
    has = f"column '{label}' has {len(classes)} {several} in {count(len(labels), 'row')}"
    if len(classes) < 2:
        raise TableError(f"{has}; a classifier needs rows of two classes at least")
    if len(labels) < 2 * len(classes):
        raise TableError(f"{has}; choose a column with several rows of each class")
    if len(labels) < _FEWEST_ROWS:
        raise TableError(f"{has}; a classifier needs {_FEWEST_ROWS} rows at least")


def _in_order(labels: set[str]) -> tuple[str, ...]:
    """Sort as numbers if all are numbers, otherwise as text."""
    numeric = all(map(_is_number, labels))
    return tuple(sorted(labels, key=lambda text: (float(text) if numeric else 0.0, text)))


# -- the features ----------------------------------------------------------------------------


def _features(
    header: list[str], body: list[Record], at: int, chosen: str | None, notes: list[str]
) -> tuple[list[str], Any]:
    """Return the names of the features, and their numbers: NaN in gaps."""
    places = [i for i in range(len(header)) if i != at]
    if chosen is not None:
        places = [_column(header, name.strip(), "features") for name in next(csv.reader([chosen]))]
        if at in places:
            raise TableError(f"--features has the label '{header[at]}'; leave it out")
    features: dict[str, Any] = {}
    left_out, words, odd = [], [], []
    for i in places:
        name = header[i] if header.count(header[i]) == 1 else f"{header[i]} ({i + 1})"
        cells = np.array([cells[i] for _, cells in body], object)
        numbers = np.array(list(map(_number, cells)))
        gap = np.array(list(map(_is_gap, cells)))
        values = sorted(set(cells[~gap].tolist()))
        wrong = np.flatnonzero(np.isnan(numbers) & ~gap)
        text = len(wrong) > (1 - _MOSTLY) * np.sum(~gap)
        reason = _reason(name, gap, values, text)
        if reason and (chosen is None or not values):
            left_out.append(f"'{name}' ({reason})")
        elif not text:
            features[name] = numbers
            odd += [f"'{cells[k]:.40}' ('{name}', row {body[k][0]})" for k in wrong]
        elif len(values) > _MOST_VALUES:
            raise TableError(f"'{name}' is text of {len(values)} values; take it out of --features")
        else:
            words.append(f"'{name}'")
            for value in values:
                features[f"{name}={value}"] = np.where(gap, np.nan, cells == value)
    if not places:
        raise TableError("--features names no column; leave it out to use all")
    if not features:
        raise TableError(f"has no column to predict from; left out: {_some(left_out)}")
    if left_out:
        notes.append(f"Left out: {_some(left_out)}.")
    if words:
        notes.append(f"Each value of {_some(words)} became a column of 0 and 1.")
    if odd:
        notes.append(f"Counted as gaps, for they are not numbers: {_some(odd, 3)}.")
    return list(features), np.stack(list(features.values()), axis=1)


def _reason(name: str, gap: Any, values: list[str], text: bool) -> str | None:
    """Return why a column is not used unless it is asked for."""
    if np.mean(gap) > 0.5:
        return "mostly empty" if values else "empty"
    if text and all(map(_DATE.fullmatch, values)):
        return "dates"
    if text and (len(values) > _FEW_VALUES or len(values) == np.sum(~gap)):
        return f"text, {len(values):,} values"
    index = name.casefold() in _INDEX or name.endswith(("_id", " ID", "Id"))
    whole = len(values) == len(gap) and all(map(str.isdecimal, values))
    return "numbers the rows" if index and whole else None


def _without_gaps(names: list[str], columns: Any, notes: list[str]) -> Any:
    """Return which rows to keep: those without gaps, or all, with their gaps filled."""
    gaps = np.isnan(columns)
    lost = gaps.any(axis=1)
    if lost.any():
        there = [names[i].partition("=")[0] for i in np.flatnonzero(gaps.any(axis=0))]
        rows = f"{count(int(lost.sum()), 'row')} with gaps in {_listed(list(dict.fromkeys(there)))}"
        if lost.mean() <= _FEW_ROWS:
            notes.append(f"Left out: {rows}.")
        else:
            np.copyto(columns, np.nanmean(columns, axis=0), where=gaps)
            notes.append(f"Filled with the mean of the column: {rows}.")
            lost[:] = False
    if notes:
        notes.append("Choose the columns with --features NAME,NAME.")
    return ~lost


def _is_gap(cell: str) -> bool:
    return cell.casefold() in _GAPS


def _is_whole(text: str | None) -> bool:
    return text is not None and bool(re.fullmatch(r"[+-]?\d+", text))


def _number(text: str) -> float:
    """Return the number, or NaN if it is not one to compute with."""
    try:
        number = float(_THOUSANDS.sub("", text.strip("$€£% ")))
    except ValueError:
        return np.nan
    return number if abs(number) < _TOO_LARGE else np.nan


def _is_number(text: str) -> bool:
    return not np.isnan(_number(text))


# -- the file --------------------------------------------------------------------------------


def _records(path: Path, column: str | None, notes: list[str]) -> list[Record]:
    """Read the rows that are not blank; the name of a column helps to find the delimiter."""
    if path.suffix.lower() in _FRAMES:
        return list(enumerate(_frame(path), 1))
    text = _text(_bytes(path), notes)
    try:
        mark = _delimiter(text, column)
        rows = list(
            csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True)
        )
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
    commas = [x for _, cells in records for x in cells if _DECIMAL_COMMA.fullmatch(x)]
    if mark != ";":  # 1,234 may be a thousand
        commas = [x for x in commas if not _THOUSANDS.search(x)]
    if mark != "," and commas:
        notes.append("Decimal commas are read as points.")
        for _, cells in records:
            cells[:] = [re.sub(_DECIMAL_COMMA, lambda c: c[0].replace(",", "."), x) for x in cells]
    return records


def _frame(path: Path) -> list[list[str]]:
    """Read what is not text with pandas or polars: a header, and rows."""
    for library in ("pandas", "polars"):
        try:
            read = getattr(import_module(library), f"read_{_FRAMES[path.suffix.lower()]}")
            frame = read(path)
        except ImportError:
            continue
        except Exception as error:  # noqa: BLE001 - of any reader
            raise TableError(f"{library} cannot read it ({error})") from None
        rows = frame.rows() if library == "polars" else frame.to_numpy(object).tolist()
        return [list(map(str, row)) for row in (frame.columns, *rows)]
    raise TableError("needs pandas or polars: pip install polars, or save it as CSV")


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise TableError(
            "is damaged: its gzip compression does not unpack; copy or download it again"
        ) from None
    except OSError as error:
        raise TableError(f"cannot be read ({error.strerror or error}); check the path") from None


def _text(data: bytes, notes: list[str]) -> str:
    if data.startswith(b"PK\x03\x04"):
        raise TableError(
            "is a spreadsheet or zip archive, not a CSV file; export the sheet as CSV (UTF-8)"
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        notes.append(f"Line {line} is not UTF-8: the file is read as Windows-1252.")
        return data.decode("cp1252", "replace")


def _delimiter(text: str, column: str | None) -> str:
    """Return the delimiter that splits the first rows alike, by preference with the column."""
    lines = [line for line in text.splitlines() if line.strip()][:20]

    def merit(mark: str) -> tuple[bool, bool, int]:
        rows = list(csv.reader(lines, delimiter=mark, skipinitialspace=True))
        width, times = Counter(map(len, rows)).most_common(1)[0]
        names = [] if _is_whole(column) else [name.strip() for row in rows for name in row]
        named = column in names
        alike = width > 1 and times > len(rows) / 2
        return named, alike, 0 if alike else len(rows[0])

    return max(_DELIMITERS, key=merit) if lines else ","


# -- words -----------------------------------------------------------------------------------


def _listed(names: Sequence[str], most: int = 8) -> str:
    return _some([f"'{name}'" for name in names], most)


def _some(texts: Sequence[str], most: int = 5) -> str:
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
