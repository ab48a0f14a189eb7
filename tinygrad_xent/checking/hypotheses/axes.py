"""Sums along a wrong axis."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim

_MOST_ROWS = 64
_ROWS_TRIED = 3


def wrong_axis(case: Case) -> Iterator[Claim]:
    """Right with its axes exchanged, or with one row at a time: then a sum takes a wrong way."""
    if case.subject.params.get("axis") is not None or _rows_alone(case) is not None:
        yield from _axes_exchanged(case)
    yield from _one_row_at_a_time(case)


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


def _one_row_at_a_time(case: Case) -> Iterator[Claim]:
    parts = _rows_alone(case)
    if parts is not None:
        yield Claim(
            "wrong-axis",
            "The rule for {name} mixes the rows of the batch: it is right for one row at a time.",
            parts,
            "A sum runs over the whole array. It should run along one axis, with keepdims=True.",
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
