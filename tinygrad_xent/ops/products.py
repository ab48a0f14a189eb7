"""Matrix products and Einstein sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.errors import ArgumentError
from tinygrad_xent.op import op
from tinygrad_xent.ops.broadcasting import broadcast_to
from tinygrad_xent.ops.shaping import expand_dims, squeeze, swapaxes

__all__ = ["einsum", "einsum_of", "matmul"]


@op(symbol="@", shapes="(m,k),(k,n)->(m,n)")
def matmul(x: Any, y: Any) -> Any:
    r"""Matrix product: $Z = X Y$. One-dimensional inputs are a row (left) or a column (right).

    >>> matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    array([21., 43.])
    """
    return np.matmul(x, y)


@matmul.backward
def matmul_backward(grad: Any, z: Any, x: Any, y: Any) -> Any:
    r"""$\bar X = \bar Z\,Y^T$ and $\bar Y = X^T\,\bar Z$"""
    column = y.ndim == 1
    if column:
        y, grad = expand_dims(y, axis=-1), expand_dims(grad, axis=-1)
    if x.ndim == 1:
        x, grad = expand_dims(x, axis=0), expand_dims(grad, axis=-2)

    def wrt_y() -> Any:
        product = swapaxes(x, axis1=-1, axis2=-2) @ grad
        return squeeze(product, axis=-1) if column else product

    return lambda: grad @ swapaxes(y, axis1=-1, axis2=-2), wrt_y


@op(
    symbol="einsum",
    shapes="(3,4),(4,2)->(3,2)",
    examples=[{"subscripts": s} for s in ("ij,jk->ik", "ij,jk->", "ij,jk->kj", "ij,jk")],
)
def einsum_of(*xs: Any, subscripts: str) -> Any:
    r"""Einstein summation: $z = \sum x_0\,x_1 \cdots$ over every index not in the output."""
    return np.einsum(subscripts, *xs)


@einsum_of.backward
def einsum_backward(grad: Any, z: Any, *xs: Any, subscripts: str) -> Any:
    r"""$\bar x_i = \sum \bar z \prod_{j \ne i} x_j$ over every index that x lacks."""
    inputs, output = _split(subscripts, xs)

    def wrt(i: int) -> Any:
        others = [(s, x) for j, (s, x) in enumerate(zip(inputs, xs, strict=True)) if j != i]
        known = output + "".join(s for s, _ in others)
        for axis, letter in enumerate(inputs[i]):
            if letter not in known:  # summed in this input alone: the gradient repeats along it
                others.append((letter, np.ones(xs[i].shape[axis], grad.dtype)))
        names = ",".join([output, *(s for s, _ in others)]) + "->" + inputs[i]
        wrt_i = einsum_of([grad, *(x for _, x in others)], subscripts=names)
        # NumPy broadcasts an axis of length 1 to a longer one of the same letter.
        return broadcast_to(wrt_i, shape=np.broadcast_shapes(wrt_i.shape, xs[i].shape))

    return tuple(lambda i=i: wrt(i) for i in range(len(xs)))


def einsum(subscripts: str, *operands: Any) -> Any:
    r"""Einstein summation, as `numpy.einsum`: `einsum("ij,jk->ik", x, y)`.

    Parameters
    ----------
    subscripts : str
        Letters, each at most once per operand (no ellipsis, no diagonal). Without `->`, the output
        has the letters that occur once, in alphabetical order.
    *operands : array_like or Tensor
        One for each group of letters.

    Raises
    ------
    ArgumentError
        If the subscripts have an ellipsis, a repeated letter or a wrong number of groups.

    Examples
    --------
    >>> einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    array([21., 43.])
    """
    _split(subscripts, operands)
    return einsum_of(list(operands), subscripts=subscripts)


def _split(subscripts: str, operands: tuple[Any, ...]) -> tuple[list[str], str]:
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        raise ArgumentError(
            f"einsum {subscripts!r} names {len(inputs)} operands, got {len(operands)}"
        )
    for letters in inputs:
        if (not letters.isalpha() and letters) or len(set(letters)) != len(letters):
            raise ArgumentError(
                f"einsum {subscripts!r}: {letters!r} has an ellipsis or a repeated letter, which "
                "is not supported; give every axis its own letter"
            )
    if not arrow:
        output = "".join(sorted(c for c in set("".join(inputs)) if "".join(inputs).count(c) == 1))
    return inputs, output
