"""The loss of one example, explained from the data to the numerical gradient check."""

from __future__ import annotations

import time
from pathlib import Path

from tinygrad_xent.commands.explaining.classifier import train
from tinygrad_xent.commands.explaining.explanation import Explanation, Training, explain_row
from tinygrad_xent.commands.explaining.tables import read_table
from tinygrad_xent.visualization.formatting import count

__all__ = ["Explanation", "explain_digit", "explain_table"]

_DIGITS = Path(__file__).parents[2] / "data" / "digits.csv.gz"


def explain_digit(seed: int = 0, *, progress: bool = False) -> Explanation:
    """Train on the handwritten digits in the package, and explain the worst held-out one."""
    return _explain(
        _DIGITS, "digit", seed, progress, source="digits.csv.gz (ships with tinygrad_xent)"
    )


def explain_table(
    path: Path, label: str | None, seed: int = 0, *, progress: bool = False
) -> Explanation:
    """Train on a table, and explain the held-out row with the largest loss.

    Raises
    ------
    TableError
        If no classifier can be trained on it. The message is one line.
    """
    return _explain(path, label, seed, progress)


def _explain(
    path: Path, label: str | None, seed: int, progress: bool, source: str | None = None
) -> Explanation:
    table = read_table(path, label, source=source)
    start = time.perf_counter()
    classifier = train(table, seed, progress=progress)
    rows = f"{len(table.labels):,}"
    content = f"{rows} rows of {count(len(table.columns), 'feature')}"
    return explain_row(
        Training(
            table=table,
            classifier=classifier,
            row=classifier.worst,
            image=(8, 8) if path == _DIGITS else None,
            seed=seed,
            seconds=time.perf_counter() - start,
            content=f"{rows} handwritten digits of 8 × 8 pixels" if path == _DIGITS else content,
        )
    )
