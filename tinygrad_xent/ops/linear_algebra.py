"""Diagonals and triangles of matrices, and norms."""

from typing import Any

import numpy as np

from tinygrad_xent.errors import ArgumentError
from tinygrad_xent.graph import operand
from tinygrad_xent.op import op
from tinygrad_xent.ops.broadcasting import Axis, spread, sum
from tinygrad_xent.ops.indexing import diagonal, put
from tinygrad_xent.ops.piecewise import absolute, where
from tinygrad_xent.ops.reductions import max, min
from tinygrad_xent.ops.rounding import sign
from tinygrad_xent.ops.shaping import swapaxes

# -- parts -----------------------------------------------------------------------------------


def matrix_transpose(x: Any) -> Any:
    """Return the array with its last two axes swapped.

    Parameters
    ----------
    x : array_like or Tensor
        A matrix, or several.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `swapaxes`.

    Examples
    --------
    >>> matrix_transpose([[1.0, 2.0]])
    array([[1.],
           [2.]])
    """
    return swapaxes(x, axis1=-1, axis2=-2)


def diag(x: Any, k: int = 0) -> Any:
    """Return the diagonal of a matrix, or the matrix with a vector on its diagonal.

    Parameters
    ----------
    x : array_like or Tensor
        A matrix or a vector.
    k : int
        Which diagonal: above the main one, or below it if negative.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `take` or `put`.

    Raises
    ------
    ArgumentError
        If `x` is neither; `diagonal` takes the diagonals of several matrices.

    Examples
    --------
    >>> diag([1.0, 2.0])
    array([[1., 0.],
           [0., 2.]])
    """
    x = operand(x)
    if x.ndim == 1:
        here = np.diag(np.ones(x.size, bool), k)
        return put(x, index=here, shape=here.shape)
    if x.ndim == 2:
        return diagonal(x, k)
    raise ArgumentError(f"diag takes a vector or a matrix, got shape {x.shape}; see diagonal")


def matrix_trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the sum of a diagonal: what NumPy calls `trace`, as `np.trace` and `x.trace()`.

    In this package `trace` is the table of a graph's gradients.

    Parameters
    ----------
    x : array_like or Tensor
        Two axes or more.
    offset : int
        Which diagonal: above the main one, or below it if negative.
    axis1, axis2 : int
        The axes of the matrices.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `take` and `sum`.

    Examples
    --------
    >>> print(matrix_trace([[1.0, 2.0], [3.0, 4.0]]))
    5.0
    """
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)


def tril(x: Any, k: int = 0) -> Any:
    """Return the matrix with zeros above a diagonal.

    Parameters
    ----------
    x : array_like or Tensor
        A matrix, or several.
    k : int
        Which diagonal: above the main one, or below it if negative.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `where`.

    Examples
    --------
    >>> tril([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 0.],
           [3., 4.]])
    """
    x = operand(x)
    return where(_up_to_diagonal(x, k), x, np.zeros((), x.dtype))


def triu(x: Any, k: int = 0) -> Any:
    """Return the matrix with zeros below a diagonal.

    Parameters
    ----------
    x : array_like or Tensor
        A matrix, or several.
    k : int
        Which diagonal: above the main one, or below it if negative.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `where`.

    Examples
    --------
    >>> triu([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [0., 4.]])
    """
    x = operand(x)
    return where(_up_to_diagonal(x, k - 1), np.zeros((), x.dtype), x)


def _up_to_diagonal(x: Any, k: int) -> Any:
    lengths = x.shape[-2:]  # of a vector one length, which is that of the rows and the columns
    return np.tri(lengths[0], lengths[-1], k, dtype=bool)


# -- norms -----------------------------------------------------------------------------------


@op(
    symbol="‖x‖",
    shapes="(m,n)->()",
    domain="nonzero",
    examples=(
        {},
        {"axis": 1},
        {"axis": 0, "ord": 1},
        {"axis": (0, -1), "ord": 3, "keepdims": True},
        {"axis": -1, "ord": np.inf},
    ),
)
def vector_norm(x: Any, *, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Any:
    r"""Length of a vector: $y = \left(\sum_i |x_i|^p\right)^{1/p}$. Its gradient at 0 is 0.

    `ord` is $p$: 2 for the Euclidean length, 1 for the sum of absolute values, `np.inf` for the
    largest of them (which those that are equal share), 0 for how many entries are not 0.

    >>> print(vector_norm([3.0, 4.0]))
    5.0
    """
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)  # type: ignore[arg-type]


@vector_norm.backward
def vector_norm_backward(
    grad: Any, y: Any, x: Any, *, ord: float, axis: Axis, keepdims: bool
) -> Any:
    r"""$\bar x_i = \operatorname{sign}(x_i)\,|x_i / y|^{p - 1}\,\bar y$"""
    grad, y = spread(grad, axis, keepdims), spread(y, axis, keepdims)
    if abs(ord) == np.inf:
        chosen = absolute(x) == y
        shares = 1 / np.maximum(np.sum(chosen, axis=axis, keepdims=True), 1)
        return where(chosen, grad * sign(x) * shares.astype(grad.dtype), 0)
    if ord in (0, 1):
        return grad * sign(x) if ord else where(np.zeros(x.shape, bool), grad, 0)
    length = y + (y == 0)
    if ord == 2:
        return grad * (x / length)
    shares = (where(x == 0, 1, absolute(x)) / length) ** (ord - 1)
    return where(y == 0, 0, grad * sign(x) * shares)


def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the norm of a vector or a matrix, as `numpy.linalg.norm`.

    Parameters
    ----------
    x : array_like or Tensor
        Any shape; without an axis, and with `ord`, a vector or a matrix.
    ord : number or "fro", optional
        Of a vector any number, see `vector_norm`. Of a matrix "fro", 1, -1, `np.inf` or `-np.inf`.
        None means the root of the sum of squares.
    axis : int or pair of int, optional
        The axis of the vectors, or the axes of the matrices.
    keepdims : bool
        Whether to keep these axes, with length 1.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one; it is made with `vector_norm`, or with `absolute`, `sum` and `max`.

    Raises
    ------
    ArgumentError
        If the norm needs singular values, or `x` is neither vector nor matrix.

    Examples
    --------
    >>> print(norm([[3.0, 0.0], [0.0, 4.0]]), norm([[3.0, 1.0], [0.0, -4.0]], 1))
    5.0 5.0
    """
    x = operand(x)
    axes = tuple(range(x.ndim)) if axis is None else tuple(int(a) for a in np.atleast_1d(axis))
    if ord is None or (ord == "fro" and len(axes) == 2):
        return vector_norm(x, axis=axis, keepdims=keepdims)
    if len(axes) == 1 and not isinstance(ord, str):
        return vector_norm(x, ord=ord, axis=axes[0], keepdims=keepdims)
    if len(axes) != 2 or ord not in (1, -1, np.inf, -np.inf):
        raise ArgumentError(
            f"norm has no ord={ord!r} over {len(axes)} axes; of a vector it is a number, of a "
            "matrix 'fro', 1, -1, inf or -inf (2 and 'nuc' need singular values)"
        )
    totals = sum(absolute(x), axis=axes[0 if abs(ord) == 1 else 1], keepdims=True)
    return (max if ord > 0 else min)(totals, axis=axes, keepdims=keepdims)
