"""LaTeX of the rules, for terminals and for pages, with the tensors' names in place of letters.

In text the gradient of the loss with respect to x, an overline in the formulas, is written ∂x:
overlines of combining characters are misplaced by many terminals, and lost when read aloud.
"""

import functools
import math
import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import numpy as np

from tinygrad_xent import domains
from tinygrad_xent.arrays import repeated_axes
from tinygrad_xent.graph import Node
from tinygrad_xent.op import Op
from tinygrad_xent.visualization.formatting import index_text

Letters = Mapping[str, str]
Shape = tuple[int, ...]
_NONE: Letters = {}

_OVERLINES = {"¯", "―", "‾"}
_SUPERSCRIPTS = str.maketrans("0123456789+−=()niTxyjk", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀˣʸʲᵏ")
_SUBSCRIPTS = str.maketrans("0123456789+−=()aeijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
_SPACED = set("=<>≤≥≠≈+−⋅·×⊙∈→←")
_LARGE = {"∑": "Σ", "∏": "Π"}  # the letters are in every font
_APPLIED = "\x00"  # stands after a function, until it is known whether a parenthesis follows
_INDEX = "\x01"  # stands before the brackets of an index, which follow a name without a space
_NAME = "name"
_ALL = "all entries"
_NUMBER = re.compile(r"-?[\d.]+(e[-+]\d+)?")


# Of an index that is known, the formulas say more than those of the ops, which hold for all.
_INDEXED = {
    "getitem": (
        r"y = x\text{[INDEX]}",
        r"\bar x\text{[INDEX]} = \bar y,\; \text{0 elsewhere}",
    ),
    "put": (r"y\text{[INDEX]} = x,\; \text{0 elsewhere}", r"\bar x = \bar y\text{[INDEX]}"),
}


# -- which formula, which letter -------------------------------------------------------------


def formula_of(node: Node) -> str:
    """Return the LaTeX of the formula that made a tensor; empty for a leaf."""
    if node.op is None:
        return ""
    if node.op.name in _INDEXED and "index" in node.params:
        return _INDEXED[node.op.name][0].replace("INDEX", index_text(node.params["index"]))
    formula: str = node.op.formula
    return formula


def rule_at(node: Node, i: int, shape: Shape | None = None) -> str:
    """Return the LaTeX of the rule that sends a gradient to a tensor's input `i`.

    Where the rule returned another `shape` than that of the input, the sum is written that undoes
    the broadcasting.
    """
    rule = _rule_at(node, i)
    if not rule or shape is None or shape == node.inputs[i].data.shape:
        return rule
    over = summed_over(shape, node.inputs[i].data.shape)
    if not over:
        return rule
    left, _, right = rule.partition("=")
    if r",\;" in right:  # several formulas in one
        return rf"{rule},\; \text{{summed over {over}}}"
    sum_over = r"\sum" if over == _ALL else rf"\sum_{{\text{{{over}}}}}"
    right = right.strip()
    return rf"{left}= {sum_over} {f'({right})' if _has_sign(right) else right}"


def summed_over(result: Shape, shape: Shape) -> str:
    """Return in words what is summed to undo broadcasting; empty where nothing is.

    Examples
    --------
    >>> summed_over((4, 5), (5,)), summed_over((4, 5), (4, 1)), summed_over((4, 5), ())
    ('rows', 'columns', 'all entries')
    >>> summed_over((2, 4, 5), (5,)), summed_over((1, 5), (5,))
    ('axes 0, 1', '')
    """
    axes = [axis for axis in repeated_axes(result, shape) if result[axis] != 1]
    if not axes:
        return ""
    if math.prod(shape) == 1:
        return _ALL
    if len(result) == 2:
        return "columns" if axes == [1] else "rows"
    return ("axis " if len(axes) == 1 else "axes ") + ", ".join(map(str, axes))


def _has_sign(latex: str) -> bool:
    """Return whether a plus or minus stands outside of all brackets."""
    depth = 0
    for c in latex:
        depth += (c in "([{") - (c in ")]}")
        if c in "+-" and not depth:
            return True
    return False


def _rule_at(node: Node, i: int) -> str:
    if node.op is None:
        return ""
    if node.op.name in _INDEXED and "index" in node.params:
        index = node.params["index"]
        rule = _INDEXED[node.op.name][1].replace("INDEX", index_text(index))
        parts = index if isinstance(index, tuple) else (index,)
        twice = any(np.ndim(part) and np.asarray(part).dtype != bool for part in parts)
        return rule.replace("elsewhere", "elsewhere, added if read twice") if twice else rule
    return rule_of(node.op, i, len(node.inputs))


def rule_of(op: Op, i: int, count: int) -> str:
    """Return the LaTeX of the rule for input `i` of `count`, or all of it if it is not divided."""
    rules = op.rule_formulas
    places = _differentiable(op, count)
    if len(rules) == len(places):
        return rules[places.index(i)] if i in places else ""
    return ",\\; ".join(rules)


def letters_of(op: Op, inputs: tuple[str, ...], output: str) -> dict[str, str]:
    """Return which tensor or number each letter of the op's formulas stands for."""
    found: dict[str, str] = {}
    if op.formula:
        found[_first_letter(op.formula)] = output
    places = _differentiable(op, len(inputs))
    if len(places) == len(op.rule_formulas):
        for i, rule in zip(places, op.rule_formulas, strict=True):
            found.setdefault(_first_letter(rule), inputs[i])
    return {letter: name for letter, name in found.items() if letter and name}


def _differentiable(op: Op, count: int) -> list[int]:
    """Return the inputs that have a formula of their own: those that can have a gradient."""
    given = op.domains * count if op.variadic else op.domains
    return [i for i in range(count) if given[i] not in domains.WITHOUT_GRADIENT]


@functools.cache
def _first_letter(latex: str) -> str:
    """Return the letter that a formula defines, or nothing where it defines several things."""
    for node in tree(latex).iter():
        if node.tag == "mo" and node.text not in _OVERLINES:
            return ""
        if node.tag == "mi":
            return node.text or ""
    return ""


# -- two ways to write it --------------------------------------------------------------------


def mathml(latex: str, letters: Letters = _NONE, *, spelled: bool = False) -> str:
    r"""Write a formula as MathML; gradients of names get a ∂, those of letters an overline.

    If `spelled`, invisible marks say what is raised, lowered or below a line: where a sanitiser
    leaves the text without its tags, x² is still x^(2).

    Examples
    --------
    >>> mathml("y", {"y": "<loss>"})
    '<math ... display="inline"><mrow><mi class="name">&lt;loss&gt;</mi></mrow></math>'
    """
    if not latex:
        return ""
    return _serialised(latex, tuple(_without_clashes(latex, letters).items()), spelled)


def formula_text(latex: str, letters: Letters = _NONE) -> str:
    r"""Write a formula on one line.

    Examples
    --------
    >>> formula_text(r"y_i = e^{x_i} \big/ \sum_j e^{x_j}")
    'yᵢ = e^(xᵢ) / Σⱼ e^(xⱼ)'
    >>> formula_text(r"\bar x = \frac{\bar y}{1 + x^2}", {"x": "width", "y": "loss"})
    '∂width = ∂loss/(1 + width²)'
    """
    return _written(latex, tuple(_without_clashes(latex, letters).items())) if latex else ""


def _without_clashes(latex: str, letters: Letters) -> Letters:
    """Drop all names if one of them could be taken for another letter of the formula."""
    present = {node.text or "" for node in tree(latex).iter() if node.tag == "mi"}
    used = {letter: name for letter, name in letters.items() if letter in present}
    return _NONE if (present - set(used)) & set(used.values()) else used


_NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'


@functools.cache
def tree(latex: str) -> Element:
    """Return a formula as MathML, without the namespace; it is shared, so do not change it."""
    from latex2mathml.converter import convert

    mathml = convert(latex).replace(_NAMESPACE, "")
    return fromstring(mathml)  # noqa: S314 - our own formula, not a stranger's file


@functools.lru_cache(1000)
def _serialised(latex: str, letters: tuple[tuple[str, str], ...], spelled: bool) -> str:
    named = _named(tree(latex), dict(letters))
    text = tostring(_spelled(named) if spelled else named, encoding="unicode")
    return text.replace("<math", f"<math{_NAMESPACE}", 1)


_MARKS = {
    "msub": ("", "_"),
    "munder": ("", "_"),
    "msup": ("", "^"),
    "msubsup": ("", "_", "^"),
    "munderover": ("", "_", "^"),
    "mfrac": (" ", "/"),
    "msqrt": ("√",),
}


def _spelled(node: Element) -> Element:
    """Copy a tree, with invisible marks before its raised and lowered parts."""
    copy = Element(node.tag, dict(node.attrib))
    copy.text, copy.tail = node.text, node.tail
    marks = _MARKS.get(node.tag, ())
    for i, child in enumerate(map(_spelled, node)):
        around = "()" if len("".join(child.itertext())) > 1 else "  "
        if i < len(marks) and marks[i]:
            row = SubElement(copy, "mrow")
            SubElement(row, "mtext", style="display:none").text = (marks[i] + around[0]).strip()
            row.append(child)
            SubElement(row, "mtext", style="display:none").text = around[1].strip()
        else:
            copy.append(child)
    return copy


def _named(node: Element, letters: Letters) -> Element:
    """Copy a tree, with names in place of letters."""
    copy = Element(node.tag, dict(node.attrib))
    copy.text, copy.tail = node.text, node.tail
    if node.tag == "mi" and (node.text or "") in letters:
        name = letters[node.text or ""]
        copy.text = f"({name})" if re.search(" [=<>]+ ", name) else name
        copy.set("class", _NAME)
    for child in node:
        named = _named(child, letters)
        if node.tag == "mrow":
            _keep_apart(copy, named)
        copy.append(named)
    if node.tag == "mover" and copy[1].text in _OVERLINES and copy[0].get("class") == _NAME:
        name = copy[0].text or ""  # lines above words are placed badly on pages too
        copy[0].text = partial_of(name)
        return copy[0]
    return copy


def partial_of(name: str) -> str:
    """Return what the gradient with respect to a tensor is called.

    Examples
    --------
    >>> partial_of("W1"), partial_of("θ₁"), partial_of("layer1.W"), partial_of("h (2)")
    ('∂W1', '∂θ₁', '∂layer1.W', '∂(h (2))')
    """
    return f"∂{name}" if re.fullmatch(r"[^\W\d][\w.]*", name) else f"∂({name})"


@functools.lru_cache(1000)
def _written(latex: str, letters: tuple[tuple[str, str], ...]) -> str:
    text = " ".join(_text(_named(tree(latex), dict(letters))).split())
    text = re.sub(f" ?{_INDEX}", "", text)
    text = re.sub(r"(^|[(\[=,] ?)− ", r"\1−", text)  # a sign, not a difference
    text = re.sub(r"(?<=[(\[]) | (?=[)\],])", "", text)
    text = re.sub(r"\| ?([^|]*?) ?\|", r"|\1|", text)
    return text.replace(f"{_APPLIED} (", "(").replace(_APPLIED, "")  # max(x), but y (1 − y)


def _text(node: Element) -> str:
    parts = list(map(_text, node))
    match node.tag, parts:
        case "mover", [base, over] if over.strip() in _OVERLINES:
            return f" ∂{base.strip()} "
        case (("msub" | "munder"), [base, sub]):
            return base.rstrip() + _script(sub, "_", _SUBSCRIPTS) + _gap(base)
        case (("msup" | "mover"), [base, sup]):
            return base.rstrip() + _script(sup, "^", _SUPERSCRIPTS) + _gap(base)
        case (("msubsup" | "munderover"), [base, sub, sup]):
            scripts = _script(sub, "_", _SUBSCRIPTS) + _script(sup, "^", _SUPERSCRIPTS)
            return base.rstrip() + scripts + _gap(base)
        case "mfrac", [above, below]:
            return f"{_group(above)}/{_group(below)} "
        case "msqrt", [inside]:
            return f"√{_group(inside)}"
        case "mspace", _:
            return " "
        case "mtext", [] if (node.text or "").startswith("["):
            return f"{_INDEX}{node.text}"
        case "mo", [] if node.text == ",":
            return ", "
        case "mo", [] if node.text in _SPACED or node.text == "/":
            return f" {node.text} "
        case "mo", [] if node.text in _LARGE:
            return f" {_LARGE[node.text]} "
        case "mi", [] if node.get("class") == _NAME:
            return f" {node.text} "
        case (("mi" | "mo"), []) if len(node.text or "") > 1:
            return f" {node.text}{_APPLIED} "
        case _, []:
            return node.text or ""
    return "".join(parts)


def _gap(base: str) -> str:
    return " " if base.endswith(" ") else ""


def _script(text: str, mark: str, table: dict[int, int]) -> str:
    if re.search("[a-z]{4}", text):  # words
        return mark + _group(text)
    has_name = re.search(r"\s[^\W\d]\w+\s", text)
    text = text.strip().replace(" ", "")
    if not has_name and all(ord(letter) in table for letter in text):
        return text.translate(table)
    return mark + _group(text)


def _group(text: str) -> str:
    text = text.strip()
    return text if re.fullmatch(r"∂?[A-Za-z0-9_]+|.", text) else f"({text})"


def _keep_apart(row: Element, node: Element) -> None:
    """Set a space between two factors, or a sign where one is a number that stands for a name."""
    before = len(row) - 1
    while before >= 0 and row[before].tag == "mspace":
        before -= 1
    if before < 0:
        return
    pair = row[before], node
    if {pair[0].tag, node.tag}.isdisjoint({"mo", "mspace"}) and any(map(_is_number, pair)):
        if row[-1] is not pair[0]:
            row.remove(row[-1])
        SubElement(row, "mo").text = "⋅"
    elif _is_factor(row[-1], node):
        SubElement(row, "mspace", width="0.25em")


def _is_number(node: Element) -> bool:
    return node.get("class") == _NAME and bool(_NUMBER.fullmatch(node.text or ""))


def _is_factor(before: Element, node: Element) -> bool:
    """Whether a name follows something that it is multiplied with: the two must stay apart."""
    while len(node):
        node = node[0]
    return node.get("class") == _NAME and before.tag not in ("mo", "mspace")
