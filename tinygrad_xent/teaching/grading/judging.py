"""Verdicts on a file: its answers to exercises, and the ops that it defines."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.grading.limits import Limits
from tinygrad_xent.teaching.grading.remote_op import judge_op
from tinygrad_xent.teaching.grading.sandbox import REFUSAL
from tinygrad_xent.teaching.grading.session import Session
from tinygrad_xent.visualization.naming import printable

_REBUILT = frozenset({"stable_softmax", "logsumexp", "unbroadcast", "embedding_backward"})
_OWN = frozenset({"softmax", "log_softmax", "logsumexp", "sum_to", "put"})
"""Exercises that are ops of this package, and the ops that these have to do without."""


@dataclass(frozen=True)
class Result:
    """What came out for one exercise, or one op.

    Attributes
    ----------
    name : str
        The exercise or op.
    score : int
        1 or 0.
    code : str
        The verdict's; and "not-answered", "own-op", "too-slow", "no-time-left",
        "too-much-written", "crashed", "no-answer".
    message : str
        What a teacher would say, in Markdown.
    case : str
        What is special about the inputs that show it.
    evidence : tuple of (str, str)
        These inputs by name; for ops, lines under an empty name.
    hint : str
    seconds : float
        That judging took.
    """

    name: str
    score: int
    code: str
    message: str
    case: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """What came out for a file.

    Attributes
    ----------
    exercises, ops : tuple of Result
    errors : tuple of str
        The cells that failed, and how.
    """

    exercises: tuple[Result, ...]
    ops: tuple[Result, ...] = ()
    errors: tuple[str, ...] = ()
    seed: int = field(default=0)


def judge_cells(
    cells: Sequence[str],
    names: Collection[str],
    *,
    seed: int,
    closed: Collection[str] = (),
    limits: Limits | None = None,
    with_ops: bool = False,
) -> Report:
    """Run a file's code in a child process and judge what it answers.

    Parameters
    ----------
    cells : sequence of str
        The code.
    names : collection of str
        The exercises to judge.
    seed : int
        Of the random inputs. Learners must not know it.
    closed : collection of str
        Files and folders that the code cannot read.
    limits : Limits, optional
    with_ops : bool
        Also check the rules of the ops that the code defines.

    Returns
    -------
    Report
        The exercises in the order of `names`; what has no answer scores 0.
    """
    sessions = _Sessions(cells, names, closed, limits or Limits())
    try:
        first = sessions.alive(())
        found, ended = first.found, first.ended
        if ended:
            message = f"Running the file {ended[1]}."
            return Report(tuple(Result(name, 0, ended[0], message) for name in names), seed=seed)
        exercises = [
            _judged(sessions, name, np.random.default_rng([seed, i]))
            if name in found["answers"]
            else Result(name, 0, "not-answered", "There is no answer to this exercise.")
            for i, name in enumerate(names)
        ]
        ops = [
            _checked(sessions, i, op, np.random.default_rng([seed, len(names) + i]))
            for i, op in enumerate(found["ops"] if with_ops else ())
        ]
        return Report(tuple(exercises), tuple(ops), tuple(_errors(found["errors"])), seed)
    finally:
        sessions.close()


class _Sessions:
    """One session after another: when an answer ends its process, the others get a new one."""

    def __init__(self, cells: Any, names: Any, closed: Any, limits: Limits) -> None:
        self._cells, self._names, self._closed = cells, names, closed
        self._limits = limits
        self._end = time.monotonic() + limits.total_seconds
        self._open: dict[Collection[str] | None, Session] = {}

    def alive(self, own: Collection[str] | None) -> Session:
        """Give the session whose code has to do without these ops, a new one if it has ended."""
        if own in self._open and self._open[own].ended:
            self._open.pop(own).close()
        if own not in self._open:
            arguments = self._cells, self._names, own, self._closed, self._limits, self._end
            self._open[own] = Session(*arguments)
        return self._open[own]

    def close(self) -> None:
        for session in self._open.values():
            session.close()


def _judged(sessions: _Sessions, name: str, rng: np.random.Generator) -> Result:
    def judge(session: Session) -> Result:
        answer = session.function(session.found["answers"].get(name, -1))
        verdict = CATALOGUE[name].judge(answer, rng)
        return Result(
            name,
            int(bool(verdict)),
            "own-op" if REFUSAL in verdict.message else verdict.code,
            verdict.message,
            verdict.case,
            verdict.evidence,
            verdict.hint,
        )

    return _with(sessions, _OWN if name in _REBUILT else (), name, judge)


def _checked(
    sessions: _Sessions, number: int, op: Mapping[str, Any], rng: np.random.Generator
) -> Result:
    def judge(session: Session) -> Result:
        code, message, evidence, hint = judge_op(session, session.found["ops"][number], rng)
        return Result(name, int(code == "passed"), code, message, "", evidence, hint)

    name = printable(op.get("name", "an op"))[:100]
    return _with(sessions, None, name, judge)


def _with(
    sessions: _Sessions,
    own: Collection[str] | None,
    name: str,
    judge: Callable[[Session], Result],
) -> Result:
    """Judge in a session that is alive; what ended it goes before a verdict."""
    start = time.monotonic()
    session = sessions.alive(own)
    result = Result(name, 0, "no-answer", "Its answers could not be judged.")
    if not session.ended:
        try:
            result = judge(session)
        except Exception as error:  # noqa: BLE001 - judging strange values may fail in any way
            kind = type(error).__name__
            result = replace(result, message=f"What it returned could not be judged ({kind}).")
    if session.ended:
        code, cause = session.ended
        result = Result(name, 0, code, f"Calling it {cause}.")
    return replace(result, seconds=round(time.monotonic() - start, 3))


def _errors(errors: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Say which cells failed."""
    for error in errors[:50]:
        kinds = error.get("error") or ["an error"]
        place = error.get("place")
        line = f", line {place[1]}" if isinstance(place, list) and len(place) == 2 else ""
        source = f" in `{printable(error['line'])}`" if error.get("line") else ""
        text = printable(" ".join(str(error.get("message", "")).split()))[:300]
        what = f"{printable(kinds[0])}: {text}" if text else printable(kinds[0])
        yield f"cell {error.get('cell')}{line}: {what}{source}"
