"""One cross-entropy, as the framework asked for computes it."""

from __future__ import annotations

import difflib
import operator
from typing import Any

import numpy as np

from tinygrad_xent.checks import floating
from tinygrad_xent.dialects import losses, recipes
from tinygrad_xent.dialects.refusals import name_there
from tinygrad_xent.dialects.steps import State, Step, constant, run
from tinygrad_xent.domains import check_probabilities
from tinygrad_xent.errors import (
    ArgumentError,
    AxisError,
    DialectError,
    DtypeError,
    ShapeError,
    TinygradXentError,
)
from tinygrad_xent.graph import Node

DIALECTS = tuple(recipes.RECIPES)


def crossentropy_as(
    dialect: str,
    labels: Any,
    x: Any,
    *,
    from_logits: bool = False,
    axis: int = -1,
    sparse: bool | None = None,
) -> Any:
    """Cross-entropy of each example, with the numbers, the gradients and the errors of a framework.

    Each dialect is a short sequence of ops, which can be drawn, traced and differentiated. Where a
    framework's gradient is not the derivative of its loss, neither is the gradient here.

    Parameters
    ----------
    dialect : str
        "tf1" (TensorFlow 1.4), "tf2" (2.21), "keras2" (in TensorFlow 2.2), "keras2-graph" (the
        same in a `tf.function`), "keras3-tf", "keras3-jax", "keras3-torch", "keras3-numpy" (Keras
        3.15 on four backends), "torch" (2.13) or "optax" (0.2.8).
    labels : array_like or Tensor
        Class numbers, or a row of weights for each row of `x`.
    x : array_like or Tensor of float16, float32 or float64
        Probabilities, or logits. For "keras2-graph" without `from_logits` the Tensor that
        `softmax` made: Keras looks through it, if it was taken along the last axis.
    from_logits : bool
        Whether `x` holds logits. "tf1", "tf2", "torch" and "optax" take nothing else.
    axis : int
        The axis of classes.
    sparse : bool, optional
        Whether the labels are class numbers. By default floats, and integers in the shape of `x`,
        are weights. PyTorch always decides by the shape, and then takes no notice of this.

    Returns
    -------
    ndarray or Tensor
        One loss for each row.

    Raises
    ------
    DialectError
        If the framework has no such call.
    AxisError, ShapeError, LabelRangeError, LabelDtypeError, DtypeError
        If the framework refuses the call; the message names its exception.
    DialectFaultError
        In a backward pass, where the framework's fails.

    Warns
    -----
    ProbabilitiesWarning
        If `from_logits` is not set and an entry of `x` is negative or larger than 1.
    LabelsWarning
        If the framework spreads one number for each row over all rows, as if it were a row.

    Examples
    --------
    A row of zeros, given as probabilities:

    >>> row = [[0.0, 0.0, 0.0]]
    >>> print(crossentropy_as("keras2", [0], row), crossentropy_as("keras3-torch", [0], row))
    [1.09861229] [nan]

    Labels that sum to 3:

    >>> from tinygrad_xent import Tensor, gradients
    >>> z = Tensor([0.0, 1.0])
    >>> for dialect in "tf2", "torch":
    ...     print(gradients(crossentropy_as(dialect, [2.0, 1.0], z, from_logits=True), z))
    [-1.73105858 -0.26894142]
    [-1.19317574  1.19317574]
    """
    check_dialect(dialect)
    state = start(labels, x, axis)
    sparse = is_sparse(state, sparse, dialect)
    try:
        result = run(steps_of(dialect, state, sparse, from_logits), state).x
    except TinygradXentError as error:
        there = name_there(dialect, error)
        if there is None:
            raise
        raise type(error)(f"{error} ({dialect} raises {there})") from None
    if not from_logits:
        check_probabilities(x, "x")
    return result


def check_dialect(dialect: str) -> None:
    """Refuse a dialect that there is not."""
    if dialect not in DIALECTS:
        near = difflib.get_close_matches(str(dialect), DIALECTS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise ArgumentError(
            f"there is no dialect {dialect!r}{hint} Choose from {', '.join(DIALECTS)}"
        )


def start(labels: Any, x: Any, axis: int) -> State:
    """Give the state from which every dialect starts, or say what none of them could take."""
    x = floating(x, "x")
    labels = labels if isinstance(labels, Node) else constant(labels)
    if labels.size == 0 and labels.dtype == np.float64 and labels.shape != x.shape:
        labels = constant(labels).astype(np.int64)  # an empty list
    if labels.dtype.kind not in "fiub":
        raise DtypeError(f"labels must be real numbers, got {labels.dtype}")
    axis = whole_axis(axis)
    if x.ndim == 0:
        raise ShapeError("a scalar has no axis of classes; give one number per class")
    if x.shape[axis % x.ndim] == 0:
        raise ShapeError(f"an array of shape {x.shape} has no classes along axis={axis}")
    return State(labels, x, axis, x.dtype)


def whole_axis(axis: Any) -> int:
    """Give the axis as an int, whether or not there is such an axis."""
    try:
        return int(operator.index(axis))
    except TypeError:
        raise AxisError(f"axis must be a whole number, got {axis!r}") from None


def is_sparse(state: State, sparse: bool | None, dialect: str | None = None) -> bool:
    """Whether the labels are class numbers."""
    if sparse is None or dialect == "torch":
        floats = state.labels.dtype.kind == "f" and dialect != "torch"
        return not floats and state.labels.shape != state.x.shape
    return sparse


def steps_of(dialect: str, state: State, sparse: bool, from_logits: bool) -> tuple[Step, ...]:
    """Give the steps that a dialect takes."""
    if dialect == "keras2-graph" and not from_logits and not losses.sees_through(state.x):
        if not isinstance(state.x, Node):
            raise DialectError(
                "keras2-graph wants to see the softmax that made the probabilities: hand it the "
                "Tensor that softmax made"
            )
        dialect = "keras2"
    return recipes.RECIPES[dialect](sparse, from_logits)
