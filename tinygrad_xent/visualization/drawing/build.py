"""From a graph to the model of its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from tinygrad_xent.backprop import backpropagate, is_real
from tinygrad_xent.errors import ArgumentError, GraphTooLargeError, NotRecordedError
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.visualization.bad_numbers import first_bad
from tinygrad_xent.visualization.drawing.boxes import Flow, Parts, backward_flow, uses_of
from tinygrad_xent.visualization.drawing.fold import Item, Path, Unit, fold_items
from tinygrad_xent.visualization.drawing.model import Arrow, Box, Group, Kind, Model
from tinygrad_xent.visualization.formatting import count
from tinygrad_xent.visualization.naming import (
    constants_of,
    names_of,
    printable,
)

MOST_BOXES = 400
MOST_WITH_RULES = 20

Constant = tuple[str, Any]  # its name and the array
Folding = bool | Literal["auto"]


def build(
    outputs: Sequence[Any],
    names: Mapping[str, Any] | None,
    *,
    gradients: bool,
    fold: Folding = False,
    expand: Sequence[str] = (),
    rules: bool | None = False,
    kinds: Mapping[Node, Kind] | None = None,
) -> Model:
    """Make boxes and arrows of everything that the outputs were computed from.

    Parameters
    ----------
    outputs, names, gradients, fold, expand, rules
        As `draw` takes them.
    kinds : mapping of Tensor to str, optional
        Kinds of boxes that go before those found here.

    Raises
    ------
    NotRecordedError
        If there are no outputs, or one is not a Tensor.
    ArgumentError
        If there is no such scope as one that is to be expanded.
    GraphTooLargeError
        If there are more tensors than a picture can show, also folded.
    """
    outputs = _checked(outputs)
    nodes = ancestors(*outputs)
    expand = _existing(expand, nodes)
    titles = names_of(nodes, names)
    constants = list(constants_of(nodes, names, titles.values()).values())
    units = fold_items(_items(constants, nodes, set(outputs)), fold, expand)
    _check_size(len(nodes), sum(unit.members[-1] >= len(constants) for unit in units), fold)
    things: list[Any] = [*(array for _, array in constants), *nodes]
    alone = {node for unit in units if isinstance(node := things[unit.members[-1]], Node)}
    flow = backward_flow(outputs, alone) if gradients else Flow()
    with_rules = len(units) <= MOST_WITH_RULES if rules is None else rules
    parts = Parts(outputs, constants, titles, units, flow, kinds or {}, rules=with_rules)
    warned, warning = _first_warning(outputs[0], nodes, flow)
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    for i, unit in enumerate(units):
        box, incoming = parts.box(i)
        here = warned is not None and any(things[m] is warned for m in unit.members)
        boxes.append(replace(box, warning=warning) if here else box)
        arrows += incoming
    return Model(
        tuple(boxes),
        tuple(arrows),
        flow.seed,
        groups_of(
            [unit.scope for unit in units],
            [box.kind in ("leaf", "constant") for box in boxes],
            [(arrow.source, arrow.target) for arrow in arrows],
        ),
        _note(len(nodes), len(things), units),
        with_rules,
    )


def _checked(outputs: Sequence[Any]) -> tuple[Node, ...]:
    if not outputs:
        raise NotRecordedError("there is nothing to draw: pass a Tensor, as in draw(loss)")
    for output in outputs:
        if not isinstance(output, Node):
            raise NotRecordedError(
                f"draw takes Tensors, got {type(output).__name__}: nothing was recorded. Wrap the "
                "inputs whose gradients you want: Tensor(x)"
            )
    return tuple(outputs)


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


def _items(constants: Sequence[Constant], nodes: Sequence[Node], outputs: set[Node]) -> list[Item]:
    at: dict[int, int] = {id(array): i for i, (_, array) in enumerate(constants)}
    at |= {id(node): i for i, node in enumerate(nodes, len(constants))}
    items = [Item("constant", "", (), leaf=True) for _ in constants]
    for node in nodes:
        used: list[Any] = [use.value for use in uses_of(node) if use.boxed]
        op = node.op
        items.append(
            Item(
                word=op.name if op else "leaf",
                sign=f"{op.name if op else ''} {node.data.shape} {node.data.dtype} {len(used)}",
                sources=tuple(at[id(x)] for x in used),
                scope=node.scope,
                leaf=op is None,
                output=node in outputs,
            )
        )
    return items


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


def _note(tensors: int, things: int, units: Sequence[Unit]) -> str:
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
    if not flow.seed or all(array.dtype.kind != "f" or _finite(array) for array in arrays):
        return None, ""
    bad = first_bad(output)
    if bad is None:
        return None, ""
    what = "NaN" if np.isnan(bad.value) else "inf" if bad.value > 0 else "−inf"
    where = "here" if bad.phase == "forward" else "of the backward pass sent from here"
    return bad.tensor, f"first {what} {where}"


def _finite(array: Any) -> bool:
    return bool(np.isfinite(array).all())


# -- frames ----------------------------------------------------------------------------------------


DEEPEST = 4  # frames within frames


def groups_of(
    scopes: Sequence[Path], leaves: Sequence[bool], arrows: Sequence[tuple[int, int]]
) -> tuple[Group, ...]:
    """Make a group of each run of boxes that were made in a scope, one after the other.

    A leaf joins the first box of its scope that uses it, unless others use it before.
    """
    users: dict[int, list[int]] = {}
    for source, target in arrows:
        users.setdefault(source, []).append(target)
    found: list[Group] = []
    above: dict[int, int] = {}  # box to its group one level up
    for depth in range(1, DEEPEST + 1):
        runs: list[tuple[Path, int, list[int]]] = []
        at: dict[int, int] = {}
        last = -2
        for i, (scope, leaf) in enumerate(zip(scopes, leaves, strict=True)):
            if leaf:
                continue
            path, parent = scope[:depth], above.get(i, -1)
            if len(path) < depth:
                last = -2
                continue
            if last == -2 or runs[-1][:2] != (path, parent):
                runs.append((path, parent, []))
            last = at[i] = len(runs) - 1
            runs[-1][2].append(i)
        for i, (scope, leaf) in enumerate(zip(scopes, leaves, strict=True)):
            first = min(users.get(i, ()), default=-1)
            if leaf and first in at and len(scope) >= depth:
                path, _, boxes = runs[at[first]]
                if path == scope[:depth]:
                    boxes.append(i)
        above = {}
        for path, parent, boxes in runs:
            above.update(dict.fromkeys(boxes, len(found)))
            found.append(Group(printable(path[-1]), tuple(sorted(boxes)), parent))
        if not runs:
            break
    return tuple(found)


# -- the backward pass as a graph ------------------------------------------------------------------


def backward_graph(
    output: Any, names: Mapping[str, Any] | None
) -> tuple[tuple[Node, ...], dict[str, Any], dict[Node, Kind]]:
    """Record the backward pass of an output.

    Returns
    -------
    outputs : tuple of Tensor
        The output, and the gradient of each leaf.
    names : dict of str to Tensor
        The names given, those of the tensors, and ∂x for the gradient of x. A tensor that is the
        gradient of several (a sum hands its own on) is called after the last of them.
    kinds : dict of Tensor to str
        Which ops belong to which pass.
    """
    if not isinstance(output, Node):
        raise NotRecordedError(
            f"draw takes Tensors, got {type(output).__name__}: nothing was recorded. Wrap the "
            "inputs whose gradients you want: Tensor(x)"
        )
    forward = ancestors(output)
    titles = names_of(forward, names)
    leaves = [node for node in forward if node.op is None and is_real(node)]
    seed = type(output)(np.ones_like(output.data))
    found = dict(backpropagate(output, seed, wrt=leaves))
    called: dict[int, tuple[str, Node]] = {}
    for node, grad in found.items():
        title = titles[node]
        name = f"∂{title}" if title.isidentifier() else f"∂({title})"
        if id(grad) not in called or node.op is None:
            called[id(grad)] = name, grad
    grads = [found[leaf] for leaf in leaves if leaf in found]
    outputs = tuple(dict.fromkeys((output, *grads)))
    known = set(forward)
    kinds: dict[Node, Kind] = {
        node: "forward" if node in known else "backward"
        for node in ancestors(*outputs)
        if node.op is not None
    }
    every = {title: node for node, title in titles.items()}
    return outputs, every | dict(names or {}) | dict(called.values()), kinds
