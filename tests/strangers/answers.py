"""Answers to the exercises by people who had not seen the judge: three wrong and two right each."""

from __future__ import annotations

from strangers import answers_entries, answers_later, answers_layers, answers_rows
from strangers.answer import answers_of

ANSWERS = answers_of(answers_entries, answers_rows, answers_layers)
LATER = answers_of(answers_later)
WRONG = [answer for answer in ANSWERS if answer.words]
RIGHT = [answer for answer in ANSWERS if not answer.words]
