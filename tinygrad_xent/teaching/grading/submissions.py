"""What was handed in: whose files a folder holds, the code in them, one student's grades."""

import codecs
import contextlib
import hashlib
import json
import re
import stat
import tokenize
import zipfile
import zlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import version
from io import BytesIO, StringIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from tinygrad_xent.errors import SubmissionError
from tinygrad_xent.teaching.exercises.reading import parsed
from tinygrad_xent.teaching.grading.alike import definitions_in
from tinygrad_xent.teaching.grading.judging import LOST, Result, judge_cells
from tinygrad_xent.teaching.grading.limits import Limits
from tinygrad_xent.teaching.grading.roster import whose
from tinygrad_xent.teaching.grading.session import Deadline, Files
from tinygrad_xent.visualization.naming import printable

NO_FILE = "no-file"
"""The code of a result where nothing could be graded."""
_LARGEST = 20 * 2**20  # bytes of a file
_LARGEST_NOTEBOOK = 500 * 2**20  # bytes with its outputs, of which nothing is kept
_SUFFIXES = (".py", ".ipynb")
_PACKED = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_MOST_FILES, _MOST_OTHERS = 100, 1_000
_MOST_BYTES = 100 * 2**20  # of all files of a student together
_LITTER = (
    ".ds_store", "._*", "__macosx", ".apdisk", ".spotlight-*", ".trash*", ".fseventsd",  # macOS
    "thumbs.db", "desktop.ini", "$recycle.bin",  # Windows
    ".directory", ".nfs*", ".fuse_hidden*", "lost+found",  # Linux
    ".ipynb_checkpoints", "__pycache__", ".*.sw?", "*~", ".~lock.*#",  # editors
    ".git", ".gitignore", ".gitkeep", ".gitattributes", ".hg", ".svn",
)  # fmt: skip
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
    text = StringIO(_decoded(content), newline=None).read()
    if is_notebook:
        return [plain(cell) for cell in _notebook(text, name)]
    parts = _CELL.split(text)  # each keeps the line numbers of the file
    return ["\n" * "".join(parts[:i]).count("\n") + part for i, part in enumerate(parts)]


def _decoded(content: bytes) -> str:
    """Return a file's text: in UTF-8, in UTF-16 where a mark says so, or what its head names."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        encoding = tokenize.detect_encoding(BytesIO(content).readline)[0]
        return content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        return content.decode("latin-1")  # in which every byte is a letter


def _content(path: Path) -> bytes:
    """Return what a file holds, a large notebook without its outputs.

    Of another huge file, only enough to show its size.
    """
    is_notebook = path.suffix.lower() == ".ipynb"
    with path.open("rb") as file:
        content = file.read((_LARGEST_NOTEBOOK if is_notebook else _LARGEST) + 1)
    if is_notebook and len(content) > _LARGEST:
        with contextlib.suppress(SubmissionError):
            sources = _notebook(_decoded(content), path.name)
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
        raise SubmissionError(f"{name} is not a Jupyter notebook") from None


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
        parsed(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    else:
        return source
    if source.startswith("%%"):
        first, _, rest = source.partition("\n")
        return f"\n{rest}" if first.startswith(_CELL_MAGICS) else ""
    return _MAGIC.sub(r"\1pass", _ASSIGNED_MAGIC.sub(r"\1None", _TIME.sub(r"\1", source)))


def read_files(folder: Path, paths: Iterable[Path]) -> tuple[dict[str, bytes], list[str]]:
    """Return files' contents by their paths in a folder, and sentences on what is left out.

    What is packed comes unpacked.
    """
    contents: dict[str, bytes] = {}
    problems = []
    left = _MOST_BYTES
    for path in paths:
        try:
            inside = _inside(path, left)
        except OSError as error:
            problems.append(f"{printable(path.name)} cannot be read ({error.strerror})")
        except SubmissionError as error:
            problems.append(f"{printable(path.name)} {error}")
        else:
            where = path.relative_to(folder).as_posix()
            contents |= {f"{where}{part}": content for part, content in inside.items()}
            left -= sum(map(len, inside.values()))
    return contents, problems


def _inside(path: Path, left: int) -> dict[str, bytes]:
    """Return what a file holds, or a zip file's files by their paths in it, if it is not too much.

    Raises
    ------
    SubmissionError
        The rest of a sentence that begins with its name.
    """
    if path.suffix.lower() == ".zip":
        inside = _unpacked(path, left)
    elif path.stat().st_size > _LARGEST and path.suffix.lower() not in _SUFFIXES:
        raise SubmissionError(f"is left out: it has more than {_LARGEST:,} bytes")
    else:
        inside = {"": _content(path)}
    if sum(map(len, inside.values())) > left:
        raise SubmissionError(f"is left out: all files have more than {_MOST_BYTES:,} bytes")
    return inside


def _age(path: Path) -> tuple[int, float, str]:
    """Return what orders versions of a file: their number, or else when they were written."""
    number = _VERSION.search(path.stem)
    try:
        written = path.stat().st_mtime
    except OSError:
        written = 0.0
    return int(number[1][:9]) if number else 0, written, path.as_posix()


def _unpacked(path: Path, left: int) -> dict[str, bytes]:
    """Return the files in a zip file; nothing is written, and no path leads out of it."""
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as packed:
            infos = [info for info in packed.infolist() if not info.is_dir()]
            for info in infos[: _MOST_OTHERS + 1]:
                parts = PurePosixPath(info.filename.replace("\\", "/")).parts
                is_link = stat.S_ISLNK(info.external_attr >> 16)
                if not is_link and not any(
                    part in ("..", "/") or _is_hidden(part) for part in parts
                ):
                    name = "/".join(("", *parts))
                    with packed.open(info) as file:  # what it says of its size may be wrong
                        found[name] = file.read(left + 1)
                    left -= len(found[name])
                if left < 0:
                    break
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError):
        raise SubmissionError("is damaged") from None
    except RuntimeError:
        raise SubmissionError("has a password; unpack it first") from None
    if len(found) > _MOST_OTHERS:
        raise SubmissionError(f"is left out: it holds more than {_MOST_OTHERS:,} files")
    if left >= 0 and not any(name.lower().endswith(_SUFFIXES) for name in found):
        raise SubmissionError("holds no .py or .ipynb file")
    return found


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
    id : str
        Its number in the names that a learning platform gives.
    """

    student: str
    files: tuple[Path, ...]
    problems: tuple[str, ...] = ()
    others: tuple[Path, ...] = ()
    folder: Path = Path()
    id: str = ""

    @property
    def written(self) -> float:
        """When the latest file was written, in seconds of the epoch."""
        return max((_age(path)[1] for path in self.files), default=0.0)

    def read(self) -> tuple[dict[str, bytes], tuple[str, ...]]:
        """Return the contents by paths in the folder, the latest code last, and all problems."""
        files = sorted(self.files, key=_age)
        contents, problems = read_files(self.folder, (*files, *self.others))
        return contents, (*self.problems, *problems)

    def fingerprint(self, limits: Limits) -> str:
        """Return a digest that changes when a file, a limit or the grader changes."""
        return _fingerprint(*self.read(), limits)


def _fingerprint(contents: Mapping[str, bytes], problems: Sequence[str], limits: Limits) -> str:
    facts = [version("tinygrad_xent"), asdict(limits), *problems]
    digest = hashlib.sha256(json.dumps(facts).encode())
    for name, content in contents.items():
        digest.update(f"\0{name}\0".encode("utf-8", "surrogateescape"))
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


Task = tuple[Submission, Sequence[str]]
"""A submission, and the exercises to judge in it."""


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
        name = path.name if is_folder else path.stem.removesuffix(".tar")
        student, number = whose(name)
        if number and found.get(student, Submission("", (), id=number)).id != number:
            student = f"{student} {number}"  # another one of the same name
        one = found.get(student, Submission(student, (), folder=folder, id=number))
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
        elif entry.suffix.lower() in (*_SUFFIXES, ".zip") and entry.is_file():
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
        problems.append(f"{name} holds no .py, .ipynb or .zip file{held}" if path.is_dir()
                        else f"{name} is not a .py, .ipynb or .zip file")  # fmt: skip
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
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Grade the files of one student; a function of its arguments alone, on any machine.

    Where several files answer the same exercise, the latest answer counts.

    Parameters
    ----------
    student : str
    contents : mapping of str to bytes
        The files by their paths, the latest version last.
    problems : sequence of str
        What else was handed in and cannot be graded, and why.
    names : sequence of str
        The exercises to judge.
    seed : int
        The seed of the random inputs.
    limits : Limits, optional

    Returns
    -------
    dict
        JSON: "student", "fingerprint", "problems", "definitions" (of longer functions, for
        `alike`) and "results", a row for each exercise.
    """
    limits = limits or Limits()
    fingerprint = _fingerprint(contents, problems, limits)
    deadline = Deadline(limits.total_seconds)
    best: dict[str, tuple[int, Result, str]] = {}
    problems = list(problems)
    definitions: list[Any] = []
    code = [path for path in reversed([*contents]) if path.lower().endswith(_SUFFIXES)]
    for path in code:
        name = printable(path.rpartition("/")[2])
        left = [each for each in names if best.get(each, (0,))[0] < _ANSWERED]
        if not left:
            if any(f"def {each}(".encode() in contents[path] for each in names):
                problems.append(f"{name} does not count: a later version has all answers")
            continue
        try:
            cells = cells_in(path, contents[path])
        except SubmissionError as error:
            problems.append(str(error))
            continue
        definitions += definitions_in(cells, name)
        file = Files(contents, path)
        report = judge_cells(cells, left, seed=seed, limits=limits, deadline=deadline, files=file)
        for result in report.exercises:
            row = (_rank(result), result, name if _rank(result) else "")
            best[result.name] = max(best.get(result.name, row), row, key=lambda row: row[0])
        problems += [f"{name}, {problem}" for problem in report.errors]
    nothing = f"Nothing could be graded: {'; '.join(problems)}."
    return {
        "student": student,
        "fingerprint": fingerprint,
        "problems": problems,
        "definitions": definitions,
        "results": (
            [{**asdict(best[name][1]), "file": best[name][2], "seed": seed} for name in names]
            if best
            else _alike(names, NO_FILE, nothing)
        ),
    }


def _rank(result: Result) -> int:
    """Return how much of an answer there is: an earlier version counts where a later has less."""
    if result.code == "not-answered":
        return 0
    return 1 if result.code in ("blank", "misnamed", *LOST) else _ANSWERED


def _alike(names: Sequence[str], code: str, message: str) -> list[dict[str, Any]]:
    """Return results without a score that all have the same cause."""
    return [{**asdict(Result(name, 0, code, message)), "file": "", "seed": 0} for name in names]


def failed(submission: Submission, names: Sequence[str], message: str) -> dict[str, Any]:
    """Return the record of a submission that could not be graded; it is graded again next time."""
    return {
        "student": submission.student,
        "fingerprint": "",
        "problems": [message],
        "definitions": [],
        "results": _alike(names, "crashed", message),
    }
