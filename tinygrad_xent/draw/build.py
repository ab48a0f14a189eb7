"""From a graph to the model of its picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.draw.expression import expression
from tinygrad_xent.draw.flow import Flow, backward_flow
from tinygrad_xent.draw.model import LOOKED_THROUGH, Arrow, Box, Kind, Model
from tinygrad_xent.errors import NotRecordedError, PictureTooLargeError
from tinygrad_xent.formulas import letters_of, rule_of
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.numbers import brief
from tinygrad_xent.reading import looked_through, names_by_id, names_of, printable, shown

MOST_BOXES = 400
_FUSED = {"softmax_cross_entropy", "sparse_softmax_cross_entropy"}


@dataclass(frozen=True)
class _Use:
    """Something that a node was computed from: one of its inputs, or a parameter that is an array.

    `index` counts the inputs, then those parameters.
    """

    label: str
    value: Any
    index: int

    @property
    def boxed(self) -> bool:
        """Whether it has a box of its own: tensors, and constants of more than one number."""
        if isinstance(self.value, np.ndarray):
            return self.value.size != 1
        return isinstance(self.value, Node)


def build(outputs: Sequence[Any], names: Mapping[str, Any] | None, *, gradients: bool) -> Model:
    """Make boxes and arrows of everything that the outputs were computed from.

    Raises
    ------
    NotRecordedError
        If there is no output, or one that is no Tensor.
    PictureTooLargeError
        If there are more tensors than a picture can show.
    """
    outputs = _checked(outputs)
    nodes = shown(*outputs)
    if len(nodes) > MOST_BOXES:
        raise PictureTooLargeError(
            f"the graph has {len(nodes):,} tensors, and a picture shows {MOST_BOXES} at most: "
            "draw an earlier tensor of it, or a graph of fewer steps or layers"
        )
    flow = backward_flow(outputs) if gradients else Flow()
    constants = _constants(nodes, names)
    boxes = list(constants.values())
    arrows: list[Arrow] = []
    at = {key: i for i, key in enumerate(constants)}
    computed, drawn = set(ancestors(*outputs)), set(outputs)
    for i, (node, title) in enumerate(names_of(nodes, names).items()):
        uses = _uses(node)
        incoming = [
            Arrow(
                at[id(use.value)], len(boxes), port, printable(use.label), *_back(use, node, flow)
            )
            for port, use in enumerate(use for use in uses if use.boxed)
        ]
        if (probs := looked_through(node)) is not None:
            incoming.append(Arrow(at[id(probs)], len(boxes), len(incoming), LOOKED_THROUGH))
        arguments = [
            boxes[at[id(use.value)]].title if use.boxed else _short(use.value) for use in uses
        ]
        op = node.op
        box = Box(
            id=f"n{i}",
            title=title,
            kind=_kind(node) if node in computed else "aside",
            value=node.data.copy(),  # training goes on, the picture stays
            expression=expression(printable(op.symbol), arguments) if op else "",
            op=op.name if op else "",
            ports=tuple(arrow.label for arrow in incoming) if len(incoming) > 1 else (),
            details=tuple(_details(node, uses)),
            gradient=flow.grads.get(node),
            formula=op.formula if op else "",
            letters=letters_of(op, tuple(arguments[: len(node.inputs)]), title) if op else {},
            output=node in drawn,
        )
        at[id(node)] = len(boxes)
        boxes.append(box)
        arrows += incoming
    return Model(tuple(boxes), tuple(arrows), flow.seed)


def _checked(outputs: Sequence[Any]) -> tuple[Node, ...]:
    if not outputs:
        raise NotRecordedError("there is nothing to draw: pass a Tensor, as in draw(loss)")
    for output in outputs:
        if not isinstance(output, Node):
            raise NotRecordedError(
                f"draw takes Tensors, got {type(output).__name__}: nothing was recorded. Wrap the "
                "inputs whose gradients you want: Tensor(x)"
            )
    return tuple(outputs)


def _constants(nodes: Sequence[Node], names: Mapping[str, Any] | None) -> dict[int, Box]:
    """Make one box of each constant array, by its id; its first use gives the name."""
    first: dict[int, _Use] = {}
    for node in nodes:
        for use in _uses(node):
            if use.boxed and not isinstance(use.value, Node):
                first.setdefault(id(use.value), use)
    called = names_by_id(names)
    boxes = {}
    for i, (key, use) in enumerate(first.items()):
        label = use.label if len(use.label) > 1 else f"c{i}"  # x and y say nothing outside the op
        boxes[key] = Box(f"c{i}", printable(called.get(key, label)), "constant", use.value.copy())
    return boxes


def _kind(node: Node) -> Kind:
    if node.op is None:
        return "leaf"
    return "fused" if node.op.name in _FUSED else "op"


def _uses(node: Node) -> list[_Use]:
    names = node.op.names_of(len(node.inputs)) if node.op else ()
    arrays = [(key, x) for key, x in node.params.items() if isinstance(x, np.ndarray)]
    named = [*zip(names, node.inputs, strict=True), *arrays]
    return [_Use(label, x, i) for i, (label, x) in enumerate(named)]


def _back(use: _Use, node: Node, flow: Flow) -> tuple[str, str]:
    """Give the rule of an input and what it sent there, or nothing if it sent nothing."""
    sent = flow.sent.get((node, use.index), "")
    return rule_of(node.op, use.index, len(node.inputs)) if node.op and sent else "", sent


def _details(node: Node, uses: Sequence[_Use]) -> Iterator[str]:
    """Write what has no box: small constants, and parameters that say something.

    An axis always does, other parameters where they are not the default.
    """
    for use in uses:
        if not use.boxed and use.value is not None:
            yield printable(f"{use.label} = {_short(use.value)}")
    defaults = node.op.defaults if node.op else {}
    for key, value in node.params.items():
        if value is None or isinstance(value, np.ndarray | Node):
            continue
        if key == "axis" or repr(value) != repr(defaults.get(key)):
            yield printable(f"{key} = {_short(value)}")


def _short(x: Any) -> str:
    """Write a small constant or a parameter as code would."""
    match x:
        case slice():
            ends = ["" if end is None else _short(end) for end in (x.start, x.stop, x.step)]
            return ":".join(ends if x.step is not None else ends[:2])
        case tuple() | list():
            return "(" + ", ".join(map(_short, x)) + ")"
        case type():
            return x.__name__
        case np.ndarray() | np.generic() | float():
            return brief(x)
        case None:
            return ""
    return "..." if x is Ellipsis else str(x)
