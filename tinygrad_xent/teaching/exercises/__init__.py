"""Exercises with a judge: write a function, and read what a teacher would say about it.

Each exercise is a module of the folder `tasks`, with the name of the function that the learner
writes. Its docstring is the statement (a title, then Markdown). Below it stand a right answer, the
function that draws the inputs and, for a backward rule, the function that the rule belongs to. The
call of `Exercise` adds the hints and the common mistakes. To add an exercise, copy a module of
`tasks`, change it, and put its name into the list in `catalogue.py`.

An answer is called on random inputs, and only what it returns counts. The expected values come from
the right answer in float64. Where they differ, the mistakes are run on the same inputs: if one of
them returns the same wrong numbers, the verdict is its sentence. A backward rule that makes none of
these mistakes is diagnosed by `gradcheck`.
"""

from __future__ import annotations

from tinygrad_xent.teaching.exercises.catalogue import CATALOGUE, check, hint, solution
from tinygrad_xent.teaching.exercises.exercise import Exercise, Mistake
from tinygrad_xent.teaching.exercises.markdown import Note
from tinygrad_xent.teaching.exercises.verdict import Verdict

__all__ = ["CATALOGUE", "Exercise", "Mistake", "Note", "Verdict", "check", "hint", "solution"]
