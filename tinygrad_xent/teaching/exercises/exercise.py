"""An exercise, collected from the functions of its module."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_xent.teaching.exercises.cases import Case
from tinygrad_xent.teaching.exercises.comparing import Closeness
from tinygrad_xent.teaching.exercises.judging import judge
from tinygrad_xent.teaching.exercises.verdict import Verdict

Function = Callable[..., Any]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners give.

    Attributes
    ----------
    source : str
        Its code.
    words : str
        What the verdict says to it, in Markdown.
    function : callable
        The wrong answer itself.
    """

    source: str
    words: str
    function: Function


class Exercise:
    r"""A function to write, with all that is needed to teach and to judge it.

    In a module of `tasks`, the decorators `to_write`, `solved`, `mistaken`, `inputs` and, where
    they are needed, `forward` and `verified` mark the functions that make it up.

    Parameters
    ----------
    module, doc : str
        `__name__` and `__doc__` of the module: the name of the function to write, and the statement
        under a line with its title.
    lesson : int
        The lesson that it belongs to.
    hints : tuple of three str
        From a nudge to nearly the solution; each one paragraph of Markdown.
    returns : str
        What messages call the result: "result", or "da, db" for two. That of a backward rule is
        found by itself.
    tolerance : float
        How far a number may be off, as a share of the largest.
    entrywise : bool
        As a share of each number by itself.

    Attributes
    ----------
    name, title, statement : str
        The statement is Markdown.
    lesson : int
    hints : tuple of str
    blank, solution : str
        Source: what the learner starts from, and one right answer.
    mistakes : tuple of Mistake

    Examples
    --------
    >>> from tinygrad_xent.teaching.exercises import CATALOGUE
    >>> exercise = CATALOGUE["square_backward"]
    >>> print(exercise.solution)
    def square_backward(grad, y, x):
        return grad * 2 * x
    """

    def __init__(
        self,
        module: str,
        doc: str | None,
        *,
        lesson: int,
        hints: tuple[str, str, str],
        returns: str = "result",
        tolerance: float = 1e-9,
        entrywise: bool = False,
    ) -> None:
        title, _, statement = inspect.cleandoc(doc or "").partition("\n")
        self.name = module.rpartition(".")[2]
        self.title = title.rstrip(".")
        self.statement = statement.strip()
        self.lesson = lesson
        self.hints = hints
        self.returns = returns
        self.close = Closeness(tolerance, entrywise)
        self.blank = ""
        self.solution = ""
        self.mistakes: tuple[Mistake, ...] = ()
        self.answer: Function  # the solution itself
        self.cases: Callable[[np.random.Generator], Iterable[Case]]
        self.rule_of: Function | None = None
        self.verify: Callable[..., str] | None = None

    # -- what a module is made of ------------------------------------------------------------

    def to_write(self, function: Function) -> Function:
        """Mark what the learner starts from."""
        self.blank = source_of(function)
        return function

    def solved(self, function: Function) -> Function:
        """Mark the solution; it also says what is right, so it must be right to the last digits."""
        self.solution = source_of(function)
        self.answer = function
        return function

    def mistaken(self, words: str) -> Callable[[Function], Function]:
        """Mark a common mistake, and say what a teacher would say about it."""

        def mark(function: Function) -> Function:
            self.mistakes += (Mistake(source_of(function), words, function),)
            return self.answer  # the name that they share stays that of the solution

        return mark

    def slipped(self, words: str, right: str, wrong: str) -> None:
        """Add a mistake that is the solution with one piece of its source replaced.

        For long solutions: what is wrong is seen at a glance.
        """
        source = self.solution.replace(right, wrong)
        self.mistakes += (Mistake(source, words, run(source, self.name)),)

    def inputs(self, function: Callable[[np.random.Generator], Iterable[Case]]) -> Function:
        """Mark the function that draws the inputs: from a generator to cases (`Case`), small first.

        They should tell every mistake from the solution, and from each other.
        """
        self.cases = function
        return function

    def forward(self, function: Function) -> Function:
        """Mark the function whose backward rule is to be written; `inputs` are then its inputs."""
        self.rule_of = function
        names = list(inspect.signature(function).parameters.values())
        data = [p.name for p in names if p.kind is not p.KEYWORD_ONLY]
        self.returns = ", ".join(f"d{name}" for name in data)
        return function

    def verified(self, function: Callable[..., str]) -> Function:
        """Mark a function that judges where several answers are right.

        It is given what was returned and the arguments, and gives a sentence, or "" if all is well.
        """
        self.verify = function
        return function

    # -- what it is for ----------------------------------------------------------------------

    def judge(self, answer: Any, rng: np.random.Generator) -> Verdict:
        """Judge an answer by what it returns for fresh random inputs.

        Parameters
        ----------
        answer : callable
            It is called, and not looked into: it may stand for a function of another process.
        rng : numpy.random.Generator
            For the inputs.

        Returns
        -------
        Verdict
        """
        verdict = judge(self, answer, rng)
        hint = "" if verdict else self.hints[0]
        return replace(verdict, exercise=self.name, hint=hint)

    def __repr__(self) -> str:
        return f"<exercise {self.name}>"

    def _repr_markdown_(self) -> str:
        return f"**{self.title}**\n\n{self.statement}"


def run(source: str, name: str) -> Function:
    """Define a function from its source."""
    defined: dict[str, Any] = {"np": np}
    exec(source, defined)  # noqa: S102 - ours, from a module of `tasks`
    function: Function = defined[name]
    return function


def source_of(function: Function) -> str:
    """Give the source of a function without its decorators."""
    lines = inspect.getsource(function).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("def "))
    return "\n".join(lines[start:])
