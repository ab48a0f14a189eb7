"""The judge of the exercises before answers that it was not made for.

`strangers/first_sight_answers.json` holds what the judge said when it first met each answer, with
the inputs of seed 0. What stands there is not changed when the judge is.
`PYTHONPATH=tests python tests/test_strangers_answers.py` adds the answers that are new.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from strangers.answers import RIGHT, WRONG

from tinygrad_xent.teaching.exercises import CATALOGUE

FIRST_SIGHT = Path(__file__).parent / "strangers" / "first_sight_answers.json"
BARE_NUMBERS = r"`[^`]*` is [^ ]*, and should be [^ ]*\."


def verdict_on(answer, seed=0):
    return CATALOGUE[answer.exercise].judge(answer.function, np.random.default_rng(seed))


def recorded(verdict):
    return {"code": verdict.code, "message": verdict.message}


if __name__ == "__main__":
    said = json.loads(FIRST_SIGHT.read_text()) if FIRST_SIGHT.exists() else {}
    new = [answer for answer in WRONG + RIGHT if answer.name not in said]
    said |= {answer.name: recorded(verdict_on(answer)) for answer in new}
    FIRST_SIGHT.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", "utf-8")
