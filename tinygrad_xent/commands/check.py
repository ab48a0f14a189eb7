"""`tinygrad-xent check`: the ops that a file defines, and the exercises that it answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_xent.commands.by_hand import seed
from tinygrad_xent.commands.streams import say
from tinygrad_xent.errors import SubmissionError

if TYPE_CHECKING:
    import argparse

    from tinygrad_xent.teaching.grading.judging import Report, Result

UNCHECKED = ("no-rule", "no-inputs")
"""Codes of ops that are neither right nor wrong: without a rule, or with unknown inputs."""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command's parser."""
    parser.add_argument("file", metavar="FILE", help="ends in .py or .ipynb")
    parser.add_argument("--json", action="store_true", help="the results as data")
    parser.add_argument("--seed", type=seed, metavar="N", help="of the random inputs")


def run(options: argparse.Namespace) -> int:
    """Check the file and print the verdicts."""
    import json
    import secrets
    from dataclasses import asdict, replace

    from tinygrad_xent.teaching.exercises import CATALOGUE
    from tinygrad_xent.teaching.grading.judging import judge_cells
    from tinygrad_xent.teaching.grading.session import Files
    from tinygrad_xent.teaching.grading.submissions import cells_of, read

    path = Path(options.file)
    cells = cells_of(path)
    number = secrets.randbits(48) if options.seed is None else options.seed
    beside = read(path.parent, [path.parent])
    files = Files(beside.contents, path.name)
    report = judge_cells(cells, tuple(CATALOGUE), seed=number, with_ops=True, files=files)
    if any("NotFoundError" in error for error in report.errors):  # perhaps it was left out
        report = replace(report, errors=(*report.errors, *beside.problems))
    answered = [
        result for result in report.exercises if result.code not in ("not-answered", "misnamed")
    ]
    results = [*report.ops, *answered]
    if not results and not report.errors:
        raise SubmissionError(f"{path.name} defines no op and answers no exercise")
    ok = not report.errors and all(r.score or r.code in UNCHECKED for r in results)
    if options.json:
        data = {
            "file": str(path),
            "ok": ok,
            "seed": number,
            "ops": [asdict(result) for result in report.ops],
            "exercises": [asdict(result) for result in answered],
            "errors": list(report.errors),
        }
        say(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    else:
        say("\n".join([*_lines(report, answered), ""]))
    return 0 if ok else 1


def _lines(report: Report, answered: list[Result]) -> Iterator[str]:
    for kind, results in (("op", report.ops), ("exercise", answered)):
        for result in results:
            yield from _result_lines(kind, result)
    for problem in report.errors:
        yield f"failed: {problem}"
    checked = [r for r in (*report.ops, *answered) if r.code not in UNCHECKED]
    yield f"{sum(r.score for r in checked)} of {len(checked)} right."


def _result_lines(kind: str, result: Result) -> Iterator[str]:
    import textwrap

    from tinygrad_xent.teaching.exercises.verdict import text_of

    def wrapped(text: str) -> list[str]:
        return textwrap.wrap(text_of(text), 78, initial_indent="  ", subsequent_indent="  ")

    verdict = "right" if result.score else "not checked" if result.code in UNCHECKED else "WRONG"
    yield f"{kind} {result.name}: {verdict}"
    if result.score:
        return
    yield from wrapped(result.message)
    if result.case:
        yield from wrapped(f"This was seen with {result.case}:")
    for name, value in result.evidence:
        yield f"    {name} = {value}" if name else f"    {value}"
    if result.hint:
        yield from wrapped(f"Hint: {result.hint}")
