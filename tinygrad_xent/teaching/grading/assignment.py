"""A notebook to hand out: the source of an nbgrader assignment, made of exercises."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tinygrad_xent.teaching.exercises import CATALOGUE, Exercise

_TEST = re.compile(r'^verdict = tx\.check\("(\w+)", \w+\)$', re.MULTILINE)


def assignment(names: Sequence[str], *, title: str = "Exercises") -> str:
    """Return the source notebook, from which `nbgrader generate_assignment` removes the solutions.

    Each exercise has a locked statement, a cell with the solution between nbgrader's marks, and a
    locked test worth one point. Without nbgrader, it is a notebook with all solutions.

    Parameters
    ----------
    names : sequence of str
        The exercises; one that is named twice comes once.
    title : str

    Returns
    -------
    str
        A notebook of format 4.5, with nbgrader's metadata of schema 3.

    Raises
    ------
    UnknownExerciseError
        If there is no exercise of one of the names.

    Examples
    --------
    >>> notebook = json.loads(assignment(["square_backward"]))
    >>> print(notebook["cells"][3]["source"])
    def square_backward(grad, y, x):
        \"\"\"Return the gradient of x, where y = x**2.\"\"\"
        ### BEGIN SOLUTION
        return grad * 2 * x
        ### END SOLUTION
    >>> print(notebook["cells"][4]["source"])
    verdict = tx.check("square_backward", square_backward)
    assert verdict, verdict
    """
    cells = [
        _cell("title", "markdown", f"# {title}", locked=True),
        _cell("setup", "code", "import numpy as np\n\nimport tinygrad_xent as tx", locked=True),
    ]
    for name in dict.fromkeys(names):
        cells += _exercise(CATALOGUE[name])
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def tested(source: str) -> str | None:
    """Return the exercise that a test cell of `assignment` tests; None for any other cell."""
    found = _TEST.search(source)
    return found[1] if found and found[1] in CATALOGUE else None


def _exercise(exercise: Exercise) -> Iterator[dict[str, Any]]:
    name = exercise.name
    statement = f"## {exercise.title}\n\n{exercise.statement}"
    test = f'verdict = tx.check("{name}", {name})\nassert verdict, verdict'
    yield _cell(f"statement-{name}", "markdown", statement, locked=True)
    yield _cell(f"answer-{name}", "code", _marked(exercise), solution=True)
    yield _cell(f"test-{name}", "code", test, grade=True, locked=True, points=1)


def _marked(exercise: Exercise) -> str:
    """Return the blank with the solution, between marks, in place of its last statement."""
    blank, solution = exercise.blank.splitlines(), exercise.solution.splitlines()
    frame = blank[: _function(exercise.blank).body[-1].lineno - 1]
    body = solution[_function(exercise.solution).body[0].lineno - 1 :]
    marks = "    ### BEGIN SOLUTION", "    ### END SOLUTION"
    return "\n".join([*frame, marks[0], *body, marks[1]])


def _function(source: str) -> ast.FunctionDef:
    return next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


def _cell(identity: str, kind: str, source: str, **facts: Any) -> dict[str, Any]:
    marks = {"grade": False, "locked": False, "solution": False, "task": False, **facts}
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": identity[:64],
        "metadata": {"nbgrader": {**marks, "grade_id": identity, "schema_version": 3}},
        "source": source,
    }
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell
