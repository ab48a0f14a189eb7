"""What a picture shows, before anything is placed or painted: boxes and arrows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tinygrad_xent.visualization.formatting import count

Kind = Literal["leaf", "op", "fused", "constant", "aside", "folded", "forward", "backward"]
Seed = Literal["", "output", "sum"]

LOOKED_THROUGH = "looked through"
_WORDS = {"constant": "constant", "fused": "fused op", "aside": LOOKED_THROUGH}


@dataclass(frozen=True)
class Box:
    """One tensor or constant.

    Attributes
    ----------
    id : str
        n0, n1, ... in order of birth for tensors, c0, c1, ... for constants.
    title : str
        Its name, or v0, v1, ... with the number of its id.
    kind : str
        "leaf"; "op"; "fused" for an op that does the work of several; "constant" for what gets
        no gradient; "aside" for a softmax that the loss did not use, but looked through; "folded"
        for several tensors in one box, whose value is that of the last; "forward" and "backward"
        for ops of the two passes where both are drawn.
    expression : str
        How it was computed, as mathematics; empty for leaves and constants.
    op : str
        What the op is called in code.
    ports : tuple of str
        The names of the inputs that arrive by arrow, in order; empty if there is only one.
    details : tuple of str
        Inputs and parameters too small for a box of their own: "axis = -1".
    value, gradient : ndarray; gradient is None where there is none
    formula, letters : str, mapping of str to str
        The op's formula, as LaTeX, and for which tensor or number its letters stand.
    output : bool
        Whether this is what was asked to be drawn.
    rules : tuple of str
        The rules of its inputs, as text, where they are to be written into the box.
    warning : str
        What to write above it: that the first NaN was made here.
    members : int
        How many tensors and constants it stands for.
    """

    id: str
    title: str
    kind: Kind
    value: Any = field(compare=False, repr=False)
    expression: str = ""
    op: str = ""
    ports: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    gradient: Any = field(default=None, compare=False, repr=False)
    formula: str = ""
    letters: Mapping[str, str] = field(default_factory=dict)
    output: bool = False
    rules: tuple[str, ...] = ()
    warning: str = ""
    members: int = 1

    @property
    def caption(self) -> str:
        """Kind, shape and dtype in words."""
        if self.members > 1:
            return f"{count(self.members, 'tensor')} folded"
        shape = str(self.value.shape) if self.value.shape else "scalar"
        return " · ".join(filter(None, [_WORDS.get(self.kind), f"{shape} {self.value.dtype}"]))


@dataclass(frozen=True)
class Arrow:
    """A use of one box as an input of another.

    Attributes
    ----------
    source, target : int
        Positions in the model's boxes.
    port : int
        Which of the arrows into the target this is.
    label : str
        The name of the input.
    rule : str
        The rule that sends the gradient back along this arrow, as LaTeX with the letters of the
        target's formula; empty if no gradient came this way.
    sent, small : str
        What it sent, on one line, and in few words.
    """

    source: int
    target: int
    port: int
    label: str
    rule: str = ""
    sent: str = ""
    small: str = field(default="", compare=False)


@dataclass(frozen=True)
class Group:
    """A scope: what it is called, the boxes in it and the number of the group around it, or -1.

    A group stands after the one around it, whose boxes include its own.
    """

    title: str
    boxes: tuple[int, ...]
    parent: int = -1


@dataclass(frozen=True)
class Model:
    """Boxes, inputs before outputs, and arrows in order of their targets.

    `seed` says of what the gradients are: of the output, of the sum of its entries, or empty
    where there are none. `note` says what was folded, and `with_sent` whether what flowed back is
    written beside the arrows.
    """

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    seed: Seed = ""
    groups: tuple[Group, ...] = ()
    note: str = ""
    with_sent: bool = False

    @property
    def outputs(self) -> tuple[Box, ...]:
        """What was asked to be drawn."""
        return tuple(box for box in self.boxes if box.output)

    def is_dashed(self, arrow: Arrow) -> bool:
        """Whether no gradient can flow back along an arrow: to constants and past asides."""
        kinds = {self.boxes[arrow.source].kind, self.boxes[arrow.target].kind}
        return bool(kinds & {"constant", "aside"}) or self.is_aside(arrow)

    def is_aside(self, arrow: Arrow) -> bool:
        """Whether an arrow comes from a softmax that its target did not use, but looked through."""
        return arrow.label == LOOKED_THROUGH
