"""Every lesson, solved, is checked clean: a learner is blamed for nothing that the lesson does."""

from __future__ import annotations

import json

import pytest
from make_notebooks import exercise_in
from solved_lessons import solved
from test_lessons import SOURCES

from tinygrad_xent.commands import cli
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.grading.judging import judge_cells


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_solved_lesson_is_clean(source, tmp_path, capsys):
    if source.stem.startswith("15"):
        pytest.importorskip("dask.array", reason='this lesson needs Dask: pip install ".[dask]"')
    notebook = solved(json.loads(source.with_suffix(".ipynb").read_text("utf-8")))
    path = tmp_path / "lesson.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    status = cli.main(["check", str(path), "--json"])
    data = json.loads(capsys.readouterr().out)
    assert data["errors"] == []
    assert [
        (r["name"], r["message"]) for r in (*data["ops"], *data["exercises"]) if not r["score"]
    ] == []
    expected = {name for cell in notebook["cells"] if (name := exercise_in(cell))}
    assert expected <= {result["name"] for result in data["exercises"]}
    assert status == 0


def test_a_lesson_answers_no_exercise_of_its_own_accord():
    """What a lesson shows under the name of an exercise would be graded as the learner's."""
    for source in SOURCES:
        notebook = json.loads(source.with_suffix(".ipynb").read_text("utf-8"))
        cells = notebook["cells"]
        shown = "\n".join(
            "".join(c["source"]) for c in cells if c["cell_type"] == "code" and not exercise_in(c)
        )
        taken = [name for name in CATALOGUE if f"\ndef {name}(" in f"\n{shown}"]
        assert taken == [], source.name


MUSEUM = """
import inspect
from tinygrad_xent.teaching.museum import RIGHT_RULES, WRONG_RULES, answer, op_of, puzzle
"""


def test_the_museum_is_shown_while_a_file_is_run():
    cells = [
        MUSEUM,
        "mystery = puzzle(0, 'softmax')\nassert answer(mystery).code",
        "assert op_of('exp_local_slope_only')\nassert WRONG_RULES[0].description",
    ]
    report = judge_cells(cells, (), seed=0, with_ops=True)
    assert (report.errors, report.ops) == ((), ())


def test_its_right_rules_are_nobodys_answer():
    cells = [
        MUSEUM,
        "found = [rule for rule in RIGHT_RULES if rule.op.name == 'outer'][-1]",
        "code = found.rule.__code__.replace(co_filename='mine')",
        "op_of(found)",
        "inspect.getsource(found.rule)",
        "open(inspect.getsourcefile(found.rule)).read()",
        "exec(found.source)\nsquare_backward = locals()[found.name]",
        "def square_backward(grad, y, x): return found.rule(grad, y, x, 2)",
    ]
    report = judge_cells(cells, ("square_backward",), seed=0)
    assert [result.score for result in report.exercises] == [0]


def test_what_libraries_ask_for_in_passing_is_there():
    cells = [
        "import asyncio, concurrent.futures, os",
        "assert os.cpu_count()",
        "open('/proc/meminfo').read() if os.path.exists('/proc/meminfo') else ''",
    ]
    assert judge_cells(cells, (), seed=0).errors == ()


def test_a_misspelt_answer_is_asked_for() -> None:
    cells = [
        "def softmax_bakward(grad, y, x, *, axis): return y",
        "def helper(x): return x",
        "globals()['logsumexpp`' * 3 + chr(27)] = helper",
        "def square_backward(grad, y, x): return 2 * grad * x",
    ]
    names = ("softmax_backward", "square_backward", "logsumexp", "log_backward")
    misspelt, right, *missing = judge_cells(cells, names, seed=0).exercises
    assert misspelt.code == "misnamed"
    assert misspelt.message.endswith(
        "Did you mean `softmax_bakward`? Then call it `softmax_backward`."
    )
    assert right.score == 1
    assert {result.message for result in missing} == {"There is no answer to this exercise."}
