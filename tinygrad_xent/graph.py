"""A node remembers how it was computed. A graph is nothing but nodes and their inputs."""

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tinygrad_xent import errors
from tinygrad_xent.arrays import as_array, read_only
from tinygrad_xent.errors import CopyError, DtypeError, InPlaceError, StaleGraphError

clock = itertools.count()  # `next` on it is atomic, so births are unique across threads
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
    kept : object
        What the op computed along the way that its rule can use, or None.
    birth : int
        Larger than that of every earlier node; a leaf that gets new data gets a new one too.
    name : str or None
        What to call it in traces, pictures and messages.
    scope : tuple of str
        The names of the `scope` blocks in which it was made, outermost first.
    """

    __slots__ = (
        "__weakref__", "_data", "_given", "_grad",
        "birth", "inputs", "kept", "name", "op", "params", "scope",
    )  # fmt: skip

    def __init__(
        self,
        data: Any,
        op: Any = None,
        inputs: tuple[Any, ...] = (),
        params: Mapping[str, Any] = _NO_PARAMS,
        birth: int | None = None,
    ) -> None:
        self._data: Any = data  # what ops and rules get: read-only, as other nodes read it too
        self._given: Any = data  # the same array as the user passed it, who may write to it
        self._grad: Any = None  # what a Tensor's `backward` leaves
        self.op = op
        self.inputs = inputs
        self.params = params
        self.kept: Any = None
        self.birth = next(clock) if birth is None else birth
        self.name: str | None = None
        self.scope = _scope.get()

    def _renew(self, data: Any) -> None:
        """Replace the data of a leaf and renew its birth: graphs of the old data notice that."""
        if self.op is not None:
            raise InPlaceError(
                f"{describe(self)} was computed by op `{self.op.name}`; assigning its data would "
                "make the graph wrong. Start from a leaf instead: Tensor(x.data)"
            )
        self._given = real_array(data)
        self._data = read_only(self._given)
        self.birth = next(clock)

    def __reduce__(self) -> Any:
        """Pickle and copy leaves only; a copied leaf is new, so its birth is too."""
        if self.op is not None:
            raise CopyError(
                f"{describe(self)} was computed, and its graph cannot be copied or pickled; copy "
                "its data: Tensor(x.data.copy())"
            )
        return _leaf, (type(self), self._given, self.name, self._grad)

    # The getter runs in C: views read `data` of every node.
    data = property(
        operator.attrgetter("_given"), _renew, doc="The array (a leaf's can be assigned)."
    )


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Group the tensors that are made in a `with` block under a name, for pictures.

    Blocks can be nested; each thread has its own.

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


def _leaf(kind: type[Node], data: Any, name: str | None, grad: Any = None) -> Node:
    leaf = kind(data)
    leaf.name = name
    leaf._grad = grad
    return leaf


def values(x: Any) -> Any:
    """Return the array of a Tensor, and anything else as it is."""
    return x.data if isinstance(x, Node) else x


def operand(x: Any) -> Any:
    """Return a Tensor as it is, and anything else as an array."""
    return x if isinstance(x, Node) else as_array(x)


def real_array(data: Any, dtype: Any = None) -> Any:
    """Return data as an array of real numbers."""
    array = as_array(values(data), dtype)
    if array.dtype.kind not in "fiub":
        errors.hints.explain_input(array)
        raise DtypeError(f"a Tensor holds real numbers, got {array.dtype}; convert the data first")
    return array


def stale(x: Node, user: Node) -> StaleGraphError:
    """Return the error for an input that is younger than what was computed from its old data."""
    return StaleGraphError(
        f"{describe(x)} got new data after op `{user.op.name}` had used it. Run the forward pass "
        "again before the backward pass; draw, trace or check a graph before the update"
    )


def parents(node: Node) -> Iterator[Node]:
    """Return the inputs that are nodes; the others are constants."""
    return (x for x in node.inputs if isinstance(x, Node))


def ancestors(*outputs: Node) -> list[Node]:
    """Return the outputs and everything they were computed from, inputs before outputs.

    Raises
    ------
    StaleGraphError
        If a leaf got new data after an op used it.
    """
    found = set(outputs)
    waiting = list(outputs)
    for node in waiting:  # grows while it is walked
        for x in node.inputs:
            if isinstance(x, Node):
                if x.birth > node.birth:
                    raise stale(x, node)
                if x not in found:
                    found.add(x)
                    waiting.append(x)
    return sorted(found, key=operator.attrgetter("birth"))


def downstream(nodes: Iterable[Node], sources: Iterable[Node]) -> set[Node]:
    """Return those of `nodes` (inputs before outputs) that are, or depend on, one of `sources`."""
    reached = set(sources)
    for node in nodes:
        for x in node.inputs:
            if isinstance(x, Node) and x in reached:
                reached.add(node)
                break
    return reached


def describe(node: Node) -> str:
    """Describe a tensor for a message: its name or else its op, and its shape."""
    who = f"from op `{node.op.name}`" if node.op else "without a name"
    who = f"'{node.name}'" if node.name else who
    return f"tensor {who} of shape {node.data.shape}"
