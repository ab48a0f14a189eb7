"""A small share of the campaigns: right rules, wrong ones, and what is said of them."""

from __future__ import annotations

import dataclasses
import re
from functools import partial

import campaigns
import numpy as np
import pytest
import sentences

import tinygrad_xent as tx


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_no_right_rule_is_blamed(first: int) -> None:
    assert [text for seed in range(first, first + 20) for text in campaigns.right(seed)] == []


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_no_wrong_rule_passes_and_every_sentence_holds(first: int) -> None:
    assert [text for seed in range(first, first + 20) for text in campaigns.wrong(seed)] == []


@pytest.mark.parametrize("seed", [14426, 14480])
def test_no_right_rule_is_blamed_where_rounding_is_all_that_is_seen(seed: int) -> None:
    assert list(campaigns.right(seed)) == []


@pytest.mark.parametrize("seed", [2274, 3866, 4698, 4889, 14998, 18078])
def test_what_twenty_thousand_wrong_rules_found(seed: int) -> None:
    """Entries behind rounding, zeros that are cut numbers, bounds that read alike."""
    assert list(campaigns.wrong(seed)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"has the wrong sign everywhere", "is exactly 2 times what it should be, in every entry"),
        (r"for 1 entry of", "for 1 entry of 1"),
        (r"only zeros", "None"),
        (r"should be (-?\d)", r"should be 7\1"),
        (r"\. Wrong: \[.*?\]", ". Wrong: [0, 1]"),
        (r"^The gradient", "Perhaps the gradient"),
    ],
)
def test_a_sentence_that_does_not_hold_is_found_out(old: str, new: str) -> None:
    refused = changed = 0
    for seed in range(400):
        made = campaigns.mutated(seed)
        if made is None or np.float64 is not made[0].dtype:
            continue
        call, _, op = made
        report = tx.gradcheck(op, *call.inputs, **call.params)
        if len(report.diagnoses) != 1 or not re.search(old, report.diagnosis.message):
            continue
        said = report.diagnosis
        other = dataclasses.replace(said, message=re.sub(old, new, said.message, count=1), hint="")
        if other.message == said.message:
            continue
        changed += 1
        wrong = dataclasses.replace(report, diagnoses=(other,))
        gradients = partial(campaigns.gradients_here, call, op)
        refused += bool(list(sentences.untrue(wrong, gradients)))
        if changed == 3:
            break
    assert refused == changed > 0
