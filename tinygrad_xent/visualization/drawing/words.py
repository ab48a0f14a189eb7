"""The picture in words: its title and its alternative text, written from the graph."""

from __future__ import annotations

from tinygrad_xent.visualization.drawing.lettering import shorten
from tinygrad_xent.visualization.drawing.model import Arrow, Box, Model
from tinygrad_xent.visualization.formatting import brief, count
from tinygrad_xent.visualization.formulas import formula_text

_MOST_STEPS, _MOST_GRADIENTS = 12, 6


def title(model: Model) -> str:
    """Name the picture."""
    return "Computation graph of " + _listed([_title(box) for box in model.outputs])


def alt(model: Model) -> str:
    """Describe the picture to somebody who does not see it."""
    sources: dict[int, list[str]] = {}
    for arrow in model.arrows:
        if not model.is_aside(arrow):
            sources.setdefault(arrow.target, []).append(_title(model.boxes[arrow.source]))
    leaves = [box for box in model.boxes if box.kind == "leaf"]
    steps = [(box, sources.get(i, [])) for i, box in enumerate(model.boxes) if box.op]
    sentences = [f"{title(model)}: {len(steps)} op{'s' * (len(steps) != 1)}."]
    if model.note:
        sentences.append(f"{model.note[0].upper()}{model.note[1:]}.")
    sentences += [
        f"{box.warning[0].upper()}{box.warning[1:]}: {_title(box)}."
        for box in model.boxes
        if box.warning
    ]
    if leaves:
        named = [_leaf(box) for box in leaves[:_MOST_STEPS]]
        sentences.append(f"Leaves: {_listed(named, len(leaves))}.")
    for box, names in steps[:_MOST_STEPS]:
        sentences.append(f"{_title(box)} is {box.op} of {_listed(names)}.")
    if len(steps) > _MOST_STEPS:
        sentences.append(f"{len(steps) - _MOST_STEPS} more ops follow.")
    folded = [(box, sources.get(i, [])) for i, box in enumerate(model.boxes) if box.members > 1]
    for box, names in folded[:_MOST_STEPS]:
        of = f", computed from {_listed(names)}" if names else ""
        sentences.append(f"{_title(box)} stands for {count(box.members, 'tensor')}{of}.")
    if len(folded) > _MOST_STEPS:
        sentences.append(f"{len(folded) - _MOST_STEPS} more boxes stand for several tensors.")
    sentences += [f"Result: {_title(box)} = {brief(box.value)}." for box in model.outputs]
    if model.seed:
        of = "the sum of " * (model.seed == "sum") + _title(model.outputs[0])
        reached = [box for box in leaves if box.gradient is not None]
        sentences += [
            f"Gradient of {of} with respect to {_title(box)}: {brief(box.gradient)}."
            for box in reached[:_MOST_GRADIENTS]
        ]
        if len(reached) > _MOST_GRADIENTS:
            sentences.append(f"{len(reached) - _MOST_GRADIENTS} more leaves have gradients.")
    return " ".join(sentences)


def _leaf(box: Box) -> str:
    shape = " by ".join(map(str, box.value.shape))
    return f"{_title(box)} ({shape or 'scalar'})"


def _title(box: Box) -> str:
    return shorten(box.title, 40)


def _listed(words: list[str], total: int = 0) -> str:
    """Join words as a sentence does, and say how many of `total` were left out."""
    if total > len(words):
        words = [*words, f"{total - len(words)} more"]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


# -- tooltips --------------------------------------------------------------------------------------


def box_tooltip(box: Box) -> str:
    """Name, op, shape, parameters and formula in full."""
    called = f"{box.title} = {box.op}" if box.op else box.title
    formula = box.formula and formula_text(box.formula, box.letters)
    return "\n".join(filter(None, [called, box.warning, box.caption, *box.details, formula]))


def arrow_tooltip(arrow: Arrow, model: Model) -> str:
    """What goes where, what came back, and by which rule."""
    source, target = model.boxes[arrow.source], model.boxes[arrow.target]
    if model.is_aside(arrow):
        first = f"{target.title} uses the logits of {source.title}, not its probabilities"
    else:
        first = f"{arrow.label} from {source.title} into {target.title}"
        if target.members == 1:
            first = f"{source.title} is input {arrow.label} of {target.title}"
    sent = arrow.sent and f"gradient sent back: {arrow.sent}"
    rule = arrow.rule and formula_text(arrow.rule, target.letters)
    return "\n".join(filter(None, [first, sent, rule]))


# -- as a tree of text -----------------------------------------------------------------------------


DEEPEST = 16  # levels of indentation; deeper parts become trees of their own


def tree(model: Model) -> str:
    """Write each box once, below what it was computed for, with its value and gradient."""
    above: list[list[Arrow]] = [[] for _ in model.boxes]
    for arrow in model.arrows:
        above[arrow.target].append(arrow)
    lines: list[str] = []
    written: set[int] = set()
    roots = [i for i, box in enumerate(model.boxes) if box.output][::-1]
    while roots:
        # Each entry: box, its label, what stands before its own line and before those under it.
        waiting = [(roots.pop(0), "", "", "", 0)]
        if waiting[0][0] in written:
            continue
        if lines:
            lines.append("")
        while waiting:
            i, label, first, rest, depth = waiting.pop()
            box = model.boxes[i]
            if i in written or (depth > DEEPEST and above[i]):
                where = "above" if i in written else "below"
                lines.append(f"{first}{label}{box.title} (see {where})")
                if where == "below":
                    roots.append(i)
                continue
            written.add(i)
            lines.append(first + label + _line(box))
            for k, arrow in enumerate(reversed(above[i])):
                named = f"{arrow.label}: " if len(above[i]) > 1 and arrow.label else ""
                branch, under = ("└─ ", "   ") if k == 0 else ("├─ ", "│  ")
                waiting.append((arrow.source, named, rest + branch, rest + under, depth + 1))
    if model.seed:
        name = model.outputs[0].title
        lines += ["", f"gradient: of {'the sum of ' * (model.seed == 'sum')}{name}"]
    if model.note:
        lines += [""] * (not model.seed) + [model.note]
    return "\n".join(lines)


def _line(box: Box) -> str:
    called = shorten(box.title, 40) + (f" = {box.op}" if box.op else "")
    warning = f"  ✗ {box.warning}" if box.warning else ""
    details = f" ({', '.join(box.details)})" if box.details else ""
    text = f"{called}{details}  {box.caption}  value {brief(box.value)}{warning}"
    return text if box.gradient is None else f"{text}  gradient {brief(box.gradient)}"
