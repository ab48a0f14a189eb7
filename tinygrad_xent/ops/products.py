"""Products that sum over axes: of matrices, of tensors, and any that letters describe."""

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_xent.errors import ArgumentError
from tinygrad_xent.graph import operand
from tinygrad_xent.op import op
from tinygrad_xent.ops.arithmetic import multiply
from tinygrad_xent.ops.broadcasting import broadcast_to
from tinygrad_xent.ops.indexing import diagonal
from tinygrad_xent.ops.rearranging import moveaxis, ravel
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
        return multiply(x, y)
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
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    return tensordot(x, y, axes=(-1, -1))


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
    return multiply(reshape(x, shape=(-1, 1)), ravel(y))


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


# -- Einstein sums ---------------------------------------------------------------------------


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
    inputs, output = _groups(subscripts, list(xs))

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


def einsum(subscripts: Any, *operands: Any) -> Any:
    r"""Einstein summation, as `numpy.einsum`: `einsum("ij,jk->ik", x, y)`.

    Parameters
    ----------
    subscripts : str
        Letters for the axes of each operand. `...` stands for the axes that have none, and a
        letter that one operand has twice for its diagonal. Without `->`, the output has the axes
        of `...`, then the letters that occur once, in alphabetical order.
    *operands : array_like or Tensor
        One for each group of letters. In NumPy's other form numbers take the place of letters, in
        a list after each operand, with that of the output at the end, if there is one:
        `einsum(x, [0, 1], y, [1, 2], [0, 2])`.

    Returns
    -------
    ndarray or Tensor
        A Tensor if an operand is one; it is made with `einsum_of`, diagonals with `take`.

    Raises
    ------
    ArgumentError
        If the subscripts and the operands do not fit each other.

    Examples
    --------
    >>> einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    array([21., 43.])
    >>> einsum("ii->i", [[1.0, 2.0], [3.0, 4.0]])
    array([1., 4.])
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _in_letters((subscripts, *operands))
    xs = [operand(x) for x in operands]
    groups, output = _groups(subscripts, xs)
    for i, group in enumerate(groups):
        groups[i], xs[i] = _without_repeats(subscripts, group, xs[i])
    return einsum_of(xs, subscripts=f"{','.join(groups)}->{output}")


def _in_letters(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return subscripts and operands of `einsum(x, [0, 1], y, [1, 2], [0, 2])`."""
    letters = string.ascii_uppercase + string.ascii_lowercase  # in this order they are sorted

    def written(numbers: Any) -> str:
        if any(n is not ... and not 0 <= n < len(letters) for n in numbers):
            raise ArgumentError(f"einsum numbers the axes from 0 to 51, got {list(numbers)}")
        return "".join("..." if n is ... else letters[n] for n in numbers)

    groups = ",".join(map(written, arguments[1::2]))
    if len(arguments) % 2:
        return f"{groups}->{written(arguments[-1])}", arguments[:-1:2]
    return groups, arguments[::2]


def _groups(subscripts: str, xs: Sequence[Any]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the output, with letters in place of `...`."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    groups = left.split(",")
    if len(groups) != len(xs):
        raise ArgumentError(f"einsum {subscripts!r} names {len(groups)} operands, got {len(xs)}")
    if not arrow:
        letters = left.replace("...", "").replace(",", "")
        output = "..." + "".join(sorted(c for c in letters if letters.count(c) == 1))
    free = [c for c in string.ascii_letters if c not in subscripts]
    longest = ""
    for i, (group, x) in enumerate(zip(groups, xs, strict=True)):
        count = x.ndim - len(group.replace("...", ""))
        if count < 0 or (count and "..." not in group):
            raise ArgumentError(
                f"einsum {subscripts!r}: {group!r} does not fit an operand of shape {x.shape}"
            )
        names = "".join(reversed(free[:count]))  # from the end, as broadcasting lines axes up
        longest = max(longest, names, key=len)
        groups[i] = group.replace("...", names)
    if longest and "..." not in output:
        raise ArgumentError(f"einsum {subscripts!r}: write ... in the output too, or sum first")
    return groups, output.replace("...", longest)


def _without_repeats(subscripts: str, letters: str, x: Any) -> tuple[str, Any]:
    """Return letters and operand, a diagonal in place of two axes with the same letter."""
    for letter in letters:
        while letters.count(letter) > 1:
            one, two = letters.index(letter), letters.rindex(letter)
            if x.shape[one] != x.shape[two]:
                raise ArgumentError(
                    f"einsum {subscripts!r}: axes {one} and {two} of shape {x.shape} are both "
                    f"{letter!r} and have different lengths"
                )
            letters = letters[:one] + letters[one + 1 : two] + letters[two + 1 :] + letter
            x = diagonal(x, 0, one, two)
    return letters, x
