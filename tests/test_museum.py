"""The museum of wrong rules: the diagnoses are the expected ones, and no right rule is blamed."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from museum_accuracy import PASSED, accuracy, diagnosed
from right_rules import RIGHT_RULES, variants
from strangers.verdicts import FIRST_SIGHT
from strangers.wrong_rules import WRONG as STRANGERS

import tinygrad_xent as tx
from tinygrad_xent.checking.diagnosis import CODES
from tinygrad_xent.ops import OPS
from tinygrad_xent.teaching.museum import (
    STRANGERS_RULES,
    WRONG_RULES,
    Rule,
    answer,
    op_of,
    puzzle,
)


def test_the_diagnosis_is_the_expected_one() -> None:
    """One random input each; `python tests/museum_accuracy.py` tries twenty."""
    found = accuracy(WRONG_RULES, times=1, seed=20)
    assert found.share >= 0.95, str(found)
    passed = [rule.name for rule, codes in found.given.items() if codes[PASSED]]
    assert not passed, "wrong, and not found out"


def test_no_right_rule_is_failed() -> None:
    """Each in one precision and size; `python tests/right_rules.py` tries all."""
    seen = Counter[str]()
    for k, rule in enumerate(RIGHT_RULES):
        calls = list(variants(rule, np.random.default_rng(k)))
        where, (inputs, params) = calls[k % len(calls)]
        seen[where] += 1
        report = tx.gradcheck(op_of(rule), *inputs, rng=np.random.default_rng(k), **params)
        assert report.ok, f"{rule.name}, {where}\n{report}"
    assert len(seen) == 9, "three precisions, three sizes"


def test_every_kind_of_mistake_is_there_several_times() -> None:
    count = Counter(rule.code for rule in WRONG_RULES)
    habits = {
        "in-place",
        "not-repeatable",
    }  # what a rule does beside computing: its numbers are right
    assert set(count) - {"unknown"} == set(CODES) - {"kink", "unknown"} - habits, (
        "a kink is nobody's mistake"
    )
    assert min(n for code, n in count.items() if code != "unknown") >= 4
    assert {code for rule in WRONG_RULES for code in rule.also} <= set(CODES)
    assert len(RIGHT_RULES) >= 60


def test_most_ops_have_a_wrong_rule_and_all_a_right_one() -> None:
    assert len({rule.op.name for rule in WRONG_RULES} & set(OPS)) >= 35
    assert {rule.op.name for rule in RIGHT_RULES} >= set(OPS)


def test_names_are_unique() -> None:
    names = [rule.name for rule in (*WRONG_RULES, *STRANGERS_RULES, *RIGHT_RULES)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    assert not twice


@pytest.mark.parametrize("rule", STRANGERS_RULES, ids=lambda rule: rule.name)
def test_a_stranger_s_rule_is_found_out_and_shows_its_first_sight(rule) -> None:
    assert diagnosed(rule, seed=0) != PASSED
    said = json.loads(FIRST_SIGHT.read_text("utf-8"))
    assert rule.first_sight == said[rule.name]["code"]
    (theirs,) = (case for case in STRANGERS if case.name == rule.name)
    assert not theirs.codes or {rule.code, *rule.also} == theirs.codes
    assert op_of(rule.name).name == rule.op.name
    assert answer(op_of(rule)) is rule


def test_the_museum_s_own_rules_were_seen_from_the_beginning() -> None:
    assert not any(rule.first_sight for rule in WRONG_RULES)
    assert len(STRANGERS_RULES) == 25


@pytest.mark.parametrize("rule", WRONG_RULES + STRANGERS_RULES, ids=lambda rule: rule.name)
def test_what_is_shown_is_a_rule_and_a_sentence(rule: Rule) -> None:
    assert rule.description.endswith(".")
    assert ": Any" not in rule.source
    assert '"""' not in rule.source
    assert "@" not in rule.source.splitlines()[0]
    compile(rule.source, rule.name, "exec")


def test_the_source_is_the_rule() -> None:
    (rule,) = (rule for rule in WRONG_RULES if rule.name == "softmax_last_row_forgotten")
    names = dict(vars(np), np=np)
    exec(rule.source, names)  # noqa: S102 - the text that the page shows
    (x,), params = rule.example(np.random.default_rng(0))
    y = tx.softmax(x)
    shown, run = (f(x, y, x, axis=-1) for f in (names[rule.name], rule.rule))
    np.testing.assert_array_equal(shown, run)
    assert params == {}


def test_an_op_of_the_museum_tells_nothing() -> None:
    made = op_of("tanh_turned_round")
    assert (made.name, repr(made)) == ("tanh", "<op tanh(x)>")
    assert made.rule is not None
    assert made.rule.__name__ == made.rule.__code__.co_name == "tanh_backward"
    assert made.rule.__doc__ is None
    x = tx.Tensor([0.0, 1.0])
    made(x).sum().backward()
    np.testing.assert_allclose(x.grad, np.tanh([0.0, 1.0]) ** 2 - 1)
    assert tx.tanh.rule is not made.rule
    np.testing.assert_array_equal(made.function(x.data), np.tanh(x.data))


def test_a_puzzle_has_an_answer() -> None:
    assert {answer(puzzle(k)).name for k in range(2 * len(WRONG_RULES))} == {
        rule.name for rule in WRONG_RULES if rule.order == 1
    }
    assert answer(puzzle(3)) is answer(puzzle(3))
    softmax = puzzle(0, tx.softmax)
    assert softmax.name == "softmax"
    assert answer(softmax).op is tx.softmax
    assert answer(op_of("tanh_turned_round")).code == "wrong-sign"


def test_what_the_museum_does_not_have_it_says() -> None:
    with pytest.raises(
        tx.errors.ArgumentError, match=r"'softmax_left_out'; it has softmax_diagonal_"
    ):
        op_of("softmax_left_out")
    with pytest.raises(tx.errors.ArgumentError, match=r"'nothing'; see WRONG_RULES for all names"):
        op_of("nothing")
    with pytest.raises(
        tx.errors.ArgumentError, match=r"of op 'fold'; it has rules of absolute, add"
    ):
        puzzle(1, "fold")
    with pytest.raises(tx.errors.ArgumentError, match=r"rule of op `exp` is not in the museum"):
        answer(tx.exp)


def test_the_table_names_what_was_confused() -> None:
    (rule,) = (rule for rule in WRONG_RULES if rule.name == "tanh_turned_round")
    (other,) = (rule for rule in WRONG_RULES if rule.name == "subtract_exchanged")
    found = accuracy([rule], times=2)
    assert (found.share, found.confusions) == (1.0, [])
    found.given[rule] = Counter({"wrong-sign": 3, "transposed": 1})
    found.given[other] = Counter({"gradients-swapped": 1, "wrong-sign": 3})
    assert found.share == 7 / 8, "either says the same of an exchanged difference"
    text = str(found)
    assert "wrong-sign         1      3 of 4  75.0 %" in text
    assert "tanh_turned_round  wrong-sign  transposed  1" in text
