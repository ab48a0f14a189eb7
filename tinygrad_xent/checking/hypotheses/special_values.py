"""NaN and infinities, dtypes that cannot hold the gradient, and places without a derivative."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.visualization.bad_numbers import first_bad
from tinygrad_xent.visualization.formatting import count, number
from tinygrad_xent.visualization.naming import entry_name

_LARGE = 1e12  # numbers hardly larger have no digits after the point
_CUT = 2.0  # what two contributions lose that are cut to whole numbers


def non_finite(case: Case) -> Iterator[Claim]:
    """NaN or an infinity where the gradient is a number."""
    bad = ~np.isfinite(case.got) & np.isfinite(case.expected)
    if not bad.any():
        return
    places = bad.any(axis=0)
    first = tuple(np.argwhere(places)[0])
    kinds = {number(v) for v in case.got[bad]}
    value, many = number(case.x[first]), count(int(places.sum()), "entry")
    slope, doubt = np.abs(case.expected[-1][first]), case.tolerance[-1][first]
    smooth = f", where the slope is {number(case.expected[-1][first])}" if doubt <= slope else ""
    yield Claim(
        "non-finite",
        f"The gradient of {{name}} is {' or '.join(sorted(kinds))} in {many}, "
        f"first at {entry_name('{name}', first)} = {value}{smooth}.",
        np.where(bad, case.expected, case.got),
        _origin(case)
        or "Look for a division by 0, 0 times infinity, or an exponential that overflows. where() "
        "does not help: it computes both sides.",
    )


def _origin(case: Case) -> str:
    """Return the op of a recorded graph that made the first bad number, and what avoids it."""
    recorded = case.subject.record(case.subject.inputs)
    found = recorded and first_bad(recorded[0], seed=case.upstream[0])
    return f"It begins here: {' '.join(str(found).split())}" if found else ""


def wrong_dtype(case: Case) -> Iterator[Claim]:
    """Whole numbers, or fewer digits than the input has."""
    cut = case.got is not None and np.array_equal(case.got, np.round(case.got))
    if cut and case.scale < _LARGE and (case.upstream % 1).any() and (case.expected % 1).any():
        yield Claim(
            "wrong-dtype",
            "The gradient of {name} has whole numbers only: digits after the point are lost.",
            None,
            "Look for // where / belongs, and for a rounding.",
        )
    kinds = {np.asarray(r).dtype for r in case.raw if r is not None}
    if not kinds or (case.got is None and not any(k.kind in "cOUS" for k in kinds)):
        return
    kind = max(kinds, key=str)
    if kind.kind in "cOUS":
        why, hint, corrected = "gradients are real numbers", "Return a floating array.", None
    elif kind.kind in "iub":
        why = "the digits after the point are cut off"
        hint = "Make the array with np.zeros_like(x), or with dtype=x.dtype."
        near = np.abs(case.got - case.expected) < _CUT
        corrected = np.where(near, case.expected, case.got)
    elif np.finfo(kind).eps > np.finfo(case.x.dtype).eps:
        why, hint = "digits are lost", "Compute in the dtype of the input."
        near = np.abs(case.got - case.expected) <= 50 * float(np.finfo(kind).eps) * case.scale
        corrected = np.where(near, case.expected, case.got)
    else:
        return
    but = f", but {{name}} is {case.x.dtype}" if kind.kind == "f" else ""
    words = f"The gradient of {{name}} comes as {kind}{but}: {why}."
    yield Claim("wrong-dtype", words, corrected, hint)


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


def function_not_finite(name: str, out: Any) -> Diagnosis:
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
