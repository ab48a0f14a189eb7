"""Real nbgrader over a right, a wrong and a cheating submission. It needs the extra `grading`."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.handout import assignment

pytest.importorskip("nbgrader", reason='needs nbgrader: pip install ".[grading]"')

NAMES = ["square_backward", "softmax_backward"]
CONFIG = """
from tinygrad_xent.teaching.grading.nbgrader import judge_outside

c = get_config()
c.CourseDirectory.course_id = "backprop"
judge_outside(c)
"""
CHEAT = """
import pathlib
import contextlib
np.allclose = np.array_equal = lambda *a, **k: True
tx.check = lambda *a, **k: True
with contextlib.suppress(NameError):
    get_ipython().showtraceback = lambda *a, **k: None
def square_backward(grad, y, x):
    return x
def softmax_backward(grad, y, x, *, axis):
    return tx.softmax.rule(grad, y, x, axis=axis)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    (root / "nbgrader_config.py").write_text(CONFIG)
    (root / "source" / "hw").mkdir(parents=True)
    (root / "source" / "hw" / "hw.ipynb").write_text(assignment(NAMES))
    nbgrader(root, "generate_assignment", "hw")
    release = json.loads((root / "release" / "hw" / "hw.ipynb").read_text())
    answers = {
        "right": [CATALOGUE[name].solution for name in NAMES],
        "wrong": [CATALOGUE[name].mistakes[0].source for name in NAMES],
        "cheating": [CHEAT, ""],
        "silent": [None, None],
    }
    for student, sources in answers.items():
        notebook = json.loads(json.dumps(release))
        cells = [c for c in notebook["cells"] if c["metadata"]["nbgrader"]["solution"]]
        for cell, source in zip(cells, sources, strict=True):
            if source is not None:
                cell["source"] = source
        folder = root / "submitted" / student / "hw"
        folder.mkdir(parents=True)
        (folder / "hw.ipynb").write_text(json.dumps(notebook))
    nbgrader(root, "autograde", "hw")
    nbgrader(root, "generate_feedback", "hw")
    return root


def nbgrader(root: Path, *argv: str) -> None:
    tools = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    source = Path(__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", *argv],
        cwd=root,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": tools, "PYTHONPATH": str(source), "HOME": str(root)},
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]


def test_the_release_has_no_solution(course):
    text = (course / "release" / "hw" / "hw.ipynb").read_text()
    assert "# YOUR CODE HERE" in text
    assert "grad * 2 * x" not in text
    assert "Return the gradient of x, where y = x**2." in text  # the docstring of the blank


def test_points(course):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        scores = {
            student: [
                (grade.auto_score, grade.max_score)
                for grade in book.find_submission_notebook("hw", "hw", student).grades
            ]
            for student in ("right", "wrong", "cheating", "silent")
        }
    assert scores.pop("right") == [(1, 1), (1, 1)]
    for student, points in scores.items():
        assert points == [(0, 1), (0, 1)], student


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("right", "Right for three numbers"),
        ("wrong", "The upstream gradient, `grad`, is not used."),
        ("cheating", "tinygrad_xent's own softmax_backward"),
        ("silent", "Nothing is written yet"),
    ],
)
def test_the_feedback_says_why(course, student, words):
    page = (course / "feedback" / student / "hw" / "hw.html").read_text()
    assert words in html.unescape(page)
