"""The chain rule: a generator that walks a graph backwards and yields each finished gradient."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_xent import errors, ops
from tinygrad_xent.arrays import as_array, read_only
from tinygrad_xent.graph import Node, ancestors, describe, downstream, stale
from tinygrad_xent.op import Op

Observer = Callable[[Node, int, Any, Any, Any], None]


def backpropagate(
    output: Node,
    seed: Any = None,
    *,
    wrt: Iterable[Node] | None = None,
    observe: Observer | None = None,
) -> Iterator[tuple[Node, Any]]:
    """Walk the graph backwards and yield each tensor with its finished gradient.

    Inputs are born before outputs. Going from the youngest tensor to the oldest therefore reaches
    each one after every contribution to its gradient has arrived.

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
        `observe(tensor, i, result, contribution, total)` is called for each gradient that a
        tensor's rule sends to its input `i`. `result` is what the rule returned; `contribution` is
        the same in the input's shape and dtype, summed over what broadcasting repeated; `total` is
        the sum of the contributions that have reached the input so far.

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
    for node in reversed(graph):  # from the youngest to the oldest
        grad = pending.pop(node, None)
        if grad is None:  # no gradient was sent to it
            continue
        if node.op is None:
            yield node, grad
            continue
        # Other tensors may have been sent the same array, so nobody may write to it.
        if type(grad) is np.ndarray:  # `read_only`, inlined
            grad = grad.view()
            grad.setflags(False)  # type: ignore[call-arg]
        yield node, grad
        results = node.op.vjp(grad, node)
        for i, x in enumerate(node.inputs):
            if not isinstance(x, Node) or (wanted is not None and x not in wanted):
                continue
            data = x._data
            dtype = data.dtype
            if dtype.kind != "f":  # integers and booleans have no gradient
                continue
            result = results[i]
            if callable(result):  # a thunk
                try:
                    result = result()
                except ValueError as error:
                    node.op.check_wrote(error)
                    raise
                except RuntimeWarning as warning:
                    with node.op.warned(warning, "the rule of "):
                        result = result()
            if result is None:
                continue
            if x.birth > node.birth:  # again: another thread may have given it new data meanwhile
                raise stale(x, node)
            part = result
            if type(part) is not type(grad) or part.dtype is not dtype or part.shape != data.shape:
                part = _contribution(result, grad, x, node.op, i)
            # as_array: NumPy makes scalars of sums without axes
            total = pending[x] = as_array(pending[x] + part) if x in pending else part
            if observe:
                observe(node, i, result, part, total)


def _contribution(result: Any, grad: Any, x: Node, op: Op, i: int) -> Any:
    """Return what a rule returned in the shape and dtype of its input: undo broadcasting."""
    if not isinstance(result, Node):
        result = as_array(result)
        if isinstance(grad, Node):
            result = type(x)(result)  # a rule may return a constant for a Tensor
    data = x._data
    if result.shape != data.shape:
        try:
            result = ops.sum_to(result, shape=data.shape)
        except errors.RuleResultError:
            raise errors.RuleResultError(
                f"the rule of op `{op.name}` returned shape {result.shape} for "
                f"`{op.names_of(i + 1)[i]}` of shape {data.shape}; return that shape, or one "
                "that broadcasting makes of it"
            ) from None
    if result.dtype.kind not in "fiub":
        raise errors.RuleResultError(
            f"the rule of op `{op.name}` returned {result.dtype} for `{op.names_of(i + 1)[i]}`; "
            "return real numbers"
        )
    return result if result.dtype == data.dtype else ops.astype(result, dtype=data.dtype)


def is_real(node: Node) -> bool:
    """Return whether a node can have a gradient: integers and booleans cannot."""
    return bool(node.data.dtype.kind == "f")


def check_seed(output: Any, seed: Any) -> Any:
    """Return the gradient to start from, or raise the error that says why there is none."""
    if not isinstance(output, Node):
        raise errors.NotRecordedError(errors.hints.not_recorded(output))
    if output.data.dtype.kind != "f":
        raise errors.DtypeError(errors.hints.no_floats(output, ancestors(output), describe))
    if seed is None:
        if output.data.size != 1:
            raise errors.NotScalarError(errors.hints.NO_SCALAR.format(describe(output)))
        return np.ones_like(output.data)
    if not isinstance(seed, Node):
        seed = read_only(as_array(seed, output.data.dtype))  # the user's own array stays writeable
    elif seed.data.dtype != output.data.dtype:
        seed = ops.astype(seed, dtype=output.data.dtype)
    given = seed.data.shape if isinstance(seed, Node) else seed.shape
    if given != output.data.shape:
        raise errors.ShapeError(f"the gradient to start from has shape {given}, {describe(output)}")
    return seed
