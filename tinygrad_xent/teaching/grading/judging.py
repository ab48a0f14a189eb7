"""Verdicts on a file: its answers to exercises, and the ops that it defines."""

import difflib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.exercises.verdict import quoted
from tinygrad_xent.teaching.grading.sandbox import MOST_LEFT_OUT, Limits
from tinygrad_xent.teaching.grading.session import Files, Session
from tinygrad_xent.teaching.grading.without_answers import REFUSAL
from tinygrad_xent.visualization.naming import printable

_OPS_TO_WRITE = frozenset({"softmax", "log_softmax", "logsumexp", "sum_to", "put"})
_WRITING_OPS = frozenset({"stable_softmax", "logsumexp", "unbroadcast", "embedding_backward"})
"""Exercises to write ops that the package has, and the ops that are withheld from them."""
LOST = {
    " does not parse: ": "does-not-parse",
    " and was left out": "did-not-end",
    "": "cell-failed",
}
"""The codes of answers whose cell failed, by what is said of it."""
_MOST_ERRORS = 50
_LARGEST_PICTURE = 2**20  # letters


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
        The code of the verdict, or "not-answered", "misnamed", "does-not-parse", "did-not-end",
        "cell-failed", "own-op", "too-slow", "no-time-left", "too-much-written", "crashed",
        "no-answer".
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
    picture : str
        Of a wrong answer, the graph of what it computes, as SVG. The learner's code may have
        written it: show it only where it can neither run nor load anything, as in an image.
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
    picture: str = ""


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
        code = next(code for words, code in LOST.items() if words in why)
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
    files: Files | None = None,
    with_ops: bool = False,
    with_pictures: bool = False,
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
        The seconds that the code takes are counted in it, for the student's next file.
    files : Files, optional
        What lies around the code, to import and to read.
    with_ops : bool
        Also check the rules of the ops that the code defines.
    with_pictures : bool
        Also draw what wrong answers compute.

    Returns
    -------
    Report
        The exercises in the order of `names`; one without an answer scores 0.

    Raises
    ------
    SubmissionError
        If the process to run the code in cannot be started.
    """
    sessions = _Sessions(cells, names, limits or Limits(), files)
    try:
        first = sessions.alive(frozenset())
        found, ended = first.found, first.ended
        if ended:
            message = f"Running {first.place} {ended[1]}."
            return Report(tuple(Result(name, 0, ended[0], message) for name in names))
        exercises = [
            _answer(sessions, name, np.random.default_rng([seed, *name.encode()]))
            if name in found["answers"]
            else not_answered(name, found)
            for name in names
        ]
        errors, ops = found["errors"], []
        wrong = [r for r in exercises if not r.score and r.evidence and with_pictures]
        if errors or with_ops or wrong:  # what failed may be there when nothing is left out
            whole = sessions.alive(None)
            errors = errors if whole.ended else whole.found["errors"]
            found_ops = whole.found["ops"] if with_ops else ()
            ops = [_op(sessions, name, seed + i) for i, name in enumerate(found_ops)]
            exercises = [
                replace(r, picture=_picture(sessions, r.name)) if r in wrong else r
                for r in exercises
            ]
        return Report(tuple(exercises), tuple(ops), tuple(errors[:_MOST_ERRORS]))
    finally:
        sessions.close()


class _Sessions:
    """One session after another: when an answer ends its process, the others get a new one.

    A statement that ends the process while the file is run, or does not end, is left out.
    """

    def __init__(self, *given: Any) -> None:
        self._given = given
        self._left_out: dict[str, str] = {}
        self._open: dict[frozenset[str] | None, Session] = {}

    def alive(self, withheld: frozenset[str] | None) -> Session:
        """Return the session from which these ops are withheld, a new one if it has ended."""
        session = self._open.get(withheld)
        if session is None or session.ended:
            session = self._new(withheld)
        while session.ended and session.ended[0] != "no-answer" and session.limits.left:
            if session.place in self._left_out or len(self._left_out) == MOST_LEFT_OUT:
                break
            self._left_out[session.place] = session.ended[1]
            session = self._new(withheld)
        return session

    def _new(self, withheld: frozenset[str] | None) -> Session:
        if withheld in self._open:
            self._open.pop(withheld).close()
        cells, names, limits, files = self._given
        session = Session(cells, names, withheld, limits, files, self._left_out)
        return self._open.setdefault(withheld, session)

    def close(self) -> None:
        for session in self._open.values():
            session.close()


def _answer(sessions: _Sessions, name: str, rng: np.random.Generator) -> Result:
    def judge(session: Session) -> Result:
        verdict = CATALOGUE[name].judge(session.function(name), rng)
        code = "own-op" if REFUSAL in verdict.message else verdict.code
        shown = verdict.message, verdict.case, verdict.evidence, verdict.hint, verdict.share
        return Result(name, int(bool(verdict)), code, *shown)

    return _judged(sessions, _OPS_TO_WRITE if name in _WRITING_OPS else frozenset(), name, judge)


def _picture(sessions: _Sessions, name: str) -> str:
    """Return the graph of what an answer computes for the first, smallest inputs."""
    case = CATALOGUE[name].cases(np.random.default_rng(0))[0]
    draw = sessions.alive(None).function(name, "drawn")
    with suppress(Exception):  # it may refuse Tensors, or be too slow with them
        picture = draw(*case.args, **case.params)
        if picture.startswith("<svg") and len(picture) <= _LARGEST_PICTURE:
            return str(picture).encode(errors="replace").decode()
    return ""


def _op(sessions: _Sessions, name: str, seed: int) -> Result:
    def judge(session: Session) -> Result:
        code, message, hint, *lines = map(printable, session.function(name, "op")(seed))
        evidence = tuple(("", line) for line in lines)
        passed = int(code == "passed")
        return Result(name, passed, code, message, evidence=evidence, hint=hint)

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
