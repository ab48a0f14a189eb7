"""The picture as text: a tree from the outputs up to the leaves."""

from __future__ import annotations

from tinygrad_xent.visualization.drawing.lettering import shorten
from tinygrad_xent.visualization.drawing.model import Arrow, Box, Model
from tinygrad_xent.visualization.formatting import brief

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
