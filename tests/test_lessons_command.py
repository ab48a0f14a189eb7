"""`tinygrad-xent lessons`: copies the notebooks, never writes over somebody's work, opens them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import util
from pathlib import Path
from types import SimpleNamespace

import pytest

from tinygrad_xent.commands import cli
from tinygrad_xent.teaching import lessons as lesson_files
from tinygrad_xent.teaching.exercises import CATALOGUE, PASSED, check
from tinygrad_xent.teaching.lessons import notebooks, progress

NAMES = [path.name for path in notebooks()]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def started(monkeypatch):
    """Say that JupyterLab is there, and keep the command that would start it."""
    commands = []

    def start(command, *, check):
        commands.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(util, "find_spec", lambda name: object())
    monkeypatch.setattr(subprocess, "run", start)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    return commands


def run(*argv):
    return cli.main(["lessons", *argv])


def test_it_copies_all_lessons_and_opens_them(folder, started, capsys):
    assert run("mine") == 0
    assert sorted(path.name for path in (folder / "mine").iterdir()) == [*NAMES, PASSED]
    for original in notebooks():
        assert (folder / "mine" / original.name).read_bytes() == original.read_bytes()
    assert capsys.readouterr() == (f"Copied {len(NAMES)} notebooks to mine.\n", "")
    page = "--LabApp.default_url=/lab/tree/00_start.ipynb"
    assert started == [[sys.executable, "-m", "jupyterlab", "mine", page]]


def test_jupyterlab_starts_for_root_too_as_in_a_container(started, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    run("mine")
    assert started[0][-1] == "--allow-root"
    monkeypatch.delattr(os, "geteuid")  # as on Windows
    run("mine")
    assert started[1][-1] != "--allow-root"


def test_it_has_a_folder_to_put_them_where_none_is_named(folder, started):
    assert run("--no-open") == 0
    assert sorted(p.name for p in (folder / "tinygrad-xent-lessons").iterdir()) == [*NAMES, PASSED]
    assert started == []


def test_work_is_never_written_over(folder, capsys):
    run("mine", "--no-open")
    (folder / "mine" / NAMES[0]).write_text("my work")
    (folder / "mine" / NAMES[1]).unlink()
    capsys.readouterr()
    assert run("mine", "--no-open") == 0
    assert (folder / "mine" / NAMES[0]).read_text() == "my work"
    assert (folder / "mine" / NAMES[1]).exists()
    assert capsys.readouterr().out == (
        f"Copied 1 notebook to mine.\nKept 1 notebook in mine with your changes: {NAMES[0]}. For "
        "fresh copies name another folder.\n"
    )
    (folder / "mine" / NAMES[0]).unlink()
    run("mine", "--no-open")
    capsys.readouterr()
    run("mine", "--no-open")
    assert capsys.readouterr().out == "The lessons are in mine already.\n"


# -- what was passed -------------------------------------------------------------------------


def square_backward(grad, y, x):
    return 2 * x * grad


def test_what_passes_in_a_folder_of_lessons_is_remembered_there(folder, monkeypatch):
    run("mine", "--no-open")
    monkeypatch.chdir("mine")
    assert "lesson  3   0 of 3   next: square_backward" in progress().splitlines()
    assert not check("square_backward", lambda grad, y, x: x * grad)
    assert Path(PASSED).read_text() == ""
    for _ in range(2):
        assert check("square_backward", square_backward)
    assert Path(PASSED).read_text() == "square_backward\n"
    assert "lesson  3   1 of 3   next: sigmoid_backward" in progress().splitlines()
    run(".", "--no-open")  # once more: nothing is forgotten
    assert Path(PASSED).read_text() == "square_backward\n"
    Path(PASSED).write_text("\n".join(CATALOGUE))
    assert all(line.endswith("done") for line in progress().splitlines())
    assert len(progress().splitlines()) == len(NAMES) - 1


def test_nothing_is_written_in_other_folders(folder):
    assert check("square_backward", square_backward)
    assert list(folder.iterdir()) == []
    assert progress().count("0 of") == len(NAMES) - 1


def test_a_note_that_cannot_be_written_costs_no_verdict(folder, monkeypatch):
    Path(PASSED).touch()

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert check("square_backward", square_backward)


# -- where it cannot go on -------------------------------------------------------------------


def test_without_jupyterlab_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert run("mine") == 0
    *_, words, command = capsys.readouterr().out.splitlines()
    assert words == "To work in them, install JupyterLab, and run this command again:"
    assert command == f'  {sys.executable} -m pip install jupyterlab matplotlib "dask[array]"'


def test_the_status_is_that_of_jupyterlab(started, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=3))
    assert run("mine") == 3


def test_a_place_where_nothing_can_be_written(folder, monkeypatch, capsys):
    (folder / "file").write_text("mine")
    assert run("file", "--no-open") == 2
    assert capsys.readouterr().err == (
        "tinygrad-xent: error: file: is a file; name a folder for the lessons\n"
    )

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert run("other", "--no-open") == 2
    assert capsys.readouterr().err == (
        "tinygrad-xent: error: other: cannot be written (Permission denied); choose another "
        "folder\n"
    )


def test_the_originals_are_not_to_be_worked_in(capsys):
    assert run(str(notebooks()[0].parent)) == 2
    assert capsys.readouterr().err.endswith(
        "lessons: holds the original lessons; name another folder to work in\n"
    )


def test_an_installed_package_has_the_lessons_in_it(folder, monkeypatch):
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "01_a.ipynb").touch()
    monkeypatch.setattr(lesson_files, "__file__", str(folder / "lessons.py"))
    assert notebooks() == [folder / "notebooks" / "01_a.ipynb"]
