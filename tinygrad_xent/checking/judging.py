"""One gradient against what it should be: what rounding may explain, and what it may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_MARGIN = 2.0  # the estimates of the slopes' errors are cautious already
_ROUNDINGS = 100.0
_CANCELLED = 1000.0  # what sums of numbers as large as the upstream gradient may lose
_UNCLEAR = 0.01  # slopes less certain than this, relative to the largest, decide nothing


@dataclass(frozen=True, eq=False)
class Judged:
    """The entries of a gradient, judged; all arrays have the shape (upstream gradients, *input).

    Attributes
    ----------
    got, expected : ndarray
    allowed : ndarray
        By how much the two may differ.
    wrong : ndarray of bool
    doubtful : ndarray of bool
        Of the wrong ones those that rounding could still explain, if numbers of the size of the
        upstream gradient cancel in the rule.
    kink, unclear : ndarray of bool
        For each entry of the input.
    """

    got: Any
    expected: Any
    allowed: Any
    wrong: Any
    doubtful: Any
    kink: Any
    unclear: Any

    @property
    def relative(self) -> Any:
        """The differences, relative to the largest entry of the two gradients.

        A gradient of zeros has the error 1, one with the wrong sign 2. It is 0 at kinks and where
        nothing is known.
        """
        both = np.abs(np.stack([self.got, self.expected]))
        largest = np.max(both, initial=0.0, where=np.isfinite(both))
        with np.errstate(all="ignore"):
            off = np.abs(self.got - self.expected) / (largest or 1.0)
        off = np.where(np.isnan(off), np.inf, off)
        spared = (self.kink | self.unclear) & ~self.wrong.any(axis=0)
        return np.where(spared, 0, off)


def judge(got: Any, slopes: Any, upstream: Any, epsilon: float, noise: Any = 0.0) -> Judged:
    """Compare gradients for several upstream gradients with slopes.

    Parameters
    ----------
    got : ndarray
        (upstream gradients, *input).
    slopes : Slopes
    upstream : ndarray
    epsilon : float
        The precision that the rule computes in.
    noise : ndarray
        How far rounding was seen to move the rule's results.
    """
    expected = slopes.value
    with np.errstate(all="ignore"):
        off = np.abs(got - expected)
        sizes = np.where(np.isfinite(expected), np.abs(expected), 0)
        # Over all upstream gradients: one of ones may leave nothing, as that of a softmax does.
        scale = sizes.max(initial=0.0)
        allowed = _MARGIN * slopes.error + _ROUNDINGS * (epsilon * scale + noise)
        known = np.isfinite(slopes.error)
        wrong = ~(off <= allowed) & known
        floor = _CANCELLED * epsilon * np.abs(upstream).max(initial=0.0)
        doubtful = wrong & (off <= floor)
        something = (scale > 0) | (np.abs(got) > floor)  # a gradient of 0 for slopes of 0 is right
        vague = (slopes.error > _UNCLEAR * scale) & something
        unclear = ~wrong & ~slopes.kink & (vague | ~known)
    return Judged(got, expected, allowed, wrong, doubtful, slopes.kink, unclear.any(axis=0))
