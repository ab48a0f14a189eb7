"""From an answer to a verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case, same
from tinygrad_xent.teaching.exercises.comparing import Closeness, Difference, a, compare, shown
from tinygrad_xent.teaching.exercises.diagnosing import diagnosed
from tinygrad_xent.teaching.exercises.prose import quoted
from tinygrad_xent.teaching.exercises.verdict import Verdict
from tinygrad_xent.visualization.naming import printable

if TYPE_CHECKING:
    from tinygrad_xent.teaching.exercises.exercise import Exercise

_ROUNDINGS = 1000  # of the inputs' precision, that a right answer may have collected
_LONGEST = 300
_NO_GRADIENT = ("raised", "mutated", "none", "wrong-type", "wrong-count")


@dataclass(frozen=True)
class Outcome:
    """What a call led to: a value or an error, and the argument that it changed, if it did."""

    value: Any = None
    error: BaseException | None = None
    changed: str = ""


def judge(exercise: Exercise, answer: Any, rng: np.random.Generator) -> Verdict:
    """Try an answer on the cases of an exercise."""
    if not callable(answer):
        return Verdict(
            passed=False,
            code="not-callable",
            message=f"A function is to be checked, and this is {a(answer)}. Hand over the function "
            f'without calling it: `check("{exercise.name}", {exercise.name})`.',
        )
    cases = list(_cases(exercise, rng))
    outcomes = []
    for case in cases:
        outcomes.append(_tried(exercise, answer, case))
        if isinstance(outcomes[-1].error, NotImplementedError):
            message = "Nothing is written yet: put your code in place of the line with `raise`."
            return Verdict(passed=False, code="blank", message=message)
    for case, outcome in zip(cases, outcomes, strict=True):
        if found := _fault(exercise, case, outcome):
            break
    else:
        kinds = ", ".join(dict.fromkeys(case.about for case in cases))
        return Verdict(passed=True, code="passed", message=f"Right for {kinds}.")
    told = _recognised(exercise, cases, outcomes, found)
    if told is None and exercise.rule_of and found.code not in _NO_GRADIENT:
        told = diagnosed(exercise.rule_of, answer, case, found, rng)
    told = told or found
    evidence = tuple((name, shown(value)) for name, value in _named(exercise, case))
    return Verdict(
        passed=False, code=told.code, message=told.message, case=case.about, evidence=evidence
    )


def _cases(exercise: Exercise, rng: np.random.Generator) -> Iterator[Case]:
    """Draw the inputs; for a backward rule, compute the output and draw its gradient too."""
    for case in exercise.cases(rng):
        if exercise.rule_of is None:
            yield case
            continue
        args, params = case.copy()
        y = np.asarray(exercise.rule_of(*args, **params))
        grad = np.asarray(rng.normal(size=y.shape), dtype=y.dtype)
        yield Case(case.about, grad, y, *case.args, **case.params)


def _tried(exercise: Exercise, answer: Callable[..., Any], case: Case) -> Outcome:
    """Call an answer with copies of the arguments, so that it spoils nothing but its own."""
    args, params = case.copy()
    try:
        with np.errstate(all="ignore"):  # what overflows is told by the verdict
            value = answer(*args, **params)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - anything may go wrong in there
        return Outcome(error=error)
    pairs = zip(_named(exercise, case), (*args, *params.values()), strict=True)
    changed = [name for (name, before), after in pairs if not same(before, after)]
    return Outcome(value, changed=changed[0] if changed else "")


def _named(exercise: Exercise, case: Case) -> list[tuple[str, Any]]:
    """Give the arguments with the names that the solution has for them."""
    names = inspect.signature(exercise.answer).parameters
    return [*zip(names, case.args, strict=False), *case.params.items()]


def _fault(exercise: Exercise, case: Case, outcome: Outcome) -> Difference | None:
    """Say what is wrong with an outcome."""
    if outcome.error is not None:
        text = " ".join(str(outcome.error).split())[:_LONGEST]
        said = printable(": ".join(filter(None, (type(outcome.error).__name__, text))))
        return Difference("raised", f"Your function raised {quoted(said)}.")
    args, params = case.precise().copy()
    if exercise.verify:
        message = exercise.verify(outcome.value, *args, **params)
        found = Difference("wrong-value", message) if message else None
    else:
        with np.errstate(all="ignore"):
            truth = exercise.answer(*args, **params)
        found = compare(outcome.value, truth, exercise.returns, _close(exercise, case))
    if found is None and outcome.changed:
        return Difference(
            "mutated",
            f"The result is right, but your function changed its argument `{outcome.changed}`, "
            "which others still use. Make a new array: `a = a + b` instead of `a += b`.",
        )
    return found


def _close(exercise: Exercise, case: Case) -> Closeness:
    least = _ROUNDINGS * case.epsilon if case.epsilon > 1e-15 else 0.0
    return replace(exercise.close, tolerance=max(exercise.close.tolerance, least))


def _recognised(
    exercise: Exercise, cases: Sequence[Case], outcomes: Sequence[Outcome], found: Difference
) -> Difference | None:
    """Find the common mistake that gives the same wrong answers on all inputs."""
    for mistake in exercise.mistakes:
        theirs = [_tried(exercise, mistake.function, case) for case in cases]
        close = [_close(exercise, case) for case in cases]
        if all(map(_agree, outcomes, theirs, close)):
            return Difference("mistake", f"{mistake.words} {found.message}")
    return None


def _agree(one: Outcome, other: Outcome, close: Closeness) -> bool:
    if one.error or other.error:
        return type(one.error) is type(other.error)
    if one.value is None or other.value is None:
        return one.value is other.value
    try:
        apart = compare(one.value, other.value, "result", close)
    except (TypeError, ValueError):  # a mistake may return what no right answer would be
        return False
    return apart is None and one.changed == other.changed
