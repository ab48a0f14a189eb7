"""A learner's file among others: it imports and reads what lies beside it, and nobody else's."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from folders import write
from hostile import RIGHT

from tinygrad_xent.commands import cli
from tinygrad_xent.teaching.grading import session as parent
from tinygrad_xent.teaching.grading import submissions as handed_in
from tinygrad_xent.teaching.grading.judging import judge_cells
from tinygrad_xent.teaching.grading.nbgrader import judge_notebook
from tinygrad_xent.teaching.grading.sandbox import Limits
from tinygrad_xent.teaching.grading.session import Files, Session
from tinygrad_xent.teaching.grading.submissions import grade_submission, submissions
from tinygrad_xent.teaching.handout import assignment

NAME = "square_backward"
HELPER = b"def twice(x): return 2 * x\n"
ANSWER = f"def {NAME}(grad, y, x): return twice(x) * grad\n"
IMPORTS = (
    "from helper import twice",
    "import helper\nfrom helper import *",
    "from .helper import twice",
    "from . import helper\ntwice = helper.twice",
    "from tools.deep import twice",
    "from .tools import deep\ntwice = deep.twice",
    "import importlib\ntwice = importlib.import_module('tools.deep').twice",
    "twice = lambda x: float(open('factor.txt').read()) * x",
    "import numpy as np\nfactor = np.loadtxt('data/factor.csv')\ntwice = lambda x: factor * x",
    (
        "from pathlib import Path\nf = float((Path(__file__).parent / 'factor.txt').read_text())\n"
        "twice = lambda x: f * x"
    ),
    (
        "import json\nwith open('out.json', 'w') as file: json.dump(2, file)\n"
        "twice = lambda x: json.load(open('out.json')) * x"
    ),
    (
        "with open('factor.txt', 'a') as file: file.write('e0')\n"
        "twice = lambda x: float(open('factor.txt').read()) * x"
    ),
)
BESIDE = {
    "helper.py": HELPER,
    "tools/__init__.py": b"",
    "tools/deep.py": HELPER,
    "factor.txt": b"2",
    "data/factor.csv": b"2.0\n",
}


@pytest.mark.parametrize("lines", IMPORTS)
def test_what_lies_beside_is_found_in_grading(tmp_path, lines):
    answer = f"{lines}\n{ANSWER}".encode()
    write(tmp_path / "ann" / "week 1", {"answers.py": answer, **BESIDE})
    (ann,) = submissions(tmp_path)
    record = grade_submission(ann, (NAME,), seed=0)
    (result,) = record["results"]
    assert (record["problems"], result["code"], result["file"]) == ([], "passed", "answers.py")
    assert (tmp_path / "ann" / "week 1" / "factor.txt").read_bytes() == b"2"


def test_what_lies_beside_is_found_by_check(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"answers.py": f"{IMPORTS[0]}\n{IMPORTS[8]}\n{ANSWER}".encode(), **BESIDE})
    assert cli.main(["check", "answers.py"]) == 0
    assert capsys.readouterr().out == f"exercise {NAME}: right\n1 of 1 right.\n"


def test_a_helper_may_hold_the_answer_and_a_later_call_may_import(tmp_path):
    write(tmp_path / "ann", {
        "main.py": f"from lib import {NAME}\n".encode(),
        "lib.py": f"def {NAME}(grad, y, x):\n    from helper import twice\n"
                  "    return twice(x) * grad\n".encode(),
        "helper.py": HELPER,
    })  # fmt: skip
    (ann,) = submissions(tmp_path)
    record = grade_submission(ann, (NAME,), seed=0)
    assert (record["problems"], record["results"][0]["score"]) == ([], 1)


def test_a_change_in_the_data_is_graded_again(tmp_path):
    write(tmp_path / "ann", {"answers.py": b"", "factor.txt": b"2"})
    before = submissions(tmp_path)[0].read().fingerprint(Limits())
    assert submissions(tmp_path)[0].read().fingerprint(Limits()) == before
    write(tmp_path / "ann", {"factor.txt": b"3"})
    assert submissions(tmp_path)[0].read().fingerprint(Limits()) != before


def test_what_is_too_large_is_left_out_and_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(handed_in, "_LARGEST", 1000)
    monkeypatch.setattr(handed_in, "_MOST_BYTES", 1500)
    code = b"open('big.bin').read()\n"
    write(tmp_path / "ann", {"a.py": code, "big.bin": b"1" * 1001, "c.bin": b"1" * 900,
                             "d.bin": b"1" * 900})  # fmt: skip
    (ann,) = submissions(tmp_path)
    problems = grade_submission(ann, (NAME,), seed=0)["problems"]
    assert problems[:2] == [
        "big.bin is left out: it has more than 1,000 bytes",
        "d.bin is left out: all files have more than 1,500 bytes",
    ]
    assert "FileNotFoundError" in problems[2]
    monkeypatch.chdir(tmp_path / "ann")
    assert cli.main(["check", "a.py"]) == 1
    assert "failed: big.bin is left out: it has more than 1,000 bytes\n" in capsys.readouterr().out
    (tmp_path / "ann" / "a.py").write_text("1 / 0\n")  # this lacks no file
    assert cli.main(["check", "a.py"]) == 1
    assert "left out" not in capsys.readouterr().out


def test_beside_a_file_the_nearest_come_first(tmp_path, monkeypatch):
    monkeypatch.setattr(handed_in, "_MOST_FILES", 3)
    write(tmp_path, {"a/1": b"", "a/2": b"", "b.py": b"", "z.py": b"", ".hidden": b""})
    (tmp_path / "link").symlink_to(tmp_path / "b.py")
    beside = handed_in.read(tmp_path, [tmp_path])
    assert (set(beside.contents), len(beside.problems)) == ({"b.py", "z.py", "a/1", "a/2"}, 1)
    assert beside.problems == ["only the first 3 files are read"]


PEEK = """
import glob, os
def tried(act, *args):
    try:
        return act(*args)
    except OSError as error:
        return type(error).__name__
def read(path):
    return open(path).read()
def through_a_link(path):
    os.symlink(path, "out")
    return open("out").read()
def through_a_folder(path):
    os.symlink(os.path.dirname(path), "way")
    return open("way/helper.py").read()
def peek(path):
    return [tried(read, path), tried(os.listdir, os.path.dirname(path)),
            tried(through_a_link, path), tried(through_a_folder, path),
            tried(glob.glob, os.path.dirname(path) + "/*")]
"""


def test_nobody_reads_the_copies_of_another():
    """Neither those that were there before it started, nor those that came later."""
    with (
        Session([PEEK], ["peek"], frozenset()) as spy,
        Session([""], [], files=Files(BESIDE)) as other,
        Session([PEEK], ["peek"], frozenset()) as late,
    ):
        assert Path(other._home, "helper.py").exists()
        for session in (spy, late):
            peek = session.function("peek")
            found = peek(f"{other._home}/helper.py")
            assert found[:4] == ["PermissionError"] * 4
            assert found[4] in ([], "PermissionError")


def test_a_name_that_the_system_refuses_costs_only_that_file():
    files = Files({"x" * 300: b"", "helper.py": HELPER}, "y" * 300 + "/answers.py")
    (result,) = judge_cells([RIGHT], [NAME], seed=0, files=files).exercises
    assert result.code == "passed"


def test_starting_the_process_is_not_the_learners_time(monkeypatch):
    """Each process takes longer to start than the learner's whole time."""
    limits = Limits(run_seconds=0.5, call_seconds=0.5, total_seconds=1.0)
    slow = "import time; time.sleep(1.5)\n" + parent._START
    monkeypatch.setattr(parent, "_START", slow)
    crash = "def chain_rule(x): import os; os._exit(1)\n"
    report = judge_cells([crash + RIGHT], ["chain_rule", NAME], seed=0, limits=limits)
    assert [result.code for result in report.exercises] == ["crashed", "passed"]


def test_the_learners_time_is_over_when_it_is(monkeypatch):
    limits = Limits(run_seconds=5, call_seconds=5, total_seconds=0.5)
    begun = time.monotonic()
    (result,) = judge_cells(["while True: pass"], [NAME], seed=0, limits=limits).exercises
    assert (result.code, result.message) == (
        "no-time-left", "Running cell 1, line 1 used up the 0.5 s for all files."
    )  # fmt: skip
    assert time.monotonic() - begun < 60


def test_a_notebook_of_nbgrader_finds_what_lies_beside_it(tmp_path):
    write(tmp_path, BESIDE)
    notebook = json.loads(assignment([NAME]))
    notebook["cells"][3]["source"] = f"{IMPORTS[0]}\n{ANSWER}"
    judge_notebook(notebook, tmp_path)
    assert notebook["cells"][4]["outputs"][0]["output_type"] == "stream"
    judge_notebook(notebook)
    assert notebook["cells"][4]["outputs"][0]["output_type"] == "error"
