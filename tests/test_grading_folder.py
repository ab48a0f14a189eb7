"""Whatever lies in the folder of submissions gets a row, and what is not graded a line besides."""

from __future__ import annotations

import csv
import json
import os
import sys
import zipfile

import pytest
from hostile import RIGHT

from tinygrad_xent.commands import cli
from tinygrad_xent.errors import SubmissionError
from tinygrad_xent.teaching.grading import submissions as handed_in
from tinygrad_xent.teaching.grading.submissions import grade_submission, submissions

NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": RIGHT}], "nbformat": 4})
on_posix = pytest.mark.skipif(
    os.name != "posix", reason="other systems have no such names or files"
)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    return folder


@pytest.fixture
def grade(folder, tmp_path, capsys):
    """Grade the folder; return the status, the table's rows and the lines of complaint."""

    def run(*argv):
        out = tmp_path / "grades.csv"
        options = ["--out", str(out), "--exercises", "square_backward", "--jobs", "1"]
        status = cli.main(["grade", str(folder), *options, *argv])
        with out.open(encoding="utf-8-sig", newline="") as file:
            rows = {r["student"]: (r["score"], r["code"]) for r in csv.DictReader(file)}
        return status, rows, capsys.readouterr().err.splitlines()

    return run


def zipped(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.py", RIGHT)


def write(path, text=RIGHT):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def whole_pool(monkeypatch):
    """Grade in this process; starting others takes its time."""
    from tinygrad_xent.teaching.grading import gradebook

    def graded(tasks, facts, jobs):
        for task in tasks:
            yield handed_in.grade_submission(*task, **facts)

    monkeypatch.setattr(gradebook, "_graded", graded)


@on_posix
@pytest.mark.usefixtures("whole_pool")
def test_a_class_as_it_comes(folder, grade, tmp_path):
    write(folder / "ann.PY")
    write(folder / "BO.IPYNB", NOTEBOOK)
    zipped(folder / "cy.zip")
    write(folder / "di" / "report.pdf", "%PDF")
    (folder / "ed").mkdir()
    write(folder / "flo" / "a" / "b" / "c" / "a.Py")
    (folder / "gus.py").symlink_to(folder / "ann.PY")
    (folder / "hal").symlink_to(folder / "flo")
    (folder / "ivy.py").symlink_to(folder / "gone")
    (folder / "jo").mkdir()
    zipped(folder / "jo" / "hw.ZIP")
    write(folder / "kim" / "a.py")
    zipped(folder / "kim" / "old.tar.gz")
    write(folder / "lee.ipynb", "{")
    os.mkfifo(folder / "max.py")
    write(folder / ".ned.py")
    zipped(folder / "oz.tar.gz")
    write(folder / "oz.py")
    write(folder / "pia.docx")
    status, rows, lines = grade()
    assert lines == [
        "not graded: di: there is no .py, .ipynb or .zip file, only report.pdf",
        "not graded: ed: there is no .py, .ipynb or .zip file",
        "not graded: gus: gus.py is a link, which is not followed; put the file itself there",
        "not graded: hal: hal is a link, which is not followed; put the file itself there",
        "not graded: ivy: ivy.py is a link, which is not followed; put the file itself there",
        "not graded: kim: old.tar.gz is packed; unpack it first",
        "not graded: lee: lee.ipynb is not a Jupyter notebook",
        "not graded: max: there is no .py, .ipynb or .zip file",
        "not graded: oz: oz.tar.gz is packed; unpack it first",
        "not graded: pia: there is no .py, .ipynb or .zip file, only pia.docx",
    ]
    passed = (".ned", "BO", "ann", "cy", "flo", "jo", "kim", "oz")
    lost = ("di", "ed", "gus", "hal", "ivy", "lee", "max", "pia")
    assert rows == dict.fromkeys(passed, ("1", "passed")) | dict.fromkeys(lost, ("0", "no-file"))
    assert status == 1
    page = (tmp_path / "grades-feedback" / "di.html").read_text()
    assert "there is no .py, .ipynb or .zip file, only report.pdf" in page
    assert "Not answered" in page
    assert "To be worked on" not in page
    assert grade() == (status, rows, lines)  # the second time nothing is graded, and all is told
    write(folder / "di" / "a.py")
    assert grade()[1]["di"] == ("1", "passed")


def test_a_grader_that_cannot_start_its_processes_says_so(folder, grade, monkeypatch):
    from tinygrad_xent.teaching.grading import session

    write(folder / "ann.py")
    monkeypatch.setattr(session, "_START", "raise SystemExit(3) # {}")
    status, rows, (line,) = grade()
    assert (status, rows) == (1, {"ann": ("0", "crashed")})
    assert line.startswith("not graded: ann: It could not be graded (SubmissionError: the process")
    monkeypatch.undo()
    assert grade()[:2] == (0, {"ann": ("1", "passed")})


@on_posix
@pytest.mark.usefixtures("whole_pool")
def test_names_as_they_come(folder, grade, tmp_path):
    names = ["n" * 255, "ä" * 127, "a\nb", "tab\t", "\u202eright to left", "=1+1", " ", "ü"]
    if sys.platform == "linux":  # others insist on Unicode, and take these for one name
        names += ["u\u0308", *map(os.fsdecode, (b"\xff", b"\xfe", b"x" * 245 + b"\xff"))]
    for name in names:
        write(folder / name / "a.py")
    write(folder / ("m" * 252 + ".py"))
    write(folder / "deep" / ("d" * 200) / ("e" * 252 + ".py"))
    status, rows, lines = grade()
    assert (status, lines) == (0, [])
    assert len(rows) == len(names) + 2
    assert set(rows.values()) == {("1", "passed")}
    pages = list((tmp_path / "grades-feedback").glob("*.html"))
    assert len(pages) == len(names) + 2
    assert grade()[0] == 0


def test_files_of_one_student_are_one_row(folder):
    write(folder / "ann.py")
    write(folder / "ann.IPYNB")
    write(folder / "ann" / "b.py")
    (found,) = submissions(folder)
    assert (found.student, set(found.read().contents)) == (
        "ann",
        {"ann.py", "ann.IPYNB", "ann/b.py"},
    )


LITTER = (
    ".DS_Store", "._ann.py", "__MACOSX/ann.py", ".ipynb_checkpoints/ann.ipynb", "Thumbs.db",
    "desktop.ini", ".git/config", ".gitignore", "__pycache__/a.pyc", "ann.py~", ".ann.py.swp",
    ".~lock.ann.odt#", "$RECYCLE.BIN/a.py", "lost+found/a.py",
)  # fmt: skip


@pytest.mark.parametrize("name", LITTER)
def test_what_systems_leave_behind_is_passed_over(folder, name):
    write(folder / name)
    with pytest.raises(SubmissionError, match=r"holds no \.py or \.ipynb file"):
        submissions(folder)
    write(folder / "ann" / "a.py")
    write(folder / "ann" / name)
    (ann,) = submissions(folder)
    assert (list(ann.read().contents), ann.read().problems) == (["ann/a.py"], [])


def test_an_environment_in_a_students_folder_is_passed_over(folder):
    write(folder / "ann" / "a.py")
    for name in ("venv", ".venv"):
        write(folder / "ann" / name / "pyvenv.cfg", "")
        write(folder / "ann" / name / "lib" / "site.py")
    (ann,) = submissions(folder)
    assert (list(ann.read().contents), ann.read().problems) == (["ann/a.py"], [])


def test_the_graders_own_files_are_no_submissions(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    write(folder / "ann.py", "")
    for _ in range(2):
        assert cli.main(["grade", ".", "--exercises", "square_backward"]) == 0
        assert " of 1 submissions" in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir()) == [
        "ann.py", "grades-feedback", "grades-students.csv", "grades-summary.html", "grades.csv"
    ]  # fmt: skip


def test_the_graders_own_files_by_a_roundabout_path(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    write(folder / "ann.py", "")
    out = str(folder / ".." / folder.name / "grades.csv")
    for _ in range(2):
        assert cli.main(["grade", ".", "--exercises", "square_backward", "--out", out]) == 0
        assert " of 1 submissions" in capsys.readouterr().out


def test_names_of_files_are_not_taken_for_formulas(folder, grade, tmp_path):
    write(folder / "a$b$c`.rar")
    grade()
    assert "Nothing could be graded: a$b$c`.rar is packed" in (tmp_path / "grades.csv").read_text()


def test_too_many_files(folder, monkeypatch):
    monkeypatch.setattr(handed_in, "_MOST_GRADED", 2)
    for i in range(3):
        write(folder / "ann" / f"{i}.py", RIGHT if i < 2 else "x = 1")
        os.utime(folder / "ann" / f"{i}.py", (i, i))
    (ann,) = submissions(folder)
    record = grade_submission(ann, ("square_backward",), seed=0)
    assert record["results"][0]["file"] == "1.py"
    assert "of 3 code files only the latest 2 count" in record["problems"]


@on_posix
def test_a_folder_deeper_than_a_path_can_say(folder):
    write(folder / "bo.py")
    here = os.open(folder, os.O_RDONLY)
    for _ in range(2100):
        os.mkdir("a", dir_fd=here)
        below = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    found = {s.student: s for s in submissions(folder)}
    assert list(found["bo"].read().contents) == ["bo.py"]
    assert found["a"].read().problems == ["a cannot be read (File name too long)"]
    while (folder / "a" / "a").exists():  # what removes a test's folder could not go so deep
        (folder / "a" / "a").rename(folder / "b")
        (folder / "a").rmdir()
        (folder / "b").rename(folder / "a")


def test_a_huge_file_is_not_read_whole(folder, monkeypatch):
    monkeypatch.setattr(handed_in, "_LARGEST", 10)
    write(folder / "ann.py", "#" * 1000)
    assert submissions(folder)[0].read().contents == {"ann.py": b"#" * 11}
