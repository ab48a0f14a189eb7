"""Which array each letter in the formulas of a tensor's op stands for."""

import re
from typing import Any

import numpy as np

from tinygrad_xent import domains
from tinygrad_xent.graph import Node
from tinygrad_xent.ops import softmax
from tinygrad_xent.visualization.formulas import letters_of

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
