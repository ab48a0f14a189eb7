"""The graph of a backward pass: the rules, recorded as the ops that they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_xent.backprop import backpropagate, is_real
from tinygrad_xent.errors import NotRecordedError
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.visualization.drawing.model import Kind
from tinygrad_xent.visualization.naming import names_of


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
