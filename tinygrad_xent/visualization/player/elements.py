"""Elements of MathML: names, numbers, rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree.ElementTree import Element, tostring

from tinygrad_xent.visualization.formatting import number


def math(children: Iterable[Element]) -> str:
    """Write a formula."""
    root = wrapped("math", [wrapped("mrow", children)])
    root.set("xmlns", "http://www.w3.org/1998/Math/MathML")
    return tostring(root, encoding="unicode")


def wrapped(kind: str, children: Iterable[Element]) -> Element:
    """Give an element with children."""
    element = Element(kind)
    element.extend(children)
    return element


def leaf(kind: str, text: str) -> Element:
    """Give an element with text: "mi", "mn" or "mo"."""
    element = Element(kind)
    element.text = text
    return element


def sign(text: str) -> Element:
    """Give an operator or a parenthesis."""
    return leaf("mo", text)


def name(text: str, place: tuple[int, ...] = ()) -> Element:
    """Give a tensor's name, with the position of an entry as its subscript."""
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
    """Give an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def is_sign(element: Element, texts: Iterable[str]) -> bool:
    """Whether an element is one of these operators or parentheses."""
    return tag(element) == "mo" and bool(element.text) and str(element.text) in texts


def same(a: Sequence[Element], b: Sequence[Element]) -> bool:
    """Whether two rows read the same."""
    first, second = ([(e.tag, e.text) for x in row for e in x.iter()] for row in (a, b))
    return first == second
