"""The picture in words: its title and its alternative text, written from the graph."""

from __future__ import annotations

from tinygrad_xent.visualization.drawing.lettering import shorten
from tinygrad_xent.visualization.drawing.model import Box, Model
from tinygrad_xent.visualization.formatting import brief, count

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
