"""The check of an op that a learner's file defines, in the process that ran the file."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_xent import domains
from tinygrad_xent.checking import Diagnosis, gradcheck
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.op import Op


def check_op(op: Op, seed: int) -> Diagnosis:
    """Check the rule of an op at inputs that its `shapes`, `domain` and `examples` describe.

    One that says nothing of them is checked at small square matrices.

    Returns
    -------
    Diagnosis
        Its code may also be "passed", "no-rule" or "no-inputs".
    """
    if op.rule is None:
        return Diagnosis("no-rule", "It has no backward rule.", "")
    rng = np.random.default_rng(seed)
    is_described = op.shapes != ",".join(["()"] * len(op.inputs)) + "->()" or any(op.examples)
    tried = False
    for inputs, params in samples(op, rng) if is_described else _matrices(op, rng):
        if _is_finite(op, inputs, params):
            tried = True
            if (found := gradcheck(op, *inputs, rng=rng, **params).diagnosis) is not None:
                return found
    if not tried:
        message = "No inputs were found to check it with. Describe them: "
        example = '`@tx.op(shapes="(m,n)->(m)", examples=[{"axis": -1}])`.'
        return Diagnosis("no-inputs", message + example, "")
    return Diagnosis("passed", "Its rule agrees with differences of its function.", "")


def _matrices(op: Op, rng: np.random.Generator) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield inputs of the op's own domains, and positive ones, as of a logarithm."""
    own = op.domains * (2 if op.variadic else 1)
    for kinds in (own, [domains.positive] * len(own)):
        yield tuple(kind.draw(rng, (3, 3)) for kind in kinds), {}


def _is_finite(op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> bool:
    try:
        return bool(np.isfinite(np.asarray(op(*inputs, **params), dtype=float)).all())
    except Exception:  # noqa: BLE001 - anything may go wrong in there
        return False
