"""A few random directions instead of every entry: for inputs that are too large for more."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import fitted
from tinygrad_xent.checking.rows import Rows
from tinygrad_xent.checking.slopes import Probe, sizes
from tinygrad_xent.checking.subjects import Subject, is_real, precise
from tinygrad_xent.checking.through_graph import quick_function_of
from tinygrad_xent.numbers import number

_DIRECTIONS = 2
_TINY = 1e-20
_AGREE = 1e-10  # two so different ways that agree so closely do not err together
_ROUNDINGS = 1000.0


@dataclass(frozen=True)
class Along:
    """What was found along random directions of one input.

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

    @property
    def can_miss(self) -> str:
        """What this check cannot see, in words."""
        return (
            f"an error in a single entry smaller than about {number(self.smallest)}, and errors "
            "that cancel along the directions taken"
        )


def along_directions(subject: Subject, rng: np.random.Generator) -> list[Along] | None:
    """Compare slopes along random directions; None if the gradients have no shape to compare."""
    out = subject.value(subject.inputs)
    upstream = np.asarray(rng.normal(size=out.shape), out.dtype)
    raw = subject.pull(upstream, out, subject.inputs)
    found = []
    for i, x in enumerate(subject.inputs):
        if is_real(x):
            grad = fitted(raw[i], x.shape) if i < len(raw) else None
            if grad is None or not np.isfinite(grad).all():
                return None
            found.append(_compare(subject, i, grad, upstream, out, rng))
    return found


def _compare(
    subject: Subject, i: int, grad: Any, upstream: Any, out: Any, rng: np.random.Generator
) -> Along:
    f, x, weights = quick_function_of(subject, i), precise(subject.inputs[i]), precise(upstream)
    size = sizes(x)
    length = float(np.sqrt(np.sum((grad * size) ** 2))) or 1.0
    epsilon = max(float(np.finfo(a.dtype).eps) for a in (*subject.inputs, out) if is_real(a))
    worst = allowed = 0.0
    for _ in range(_DIRECTIONS):
        direction = rng.normal(size=x.shape) * size
        mine = float(np.sum(grad * direction))
        slope, error = _complex(f, x, weights, direction), 0.0
        if slope is None or not abs(slope - mine) <= _AGREE * length:
            probe = Probe(f, x, np.asarray(f(x)), weights[None], Rows(1, True, x.shape))
            value, errors, _ = probe.along([direction.reshape(1, -1)])
            slope, error = float(value[0, 0, 0]), float(errors[0, 0, 0])
        bound = 2 * error + _AGREE * length + _ROUNDINGS * epsilon * length
        off = abs(slope - mine)
        allowed = max(allowed, bound)
        worst = max(worst, off / bound if np.isfinite(bound) else np.inf)
    typical = float(size.mean()) if size.size else 1.0
    return Along(i, worst <= 1, worst * allowed / length, allowed / (typical or 1.0))


def _complex(f: Any, x: Any, weights: Any, direction: Any) -> float | None:
    """Differentiate by the complex step; None where the function does not let it through."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            y = np.asarray(f(x + 1j * _TINY * direction))
    except Exception:  # noqa: BLE001 - whatever it does to complex numbers, real ones remain
        return None
    return float(np.sum(weights * y.imag)) / _TINY if np.iscomplexobj(y) else None
