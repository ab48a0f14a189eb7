"""Search for the formula of what a rule returns, and for the right one, and compare them.

Where each entry of the gradient is the upstream gradient times a slope, the slope is searched for;
else a sum of terms that contain the upstream gradient once. A formula is found only if it holds
for inputs and upstream gradients that it was not searched for with, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, reduce
from itertools import combinations, filterfalse, islice, product
from operator import methodcaller
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.hypotheses.formulas import (
    ONE,
    Sum,
    Term,
    bare,
    difference,
    factors,
    inverse,
    is_mask,
    power,
    shared,
    text,
    times,
    written,
)
from tinygrad_xent.checking.hypotheses.shapes import fits
from tinygrad_xent.checking.hypotheses.vocabulary import Point, Vocabulary, points
from tinygrad_xent.checking.slopes import EPSILON

Fit = list[tuple[float, Term]]  # terms and what they are multiplied by

_LARGEST = 5000  # entries
_SAMPLE = 16  # entries, of each draw of numbers
_TRIED = 6  # formulas that fit the sample and are tried on all numbers
_BESIDE = 0.05  # of the usual upstream gradient: a smaller one blurs the slope
_SAME = 1e-7  # of a number that has a name
_NEAR = 1e-9
_EXACT = 1e-7  # of the target: what a sum may leave
_PAIRED, _FIRST, _TRIPLED = 400, 6, 150  # of the plainest terms: how many are tried together
_SOLVED = 12  # groups of terms that seem to fit


def wrong_formula(case: Case) -> Iterator[Claim]:
    """Another formula than the right one: both are named, or the one that was found."""
    if (
        not 0 < case.x.size <= _LARGEST
        or "grad" in case.subject.names
        or case.epsilon > EPSILON
        or len(case.upstream) < 3
    ):
        return
    search = Search(case)
    if len(search.points) < 4:
        return  # there is nothing to try a formula on
    right, wrong = search.find("expected"), search.find("got")
    returns = "rule" if case.subject.is_rule else "backward pass"
    hint = "" if case.linear else (
        "A gradient is linear in grad: twice the upstream gradient gives twice the gradient."
    )  # fmt: skip
    code, whole, message = "wrong-formula", None, ""
    if right and wrong:
        if text(right) == text(wrong):
            return
        whole, (said, code) = case.expected, difference(wrong, right)
        if factors(wrong) & {*search.words.grads[1:]}:  # it broadcasts the wrong way
            code = "wrong-axis"
        if code == "missing-cross-term":
            said += " Outputs depend on several entries of {name}: the sum over them is missing."
        hint = f"{said} {hint}".strip()
        message = f"For {{name}} the {returns} returns `{text(wrong)}`; right is `{text(right)}`."
    elif factor := search.find("factor"):
        said, whole = bare(text(factor)), case.expected
        hint = f"Is the factor `{said}` missing?"
        message = f"Every entry of the gradient of {{name}} is right once multiplied by `{said}`."
    else:
        missing = search.find("missing") if case.linear else None
        if wrong:
            message = (
                f"For {{name}} the {returns} returns `{text(wrong)}`, which is not its gradient."
            )
        elif right:
            message = f"The gradient of {{name}} is `{text(right)}`; the {returns} returns another."
            code = code if missing or hint else "unknown"
        elif missing:
            message = "A term of the gradient of {name} is wrong."
        if missing:
            hint = f"What is missing is `{text(missing)}`.{_meanings(search, text(missing))}"
    if message:
        message += _meanings(search, message)
        yield Claim(code, message, whole, hint, partial=whole is None)


def _meanings(search: Search, said: str) -> str:
    """Return what the words of the glossary mean that are used."""
    return "".join(
        f" Here {word} is `{part}`."
        for word, part in search.words.glossary.items()
        if re.search(rf"(?<!\w){word}(?!\w)", said)
    )


class Search:
    """The search for the formulas of a case.

    Attributes
    ----------
    words : Vocabulary
    points : list of Point
        The last, and all but some entries of the others, are for trying.
    """

    def __init__(self, case: Case) -> None:
        self.case, self.words = case, Vocabulary(case)
        self._entries = np.random.default_rng(1).permutation(case.x.size)[:_SAMPLE]
        self.points = list(points(case, self.words, self._entries))
        self._numbers = Numbers(self.words.numbers)
        self._grad = power(self.words.grads[0])

    def find(self, what: str) -> Sum | None:
        """Return the formula of what was `got` or is `expected`, is `missing` or the `factor`."""
        for found in self._fitting(what):
            for terms in list(dict.fromkeys(found))[:_TRIED]:
                if all(point.holds(text(terms), what) for point in self.points):
                    return terms
        return None

    def _fitting(self, what: str) -> Iterator[list[Sum]]:
        """Yield formulas that fit the sample, the plainest first."""
        target = self._sampled(lambda point: point.wanted(what))
        if what == "factor":
            found = self._named(next(self._slopes.sums(target), []), ONE)
            yield [terms for terms in found if len(terms) == 1]
        elif (slope := self._slope(what)) is not None:
            yield from self._of_slope(slope)
        elif what == "expected" or self.case.linear:
            spread, others = self._divisors
            for divisor in (ONE, *map(inverse, spread), *others):
                sums = self._sums.sums(target / self._values_of(divisor))
                most = 1 if divisor in others else 2
                yield from (self._named(found, divisor) for found in islice(sums, most))
        if what == "got" and not self.case.linear:
            yield from (self._named(found, ONE) for found in islice(self._any.sums(target), 1))

    def _of_slope(self, slope: Any) -> Iterator[list[Sum]]:
        """Yield formulas of rules that work entry by entry."""
        sums = self._slopes.sums(slope)
        pieces = [*filterfalse(_whole, self._named(next(self._pieces.sums(slope), []), self._grad))]
        plain = self._named(next(sums, []), self._grad)
        yield sorted([*pieces, *plain], key=self._cost_of_pieces) if pieces else plain
        for found in islice(self._slopes.sums(1 / slope), 1):
            for terms in (terms for terms in self._named(found, ONE) if len(terms) > 1):
                common, rest = shared(terms)
                below = times(common, power(text(rest)))
                yield [((1, times(self._grad, inverse(below))),)]
        yield from (self._named(found, self._grad) for found in sums)

    def _named(self, fitting: list[Fit], front: Term) -> list[Sum]:
        """Return the sums whose numbers have names."""
        found = ([self._times(c, times(front, term)) for c, term in fit] for fit in fitting)
        return [tuple(filter(None, terms)) for terms in found if None not in terms]

    def _times(self, c: float, term: Term) -> tuple[int, Term] | None:
        """Return the sign and the rest of a number times a term, with a mean if it is plainer."""
        ways = [(c, term)]
        for total in (factor for factor, _ in term if ".sum(" in factor and "grad" in factor):
            mean = total.replace(".sum(", ".mean(")
            n = self.words.here.value(total) / self.words.here.value(mean)
            ways.append((c * float(np.ravel(n)[0]), times(term, power(total, -1), power(mean))))
        named = [(*found, part) for n, part in ways if (found := self._numbers(n))]
        _, sign, number, part = min(named, key=lambda way: way[0], default=(0, 0, ONE, term))
        return (sign, times(number, part)) if sign else None

    # -- the terms ---------------------------------------------------------------------------

    @cached_property
    def _plain(self) -> dict[Term, float]:
        return self._products(self.words.plain)

    @cached_property
    def _slopes(self) -> Terms:
        whole = {term: cost for term, cost in self._plain.items() if not _is_piece(term)}
        return Terms(whole, self._values)

    @cached_property
    def _pieces(self) -> Terms:
        pieces = {term: cost for term, cost in self._plain.items() if _is_piece(term)}
        return Terms(pieces, self._values)

    @cached_property
    def _any(self) -> Terms:
        """Terms with any power of the upstream gradient, as no gradient has them."""
        grad = self.words.grads[0]
        plain = {grad: 0.5, f"{grad} * ({grad} > 0)": 0.6} | self.words.plain
        return Terms(self._products(plain), self._values)

    def _products(self, plain: Mapping[str, float]) -> dict[Term, float]:
        """Return powers of the arrays, alone and with another factor; and products of two."""
        grad = self.words.grads[0]
        core = [name for name in (grad, *self.words.arrays) if name in plain][:3]
        others = [f for f in plain if f not in core]
        terms: dict[Term, None] = {}
        for powers in product(range(-3, 4), repeat=len(core)):
            degree = sum(map(abs, powers))
            if degree <= 3:
                term = times(*map(power, core, powers))
                terms[term] = None
                for f in others if degree <= 1 else self.words.glossary if degree == 2 else ():
                    for n in _powers(f):
                        terms[times(power(f, n), term)] = None
        for f, g in combinations(others, 2):
            for m, n in {(1, 1), (1, -1), (-1, 1)} & {*product(_powers(f), _powers(g))}:
                terms[times(power(f, m), power(g, n))] = None
        return {term: self._cost(((1, term),), plain) for term in terms}

    def _cost(self, terms: Sum, plain: Mapping[str, float] | None = None) -> float:
        """Return how complicated a sum is."""
        known = plain or self.words.plain
        return sum(
            float(known.get(f, 0.2) + 0.2 * (n < 0)) * float(abs(n) ** 0.7)
            for _, term in terms
            for f, n in term
        )

    def _cost_of_pieces(self, terms: Sum) -> float:
        """Return likewise, where a slope is one of pieces: that may be what y / x means."""
        x, y = self.words.x, self.words.out
        odd = any({(x, -1), (y, 1)} <= term or {(x, 1), (y, -1)} <= term for _, term in terms)
        return self._cost(terms) + odd

    @cached_property
    def _sums(self) -> Terms:
        """Terms that contain the upstream gradient once, beside the input or in a sum."""
        words, costs = self.words, {}
        beside = {
            f: cost for f, cost in words.plain.items()
            if f in words.arrays or f.startswith(("softmax", "x_hat", "onehot", "norm"))
        }  # fmt: skip
        for carrier, cost in words.carriers.items():
            costs[power(carrier)] = cost
            for f, c in beside.items():
                inside = f" * {f})." in carrier
                if inside or f == words.out or "*" not in carrier:
                    costs[times(power(carrier), power(f))] = cost + (0.5 if inside else c)
        return Terms(costs, self._values)

    @cached_property
    def _divisors(self) -> tuple[list[Term], list[Term]]:
        """What a sum of terms may be divided by: spreads of rows; and other factors."""
        x, arrays = self.words.x, [power(f) for f in self.words.arrays]
        spread = [power(f) for f in self.words.glossary if not f.startswith("x_hat")]
        both = [times(inverse(s), a) for s in spread[:2] for a in arrays[2:]]
        below = inverse(times(power(x), power(f"1 - {x}")))
        return spread, [*map(inverse, arrays), below, *both]

    # -- their values ------------------------------------------------------------------------

    @cached_property
    def _values(self) -> dict[str, Any]:
        words = self.words
        every = {"1", *words.plain, *words.carriers, f"{words.grads[0]} * ({words.grads[0]} > 0)"}
        found = {f: self._sampled(methodcaller("value", f)) for f in every}
        return {f: v for f, v in found.items() if not is_mask(f) or np.ptp(v)}

    def _values_of(self, term: Term) -> Any:
        return self._sampled(methodcaller("value", written(term)))

    def _sampled(self, of: Callable[[Point], Any]) -> Any:
        """Return numbers at some entries, of all points but two; NaN where they do not fit."""
        shape = self.case.x.shape
        with np.errstate(all="ignore"):
            found = [of(point) for point in (self.points[0], *self.points[2:-1])]
        try:
            wide = [np.broadcast_to(part, shape).ravel()[self._entries] for part in found]
        except ValueError:
            return np.full((len(found), len(self._entries)), np.nan).ravel()
        return np.concatenate(wide).astype(float)

    def _slope(self, what: str) -> Any:
        """Return the factors of the upstream gradient, if every entry has its own."""

        def slope(point: Point) -> Any:
            grad = point.value(self.words.grads[0])
            near = np.abs(grad) > _BESIDE * np.median(np.abs(grad))
            return np.where(near, point.wanted(what) / grad, np.nan)

        if not fits(self.words.here.value(self.words.grads[0]).shape, self.case.x.shape):
            return None
        with np.errstate(all="ignore"):
            one, other = (slope(point) for point in self.points[:2])
        known = np.isfinite(one) & np.isfinite(other)
        if not known.any():
            return None
        near = 1e-7 * np.abs(one[known]).max()
        same = np.allclose(one[known], other[known], rtol=1e-6, atol=near)
        return self._sampled(slope) if same else None


def _powers(factor: str) -> tuple[int, ...]:
    """Return the powers to try: 1 - y itself is a sum, and a condition is 0 or 1."""
    if is_mask(factor):
        return (1,)
    return (-1, -2) if factor.startswith(("1 - ", "1 + ")) else (1, -1, 2, -2)


def _is_piece(term: Term) -> bool:
    """Whether a term is 0 where a condition does not hold."""
    return any(is_mask(f) for f, _ in term)


def _whole(terms: Sum) -> bool:
    """Whether pieces make a whole: then nothing is cut."""
    rests = [frozenset((f, n) for f, n in term if not is_mask(f)) for _, term in terms]
    return len(terms) == 2 and rests[0] == rests[1]


class Numbers:
    """The numbers that may stand before a term, and products and quotients of two of them."""

    def __init__(self, named: Mapping[str, float]) -> None:
        single = [(power(name), n) for name, n in named.items() if n]
        single += [(inverse(term), 1 / n) for term, n in single]
        both = [(times(a, b), m * n) for a, m in single for b, n in single]
        self._terms = [ONE, *(term for term, _ in single + both)]
        self._values = np.array([1.0, *(n for _, n in single + both)])

    def __call__(self, c: float) -> tuple[int, int, Term] | None:
        """Return how far a number is to seek, its sign, and the term that it is; None without."""
        found = np.flatnonzero(np.abs(np.abs(self._values) - abs(c)) <= _SAME * abs(c))
        if not found.size:
            return None
        return int(found[0]), int(np.sign(c * self._values[found[0]])), self._terms[found[0]]


class Terms:
    """Terms with their values at some places, the plainest first.

    Parameters
    ----------
    costs : Mapping
        How complicated each term is.
    values : Mapping
        The values of their factors (places,).
    """

    def __init__(self, costs: Mapping[Term, float], values: Mapping[str, Any]) -> None:
        known = (term for term in costs if all(f in values for f, _ in term))
        self.terms = sorted(known, key=lambda term: costs[term])
        self._costs = np.array([costs[term] for term in self.terms])
        with np.errstate(all="ignore"):
            made = [
                reduce(np.multiply, (values[f] ** float(n) for f, n in term), values["1"])
                for term in self.terms
            ]
        self._values = np.reshape(made, (len(made), len(values["1"])))

    def sums(self, target: Any) -> Iterator[list[Fit]]:
        """Yield the sums of one or two terms with these values, the plainest first; then of three.

        Places where the target is NaN are left out.
        """
        known = np.isfinite(target)
        t, values = target[known], self._values[:, known]
        with np.errstate(all="ignore"):
            size = np.sqrt(np.einsum("ij,ij->i", values, values))
        good = np.flatnonzero(np.isfinite(size) & (size > 0))
        if not t.any() or not good.size:
            return
        unit, direction = values[good] / size[good, None], t / np.sqrt(t @ t)
        alone = good[np.abs(unit @ direction) > 1 - _NEAR]
        unit = unit[:_PAIRED]
        different = np.flatnonzero(~np.triu(np.abs(unit @ unit.T) > 1 - 1e-12, 1).any(axis=0))
        good, unit = good[different], unit[different]

        def fitted(groups: Iterable[Any]) -> list[Fit]:
            found = []
            for group in sorted(groups, key=lambda group: self._costs[group].sum())[:_SOLVED]:
                c, _, rank, _ = np.linalg.lstsq(values[group].T, t, rcond=1e-9)
                left = t - c @ values[group]
                if rank == len(c) and left @ left <= _EXACT**2 * (t @ t):
                    found.append([(float(n), self.terms[k]) for n, k in zip(c, group, strict=True)])
            return found

        pairs = (good[pair] for pair in _pairs(unit, direction))
        yield fitted([*alone[:, None], *pairs])
        yield fitted(good[list(three)] for three in _triples(unit[:_TRIPLED], direction))


def _pairs(unit: Any, t: Any) -> Any:
    """Return the pairs of unit vectors that the target lies between."""
    products, parts = unit @ unit.T, unit @ t
    one, other = parts[:, None], parts
    with np.errstate(all="ignore"):
        seen = (one**2 + other**2 - 2 * products * one * other) / (1 - products**2)
    return np.argwhere(np.triu(np.abs(seen - 1) < _NEAR, 1))


def _triples(unit: Any, t: Any) -> Iterator[tuple[int, ...]]:
    """Yield triples that begin with a plain term: pairs of what it leaves of the others."""
    for first, one in enumerate(unit[:_FIRST]):
        left = unit - np.outer(unit @ one, one)
        lengths = np.sqrt(np.einsum("ij,ij->i", left, left))
        left /= np.where(lengths > _NEAR, lengths, np.inf)[:, None]
        rest = t - (t @ one) * one
        if rest @ rest > _NEAR:
            for pair in _pairs(left, rest / np.sqrt(rest @ rest)):
                yield (first, *pair)
