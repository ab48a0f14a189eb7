"""Which entries of an output depend on which entries of an input, found by moving them.

Differences cost a call of the function for each entry that is moved. Where the rows of a batch do
not depend on each other, one entry of every row can move in the same call. Then an input of 32 x 10
takes 10 calls instead of 320.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_FEW = 2  # with fewer entries there is nothing to find
_MOVE = 1e-3
_ROUNDINGS = 8 * float(np.finfo(np.float64).eps)


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


def find_rows(f: Callable[[Any], Any], x: Any, y: Any, scale: Any) -> Rows:
    """Find the finest rows in which a function can be differentiated.

    For each binary digit of the rows' numbers, half of the rows are moved. The moved rows must give
    what they give when all are moved, and the others must not change. Any two rows differ in a
    digit, so a row that depends on another one is detected.

    Parameters
    ----------
    f : callable
    x, y : ndarray
        A point, and `f` there.
    scale : ndarray
        The size of each entry of `x`.

    Returns
    -------
    Rows
        A single row where everything depends on everything.

    Examples
    --------
    >>> x = np.ones((32, 10))
    >>> find_rows(np.exp, x, np.exp(x), x).count
    320
    >>> total = lambda x: np.sum(x, axis=1)
    >>> find_rows(total, x, total(x), x).count
    32
    """
    if x.size >= _FEW and y.size > 1:
        signs = np.random.default_rng(0).choice([-_MOVE, _MOVE], x.shape) * scale
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


def _independent(f: Callable[[Any], Any], here: Any, there: Any, rows: Rows) -> bool:
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
