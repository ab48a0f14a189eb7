"""Numbers that can be computed with by hand: how they are written, and how to find some."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.naming import shown

_ATTEMPTS = 90
_SLACK = 1.2  # how much longer than the shortest numbers may be, so that seeds differ
_INEXACT, _ZERO = 12, 8  # how many characters a number counts for that is not exact, or says little
_ROUNDING = 1e-13  # what is left of a 0, such as of 0.1 + 0.2 - 0.3; by hand it is 0
_CHOICES = (
    np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]),
    np.log([1.0, 2.0, 3.0, 4.0]),  # a softmax makes fractions of them
)


def exactly(x: float) -> str | None:
    """Write a number as one does by hand, or give None if that is not possible.

    Examples
    --------
    >>> [exactly(x) for x in (3.0, -0.25, 1 / 6, np.log(2), -np.log(1.5), 1e-17, 0.41703)]
    ['3', '-0.25', '1/6', 'ln 2', '-ln(3/2)', '0', None]
    """
    if not math.isfinite(x) or abs(x) >= 1000:
        return None
    if abs(x) < _ROUNDING:
        return "0"
    if math.isclose(x, round(x, 2), rel_tol=1e-9):
        return f"{round(x, 2) + 0.0:g}"  # + 0.0 makes 0 of -0
    if (fraction := _fraction(x)) is not None:
        return str(fraction)
    inside = _fraction(math.exp(abs(x))) if abs(x) < 10 else None
    if inside is not None and inside != 1:
        text = f"ln {inside}" if inside.denominator == 1 else f"ln({inside})"
        return f"-{text}" if x < 0 else text
    return None


def _fraction(x: float) -> Fraction | None:
    fraction = Fraction(x).limit_denominator(36)
    return fraction if math.isclose(float(fraction), x, rel_tol=1e-9) else None


def by_hand(x: Any) -> str:
    """Write a number exactly where that is possible, else with three digits."""
    return exactly(float(x)) or number(x)


def friendly(output: Node) -> bool:
    """Whether all values and gradients of a graph can be written exactly."""
    return all(exactly(x) is not None for x in _numbers(output))


def with_friendly_numbers(output: Node, seed: int) -> tuple[Node, dict[Node, Node]]:
    """Compute a graph again from other numbers, such that all others come out easy as well.

    Integers are tried, and logarithms of integers; one of those with the shortest numbers wins.

    Returns
    -------
    Tensor, dict of Tensor to Tensor
        The new output, and the new counterpart of each tensor.
    """
    rng = np.random.default_rng(seed)
    leaves = [node for node in shown(output) if node.op is None and node.data.dtype.kind == "f"]
    twins = []
    for attempt in range(_ATTEMPTS):
        some = _CHOICES[attempt % 3 : attempt % 3 + 1] or _CHOICES  # integers, logarithms, or both
        drawn = {x: _drawn(rng, some[rng.integers(len(some))], x.data.shape) for x in leaves}
        twins.append(_recomputed(output, drawn))
    efforts = np.array([sum(map(_effort, _numbers(twin[output]))) for twin in twins])
    chosen = twins[rng.choice(np.flatnonzero(efforts <= _SLACK * efforts.min()))]
    return chosen[output], chosen


def _drawn(rng: np.random.Generator, choice: Any, shape: tuple[int, ...]) -> Any:
    """Draw numbers, all different as long as there are enough: equal ones hide mistakes."""
    size = math.prod(shape)
    rounds = [rng.permutation(choice) for _ in range(0, max(size, 1), choice.size)]
    return np.concatenate(rounds)[:size].reshape(shape)


def _recomputed(output: Node, data: Mapping[Node, Any]) -> dict[Node, Node]:
    twin: dict[Node, Node] = {}
    with np.errstate(all="ignore"):
        for node in shown(output):
            if node.op is None:
                twin[node] = type(node)(data.get(node, node.data))
            else:
                inputs = [twin[x] if isinstance(x, Node) else x for x in node.inputs]
                params = {
                    key: twin[x] if isinstance(x, Node) else x for key, x in node.params.items()
                }
                twin[node] = node.op.on(inputs, params)
            twin[node].name = node.name
    return twin


def _numbers(output: Node) -> list[float]:
    """All values and all gradients."""
    arrays = [node.data for node in shown(output) if node.data.dtype.kind == "f"]
    with np.errstate(all="ignore"):
        arrays += [grad for _, grad in backpropagate(output)]
    return [float(x) for array in arrays for x in np.ravel(array)]


def _effort(x: float) -> int:
    if x == 0:
        return _ZERO
    text = exactly(x)
    return _INEXACT if text is None else len(text)
