"""Verdicts on a file: its answers to exercises, and the ops that it defines."""

import difflib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.exercises.verdict import quoted
from tinygrad_xent.teaching.grading.limits import Limits
from tinygrad_xent.teaching.grading.session import Deadline, Files, Session
from tinygrad_xent.teaching.grading.without_answers import REFUSAL

_OPS_TO_WRITE = frozenset({"softmax", "log_softmax", "logsumexp", "sum_to", "put"})
_WRITING_OPS = frozenset({"stable_softmax", "logsumexp", "unbroadcast", "embedding_backward"})
"""Exercises to write ops that the package has, and the ops that are withheld from them."""
LOST = ("does-not-parse", "cell-failed")
"""The codes of answers whose cell failed."""
_MOST_ERRORS = 50


@dataclass(frozen=True)
class Result:
    """The result for one exercise, or one op.

    Attributes
    ----------
    name : str
        The exercise or op.
    score : int
        1 or 0.
    code : str
        The code of the verdict, or "not-answered", "misnamed", "does-not-parse", "cell-failed",
        "own-op", "too-slow", "no-time-left", "too-much-written", "crashed", "no-answer".
    message : str
        What a teacher would say, in Markdown.
    case : str
        What is special about the inputs that show it.
    evidence : tuple of (str, str)
        These inputs by name; for ops, lines under an empty name.
    hint : str
    share : float
        How much of the inputs it is right for, from 0 to 1.
    seconds : float
        How long judging took.
    """

    name: str
    score: int
    code: str
    message: str
    case: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    share: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """The results for a file.

    Attributes
    ----------
    exercises, ops : tuple of Result
    errors : tuple of str
        Which cells failed, and how.
    """

    exercises: tuple[Result, ...]
    ops: tuple[Result, ...] = ()
    errors: tuple[str, ...] = ()


def not_answered(name: str, found: Mapping[str, Any]) -> Result:
    """Return the result for an exercise without an answer: its cell failed, or it is misnamed."""
    if why := found["lost"].get(name):
        code = LOST[" does not parse: " not in why]
        return Result(name, 0, code, f"The answer is lost: {quoted(why)}.")
    others = [other for other in found["functions"] if other not in CATALOGUE]
    for near in difflib.get_close_matches(name, others, n=1, cutoff=0.85):
        message = f"There is no answer to this exercise. Did you mean {quoted(near)}? Then call it"
        return Result(name, 0, "misnamed", f"{message} `{name}`.")
    return Result(name, 0, "not-answered", "There is no answer to this exercise.")


def judge_cells(
    cells: Sequence[str],
    names: Collection[str],
    *,
    seed: int,
    limits: Limits | None = None,
    deadline: Deadline | None = None,
    with_ops: bool = False,
    files: Files | None = None,
) -> Report:
    """Run a file's code in a child process and judge what it answers.

    Parameters
    ----------
    cells : sequence of str
        The code.
    names : collection of str
        The exercises to judge.
    seed : int
        The seed of the random inputs. Learners must not know it.
    limits : Limits, optional
    deadline : Deadline, optional
        When the student's time is over; by default it begins now.
    with_ops : bool
        Also check the rules of the ops that the code defines.
    files : Files, optional
        What lies around the code, to import and to read.

    Returns
    -------
    Report
        The exercises in the order of `names`; one without an answer scores 0.

    Raises
    ------
    SubmissionError
        If the process to run the code in cannot be started.
    """
    limits = limits or Limits()
    deadline = deadline or Deadline(limits.total_seconds)
    sessions = _Sessions(lambda withheld: Session(cells, names, withheld, limits, deadline, files))
    try:
        first = sessions.alive(frozenset())
        found, ended = first.found, first.ended
        if ended:
            message = f"Running the file {ended[1]}."
            return Report(tuple(Result(name, 0, ended[0], message) for name in names))
        exercises = [
            _answer(sessions, name, np.random.default_rng([seed, *name.encode()]))
            if name in found["answers"]
            else not_answered(name, found)
            for name in names
        ]
        errors, ops = found["errors"], []
        if errors or with_ops:  # what failed may be there when nothing is left out
            whole = sessions.alive(None)
            errors = errors if whole.ended else whole.found["errors"]
            found_ops = whole.found["ops"] if with_ops else ()
            ops = [_op(sessions, i, name[:100], seed + i) for i, name in enumerate(found_ops)]
        return Report(tuple(exercises), tuple(ops), tuple(errors[:_MOST_ERRORS]))
    finally:
        sessions.close()


class _Sessions:
    """One session after another: when an answer ends its process, the others get a new one."""

    def __init__(self, start: Callable[[frozenset[str] | None], Session]) -> None:
        self._start = start
        self._open: dict[frozenset[str] | None, Session] = {}

    def alive(self, withheld: frozenset[str] | None) -> Session:
        """Return the session from which these ops are withheld, a new one if it has ended."""
        if withheld in self._open and self._open[withheld].ended:
            self._open.pop(withheld).close()
        if withheld not in self._open:
            self._open[withheld] = self._start(withheld)
        return self._open[withheld]

    def close(self) -> None:
        for session in self._open.values():
            session.close()


def _answer(sessions: _Sessions, name: str, rng: np.random.Generator) -> Result:
    def judge(session: Session) -> Result:
        answer = session.function(session.found["answers"].get(name, -1))
        verdict = CATALOGUE[name].judge(answer, rng)
        code = "own-op" if REFUSAL in verdict.message else verdict.code
        shown = verdict.message, verdict.case, verdict.evidence, verdict.hint, verdict.share
        return Result(name, int(bool(verdict)), code, *shown)

    return _judged(sessions, _OPS_TO_WRITE if name in _WRITING_OPS else frozenset(), name, judge)


def _op(sessions: _Sessions, number: int, name: str, seed: int) -> Result:
    def judge(session: Session) -> Result:
        return Result(name, **session.check_op(number, seed))

    return _judged(sessions, None, name, judge)


def _judged(
    sessions: _Sessions,
    withheld: frozenset[str] | None,
    name: str,
    judge: Callable[[Session], Result],
) -> Result:
    """Judge in a session that is alive; if that ends the session, this is the result."""
    start = time.monotonic()
    session = sessions.alive(withheld)
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
