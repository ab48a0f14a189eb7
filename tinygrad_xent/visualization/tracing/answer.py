"""Why a tensor got its gradient, in plain sentences."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_xent.backprop import is_real
from tinygrad_xent.errors import ArgumentError, NotInGraphError, NotRecordedError
from tinygrad_xent.graph import Node, ancestors, describe
from tinygrad_xent.visualization.formatting import brief, count, number
from tinygrad_xent.visualization.naming import looked_through
from tinygrad_xent.visualization.tracing import sentences as templates  # noqa: F401 - it registers what it knows
from tinygrad_xent.visualization.tracing.events import Backward
from tinygrad_xent.visualization.tracing.reasons import Place, at, explain

if TYPE_CHECKING:
    from tinygrad_xent.visualization.tracing.traces import Trace

_MOST_ENTRIES, _MOST_STATIONS, _MOST_WAYS = 3, 8, 8
_MANY = 1_000_000
_TRANSPARENT = ("look_through", "astype")  # they hand on the gradient as it is


@dataclass(frozen=True)
class Why:
    """An answer of `why`: sentences; `print` it, or let the notebook show it.

    Attributes
    ----------
    sentences : tuple of str
    """

    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    __repr__ = __str__


def why(
    tensor: Any,
    output: Any = None,
    *,
    entry: int | Sequence[int] | None = None,
    names: Mapping[str, Any] | None = None,
) -> Why:
    """Say in plain sentences why a tensor has the gradient it has.

    Parameters
    ----------
    tensor : Tensor
        Whose gradient is to be explained.
    output : Tensor
        Of what it is the gradient; if that is no scalar, of its sum.
    entry : int or sequence of int, optional
        Which entry to explain; by default the three of the largest gradient.
    names : mapping of str to Tensor, optional
        What to call the tensors, before their own names, such as `locals()`.

    Returns
    -------
    Why
        Over which tensors the gradient came, how much each way brought, and for each entry the
        calculation and what its numbers are.

    Raises
    ------
    ArgumentError
        If no output is given, or the tensor has no such entry.
    NotInGraphError
        If the output was not computed from the tensor.

    See Also
    --------
    trace : its result has a method `why`, for several questions about one backward pass.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, sparse_softmax_cross_entropy_with_logits
    >>> z = Tensor([2.0, 1.0, 0.1], name="z")
    >>> loss = sparse_softmax_cross_entropy_with_logits(labels=0, logits=z, name="loss")
    >>> why(z, loss)
    The gradient of loss came to z along the path loss (sparse_softmax_cross_entropy).
    z[0] has 0.659 - 1 = -0.341: p = 0.659, and 0 is the label.
    z[1] has 0.242: p = 0.242, and the label is 0, not 1.
    z[2] has 0.0986: p = 0.0986, and the label is 0, not 2.
    """
    from tinygrad_xent.visualization.tracing.record import trace

    if not isinstance(tensor, Node):
        raise NotRecordedError(
            f"why explains the gradient of a Tensor, got {type(tensor).__name__}: nothing was "
            "recorded"
        )
    if output is None:
        raise ArgumentError(
            f"{describe(tensor)} does not know what was computed from it: say of which output the "
            "gradient is, as in why(logits, loss)"
        )
    if isinstance(output, Node) and output is not tensor and output in set(ancestors(tensor)):
        raise NotInGraphError(
            f"{describe(tensor)} was computed from {describe(output)}, not the other way round: "
            "the output comes second, as in why(logits, loss)"
        )
    scalar = not isinstance(output, Node) or output.data.size == 1
    seed = None if scalar else np.ones_like(output.data)
    return trace(output, seed=seed, names=names).why(tensor, entry=entry)


def answer(trace: Trace, tensor: Node, entry: int | Sequence[int] | None) -> Why:
    """Answer from a trace; `Trace.why` has checked that the tensor is in it."""
    return Why(tuple(_sentences(trace, tensor, entry)))


def _sentences(trace: Trace, tensor: Node, entry: Any) -> Iterator[str]:
    name = trace.names[tensor]
    places = _places(name, trace.gradient(tensor), tensor.data.shape, entry)
    if tensor is trace.output:
        yield f"The backward pass started at {name}, with the gradient {brief(trace.seed)}."
        return
    came = [event for event in trace.backward if event.to is tensor]
    if not came:
        yield _nothing(trace, tensor)
        return
    yield from _ways(trace, name, came)
    size = tensor.data.size
    if entry is None and size > _MOST_ENTRIES:
        yield f"Of its {count(size, 'entry')} these have the largest gradients:"
    for place in places:
        yield from _entry(trace, came, at(name, place), place)


def _places(name: str, gradient: Any, shape: Place, entry: Any) -> list[Place]:
    """Choose the entries to explain."""
    if entry is not None:
        index = tuple(entry) if isinstance(entry, Sequence) else (entry,)
        try:
            index = tuple(operator.index(k) for k in index)
            inside = all(-n <= k < n for k, n in zip(index, shape, strict=True))
        except (TypeError, ValueError):
            inside = False
        if not inside:
            example = (0,) * len(shape) if len(shape) != 1 else 0
            raise ArgumentError(
                f"entry={entry!r} is no entry of {name}, whose shape is {shape}; give one index "
                f"for each axis, such as entry={example}"
            )
        return [tuple(k % n for k, n in zip(index, shape, strict=True))]
    if gradient is None:
        return []
    size = np.where(np.isnan(gradient), np.inf, np.abs(gradient)).reshape(-1)
    largest = np.argsort(-size, kind="stable")[:_MOST_ENTRIES]
    order = largest if size.size > _MOST_ENTRIES else np.sort(largest)
    return [tuple(int(k) for k in np.unravel_index(i, shape)) for i in order]


def _nothing(trace: Trace, tensor: Node) -> str:
    """Say why no gradient came."""
    name = trace.names[tensor]
    if not is_real(tensor):
        return f"{name} holds {tensor.data.dtype}: it has no gradient."
    for node in trace.names:
        if looked_through(node) is tensor:
            (logits,) = node.inputs
            return (
                f"No gradient came to {name}: the loss looked through it to the logits it was "
                f"computed from, {trace.names[logits]}, and sent the gradient there."
            )
    return (
        f"No gradient came to {name}: no op sent it one, or the trace was limited to other tensors."
    )


# -- the ways --------------------------------------------------------------------------------


def _ways(trace: Trace, name: str, came: Sequence[Backward]) -> Iterator[str]:
    """Say over which tensors the gradient came, and how much each way brought."""
    output = trace.names[trace.output]
    summed = "the sum of " if (trace.seed == 1).all() else "the weighted sum of "
    what = f"The gradient of {summed if trace.seed.size > 1 else ''}{output}"
    above = _senders(trace)
    ways = _count_ways(trace, above)
    if len(came) == 1:
        event = came[0]
        yield f"{what} came to {name} {_over(trace, event, above, ways)}."
        return
    yield f"{what} came to {name} in {len(came)} contributions, and adds up there:"
    for event in came[:_MOST_WAYS]:
        yield f"{brief(event.sent)} came {_over(trace, event, above, ways)}."
    if len(came) > _MOST_WAYS:
        yield f"Not listed: {len(came) - _MOST_WAYS} more."


def _senders(trace: Trace) -> dict[Node, list[Node]]:
    found: dict[Node, list[Node]] = {}
    for event in trace.backward:
        found.setdefault(event.to, []).append(event.tensor)
    return found


def _count_ways(trace: Trace, above: dict[Node, list[Node]]) -> dict[Node, int]:
    """Count the ways from the output to each tensor; senders are youngest first."""
    ways = {trace.output: 1}
    for node in reversed(list(trace.names)):
        count = sum(ways[sender] for sender in above.get(node, ()))
        ways.setdefault(node, min(count, _MANY))
    return ways


def _over(
    trace: Trace, event: Backward, above: dict[Node, list[Node]], ways: dict[Node, int]
) -> str:
    """Name the stations of a way, as long as there is but one."""
    node = event.tensor
    last = f"{event.name} ({event.op})"
    if ways[node] == 0:  # a slice that begins later
        return f"from {last}"
    if ways[node] > 1:
        many = f"{ways[node]:,}" if ways[node] < _MANY else f"{_MANY:,} or more"
        return f"along {many} paths, which meet in {last}"
    stations = []
    while node is not trace.output:
        (node,) = above[node]
        stations.append(trace.names[node])
    if len(stations) > _MOST_STATIONS:
        stations[2:-2] = [f"{len(stations) - 4} more"]
    return f"along the path {', '.join([*reversed(stations), last])}"


# -- the entries -----------------------------------------------------------------------------


def _entry(trace: Trace, came: Sequence[Backward], name: str, place: Place) -> Iterator[str]:
    """Give the calculation of an entry, for each contribution that it received."""
    told = [_explained(trace, event, place) for event in came]
    if len(came) == 1:
        calculation, words = told[0]
        yield f"{name} has {calculation}: {words}."
        return
    terms = [number(event.sent[place]) for event in came]
    total = " + ".join(terms).replace("+ -", "- ") if len(terms) <= _MOST_WAYS else ""
    whole = number(came[-1].total[place])
    yield f"{name} has {total} = {whole}." if total else f"{name} has {whole}."
    for event, (calculation, words) in list(zip(came, told, strict=True))[:_MOST_WAYS]:
        yield f"From {event.name} ({event.op}) comes {calculation}: {words}."


def _explained(trace: Trace, event: Backward, place: Place) -> tuple[str, str]:
    """Explain a contribution; what only handed the gradient on is passed by."""
    while event.op in _TRANSPARENT:
        before = [e for e in trace.backward if e.to is event.tensor]
        if len(before) != 1:
            break
        (event,) = before
    return explain(event, trace.names, place)
