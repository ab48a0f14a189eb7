"""Whole matrices of derivatives, row by row from backward passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.backprop import check_seed, gradients_or_none, zeros_like
from tinygrad_xent.graph import Node
from tinygrad_xent.ops import reshape, stack


def jacobian(output: Node, wrt: Node, *, create_graph: bool = False) -> Any:
    """All derivatives of every entry of an output, by one backward pass for each entry.

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
    """All second derivatives of a scalar: the Jacobian of its gradient.

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
