"""Verdicts on a file: its answers to exercises, and the ops that it defines."""

from __future__ import annotations

import keyword
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_xent import domains
from tinygrad_xent.checking import Diagnosis, gradcheck
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.errors import MessageError, TinygradXentError
from tinygrad_xent.op import Op
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.grading.limits import Limits
from tinygrad_xent.teaching.grading.messages import decode
from tinygrad_xent.teaching.grading.sandbox import REFUSAL
from tinygrad_xent.teaching.grading.session import Deadline, Files, Session
from tinygrad_xent.visualization.naming import printable

_OPS_TO_WRITE = frozenset({"softmax", "log_softmax", "logsumexp", "sum_to", "put"})
_WRITING_OPS = frozenset({"stable_softmax", "logsumexp", "unbroadcast", "embedding_backward"})
"""Exercises to write ops that the package has, and the ops that are withheld from them."""
_MOST_ERRORS = 50
_DOMAINS = {value.name: value for value in vars(domains).values() if hasattr(value, "draw")}
Call = tuple[tuple[Any, ...], Mapping[str, Any]]


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
        The code of the verdict, or "not-answered", "own-op", "too-slow", "no-time-left",
        "too-much-written", "crashed", "no-answer".
    message : str
        What a teacher would say, in Markdown.
    case : str
        What is special about the inputs that show it.
    evidence : tuple of (str, str)
        These inputs by name; for ops, lines under an empty name.
    hint : str
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


def not_answered(name: str) -> Result:
    """Return the result for an exercise without an answer."""
    return Result(name, 0, "not-answered", "There is no answer to this exercise.")


def judge_cells(
    cells: Sequence[str],
    names: Collection[str],
    *,
    seed: int,
    closed: Collection[str] = (),
    limits: Limits | None = None,
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
    closed : collection of str
        Files and folders that the code cannot read.
    limits : Limits, optional
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
    deadline = Deadline(limits.total_seconds)
    sessions = _Sessions(
        lambda withheld: Session(cells, names, withheld, closed, limits, deadline, files)
    )
    try:
        first = sessions.alive(())
        found, ended = first.found, first.ended
        if ended:
            message = f"Running the file {ended[1]}."
            return Report(tuple(Result(name, 0, ended[0], message) for name in names))
        exercises = [
            _answer(sessions, name, np.random.default_rng([seed, i]))
            if name in found["answers"]
            else not_answered(name)
            for i, name in enumerate(names)
        ]
        ops = [
            _op(sessions, i, op, np.random.default_rng([seed, len(names) + i]))
            for i, op in enumerate(found["ops"] if with_ops else ())
        ]
        return Report(tuple(exercises), tuple(ops), tuple(found["errors"][:_MOST_ERRORS]))
    finally:
        sessions.close()


class _Sessions:
    """One session after another: when an answer ends its process, the others get a new one."""

    def __init__(self, start: Callable[[Collection[str] | None], Session]) -> None:
        self._start = start
        self._open: dict[Collection[str] | None, Session] = {}

    def alive(self, withheld: Collection[str] | None) -> Session:
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
        shown = verdict.message, verdict.case, verdict.evidence, verdict.hint
        return Result(name, int(bool(verdict)), code, *shown)

    return _judged(sessions, _OPS_TO_WRITE if name in _WRITING_OPS else (), name, judge)


def _op(
    sessions: _Sessions, number: int, op: Mapping[str, Any], rng: np.random.Generator
) -> Result:
    def judge(session: Session) -> Result:
        found = _judge_op(session, session.found["ops"][number], rng)
        evidence = tuple(("", line) for line in found.evidence)
        score = int(found.code == "passed")
        return Result(name, score, found.code, found.message, "", evidence, found.hint)

    name = printable(op.get("name", "an op"))[:100]
    return _judged(sessions, None, name, judge)


def _judged(
    sessions: _Sessions,
    withheld: Collection[str] | None,
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


# -- an op that runs in the child ----------------------------------------------------------------


def _judge_op(
    session: Session, described: Mapping[str, Any], rng: np.random.Generator
) -> Diagnosis:
    """Check the rule of an op, where its file called it and at random inputs.

    Returns
    -------
    Diagnosis
        Its code may also be "passed", "no-rule" or "no-inputs".
    """
    if described.get("rule") is None:
        return Diagnosis("no-rule", "It has no backward rule.", "")
    try:
        op = _remote_op(session, described)
    except (TinygradXentError, KeyError, TypeError, ValueError) as error:
        why = printable(error)
        return Diagnosis("no-inputs", f"It cannot be called from another process: {why}.", "")
    problem = "its signature does not tell the values of its parameters"
    tried = False
    for candidates in _inputs(op, described, rng):
        for inputs, params in candidates:
            if not (problem := _unfit(op, inputs, params)):
                tried = True
                report = gradcheck(op, *inputs, rng=rng, **params)
                if report.diagnosis is not None:
                    return report.diagnosis
                break
            if session.ended:
                return Diagnosis("no-inputs", problem, "")
    if not tried:
        message = f"No inputs were found to check it with: {problem}. Call it once in the file."
        return Diagnosis("no-inputs", message, "")
    return Diagnosis("passed", "Its rule agrees with differences of its function.", "")


def _unfit(op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> str:
    """Return why an op cannot be checked at these inputs, or ""."""
    try:
        y = np.asarray(op(*inputs, **params), dtype=float)
    except Exception as error:  # noqa: BLE001 - anything may go wrong in there
        return f"it raised {type(error).__name__}: {printable(error)}"
    return "" if np.isfinite(y).all() else "it returns NaN or inf for random inputs"


def _remote_op(session: Session, described: Mapping[str, Any]) -> Op:
    """Return an op whose function and rule run in the child."""
    name, inputs, variadic, required, optional, defaults, shapes = (
        decode(described[part])
        for part in ("name", "inputs", "variadic", "required", "optional", "defaults", "shapes")
    )
    names = [name, *inputs, *required, *defaults, *([variadic] if variadic else [])]
    if not all(isinstance(n, str) and n.isidentifier() and not keyword.iskeyword(n) for n in names):
        raise MessageError("a name in its signature is not an identifier")
    # An op reads its inputs from the function's signature, so that has to be the learner's.
    given = [f"*{variadic}"] if variadic else inputs
    keywords = [*required, *defaults]
    head = ", ".join([*given, *(["*"] if keywords and not variadic else []), *keywords])
    passed = ", ".join([*given, *(f"{name}={name}" for name in keywords)])
    space = {"_call": session.function(described["function"])}
    function: Callable[..., Any] = eval(f"lambda {head}: _call({passed})", space)  # noqa: S307
    function.__name__ = function.__qualname__ = name
    function.__defaults__ = tuple(optional.values()) or None
    function.__kwdefaults__ = defaults
    known = tuple(_DOMAINS.get(name, domains.real) for name in described["domains"])
    op = Op(
        function,
        shapes=shapes,
        domain=known if len(known) > 1 else known[0],
        examples=tuple(decode(described["examples"])),
    )
    op.backward(session.function(described["rule"]))
    return op


def _inputs(op: Op, described: Mapping[str, Any], rng: np.random.Generator) -> Iterator[list[Call]]:
    """Yield lists of calls; of each list, the first call that the op accepts is to be checked.

    What the file calls the op with shows best what it is made for: those numbers, and fresh ones of
    the same shapes. Without a call, its `shapes`, `domain` and `examples` tell; without those,
    small arrays of common shapes are tried.
    """
    for call in described["calls"]:
        inputs, params = decode(call)
        yield [(inputs, params)]
        yield [(tuple(_fresh(x, rng) for x in inputs), params)]
    if described["calls"] or (op.required and op.examples == ({},)):
        return
    count = len(op.inputs) or 2
    if op.shapes != ",".join(["()"] * len(op.inputs)) + "->()" or op.examples != ({},):
        for inputs, params in samples(op, rng):
            yield [(inputs, params)]
        return
    drawn = [d.draw for d in op.domains * (count if op.variadic else 1)]
    shapes: list[list[tuple[int, ...]]] = [[(2, 3)] * count, [(3,)] * count, [(3, 3)] * count]
    if count == 2:
        shapes.insert(1, [(2, 3), (3, 4)])
    yield [
        (tuple(draw(rng, shape) for draw, shape in zip(draws, form, strict=True)), {})
        for form in shapes
        for draws in (drawn, [domains.positive.draw] * count, [domains.simplex.draw] * count)
    ]


def _fresh(value: Any, rng: np.random.Generator) -> Any:
    """Return random numbers of the same dtype and shape, and about the same range."""
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.size == 0:
        return value
    low, high = float(array.min()), float(array.max())
    noise = rng.uniform(0.0, 1.0, array.shape) * ((high - low) or 0.1 * (abs(high) or 1.0)) + low
    return noise.astype(array.dtype)
