"""Run a graph again on other data, or in another precision."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from tinygrad_xent.errors import NotInGraphError
from tinygrad_xent.graph import Node, ancestors, describe, downstream
from tinygrad_xent.ops import astype


def replay(output: Node, data: Mapping[Node, Any], dtype: Any = np.float64) -> Any:
    """Run a graph again with other data for some of its tensors.

    Nothing is recorded, and the graph does not change.

    Parameters
    ----------
    output : Tensor
        The tensor to recompute.
    data : mapping of Tensor to array_like
        New data for leaves or for intermediate tensors. The inputs of an intermediate tensor then
        have no effect through it.
    dtype : dtype
        The floating dtype of the computation.

    Returns
    -------
    ndarray
        The value of the output for the new data.

    Raises
    ------
    NotInGraphError
        If a tensor of `data` is not part of the graph.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor(3.0)
    >>> y = x * x
    >>> print(replay(y + 1, {x: 5.0}))
    26.0
    """
    return replayer(output, list(data), dtype)(*data.values())


def replayer(
    output: Node, changing: Collection[Node], dtype: Any = np.float64
) -> Callable[..., Any]:
    """Return `replay` as a function of the data of the `changing` tensors, for many calls.

    It computes only what depends on them, in the original order.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, exp
    >>> x = Tensor(0.0)
    >>> f = replayer(exp(x), [x])
    >>> print(f(0.0), f(1.0).round(3))
    1.0 2.718
    """
    graph = ancestors(output)
    known = set(graph)
    for node in changing:
        if node not in known:
            raise NotInGraphError(
                f"{describe(node)} is not part of the graph of the {describe(output)}"
            )
    changes = downstream(graph, changing)
    values: list[Any] = []  # of changing tensors and their inputs
    place: dict[Node, int] = {}
    steps: list[tuple[int, Any, list[int], Mapping[str, Any]]] = []

    def slot(x: Any) -> int:
        if isinstance(x, Node) and x in place:
            return place[x]
        values.append(_cast(x.data if isinstance(x, Node) else x, dtype))
        if isinstance(x, Node):
            place[x] = len(values) - 1
        return len(values) - 1

    given = [slot(node) for node in changing]
    for node in graph:
        if node in changes and node not in place and node.op is not None:
            inputs = [slot(x) for x in node.inputs]
            steps.append((slot(node), node.op.function, inputs, params_in(node, dtype)))
    result = slot(output)

    def run(*data: Any) -> Any:
        current = list(values)
        for i, x in zip(given, data, strict=True):
            current[i] = _cast(np.asarray(x), dtype)
        for i, function, inputs, params in steps:
            current[i] = _cast(function(*[current[j] for j in inputs], **params), dtype)
        return np.asarray(current[result])

    return run


def rebuild(
    output: Node, dtype: Any = np.float64, data: Mapping[Node, Any] = MappingProxyType({})
) -> dict[Node, Node]:
    """Record a graph again, in another precision or with other data for some of its leaves.

    Return each tensor's counterpart.
    """
    twin: dict[Node, Node] = {}
    for node in ancestors(output):
        if node.op is None:
            twin[node] = type(node)(_cast(data.get(node, node.data), dtype))
        else:
            inputs = [twin[x] if isinstance(x, Node) else _cast(x, dtype) for x in node.inputs]
            twin[node] = node.op.on(inputs, params_in(node, dtype))
        twin[node].name = node.name
    return twin


def params_in(node: Node, dtype: Any) -> Mapping[str, Any]:
    """Return the parameters of a call; a floating `astype` becomes one to `dtype`."""
    if node.op is astype and np.dtype(node.params["dtype"]).kind == "f":
        return {"dtype": dtype}
    return node.params


def _cast(x: Any, dtype: Any) -> Any:
    """Convert floating arrays; class labels, truth values and Python numbers are unchanged."""
    kind = getattr(x, "dtype", None)
    return x if kind is None or kind.kind != "f" or kind == dtype else x.astype(dtype)
