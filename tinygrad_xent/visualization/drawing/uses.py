"""What a tensor was computed from, as far as a picture shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.formatting import brief, telling
from tinygrad_xent.visualization.naming import printable


@dataclass(frozen=True)
class Use:
    """One of a tensor's inputs, or a parameter that is an array.

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


def uses_of(node: Node) -> list[Use]:
    """List the inputs of a tensor's op, and its parameters that are arrays."""
    names = node.op.names_of(len(node.inputs)) if node.op else ()
    arrays = [(key, x) for key, x in node.params.items() if isinstance(x, np.ndarray)]
    named = [*zip(names, node.inputs, strict=True), *arrays]
    return [Use(label, x, i) for i, (label, x) in enumerate(named)]


def details_of(node: Node, uses: Sequence[Use]) -> Iterator[str]:
    """Write what has no box: small constants, and parameters that say something.

    An axis always does, other parameters where they are not the default.
    """
    for use in uses:
        if not use.boxed and use.value is not None:
            yield printable(f"{use.label} = {short(use.value)}")
    defaults = node.op.defaults if node.op else {}
    for key, value in node.params.items():
        if value is None or isinstance(value, np.ndarray | Node):
            continue
        if key == "axis" or repr(value) != repr(defaults.get(key)):
            yield printable(f"{key} = {short(value)}")


def short(x: Any) -> str:
    """Write a small constant or a parameter as code would."""
    match x:
        case slice():
            ends = ["" if end is None else short(end) for end in (x.start, x.stop, x.step)]
            return ":".join(ends if x.step is not None else ends[:2])
        case tuple() | list():
            return "(" + ", ".join(map(short, x)) + ")"
        case type():
            return x.__name__
        case np.ndarray() | np.generic() | float():
            return telling(x) if np.size(x) == 1 else brief(x)
        case None:
            return ""
    return "..." if x is Ellipsis else str(x)
