"""Functions of the array API standard; what it has under other names is in the stub of `ops`."""

from typing import Any

import numpy as np

from tinygrad_xent.ops.accumulation import cumprod, cumsum
from tinygrad_xent.ops.indexing import concatenate
from tinygrad_xent.ops.rearranging import operand


def cumulative_sum(x: Any, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Return the running sum along an axis, if wanted with a 0 at the start; see `cumsum`.

    Parameters
    ----------
    x : array_like or Tensor
        Any shape; without an axis its entries are put in a row.
    axis : int, optional
        What to sum along.
    include_initial : bool
        Whether the result begins with the sum of nothing, which makes it longer by one.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one.

    Examples
    --------
    >>> cumulative_sum([1.0, 2.0, 3.0], include_initial=True)
    array([0., 1., 3., 6.])
    """
    return _begun_with(0, cumsum(operand(x), axis=axis), axis or 0, include_initial)


def cumulative_prod(x: Any, *, axis: int | None = None, include_initial: bool = False) -> Any:
    """Return the running product along an axis, if wanted with a 1 at the start; see `cumprod`.

    Parameters
    ----------
    x : array_like or Tensor
        Any shape; without an axis its entries are put in a row.
    axis : int, optional
        What to multiply along.
    include_initial : bool
        Whether the result begins with the product of nothing, which makes it longer by one.

    Returns
    -------
    ndarray or Tensor
        A Tensor if `x` is one.

    Examples
    --------
    >>> cumulative_prod([2.0, 3.0], include_initial=True)
    array([1., 2., 6.])
    """
    return _begun_with(1, cumprod(operand(x), axis=axis), axis or 0, include_initial)


def _begun_with(first: int, running: Any, axis: int, wanted: bool) -> Any:
    if not wanted:
        return running
    shape = [1 if a == axis % running.ndim else n for a, n in enumerate(running.shape)]
    return concatenate([np.full(shape, first, running.dtype), running], axis=axis)
