"""Every gradient of a recorded graph against differences of its output."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_xent.backprop import backpropagate, check_seed, is_real
from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.judging import Judged, judge, judge_closely
from tinygrad_xent.checking.replaying import rebuild, replayer
from tinygrad_xent.checking.side_effects import SideEffects
from tinygrad_xent.checking.slopes import EPSILON, differences
from tinygrad_xent.checking.subjects import STOPS, Arrays, Subject, precise
from tinygrad_xent.checking.through_graph import Way
from tinygrad_xent.domains import WITHOUT_GRADIENT
from tinygrad_xent.errors import NotInGraphError
from tinygrad_xent.graph import Node, ancestors, describe, parents, values
from tinygrad_xent.visualization.naming import names_of

_JITTERS = 8
_LAST_DIGIT = 0.08  # what is judged has a margin of a hundred roundings


class GraphSubject(Subject):
    """A recorded graph: its inputs are all its tensors, each a function's input by itself."""

    def __init__(self, output: Node, nodes: Mapping[Node, Node]) -> None:
        names = names_of(ancestors(output))
        self.output, self.nodes = nodes[output], list(nodes.values())
        self.name = f"the graph of the {describe(output)}"
        self.inputs: Arrays = list(map(values, self.nodes))
        self.names = [names.get(node, "") for node in nodes]
        self.params: Mapping[str, Any] = {}
        self.side_effects = SideEffects()

    def function_of(self, i: int) -> Callable[[Any], Any]:
        """Return the output as a function of one tensor, by running the graph again."""
        return replayer(self.output, [self.nodes[i]])


def check_graph(
    output: Node,
    *,
    wrt: Node | Iterable[Node] | None = None,
    seed: Any = None,
    limit: int = 5000,
    rng: np.random.Generator,
) -> tuple[GraphSubject, list[Case], Stop | None]:
    """Check the gradient of every tensor of a graph, those in between included.

    The graph is computed again in float64, with each tensor's entries moved up and down. A
    gradient is wrong where it differs by more than the estimated error of the differences and
    the rounding of float64 allow. The parameters are those of `gradcheck`.

    Where a rule stops the backward pass, the tensors whose gradients are not finished are left out.
    """
    weights = np.asarray(check_seed(output, values(seed)), np.float64)
    twins = rebuild(output)
    wanted = set(twins) if wrt is None else {wrt} if isinstance(wrt, Node) else set(wrt)
    for node in wanted - set(twins):
        raise NotInGraphError(
            f"{describe(node)} is not part of the graph of the {describe(output)}"
        )
    subject = GraphSubject(output, twins)
    rounding = functools.cache(lambda: _rounding(output, weights))
    cases: dict[Node, Case] = {}
    largest = 0.0  # of the gradients that the next one is made of
    grads, stop = gradients_until_stopped(subject.output, weights)
    if stop is None:  # a gradient that never came counts as 0, which may be right
        missing = with_gradient(subject.output) - set(grads)
        grads |= {twin: np.zeros(twin.data.shape) for twin in missing}
    for i, (node, twin) in reversed(list(enumerate(twins.items()))):
        if twin not in grads:
            continue
        grad, size = grads[twin], twin.data.size
        floor = _LAST_DIGIT * EPSILON * largest
        largest = max(largest, np.max(np.abs(grad), initial=0.0, where=np.isfinite(grad)))
        if size and node in wanted:
            sample = np.arange(size) if size <= limit else rng.choice(size, limit, replace=False)
            sample = np.sort(sample)
            judged = _judged(subject, i, weights, grad, sample, floor, rounding)
            cases[node] = Case(
                subject=subject,
                index=i,
                out=subject.output.data,
                upstream=weights[None],
                raw=[grad],
                got=judged.got,
                expected=judged.expected,
                tolerance=judged.allowed,
                epsilon=EPSILON,
                judged=judged,
                sample=sample,
            )
    for node, case in cases.items():
        if case.wrong:
            cases[node] = replace(case, blamed=_blamed(node, cases))
    return subject, list(cases.values()), stop


@dataclass(frozen=True)
class Stop:
    """What a rule raised about its arrays, and the tensor of a graph that has this rule."""

    error: Exception
    node: Node | None = None


def gradients_until_stopped(output: Node, seed: Any) -> tuple[dict[Node, Any], Stop | None]:
    """Return the finished gradients, and what stopped the backward pass, or None."""
    grads, node = {}, output
    try:
        for node, grad in backpropagate(output, seed):
            grads[node] = grad
    except STOPS as error:  # of the rule of the tensor that came last
        return grads, Stop(error, node)
    return grads, None


def with_gradient(output: Node) -> set[Node]:
    """Return the tensors that a backward pass should reach: through no input that is held."""
    found = {output}
    for node in reversed(ancestors(output)):
        if node in found and node.op is not None:
            domains = node.op.domains * (len(node.inputs) if node.op.variadic else 1)
            for x, domain in zip(node.inputs, domains, strict=True):
                if isinstance(x, Node) and is_real(x) and domain not in WITHOUT_GRADIENT:
                    found.add(x)
    return found


def _judged(
    subject: Subject,
    i: int,
    weights: Any,
    grad: Any,
    entries: Any,
    floor: float,
    rounding: Callable[[], list[Any]],
) -> Judged:
    """Judge some entries of a gradient; refine the slopes before one is called wrong.

    What rounding does to the gradient is at least `floor`, and more where `rounding` saw more.
    """
    run, x = subject.function_of(i), subject.inputs[i]

    def f(part: Any) -> Any:
        whole = np.array(x)
        whole.flat[entries] = part
        return np.asarray(np.sum(weights * run(whole)))

    part, one = x.flat[entries], np.ones(1)
    found, got = differences(f, part), precise(grad).reshape(1, -1)[:, entries]
    judged = judge(got, found, one, EPSILON, floor)
    if not (judged.wrong.any() or judged.kink.any()):
        return judged
    noise = floor + rounding()[i].flat[entries][None]
    return judge_closely(Way(f, f(part)), part, one, got, found, EPSILON, noise)


def _rounding(output: Node, weights: Any) -> list[Any]:
    """Return how far the gradient of each tensor moves when the last digits of the leaves do.

    Of several moves, take a small one: a jump of a wrong rule at some of them is not rounding.
    """
    twins = rebuild(output)
    leaves = [node for node in twins if node.op is None and is_real(node)]
    grads, _ = gradients_until_stopped(twins[output], weights)
    moves: dict[Node, list[Any]] = {node: [] for node in twins}
    rng = np.random.default_rng(0)
    for _ in range(_JITTERS):
        stirred = {
            leaf: twins[leaf].data * (1 + EPSILON * rng.choice([-1, 1], leaf.data.shape))
            for leaf in leaves
        }
        others = rebuild(output, data=stirred)
        moved, _ = gradients_until_stopped(others[output], weights)
        for node, twin in twins.items():
            off = np.abs(moved.get(others[node], 0.0) - grads.get(twin, 0.0))
            off = np.broadcast_to(off, twin.data.shape)
            moves[node].append(np.where(np.isfinite(off), off, 0))
    return [np.sort(several, axis=0)[_JITTERS // 4] for several in moves.values()]


def _blamed(node: Node, cases: Mapping[Node, Case]) -> tuple[Node, ...]:
    """Return the tensors computed from one with a wrong gradient, if theirs are all right."""
    users = [user for user in cases if any(x is node for x in parents(user))]
    return () if any(cases[user].wrong for user in users) else tuple(users)
