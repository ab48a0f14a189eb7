"""`tinygrad-xent check` and `assignment`, and what `check`, `grade` and `assignment` refuse."""

from __future__ import annotations

import json

import pytest
from hostile import RIGHT

from tinygrad_xent.commands import cli
from tinygrad_xent.teaching.exercises import CATALOGUE

OP = """
import tinygrad_xent as tx
@tx.op
def half(x):
    return x / 2
@half.backward
def rule(grad, y, x):
    return grad * {}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_a_right_file(folder, capsys):
    (folder / "a.py").write_text(OP.format("0.5") + RIGHT)
    assert cli.main(["check", "a.py"]) == 0
    assert capsys.readouterr().out == (
        "op half: right\nexercise square_backward: right\n2 of 2 right.\n"
    )


def test_check_a_wrong_file(folder, capsys):
    source = CATALOGUE["square_backward"].mistakes[0].source
    (folder / "a.py").write_text(f"{OP.format('2')}\n{source}\n1/0")
    assert cli.main(["check", "a.py"]) == 1
    shown = capsys.readouterr().out
    assert "op half: WRONG\n  The gradient of x is exactly 4 times what it should be" in shown
    assert "exercise square_backward: WRONG\n  The upstream gradient, `grad`, is not" in shown
    assert "\n    grad = [" in shown
    assert "\n  Hint: " in shown
    assert "\nfailed: cell 1, line 12: ZeroDivisionError: division by zero in `1/0`\n" in shown
    assert shown.endswith("\n0 of 2 right.\n")


def test_check_as_data(folder, capsys):
    (folder / "a.py").write_text(OP.format("2") + RIGHT)
    assert cli.main(["check", "a.py", "--json", "--seed", "5"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["file"], data["ok"], data["seed"], data["errors"]) == ("a.py", False, 5, [])
    assert [(op["name"], op["code"]) for op in data["ops"]] == [("half", "constant-factor")]
    assert [(e["name"], e["score"]) for e in data["exercises"]] == [("square_backward", 1)]


def test_assignment(folder, capsys):
    assert cli.main(["assignment"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(CATALOGUE)
    assert cli.main(["assignment", "logsumexp", "--title", "Week 5", "--out", "w.ipynb"]) == 0
    assert capsys.readouterr().out == "1 exercise: w.ipynb\n"
    assert json.loads((folder / "w.ipynb").read_text())["cells"][0]["source"] == "# Week 5"


def test_an_assignment_that_is_there_is_not_replaced(folder, capsys):
    (folder / "w.ipynb").write_text("mine")
    assert cli.main(["assignment", "logsumexp", "--out", "w.ipynb"]) == 2
    said = capsys.readouterr().err
    assert said.endswith("w.ipynb: exists, perhaps with changes of yours; name another file\n")
    assert (folder / "w.ipynb").read_text() == "mine"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["check", "empty.py"], "empty.py defines no op and answers no exercise"),
        (["check", "none.py"], "none.py cannot be read (No such file or directory)"),
        (["check", "empty.py", "--seed", "-1"], "argument --seed: '-1' is not a whole number"),
        (
            ["grade", "none"],
            "none cannot be read (No such file or directory); name the folder with the submissions",
        ),
        (["grade", ".", "--jobs", "0"], "--jobs: 0 is not a number above 0, up to 1,000,000"),
        (["grade", ".", "--seconds", "-1"], "--seconds: -1.0 is not a number above 0"),
        (["grade", ".", "--seconds", "inf"], "--seconds: inf is not a number above 0"),
        (["grade", ".", "--seconds", "nan"], "--seconds: nan is not a number above 0"),
        (["grade", ".", "--memory", "0"], "--memory: 0 is not a number above 0"),
        (["grade", ".", "--memory", "1" * 30], f"--memory: {'1' * 30} is not a number above 0"),
        (["grade", ".", "--seed", "-1"], "argument --seed: '-1' is not a whole number from 0"),
        (["grade", ".", "--late", "10%"], "--late needs --deadline"),
        (["grade", ".", "--deadline", "Friday"], "argument --deadline: 'Friday' is not a time; "),
        (["grade", ".", "--exercises", ","], "--exercises is empty; name exercises, or leave it"),
        (["grade", ".", "--regrade", ""], "--regrade is empty; name exercises, or leave it out"),
        (["grade", ".", "--exercises", "softmx"], "there is no exercise 'softmx'"),
        (["grade", ".", "--out", "no/x.csv"], "--out no/x.csv: there is no directory 'no'"),
        (["grade", ".", "--out", "."], "--out .: no ending; end the name in .csv"),
        (["grade", ".", "--out", ""], "--out .: no ending; end the name in .csv"),
        (["assignment", "softmx"], "there is no exercise 'softmx'"),
        (["assignment", "logsumexp", "--out", "x.html"], "--out x.html: unknown ending '.html'"),
        (["assignment", "logsumexp", "--out", "no/x.ipynb"], "--out no/x.ipynb: there is no dir"),
    ],
)
def test_refusals(folder, capsys, argv, words):
    (folder / "empty.py").write_text("x = 1")
    assert cli.main(argv) == 2
    shown, silent = capsys.readouterr()
    assert shown == ""
    assert silent.startswith(f"tinygrad-xent: error: {words}")
    assert len(silent.splitlines()) == 1
    assert [path.name for path in folder.iterdir()] == ["empty.py"]


def test_a_rule_with_a_name_like_an_exercises_is_no_answer_to_check(tmp_path, capsys):
    path = tmp_path / "a.py"
    path.write_text("def square_backwards(grad, y, x):\n    return grad\n")
    assert cli.main(["check", str(path)]) == 2
    assert "defines no op and answers no exercise" in capsys.readouterr().err
