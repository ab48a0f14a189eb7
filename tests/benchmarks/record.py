"""Running workloads and keeping what came out: the record that is printed, drawn and stored."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import peers
from tests.benchmarks.child import start_child
from tests.benchmarks.growth import CURVES, fit
from tests.benchmarks.measures import summary
from tests.benchmarks.workloads import Workload

Row = dict[str, Any]


def machine(names: Sequence[str]) -> dict[str, Any]:
    """What the figures were measured on."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(": ")[1] for line in info.splitlines() if line.startswith("model name")]
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "avx512": "avx512f" in info,
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: peers.version(name) for name in names},
    }


def measure(
    workload: Workload,
    names: Sequence[str],
    *,
    short: bool,
    start: Callable[..., Any] = start_child,
) -> Row:
    """One row: figures and ratios, each as median, first and third quartile."""
    names = [name for name in names if name not in workload.without]
    row: Row = {"name": workload.name, "goals": dict(workload.goals), "limit": workload.limit}
    row["seconds"] = workload.measure == "seconds"
    groups = [names] if row["seconds"] else [[name] for name in names]
    samples: dict[str, list[float]] = {}
    for group in groups:
        answer = start(workload, group, short=short)
        if "wrong" in answer:
            return {**row, "wrong": answer["wrong"]}
        samples |= answer["samples"]
    if workload.measure == "bytes_above_arrays":
        (arrays,) = samples.pop(peers.BY_HAND)
        samples = {name: [x - arrays for x in figures] for name, figures in samples.items()}
    ours = samples.get(peers.OURS, [])
    row["figures"] = {
        name: summary([x / workload.unit for x in figures]) for name, figures in samples.items()
    }
    row["ratios"] = {
        name: summary([x / y for x, y in zip(ours, figures, strict=True)])
        for name, figures in samples.items()
        if name != peers.OURS and row["seconds"] and ours
    }
    return row


def met(row: Row) -> bool | None:
    """Whether a row reaches its goals; None if it has none that could be judged here."""
    verdicts = [
        row["ratios"][p][0] <= goal for p, goal in row["goals"].items() if p in row["ratios"]
    ]
    if row["limit"] is not None and peers.OURS in row["figures"]:
        verdicts.append(row["figures"][peers.OURS][0] <= row["limit"])
    return all(verdicts) if verdicts else None


def grow(names: Sequence[str], *, short: bool) -> Iterator[dict[str, Any]]:
    """The curves of `growth`, each with its fit, as they are measured."""
    for (what, axis), workloads in CURVES.items():
        sizes = list(workloads)[: 4 if short else None]
        rows = [measure(workloads[size], names, short=True) for size in sizes]
        taking_part = [name for name in names if all(name in row["figures"] for row in rows)]
        for name in taking_part:
            least = 4096 if what == "memory" else 0  # growth within a page is not seen
            figures = [max(row["figures"][name][0], least) for row in rows]
            fitted = vars(fit(sizes, figures))
            curve = {"what": what, "axis": axis, "peer": name, "sizes": sizes, "figures": figures}
            print(
                f"{what:6} against {axis:7}  {name:13} "
                f"{fitted['fixed']:9.2e} + {fitted['each']:9.2e} each, power {fitted['power']:.2f}"
            )
            yield {**curve, **fitted}


def host_line(facts: dict[str, Any]) -> str:
    """The machine in a line."""
    wide = "AVX-512" if facts["avx512"] else "no AVX-512"
    return (
        f"{facts['processor']} ({wide}), {facts['cores']} cores, {facts['system']}, "
        f"Python {facts['python']}, {facts['date']}"
    )
