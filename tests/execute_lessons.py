"""Run every lesson in a Jupyter kernel, with its blanks and solved: python tests/execute_lessons.py

This is what a learner's Run All does, pictures and players included; `test_lessons.py` runs the
same code as plain programs, which takes a tenth of the time. Needs nbclient and ipykernel.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import nbformat
from nbclient import NotebookClient

sys.path.append(str(Path(__file__).parents[1] / "lessons"))
from make_notebooks import exercise_in
from solved_lessons import solved

from tinygrad_xent.teaching.lessons import notebooks

LONGEST = 60  # seconds, for one lesson from top to bottom
EXPECTED = {"blank": "not written yet", "solved": "passed"}


def verdicts(cells):
    """Give what each exercise's check has said."""
    for cell, below in pairwise(cells):
        if (name := exercise_in(cell)) is not None:
            (output,) = below["outputs"]
            yield name, output["data"]["text/plain"].split("\n")[0]


def execute(notebook):
    """Run a notebook in a folder of its own; give how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=LONGEST, resources={"metadata": {"path": folder}})
        start = time.monotonic()
        client.execute()
        return time.monotonic() - start


def main():
    failures = 0
    for path in notebooks():
        blank = json.loads(path.read_text("utf-8"))
        for form, content in (("blank", blank), ("solved", solved(blank))):
            notebook = nbformat.reads(json.dumps(content), as_version=4)
            took = execute(notebook)
            wrong = [
                f"{name}: {said}"
                for name, said in verdicts(notebook["cells"])
                if said != f"{name}: {EXPECTED[form]}"
            ]
            wrong += [f"took {took:.0f} s"] * (took > LONGEST)
            failures += len(wrong)
            sys.stdout.write(f"{path.stem:32} {form:7} {took:5.1f} s  {'; '.join(wrong)}\n")
            sys.stdout.flush()
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
