"""The rule as a function of its own, so that the rule of the rule can be checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_xent.backprop import gradients_or_none
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.checking.habits import own_array
from tinygrad_xent.checking.subjects import Arrays, FunctionSubject, OpSubject, is_real
from tinygrad_xent.errors import TinygradXentError
from tinygrad_xent.graph import Node
from tinygrad_xent.ops import concatenate, reshape, sum_to
from tinygrad_xent.tensor import Tensor


class GradientSubject:
    """From the inputs and an upstream gradient to the gradient, or to all of them in one row.

    Its own backward pass is that through the graph which the rule records when it is handed
    Tensors.
    """

    is_rule = False

    def __init__(self, first: OpSubject | FunctionSubject, upstream: Any) -> None:
        self.first = first
        self.name = f"the rule of {first.name}"
        self.inputs: Arrays = (*first.inputs, upstream)
        self.names: Sequence[str] = (*first.names, "grad")
        self.params = first.params
        self.habits = first.habits

    def value(self, inputs: Arrays) -> Any:
        """Compute the first gradients, by the rule on arrays."""
        *xs, grad = inputs
        out = self.first.value(xs) if self.first.is_rule else None
        results = self.first.vjp(grad, out, xs)
        rows = [
            np.zeros(x.shape) if r is None else sum_to(np.asarray(r), shape=x.shape)
            for r, x in zip(results, xs, strict=True)
            if isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc"
        ]
        return rows[0] if len(rows) == 1 else np.concatenate([row.reshape(-1) for row in rows])

    def vjp(self, grad: Any, out: Any, inputs: Arrays) -> tuple[Any, ...]:  # noqa: ARG002
        """Record the rule on Tensors, and go backwards through what it recorded."""
        total, tensors = self.record(inputs)
        wanted = [x for x in tensors if isinstance(x, Node)]
        second = iter(gradients_or_none(total, wanted, grad, create_graph=False))
        return tuple(next(second) if isinstance(x, Node) else None for x in tensors)

    def record(self, inputs: Arrays) -> tuple[Any, list[Any]]:
        """Record the rule on Tensors."""
        tensors = [Tensor(x) if is_real(x) else x for x in map(own_array, inputs)]
        *xs, upstream = tensors
        wanted = [x for x in xs if isinstance(x, Node)]
        first = gradients_or_none(self.first.on_tensors(xs), wanted, upstream, create_graph=True)
        rows = [
            Tensor(np.zeros(x.shape)) if g is None else g
            for g, x in zip(first, (x.data for x in wanted), strict=True)
        ]
        if len(rows) == 1:
            return rows[0], tensors
        return concatenate([reshape(row, shape=(-1,)) for row in rows]), tensors


def cannot_run(error: Exception, name: str) -> Diagnosis:
    """Say that a rule works on arrays only."""
    return Diagnosis(
        "second-order-only",
        f"The gradient is right, but {name} cannot be differentiated again: it fails on Tensors.",
        name,
        (f"{type(error).__name__}: {error}",),
        "In a rule use operators and the ops of tinygrad_xent, not NumPy's functions or .data.",
    )


def second_only(found: Diagnosis, name: str) -> Diagnosis:
    """Say of a diagnosis of second derivatives that the first are right."""
    return Diagnosis(
        "second-order-only",
        f"The gradient is right, but not its own derivative: differentiated once more with respect "
        f"to {found.input}, {name} goes wrong. {found.message}",
        found.input,
        (f"of the second derivative: {found.code}", *found.evidence),
        "Look for a value that the rule holds constant: .data, np.asarray or NumPy arithmetic cut "
        "the graph. Use the Tensors that it is handed.",
    )


FAILURES = (TinygradXentError, TypeError, AttributeError, ValueError)
