"""Refined slopes where a gradient seems wrong, by steps of every length.

A derivative is the limit of short steps. Long ones can agree with each other and still be wrong:
beside a steep place, as with the tanh of a large number, both ends lie where the function is flat.
Short ones drown in rounding. A gradient is therefore wrong only if it is refuted by the shortest
steps that tell more than rounding does; where a shorter step supports it, that step is believed;
where none of them tells, nothing is known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_xent.checking.rows import Rows
from tinygrad_xent.checking.slopes import EPSILON, Function, Probe, Slopes, slopes

# None of these is a fine line: the tests of steep places and of whole graphs also pass with each of
# the shares and of the factors changed three to a hundred times, except for _CONCLUSIVE.
_OTHER_STEPS = (0.31, 1.7)  # shorter and longer; powers of 2 would meet the same grid points again
_JITTERS = 3  # moves of the last digits; the tests pass with 1 as well
_CAUTION = 10.0  # a few jitters find part of the spread only: the error is this many times larger
_SHORTEST = 1e-13  # of an entry: some hundred roundings, below which x + h hardly differs from x
_CONCLUSIVE = 0.1  # a step decides if its rounding is this share of the difference; not with 0.5
_SETTLED = 0.3  # of a slope: with a larger error it still changes with the step
_GROSS = 1e-3  # of the slope: a complex step subtracts nothing, so it never loses as much
_FINEST = 1e-8  # of the largest slope: about the root of float64's epsilon, where differences end
_NEAR = (
    0.02  # of an entry: a function may change its slope within the entry's size, not within this
)
_FIRST_MOVES = 4  # tried first; if these confirm that the gradient is wrong, the rest is left out


def refine(
    f: Function,
    x: Any,
    weights: Any,
    got: Any,
    found: Slopes,
    wrong: Any,
    *,
    rows: Rows | None = None,
    out_epsilon: float = EPSILON,
) -> Slopes:
    """Measure again where a gradient differs from the slopes, or where these have a kink.

    Parameters
    ----------
    f, x, weights, rows, out_epsilon
        As for `slopes`.
    got : ndarray
        (weights, *x): the gradient.
    found : Slopes
        What speaks against it.
    wrong : ndarray of bool
        Where; of the shape of `got`.

    Returns
    -------
    Slopes
        With an infinite error where the slope cannot be known.
    """
    with np.errstate(all="ignore"):
        rows = rows or Rows(1, True, np.shape(x))
        if found.method != "complex step" or not (wrong & _gross(got, found.value)).any():
            found = _with_error(f, x, weights, found, rows, out_epsilon)
        if found.method != "complex step":
            largest = np.max(np.abs(found.value), initial=0.0, where=np.isfinite(found.value))
            found = replace(found, error=np.fmax(found.error, _FINEST * largest))
        probe = Probe(f, x, np.asarray(f(x)), weights, rows, out_epsilon)
        value, error, g = (rows.several(a) for a in (found.value, found.error, got))
        kink = np.repeat(rows.of(found.kink)[:, None], len(got), axis=1)
        suspect = rows.several(wrong) | kink
        moves = np.flatnonzero(suspect.any(axis=(0, 1)))
        size = _FIRST_MOVES
        while len(moves):
            now, moves, size = moves[:size], moves[size:], 4 * size
            old = tuple(a[..., now] for a in (value, error, kink))
            ladder = _Ladder(probe, now.tolist(), g[..., now], old, found.method)
            new = ladder.best(suspect[..., now])
            same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(old, new, strict=True))
            for array, part in zip((value, error, kink), new, strict=True):
                array[..., now] = part
            if same:
                break
        stacked = rows.stacked_x
        kinks = stacked(kink.any(axis=1, keepdims=True))[0]
        return replace(found, value=stacked(value), error=stacked(error), kink=kinks)


def _gross(got: Any, expected: Any) -> Any:
    """Where a difference is larger than what a complex step loses to rounding."""
    return ~(np.abs(got - expected) <= _GROSS * np.fmax(np.abs(got), np.abs(expected)))


def _with_error(
    f: Function, x: Any, weights: Any, found: Slopes, rows: Rows, out_epsilon: float
) -> Slopes:
    """Add to the error how far the slopes move with other steps, or with the last digits of x."""
    error = found.error
    if found.method == "complex step":
        rng = np.random.default_rng(0)
        for _ in range(_JITTERS):
            stirred = x * (1 + EPSILON * rng.choice([-1, 1], x.shape))
            other = slopes(f, stirred, weights, rows=rows)
            if other.method == found.method:
                error = np.fmax(error, _CAUTION * np.abs(other.value - found.value))
        return replace(found, error=error)
    for factor in _OTHER_STEPS:
        other = slopes(f, x, weights, rows=rows, out_epsilon=out_epsilon, again=factor)
        moved = np.abs(other.value - found.value)
        error = np.fmax(error, np.where(other.error <= 10 * found.error + moved, moved, 0))
    return replace(found, error=error)


class _Ladder:
    """Slopes along some moves, by steps from long to short; arrays (steps, rows, number, moves)."""

    def __init__(self, probe: Probe, moves: list[int], got: Any, old: Any, method: str) -> None:
        self.got, self.old, self.complex = got, old, method == "complex step"
        x, mixed = np.abs(probe.x[:, moves]), probe.scale[:, moves]
        size = np.where(x > 0, x, mixed)
        reach = float(np.max(mixed / size, initial=1.0)) * probe.step / _SHORTEST
        lengths = probe.step * 0.1 ** np.arange(min(40, 1 + np.ceil(np.log10(reach))))
        measured = [probe._measure(moves, float(step)) for step in lengths]
        self.value, self.error, self.kink = (np.stack(a) for a in zip(*measured, strict=True))
        h = lengths[:, None, None] * mixed
        self.rounding = 3 * probe.noise[None] / h[:, :, None]
        self.near = (h <= _NEAR * size)[:, :, None]

    def best(self, suspect: Any) -> tuple[Any, Any, Any]:
        """Return value, error and kink for each suspect, unchanged where nothing is better."""
        value, error, kink = (a.copy() for a in self.old)
        against = np.abs(self.got - value)
        against = np.where(np.isfinite(against), against, np.inf)
        off = np.abs(self.got - self.value)
        known = np.isfinite(self.error)
        # A kink of the old slopes that a shorter step does not see lies beside this place.
        bar = np.where(kink, error, against)
        supports = known & ~self.kink & (off <= 2 * self.error) & (self.error <= _CONCLUSIVE * bar)
        tells = known & (self.rounding <= _CONCLUSIVE * against)
        last = len(tells) - 1 - np.argmax(tells[::-1], axis=0)  # the shortest step that tells

        def at(a: Any) -> Any:
            return np.take_along_axis(np.broadcast_to(a, tells.shape), last[None], axis=0)[0]

        finest = _FINEST * np.max(np.abs(value), initial=0.0, where=np.isfinite(value))
        if self.complex:
            finest = 0.0
        settled = self.error <= np.maximum(_SETTLED * np.abs(self.value), 3 * self.rounding)
        refuted = (
            at(settled)
            & tells.any(axis=0)
            & ~(at(off) <= 3 * at(self.error) + finest)
            & at(self.near)
        )
        if self.complex:
            refuted |= ~_gross(self.got, value)
        supported = suspect & supports.any(axis=0)
        k = np.argmin(np.where(supports, self.error, np.inf), axis=0)[None]
        for old, new in ((value, self.value), (error, self.error), (kink, self.kink)):
            old[supported] = np.take_along_axis(new, k, axis=0)[0][supported]
        error[suspect & ~kink & ~supported & ~refuted] = np.inf
        return value, error, kink
