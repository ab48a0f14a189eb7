"""Sums along a wrong axis."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.hypotheses.entries import place_along

_MOST_ROWS = 64
_ROWS_TRIED = 3


def wrong_axis(case: Case) -> Iterator[Claim]:
    """Right with its axes exchanged, or with one row at a time: then a sum takes a wrong way."""
    if case.x.ndim < case.out.ndim:
        yield from _upstream_exchanged(case)
    elif case.subject.params.get("axis") is not None or _rows_alone(case) is not None:
        yield from _axes_exchanged(case)
    if case.out.ndim < case.x.ndim:
        yield from _slope_along_another(case)
        yield from _spread_along_another(case)
    yield from _one_row_at_a_time(case)


def _upstream_exchanged(case: Case) -> Iterator[Claim]:
    for a, b in combinations(range(case.out.ndim), 2):
        turned = np.swapaxes(case.upstream, a + 1, b + 1)
        inputs = [_swap(x, a, b, case.out.ndim) for x in case.subject.inputs]
        for given in (case.subject.inputs, inputs):
            again = case.vjp(given, case.out, turned, case.x.shape)
            if again is not None:
                yield Claim(
                    "wrong-axis",
                    f"The gradient of {{name}} is summed along the wrong axis: it is right with "
                    f"the axes {a} and {b} of the upstream gradient exchanged.",
                    again,
                    "Sum over the axes that {name} does not have.",
                )


def _axes_exchanged(case: Case) -> Iterator[Claim]:
    for a, b in combinations(range(case.x.ndim), 2):
        inputs = [_swap(x, a, b, case.x.ndim) for x in case.subject.inputs]
        upstream = np.stack([_swap(g, a, b, case.x.ndim) for g in case.upstream])
        out = _swap(case.out, a, b, case.x.ndim)
        again = case.vjp(inputs, out, upstream, inputs[case.index].shape)
        if again is not None:
            yield Claim(
                "wrong-axis",
                f"The rule for {{name}} works along the wrong axis: it is right with the axes {a} "
                f"and {b} exchanged.",
                np.swapaxes(again, a + 1, b + 1),
                "Sum along the axis that the function works along. Is a number written where the "
                "parameter `axis` belongs?",
            )


def _slope_along_another(case: Case) -> Iterator[Claim]:
    """As above for a reduction, where the upstream gradient itself runs along the right axis."""
    axis = case.subject.params.get("axis")
    if not isinstance(axis, int) or case.out.ndim != case.x.ndim - 1:
        return
    for a, b in combinations(range(case.x.ndim), 2):
        inputs = [_swap(x, a, b, case.x.ndim) for x in case.subject.inputs]
        out = case.subject.value(inputs)
        slope = case.vjp(inputs, out, np.ones((1, *out.shape)), inputs[case.index].shape)
        if slope is not None:
            spread = np.stack([np.expand_dims(grad, axis) for grad in case.upstream])
            slope = np.swapaxes(slope, a + 1, b + 1)
            if np.broadcast_shapes(slope.shape, spread.shape) != case.expected.shape:
                continue
            yield Claim(
                "wrong-axis",
                f"The slopes with respect to {{name}} are taken along the wrong axis: they are "
                f"right with the axes {a} and {b} exchanged.",
                slope * spread,
                "Give every sum, softmax and mean of the rule the axis of the function.",
            )


def _spread_along_another(case: Case) -> Iterator[Claim]:
    """What was reduced along one axis comes back along another."""
    for a, b in combinations(range(case.x.ndim), 2):
        if case.x.shape[a] == case.x.shape[b]:
            yield Claim(
                "wrong-axis",
                f"The gradient of {{name}} runs along the wrong axis: it is right with the axes "
                f"{a} and {b} exchanged.",
                np.swapaxes(case.got, a + 1, b + 1),
                "Give the upstream gradient an axis of length 1 where the function summed.",
            )


def _one_row_at_a_time(case: Case) -> Iterator[Claim]:
    parts = _rows_alone(case)
    if parts is not None:
        yield Claim(
            "wrong-axis",
            "The rule for {name} mixes the rows of the batch: it is right for one row at a time.",
            parts,
            "A sum runs over the whole array. It should run along one axis, with keepdims=True.",
        )


def rows_mixed(case: Case) -> Iterator[Claim]:
    """A row's gradient that changes with the other rows, where the function's rows do not.

    Or a column's: a normalisation over the batch keeps columns apart.
    """
    axis = next(filter(case.apart, range(case.x.ndim)), None)
    tables = sum(np.ndim(x) > 1 for x in case.subject.inputs)
    if axis is None or (tables > 1 and _rows_alone(case) is None):
        return  # a product of matrices mixes rows for other reasons
    upstream = case.upstream.copy()
    np.moveaxis(upstream, axis + 1, 0)[1:] *= 2
    again = case.vjp(case.subject.inputs, case.out, upstream, case.x.shape)
    if again is None:
        return
    moved = np.abs(again - case.got).take(0, axis + 1)
    if (moved > 1e-6 * np.abs(case.got).max()).any():
        first = place_along(axis, case.x.ndim, 0)
        yield Claim(
            "wrong-axis",
            f"The gradient of {{name}} in {first} changes with the upstream gradients elsewhere. "
            f"The function keeps {first} apart, so a sum or a mean of the rule runs along the "
            "wrong axis.",
            None,
            "Sum and average along the axis that the function works along.",
        )


def _rows_alone(case: Case) -> Any:
    """Return the gradients of one row at a time, or None where rows depend on each other."""
    n = case.x.shape[0] if case.x.ndim else 0
    if not (1 < n <= _MOST_ROWS and case.out.ndim and case.out.shape[0] == n):
        return None
    parts = []
    for k in range(n):
        inputs = [_row(x, k, n) for x in case.subject.inputs]
        out = case.out[k : k + 1]
        if k < _ROWS_TRIED and not _same(case, inputs, out):
            return None
        part = case.vjp(inputs, out, case.upstream[:, k : k + 1], (1, *case.x.shape[1:]))
        if part is None:
            return None
        parts.append(part)
    return np.concatenate(parts, axis=1)


def _same(case: Case, inputs: list[Any], out: Any) -> bool:
    try:
        alone = case.subject.value(inputs)
    except Exception:  # noqa: BLE001 - the function may not take a single row
        return False
    return alone.shape == out.shape and np.allclose(alone, out, rtol=1e-5, equal_nan=True)


def _row(x: Any, k: int, n: int) -> Any:
    return x[k : k + 1] if isinstance(x, np.ndarray) and x.ndim and len(x) == n else x


def _swap(x: Any, a: int, b: int, ndim: int) -> Any:
    return np.swapaxes(x, a, b) if isinstance(x, np.ndarray) and x.ndim == ndim else x
