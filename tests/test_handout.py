"""Handouts: each learner has graphs and numbers of their own, and the keys lie elsewhere."""

from __future__ import annotations

import datetime as dt
import json
import re

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.commands import cli
from tinygrad_xent.teaching import exercises
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.handout import _example, random_sheet
from tinygrad_xent.teaching.sheet import MOST_BOXES

ROSTER = "name,id\nAnn Lee,1\nAnn Lee,2\nJosé ../ Núñez,3\n"


def test_sixty_numbers_give_sixty_sheets():
    sheets = [random_sheet(number) for number in range(60)]
    assert len({sheet.sheet for sheet in sheets}) == 60
    assert len({sheet.key for sheet in sheets}) == 60
    for sheet in sheets:
        graph = tx.ancestors(sheet.loss)
        assert len(graph) <= MOST_BOXES
        assert all(abs(node.data) < 1000 for node in graph)
        assert {x.name for x in graph} >= {"a", "b", "c"}


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_number_gives_another_example(name):
    examples = [_example(CATALOGUE[name], number) for number in (7, 8, 9)]
    assert len({code for code, _ in examples}) == 3
    assert _example(CATALOGUE[name], 7) == examples[0]


def test_an_example_is_code_and_its_result():
    code, result = _example(CATALOGUE["square_backward"], 7)
    head, grad, y, x, call = code.splitlines()
    assert head == "# Your numbers:"
    assert call == "square_backward(grad, y, x)"
    grad, x = (eval(line.partition(" = ")[2], {"np": np}) for line in (grad, x))  # noqa: S307
    assert y.startswith("y = np.array([")
    np.testing.assert_allclose(np.fromstring(result.strip("[]"), sep=" "), 2 * grad * x, atol=1e-6)


@pytest.fixture
def handed_out(tmp_path, monkeypatch, capsys):
    (tmp_path / "class.csv").write_text(ROSTER, "utf-8")
    monkeypatch.chdir(tmp_path)
    argv = ["handout", "--students", "class.csv", "softmax_backward", "logsumexp", "--out", "week5"]
    assert cli.main([*argv, "--hints-from", "2099-01-01"]) == 0
    assert capsys.readouterr().out == "3 folders: week5\nTheir keys: week5-keys\n"
    assert cli.main(argv) == 2
    assert "--out: week5 exists; name another folder" in capsys.readouterr().err
    return tmp_path


def test_a_class(handed_out):
    folders = sorted(path.name for path in (handed_out / "week5").iterdir())
    assert folders == ["Ann Lee 1", "Ann Lee 2", "José Núñez 3"]
    books, sheets = (
        [(handed_out / "week5" / folder / name).read_text("utf-8") for folder in folders]
        for name in ("exercises.ipynb", "worksheet.html")
    )
    assert len(set(books)) == len(set(sheets)) == 3
    keys = sorted(path.name for path in (handed_out / "week5-keys").iterdir())
    assert keys == sorted(
        f"{f}-{kind}.html" for f in folders for kind in ("exercises", "worksheet")
    )
    for text in (*books, *sheets):
        assert "Answer key" not in text
        assert "np.sum(grad * y, axis=axis" not in text  # the solution
    for number, sheet in enumerate(sheets, 1):
        assert f"no. {number}<" in sheet


def test_the_notebook_can_be_filled_in_and_judged(handed_out, capsys):
    path = handed_out / "week5" / "Ann Lee 1" / "exercises.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    sources = [cell["source"] for cell in notebook["cells"]]
    for name in ("softmax_backward", "logsumexp"):  # a notebook shows what a cell ends with
        at = sources.index(f'tx.check("{name}", {name})')
        assert sources[at - 1].splitlines()[-1].startswith(f"{name}(")
    assert cli.main(["check", str(path)]) == 1  # nothing is written yet
    for cell in notebook["cells"]:
        if found := re.match(r"def (\w+)", cell["source"]):
            cell["source"] = CATALOGUE[found[1]].solution
    path.write_text(json.dumps(notebook))
    capsys.readouterr()
    assert cli.main(["check", str(path)]) == 0
    assert capsys.readouterr().out.endswith("2 of 2 right.\n")


def test_hints_come_on_their_day(handed_out, monkeypatch):
    monkeypatch.chdir(handed_out / "week5" / "Ann Lee 1")
    words = "are shown from 2099-01-01 on, as the file hints-from.txt beside says"
    for ask in (tx.hint, tx.solution):
        with pytest.raises(tx.errors.UnknownExerciseError, match=words):
            ask("logsumexp")

    class Later(dt.date):
        @classmethod
        def today(cls):
            return cls(2099, 1, 1)

    monkeypatch.setattr(exercises, "date", Later)
    assert tx.hint("logsumexp").text
    (handed_out / "week5" / "Ann Lee 1" / "hints-from.txt").write_text("soon")
    assert tx.solution("logsumexp").text


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--students", "none.csv", "logsumexp"], "none.csv cannot be read"),
        (["--students", "class.csv", "logsumex"], "did you mean 'logsumexp'"),
        (["--students", "class.csv", "logsumexp", "--seed", "-1"], "--seed: '-1' is not a whole"),
        (["--students", "class.csv", "logsumexp", "--hints-from", "May"], "'May' is not a date"),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, capsys, argv, words):
    (tmp_path / "class.csv").write_text(ROSTER, "utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["handout", *argv]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["class.csv"]


@pytest.mark.parametrize(
    ("rows", "who"),
    [
        ("Ann,1\nBen,\nben,", "Ben"),  # one folder, also where capitals count for nothing
        ("Ann,1\n--,", "--"),
        ("Ann,1\nA-B,7\nA B,7", "A-B"),
    ],
)
def test_two_who_cannot_be_told_apart_lose_nothing(tmp_path, capsys, rows, who):
    (tmp_path / "class.csv").write_text(f"name,id\n{rows}\n", "utf-8")
    given = ["--students", str(tmp_path / "class.csv"), "--out", str(tmp_path / "week5")]
    assert cli.main(["handout", *given, "logsumexp"]) == 2
    assert f"nothing tells '{who}' from others; give each an id" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["class.csv"]


def test_names_too_long_for_a_folder_and_a_row_without_a_name(tmp_path, capsys):
    rows = "".join(f"{letter * 300},{i}\n" for i, letter in enumerate("né字"))
    (tmp_path / "class.csv").write_text(f"name,id\n{rows},4711\n", "utf-8")
    given = ["--students", str(tmp_path / "class.csv"), "--out", str(tmp_path / "week5")]
    assert cli.main(["handout", *given, "logsumexp"]) == 0
    assert capsys.readouterr().out.startswith("4 folders: ")
    assert sorted(path.name.split()[-1] for path in (tmp_path / "week5").iterdir()) == [
        "0", "1", "2", "4711",
    ]  # fmt: skip


def test_a_name_keeps_its_marks_and_emoji(tmp_path):
    rows = "Ann 💥 Lee,1\n🌞,\n🌙,\nहिन्दी,4\nO'Neil: a<b,5\n"
    (tmp_path / "class.csv").write_text(f"name,id\n{rows}", "utf-8")
    given = ["--students", str(tmp_path / "class.csv"), "--out", str(tmp_path / "week5")]
    assert cli.main(["handout", *given, "logsumexp"]) == 0
    assert {path.name for path in (tmp_path / "week5").iterdir()} == {
        "Ann 💥 Lee 1", "🌞", "🌙", "हिन्दी 4", "O Neil a b 5",
    }  # fmt: skip


def test_one_learner_gets_one_folder(tmp_path, capsys):
    (tmp_path / "class.csv").write_text("name,id\nAnn,1\n", "utf-8")
    given = ["--students", str(tmp_path / "class.csv"), "--out", str(tmp_path / "week5")]
    assert cli.main(["handout", *given, "logsumexp"]) == 0
    assert capsys.readouterr().out.startswith("1 folder: ")
