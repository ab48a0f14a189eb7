"""The judge of the exercises before answers that it was not made for.

`strangers/first_sight_answers.json` holds what the judge said when it first met each answer, with
the inputs of seed 0. What stands there is not changed when the judge is.
`PYTHONPATH=tests python tests/test_strangers_answers.py` adds the answers that are new.
"""

from __future__ import annotations

import json
import re

import pytest
from strangers.answers import FIRST_SIGHT, LAST, LATER, RIGHT, WRONG, only_numbers, verdict_on

from tinygrad_xent.teaching.exercises import CATALOGUE


def recorded(verdict):
    return {"code": verdict.code, "message": verdict.message}


# The numbers are right; that no matrix should be formed, they do not show.
PASSES = {"hvp_with_the_matrix"}
ONLY_NUMBERS_AT_FIRST_SIGHT = 19  # of 105
ONLY_NUMBERS_LATER = 6  # of the 30 that were written later, at their first sight
ONLY_NUMBERS_LAST = 9  # of the 20 that were written last, at their first sight
ONLY_NUMBERS = 13  # of 155


@pytest.fixture(scope="module")
def verdicts():
    return {answer.name: verdict_on(answer) for answer in WRONG + LATER + LAST + RIGHT}


@pytest.fixture(scope="module")
def first_sight():
    return json.loads(FIRST_SIGHT.read_text())


def test_three_wrong_answers_and_two_right_ones_for_every_exercise():
    for answers, number in ((WRONG, 3), (RIGHT, 2)):
        counted = dict.fromkeys(CATALOGUE, 0)
        for answer in answers:
            counted[answer.exercise] += 1
        assert set(counted.values()) == {number}


def test_every_right_answer_passes(verdicts):
    assert {answer.name for answer in RIGHT if not verdicts[answer.name]} == set()


def test_no_wrong_answer_passes_but_the_one_that_only_wastes_memory(verdicts):
    assert {answer.name for answer in WRONG + LATER + LAST if verdicts[answer.name]} == PASSES


def test_few_verdicts_are_only_a_number_and_what_it_should_be(verdicts, first_sight):
    first = {answer.name: first_sight[answer.name]["message"] for answer in WRONG}
    assert len(only_numbers(first)) == ONLY_NUMBERS_AT_FIRST_SIGHT
    later = {answer.name: first_sight[answer.name]["message"] for answer in LATER}
    assert len(only_numbers(later)) == ONLY_NUMBERS_LATER
    last = {answer.name: first_sight[answer.name]["message"] for answer in LAST}
    assert len(only_numbers(last)) == ONLY_NUMBERS_LAST
    now = {answer.name: verdicts[answer.name].message for answer in WRONG + LATER + LAST}
    assert len(only_numbers(now)) <= ONLY_NUMBERS


def test_what_was_named_at_first_sight_still_is(verdicts, first_sight):
    for answer in WRONG + LATER + LAST:
        if re.search(answer.words, first_sight[answer.name]["message"]):
            assert re.search(answer.words, verdicts[answer.name].message), answer.name


def test_the_verdict_does_not_depend_on_the_draw(verdicts):
    for seed in (1, 2):
        for answer in WRONG + LATER + LAST:
            again = verdict_on(answer, seed)
            assert again.code == verdicts[answer.name].code, answer.name


if __name__ == "__main__":
    said = json.loads(FIRST_SIGHT.read_text()) if FIRST_SIGHT.exists() else {}
    new = [answer for answer in WRONG + LATER + LAST + RIGHT if answer.name not in said]
    said |= {answer.name: recorded(verdict_on(answer)) for answer in new}
    FIRST_SIGHT.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", "utf-8")
