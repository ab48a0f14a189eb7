"""Hypotheses about what is wrong with a gradient, each tested before it is reported.

A hypothesis is a function from a `Case` to `Claim`s: it corrects the learner's gradient as if it
were true. If the corrected gradient is right, for upstream gradients too that it has not seen, the
claim is made. Some mistakes leave nothing to correct, as a gradient that is missing; there the
hypothesis reports what it saw. To add one, write such a function and put it into `HYPOTHESES`,
the more special before the more general.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np

from tinygrad_xent.checking.case import Case, Claim, Hypothesis
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.checking.hypotheses.axes import rows_mixed, wrong_axis
from tinygrad_xent.checking.hypotheses.entries import family_wrong, few_entries_wrong
from tinygrad_xent.checking.hypotheses.factors import (
    constant_factor,
    ignores_upstream,
    missing_cross_term,
    missing_gradient,
    upstream_squared,
    wrong_sign,
)
from tinygrad_xent.checking.hypotheses.numerals import non_finite, wrong_dtype
from tinygrad_xent.checking.hypotheses.shapes import (
    gradients_swapped,
    not_summed,
    transposed,
    wrong_shape,
)
from tinygrad_xent.checking.hypotheses.unexplained import kink, not_finite, unknown

__all__ = ["HYPOTHESES", "diagnose", "kink", "not_finite"]

HYPOTHESES: tuple[Hypothesis, ...] = (
    missing_gradient,
    wrong_sign,
    gradients_swapped,
    non_finite,
    constant_factor,
    not_summed,
    ignores_upstream,
    wrong_dtype,
    transposed,
    few_entries_wrong,
    wrong_axis,
    missing_cross_term,
    upstream_squared,
    rows_mixed,
    family_wrong,
)
# Mistakes that can be undone, and so be told apart from a second one.
_FIRST: tuple[Hypothesis, ...] = (wrong_sign, ignores_upstream, constant_factor, transposed)
_SECOND: tuple[Hypothesis, ...] = (
    wrong_sign,
    constant_factor,
    missing_cross_term,
    few_entries_wrong,
)
_SHAPELESS: tuple[Hypothesis, ...] = (
    missing_gradient,
    gradients_swapped,
    wrong_dtype,
    transposed,
    not_summed,
    wrong_shape,
)


def diagnose(case: Case) -> list[Diagnosis]:
    """Return what is wrong with a gradient: one mistake, or several that can be separated."""
    if case.got is None:
        found = next(_right(_SHAPELESS, case), unknown(case))
        return [_said(found, case)]
    for claim in _right(HYPOTHESES, case):
        return [_said(claim, case)]
    for hypothesis in _FIRST:
        for first in _claims(hypothesis, case):
            others = [other for other in _SECOND if other is not hypothesis]
            for second in _right(others, case.with_gradient(first.corrected)):
                return [_said(first, case), _said(second, case)]
    return [_said(unknown(case), case)]


def _right(hypotheses: Iterable[Hypothesis], case: Case) -> Iterator[Claim]:
    """Yield the claims whose corrected gradient is right, or that correct nothing."""
    for hypothesis in hypotheses:
        for claim in _claims(hypothesis, case):
            if claim.corrected is None or case.right(claim.corrected):
                yield claim


def _claims(hypothesis: Hypothesis, case: Case) -> Iterator[Claim]:
    """Yield the claims of a hypothesis, as far as these shapes and numbers let it compute."""
    with suppress(ValueError, IndexError, TypeError), np.errstate(all="ignore"):
        yield from hypothesis(case)


def _said(claim: Claim, case: Case) -> Diagnosis:
    message, hint = (text.replace("{name}", case.name) for text in (claim.message, claim.hint))
    return Diagnosis(claim.code, message, case.name, claim.evidence, hint)
