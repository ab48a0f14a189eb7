"""Find where a graph made its first NaN or infinity, forward or backward."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_xent.arrays import first
from tinygrad_xent.backprop import backpropagate, check_seed
from tinygrad_xent.graph import Node, ancestors, parents
from tinygrad_xent.visualization.formatting import brief, number
from tinygrad_xent.visualization.formulas import formula_text, letters_of, rule_at
from tinygrad_xent.visualization.naming import entry_name, names_of
from tinygrad_xent.visualization.readable import Readable

Names = Mapping[Node, str]
_DOUBLE_WHERE = (
    "Write the double where: mask the input of {} too, where(mask, x, 1), not only its result."
)
_INSIDE = {  # what a domain is called, and what is inside
    "positive": lambda x: x > 0,
    "nonzero": lambda x: x != 0,
    "above -1": lambda x: x > -1,
    "above 1": lambda x: x > 1,
    "between -1 and 1": lambda x: abs(x) < 1,
}
_MASK = (
    "It reaches the end: if it is a mask, it hides an entry that counts, such as the class of a "
    "label."
)


@dataclass(frozen=True, eq=False, repr=False)
class BadNumber(Readable):
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
    NotRecordedError, DtypeError, ShapeError, StaleGraphError
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
    found = _forward(nodes, called)
    masked = any(_is_op(node, "where") for node in nodes)
    if found and found.op and _finite(output) and masked:
        hidden = f"A mask hides this entry, but not its slope. {_DOUBLE_WHERE.format(found.op)}"
        return replace(found, rewrite=hidden)
    return found or _backward(output, seed, called)


def _forward(nodes: list[Node], names: Names) -> BadNumber | None:
    with_nan = None
    for node in nodes:
        if np.isfinite(node.data).all():
            continue
        chosen = _is_op(node, "where")  # which makes no number: its infinity is that of a mask
        made_here = node.op is not None and not chosen and all(map(_finite, node.inputs))
        if made_here or _masks_a_label(node):
            return _made(node, ~np.isfinite(node.data), names)
        nan = np.isnan(node.data)
        new_nan = nan.any() and not any(np.isnan(x.data).any() for x in parents(node))
        if new_nan and with_nan is None:
            with_nan = _made(node, nan, names)
    return with_nan or _reached(nodes[-1], names)


def _masks_a_label(node: Node) -> bool:
    """Return whether a loss is infinite, though its logits are at most -inf."""
    loss = _is_op(node, "softmax_cross_entropy", "sparse_softmax_cross_entropy")
    return loss and bool(np.isposinf(node.data).any() and np.max(_data(node.inputs[-1])) < np.inf)


def _reached(output: Node, names: Names) -> BadNumber | None:
    """Return the leaf whose infinity reaches the output, or the op that got it as a constant."""
    if np.isfinite(output.data).all():
        return None
    leaf = output
    while bad := [x for x in parents(leaf) if not _finite(x)]:
        leaf = bad[0]
    return _made(leaf, ~np.isfinite(leaf.data), names)


def _made(node: Node, bad: Any, names: Names) -> BadNumber:
    index = first(bad)
    value = float(node.data[index])
    place, op, causes = entry_name(names[node], index), "", {}
    message = f"{place} is {number(value)} from the start: it is a leaf"
    rewrite = _MASK if np.isinf(value) else ""
    if node.op is not None:
        op, causes = node.op.name, _causes(node, index, node.data.shape, names)
        message = f"{op} made {number(value)} at {place} out of {_given(causes)}"
        rewrite = _vanished(node) or _forward_rewrite(node, index, names)
        if not rewrite and np.isinf(value):
            rewrite = _overflow(node)
    return BadNumber("forward", node, names[node], op, index, value, causes, message, rewrite)


def _backward(output: Node, seed: Any, names: Names) -> BadNumber | None:
    found: list[BadNumber] = []

    def look(node: Node, i: int, result: Any, contribution: Any, _total: Any) -> None:
        if found or np.isfinite(contribution).all() or node.op is None:
            return
        target, name, op = node.inputs[i], names[node], node.op.name
        index = first(~np.isfinite(contribution))
        value = float(contribution[index])
        causes = {f"∂{name}": _at(incoming, index, contribution.shape)}
        causes |= _causes(node, index, contribution.shape, names)
        inputs = tuple(names[x] if isinstance(x, Node) else "" for x in node.inputs)
        rule = formula_text(rule_at(node, i, np.shape(result)), letters_of(node.op, inputs, name))
        place = entry_name(names[target], index)
        sent = f"sent {number(value)} to {place} out of {_given(causes)}"
        message = f"the rule of {op}, {rule}, {sent}"
        rewrite = _backward_rewrite(node, i, index, incoming, names)
        bad = BadNumber("backward", node, name, op, index, value, causes, message, rewrite)
        found.append(bad)

    harm = False  # an infinity that no leaf gets is none, as where a mask follows
    with np.errstate(all="ignore"):
        for node, grad in backpropagate(output, seed, observe=look):
            incoming = grad
            harm = harm or (node.op is None and not np.isfinite(grad).all())
            if found and harm:
                return found[0]
    return None


def _given(causes: Mapping[str, str]) -> str:
    return " and ".join(f"{name} = {text}" for name, text in causes.items())


def _causes(
    node: Node, index: tuple[int, ...], shape: tuple[int, ...], names: Names
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


# -- what to write instead -------------------------------------------------------------------


def _forward_rewrite(node: Node, index: tuple[int, ...], names: Names) -> str:
    """Return what avoids the number that an op made at `index`; empty where nothing is known."""

    def value(i: int) -> Any:
        return np.broadcast_to(_data(node.inputs[i]), node.data.shape)[index]

    x, y = node.inputs[0], node.inputs[-1]
    match node.op.name if node.op else "":
        case "log" if _is_op(x, "softmax"):
            return (
                f"The softmax underflowed to 0: write log_softmax({_name(x.inputs[0], names)}), or "
                "a cross-entropy from the logits."
            )
        case "log" if _sums_exponentials(x):
            return "Every exponential underflowed to 0: write logsumexp."
        case "log" if _is_op(x, "sigmoid"):
            z = _name(x.inputs[0], names)
            return f"The sigmoid underflowed to 0: write -logsumexp of 0 and -{z}."
        case "log" if value(0) == 0:
            clipped = f"clip({_name(x, names)}, {_small(node, '1e-7')}, None)"
            return f"log(0) is minus infinity: keep it from 0, for example by {clipped}."
        case "exp" | "expm1":
            largest = number(np.log(np.finfo(node.data.dtype).max))
            return (
                f"exp overflows above {largest} in {node.data.dtype}: subtract the maximum first, "
                "as softmax and logsumexp do."
            )
        case "divide" if value(1) == 0 and _sums_exponentials(y):
            return (
                "Every exponential underflowed to 0: write softmax, which subtracts the maximum "
                "first."
            )
        case "divide" if value(1) == 0:
            return (
                f"The divisor {_name(y, names, 'y')} is 0: keep it from 0, or choose with where "
                "before dividing."
            )
        case "power" if value(0) == 0 and value(1) < 0:
            return (
                "0 to a negative power is infinite: keep the base from 0, for example x + "
                f"{_small(node)}."
            )
        case "power" if value(0) < 0 and value(1) != np.round(value(1)):
            return "A negative number has no real fractional power: take the absolute value first."
        case "subtract" | "add" if np.isinf(value(0)) and np.isinf(value(1)):
            return "Infinity minus infinity is not a number: look for the first infinity."
        case "multiply" if 0 in (value(0), value(1)) and np.isinf((value(0), value(1))).any():
            return (
                "0 times infinity is not a number: choose with where instead of multiplying by a "
                "mask."
            )
        case "crossentropy" if _is_op(x, "softmax"):
            return "The softmax underflowed to 0: use a cross-entropy from the logits."
        case "crossentropy":
            return (
                "A class with a label has probability 0: use a cross-entropy from logits, or clip."
            )
        case "softmax_cross_entropy" | "sparse_softmax_cross_entropy" | "softmax" | "log_softmax":
            if np.isnan(node.data[index]) and np.isinf(_data(y)).any():
                return "A row of logits has +inf, or nothing but -inf: its softmax is not defined."
            if np.isinf(node.data[index]) and not _finite(y):
                return "The label's own logit is infinitely far below the largest: check the mask."
    return _outside(node, index, names)


def _backward_rewrite(
    node: Node, i: int, index: tuple[int, ...], incoming: Any, names: Names
) -> str:
    """Return what avoids the number that the rule of `node` sent to its input `i`."""
    name = node.op.name if node.op else ""
    masked = np.shape(incoming) == node.inputs[i].data.shape and incoming[index] == 0
    if masked:
        return (
            "The gradient that arrives is 0, so a mask hides this entry, but 0 times infinity "
            f"is NaN. {_DOUBLE_WHERE.format(name)}"
        )
    if name in ("sqrt", "power", "log", "divide", "crossentropy"):
        if _at(node.inputs[i].data, index, np.shape(incoming)) != "0":
            return _overflow(node, "The slope")
        return _vanished(node) or (
            f"The slope of {name} is infinite at 0: keep its input away from 0, for example x + "
            f"{_small(node)}."
        )
    return _outside(node, index, names)


def _outside(node: Node, index: tuple[int, ...], names: Names) -> str:
    """Name the domain of a function of one variable, if it was given a number outside."""
    x = node.inputs[0]
    if node.op is None or len(node.inputs) > 1 or _data(x).shape != node.data.shape:
        return ""
    domain, value = node.op.domains[0].name, _data(x)[index]
    inside = _INSIDE.get(domain)
    if inside is None or inside(value):
        return ""
    return f"{node.op.name} needs numbers that are {domain}: look at what made {_name(x, names)}."


def _small(node: Node, usual: str = "1e-12") -> str:
    """Return a number to keep an input from 0 by, whose inverse the dtype can hold."""
    return "1e-4" if node.data.dtype == np.float16 else usual


def _vanished(node: Node) -> str:
    """Return what to write for a small number that should keep an input from 0, and is 0 itself."""
    for x in node.inputs:
        if not _is_op(x, "add", "clip", "maximum", "multiply", "subtract") or np.all(x.data):
            continue
        dtype = x.data.dtype
        for small in map(_data, x.inputs):
            if small.ndim == 0 and small != 0 and dtype.type(small) == 0:
                return f"{number(small)} is 0 in {dtype}: use {_small(x)}, or compute in float64."
    return ""


def _is_op(x: Any, *ops: str) -> bool:
    return isinstance(x, Node) and x.op is not None and x.op.name in ops


def _sums_exponentials(x: Any) -> bool:
    return _is_op(x, "sum") and _is_op(x.inputs[0], "exp")


def _name(x: Any, names: Names, constant: str = "x") -> str:
    return names[x] if isinstance(x, Node) else constant


def _overflow(node: Node, what: str = "The result") -> str:
    """Advise a wider dtype if the number would fit into one."""
    dtype = node.data.dtype
    if dtype.kind != "f" or dtype == np.float64:
        return ""
    return (
        f"{what} is beyond {dtype} (largest number {number(np.finfo(dtype).max)}): compute in "
        "float64, or in smaller numbers."
    )
