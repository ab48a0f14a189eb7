"""One place where a function and its rule are tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking.subjects import FunctionSubject, OpSubject, is_real
from tinygrad_xent.errors import RuleResultError, RuleShapeError
from tinygrad_xent.ops import sum_to


@dataclass(frozen=True)
class Law:
    """What must hold for the gradient of one input.

    Attributes
    ----------
    code : str
        "shape", "linear", "shift", "scale", "total", "batch", "symmetry" or "convexity"; of a rule
        that writes into its arguments "in-place", of one that keeps an array "not-repeatable".
    input : str
        Whose gradient.
    ok : bool
    because : str
        What the function does, and what follows for the gradient.
    numbers : str
        Where the law is broken: what was found instead.
    """

    code: str
    input: str
    ok: bool
    because: str
    numbers: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.because, self.numbers)))


class Point:
    """A function and its rule around one place, in double precision."""

    def __init__(self, subject: OpSubject | FunctionSubject, rng: np.random.Generator) -> None:
        self.subject = subject
        self.rng = rng
        self.inputs = [x.astype(np.float64) if is_real(x) else x for x in subject.inputs]
        self.real = [i for i, x in enumerate(self.inputs) if is_real(x)]
        self.out = self.value(self.inputs)
        self.upstream = rng.normal(size=self.out.shape)
        self.grads = self.vjp(self.upstream)

    def name(self, i: int) -> str:
        """What an input is called."""
        return self.subject.names[i]

    def value(self, inputs: Any) -> Any:
        """Compute the function."""
        return np.asarray(self.subject.value(inputs))

    def moved(self, i: int, x: Any) -> Any:
        """Compute the function with another value of one input."""
        return self.value([*self.inputs[:i], x, *self.inputs[i + 1 :]])

    def raw(self, upstream: Any, inputs: Any = None) -> list[Any]:
        """Ask the rule; zeros where it gives nothing."""
        inputs = self.inputs if inputs is None else inputs
        out = self.out if inputs is self.inputs else self.value(inputs)
        given = self.subject.vjp(upstream, out, inputs)
        if len(given) != len(inputs):
            raise RuleResultError(
                f"`{self.subject.name}` returned {len(given)} gradients for {len(inputs)} inputs; "
                f"return one for each of {', '.join(self.subject.names)}"
            )
        for i in self.real:
            kind = np.asarray(0 if given[i] is None else given[i]).dtype
            if kind.kind not in "fiub":
                raise RuleResultError(
                    f"`{self.subject.name}` returned {kind} for `{self.name(i)}`; return real "
                    "numbers"
                )
        return [
            np.zeros_like(x) if g is None and is_real(x) else g
            for g, x in zip(given, inputs, strict=True)
        ]

    def vjp(self, upstream: Any, inputs: Any = None) -> list[Any]:
        """Ask the rule, and undo broadcasting; NaN where the shape cannot be explained."""
        inputs = self.inputs if inputs is None else inputs
        return [
            fitted(g, x) if is_real(x) else None
            for g, x in zip(self.raw(upstream, inputs), inputs, strict=True)
        ]


def fitted(grad: Any, x: Any) -> Any:
    """Give a gradient the shape of its input, as the engine does."""
    grad = np.asarray(grad, np.float64)
    if grad.shape == x.shape:
        return grad
    try:
        return sum_to(grad, shape=x.shape)
    except RuleShapeError:
        return np.full(x.shape, np.nan)
