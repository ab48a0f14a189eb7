"""What a run of `python -m tests.benchmarks` recorded: `benchmarks` is its table.

`benchmarks-in-a-sentence` is the answer for those who read no further.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

OURS = "tinygrad_xent"
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def duration(seconds: float) -> str:
    unit, size = next((u for u in UNITS if seconds >= u[1]), UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


def own(row: dict[str, Any]) -> str:
    """Our figure; where a limit is set for it, whether it keeps to it."""
    figures = row["figures"].get(OURS)
    if not figures:
        return "–"
    text = duration(figures[0]) if row["seconds"] else f"{figures[0]:.3g}"
    return text if row["limit"] is None else marked(text, row["limit"], figures[0])


def against(row: dict[str, Any], peer: str) -> str:
    """Ours : theirs, or their own figure where a ratio says nothing."""
    if peer in row["ratios"]:
        ratio = row["ratios"][peer][0]
        return marked(f"{ratio:.2f}", row["goals"].get(peer), ratio)
    return f"({row['figures'][peer][0]:.3g})" if peer in row["figures"] else "–"


def marked(text: str, goal: float | None, figure: float) -> str:
    if goal is None:
        return text
    return f"**{text}** ≤ {goal:g}" if figure <= goal else f"{text} > {goal:g}"


def provenance(facts: dict[str, Any]) -> str:
    """When, with what and on what a run was recorded."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    return (
        f"Recorded {'in the short form ' if facts['short'] else ''}on {facts['date']} with "
        f"{versions}; {facts['processor']} {'with' if facts['avx512'] else 'without'} AVX-512, "
        f"{facts['cores']} cores, {facts['system']}, Python {facts['python']}."
    )


class OfARun(SphinxDirective):
    required_arguments = 1

    def record(self) -> dict[str, Any]:
        path = Path(self.env.relfn2path(self.arguments[0])[1])
        self.env.note_dependency(str(path))
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found


class Sentence(OfARun):
    def run(self) -> list[nodes.Node]:
        rows = {row["name"]: row for row in self.record()["rows"]}
        large, even, small = (
            f"{rows[f'sparse {name}']['ratios']['torch'][0]:.2g}"
            for name in ("1024x32000", "1024x32000, even allocators", "32x10")
        )
        text = (
            f"A cross-entropy with its gradient takes **{large} times PyTorch's time** for 1,024 "
            f"rows of 32,000 classes ({even} times with even allocators), and {small} times for 32 "
            "rows of 10, where Python itself is what costs."
        )
        return self.parse_text_to_nodes(text)


class Benchmarks(OfARun):
    def run(self) -> list[nodes.Node]:
        record = self.record()
        facts = record["machine"]
        peers = [name for name in facts["versions"] if name != OURS]
        lines = [
            provenance(facts),
            "",
            "| workload | ours | " + " | ".join(peers) + " |",
            "|---|---|" + "---|" * len(peers),
        ]
        for row in record["rows"]:
            cells = [row["name"], own(row), *(against(row, peer) for peer in peers)]
            lines.append("| " + " | ".join(cells) + " |")
        return [
            nodes.container("", *self.parse_text_to_nodes("\n".join(lines)), classes=["benchmarks"])
        ]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("benchmarks", Benchmarks)
    app.add_directive("benchmarks-in-a-sentence", Sentence)
    return {"parallel_read_safe": True}
