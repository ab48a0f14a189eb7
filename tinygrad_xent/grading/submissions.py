"""Whose work a folder holds, and the verdict on one student's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tinygrad_xent
from tinygrad_xent.errors import SubmissionError
from tinygrad_xent.grading.cells import SUFFIXES, cells_of
from tinygrad_xent.grading.judging import Report, Result, judge_cells
from tinygrad_xent.grading.limits import Limits
from tinygrad_xent.reading import printable


@dataclass(frozen=True)
class Submission:
    """The files of one student.

    Attributes
    ----------
    student : str
        The name of the folder, or of the file without its ending.
    files : tuple of Path
    """

    student: str
    files: tuple[Path, ...]

    def fingerprint(self, names: Sequence[str], limits: Limits) -> str:
        """Give what changes when a file, the exercises asked for or the grader changes."""
        digest = hashlib.sha256()
        digest.update(json.dumps([tinygrad_xent.__version__, *names, asdict(limits)]).encode())
        for file in self.files:
            digest.update(f"\0{file.name}\0".encode("utf-8", "surrogateescape"))
            digest.update(hashlib.sha256(content_of(file)).digest())
        return digest.hexdigest()


def submissions(folder: Path) -> list[Submission]:
    """Find them: each file is a student's, and each folder holds the files of one.

    Hidden files and folders (`.ipynb_checkpoints`) and links are left out.

    Raises
    ------
    SubmissionError
        If it is no folder, or holds none.
    """
    if not folder.is_dir():
        raise SubmissionError(
            f"{printable(folder)} is no folder; give the one with the submissions"
        )
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__")) or path.is_symlink():
            continue
        if path.is_dir():
            inside = sorted(path.rglob("*"))
            files.setdefault(path.name, []).extend(
                file
                for file in inside
                if _is_code(file)
                and not any(p.startswith((".", "__")) for p in _within(file, path))
            )
        elif _is_code(path):
            files.setdefault(path.stem, []).append(path)
    found = [Submission(student, tuple(paths)) for student, paths in files.items() if paths]
    if not found:
        raise SubmissionError(
            f"{printable(folder)} holds no .py and no .ipynb file, nor folders with such files"
        )
    return found


def _is_code(path: Path) -> bool:
    return path.suffix in SUFFIXES and path.is_file() and not path.is_symlink()


def _within(file: Path, folder: Path) -> Iterable[str]:
    return file.relative_to(folder).parts


def content_of(path: Path) -> bytes:
    """Read a file; one that cannot be read is empty here, and `cells_of` says why."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def grade_submission(
    submission: Submission,
    names: Sequence[str],
    *,
    seed: int,
    closed: Sequence[str] = (),
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Grade one student's files; a function of its arguments alone, for any pool of workers.

    Where several files answer the same exercise, the best answer counts.

    Parameters
    ----------
    submission : Submission
    names : sequence of str
        The exercises to judge.
    seed : int
        Of the random inputs.
    closed : sequence of str
        Files and folders that learners' code cannot read.
    limits : Limits, optional

    Returns
    -------
    dict
        JSON: "student", "fingerprint", "seed", "problems" and "results", a row for each exercise.
    """
    limits = limits or Limits()
    fingerprint = submission.fingerprint(names, limits)
    reports: list[tuple[str, Report]] = []
    problems: list[str] = []
    for file in submission.files:
        name = printable(file.name)
        try:
            cells = cells_of(file)
        except SubmissionError as error:
            problems.append(str(error))
            continue
        report = judge_cells(cells, names, seed=seed, closed=closed, limits=limits)
        reports.append((name, report))
        problems += [f"{name}, {problem}" for problem in report.errors]
    return {
        "student": submission.student,
        "fingerprint": fingerprint,
        "seed": seed,
        "problems": problems,
        "results": [_best(i, name, reports) for i, name in enumerate(names)],
    }


def _best(number: int, name: str, reports: Sequence[tuple[str, Report]]) -> dict[str, Any]:
    """Choose the best of a student's answers to an exercise: one that is there, one that passed."""
    rows = [(report.exercises[number], file) for file, report in reports]
    rows.append((Result(name, 0, "not-answered", "There is no answer to this exercise."), ""))
    result, file = max(rows, key=lambda row: (row[0].score, row[0].code != "not-answered"))
    return {**asdict(result), "file": file if result.code != "not-answered" else ""}


def failed(submission: Submission, names: Sequence[str], message: str) -> dict[str, Any]:
    """Give the record of a submission whose grader did not survive it."""
    rows = [{**asdict(Result(name, 0, "crashed", message)), "file": ""} for name in names]
    return {
        "student": submission.student,
        "fingerprint": "",
        "seed": 0,
        "problems": [message],
        "results": rows,
    }
