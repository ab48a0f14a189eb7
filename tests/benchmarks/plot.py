"""The record as a picture; needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from tests.benchmarks import peers

mpl.use("Agg")
mpl.rcParams["svg.hashsalt"] = "the same figures give the same file"
FORMATS = ("svg", "png", "pdf")
UNITS = {"time": "seconds", "memory": "bytes"}
MARKERS = dict(zip(peers.MODULES, "osD^vP*", strict=True))


def save(result: dict[str, Any], path: Path) -> None:
    """Draw the ratios, or the curves of growth."""
    figure = _growth(result["growth"]) if "growth" in result else _ratios(result["rows"])
    figure.savefig(
        path, bbox_inches="tight", metadata={"Date": None} if path.suffix == ".svg" else {}
    )
    plt.close(figure)


def _ratios(rows: list[dict[str, Any]]) -> Any:
    rows = [row for row in rows if row.get("ratios")][::-1]
    figure, axes = plt.subplots(figsize=(9, 1 + 0.3 * len(rows)))
    for peer in peers.MODULES:
        found = [(row["ratios"][peer], y) for y, row in enumerate(rows) if peer in row["ratios"]]
        if found:
            middle = [ratio[0] for ratio, _ in found]
            spread = [
                [m - low for (m, low, _), _ in found],
                [high - m for (m, _, high), _ in found],
            ]
            axes.errorbar(
                middle, [y for _, y in found], xerr=spread, fmt=MARKERS[peer], label=peer, ms=5
            )
    for y, row in enumerate(rows):
        for goal in {g for p, g in row["goals"].items() if p in row["ratios"]}:
            axes.plot([goal, goal], [y - 0.4, y + 0.4], color="black", lw=1)
    axes.axvline(1, color="grey", lw=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=8)
    axes.set_xlabel("our time : theirs (left of 1: we are faster); a bar marks a goal")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _growth(curves: list[dict[str, Any]]) -> Any:
    panels = list(dict.fromkeys((curve["what"], curve["axis"]) for curve in curves))
    columns = len({axis for _, axis in panels})
    rows = -(-len(panels) // columns)  # an interrupted run may have left a panel out
    figure, grid = plt.subplots(
        rows, columns, figsize=(4 * columns, 3.4 * rows), squeeze=False, layout="constrained"
    )
    for axes, (what, axis) in zip(grid.flat, panels, strict=False):
        shown = [curve for curve in curves if (curve["what"], curve["axis"]) == (what, axis)]
        for curve in shown:
            axes.plot(
                curve["sizes"],
                curve["figures"],
                marker=MARKERS[curve["peer"]],
                label=f"{curve['peer']}, power {curve['power']:.2f}",
            )
        axes.set(xscale="log", yscale="log", xlabel=axis, ylabel=UNITS[what])
        sizes = shown[0]["sizes"][::2]  # those between would overlap
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
        axes.set_xticks([], minor=True)
        axes.legend(fontsize=7)
        axes.grid(alpha=0.3)
    return figure
