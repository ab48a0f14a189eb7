"""Search for the formula of what a rule returns, or should return.

Where each entry of the gradient is the upstream gradient times a slope, the slope is searched for;
else a sum of terms that contain the upstream gradient once. A formula is found only if it holds
for inputs and upstream gradients that it was not searched for with, too.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import combinations, filterfalse, islice, product
from operator import methodcaller
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.hypotheses.algebra import (
    ONE,
    Fit,
    Numbers,
    Sum,
    Term,
    Terms,
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

_SAMPLE = 16  # entries, of each draw of numbers
_TRIED = 6  # formulas that fit the sample and are tried on all numbers
_BESIDE = 0.05  # of the usual upstream gradient: a smaller one blurs the slope


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

    @cached_property
    def linear(self) -> bool:
        """Whether the rule is linear in the upstream gradient, as gradients are."""
        case = self.case
        upstream = case.upstream[:1] + 2 * case.upstream[1:2]
        again = case.vjp(case.subject.inputs, case.out, upstream, case.x.shape)
        total = case.got[0] + 2 * case.got[1]
        return again is None or bool(np.allclose(again[0], total, 1e-6, 1e-6 * np.abs(total).max()))

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
        elif what == "expected" or self.linear:
            spread, others = self._divisors
            for divisor in (ONE, *map(inverse, spread), *others):
                sums = self._sums.sums(target / self._values_of(divisor))
                most = 1 if divisor in others else 2
                yield from (self._named(found, divisor) for found in islice(sums, most))
        if what == "got" and not self.linear:
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
    def _plain(self) -> Terms:
        return self._products(self.words.plain)

    @cached_property
    def _slopes(self) -> Terms:
        return self._plain.only(lambda term: not any(is_mask(f) for f, _ in term))

    @cached_property
    def _pieces(self) -> Terms:
        """Terms that are 0 where a condition does not hold."""
        return self._plain.only(lambda term: any(is_mask(f) for f, _ in term))

    @cached_property
    def _any(self) -> Terms:
        """Terms with any power of the upstream gradient, as no gradient has them."""
        grad = self.words.grads[0]
        return self._products({grad: 0.5, f"{grad} * ({grad} > 0)": 0.6} | self.words.plain)

    def _products(self, plain: Mapping[str, float]) -> Terms:
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
        return Terms({term: self._cost(((1, term),), plain) for term in terms}, self._values)

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


def _whole(terms: Sum) -> bool:
    """Whether pieces make a whole: then nothing is cut."""
    rests = [frozenset((f, n) for f, n in term if not is_mask(f)) for _, term in terms]
    return len(terms) == 2 and rests[0] == rests[1]
