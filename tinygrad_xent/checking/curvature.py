"""Laws of the second derivative: the Jacobian of a gradient is symmetric, and a bowl curves up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_xent.checking.symmetries import Law, Point
from tinygrad_xent.visualization.formatting import number

_STEP = 1e-3
_LARGEST = 60  # entries: each costs eight passes
_SAME = 1e-5
_PAIRS = 20


def curvature(point: Point) -> Iterator[Law]:
    """Symmetry for every rule; no negative curvature where the function was seen to be convex."""
    sizes = [point.inputs[i].size for i in point.real]
    if not 0 < sum(sizes) <= _LARGEST:
        return
    weights = np.abs(point.upstream)
    hessian, doubt = _hessian(point, weights)
    scale = np.max(np.abs(hessian), initial=0)
    if not np.all(np.isfinite(hessian)) or doubt > _SAME * scale:
        return  # a kink is near: nothing to differentiate
    ends = np.cumsum(sizes)
    spans = {i: slice(end - n, end) for i, n, end in zip(point.real, sizes, ends, strict=True)}
    for i, rows in spans.items():
        skew = np.abs(hessian[rows] - hessian[:, rows].T)
        ok, name = bool(np.max(skew, initial=0) <= _SAME * scale), point.name(i)
        because = (
            f"A Hessian is symmetric, as the order of differentiation does not matter: any entry "
            f"changes the gradient of {name} just as {name} changes the gradient of that entry."
        )
        k = np.unravel_index(int(np.argmax(skew)), skew.shape)
        one, other = hessian[rows][k], hessian[:, rows].T[k]
        found = f"One way gives {number(one)}, the other {number(other)}."
        yield Law("symmetry", name, ok, because, "" if ok else found)
        yield from _convexity(point, i, hessian[rows, rows], weights)


def _hessian(point: Point, weights: Any) -> tuple[Any, float]:
    """Differentiate the rule by differences; the doubt is what a longer step changes."""

    def gradient(moved: Any) -> Any:
        parts = point.vjp(weights, moved)
        return np.concatenate([parts[i].reshape(-1) for i in point.real])

    columns: list[Any] = []
    doubt = 0.0
    for i in point.real:
        for k in np.ndindex(point.inputs[i].shape):

            def slope(h: float, i: int = i, k: Any = k) -> Any:
                ends = []
                for step in (-h, h):
                    x = point.inputs[i].copy()
                    x[k] += step
                    ends.append(gradient([*point.inputs[:i], x, *point.inputs[i + 1 :]]))
                return (ends[1] - ends[0]) / (2 * h)

            near, far = slope(_STEP), slope(2 * _STEP)
            columns.append((4 * near - far) / 3)
            doubt = max(doubt, float(np.max(np.abs(near - far), initial=0)) / 10)
    return np.array(columns).T, doubt


def _convexity(point: Point, i: int, block: Any, weights: Any) -> Iterator[Law]:
    x, name = point.inputs[i], point.name(i)

    def height(at: Any) -> float:
        return float(np.sum(weights * point.moved(i, at)))

    if not all(_bends_up(height, x, point.rng) for _ in range(_PAIRS)):
        return
    values, vectors = np.linalg.eigh((block + block.T) / 2)
    size = np.max(np.abs(values))
    ok = bool(values[0] >= -_SAME * size)
    if not ok:
        # Pairs may all have missed where the function is hollow: ask it along this very line.
        step = 0.01 * vectors[:, 0].reshape(x.shape)
        if height(x + step) + height(x - step) < 2 * height(x):
            return
    because = (
        f"The output is convex in {name}, so its Hessian has no negative eigenvalue: the gradient "
        f"never falls along the way it points."
    )
    found = f"One is {number(values[0])}, where the largest is {number(values[-1])}."
    yield Law("convexity", name, ok, because, "" if ok else found)


def _bends_up(height: Any, x: Any, rng: np.random.Generator) -> bool:
    """Whether the middle of a random chord lies above the function, by more than rounding.

    A chord across the place, then one within it, which keeps to the signs of the numbers. One that
    leaves the function's domain says nothing.
    """
    across = [x + 3 * rng.normal(size=x.shape) for _ in range(2)]
    within = [x * (1 + rng.uniform(-0.4, 0.4, x.shape)) for _ in range(2)]
    for a, b in (across, within):
        chord, middle = (height(a) + height(b)) / 2, height((a + b) / 2)
        if np.isfinite(chord) and not chord - middle > 1e-9 * (abs(chord) + abs(middle)):
            return False
    return True
