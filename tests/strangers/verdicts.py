"""What the check says of a stranger's rule, and whether a teacher would accept it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from strangers.case import Case

import tinygrad_xent as tx
from tinygrad_xent.errors import TinygradXentError

FIRST_SIGHT = Path(__file__).parent / "first_sight.json"
MORE = Path(__file__).parent / "first_sight_more.json"


@dataclass(frozen=True)
class Verdict:
    """What the check said: "ok", "wrong", or the class of an error, and its words."""

    outcome: str
    code: str | None
    message: str


def verdict_on(case: Case, seed: int = 0) -> Verdict:
    second = {"order": 2} if case.second else {}
    rng = np.random.default_rng(seed)
    try:
        report = tx.gradcheck(case.op, *case.inputs, rng=rng, **second, **case.params)
    except (TinygradXentError, ValueError, TypeError) as error:
        return Verdict(type(error).__name__, None, str(error))
    diagnosis = report.diagnosis
    if diagnosis is None:
        return Verdict("ok" if report.ok else "wrong", None, "")
    return Verdict("ok" if report.ok else "wrong", diagnosis.code, str(diagnosis))


# Read by hand: what was said of these rules at first sight and does not hold for them. A verdict
# with such a sentence is not acceptable, whatever its code.
UNTRUE = {
    "cross_entropy_upstream_along_the_classes": "A sum runs over the whole array",  # no sum at all
    "huber_without_delta_outside": "in every entry",  # right where the error is small
    "leaky_relu_sides_exchanged": "in every entry",  # 0.1 times on one side, 10 times on the other
    "linear_goes_back_through_updated_weights": "along the wrong axis",  # no sum along another axis
    "log2_negative_and_without_ln2": "its size is right",  # it is 0.693 times what it should be
    "softmax_without_keepdims": "A sum runs over the whole array",  # it runs along the right axis
    "tanh_with_a_detached_output": "The rule gives None for x",  # it gives a gradient
}


def acceptable(case: Case, verdict: Verdict) -> bool:
    """Return whether a teacher would accept the verdict: by its code, or by what the words name."""
    if verdict.outcome not in {"wrong", "RuleResultError"}:
        return False
    if case.name in UNTRUE and UNTRUE[case.name] in verdict.message:
        return False
    told = "No usual mistake" not in verdict.message and all(
        re.search(word, verdict.message, re.IGNORECASE) for word in case.words
    )
    return verdict.code in case.codes or told
