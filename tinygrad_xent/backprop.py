"""The chain rule: a generator that walks a graph backwards, and the gradients it yields."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from tinygrad_xent.arrays import as_array, owned, read_only
from tinygrad_xent.errors import (
    DtypeError,
    NotRecordedError,
    NotScalarError,
    RuleResultError,
    ShapeError,
    UnconnectedWarning,
)
from tinygrad_xent.graph import Node, ancestors, check_fresh, describe, downstream
from tinygrad_xent.op import Op
from tinygrad_xent.ops import astype, reshape, stack, sum_to
from tinygrad_xent.ops.fused import looked_through

Observer = Callable[[Node, int, Any, Any, Any], None]


def backpropagate(
    output: Node,
    seed: Any = None,
    *,
    wrt: Iterable[Node] | None = None,
    observe: Observer | None = None,
) -> Iterator[tuple[Node, Any]]:
    """Walk the graph backwards and yield each tensor with its finished gradient.

    Inputs are born before outputs. From the youngest tensor to the oldest, each one is therefore
    met after every contribution to its gradient has arrived.

    Parameters
    ----------
    output : Tensor
        Where to start.
    seed : array_like or Tensor, optional
        The gradient of `output`, of its shape; 1 where it is a scalar. From an array the
        rules compute numbers, from a Tensor they record a graph.
    wrt : iterable of Tensor, optional
        Visit only tensors that depend on these.
    observe : callable, optional
        `observe(tensor, i, result, contribution, total)` is called each time a tensor's rule has
        sent something to its input `i`: with what the rule returned, the same in the input's shape
        and dtype (what broadcasting repeated is summed), and the sum so far of what has reached
        that input.

    Yields
    ------
    tensor : Tensor
        The output first, the oldest leaf last.
    grad : ndarray or Tensor
        The gradient of the output with respect to it. Read it, do not write to it.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor(3.0, name="x")
    >>> y = x * x
    >>> for tensor, grad in backpropagate(y):
    ...     print(tensor.op or tensor.name, grad)
    multiply 1.0
    x 6.0
    """
    pending = {output: check_seed(output, seed)}
    graph = ancestors(output)
    wanted = None if wrt is None else downstream(graph, wrt)
    for node in reversed(graph):
        grad = pending.pop(node, None)
        if grad is None:
            continue
        if node.op is None:
            yield node, grad
            continue
        if type(grad) is np.ndarray:  # `read_only`, inlined
            grad = grad.view()
            grad.setflags(False)  # type: ignore[call-arg]  # others may have been sent the same array
        yield node, grad
        results = node.op.vjp(grad, node)
        for i, x in enumerate(node.inputs):
            if not isinstance(x, Node) or (wanted is not None and x not in wanted):
                continue
            data = x._data
            dtype = data.dtype
            if dtype.kind != "f":
                continue
            result = results[i]
            if callable(result):
                try:
                    result = result()
                except ValueError as error:
                    node.op.check_wrote(error)
                    raise
            if result is None:
                continue
            if x.birth > node.birth:  # again: another thread may have given it new data meanwhile
                check_fresh(x, node)
            sent = result
            if type(sent) is not type(grad) or sent.dtype is not dtype or sent.shape != data.shape:
                sent = _fit(sent, grad, x, node.op, i)
            # as_array: NumPy makes scalars of sums without axes
            total = pending[x] = as_array(pending[x] + sent) if x in pending else sent
            if observe:
                observe(node, i, result, sent, total)


def _fit(result: Any, grad: Any, x: Node, op: Op, i: int) -> Any:
    """Return a contribution in the shape and dtype of its input: broadcasting is undone here."""
    if not isinstance(result, Node):
        result = as_array(result)
        if isinstance(grad, Node):
            result = type(x)(result)  # a rule may return a constant for a Tensor
    data = x._data
    if result.shape != data.shape:
        try:
            result = sum_to(result, shape=data.shape)
        except RuleResultError:
            raise RuleResultError(
                f"the rule of op `{op.name}` returned shape {result.shape} for "
                f"`{op.names_of(i + 1)[i]}` of shape {data.shape}; return that shape, or one "
                "that broadcasting makes of it"
            ) from None
    if result.dtype is data.dtype:  # the usual case, without NumPy's comparison of dtypes
        return result
    if result.dtype.kind not in "fiub":
        raise RuleResultError(
            f"the rule of op `{op.name}` returned {result.dtype} for `{op.names_of(i + 1)[i]}`; "
            "return real numbers"
        )
    return result if result.dtype == data.dtype else astype(result, dtype=data.dtype)


def is_real(node: Node) -> bool:
    """Return whether a node can have a gradient: integers and booleans cannot."""
    return bool(node.data.dtype.kind == "f")


def check_seed(output: Any, seed: Any) -> Any:
    """Return the gradient to start from, or raise the error that says why there is none."""
    if not isinstance(output, Node):
        raise NotRecordedError(
            f"a gradient starts from a Tensor, got {type(output).__name__}: nothing was "
            "recorded. Wrap the inputs whose gradients you want: Tensor(x)"
        )
    if output.data.dtype.kind != "f":
        raise DtypeError(
            f"{describe(output)} holds {output.data.dtype}: gradients need float16, float32 or "
            "float64"
        )
    shape = output.data.shape
    if seed is None:
        if output.data.size != 1:
            raise NotScalarError(
                f"{describe(output)} is not a scalar: reduce it first (.sum() or .mean()), or give "
                "the gradient to start from, of the same shape"
            )
        return np.ones_like(output.data)
    if not isinstance(seed, Node):
        seed = read_only(as_array(seed, output.data.dtype))  # the user's own array stays writeable
    elif seed.data.dtype != output.data.dtype:
        seed = astype(seed, dtype=output.data.dtype)
    given = seed.data.shape if isinstance(seed, Node) else seed.shape
    if given != shape:
        raise ShapeError(f"the gradient to start from has shape {given}, {describe(output)}")
    return seed


@overload
def gradients(output: Any, wrt: Node, *, seed: Any = None, create_graph: bool = False) -> Any: ...
@overload
def gradients(
    output: Any, wrt: Sequence[Node], *, seed: Any = None, create_graph: bool = False
) -> list[Any]: ...
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
    found = gradients_or_none(output, targets, seed, create_graph)
    for target, grad in zip(targets, found, strict=True):
        if grad is None:
            reason = (
                "the loss looked through this softmax, so the gradient arrives at its input"
                if any(looked_through(node) is target for node in ancestors(output))
                else "if it should, look for an array (or .data) where a Tensor was meant"
            )
            warnings.warn(
                f"the output does not depend on {describe(target)}, its gradient is 0: {reason}",
                UnconnectedWarning,
                stacklevel=2,
            )
    results = [
        zeros_like(t, create_graph) if g is None else g for t, g in zip(targets, found, strict=True)
    ]
    return results[0] if single else results


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
        start = type(output)(start)
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
