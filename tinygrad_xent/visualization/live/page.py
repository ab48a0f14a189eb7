"""What a page knows beside the program: which array is where, and what made each tensor."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_xent import domains
from tinygrad_xent.errors import GraphTooLargeError, StaleGraphError
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.ops import softmax
from tinygrad_xent.visualization.drawing.records import Box
from tinygrad_xent.visualization.formulas import formula_of, letters_of, mathml, rule_at
from tinygrad_xent.visualization.live.program import Program, program_of
from tinygrad_xent.visualization.tracing import Trace

MOST_TENSORS = 400  # up to which the page of a picture computes


class LivePage:
    """A program, and all that a page says about its tensors.

    Attributes
    ----------
    program : Program
    softmaxes : dict of Tensor to int
        The entries of the softmaxes that the formulas of losses mention.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        mentioned = [x for x in program.tensors if SOFTMAX in letters_in(x).values()]
        self.softmaxes = {x: self._softmax_of(x) for x in mentioned}

    def _softmax_of(self, x: Node) -> int:
        """Add the softmax of a loss's logits to the program, and return its entry."""
        last = len(x.inputs) - 1
        entries, of = self.program.entries, self.input(x, last)
        dtype = x.inputs[last].dtype.name
        params = {key: axis for key, axis in x.params.items() if key == "axis" and axis is not None}
        entries.append({"op": "softmax", "in": [of], "with": params, "dtype": dtype})
        return len(entries) - 1

    def input(self, x: Node, i: int) -> int | None:
        """Return the entry of an input; None of one that was left out."""
        source = x.inputs[i]
        if isinstance(source, Node):
            return self.program.tensors[source]
        return self.program.constants.get((x, i))

    def to_dict(self, boxes: Sequence[Box]) -> dict[str, Any]:
        """Return the program as plain data, and where its entries are in the picture.

        ``boxes`` has the entries of each box: value and gradient. ``lines`` has the constants that
        are no boxes but lines in one, such as "labels = 1": the entry, the id of the box, and the
        word. Other numbers stand in expressions and formulas, and cannot be changed. ``made`` has
        for each tensor what made it, and ``formulas`` the MathML that it refers to.
        """
        tensors, gradients = self.program.tensors, self.program.gradients
        ids = {x: f"n{i}" for i, x in enumerate(tensors)}
        entries = {ids[x]: [number, gradients.get(x)] for x, number in tensors.items()}
        leaves = {leaf.name: [leaf.number, None] for leaf in self.program.leaves}
        pairs = {box.id: entries.get(box.id) or leaves.get(box.title) for box in boxes}
        found = {box: pair for box, pair in pairs.items() if pair}
        written = {box.id: [text for text, _ in box.lines] for box in boxes}
        lines = []
        for (x, i), number in self.program.constants.items():
            word = x.op.names_of(len(x.inputs))[i]
            if any(text.startswith(f"{word} = ") for text in written.get(ids[x], ())):
                lines.append([number, ids[x], word])
        shown = {number for pair in found.values() for number in pair}
        shown |= {number for number, _, _ in lines}
        program = self.program.to_dict()
        program["leaves"] = [leaf for leaf in program["leaves"] if leaf["number"] in shown]
        latex: dict[str, int] = {}
        return {
            "program": program,
            "boxes": found,
            "lines": lines,
            "made": [self._made(x, latex) for x in tensors],
            "formulas": [mathml(text) for text in latex],
            "output": [*tensors.values()][-1],
        }

    def _made(self, x: Node, latex: dict[str, int]) -> dict[str, Any] | None:
        """Return what made a tensor: its op, inputs, formula, rules and letters; None of a leaf."""
        op = x.op
        if op is None:
            return None
        count = range(len(x.inputs))

        def place(text: str) -> int | None:
            return latex.setdefault(with_softmax(text), len(latex)) if text else None

        changed = [
            key
            for key, value in x.params.items()
            if key not in ("axis", "keepdims", *op.required) and value is not op.defaults.get(key)
        ]
        return {
            "op": op.name,
            "inputs": [self.input(x, i) for i in count],
            "formula": place(formula_of(x)),
            "rules": [place(rule_at(x, i)) for i in count],
            "letters": letters_in(x),
            "softmax": self.softmaxes.get(x),
            # The formulas are about the usual parameters; along which axis, if along one.
            "shapes": None if changed else op.shapes.replace("m,n", "n"),
            "axis": _axis(x),
        }


def _axis(x: Node) -> int | str | None:
    axis = x.params.get("axis", -1)
    return axis if axis is None or isinstance(axis, int) else "several"


def live_data(
    output: Node, names: Mapping[str, Any], boxes: Sequence[Box]
) -> dict[str, Any] | None:
    """Return what the page of a picture needs to compute its numbers anew, if it can.

    None if the graph is too large for that, or its numbers are no longer those of the boxes.
    """
    shown = {box.id: box.value for box in boxes}
    try:
        nodes = ancestors(output)
        if len(nodes) > MOST_TENSORS:
            return None
        with np.errstate(all="ignore"):  # the picture marks what is not finite
            program = program_of(output, np.ones_like(output.data), names)
    except (GraphTooLargeError, StaleGraphError):
        return None
    pairs = [(x.data, shown.get(f"n{i}", x.data)) for i, x in enumerate(nodes)]
    same = all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)
    return LivePage(program).to_dict(boxes) if same and program.leaves else None


def entries_of(program: Program, trace: Trace, wrong: Any = None) -> dict[Any, int]:
    """Return which entry of a program each array is, by the array's id.

    The arrays are those of a trace's events, and of a `WrongOrder` that was recorded too.
    """
    found: dict[Any, int] = {id(x.data): number for x, number in program.tensors.items()}
    found |= {id(x.inputs[i]): number for (x, i), number in program.constants.items()}
    found |= {id(event.value): program.tensors[event.tensor] for event in trace.forward}
    late = wrong.events if wrong else ()
    for e, sent in zip((*late, *trace.backward), (*program.others, *program.events), strict=True):
        numbers = sent.gradient, sent.returned, sent.contribution, sent.total
        arrays = zip((e.incoming, e.unsummed, e.sent, e.total), numbers, strict=True)
        found |= {id(x): number for x, number in arrays if x is not None}
    return found


# -- which array each letter of a formula stands for ---------------------------------------------

RESULT, SOFTMAX = -1, -2
"""Beside the positions of inputs: the tensor itself, and the softmax of its last input.

The rules of losses call that softmax p.
"""

_MENTIONED = re.compile(r"\\operatorname\{softmax\}\((\w)\)")


def letters_in(node: Node) -> dict[str, int]:
    """Return for each letter the position of an input, `RESULT` or `SOFTMAX`."""
    op = node.op
    if op is None:
        return {}
    inputs = tuple(map(str, range(len(node.inputs))))
    found = {letter: int(i) for letter, i in letters_of(op, inputs, str(RESULT)).items()}
    given = op.domains * len(inputs) if op.variadic else op.domains
    for i, domain in enumerate(given):
        if domain in (domains.labels, domains.truth):
            found["t" if domain is domains.labels else "c"] = i
    mentioned = _MENTIONED.search(" ".join((op.formula, *op.rule_formulas)))
    axis = node.params.get("axis", -1)
    if mentioned and mentioned[1] in found and (axis is None or isinstance(axis, int)):
        found["p"] = SOFTMAX
    return {letter: i for letter, i in found.items() if i < 0 or node.inputs[i] is not None}


def with_softmax(latex: str) -> str:
    """Return a formula with the letter p in place of the softmax that it mentions."""
    return _MENTIONED.sub("p", latex)


def array_at(node: Node, place: int) -> Any:
    """Return the array that a number of `letters_in` stands for."""
    if place == RESULT:
        return node.data
    x = node.inputs[place if place >= 0 else -1]
    data = np.asarray(x.data if isinstance(x, Node) else x)
    return data if place >= 0 else softmax.function(data, axis=node.params.get("axis", -1))
