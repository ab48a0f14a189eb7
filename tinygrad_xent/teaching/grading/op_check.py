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
    """Check the rule of an op where its file called it, and at fresh numbers of the same shapes.

    An op that was never called is checked at what its `shapes`, `domain` and `examples` describe,
    or else at square matrices.

    Returns
    -------
    Diagnosis
        Its code may also be "passed", "no-rule" or "no-inputs".
    """
    if op.rule is None:
        return Diagnosis("no-rule", "It has no backward rule.", "")
    rng = np.random.default_rng(seed)
    tried = [*calls, *((tuple(_fresh(x, rng) for x in inputs), params) for inputs, params in calls)]
    if not calls:
        is_described = op.shapes != ",".join(["()"] * len(op.inputs)) + "->()" or any(op.examples)
        tried = [*(samples(op, rng) if is_described else _guesses(op, rng))]
    tried = [(inputs, params) for inputs, params in tried if _is_finite(op, inputs, params)]
    for inputs, params in tried:
        if (found := gradcheck(op, *inputs, rng=rng, **params).diagnosis) is not None:
            return found
    if not tried:
        message = "No inputs are known to check it with. Call it once in the file."
        return Diagnosis("no-inputs", message, "")
    return Diagnosis("passed", "Its rule agrees with differences of its function.", "")


def _guesses(op: Op, rng: np.random.Generator) -> Iterator[Call]:
    own = op.domains * (2 if op.variadic else 1)
    for kinds in (own, [domains.positive] * len(own)):
        yield tuple(kind.draw(rng, (3, 3)) for kind in kinds), {}


def _is_finite(op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> bool:
    try:
        return bool(np.isfinite(np.asarray(op(*inputs, **params), dtype=float)).all())
    except Exception:  # noqa: BLE001 - anything may go wrong in there
        return False


def _fresh(value: Any, rng: np.random.Generator) -> Any:
    """Return random numbers of the same dtype and shape, and about the same range."""
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.size == 0:
        return value
    low, high = float(array.min()), float(array.max())
    noise = rng.uniform(0.0, 1.0, array.shape) * ((high - low) or 0.1 * (abs(high) or 1.0)) + low
    return noise.astype(array.dtype)
