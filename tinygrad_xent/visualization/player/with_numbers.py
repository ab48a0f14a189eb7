"""A formula with the numbers of one entry put into it, as MathML.

"∂x = y (∂y − Σ ∂y y)" becomes "∂z₀ = 0.659 ⋅ (−1.52 − (−1.52 ⋅ 0.659 + 0 ⋅ 0.242)) = −0.341".
What is not understood is left out: a formula without numbers is not a mistake, a wrong one is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import numpy as np

from tinygrad_xent import domains
from tinygrad_xent.graph import Node
from tinygrad_xent.op import Op
from tinygrad_xent.ops import softmax
from tinygrad_xent.visualization.formulas import letters_of, mathml
from tinygrad_xent.visualization.player.filling import (
    FIRST_TERMS,
    MOST_TERMS,
    Entry,
    NotUnderstoodError,
    filled,
    is_sign,
    math,
    name,
    numeral,
    same,
    sign,
    tag,
    wrapped,
)

_LARGEST_MATRIX = 9
_SOFTMAX = re.compile(r"\\operatorname\{softmax\}\((\w)\)")  # what rules also call p
_RESULT = "result"
Arrays = Mapping[tuple[str, bool], Any]  # by letter, and whether it has an overline


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
    try:
        if op.name == "matmul":
            return _product(latex, arrays, result, called)
        if unsummed is None:
            entry = _entry(op, node, arrays, result, place)
            right = filled(_right_side(latex), entry, entry.index)
        else:
            right = _summed(latex, op, node, arrays, unsummed, _sources(unsummed, result, place))
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


def _summed(
    latex: str, op: Op, node: Node, arrays: Arrays, unsummed: Any, sources: list[tuple[int, ...]]
) -> list[Element]:
    """Write a sum over places, each term by the formula; of many the first ones and the last."""
    shown: list[tuple[int, ...] | None] = [*sources]
    if len(sources) > MOST_TERMS:
        shown[FIRST_TERMS:-1] = [None]
    row: list[Element] = []
    for place in shown:
        plus = [sign("+")] if row else []
        if place is None:
            row += [*plus, sign("⋯")]
            continue
        entry = _entry(op, node, arrays, unsummed, place)
        term = filled(_right_side(latex), entry, entry.index, begins=not row)
        row += [*plus, *term]
    return row


def _right_side(latex: str) -> list[Element]:
    """Return what follows the first equals sign."""
    row = list(fromstring(mathml(latex)))  # noqa: S314 - written by `mathml`
    children = list(row[0]) if len(row) == 1 and tag(row[0]) == "mrow" else row
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
        if tag(child) == "mspace":
            continue
        base = child[0] if tag(child) == "msup" else child
        bar = tag(base) == "mover"
        matrix = _matrix(arrays.get(((base[0] if bar else base).text or "", bar)))
        parts.append(matrix if base is child else wrapped("msup", [matrix, child[1]]))
    return math([name(called), sign("="), *parts, sign("="), _matrix(result)])


def _matrix(data: Any) -> Element:
    if data is None or data.ndim != 2 or data.size > _LARGEST_MATRIX:
        raise NotUnderstoodError
    rows = (wrapped("mtr", (wrapped("mtd", numeral(x, first=True)) for x in row)) for row in data)
    return wrapped("mrow", [sign("("), wrapped("mtable", rows), sign(")")])
