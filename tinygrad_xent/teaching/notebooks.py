"""Lessons: from their source, `lessons/NN_name.py`, to the notebooks that learners open.

The source is Python with cells marked by `# %%` ("py:percent"). A code cell with the tag `exercise`
is one that the learner fills in; its text is the exercise's `blank`, and that of the Markdown cell
above it, with the same tag, its statement. Both are written there and nowhere else.
`python -m tinygrad_xent.teaching` brings sources and notebooks up to date.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import LessonError

Notebook = dict[str, Any]
EXERCISE = "exercise"  # the tag of the cells that the learner fills in
_MARK = re.compile(r'# %%.*"exercise"')
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def lessons_folder() -> Path:
    """Where the notebooks are: in the installed package, or beside it in a clone."""
    here = Path(__file__).parent
    installed = here / "lessons"
    return installed if installed.is_dir() else here.parents[1] / "lessons"


def notebooks() -> list[Path]:
    """List the notebooks of all lessons, in order."""
    return sorted(lessons_folder().glob("[0-9][0-9]_*.ipynb"))


def exercise_in(cell: Notebook) -> str | None:
    """Name the exercise that a cell is for; None for all other cells."""
    if cell["cell_type"] != "code" or EXERCISE not in cell["metadata"].get("tags", []):
        return None
    return _name_in("".join(cell["source"]))


def solved(notebook: Notebook) -> Notebook:
    """Give a notebook in which every exercise holds its solution.

    Raises
    ------
    LessonError
        If a cell is for an exercise that does not exist.
    """
    notebook = copy.deepcopy(notebook)
    for cell in notebook["cells"]:
        name = exercise_in(cell)
        if name is not None:
            cell["source"] = _exercise(name).solution.strip("\n")
    return notebook


def with_blanks(source: str) -> str:
    """Put the task and what the learner starts from into the cells of a lesson's exercises.

    Raises
    ------
    LessonError
        If a cell is for an exercise that does not exist.
    """
    cells = re.split(r"(?m)^(?=# %%)", source)
    task = None  # where the words to an exercise stand, if they are right above its code
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
    """Make a notebook of a lesson's source: no outputs, and ids that stay as long as a cell does.

    The id of an exercise's cell is the exercise's name; that of the cell below it, which checks it,
    has "-check" added.
    """
    import jupytext  # only who writes lessons needs it

    notebook: Any = jupytext.reads(source, fmt="py:percent")
    taken: set[str] = set()
    above = None
    for cell in notebook.cells:
        name = exercise_in(cell)
        wanted = name or (f"{above}-check" if above else _fingerprint(cell))
        cell["id"] = next(x for x in _numbered(wanted) if x not in taken)
        taken.add(cell["id"])
        above = name
    notebook["metadata"] = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return dict(notebook)


def written(notebook: Notebook) -> str:
    """Write a notebook as the text of its file, a line for each line of a cell."""
    cells = [
        {**cell, "source": "".join(cell["source"]).splitlines(keepends=True)}
        for cell in notebook["cells"]
    ]
    text = json.dumps({**notebook, "cells": cells}, ensure_ascii=False, indent=1, sort_keys=True)
    return f"{text}\n"


def regenerated(source: Path) -> dict[Path, str]:
    """Give what a lesson's source and its notebook should hold."""
    text = with_blanks(source.read_text("utf-8"))
    return {source: text, source.with_suffix(".ipynb"): written(to_notebook(text))}


def regenerate(folder: Path, say: Callable[[str], Any] = print) -> None:
    """Bring all sources and notebooks of a folder up to date, and say which have changed."""
    for source in sorted(folder.glob("[0-9][0-9]_*.py")):
        for path, text in regenerated(source).items():
            if not path.exists() or path.read_text("utf-8") != text:
                path.write_text(text, "utf-8")
                say(f"wrote {path}")


def _exercise(name: str) -> Any:
    from tinygrad_xent.exercises import CATALOGUE

    if name not in CATALOGUE:
        raise LessonError(f"there is no exercise {name!r}; it would be exercises/{name}.py")
    return CATALOGUE[name]


def _name_in(text: str) -> str:
    """Find the function that an exercise asks for: the last one that the cell defines."""
    names = re.findall(r"(?m)^def (\w+)\(", text)
    if not names:
        raise LessonError(
            "a cell has the tag `exercise` and defines no function; write `def name(): ...`, with "
            "the exercise's name"
        )
    return str(names[-1])


def _fingerprint(cell: Notebook) -> str:
    content = f"{cell['cell_type']}\n{cell['source']}"
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
