"""What was handed in: whose files a folder holds, the code in them, one student's grades."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import SubmissionError
from tinygrad_xent.teaching.grading.judging import Report, Result, judge_cells, not_answered
from tinygrad_xent.teaching.grading.limits import Limits
from tinygrad_xent.visualization.naming import printable

NO_FILE = "no-file"
"""The code of a result where nothing could be graded."""
_LARGEST = 20 * 2**20  # bytes of a file
_SUFFIXES = (".py", ".ipynb")
_PACKED = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_MOST_FILES = 100
_LITTER = (
    ".ds_store", "._*", "__macosx", ".apdisk", ".spotlight-*", ".trash*", ".fseventsd",  # macOS
    "thumbs.db", "desktop.ini", "$recycle.bin",  # Windows
    ".directory", ".nfs*", ".fuse_hidden*", "lost+found",  # Linux
    ".ipynb_checkpoints", "__pycache__", ".*.sw?", "*~", ".~lock.*#",  # editors
    ".git", ".gitignore", ".gitkeep", ".gitattributes", ".hg", ".svn",
)  # fmt: skip
_CELL = re.compile(r"^(?=# ?%%|# In ?\[)", re.MULTILINE)  # of an editor, of a saved notebook
_CELL_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun")  # whose body is Python
_TIME = re.compile(r"^(\s*)%time\s+", re.MULTILINE)
_MAGIC = re.compile(r"^(\s*)([%!?].*|[\w.]+\?\??\s*)$", re.MULTILINE)
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*$", re.MULTILINE)


# -- a file ----------------------------------------------------------------------------------


def cells_of(path: Path) -> list[str]:
    """Return the code cells of a notebook, or of a Python file (`# %%` begins a cell).

    Raises
    ------
    SubmissionError
        If it is neither, or cannot be read.
    """
    name = printable(path.name)
    if (suffix := path.suffix.lower()) not in _SUFFIXES:
        raise SubmissionError(f"{name} is neither a Python file (.py) nor a notebook (.ipynb)")
    try:
        if path.stat().st_size > _LARGEST:
            raise SubmissionError(f"{name} has more than {_LARGEST:,} bytes; clear its outputs")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SubmissionError(f"{name} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SubmissionError(f"{name} is not text in UTF-8; save it in this encoding") from None
    if suffix == ".ipynb":
        return [plain(cell) for cell in _notebook(text, name)]
    parts = _CELL.split(text)  # each keeps the line numbers of the file
    return ["\n" * "".join(parts[:i]).count("\n") + part for i, part in enumerate(parts)]


def _notebook(text: str, name: str) -> list[str]:
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return ["".join(source) for source in sources]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SubmissionError(f"{name} is not a Jupyter notebook of format 4") from None


def plain(source: str) -> str:
    r"""Return a cell without what only IPython understands; a cell of Python stays as it is.

    Examples
    --------
    >>> print(plain("%matplotlib inline\nfiles = !ls\n%time x = 1"))
    pass
    files = None
    x = 1
    """
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    else:
        return source
    if source.startswith("%%"):
        first, _, rest = source.partition("\n")
        return f"\n{rest}" if first.startswith(_CELL_MAGICS) else ""
    return _MAGIC.sub(r"\1pass", _ASSIGNED_MAGIC.sub(r"\1None", _TIME.sub(r"\1", source)))


def content_of(path: Path) -> bytes:
    """Return what a file holds, of a huge one only enough to show its size; b"" if it has gone."""
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST + 1)
    except OSError:
        return b""


# -- a folder --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Submission:
    """The files of one student.

    Attributes
    ----------
    student : str
        The name of the folder, or of the file without its ending.
    files : tuple of Path
        The Python files and notebooks.
    problems : tuple of str
        What else was handed in and cannot be graded, and why.
    """

    student: str
    files: tuple[Path, ...]
    problems: tuple[str, ...] = ()

    def fingerprint(self, names: Sequence[str], limits: Limits) -> str:
        """Return a digest that changes when a file, the exercises or the grader change."""
        facts = [version("tinygrad_xent"), *names, asdict(limits), self.problems]
        digest = hashlib.sha256(json.dumps(facts).encode())
        for file in self.files:
            digest.update(f"\0{file.name}\0".encode("utf-8", "surrogateescape"))
            digest.update(hashlib.sha256(content_of(file)).digest())
        return digest.hexdigest()


def submissions(folder: Path, besides: Collection[Path] = ()) -> list[Submission]:
    """Return what a folder holds: each file is a student's, and so is each folder of files.

    Whatever lies in the folder becomes a submission, also what cannot be graded, so that nobody is
    lost. Only what systems and editors leave behind (`_LITTER`) is passed over.

    Parameters
    ----------
    folder : Path
    besides : collection of Path
        What else lies there and is not a submission: the grader's own table and pages.

    Raises
    ------
    SubmissionError
        If it is not a folder, cannot be read, or is empty.
    """
    name = printable(folder)
    try:
        paths = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        raise SubmissionError(
            f"{name} is not a folder; name the one with the submissions"
        ) from None
    except OSError as error:
        raise SubmissionError(f"{name} cannot be read ({error.strerror})") from None
    here = folder.resolve()
    graders_own = {path.name for path in besides if path.parent.resolve() == here}
    files: dict[str, list[Path]] = {}
    problems: dict[str, list[str]] = {}
    for path in paths:
        if _is_litter(path.name) or path.name in graders_own:
            continue
        code, trouble = _handed_in(path)
        is_folder = path.is_dir() and not path.is_symlink()
        student = path.name if is_folder else path.stem.removesuffix(".tar")
        files.setdefault(student, []).extend(code)
        problems.setdefault(student, []).extend(trouble)
    if not files:
        raise SubmissionError(f"{name} holds no .py or .ipynb file, nor folders with such files")
    return [Submission(s, tuple(found), tuple(problems[s])) for s, found in files.items()]


def _is_litter(name: str) -> bool:
    return any(map(partial(fnmatchcase, name.lower()), _LITTER))


def _handed_in(path: Path) -> tuple[list[Path], list[str]]:
    """Return the code files of one entry, and sentences on what cannot be graded."""
    files, others, problems = [], [], []
    for entry, error in _walk(path):
        name = printable(entry.name)
        if error:
            problems.append(f"{name} cannot be read ({error})")
        elif entry.is_symlink():
            problems.append(f"{name} is a link, which is not followed; put the file itself there")
        elif entry.suffix.lower() in _SUFFIXES and entry.is_file():
            files.append(entry)
        elif entry.name.lower().endswith(_PACKED):
            problems.append(f"{name} is packed; unpack it first")
        else:
            others.append(name)
    if len(files) > _MOST_FILES:
        problems.append(f"{printable(path.name)} holds {len(files):,} code files, and only the "
                        f"first {_MOST_FILES} are graded")  # fmt: skip
    if not files and not problems:
        name = printable(path.name)
        held = f"; it holds {', '.join(others[:3])}" if others else ""
        problems.append(f"{name} holds no .py or .ipynb file{held}" if path.is_dir()
                        else f"{name} is not a .py or .ipynb file")  # fmt: skip
    return files[:_MOST_FILES], problems


def _walk(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield all files below a path, in order; with each comes why it cannot be read, or "".

    In a loop, because recursion ends at a folder a thousand levels deep.
    """
    left = [path]
    while left:
        entry = left.pop()
        try:
            kind = entry.lstat().st_mode
            if stat.S_ISDIR(kind):
                inside = sorted(entry.iterdir(), reverse=True)
                if not any(file.name == "pyvenv.cfg" for file in inside):
                    left += [file for file in inside if not _is_hidden(file.name)]
                continue
            if stat.S_ISREG(kind):
                entry.open("rb").close()
        except OSError as error:
            yield entry, error.strerror or "it has gone"
        else:
            yield entry, ""


def _is_hidden(name: str) -> bool:
    """Whether a file within a student's folder belongs to an editor, a tool or the system."""
    return name.startswith(".") or _is_litter(name)


# -- a student -------------------------------------------------------------------------------


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
        The seed of the random inputs.
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
    problems = list(submission.problems)
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
        "results": (
            [_best(i, name, reports) for i, name in enumerate(names)]
            if reports
            else _alike(names, NO_FILE, f"Nothing could be graded: {'; '.join(problems)}.")
        ),
    }


def _alike(names: Sequence[str], code: str, message: str) -> list[dict[str, Any]]:
    """Return results without a score that all have the same cause."""
    return [{**asdict(Result(name, 0, code, message)), "file": ""} for name in names]


def _best(number: int, name: str, reports: Sequence[tuple[str, Report]]) -> dict[str, Any]:
    """Return the best result for an exercise: an answer before none, and one that passed first."""
    rows = [(report.exercises[number], file) for file, report in reports]
    rows.append((not_answered(name), ""))
    result, file = max(rows, key=lambda row: (row[0].score, row[0].code != "not-answered"))
    return {**asdict(result), "file": file if result.code != "not-answered" else ""}


def failed(submission: Submission, names: Sequence[str], message: str) -> dict[str, Any]:
    """Return the record of a submission that could not be graded; it is graded again next time."""
    return {
        "student": submission.student,
        "fingerprint": "",
        "seed": 0,
        "problems": [message],
        "results": _alike(names, "crashed", message),
    }
