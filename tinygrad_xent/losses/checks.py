"""What the cross-entropies share: the checks of their arguments, and the search for logits."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_xent import errors, ops
from tinygrad_xent.arrays import as_array, at, checked, first
from tinygrad_xent.graph import Node

_FLOATS = tuple(map(np.dtype, (np.float16, np.float32, np.float64)))


def check_named(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    """Refuse what TensorFlow 1.x refuses: arguments by position, and missing ones."""
    usage = f"call {function}(labels=..., logits=...)"
    if sentinel is not None:
        raise errors.ArgumentError(
            f"{function} takes named arguments only, as their order is easily confused: {usage}"
        )
    for word, value in (("labels", labels), ("logits", logits)):
        if value is None:
            raise errors.ArgumentError(f"{function} is missing `{word}`: {usage}")


def floating(x: Any, word: str) -> Any:
    """Return `x` as an array or Tensor of floats; refuse integers, as TensorFlow does."""
    x = x if isinstance(x, Node) else as_array(x)
    dtype = (x.data if isinstance(x, Node) else x).dtype
    if dtype not in _FLOATS:
        convert = "Tensor" if isinstance(x, Node) else "np.asarray"
        raise errors.DtypeError(
            f"{word} must be float16, float32 or float64, got {dtype}; convert: "
            f"{convert}({word}, dtype=float)"
        )
    return x


def converted(x: Any, dtype: Any) -> Any:
    """Convert to a dtype, without a step in the graph where it has this dtype already."""
    return x if x.dtype == dtype else ops.astype(x, dtype=dtype)


def check_classes(x: Any, axis: int, word: str) -> int:
    """Return the axis of classes, counted from 0."""
    shape = (x.data if isinstance(x, Node) else x).shape
    rank = len(shape)
    if not shape:
        raise errors.ShapeError("a scalar has no axis of classes; give one number per class")
    if axis not in range(-rank, rank):
        raise errors.AxisError(
            f"{word}={axis!r} is not an axis of an array of shape {shape}; choose one from "
            f"{-rank} to {rank - 1}"
        )
    if shape[axis] == 0:
        raise errors.ShapeError(f"an array of shape {shape} has no classes along {word}={axis}")
    return int(axis) % rank


def check_same_shape(word: str, shape: Any, other_word: str, other_shape: Any) -> None:
    """Refuse two shapes that differ; nothing broadcasts here."""
    if tuple(shape) != tuple(other_shape):
        raise errors.ShapeError(
            f"the shape of {word} is {tuple(shape)}, but that of {other_word} is "
            f"{tuple(other_shape)}; they must be the same"
        )


def integers(labels: Any, word: str) -> Any:
    """Return class labels as an array of integers."""
    labels = as_array(labels.data if isinstance(labels, Node) else labels)
    if labels.size == 0 and labels.dtype == np.float64:
        return labels.astype(np.int64)  # an empty list
    if labels.dtype.kind not in "iu":
        raise errors.LabelDtypeError(
            f"{word} must be integers, got {labels.dtype}. Rows of probabilities go to "
            "softmax_cross_entropy_with_logits or categorical_crossentropy; whole numbers of "
            f"another dtype convert: np.asarray({word}, dtype=int)"
        )
    return labels


def checked_labels(labels: Any, classes: int) -> Any:
    """Return the labels, or raise if one names no class: none is ever wrapped or ignored."""

    def check(labels: Any, start: tuple[int, ...]) -> None:
        if not labels.size:
            return
        lowest = np.minimum.reduce(labels, axis=None)  # np.min takes twice the time on few
        highest = np.maximum.reduce(labels, axis=None)
        if 0 <= lowest <= highest < classes:
            return
        place = first((labels < 0) | (labels >= classes))
        where = at(tuple(map(operator.add, start, place)))
        raise errors.LabelRangeError(
            f"label {int(labels[place])}{where} is not a class: labels go from 0 to {classes - 1} "
            f"for {classes} classes. Give rows without a class (padding) any label that "
            "exists, and their loss the weight 0"
        )

    return checked(check, labels)


def logits_of(output: Any, axis: int, from_logits: bool) -> Any:
    """Return the logits in `output`, or those that a softmax along `axis` made it of, or None."""
    if from_logits:
        warn_of_double_softmax(output)
        return output
    if isinstance(output, Node) and output.op is ops.softmax:
        (logits,) = output.inputs
        if output.params["axis"] in (axis, axis - output.data.ndim):
            return ops.look_through(logits, output)
    return None


def warn_of_double_softmax(logits: Any) -> None:
    """Warn if logits are the output of a softmax: the loss would apply another one."""
    if isinstance(logits, Node) and logits.op is ops.softmax:
        errors.warn(
            "the logits are the output of a softmax, and this loss applies another one. Pass what "
            "went into the softmax, or give the probabilities to categorical_crossentropy or "
            "sparse_categorical_crossentropy with from_logits=False",
            errors.DoubleSoftmaxWarning,
        )


def named(loss: Any, name: str | None) -> Any:
    """Return a loss, which pictures and traces then call by this name."""
    if name is not None and isinstance(loss, Node):
        loss.name = name
    return loss
