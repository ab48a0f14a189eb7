"""The lessons: their sources, `lessons/NN_name.py`, their notebooks, and the learners' copies.

A source is Python with cells marked by `# %%` (the "py:percent" format). The learner fills in the
code cells with the tag `exercise`. Such a cell holds the `blank` of the exercise, and the Markdown
cell above it, with the same tag, its statement; both come from the exercise's own file.
`python -m tinygrad_xent.teaching` updates sources and notebooks.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import OutputError, UnknownExerciseError
from tinygrad_xent.visualization.files import write_whole
from tinygrad_xent.visualization.formatting import count
from tinygrad_xent.visualization.naming import printable

Notebook = dict[str, Any]
EXERCISE = "exercise"  # the tag of the cells that the learner fills in
_MARK = re.compile(r'# %%.*"exercise"')
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
    """Return the notebooks of all lessons, in order."""
    return sorted(lessons_folder().glob("[0-9][0-9]_*.ipynb"))


def exercise_in(cell: Notebook) -> str | None:
    """Return the name of the exercise in a cell, or None."""
    if cell["cell_type"] != "code" or EXERCISE not in cell["metadata"].get("tags", []):
        return None
    return _name_in("".join(cell["source"]))


def with_blanks(source: str) -> str:
    """Return a lesson's source with the statement and blank of each exercise in its cells.

    Raises
    ------
    UnknownExerciseError
        If a cell names an exercise that does not exist.
    """
    cells = re.split(r"(?m)^(?=# %%)", source)
    task = None  # the index of the last cell with a statement
    for i, cell in enumerate(cells):
        mark, _, text = cell.partition("\n")
        if not _MARK.match(mark):
            continue
        if "[markdown]" in mark:
            task = i
            continue
        exercise = _exercise(_name_in(text))
        cells[i] = f"{mark}\n{exercise.blank.strip()}\n\n\n"
        if task == i - 1:
            words = f"### Exercise: {exercise.title}\n\n{exercise.statement.strip()}"
            commented = "\n".join(f"# {line}".rstrip() for line in words.split("\n"))
            cells[task] = cells[task].split("\n")[0] + f"\n{commented}\n\n\n"
    return "".join(cells)


def to_notebook(source: str) -> Notebook:
    """Return the notebook of a lesson's source, without outputs and with stable cell ids.

    The id of an exercise's cell is the exercise's name; the id of the cell below, which checks it,
    ends in "-check".
    """
    import jupytext  # needed only to write lessons

    notebook: Any = jupytext.reads(source, fmt="py:percent")
    taken: set[str] = set()
    above = None
    for cell in notebook.cells:
        name = exercise_in(cell)
        content = hashlib.sha256(f"{cell['cell_type']}\n{cell['source']}".encode()).hexdigest()
        wanted = name or (f"{above}-check" if above else content[:8])
        several = (f"{wanted}-{number}" for number in itertools.count(2))
        cell["id"] = next(x for x in itertools.chain([wanted], several) if x not in taken)
        taken.add(cell["id"])
        above = name
    return {**notebook, **FORMAT}


def written(notebook: Notebook) -> str:
    """Return the text of a notebook's file, with one line for each line of a cell."""
    cells = [
        {**cell, "source": "".join(cell["source"]).splitlines(keepends=True)}
        for cell in notebook["cells"]
    ]
    text = json.dumps({**notebook, "cells": cells}, ensure_ascii=False, indent=1, sort_keys=True)
    return f"{text}\n"


def regenerated(source: Path) -> dict[Path, str]:
    """Return the current content of a lesson's source and of its notebook, by path."""
    text = with_blanks(source.read_text("utf-8"))
    return {source: text, source.with_suffix(".ipynb"): written(to_notebook(text))}


def regenerate(folder: Path, say: Callable[[str], Any] = print) -> None:
    """Update all sources and notebooks of a folder, and report which have changed."""
    for source in sorted(folder.glob("[0-9][0-9]_*.py")):
        for path, text in regenerated(source).items():
            if not path.exists() or path.read_text("utf-8") != text:
                path.write_text(text, "utf-8")
                say(f"wrote {path}")


# -- copies for learners ---------------------------------------------------------------------


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
    except OSError as error:
        raise OutputError(
            f"{shown}: cannot be written ({error.strerror}); choose another folder"
        ) from None
    lines = [f"Copied {count(len(copied), 'lesson')} to {shown}."] * bool(copied)
    if kept:
        lines.append(
            f"Kept {count(len(kept), 'notebook')} in {shown} with your changes: "
            f"{', '.join(kept)}. For fresh copies name another folder."
        )
    return "\n".join(lines) or f"The lessons are in {shown} already."


# -- the cells -------------------------------------------------------------------------------


def _exercise(name: str) -> Any:
    from tinygrad_xent.teaching.exercises import CATALOGUE

    if name not in CATALOGUE:
        raise UnknownExerciseError(
            f"there is no exercise {name!r}; add teaching/exercises/tasks/{name}.py"
        )
    return CATALOGUE[name]


def _name_in(text: str) -> str:
    """Return the name of the last function that a cell defines."""
    names = re.findall(r"(?m)^def (\w+)\(", text)
    if not names:
        raise UnknownExerciseError(
            "a cell has the tag `exercise` but defines no function; write `def name(): ...`, with "
            "the name of the exercise"
        )
    return str(names[-1])
