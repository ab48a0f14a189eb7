"""Which tensors a graph has, and what every view of it calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node

_LONGEST_INDEX = 14


def names_of(nodes: Iterable[Node], names: Mapping[str, Any] | None = None) -> dict[Node, str]:
    """Name each tensor uniquely, in text that is safe to print.

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
        result[node] = _free(printable(given.get(id(node)) or node.name or f"v{i}"), taken)
    return result


def constants_of(
    nodes: Iterable[Node], names: Mapping[str, Any] | None, taken: Iterable[str]
) -> dict[int, tuple[str, Any]]:
    """Find each constant array of more than one number, and call it by a name that no other has.

    Parameters
    ----------
    nodes : iterable of Tensor
        Oldest first.
    names : mapping of str to ndarray, optional
        Names that go before those found here.
    taken : iterable of str
        The names of the tensors.

    Returns
    -------
    dict of int to (str, ndarray)
        By the array's id: the given name, or the word of the op that used it first; c0, c1, ...
        where that is a single letter, which says nothing outside the op.
    """
    given = names_by_id(names)
    taken = set(taken)
    found: dict[int, tuple[str, Any]] = {}
    for node in nodes:
        words = node.op.names_of(len(node.inputs)) if node.op else ()
        for word, x in (*zip(words, node.inputs, strict=True), *node.params.items()):
            if isinstance(x, np.ndarray) and x.size != 1 and id(x) not in found:
                called = word if len(word) > 1 else f"c{len(found)}"
                name = _free(printable(given.get(id(x), called)), taken)
                found[id(x)] = name, x
    return found


def _free(name: str, taken: set[str]) -> str:
    """Return a name that is not taken, and take it: the second "h" becomes "h (2)"."""
    first, again = name, 1
    while name in taken:
        again += 1
        name = f"{first} ({again})"
    taken.add(name)
    return name


def names_by_id(names: Mapping[str, Any] | None) -> dict[int, str]:
    """Look names up by object; the first counts, and names that begin with `_` do not."""
    found: dict[int, str] = {}
    for name, x in (names or {}).items():
        if isinstance(x, Node | np.ndarray) and not name.startswith("_"):
            found.setdefault(id(x), name)
    return found


def entry_name(name: str, place: tuple[int, ...]) -> str:
    """Return an entry as code would write it; the name alone where there is only one entry.

    Examples
    --------
    >>> entry_name("z", (0, 2)), entry_name("loss", ())
    ('z[0, 2]', 'loss')
    """
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def printable(text: object) -> str:
    r"""Replace what no picture or terminal should be sent by its escape: "\x1b", "\n", "\u202e"."""
    text = str(text)
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )


def index_text(index: Any) -> str:
    """Return a NumPy index as written between the brackets; an ellipsis if it is long.

    Examples
    --------
    >>> [index_text(i) for i in (0, (slice(None), -1), (..., slice(2, None)), np.arange(9))]
    ['0', ':, -1', '..., 2:', '…']
    """
    parts = index if isinstance(index, tuple) else (index,)
    text = ", ".join(map(part_text, parts))
    return text if len(text) <= _LONGEST_INDEX else "…"


def part_text(part: Any) -> str:
    """Return one part of an index as it is written, such as `1:`."""
    match part:
        case slice():
            ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
            return ":".join(ends if part.step is not None else ends[:2])
        case np.ndarray() | list():
            array = np.asarray(part)
            few = array.ndim == 1 and array.size <= _LONGEST_INDEX // 2
            return f"[{' '.join(map(str, array))}]" if few else "…"
    return "..." if part is Ellipsis else str(part)
