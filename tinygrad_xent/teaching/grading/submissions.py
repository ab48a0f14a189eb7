"""What was handed in: whose files a folder holds, the code in them, one student's grades."""

import contextlib
import hashlib
import json
import re
import stat
import zipfile
import zlib
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from importlib.metadata import version
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any

from tinygrad_xent.errors import SubmissionError
from tinygrad_xent.teaching.exercises.reading import parsed
from tinygrad_xent.teaching.grading.alike import definitions_in
from tinygrad_xent.teaching.grading.judging import LOST, Result, judge_cells
from tinygrad_xent.teaching.grading.sandbox import Limits
from tinygrad_xent.teaching.grading.session import Files
from tinygrad_xent.teaching.roster import decoded
from tinygrad_xent.visualization.naming import printable

NO_FILE = "no-file"
"""The code of a result where nothing could be graded."""
_LARGEST = 20 * 2**20  # bytes of a file
_LARGEST_NOTEBOOK = 500 * 2**20  # bytes with its outputs, of which nothing is kept
_SUFFIXES = (".py", ".ipynb")
_PACKED = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_MOST_GRADED, _MOST_FILES = 100, 1_000
_MOST_BYTES = 100 * 2**20  # of all files of a student together
_LITTER = ("._*", "__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "lost+found",
           "__pycache__", "*~")  # fmt: skip
_PLATFORMS = (
    r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_[a-z]+(_.*)?",  # Moodle
    r"(?P<name>[^_]+)_(LATE_)?(?P<id>\d+)_\d+_.+",  # Canvas
)
_VERSION = re.compile(r"(?:-| \(|[_ -]v)(\d+)\)?$")  # as browsers, platforms and people number
_CELL = re.compile(r"^(?=# ?%%|# In ?\[)", re.MULTILINE)  # of an editor, of a saved notebook
_ANSWERED = 2
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
    return cells_in(path.absolute().name, content)


def cells_in(name: str, content: bytes) -> list[str]:
    """Return the code cells of a file with this name and content, as `cells_of` does."""
    is_notebook = name.lower().endswith(".ipynb")
    name = printable(name.rpartition("/")[2])
    if not is_notebook and not name.lower().endswith(".py"):
        raise SubmissionError(f"{name} is neither a Python file (.py) nor a notebook (.ipynb)")
    if len(content) > _LARGEST:
        raise SubmissionError(f"{name} has more than {_LARGEST:,} bytes of code")
    text = StringIO(decoded(content), newline=None).read()
    if is_notebook:
        return [plain(cell) for cell in _notebook(text, name)]
    parts = _CELL.split(text)  # each keeps the line numbers of the file
    return ["\n" * "".join(parts[:i]).count("\n") + part for i, part in enumerate(parts)]


def _content(path: Path) -> bytes:
    """Return what a file holds, a large notebook without its outputs.

    Of another huge file, only enough to show its size.
    """
    is_notebook = path.suffix.lower() == ".ipynb"
    with path.open("rb") as file:
        content = file.read((_LARGEST_NOTEBOOK if is_notebook else _LARGEST) + 1)
    if is_notebook and len(content) > _LARGEST:
        with contextlib.suppress(SubmissionError):
            sources = _notebook(decoded(content), path.name)
            cells = [{"cell_type": "code", "source": source} for source in sources]
            content = json.dumps({"cells": cells}).encode()
    return content[: _LARGEST + 1]


def _notebook(text: str, name: str) -> list[str]:
    """Return the code cells, of format 4, or of format 3 with its worksheets."""
    try:
        book = json.loads(text)
        sheets = [book] if "cells" in book else book["worksheets"]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        return ["".join(cell["source" if "source" in cell else "input"]) for cell in code]
    except (ValueError, KeyError, TypeError, RecursionError):
        what = "not a Jupyter notebook" if text.strip() else "empty"
        raise SubmissionError(f"{name} is {what}") from None


def plain(source: str) -> str:
    r"""Return a cell without what only IPython understands; a cell of Python stays as it is.

    Examples
    --------
    >>> print(plain("%matplotlib inline\nfiles = !ls\n%time x = 1"))
    pass
    files = None
    x = 1
    """
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        parsed(source)
        return source
    if source.startswith("%%"):
        first, _, rest = source.partition("\n")
        return f"\n{rest}" if first.startswith(_CELL_MAGICS) else ""
    return _MAGIC.sub(r"\1pass", _ASSIGNED_MAGIC.sub(r"\1None", _TIME.sub(r"\1", source)))


# -- a folder --------------------------------------------------------------------------------


@dataclass
class HandedIn:
    """What lies in a folder.

    Attributes
    ----------
    contents : dict of str to bytes
        The files by their paths; of code, the latest version comes last.
    problems : list of str
        What is left out, and why.
    written : float
        When the latest code file was written, in seconds of the epoch.
    """

    contents: dict[str, bytes]
    problems: list[str]
    written: float = 0.0

    @property
    def code(self) -> list[str]:
        """The paths of notebooks and Python files, the latest version first."""
        return [path for path in reversed(self.contents) if _is_code(path)]

    def fingerprint(self, limits: Limits) -> str:
        """Return a digest that changes when a file, a limit or the grader changes."""
        facts = [version("tinygrad_xent"), asdict(limits), *self.problems]
        digest = hashlib.sha256(json.dumps(facts).encode())
        for name, content in self.contents.items():
            digest.update(f"\0{name}\0".encode("utf-8", "surrogateescape"))
            digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()


def read(folder: Path, entries: Sequence[Path]) -> HandedIn:
    """Return what some entries of a folder hold, the nearest files first; zip files come unpacked.

    In a loop, because recursion ends at a folder a thousand levels deep.
    """
    left = deque(entries)
    found: list[tuple[tuple[Any, ...], str, bytes]] = []
    problems = []
    room = _MOST_BYTES
    while left and len(found) <= _MOST_FILES:
        path = left.popleft()
        is_code = path.suffix.lower() in (*_SUFFIXES, ".zip")
        try:
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                below = sorted(path.iterdir())
                if not any(file.name == "pyvenv.cfg" for file in below):
                    left += [file for file in below if not _is_hidden(file.name)]
            elif stat.S_ISLNK(status.st_mode) and (is_code or path in entries):
                why = "is a link, which is not followed; put the file itself there"
                problems.append(f"{printable(path.name)} {why}")
            elif stat.S_ISREG(status.st_mode):
                where = path.relative_to(folder).as_posix()
                number = _VERSION.search(path.stem)
                age = (int(number[1][:9]) if number else 0, status.st_mtime, where)
                inside = _inside(path, room)
                room -= sum(map(len, inside.values()))
                kind = age if is_code else ()
                found += [(kind, where + name, content) for name, content in inside.items()]
        except OSError as error:
            problems.append(f"{printable(path.name)} cannot be read ({error.strerror})")
        except SubmissionError as error:
            problems.append(f"{printable(path.name)} {error}")
    if len(found) > _MOST_FILES:
        problems.append(f"only the first {_MOST_FILES:,} files are read")
    found.sort(key=lambda file: file[0])
    contents = {where: content for _, where, content in found[: _MOST_FILES + 1]}
    return HandedIn(contents, problems, max((age[1] for age, *_ in found if age), default=0.0))


def _inside(path: Path, room: int) -> dict[str, bytes]:
    """Return what a file holds, or a zip file's files by their paths in it, if it is not too much.

    Raises
    ------
    SubmissionError
        The rest of a sentence that begins with its name.
    """
    if path.suffix.lower() == ".zip":
        inside = _unpacked(path, room)
    elif path.name.lower().endswith(_PACKED):
        raise SubmissionError("is packed; unpack it first")
    elif path.stat().st_size > _LARGEST and not _is_code(path.name):
        raise SubmissionError(f"is left out: it has more than {_LARGEST:,} bytes")
    else:
        inside = {"": _content(path)}
    if sum(map(len, inside.values())) > room:
        raise SubmissionError(f"is left out: all files have more than {_MOST_BYTES:,} bytes")
    return inside


def _unpacked(path: Path, room: int) -> dict[str, bytes]:
    """Return the files in a zip file; nothing is written, and no path leads out of it."""
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as packed:
            for info in packed.infolist():
                parts = PurePosixPath(info.filename.replace("\\", "/")).parts
                is_closed = any(part == "/" or _is_hidden(part) for part in parts)
                if is_closed or info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
                    continue
                with packed.open(info) as file:  # what it says of its size may be wrong
                    found["/".join(("", *parts))] = content = file.read(room + 1)
                room -= len(content)
                if room < 0 or len(found) > _MOST_FILES:
                    break
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError):
        raise SubmissionError("is damaged") from None
    except RuntimeError:
        raise SubmissionError("has a password; unpack it first") from None
    if len(found) > _MOST_FILES:
        raise SubmissionError(f"is left out: it holds more than {_MOST_FILES:,} files")
    owners = {whose(name[1:].partition("/")[0]) for name in found}
    if len(owners) > 1 and all(number for _, number in owners):
        raise SubmissionError("is the download of a class; unpack it, and name that folder")
    if room >= 0 and not any(map(_is_code, found)):
        raise SubmissionError("holds no .py or .ipynb file")
    return found


def _is_code(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES)


def _is_hidden(name: str) -> bool:
    """Whether a file belongs to an editor, a tool or the system."""
    is_litter = any(fnmatchcase(name.lower(), pattern) for pattern in _LITTER)
    return is_litter or (name.startswith(".") and not _is_code(name))


# -- a class ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Submission:
    """The files of one student.

    Attributes
    ----------
    student : str
        The name of the folder, or of the file without its ending.
    entries : tuple of Path
        What is theirs in the folder of all submissions.
    id : str
        Its number in the names that a learning platform gives.
    """

    student: str
    entries: tuple[Path, ...] = ()
    id: str = ""

    def read(self) -> HandedIn:
        """Return all that is theirs, and why nothing of it can be graded, if that is so."""
        handed = read(self.entries[0].parent, self.entries)
        if not handed.code and not handed.problems:
            held = ", ".join(printable(PurePosixPath(path).name) for path in [*handed.contents][:3])
            nothing = "there is no .py, .ipynb or .zip file"
            handed.problems.append(f"{nothing}, only {held}" if held else nothing)
        return handed


def submissions(folder: Path, besides: Collection[Path] = ()) -> list[Submission]:
    """Return what a folder holds: each file is a student's, and so is each folder of files.

    Whatever lies in the folder becomes a submission, also what cannot be graded, so that nobody is
    lost. Only what systems and editors leave behind is passed over.

    Parameters
    ----------
    folder : Path
    besides : collection of Path
        What else lies there and is not a submission: the grader's own tables and pages.

    Raises
    ------
    SubmissionError
        If it is not a folder, cannot be read, or is empty.
    """
    name = printable(folder)
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        why = f"{name} cannot be read ({error.strerror}); name the folder with the submissions"
        raise SubmissionError(why) from None
    graders_own = {path.resolve() for path in besides}
    found: dict[str, Submission] = {}
    for entry in entries:
        if _is_hidden(entry.name) or entry.resolve() in graders_own:
            continue
        is_folder = entry.is_dir() and not entry.is_symlink()
        student, number = whose(entry.name if is_folder else entry.stem.removesuffix(".tar"))
        if number and found.get(student, Submission("", id=number)).id != number:
            student = f"{student} {number}"  # another one of the same name
        one = found.get(student, Submission(student, id=number))
        found[student] = replace(one, entries=(*one.entries, entry))
    if not found:
        raise SubmissionError(f"{name} holds no .py or .ipynb file, nor folders with such files")
    return list(found.values())


def whose(name: str) -> tuple[str, str]:
    """Return a student's name and number from a name that Moodle or Canvas gives to a download.

    Any other name is the student's, without a number.

    Examples
    --------
    >>> whose("Ann Lee_4711_assignsubmission_file_")
    ('Ann Lee', '4711')
    >>> whose("leeann_LATE_12345_678_homework-2"), whose("ann_lee")
    (('leeann', '12345'), ('ann_lee', ''))
    """
    for form in _PLATFORMS:
        if found := re.fullmatch(form, name):
            return found["name"], found["id"]
    return name, ""


# -- a student -------------------------------------------------------------------------------


def grade_submission(
    submission: Submission, names: Sequence[str], *, seed: int, limits: Limits | None = None
) -> dict[str, Any]:
    """Grade the files of one student.

    Where several files answer the same exercise, the latest answer counts.

    Parameters
    ----------
    submission : Submission
    names : sequence of str
        The exercises to judge.
    seed : int
        The seed of the random inputs.
    limits : Limits, optional
        Of all files together.

    Returns
    -------
    dict
        JSON: "student", "fingerprint", "problems" (sentences), of these those of what was not read
        ("unread"), "definitions" (of longer functions, for `alike`) and "results", a row for each
        exercise.
    """
    handed = submission.read()
    limits = replace(limits or Limits())  # a clock of their own
    fingerprint = handed.fingerprint(limits)
    best: dict[str, dict[str, Any]] = {}
    problems = list(handed.problems)
    definitions: list[Any] = []
    if len(handed.code) > _MOST_GRADED:
        problems.append(f"of {len(handed.code):,} code files only the latest {_MOST_GRADED} count")
    for path in handed.code[:_MOST_GRADED]:
        name = printable(path.rpartition("/")[2])
        content = handed.contents[path]
        left = [each for each in names if _rank(best.get(each)) < _ANSWERED]
        if not left:
            if any(f"def {each}(".encode() in content for each in names):
                problems.append(f"{name} does not count: a later version has all answers")
            continue
        try:
            cells = cells_in(path, content)
        except SubmissionError as error:
            problems.append(str(error))
            continue
        definitions += definitions_in(cells, name)
        files = Files(handed.contents, path)
        report = judge_cells(cells, left, seed=seed, limits=limits, files=files, with_pictures=True)
        for result in report.exercises:
            row = asdict(result)
            row |= {"file": name if _rank(row) else "", "seed": seed}
            best[result.name] = max(best.get(result.name, row), row, key=_rank)
        problems += [f"{name}, {problem}" for problem in report.errors]
    nothing = f"Nothing could be graded: {'; '.join(problems)}."
    return {
        **failed(submission, names, nothing, NO_FILE),
        **({"results": [best[name] for name in names]} if best else {}),
        "fingerprint": fingerprint,
        "unread": handed.problems if best else problems,
        "problems": problems,
        "definitions": definitions,
    }


def _rank(row: Mapping[str, Any] | None) -> int:
    """Return how much of an answer there is: an earlier version counts where a later has less."""
    if row is None or row["code"] == "not-answered":
        return 0
    return 1 if row["code"] in ("blank", "misnamed", *LOST.values()) else _ANSWERED


def failed(
    submission: Submission, names: Sequence[str], message: str, code: str = "crashed"
) -> dict[str, Any]:
    """Return the record of a submission that could not be graded; it is graded again next time."""
    results = [Result(name, 0, code, message) for name in names]
    return {
        "student": submission.student,
        "fingerprint": "",
        "unread": [message],
        "problems": [message],
        "definitions": [],
        "results": [{**asdict(r), "file": "", "seed": 0} for r in results],
    }
