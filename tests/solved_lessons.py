"""Lessons with every exercise solved."""

from __future__ import annotations

import copy
from typing import Any

from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.lessons import exercise_in


def solved(notebook: dict[str, Any]) -> dict[str, Any]:
    notebook = copy.deepcopy(notebook)
    for cell in notebook["cells"]:
        name = exercise_in(cell)
        if name is not None:
            cell["source"] = CATALOGUE[name].solution.strip("\n")
    return notebook
