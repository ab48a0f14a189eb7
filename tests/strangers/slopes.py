"""The slopes of a stranger's function by plain differences, and the numbers of its rule.

Nothing of the package computes here, so that the check is measured against something else.
"""

from __future__ import annotations

import numpy as np
from strangers.case import Case


def is_real(x: object) -> bool:
    """Return whether x has a gradient: labels, tokens and masks do not."""
    return np.asarray(x).dtype.kind == "f"


def output_of(case: Case) -> np.ndarray:
    """Return what the function computes at the inputs of the case."""
    return np.asarray(case.op.function(*case.inputs, **case.params))


def upstream_of(case: Case, seed: int = 5) -> np.ndarray:
    """Return a random upstream gradient."""
    y = output_of(case)
    return np.random.default_rng(seed).normal(size=y.shape).astype(y.dtype)


def by_rule(case: Case, grad: np.ndarray) -> list[np.ndarray | None]:
    """Return the gradients that the rule computes, as the engine reads them, or None."""
    inputs = [np.array(x) for x in case.inputs]
    results = case.op.rule(
        grad.copy(), output_of(case), *inputs, **{**case.op.defaults, **case.params}
    )
    results = results if isinstance(results, tuple) else (results,)
    if len(results) != len(inputs):
        return [None] * len(inputs)
    results = [np.asarray(r() if callable(r) else r, dtype=float) for r in results]
    return [summed_to(r, x.shape) for r, x in zip(results, inputs, strict=True)]


def summed_to(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return the gradient summed over what broadcasting repeated, or None if it does not fit."""
    if gradient.ndim < len(shape):
        return None
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 != gradient.shape[i])
    gradient = gradient.sum(axis=repeated, keepdims=True)
    return gradient if gradient.shape == shape else None


def by_differences(case: Case, grad: np.ndarray) -> list[np.ndarray | None]:
    """Return the gradients by central differences of the function, None for labels and masks."""
    return [_slopes(case, i, grad) if is_real(x) else None for i, x in enumerate(case.inputs)]


def _slopes(case: Case, position: int, grad: np.ndarray) -> np.ndarray:
    x = np.asarray(case.inputs[position], dtype=float)
    slopes = np.zeros(x.shape)
    for entry in np.ndindex(x.shape):
        step = 1e-5 * abs(x[entry]) or 1e-5
        ends = []
        for moved in (x[entry] + step, x[entry] - step):
            inputs = [np.asarray(i, float) if is_real(i) else i for i in case.inputs]
            inputs[position] = x.copy()
            inputs[position][entry] = moved
            ends.append(case.op.function(*inputs, **case.params))
        slopes[entry] = np.sum((ends[0] - ends[1]) * grad) / (2 * step)
    return slopes


def alike(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Return whether two gradients agree to 1 in 1,000 of the largest entry."""
    if a is None or b is None or a.shape != b.shape:
        return False
    return np.allclose(a, b, rtol=0, atol=1e-3 * np.max(np.abs(b), initial=1e-30))


def disagrees(case: Case) -> bool:
    """Return whether the rule computes other numbers than plain differences."""
    grad = upstream_of(case)
    both = zip(by_rule(case, grad), by_differences(case, grad), strict=True)
    return any(expected is not None and not alike(found, expected) for found, expected in both)
