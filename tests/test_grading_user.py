"""Checking and grading as an ordinary user, whom limits bind and closed files stop."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest
from class_of_300 import run as run_class
from hostile import RIGHT
from ordinary import ENVIRONMENT, ordinary_user, without_privileges

from tinygrad_xent.errors import SubmissionError
from tinygrad_xent.teaching.grading.submissions import submissions

if os.name != "posix":
    pytest.skip("only POSIX keeps users from files by a mode", allow_module_level=True)

OP = """
import tinygrad_xent as tx
@tx.op
def half(x):
    return x / 2
@half.backward
def rule(grad, y, x):
    return grad / 2
"""
ALONE = """
import os, threading
from tinygrad_xent.teaching.grading.sandbox import Limits
go, gone = threading.Event(), threading.Event()
def run():
    go.wait()
    gone.set()
threading.Thread(target=run, daemon=True).start()
Limits().hold()
go.set()
print("it runs" if gone.wait(60) else "it hangs")
for start in (os.fork, threading.Thread(target=print).start):
    try:
        start()
    except (OSError, RuntimeError):
        print("refused")
"""


@pytest.fixture
def open_folder():
    """A folder that all users may write to; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def run(open_folder):
    def as_ordinary_user(*argv, reads_all=True):
        return subprocess.run(
            [*ordinary_user(reads_all=reads_all), sys.executable, *argv],
            cwd=open_folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )

    return as_ordinary_user


def test_check(run, open_folder):
    (open_folder / "a.py").write_text(OP + RIGHT)
    done = run("-m", "tinygrad_xent", "check", "a.py")
    assert (done.stderr, done.stdout, done.returncode) == (
        "",
        "op half: right\nexercise square_backward: right\n2 of 2 right.\n",
        0,
    )


def test_grade_with_files_for_oneself_alone(run, open_folder):
    """What is written under a umask of 077 nobody else can read."""
    (open_folder / "all").mkdir()
    (open_folder / "all" / "ann.py").write_text(RIGHT)
    (open_folder / "all" / "bo.py").write_text(RIGHT)
    script = """
import os
os.umask(0o077)
from tinygrad_xent.commands import cli
if __name__ == "__main__":
    raise SystemExit(cli.main("grade all --exercises square_backward --jobs 2".split()))
"""
    (open_folder / "main.py").write_text(script)
    done = run("main.py")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("2 of 2 submissions graded now, 0 before; 2 of 2 answers passed.")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts threads as processes")
def test_a_thread_that_runs_stays_and_nothing_new_starts(run):
    done = run("-c", ALONE)
    assert (done.stderr, done.stdout.splitlines()) == ("", ["it runs", "refused", "refused"])


@pytest.fixture
def closed(open_folder):
    """Five students' work, of which three are closed in three ways."""
    folder = open_folder / "all"
    for name in ("ann/a.py", "bo/b.py", "cy.py", "di.py", "ed/e.py", "ed/deep/f.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RIGHT)
        path.chmod(0o644)
    for path in folder.rglob("*"):
        path.chmod(0o755)
    modes = {"ann": 0o444, "cy.py": 0o000, "ed/deep": 0o000}
    for name, mode in modes.items():
        (folder / name).chmod(mode)
    yield folder
    for name in modes:
        (folder / name).chmod(0o755)


def test_what_is_closed_is_told(closed):
    version("tinygrad_xent")  # Python loads modules for it, perhaps from where only root can look
    with without_privileges():
        found = {s.student: s for s in submissions(closed)}
        read = {student: submission.read() for student, submission in found.items()}
    assert {
        student: ([path.rpartition("/")[2] for path in handed.contents], handed.problems)
        for student, handed in read.items()
    } == {
        "ann": ([], ["a.py cannot be read (Permission denied)"]),
        "bo": (["b.py"], []),
        "cy": ([], ["cy.py cannot be read (Permission denied)"]),
        "di": (["di.py"], []),
        "ed": (["e.py"], ["deep cannot be read (Permission denied)"]),
    }


def test_a_closed_submission_costs_only_itself(closed, run):
    argv = ("grade", "all", "--exercises", "square_backward", "--jobs", "2")
    done = run("-m", "tinygrad_xent", *argv, reads_all=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 3), done.stderr
    with closed.with_name("grades.csv").open(encoding="utf-8-sig", newline="") as file:
        scores = {row["student"]: row["score"] for row in csv.DictReader(file)}
    assert scores == {"ann": "0", "bo": "1", "cy": "0", "di": "1", "ed": "1"}


def test_a_folder_of_submissions_that_is_closed(open_folder):
    folder = open_folder / "all"
    (folder / "in").mkdir(parents=True)
    folder.chmod(0)
    try:
        with without_privileges():
            for path in (folder, folder / "in"):
                with pytest.raises(SubmissionError, match=r"cannot be read \(Permission denied\)"):
                    submissions(path)
    finally:
        folder.chmod(0o755)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what is left behind")
def test_a_small_class_some_of_it_hostile():
    """`class_of_300.py` grades a whole one."""
    result = run_class(8, 4)
    assert result.pop("seconds") > 0
    assert not any(result.values()), result
