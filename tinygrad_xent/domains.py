"""The domains of ops, printed on their pages and sampled by their tests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(eq=False)
class Domain:
    r"""A set of inputs in which an op is defined and smooth.

    Attributes
    ----------
    name : str
        The set in words: "positive".
    latex : str
        The set in LaTeX: r"\mathbb{R}_{>0}".
    draw : callable
        `draw(rng, shape)` returns a random array inside the set, away from its boundary.
    """

    name: str
    latex: str
    draw: Callable[[np.random.Generator, Shape], Any]

    def __repr__(self) -> str:
        return f"<domain {self.name}>"


def _draw_distinct(rng: np.random.Generator, shape: Shape) -> Any:
    """Return entries at least 0.15 apart, so that finite differences do not change their order."""
    size = int(np.prod(shape))
    return rng.permutation(size).reshape(shape) * 0.25 - size / 9 + rng.uniform(0, 0.1, shape)


def _draw_simplex(rng: np.random.Generator, shape: Shape) -> Any:
    weights = rng.uniform(0.2, 1.0, shape)
    return weights / weights.sum(axis=-1, keepdims=True)


real = Domain("real", r"\mathbb{R}", lambda rng, shape: rng.normal(size=shape))
positive = Domain("positive", r"\mathbb{R}_{>0}", lambda rng, shape: rng.uniform(0.3, 2, shape))
nonzero = Domain(
    "nonzero",
    r"\mathbb{R}\setminus\{0\}",
    lambda rng, shape: rng.uniform(0.3, 2, shape) * rng.choice([-1, 1], shape),
)
distinct = Domain("distinct", r"\{x : x_i \ne x_j\}", _draw_distinct)
above_minus_one = Domain(
    "above -1", r"\mathbb{R}_{>-1}", lambda rng, shape: rng.uniform(-0.7, 2, shape)
)
above_one = Domain("above 1", r"\mathbb{R}_{>1}", lambda rng, shape: rng.uniform(1.2, 3, shape))
inside_one = Domain(
    "between -1 and 1", r"(-1, 1)", lambda rng, shape: rng.uniform(-0.8, 0.8, shape)
)
first_branch = Domain(
    "between -π/2 and π/2", r"(-\pi/2, \pi/2)", lambda rng, shape: rng.uniform(-1.2, 1.2, shape)
)
between_steps = Domain(
    "not a multiple of 1/2",
    r"\{x : 2x \notin \mathbb{Z}\}",
    lambda rng, shape: rng.integers(-2, 2, shape) + rng.choice([0.17, 0.34, 0.66, 0.83], shape),
)
divisor = Domain(
    "nonzero, and x not a multiple of it",
    r"\{y : y \ne 0,\ x / y \notin \mathbb{Z}\}",
    lambda rng, shape: rng.uniform(0.95, 1.05, shape) * rng.choice([-1, 1], shape),
)
simplex = Domain("probabilities", r"\{p : p_i > 0, \sum_i p_i = 1\}", _draw_simplex)
truth = Domain("true or false", r"\{0, 1\}", lambda rng, shape: rng.random(shape) < 0.5)
held = Domain("held constant", r"\mathbb{R}", real.draw)
labels = Domain(
    "class labels", r"\{0, \dots, n - 1\}", lambda rng, shape: rng.integers(2, size=shape)
)
WITHOUT_GRADIENT = (held, labels, truth)


def named(domain: str | Domain) -> Domain:
    """Return the domain of this name in this module; a domain itself as it is."""
    found: Domain = globals()[domain] if isinstance(domain, str) else domain
    return found
