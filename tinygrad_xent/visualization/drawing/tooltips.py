"""What a pointer that rests on a box or an arrow is told."""

from __future__ import annotations

from tinygrad_xent.visualization.drawing.model import Arrow, Box, Model
from tinygrad_xent.visualization.formulas import formula_text


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
