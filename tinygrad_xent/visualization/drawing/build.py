"""From a graph to the records of its picture."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.errors import ArgumentError, GraphTooLargeError, NotRecordedError
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.ops.fused import looked_through
from tinygrad_xent.visualization.drawing import records
from tinygrad_xent.visualization.drawing.style import shorten
from tinygrad_xent.visualization.formatting import (
    brief,
    count,
    index_text,
    number,
    short,
)
from tinygrad_xent.visualization.formulas import (
    Shape,
    formula_of,
    formula_text,
    letters_of,
    rule_at,
)
from tinygrad_xent.visualization.naming import constants_of, names_of, printable

MOST_BOXES = 400
MOST_WITH_RULES = 20
MOST_ARROWS = 4  # from one folded box to one op
FEWEST_NORMS = 3  # of the op that ends a repetition; of fewer all ops are shown
_FUSED = {"softmax_cross_entropy", "sparse_softmax_cross_entropy"}

Folding = bool | Literal["auto"]


def build(
    outputs: Sequence[Any],
    names: Mapping[str, Any] | None,
    *,
    gradients: bool,
    fold: Folding = False,
    expand: Sequence[str] = (),
    rules: bool | None = False,
    kinds: Mapping[Node, records.Kind] | None = None,
    most: int = records.FOLD_ABOVE,
) -> records.Model:
    """Make boxes and arrows of everything that the outputs were computed from.

    Parameters
    ----------
    outputs, names, gradients, fold, expand, rules
        As `draw` takes them.
    kinds : mapping of Tensor to str, optional
        Kinds of boxes that go before those found here.
    most : int
        How many boxes "auto" leaves. Where these are more than a picture shows, repetitions have
        frames too, which a page can fold.

    Raises
    ------
    NotRecordedError
        If there are no outputs, or one is not a Tensor.
    ArgumentError
        If there is no such scope as one that is to be expanded.
    GraphTooLargeError
        If there are more tensors than a picture can show, also folded.
    """
    if not outputs:
        raise NotRecordedError("there is nothing to draw: pass a Tensor, as in draw(loss)")
    for output in outputs:
        check_recorded(output)
    nodes = ancestors(*outputs)
    expand = _existing(expand, nodes)
    titles = names_of(nodes, names)
    constants = [*constants_of(nodes, names, titles).values()]
    things = [*(array for _, array in constants), *nodes]
    uses = {id(node): uses_of(node) for node in nodes}
    units = _units(things, uses, set(outputs), fold, expand, most)
    _check_size(len(nodes), sum(unit.members[-1] >= len(constants) for unit in units), fold)
    alone = {node for unit in units if isinstance(node := things[unit.members[-1]], Node)}
    flow = backward_flow(outputs, alone) if gradients else Flow()
    with_rules = len(units) <= MOST_WITH_RULES if rules is None else rules
    called = {id(array): title for title, array in constants}
    called |= {id(node): title for node, title in titles.items()}
    collector = _Collector(set(outputs), things, called, uses, units, flow, kinds or {}, with_rules)
    boxes: list[records.Box] = []
    arrows: list[records.Arrow] = []
    for u in range(len(units)):
        box, incoming = collector.box(u)
        boxes.append(box)
        for arrow in incoming:
            kind = boxes[arrow.source].kind
            aside = arrow.label == records.LOOKED_THROUGH or "aside" in (kind, box.kind)
            arrows.append(replace(arrow, dashed=aside or kind == "constant"))
    bad, warning = _first_warning(outputs[0], nodes, flow)
    for u, unit in enumerate(units):
        if bad is not None and any(things[m] is bad for m in unit.members):
            boxes[u] = replace(boxes[u], warning=warning)
    given = [box.kind in ("leaf", "constant") for box in boxes]
    groups = [
        replace(group, box=collector.group(g, group))
        for g, group in enumerate(groups_of([unit.scope for unit in units], given, arrows))
    ]
    note = _note(len(nodes), len(things), units)
    return records.Model(tuple(boxes), tuple(arrows), flow.seed, tuple(groups), note, with_rules)


def check_recorded(output: Any) -> None:
    """Raise a `NotRecordedError` for what is not a Tensor."""
    if isinstance(output, Mapping):
        raise NotRecordedError(
            "draw takes Tensors, got a dict: the names are an argument, names=locals()"
        )
    if not isinstance(output, Node):
        raise NotRecordedError(
            f"draw takes Tensors, got {type(output).__name__}: nothing was recorded. Wrap the "
            "inputs whose gradients you want: Tensor(x)"
        )


def _existing(expand: Sequence[str], nodes: Sequence[Node]) -> tuple[str, ...]:
    expand = (expand,) if isinstance(expand, str) else tuple(expand)
    if not expand:
        return ()
    paths = {node.scope[:k] for node in nodes for k in range(1, len(node.scope) + 1)}
    known = {path[-1] for path in paths} | {"/".join(path) for path in paths}
    for name in expand:
        if name not in known:
            there = ", ".join(sorted({path[-1] for path in paths})) or "none"
            raise ArgumentError(
                f"no tensor of the graph was made in a scope {name!r} that could be expanded; its "
                f"scopes: {printable(there)}"
            )
    return expand


def _units(
    things: Sequence[Any],
    uses: Mapping[int, Sequence[Use]],
    outputs: Collection[Node],
    fold: Folding,
    expand: Collection[str],
    most: int,
) -> list[records.Unit]:
    """Share constants and tensors out to boxes: each its own, or folded where they are many."""
    scopes = [thing.scope if isinstance(thing, Node) else () for thing in things]
    if not fold or (fold == "auto" and len(things) <= records.FOLD_ABOVE):
        return [records.Unit((m,), scope=scope) for m, scope in enumerate(scopes)]
    from tinygrad_xent.visualization.drawing.fold import Item, fold_items

    at = {id(thing): m for m, thing in enumerate(things)}
    items = []
    for thing, scope in zip(things, scopes, strict=True):
        if not isinstance(thing, Node):
            items.append(Item("constant", "", (), leaf=True))
            continue
        sources = tuple(at[id(use.value)] for use in uses[id(thing)] if use.boxed)
        op = thing.op.name if thing.op else ""
        sign = f"{op} {thing.data.shape} {thing.data.dtype} {len(sources)}"
        leaf, output = not op, thing in outputs
        items.append(Item(op or "leaf", sign, sources, scope, leaf=leaf, output=output))
    return fold_items(items, fold, expand, most)


def _check_size(tensors: int, boxes: int, fold: Folding) -> None:
    if boxes <= MOST_BOXES:
        return
    if not fold:
        raise GraphTooLargeError(
            f"the graph has {tensors:,} tensors, and a picture shows {MOST_BOXES} at most: "
            'draw an earlier tensor of it, or let draw fold it (fold="auto")'
        )
    raise GraphTooLargeError(
        f"the graph has {tensors:,} tensors; folded by scopes, repetition and chains, {boxes:,} "
        f"boxes are left, and a picture shows {MOST_BOXES} at most: compute its parts in "
        'blocks `with scope("part"):`, which fold into one box each, or draw an earlier tensor'
    )


def _note(tensors: int, things: int, units: Sequence[records.Unit]) -> str:
    if len(units) == things:
        return ""
    text = f"folded: {count(tensors, 'tensor')} shown as {len(units)} box"
    text += "es" * (len(units) > 1)
    if tensors <= MOST_BOXES:
        return f"{text}; fold=False shows all"
    scopes = [unit.path[-1] for unit in units if unit.way == "scope"]
    return f'{text}; expand=("{printable(scopes[0])}",) opens a scope' if scopes else text


def _first_warning(output: Node, nodes: Sequence[Node], flow: Flow) -> tuple[Node | None, str]:
    """Return where the first NaN or infinity was made, if there is one."""
    arrays = [*(node.data for node in nodes), *flow.grads.values()]
    if not flow.seed or all(
        array.dtype.kind != "f" or np.isfinite(array).all() for array in arrays
    ):
        return None, ""
    from tinygrad_xent.visualization.bad_numbers import first_bad

    bad = first_bad(output)
    if bad is None:
        return None, ""
    what = "NaN" if np.isnan(bad.value) else "inf" if bad.value > 0 else "−inf"
    where = "here" if bad.phase == "forward" else "of the backward pass sent from here"
    return bad.tensor, f"first {what} {where}"


# -- the backward pass -----------------------------------------------------------------------------


@dataclass
class Flow:
    """What a backward pass leaves.

    Attributes
    ----------
    grads : dict of tensor to its gradient
    contributions : dict of (tensor, number of an input) to (str, str, tuple of int)
        What a rule sent there, in words and in few words, and the shape that it returned.
    seed : str
        Of what the gradients are; empty if there was no pass.
    """

    grads: dict[Node, Any] = field(default_factory=dict)
    contributions: dict[tuple[Node, int], tuple[str, str, Shape]] = field(default_factory=dict)
    seed: records.Seed = ""


def backward_flow(outputs: Sequence[Node], shown: Container[Node]) -> Flow:
    """Run the backward pass if there is one floating output to run it from.

    The contributions are kept of those tensors that are shown.
    """
    output, flow = outputs[0], Flow()
    if len(set(outputs)) > 1 or output.data.dtype.kind != "f" or not output.data.size:
        return flow

    def observe(node: Node, i: int, result: Any, contribution: Any, _total: Any) -> None:
        if node in shown:
            shape, text = np.shape(result), brief(contribution)
            if math.prod(shape) != contribution.size:
                text = f"{brief(result)} summed to {text}"
            flow.contributions[node, i] = text, brief(contribution, most=4), shape

    with np.errstate(all="ignore"):  # the picture marks NaN and inf
        for node, grad in backpropagate(output, np.ones_like(output.data), observe=observe):
            flow.grads[node] = grad.copy()
    flow.seed = "output" if output.data.size == 1 else "sum"
    return flow


# -- what an op was called with -----------------------------------------------------------------


_INFIX = {*"+−×÷^@%", "//"}
_LONGEST = 26
_IS_COMPARED, _IS_NUMBER = re.compile(" [=<>]+ "), re.compile(r"[-\d(]")


def expression(symbol: str, arguments: Sequence[str]) -> str:
    """Apply an op's symbol to what it was called with; long names are cut until there is room.

    Empty arguments stand for inputs that were left out.

    Examples
    --------
    >>> expression("×", ["v2", "0.1"]), expression("−", ["x"]), expression("|x|", ["v3"])
    ('v2 × 0.1', '−x', '|v3|')
    >>> expression("relu", ["v6"]), expression("softmax + cross-entropy", ["labels", "logits"])
    ('relu(v6)', 'softmax + cross-entropy')
    >>> expression("@", ["the_inputs_of_the_network", "the_weights_of_the_first_layer"])
    'the_in…ork @ the_we…yer'
    """
    given = [f"({name})" if _IS_COMPARED.search(name) else name for name in arguments if name]
    for longest in (_LONGEST, 10, 8, 6):
        cut = [name if _IS_NUMBER.match(name) else shorten(name, longest) for name in given]
        text = _applied(symbol, cut)
        if len(text) <= _LONGEST:
            return text
    return symbol


def _applied(symbol: str, arguments: Sequence[str]) -> str:
    text = symbol
    if symbol in _INFIX and len(arguments) == 2:
        text = f"{arguments[0]} {symbol} {arguments[1]}"
    elif symbol in _INFIX and len(arguments) == 1:
        text = symbol + arguments[0]
    elif re.search(r"\bx\b", symbol) and len(arguments) == 1:
        text = re.sub(r"\bx\b", lambda _: arguments[0], symbol)
    elif " " not in symbol and 1 <= len(arguments) <= 2:
        text = f"{symbol}({', '.join(arguments)})"
    return text


class Use(NamedTuple):
    """One of a tensor's inputs, or a parameter that is an array.

    `position` counts the inputs, then those parameters. `boxed` are tensors, and constants of more
    than one number. `aside` marks probabilities that a loss looked through.
    """

    label: str
    value: Any
    position: int
    boxed: bool
    aside: bool


def uses_of(node: Node) -> list[Use]:
    """List the inputs of a tensor's op, and its parameters that are arrays."""
    names = node.op.names_of(len(node.inputs)) if node.op else ()
    arrays = [(key, x) for key, x in node.params.items() if isinstance(x, np.ndarray)]
    probs = looked_through(node)
    uses = []
    for i, (name, x) in enumerate([*zip(names, node.inputs, strict=True), *arrays]):
        boxed = isinstance(x, Node) or (isinstance(x, np.ndarray) and x.size != 1)
        aside = probs is not None and x is probs
        uses.append(Use(records.LOOKED_THROUGH if aside else printable(name), x, i, boxed, aside))
    return uses


def details_of(node: Node, uses: Iterable[Use]) -> Iterator[str]:
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


def _made(node: Node, arguments: Sequence[str]) -> str:
    """Write how a tensor was computed; of an index its text, not the array's name."""
    if node.op is None:
        return ""
    if node.op.name == "getitem":
        return expression(f"x[{index_text(node.params['index'])}]", arguments[:1])
    return expression(printable(node.op.symbol), arguments)


# -- a record for each box -------------------------------------------------------------------------


@dataclass
class _Collector:
    """Collects the facts of each box, and of the arrows into it, once it is known who shares one.

    Attributes
    ----------
    things : sequence of ndarray and Tensor
        The constants, then the tensors.
    titles : mapping of int to str
        What they are called, by id.
    uses : mapping of int to sequence of Use
        The inputs of each tensor, by its id.
    """

    outputs: Collection[Node]
    things: Sequence[Any]
    titles: Mapping[int, str]
    uses: Mapping[int, Sequence[Use]]
    units: Sequence[records.Unit]
    flow: Flow
    kinds: Mapping[Node, records.Kind]
    rules: bool

    def __post_init__(self) -> None:
        ids = [id(thing) for thing in self.things]
        self.at = {ids[m]: u for u, unit in enumerate(self.units) for m in unit.members}
        every = [use for uses in self.uses.values() for use in uses]
        used = {id(use.value) for use in every if not use.aside}
        self.asides = {id(use.value) for use in every if use.aside} - used
        self.first = len(self.things) - len(self.uses)  # tensor
        self.users: dict[int, set[int]] = {}  # the ids of what uses each constant and tensor
        for node, uses in self.uses.items():
            for use in uses:
                if use.boxed:
                    self.users.setdefault(id(use.value), set()).add(node)

    def box(self, u: int) -> tuple[records.Box, list[records.Arrow]]:
        """Return the box of a unit, and the arrows into it."""
        members = self.units[u].members
        if len(members) > 1:
            return self._folded(u)
        thing, title = self.things[members[0]], self.titles[id(self.things[members[0]])]
        if not isinstance(thing, Node):
            return records.Box(f"c{members[0]}", title, "constant", thing.copy()), []
        return self._single(thing, title, u)

    def _single(self, node: Node, title: str, u: int) -> tuple[records.Box, list[records.Arrow]]:
        uses, op = self.uses[id(node)], node.op
        arrows = self._arrows(node, u, [use for use in uses if use.boxed])
        arguments = [self.titles[id(use.value)] if use.boxed else short(use.value) for use in uses]
        letters = letters_of(op, tuple(arguments[: len(node.inputs)]), title) if op else {}
        rules = dict.fromkeys([formula_text(a.rule, letters) for a in arrows if a.rule])
        box = records.Box(
            id=f"n{self.units[u].members[0] - self.first}",
            title=title,
            kind=self._kind(node),
            value=node.data.copy(),  # training goes on, the picture stays
            expression=_made(node, arguments),
            op=op.name if op else "",
            ports=tuple([arrow.label for arrow in arrows]) if len(arrows) > 1 else (),
            details=tuple(details_of(node, uses)) + self._without_gradient(node),
            gradient=self.flow.grads.get(node),
            formula=formula_of(node),
            letters=letters,
            output=node in self.outputs,
            rules=tuple(rules) if self.rules else (),
        )
        return box, arrows

    def _without_gradient(self, node: Node) -> tuple[str, ...]:
        """Say why a leaf has no gradient, where that is because of what it holds."""
        dtype = node.data.dtype
        if node.op or dtype.kind == "f" or not self.flow.seed:
            return ()
        return (f"no gradient: {dtype} cannot change a little",)

    def _arrows(self, node: Node, u: int, uses: Sequence[Use]) -> list[records.Arrow]:
        """Return an arrow for each input; of many that come from one folded box, one together."""
        sources = [self.at[id(use.value)] for use in uses]
        arrows: list[records.Arrow] = []
        bundled = set()
        for use, source in zip(uses, sources, strict=True):
            many = sources.count(source)
            if many > MOST_ARROWS and len(self.units[source].members) > 1:
                if source not in bundled:
                    arrows.append(records.Arrow(source, u, len(arrows), count(many, "input")))
                bundled.add(source)
                continue
            place = node, use.position
            text, few, shape = self.flow.contributions.get(place, ("", "", ()))
            rule = rule_at(*place, shape) if text else ""
            arrows.append(records.Arrow(source, u, len(arrows), use.label, rule, text, few))
        return arrows

    def _kind(self, node: Node) -> records.Kind:
        if node in self.kinds:
            return self.kinds[node]
        if id(node) in self.asides and node not in self.outputs:
            return "aside"
        if node.op is None:
            return "leaf"
        return "fused" if node.op.name in _FUSED else "op"

    def _folded(self, u: int) -> tuple[records.Box, list[records.Arrow]]:
        unit = self.units[u]
        sources: dict[int, list[str]] = {}
        for thing in self._inputs([self.things[m] for m in unit.members]):
            sources.setdefault(self.at[id(thing)], []).append(self.titles[id(thing)])
        arrows = []
        for source, titles in sources.items():
            label = titles[0] if len(titles) == 1 else count(len(titles), "tensor")
            arrows.append(records.Arrow(source, u, 0, label))
        return self._box(f"f{unit.members[-1] - self.first}", unit.title, unit.members), arrows

    def group(self, g: int, group: records.Group) -> records.Box:
        """Return the box that a page shows in place of a group's frame, once that is folded."""
        members = sorted(m for u in group.boxes for m in self.units[u].members)
        return self._box(f"s{g}f", group.title, members)

    def _inputs(self, members: Sequence[Any]) -> list[Any]:
        """Return what members of a folded box use that is not in it, each once."""
        within = {id(thing) for thing in members}
        uses = [use for thing in members for use in self.uses.get(id(thing), ()) if use.boxed]
        return [*{id(x): x for use in uses if id(x := use.value) not in within}.values()]

    def _box(self, name: str, title: str, numbers: Sequence[int]) -> records.Box:
        """Return a box that stands for several constants and tensors."""
        members = [self.things[m] for m in numbers]
        nodes = [thing for thing in members if isinstance(thing, Node)]
        within = {id(thing) for thing in members}
        seen = [node for node in nodes if self.users.get(id(node), set()) - within] or nodes[-1:]
        last = seen[-1]
        called = self.titles[id(last)]
        inputs = count(len(self._inputs(members)), "input")
        which = ", the last" if len(seen) > 1 else ":"
        shape = f"{shorten(called, 20)} {last.data.shape or 'scalar'} {last.data.dtype}"
        details = [f"{inputs}, {count(len(seen), 'output')}{which} {shape}"]
        leaves = [node for node in nodes if node.op is None and node.data.dtype.kind == "f"]
        if leaves:
            size = count(sum([node.data.size for node in leaves]), "number")
            details.append(f"{size} in {len(leaves):,} {'leaf' if len(leaves) == 1 else 'leaves'}")
        norms = self._norms(leaves or [last])
        if norms:
            norm = number(float(np.hypot.reduce(norms)))
            details.append(f"gradient norm {norm}, of {'its leaves' if leaves else called}")
        steps = [node for node in nodes if node.op]
        alike = [node for node in steps if node.op is steps[-1].op]
        along = self._norms(alike if len(alike) >= FEWEST_NORMS else steps)
        if len(along) > 1:
            details.append(f"gradient norms: {number(along[0])} first, {number(along[-1])} last")
        return records.Box(
            id=name,
            title=printable(title),
            kind="folded",
            value=last.data.copy(),
            details=tuple(details),
            gradient=self.flow.grads.get(last),
            members=len(members),
            norms=tuple(along),
            holds={f"n{m - self.first}": self.titles[id(self.things[m])] for m in numbers},
        )

    def _norms(self, nodes: Iterable[Node]) -> list[float]:
        """Return the norms of the gradients that there are."""
        grads = [self.flow.grads[node] for node in nodes if node in self.flow.grads]
        with np.errstate(all="ignore"):
            return [float(np.linalg.norm(grad.astype(float).ravel())) for grad in grads]


# -- frames ----------------------------------------------------------------------------------------


DEEPEST = 4  # frames within frames


def groups_of(
    scopes: Sequence[records.Path], leaves: Sequence[bool], arrows: Iterable[records.Arrow]
) -> tuple[records.Group, ...]:
    """Make a group of each run of boxes that were made in a scope, one after the other.

    A leaf joins the first box of its scope that uses it, unless others use it before.
    """
    first: dict[int, int] = {}  # the first box that uses each
    for arrow in arrows:
        first[arrow.source] = min(first.get(arrow.source, arrow.target), arrow.target)
    found: list[tuple[records.Path, list[int], int]] = []  # path, boxes, parent
    around: dict[int, list[int]] = {}  # the groups of each box, from the outermost
    last: records.Path = ()
    opened: list[int] = []
    for i, scope in enumerate(scopes):
        if leaves[i]:
            continue
        path = scope[:DEEPEST]
        opened = opened[: len(records.common([last, path]))]
        for depth in range(len(opened), len(path)):
            found.append((path[: depth + 1], [], opened[-1] if opened else -1))
            opened = [*opened, len(found) - 1]
        around[i], last = opened, path
    for i, scope in enumerate(scopes):
        for g in around.get(first.get(i, i) if leaves[i] else i, ()):
            path, boxes, _ = found[g]
            if scope[: len(path)] == path:
                boxes.append(i)
    order = sorted(range(len(found)), key=lambda g: len(found[g][0]))
    number = {g: k for k, g in enumerate(order)} | {-1: -1}
    return tuple(
        [
            records.Group(printable(path[-1]), tuple(boxes), number[parent])
            for path, boxes, parent in map(found.__getitem__, order)
        ]
    )
