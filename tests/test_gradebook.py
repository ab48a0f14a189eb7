"""Grading a folder: the table, the pages, and going on after a stop."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hostile import RIGHT

from tinygrad_xent.commands import cli
from tinygrad_xent.errors import SubmissionError
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.grading import gradebook, session
from tinygrad_xent.teaching.grading.gradebook import Gradebook
from tinygrad_xent.teaching.grading.nbgrader import judge_notebook
from tinygrad_xent.teaching.grading.reports import COLUMNS, Marking, feedback
from tinygrad_xent.teaching.grading.submissions import failed, grade_submission, submissions
from tinygrad_xent.teaching.handout import assignment

NAMES = ("square_backward", "chain_rule")
EVIL = """
def square_backward(grad, y, x):
    raise ValueError("=cmd|' /C calc'!A0 $<script>alert(1)</script>$ `\\x1b[31m")
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "submissions"
    (folder / "bo" / "deep").mkdir(parents=True)
    (folder / "bo" / ".ipynb_checkpoints").mkdir()
    (folder / "ann.py").write_text(RIGHT)
    (folder / "=1+1.py").write_text(EVIL)
    (folder / "bo" / "draft.py").write_text("def square_backward(grad, y, x): return x")
    (folder / "bo" / "deep" / "final.py").write_text(RIGHT)
    (folder / "bo" / "broken.ipynb").write_text("{")
    (folder / "bo" / ".ipynb_checkpoints" / "old.py").write_text("1/0")
    os.utime(folder / "bo" / "broken.ipynb", (0, 0))  # the latest version counts, which is final.py
    os.utime(folder / "bo" / "draft.py", (0, 0))
    return folder


def rows(out):
    with out.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_who_submitted_what(folder, tmp_path):
    found = {
        s.student: sorted(path.rpartition("/")[2] for path in s.read().code)
        for s in submissions(folder)
    }
    assert found == {
        "=1+1": ["=1+1.py"],
        "ann": ["ann.py"],
        "bo": ["broken.ipynb", "draft.py", "final.py"],
    }
    with pytest.raises(SubmissionError, match=r"ann\.py cannot be read \(Not a directory\)"):
        submissions(folder / "ann.py")
    (tmp_path / "empty").mkdir()
    for wrong, words in (
        ("empty", "holds no .py or .ipynb"),
        ("none", "name the folder with the submissions"),
    ):
        with pytest.raises(SubmissionError, match=words):
            submissions(tmp_path / wrong)


def test_a_class(folder, tmp_path, capsys):
    out = tmp_path / "grades.csv"
    argv = ["grade", str(folder), "--out", str(out), "--exercises", ",".join(NAMES), "--jobs", "2"]
    assert cli.main(argv) == 0
    shown, silent = capsys.readouterr()
    assert shown.splitlines()[0] == (
        "3 of 3 submissions graded now, 0 before; 2 of 6 answers passed."
    )
    assert silent == ""
    table = rows(out)
    assert tuple(table[0]) == COLUMNS
    assert [(r["student"], r["exercise"], r["score"], r["code"], r["file"]) for r in table] == [
        ("'=1+1", "square_backward", "0", "raised", "'=1+1.py"),
        ("'=1+1", "chain_rule", "0", "not-answered", ""),
        ("ann", "square_backward", "1", "passed", "ann.py"),
        ("ann", "chain_rule", "0", "not-answered", ""),
        ("bo", "square_backward", "1", "passed", "final.py"),
        ("bo", "chain_rule", "0", "not-answered", ""),
    ]
    for cell in (cell for row in table for cell in row.values()):
        assert cell.isprintable()
        assert not cell.startswith(("=", "+", "-", "@"))
    page = (tmp_path / "grades-feedback" / "=1+1.html").read_text()
    assert "<script" not in page
    assert "\x1b" not in page
    assert "cmd" in page
    assert "<th scope=" in page  # the inputs that show it
    assert (
        "broken.ipynb is not a Jupyter notebook"
        in (tmp_path / "grades-feedback" / "bo.html").read_text()
    )

    # again: nothing to do; then one changes, one record is spoilt, and less is asked for
    assert cli.main(argv) == 0
    assert capsys.readouterr().out.startswith("0 of 3 submissions graded now, 3 before;")
    (folder / "ann.py").write_text("")
    (tmp_path / "grades-feedback" / "bo.json").write_text("{")
    assert cli.main(argv) == 0
    assert capsys.readouterr().out.startswith("2 of 3 submissions graded now, 1 before; 1 of 6")
    book = Gradebook(out, NAMES[:1])
    assert book.open(submissions(folder)) == []  # what is asked for is known
    book = Gradebook(out, (*NAMES, "logsumexp"))
    assert len(book.open(submissions(folder))) == 3


def test_another_table_is_not_replaced(folder, tmp_path, capsys):
    roster = tmp_path / "roster.csv"
    roster.write_text("name,mail\nann,ann@example.org\n")
    assert cli.main(["grade", str(folder), "--out", str(roster)]) == 2
    assert capsys.readouterr().err == (
        f"tinygrad-xent: error: {roster} exists and is not a table of grades; name another file\n"
    )
    assert roster.read_text().startswith("name,mail")


def test_pages_that_have_no_place(folder, tmp_path, capsys):
    (tmp_path / "grades-feedback").write_text("mine")
    assert cli.main(["grade", str(folder), "--out", str(tmp_path / "grades.csv")]) == 2
    assert capsys.readouterr().err.endswith("grades-feedback cannot be used (File exists)\n")


def test_a_class_of_three_hundred(tmp_path, monkeypatch):
    for i in range(300):
        (tmp_path / f"student {i}.py").write_text(RIGHT)
    found = submissions(tmp_path)

    def record(submission, names, *, seed, limits):
        fingerprint = submission.read().fingerprint(limits)
        return {**failed(submission, names, "."), "fingerprint": fingerprint}

    monkeypatch.setattr("tinygrad_xent.teaching.grading.gradebook.grade_submission", record)
    book = Gradebook(tmp_path / "grades.csv", CATALOGUE)
    steps = []
    book.grade(book.open(found), jobs=500, step=lambda: steps.append(1))
    assert len(steps) == 300
    table = rows(tmp_path / "grades.csv")
    assert len(table) == 300 * len(CATALOGUE)
    assert len({row["student"] for row in table}) == 300
    assert len(list((tmp_path / "grades-feedback").iterdir())) == 600
    assert book.open(found) == []


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process")
def test_as_many_at_once_as_processors_may_be_used():
    script = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from tinygrad_xent.teaching.grading import gradebook; print(len(gradebook._may_use(0)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "1\n"


def test_a_seed_repeats_the_inputs(folder):
    (ann,) = (s for s in submissions(folder) if s.student == "=1+1")
    evidence = [
        grade_submission(ann, NAMES, seed=seed)["results"][0]["evidence"] for seed in (1, 1, 2)
    ]
    assert evidence[0] == evidence[1] != evidence[2]


@pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="this system has no POSIX signals to kill a grader with"
)
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_stopped_half_way_it_goes_on(tmp_path, capsys, name):
    """What hangs is graded last, so that the others are there when the grader is stopped."""
    folder, out = tmp_path / "all", tmp_path / "out.csv"
    folder.mkdir()
    (folder / "a.py").write_text(RIGHT)
    (folder / "b.py").write_text("while True: pass")
    argv = ["grade", str(folder), "--out", str(out), "--exercises", NAMES[0], "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tinygrad_xent", *argv], stderr=subprocess.PIPE, text=True
    )
    record = tmp_path / "out-feedback" / "a.json"
    while not record.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(getattr(signal, name))
    said = process.communicate()[1]
    if name == "SIGTERM":
        assert process.returncode == 128 + signal.SIGTERM
        assert said == "stopped: 1 of 2 are left; the same command goes on with them\n"
        assert [row["score"] for row in rows(out)] == ["1"]
    written = record.stat().st_mtime_ns
    (folder / "b.py").write_text("")
    assert cli.main(argv) == 0
    assert capsys.readouterr().out.startswith("1 of 2 submissions graded now, 1 before; 1 of 2")
    assert record.stat().st_mtime_ns == written
    assert [row["score"] for row in rows(out)] == ["1", "0"]


def test_a_submission_that_cannot_be_graded_costs_only_itself(tmp_path, monkeypatch):
    for name in "abc":
        (tmp_path / f"{name}.py").write_text(RIGHT)
    grade = grade_submission

    def record(submission, names, **facts):
        if submission.student == "b":
            raise MemoryError("no more")
        return grade(submission, names, **facts)

    monkeypatch.setattr(gradebook, "grade_submission", record)
    book = Gradebook(tmp_path / "grades.csv", NAMES[:1])
    found = submissions(tmp_path)
    assert len(book.open(found)) == 3
    book.grade(found, jobs=2)
    scores = {student: r["results"][NAMES[0]]["code"] for student, r in book.records.items()}
    assert scores == {"a": "passed", "b": "crashed", "c": "passed"}
    assert [s.student for s in book.open(found)] == ["b"]  # it is tried again


@pytest.mark.skipif(os.name != "posix", reason="only POSIX tells whether a process is there")
def test_folders_of_a_grader_that_was_killed_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [f"{session._PREFIX}{pid}-x" for pid in (ended.pid, os.getpid())]
    for name in (*names, f"{session._PREFIX}y", "tinygrad-xent-elsewhere-0-x"):
        (tmp_path / name / "work").mkdir(parents=True)
    session.remove_leftovers()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted((names[1], f"{session._PREFIX}y", "tinygrad-xent-elsewhere-0-x"))


def test_feedback_of_a_message_that_is_not_a_formula():
    result = {
        "name": "chain_rule", "score": 0, "code": "raised", "message": r"$\frac{$ <b>", "hint": "",
        "case": "", "evidence": [], "share": 0, "picture": "",
    }  # fmt: skip
    problems = ["<b>", "cell 1: NameError in `<b>`"]
    page = feedback(
        {"student": "<b>", "problems": problems, "results": [result], "written": 0}, Marking()
    )
    assert "<b>" not in page
    assert "<li>cell 1: NameError in <code>&lt;b&gt;</code></li>" in page


# -- nbgrader's notebooks, without nbgrader --------------------------------------------------


def test_an_assignment_is_right_with_its_solutions_and_blank_without():
    notebook = json.loads(assignment(list(CATALOGUE)))
    sources = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    identities = [cell["metadata"]["nbgrader"]["grade_id"] for cell in notebook["cells"]]
    assert len(set(identities)) == len(identities)
    judge_notebook(notebook)
    outputs = [c["outputs"][0] for c in notebook["cells"] if c["metadata"]["nbgrader"]["grade"]]
    assert {output["output_type"] for output in outputs} == {"stream"}
    for source in sources:
        if "### BEGIN SOLUTION" in source:
            before, _, rest = source.partition("    ### BEGIN SOLUTION\n")
            assert rest.endswith("    ### END SOLUTION")
            compile(f"{before}    raise NotImplementedError()", "blank", "exec")


def test_tests_that_others_wrote_get_no_points():
    notebook = json.loads(assignment(["square_backward"]))
    notebook["cells"][-1]["source"] = "assert True"
    judge_notebook(notebook)
    assert notebook["cells"][-1]["outputs"][0]["ename"] == "not-judged"
