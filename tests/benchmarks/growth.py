"""How time and memory grow with rows, classes and ops: `--growth`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.benchmarks.workloads import Workload, chain, logits_and_labels

SIZES = {
    "rows": [2**k for k in range(6, 15)],  # of 1,000 classes
    "classes": [2**k for k in range(4, 18, 2)],  # in 64 rows
    "ops": [4**k for k in range(3, 10)],  # on 2x2 arrays
}
MEASURES = {"time": "seconds", "memory": "peak_bytes"}


def _workload(axis: str, size: int, what: str) -> Workload:
    facts: dict[str, Any] = {"measure": MEASURES[what]}
    name = f"{what} against {axis}: {size}"
    if axis == "ops":
        return Workload(name, "chain", chain(2, 2, ops=size), **facts)
    shape = (size, 1000) if axis == "rows" else (64, size)
    return Workload(name, "cross_entropy", logits_and_labels(*shape), **facts)


CURVES = {
    (what, axis): {
        size: _workload(axis, size, what)
        for size in (sizes if what == "time" else sizes[len(sizes) // 2 :])  # small: in free pages
    }
    for what in MEASURES
    for axis, sizes in SIZES.items()
}
GROWTH = [workload for curve in CURVES.values() for workload in curve.values()]


@dataclass(frozen=True)
class Fit:
    """figure = fixed + each * size, where relative errors count alike; and the log-log slope."""

    fixed: float
    each: float
    power: float  # between the larger half of the sizes


def fit(sizes: list[int], figures: list[float]) -> Fit:
    x, y = np.array(sizes, float), np.array(figures, float)
    weight = 1 / y
    columns = np.stack([weight, x * weight], axis=1)
    fixed, each = np.linalg.lstsq(columns, y * weight, rcond=None)[0]
    half = len(x) // 2
    power = np.polyfit(np.log(x[half:]), np.log(y[half:]), 1)[0]
    return Fit(float(fixed), float(each), float(power))
