"""The lessons: where their notebooks are, the learners' copies, and what has passed in these."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from tinygrad_xent.errors import OutputError
from tinygrad_xent.teaching.exercises import CATALOGUE, PASSED
from tinygrad_xent.visualization.files import write_whole
from tinygrad_xent.visualization.formatting import count
from tinygrad_xent.visualization.naming import printable

FORMAT = {
    "metadata": {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    },
    "nbformat": 4,
    "nbformat_minor": 5,
}
"""What a notebook has beside its cells."""


def lessons_folder() -> Path:
    """Return the folder of the notebooks: in the installed package, or beside it in a clone."""
    here = Path(__file__).parent
    installed = here / "notebooks"
    return installed if installed.is_dir() else here.parents[1] / "lessons"


def notebooks() -> list[Path]:
    """Return the notebooks of all lessons, in order; the first leads to the others."""
    return sorted(lessons_folder().glob("[0-9][0-9]_*.ipynb"))


def copy_lessons(notebooks: Sequence[Path], folder: Path) -> str:
    """Copy notebooks into a folder, without changing any file there, and return a report.

    Raises
    ------
    OutputError
        If the folder cannot be created or written to. The message is one line.
    """
    shown = printable(str(folder))
    if any(notebook.parent.resolve() == folder.resolve() for notebook in notebooks):
        raise OutputError(f"{shown}: holds the original lessons; name another folder to work in")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{shown}: is a file; name a folder for the lessons")
    copied, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in notebooks:
            target = folder / notebook.name
            content = notebook.read_bytes()
            if not target.exists():
                write_whole(target, content)
                copied.append(target.name)
            elif target.read_bytes() != content:
                kept.append(target.name)
        (folder / PASSED).touch()
    except OSError as error:
        raise OutputError(
            f"{shown}: cannot be written ({error.strerror}); choose another folder"
        ) from None
    lines = [f"Copied {count(len(copied), 'notebook')} to {shown}."] * bool(copied)
    if kept:
        lines.append(
            f"Kept {count(len(kept), 'notebook')} in {shown} with your changes: "
            f"{', '.join(kept)}. For fresh copies name another folder."
        )
    return "\n".join(lines) or f"The lessons are in {shown} already."


def progress(folder: str | Path = "") -> str:
    """Return a table of the lessons, with the exercises that passed in a folder of copies.

    `check` notes what has passed in the file `passed.txt` of the folder that it runs in, if there
    is one; `copy_lessons` makes it.
    """
    noted = Path(folder, PASSED)
    passed = noted.read_text("utf-8").split() if noted.is_file() else []
    lines = []
    for lesson, group in groupby(CATALOGUE.values(), lambda exercise: exercise.lesson):
        names = [exercise.name for exercise in group]
        left = [name for name in names if name not in passed]
        then = f"next: {left[0]}" if left else "done"
        lines.append(f"lesson {lesson:2}   {len(names) - len(left)} of {len(names)}   {then}")
    return "\n".join(lines)
