"""Numbers that are easy to compute with by hand: writing them exactly, and finding some."""

import math
from fractions import Fraction
from typing import Any

import numpy as np

from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.checking.replaying import rebuild
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.visualization.formatting import number

_ATTEMPTS = 90
_SLACK = 1.2  # how much longer than the shortest numbers others may be, so that seeds differ
_INEXACT, _ZERO = 12, 8  # a number without an exact form, and 0, count as this many characters
_ROUNDING = 1e-13  # smaller numbers are 0 apart from rounding errors, such as 0.1 + 0.2 - 0.3
_CHOICES = (
    np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]),
    np.log([1.0, 2.0, 3.0, 4.0]),  # a softmax turns them into fractions
)


def exact_text(x: float) -> str | None:
    """Return a number as written by hand, or None if it has no short exact form.

    Examples
    --------
    >>> [exact_text(x) for x in (3.0, -0.25, 1 / 6, np.log(2), -np.log(1.5), 1e-17, 0.41703)]
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


def exact_or_rounded(x: Any) -> str:
    """Return a number exactly if possible, otherwise with three digits."""
    return exact_text(float(x)) or number(x)


def is_easy(output: Node) -> bool:
    """Return whether all values and gradients of a graph can be written exactly."""
    return all(exact_text(x) is not None for x in _numbers(output))


def with_easy_numbers(output: Node, seed: int) -> tuple[Node, dict[Node, Node]]:
    """Return a copy of a graph, computed from other numbers so that all its numbers are easy.

    The leaves get integers and logarithms of integers; of many attempts, one with the shortest
    numbers is chosen.

    Returns
    -------
    Tensor, dict of Tensor to Tensor
        The new output, and the copy of each tensor.
    """
    rng = np.random.default_rng(seed)
    leaves = [node for node in ancestors(output) if node.op is None and node.data.dtype.kind == "f"]
    twins = []
    for attempt in range(_ATTEMPTS):
        kinds = _CHOICES[attempt % 3 : attempt % 3 + 1] or _CHOICES  # integers, logarithms, both
        drawn = {x: _drawn(rng, kinds[rng.integers(len(kinds))], x.data.shape) for x in leaves}
        twins.append(rebuild(output, data=drawn))
    efforts = np.array([sum(map(_effort, _numbers(twin[output]))) for twin in twins])
    chosen = twins[rng.choice(np.flatnonzero(efforts <= _SLACK * efforts.min()))]
    return chosen[output], chosen


def _drawn(rng: np.random.Generator, choice: Any, shape: tuple[int, ...]) -> Any:
    """Return random numbers, all different while there are enough: equal ones hide mistakes."""
    size = math.prod(shape)
    rounds = [rng.permutation(choice) for _ in range(0, max(size, 1), choice.size)]
    return np.concatenate(rounds)[:size].reshape(shape)


def _numbers(output: Node) -> list[float]:
    """Return all values and gradients of a graph."""
    arrays = [node.data for node in ancestors(output) if node.data.dtype.kind == "f"]
    with np.errstate(all="ignore"):
        arrays += [grad for _, grad in backpropagate(output)]
    return [float(x) for array in arrays for x in np.ravel(array)]


def _effort(x: float) -> int:
    if x == 0:
        return _ZERO
    text = exact_text(x)
    return _INEXACT if text is None else len(text)
