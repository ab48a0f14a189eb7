"""A formula with the numbers of one entry put into it, as MathML.

"∂x = y (∂y − Σ ∂y y)" becomes "∂z₀ = 0.659 ⋅ (−1.52 − (−1.52 ⋅ 0.659 + 0 ⋅ 0.242)) = −0.341".
What is not understood is left out: a formula without numbers is not a mistake, a wrong one is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element, tostring

import numpy as np

from tinygrad_xent import domains
from tinygrad_xent.graph import Node
from tinygrad_xent.op import Op
from tinygrad_xent.ops import softmax
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.formulas import letters_of, tree

_LARGEST_MATRIX = 9
_SOFTMAX = re.compile(r"\\operatorname\{softmax\}\((\w)\)")  # what rules also call p
_RESULT = "result"
MOST_TERMS, FIRST_TERMS = 4, 2  # a sum of more terms shows the first ones and the last
_SUMS = {"∑": "+", "∏": "⋅"}
_SIGNS = {"+", "−", "=", "/", "<", ">", "≤", "≥", "⋅", ","}
Index = Mapping[str, int]
Letter = tuple[str, bool]  # the second says whether it has an overline: whether a gradient is meant
Arrays = Mapping[Letter, Any]


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

    def number(self, letter: Letter, subs: Sequence[int] = ()) -> Any:
        """Look a letter up."""
        found = (self.vectors if subs else self.scalars).get(letter)
        if found is None or len(subs) > 1:
            raise NotUnderstoodError
        return found[subs[0]] if subs else found


def arrays_in(node: Node) -> dict[str, Any]:
    """Return the arrays that the letters in the formulas of a tensor's op stand for."""
    op = node.op
    if op is None:
        return {}
    data = {str(i): x.data if isinstance(x, Node) else x for i, x in enumerate(node.inputs)}
    places = letters_of(op, tuple(data), _RESULT)
    found = {letter: data.get(place, node.data) for letter, place in places.items()}
    given = op.domains * len(data) if op.variadic else op.domains
    for domain, x in zip(given, data.values(), strict=True):
        if domain is domains.labels:
            found["t"] = x
        elif domain is domains.truth:
            found["c"] = np.asarray(x).astype(int)  # the formulas count with it
    mentioned = _SOFTMAX.search(" ".join((op.formula, *op.rule_formulas)))
    if mentioned and mentioned[1] in found:
        found["p"] = _probabilities(np.asarray(found[mentioned[1]]), node.params.get("axis", -1))
    return {letter: np.asarray(x) for letter, x in found.items() if x is not None}


def _probabilities(x: Any, axis: Any) -> Any:
    if axis is None:
        return softmax.function(x.reshape(-1), axis=-1).reshape(x.shape)
    return softmax.function(x, axis=axis) if isinstance(axis, int | np.integer) else None


def with_numbers(
    latex: str,
    node: Node,
    grad: Any,
    result: Any,
    place: tuple[int, ...],
    called: str,
    unsummed: Any = None,
) -> str:
    """Put the numbers of one entry of a result into the formula of a tensor's op.

    Parameters
    ----------
    latex : str
        The op's formula, or its rule for one input.
    node : Tensor
    grad : ndarray or None
        The gradient that letters with an overline stand for.
    result : ndarray
        What the formula computes: the tensor's data, or what the rule sends.
    place : tuple of int
        Which entry of it.
    called : str
        What the result is called.
    unsummed : ndarray, optional
        What the formula computes instead, if the result is the sum that undoes broadcasting.

    Returns
    -------
    str
        MathML; empty if the formula does not give this entry by numbers alone.
    """
    op = node.op
    if not latex or op is None or result.size == 0:
        return ""
    latex = _SOFTMAX.sub("p", latex)
    arrays: dict[tuple[str, bool], Any] = {(y, False): x for y, x in arrays_in(node).items()}
    inputs = tuple(str(i) for i in range(len(node.inputs)))
    if grad is not None:
        letters = letters_of(op, inputs, _RESULT)
        arrays |= {(y, True): grad for y, x in letters.items() if x == _RESULT}

    def term(k: int, begins: bool) -> list[Element]:
        entry = _entry(op, node, arrays, unsummed, sources[k])
        return filled(_right_side(latex), entry, entry.index, begins=begins)

    try:
        if op.name == "matmul":
            return _product(latex, arrays, result, called)
        if unsummed is None:
            entry = _entry(op, node, arrays, result, place)
            right = filled(_right_side(latex), entry, entry.index)
        else:
            sources = _sources(unsummed, result, place)
            right = _series(len(sources), "+", term)
    except (NotUnderstoodError, IndexError):
        return ""
    answer = numeral(result[place], first=True)
    equals = [] if same(right, answer) else [sign("="), *answer]
    return math([name(called, place), sign("="), *right, *equals])


def _sources(unsummed: Any, result: Any, place: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the places of all that is summed to one entry of a result."""
    repeated = np.broadcast_to(np.arange(result.size).reshape(result.shape), unsummed.shape)
    found = np.argwhere(repeated == np.ravel_multi_index(place, result.shape))
    return [tuple(int(k) for k in source) for source in found]


def _right_side(latex: str) -> list[Element]:
    """Return what follows the first equals sign."""
    row = list(tree(latex))
    children = list(row[0]) if len(row) == 1 and row[0].tag == "mrow" else row
    for k, child in enumerate(children):
        if is_sign(child, "="):
            return children[k + 1 :]
    raise NotUnderstoodError


# -- which number a letter stands for ------------------------------------------------------------


def _entry(op: Op, node: Node, arrays: Arrays, result: Any, place: tuple[int, ...]) -> Entry:
    shapes = op.shapes.replace("m,n", "n")
    if set(shapes) <= set("(),->"):
        return _by_entry(op, node, arrays, result, place)
    if not set(shapes) <= set("(n),->"):
        raise NotUnderstoodError
    whole = [x.data for x in node.inputs if isinstance(x, Node)][-1]
    axis = node.params.get("axis", -1)
    if axis is None:
        return _along_all(arrays, whole, node, result, place)
    if not isinstance(axis, int | np.integer):
        raise NotUnderstoodError
    return _along_axis(arrays, int(axis) % whole.ndim, whole, result, place)


def _by_entry(op: Op, node: Node, arrays: Arrays, result: Any, place: tuple[int, ...]) -> Entry:
    """Return the numbers for an op that treats each entry alone."""
    shape = node.data.shape
    if result.shape != shape:  # broadcasting has been undone: a sum of several entries
        raise NotUnderstoodError
    scalars = {key: np.broadcast_to(x, shape)[place] for key, x in arrays.items()}
    if op.name in ("maximum", "minimum") and scalars["x", False] == scalars["y", False]:
        raise NotUnderstoodError  # of a tie the formulas do not speak
    return Entry(scalars, {}, {}, 0)


def _along_all(
    arrays: Arrays, whole: Any, node: Node, result: Any, place: tuple[int, ...]
) -> Entry:
    """Return the numbers for a reduction to one number."""
    if node.data.ndim:
        raise NotUnderstoodError
    at = int(np.ravel_multi_index(place, result.shape)) if place else 0
    scalars = {key: x for key, x in arrays.items() if x.ndim == 0}
    vectors = {key: x.reshape(-1) for key, x in arrays.items() if x.shape == whole.shape}
    return Entry({**scalars, ("n", False): whole.size}, vectors, {"i": at}, whole.size)


def _along_axis(
    arrays: Arrays, axis: int, whole: Any, result: Any, place: tuple[int, ...]
) -> Entry:
    """Return the numbers for an op along one axis: those of the row with the entry."""
    row, at = place, 0
    if result.shape == whole.shape:
        row, at = (*place[:axis], *place[axis + 1 :]), place[axis]
    elif result.ndim != whole.ndim - 1:
        raise NotUnderstoodError
    length = whole.shape[axis]
    rows = (*whole.shape[:axis], *whole.shape[axis + 1 :])
    vectors = {
        key: np.moveaxis(x, axis, -1)[row] for key, x in arrays.items() if x.shape == whole.shape
    }
    scalars = {key: x[row] for key, x in arrays.items() if x.shape == rows}
    return Entry({**scalars, ("n", False): length}, vectors, {"i": at}, length)


# -- matrices ------------------------------------------------------------------------------------


def _product(latex: str, arrays: Arrays, result: Any, called: str) -> str:
    """Write a product of small matrices out."""
    parts = []
    for child in _right_side(latex):
        if child.tag == "mspace":
            continue
        base = child[0] if child.tag == "msup" else child
        matrix = _matrix(arrays.get(letter_of(base)))
        parts.append(matrix if base is child else wrapped("msup", [matrix, child[1]]))
    return math([name(called), sign("="), *parts, sign("="), _matrix(result)])


def _matrix(data: Any) -> Element:
    if data is None or data.ndim != 2 or data.size > _LARGEST_MATRIX:
        raise NotUnderstoodError
    rows = (wrapped("mtr", (wrapped("mtd", numeral(x, first=True)) for x in row)) for row in data)
    return wrapped("mrow", [sign("("), wrapped("mtable", rows), sign(")")])


# -- numbers in place of letters, row by row ---------------------------------------------------


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
        if child.tag == "mspace":
            continue
        if kind := _sum(child):
            scope = _scope(children[k:])
            alone = k == 1 and len(scope) == len(children) - k
            k += len(scope)
            if not entry.length:
                raise NotUnderstoodError
            term = partial(_term, scope, entry, index, child[1].text or "")
            terms = _series(entry.length, _SUMS[kind], term)
            new = terms if alone else [sign("("), *terms, sign(")")]
        else:
            first = is_sign(result[-1], "([=,") if result else begins
            new = _replaced(child, entry, index, first=first)
        if result and new and _ends_operand(result[-1]) and _starts_operand(new[0]):
            result.append(sign("⋅"))
        result += new
    return result


def _term(
    scope: Sequence[Element], entry: Entry, index: Index, letter: str, j: int, begins: bool
) -> list[Element]:
    return filled(scope, entry, {**index, letter: j}, begins=begins)


def _series(count: int, plus: str, term: Callable[[int, bool], list[Element]]) -> list[Element]:
    """Write a sum or a product out; of many terms the first ones and the last.

    `term` is given the number of a term, and whether it begins the row.
    """
    shown: list[int | None] = [*range(count)]
    if count > MOST_TERMS:
        shown[FIRST_TERMS:-1] = [None]
    row: list[Element] = []
    for k in shown:
        written = [sign("⋯")] if k is None else term(k, not row)
        row += [sign(plus), *written] if row else written
    return row


def _replaced(child: Element, entry: Entry, index: Index, *, first: bool) -> list[Element]:
    kind, text = child.tag, child.text or ""
    if kind in ("mn", "mo"):
        return [child]
    if kind == "mi":
        if text in index:
            return numeral(index[text], first=first)
        if len(text) > 1 or text == "e":  # a function, or Euler's number
            return [child]
    if kind in ("mi", "mover"):
        return numeral(entry.number(letter_of(child)), first=first)
    if kind == "msub":
        subs = [_subscript(part, entry, index) for part in child[1].iter() if not len(part)]
        return numeral(entry.number(letter_of(child[0]), subs), first=first)
    if kind == "mrow":
        return filled(list(child), entry, index)
    if kind in ("mfrac", "msqrt", "msup"):
        parts = [filled(_row(part), entry, index) for part in child]
        if kind == "msup" and len(parts[0]) > 1:
            parts[0] = [sign("("), *parts[0], sign(")")]
        return [wrapped(kind, [wrapped("mrow", part) for part in parts])]
    raise NotUnderstoodError


def _row(element: Element) -> list[Element]:
    return list(element) if element.tag == "mrow" else [element]


def _subscript(part: Element, entry: Entry, index: Index) -> int:
    letter = part.text or ""
    return index[letter] if letter in index else int(entry.number((letter, False)))


def _sum(element: Element) -> str:
    """Return the sign of a sum or product over one plain subscript, or nothing."""
    if element.tag not in ("msub", "munder") or not is_sign(element[0], _SUMS):
        return ""
    return (element[0].text or "") if element[1].tag == "mi" else ""


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
    return element.tag not in ("mi", "mo") or is_sign(element, ")]")


def _starts_operand(element: Element) -> bool:
    return element.tag != "mo" or is_sign(element, "([")


# -- elements of MathML ----------------------------------------------------------------------


def letter_of(element: Element) -> Letter:
    """Return a letter, and whether it has an overline."""
    bar = element.tag == "mover"
    return (element[0] if bar else element).text or "", bar


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


def is_sign(element: Element, texts: Iterable[str]) -> bool:
    """Whether an element is one of these operators or parentheses."""
    return element.tag == "mo" and bool(element.text) and str(element.text) in texts


def same(a: Sequence[Element], b: Sequence[Element]) -> bool:
    """Whether two rows read the same."""
    first, second = ([(e.tag, e.text) for x in row for e in x.iter()] for row in (a, b))
    return first == second
