"""A wrong backward rule that is no common mistake, put to `gradcheck`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_xent.checking import gradcheck
from tinygrad_xent.op import Op
from tinygrad_xent.teaching.exercises.cases import Case
from tinygrad_xent.teaching.exercises.comparing import Difference

_SAYS_NOTHING = ("kink", "unknown")


def diagnosed(
    forward: Callable[..., Any],
    answer: Callable[..., Any],
    case: Case,
    found: Difference,
    rng: np.random.Generator,
) -> Difference | None:
    """Say what is wrong with a rule.

    Parameters
    ----------
    forward, answer : callable
        The function, and what is said to be its rule.
    case : Case
        Arguments of a call of the rule that went wrong.
    found : Difference
        How it differed.
    rng : numpy.random.Generator

    Returns
    -------
    Difference or None
        None if `gradcheck` cannot tell either.
    """
    failures = []

    def rule(*args: Any, **params: Any) -> Any:
        try:
            return answer(*args, **params)
        except Exception as error:
            failures.append(error)
            raise

    op = Op(forward)
    op.backward(rule)
    _, _, *inputs = case.args
    try:
        diagnosis = gradcheck(op, *inputs, rng=rng, **case.params).diagnosis
    except Exception:  # noqa: BLE001 - an answer may fail on other gradients than the one tried
        return None
    if failures or diagnosis is None or diagnosis.code in _SAYS_NOTHING:
        return None
    said = f"{diagnosis.message} {found.message} {diagnosis.hint}"
    return Difference(diagnosis.code, said.strip())
