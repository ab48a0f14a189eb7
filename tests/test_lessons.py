"""The lessons: written the way lessons are, up to date, and running blank and solved."""

from __future__ import annotations

import json
import re
import runpy
import socket
import warnings
from pathlib import Path

import numpy as np
import pytest
from make_notebooks import exercise_in, regenerated
from solved_lessons import solved

import tinygrad_xent as tx
from tinygrad_xent.teaching.exercises import CATALOGUE

START, *SOURCES = sorted((Path(__file__).parents[1] / "lessons").glob("[0-9][0-9]_*.py"))
GUIDE = Path(__file__).parents[1] / "docs" / "teachers_guide.md"
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


@pytest.mark.parametrize("source", [START, *SOURCES], ids=lambda path: path.stem)
def test_source_and_notebook_are_up_to_date(source):
    for path, text in regenerated(source).items():
        assert path.read_text("utf-8") == text, (
            f"{path.name} is out of date: python lessons/make_notebooks.py"
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


def prose_of(source):
    return "\n\n".join(map(text_of, cells(source, "markdown")))


def title_of(source):
    return re.search(r"(?m)^# (.*)$", prose_of(source))[1]


def minutes_of(source):
    """Estimate how long a novice needs: 130 words and 15 lines a minute, 7 minutes an exercise."""
    code = cells(source, "code")
    lines = sum(len(text_of(cell).splitlines()) for cell in code)
    words = len(prose_of(source).split())
    exercises = 7 * len(exercises_of(source))
    return 5 * round((words / 130 + lines / 15 + 0.3 * len(code) + exercises) / 5)


@each_lesson
def test_a_lesson_says_how_long_it_takes(source):
    said = int(re.search(r"\*About (\d+) minutes\.", prose_of(source))[1])
    assert abs(said - minutes_of(source)) <= 5  # a changed word need not change the figure
    row = f"| [{title_of(source)}]({source.stem}.ipynb) | {said} | "
    assert row in prose_of(START)
    assert f"{title_of(source).replace('. ', ' | ', 1)} | {said} | " in GUIDE.read_text("utf-8")


def test_the_lessons_lead_to_each_other():
    for back, source, then in zip([None, *SOURCES], SOURCES, [*SOURCES[1:], None], strict=False):
        links = re.findall(
            r"\[([^]]*)\]\((\w+\.ipynb)\)", text_of(notebook_of(source)["cells"][-1])
        )
        expected = [(f"Back: {title_of(back)}", f"{back.stem}.ipynb")] if back else []
        expected += [("All lessons", "00_start.ipynb")]
        expected += [(f"Next: {title_of(then)}", f"{then.stem}.ipynb")] if then else []
        assert links == expected
        assert "[All lessons](00_start.ipynb)" in text_of(notebook_of(source)["cells"][0])


@each_lesson
def test_a_heading_stands_by_itself(source):
    for heading, text in re.findall(r"(?m)^##+ (.*)\n\n(.*)$", prose_of(source)):
        assert not re.search(r"\b(it|its|that)$|^(It|Its|They|That) ", heading), heading
        assert not re.match(r"(That|It|They|On paper, that)\b", text), f"{heading}: {text}"


@each_lesson
def test_a_plot_has_words_for_those_who_do_not_see_it(source):
    for cell in cells(source, "code"):
        text = text_of(cell)
        if re.search(r"(?m)^(plt\.show\(\)|show_\w+\()", text):
            words = cell["metadata"]["mystnb"]["image"]["alt"]
            assert words.endswith(".")
            assert 40 <= len(words) <= 250, words


def test_emptying_is_taught_where_gradients_are_met():
    assert "adds* to what is in `.grad`" in prose_of(SOURCES[0])


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


WITH_WALKS = [
    source for source in SOURCES if re.search(r"\w\.backward\(\)\n", source.read_text("utf-8"))
]


@pytest.mark.parametrize("source", WITH_WALKS, ids=lambda path: path.stem)
def test_a_cell_that_is_run_twice_leaves_the_same_gradients(source, offline):
    import matplotlib as mpl

    mpl.use("Agg")
    names, walks = {}, 0

    def grads_after(code):
        exec(code, names)  # noqa: S102 - the lesson's own
        return {name: x.grad for name, x in names.items() if isinstance(x, tx.Tensor)}

    for cell in solved(notebook_of(source))["cells"]:
        if cell["cell_type"] == "code" and "plt.show" not in text_of(cell):
            once = grads_after(text_of(cell))
            if ".backward()" in text_of(cell):
                walks += 1
                np.testing.assert_equal(grads_after(text_of(cell)), once)
    assert walks
