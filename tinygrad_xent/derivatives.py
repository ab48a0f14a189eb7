"""Derivatives as values, not left on the graph: gradients, Jacobians and Hessians."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_xent.arrays import owned
from tinygrad_xent.backprop import backpropagate, check_seed
from tinygrad_xent.errors import DtypeError, NotRecordedError, UnconnectedWarning, warn
from tinygrad_xent.graph import Node, ancestors, describe
from tinygrad_xent.ops.fused import looked_through
from tinygrad_xent.ops.indexing import stack
from tinygrad_xent.ops.shaping import reshape

__all__ = ["gradients", "hessian", "jacobian"]


def gradients(
    output: Any, wrt: Node | Sequence[Node], *, seed: Any = None, create_graph: bool = False
) -> Any:
    """Return the gradients of an output with respect to tensors, and store nothing on the graph.

    Parameters
    ----------
    output : Tensor
        A scalar, or any shape with a `seed`.
    wrt : Tensor or sequence of Tensor
        Leaves, or anything between them and the output.
    seed : array_like or Tensor, optional
        The gradient of `output`, of its shape (a vector-Jacobian product).
    create_graph : bool
        Record the backward pass, so that the gradients are Tensors and have gradients too.

    Returns
    -------
    ndarray or Tensor, or a list of them
        As `wrt`: one for a Tensor, a list for a sequence. Zeros, with an `UnconnectedWarning`,
        where the output does not depend on a tensor.

    Raises
    ------
    NotRecordedError, NotScalarError, ShapeError, DtypeError, StaleGraphError
        If the gradient does not exist; the message says why.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor([1.0, 2.0])
    >>> gradients((x * x).sum(), x)
    array([2., 4.])
    >>> slope = gradients((x * x * x).sum(), x, create_graph=True)
    >>> gradients(slope.sum(), x)
    array([ 6., 12.])
    """
    single = isinstance(wrt, Node)
    targets: list[Any] = list(wrt) if isinstance(wrt, Iterable) and not single else [wrt]
    grads = gradients_or_none(output, targets, seed, create_graph)
    for i, target in enumerate(targets):
        if grads[i] is None:
            reason = (
                "the loss looked through this softmax, so the gradient arrives at its input"
                if any(looked_through(node) is target for node in ancestors(output))
                else "if it should, look for an array (or .data) where a Tensor was meant"
            )
            warn(
                f"the output does not depend on {describe(target)}, its gradient is 0: {reason}",
                UnconnectedWarning,
            )
            grads[i] = zeros_like(target, create_graph)
    return grads[0] if single else grads


def gradients_or_none(output: Any, targets: list[Node], seed: Any, create_graph: bool) -> list[Any]:
    """Return what `gradients` does, but None where the output does not depend on a target."""
    for target in targets:
        if not isinstance(target, Node):
            raise NotRecordedError(
                f"gradients are taken with respect to Tensors, got {type(target).__name__}"
            )
        if target.data.dtype.kind != "f":
            raise DtypeError(
                f"{describe(target)} holds {target.data.dtype}: integers have no gradient; make "
                "it float"
            )
    start = check_seed(output, seed)
    if create_graph and not isinstance(start, Node):
        start = type(output)(start, name=f"∂{output.name}" if output.name else "seed")
    elif not create_graph and isinstance(start, Node):
        start = start.data
    wanted = set(targets)  # not the list: `in` would compare Tensors entry by entry
    found = {
        node: grad for node, grad in backpropagate(output, start, wrt=wanted) if node in wanted
    }
    if create_graph:
        return [found.get(target) for target in targets]
    taken: set[int] = set()
    return [owned(found[target], taken) if target in found else None for target in targets]


def zeros_like(target: Node, create_graph: bool) -> Any:
    """Return the gradient with respect to a tensor that the output does not depend on."""
    zeros = np.zeros_like(target.data)
    return type(target)(zeros) if create_graph else zeros


def jacobian(output: Node, wrt: Node, *, create_graph: bool = False) -> Any:
    """Return the derivatives of every entry of an output, by one backward pass for each entry.

    Parameters
    ----------
    output : Tensor
        Any shape.
    wrt : Tensor
        Any shape.
    create_graph : bool
        Record the passes; the result is then a Tensor.

    Returns
    -------
    ndarray or Tensor
        Shape `output.shape + wrt.shape`.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, softmax
    >>> x = Tensor([0.0, 0.0])
    >>> jacobian(softmax(x), x)
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    check_seed(output, np.ones_like(output.data) if isinstance(output, Node) else None)
    rows = []
    for i in range(output.data.size):
        seed = np.zeros_like(output.data)
        seed.flat[i] = 1
        (row,) = gradients_or_none(output, [wrt], seed, create_graph)
        rows.append(zeros_like(wrt, create_graph) if row is None else row)
    shape = output.data.shape + wrt.data.shape
    if not rows:
        empty = np.zeros(shape, wrt.data.dtype)
        return type(wrt)(empty) if create_graph else empty
    return reshape(stack(rows), shape=shape)


def hessian(output: Node, wrt: Node) -> Any:
    """Return all second derivatives of a scalar: the Jacobian of its gradient.

    Parameters
    ----------
    output : Tensor
        A scalar.
    wrt : Tensor
        Any shape.

    Returns
    -------
    ndarray
        Shape `wrt.shape + wrt.shape`.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor([1.0, 2.0])
    >>> hessian(x[0] * x[0] * x[1], x)
    array([[4., 2.],
           [2., 0.]])
    """
    (slope,) = gradients_or_none(output, [wrt], None, create_graph=True)
    if slope is None:
        return np.zeros(wrt.data.shape * 2, wrt.data.dtype)
    return jacobian(slope, wrt)
