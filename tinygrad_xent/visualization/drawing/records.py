"""What a picture shows, before anything is placed: a record for each box and arrow, and in words.

Everything after `build` (layout, painting, DOT, text, the player) reads these records only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import Any, Literal

from tinygrad_xent.visualization.drawing import style
from tinygrad_xent.visualization.formatting import brief, count
from tinygrad_xent.visualization.formulas import formula_text

Kind = Literal["leaf", "op", "fused", "constant", "aside", "folded", "forward", "backward"]
Path = tuple[str, ...]  # scopes, from the outermost to the innermost
Seed = Literal["", "output", "sum"]
Way = Literal["", "scope", "repeat", "chain"]

FOLD_ABOVE = 60  # boxes up to which a graph is shown as it is
LOOKED_THROUGH = "looked through"
_WORDS = {"constant": "constant", "fused": "fused op", "aside": LOOKED_THROUGH}
_MOST_STEPS, _MOST_GRADIENTS = 12, 6
DEEPEST = 16  # levels of indentation in text; deeper parts become trees of their own


@dataclass(frozen=True)
class Unit:
    """What becomes one box: a constant or a tensor, or several under a title.

    Attributes
    ----------
    members : tuple of int
    way : str
        How they were folded.
    title : str
    scope : tuple of str
        What it lies in.
    path : tuple of str
        The scope that was folded.
    period : int
        How many ops repeat.
    """

    members: tuple[int, ...]
    way: Way = ""
    title: str = ""
    scope: Path = ()
    path: Path = ()
    period: int = 0


@dataclass(frozen=True)
class Box:
    """One tensor or constant, or several that were folded.

    Attributes
    ----------
    id : str
        n0, n1, ... in order of birth for tensors, c0, c1, ... for constants, f0, f1, ... for
        folded boxes.
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
    norms : tuple of float
        The norms of the gradients in a folded box, from the first op to the last: of the op that
        ends a repetition, at each of its steps.
    holds : mapping of str to str
        What the tensors that are folded are called, by the ids that they would have.
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
    norms: tuple[float, ...] = ()
    holds: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def caption(self) -> str:
        """Kind, shape and dtype in words."""
        if self.members > 1:
            return f"{count(self.members, 'tensor')} folded"
        shape = str(self.value.shape) if self.value.shape else "scalar"
        return " · ".join(filter(None, [_WORDS.get(self.kind), f"{shape} {self.value.dtype}"]))

    @property
    def lines(self) -> list[tuple[str, str]]:
        """What stands under its title, each line with its colour."""
        lines = [(f"✗ {self.warning}", style.ALARM)] if self.warning else []
        lines += [(rule, style.RULE) for rule in self.rules]
        return lines + [(line, style.GREY) for line in (self.caption, *self.details)]

    @property
    def arrays(self) -> list[tuple[str, Any]]:
        """Its value, and its gradient if it has one, each with its caption."""
        gradient = [] if self.gradient is None else [("gradient", self.gradient)]
        return [("value", self.value), *gradient]

    @property
    def tooltip(self) -> str:
        """Name, op, shape, parameters and formula in full."""
        called = f"{self.title} = {self.op}" if self.op else self.title
        formula = self.formula and formula_text(self.formula, self.letters)
        return "\n".join(filter(None, [called, self.warning, self.caption, *self.details, formula]))

    @cached_property
    def short_title(self) -> str:
        """The title as sentences have it."""
        return style.shorten(self.title, 40)

    def __str__(self) -> str:
        called = self.short_title + (f" = {self.op}" if self.op else "")
        warning = f"  ✗ {self.warning}" if self.warning else ""
        details = f" ({', '.join(self.details)})" if self.details else ""
        text = f"{called}{details}  {self.caption}  value {brief(self.value)}{warning}"
        return text if self.gradient is None else f"{text}  gradient {brief(self.gradient)}"


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
        The name of the input; `LOOKED_THROUGH` if the target used the logits of the source instead.
    rule : str
        The rule that sends the gradient back along this arrow, as LaTeX with the letters of the
        target's formula; empty if no gradient came this way.
    contribution, short_contribution : str
        What the rule sent, on one line, and in few words.
    dashed : bool
        Whether no gradient can flow back: to constants and past asides.
    """

    source: int
    target: int
    port: int
    label: str
    rule: str = ""
    contribution: str = ""
    short_contribution: str = field(default="", compare=False)
    dashed: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Group:
    """A scope: what it is called, the boxes in it and the number of the group around it, or -1.

    A group stands after the one around it, whose boxes include its own. `box` is what is shown in
    place of them once it is folded.
    """

    title: str
    boxes: tuple[int, ...]
    parent: int = -1
    box: Box | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Model:
    """Boxes, inputs before outputs, and arrows in order of their targets.

    `seed` says of what the gradients are: of the output, of the sum of its entries, or empty
    where there are none. `note` says what was folded, and `with_contributions` whether what flowed
    back is written beside the arrows. The model as a string is a tree that has each box once, below
    what it was computed for, with its value and gradient.
    """

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    seed: Seed = ""
    groups: tuple[Group, ...] = ()
    note: str = ""
    with_contributions: bool = False

    @cached_property
    def outputs(self) -> tuple[Box, ...]:
        """What was asked to be drawn."""
        return tuple([box for box in self.boxes if box.output])

    @property
    def title(self) -> str:
        """The name of the picture."""
        return "Computation graph of " + _listed([box.short_title for box in self.outputs])

    def tooltip(self, arrow: Arrow) -> str:
        """Return what goes where, what came back, and by which rule."""
        source, target = self.boxes[arrow.source], self.boxes[arrow.target]
        if arrow.label == LOOKED_THROUGH:
            first = f"{target.title} uses the logits of {source.title}, not its probabilities"
        elif target.members == 1:
            first = f"{source.title} is input {arrow.label} of {target.title}"
        else:
            first = f"{arrow.label} from {source.title} into {target.title}"
        sent = arrow.contribution and f"gradient sent back: {arrow.contribution}"
        rule = arrow.rule and formula_text(arrow.rule, target.letters)
        return "\n".join(filter(None, [first, sent, rule]))

    @cached_property
    def alt(self) -> str:
        """The picture, described to somebody who does not see it."""
        sources: dict[int, list[str]] = {}
        for arrow in self.arrows:
            if arrow.label != LOOKED_THROUGH:
                title = self.boxes[arrow.source].short_title
                sources.setdefault(arrow.target, []).append(title)
        boxes = [(box, sources.get(i, [])) for i, box in enumerate(self.boxes)]
        steps = [(box, names) for box, names in boxes if box.op]
        folded = [(box, names) for box, names in boxes if box.members > 1]
        leaves = [box for box in self.boxes if box.kind == "leaf"]
        first = f"{self.title}: {len(steps)} op{'s' * (len(steps) != 1)}"
        warned = [f"{box.warning}: {box.short_title}" for box in self.boxes if box.warning]
        sentences = [
            f"{text[0].upper()}{text[1:]}." for text in (first, self.note, *warned) if text
        ]
        if leaves:
            shapes = [" by ".join(map(str, box.value.shape)) or "scalar" for box in leaves]
            named = [f"{box.short_title} ({x})" for box, x in zip(leaves, shapes, strict=True)]
            sentences.append(f"Leaves: {_listed(named[:_MOST_STEPS], len(leaves))}.")
        made = [f"{box.short_title} is {box.op} of {_listed(names)}." for box, names in steps]
        sentences += _first(made, _MOST_STEPS, "ops follow")
        stand = []
        for box, names in folded:
            of = f", computed from {_listed(names)}" if names else ""
            stand.append(f"{box.short_title} stands for {count(box.members, 'tensor')}{of}.")
        sentences += _first(stand, _MOST_STEPS, "boxes stand for several tensors")
        sentences += [f"Result: {box.short_title} = {brief(box.value)}." for box in self.outputs]
        of = "the sum of " * (self.seed == "sum")
        reached = [
            f"Gradient of {of}{self.outputs[0].short_title} with respect to {box.short_title}: "
            f"{brief(box.gradient)}."
            for box in leaves
            if self.seed and box.gradient is not None
        ]
        return " ".join([*sentences, *_first(reached, _MOST_GRADIENTS, "leaves have gradients")])

    def __str__(self) -> str:
        above: list[list[Arrow]] = [[] for _ in self.boxes]
        for arrow in self.arrows:
            above[arrow.target].append(arrow)
        lines: list[str] = []
        written: set[int] = set()
        roots = [i for i, box in enumerate(self.boxes) if box.output][::-1]
        while roots:
            # Each entry: box, its label, what stands before its own line and before those under it.
            waiting = [(roots.pop(0), "", "", "", 0)]
            if waiting[0][0] in written:
                continue
            if lines:
                lines.append("")
            while waiting:
                i, label, first, rest, depth = waiting.pop()
                if i in written or (depth > DEEPEST and above[i]):
                    where = "above" if i in written else "below"
                    lines.append(f"{first}{label}{self.boxes[i].title} (see {where})")
                    if where == "below":
                        roots.append(i)
                    continue
                written.add(i)
                lines.append(f"{first}{label}{self.boxes[i]}")
                for k, arrow in enumerate(reversed(above[i])):
                    named = f"{arrow.label}: " if len(above[i]) > 1 and arrow.label else ""
                    branch, under = ("└─ ", "   ") if k == 0 else ("├─ ", "│  ")
                    waiting.append((arrow.source, named, rest + branch, rest + under, depth + 1))
        if self.seed:
            of = "the sum of " * (self.seed == "sum")
            lines += ["", f"gradient: of {of}{self.outputs[0].title}"]
        if self.note:
            lines += [""] * (not self.seed) + [self.note]
        return "\n".join(lines)


def _listed(words: list[str], total: int = 0) -> str:
    """Join words as a sentence does, and say how many of `total` were left out."""
    if total > len(words):
        words = [*words, f"{total - len(words)} more"]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _first(sentences: list[str], most: int, rest: str) -> list[str]:
    """Return the first sentences, and one that counts the others."""
    left = len(sentences) - most
    return [*sentences[:most], f"{left} more {rest}."] if left > 0 else sentences


def common(paths: Iterable[Path]) -> Path:
    """Return the scopes in which all of several things lie."""
    levels = takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False))
    return tuple(level[0] for level in levels)
