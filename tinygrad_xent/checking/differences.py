"""Derivatives from differences, each with an honest estimate of its error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_EPSILON = float(np.finfo(np.float64).eps)
_STEP = _EPSILON**0.2  # balances rounding against the error of order h^4
_FINER = 0.1
_MOST_TRIES = 7
_JITTERS = 6
_GOOD = 1e-6  # an error of this share of the largest derivative needs no other step


@dataclass(frozen=True)
class Differences:
    """What differences say about the derivatives of a function.

    Attributes
    ----------
    derivative : ndarray
        For each entry asked for.
    error : ndarray
        How far it may be off: what the last refinement changed, and the rounding noise of the
        function. At a kink, the jump of the derivative. Infinite where the function is not finite.
    kink : ndarray of bool
        Where the derivatives from the left and from the right differ, however small the step.
    """

    derivative: Any
    error: Any
    kink: Any


def differences(f: Callable[[Any], Any], x: Any, entries: Any = None) -> Differences:
    """Estimate derivatives of a function by central differences with Richardson extrapolation.

    The step follows from the size of the values. Where the estimated error is large (the step is
    too long for the function's curvature, or reaches over a kink) shorter steps are tried.

    Parameters
    ----------
    f : callable
        From an array of the shape of `x` to a number. It must not keep the array.
    x : array_like
        Where to differentiate.
    entries : array_like of int, optional
        Which entries of `x`, counted in row-major order; all by default.

    Returns
    -------
    Differences

    Examples
    --------
    >>> found = differences(lambda x: np.sum(x**3), [1.0, 2.0])
    >>> found.derivative.round(6)
    array([ 3., 12.])
    >>> differences(lambda x: np.sum(np.abs(x)), [0.0, 2.0]).kink
    array([ True, False])
    """
    x = np.array(x, dtype=np.float64, order="C")  # so that its flat form is a view
    wanted = np.arange(x.size) if entries is None else np.asarray(entries)
    with np.errstate(all="ignore"):
        return _Probe(f, x).differences(wanted)


class _Probe:
    """A function around one point."""

    def __init__(self, f: Callable[[Any], Any], x: Any) -> None:
        self.f = f
        self.x = x
        self.flat = x.reshape(-1)
        self.f0 = float(f(x))
        typical = float(np.sqrt(np.mean(x * x))) if x.size else 0.0
        self.scale = np.maximum(np.abs(self.flat), typical if 0 < typical < np.inf else 1.0)
        self.noise = self._noise()

    def _noise(self) -> float:
        """How far rounding may move the function: more than the last digits of its input do."""
        rng = np.random.default_rng(0)
        worst = _EPSILON * abs(self.f0)
        for _ in range(_JITTERS):
            digits = 8 * _EPSILON * rng.normal(size=self.x.shape)
            worst = max(worst, abs(float(self.f(self.x * (1 + digits))) - self.f0))
        return worst

    def differences(self, wanted: Any) -> Differences:
        derivative, error, kink = self._estimate(wanted, _STEP)
        for tries in range(1, _MOST_TRIES):
            largest = np.max(np.abs(derivative[np.isfinite(error)]), initial=0.0)
            poor = np.flatnonzero(~(error <= _GOOD * largest) & ~(error == 0))
            if not poor.size:
                break
            again = self._estimate(wanted[poor], _STEP * _FINER**tries)
            better = again[1] < error[poor]
            for old, new in zip((derivative, error, kink), again, strict=True):
                old[poor[better]] = new[better]
        return Differences(derivative, error, kink)

    def _estimate(self, wanted: Any, step: float) -> tuple[Any, Any, Any]:
        h = step * self.scale[wanted]
        far, wide = self._around(wanted, h)
        near, narrow = self._around(wanted, h / 2)
        coarse, fine = (far[1] - far[0]) / wide, (near[1] - near[0]) / narrow
        derivative = (4 * fine - coarse) / 3
        noise = 3 * self.noise / h
        error = np.abs(derivative - fine) + noise
        # The two one-sided differences: their gap halves with the step, unless there is a kink.
        gap = (far[1] - 2 * self.f0 + far[0]) / h
        half_gap = (near[1] - 2 * self.f0 + near[0]) / (h / 2)
        kink = (np.abs(half_gap) > 0.75 * np.abs(gap)) & (np.abs(half_gap) > 3 * noise)
        error = np.where(kink, np.abs(half_gap) + noise, error)
        lost = ~np.isfinite(derivative) | ~np.isfinite(error)
        return np.where(lost, np.nan, derivative), np.where(lost, np.inf, error), kink & ~lost

    def _around(self, wanted: Any, h: Any) -> tuple[Any, Any]:
        """Give f at x - h and at x + h for each entry, and how far apart the two really are."""
        values, apart = np.empty((2, len(wanted))), np.empty(len(wanted))
        for k, (i, step) in enumerate(zip(wanted, h, strict=True)):
            old = self.flat[i]
            low, high = old - step, old + step
            self.flat[i] = low
            values[0, k] = self.f(self.x)
            self.flat[i] = high
            values[1, k] = self.f(self.x)
            self.flat[i] = old
            apart[k] = high - low
        return values, apart
