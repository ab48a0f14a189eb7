"""From the lessons' sources, `NN_name.py`, to their notebooks: python lessons/make_notebooks.py

A source is Python with cells marked by `# %%` (the "py:percent" format). The learner fills in the
code cells with the tag `exercise`. Such a cell holds the `blank` of the exercise, and the Markdown
cell above it, with the same tag, its statement; both come from the exercise's own file.
`00_start.py` leads to the others.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext

from tinygrad_xent.errors import UnknownExerciseError
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.lessons import FORMAT

Notebook = dict[str, Any]
EXERCISE = "exercise"  # the tag of the cells that the learner fills in
_MARK = re.compile(r'# %%.*"exercise"')


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


def _exercise(name: str) -> Any:
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


if __name__ == "__main__":
    regenerate(Path(__file__).parent)
