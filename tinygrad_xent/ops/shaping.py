"""Ops that rearrange entries; each rule rearranges the gradient back."""

from typing import Any

import numpy as np

from tinygrad_xent.arrays import as_array
from tinygrad_xent.op import op

Shape = int | tuple[int, ...]
Axes = int | tuple[int, ...]


@op(shapes="(2,3)->(6)", examples=({"shape": (6,)}, {"shape": (3, -1)}))
def reshape(x: Any, *, shape: Shape) -> Any:
    r"""The same entries in another shape, in row-major order: $y = \operatorname{reshape}(x)$.

    >>> reshape([1.0, 2.0, 3.0, 4.0], (2, 2))
    array([[1., 2.],
           [3., 4.]])
    """
    return np.reshape(x, shape)


@reshape.backward
def reshape_backward(grad: Any, y: Any, x: Any, *, shape: Shape) -> Any:
    r"""$\bar x = \operatorname{reshape}(\bar y)$"""
    return reshape(grad, shape=x.shape)


@op(symbol="T", shapes="(2,3,4)->(4,3,2)", examples=({}, {"axes": (1, 0, 2)}, {"axes": (2, 0, -2)}))
def transpose(x: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    r"""The axes in another order, by default reversed: $y_{ji} = x_{ij}$.

    >>> transpose([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    return np.transpose(x, axes)


@transpose.backward
def transpose_backward(grad: Any, y: Any, x: Any, *, axes: tuple[int, ...] | None) -> Any:
    r"""$\bar x_{ij} = \bar y_{ji}$"""
    if axes is not None:
        axes = tuple(int(i) for i in np.argsort([a % x.ndim for a in axes]))
    return transpose(grad, axes=axes)


@op(shapes="(2,3)->(3,2)", examples=({"axis1": 0, "axis2": -1},))
def swapaxes(x: Any, *, axis1: int, axis2: int) -> Any:
    r"""Swap two axes: $y_{ji} = x_{ij}$.

    >>> swapaxes([[1.0, 2.0]], 0, 1)
    array([[1.],
           [2.]])
    """
    return np.swapaxes(x, axis1, axis2)


@swapaxes.backward
def swapaxes_backward(grad: Any, y: Any, x: Any, *, axis1: int, axis2: int) -> Any:
    r"""$\bar x_{ij} = \bar y_{ji}$"""
    return swapaxes(grad, axis1=axis1, axis2=axis2)


@op(shapes="(2,3)->(2,1,3)", examples=({"axis": 1}, {"axis": (0, -1)}))
def expand_dims(x: Any, *, axis: Axes) -> Any:
    r"""Insert axes of length 1: $y = \operatorname{expand}(x)$.

    >>> expand_dims([1.0, 2.0], 0)
    array([[1., 2.]])
    """
    return np.expand_dims(x, axis)


@expand_dims.backward
def expand_dims_backward(grad: Any, y: Any, x: Any, *, axis: Axes) -> Any:
    r"""$\bar x = \operatorname{squeeze}(\bar y)$"""
    return squeeze(grad, axis=axis)


@op(shapes="(1,3,1)->(3)", examples=({}, {"axis": 0}, {"axis": (0, 2)}))
def squeeze(x: Any, *, axis: Axes | None = None) -> Any:
    r"""Drop axes of length 1, by default all: $y = \operatorname{squeeze}(x)$.

    >>> squeeze([[1.0, 2.0]])
    array([1., 2.])
    """
    return np.squeeze(x, axis)


@squeeze.backward
def squeeze_backward(grad: Any, y: Any, x: Any, *, axis: Axes | None) -> Any:
    r"""$\bar x = \operatorname{expand}(\bar y)$"""
    return reshape(grad, shape=x.shape)


@op(shapes="(2,3)->(2,3)", examples=({}, {"axis": 1}, {"axis": (0, 1)}))
def flip(x: Any, *, axis: Axes | None = None) -> Any:
    r"""Reverse the order along axes, by default all: $y_i = x_{n-1-i}$.

    >>> flip([1.0, 2.0, 3.0])
    array([3., 2., 1.])
    """
    return np.flip(x, axis)


@flip.backward
def flip_backward(grad: Any, y: Any, x: Any, *, axis: Axes | None) -> Any:
    r"""$\bar x_i = \bar y_{n-1-i}$"""
    return flip(grad, axis=axis)


@op(symbol="dtype", examples=({"dtype": np.float64},))
def astype(x: Any, *, dtype: Any) -> Any:
    r"""Convert to another dtype, with rounding: $y = \operatorname{round}(x)$.

    >>> astype(np.array([1.5, 2.5]), dtype=np.float32)
    array([1.5, 2.5], dtype=float32)
    """
    return as_array(x).astype(dtype)


@astype.backward
def astype_backward(grad: Any, y: Any, x: Any, *, dtype: Any) -> Any:
    r"""$\bar x = \bar y$"""
    return astype(grad, dtype=x.dtype)
