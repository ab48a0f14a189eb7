"""Numbers typed on the command line: seeds, and the numbers and labels of a loss."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_xent.errors import UsageError
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.naming import printable

if TYPE_CHECKING:
    from tinygrad_xent.commands.explain.explanation import Explanation

_NEAR_ONE = 1e-6


def add_options(parser: argparse._ActionsContainer, several: str = "") -> None:
    """Add the options for the numbers of a loss, and for its label."""
    numbers = parser.add_mutually_exclusive_group()
    numbers.add_argument("--logits", metavar="NUMBERS", help=f"one for each class{several}")
    numbers.add_argument("--probs", metavar="NUMBERS", help="probabilities instead")
    label = parser.add_mutually_exclusive_group()
    label.add_argument("--target", metavar="CLASS", help="the true class, counted from 0")
    label.add_argument("--labels", metavar="NUMBERS", help="dense labels instead, one per class")


def check_complete(options: argparse.Namespace) -> None:
    """Raise an error if the numbers or the label are missing."""
    if options.logits is None and options.probs is None:
        raise UsageError('which numbers? Add --logits "2,1,0.1", or --probs "0.7,0.2,0.1"')
    if options.target is None and options.labels is None:
        raise UsageError('which class is true? Add --target 0, or --labels "0.7,0.2,0.1"')


def seed(text: str) -> int:
    """Return the seed that was typed, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def parse_rows(option: str, text: str, dtype: str = "float64") -> Any:
    """Return an array of rows separated by slashes, each of numbers with commas or spaces between.

    Raises
    ------
    UsageError
        If the text is not a row, or rows, of numbers. The message is one line.

    Examples
    --------
    >>> parse_rows("--logits", "2, 1 / -inf 0")
    array([[  2.,   1.],
           [-inf,   0.]])
    """
    rows = [re.split(r"\s*[,;]\s*|\s+", row.strip(" ,;")) for row in text.split("/")]
    words = [word for row in rows for word in row]
    for i, word in enumerate(words, 1):
        value = _value(word)
        if value is None:
            which = f"number {i} of {len(words)}"
            wrong = f"'{printable(word)}' ({which}) is not a number"
            wrong = wrong if word else f"{which} is missing"
            raise UsageError(f"{option}: {wrong}; write {_example(option)}")
        with np.errstate(over="ignore"):
            overflows = np.isinf(np.dtype(dtype).type(value)) and "inf" not in word.lower()
        if overflows:
            raise UsageError(
                f"{option}: {printable(word)} is too large for {dtype}; write inf if you mean it"
            )
    if len({len(row) for row in rows}) > 1:
        lengths = ", ".join(str(len(row)) for row in rows)
        raise UsageError(f"{option}: the rows have {lengths} numbers; give all the same number")
    array = np.array([[float(word) for word in row] for row in rows], dtype)
    return array[0] if len(rows) == 1 else array


def _value(word: str) -> float | None:
    try:
        return None if "_" in word else float(word)  # Python would read 1_000 as a number
    except ValueError:
        return None


def _example(option: str) -> str:
    numbers = {"--logits": '"2,1,0.1"', "--target": "0"}.get(option, '"0.7,0.2,0.1"')
    return f"{option} {numbers}"


# -- one row, to explain ---------------------------------------------------------------------


def explain_numbers(
    numbers: str, *, target: str | None = None, labels: str | None = None, probs: bool = False
) -> Explanation:
    """Explain the loss of numbers such as "2,1,0.1".

    Parameters
    ----------
    numbers : str
        Logits, or probabilities if `probs` is set; separated by commas or spaces.
    target : str, optional
        The true class, counted from 0.
    labels : str, optional
        Dense labels, one for each class, instead of the target.
    probs : bool

    Raises
    ------
    UsageError
        If an argument is not valid, or two do not fit together. The message is one line.
    """
    from tinygrad_xent.commands.explain.explanation import explain_loss
    from tinygrad_xent.tensor import Tensor

    option = "--probs" if probs else "--logits"
    values = _parse_row(option, numbers)
    notes: tuple[str, ...] = ()
    if probs:
        for p in values[(values < 0) | (values > 1)]:
            raise UsageError(
                f"--probs: {number(p)} is not a probability, which lies between 0 and 1; use "
                "--logits for scores of any size"
            )
        notes += _odd("probabilities", values, "the loss divides them by their sum")
    if np.all(values == (0 if probs else -np.inf)):
        raise UsageError(f"{option} makes every class impossible; at least one must be possible")
    dense = None
    if target is None:
        dense = _parse_row("--labels", labels or "")
        notes += _odd("labels", dense, "the loss and its gradient use them unchanged")
        if len(dense) != len(values):
            raise UsageError(
                f"--labels has {len(dense)} numbers, {option} {len(values)}; give one for each "
                "class"
            )
    given = Tensor(values, name=option[2:])
    true = None if target is None else _class(target, len(values), option)
    return explain_loss(given, from_logits=not probs, target=true, labels=dense, notes=notes)


def _parse_row(option: str, text: str) -> Any:
    row = parse_rows(option, text)
    if row.ndim > 1:
        raise UsageError(f"{option} has {len(row)} rows; explain one, or use compare for several")
    if len(row) == 1:
        raise UsageError(
            f"{option} has only one number ({number(row[0])}); give one number for each class: "
            f"{_example(option)}"
        )
    for x in row[~np.isfinite(row)]:
        if option != "--logits" or x != -np.inf:
            raise UsageError(
                f"{option} has {number(x)}; only -inf is allowed, and only in --logits, for an "
                "impossible class"
            )
    return row


def _odd(what: str, row: Any, then: str) -> tuple[str, ...]:
    """Return a note on numbers that are no distribution."""
    total = math.fsum(row)
    if abs(total - 1) > _NEAR_ONE:
        return (f"The {what} sum to {total:.6g}, not 1: {then}.",)
    return (f"The {what} are not all from 0 to 1: {then}.",) if min(row) < 0 else ()


def _class(text: str, classes: int, option: str) -> int:
    what = f"{option} has {classes} classes, from 0 to {classes - 1}"
    try:
        target = int(text)
    except ValueError:
        raise UsageError(
            f"--target: '{printable(text)}' is not a whole number; {what}. For a distribution use "
            "--labels"
        ) from None
    if not 0 <= target < classes:
        raise UsageError(f"--target {target} is out of range; {what}")
    return target
