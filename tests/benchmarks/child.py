"""One workload in a process of its own: `python -m tests.benchmarks.child NAME PEERS LENGTH`.

It prints one JSON object: samples for each peer, or what is wrong.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import peers
from tests.benchmarks.growth import GROWTH
from tests.benchmarks.measures import (
    WrongResultError,
    check_agreement,
    import_seconds,
    peak_bytes,
    precision_of,
    seconds,
)
from tests.benchmarks.workloads import WORKLOADS, Inputs, Workload

ROOT = Path(__file__).parents[2]
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class ChildError(RuntimeError):
    """A benchmark stopped without a result."""


def run_workload(workload: Workload, names: Sequence[str], *, short: bool) -> dict[str, Any]:
    """Samples for each peer that can do the workload, after all were found to agree."""
    if workload.measure == "import_seconds":
        return {
            peer: import_seconds(peer, times=9 if peer == peers.OURS else 3)
            for peer in names
            if peer != peers.BY_HAND
        }
    inputs = workload.inputs(np.random.default_rng(0))
    runs = {}
    for peer in names:
        build = peers.task(peer, workload.task)
        run = build(**inputs) if build else None
        if run:
            runs[peer] = run
    if not runs:
        return {}
    if workload.measure == "seconds":
        reference = peers.task(peers.BY_HAND, workload.task)
        assert reference is not None
        with np.errstate(all="ignore"):
            expected = reference(**_in_float64(inputs))()
        for peer, run in runs.items():
            check_agreement(peer, run(), expected, precision_of(inputs))
        return seconds(runs, short=short)
    ((peer, run),) = runs.items()
    if workload.task != "graph":  # what is loaded and cached at the first run is no part of it
        peers.task(peer, workload.task)(**inputs)()  # type: ignore[misc]
    return {peer: [peak_bytes(run)]}


def _in_float64(inputs: Inputs) -> Inputs:
    return {
        name: x.astype("float64") if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
        for name, x in inputs.items()
    }


def start_child(workload: Workload, names: Sequence[str], *, short: bool) -> dict[str, Any]:
    """What a new process gives for a workload, on one thread, with the allocator it asks for."""
    environment = os.environ | dict.fromkeys(THREADS, "1")
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
    if workload.even:
        environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    command = [sys.executable, "-m", f"{__package__}.child", workload.name, ",".join(names)]
    command.append("short" if short else "long")
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ChildError(f"{workload.name}: {(done.stderr.strip() or 'killed').splitlines()[-1]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _pin() -> None:
    """Keep this process on the processor that was idlest for a moment, where that can be done."""
    if not hasattr(os, "sched_setaffinity"):
        return

    def idle() -> dict[int, int]:
        lines = Path("/proc/stat").read_text().splitlines()
        fields = [line.split() for line in lines if line[:3] == "cpu" and line[3].isdigit()]
        return {int(f[0][3:]): int(f[4]) for f in fields}

    before = idle()
    time.sleep(0.2)
    after = idle()
    cores = sorted(
        os.sched_getaffinity(0), key=lambda core: before.get(core, 0) - after.get(core, 0)
    )
    os.sched_setaffinity(0, cores[:1])


def main(name: str, names: str, length: str) -> None:
    (workload,) = [w for w in (*WORKLOADS, *GROWTH) if w.name == name]
    _pin()
    try:
        samples = run_workload(workload, names.split(","), short=length == "short")
        print(json.dumps({"samples": samples}))
    except WrongResultError as error:
        print(json.dumps({"wrong": str(error)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
