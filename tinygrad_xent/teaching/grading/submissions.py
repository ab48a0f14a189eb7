"""What was handed in: whose files a folder holds, the code in them, one student's grades."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import stat
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import version
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import SubmissionError
from tinygrad_xent.teaching.grading.judging import Report, Result, judge_cells, not_answered
from tinygrad_xent.teaching.grading.limits import Limits
from tinygrad_xent.teaching.grading.session import Files
from tinygrad_xent.visualization.naming import printable

NO_FILE = "no-file"
"""The code of a result where nothing could be graded."""
_LARGEST = 20 * 2**20  # bytes of a file
_SUFFIXES = (".py", ".ipynb")
_PACKED = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_MOST_FILES, _MOST_OTHERS = 100, 1_000
_MOST_BYTES = 100 * 2**20  # of all files of a student together
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
    try:
        content = _content(path) if path.suffix.lower() in _SUFFIXES else b""
    except OSError as error:
        why = f"{printable(path.name)} cannot be read ({error.strerror})"
        raise SubmissionError(why) from None
    return cells_in(path.name, content)


def cells_in(name: str, content: bytes) -> list[str]:
    """Return the code cells of a file with this name and content, as `cells_of` does."""
    is_notebook = name.lower().endswith(".ipynb")
    name = printable(name.rpartition("/")[2])
    if not is_notebook and not name.lower().endswith(".py"):
        raise SubmissionError(f"{name} is neither a Python file (.py) nor a notebook (.ipynb)")
    if len(content) > _LARGEST:
        raise SubmissionError(f"{name} has more than {_LARGEST:,} bytes; clear its outputs")
    try:
        text = StringIO(content.decode("utf-8-sig"), newline=None).read()
    except UnicodeDecodeError:
        raise SubmissionError(f"{name} is not text in UTF-8; save it in this encoding") from None
    if is_notebook:
        return [plain(cell) for cell in _notebook(text, name)]
    parts = _CELL.split(text)  # each keeps the line numbers of the file
    return ["\n" * "".join(parts[:i]).count("\n") + part for i, part in enumerate(parts)]


def _content(path: Path) -> bytes:
    """Return what a file holds; of a huge one, only enough to show its size."""
    with path.open("rb") as file:
        return file.read(_LARGEST + 1)


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


def read_files(folder: Path, paths: Iterable[Path]) -> tuple[dict[str, bytes], list[str]]:
    """Return files' contents by their paths in a folder, and sentences on what is left out."""
    contents: dict[str, bytes] = {}
    problems = []
    left = _MOST_BYTES
    for path in paths:
        name = printable(path.name)
        try:
            size = path.stat().st_size
            if size > _LARGEST and path.suffix.lower() not in _SUFFIXES:
                problems.append(f"{name} is left out: it has more than {_LARGEST:,} bytes")
            elif min(size, _LARGEST + 1) > left:
                most = f"{_MOST_BYTES:,}"
                problems.append(f"{name} is left out: all files have more than {most} bytes")
            else:
                content = contents[path.relative_to(folder).as_posix()] = _content(path)
                left -= len(content)
        except OSError as error:
            problems.append(f"{name} cannot be read ({error.strerror})")
    return contents, problems


def read_beside(path: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return a file and what lies beside it and below, the nearest first, as `read_files` does."""
    beside = (entry for entry, error in _walk(path.parent) if not error and _is_plain(entry))
    return read_files(path.parent, dict.fromkeys([path, *islice(beside, _MOST_OTHERS)]))


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
    others : tuple of Path
        Files that the code may read, such as tables of data.
    folder : Path
        The folder of all submissions.
    """

    student: str
    files: tuple[Path, ...]
    problems: tuple[str, ...] = ()
    others: tuple[Path, ...] = ()
    folder: Path = Path()

    def read(self) -> tuple[dict[str, bytes], tuple[str, ...]]:
        """Return the contents of all files by their paths in the folder, and all problems."""
        contents, problems = read_files(self.folder, (*self.files, *self.others))
        return contents, (*self.problems, *problems)

    def fingerprint(self, names: Sequence[str], limits: Limits) -> str:
        """Return a digest that changes when a file, the exercises or the grader change."""
        return _fingerprint(*self.read(), names, limits)


def _fingerprint(
    contents: Mapping[str, bytes], problems: Sequence[str], names: Sequence[str], limits: Limits
) -> str:
    facts = [version("tinygrad_xent"), *names, asdict(limits), *problems]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for name, content in contents.items():
        digest.update(f"\0{name}\0".encode("utf-8", "surrogateescape"))
        digest.update(hashlib.sha256(content).digest())
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
    found: dict[str, Submission] = {}
    for path in paths:
        if _is_litter(path.name) or path.name in graders_own:
            continue
        is_folder = path.is_dir() and not path.is_symlink()
        student = path.name if is_folder else path.stem.removesuffix(".tar")
        one = found.get(student, Submission(student, (), folder=folder))
        files, others, problems = _handed_in(path)
        found[student] = replace(
            one,
            files=(*one.files, *files),
            problems=(*one.problems, *problems),
            others=(*one.others, *others),
        )
    if not found:
        raise SubmissionError(f"{name} holds no .py or .ipynb file, nor folders with such files")
    return list(found.values())


def _is_litter(name: str) -> bool:
    return any(map(partial(fnmatchcase, name.lower()), _LITTER))


def _handed_in(path: Path) -> tuple[list[Path], list[Path], list[str]]:
    """Return the code files of one entry, its other files, and what cannot be graded and why."""
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
            others.append(entry)
    if len(files) > _MOST_FILES:
        problems.append(f"{printable(path.name)} holds {len(files):,} code files, and only the "
                        f"first {_MOST_FILES} are graded")  # fmt: skip
    if not files and not problems:
        name = printable(path.name)
        held = ", ".join(printable(other.name) for other in others[:3])
        held = f"; it holds {held}" if held else ""
        problems.append(f"{name} holds no .py or .ipynb file{held}" if path.is_dir()
                        else f"{name} is not a .py or .ipynb file")  # fmt: skip
    return files[:_MOST_FILES], list(filter(_is_plain, others))[:_MOST_OTHERS], problems


def _walk(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield all files below a path, the nearest first; with each, why it cannot be read, or "".

    In a loop, because recursion ends at a folder a thousand levels deep.
    """
    left = deque([path])
    while left:
        entry = left.popleft()
        try:
            kind = entry.lstat().st_mode
            if stat.S_ISDIR(kind):
                inside = sorted(entry.iterdir())
                if not any(file.name == "pyvenv.cfg" for file in inside):
                    left += [file for file in inside if not _is_hidden(file.name)]
                continue
            if stat.S_ISREG(kind):
                entry.open("rb").close()
        except OSError as error:
            yield entry, error.strerror or "it has gone"
        else:
            yield entry, ""


def _is_plain(path: Path) -> bool:
    """Whether it is an ordinary file, neither a link nor a device."""
    return path.is_file() and not path.is_symlink()


def _is_hidden(name: str) -> bool:
    """Whether a file within a student's folder belongs to an editor, a tool or the system."""
    return name.startswith(".") or _is_litter(name)


# -- a student -------------------------------------------------------------------------------


def grade_submission(submission: Submission, names: Sequence[str], **facts: Any) -> dict[str, Any]:
    """Grade one student's files, as `grade_files` does."""
    return grade_files(submission.student, *submission.read(), names, **facts)


def grade_files(
    student: str,
    contents: Mapping[str, bytes],
    problems: Sequence[str],
    names: Sequence[str],
    *,
    seed: int,
    closed: Sequence[str] = (),
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Grade the files of one student; a function of its arguments alone, on any machine.

    Where several files answer the same exercise, the best answer counts.

    Parameters
    ----------
    student : str
    contents : mapping of str to bytes
        The files by their paths.
    problems : sequence of str
        What else was handed in and cannot be graded, and why.
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
    fingerprint = _fingerprint(contents, problems, names, limits)
    reports: list[tuple[str, Report]] = []
    problems = list(problems)
    for path in contents:
        if not path.lower().endswith(_SUFFIXES):
            continue
        name = printable(path.rpartition("/")[2])
        try:
            cells = cells_in(path, contents[path])
        except SubmissionError as error:
            problems.append(str(error))
            continue
        file = Files(contents, path)
        report = judge_cells(cells, names, seed=seed, closed=closed, limits=limits, files=file)
        reports.append((name, report))
        problems += [f"{name}, {problem}" for problem in report.errors]
    return {
        "student": student,
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
