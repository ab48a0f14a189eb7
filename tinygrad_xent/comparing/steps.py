"""The steps of the dialects: each has a stage, a description, and a function of the state."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_xent import errors, ops
from tinygrad_xent.comparing import rules
from tinygrad_xent.graph import Node
from tinygrad_xent.losses.checks import checked_labels, converted
from tinygrad_xent.visualization.readable import Readable

EPSILON = 1e-7  # Keras's: `keras.config.epsilon()`


@dataclasses.dataclass(frozen=True, repr=False)
class State(Readable):
    """The values that one step passes to the next.

    Attributes
    ----------
    labels : ndarray or Tensor
        Class numbers, or rows of weights.
    x : ndarray or Tensor
        Logits or probabilities at first, later their logarithms, and the losses at the end.
    axis : int
        The axis of classes in `x`.
    dtype : dtype
        The dtype of `x` before the first step.
    shape : tuple of int or None
        The shape of the losses, if a step has flattened the rows.
    normaliser : ndarray or Tensor or None
        What remains to be subtracted from `x` to make it log-probabilities.
    missing : ndarray or None
        Which rows have a label out of range.
    """

    labels: Any
    x: Any
    axis: int
    dtype: Any
    shape: tuple[int, ...] | None = None
    normaliser: Any = None
    missing: Any = None

    @property
    def rows(self) -> tuple[int, ...]:
        """The shape of `x` without the axis of classes."""
        shape = list(self.x.shape)
        del shape[self.axis]
        return tuple(shape)

    def replace(self, **changes: Any) -> State:
        """Return a copy of this state with some fields replaced."""
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Step(Readable):
    """One step of a dialect.

    Attributes
    ----------
    stage : str
        What the step is about. Steps of the same stage in two dialects can be exchanged.
    words : str
        What the step does, as the predicate of a sentence about the dialect.
    run : callable
        A function from one state to the next.
    """

    stage: str
    words: str
    run: Callable[[State], State]

    def __str__(self) -> str:
        return self.words


def step(stage: str, words: str) -> Callable[[Callable[[State], State]], Step]:
    """Make a step of a function, as a decorator: `@step("clip", "clips ...")`."""
    return lambda run: Step(stage, words, run)


def walk(steps: Iterable[Step], state: State) -> Iterator[State]:
    """Run the steps one after another, and yield the state after each.

    NumPy's warnings are off: infinity and NaN are valid results here.
    """
    for taken in steps:
        with np.errstate(all="ignore"):
            state = taken.run(state)
        yield state


def constant(x: Any) -> Any:
    """Return a Tensor's array, or an array of Python numbers.

    Python's integers become int64, as in the frameworks, even where NumPy's default is int32 (in a
    browser).
    """
    array = np.asarray(x.data if isinstance(x, Node) else x)
    shorter = array.dtype == np.int32 and not hasattr(x, "dtype")
    return array.astype(np.int64) if shorter else array


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
    return s.replace(labels=rules.stop_gradient(s.labels))


# -- the shape of the labels -----------------------------------------------------------------


@step("shape of the labels", "requires one label for each row")
def one_for_each_row(s: State) -> State:
    _check_same_shape("labels", s.labels.shape, "the rows", s.rows)
    return s


@step(
    "shape of the labels",
    "requires one label for each row of the last axis, even if the classes are on another",
)
def one_for_each_last_row(s: State) -> State:
    _check_same_shape("labels", s.labels.shape, "x without its last axis", s.x.shape[:-1])
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
        return s.replace(labels=s.labels.reshape(()), x=rules.no_gradient(s.x, why=why))
    return one_for_each_row.run(s)


@step("shape of the labels", "requires dense labels in the shape of the logits or probabilities")
def same_shape(s: State) -> State:
    _check_same_shape("labels", s.labels.shape, "x", s.x.shape)
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


@step("label out of range", "gives a loss of 0 to a negative label, and an error for a large one")
def row_of_zeros_below(s: State) -> State:
    checked_labels(np.maximum(s.labels, 0), s.x.shape[s.axis])
    return s


@step("label out of range", "counts a negative label from the end, and gives NaN to others")
def from_the_end(s: State) -> State:
    classes = s.x.shape[s.axis]
    missing = (s.labels < -classes) | (s.labels >= classes)
    labels = s.labels.astype(np.int64)
    return s.replace(labels=np.where(missing, 0, labels % max(classes, 1)), missing=missing)


# -- from probabilities to their logarithms --------------------------------------------------


@step("look through", "looks through the softmax to its logits")
def look_through_softmax(s: State) -> State:
    (logits,) = s.x.inputs
    return s.replace(x=ops.look_through(logits, s.x))


@step("renormalise", "divides each probability by the sum of its row")
def renormalise(s: State) -> State:
    return s.replace(x=ops.divide(s.x, ops.sum(s.x, axis=s.axis, keepdims=True)))


def _clip(words: str, *, half: bool) -> Step:
    @step("clip", f"clips to [1e-7, 1 - 1e-7], and passes {words} gradient at a limit")
    def clip(s: State) -> State:
        low, high = s.x.dtype.type(EPSILON), s.x.dtype.type(1 - EPSILON)
        return s.replace(x=rules.framework_clip(s.x, min=low, max=high, half=half))

    return clip


clip_whole = _clip("the whole", half=False)
clip_half = _clip("half of the", half=True)


@step("logarithm", "takes the logarithm")
def logarithm(s: State) -> State:
    return s.replace(x=ops.log(s.x))


# -- precision -------------------------------------------------------------------------------


@step("precision", "computes float16 in float32")
def in_single(s: State) -> State:
    return s.replace(x=converted(s.x, np.promote_types(s.x.dtype, np.float32)))


@step("rounding", "rounds to the dtype of the input")
def rounded(s: State) -> State:
    return s.replace(x=converted(s.x, s.dtype))


# -- from logits to log-probabilities --------------------------------------------------------


@step("log-softmax", "takes the log-softmax, which normalises")
def take_log_softmax(s: State) -> State:
    return s.replace(x=ops.log_softmax(s.x, axis=s.axis))


@step("log-softmax", "keeps the logits, and computes their logsumexp")
def keep_logits(s: State) -> State:
    return s.replace(normaliser=rules.log_normaliser(s.x, axis=s.axis))


# -- the loss of integer labels --------------------------------------------------------------


@step("loss", "takes minus the entry at the label")
def pick(s: State) -> State:
    return s.replace(x=ops.negative(_picked(s, s.labels)))


@step("loss", "takes minus the entry at the label, and 0 where the label is -100")
def pick_or_ignore(s: State) -> State:
    ignored = s.labels == -100
    picked = _picked(s, np.where(ignored, 0, s.labels))
    return s.replace(x=ops.negative(ops.where(ignored, s.x.dtype.type(0), picked)))


@step("loss", "subtracts the logit at the label, NaN where the label is out of range")
def subtract_picked(s: State) -> State:
    picked = _picked(s, s.labels)
    if s.missing is not None and s.missing.any():
        picked = ops.where(s.missing, s.x.dtype.type(np.nan), picked)
    return s.replace(x=ops.subtract(ops.squeeze(s.normaliser, axis=s.axis), picked))


@step("loss", "multiplies by a one-hot row and sums: 0 times inf is NaN")
def weigh_one_hot(s: State) -> State:
    classes = np.arange(s.x.shape[s.axis])
    one_hot = (s.labels[..., None] == classes).astype(np.float32)
    return weigh.run(s.replace(labels=np.moveaxis(one_hot, -1, s.axis)))


def _picked(s: State, labels: Any) -> Any:
    index = np.expand_dims(labels, s.axis)
    return ops.squeeze(ops.take_along_axis(s.x, index, axis=s.axis), axis=s.axis)


@step("backward pass", "fails on probabilities with four axes, unless the classes are axis 1")
def without_four_axes(s: State) -> State:
    if s.x.ndim != 4 or s.axis % 4 == 1:
        return s
    why = (
        f"the backward pass of its loss fails on probabilities of shape {s.x.shape} whose classes "
        "Keras moved to axis 1. Put the rows into two axes: reshape(x, (-1, classes))"
    )
    return s.replace(x=rules.no_gradient(s.x, why=why))


# -- the loss of dense labels ----------------------------------------------------------------


@step("loss", "multiplies by the labels and sums: 0 times inf is NaN")
def weigh(s: State) -> State:
    try:
        np.broadcast_shapes(s.labels.shape, s.x.shape)
    except ValueError:
        kind = errors.BroadcastError if s.labels.ndim == s.x.ndim else errors.ShapeError
        raise kind(f"labels of shape {s.labels.shape} do not broadcast with {s.x.shape}") from None
    _warn_of_class_numbers(s)
    return s.replace(x=ops.negative(ops.sum(ops.multiply(s.labels, s.x), axis=s.axis)))


@step(
    "log-softmax",
    "takes softmax and loss in one op, whose gradient is p - t whatever the labels sum to",
)
def fused(s: State) -> State:
    labels, logits = _in_rows(s.labels, s.axis, s.x.ndim), _in_rows(s.x, s.axis, s.x.ndim)
    try:
        rows, _ = np.broadcast_shapes(labels.shape, logits.shape)
    except ValueError:
        rows = -1
    if rows != math.prod(s.rows):
        raise errors.BroadcastError(
            f"labels of shape {s.labels.shape} do not broadcast to logits of shape {s.x.shape}, "
            f"each as a matrix: {labels.shape} and {logits.shape}"
        )
    _warn_of_class_numbers(s)
    return s.replace(x=ops.reshape(rules.kernel_cross_entropy(labels, logits), shape=s.rows))


def _warn_of_class_numbers(s: State) -> None:
    if s.labels.shape == s.rows != s.x.shape:
        errors.warn(
            f"the labels of shape {s.labels.shape} are one number for each row of x, and yet are "
            "spread over all rows as if they were one row. Are they class numbers? Then give "
            "integers, and sparse=True",
            errors.LabelsWarning,
        )


def _in_rows(x: Any, axis: int, ndim: int) -> Any:
    """Move the classes to the last axis, and flatten all other axes into one."""
    if axis != ndim - 1:
        if x.ndim != ndim:
            raise errors.BroadcastError(
                f"labels of shape {x.shape} have no axis {axis} of {ndim} to move to the end"
            )
        x = ops.transpose(x, axes=(*(i for i in range(ndim) if i != axis), axis))
    return x if x.ndim == 2 else ops.reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))


# -- the result ------------------------------------------------------------------------------


@step("result", "returns the losses in the shape of the labels")
def reshaped(s: State) -> State:
    return s if s.shape is None else s.replace(x=ops.reshape(s.x, shape=s.shape))


@step("result", "records nothing, so there is no gradient")
def unrecorded(s: State) -> State:
    return s.replace(x=rules.stop_gradient(s.x))


def sees_through(x: Any) -> bool:
    """Return whether Keras in graph mode finds the softmax that computed `x`.

    It does only along the last axis: along any other, TensorFlow's softmax ends in a transposition,
    which hides the softmax from Keras.
    """
    return isinstance(x, Node) and x.op is ops.softmax and x.params["axis"] in (-1, x.data.ndim - 1)


def _check_same_shape(word: str, shape: Any, other_word: str, other_shape: Any) -> None:
    """Refuse two shapes that differ; nothing broadcasts here."""
    if tuple(shape) != tuple(other_shape):
        raise errors.ShapeError(
            f"the shape of {word} is {tuple(shape)}, but that of {other_word} is "
            f"{tuple(other_shape)}; they must be the same"
        )
