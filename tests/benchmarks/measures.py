"""How one workload is measured, inside the process that belongs to it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[[], Any]
TOLERANCE = {2: 1e-2, 4: 1e-4, 8: 1e-8}  # of the largest entry, by the bytes of a number


class WrongResultError(AssertionError):
    """A library's result is not that of NumPy in float64."""


def arrays_of(results: Any) -> list[Any]:
    """What a run gave, as arrays; PyTorch's tensors without their graphs."""
    return [np.asarray(x.detach() if hasattr(x, "detach") else x) for x in results]


def precision_of(inputs: Mapping[str, Any]) -> int:
    """The bytes of the shortest floating number among the inputs."""
    arrays = [x for x in inputs.values() if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    return min((x.dtype.itemsize for x in arrays), default=8)


def check_agreement(peer: str, results: Any, expected: Any, precision: int = 8) -> None:
    """Hold the results of a run to the expected ones, entry by entry."""
    for i, (got, want) in enumerate(zip(arrays_of(results), arrays_of(expected), strict=True)):
        if got.shape != want.shape:
            raise WrongResultError(f"{peer}: result {i} has shape {got.shape}, not {want.shape}")
        error = np.abs(got.astype("float64") - want)
        largest = float(np.abs(want).max())
        if not error.max() <= TOLERANCE[precision] * largest:  # `not`: NaN is wrong too
            raise WrongResultError(
                f"{peer}: result {i} is off by {error.max():.2g}; its largest entry: {largest:.2g}"
            )


def seconds(runs: Mapping[str, Run], *, short: bool) -> dict[str, list[float]]:
    """Let the runs take turns, each as often as makes a sample long enough to time.

    All have run before, so that what is loaded and cached at first is no part of it. Rounds that
    other programs disturbed (the processor was not ours all the time) are dropped as long as
    enough remain.
    """
    enough, wanted = 3, 7 if short else 21
    sample, budget = (0.003, 1.0) if short else (0.02, 20.0)
    repeats = {peer: _repeats(run, sample) for peer, run in runs.items()}
    calm: list[dict[str, float]] = []
    disturbed: list[dict[str, float]] = []
    start = time.perf_counter()
    order = list(runs)
    while len(calm) < wanted:
        order = order[1:] + order[:1]
        figures, busy = {}, 1.0
        for peer in order:
            figures[peer], share = _sample(runs[peer], repeats[peer])
            busy = min(busy, share)
        (calm if busy > 0.9 else disturbed).append(figures)
        if time.perf_counter() - start > budget and len(calm) + len(disturbed) >= enough:
            break
    rounds = calm if len(calm) >= enough else calm + disturbed
    return {peer: [figures[peer] for figures in rounds] for peer in runs}


def _repeats(run: Run, sample: float) -> int:
    start = time.perf_counter()
    run()
    return max(1, round(sample / (time.perf_counter() - start)))


def _sample(run: Run, repeats: int) -> tuple[float, float]:
    """Seconds for one run, and the share of the time for which the processor was ours."""
    worked, start = time.process_time(), time.perf_counter()
    for _ in range(repeats):
        run()
    passed = time.perf_counter() - start
    return passed / repeats, (time.process_time() - worked) / passed


def peak_bytes(run: Run) -> float:
    """By how much memory grows while something runs, at its peak, its results included."""
    gc.collect()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # free pages that the heap kept would hide the growth
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _memory("VmRSS")
    kept = run()
    grown = _memory("VmHWM") - before
    del kept
    return grown


def _memory(what: str) -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith(f"{what}:")]
    return 1024 * float(line.split()[1])


def import_seconds(module: str, times: int) -> list[float]:
    """Seconds that an import takes where NumPy is imported already, each in a new interpreter."""
    script = (
        "import time, numpy; start = time.perf_counter(); "
        f"import {module}; print(time.perf_counter() - start)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def once() -> float:
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
        return float(done.stdout)

    once()  # leaves compiled files behind, as an installation does
    return [once() for _ in range(times)]


def summary(samples: list[float]) -> list[float]:
    """Median, first and third quartile."""
    if len(samples) < 2:
        return samples * 3
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return [median, low, high]
