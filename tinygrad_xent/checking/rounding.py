"""One gradient against what it should be: what rounding may explain, and what it may not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_xent.checking.refining import refine
from tinygrad_xent.checking.slopes import EPSILON, Slopes, slopes
from tinygrad_xent.checking.subjects import Subject, is_real, precise
from tinygrad_xent.checking.through_graph import way_of

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


_JITTERS = 4
_REPEATS = 6
_LITTLE = (
    1e-6  # of the largest slope, and no more than cancellation may lose: no mistake is so small
)
_JUMP = 1e-6  # of the largest entry
_LAST_DIGITS = 8.0  # of the upstream gradient: on a way through a graph they are lost somewhere


def judge_with_rounding(
    subject: Subject,
    i: int,
    out: Any,
    upstream: Any,
    got: Any,
    found: Slopes,
    epsilon: float,
    digits: float,
) -> Judged:
    """Judge a gradient that looks wrong again, with the rounding of the rule itself in view.

    A rule that subtracts numbers that are nearly equal loses digits and is right all the same. So
    the last digits of all that it is given are moved, to see how far its result moves; in single
    or half precision the rule is run in float64 too; and where only cancellation could
    explain the difference, it is run on smaller numbers, where nothing cancels.
    """
    for _ in range(_REPEATS):  # before randomness is taken for rounding
        again = subject.gradients(i, upstream[:1], out, subject.inputs, got.shape[1:])
        if again is not None:
            subject.side_effects.compare_answers(
                "The rule", [subject.names[i]], [got[0]], [again[0]]
            )
    noise = _noise(subject, i, out, upstream, got, epsilon)
    way, weights = way_of(subject, i), precise(upstream)

    def judged_again(answer: Any, precision: float, noise: Any) -> Judged:
        first = judge(answer, found, upstream, precision, noise)
        if not (first.wrong.any() or first.kink.any()):
            return first
        closer = refine(
            way.whole,
            precise(subject.inputs[i]),
            weights,
            answer,
            found,
            first.wrong,
            rows=way.rows if way.head is None else None,
            out_epsilon=digits,
        )
        judged = judge(answer, closer, upstream, precision, noise)
        # NaN is never the gradient of a function that is finite here, however steep it is.
        lost = first.wrong & np.isnan(answer)
        return replace(
            judged, wrong=judged.wrong | lost, unclear=judged.unclear & ~lost.any(axis=0)
        )

    judged = _what_fits(judged_again(got, epsilon, noise), subject.inputs[i].dtype)
    off = np.abs(judged.got - judged.expected)
    largest = np.max(np.abs(judged.expected), initial=0.0, where=np.isfinite(judged.expected))
    lost = judged.doubtful & (off <= _LITTLE * largest)
    if not subject.is_rule:
        lost |= off <= _LAST_DIGITS * EPSILON * np.abs(weights).max(initial=0.0)
    lost &= judged.wrong
    judged = replace(judged, wrong=judged.wrong & ~lost, unclear=judged.unclear | lost.any(axis=0))
    if not judged.wrong.any():
        return judged
    half = float(np.finfo(np.float16).eps)
    if epsilon > EPSILON and (
        np.isfinite(got).all() or epsilon >= half or not np.isfinite(out).all()
    ):
        inputs = [precise(x) for x in subject.inputs]
        again = subject.gradients(i, weights, subject.value(inputs), inputs, got.shape[1:])
        finer = EPSILON / epsilon
        if again is not None and not judged_again(again, EPSILON, finer * noise).wrong.any():
            return replace(judged, wrong=np.zeros_like(judged.wrong))
    if (judged.wrong == judged.doubtful).all() and _right_where_it_is_calm(subject, i, upstream):
        return replace(judged, wrong=np.zeros_like(judged.wrong))
    return judged


def _what_fits(judged: Judged, kind: Any) -> Judged:
    """Leave out where the numbers do not fit into the dtype, as too large or as too small."""
    largest = float(np.finfo(kind).max) ** 0.9  # a factor on the way may be larger than the result
    too_large = ~np.isfinite(judged.got) & (np.abs(judged.expected) > largest)
    too_small = np.abs(judged.got - judged.expected) <= float(np.finfo(kind).tiny)
    fits = ~(too_large | too_small)
    return replace(judged, wrong=judged.wrong & fits, doubtful=judged.doubtful & fits)


def _noise(subject: Subject, i: int, out: Any, upstream: Any, got: Any, epsilon: float) -> Any:
    """Move the last digits of all that the rule is given, a little and then four times as far.

    What grows with them is lost to rounding. What does not may be a mask that jumps, as `x == y`
    of a maximum does: that excuses little.
    """
    worst = np.zeros(got.shape)
    jump = max(_JUMP, epsilon) * np.abs(got).max(initial=0.0, where=np.isfinite(got))
    for k in range(_JITTERS):
        near, far = (
            _moved(subject, i, out, upstream, got, size * epsilon, np.random.default_rng(k))
            for size in (1, 4)
        )
        noise = np.where(far >= 2 * near, near, np.minimum(near, jump))
        worst = np.maximum(worst, noise)
    return worst


def _moved(
    subject: Subject,
    i: int,
    out: Any,
    upstream: Any,
    got: Any,
    size: float,
    rng: np.random.Generator,
) -> Any:
    """Return how far a rule's result moves with what it is given."""

    def stir(x: Any) -> Any:
        moved = x * (1 + size * rng.choice([-1, 1], x.shape)) if is_real(x) else x
        return np.asarray(moved, x.dtype) if is_real(x) else x

    inputs = [stir(x) for x in subject.inputs]
    again = subject.gradients(i, stir(upstream), stir(out), inputs, got.shape[1:])
    off = np.zeros(got.shape) if again is None else np.abs(again - got)
    return np.where(np.isfinite(off), off, 0)


def _right_where_it_is_calm(subject: Subject, i: int, upstream: Any) -> bool:
    """Judge the rule where no input is larger than 1, and then where none is small either."""
    rng = np.random.default_rng(0)
    upstream = precise(upstream)
    for place in (_smaller, lambda x: np.copysign(rng.uniform(0.5, 1, x.shape), x)):
        calm = [precise(place(x)) if is_real(x) else x for x in subject.inputs]
        got = subject.gradients(i, upstream, subject.value(calm), calm, calm[i].shape)
        found = slopes(subject.function_of(i, calm), calm[i], upstream)
        if got is not None and not judge(got, found, upstream, EPSILON).wrong.any():
            return True
    return False


def _smaller(x: Any) -> Any:
    return x / max(1.0, np.abs(x).max(initial=0.0))
