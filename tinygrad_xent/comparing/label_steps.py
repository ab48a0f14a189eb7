"""Steps that check or convert the labels, the axis and the shapes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import numpy as np

from tinygrad_xent import errors
from tinygrad_xent.comparing.rules import no_gradient, stop_gradient
from tinygrad_xent.comparing.steps import State, Step, constant, converted, step
from tinygrad_xent.losses.checks import check_same_shape, checked_labels

# -- the axis of classes ---------------------------------------------------------------------


@step("axis", "takes the last axis as the classes, with no choice")
def last_axis(s: State) -> State:
    if s.axis not in (-1, s.x.ndim - 1):
        raise errors.DialectError(
            f"with class numbers as labels the classes are the last axis here, and axis={s.axis} "
            "is not supported; move that axis to the end with moveaxis"
        )
    return s.replace(axis=s.x.ndim - 1)


def _check_axis(s: State, lowest: int, error: type[errors.TinygradXentError], why: str) -> None:
    if s.axis not in range(lowest, s.x.ndim):
        raise error(f"axis={s.axis} is out of range for an array of shape {s.x.shape}; {why}")


@step("axis", "takes axes from 0 upwards, or -1 for the last")
def axis_from_zero(s: State) -> State:
    _check_axis(s, -1, errors.AxisError, f"TensorFlow takes -1, or 0 to {s.x.ndim - 1}")
    return wrapped_axis.run(s)


@step("axis", "takes axes from 0 upwards, or negative ones from the end")
def any_axis(s: State) -> State:
    n = s.x.ndim
    _check_axis(s, -n, errors.AxisError, f"choose one from {-n} to {n - 1}")
    return s


@step("axis", "takes the axis modulo the number of axes, so that any integer is valid")
def wrapped_axis(s: State) -> State:
    return s.replace(axis=s.axis % s.x.ndim)


@step("axis", "has no axis argument: the caller moves the classes to axis 1")
def moved_axis(s: State) -> State:
    why = "PyTorch has no axis argument, so there must be an axis to move to axis 1"
    _check_axis(s, -s.x.ndim, errors.DialectError, why)
    return wrapped_axis.run(s)


# -- the dtype of the labels -----------------------------------------------------------------


def _only(names: Iterable[str], words: str) -> Step:
    names = tuple(names)

    @step("dtype of the labels", words)
    def only(s: State) -> State:
        if s.labels.dtype.name not in names:
            raise errors.LabelDtypeError(
                f"labels of {s.labels.dtype} are refused here; convert them to {names[0]}"
            )
        return s

    return only


int32_or_int64 = _only(("int64", "int32"), "takes labels of int32 or int64, and no others")
int64_or_uint8 = _only(("int64", "uint8"), "takes labels of int64 or uint8, and no others")
any_integer = _only(
    (f"{sign}int{bits}" for sign in ("", "u") for bits in (64, 32, 16, 8)),
    "takes integers of any width as labels",
)
only_floats = _only(
    ("float64", "float32", "float16"), "takes floating dense labels, and no integers"
)


@step("dtype of the labels", "truncates labels to integers: 1.9 becomes 1, and -0.5 becomes 0")
def truncated(s: State) -> State:
    return s.replace(labels=s.labels.astype(np.int64))


@step("dtype of the labels", "converts dense labels to the dtype of the logits")
def as_logits(s: State) -> State:
    return s.replace(labels=converted(s.labels, s.x.dtype))


@step("dtype of the labels", "converts integer labels, and multiplies by floating ones as they are")
def integers_converted(s: State) -> State:
    return s if s.labels.dtype.kind == "f" else as_logits.run(s)


@step("dtype of the labels", "multiplies by labels of any dtype, as NumPy does")
def any_dtype(s: State) -> State:
    return s


@step("dtype of the labels", "requires dense labels in the dtype of the probabilities")
def same_dtype(s: State) -> State:
    if s.labels.dtype != s.x.dtype:
        raise errors.DtypeError(
            f"TensorFlow does not multiply {s.x.dtype} by labels of {s.labels.dtype}; convert "
            f"them: labels.astype({s.x.dtype.name!r})"
        )
    return s


@step("gradient of the labels", "treats the labels as constants")
def constant_labels(s: State) -> State:
    return s.replace(labels=stop_gradient(s.labels))


# -- the shape of the labels -----------------------------------------------------------------


@step("shape of the labels", "requires one label for each row")
def one_for_each_row(s: State) -> State:
    check_same_shape("labels", s.labels.shape, "the rows", s.rows)
    return s


@step(
    "shape of the labels",
    "requires one label for each row of the last axis, even if the classes are on another",
)
def one_for_each_last_row(s: State) -> State:
    check_same_shape("labels", s.labels.shape, "x without its last axis", s.x.shape[:-1])
    return s


@step("squeeze", "drops a last axis of length 1 from the labels")
def squeezed(s: State) -> State:
    if s.labels.ndim == s.x.ndim and s.labels.shape[-1] == 1:
        return s.replace(labels=s.labels[..., 0])
    return s


@step("squeeze", "drops the labels' axis of classes if it has length 1")
def squeezed_axis(s: State) -> State:
    if s.labels.ndim == s.x.ndim and s.labels.shape[s.axis] == 1:
        return s.replace(labels=np.squeeze(s.labels, s.axis))
    return s


@step("shape of the labels", "takes as many labels as rows, in any shape")
def flattened_labels(s: State) -> State:
    if s.labels.ndim == s.x.ndim - 1:
        return one_for_each_row.run(s)
    if s.labels.size != np.prod(s.rows, dtype=int):
        raise errors.ShapeError(
            f"{s.labels.size} labels for {np.prod(s.rows, dtype=int)} rows; give one for each"
        )
    if s.x.ndim == 1:  # one label in a list: a list of one loss
        return s.replace(labels=s.labels.reshape(()), shape=(1,))
    return s.replace(labels=s.labels.reshape(s.rows))


@step("shape of the labels", "broadcasts labels to the rows")
def repeated_labels(s: State) -> State:
    if s.labels.ndim == len(s.rows):
        with contextlib.suppress(ValueError):
            return s.replace(labels=np.broadcast_to(s.labels, s.rows))
    raise errors.ShapeError(
        f"labels of shape {s.labels.shape} do not broadcast to the rows, {s.rows}"
    )


@step("batch", "requires as many labels as rows in the batch")
def batch_size(s: State) -> State:
    given = s.labels.shape[0] if s.labels.ndim else 0
    if s.x.ndim > 1 and given != s.rows[0]:
        raise errors.BatchSizeError(f"{given} labels for a batch of {s.rows[0]}")
    return s


@step(
    "shape of the labels",
    "requires one label for each row; a list of one label breaks the backward pass",
)
def one_for_each_row_or_one(s: State) -> State:
    if s.x.ndim == 1 and s.labels.shape == (1,):
        why = "one label in a list for one row of logits. Give the label without the list"
        return s.replace(labels=s.labels.reshape(()), x=no_gradient(s.x, why=why))
    return one_for_each_row.run(s)


@step("shape of the labels", "requires dense labels in the shape of the logits or probabilities")
def same_shape(s: State) -> State:
    check_same_shape("labels", s.labels.shape, "x", s.x.shape)
    return s


# -- labels out of range ---------------------------------------------------------------------


@step("label out of range", "raises an error for a label out of range")
def refused(s: State) -> State:
    checked_labels(constant(s.labels), s.x.shape[s.axis])
    return s


@step("label out of range", "ignores the label -100, and raises an error for others out of range")
def refused_but_ignored(s: State) -> State:
    ignored = s.labels == -100
    checked_labels(np.where(ignored, 0, s.labels), s.x.shape[s.axis])
    return s


@step("label out of range", "gives a loss of 0 to a label out of range")
def row_of_zeros(s: State) -> State:
    return s


@step(
    "label out of range",
    "gives a loss of 0 to a negative label, and an error for a large one",
)
def row_of_zeros_below(s: State) -> State:
    checked_labels(np.maximum(s.labels, 0), s.x.shape[s.axis])
    return s


@step(
    "label out of range",
    "counts a negative label from the end, and gives NaN to others",
)
def from_the_end(s: State) -> State:
    classes = s.x.shape[s.axis]
    missing = (s.labels < -classes) | (s.labels >= classes)
    labels = s.labels.astype(np.int64)
    return s.replace(labels=np.where(missing, 0, labels % max(classes, 1)), missing=missing)
