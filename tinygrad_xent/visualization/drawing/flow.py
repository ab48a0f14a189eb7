"""The backward pass as far as a picture shows it."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.drawing.model import Seed
from tinygrad_xent.visualization.formatting import brief


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
