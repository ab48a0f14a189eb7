r"""Derivatives for several upstream gradients at once, with an estimate of their error.

The complex step, $f'(x) = \operatorname{Im} f(x + ih) / h$, subtracts nothing and is right to the
last digits [1]_. It needs a function that is analytic and lets complex numbers through, which is
tried. Else central differences with Richardson extrapolation, over steps that follow from the
values and the measured noise of the function.

Differences cost a call of the function for each entry that is moved. Where the rows of a batch do
not depend on each other, one entry of every row can move in the same call. Then an input of 32 x 10
takes 10 calls instead of 320.

.. [1] W. Squire, G. Trapp: Using complex variables to estimate derivatives of real functions,
   SIAM Review 40 (1998).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

EPSILON = float(np.finfo(np.float64).eps)
_FINER = 0.1
_MOST_TRIES = 7
_JITTERS = 3
_TURNS = 1000.0  # so much more than it moves may a function turn within a step
_SHORT = 2048.0  # units in the last place
_BELIEVED = 10.0  # errors: a shorter step may move a slope so far
_GOOD = 1e-6  # an error of this share of the largest slope needs no other step
_ROUGH = 0.01  # with such a share left, rounding is most of what was measured, and its size is
_CAUTION = 10.0  # a guess from few values: it may be this many times larger
_SMALLEST_JUMP = _GOOD  # of the largest slope: a smaller jump does not count as a kink
_TINY = 1e-20  # the complex step: so short that its square is nothing beside 1
_LEAST = 1e-250  # of an entry: a shorter complex step would not be a number
_AGREE = 1e-6
_CLEAR = 1e-4  # differences as good as this tell a wrong complex step
_BLOCK = 2**18  # numbers held at a time

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Slopes:
    """Derivatives of a weighted sum of a function's outputs, for several weights.

    Attributes
    ----------
    value : ndarray
        (number of weights, *shape of the input).
    error : ndarray
        How far each may be off; at a kink, half the jump of the derivative. Infinite where the
        function is not finite.
    kink : ndarray of bool
        For each entry of the input, whether the slopes to its left and right differ.
    method : str
        "complex step" or "central differences".
    """

    value: Any
    error: Any
    kink: Any
    method: str


def slopes(
    f: Function,
    x: Any,
    weights: Any,
    *,
    y: Any = None,
    rows: Rows | None = None,
    out_epsilon: float = EPSILON,
    again: float = 0.0,
) -> Slopes:
    """Differentiate `sum(w * f(x))` with respect to every entry of `x`, for every `w`.

    Parameters
    ----------
    f : callable
        From an array of the shape of `x` to an array.
    x : ndarray of float64
    weights : ndarray
        (number, *shape of the output).
    y : ndarray, optional
        `f(x)` if it is known.
    rows : Rows, optional
        Those of the function if they are known.
    out_epsilon : float
        The precision that `f` computes in.
    again : float
        Use differences with steps longer by this factor, to see how far their result moves.

    Returns
    -------
    Slopes

    Examples
    --------
    >>> slopes(np.exp, np.zeros(3), np.ones((1, 3))).value
    array([[1., 1., 1.]])
    """
    with np.errstate(all="ignore"):
        x = np.asarray(x, np.float64)
        y = np.asarray(f(x) if y is None else y)
        if rows is None and out_epsilon == EPSILON:
            rows = find_rows(f, x, y)
        probe = Probe(f, x, weights, y, rows, out_epsilon)
        if again:
            probe.step *= again
            return probe.central()
        found = probe.complex_step()
        if found is None and probe.shorten():
            found = probe.complex_step()
        return found or probe.central()


def sizes(x: Any) -> Any:
    """Return the size of each entry, for a step in proportion; zeros count as the others do."""
    size = np.where(np.isfinite(x), np.abs(x), 0)
    typical = float(np.sqrt(np.vdot(size, size) / x.size)) if x.size else 0.0
    return np.maximum(size, typical if 0 < typical < np.inf else 1.0)


class Probe:
    """A function around one point."""

    def __init__(
        self,
        f: Function,
        x: Any,
        weights: Any,
        y: Any = None,
        rows: Rows | None = None,
        out_epsilon: float = EPSILON,
    ) -> None:
        self.f, self.epsilon = f, out_epsilon
        self.rows = rows = rows or Rows(1, True, np.shape(x))
        self.step = out_epsilon**0.2  # balances rounding against the error of order h^4
        self.good = _GOOD
        self.x, self.y = rows.of(x), rows.of(np.asarray(f(x) if y is None else y))
        self.scale = rows.of(sizes(x))
        size = np.abs(self.x)  # no step of a complex number may be felt beside its entry
        self.complex_scale = np.where(size > 0, np.maximum(size, _LEAST), self.scale)
        self.weights = rows.several(np.asarray(weights, np.float64))  # (rows, number, length)

    def __call__(self, x: Any) -> Any:
        """Return the output, in rows, for an input in rows."""
        return self.rows.of(np.asarray(self.f(self.rows.x(x))))

    def weigh(self, y: Any) -> Any:
        """Weigh outputs (moves, rows, length): (rows, number, moves)."""
        return self.weights @ y.transpose(1, 2, 0)

    # -- the complex step --------------------------------------------------------------------

    def complex_step(self) -> Slopes | None:
        """Return the slopes by a complex step; None if the function rejects complex numbers."""
        rng = np.random.default_rng(0)
        move = (
            rng.uniform(0.5, 1, self.x.shape)
            * rng.choice([-1, 1], self.x.shape)
            * self.complex_scale
        )
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # NumPy warns where it drops an imaginary part
                along = self._imaginary(move)
                if not self._agrees(along, move):
                    return None
                value, terms = self._imaginary_slopes()
        except Exception:  # noqa: BLE001 - whatever it does to complex numbers, real ones remain
            return None
        total = (value * move[:, None]).sum(-1)
        bound = (terms * np.abs(move[:, None])).sum(-1)
        if not (np.abs(total - along) <= 1e-10 * bound).all():
            return None
        stacked = self.rows.stacked_x
        kink = np.zeros(self.rows.x_shape, bool)
        return Slopes(stacked(value), stacked(64 * EPSILON * terms), kink, "complex step")

    def _imaginary(self, move: Any) -> Any:
        """Return the derivative along a move of all entries: (rows, number)."""
        y = self(self.x + 1j * _TINY * move)
        plain = np.isclose(y.real, self.y, rtol=64 * EPSILON, atol=0, equal_nan=True)
        if not (np.iscomplexobj(y) and plain.all()):
            raise ArithmeticError
        return self.weigh(y.imag[None] / _TINY)[..., 0]

    def _agrees(self, along: Any, move: Any) -> bool:
        """Compare with differences along the same move, which also show a kink at this point."""
        found = self._measure([move], self.step)
        if not (found[1] <= _CLEAR * np.abs(found[0])).all():
            found = self.along([move])
        value, error, kink = (array[..., 0] for array in found)
        size = np.maximum(np.abs(along), np.abs(value))
        off = np.abs(along - value) > 2 * error + _AGREE * size
        return not (kink | off | ~np.isfinite(along)).any()

    def _imaginary_slopes(self) -> tuple[Any, Any]:
        """Return the slopes, and the sums of the absolute values of their terms."""
        length = self.x.shape[1]
        value, terms = np.empty((2, *self.weights.shape[:2], length))
        step = _TINY * self.complex_scale
        for block in self._blocks(np.arange(length)):
            out = np.empty((len(block), *self.y.shape))
            for i, k in enumerate(block):
                x = self.x.astype(complex)
                x[:, k] += 1j * step[:, k]
                out[i] = self(x).imag
            value[..., block] = self.weigh(out) / step[:, None, block]
            sizes = np.abs(self.weights) @ np.abs(out).transpose(1, 2, 0)
            terms[..., block] = sizes / step[:, None, block]
        return value, terms

    # -- central differences -----------------------------------------------------------------

    def shorten(self) -> bool:
        """Take a short step if the function turns many times within one, as sin(1e10) does.

        The last digits of x then move the output in proportion, and far more than the step does.
        """
        digits = np.random.default_rng(0).integers(8, 16, self.x.shape) * np.spacing(self.x)
        steps = self.step / (12 * EPSILON)
        few, many, far = (
            self.weigh((self(self.x + n * digits) - self.y)[None]) for n in (1, 8, steps)
        )
        turns = np.abs(many) * steps / 8 > _TURNS * np.abs(far)
        if not (turns & (np.abs(many - 8 * few) < 0.1 * np.abs(many))).any():
            return False
        self.step = _SHORT * self.epsilon
        return True

    def central(self) -> Slopes:
        """Differentiate along each entry of every row, with shorter steps where that is needed."""
        value, error, kink = self.along(range(self.x.shape[1]))
        stacked = self.rows.stacked_x
        kinks = stacked(kink.any(axis=1, keepdims=True))[0]
        return Slopes(stacked(value), stacked(error), kinks, "central differences")

    def along(self, moves: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Differentiate along moves: entries of a row by their number, or moves of all entries."""
        if not len(moves):
            nothing = np.zeros((*self.weights.shape[:2], 0))
            return nothing, nothing, nothing.astype(bool)
        value, error, kink = self._measure(moves, self.step)
        for tries in range(1, _MOST_TRIES):
            known = np.where(np.isfinite(error), np.abs(value), 0)
            largest = known.max(initial=0.0)
            poor = ~(error <= self.good * largest) & ~(error == 0)
            again = np.flatnonzero(poor.any(axis=(0, 1))).tolist()
            if not again:
                break
            found = self._measure([moves[k] for k in again], self.step * _FINER**tries)
            if tries == 1:
                kink[..., again] &= found[2]  # seen once it may be rounding
            # Rounding can make ever shorter steps agree on a value outside of the old bounds.
            within = np.abs(found[0] - value[..., again]) <= _BELIEVED * error[..., again]
            better = (found[1] < error[..., again]) & (within | ~np.isfinite(error[..., again]))
            for old, new in zip((value, error, kink), found, strict=True):
                old[..., again] = np.where(better, new, old[..., again])
        known = np.where(np.isfinite(error), np.abs(value), 0)
        rough = ~kink & (error > _ROUGH * known.max(initial=0.0))
        return value, np.where(rough, _CAUTION * error, error), kink

    def _measure(self, moves: Sequence[Any], step: float) -> tuple[Any, Any, Any]:
        """Return values, errors and kinks (rows, number, moves) with one length of step."""
        far, bend, reach = self._around(moves, step)
        near, narrow_bend, narrow = self._around(moves, step / 2)
        coarse, fine = far / (2 * reach), near / (2 * narrow)
        value = (4 * fine - coarse) / 3
        noise = 3 * self.noise / reach
        # Of five values at equal distances the fourth difference leaves hardly more than rounding.
        rounding = np.abs(bend - 4 * narrow_bend) / reach
        error = np.abs(value - fine) + np.maximum(noise, rounding / 2)
        # The gap of the one-sided slopes halves with the step; where it is rounding it doubles.
        gap, half_gap = np.abs(bend / reach), np.abs(narrow_bend / narrow)
        seen = np.where(np.isfinite(value), np.abs(value), 0).max(initial=0.0) * _SMALLEST_JUMP
        stays = (half_gap > 0.75 * gap) & (half_gap < 1.25 * gap)
        kink = stays & (half_gap > 3 * noise) & (half_gap > seen)
        error = np.where(kink, half_gap / 2 + noise, error)
        lost = ~np.isfinite(value) | ~np.isfinite(error)
        return np.where(lost, np.nan, value), np.where(lost, np.inf, error), kink & ~lost

    def _around(self, moves: Sequence[Any], step: float) -> tuple[Any, Any, Any]:
        """Weigh f(x + h) - f(x - h) and f(x + h) - 2 f(x) + f(x - h); return h too."""
        differences, bends, reaches = [], [], []
        for block in self._blocks(np.arange(len(moves))):
            lows, highs = np.empty((2, len(block), *self.y.shape))
            for i, k in enumerate(block):
                low, high, reach = self._pair(moves[k], step)
                lows[i], highs[i] = self(low), self(high)
                reaches.append(reach)
            differences.append(self.weigh(highs - lows))
            bends.append(self.weigh((highs - self.y) - (self.y - lows)))
        reach = np.stack(reaches, axis=-1)[:, None]
        return np.concatenate(differences, axis=-1), np.concatenate(bends, axis=-1), reach

    def _pair(self, move: Any, step: float) -> tuple[Any, Any, Any]:
        if isinstance(move, np.ndarray):
            return self.x - step * move, self.x + step * move, np.full(len(self.x), step)
        low, high = self.x.copy(), self.x.copy()
        h = step * self.scale[:, move]
        low[:, move] -= h
        high[:, move] += h
        return low, high, (high[:, move] - low[:, move]) / 2  # what rounding has left of h

    def _blocks(self, moves: Any) -> list[Any]:
        return np.array_split(moves, min(len(moves), 1 + len(moves) * self.y.size // _BLOCK) or 1)

    @cached_property
    def noise(self) -> Any:
        """How far rounding may move the sums (rows, number, 1): as the last digits of x do."""
        rng = np.random.default_rng(0)
        # A sum of roundings grows like the root of their number.
        size = np.sqrt(self.weights**2 @ (self.y**2)[..., None])
        worst = self.epsilon * np.where(np.isfinite(size), size, 0)
        for _ in range(_JITTERS):
            digits = 8 * self.epsilon * rng.normal(size=self.x.shape)
            moved = self.weigh((self(self.x * (1 + digits)) - self.y)[None])
            worst = np.fmax(worst, np.abs(moved))
        return worst


def differences(f: Function, x: Any, entries: Any = None) -> Slopes:
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
    Slopes
        `value` and `error` have the shape (1, number of entries).

    Examples
    --------
    >>> found = differences(lambda x: np.sum(x**3), [1.0, 2.0])
    >>> found.value.round(6)
    array([[ 3., 12.]])
    >>> differences(lambda x: np.sum(np.abs(x)), [0.0, 2.0]).kink
    array([ True, False])
    """
    x = np.array(x, dtype=np.float64)
    wanted = np.arange(x.size) if entries is None else np.asarray(entries)

    def scalar(x: Any) -> Any:
        return np.asarray(f(x), np.float64)

    with np.errstate(all="ignore"):
        y = scalar(x)
        probe = Probe(scalar, x, np.ones((1, *y.shape)), y)
        value, error, kink = (found[0] for found in probe.along(wanted.tolist()))
        return Slopes(value, error, kink[0], "central differences")


# -- rows that can move in the same call -------------------------------------------------------

_FEW = 2  # with fewer entries there is nothing to find
_MOVE = 1e-3
_ROUNDINGS = 8 * EPSILON


@dataclass(frozen=True)
class Rows:
    """A way to read an input and an output as `count` rows each, row by row independent.

    Attributes
    ----------
    count : int
    leading : bool
        Whether the axes that count the rows are the first or the last.
    x_shape : tuple of int
    """

    count: int
    leading: bool
    x_shape: tuple[int, ...]

    def of(self, array: Any) -> Any:
        """Return an input or an output as rows (count, length), whatever stands before its axes."""
        if self.leading:
            return array.reshape(self.count, -1)
        return array.reshape(-1, self.count).T

    def x(self, rows: Any) -> Any:
        """Return rows in the shape of the input."""
        return (rows if self.leading else rows.T).reshape(self.x_shape)

    def several(self, weights: Any) -> Any:
        """Return stacked arrays like the output as (count, number, length)."""
        k = len(weights)
        if self.leading:
            return np.moveaxis(weights.reshape(k, self.count, -1), 0, 1)
        return np.moveaxis(weights.reshape(k, -1, self.count), -1, 0)

    def stacked_x(self, rows: Any) -> Any:
        """Return (count, number, length) as a stack of arrays like the input."""
        k = rows.shape[1]
        axes = (1, 0, 2) if self.leading else (1, 2, 0)
        return rows.transpose(axes).reshape(k, *self.x_shape)


def find_rows(f: Function, x: Any, y: Any) -> Rows:
    """Find the finest rows in which a function can be differentiated.

    For each binary digit of the rows' numbers, half of the rows are moved. The moved rows must give
    what they give when all are moved, and the others must not change. Any two rows differ in a
    digit, so a row that depends on another one is detected.

    Parameters
    ----------
    f : callable
    x, y : ndarray
        A point, and `f` there.

    Returns
    -------
    Rows
        A single row where everything depends on everything.

    Examples
    --------
    >>> x = np.ones((32, 10))
    >>> find_rows(np.exp, x, np.exp(x)).count
    320
    >>> total = lambda x: np.sum(x, axis=1)
    >>> find_rows(total, x, total(x)).count
    32
    """
    if x.size >= _FEW and y.size > 1:
        signs = np.random.default_rng(0).choice([-_MOVE, _MOVE], x.shape) * sizes(x)
        all_moved = None
        for rows in _candidates(x.shape, y.shape):
            all_moved = np.asarray(f(x + signs)) if all_moved is None else all_moved
            if _independent(f, (x, y), (x + signs, all_moved), rows):
                return rows
    return Rows(1, True, x.shape)


def _candidates(x: tuple[int, ...], y: tuple[int, ...]) -> Iterator[Rows]:
    """Axes that an input and its output begin with, or end with, in common; the most first."""
    for number in range(min(len(x), len(y)), 0, -1):
        for leading in (True, False):
            mine, theirs = (x[:number], y[:number]) if leading else (x[-number:], y[-number:])
            if mine == theirs and math.prod(mine) > 1:
                yield Rows(math.prod(mine), leading, x)
            if number == len(x) == len(y):
                break  # all axes: the first are the last


def _independent(f: Function, here: Any, there: Any, rows: Rows) -> bool:
    """Whether rows from one point and rows from another have the outputs of their own point."""
    (x, y), (moved_x, moved_y) = here, there
    if moved_y.shape != y.shape:
        return False
    numbers = np.arange(rows.count)[:, None]
    for digit in range((rows.count - 1).bit_length()):
        moved = numbers >> digit & 1 == 1
        mixed = f(rows.x(np.where(moved, rows.of(moved_x), rows.of(x))))
        if mixed.shape != y.shape:
            return False
        now, then = rows.of(mixed), np.where(moved, rows.of(moved_y), rows.of(y))
        same = (now == then) | (np.isnan(now) & np.isnan(then))
        if not (same | (np.abs(now - then) <= _ROUNDINGS * np.abs(then))).all():
            return False
    return True
