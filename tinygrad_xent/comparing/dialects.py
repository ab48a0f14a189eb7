"""One cross-entropy, computed as a given framework computes it, by its recipe in recipes.ini."""

import difflib
import operator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent import errors
from tinygrad_xent.comparing import steps
from tinygrad_xent.comparing.steps import State, Step, constant, sees_through, walk
from tinygrad_xent.graph import Node
from tinygrad_xent.losses.checks import floating
from tinygrad_xent.ops.cross_entropy import check_probabilities

RECIPES = ConfigParser(interpolation=None)
"""By dialect: the names of the steps, and of an exception for each of ours."""

RECIPES.read_string(Path(__file__).with_name("recipes.ini").read_text("utf-8"))
DIALECTS = tuple(RECIPES.sections())


def crossentropy_as(
    dialect: str,
    labels: Any,
    x: Any,
    *,
    from_logits: bool = False,
    axis: int = -1,
    sparse: bool | None = None,
) -> Any:
    """Return the cross-entropy of each example, with a framework's values, gradients and errors.

    Each dialect is a short sequence of ops, which you can draw, trace and differentiate. Where a
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
        Probabilities, or logits. For "keras2-graph" without `from_logits`, the Tensor that
        `softmax` returned: Keras looks through a softmax along the last axis.
    from_logits : bool
        Whether `x` holds logits. "tf1", "tf2", "torch" and "optax" accept only logits.
    axis : int
        The axis of classes.
    sparse : bool, optional
        Whether the labels are class numbers. By default, floats and integers in the shape of `x`
        are weights. "torch" ignores this: PyTorch always decides by the shape.

    Returns
    -------
    ndarray or Tensor
        One loss for each row.

    Raises
    ------
    DialectError
        If the framework has no such call.
    AxisError, ShapeError, LabelRangeError, LabelDtypeError, DtypeError
        If the framework raises an error; the message names its exception.
    DialectFaultError
        In a backward pass, where the framework's own fails.

    Warns
    -----
    ProbabilitiesWarning
        If `from_logits` is not set and an entry of `x` is negative or larger than 1.
    LabelsWarning
        If the framework spreads one number for each row over all rows, as if it were a row.

    Examples
    --------
    A row of zeros as probabilities:

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
    if dialect not in DIALECTS:
        near = difflib.get_close_matches(str(dialect), DIALECTS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise errors.ArgumentError(
            f"there is no dialect {dialect!r}{hint} Choose from {', '.join(DIALECTS)}"
        )
    state = start(labels, x, axis)
    sparse = is_sparse(state, sparse, dialect)
    try:
        *_, last = walk(steps_of(dialect, state, sparse, from_logits), state)
    except errors.TinygradXentError as error:
        theirs = framework_error(dialect, error)
        if theirs is None:
            raise
        raise type(error)(f"{error} ({dialect} raises {theirs})") from None
    if not from_logits:
        check_probabilities(x, "x")
    return last.x


def start(labels: Any, x: Any, axis: int) -> State:
    """Return the first state of every dialect; raise an error for what no framework accepts."""
    x = floating(x, "x")
    labels = labels if isinstance(labels, Node) else constant(labels)
    if labels.size == 0 and labels.dtype == np.float64 and labels.shape != x.shape:
        labels = constant(labels).astype(np.int64)  # an empty list
    if labels.dtype.kind not in "fiub":
        raise errors.DtypeError(f"labels must be real numbers, got {labels.dtype}")
    try:
        axis = int(operator.index(axis))
    except TypeError:
        raise errors.AxisError(f"axis must be a whole number, got {axis!r}") from None
    if x.ndim == 0:
        raise errors.ShapeError("a scalar has no axis of classes; give one number per class")
    if x.shape[axis % x.ndim] == 0:
        raise errors.ShapeError(f"an array of shape {x.shape} has no classes along axis={axis}")
    return State(labels, x, axis, x.dtype)


def is_sparse(state: State, sparse: bool | None, dialect: str | None = None) -> bool:
    """Return whether the labels are class numbers."""
    if sparse is None or dialect == "torch":
        floats = state.labels.dtype.kind == "f" and dialect != "torch"
        return not floats and state.labels.shape != state.x.shape
    return sparse


def steps_of(dialect: str, state: State, sparse: bool, from_logits: bool) -> tuple[Step, ...]:
    """Return the steps of a dialect for these inputs."""
    if dialect == "keras2-graph" and not from_logits and not sees_through(state.x):
        if not isinstance(state.x, Node):
            raise errors.DialectError(
                "keras2-graph needs the softmax that computed the probabilities: pass the Tensor "
                "that softmax returned"
            )
        dialect = "keras2"
    return recipe(dialect, sparse=sparse, from_logits=from_logits)


def recipe(dialect: str, *, sparse: bool, from_logits: bool) -> tuple[Step, ...]:
    """Return the steps of a dialect, for labels that are class numbers or not.

    Raises
    ------
    DialectError
        If the framework takes logits only.
    """
    call = f"{'sparse' if sparse else 'dense'} {'logits' if from_logits else 'probabilities'}"
    if call not in RECIPES[dialect]:
        raise errors.DialectError(
            f"{dialect} takes logits only: pass the input of the softmax, with from_logits=True"
        )
    return tuple(getattr(steps, name) for name in RECIPES[dialect][call].split())


def framework_error(dialect: str, error: Exception) -> str | None:
    """Return the name of the exception that the framework raises; None if it has no such call."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((RECIPES[dialect][name] for name in names if name in RECIPES[dialect]), None)
