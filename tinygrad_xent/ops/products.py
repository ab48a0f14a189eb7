"""Products that sum over axes."""

from typing import Any

import numpy as np

from tinygrad_xent.errors import ArgumentError
from tinygrad_xent.op import op
from tinygrad_xent.ops.rearranging import moveaxis, operand, ravel
from tinygrad_xent.ops.shaping import expand_dims, reshape, squeeze, swapaxes


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


def dot(x: Any, y: Any) -> Any:
    """Return the sum of products over the last axis of `x` and the last but one of `y`.

    Parameters
    ----------
    x, y : array_like or Tensor
        Vectors, matrices, or arrays with more axes; a vector has but one axis to sum over. With
        a number it is the plain product.

    Returns
    -------
    ndarray or Tensor
        A Tensor if one of them is; it is made with `matmul`.

    Examples
    --------
    >>> print(dot([1.0, 2.0], [10.0, 1.0]))
    12.0
    """
    x, y = operand(x), operand(y)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if x.ndim <= 2 and y.ndim <= 2:
        return matmul(x, y)
    return tensordot(x, y, axes=(-1, -2 if y.ndim > 1 else -1))


def inner(x: Any, y: Any) -> Any:
    """Return the sum of products over the last axis of both.

    Parameters
    ----------
    x, y : array_like or Tensor
        The last axes have the same length. With a number it is the plain product.

    Returns
    -------
    ndarray or Tensor
        Shape ``x.shape[:-1] + y.shape[:-1]``. A Tensor if one of them is; it is made with `matmul`.

    Examples
    --------
    >>> inner([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0])
    array([12., 34.])
    """
    x, y = operand(x), operand(y)
    return x * y if x.ndim == 0 or y.ndim == 0 else tensordot(x, y, axes=(-1, -1))


def outer(x: Any, y: Any) -> Any:
    """Return the product of each entry of `x` with each of `y`.

    Parameters
    ----------
    x, y : array_like or Tensor
        Vectors; the entries of other shapes are put in a row.

    Returns
    -------
    ndarray or Tensor
        Shape (m, n). A Tensor if one of them is; it is made with `multiply`.

    Examples
    --------
    >>> outer([1.0, 2.0], [10.0, 1.0])
    array([[10.,  1.],
           [20.,  2.]])
    """
    return reshape(x, shape=(-1, 1)) * ravel(y)


def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """Return the sum of products over several axes, as `numpy.tensordot`.

    Parameters
    ----------
    x, y : array_like or Tensor
        Any shapes; the axes that are summed over have the same lengths.
    axes : int or pair
        How many, the last of `x` and the first of `y`; or which of `x` and which of `y`.

    Returns
    -------
    ndarray or Tensor
        The other axes of `x`, then those of `y`. A Tensor if one of them is; it is made with
        `matmul`.

    Raises
    ------
    ArgumentError
        If the axes do not pair up, or have different lengths.

    Examples
    --------
    >>> tensordot(np.ones((2, 3, 4)), np.ones((3, 4, 5))).shape
    (2, 5)
    """
    x, y = operand(x), operand(y)
    if isinstance(axes, int | np.integer):
        if not 0 <= axes <= min(x.ndim, y.ndim):
            raise ArgumentError(
                f"tensordot has axes={axes}, but x has {x.ndim} axes and y has {y.ndim}: choose at "
                f"most {min(x.ndim, y.ndim)}"
            )
        axes = (range(x.ndim - axes, x.ndim), range(axes))
    over_x, over_y = ([int(a) for a in np.atleast_1d(part)] for part in axes)
    over = [x.shape[a] for a in over_x]
    if over != [y.shape[a] for a in over_y]:
        raise ArgumentError(
            f"tensordot of shapes {x.shape} and {y.shape}: axes {over_x} and {over_y} do not have "
            "the same lengths"
        )
    left = moveaxis(x, over_x, range(-len(over), 0))
    right = moveaxis(y, over_y, range(len(over)))
    rows, columns = left.shape[: x.ndim - len(over)], right.shape[len(over) :]
    size = int(np.prod(over))
    product = matmul(
        reshape(left, shape=(int(np.prod(rows)), size)),
        reshape(right, shape=(size, int(np.prod(columns)))),
    )
    return reshape(product, shape=(*rows, *columns))
