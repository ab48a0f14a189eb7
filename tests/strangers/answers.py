"""Answers to the exercises by people who had not seen the judge: three wrong and two right each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from strangers import answers_entries, answers_last, answers_later, answers_layers, answers_rows
from strangers.answer import Answer, answers_of

from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.exercises.verdict import Verdict

ANSWERS = answers_of(answers_entries, answers_rows, answers_layers)
LATER = answers_of(answers_later)
LAST = answers_of(answers_last)
WRONG = [answer for answer in ANSWERS if answer.words]
RIGHT = [answer for answer in ANSWERS if not answer.words]

FIRST_SIGHT = Path(__file__).parent / "first_sight_answers.json"
BARE_NUMBERS = r"`[^`]*` is [^ ]*, and should be [^ ]*\."


def verdict_on(answer: Answer, seed: int = 0) -> Verdict:
    return CATALOGUE[answer.exercise].judge(answer.function, np.random.default_rng(seed))


def only_numbers(messages: Mapping[str, str]) -> set[str]:
    """Return the names of those whose message is a number and what it should be, nothing else."""
    return {name for name, message in messages.items() if re.fullmatch(BARE_NUMBERS, message)}
