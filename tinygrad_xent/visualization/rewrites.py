"""What to write instead of an op that made a NaN or an infinity: one small function per op.

A function is handed the node, the place of the bad number and the tensors' names; it answers with a
sentence, or with nothing where it does not apply. To add one, write it and put `@rewrites("op")`
above it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.formatting import number

Names = Mapping[Node, str]
Rewrite = Callable[[Node, tuple[int, ...], Names], str]

_FORWARD: dict[str, Rewrite] = {}


def rewrites(*ops: str) -> Callable[[Rewrite], Rewrite]:
    """Register a function for the ops of these names."""

    def register(function: Rewrite) -> Rewrite:
        _FORWARD.update(dict.fromkeys(ops, function))
        return function

    return register


def forward_rewrite(node: Node, index: tuple[int, ...], names: Names) -> str:
    """Say what avoids the number that `node` made at `index`."""
    name = node.op.name if node.op else ""
    advice = _FORWARD[name](node, index, names) if name in _FORWARD else ""
    return advice or _overflow(node)


def backward_rewrite(node: Node, i: int, index: tuple[int, ...], incoming: Any) -> str:
    """Say what avoids the number that the rule of `node` sent to its input `i`."""
    name = node.op.name if node.op else ""
    masked = np.shape(incoming) == node.inputs[i].data.shape and incoming[index] == 0
    if masked:
        return (
            "The gradient that arrives is 0, so a mask hides this entry, but 0 times infinity "
            f"is NaN: mask the input of {name} too, where(mask, x, 1), not only its result."
        )
    if name in ("sqrt", "power", "log", "divide", "crossentropy"):
        return (
            f"The slope of {name} is infinite at 0: keep its input away from 0, for example x + "
            "1e-12."
        )
    return ""


def _from_op(x: Any, *ops: str) -> bool:
    return isinstance(x, Node) and x.op is not None and x.op.name in ops


def _value(node: Node, i: int, index: tuple[int, ...]) -> Any:
    x = node.inputs[i]
    return np.broadcast_to(x.data if isinstance(x, Node) else x, node.data.shape)[index]


def _name(x: Any, names: Names) -> str:
    return names[x] if isinstance(x, Node) and x in names else "x"


def _overflow(node: Node) -> str:
    """Speak of the dtype, if the number would fit into a wider one."""
    dtype = node.data.dtype
    if dtype.kind != "f" or not np.isinf(node.data).any() or dtype == np.float64:
        return ""
    return (
        f"The result is beyond {dtype} (largest number {number(np.finfo(dtype).max)}): compute in "
        "float64, or in smaller numbers."
    )


@rewrites("log")
def _log(node: Node, index: tuple[int, ...], names: Names) -> str:
    (x,) = node.inputs
    value = _value(node, 0, index)
    if value < 0:
        return f"The logarithm needs positive numbers: look at what made {_name(x, names)}."
    if _from_op(x, "softmax"):
        logits = _name(x.inputs[0], names)
        return (
            f"The softmax underflowed to 0: write log_softmax({logits}), or a cross-entropy from "
            "the logits."
        )
    if _from_op(x, "sum") and _from_op(x.inputs[0], "exp"):
        return "Every exponential underflowed to 0: write logsumexp."
    if _from_op(x, "sigmoid"):
        return (
            f"The sigmoid underflowed to 0: write -logsumexp of 0 and -{_name(x.inputs[0], names)}."
        )
    called = _name(x, names)
    return f"log(0) is minus infinity: keep it from 0, for example by clip({called}, 1e-7, None)."


@rewrites("exp", "expm1")
def _exp(node: Node, index: tuple[int, ...], names: Names) -> str:
    largest = np.log(np.finfo(node.data.dtype).max)
    return (
        f"exp overflows above {number(largest)} in {node.data.dtype}: subtract the maximum "
        "first, as softmax and logsumexp do."
    )


@rewrites("divide")
def _divide(node: Node, index: tuple[int, ...], names: Names) -> str:
    if _value(node, 1, index) != 0:
        return ""
    y = node.inputs[1]
    if _from_op(y, "sum") and _from_op(y.inputs[0], "exp"):
        return (
            "Every exponential underflowed to 0: write softmax, which subtracts the maximum first."
        )
    return (
        f"The divisor {_name(y, names)} is 0: keep it from 0, or choose with where before dividing."
    )


@rewrites("sqrt")
def _sqrt(node: Node, index: tuple[int, ...], names: Names) -> str:
    return (
        f"The square root needs numbers from 0: look at what made {_name(node.inputs[0], names)}."
    )


@rewrites("log1p")
def _log1p(node: Node, index: tuple[int, ...], names: Names) -> str:
    return f"log1p needs numbers above -1: look at what made {_name(node.inputs[0], names)}."


@rewrites("power")
def _power(node: Node, index: tuple[int, ...], names: Names) -> str:
    base, exponent = _value(node, 0, index), _value(node, 1, index)
    if base == 0 and exponent < 0:
        return "0 to a negative power is infinite: keep the base from 0, for example x + 1e-12."
    if base < 0 and exponent != np.round(exponent):
        return "A negative number has no real power with a fraction: take the absolute value first."
    return ""


@rewrites("subtract", "add")
def _difference(node: Node, index: tuple[int, ...], names: Names) -> str:
    if np.isinf(_value(node, 0, index)) and np.isinf(_value(node, 1, index)):
        return "Infinity minus infinity is no number: look for the first infinity."
    return ""


@rewrites("multiply")
def _product(node: Node, index: tuple[int, ...], names: Names) -> str:
    values = [_value(node, i, index) for i in (0, 1)]
    if 0 in values and np.isinf(values).any():
        return "0 times infinity is no number: choose with where instead of multiplying by a mask."
    return ""


@rewrites("crossentropy")
def _crossentropy(node: Node, index: tuple[int, ...], names: Names) -> str:
    if _from_op(node.inputs[0], "softmax"):
        return "The softmax underflowed to 0: use a cross-entropy from the logits."
    return "A class with a label has probability 0: use a cross-entropy from logits, or clip."


@rewrites("softmax_cross_entropy", "sparse_softmax_cross_entropy", "softmax", "log_softmax")
def _fused(node: Node, index: tuple[int, ...], names: Names) -> str:
    logits = node.inputs[-1]
    data = logits.data if isinstance(logits, Node) else np.asarray(logits)
    if np.isnan(node.data[index]) and np.isinf(data).any():
        return "A row of logits has +inf, or nothing but -inf: its softmax is not defined."
    if np.isinf(node.data[index]):
        return "The label's own logit is infinitely far below the largest: check the mask."
    return ""
