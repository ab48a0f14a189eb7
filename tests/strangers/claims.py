"""What a sentence of the check claims, held against numbers that the check did not compute."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
from strangers.case import Case
from strangers.slopes import alike, by_differences, by_rule, output_of, upstream_of

Found = list[np.ndarray | None]
Held = Callable[[Case, re.Match[str], Found, Found], bool]


def _at(case: Case, match: re.Match[str], group: str = "name") -> int:
    return case.op.inputs.index(match[group])


def _factor(case: Case, match: re.Match[str], found: Found, expected: Found) -> bool:
    top, _, bottom = match["factor"].partition("/")
    factor = float(Fraction(top) / Fraction(bottom or "1"))
    i = _at(case, match)
    return np.allclose(found[i], factor * expected[i], rtol=6e-3, atol=1e-6)


def _sign(case: Case, match: re.Match[str], found: Found, expected: Found) -> bool:
    i = _at(case, match)
    return alike(-found[i], expected[i])


def _multiplied(case: Case, match: re.Match[str], found: Found, expected: Found) -> bool:
    value = match["value"]
    factor = output_of(case) if value == "the output" else case.inputs[_at(case, match, "value")]
    i = _at(case, match)
    return alike(found[i] / factor if match["over"] else found[i] * factor, expected[i])


def _exchanged(case: Case, match: re.Match[str], found: Found, expected: Found) -> bool:
    a, b = _at(case, match, "first"), _at(case, match, "second")
    return alike(found[a], expected[b]) and alike(found[b], expected[a])


def _transposed(case: Case, match: re.Match[str], found: Found, expected: Found) -> bool:
    i = _at(case, match)
    return alike(found[i].T, expected[i])


def _right_but_for(case: Case, match: re.Match[str], found: Found, expected: Found) -> bool:
    i = _at(case, match)
    tolerance = 1e-3 * np.max(np.abs(expected[i]))
    sides = [by_differences(_moved(case, i, step), upstream_of(case))[i] for step in (-1, 1)]
    smooth = np.abs(sides[0] - sides[1]) < 100 * tolerance  # at a kink differences tell nothing
    wrong = np.count_nonzero(smooth & (np.abs(found[i] - expected[i]) > tolerance))
    return (wrong, expected[i].size) == (int(match["wrong"]), int(match["all"]))


def _moved(case: Case, i: int, step: float) -> Case:
    """Return the case with one input moved a little to a side."""
    inputs = list(case.inputs)
    inputs[i] = inputs[i] + 1e-4 * step
    return replace(case, inputs=tuple(inputs))


def _same_whatever_arrives(case: Case, match: re.Match[str], found: Found, expected: Found) -> bool:
    i = _at(case, match)
    return alike(by_rule(case, upstream_of(case, seed=6))[i], found[i])


def _only_zeros(case: Case, match: re.Match[str], found: Found, expected: Found) -> bool:
    return not np.any(found[_at(case, match)])


CLAIMS: dict[str, Held] = {
    r"gradient of (?P<name>\w+) is (exactly )?(?P<factor>-?[\d./]+)( \(.*\))? times what it should "
    r"be, in every entry": _factor,
    r"gradient of (?P<name>\w+) has the wrong sign everywhere; its size is right": _sign,
    r"gradient of (?P<name>\w+) is wrong[^.]*(\.\d[^.]*)*\.\sEvery entry is right once multiplied "
    r"by (?P<over>1 ?/ ?)?(?P<value>the output|\w+)": _multiplied,
    r"gradients of (?P<first>\w+) and (?P<second>\w+) are exchanged": _exchanged,
    r"gradient of (?P<name>\w+) is transposed: its numbers are right": _transposed,
    r"gradient of (?P<name>\w+) is right but for (?P<wrong>\d+) entries of (?P<all>\d+)": (
        _right_but_for
    ),
    r"gradient of (?P<name>\w+) is the same whatever gradient arrives": _same_whatever_arrives,
    r"gives only zeros for (?P<name>\w+)": _only_zeros,
}


def claims_in(case: Case, message: str) -> list[bool]:
    """Return, for each claim that the message makes and that is known here, whether it holds."""
    grad = upstream_of(case)
    said = [(held, re.search(claim, message)) for claim, held in CLAIMS.items()]
    with np.errstate(all="ignore"):
        return [
            held(case, match, by_rule(case, grad), by_differences(case, grad))
            for held, match in said
            if match
        ]
