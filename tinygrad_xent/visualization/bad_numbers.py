"""Find where a graph made its first NaN or infinity, forward or backward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.backprop import backpropagate, check_seed
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.visualization.formatting import brief, number
from tinygrad_xent.visualization.formulas import formula_text, letters_of, rule_at
from tinygrad_xent.visualization.naming import names_of
from tinygrad_xent.visualization.rewrites import backward_rewrite, forward_rewrite

_NO_RULE_LEFT = "the output's own gradient is no finite number"


@dataclass(frozen=True, eq=False)
class BadNumber:
    """The first NaN or infinity of a graph, and what made it.

    Attributes
    ----------
    phase : str
        "forward" or "backward".
    tensor : Tensor
        Forward: whose value is bad. Backward: whose rule sent the bad number.
    name : str
        What it is called, by its name or as v0, v1, ... in order of birth.
    op : str
        The op that made the number; empty for a leaf that came with it.
    index : tuple of int
        Its place.
    value : float
        nan, inf or -inf.
    causes : dict of str to str
        What the op was given at that place, by the names of its inputs.
    message : str
        What happened, in one sentence.
    rewrite : str
        What to write instead; empty where nothing general can be said.
    """

    phase: str
    tensor: Node
    name: str
    op: str
    index: tuple[int, ...]
    value: float
    causes: dict[str, str]
    message: str
    rewrite: str

    def __str__(self) -> str:
        return f"{self.message}.\n{self.rewrite}" if self.rewrite else f"{self.message}."


def first_bad(
    output: Node, *, seed: Any = None, names: Mapping[str, Any] | None = None
) -> BadNumber | None:
    """Name the op that made the first NaN or infinity, and what avoids it.

    Both passes are searched, the forward pass first. An infinity that a leaf came with (a masked
    logit) counts only if a NaN comes of it.

    Parameters
    ----------
    output : Tensor
        The end of the graph, usually the loss.
    seed : array_like, optional
        The gradient of `output`; ones by default.
    names : mapping of str to Tensor, optional
        What to call the tensors, before their own names, such as `locals()`.

    Returns
    -------
    BadNumber or None
        None if every number of both passes is finite.

    Raises
    ------
    NotRecordedError, GradientDtypeError, SeedShapeError, StaleGraphError
        If there is no graph, or no backward pass; the message says why.

    Examples
    --------
    >>> import tinygrad_xent as tx
    >>> z = tx.Tensor([0.0, -800.0], name="z")
    >>> with np.errstate(divide="ignore"):  # NumPy warns too, but does not say where
    ...     print(tx.first_bad(tx.log(tx.softmax(z)).sum()))
    log made -inf at v2[1] out of v1 = 0.
    The softmax underflowed to 0: write log_softmax(z), or a cross-entropy from the logits.
    """
    if isinstance(output, Node) and seed is None:
        seed = np.ones_like(output.data)
    seed = check_seed(output, seed)
    nodes = ancestors(output)
    called = names_of(nodes, names)
    return _forward(nodes, called) or _backward(output, seed, called)


def _forward(nodes: list[Node], names: dict[Node, str]) -> BadNumber | None:
    with_nan = None
    for node in nodes:
        if np.isfinite(node.data).all():
            continue
        made_here = node.op is not None and all(map(_finite, node.inputs))
        if made_here:
            return _made(node, ~np.isfinite(node.data), names)
        nan = np.isnan(node.data)
        new_nan = nan.any() and not any(np.isnan(_data(x)).any() for x in node.inputs)
        if new_nan and with_nan is None:
            with_nan = _made(node, nan, names)
    return with_nan


def _made(node: Node, bad: Any, names: dict[Node, str]) -> BadNumber:
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    value = float(node.data[index])
    place = names[node] + (f"[{', '.join(map(str, index))}]" if index else "")
    if node.op is None:
        message = f"{place} is {number(value)} from the start: it is a leaf"
        return BadNumber("forward", node, names[node], "", index, value, {}, message, "")
    causes = _causes(node, index, node.data.shape, names)
    given = " and ".join(f"{name} = {text}" for name, text in causes.items())
    message = f"{node.op.name} made {number(value)} at {place} out of {given}"
    rewrite = forward_rewrite(node, index, names)
    return BadNumber(
        "forward", node, names[node], node.op.name, index, value, causes, message, rewrite
    )


def _backward(output: Node, seed: Any, names: dict[Node, str]) -> BadNumber | None:
    found: list[BadNumber] = []

    def look(node: Node, i: int, result: Any, contribution: Any, _total: Any) -> None:
        if found or np.isfinite(contribution).all() or node.op is None:
            return
        target = node.inputs[i]
        index = tuple(int(k) for k in np.argwhere(~np.isfinite(contribution))[0])
        value = float(contribution[index])
        place = names[target] + (f"[{', '.join(map(str, index))}]" if index else "")
        causes = {f"∂{names[node]}": _at(incoming, index, contribution.shape)}
        causes |= _causes(node, index, contribution.shape, names)
        inputs = tuple(names[x] if isinstance(x, Node) else "" for x in node.inputs)
        latex = rule_at(node, i, np.shape(result))
        rule = formula_text(latex, letters_of(node.op, inputs, names[node]))
        given = " and ".join(f"{name} = {text}" for name, text in causes.items())
        message = (
            f"the rule of {node.op.name}, {rule}, sent {number(value)} to {place} out of {given}"
        )
        rewrite = backward_rewrite(node, i, index, incoming)
        found.append(
            BadNumber(
                "backward", node, names[node], node.op.name, index, value, causes, message, rewrite
            )
        )

    with np.errstate(all="ignore"):
        for _, grad in backpropagate(output, seed, observe=look):
            incoming = grad
            if found:
                break
    return found[0] if found else None


def _causes(
    node: Node, index: tuple[int, ...], shape: tuple[int, ...], names: dict[Node, str]
) -> dict[str, str]:
    """Write what an op was given at a place, each input under its tensor's name."""
    words = node.op.names_of(len(node.inputs)) if node.op else ()
    taken = set(names.values())
    found = {}
    for word, x in zip(words, node.inputs, strict=True):
        constant = f"the constant {word}" if word in taken else word
        if x is not None:
            found[names[x] if isinstance(x, Node) else constant] = _at(_data(x), index, shape)
    return found


def _at(x: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """Write what an input has at a place of the output; its range where places do not match."""
    try:
        return number(np.broadcast_to(x, shape)[index])
    except ValueError:
        return brief(x)


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Node) else np.asarray(0.0 if x is None else x)


def _finite(x: Any) -> bool:
    return bool(np.isfinite(_data(x)).all())
