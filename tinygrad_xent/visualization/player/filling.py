"""Putting numbers in place of a formula's letters, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, tostring

from tinygrad_xent.visualization.formatting import number

MOST_TERMS, FIRST_TERMS = 4, 2  # a sum of more terms shows the first ones and the last
_SUMS = {"∑": "+", "∏": "⋅"}
_SIGNS = {"+", "−", "=", "/", "<", ">", "≤", "≥", "⋅", ","}
Index = Mapping[str, int]
Letter = tuple[str, bool]  # the second says whether it has an overline: whether a gradient is meant


class NotUnderstoodError(Exception):
    """A formula says something that these numbers do not give. It never leaves this package."""


@dataclass(frozen=True)
class Entry:
    """One entry of a result: for which numbers the letters stand in its formula.

    Attributes
    ----------
    scalars, vectors : mapping
        From letters without and with a subscript.
    index : mapping of str to int
        Where the entry is: for which number the subscript i stands.
    length : int
        How far the subscripts of sums run.
    """

    scalars: Mapping[Letter, Any]
    vectors: Mapping[Letter, Any]
    index: Index
    length: int

    def number(self, letter: str, *, bar: bool, subs: Sequence[int] = ()) -> Any:
        """Look a letter up."""
        found = (self.vectors if subs else self.scalars).get((letter, bar))
        if found is None or len(subs) > 1:
            raise NotUnderstoodError
        return found[subs[0]] if subs else found


def filled(
    children: Sequence[Element], entry: Entry, index: Index, *, begins: bool = True
) -> list[Element]:
    """Replace the letters of a row; write products with dots.

    A negative number needs no parentheses where the row stands at the beginning of something.
    """
    result: list[Element] = []
    k = 0
    while k < len(children):
        child = children[k]
        k += 1
        if tag(child) == "mspace":
            continue
        if kind := _sum(child):
            scope = _scope(children[k:])
            alone = k == 1 and len(scope) == len(children) - k
            k += len(scope)
            terms = _terms(kind, scope, entry, index, child[1].text or "")
            new = terms if alone else [sign("("), *terms, sign(")")]
        else:
            first = is_sign(result[-1], "([=,") if result else begins
            new = _replaced(child, entry, index, first=first)
        if result and new and _ends_operand(result[-1]) and _starts_operand(new[0]):
            result.append(sign("⋅"))
        result += new
    return result


def _terms(
    kind: str, scope: Sequence[Element], entry: Entry, index: Index, letter: str
) -> list[Element]:
    """Write a sum out."""
    if not entry.length:
        raise NotUnderstoodError
    shown: list[int | None] = list(range(entry.length))
    if entry.length > MOST_TERMS:
        shown[FIRST_TERMS:-1] = [None]
    result: list[Element] = []
    for j in shown:
        begins = not result
        if result:
            result.append(sign(_SUMS[kind]))
        if j is None:
            result.append(sign("⋯"))
        else:
            result += filled(scope, entry, {**index, letter: j}, begins=begins)
    return result


def _replaced(child: Element, entry: Entry, index: Index, *, first: bool) -> list[Element]:
    kind, text = tag(child), child.text or ""
    if kind in ("mn", "mo"):
        return [copied(child)]
    if kind == "mi":
        if text in index:
            return numeral(index[text], first=first)
        if len(text) > 1 or text == "e":  # a function, or Euler's number
            return [copied(child)]
        return numeral(entry.number(text, bar=False), first=first)
    if kind == "mover":
        return numeral(entry.number(child[0].text or "", bar=True), first=first)
    if kind == "msub":
        base = child[0]
        bar = tag(base) == "mover"
        letter = (base[0] if bar else base).text or ""
        subs = [_subscript(part, entry, index) for part in child[1].iter() if not len(part)]
        return numeral(entry.number(letter, bar=bar, subs=subs), first=first)
    if kind == "mrow":
        return filled(list(child), entry, index)
    if kind in ("mfrac", "msqrt", "msup"):
        parts = [filled(_row(part), entry, index) for part in child]
        if kind == "msup" and len(parts[0]) > 1:
            parts[0] = [sign("("), *parts[0], sign(")")]
        return [wrapped(kind, [wrapped("mrow", part) for part in parts])]
    raise NotUnderstoodError


def _row(element: Element) -> list[Element]:
    return list(element) if tag(element) == "mrow" else [element]


def _subscript(part: Element, entry: Entry, index: Index) -> int:
    letter = part.text or ""
    return index[letter] if letter in index else int(entry.number(letter, bar=False))


def _sum(element: Element) -> str:
    """Return the sign of a sum or product over one plain subscript, or nothing."""
    if tag(element) not in ("msub", "munder") or not is_sign(element[0], _SUMS):
        return ""
    return (element[0].text or "") if tag(element[1]) == "mi" else ""


def _scope(rest: Sequence[Element]) -> Sequence[Element]:
    """Return what a sum applies to: up to the end of the row, a sign, or its parenthesis."""
    depth = 0
    for k, child in enumerate(rest):
        last = child[0] if len(child) else child  # of a power of a parenthesis, the parenthesis
        depth -= is_sign(last, ")]")
        if depth < 0 or (depth == 0 and is_sign(child, _SIGNS)) or (k and _sum(child)):
            return rest[:k]
        depth += is_sign(child, "([")
    return rest


def _ends_operand(element: Element) -> bool:
    return tag(element) not in ("mi", "mo") or is_sign(element, ")]")


def _starts_operand(element: Element) -> bool:
    return tag(element) != "mo" or is_sign(element, "([")


# -- elements of MathML ----------------------------------------------------------------------


def math(children: Iterable[Element]) -> str:
    """Write a formula."""
    root = wrapped("math", [wrapped("mrow", children)])
    root.set("xmlns", "http://www.w3.org/1998/Math/MathML")
    return tostring(root, encoding="unicode")


def wrapped(kind: str, children: Iterable[Element]) -> Element:
    """Return an element with children."""
    element = Element(kind)
    element.extend(children)
    return element


def leaf(kind: str, text: str) -> Element:
    """Return an element with text: "mi", "mn" or "mo"."""
    element = Element(kind)
    element.text = text
    return element


def sign(text: str) -> Element:
    """Return an operator or a parenthesis."""
    return leaf("mo", text)


def name(text: str, place: tuple[int, ...] = ()) -> Element:
    """Return a tensor's name, with the position of an entry as its subscript."""
    word = leaf("mi", text)
    word.set("class", "name")
    return wrapped("msub", [word, leaf("mn", ",".join(map(str, place)))]) if place else word


def numeral(x: Any, *, first: bool) -> list[Element]:
    """Write a number; a negative one in parentheses, except where a row begins."""
    text = number(x)
    mantissa, e, exponent = text.lstrip("-").partition("e")
    digits = [leaf("mn", mantissa)]
    if e:  # 1.2e-05 is for machines
        power = exponent.lstrip("+-0") or "0"
        ten = [leaf("mn", "10"), leaf("mn", "−" * (exponent[0] == "-") + power)]
        digits += [sign("⋅"), wrapped("msup", ten)]
    if not text.startswith("-"):
        return digits if first or not e else [wrapped("mrow", [sign("("), *digits, sign(")")])]
    minus = sign("−")
    minus.set("form", "prefix")  # a sign, not a difference
    if first:
        return [minus, *digits]
    return [wrapped("mrow", [sign("("), minus, *digits, sign(")")])]


def copied(element: Element) -> Element:
    """Copy an element that has no children."""
    copy = Element(tag(element), dict(element.attrib))
    copy.text = element.text
    return copy


def tag(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def is_sign(element: Element, texts: Iterable[str]) -> bool:
    """Whether an element is one of these operators or parentheses."""
    return tag(element) == "mo" and bool(element.text) and str(element.text) in texts


def same(a: Sequence[Element], b: Sequence[Element]) -> bool:
    """Whether two rows read the same."""
    first, second = ([(e.tag, e.text) for x in row for e in x.iter()] for row in (a, b))
    return first == second
