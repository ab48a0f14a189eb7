"""Exercises that judge themselves: write the function, and be told what a teacher would say.

Each exercise is a module of the folder `tasks`, named as the function that the learner writes. Its
docstring is the statement (a title, then Markdown). Its other parts are real Python functions that
all have the learner's name, and a decorator says what each is for: the blank, the solution, the
common mistakes. They are functions and not text because then the editor, the linter and the
doctests read them as what they are; what a learner sees is their source. To add an exercise, copy a
module of `tasks`, change it, and put its name into the list in `catalogue.py`.

Judging calls the answer on fresh random inputs and looks at nothing but what it returns. The
expected values come from the solution in float64. Where they differ, the mistakes are run on the
same inputs: the one that gives the same wrong numbers is the one that was made, and its sentence is
the verdict. A backward rule that makes none of them is diagnosed by `gradcheck`.
"""

from __future__ import annotations

from tinygrad_xent.teaching.exercises.catalogue import CATALOGUE, check, hint, solution
from tinygrad_xent.teaching.exercises.exercise import Exercise, Mistake
from tinygrad_xent.teaching.exercises.prose import Note
from tinygrad_xent.teaching.exercises.verdict import Verdict

__all__ = ["CATALOGUE", "Exercise", "Mistake", "Note", "Verdict", "check", "hint", "solution"]
