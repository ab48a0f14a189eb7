"""The backward pass in an order that is not topological, and what comes out wrong.

The recursion that everybody tries first: send to all inputs, then go on from each of them. A
tensor whose gradient comes from two places then sends on what has arrived so far, and what
arrives later is never passed on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.tracing import Backward, Trace
from tinygrad_xent.visualization.tracing.events import unsummed


@dataclass(frozen=True, eq=False)
class WrongOrder:
    """A backward pass that comes out wrong.

    Attributes
    ----------
    name : str
        Which order it took.
    events : tuple of Backward
        As in the trace, with the numbers of this pass.
    totals : dict of Tensor to ndarray
        What has arrived at each tensor in the end.
    wrong : tuple of Tensor
        Where that is not the gradient, from the output's side on.
    direction : int
        Which of a tensor's inputs goes on first: 1 the first, -1 the last.
    """

    name: str
    events: tuple[Backward, ...]
    totals: dict[Node, Any]
    wrong: tuple[Node, ...]
    direction: int

    def has_wrong(self, tensor: Node) -> bool:
        """Return whether a tensor ends up with a wrong gradient."""
        return any(tensor is x for x in self.wrong)  # `in` would compare the numbers

    def missing(self, event: Backward) -> int:
        """Count the contributions that the sender of an event still lacked."""
        return sum(later.to is event.tensor for later in self.events if later.step > event.step)

    def late(self, event: Backward) -> bool:
        """Whether the receiver of an event had sent its gradient on before."""
        return any(e.tensor is event.to for e in self.events if e.step < event.step)


def wrong_order(right: Trace) -> WrongOrder | None:
    """Run the backward pass of a trace depth first, sending before everything has arrived.

    Parameters
    ----------
    right : Trace
        The same backward pass in its right order.

    Returns
    -------
    WrongOrder or None
        None where the order does not matter: no tensor that sends a gradient on has got its own
        from two places, or what is passed on too late is 0.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> from tinygrad_xent.visualization.tracing import trace
    >>> x = Tensor(2.0, name="x")
    >>> a = x * 3.0
    >>> result = wrong_order(trace(a + a * a))  # the gradient is 3 + 2 * 6 * 3 = 39
    >>> print(result.totals[x])
    3.0
    """
    # If the one direction happens to wait for everything, the other does not.
    for name, step in (("depth first", 1), ("depth first, last input first", -1)):
        with np.errstate(all="ignore"):  # the trace has had its warnings
            events, totals = _run(right, step)
        wrong = [x for x in totals if not _same(totals[x], right.gradient(x))]
        if wrong:
            wrong.sort(key=lambda x: -x.birth)
            return WrongOrder(name, tuple(events), totals, tuple(wrong), step)
    return None


def _run(right: Trace, direction: int) -> tuple[list[Backward], dict[Node, Any]]:
    rules = {(e.tensor, e.position): e for e in right.backward}
    first = len(right.forward) + 1
    totals: dict[Node, Any] = {right.output: right.seed}
    events: list[Backward] = []
    for node, i, grad, result, sent, total in depth_first(right.output, right.seed, direction):
        totals[node.inputs[i]] = np.asarray(total)
        changed = {"incoming": grad, "unsummed": unsummed(result, sent), "sent": sent}
        changed |= {"step": first + len(events), "total": totals[node.inputs[i]]}
        events.append(replace(rules[node, i], **changed))
    return events, totals


def depth_first(output: Node, seed: Any, direction: int) -> Iterator[tuple[Any, ...]]:
    """Send gradients on as soon as they arrive.

    Parameters
    ----------
    output : Tensor
    seed : ndarray or Tensor
        From a Tensor the pass is recorded.
    direction : int
        As in `WrongOrder`.

    Yields
    ------
    tuple
        The sender, which of its inputs receives, the gradient that it has by then, what its rule
        returns, the contribution, and the total so far at the receiver.
    """
    totals = {output: seed}
    visited: set[Node] = set()
    waiting = [output]
    while waiting:
        node = waiting.pop()
        if node in visited or node.op is None:
            continue
        visited.add(node)
        grad = totals[node]
        receivers: list[Node] = []
        for i, result, sent in _contributions(node, grad):
            to: Node = node.inputs[i]
            totals[to] = totals[to] + sent if to in totals else sent
            receivers.append(to)
            yield node, i, grad, result, sent, totals[to]
        waiting += receivers[::-direction]  # the last one is taken first


def _contributions(node: Node, grad: Any) -> list[tuple[int, Any, Any]]:
    """Apply a tensor's rule: for each input, what the rule returns and what is sent of it."""
    found: list[tuple[int, Any, Any]] = []

    def observe(_node: Node, i: int, result: Any, sent: Any, _total: Any) -> None:
        found.append((i, result, sent))

    steps = backpropagate(node, grad, observe=observe)
    next(steps)  # the tensor itself; its rule runs before the next one comes
    next(steps, None)
    return found


def _same(a: Any, b: Any) -> bool:
    """Whether two gradients differ in rounding only."""
    size = float(np.max(np.abs(b), where=np.isfinite(b), initial=0.0))
    tolerance = 1000 * float(np.finfo(b.dtype).eps)
    return np.allclose(a, b, rtol=tolerance, atol=tolerance * size, equal_nan=True)
