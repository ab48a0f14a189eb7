"""The checks of the arguments of the cross-entropies, and their messages."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np

from tinygrad_xent.arrays import as_array, at, checked, first
from tinygrad_xent.errors import (
    ArgumentError,
    AxisError,
    DtypeError,
    LabelDtypeError,
    LabelRangeError,
    LabelsWarning,
    ShapeError,
    warn,
)
from tinygrad_xent.graph import Node

_FLOATS = tuple(map(np.dtype, (np.float16, np.float32, np.float64)))


def check_named(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    """Refuse what TensorFlow 1.x refuses: arguments by position, and missing ones."""
    usage = f"call {function}(labels=..., logits=...)"
    if sentinel is not None:
        raise ArgumentError(
            f"{function} takes named arguments only, as their order is easily confused: {usage}"
        )
    for word, value in (("labels", labels), ("logits", logits)):
        if value is None:
            raise ArgumentError(f"{function} is missing `{word}`: {usage}")


def floating(x: Any, word: str) -> Any:
    """Return `x` as an array or Tensor of floats; refuse integers, as TensorFlow does."""
    x = x if isinstance(x, Node) else as_array(x)
    dtype = (x.data if isinstance(x, Node) else x).dtype
    if dtype not in _FLOATS:
        convert = "Tensor" if isinstance(x, Node) else "np.asarray"
        raise DtypeError(
            f"{word} must be float16, float32 or float64, got {dtype}; convert: "
            f"{convert}({word}, dtype=float)"
        )
    return x


def check_classes(x: Any, axis: int, word: str) -> int:
    """Return the axis of classes, counted from 0."""
    shape = (x.data if isinstance(x, Node) else x).shape
    rank = len(shape)
    if not shape:
        raise ShapeError("a scalar has no axis of classes; give one number per class")
    if axis not in range(-rank, rank):
        raise AxisError(
            f"{word}={axis!r} is not an axis of an array of shape {shape}; choose one from "
            f"{-rank} to {rank - 1}"
        )
    if shape[axis] == 0:
        raise ShapeError(f"an array of shape {shape} has no classes along {word}={axis}")
    return int(axis) % rank


def check_same_shape(word: str, shape: Any, other_word: str, other_shape: Any) -> None:
    """Refuse two shapes that differ; nothing broadcasts here."""
    if tuple(shape) != tuple(other_shape):
        raise ShapeError(
            f"the shape of {word} is {tuple(shape)}, but that of {other_word} is "
            f"{tuple(other_shape)}; they must be the same"
        )


def integers(labels: Any, word: str) -> Any:
    """Return class labels as an array of integers."""
    labels = as_array(labels.data if isinstance(labels, Node) else labels)
    if labels.size == 0 and labels.dtype == np.float64:
        return labels.astype(np.int64)  # an empty list
    if labels.dtype.kind not in "iu":
        raise LabelDtypeError(
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
        raise LabelRangeError(
            f"label {int(labels[place])}{where} is not a class: labels go from 0 to {classes - 1} "
            f"for {classes} classes. Give rows without a class (padding) any label that "
            "exists, and their loss the weight 0"
        )

    return checked(check, labels)


def dense_labels(labels: Any, logits: Any, axis: int, word: str, other_word: str) -> Any:
    """Return dense labels as an array or Tensor; check the blocks of a Dask array."""
    labels = labels if isinstance(labels, Node) else as_array(labels)
    if labels.dtype.kind not in "fiub":
        raise DtypeError(f"{word} must be real numbers, got {labels.dtype}")
    check_same_shape(word, labels.shape, other_word, logits.shape)
    if not hasattr(labels, "map_blocks"):
        return labels
    other = logits.dtype

    def check(block: Any, start: tuple[int, ...]) -> None:
        check_distributions(block, other, axis, word, start=start)

    return checked(check, labels, axis)


def check_distributions(
    labels: Any,
    dtype: Any,
    axis: int,
    word: str,
    *,
    error: float = np.inf,
    start: tuple[int, ...] | None = None,
) -> None:
    """Warn of rows of dense labels, for logits of `dtype`, that are not distributions.

    `error` is how far from 1 a row sums at most, if it is known; `start` is the index of the first
    entry.
    """
    values = labels.data if isinstance(labels, Node) else labels
    coarsest = _coarsest(values.dtype, dtype)
    rounding = coarsest * (4 + values.shape[axis] ** 0.5)
    # Half of it, because the known error is that of labels rounded to the dtype of the logits.
    if error <= rounding / 2 or hasattr(values, "map_blocks"):
        return
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite sum is not 1 either
        sums: Any = np.sum(values, axis=axis, dtype=np.float64)
    off = ~(np.abs(sums - 1) <= rounding)
    if np.any(off) or np.min(values, initial=0) < 0:
        place = first(off | np.any(values < 0, axis=axis))
        start = start or (0,) * values.ndim
        where = at(tuple(map(operator.add, start[:axis] + start[axis + 1 :], place)))
        negative = abs(sums[place] - 1) <= rounding
        total = f"{sums[place]:.{int(1 - np.log10(coarsest))}g}"  # enough digits to differ from 1
        warn(
            f"the row of {word}{where} is not a probability distribution: it sums to {total}, "
            f"{'but has a negative entry' if negative else 'not 1'}. The loss and its gradient "
            "are computed from the labels as they are",
            LabelsWarning,
        )


@functools.cache
def _coarsest(*dtypes: Any) -> float:
    """Return the coarser rounding of two dtypes, those of labels and logits."""
    return max(float(np.finfo(dtype).eps) for dtype in dtypes if dtype.kind == "f")
