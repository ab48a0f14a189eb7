"""Mistakes that no hypothesis explains; kinks and undefined functions, which are no mistakes."""

import math
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.visualization.formatting import count, number
from tinygrad_xent.visualization.naming import entry_name

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
        low, high = (case.expected[at] + sign * case.tolerance[at] for sign in (-1, 1))
        should = f"lie between {number(low)} and {number(high)}"
    arriving = f"{case.arriving} " if case.arriving else ""
    return Claim(
        "unknown",
        f"The gradient of {{name}} is wrong in {wrong.sum()} of its {count(wrong.size, 'entry')}, "
        f"most at {entry_name('{name}', worst)}: {arriving}it is {got} and should {should}.",
        None,
        "No usual mistake explains it. Derive the rule for two entries by hand, and compare.",
    )


def kink(case: Case) -> Diagnosis:
    """Return where the slopes on the two sides differ; any slope between them will do."""
    assert case.judged is not None  # noqa: S101 - a case that is right was judged
    places = case.judged.kink
    first = tuple(np.argwhere(places)[0])
    # For an upstream gradient of ones.
    got, middle = case.got[-1][first], case.expected[-1][first]
    half = np.abs(case.tolerance[-1][first]) / 2
    digits = 3 - math.ceil(math.log10(half))  # the allowance for rounding is in the half, too
    sides = [round(float(slope), digits) + 0.0 for slope in (middle - half, middle + half)]
    left, right = map(number, sides)
    return Diagnosis(
        "kink",
        f"The function has a kink at {count(int(places.sum()), 'entry')} of {case.name}, first at "
        f"{entry_name(case.name, first)} = {number(case.x[first])}. The slopes on its two sides "
        f"are {left} and {right}, and the rule gives {number(got)}. That is not a mistake.",
        case.name,
        (),
        "At a kink there is no derivative: any value between the two slopes will do. To test the "
        "rule, check it at other numbers.",
        of_rule=False,
    )


def not_finite(name: str, out: Any) -> Diagnosis:
    """Return that the function itself is not finite, so that no gradient can be compared there."""
    places = ~np.isfinite(out)
    first = tuple(np.argwhere(places)[0])
    return Diagnosis(
        "non-finite",
        f"The function itself is not finite here, in {places.sum()} of its "
        f"{count(places.size, 'output')}: {entry_name('output', first)} is {number(out[first])}. A "
        "gradient that depends on it cannot be compared.",
        name,
        (),
        "Check the rule where the function is defined.",
        of_rule=False,
    )


def apart(got: float, expected: float) -> tuple[str, str]:
    """Return two different numbers with so many digits that they look different."""
    if number(got) != number(expected):
        return number(got), number(expected)
    pairs = ((f"{got:.{digits}g}", f"{expected:.{digits}g}") for digits in range(3, 18))
    return next(pair for pair in pairs if len({*pair}) == 2 or got == expected)
