"""Wrong rules of matrix products and of the layers made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.museum.inputs import normal
from tinygrad_xent.museum.layers import linear
from tinygrad_xent.museum.rules import wrong
from tinygrad_xent.ops import matmul

_SQUARE = normal((3, 3), (3, 3))


@wrong(matmul, "transposed", _SQUARE)
def matmul_not_transposed(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """Square matrices let it pass; with any others NumPy refuses."""
    return grad @ y, x.T @ grad


@wrong(matmul, "transposed", normal((2, 3), (3, 4)))
def matmul_answer_lies_on_its_side(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The right numbers, in columns instead of rows."""
    return y @ grad.T, x.T @ grad


@wrong(matmul, "gradients-swapped", _SQUARE)
def matmul_exchanged(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """Weights move by what the inputs should get."""
    return x.T @ grad, grad @ y.T


@wrong(matmul, "unknown", _SQUARE)
def matmul_in_the_other_order(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """A product of the right two matrices; but products do not commute."""
    return y.T @ grad, grad @ x.T


@wrong(matmul, "unknown", _SQUARE)
def matmul_as_multiply(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The rule of the product entry by entry, which only square matrices allow."""
    return grad * y, grad * x


@wrong(matmul, "missing-gradient", normal((2, 3), (3, 4)))
def matmul_left_only(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The weights on the right never move."""
    return grad @ y.T, None


@wrong(matmul, "ignores-upstream", normal((2, 3), (3, 4)))
def matmul_of_ones(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """All rows of the first gradient are equal: each output was taken to matter equally."""
    ones = np.ones_like(grad)
    return ones @ y.T, x.T @ ones


@wrong(matmul, "wrong-sign", normal((2, 3), (3, 4)))
def matmul_turned_round(grad: Any, z: Any, x: Any, y: Any) -> Any:
    """The minus of the update, `w -= rate * grad`, was put into the rule as well."""
    return -grad @ y.T, -x.T @ grad


@wrong(linear, "transposed", normal((5, 3), (3, 4), (4,)))
def linear_weights_on_their_side(grad: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """The weights' gradient has as many rows as there are outputs."""
    return grad @ w.T, grad.T @ x, np.sum(grad, axis=0)


@wrong(linear, "transposed", normal((5, 3), (3, 3), (3,)))
def linear_input_by_w(grad: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """In hidden layers of equal width nothing complains, and the lower layers learn badly."""
    return grad @ w, x.T @ grad, np.sum(grad, axis=0)


@wrong(linear, "constant-factor", normal((5, 3), (3, 4), (4,)))
def linear_weights_averaged(grad: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """The loss is a mean already: the weights are divided by the batch size twice."""
    return grad @ w.T, x.T @ grad / len(x), np.sum(grad, axis=0)


@wrong(linear, "missing-gradient", normal((5, 3), (3, 4), (4,)))
def linear_bias_forgotten(grad: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """The biases stay 0 all through the training."""
    return grad @ w.T, x.T @ grad, np.zeros_like(b)


@wrong(linear, "not-summed-over-broadcast", normal((5, 3), (3, 4), (4,)))
def linear_bias_of_the_first_example(grad: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """The shape fits, and one example decides for the whole batch."""
    return grad @ w.T, x.T @ grad, grad[0]


@wrong(linear, "wrong-axis", normal((4, 3), (3, 4), (4,)))
def linear_bias_per_example(grad: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """A batch as large as the layer hides it: the sum runs over the outputs."""
    return grad @ w.T, x.T @ grad, np.sum(grad, axis=1)


@wrong(linear, "ignores-upstream", normal((5, 3), (3, 4), (4,)))
def linear_bias_counts_examples(grad: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """Every bias gets the batch size as its gradient."""
    return grad @ w.T, x.T @ grad, np.full_like(b, len(x))
