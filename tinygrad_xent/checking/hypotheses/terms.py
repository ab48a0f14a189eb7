"""Parts of the sum that the chain rule makes, left out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_xent.checking.case import Case, Claim


def missing_cross_term(case: Case) -> Iterator[Claim]:
    """Only the Jacobian's diagonal: how each output depends on its own input, and on no other."""
    if case.out.shape != case.x.shape or case.x.size < 2 or case.diagonal is None:
        return
    crossed = case.expected - case.diagonal * case.upstream
    yield Claim(
        "missing-cross-term",
        "The gradient of {name} is that of the Jacobian's diagonal only: it knows how each output "
        "depends on its own input, not how it depends on the others.",
        case.got + crossed,
        "Every output depends on several inputs here: sum over all outputs, as in "
        "y * (grad - sum(grad * y)) for a softmax.",
    )
    with np.errstate(all="ignore"):
        slope = case.got[:1] / case.upstream[:1]
    own = np.abs(case.got - slope * case.upstream) <= 1e-9 * case.scale
    if own.all() and np.isfinite(slope).all():
        yield Claim(
            "unknown",
            "Each entry of the gradient of {name} depends only on the same entry of the upstream "
            "gradient, although every output depends on several entries of {name}: a term that "
            "sums over them is missing.",
            case.got + (case.expected - slope * case.upstream),
            "Differentiate what all outputs share too: a sum below the bar, a mean, a deviation.",
        )
