"""The formula that a rule computes, the right one, and what distinguishes them."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, product

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.hypotheses.algebra import (
    Sum,
    Term,
    bare,
    factors,
    inverse,
    is_mask,
    power,
    shared,
    text,
    times,
    written,
)
from tinygrad_xent.checking.hypotheses.search import Search
from tinygrad_xent.checking.slopes import EPSILON

_LARGEST = 5000  # entries
_LONGEST = 60  # letters of what is named


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
    hint = "" if search.linear else (
        "A gradient is linear in grad: twice the upstream gradient gives twice the gradient."
    )  # fmt: skip
    code, whole, message = "wrong-formula", None, ""
    if right and wrong:
        if text(right) == text(wrong):
            return
        whole, said = case.expected, difference(wrong, right)
        code = _code(search, wrong, right, said)
        if code == "missing-cross-term":
            said += " Outputs depend on several entries of {name}: the sum over them is missing."
        hint = f"{said} {hint}".strip()
        message = f"For {{name}} the {returns} returns `{text(wrong)}`; right is `{text(right)}`."
    elif factor := search.find("factor"):
        said, whole = bare(text(factor)), case.expected
        hint = f"Is the factor `{said}` missing?"
        message = f"Every entry of the gradient of {{name}} is right once multiplied by `{said}`."
    else:
        missing = search.find("missing") if search.linear else None
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


def difference(wrong: Sum, right: Sum) -> str:
    """Return what has to be changed in one formula to get the other, if it is short."""
    one, other = text(wrong), text(right)
    for pattern, say in _SAID.items():
        if re.sub(pattern, "", one) == re.sub(pattern, "", other):
            return say(one, other)
    for (sign, a), (turned, b) in product(wrong, right):
        ratio = times(b, inverse(a))
        if {(sign * turned * s, times(t, ratio)) for s, t in wrong} == {*right}:
            return _factor(a, b) + " A minus sign is wrong, too." * (sign != turned)
    names = [sorted({*re.findall(r"[A-Za-z_]\w*", part)}) for part in (one, other)]
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
    rising = [{n > 0 for _, n in part} for part in (stands, belongs)]
    if False in rising[0] | rising[1] and True not in rising[0] | rising[1]:
        what, other = bare(written(inverse(stands))), bare(written(inverse(belongs)))
        if not stands:
            return f"It is not divided by `{other}`."
        if not belongs:
            return f"It is divided by `{what}`, and should not be."
        return f"`{what}` stands where `{other}` belongs."
    what, other = bare(written(stands)), bare(written(belongs))
    kind = "mask" if is_mask(what + other) else "factor"
    if not stands and rising[1] == {True}:
        return f"The {kind} `{other}` is missing."
    if not belongs and rising[0] == {True}:
        return f"The {kind} `{what}` is one too many."
    if stands == inverse(belongs) and rising[0] == {True}:
        return f"It is multiplied by `{what}` where it should be divided by it."
    if stands == inverse(belongs) and rising[1] == {True}:
        return f"It is divided by `{other}` where it should be multiplied by it."
    return f"`{what}` stands where `{other}` belongs."


def _runs(one: str, other: str) -> str:
    found = (re.search(r"axis=(\d|\([\d, ]+\))", part) for part in (one, other))
    a, b = (f"along axis {axis[1].strip('()')}" if axis else "over all axes" for axis in found)
    return f"It runs {a} where it should run {b}."


_SAID: dict[str, Callable[[str, str], str]] = {
    r"(?<=axis=[1-9]), keepdims=True": lambda one, other: (
        "A sum lacks keepdims=True." if len(one) < len(other) else "keepdims=True is too many."
    ),
    r"axis=(\d|\([\d, ]+\))(, keepdims=True)?": _runs,
    r"\.(sum|mean)\(": lambda one, other: (
        f"A {re.findall(r'[.](sum|mean)[(]', one)[0]} stands where a "
        f"{re.findall(r'[.](sum|mean)[(]', other)[0]} belongs."
    ),
}


def _code(search: Search, wrong: Sum, right: Sum, said: str) -> str:
    """Return the code that fits best; some say more than that the formula is wrong."""
    beside = factors(wrong) & {*search.words.grads[1:]}  # it broadcasts the wrong way
    if beside or re.match("It runs|A sum lacks|keepdims=True is", said):
        return "wrong-axis"
    gathers = [re.search(r"\.(sum|mean)\(", text(terms)) for terms in (wrong, right)]
    return "missing-cross-term" if gathers[1] and not gathers[0] else "wrong-formula"


def _meanings(search: Search, said: str) -> str:
    """Return what the words of the glossary mean that are used."""
    return "".join(
        f" Here {word} is `{part}`."
        for word, part in search.words.glossary.items()
        if re.search(rf"(?<!\w){word}(?!\w)", said)
    )
