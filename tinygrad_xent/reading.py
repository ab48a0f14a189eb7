"""What everything that shows a graph agrees on: which tensors it has, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node, ancestors

_LONGEST_INDEX = 14


def shown(*outputs: Node) -> list[Node]:
    """Give the ancestors, and with them each softmax that a loss looked through; oldest first."""
    nodes = ancestors(*outputs)
    asides = [probs for node in nodes if (probs := looked_through(node)) is not None]
    return ancestors(*outputs, *asides) if asides else nodes


def looked_through(node: Node) -> Node | None:
    """Give the softmax whose logits this node is, for a loss that was given probabilities."""
    if node.op is None or node.op.name != "look_through":
        return None
    probs = node.params["probs"]
    return probs if isinstance(probs, Node) else None


def names_of(nodes: Iterable[Node], names: Mapping[str, Any] | None = None) -> dict[Node, str]:
    """Call each tensor by one name that no other has, and that is safe to print.

    Parameters
    ----------
    nodes : iterable of Tensor
        Oldest first.
    names : mapping of str to Tensor, optional
        Names that go before the tensors' own, such as `locals()`.

    Returns
    -------
    dict of Tensor to str
        The given name, or the tensor's own, or v0, v1, ... with its place in `nodes`. The second
        "h" becomes "h (2)".

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor(2.0, name="x")
    >>> y = x * x
    >>> list(names_of([x, y]).values()), list(names_of([x, y], {"square": y}).values())
    (['x', 'v1'], ['x', 'square'])
    """
    given = names_by_id(names)
    result: dict[Node, str] = {}
    taken: set[str] = set()
    for i, node in enumerate(nodes):
        name = first = printable(given.get(id(node)) or node.name or f"v{i}")
        again = 1
        while name in taken:
            again += 1
            name = f"{first} ({again})"
        taken.add(name)
        result[node] = name
    return result


def names_by_id(names: Mapping[str, Any] | None) -> dict[int, str]:
    """Look names up by object; the first counts, and `_` and its like are no names."""
    found: dict[int, str] = {}
    for name, x in (names or {}).items():
        if isinstance(x, Node | np.ndarray) and not name.startswith("_"):
            found.setdefault(id(x), name)
    return found


def printable(text: object) -> str:
    r"""Replace what no picture or terminal should be sent by its escape: "\x1b", "\n", "\u202e"."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in str(text)
    )


def index_text(index: Any) -> str:
    """Write a NumPy index as it stands between the brackets; an ellipsis for a long one.

    Examples
    --------
    >>> [index_text(i) for i in (0, (slice(None), -1), (..., slice(2, None)), np.arange(9))]
    ['0', ':, -1', '..., 2:', '…']
    """
    parts = index if isinstance(index, tuple) else (index,)
    text = ", ".join(map(_part_text, parts))
    return text if len(text) <= _LONGEST_INDEX else "…"


def _part_text(part: Any) -> str:
    match part:
        case slice():
            ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
            return ":".join(ends if part.step is not None else ends[:2])
        case np.ndarray() | list():
            array = np.asarray(part)
            few = array.ndim == 1 and array.size <= _LONGEST_INDEX // 2
            return f"[{' '.join(map(str, array))}]" if few else "…"
    return "..." if part is Ellipsis else str(part)
