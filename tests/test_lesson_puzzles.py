"""The puzzles of the lessons: the text around each fits one wrong rule, which the museum must give.

A number picks a puzzle out of all wrong rules of an op, so it may pick another one when the museum
grows. Then choose another number in the lesson; the text stays as it is.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tinygrad_xent.teaching.museum import answer, puzzle

LESSONS = Path(__file__).parents[1] / "lessons"

MEANT = {
    "05_softmax": ["softmax_diagonal_only"],
    "07_cross_entropy": ["labels_minus_softmax"],
    "10_checking_gradients": [
        "divide_sign_forgotten",
        "softmax_summed_down_the_columns",
        "cross_entropy_mean_over_classes",
    ],
}


def puzzles_of(source: Path) -> list[str]:
    """Give the names of the wrong rules that a lesson's calls of `puzzle` lead to, in order."""
    calls = [
        node
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "puzzle"
    ]
    calls.sort(key=lambda node: node.lineno)
    return [answer(puzzle(*map(ast.literal_eval, call.args))).name for call in calls]


def test_the_puzzles_are_those_that_the_lessons_speak_of() -> None:
    found = {source.stem: puzzles_of(source) for source in sorted(LESSONS.glob("*.py"))}
    assert {lesson: names for lesson, names in found.items() if names} == MEANT
