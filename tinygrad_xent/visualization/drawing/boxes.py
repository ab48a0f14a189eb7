"""One box with the arrows into it: of a single tensor, or of several that were folded."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.graph import Node
from tinygrad_xent.ops.fused import looked_through
from tinygrad_xent.visualization.drawing.fold import Unit
from tinygrad_xent.visualization.drawing.lettering import shorten
from tinygrad_xent.visualization.drawing.model import LOOKED_THROUGH, Arrow, Box, Kind, Seed
from tinygrad_xent.visualization.formatting import brief, count, number, telling
from tinygrad_xent.visualization.formulas import formula_of, formula_text, letters_of, rule_at
from tinygrad_xent.visualization.naming import index_text, printable

# -- the backward pass -----------------------------------------------------------------------------


@dataclass
class Flow:
    """What a backward pass leaves.

    Attributes
    ----------
    grads : dict of tensor to its gradient
    sent : dict of (tensor, number of an input) to what the tensor's rule sent there, in words
    small : the same in fewer words
    shapes : the shape that the rule returned, before broadcasting was undone
    seed : str
        Of what the gradients are; empty if there was no pass.
    """

    grads: dict[Node, Any] = field(default_factory=dict)
    sent: dict[tuple[Node, int], str] = field(default_factory=dict)
    small: dict[tuple[Node, int], str] = field(default_factory=dict)
    shapes: dict[tuple[Node, int], tuple[int, ...]] = field(default_factory=dict)
    seed: Seed = ""


def backward_flow(outputs: tuple[Node, ...], shown: Container[Node]) -> Flow:
    """Run the backward pass if there is one floating output to run it from.

    What was sent is kept of those tensors that are shown.
    """
    output, flow = outputs[0], Flow()
    if len(set(outputs)) > 1 or output.data.dtype.kind != "f" or not output.data.size:
        return flow

    def observe(node: Node, i: int, result: Any, contribution: Any, _total: Any) -> None:
        if node in shown:
            shape = np.shape(result)
            summed = math.prod(shape) != contribution.size
            flow.sent[node, i] = f"{brief(result)} summed to " * summed + brief(contribution)
            flow.shapes[node, i] = shape
            flow.small[node, i] = brief(contribution, most=4)

    with np.errstate(all="ignore"):  # the picture marks NaN and inf
        for node, grad in backpropagate(output, np.ones_like(output.data), observe=observe):
            flow.grads[node] = grad.copy()
    flow.seed = "output" if output.data.size == 1 else "sum"
    return flow


# -- expressions -----------------------------------------------------------------------------------


_INFIX = set("+−×÷^@")
_LONGEST = 26


def expression(symbol: str, arguments: Sequence[str]) -> str:
    """Apply an op's symbol to what it was called with; the symbol alone where that gets too long.

    Empty arguments stand for inputs that were left out.

    Examples
    --------
    >>> expression("×", ["v2", "0.1"]), expression("−", ["x"]), expression("|x|", ["v3"])
    ('v2 × 0.1', '−x', '|v3|')
    >>> expression("relu", ["v6"]), expression("softmax + cross-entropy", ["labels", "logits"])
    ('relu(v6)', 'softmax + cross-entropy')
    """
    arguments = [argument for argument in arguments if argument]
    text = symbol
    if symbol in _INFIX and len(arguments) == 2:
        text = f"{arguments[0]} {symbol} {arguments[1]}"
    elif symbol in _INFIX and len(arguments) == 1:
        text = symbol + arguments[0]
    elif re.search(r"\bx\b", symbol) and len(arguments) == 1:
        text = re.sub(r"\bx\b", lambda _: arguments[0], symbol)
    elif " " not in symbol and 1 <= len(arguments) <= 2:
        text = f"{symbol}({', '.join(arguments)})"
    return text if len(text) <= _LONGEST else symbol


# -- inputs and parameters -------------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """One of a tensor's inputs, or a parameter that is an array.

    `index` counts the inputs, then those parameters.
    """

    label: str
    value: Any
    index: int

    @property
    def boxed(self) -> bool:
        """Whether it has a box of its own: tensors, and constants of more than one number."""
        if isinstance(self.value, np.ndarray):
            return self.value.size != 1
        return isinstance(self.value, Node)


def uses_of(node: Node) -> list[Use]:
    """List the inputs of a tensor's op, and its parameters that are arrays."""
    names = node.op.names_of(len(node.inputs)) if node.op else ()
    arrays = [(key, x) for key, x in node.params.items() if isinstance(x, np.ndarray)]
    named = [*zip(names, node.inputs, strict=True), *arrays]
    return [Use(label, x, i) for i, (label, x) in enumerate(named)]


def details_of(node: Node, uses: Sequence[Use]) -> Iterator[str]:
    """Write what has no box: small constants, and parameters that say something.

    An axis always does, other parameters where they are not the default.
    """
    for use in uses:
        if not use.boxed and use.value is not None:
            yield printable(f"{use.label} = {short(use.value)}")
    defaults = node.op.defaults if node.op else {}
    for key, value in node.params.items():
        if value is None or isinstance(value, np.ndarray | Node):
            continue
        if key == "axis" or repr(value) != repr(defaults.get(key)):
            yield printable(f"{key} = {short(value)}")


def short(x: Any) -> str:
    """Write a small constant or a parameter as code would."""
    match x:
        case slice():
            ends = ["" if end is None else short(end) for end in (x.start, x.stop, x.step)]
            return ":".join(ends if x.step is not None else ends[:2])
        case tuple() | list():
            return "(" + ", ".join(map(short, x)) + ")"
        case type():
            return x.__name__
        case np.ndarray() | np.generic() | float():
            return telling(x) if np.size(x) == 1 else brief(x)
        case None:
            return ""
    return "..." if x is Ellipsis else str(x)


_FUSED = {"softmax_cross_entropy", "sparse_softmax_cross_entropy"}
MOST_ARROWS = 4  # from one folded box to one op


class Parts:
    """Makes the boxes of a graph, once it is known which tensors share one."""

    def __init__(
        self,
        outputs: Sequence[Node],
        constants: Sequence[tuple[str, Any]],
        titles: Mapping[Node, str],
        units: Sequence[Unit],
        flow: Flow,
        kinds: Mapping[Node, Kind],
        *,
        rules: bool,
    ) -> None:
        self._constants = constants
        self._nodes = nodes = list(titles)
        self._units = units
        self._flow = flow
        self._kinds = kinds
        self._rules = rules
        self._outputs = set(outputs)
        used = {id(x) for node in nodes for x in node.inputs if x is not looked_through(node)}
        asides = {probs for node in nodes if (probs := looked_through(node)) is not None}
        self._asides = {probs for probs in asides - self._outputs if id(probs) not in used}
        self._titles = {id(array): title for title, array in constants}
        self._titles |= {id(node): title for node, title in titles.items()}
        self._at: dict[int, int] = {}  # the unit of each array and tensor, by id
        self._used_by: dict[int, set[int]] = {}
        for u, unit in enumerate(units):
            for m in unit.members:
                self._at[id(self._thing(m))] = u
        for node in nodes:
            for value in self._sources(node):
                self._used_by.setdefault(id(value), set()).add(self._at[id(node)])

    def box(self, u: int) -> tuple[Box, list[Arrow]]:
        """Make the box of a unit, and the arrows into it."""
        unit = self._units[u]
        if len(unit.members) > 1:
            return self._folded(u, unit)
        (m,) = unit.members
        if m < len(self._constants):
            title, array = self._constants[m]
            return Box(f"c{m}", title, "constant", array.copy()), []
        return self._single(u, m - len(self._constants))

    def _thing(self, m: int) -> Any:
        """Return a tensor, or the array of a constant."""
        if m < len(self._constants):
            return self._constants[m][1]
        return self._nodes[m - len(self._constants)]

    def _sources(self, node: Node) -> list[Any]:
        return [use.value for use in uses_of(node) if use.boxed]

    def _single(self, u: int, i: int) -> tuple[Box, list[Arrow]]:
        node, flow = self._nodes[i], self._flow
        title, uses, op = self._titles[id(node)], uses_of(node), node.op
        incoming = self._incoming(node, u, [use for use in uses if use.boxed])
        arguments = [self._titles[id(use.value)] if use.boxed else short(use.value) for use in uses]
        letters = letters_of(op, tuple(arguments[: len(node.inputs)]), title) if op else {}
        rules = dict.fromkeys(formula_text(a.rule, letters) for a in incoming if a.rule)
        box = Box(
            id=f"n{i}",
            title=title,
            kind=self._kind(node),
            value=node.data.copy(),  # training goes on, the picture stays
            expression=_made(node, arguments),
            op=op.name if op else "",
            ports=tuple(arrow.label for arrow in incoming) if len(incoming) > 1 else (),
            details=tuple(details_of(node, uses)),
            gradient=flow.grads.get(node),
            formula=formula_of(node),
            letters=letters,
            output=node in self._outputs,
            rules=tuple(rules) if self._rules else (),
        )
        return box, incoming

    def _incoming(self, node: Node, u: int, uses: Sequence[Use]) -> list[Arrow]:
        """Make an arrow of each input; of many that come from one folded box, one together."""
        from_box: dict[int, list[Use]] = {}
        for use in uses:
            from_box.setdefault(self._at[id(use.value)], []).append(use)
        arrows: list[Arrow] = []
        for use in uses:
            source = self._at[id(use.value)]
            same = from_box[source]
            if len(same) > MOST_ARROWS and len(self._units[source].members) > 1:
                if use is same[0]:
                    text = count(len(same), "input")
                    arrows.append(Arrow(source, u, len(arrows), text))
                continue
            aside = use.value is looked_through(node)
            label = LOOKED_THROUGH if aside else printable(use.label)
            arrows.append(Arrow(source, u, len(arrows), label, *_back(use, node, self._flow)))
        return arrows

    def _kind(self, node: Node) -> Kind:
        if node in self._kinds:
            return self._kinds[node]
        if node in self._asides:
            return "aside"
        if node.op is None:
            return "leaf"
        return "fused" if node.op.name in _FUSED else "op"

    def _folded(self, u: int, unit: Unit) -> tuple[Box, list[Arrow]]:
        things = [self._thing(m) for m in unit.members]
        nodes = [thing for thing in things if isinstance(thing, Node)]
        sources: dict[int, list[str]] = {}
        for node in nodes:
            for value in self._sources(node):
                source = self._at[id(value)]
                title = self._titles[id(value)]
                if source != u and title not in sources.setdefault(source, []):
                    sources[source].append(title)
        arrows = [
            Arrow(source, u, 0, titles[0] if len(titles) == 1 else count(len(titles), "tensor"))
            for source, titles in sources.items()
        ]
        seen = [node for node in nodes if self._used_by.get(id(node), set()) - {u}] or nodes[-1:]
        last = seen[-1]
        inputs = sum(map(len, sources.values()))
        shape = f"{last.data.shape or 'scalar'} {last.data.dtype}"
        which = ", the last" if len(seen) > 1 else ":"
        name = shorten(self._titles[id(last)], 20)
        details = [
            f"{count(inputs, 'input')}, {count(len(seen), 'output')}{which} {name} {shape}",
        ]
        leaves = [node for node in nodes if node.op is None and node.data.dtype.kind == "f"]
        if leaves:
            sizes = sum(node.data.size for node in leaves)
            noun = "leaf" if len(leaves) == 1 else "leaves"
            details.append(f"{count(sizes, 'number')} in {len(leaves):,} {noun}")
        norm = self._norm(leaves or [last])
        if norm is not None:
            of = "its leaves" if leaves else self._titles[id(last)]
            details.append(f"gradient norm {number(norm)}, of {of}")
        box = Box(
            id=f"f{unit.members[-1] - len(self._constants)}",
            title=printable(unit.title),
            kind="folded",
            value=last.data.copy(),
            details=tuple(details),
            gradient=self._flow.grads.get(last),
            members=len(things),
        )
        return box, arrows

    def _norm(self, nodes: Sequence[Node]) -> float | None:
        grads = [self._flow.grads[node] for node in nodes if node in self._flow.grads]
        if not grads:
            return None
        with np.errstate(all="ignore"):
            return float(np.hypot.reduce([np.linalg.norm(g.astype(float).ravel()) for g in grads]))


def _made(node: Node, arguments: Sequence[str]) -> str:
    """Write how a tensor was computed; of an index its text, not the array's name."""
    if node.op is None:
        return ""
    if node.op.name == "getitem":
        return expression(f"x[{index_text(node.params['index'])}]", arguments[:1])
    return expression(printable(node.op.symbol), arguments)


def _back(use: Use, node: Node, flow: Flow) -> tuple[str, str, str]:
    """Return the rule of an input and what it sent there, or nothing if it sent nothing."""
    way = node, use.index
    if node.op is None or way not in flow.sent:
        return "", "", ""
    return rule_at(node, use.index, flow.shapes[way]), flow.sent[way], flow.small[way]
