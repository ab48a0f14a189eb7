"""The check of an op that a learner's file defines, in the process that ran the file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_xent import domains
from tinygrad_xent.checking import Diagnosis, gradcheck
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.op import Op

Call = tuple[tuple[Any, ...], Mapping[str, Any]]


def check_op(op: Op, calls: Sequence[Call], seed: int) -> Diagnosis:
    """Check the rule of an op, where its file called it and at random inputs.

    Returns
    -------
    Diagnosis
        Its code may also be "passed", "no-rule" or "no-inputs".
    """
    if op.rule is None:
        return Diagnosis("no-rule", "It has no backward rule.", "")
    rng = np.random.default_rng(seed)
    problem, tried = "its signature does not tell the values of its parameters", False
    for inputs, params in _inputs(op, calls, rng):
        if problem := _unfit(op, inputs, params):
            continue
        tried = True
        if (found := gradcheck(op, *inputs, rng=rng, **params).diagnosis) is not None:
            return found
        if not calls and not _is_described(op):
            break  # the other inputs are guesses of what it takes
    if not tried:
        message = f"No inputs were found to check it with: {problem}. Call it once in the file."
        return Diagnosis("no-inputs", message, "")
    return Diagnosis("passed", "Its rule agrees with differences of its function.", "")


def _unfit(op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> str:
    """Return why an op cannot be checked at these inputs, or ""."""
    try:
        y = np.asarray(op(*inputs, **params), dtype=float)
    except Exception as error:  # noqa: BLE001 - anything may go wrong in there
        return f"it raised {type(error).__name__}: {error}"
    return "" if np.isfinite(y).all() else "it returns NaN or inf for random inputs"


def _inputs(op: Op, calls: Sequence[Call], rng: np.random.Generator) -> Iterator[Call]:
    """Yield calls to check it at.

    What the file calls the op with shows best what it is made for: those numbers, and fresh ones of
    the same shapes. Without a call, its `shapes`, `domain` and `examples` tell; without those,
    small arrays of common shapes are tried.
    """
    for inputs, params in calls:
        yield inputs, params
        yield tuple(_fresh(x, rng) for x in inputs), params
    if calls or (op.required and op.examples == ({},)):
        return
    if _is_described(op):
        yield from samples(op, rng)
        return
    count = len(op.inputs) or 2
    own = list(op.domains) * (count if op.variadic else 1)
    common: list[list[tuple[int, ...]]] = [[(2, 3)] * count, [(3,)] * count, [(3, 3)] * count]
    if count == 2:
        common.insert(1, [(2, 3), (3, 4)])
    for shapes in common:
        for kinds in (own, [domains.positive] * count, [domains.simplex] * count):
            pairs = zip(kinds, shapes, strict=True)
            yield tuple(kind.draw(rng, shape) for kind, shape in pairs), {}


def _is_described(op: Op) -> bool:
    """Whether its definition says more of its inputs than how many they are."""
    plain = ",".join(["()"] * len(op.inputs)) + "->()"
    return op.shapes != plain or op.examples != ({},)


def _fresh(value: Any, rng: np.random.Generator) -> Any:
    """Return random numbers of the same dtype and shape, and about the same range."""
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.size == 0:
        return value
    low, high = float(array.min()), float(array.max())
    noise = rng.uniform(0.0, 1.0, array.shape) * ((high - low) or 0.1 * (abs(high) or 1.0)) + low
    return noise.astype(array.dtype)
