"""One gradient against the slopes: what their error or rounding may explain, and what is wrong.

A derivative is the limit of short steps. Long steps can agree with each other and still be wrong.
Beside a steep place, as of tanh at a large number, both of their ends lie where the function is
flat. Short steps drown in rounding. So a gradient is wrong only if the shortest steps that show
more than rounding refute it. Where a shorter step supports it, that step is believed. Where no step
tells, nothing is known.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_xent.checking.slopes import EPSILON, Probe, Rows, Slopes, slopes
from tinygrad_xent.checking.subjects import Subject, is_real, precise
from tinygrad_xent.checking.through_graph import Way
from tinygrad_xent.visualization.readable import Readable

_MARGIN = 2.0  # the estimates of the slopes' errors are cautious already
_ROUNDINGS = 100.0
_CANCELLED = 1000.0  # what sums of numbers as large as the upstream gradient may lose
_UNCLEAR = 0.01  # slopes less certain than this, relative to the largest, decide nothing


@dataclass(frozen=True, eq=False, repr=False)
class Judged(Readable):
    """The entries of a gradient, judged; all arrays have the shape (upstream gradients, *input).

    Attributes
    ----------
    got, expected : ndarray
    allowed : ndarray
        By how much the two may differ.
    wrong : ndarray of bool
    kink, unclear : ndarray of bool
        For each entry of the input.
    """

    got: Any
    expected: Any
    allowed: Any
    wrong: Any
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
        # An error may be estimated too small by chance: not below half of those of its entry.
        errors = np.where(np.isfinite(slopes.error), slopes.error, 0)
        error = np.fmax(slopes.error, np.median(errors, axis=0))
        allowed = _MARGIN * error + _ROUNDINGS * (epsilon * scale + noise)
        known = np.isfinite(slopes.error)
        wrong = ~(off <= allowed) & known
        floor = _CANCELLED * epsilon * np.abs(upstream).max(initial=0.0)
        something = (scale > 0) | (np.abs(got) > floor)  # a gradient of 0 for slopes of 0 is right
        vague = (slopes.error > _UNCLEAR * scale) & something
        unclear = ~wrong & ~slopes.kink & (vague | ~known)
    return Judged(got, expected, allowed, wrong, slopes.kink, unclear.any(axis=0))


_MOVES = 4
_REPEATS = 6
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
    way: Way,
) -> Judged:
    """Judge a gradient that looks wrong again, with the rounding of the rule itself in view.

    A rule that subtracts nearly equal numbers loses digits, and is right all the same. So the last
    digits of all that it is given are moved, to see how far its result moves. In single or half
    precision the rule is run in float64, too.
    """
    for _ in range(_REPEATS):  # before randomness is taken for rounding
        again = subject.gradients(i, upstream[:1], out, subject.inputs, got.shape[1:])
        if again is not None:
            subject.side_effects.compare_answers(
                "The rule", [subject.names[i]], [got[0]], [again[0]]
            )
    noise = _noise(subject, i, out, upstream, got, epsilon)
    x, weights = subject.inputs[i], precise(upstream)

    def judged_again(answer: Any, precision: float, noise: Any) -> Judged:
        return judge_closely(way, precise(x), weights, answer, found, precision, noise)

    judged = _what_fits(judged_again(got, epsilon, noise), x.dtype)
    if not subject.is_rule:
        last_digits = _LAST_DIGITS * EPSILON * np.abs(weights).max(initial=0.0)
        lost = judged.wrong & (np.abs(judged.got - judged.expected) <= last_digits)
        unclear = judged.unclear | lost.any(axis=0)
        judged = replace(judged, wrong=judged.wrong & ~lost, unclear=unclear)
    if not judged.wrong.any():
        return judged
    half = float(np.finfo(np.float16).eps)
    finite = np.isfinite(got).all() or not np.isfinite(out).all()
    if epsilon > EPSILON and (finite or epsilon >= half):
        inputs = [precise(x) for x in subject.inputs]
        again = subject.gradients(i, weights, subject.value(inputs), inputs, got.shape[1:])
        finer = EPSILON / epsilon
        if again is not None and not judged_again(again, EPSILON, finer * noise).wrong.any():
            return replace(judged, wrong=np.zeros_like(judged.wrong))
    return judged


def judge_closely(
    way: Way, x: Any, weights: Any, got: Any, found: Slopes, epsilon: float, noise: Any
) -> Judged:
    """Judge a gradient; where it differs from the slopes, refine these before it is called wrong.

    The arguments are those of `refine` and `judge`.
    """
    first = judge(got, found, weights, epsilon, noise)
    if not (first.wrong.any() or first.kink.any()):
        return first
    closer = refine(way, x, weights, got, found, first.wrong)
    judged = judge(got, closer, weights, epsilon, noise)
    # NaN is never the gradient of a function that is finite here, however steep it is.
    lost = first.wrong & np.isnan(got)
    return replace(judged, wrong=judged.wrong | lost, unclear=judged.unclear & ~lost.any(axis=0))


def _what_fits(judged: Judged, kind: Any) -> Judged:
    """Leave out where the numbers do not fit into the dtype, as too large or as too small."""
    largest = float(np.finfo(kind).max) ** 0.9  # a factor on the way may be larger than the result
    too_large = ~np.isfinite(judged.got) & (np.abs(judged.expected) > largest)
    too_small = np.abs(judged.got - judged.expected) <= float(np.finfo(kind).tiny)
    fits = ~(too_large | too_small)
    return replace(judged, wrong=judged.wrong & fits)


def _noise(subject: Subject, i: int, out: Any, upstream: Any, got: Any, epsilon: float) -> Any:
    """Move the last digits of all that the rule is given, a little and then four times as far.

    What grows with them is lost to rounding. What does not may be a mask that jumps, as `x == y`
    of a maximum does: that excuses little.
    """

    def moved(size: float, rng: np.random.Generator) -> Any:
        def stir(x: Any) -> Any:
            signs = rng.choice([-1, 1], x.shape) if is_real(x) else None
            return x if signs is None else np.asarray(x * (1 + size * epsilon * signs), x.dtype)

        inputs = [stir(x) for x in subject.inputs]
        again = subject.gradients(i, stir(upstream), stir(out), inputs, got.shape[1:])
        off = np.zeros(got.shape) if again is None else np.abs(again - got)
        return np.where(np.isfinite(off), off, 0)

    worst = np.zeros(got.shape)
    jump = max(_JUMP, epsilon) * np.abs(got).max(initial=0.0, where=np.isfinite(got))
    for k in range(_MOVES):
        near, far = (moved(size, np.random.default_rng(k)) for size in (1, 4))
        worst = np.maximum(worst, np.where(far >= 2 * near, near, np.minimum(near, jump)))
    return worst


# -- shorter and shorter steps ----------------------------------------------------------------

# The tests of steep places and of whole graphs also pass with _CAUTION or _SHORTEST three times as
# large or as small, and with _SETTLED three times as large.
_OTHER_STEPS = (0.31, 1.7)  # shorter and longer; powers of 2 would meet the same grid points again
_JITTERS = 3  # moves of the last digits; the tests pass with 1 as well
_CAUTION = 10.0  # a few jitters find part of the spread only: the error is this many times larger
_SHORTEST = 1e-13  # of an entry: some hundred roundings, below which x + h hardly differs from x
_CONCLUSIVE = 0.1  # a step decides if its rounding is this share of the difference; not with 0.5
_SETTLED = 0.3  # of a slope: with a larger error it still changes with the step
_GROSS = 1e-3  # of the slope: a complex step subtracts nothing, so it never loses as much
_FINEST = 1e-8  # of the largest slope: about the root of float64's epsilon, where differences end
_DROPPED = 1e-11  # likewise: an absolute value in a function may drop so much of a complex step
_NEAR = 0.02  # of an entry: a function may change its slope within its size, not within this
_LONGEST = 0.1  # functions change their slope over a length of 1
_LONG_AGREE = 1e-5  # of the slope: two ways so different do not agree so closely by chance
_FIRST_MOVES = 4  # tried first; if these confirm that the gradient is wrong, the rest is left out


def refine(way: Way, x: Any, weights: Any, got: Any, found: Slopes, wrong: Any) -> Slopes:
    """Measure again where a gradient differs from the slopes, or where these have a kink.

    Parameters
    ----------
    way : Way
        From `x` to the output.
    x, weights : ndarray
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
        rows = way.whole_rows or Rows(1, True, np.shape(x))
        if found.method != "complex step" or not (wrong & _gross(got, found.value)).any():
            found = _with_error(way, x, weights, found, rows)
        largest = np.max(np.abs(found.value), initial=0.0, where=np.isfinite(found.value))
        least = _DROPPED if found.method == "complex step" else _FINEST
        found = replace(found, error=np.fmax(found.error, least * largest))
        probe = Probe(way.whole, x, weights, None, rows, way.precision)
        probe.shorten()
        value, error, g = (rows.several(a) for a in (found.value, found.error, got))
        kink = np.repeat(rows.of(found.kink)[:, None], len(got), axis=1)
        # Suspect for one upstream gradient is, where hardly known, suspect for the others too.
        vague = found.error > _CONCLUSIVE * np.abs(found.value)
        suspect = rows.several(wrong | (wrong.any(axis=0) & vague)) | kink
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


def _with_error(way: Way, x: Any, weights: Any, found: Slopes, rows: Rows) -> Slopes:
    """Add to the error how far the slopes move with other steps, or with the last digits of x."""
    error = found.error
    if found.method == "complex step":
        rng = np.random.default_rng(0)
        for _ in range(_JITTERS):
            stirred = x * (1 + EPSILON * rng.choice([-1, 1], x.shape))
            other = slopes(way.whole, stirred, weights, rows=rows)
            if other.method == found.method:
                error = np.fmax(error, _CAUTION * np.abs(other.value - found.value))
        return replace(found, error=error)
    for factor in _OTHER_STEPS:
        other = slopes(way.whole, x, weights, rows=rows, out_epsilon=way.precision, again=factor)
        moved = np.abs(other.value - found.value)
        error = np.fmax(error, np.where(other.error <= 10 * found.error + moved, moved, 0))
    return replace(found, error=error)


class _Ladder:
    """Slopes along some moves, by steps from long to short; arrays (steps, rows, number, moves)."""

    def __init__(self, probe: Probe, moves: list[int], got: Any, old: Any, method: str) -> None:
        self.got, self.old, self.complex = got, old, method == "complex step"
        self.probe, self.moves = probe, moves
        x, mixed = np.abs(probe.x[:, moves]), probe.scale[:, moves]
        size = np.where(x > 0, x, mixed)
        reach = float(np.max(mixed / size, initial=1.0)) * probe.step / _SHORTEST
        lengths = probe.step * 0.1 ** np.arange(min(40, 1 + np.ceil(np.log10(reach))))
        measured = [probe._measure(moves, float(step)) for step in lengths]
        self.value, self.error, self.kink = (np.stack(a) for a in zip(*measured, strict=True))
        h = lengths[:, None, None] * mixed
        self.rounding = 3 * probe.noise[None] / h[:, :, None]
        self.near = (h <= _NEAR * size)[:, :, None]

    def _confirmed(self, value: Any) -> Any:
        """Whether differences by some longer steps find the value of a complex step as well."""
        found = np.zeros(value.shape, bool)
        step, scale = self.probe.step, self.probe.scale[:, self.moves]
        while step * scale.max() < _LONGEST and not found.all():
            step *= 10
            far, error, _ = self.probe._measure(self.moves, step)
            size = _LONG_AGREE * np.abs(value)
            found |= (np.abs(far - value) <= size) & (error <= size)
        return found

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
            if (suspect & ~tells.any(axis=0)).any():
                refuted |= self._confirmed(value)
        supported = suspect & supports.any(axis=0)
        k = np.argmin(np.where(supports, self.error, np.inf), axis=0)[None]
        for old, new in ((value, self.value), (error, self.error), (kink, self.kink)):
            old[supported] = np.take_along_axis(new, k, axis=0)[0][supported]
        error[suspect & ~kink & ~supported & ~refuted] = np.inf
        return value, error, kink
