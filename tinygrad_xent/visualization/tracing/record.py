"""Running the backward pass, and writing down each step of both passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_xent.arrays import as_array
from tinygrad_xent.backprop import backpropagate, check_seed
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.formatting import telling
from tinygrad_xent.visualization.formulas import formula_of, letters_of, rule_at
from tinygrad_xent.visualization.naming import constants_of, names_of, shown
from tinygrad_xent.visualization.tracing.events import Backward, Event, Forward, unsummed
from tinygrad_xent.visualization.tracing.traces import Trace


def trace(
    output: Node,
    wrt: Node | Iterable[Node] | None = None,
    *,
    seed: Any = None,
    names: Mapping[str, Any] | None = None,
) -> Trace:
    """Run the backward pass of a graph and record each step of both passes.

    Nothing is stored on the graph: `.grad` stays as it is.

    Parameters
    ----------
    output : Tensor
        Where the backward pass starts.
    wrt : Tensor or iterable of Tensor, optional
        Record the backward pass only on the way to these.
    seed : array_like, optional
        The gradient of `output`, of its shape; 1 where it is a scalar.
    names : mapping of str to Tensor, optional
        What to call the tensors, before their own names; `names=locals()` takes those of a
        notebook's or a function's variables.

    Returns
    -------
    Trace
        One event for each tensor (forward), then one for each contribution that a tensor's rule
        sends to one of its inputs (backward). `print` it to read it as a table.

    Raises
    ------
    NotRecordedError, NotScalarError, SeedShapeError, GradientDtypeError, StaleGraphError
        If there is no backward pass to run; the message says why.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor(3.0, name="x")
    >>> print(trace(x * x + x))
    Forward
    step  tensor  op        formula      value
    1     x       leaf                   3
    2     v1      multiply  v1 = x x     9
    3     v2      add       v2 = v1 + x  12
    <BLANKLINE>
    Backward: ∂x is the gradient of v2 with respect to x
    step  rule         to  sends  total there
    v2 (add) has ∂v2 = 1
    4     ∂v1 = ∂v2    v1  1      1
    5     ∂x = ∂v2     x   1      1
    v1 (multiply) has ∂v1 = 1
    6     ∂x = x ∂v1   x   3      4
    7     ∂x = x ∂v1   x   3      7
    """
    start = check_seed(output, seed.data if isinstance(seed, Node) else seed)
    targets = None if wrt is None else [wrt] if isinstance(wrt, Node) else list(wrt)
    recorder = _Recorder(output, names)
    passes = backpropagate(output, start, wrt=targets, observe=recorder.backward)
    for _, grad in passes:
        recorder.incoming = np.array(grad)
    return Trace(recorder.events, output, np.array(start), recorder.names)


class _Recorder:
    """Writes events down as they happen."""

    def __init__(self, output: Node, names: Mapping[str, Any] | None) -> None:
        nodes = shown(output)
        self.names = names_of(nodes, names)
        self.constants = constants_of(nodes, names, self.names.values())
        self.incoming: Any = None
        self.events: list[Event] = []
        for node in nodes:
            self.forward(node)

    def forward(self, node: Node) -> None:
        inputs = self.inputs(node)
        self.events.append(
            Forward(
                step=len(self.events) + 1,
                tensor=node,
                name=self.names[node],
                op=node.op.name if node.op else "",
                inputs=inputs,
                formula=formula_of(node),
                letters=letters_of(node.op, inputs, self.names[node]) if node.op else {},
                value=np.array(node.data),
            )
        )

    def backward(self, node: Node, i: int, result: Any, contribution: Any, total: Any) -> None:
        op, inputs = node.op, self.inputs(node)
        if op is None:  # a leaf has no rule
            return
        self.events.append(
            Backward(
                step=len(self.events) + 1,
                tensor=node,
                name=self.names[node],
                op=op.name,
                rule=rule_at(node, i, np.shape(result)),
                letters=letters_of(op, inputs, self.names[node]),
                incoming=self.incoming,
                to=node.inputs[i],
                to_name=inputs[i],
                input=op.names_of(len(inputs))[i],
                position=i,
                unsummed=unsummed(result, contribution),
                sent=np.array(contribution),
                total=np.array(total),
            )
        )

    def inputs(self, node: Node) -> tuple[str, ...]:
        """Name what an op was called with."""
        words = node.op.names_of(len(node.inputs)) if node.op else ()
        return tuple(
            self.names[x] if isinstance(x, Node) else self.constant(x, word)
            for x, word in zip(node.inputs, words, strict=True)
        )

    def constant(self, x: Any, word: str) -> str:
        if x is None:
            return ""
        if as_array(x).size == 1:
            return telling(x)
        return self.constants[id(x)][0] if id(x) in self.constants else word
