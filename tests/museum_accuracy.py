"""How often the diagnosis of a wrong rule of the museum is the expected one.

`python tests/museum_accuracy.py` prints it as a table, and what was said instead.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tinygrad_xent.checking import gradcheck
from tinygrad_xent.teaching.museum import WRONG_RULES, op_of
from tinygrad_xent.teaching.museum.rules import WrongRule
from tinygrad_xent.visualization.tables import table

PASSED = "passed"


@dataclass(frozen=True)
class Accuracy:
    """The number of diagnoses of each wrong rule.

    Attributes
    ----------
    given : dict of WrongRule to Counter
        How often each code was the diagnosis; "passed" if the rule passed.
    """

    given: dict[WrongRule, Counter[str]]

    @property
    def share(self) -> float:
        """The share of right diagnoses."""
        right, tried = _tally(self.given.items())
        return right / tried

    @property
    def confusions(self) -> list[tuple[str, str, str, int]]:
        """Rule, expected code, given code and count, where the codes differ."""
        return [
            (rule.name, rule.code, code, count)
            for rule, codes in self.given.items()
            for code, count in codes.items()
            if code not in (rule.code, *rule.also)
        ]

    def __str__(self) -> str:
        codes = dict.fromkeys(sorted(rule.code for rule in self.given))
        rows = []
        for code in codes:
            of_it = [(rule, given) for rule, given in self.given.items() if rule.code == code]
            rows.append((code, str(len(of_it)), *_shown(*_tally(of_it))))
        rows.append(("all", str(len(self.given)), *_shown(*_tally(self.given.items()))))
        lines = list(table(("expected", "rules", "right", "share"), rows))
        if self.confusions:
            found = [(name, want, got, str(n)) for name, want, got, n in self.confusions]
            lines += ["", *table(("rule", "expected", "given", "times"), found)]
        return "\n".join(lines)


def _tally(given: Iterable[tuple[WrongRule, Counter[str]]]) -> tuple[int, int]:
    right = tried = 0
    for rule, codes in given:
        right += sum(codes[code] for code in (rule.code, *rule.also))
        tried += codes.total()
    return right, tried


def _shown(right: int, tried: int) -> tuple[str, str]:
    return f"{right:,} of {tried:,}", f"{100 * right / tried:.1f} %"


def accuracy(rules: Iterable[WrongRule], times: int = 20, seed: int = 0) -> Accuracy:
    """Return the accuracy of the diagnoses of wrong rules on random inputs.

    Parameters
    ----------
    rules : iterable of WrongRule
    times : int
        The number of inputs for each rule.
    seed : int
        The seed for the first input of each rule; the next has the next seed.

    Returns
    -------
    Accuracy
    """
    given: dict[WrongRule, Counter[str]] = {}
    for rule in rules:
        given[rule] = Counter(diagnosed(rule, seed + i) for i in range(times))
    return Accuracy(given)


def diagnosed(rule: WrongRule, seed: int) -> str:
    """Return the code of the first diagnosis for one random input."""
    rng = np.random.default_rng(seed)
    inputs, params = rule.example(rng)
    report = gradcheck(op_of(rule), *inputs, order=rule.order, rng=rng, **params)
    return report.diagnosis.code if report.diagnosis else PASSED


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="random inputs for each rule")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.stdout.write(f"{accuracy(WRONG_RULES, options.times, options.seed)}\n")
