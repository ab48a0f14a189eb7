"""What is measured: one line for each workload, with the ratio that is the goal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """A task, its inputs, and how it is measured.

    A task is a function in the modules of `peers`, found there by its name. It is handed the
    inputs and gives a function without arguments: what is run, and whose results must agree.
    """

    name: str
    task: str
    inputs: Callable[[np.random.Generator], Inputs]
    goals: Mapping[str, float] = field(default_factory=dict)  # peer -> ours at most this x theirs
    limit: float | None = None  # ours at most this, in the unit of the measure
    measure: str = "seconds"  # or peak_bytes, bytes_above_arrays, import_seconds
    even: bool = False  # huge pages for every allocator: page faults then cost all the same
    long: bool = False  # too long for the short form
    without: tuple[str, ...] = ()  # peers that cannot do it, or not in this precision
    unit: float = 1  # what a measured figure is divided by


def logits_and_labels(
    *shape: int, dense: bool = False, dtype: str = "float32", axis: int = -1, spread: float = 1.0
) -> Callable[[np.random.Generator], Inputs]:
    """Random logits and, for each place but along the classes' axis, a class or a distribution."""

    def make(rng: np.random.Generator) -> Inputs:
        logits = rng.normal(size=shape, scale=spread).astype(dtype)
        classes = shape[axis]
        places = shape[:axis] + shape[axis + 1 :] if axis != -1 else shape[:-1]
        labels: Any = rng.integers(classes, size=places)
        if dense:
            labels = rng.random(shape).astype(dtype)
            labels /= labels.sum(axis, keepdims=True)
        return {"logits": logits, "labels": labels, "axis": axis}

    return make


def hostile(kind: str) -> Callable[[np.random.Generator], Inputs]:
    """256 x 1000 logits on which a shortcut through exp(z) goes wrong."""

    def make(rng: np.random.Generator) -> Inputs:
        inputs = logits_and_labels(256, 1000)(rng)
        logits = inputs["logits"]
        if kind == "saturated":
            logits[:] = rng.choice([-1000, 1000], size=logits.shape)
        elif kind == "one bad row":
            logits[100] = 1000 * rng.normal(size=1000)
        else:
            logits -= 100  # the exponentials are denormal numbers
        return inputs

    return make


def chain(
    *shape: int, ops: int = 1000, weights: bool = False
) -> Callable[[np.random.Generator], Inputs]:
    """`x * a + b` again and again; `a` and `b` are constants, or leaves that get gradients too."""

    def make(rng: np.random.Generator) -> Inputs:
        a, b = 1 - 1e-3 * rng.random(shape), 1e-3 * rng.random(shape)
        return {"x": rng.random(shape), "a": a, "b": b, "ops": ops, "weights": weights}

    return make


def classifier(rng: np.random.Generator) -> Inputs:
    """An MLP 784-256-10 and 128 examples."""
    sizes = {"w1": (784, 256), "b1": (256,), "w2": (256, 10), "b2": (10,)}
    weights = {name: 0.05 * rng.normal(size=size) for name, size in sizes.items()}
    arrays = {"x": rng.random((128, 784)), **weights}
    return {
        **{name: array.astype("float32") for name, array in arrays.items()},
        "labels": rng.integers(10, size=128),
        "rate": 1e-4,
    }


def regression(rng: np.random.Generator) -> Inputs:
    """Logistic regression 784x10 with 128 examples, and a direction."""
    arrays = {"x": rng.random((128, 784)), "w": 0.05 * rng.normal(size=(784, 10))}
    arrays["v"] = rng.normal(size=(784, 10))
    inputs = {name: array.astype("float32") for name, array in arrays.items()}
    return {**inputs, "labels": rng.integers(10, size=128)}


def check_inputs(*, fast: bool) -> Callable[[np.random.Generator], Inputs]:
    def make(rng: np.random.Generator) -> Inputs:
        return {**logits_and_labels(32, 10, dtype="float64")(rng), "fast": fast}

    return make


def no_inputs(_rng: np.random.Generator) -> Inputs:
    return {}


def cross_entropy(
    rows: int, classes: int, *, even: bool = False, long: bool = False, **goals: float
) -> Iterator[Workload]:
    """Both sorts of labels, with the goals against peers; against PyTorch there always is one."""
    words = f"{rows}x{classes}, even allocators" if even else f"{rows}x{classes}"
    for dense in (False, True):
        yield Workload(
            f"{'dense' if dense else 'sparse'} {words}",
            "cross_entropy",
            logits_and_labels(rows, classes, dense=dense),
            {"torch": 1.0, **goals},
            even=even,
            long=long,
        )


F16 = ("jax", "autograd", "mygrad", "tensorflow")  # they compute it in float16 throughout

WORKLOADS = [
    *cross_entropy(32, 10, mygrad=1.0, jax=2.5),
    *cross_entropy(256, 1000),
    *cross_entropy(4096, 1000, long=True),
    *cross_entropy(1024, 32000, torch=0.3, long=True),
    *cross_entropy(1024, 32000, even=True, long=True),
    *cross_entropy(64, 128256, long=True),
    *cross_entropy(64, 128256, even=True, long=True),
    *(
        Workload(f"hostile 256x1000, {kind}", "cross_entropy", hostile(kind), {"torch": 1.0})
        for kind in ("saturated", "one bad row", "denormal")
    ),
    *(
        Workload(
            f"peak memory {'dense' if dense else 'sparse'} 1024x32000, in logits",
            "cross_entropy",
            logits_and_labels(1024, 32000, dense=dense),
            limit=1.05,
            measure="peak_bytes",
            long=True,
            unit=1024 * 32000 * 4,
        )
        for dense in (False, True)
    ),
    Workload(
        "sparse 256x1000, float64",
        "cross_entropy",
        logits_and_labels(256, 1000, dtype="float64"),
        {"torch": 1.0},
    ),
    Workload(
        "dense 256x1000, float64",
        "cross_entropy",
        logits_and_labels(256, 1000, dense=True, dtype="float64"),
        {"torch": 1.0},
    ),
    Workload(
        "sparse 256x1000, float16",
        "cross_entropy",
        logits_and_labels(256, 1000, dtype="float16"),
        {"torch": 1.0},
        without=F16,
    ),
    Workload(
        "sparse 8x100x32x32, axis 1",
        "cross_entropy",
        logits_and_labels(8, 100, 32, 32, axis=1),
        {"torch": 1.0},
    ),
    Workload(
        "dense 8x100x32x32, axis 1",
        "cross_entropy",
        logits_and_labels(8, 100, 32, 32, dense=True, axis=1),
        {"torch": 1.0},
    ),
    Workload(
        "unfused 256x1000: softmax, log, mul, sum, mean",
        "unfused",
        logits_and_labels(256, 1000, dense=True),
        {"torch": 1.0},
    ),
    Workload(
        "chain of 1000 ops, 2x2",
        "chain",
        chain(2, 2),
        {"torch": 0.75, "autograd": 0.3, "mygrad": 0.3},
    ),
    Workload(
        "chain of 1000 ops, scalars",
        "chain",
        chain(),
        {"torch": 0.9, "autograd": 0.3, "mygrad": 0.3},
    ),
    Workload(
        "chain of 1000 ops, 2x2, with weights",
        "chain",
        chain(2, 2, weights=True),
        {"torch": 0.75, "autograd": 0.3, "mygrad": 0.3},
    ),
    Workload("MLP 784-256-10, one step", "mlp", classifier, {"torch": 1.0}),
    Workload("Hessian-vector product, 784x10", "hvp", regression, {"torch": 0.7}),
    Workload("gradcheck 32x10, full", "gradcheck", check_inputs(fast=False), {"torch": 0.2}),
    Workload("gradcheck 32x10, fast", "gradcheck", check_inputs(fast=True), {"torch": 0.25}),
    Workload("trace and picture of 1000 ops", "picture", chain(ops=1000), limit=1.0),
    Workload(
        "graph of 10^6 ops, both passes",
        "chain",
        chain(2, 2, ops=10**6),
        {"torch": 0.35},
        long=True,
        without=("jax", "autograd", "mygrad", "tensorflow", "numpy"),  # minutes, or gigabytes
    ),
    Workload(
        "graph of 10^6 ops, bytes a node above the arrays",
        "graph",
        chain(2, 2, ops=10**6),
        limit=230,
        measure="bytes_above_arrays",
        long=True,
        without=("jax",),  # two minutes
        unit=10**6,
    ),
    Workload(
        "import, milliseconds over NumPy",
        "imported",
        no_inputs,
        limit=20.0,
        measure="import_seconds",
        unit=1e-3,
    ),
]
