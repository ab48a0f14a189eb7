"""The record as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.benchmarks import peers
from tests.benchmarks.record import met

WIDTH = 20


def time(seconds: float) -> str:
    """A duration to three digits, in a unit that suits it."""
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def ratio(row: dict[str, Any], peer: str) -> str:
    """Median and quartiles of ours : theirs, and the goal; `!` where it is missed."""
    if peer not in row["ratios"]:
        figures = row["figures"].get(peer)
        return f"({figures[0]:.3g})" if figures else "-"
    median, low, high = row["ratios"][peer]
    goal = row["goals"].get(peer)
    aim = "" if goal is None else f"{'<' if median <= goal else '! >'}{goal:g}"
    return f"{median:.2f} ±{(high - low) / 2:.2f} {aim}".rstrip()


def ours(row: dict[str, Any]) -> str:
    figures = row["figures"].get(peers.OURS)
    if not figures:
        return "-"
    own = time(figures[0]) if row["seconds"] else f"{figures[0]:.3g}"
    limit = row["limit"]
    return own if limit is None else f"{own} {'<' if figures[0] <= limit else '! >'}{limit:g}"


def header(names: Sequence[str]) -> str:
    """The legend and the titles of the columns."""
    others = [name for name in names if name != peers.OURS]
    return (
        "Ratios are ours : theirs, the median of rounds in which all took turns ± half the "
        "distance of the quartiles;\n<x: the goal x is reached, ! >x: it is not; in brackets their "
        "own figure; -: not theirs to do.\n\n" + line("", peers.OURS, others)
    )


def line(name: str, own: str, cells: Sequence[str]) -> str:
    return f"{name:49}{own:>{WIDTH}}" + "".join(f"{cell:>{WIDTH}}" for cell in cells)


def text(row: dict[str, Any], names: Sequence[str]) -> str:
    """One row of the table."""
    if "wrong" in row:
        return f"{row['name']:49}WRONG RESULT  {row['wrong']}"
    return line(row["name"], ours(row), [ratio(row, n) for n in names if n != peers.OURS])


def closing(rows: Sequence[dict[str, Any]]) -> str:
    """How many goals were reached, and which were not."""
    judged = [(row, met(row)) for row in rows if "wrong" not in row]
    missed = [row["name"] for row, verdict in judged if verdict is False]
    reached = sum(verdict is True for _, verdict in judged)
    words = f"{reached} of {reached + len(missed)} rows with a goal reach it"
    return words + (f"; not: {'; '.join(missed)}" if missed else "")
