"""A comparison asked for in a terminal: numbers as text, and the report as a file."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.comparing.comparison import Comparison, compare
from tinygrad_xent.comparing.html import html
from tinygrad_xent.errors import NumbersError, OutputError, ProbabilitiesWarning
from tinygrad_xent.files import check_writable, write_whole
from tinygrad_xent.reading import printable

_FORMS = (".html", ".json", ".txt")
_LARGEST_CLASS = 1e15  # up to here a float tells whole numbers apart
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>One loss, compared</title>
<style>:root { color-scheme: light dark; } body { font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }</style></head>
<body><h1>One loss, compared</h1>
"""


def comparison_of(
    *,
    logits: str | None,
    probs: str | None,
    target: str | None,
    labels: str | None,
    axis: str,
    dtype: str,
) -> Comparison:
    """Compare what was typed.

    Raises
    ------
    NumbersError
        If something does not parse. The message is one line.
    """
    if dtype not in ("float16", "float32", "float64"):
        raise NumbersError(f"--dtype: '{printable(dtype)}' is none of float16, float32 and float64")
    if not re.fullmatch(r"-?\d+", axis):
        raise NumbersError(f"--axis: '{printable(axis)}' is not a whole number; write --axis 0")
    option, text = ("--probs", probs) if logits is None else ("--logits", logits)
    x = parse_rows(option, text or "", dtype)
    if labels is not None:
        weights = parse_rows("--labels", labels, dtype)
        return _compare(weights, x, logits, axis, sparse=False)
    target = target or ""
    classes = parse_rows("--target", target)
    if re.fullmatch(r"[-+\d\s,/]*", target):
        if np.max(np.abs(classes)) > _LARGEST_CLASS:
            raise NumbersError("--target: class numbers have at most 15 digits")
        classes = classes.astype(np.int64)
    one_row = x.ndim == classes.ndim == 1 and classes.size == 1
    return _compare(classes.reshape(()) if one_row else classes, x, logits, axis, sparse=True)


def _compare(labels: Any, x: Any, logits: str | None, axis: str, *, sparse: bool) -> Comparison:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", ProbabilitiesWarning)
        comparison = compare(
            labels, x, from_logits=logits is not None, axis=int(axis), sparse=sparse
        )
    for warning in found:
        message = str(warning.message).replace("from_logits=True", "--logits instead of --probs")
        sys.stderr.write(f"tinygrad-xent: {message}\n")
    return comparison


def parse_rows(option: str, text: str, dtype: str = "float64") -> Any:
    """Read rows separated by slashes, of numbers separated by commas or spaces; inf and nan too.

    Examples
    --------
    >>> parse_rows("--logits", "2, 1 / -inf 0")
    array([[  2.,   1.],
           [-inf,   0.]])
    """
    rows = [row.replace(",", " ").split() for row in text.split("/")]
    for word in (word for row in rows for word in row):
        value = _value(word)
        if value is None:
            raise NumbersError(
                f"{option}: '{printable(word)}' is not a number; write {option} \"2,1,0.1\", or "
                '"2,1 / 0,3" for several rows'
            )
        with np.errstate(over="ignore"):
            overflows = np.isinf(np.dtype(dtype).type(value)) and "inf" not in word.lower()
        if overflows:
            raise NumbersError(
                f"{option}: {printable(word)} is too large for {dtype}; write inf if you mean it"
            )
    if not all(rows):
        raise NumbersError(f"{option} has {'an empty row' if len(rows) > 1 else 'no number'}")
    if len({len(row) for row in rows}) > 1:
        lengths = ", ".join(str(len(row)) for row in rows)
        raise NumbersError(f"{option}: the rows have {lengths} numbers; give all the same number")
    array = np.array([[float(word) for word in row] for row in rows], dtype)
    return array[0] if len(rows) == 1 else array


def _value(word: str) -> float | None:
    try:
        return None if "_" in word else float(word)  # 1_000 is Python's own way to write a number
    except ValueError:
        return None


def check_output(path: Path) -> None:
    """See that the report can be written, before anything is computed.

    Raises
    ------
    OutputError
        If not; the message says why.
    """
    if path.suffix.lower() not in _FORMS:
        raise OutputError(f"--out {printable(path)}: end the name in {', '.join(_FORMS)}")
    _writing(path, check_writable, path)


def write(path: Path, comparison: Comparison) -> None:
    """Write the report in the form that the file's ending says."""
    content = {
        ".html": lambda: f"{_PAGE}{html(comparison)}</body>\n</html>\n",
        ".json": lambda: f"{comparison.to_json()}\n",
        ".txt": lambda: f"{comparison}\n",
    }[path.suffix.lower()]()
    _writing(path, write_whole, path, content.encode())


def _writing(path: Path, function: Any, *arguments: Any) -> None:
    try:
        function(*arguments)
    except OSError as error:
        raise OutputError(
            f"--out {printable(path)}: cannot be written ({error.strerror or error}); choose "
            "another place with --out"
        ) from None
