"""All rules of the museum, in the order of the ops."""

from __future__ import annotations

from tinygrad_xent.op import Op
from tinygrad_xent.ops import OPS
from tinygrad_xent.teaching.museum import (
    arithmetic,
    cross_entropy,
    kinks,
    layers,
    reductions,
    right,
    shapes,
    softmax,
)
from tinygrad_xent.teaching.museum.rules import Rule, WrongRule, found_in

WRONG_RULES: tuple[WrongRule, ...] = found_in(
    *map(vars, (arithmetic, reductions, shapes, softmax, cross_entropy))
)

_LAYERS = [value for value in vars(layers).values() if isinstance(value, Op)]
_OWN = tuple(
    Rule(op.rule.__name__, op, op.rule, "The rule of the package.")
    for op in [*OPS.values(), *(op for op in _LAYERS if op.name not in OPS)]
    if op.rule
)

RIGHT_RULES: tuple[Rule, ...] = (*_OWN, *found_in(vars(right), vars(kinks)))
