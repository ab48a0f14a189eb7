"""A random direction or two instead of every entry: for inputs that are too large for more."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking.slopes import Probe, sizes
from tinygrad_xent.checking.subjects import Subject, fitted, is_real, precise
from tinygrad_xent.visualization.readable import Readable

_DIRECTIONS = 2  # at most; an error of the gradient's size hides from one in ten million if the
_SURE = 1e-7  # bound is this share of the gradient's length, and then one is enough
_STEP = 1e-5  # for differences right to some 1e-9, where the function's numbers are not much larger
_AGREE = 1e-8  # two so different ways that agree so closely do not err together
_ROUNDINGS = 1000.0
_VAGUE = 0.01  # of the gradient's length: with a larger bound a direction decides nothing


@dataclass(frozen=True, repr=False)
class Along(Readable):
    """The result of a check along random directions of one input.

    Attributes
    ----------
    index : int
    ok : bool
    error : float
        The largest difference of the two slopes, relative to the length of the gradient.
    smallest : float
        The error of a single entry that would have been seen, in units of the upstream gradient.
    """

    index: int
    ok: bool
    error: float
    smallest: float


def along_directions(subject: Subject, rng: np.random.Generator) -> list[Along] | None:
    """Compare slopes along random directions; None if the gradients have no shape to compare."""
    out = subject.value(subject.inputs)
    upstream = np.asarray(rng.normal(size=out.shape), out.dtype)
    # Asked for the opposite too: this shows a rule that is random, or that keeps an array.
    raw, opposite = (subject.vjp(g, out, subject.inputs) for g in (upstream, -upstream))
    found = []
    for i, x in enumerate(subject.inputs):
        if is_real(x):
            grad = fitted(raw[i], x.shape) if i < len(raw) else None
            other = fitted(opposite[i], x.shape) if i < len(opposite) else None
            if grad is None or other is None or not np.isfinite(grad).all():
                return None
            if np.abs(grad + other).max(initial=0) > _AGREE * np.abs(grad).max(initial=0):
                return None
            found.append(_compare(subject, i, grad, upstream, out, rng))
    return found


def _compare(
    subject: Subject, i: int, grad: Any, upstream: Any, out: Any, rng: np.random.Generator
) -> Along:
    f, x, weights = subject.function_of(i), precise(subject.inputs[i]), precise(upstream)
    size = sizes(x)
    length = float(np.linalg.norm(grad * size))
    epsilon = subject.precision(out)
    worst = allowed = 0.0
    for _ in range(_DIRECTIONS):
        draw = rng.uniform(-1, 1, x.shape)
        direction = size * (draw + np.copysign(1, draw))  # no entry is small: errors in any show
        mine = float(np.vdot(grad, direction))
        rise = f(x + _STEP * direction) - f(x - _STEP * direction)
        slope, error = float(np.vdot(weights, rise)) / (2 * _STEP), _AGREE * length
        if not abs(slope - mine) <= error:  # then it matters how far differences may be off
            probe = Probe(f, x, weights[None])
            probe.good = _AGREE
            value, errors, _ = probe.along([direction.reshape(1, -1)])
            slope, error = float(value[0, 0, 0]), float(errors[0, 0, 0])
        bound = 2 * error + _ROUNDINGS * epsilon * length
        off = abs(slope - mine)
        allowed = max(allowed, bound)
        if off:
            worst = max(worst, off / bound if 0 < bound < np.inf else np.inf)
        if bound <= _SURE * length:
            break
    typical = float(size.mean()) if size.size else 1.0
    ok = worst <= 1 and allowed <= _VAGUE * length
    return Along(i, ok, worst * allowed / (length or 1.0), allowed / (typical or 1.0))
