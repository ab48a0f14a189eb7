"""How often the diagnosis is the expected one, and which right rules fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking import gradcheck
from tinygrad_xent.checking.samples import Sample
from tinygrad_xent.checking.subjects import OpSubject, is_real, precise
from tinygrad_xent.teaching.museum import op_of
from tinygrad_xent.teaching.museum.rules import Rule, WrongRule
from tinygrad_xent.visualization.tables import table

PASSED = "passed"
_SCALES = {"usual": 1.0, "tiny": 1e-4, "large": 20.0}


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


def false_alarms(rules: Iterable[Rule], seed: int = 0) -> Iterator[tuple[Rule, str, Any]]:
    """Check right rules in several dtypes and magnitudes, and yield those that fail.

    Parameters
    ----------
    rules : iterable of Rule
    seed : int

    Yields
    ------
    rule : Rule
    where : str
        Dtype and magnitude: "float16, tiny".
    report
        The report of `gradcheck`.
    """
    for rule in rules:
        for where, (inputs, params) in variants(rule, np.random.default_rng(seed)):
            report = gradcheck(op_of(rule), *inputs, rng=np.random.default_rng(seed), **params)
            if not report.ok:
                yield rule, where, report


def variants(rule: Rule, rng: np.random.Generator) -> Iterator[tuple[str, Sample]]:
    """Yield an example in each precision with usual, tiny and large numbers.

    Examples whose function or gradient the precision cannot represent are left out, as the rule is
    not to blame for them.
    """
    for dtype in (np.float64, np.float32, np.float16):
        for size, scale in _SCALES.items():
            inputs, params = rule.example(rng)
            scaled = tuple(_cast(x, scale, dtype) for x in inputs)
            if _fits(rule, scaled, params, np.finfo(dtype)):
                yield f"{np.dtype(dtype).name}, {size}", (scaled, params)


def _cast(x: Any, scale: float, dtype: Any) -> Any:
    return np.asarray(x * scale, dtype) if is_real(x) else x


def _fits(rule: Rule, inputs: Any, params: Any, limits: Any) -> bool:
    """Return whether the precision represents function and gradient well."""
    narrow, wide = (OpSubject(rule.op, x, params) for x in (inputs, map(precise, inputs)))
    with np.errstate(all="ignore"):
        out = wide.value(wide.inputs)
        grads = wide.vjp(np.ones_like(out), out, wide.inputs)
        values = [out, *(g for g in grads if g is not None)]
        slack = 100 * limits.eps * np.max(np.absolute(out), initial=0)
        lost = np.absolute(narrow.value(narrow.inputs).astype(np.float64) - out)
        well = bool(np.all(lost <= slack))
    return well and all(np.all(np.absolute(value) < limits.max / 100) for value in values)
