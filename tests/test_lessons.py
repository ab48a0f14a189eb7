"""The lessons: written the way lessons are, up to date, and running blank and solved."""

from __future__ import annotations

import json
import re
import runpy
import socket
import warnings
from pathlib import Path

import pytest
from solved_lessons import solved

import tinygrad_xent as tx
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.lessons import exercise_in, regenerated

SOURCES = sorted((Path(__file__).parents[1] / "lessons").glob("[0-9][0-9]_*.py"))
LONGEST_CELL = 12

each_lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def notebook_of(source):
    return json.loads(source.with_suffix(".ipynb").read_text("utf-8"))


def text_of(cell):
    return "".join(cell["source"])


def cells(source, kind):
    return [cell for cell in notebook_of(source)["cells"] if cell["cell_type"] == kind]


def exercises_of(source):
    return [name for cell in cells(source, "code") if (name := exercise_in(cell))]


# -- the files -------------------------------------------------------------------------------


def test_the_lessons_are_numbered_without_a_gap():
    assert [int(source.name[:2]) for source in SOURCES] == list(range(1, len(SOURCES) + 1))


@each_lesson
def test_source_and_notebook_are_up_to_date(source):
    for path, text in regenerated(source).items():
        assert path.read_text("utf-8") == text, (
            f"{path.name} is out of date: python -m tinygrad_xent.teaching"
        )


@each_lesson
def test_a_notebook_has_no_outputs_and_its_cells_have_ids(source):
    notebook = notebook_of(source)
    for cell in cells(source, "code"):
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert set(exercises_of(source)) <= set(ids)


# -- how a lesson is written -----------------------------------------------------------------


@each_lesson
def test_a_lesson_has_the_parts_that_all_have(source):
    prose = "\n".join(map(text_of, cells(source, "markdown")))
    titles = re.findall(r"(?m)^(#+) (.*)$", prose)
    (title,) = [title for level, title in titles if level == "#"]
    assert title.startswith(f"{int(source.name[:2])}. ")
    assert [title for level, title in titles if level == "##"][-2:] == [
        "Summary",
        "Further reading",
    ]


@each_lesson
def test_its_exercises_are_those_of_the_catalogue(source):
    number = int(source.name[:2])
    expected = {name for name, exercise in CATALOGUE.items() if exercise.lesson == number}
    assert sorted(exercises_of(source)) == sorted(expected)


@each_lesson
def test_an_exercise_has_its_task_above_and_its_check_below(source):
    all_cells = notebook_of(source)["cells"]
    for above, cell, below in zip(all_cells, all_cells[1:], all_cells[2:], strict=False):
        if (name := exercise_in(cell)) is not None:
            assert CATALOGUE[name].statement.strip() in text_of(above)
            assert text_of(below) == f'tx.check("{name}", {name})'


@each_lesson
def test_cells_are_short(source):
    for cell in cells(source, "code"):
        if exercise_in(cell) is None:
            assert len(text_of(cell).splitlines()) <= LONGEST_CELL, text_of(cell)


# -- running ---------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_):
        raise AssertionError("a lesson needs no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def run(offline, monkeypatch, tmp_path):
    """Run a notebook's code as a plain program; give the verdicts of its checks, by name."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    verdicts = {}
    plain_check = tx.check

    def check(name, answer):
        verdicts[name] = plain_check(name, answer)
        return verdicts[name]

    monkeypatch.setattr(tx, "check", check)
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")

    def run_notebook(notebook):
        code = [text_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
        program = tmp_path / "lesson.py"
        program.write_text("\n\n\n".join(code), "utf-8")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
            runpy.run_path(str(program), run_name="lesson")
        return verdicts

    yield run_notebook
    plt.close("all")


@each_lesson
def test_with_blanks_each_exercise_says_what_is_missing(source, run):
    verdicts = run(notebook_of(source))
    assert sorted(verdicts) == sorted(exercises_of(source))
    for name, verdict in verdicts.items():
        assert (verdict.passed, verdict.code) == (False, "blank"), name


@each_lesson
def test_with_solutions_everything_passes(source, run):
    verdicts = run(solved(notebook_of(source)))
    assert sorted(verdicts) == sorted(exercises_of(source))
    for verdict in verdicts.values():
        assert verdict.passed, str(verdict)
