"""Handouts: for each learner the same work with graphs and numbers of their own, and the key."""

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

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 0 auto; padding: 1.5rem; }
pre { overflow-x: auto; }
"""


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
    setup = "import numpy as np\n\nimport tinygrad_xent as tx"
    cells, results = [_cell("markdown", f"# {title}"), _cell("code", setup)], ""
    for name in names:
        exercise = CATALOGUE[name]
        numbers, result = _example(exercise, number)
        cells += [
            _cell("markdown", f"## {exercise.title}\n\n{exercise.statement}"),
            _cell("code", exercise.blank),
            _cell("code", numbers),  # a cell of its own, so that the result is shown
            _cell("code", f'tx.check("{name}", {name})'),
        ]
        results += f"<h2>{name}</h2>\n<pre>{escape(numbers)}\n{escape(result)}</pre>\n"
    for path in (folder, keys):
        path.mkdir(parents=True, exist_ok=True)
    notebook = json.dumps({"cells": cells, **FORMAT}, indent=1, ensure_ascii=False) + "\n"
    contents = {
        folder / "exercises.ipynb": notebook,
        folder / "worksheet.html": sheet.html,
        keys / f"{folder.name}-worksheet.html": sheet.key_html,
        keys / f"{folder.name}-exercises.html": page(printable(folder.name), results, _STYLE),
    }
    if hints_from:
        contents[folder / WITHHELD] = f"{hints_from}\n"
    for path, content in contents.items():
        write_whole(path, content.encode())


def _cell(kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell


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
