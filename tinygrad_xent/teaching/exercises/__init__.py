"""Exercises with a judge: write a function, and read what a teacher would say about it.

Each exercise is a module of the folder `tasks`, with the name of the function that the learner
writes. Its docstring has a title, the statement, three hints, and common mistakes with a teacher's
words for each. The function of that name is a right answer, `inputs` draws what to try it on, and
`forward` is the function that a backward rule belongs to. `Exercise` describes all of it. To add an
exercise, copy a module of `tasks`, change it, and put its name into the list below.

An answer is called on random inputs, and only what it returns counts. The expected values come from
the right answer in float64. Where they differ, the mistakes are run on the same inputs: if one of
them returns the same wrong numbers, the verdict is its sentence. A backward rule that makes none of
these mistakes is diagnosed by `gradcheck`.
"""

import difflib
import importlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.errors import UnknownExerciseError
from tinygrad_xent.teaching.exercises.exercise import Exercise
from tinygrad_xent.teaching.exercises.reading import Mistake
from tinygrad_xent.teaching.exercises.verdict import Note, Verdict, text_of

__all__ = ["CATALOGUE", "Exercise", "Mistake", "Note", "Verdict", "check", "hint", "solution"]

PASSED = "passed.txt"  # in a folder with copies of the lessons: the exercises that passed there
_ORDER = Path(__file__).with_name("order.txt").read_text("utf-8").splitlines()  # a line per lesson
_LESSON_OF = {name: lesson for lesson, names in enumerate(_ORDER, 1) for name in names.split()}
WITHHELD = "hints-from.txt"
"""A file that a teacher puts beside a notebook: the date from which hints are shown there."""


class Catalogue(Mapping[str, Exercise]):
    """The exercises by name."""

    def __getitem__(self, name: str) -> Exercise:
        if name not in _LESSON_OF:
            near = difflib.get_close_matches(str(name), _LESSON_OF, n=3, cutoff=0.5)
            meant = (
                f"did you mean {' or '.join(map(repr, near))}?"
                if near
                else f"there are {str(self)[1:-1]}"
            )
            raise UnknownExerciseError(f"there is no exercise {name!r}; {meant}")
        return _loaded(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_LESSON_OF)

    def __len__(self) -> int:
        return len(_LESSON_OF)

    def __contains__(self, name: object) -> bool:
        return name in _LESSON_OF

    def __repr__(self) -> str:
        return f"<{len(self)} exercises: {', '.join(self)}>"


CATALOGUE = Catalogue()


@cache
def _loaded(name: str) -> Exercise:
    """Return the exercise that a module of `tasks` describes."""
    return Exercise(importlib.import_module(f"{__name__}.tasks.{name}"), _LESSON_OF[name])


def check(name: str, answer: Any = None, *, rng: np.random.Generator | None = None) -> Verdict:
    """Judge an answer to an exercise.

    Parameters
    ----------
    name : str
        The exercise; its name is that of the function to write.
    answer : callable
        The function that you wrote.
    rng : numpy.random.Generator, optional
        Draws the inputs; by default they differ each time.

    Returns
    -------
    Verdict
        True if the answer passed. Printed or shown by a notebook, it says what is wrong.

    Raises
    ------
    UnknownExerciseError
        If no exercise has this name, or the name does not come first.

    Notes
    -----
    Where the working folder has a file `passed.txt`, as folders made by `tinygrad-xent lessons`
    have, the names of exercises that passed are kept in it.

    Examples
    --------
    >>> def square_backward(grad, y, x):
    ...     return 2 * x
    >>> verdict = check("square_backward", square_backward)
    >>> bool(verdict), verdict.code
    (False, 'mistake')
    >>> print(verdict)
    square_backward: not right yet
    The upstream gradient, `grad`, is not used. ...
    """
    if callable(name):
        name = answer if isinstance(answer, str) else "square_backward"
        raise UnknownExerciseError(
            "the name of the exercise comes first, then your function without calling it: "
            f'tx.check("{name}", {name})'
        )
    verdict = CATALOGUE[name].judge(answer, rng or np.random.default_rng())
    if verdict:
        _note(name)
    given = getattr(answer, "__name__", name)
    if verdict or given == name or given not in CATALOGUE:
        return verdict
    other = f"You passed `{given}`, which has the name of another exercise."
    return replace(verdict, message=f"{other} {verdict.message}")


def _note(name: str) -> None:
    """Add the name of an exercise to the list in the working folder, if there is one."""
    file = Path(PASSED)
    with suppress(OSError):  # progress is nice to have; a verdict is given in any case
        if file.is_file() and name not in file.read_text("utf-8").split():
            with file.open("a", encoding="utf-8") as notes:
                notes.write(f"{name}\n")


def _check_date() -> None:
    """Raise an error if a teacher wants no hints yet, by a file beside the notebook."""
    try:
        day = date.fromisoformat(Path(WITHHELD).read_text("utf-8").strip())
    except (OSError, ValueError):
        return
    if date.today() < day:  # noqa: DTZ011 - the learner's own calendar
        raise UnknownExerciseError(
            f"hints and solutions are shown from {day} on, as the file {WITHHELD} beside says"
        )


def hint(name: str, number: int = 2) -> Note:
    """Return a hint for an exercise.

    Parameters
    ----------
    name : str
        The exercise.
    number : int
        1 is the hint that a verdict shows; 2 says more, and 3 nearly everything.

    Returns
    -------
    Note

    Raises
    ------
    UnknownExerciseError
        If no exercise has this name, the number is not 1, 2 or 3, or the teacher wants no hints
        yet.

    Examples
    --------
    >>> print(hint("square_backward", 1))
    What is the derivative of x² with respect to x? ...
    """
    hints = CATALOGUE[name].hints
    _check_date()
    if number not in range(1, len(hints) + 1):
        raise UnknownExerciseError(
            f"there is no hint {number!r}: each exercise has the hints 1, 2 and 3; "
            f"tx.solution({name!r}) shows the solution"
        )
    text = hints[number - 1]
    return Note(text_of(text), text)


def solution(name: str) -> Note:
    """Return a right answer to an exercise.

    Parameters
    ----------
    name : str
        The exercise.

    Returns
    -------
    Note
        The source code; a notebook shows it in colour.

    Raises
    ------
    UnknownExerciseError
        If no exercise has this name, or the teacher wants no solutions yet.

    Examples
    --------
    >>> print(solution("square_backward"))
    def square_backward(grad, y, x):
        return grad * 2 * x
    """
    source = CATALOGUE[name].solution
    _check_date()
    return Note(source, f"```python\n{source}\n```")
