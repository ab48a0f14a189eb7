"""Reads what a check says, and holds it against numbers that the check did not compute.

The numbers are those of the rule itself, and of the right rule in double precision. Every sentence
of a diagnosis must be one that is known here: a new one needs a reader.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from itertools import permutations
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.report import GradcheckReport
from tinygrad_xent.checking.subjects import fitted

TOLERANCES = {"float64": 1e-4, "float32": 3e-3, "float16": 0.06}  # of the largest entry

Gradients = Callable[..., list[tuple[Any, Any]]]  # of an upstream gradient, at `inputs`


@dataclass(frozen=True, eq=False)
class Said:
    """What a sentence is said of: a case of the report, and the gradients for any upstream one."""

    case: Case
    gradients: Gradients
    tolerance: float
    words: str = ""  # the whole text

    @cached_property
    def draws(self) -> list[Any]:
        """Three random upstream gradients."""
        return [np.random.default_rng(k).normal(size=self.case.out.shape) for k in (11, 12, 13)]

    def pair(self, grad: Any) -> tuple[Any, Any]:
        """Return the gradient of the rule and the right one."""
        return self.gradients(grad)[self.case.index]

    @cached_property
    def pairs(self) -> list[tuple[Any, Any]]:
        """Those for the draws."""
        return [self.pair(grad) for grad in self.draws]

    def alike(self, a: Any, b: Any) -> bool:
        """Whether two gradients are equal, as far as the precision tells."""
        return bool(self.same(a, b).all())

    def same(self, a: Any, b: Any) -> Any:
        """Where they are equal; they may differ by a share of the largest entry of the second."""
        size = np.max(np.abs(b), initial=0.0, where=np.isfinite(b))
        with np.errstate(all="ignore"):
            return (np.abs(a - b) <= self.tolerance * size) | (a == b)

    def all(self, holds: Callable[[Any, Any], Any]) -> bool:
        """Whether something holds of every pair."""
        return all(bool(np.all(holds(found, wanted))) for found, wanted in self.pairs)


def value(text: str) -> float:
    """Return the number that "1/3", "2.50", "ln 2" or "1,000" stands for."""
    names = {"NaN": np.nan, "inf": np.inf, "-inf": -np.inf}
    text = text.replace(",", "").replace("−", "-")
    return names[text] if text in names else float(Fraction(text))


def near(said: str, true: float, loose: float = 0.0) -> bool:
    """Whether a number was said as it is, rounded to three digits."""
    a = value(said)
    return bool(
        a == true or (np.isnan(a) and np.isnan(true)) or abs(a - true) <= (6e-3 + loose) * abs(true)
    )


# -- the sentences ----------------------------------------------------------------------------


def _nothing(said: Said, m: re.Match[str]) -> bool:
    largest = max(np.abs(wanted).max() for _, wanted in said.pairs)
    if m["what"] == "None":
        return largest > 0 and all(r is None for r in said.case.raw)
    if m["most"]:
        return largest > 1e9 * value(m["most"])
    return said.all(lambda found, wanted: np.abs(found) <= 1e-9 * largest) and largest > 0


def _sign(said: Said, m: re.Match[str]) -> bool:
    return said.all(lambda found, wanted: said.same(-found, wanted))


def _factor(said: Said, m: re.Match[str]) -> bool:
    factor = value(m["factor"])
    return factor != 1 and said.all(
        lambda found, wanted: (
            said.same(found, factor * wanted)
            | (np.abs(found - factor * wanted) <= 6e-3 * np.abs(found))
        )
    )


def _few(said: Said, m: re.Match[str]) -> bool:
    listed = [tuple(map(int, at.split(", "))) for at in re.findall(r"\[([\d, ]+)\]", m["listed"])]
    whole = len(listed) == int(m["wrong"]) or m["listed"].endswith("...")
    if listed != sorted({*listed}) or not whole:
        return False
    if said.tolerance > 1e-3:
        return True  # the smallest mistakes do not show there
    somewhat, clearly = (
        np.any([~replace(said, tolerance=t).same(*pair) for pair in said.pairs], axis=0)
        for t in (1e-8, 1e-6)
    )
    return (
        all(somewhat.ndim == len(at) and somewhat[at] for at in listed)
        and int(clearly.sum()) <= int(m["wrong"]) <= int(m["all"]) <= clearly.size
        and _common(said, m, clearly)
    )


def _common(said: Said, m: re.Match[str], wrong: Any) -> bool:
    """Whether the wrong entries are where the words say, for the words that are simple."""
    x, words = said.case.x, m["common"] or ""
    signs = {"negative": x < 0, "positive": x > 0, "not positive": x <= 0, "0": x == 0}
    sign = re.fullmatch(rf"where {said.case.name} is (.*)", words)
    if sign and sign[1] in signs:
        return bool((wrong <= signs[sign[1]]).all())
    line = re.fullmatch(r"(row|column) (\d+)", words)
    if line:
        axis = {"column": x.ndim - 1, "row": x.ndim - 2}[line[1]]
        return set(np.argwhere(wrong)[:, axis]) <= {int(line[2])}
    return True


def _there(said: Said, m: re.Match[str]) -> bool:
    """What the gradient is in the wrong entries."""
    wrong = np.any([~said.same(found, wanted) for found, wanted in said.pairs], axis=0)
    parts = [(found[wrong], wanted[wrong]) for found, wanted in said.pairs]
    holds = [said.tolerance > 1e-3 or not wanted.any() for _, wanted in parts] if m["zero"] else []
    what = m["what"] or ""
    if what == "0":
        holds += [not found.any() for found, _ in parts]
    elif what == "grad itself":
        holds += [said.alike(f, g[wrong]) for (f, _), g in zip(parts, said.draws, strict=True)]
    elif what.startswith("the same"):
        holds += [said.alike(found, parts[0][0]) for found, _ in parts]
    elif m["factor"]:
        holds += [
            np.allclose(
                f,
                value(m["factor"]) * w,
                rtol=0.01 + said.tolerance,
                atol=said.tolerance * np.abs(f).max(),
            )
            for f, w in parts
        ]
    return all(holds)


def _only_where_upstream(said: Said, m: re.Match[str]) -> bool:
    sides = [(g < 0) if m["sign"] == "negative" else (g > 0) for g in said.draws]
    return all(
        (said.same(found, wanted) | side).all()
        for side, (found, wanted) in zip(sides, said.pairs, strict=True)
    )


def _two_sides(said: Said, m: re.Match[str]) -> bool:
    a, b = value(m["here"]), value(m["there"])
    loose = 6e-3 + said.tolerance

    def either(found: Any, wanted: Any) -> Any:
        floor = said.tolerance * np.abs(found).max()
        return (np.abs(found - a * wanted) <= loose * np.abs(found) + floor) | (
            np.abs(found - b * wanted) <= loose * np.abs(found) + floor
        )

    return a != b and said.all(either)


def _most(said: Said, m: re.Match[str]) -> bool:
    """The entry with the largest error, for the upstream gradient of the report."""
    case = said.case
    found, wanted = said.pair(case.upstream[case.shown])
    at = tuple(map(int, re.findall(r"\d+", m["at"]))) if m["at"] else ()
    loose = said.tolerance * np.abs(wanted).max() / max(abs(wanted[at]), 1e-300)
    if m["low"]:
        slack = 0.01 * abs(value(m["high"]) - value(m["low"]))
        should = value(m["low"]) - slack <= wanted[at] <= value(m["high"]) + slack
    else:
        should = near(m["expected"], wanted[at], loose) and m["got"] != m["expected"]
    known = near(m["got"], found[at], loose) or said.tolerance > 1e-3
    return bool(int(m["wrong"].replace(",", "")) <= wanted.size and should and known)


def _times(said: Said, m: re.Match[str]) -> bool:
    """The factor that would make it right."""
    case, words = said.case, m["factor"]
    over = words.startswith(("1/", "1 /"))
    arrays = dict(zip(case.subject.names, case.subject.inputs, strict=True)) | {
        "the output": case.out
    }
    name = re.sub(r"^1 ?/ ?", "", words)
    if name not in arrays:
        return True
    factor = 1 / arrays[name] if over else arrays[name]
    return said.all(lambda found, wanted: said.same(found * factor, wanted))


def _permuted(said: Said, m: re.Match[str]) -> bool:
    pairs = [
        (np.asarray(raw), said.pair(grad)[1])
        for raw, grad in zip(said.case.raw, said.case.upstream, strict=True)
    ]
    return any(
        all(
            raw.transpose(order).shape == right.shape and said.alike(raw.transpose(order), right)
            for raw, right in pairs
        )
        for order in permutations(range(pairs[0][0].ndim))
    )


def _exchanged(said: Said, m: re.Match[str]) -> bool:
    both = [case for case in said.case.others if case.name in (m["a"], m["b"])]

    def of_the_other(mine: Case, other: Case) -> bool:
        for grad, raw in list(zip(mine.upstream, mine.raw, strict=True))[:3]:
            right = said.gradients(grad)[other.index][1]
            if not said.alike(fitted(raw, other.x.shape), right):
                return False
        return True

    return len(both) == 2 and of_the_other(*both) and of_the_other(*both[::-1])


def _shape(said: Said, m: re.Match[str]) -> bool:
    return m["shape"] == str(np.shape(said.case.raw[0])) != str(said.case.x.shape) == m["of"]


def _bad(said: Said, m: re.Match[str]) -> bool:
    bad = np.any([~np.isfinite(found) for found, _ in said.pairs], axis=0)
    return bool(bad.sum() == int(m["many"]) and np.isfinite([w for _, w in said.pairs]).all())


def _dtype(said: Said, m: re.Match[str]) -> bool:
    dtypes = {str(np.asarray(raw).dtype) for raw in said.case.raw}
    return m["dtype"] in dtypes and m["of"] in (None, str(said.case.x.dtype))


def _constant(said: Said, m: re.Match[str]) -> bool:
    return all(said.alike(found, said.pairs[0][0]) for found, _ in said.pairs)


def _twice(said: Said, m: re.Match[str]) -> bool:
    return all(
        said.alike(found, wanted * (g if g.size > 1 else g.reshape(())))
        for g, (found, wanted) in zip(said.draws, said.pairs, strict=True)
    )


def _own_entry_only(said: Said, m: re.Match[str]) -> bool:
    ones = np.eye(said.case.x.size)[:64].reshape(-1, *said.case.x.shape)
    pairs = [said.pair(one) for one in ones]
    alone = all(said.alike(found * one, found) for one, (found, _) in zip(ones, pairs, strict=True))
    return alone and any(np.count_nonzero(wanted) > 1 for _, wanted in pairs)


def _gathered(said: Said, m: re.Match[str]) -> bool:
    ones = np.eye(said.case.out.size)[:64].reshape(-1, *said.case.out.shape)
    return any(np.count_nonzero(said.pair(one)[1]) > 1 for one in ones)


def _elsewhere(said: Said, m: re.Match[str]) -> bool:
    """The gradient in one row or column changes with the upstream gradients of the others."""
    axis = {"column": said.case.x.ndim - 1, "row": said.case.x.ndim - 2}.get(m["line"])
    if axis is None or said.case.x.ndim == 1:
        axis = 0
    changed = False
    for grad in said.case.upstream:
        other = np.array(grad)
        np.moveaxis(other, axis, 0)[1:] *= 2
        found, then = (np.moveaxis(said.pair(g)[0], axis, 0)[0] for g in (grad, other))
        changed |= not np.allclose(found, then, rtol=1e-7, atol=0)
    return changed


# -- formulas ---------------------------------------------------------------------------------


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


PYTHON = {name: getattr(np, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "sign")}
PYTHON |= {
    "abs": np.abs,
    "pi": np.pi,
    "softmax": softmax,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def computed(said: Said, formula: str, grad: Any) -> Any:
    """Run the Python of a formula, with the words that the text explains."""
    case = said.case
    names: dict[str, Any] = {**PYTHON, "onehot": lambda labels: np.eye(case.x.shape[-1])[labels]}
    names |= {"grad": grad, "y": case.out, "out": case.out, **case.subject.params}
    for name, x in zip(case.subject.names, case.subject.inputs, strict=True):
        several = re.fullmatch(r"(\w+)\[(\d+)\]", name)
        if several:
            names.setdefault(several[1], {})[int(several[2])] = np.asarray(x)
        else:
            names[name] = np.asarray(x)
    with np.errstate(all="ignore"):
        for word, meaning in re.findall(r"Here (\w+) is `([^`]*)`", said.words):
            names[word] = eval(meaning, names)  # noqa: S307 - what the check wrote
        return np.asarray(eval(formula, names), float)  # noqa: S307 - likewise


def _holds_everywhere(said: Said, holds: Callable[[Any, Any, Any], Any]) -> bool:
    """Whether something holds of upstream gradients, what is returned, and what is right."""
    triples = ((g, *pair) for g, pair in zip(said.draws, said.pairs, strict=True))
    return all(bool(np.all(holds(*triple))) for triple in triples)


def _formulas(said: Said, m: re.Match[str]) -> bool:
    known = m.groupdict()

    def holds(grad: Any, found: Any, wanted: Any) -> Any:
        both = (known.get("returned"), found), (known.get("right"), wanted)
        return all(said.alike(computed(said, f, grad), to) for f, to in both if f)

    return _holds_everywhere(said, holds)


def _multiplied(said: Said, m: re.Match[str]) -> bool:
    return _holds_everywhere(
        said, lambda g, found, wanted: said.same(found * computed(said, m[1], g), wanted)
    )


def _added(said: Said, m: re.Match[str]) -> bool:
    return _holds_everywhere(
        said, lambda g, found, wanted: said.same(found + computed(said, m[1], g), wanted)
    )


def _factor_of(said: Said, m: re.Match[str]) -> bool:
    """A factor that is missing, one too many, or on the wrong side of the bar."""
    n = {"missing": 1, "one too many": -1, "not divided": -1}
    n |= {"multiplied": -2, "divided": 2}
    exponent = 1 if m["how"] == "divided" else n[m["how"] or m["instead"] or m["only"]]

    def holds(grad: Any, found: Any, wanted: Any) -> Any:
        factor = computed(said, m["factor"], grad)
        with np.errstate(all="ignore"):
            one, other = (found, wanted) if exponent > 0 else (wanted, found)
            minus = -1 if "A minus sign is wrong" in said.words else 1
            return said.same(minus * one * factor ** abs(exponent), other)

    return _holds_everywhere(said, holds)


def _replaced(said: Said, m: re.Match[str]) -> bool:
    """One part in place of another makes the right formula: of the text, or of the numbers."""
    returned = re.findall(r"returns `([^`]*)`", said.words)[0]
    a, b = m["stands"], m["belongs"]
    turned = re.sub(rf"(?<!\w){re.escape(a)}(?!\w)", lambda _: f"({b})", returned)

    def holds(grad: Any, found: Any, wanted: Any) -> Any:
        stands, belongs = computed(said, a, grad), computed(said, b, grad)
        minus = -1 if "A minus sign is wrong" in said.words else 1
        with np.errstate(all="ignore"):
            return (
                said.alike(computed(said, turned, grad), wanted)
                or said.alike(minus * found * belongs, wanted * stands)
                or said.alike(minus * found / belongs, wanted / stands)
            )

    def share(grad: Any, found: Any, wanted: Any) -> Any:
        gap = computed(said, b, grad) - computed(said, a, grad)
        with np.errstate(all="ignore"):
            share = (wanted - found) / gap
            return share if "grad" in a + b else share / grad.reshape(grad.shape or (1,))

    if _holds_everywhere(said, holds):
        return True
    one, other = (share(g, *pair) for g, pair in list(zip(said.draws, said.pairs, strict=True))[:2])
    return bool(np.nanmedian(np.abs(one - other)) <= 1e-6 * np.nanmax(np.abs(one)))


def _exchanged_in_formula(said: Said, m: re.Match[str]) -> bool:
    """Each of two parts in place of the other makes the right formula."""
    returned, _ = _both_formulas(said)
    other = {m["a"]: f"({m['b']})", m["b"]: f"({m['a']})"}
    part = re.compile("|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in other))
    turned = part.sub(lambda found: other[found[0]], returned)
    return turned != returned and _holds_everywhere(
        said, lambda g, found, wanted: said.same(computed(said, turned, g), wanted)
    )


def _term(said: Said, m: re.Match[str]) -> bool:
    """What the whole formula has more is the term, times what all of its terms share, or less."""
    returned, right = _both_formulas(said)
    shared = _shared(right if m["how"] == "missing" else returned)

    def holds(grad: Any, found: Any, wanted: Any) -> Any:
        term = computed(said, f"({m['term']}) * {shared}", grad)
        gap, size = np.abs(wanted - found), np.abs(wanted).max() + np.abs(found).max()
        return np.abs(gap - np.abs(term)) <= said.tolerance * size

    return _holds_everywhere(said, holds)


def _shared(formula: str) -> str:
    """Return the factors of a product that are not sums."""

    def factors(node: ast.expr, above: bool) -> Iterator[str]:
        match node:
            case ast.UnaryOp(ast.USub(), inner):
                yield from factors(inner, above)
            case ast.BinOp(left, ast.Mult() | ast.Div() as op, right):
                yield from factors(left, above)
                yield from factors(right, above == isinstance(op, ast.Mult))
            case ast.BinOp(_, ast.Add() | ast.Sub(), _) if above:
                pass
            case _:
                yield f"({ast.unparse(node)})" if above else f"1 / ({ast.unparse(node)})"

    return " * ".join(factors(ast.parse(formula, mode="eval").body, above=True)) or "1"


def _both_formulas(said: Said) -> tuple[str, str]:
    return re.findall(r"returns `([^`]*)`; right is `([^`]*)`", said.words)[0]


def _another_call(said: Said, m: re.Match[str]) -> bool:
    """The two formulas are the same but for how a sum runs, and that is as the words say."""
    part = {"runs": r"axis=(\d|\([\d, ]+\))(, keepdims=True)?", "kind": r"\.(sum|mean)\("}
    known = {name: text for name, text in m.groupdict().items() if text}
    pattern = part.get(next(iter(known), ""), ", keepdims=True")
    one, other = _both_formulas(said)
    if one == other or re.sub(pattern, "", one) != re.sub(pattern, "", other):
        return False
    if "lacks" in m[0] or "too many" in m[0]:
        return (len(one) < len(other)) == ("lacks" in m[0])

    def says(words: str, formula: str) -> bool:
        axis = words.removeprefix("along axis ")
        return words == "over all axes" or re.search(rf"axis=\(?{axis}", formula) is not None

    if "runs" in known:
        return says(m["runs"], one) and says(m["should"], other)
    return f".{m['kind']}(" in one and f".{m['belongs']}(" in other


def _not_linear(said: Said, m: re.Match[str]) -> bool:
    def total(a: float, b: float) -> bool:
        one, other = said.draws[:2]
        apart = a * said.pair(one)[0] + b * said.pair(other)[0]
        return said.alike(said.pair(a * one + b * other)[0], apart)

    return not all(total(a, b) for a, b in ((1, 2), (-2, 1), (-1, -1), (1, -1)))


# -- places -----------------------------------------------------------------------------------


def _moved(said: Said, m: re.Match[str]) -> bool:
    axis = int(m["axis"] or 0) - said.case.x.ndim
    if m["shift"]:
        moves = [partial(np.roll, shift=sign * int(m["shift"]), axis=axis) for sign in (1, -1)]
    else:
        moves = [partial(np.flip, axis=axis)]
    return any(said.all(lambda found, wanted, f=f: said.same(f(found), wanted)) for f in moves)


def _in_another_order(said: Said, m: re.Match[str]) -> bool:
    return said.all(lambda found, wanted: said.same(np.sort(found, None), np.sort(wanted, None)))


def _forwards(said: Said, m: re.Match[str]) -> bool:
    (found, wanted), (one, other) = said.pairs[0], said.draws[:2]
    return said.alike(np.vdot(found, other), np.vdot(one, said.pair(other)[1])) and wanted.any()


def _left_out(said: Said, m: re.Match[str]) -> bool:
    at = tuple(map(int, re.findall(r"\d+", m["at"])))
    units = np.eye(said.case.out.size).reshape(-1, *said.case.out.shape)
    found, wanted = (
        np.array([pair[at] for pair in side])
        for side in zip(*(said.pair(unit) for unit in units), strict=True)
    )
    taken, needed = (np.abs(part) > 1e-6 * np.abs(wanted).max() for part in (found, wanted))
    return (int(needed.sum()), int(taken.sum())) == (int(m["whole"]), int(m["some"]))


def _whole_numbers(said: Said, m: re.Match[str]) -> bool:
    return said.all(lambda found, wanted: found == np.round(found))


def _accepted(said: Said, m: re.Match[str]) -> bool:
    """Made only where the rule's own numbers are right once the mistake is undone."""
    return True


NUMBER = r"-?(?:[\d.,/]+(?:e[-+]?\d+)?|NaN|inf)"
ENTRIES = r"(?:entry|entries)"
G, T = "The gradient of NAME", "times what it should be"
READERS: dict[str, Callable[[Said, re.Match[str]], bool]] = {
    r"The rule returns (?P<what>None|only zeros|nothing larger than (?P<most>\S+)) for NAME, but "
    r"the output depends on NAME: .*its gradient should have entries of up to \S+\.": _nothing,
    rf"{G} has the wrong sign everywhere; its size is right\.": _sign,
    rf"{G} is (exactly )?(?P<factor>{NUMBER})( \(.*\))? {T}, in every entry\.": _factor,
    rf"{G} is exactly (ln 2|ln 10|e|π|1/.*)( \(.*\))? {T}, in every entry\.": _accepted,
    rf"{G} is right but for (?P<wrong>\d+) {ENTRIES} of (?P<all>\d+)( that can be compared)?"
    r"(: (?P<common>.*?)|, all among .*?)?\. Wrong: (?P<listed>.*?)\.(?=$| There)": _few,
    r" There it (is (?P<what>0|grad itself|the same for every upstream gradient)|is (?P<factor>"
    rf"{NUMBER}) times what it should be)?(?P<zero>,? ?(and )?should be 0)?\.": _there,
    rf"{G} is wrong only where the upstream gradient is (?P<sign>negative|positive)(, .*)?\.": (
        _only_where_upstream
    ),
    rf"{G} is (?P<here>{NUMBER}) times what it should be .*, and (?P<there>{NUMBER}) times "
    r"elsewhere\.( The two sides are exchanged\.)?": _two_sides,
    rf"{G} is wrong in (?P<wrong>[\d,]+) of its (?P<all>[\d,]+) {ENTRIES}, most at "
    r"NAME(\[(?P<at>[\d, ]+)\])?: (for a random upstream gradient )?"
    rf"it is (?P<got>{NUMBER}) and should (be (?P<expected>{NUMBER})|lie between (?P<low>{NUMBER}) "
    rf"and (?P<high>{NUMBER}))\.": _most,
    r"Every entry is right once multiplied by (?P<factor>.*): is this factor missing\?": _times,
    rf"{G} is transposed: its numbers are right, .*\.": _permuted,
    r"The gradients of (?P<a>\S+) and (?P<b>\S+) are exchanged: each is right for the other\.": (
        _exchanged
    ),
    rf"{G} has the shape (?P<shape>\(.*?\)), but NAME has (?P<of>\(.*?\))"
    r"(\.|: it is not summed over .*\.)": _shape,
    rf"{G} is [-NaIinf or]+ in (?P<many>\d+) {ENTRIES}, first at .*\.": _bad,
    rf"{G} comes as (?P<dtype>\w+)(, but NAME is (?P<of>\w+))?: .*\.": _dtype,
    rf"{G} is the same for every upstream gradient(: the rule returns its own slope without "
    r"multiplying it by grad)?\.": _constant,
    rf"{G} is multiplied by the upstream gradient twice\.": _twice,
    rf"{G} is that of the Jacobian's diagonal only\..*": _own_entry_only,
    r"Each entry of the gradient of NAME depends only on the same entry of the upstream "
    r"gradient\. .*": _own_entry_only,
    rf"{G} in (?P<line>row|column|\w+) .* changes with the upstream gradients elsewhere\. .*": (
        _elsewhere
    ),
    r"For NAME the (rule|backward pass) returns `(?P<returned>[^`]*)`(; right is `(?P<right>[^`]*)`"
    r"\.|, which is not its gradient\.)( Here \w+ is `[^`]*`\.)*": _formulas,
    rf"{G} is `(?P<right>[^`]*)`; the (rule|backward pass) returns another\."
    r"( Here \w+ is `[^`]*`\.)*": _formulas,
    rf"Every entry of {G[0].lower()}{G[1:]} is right once multiplied by `([^`]*)`\."
    r"( Here \w+ is `[^`]*`\.)*": _multiplied,
    rf"A term of {G[0].lower()}{G[1:]} is wrong\.": _accepted,
    r" ?Is the factor `([^`]*)` missing\?": _multiplied,
    r" ?What is missing is `([^`]*)`\.( Here \w+ is `[^`]*`\.)*": _added,
    r" ?The (factor|mask) `(?P<factor>[^`]*)` is (?P<how>missing|one too many)\."
    r"(?P<instead>)(?P<only>)": _factor_of,
    r" ?It is (?P<how>not divided)(?P<instead>)(?P<only>) by `(?P<factor>[^`]*)`\.": _factor_of,
    r" ?It is (?P<only>multiplied|divided)(?P<how>)(?P<instead>) by `(?P<factor>[^`]*)` where it "
    r"should be (divided|multiplied) by it\.": _factor_of,
    r" ?`(?P<stands>[^`]*)` stands where `(?P<belongs>[^`]*)` belongs\.": _replaced,
    r" ?It is (?P<how>divided)(?P<instead>)(?P<only>) by `(?P<factor>[^`]*)`, and should not be"
    r"\.": (
        _factor_of
    ),
    r" ?A minus sign is wrong, too\.": _accepted,  # said of the sentence before, which knows it
    r" ?`(?P<a>[^`]*)` and `(?P<b>[^`]*)` are exchanged\.": _exchanged_in_formula,
    r" ?The term `(?P<term>[^`]*)` is (?P<how>missing|one too many)\.": _term,
    r" ?It runs (?P<runs>.*?) where it should run (?P<should>[^.]*)\.": _another_call,
    r" ?A (?P<kind>sum|mean) stands where a (?P<belongs>\w+) belongs\.": _another_call,
    r" ?(A sum lacks keepdims=True|keepdims=True is too many)\.": _another_call,
    r" ?Outputs depend on several entries of NAME: the sum over them is missing\.": _gathered,
    r" ?(A gradient is linear in grad|The rule for NAME is not linear in grad): twice the upstream "
    r"gradient (gives|does not give) twice the gradient( of NAME)?\.": _not_linear,
    rf"{G} is (shifted by (?P<shift>\d+)|reversed)( along axis (?P<axis>\d+))?: its numbers are "
    r"right, in the wrong places\.": _moved,
    r"The numbers of the gradient of NAME are right, in the wrong order\.": _in_another_order,
    r"The rule runs forwards: .*": _forwards,
    r"What comes back to NAME is not added up: NAME(?P<at>\[[\d, ]*\])? goes into (?P<whole>\d+) "
    r"entries of the output, and the rule takes the contributions of (?P<some>\d+) of them only"
    r"\.": (
        _left_out
    ),
    rf"{G} has whole numbers only: digits after the point are lost\.": _whole_numbers,
    r"The rule for NAME (works along|mixes) .*": _accepted,
    r"The slopes with respect to NAME are taken along .*": _accepted,
    rf"{G} (runs|is summed) along the wrong axis.*": _accepted,
    r"In the gradient of NAME the (factor \S+ (must|runs)|upstream gradient is).*": _accepted,
    r"The rule stops: .*": _accepted,
    r"The (rule|function) (returns a different result|keeps the array|changes `) .*": _accepted,
    r"What the rule returns for NAME is not an array of numbers, and cannot be .*": _accepted,
    r"The function (itself is not finite here|has a kink).*": _accepted,
    r"`.*` returns .*": _accepted,
}  # fmt: skip
HINTS = (
    "Is the",
    "What is missing",
    "The factor",
    "The mask",
    "The term",
    "It is ",
    "It runs",
    "A sum",
    "A mean",
    "`",
    "keepdims=True is",
    "A gradient is linear",
)


def untrue(report: GradcheckReport, gradients: Gradients) -> Iterator[str]:
    """Yield the sentences of a report that do not hold, or that nobody can read."""
    names = [found.input for found in report.diagnoses]
    for found in report.diagnoses:
        if names.count(found.input) > 1 or found.code == "second-order-only":
            continue  # of several mistakes each is said of what is left of the others
        case = next((case for case in report.cases if case.name == found.input), None)
        if case is None:
            continue
        kinds = [np.asarray(x).dtype for x in case.subject.inputs]
        narrow = max(
            (kind for kind in kinds if kind.kind == "f"), key=lambda kind: np.finfo(kind).eps
        )
        here = partial(gradients, inputs=case.subject.inputs)
        said = Said(case, here, TOLERANCES[str(narrow)], str(found))
        texts = [found.message, *(h for h in [found.hint] if h.startswith(HINTS))]
        yield from (text for text in texts if not _read(said, text))


def _read(said: Said, text: str) -> bool:
    """Whether a text is made of sentences that are known here, and holds."""
    name = re.escape(said.case.name)
    while text:
        matches = (
            (reader, re.match(sentence.replace("NAME", name), text, re.DOTALL))
            for sentence, reader in READERS.items()
        )
        reader, match = next(((r, m) for r, m in matches if m), (None, None))
        if match is None or reader is None or match.end() == 0:
            return False
        if not reader(said, match):
            return False
        text = text[match.end() :]
    return True
