"""Sums of terms, where a term is a product of powers: how they are written, and found.

A factor is a short piece of Python, as "y" or "1 - x**2". What it computes is known elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from functools import reduce
from typing import Any

import numpy as np

Term = frozenset[tuple[str, int]]  # factors and their powers
Sum = tuple[tuple[int, Term], ...]  # terms and their signs
Fit = list[tuple[float, Term]]  # terms and what they are multiplied by

_SAME = 1e-7  # of a number that has a name
_NEAR = 1e-9
_EXACT = 1e-7  # of the target: what a sum may leave
_PAIRED, _FIRST, _TRIPLED = 400, 6, 150  # of the plainest terms: how many are tried together
_TRIED = 12

ONE: Term = frozenset()


def power(factor: str, exponent: int = 1) -> Term:
    """Return a power of one factor."""
    return frozenset({(factor, exponent)}) if factor != "1" and exponent else ONE


def times(*terms: Term) -> Term:
    """Return a product.

    Examples
    --------
    >>> written(times(power("x"), power("y", -2)))
    'x / y**2'
    """
    total: Counter[str] = Counter()
    for term in terms:
        total.update(dict(term))
    return frozenset((factor, n) for factor, n in total.items() if n)


def inverse(term: Term) -> Term:
    """Return 1 over a term."""
    return frozenset((factor, -n) for factor, n in term)


def written(term: Term, sign: int = 1) -> str:
    """Return a term in Python: numbers first, then what is made of the upstream gradient."""
    order = sorted(term, key=lambda f: (not f[0].isdigit(), "grad" not in f[0], f[0]))
    above = [_raised(factor, n) for factor, n in order if n > 0]
    below = [_raised(factor, -n) for factor, n in order if n < 0]
    text = "-" * (sign < 0) + (" * ".join(above) or "1")
    if not below:
        return text
    return f"{text} / {below[0] if len(below) == 1 else '(' + ' * '.join(below) + ')'}"


def text(terms: Sum) -> str:
    """Return a sum in Python, with what its terms share before the parentheses.

    Examples
    --------
    >>> text(((1, power("grad")), (-1, times(power("grad"), power("y", 2)))))
    'grad * (1 - y**2)'
    """
    if len(terms) == 1:
        return written(terms[0][1], terms[0][0])
    common, rest = shared(terms)
    turned = -1 if all(sign < 0 for sign, _ in rest) else 1
    parts = sorted((-sign * turned, len(term), written(term)) for sign, term in rest)
    inner = parts[0][2] + "".join(f" {'+' if n < 0 else '-'} {part}" for n, _, part in parts[1:])
    return written(times(common, power(inner)), turned) if common or turned < 0 else inner


def shared(terms: Sum) -> tuple[Term, Sum]:
    """Return what all terms have in common, and what is left of each."""
    powers = [dict(term) for _, term in terms]
    common = frozenset(
        (factor, min(n, *(p.get(factor, 0) for p in powers), key=abs))
        for factor, n in powers[0].items()
        if all(p.get(factor, 0) * n > 0 for p in powers)
    )
    return common, tuple((sign, times(term, inverse(common))) for sign, term in terms)


def bare(said: str) -> str:
    """Return a piece of Python without parentheses around all of it."""
    inner = said[1:-1]
    return inner if said[:1] == "(" and re.sub(r"\([^()]*\)", "", inner).count(")") == 0 else said


def factors(terms: Sum) -> set[str]:
    """Return the factors of all terms."""
    return {factor for _, term in terms for factor, _ in term}


def is_mask(factor: str) -> bool:
    """Return whether a factor is a condition."""
    return any(sign in factor for sign in (" > ", " < ", " <= ", " == "))


def _raised(factor: str, n: int) -> str:
    bare = factor
    while bare != (bare := re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", bare)):
        pass
    whole = f"({factor})" if " " in bare or (n > 1 and "**" in bare) else factor
    return whole if n == 1 else f"{whole}**{n}"


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

    def only(self, which: Callable[[Term], bool]) -> Terms:
        """Return some of the terms."""
        kept = [k for k, term in enumerate(self.terms) if which(term)]
        part = copy(self)
        part.terms = [self.terms[k] for k in kept]
        part._costs, part._values = self._costs[kept], self._values[kept]
        return part

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
            for group in sorted(groups, key=lambda group: self._costs[group].sum())[:_TRIED]:
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
