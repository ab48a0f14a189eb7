"""An exercise: a function to write, its hints and common mistakes, and how an answer is judged."""

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_xent.checking import Diagnosis, gradcheck
from tinygrad_xent.op import Op
from tinygrad_xent.teaching.exercises.cases import Case, TooManyStepsError, copied, same
from tinygrad_xent.teaching.exercises.reading import (
    Function,
    bare_source,
    blank_source,
    mistakes_of,
    sections,
)
from tinygrad_xent.teaching.exercises.returned_values import (
    Call,
    Closeness,
    Difference,
    a,
    compare,
    listed,
    noticed,
    shown,
)
from tinygrad_xent.teaching.exercises.verdict import Verdict, quoted
from tinygrad_xent.visualization.naming import printable

_ROUNDING_ERRORS = 1000  # in units of the inputs' precision: how many a right answer may add up
_LONGEST = 300
_NOTHING = Difference("", "")
_NO_GRADIENT = ("raised", "too-many-steps", "mutated", "none", "wrong-type", "wrong-count")
_SAYS_NOTHING = "No usual mistake"
_CALLED_WRONGLY = r"\(\) (got an unexpected|got multiple|missing \d|takes )"  # Python's own words


class Exercise:
    """A function to write, with all that is needed to teach and to judge it.

    Parameters
    ----------
    task : module
        A module with the name of the function to write. Its docstring has a title, the statement in
        Markdown, and two sections. `Hints` has three numbered paragraphs of Markdown, from a nudge
        to nearly the solution. `Mistakes` has wrong answers, each with what a teacher would say
        about it indented below it, in Markdown. A wrong answer is the one line of its body; or the
        name of a function of the module; or a diff, in which a minus and a blank stand before lines
        of the solution, and a plus and a blank before what replaces them. The module's names are:

        - the function to write, which is the right answer. It also computes the expected values, so
          it must be right to the last digit. Its docstring is that of the function to write.
        - `inputs(rng)`, which yields cases (`Case`) drawn with a random generator, small ones
          first. They should tell each mistake from the right answer and from the other mistakes.
          One more is made of the first, in float32.
        - `float32`, whether it is; True by default.
        - `forward`, only for a backward rule: the function that it belongs to. The cases are inputs
          of that function.
        - `verify(value, *args, **params)`, only where several values are right: it judges a
          returned one, and returns a sentence about what is wrong, or "".
        - `returns`, what messages call the result: "result" by default, or "m, s" for two. For a
          backward rule it follows from `forward`.
        - `tolerance`, the largest error, relative to the largest expected number: 1e-9 by default.
        - `entrywise`, whether the error of each number is relative to that number instead.

    lesson : int
        The number of the lesson that the exercise belongs to.

    Attributes
    ----------
    name, title, statement : str
        The name of the function to write; the statement is Markdown.
    hints : tuple of str
    blank, solution : str
        Source code: what the learner starts from, and a right answer.
    mistakes : tuple of Mistake

    Raises
    ------
    ExerciseError
        If the docstring is not written in this way.

    Examples
    --------
    >>> from tinygrad_xent.teaching.exercises import CATALOGUE
    >>> exercise = CATALOGUE["square_backward"]
    >>> print(exercise.solution)
    def square_backward(grad, y, x):
        return grad * 2 * x
    """

    def __init__(self, task: ModuleType, lesson: int) -> None:
        self.name = task.__name__.rpartition(".")[2]
        read = sections(inspect.getsource(task), task.__name__)
        self.title, self.statement, self.hints, mistakes = read
        self.lesson = lesson
        self.answer: Function = getattr(task, self.name)
        self.solution = bare_source(self.answer)
        self.blank = blank_source(self.answer, self.solution)
        self.inputs: Callable[[np.random.Generator], Iterable[Case]] = task.inputs
        self.forward: Function | None = getattr(task, "forward", None)
        self.verify: Callable[..., str] | None = getattr(task, "verify", None)
        named = _names_of_gradients(self.forward) if self.forward else "result"
        self.returns: str = getattr(task, "returns", named)
        self.float32: bool = getattr(task, "float32", True)
        entrywise = getattr(task, "entrywise", False)
        self.close = Closeness(getattr(task, "tolerance", 1e-9), entrywise)
        self.mistakes = mistakes_of(task, mistakes, self.name, self.solution)

    def cases(self, rng: np.random.Generator) -> list[Case]:
        """Draw the inputs; for a backward rule, add the output and an upstream gradient."""
        given = list(self.inputs(rng))
        single = next(iter(self.inputs(rng))).cast(np.float32, "float32")
        if self.float32 and single.epsilon > np.finfo(float).eps:
            given.append(single)
        if self.forward is None:
            return given
        drawn = []
        for case in given:
            args, params = case.copy()
            y = np.asarray(self.forward(*args, **params))
            grad = np.asarray(rng.normal(size=y.shape), dtype=y.dtype)
            drawn.append(Case(case.about, grad, y, *case.args, **case.params))
        return drawn

    def judge(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Judge an answer by what it returns for random inputs.

        Parameters
        ----------
        answer : callable
            It is only called, so it may stand for a function of another process.
        rng : numpy.random.Generator
            Draws the inputs.

        Returns
        -------
        Verdict
        """
        verdict = _judge(self, answer, rng)
        hint = "" if verdict.passed or verdict.code == "mistake" else verdict.hint or self.hints[0]
        next_hint = 2 if hint == self.hints[0] else 1
        share = 1.0 if verdict.passed else verdict.share
        return replace(verdict, exercise=self.name, hint=hint, next_hint=next_hint, share=share)

    def __repr__(self) -> str:
        return f"<exercise {self.name}>"

    def _repr_markdown_(self) -> str:
        return f"**{self.title}**\n\n{self.statement}"


def _names_of_gradients(forward: Function) -> str:
    parameters = inspect.signature(forward).parameters.values()
    return ", ".join(f"d{p.name}" for p in parameters if p.kind is not p.KEYWORD_ONLY)


# -- judging ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Try(Call):
    """One call of an answer: a value or an error, and what is wrong with it.

    `changed` names an argument that the answer changed. If nothing is wrong, `fault.code` is "".
    """

    case: Case
    error: BaseException | None = None
    changed: str = ""
    fault: Difference = _NOTHING

    @property
    def right(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.fault.code


def _judge(exercise: Exercise, answer: Any, rng: np.random.Generator) -> Verdict:
    if not callable(answer):
        return Verdict(
            passed=False,
            code="not-callable",
            message=f"The answer must be a function, and this is {a(answer)}. Pass the function "
            f'without calling it: `check("{exercise.name}", {exercise.name})`.',
        )
    # Empty arrays come last: NumPy's own helpers fail for some of them, and so may a good answer.
    cases = sorted(exercise.cases(rng), key=lambda case: case.empty)
    tries = []
    for case in cases:
        tries.append(_tried(exercise, answer, case))
        if isinstance(tries[-1].error, NotImplementedError):
            message = "Nothing is written yet: put your code in place of the line with `raise`."
            return Verdict(passed=False, code="blank", message=message)
    wrong = [one for one in tries if not one.right]
    right = listed(list(dict.fromkeys(one.case.about for one in tries if one.right)))
    if all(one.case.empty for one in wrong):
        message = f"Right for {right}."
        if wrong:
            about, what = wrong[0].case.about, wrong[0].fault.message
            message += f" For {about} it is not, which hardly matters: {what}"
        return Verdict(passed=True, code="passed", message=message)
    first = wrong[0]
    told = _recognised(exercise, tries, first)
    if told is None:
        told = _explained(exercise, answer, tries, first)
        if tries[0].right:
            told = replace(told, message=f"{told.message} Your function is right for {right}.")
    evidence = tuple((name, shown(value)) for name, value in first.arguments.items())
    return Verdict(
        passed=False,
        code=told.code,
        message=told.message,
        case=first.case.about,
        evidence=evidence,
        hint=told.hint,
        share=sum(not one.case.empty for one in tries if one.right)
        / sum(not one.case.empty for one in tries),
    )


def _tried(exercise: Exercise, answer: Function, case: Case) -> Try:
    """Call an answer with copies of the arguments, and keep a copy of what it returns.

    An answer may write into its arguments, and may return the same array from every call.
    """
    args, params = case.copy()
    names = inspect.signature(exercise.answer).parameters
    arguments = {**dict(zip(names, case.args, strict=False)), **case.params}
    error, value, changed = None, None, ""
    try:
        with np.errstate(all="ignore"):  # the verdict reports overflow
            value = copied(answer(*args, **params))
        for name, after in zip(arguments, (*args, *params.values()), strict=True):
            changed = changed or ("" if same(arguments[name], after) else name)
    except (Exception, SystemExit) as raised:  # noqa: BLE001 - an answer may raise anything
        error = raised
    least = _ROUNDING_ERRORS * case.epsilon if case.epsilon > 1e-15 else 0.0
    close = replace(exercise.close, tolerance=max(exercise.close.tolerance, least))
    found = Try(arguments, value, _right(exercise, case), close, case, error, changed)
    return replace(found, fault=_fault(exercise, found) or _NOTHING)


def _right(exercise: Exercise, case: Case) -> Any:
    """Return what is right, computed in double precision."""
    args, params = case.cast(float).copy()
    with np.errstate(all="ignore"):
        return exercise.answer(*args, **params)


def _fault(exercise: Exercise, one: Try) -> Difference | None:
    if isinstance(one.error, TooManyStepsError):
        return Difference(
            "too-many-steps",
            "Your function walks along every path, and there may be more paths than anybody can "
            "wait for: they double wherever two of them meet. Keep what is done for each name, and "
            "do it only once.",
        )
    if one.error is not None:
        text = " ".join(str(one.error).split())[:_LONGEST]
        said = printable(": ".join(filter(None, (type(one.error).__name__, text))))
        return Difference("raised", f"Your function raised {quoted(said)}.")
    if exercise.verify and one.given is not None:
        args, params = one.case.cast(float).copy()
        message = exercise.verify(one.given, *args, **params)
        found = Difference("wrong-value", message) if message else None
    else:
        found = compare(one.given, one.expected, exercise.returns, one.close)
    if found is None and one.changed:
        return Difference(
            "mutated",
            f"The result is right, but your function changed its argument `{one.changed}`, "
            "which may be used elsewhere. Make a new array: `a = a + b` instead of `a += b`.",
        )
    return found


def _recognised(exercise: Exercise, tries: Sequence[Try], first: Try) -> Difference | None:
    """Return the common mistake that has the same wrong results for all inputs.

    Whether a wrong number raises an error further on may depend on the draw. So where one of them
    raises an error it is enough that the other is wrong, if they agree on another wrong result.
    """
    usual = [one for one in tries if not one.case.empty]
    for mistake in exercise.mistakes:
        theirs = [_tried(exercise, mistake.function, one.case) for one in usual]
        pairs = list(zip(usual, theirs, strict=True))
        if all(_agree(*pair) for pair in pairs) and any(
            type(one.error) is type(other.error) for one, other in pairs if not one.right
        ):
            return Difference("mistake", f"{mistake.words} {first.fault.message}")
    return None


def _agree(one: Try, other: Try) -> bool:
    if one.error or other.error:
        return not (one.right or other.right)
    if one.given is None or other.given is None:
        return one.given is other.given
    try:
        apart = compare(one.given, other.given, "result", one.close)
    except (TypeError, ValueError):  # the mistake's value is not of a kind that `compare` expects
        return False
    return apart is None and one.changed == other.changed


def _explained(
    exercise: Exercise, answer: Function, tries: Sequence[Try], first: Try
) -> Difference:
    """Return what can be said about an answer that makes no common mistake."""
    if first.fault.code == "raised":
        return _of_error(exercise, answer, first)
    if first.fault.code in _NO_GRADIENT or exercise.verify:
        return first.fault
    if exercise.forward and (found := _diagnosed(exercise.forward, answer, first.case)):
        return Difference(found.code, f"{found.message} {first.fault.message}", found.hint)
    seen = [first, *(one for one in tries if one is not first and not one.error)]
    said = noticed(seen, exercise.returns)
    return replace(first.fault, message=f"{said} {first.fault.message}".strip())


def _of_error(exercise: Exercise, answer: Function, one: Try) -> Difference:
    """Return an error, with what it comes from where it comes from the call or an axis."""
    error = one.error
    names = "|".join(map(re.escape, (getattr(answer, "__qualname__", ""), exercise.name)))
    message = ""
    if isinstance(error, TypeError) and re.match(rf"({names}){_CALLED_WRONGLY}", str(error)):
        message = f"It is called as `{exercise.solution.splitlines()[0][4:-1]}`."
    elif isinstance(error, np.exceptions.AxisError):
        message = (
            "The inputs may have any number of axes, so count from the end: `axis=-1` is the last."
        )
    return replace(one.fault, message=f"{one.fault.message} {message}".strip())


def _diagnosed(forward: Function, answer: Function, case: Case) -> Diagnosis | None:
    """Return what `gradcheck` says about a wrong rule, or None if it says nothing of use.

    A wrong rule may fail for other upstream gradients than that of the exercise. Then what is said
    of its results still holds, but not that it fails.
    """
    failures = set()

    def rule(*args: Any, **params: Any) -> Any:
        try:
            return answer(*args, **params)
        except Exception as error:
            failures.add(type(error).__name__)
            raise

    op = Op(forward)
    op.backward(rule)
    _, _, *inputs = case.args
    try:
        found = gradcheck(op, *inputs, **case.params).diagnosis
    except Exception:  # noqa: BLE001 - what a rule raises may be anything
        return None
    if found is None or found.code == "kink" or _SAYS_NOTHING in found.hint:
        return None
    return None if failures.intersection(found.evidence) else found
