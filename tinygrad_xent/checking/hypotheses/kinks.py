"""Places where there is no derivative, and nobody's mistake."""

from __future__ import annotations

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.visualization.formatting import count, number


def kink(case: Case) -> Diagnosis:
    """Say where the slopes on the two sides differ, and that any between them will do."""
    assert case.judged is not None  # noqa: S101 - a case that is right was judged
    places = case.judged.kink
    first = tuple(np.argwhere(places)[0])
    at = f"[{', '.join(map(str, first))}]" if first else ""
    # For an upstream gradient of ones.
    got, middle = case.got[-1][first], case.expected[-1][first]
    half = np.abs(case.tolerance[-1][first]) / 2
    left, right = (number(round(float(slope), 9)) for slope in (middle - half, middle + half))
    return Diagnosis(
        "kink",
        f"The function has a kink at {count(int(places.sum()), 'entry')} of {case.name}, first at "
        f"{case.name}{at} = {number(case.x[first])}: the slopes on its two sides are "
        f"{left} and {right}, and the rule gives {number(got)}. "
        "That is not a mistake.",
        case.name,
        (),
        "There is no derivative at a kink; any value between the two slopes serves. Check at other "
        "numbers to see the rule tested there.",
    )
