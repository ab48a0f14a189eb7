"""What is handed out: for each learner graphs and numbers of their own, or nbgrader's notebook."""

import ast
import inspect
import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.teaching.exercises import CATALOGUE, WITHHELD, Exercise
from tinygrad_xent.teaching.lessons import FORMAT
from tinygrad_xent.teaching.sheet import Worksheet, worksheet
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.visualization.files import write_whole
from tinygrad_xent.visualization.naming import printable
from tinygrad_xent.visualization.pages import page

READING = Path(__file__).with_name("reading.css").read_text("utf-8")
"""The style of a page to read."""
_SETUP = "import numpy as np\n\nimport tinygrad_xent as tx"


def random_sheet(number: int) -> Worksheet:
    """Return a worksheet whose graph and numbers follow from its number.

    Three leaves, one of them used twice, are joined by sums, differences and products.

    Examples
    --------
    >>> random_sheet(1)
    <Worksheet of loss: 7 boxes>
    """
    rng = np.random.default_rng(number)
    leaves = [Tensor(float(i), name=name) for i, name in enumerate("abc", 1)]
    pool: list[Any] = [*leaves, leaves[rng.integers(3)]]
    names: dict[str, Any] = {}
    for name in ("d", "e", "f"):
        rng.shuffle(pool)
        join = (ops.add, ops.subtract, ops.multiply, ops.multiply)[rng.integers(4)]
        names[name] = join(pool.pop(), pool.pop())
        pool.append(names[name])
    loss = (ops.square, ops.negative)[rng.integers(2)](pool[0])
    return worksheet(loss, names={**names, "loss": loss}, seed=number)


def write_handout(
    folder: Path,
    keys: Path,
    names: Sequence[str],
    number: int,
    *,
    title: str = "Exercises",
    hints_from: str = "",
) -> None:
    """Write a learner's folder with a notebook and a worksheet, and the key elsewhere.

    Parameters
    ----------
    folder, keys : Path
        The learner's folder, and that of the keys.
    names : sequence of str
        The exercises.
    number : int
        What the graphs and numbers follow from; it stands on the worksheet.
    title : str
        The heading of the notebook.
    hints_from : str
        A date, "2026-12-01", before which hints and solutions are not shown there.
    """
    sheet = random_sheet(number)
    cells, results = [_cell("markdown", f"# {title}"), _cell("code", _SETUP)], ""
    for name in names:
        exercise = CATALOGUE[name]
        numbers, result = _example(exercise, number)
        cells += [
            _cell("markdown", _task(exercise)),
            _cell("code", exercise.blank),
            _cell("code", numbers),  # a cell of its own, so that the result is shown
            _cell("code", f'tx.check("{name}", {name})'),
        ]
        results += f"<h2>{name}</h2>\n<pre>{escape(numbers)}\n{escape(result)}</pre>\n"
    for path in (folder, keys):
        path.mkdir(parents=True, exist_ok=True)
    contents = {
        folder / "exercises.ipynb": _notebook(cells),
        folder / "worksheet.html": sheet.html,
        keys / f"{folder.name}-worksheet.html": sheet.key_html,
        keys / f"{folder.name}-exercises.html": page(printable(folder.name), results, READING),
    }
    if hints_from:
        contents[folder / WITHHELD] = f"{hints_from}\n"
    for path, content in contents.items():
        write_whole(path, content.encode())


def _example(exercise: Exercise, number: int) -> tuple[str, str]:
    """Return a call of the function with numbers of one's own, as code, and its right result."""
    mine, others = (exercise.cases(np.random.default_rng(each)) for each in (number, number + 1))
    case = next(a for a, b in zip(mine, others, strict=True) if repr(a.args) != repr(b.args))
    heads = inspect.signature(exercise.answer).parameters
    given = {**dict(zip(heads, case.args, strict=False)), **case.params}
    lines = "\n".join(f"{name} = {_code(value)}" for name, value in given.items())
    words = [*list(given)[: len(case.args)], *(f"{name}={name}" for name in case.params)]
    call = f"{exercise.name}({', '.join(words)})"
    space = {"np": np, exercise.name: exercise.answer}
    exec(lines, space)  # noqa: S102 - as the learner reads them, with fewer digits
    with np.errstate(all="ignore"), np.printoptions(precision=6):
        return f"# Your numbers:\n{lines}\n{call}", f"{eval(call, space)}"  # noqa: S307


def _code(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"np.{value!r}".replace("dtype=", "dtype=np.")
    if isinstance(value, tuple | list):
        inside = "".join(f"{_code(item)}, " for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return f"np.{value.__name__}" if callable(value) else repr(value)


# -- nbgrader --------------------------------------------------------------------------------


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
        _marked("title", "markdown", f"# {title}", locked=True),
        _marked("setup", "code", _SETUP, locked=True),
    ]
    for name in dict.fromkeys(names):
        task, source = _task(CATALOGUE[name]), _with_solution(CATALOGUE[name])
        test = f'verdict = tx.check("{name}", {name})\nassert verdict, verdict'
        cells += [
            _marked(f"statement-{name}", "markdown", task, locked=True),
            _marked(f"answer-{name}", "code", source, solution=True),
            _marked(f"test-{name}", "code", test, grade=True, locked=True, points=1),
        ]
    return _notebook(cells)


def _with_solution(exercise: Exercise) -> str:
    """Return the blank with the solution, between marks, in place of its last statement."""
    blank, solution = exercise.blank.splitlines(), exercise.solution.splitlines()
    frame = blank[: _function(exercise.blank).body[-1].lineno - 1]
    body = solution[_function(exercise.solution).body[0].lineno - 1 :]
    return "\n".join([*frame, "    ### BEGIN SOLUTION", *body, "    ### END SOLUTION"])


def _function(source: str) -> ast.FunctionDef:
    return next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


def _marked(identity: str, kind: str, source: str, **facts: Any) -> dict[str, Any]:
    """Return a cell with nbgrader's marks."""
    marks = {"grade": False, "locked": False, "solution": False, "task": False, **facts}
    marks |= {"grade_id": identity, "schema_version": 3}
    return _cell(kind, source) | {"id": identity[:64], "metadata": {"nbgrader": marks}}


# -- notebooks -------------------------------------------------------------------------------


def _task(exercise: Exercise) -> str:
    return f"## {exercise.title}\n\n{exercise.statement}"


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell


def _notebook(cells: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"cells": cells, **FORMAT}, indent=1, ensure_ascii=False) + "\n"
