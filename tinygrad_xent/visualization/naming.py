"""Which tensors a graph has, and what every view of it calls them."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from tinygrad_xent.errors import ArgumentError
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.formatting import telling

_COMPARED = {">": np.greater, "==": np.equal, "<": np.less, ">=": np.greater_equal}


def names_of(nodes: Iterable[Node], names: Mapping[str, Any] | None = None) -> dict[Node, str]:
    r"""Name each tensor uniquely, in text that is safe to print.

    Parameters
    ----------
    nodes : iterable of Tensor
        Oldest first.
    names : mapping of str to Tensor, optional
        Names that go before the tensors' own, such as `locals()`.

    Returns
    -------
    dict of Tensor to str
        The given name, or the tensor's own, or v0, v1, ... with its place in `nodes`. A name given
        twice has its scope before it, "layer1.W"; the second "h" of a scope becomes "h (2)". LaTeX
        is set: r"\theta_1" becomes "θ₁".

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor(2.0, name="x")
    >>> y = x * x
    >>> list(names_of([x, y]).values()), list(names_of([x, y], {"square": y}).values())
    (['x', 'v1'], ['x', 'square'])
    """
    given = names_by_id(names)
    called = {node: _set(given.get(id(node)) or node.name or "") for node in nodes}
    times = Counter(called.values())
    result: dict[Node, str] = {}
    taken: set[str] = set()
    for i, (node, name) in enumerate(called.items()):
        scoped = name and times[name] > 1 and node.scope
        unique = f"{printable(node.scope[-1])}.{name}" if scoped else name
        result[node] = _free(unique or f"v{i}", taken)
    return result


def _set(name: str) -> str:
    r"""Return a name as it is shown: LaTeX such as \theta_1 or $W^{(1)}$ is set."""
    inner = name[1:-1] if len(name) > 2 and name[0] == name[-1] == "$" else name
    if name.isprintable() and (inner is not name or re.search(r"\\[A-Za-z]", name)):
        from tinygrad_xent.visualization.formulas import formula_text

        with suppress(Exception):  # of a stranger's text: what cannot be set stays as it is
            if (text := formula_text(inner)) and "\\" not in text:
                return text
    return printable(name)


def constants_of(
    nodes: Iterable[Node], names: Mapping[str, Any] | None, titles: Mapping[Node, str]
) -> dict[int, tuple[str, Any]]:
    """Find each constant array of more than one number, and call it by a name that no other has.

    Parameters
    ----------
    nodes : iterable of Tensor
        Oldest first.
    names : mapping of str to ndarray, optional
        Names that go before those found here.
    titles : mapping of Tensor to str
        What the tensors are called.

    Returns
    -------
    dict of int to (str, ndarray)
        By the array's id: the given name; where it comes from ("Xᵀ", "z > 0"); or the word of the
        op that used it first. A single letter says nothing outside the op: "array" or "mask" stand
        for it.
    """
    given = names_by_id(names)
    taken = set(titles.values())
    known = {name: x for name, x in (names or {}).items() if isinstance(x, np.ndarray)}
    arrays = set(known)
    uses = {node: _uses(node) for node in nodes}
    words = {id(x): word for used in uses.values() for word, x in used[::-1] if len(word) > 1}
    found: dict[int, tuple[str, Any]] = {}
    for node, used in uses.items():
        numbers = {telling(x): x for _, x in used if x.size == 1}
        for _, x in used:
            if x.size != 1 and id(x) not in found:
                word = words.get(id(x), "")
                origin = "" if word and x.dtype != bool else _origin(x, known, arrays, numbers)
                plain = "mask" if x.dtype == bool else "array"
                called = given.get(id(x)) or origin or word or plain
                name = _free(printable(called), taken)
                found[id(x)] = name, x
                known.setdefault(name, x)
        known[titles[node]] = node.data
    return found


def _uses(node: Node) -> list[tuple[str, Any]]:
    """Return the arrays that an op was called with, each with the op's word for it."""
    words = node.op.names_of(len(node.inputs)) if node.op else ()
    every = [*zip(words, node.inputs, strict=True), *node.params.items()]
    return [(word, x) for word, x in every if isinstance(x, np.ndarray)]


def _origin(
    x: Any, known: Mapping[str, Any], arrays: Collection[str], numbers: Mapping[str, Any]
) -> str:
    """Return how an array was made of what has a name: transposed, detached or compared.

    A mask is sought among the comparisons of older tensors with what was reduced from them, with 0
    and with `numbers`.
    """
    for name, other in known.items():
        if x.size == other.size and x.ctypes.data == other.ctypes.data:
            if x.shape == other.shape and x.strides == other.strides:
                return name if name in arrays else f"{name}.data"
            if x.shape == other.shape[::-1] and x.strides == other.strides[::-1]:
                return f"{name}ᵀ"
    mask = x.astype(bool)
    if mask.all() or not mask.any() or not np.array_equal(mask, x):
        return ""
    # Of two whole tensors a comparison is often true by chance.
    reduced = {name: other for name, other in known.items() if other.size < x.size}
    for right, b in {**reduced, "0": np.array(0.0), **numbers}.items():
        for left, a in known.items():
            for aligned in _aligned(b, x.shape) if a.shape == x.shape else ():
                for symbol in ["=="] if right in reduced else _COMPARED:
                    if np.array_equal(_COMPARED[symbol](a, aligned), mask):
                        return f"{left} {symbol} {right}"
    return ""


def _aligned(x: Any, shape: tuple[int, ...]) -> Iterator[Any]:
    """Yield an array as it broadcasts to a shape: as it is, and along an axis that was reduced."""
    if repeats(x.shape, shape):
        yield x
    for axis in range(len(shape)):
        if x.shape == shape[:axis] + shape[axis + 1 :]:
            yield np.expand_dims(x, axis)


def repeats(shape: tuple[int, ...], full: tuple[int, ...]) -> bool:
    """Return whether broadcasting can repeat an array of a shape to a full one."""
    pairs = zip(reversed(shape), reversed(full), strict=False)
    return len(shape) <= len(full) and all(m in (1, n) for m, n in pairs)


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
    if not isinstance(names or {}, Mapping):
        raise ArgumentError(f'names is {names!r}; write names={{"x": x}}, or names=locals()')
    for name, x in (names or {}).items():
        if isinstance(x, Node | np.ndarray) and not name.startswith("_"):
            found.setdefault(id(x), name)
    return found


def entry_name(name: str, place: Any) -> str:
    """Return an entry as code would write it; the name alone where there is only one entry.

    Examples
    --------
    >>> entry_name("z", (0, 2)), entry_name("loss", ())
    ('z[0, 2]', 'loss')
    """
    return f"{name}[{', '.join(map(str, place))}]" if len(place) else name


def printable(text: object) -> str:
    r"""Replace what no picture or terminal should be sent by its escape: "\x1b", "\n", "\u202e"."""
    text = str(text)
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )
