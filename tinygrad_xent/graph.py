"""A node remembers how it was computed; the graph is nothing but these memories."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from tinygrad_xent.errors import InPlaceError, StaleGraphError

if TYPE_CHECKING:
    from tinygrad_xent.op import Op

_clock = itertools.count()  # `next` on it is atomic, so births are unique in every thread
_NO_PARAMS: Mapping[str, Any] = {}
_scope: ContextVar[tuple[str, ...]] = ContextVar("scope", default=())


class Node:
    """An array, the op that made it, and what the op was given.

    Nodes point only to their inputs. A graph is therefore freed with its output, and
    since inputs are born before outputs, the order of birth is a topological order.

    Attributes
    ----------
    op : Op or None
        What computed the data; None for a leaf.
    inputs : tuple
        What the op was called with, in order: nodes, and constants as plain arrays or numbers.
    params : Mapping
        The op's keyword parameters, defaults included.
    birth : int
        Grows with every node that is made, and when a leaf gets new data.
    name : str or None
        What to call it in traces, pictures and messages.
    scope : tuple of str
        The names of the `scope` blocks in which it was made, outermost first.
    """

    __slots__ = (
        "__weakref__", "_data", "_grad", "birth", "inputs", "name", "op", "params", "scope",
    )  # fmt: skip

    _data: Any
    _grad: Any  # what a Tensor's `backward` leaves; kept here so that one constructor fills all
    op: Op | None
    inputs: tuple[Any, ...]
    params: Mapping[str, Any]
    birth: int
    name: str | None
    scope: tuple[str, ...]

    def __init__(
        self,
        data: Any,
        op: Op | None = None,
        inputs: tuple[Any, ...] = (),
        params: Mapping[str, Any] = _NO_PARAMS,
    ) -> None:
        self._data = data
        self._grad = None
        self.op = op
        self.inputs = inputs
        self.params = params
        self.name = None
        self.scope = _scope.get()
        self.birth = next(_clock)

    def _renew(self, data: Any) -> None:
        """Give a leaf new data; it is born again, so that graphs which used the old data notice."""
        if self.op is not None:
            raise InPlaceError(
                f"{describe(self)} was computed by op `{self.op.name}`; assigning its data would "
                "make "
                "the graph wrong. Start from a leaf instead: Tensor(x.data)"
            )
        self._data = data
        self.birth = next(_clock)

    # The getter runs in C: reading `data` is what ops and rules do most.
    data = property(
        operator.attrgetter("_data"), _renew, doc="The array (a leaf's can be assigned)."
    )


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Group the tensors that are made in a `with` block under a name, for pictures.

    Blocks may lie within each other; each thread has its own.

    Parameters
    ----------
    name : str
        What to call the group.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, scope
    >>> with scope("layer1"):
    ...     w = Tensor([1.0])
    >>> w.scope
    ('layer1',)
    """
    token = _scope.set((*_scope.get(), str(name)))
    try:
        yield
    finally:
        _scope.reset(token)


def parents(node: Node) -> Iterator[Node]:
    """Give the inputs that are nodes; the others are constants."""
    return (x for x in node.inputs if isinstance(x, Node))


def ancestors(*outputs: Node) -> list[Node]:
    """Give the outputs and everything they were computed from, inputs before outputs.

    Raises
    ------
    StaleGraphError
        If a leaf got new data after an op used it.
    """
    found = set(outputs)
    waiting = list(outputs)
    while waiting:
        node = waiting.pop()
        for x in node.inputs:
            if isinstance(x, Node):
                if x.birth > node.birth:
                    raise StaleGraphError(
                        f"{describe(x)} got new data after op `{node.op.name if node.op else '?'}` "
                        "had used it. Run the forward pass again before the backward pass"
                    )
                if x not in found:
                    found.add(x)
                    waiting.append(x)
    return sorted(found, key=operator.attrgetter("birth"))


def downstream(nodes: Iterable[Node], sources: Iterable[Node]) -> set[Node]:
    """Give those of `nodes` (inputs before outputs) that are, or depend on, one of `sources`."""
    reached = set(sources)
    for node in nodes:
        if any(x in reached for x in parents(node)):
            reached.add(node)
    return reached


def describe(node: Node) -> str:
    """Say in a message which tensor is meant: its name or else its op, and its shape."""
    who = (
        f"'{node.name}'"
        if node.name
        else f"from op `{node.op.name}`"
        if node.op
        else "without a name"
    )
    return f"tensor {who} of shape {node.data.shape}"
