"""Sums of terms, where a term is a product of powers: how they are written, and how two differ.

A factor is a short piece of Python, as "y" or "1 - x**2". What it computes is known elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import combinations, product

Term = frozenset[tuple[str, int]]  # factors and their powers
Sum = tuple[tuple[int, Term], ...]  # terms and their signs

_LONGEST = 60  # letters of what is named

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


def difference(wrong: Sum, right: Sum) -> tuple[str, str]:
    """Return what has to be changed in one formula to get the other, and the code for it."""
    one, other = text(wrong), text(right)
    for pattern, (code, say) in _CALLS.items():
        if re.sub(pattern, "", one) == re.sub(pattern, "", other):
            return say(one, other), code
    gathers = [bool(re.search(r"\.(sum|mean)\(", formula)) for formula in (one, other)]
    code = "missing-cross-term" if gathers == [False, True] else "wrong-formula"
    return _of_terms(wrong, right), code


def _of_terms(wrong: Sum, right: Sum) -> str:
    """Return what has to be changed in the terms, if it is short."""
    for (sign, a), (turned, b) in product(wrong, right):
        ratio = times(b, inverse(a))
        if {(sign * turned * s, times(t, ratio)) for s, t in wrong} == {*right}:
            return _factor(a, b) + " A minus sign is wrong, too." * (sign != turned)
    names = [sorted({*re.findall(r"[A-Za-z_]\w*", text(part))}) for part in (wrong, right)]
    parts = [sorted(factors(a) - factors(b)) for a, b in ((wrong, right), (right, wrong))]
    for stands, belongs in (*product(*names), *product(*parts)):
        if stands != belongs and _with({stands: belongs}, wrong) == {*right}:
            return f"`{stands}` stands where `{belongs}` belongs."
    for first, second in combinations(sorted(factors(wrong) & factors(right)), 2):
        if _with({first: second, second: first}, wrong) == {*right}:
            return f"`{first}` and `{second}` are exchanged."
    extra, lacking = (
        tuple(t for t in p if t not in q) for p, q in ((wrong, right), (right, wrong))
    )
    for one_term, whole, how in ((wrong, right, "missing"), (right, wrong, "one too many")):
        common, rest = shared(whole)
        if len(one_term) == 1 and one_term[0][1] == common and len(whole) > 1:
            sign = one_term[0][0]
            rest = tuple((s * sign, term) for s, term in rest)
            return f"The factor `{text(rest)}` is {how}."
    if not extra:
        return f"The term `{_alone(lacking, right)}` is missing."
    if not lacking:
        return f"The term `{_alone(extra, wrong)}` is one too many."
    _, rest = shared((*extra, *lacking))
    if ONE in (term for _, term in rest):  # where 1 belongs: say at least beside what
        common, _ = shared((*wrong, *right))
        rest = tuple((sign, times(t, inverse(common))) for sign, t in (*extra, *lacking))
    if all(sign < 0 for sign, _ in rest):
        rest = tuple((-sign, term) for sign, term in rest)
    stands, belongs = bare(text(rest[: len(extra)])), bare(text(rest[len(extra) :]))
    short = max(len(stands), len(belongs)) <= _LONGEST
    return f"`{stands}` stands where `{belongs}` belongs." if short else ""


def _with(other: Mapping[str, str], terms: Sum) -> set[tuple[int, Term]]:
    """Return terms with other factors, or other names in their factors."""
    words = re.compile("|".join(rf"(?<!\w){re.escape(part)}(?!\w)" for part in other))

    def turned(factor: str) -> str:
        return words.sub(lambda found: other[found[0]], factor)

    return {(sign, times(*(power(turned(f), n) for f, n in term))) for sign, term in terms}


def _alone(terms: Sum, whole: Sum) -> str:
    """Return terms without what they share with all others, nor the sign."""
    common, _ = shared(whole)
    sign = terms[0][0] if len(terms) == 1 else 1
    return bare(text(tuple((s * sign, times(term, inverse(common))) for s, term in terms)))


def _factor(wrong: Term, right: Term) -> str:
    """Return how two products differ."""
    powers = dict(right)
    same = frozenset((f, min(n, powers[f], key=abs)) for f, n in wrong if n * powers.get(f, 0) > 0)
    stands, belongs = (times(term, inverse(same)) for term in (wrong, right))
    one, other = bare(written(stands)), bare(written(belongs))
    below, other_below = bare(written(inverse(stands))), bare(written(inverse(belongs)))
    kind = "mask" if is_mask(one + other) else "factor"
    match [sorted({n > 0 for _, n in part}) for part in (stands, belongs)]:
        case [[], [True]]:
            return f"The {kind} `{other}` is missing."
        case [[True], []]:
            return f"The {kind} `{one}` is one too many."
        case [[], [False]]:
            return f"It is not divided by `{other_below}`."
        case [[False], []]:
            return f"It is divided by `{below}`, and should not be."
        case [[False], [False]]:
            return f"`{below}` stands where `{other_below}` belongs."
        case [[True], [False]] if one == other_below:
            return f"It is multiplied by `{one}` where it should be divided by it."
        case [[False], [True]] if below == other:
            return f"It is divided by `{other}` where it should be multiplied by it."
    return f"`{one}` stands where `{other}` belongs."


def _runs(one: str, other: str) -> str:
    found = (re.search(r"axis=(\d|\([\d, ]+\))", part) for part in (one, other))
    a, b = (f"along axis {axis[1].strip('()')}" if axis else "over all axes" for axis in found)
    return f"It runs {a} where it should run {b}."


def _keepdims(one: str, other: str) -> str:
    return "A sum lacks keepdims=True." if len(one) < len(other) else "keepdims=True is too many."


def _gathered(one: str, other: str) -> str:
    stands, belongs = (re.findall(r"[.](sum|mean)[(]", part)[0] for part in (one, other))
    return f"A {stands} stands where a {belongs} belongs."


# Parts of a formula that may be all that differs, with the code and the words for it.
_CALLS: dict[str, tuple[str, Callable[[str, str], str]]] = {
    r"(?<=axis=[1-9]), keepdims=True": ("wrong-axis", _keepdims),
    r"axis=(\d|\([\d, ]+\))(, keepdims=True)?": ("wrong-axis", _runs),
    r"\.(sum|mean)\(": ("wrong-formula", _gathered),
}
