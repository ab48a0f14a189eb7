"""Derivatives from differences, each with an honest estimate of its error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking.rows import Rows
from tinygrad_xent.checking.slopes import Probe


@dataclass(frozen=True)
class Differences:
    """What differences say about the derivatives of a function.

    Attributes
    ----------
    derivative : ndarray
        For each entry asked for.
    error : ndarray
        How far it may be off: what the last refinement changed, and the rounding noise of the
        function. At a kink, half the jump of the derivative. Infinite where the function is not
        finite.
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
    x = np.array(x, dtype=np.float64)
    wanted = np.arange(x.size) if entries is None else np.asarray(entries)

    def scalar(x: Any) -> Any:
        return np.asarray(f(x), np.float64)

    with np.errstate(all="ignore"):
        y = scalar(x)
        probe = Probe(scalar, x, y, np.ones((1, *y.shape)), Rows(1, True, x.shape))
        return Differences(*(found[0, 0] for found in probe.along(wanted.tolist())))
