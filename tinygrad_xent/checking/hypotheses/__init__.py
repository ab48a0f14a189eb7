"""Hypotheses about what is wrong with a gradient, each tested before it is reported.

A hypothesis is a function from a `Case` to `Claim`s: it corrects the learner's gradient as if it
were true. If the corrected gradient is right, for upstream gradients too that it has not seen, the
claim is made. Some mistakes leave nothing to correct, as a gradient that is missing; there the
hypothesis reports what it saw. To add one, write such a function and put it into `HYPOTHESES`,
the more special before the more general.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np

from tinygrad_xent.checking.case import Case, Claim, Hypothesis
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.checking.hypotheses.entries import family_wrong, few_entries_wrong
from tinygrad_xent.checking.hypotheses.factors import (
    constant_factor,
    ignores_upstream,
    missing_gradient,
    not_linear,
    wrong_sign,
)
from tinygrad_xent.checking.hypotheses.places import left_out, misplaced, transposed, wrong_axis
from tinygrad_xent.checking.hypotheses.search import wrong_formula
from tinygrad_xent.checking.hypotheses.shapes import gradients_swapped, not_summed, wrong_shape
from tinygrad_xent.checking.hypotheses.special_values import (
    function_not_finite,
    kink,
    non_finite,
    wrong_dtype,
)
from tinygrad_xent.visualization.formatting import count, number
from tinygrad_xent.visualization.naming import entry_name

__all__ = ["HYPOTHESES", "diagnose", "function_not_finite", "kink"]

HYPOTHESES: tuple[Hypothesis, ...] = (
    missing_gradient,
    wrong_sign,
    gradients_swapped,
    non_finite,
    constant_factor,
    ignores_upstream,
    wrong_dtype,
    transposed,
    misplaced,
    few_entries_wrong,
    wrong_formula,
    wrong_axis,
    not_linear,
    family_wrong,
    left_out,
)
# Mistakes that can be undone, and so be told apart from a second one.
_FIRST: tuple[Hypothesis, ...] = (wrong_sign, ignores_upstream, constant_factor, transposed)
_SECOND: tuple[Hypothesis, ...] = (wrong_sign, constant_factor, few_entries_wrong)
# Of results that do not have the shape of the input.
_SHAPELESS: tuple[Hypothesis, ...] = (
    gradients_swapped, wrong_dtype, transposed, not_summed, wrong_shape,
)  # fmt: skip


def diagnose(case: Case) -> list[Diagnosis]:
    """Return what is wrong with a gradient: one mistake, or several that can be separated."""
    if case.got is None:
        found = next(_right(_SHAPELESS, case), unknown(case))
        return [_said(found, case)]
    if both := _two_mistakes((wrong_sign,), (constant_factor,), case):
        return both
    part = unknown(case)
    for claim in _right(HYPOTHESES, case):
        if not claim.partial:
            return [_said(claim, case)]
        part = claim
    return _two_mistakes(_FIRST, _SECOND, case) or [_said(part, case)]


def _two_mistakes(
    ones: Iterable[Hypothesis], others: Iterable[Hypothesis], case: Case
) -> list[Diagnosis]:
    """Return two mistakes that make a wrong gradient together, or none."""
    for one in ones:
        for first in filter(lambda claim: claim.undo, _claims(one, case)):
            left = [other for other in others if other is not one]
            for second in _right(left, replace(case, got=first.corrected)):
                told = f"The gradient of {{name}} has two mistakes. Undo one: {first.undo}."
                then = f"Then the other is left. {second.message}"
                return [
                    _said(replace(first, message=told), case),
                    _said(replace(second, message=then), case),
                ]
    return []


def _right(hypotheses: Iterable[Hypothesis], case: Case) -> Iterator[Claim]:
    """Yield the claims whose corrected gradient is right, or that correct nothing."""
    for hypothesis in hypotheses:
        for claim in _claims(hypothesis, case):
            if claim.corrected is None or case.right(claim.corrected):
                yield claim


def _claims(hypothesis: Hypothesis, case: Case) -> Iterator[Claim]:
    """Yield the claims of a hypothesis, as far as a function and a rule take other numbers."""
    with suppress(Exception), np.errstate(all="ignore"):
        yield from hypothesis(case)


def _said(claim: Claim, case: Case) -> Diagnosis:
    message, hint = (text.replace("{name}", case.name) for text in (claim.message, claim.hint))
    return Diagnosis(claim.code, message, case.name, claim.evidence, hint)


_CERTAIN = 1e-3  # of a slope: three digits of it can be told


def unknown(case: Case) -> Claim:
    """Return the largest difference, and what the gradient would have to be multiplied by."""
    if case.got is None:
        return Claim(
            "unknown",
            "What the rule returns for {name} is not an array of numbers, and cannot be compared.",
            None,
            "Return an array with the shape of {name}.",
        )
    assert case.judged is not None  # noqa: S101 - it has a shape, so it was judged
    wrong = case.judged.wrong.any(axis=0)
    off = np.abs(case.got - case.expected)[case.shown]
    off = np.where(wrong, np.where(np.isnan(off), np.inf, off), -1)
    worst = np.unravel_index(int(np.argmax(off)), off.shape)
    at = (case.shown, *worst)
    got, expected = apart(case.got[at], case.expected[at])
    should = f"be {expected}"
    if case.tolerance[at] > _CERTAIN * np.abs(case.expected[at]):
        low, high = (number(case.expected[at] + sign * case.tolerance[at]) for sign in (-1, 1))
        should = f"lie between {low} and {high}" if low != high else should
    arriving = f"{case.arriving} " if case.arriving else ""
    return Claim(
        "unknown",
        f"The gradient of {{name}} is wrong in {wrong.sum()} of its {count(wrong.size, 'entry')}, "
        f"most at {entry_name('{name}', worst)}: {arriving}it is {got} and should {should}.",
        None,
        "No usual mistake explains it. Derive the rule for two entries by hand, and compare.",
    )


def apart(got: float, expected: float) -> tuple[str, str]:
    """Return two different numbers with so many digits that they look different."""
    if number(got) != number(expected):
        return number(got), number(expected)
    pairs = ((f"{got:.{digits}g}", f"{expected:.{digits}g}") for digits in range(3, 18))
    return next(pair for pair in pairs if len({*pair}) == 2 or got == expected)
