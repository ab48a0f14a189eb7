"""What the cross-entropies share: the checks of their arguments, and the search for logits."""

from typing import Any

import numpy as np

from tinygrad_xent import errors, ops
from tinygrad_xent.arrays import as_array, at, checked, first, one_hot
from tinygrad_xent.graph import Node
from tinygrad_xent.ops.softmax_family import mask_of, masked

_FLOATS = tuple(map(np.dtype, (np.float16, np.float32, np.float64)))


# -- arguments -------------------------------------------------------------------------------


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
        raise errors.DtypeError(errors.hints.not_floating(dtype, word, isinstance(x, Node)))
    return x


def check_classes(x: Any, axis: int, word: str) -> int:
    """Return the axis of classes, counted from 0."""
    shape = (x.data if isinstance(x, Node) else x).shape
    rank = len(shape)
    if not shape:
        raise errors.ShapeError("a scalar has no axis of classes; give one number per class")
    if axis not in range(-rank, rank):
        raise errors.AxisError(errors.hints.no_axis(word, axis, shape))
    if shape[axis] == 0:
        raise errors.ShapeError(f"an array of shape {shape} has no classes along {word}={axis}")
    if shape[axis] == 1:
        errors.warn(
            f"an array of shape {shape} has one class along {word}={axis}. Its probability is "
            "always 1, and nothing is learnt. Two classes need two columns: 0 and z for logits, "
            "1 - p and p for probabilities",
            errors.OneClassWarning,
        )
    return int(axis) % rank


def converted(x: Any, dtype: Any) -> Any:
    """Convert to a dtype, without a step in the graph where it has this dtype already."""
    return x if x.dtype == dtype else ops.astype(x, dtype=dtype)


def named(loss: Any, name: str | None) -> Any:
    """Return a loss, which pictures and traces then call by this name."""
    if name is not None and isinstance(loss, Node):
        loss.name = name
    return loss


# -- integer labels --------------------------------------------------------------------------


def integers(labels: Any, word: str) -> Any:
    """Return class labels as an array of integers."""
    labels = as_array(labels.data if isinstance(labels, Node) else labels)
    if labels.size == 0 and labels.dtype == np.float64:
        return labels.astype(np.int64)  # an empty list
    if labels.dtype.kind not in "iu":
        raise errors.LabelDtypeError(errors.hints.no_integers(labels, word))
    return labels


def checked_labels(labels: Any, classes: int) -> Any:
    """Return the labels, or raise if one names no class: none is ever wrapped or ignored."""

    def check(labels: Any, start: tuple[int, ...]) -> None:
        if not labels.size:
            return
        # np.min takes twice the time on few
        ends = np.minimum.reduce(labels, axis=None), np.maximum.reduce(labels, axis=None)
        if not 0 <= ends[0] <= ends[1] < classes:
            place = first((labels < 0) | (labels >= classes))
            message = errors.hints.no_class(labels[place], at(place, start), ends, classes)
            raise errors.LabelRangeError(message)

    return checked(check, labels)


# -- masks -----------------------------------------------------------------------------------


def masked_logits(logits: Any, where: Any, axis: int) -> tuple[Any, Any, Any]:
    """Return logits without the classes that a mask leaves out, the mask, and which rows have any.

    Rows that are left out as a whole are the padding: what they hold does not matter.
    """
    mask = mask_of(where, logits, "the logits")
    return masked(logits, mask, axis), mask, np.any(mask, axis=axis)


def check_not_masked(labels: Any, mask: Any, rows: Any, axis: int) -> None:
    """Refuse a label whose class is left out in a row that takes part."""
    wrong = rows & ~np.any(one_hot(labels, mask, axis) & mask, axis=axis)
    if np.any(wrong):
        place = first(np.asarray(wrong))
        raise errors.LabelRangeError(
            f"`where` leaves out class {int(labels[place])}{at(place)}, which is the label: the "
            "loss would be infinite. Let the class take part, or leave out the whole row"
        )


# -- probabilities ---------------------------------------------------------------------------


def clipped(probs: Any, epsilon: float) -> Any:
    """Return probabilities no closer to 0 and 1 than `epsilon`."""
    low = np.asarray(epsilon, probs.dtype)
    low = np.maximum(low, np.finfo(low.dtype).smallest_subnormal)  # half rounds 1e-9 to 0
    return ops.clip(probs, low, 1 - low)


def logits_of(output: Any, axis: int, from_logits: bool, where: Any) -> tuple[Any, Any]:
    """Return the logits in `output`, or those that a softmax along `axis` made it of, or None.

    With them comes which classes take part, in this loss and in that softmax.
    """
    if from_logits not in (True, False):
        raise errors.ArgumentError(f"from_logits={from_logits!r} is neither True nor False")
    if from_logits:
        warn_of_double_softmax(output)
        return output, where
    if isinstance(output, Node) and output.op is ops.softmax:
        (logits,) = output.inputs
        rank = output.data.ndim
        same = (axis, axis - rank, (axis,), (axis - rank,), None if rank == 1 else axis)
        if output.params["axis"] in same:
            others = output.params.get("where")
            if where is not None and others is not None:
                where = np.logical_and(where, others)
            return ops.look_through(logits, output), others if where is None else where
    return None, where


def warn_of_double_softmax(logits: Any) -> None:
    """Warn if logits are the output of a softmax: the loss would apply another one."""
    if isinstance(logits, Node) and logits.op is ops.softmax:
        errors.warn(errors.hints.TWO_SOFTMAXES, errors.DoubleSoftmaxWarning)
