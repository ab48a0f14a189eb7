"""Verdicts of nbgrader made outside the notebook.

nbgrader runs a submission and its tests in one kernel, so a submission can change what the tests
call. With two lines in `nbgrader_config.py` it is judged in a child process instead:

    from tinygrad_xent.teaching.grading.nbgrader import judge_outside
    judge_outside(c)
"""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.exercises.verdict import text_of
from tinygrad_xent.teaching.grading.judging import Result, judge_cells
from tinygrad_xent.teaching.grading.session import Files
from tinygrad_xent.teaching.grading.submissions import plain, read

_TEST = re.compile(r'^verdict = tx\.check\("(\w+)", \w+\)$', re.MULTILINE)


# -- autograding ----------------------------------------------------------------------------


def judge_outside(config: Any) -> None:
    """Put `judge_notebook` in place of the step in which nbgrader runs a submission.

    Parameters
    ----------
    config : traitlets.config.Config
        The `c` of `nbgrader_config.py`.
    """
    from nbformat import from_dict
    from nbgrader.converters.autograde import Autograde
    from nbgrader.preprocessors import Execute, NbGraderPreprocessor

    class JudgeOutside(NbGraderPreprocessor):  # type: ignore[misc]
        def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
            judge_notebook(nb, Path(resources["metadata"]["path"]))
            return from_dict(nb), resources  # type: ignore[no-untyped-call]

    config.Autograde.autograde_preprocessors = [
        JudgeOutside if step is Execute else step
        for step in Autograde.autograde_preprocessors.default()
    ]


def judge_notebook(notebook: Mapping[str, Any], folder: Path | None = None) -> None:
    """Judge the answers of a notebook, and write the verdicts as the outputs of its test cells.

    Parameters
    ----------
    notebook : mapping
        A notebook of format 4 with nbgrader's metadata. A test cell that `assignment` did not write
        cannot be judged: it gets an error, and so no points.
    folder : Path, optional
        Where the notebook lies: its code may import and read copies of what lies there.
    """
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    marked = [(cell, cell["metadata"].get("nbgrader", {})) for cell in code]
    tests = [cell for cell, marks in marked if marks.get("grade") and not marks.get("solution")]
    names = list(dict.fromkeys(filter(None, (_tested(cell["source"]) for cell in tests))))
    sources = [plain(cell["source"]) for cell in code]
    files = Files(read(folder, [folder]).contents) if folder else None
    report = judge_cells(sources, names, seed=secrets.randbits(48), files=files)
    results = {result.name: result for result in report.exercises}
    for cell in tests:
        cell["outputs"] = [_output(results.get(_tested(cell["source"]) or ""))]
    if report.errors:
        text = "\n".join(("While this notebook was run:", *report.errors, ""))
        code[0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]


def _tested(source: str) -> str | None:
    """Return the exercise that a test cell of `assignment` tests; None for any other cell."""
    found = _TEST.search(source)
    return found[1] if found and found[1] in CATALOGUE else None


def _output(result: Result | None) -> dict[str, Any]:
    if result is None:
        return _error("not-judged", "tinygrad-xent did not write this test, and cannot judge it")
    lines = [text_of(result.message), *(f"  {name} = {value}" for name, value in result.evidence)]
    if result.score:
        return {"output_type": "stream", "name": "stdout", "text": "\n".join([*lines, ""])}
    if result.hint:
        lines.append(f"Hint: {text_of(result.hint)}")
    return _error(result.code, "\n".join(lines))


def _error(name: str, text: str) -> dict[str, Any]:
    traceback = [f"{name}: {text}"]
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": traceback}
