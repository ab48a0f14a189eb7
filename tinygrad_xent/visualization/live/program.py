"""The forward and the backward pass of a graph as one straight list of calls.

A rule that is handed Tensors records a graph, so the backward pass from a Tensor as seed is a graph
of plain ops. Together with the forward pass it is a list that a page can run again after a number
has changed, without any rule: it only needs the functions of the ops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from tinygrad_xent.backprop import backpropagate, check_seed
from tinygrad_xent.domains import labels, truth
from tinygrad_xent.errors import GraphTooLargeError
from tinygrad_xent.graph import Node, ancestors, describe
from tinygrad_xent.op import Op
from tinygrad_xent.ops import OPS
from tinygrad_xent.visualization.formatting import plain
from tinygrad_xent.visualization.live.recorded import (
    FACTS,
    Elsewhere,
    Recorded,
    conditions,
    of_ops,
    place,
)
from tinygrad_xent.visualization.naming import constants_of, names_by_id, names_of, printable

MOST_NUMBERS = 200_000
"""How many numbers of leaves and constants a page takes: some megabytes."""

_FREE = (labels, truth)  # inputs that do not share the dtype of the others


class Leaf(NamedTuple):
    """A leaf or a constant: what can be changed."""

    name: str
    number: int
    constant: bool


class Event(NamedTuple):
    """A gradient sent from a tensor to its input `i`: all entries of the program.

    What the rule returned, the same in the shape and dtype of the input, the total so far, and
    the upstream gradient.
    """

    tensor: int
    i: int
    to: int
    returned: int
    contribution: int
    total: int
    gradient: int


class Condition(NamedTuple):
    """A value that a rule decided by, and how it decided; the list holds while this is so."""

    number: int
    was: bool
    op: str


@dataclass(frozen=True)
class Program:
    """The calls of a forward and a backward pass, ready to be written as JSON.

    Attributes
    ----------
    entries : list of dict
        One for each array, what it is computed from before it: leaves, constants and literal
        numbers have `data`, `shape` and `dtype`; calls have `op`, `in` (the numbers of their
        inputs) and `with` (the parameters). The op "unknown" marks what a page cannot follow:
        `why` says the reason, `data` holds as long as nothing in `in` changes.
    tensors : dict of Tensor to int
        The entry of each tensor of the graph.
    gradients : dict of Tensor to int
        The entry of each finished gradient.
    constants : dict of (Tensor, int) to int
        The entry of each constant, by the tensor that has it as its input `i`.
    names : dict of Tensor to str
    leaves : list of Leaf
        What can be changed, with unique names.
    events : list of Event
        The gradients sent, in order.
    others : list of Event
        The gradients sent in another order, if there is one.
    conditions : list of Condition
        What the rules decided by.
    """

    entries: list[dict[str, Any]]
    tensors: dict[Node, int]
    gradients: dict[Node, int]
    constants: dict[tuple[Node, int], int]
    names: dict[Node, str]
    leaves: list[Leaf]
    events: list[Event]
    others: list[Event]
    conditions: list[Condition]

    @property
    def unknown(self) -> list[str]:
        """Why some numbers cannot follow, each reason once; empty if all can."""
        return list(dict.fromkeys(e["why"] for e in self.entries if e.get("op") == "unknown"))

    def to_dict(self) -> dict[str, Any]:
        """Return the program as plain data."""
        return {
            "entries": self.entries,
            "leaves": [leaf._asdict() for leaf in self.leaves],
            "tensors": [
                {"name": self.names[x], "number": n, "gradient": self.gradients.get(x)}
                for x, n in self.tensors.items()
            ],
            "events": [list(event[:-1]) for event in self.events],
            "others": [[event.gradient, *event[3:6]] for event in self.others],
            "conditions": [condition._asdict() for condition in self.conditions],
        }


Order = Callable[[Node, Any], Iterable[tuple[Any, ...]]]


def program_of(
    output: Node,
    seed: Any = None,
    names: Mapping[str, Any] | None = None,
    other: Order | None = None,
) -> Program:
    """Record the forward and the backward pass of a graph as one list of calls.

    Leaves and constants can be changed in the list. What your code computed outside of the graph
    (`x.data`, a comparison, `np.argsort`) went into it as a constant, and stays as it is.

    Parameters
    ----------
    output : Tensor
        Where the backward pass starts.
    seed : array_like, optional
        The gradient to start from; 1 where the output is a scalar.
    names : mapping of str to Tensor or ndarray, optional
        Names that go before the tensors' own, such as `locals()`.
    other : callable, optional
        Runs the backward pass in another order, which is recorded too; see
        `player.wrong_order.depth_first`.

    Returns
    -------
    Program
        The list. `unknown` says what it cannot follow, and why.

    Raises
    ------
    NotRecordedError, NotScalarError, ShapeError, DtypeError, StaleGraphError
        As in `backpropagate`.
    GraphTooLargeError
        If leaves and constants hold too many numbers for a page.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor([1.0, -2.0], name="x")
    >>> program = program_of((x * x).sum())
    >>> [entry["op"] for entry in program.entries if "op" in entry]
    ['multiply', 'sum', 'broadcast_to', 'multiply', 'multiply', 'add']
    >>> program.leaves
    [Leaf(name='x', number=0, constant=False)]
    """
    start = check_seed(output, seed)
    nodes = ancestors(output)
    arrays = {id(x): x for x in chain(nodes, *(node.inputs for node in nodes)) if _is_given(x)}
    size = sum(np.size(x.data if isinstance(x, Node) else x) for x in arrays.values())
    if size > MOST_NUMBERS:
        raise GraphTooLargeError(
            f"the leaves and constants of {describe(output)} hold {size:,} numbers; a page that "
            f"computes takes {MOST_NUMBERS:,}. Show a smaller batch, or fewer of its features"
        )
    token = conditions.set([])
    try:
        return _Recording(nodes, names).run(output, start, other)
    finally:
        conditions.reset(token)


def _is_given(x: Any) -> bool:
    """Return whether this is a leaf or a constant array."""
    return x.op is None if isinstance(x, Node) else isinstance(x, np.ndarray)


class _Recording:
    """The twins of a graph's tensors, whose backward pass is recorded, and the list of both."""

    def __init__(self, nodes: list[Node], names: Mapping[str, Any] | None) -> None:
        self.nodes = nodes
        self.twins: dict[Node, Recorded] = {}
        self.constants: dict[int, tuple[str, Recorded]] = {}
        self.places: dict[tuple[Node, int], Recorded] = {}  # where each of them is used
        self.composed: dict[Node, Node] = {}  # a learner's own op: what its function is made of
        self.unknown: dict[Node, tuple[tuple[Any, ...], str]] = {}
        self.decided: dict[Recorded, str] = {}  # and the op that decided by it
        self.entries: list[dict[str, Any]] = []
        self.numbers: dict[Node, int] = {}  # of their entries
        self.memory: dict[Any, int] = {}  # where the data of each node lie
        self.names = names_of(nodes, names)
        self.given = names_by_id(names)
        found = constants_of(nodes, names, self.names)
        self.given |= {key: name for key, (name, _) in found.items()}
        for node in nodes:
            self.twins[node] = self.twin(node)

    def run(self, output: Node, seed: Any, other: Order | None) -> Program:
        """Walk the graph backwards, and put everything that was recorded in a list."""
        twin = self.twins[output]
        start = Recorded(np.asarray(seed.data if isinstance(seed, Node) else seed))
        sent: list[tuple[Any, ...]] = []
        leaves = {x: y for x, y in self.twins.items() if x.op is None}
        passes = backpropagate(twin, start, wrt=leaves.values(), observe=lambda *e: sent.append(e))
        found = dict(passes)
        real = {id(x) for x in self.twins.values()}  # constants get no gradient
        with np.errstate(all="ignore"):  # the right order has had its warnings
            passed = list(other(twin, start)) if other else []
        others = [(x, i, *rest, grad) for x, i, grad, *rest in passed if id(x.inputs[i]) in real]
        self.add_all(leaves.values())
        self.add_all(x for _, x in self.constants.values())
        self.add_all(self.twins.values())
        self.add_all(found.values())
        self.add_all(x for _, _, *rest in (*sent, *others) for x in rest)
        self.add_all(self.decided)
        number = self.numbers

        def event(x: Node, i: int, *rest: Node) -> Event:
            return Event(number[x], i, number[x.inputs[i]], *[number[each] for each in rest])

        return Program(
            entries=self.entries,
            tensors={x: number[y] for x, y in self.twins.items()},
            gradients={x: number[found[y]] for x, y in self.twins.items() if y in found},
            constants={place: number[x] for place, x in self.places.items()},
            names=self.names,
            leaves=[
                *[Leaf(self.names[x], number[y], False) for x, y in leaves.items()],
                *[Leaf(name, number[x], True) for name, x in self.constants.values()],
            ],
            events=[event(*each, found[each[0]]) for each in sent],
            others=[event(*each) for each in others],
            conditions=[Condition(number[x], bool(x._data), op) for x, op in self.decided.items()],
        )

    # -- the forward pass --------------------------------------------------------------------

    def twin(self, node: Node) -> Recorded:
        """Return the twin of a node, whose inputs have theirs."""
        if node.op is None:
            return Recorded(np.asarray(node._data))
        op = node.op
        inputs = [
            self.twins[x] if isinstance(x, Node) else self.constant(node, i)
            for i, x in enumerate(node.inputs)
        ]
        params = {key: self.held(x) for key, x in node.params.items()}
        twin: Recorded = op.on(inputs, params)
        twin.op = _Rule(op, self)
        return twin

    def constant(self, node: Node, i: int) -> Any:
        """Return the twin of a constant, the same one wherever the same array is used."""
        x = node.inputs[i]
        if x is None or isinstance(x, str):
            return x
        key = id(x) if isinstance(x, np.ndarray) else len(self.constants)
        if key not in self.constants:
            word = node.op.names_of(len(node.inputs))[i]
            name = self.given.get(id(x), f"{word} of {self.names[node]}")
            self.constants[key] = printable(name), Recorded(np.asarray(x, _dtype_in(node, i)))
        self.places[node, i] = self.constants[key][1]
        return self.places[node, i]

    def held(self, x: Any) -> Any:
        """Return a parameter with arrays in place of Tensors, such as class numbers in an index.

        The list knows them by where they lie in memory.
        """
        if isinstance(x, tuple):
            return tuple(map(self.held, x))
        if not isinstance(x, Node):
            return x
        if id(x) not in self.constants:
            name = printable(x.name or f"index {len(self.constants)}")
            self.constants[id(x)] = name, self.twins.get(x) or Recorded(np.asarray(x._data))
        return self.constants[id(x)][1]._data

    def compose(self, node: Node) -> None:
        """Record a learner's own op as the ops and NumPy functions that its function calls."""
        op = node.op
        try:
            made = of_ops(op.function(*node.inputs, **node.params))
            elsewhere = Elsewhere(node.inputs)
            elsewhere.check(made, op.function(*elsewhere.inputs, **node.params))
            self.composed[node] = made
        except Exception as error:  # noqa: BLE001 - whatever stops it, the page cannot follow
            self.unknown[node] = node.inputs, f"op {op.name}: {error}"
        self.decide(op.name)

    def decide(self, op: str) -> None:
        """Note which op the last conditions belong to."""
        waiting = conditions.get()
        self.decided |= dict.fromkeys(waiting, op)
        waiting.clear()

    # -- the list ----------------------------------------------------------------------------

    def add_all(self, nodes: Iterable[Node]) -> None:
        """Append nodes and what they are computed from, each once, inputs before outputs."""
        waiting = [(node, False) for node in nodes][::-1]
        while waiting:
            node, ready = waiting.pop()
            if node in self.numbers:
                continue
            needed = [] if ready else [x for x in self.needs(node) if isinstance(x, Node)]
            if needed:
                waiting += [(node, True), *((x, False) for x in reversed(needed))]
            elif node in self.composed:
                self.numbers[node] = self.numbers[self.composed[node]]
            else:
                self.numbers[node] = self.add(self.entry(node))
                self.memory.setdefault(place(node._data), self.numbers[node])

    def needs(self, node: Node) -> tuple[Any, ...]:
        """Return what an entry refers to."""
        if node.op and not _is_known(node.op) and node not in self.composed:
            self.compose(node)
        if node in self.unknown:
            return self.unknown[node][0]
        if node in self.composed:
            return (self.composed[node],)
        return (*node.inputs, *node.params.values())

    def add(self, entry: dict[str, Any]) -> int:
        """Append an entry and return its number."""
        self.entries.append(entry)
        return len(self.entries) - 1

    def entry(self, node: Node) -> dict[str, Any]:
        """Return a leaf, a call, or what cannot be followed."""
        if node in self.unknown:
            inputs, why = self.unknown[node]
            numbers = [self.numbers[x] for x in inputs if isinstance(x, Node)]
            return {"op": "unknown", "in": numbers, "why": why} | _array(node._data)
        if node.op is None:
            return _array(node._data)
        params = {
            key: self.index(x) if key == "index" else self.param(x)
            for key, x in node.params.items()
            if x is not None or key == "index"
        }
        entry = {"op": node.op.name, "in": [self.input(x) for x in node.inputs]}
        entry |= {"with": params} if params else {}
        dtype = node._data.dtype.name
        return entry | ({} if dtype == "float64" else {"dtype": dtype})

    def input(self, x: Any) -> int | None:
        """Return the number of an input; a literal gets an entry of its own."""
        if isinstance(x, Node):
            return self.numbers[x]
        if x is None:
            return None
        known = self.memory.get(place(x)) if isinstance(x, np.ndarray) else None
        return self.add(_array(np.asarray(x))) if known is None else known

    def param(self, x: Any) -> Any:
        """Return a parameter as plain data."""
        match x:
            case Node():
                return {"value": self.numbers[x]}
            case np.ndarray():
                known = self.memory.get(place(x))
                return _array(x) if known is None else {"value": known}
            case np.generic():
                return self.param(x.item())
            case float():
                return plain(x)
            case bool() | int() | str():
                return x
            case list() | tuple():
                return [self.param(each) for each in x]
            case slice():
                return {"slice": [self.param(end) for end in (x.start, x.stop, x.step)]}
        return None if x is None else "..." if x is ... else np.dtype(x).name

    def index(self, index: Any) -> list[Any]:
        """Return a NumPy index as a list of its parts, in which a list is an array."""
        parts = index if isinstance(index, tuple) else (index,)
        arrays = (list, tuple, bool, np.bool_)
        return [self.param(np.asarray(x) if isinstance(x, arrays) else x) for x in parts]


class _Rule:
    """An op whose rule is recorded; where that is not possible, its numbers are marked unknown."""

    def __init__(self, op: Op, recording: _Recording) -> None:
        self.op = op
        self.recording = recording

    def __getattr__(self, name: str) -> Any:
        return getattr(self.op, name)

    def vjp(self, grad: Any, node: Any) -> tuple[Any, ...]:
        """Return the gradients of the inputs as Tensors, each by a thunk."""
        results: list[Any] = []
        known = OPS.get(self.op.name)
        is_own = known is not None and known.rule is self.op.rule

        def recorded(i: int) -> Any:
            if not results:
                results[:] = self.op.vjp(grad, node)
            result = results[i]() if callable(results[i]) else results[i]
            if result is not None and not is_own:
                self.check(i, of_ops(result), grad, node)
            return None if result is None else of_ops(result)

        def computed(i: int) -> Any:
            result = self.op.vjp(grad._data, node)[i]
            return result() if callable(result) else result

        def thunk(i: int) -> Any:
            try:
                return recorded(i)
            except Exception as error:  # noqa: BLE001 - whatever stops it, the page cannot follow
                result = Recorded(computed(i))
                why = f"the rule of op {self.op.name}: {error}"
                self.recording.unknown[result] = (grad, node, *node.inputs), why
                return result
            finally:
                self.recording.decide(self.op.name)

        return tuple(lambda i=i: thunk(i) for i in range(len(node.inputs)))

    def check(self, i: int, result: Recorded, grad: Any, node: Any) -> None:
        """Raise if what was recorded of a learner's rule does not follow when numbers change."""
        elsewhere = Elsewhere((grad, *node.inputs))
        new_grad, *inputs = elsewhere.inputs
        out = elsewhere.values[place(node._data)] = self.op.function(*inputs, **node.params)
        rule: Any = self.op.rule
        wanted = rule(new_grad, out, *inputs, **node.params)
        wanted = wanted[i] if isinstance(wanted, tuple) else wanted
        elsewhere.check(result, wanted() if callable(wanted) else wanted)


def _dtype_in(node: Node, i: int) -> Any:
    """Return the dtype to give a constant: of a plain number, the one it takes in the call."""
    x = node.inputs[i]
    kinds = node.op.domains * len(node.inputs) if node.op.variadic else node.op.domains
    if not isinstance(x, bool | int | float) or isinstance(x, np.generic) or kinds[i] in _FREE:
        return None
    others = [
        y._data.dtype if isinstance(y, Node) else y
        for y, kind in zip(node.inputs, kinds, strict=True)
        if kind not in _FREE and y is not None
    ]
    return np.result_type(*others)


def _is_known(op: Any) -> bool:
    """Return whether a page has the function of an op, whatever its rule is."""
    known = OPS.get(op.name) or FACTS.get(op.name)
    return known is not None and known.function is op.function


def _array(x: Any) -> dict[str, Any]:
    flat = x.view(np.ndarray).ravel()
    numbers = plain(flat.astype(int) if flat.dtype == bool else flat)
    return {"data": numbers, "shape": list(x.shape), "dtype": x.dtype.name}
