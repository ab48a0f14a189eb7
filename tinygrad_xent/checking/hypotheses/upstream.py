"""What became of the upstream gradient, which the chain rule multiplies by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim


def ignores_upstream(case: Case) -> Iterator[Claim]:
    """The same gradient whatever arrives: right only where the result is the end of the graph."""
    got = case.got
    if not np.isfinite(got).all() or not np.ptp(case.upstream[:-1], axis=0).any():
        return
    if (np.abs(got - got[0]) > 1e-9 * np.abs(got).max()).any():
        return
    # Then the gradient for an upstream gradient of ones must be right: only that is known of it.
    ones = np.broadcast_to(got[-1], got.shape)
    corrected = case.expected + (ones - case.expected[-1])
    yield Claim(
        "ignores-upstream",
        "The gradient of {name} is the same whatever gradient arrives from above: the rule gives "
        "its own slope and does not multiply by grad.",
        corrected,
        "By the chain rule every gradient is the local slope times the upstream gradient.",
    )
    scaled = _scaled(case)
    if scaled is not None:
        yield Claim(
            "ignores-upstream",
            "The gradient of {name} is the same whatever gradient arrives from above.",
            scaled,
            "By the chain rule every gradient is the local slope times the upstream gradient.",
        )


def _scaled(case: Case) -> Any:
    """Multiply by what arrives, where it has an entry for each of the input's."""
    upstream = case.upstream
    if case.out.shape == case.x.shape or case.out.size == 1:
        shape = (len(upstream), *(case.x.shape if case.out.size > 1 else (1,) * case.x.ndim))
        return case.got * upstream.reshape(shape)
    return None


def upstream_squared(case: Case) -> Iterator[Claim]:
    """Multiplied by the upstream gradient twice."""
    upstream = case.upstream
    if case.out.shape == case.x.shape or case.out.size == 1:
        shape = (len(upstream), *(case.x.shape if case.out.size > 1 else (1,) * case.x.ndim))
        yield Claim(
            "unknown",
            "The gradient of {name} is multiplied by the upstream gradient twice.",
            case.got / upstream.reshape(shape),
            "A gradient is linear in grad: twice the upstream gradient gives twice the gradient.",
        )
