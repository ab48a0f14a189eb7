"""Steps that compute the losses from probabilities or logits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.comparing.rules import (
    framework_clip,
    kernel_cross_entropy,
    log_normaliser,
    no_gradient,
    stop_gradient,
)
from tinygrad_xent.comparing.steps import State, Step, constant, converted, step
from tinygrad_xent.errors import BroadcastError, LabelsWarning, ShapeError, warn
from tinygrad_xent.graph import Node

EPSILON = 1e-7  # Keras's: `keras.config.epsilon()`

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
        return s.replace(x=framework_clip(s.x, min=low, max=high, half=half))

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
    return s.replace(normaliser=log_normaliser(s.x, axis=s.axis))


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
    return s.replace(x=no_gradient(s.x, why=why))


# -- the loss of dense labels ----------------------------------------------------------------


@step("loss", "multiplies by the labels and sums: 0 times inf is NaN")
def weigh(s: State) -> State:
    try:
        np.broadcast_shapes(s.labels.shape, s.x.shape)
    except ValueError:
        kind = BroadcastError if s.labels.ndim == s.x.ndim else ShapeError
        raise kind(f"labels of shape {s.labels.shape} do not broadcast with {s.x.shape}") from None
    _warn_of_class_numbers(s)
    return s.replace(x=ops.negative(ops.sum(ops.multiply(s.labels, s.x), axis=s.axis)))


@step("log-softmax", "takes softmax and loss in one op, whose gradient is p - t")
def fused(s: State) -> State:
    labels, logits = _in_rows(s.labels, s.axis, s.x.ndim), _in_rows(s.x, s.axis, s.x.ndim)
    try:
        rows, _ = np.broadcast_shapes(labels.shape, logits.shape)
    except ValueError:
        rows = -1
    if rows != math.prod(s.rows):
        raise BroadcastError(
            f"labels of shape {s.labels.shape} do not broadcast to logits of shape {s.x.shape}, "
            f"each as a matrix: {labels.shape} and {logits.shape}"
        )
    _warn_of_class_numbers(s)
    return s.replace(x=ops.reshape(kernel_cross_entropy(labels, logits), shape=s.rows))


def _warn_of_class_numbers(s: State) -> None:
    if s.labels.shape == s.rows != s.x.shape:
        warn(
            f"the labels of shape {s.labels.shape} are one number for each row of x, and yet are "
            "spread over all rows as if they were one row. Are they class numbers? Then give "
            "integers, and sparse=True",
            LabelsWarning,
        )


def _in_rows(x: Any, axis: int, ndim: int) -> Any:
    """Move the classes to the last axis, and flatten all other axes into one."""
    if axis != ndim - 1:
        if x.ndim != ndim:
            raise BroadcastError(
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
    return s.replace(x=stop_gradient(s.x))


def sees_through(x: Any) -> bool:
    """Return whether Keras in graph mode finds the softmax that computed `x`.

    It does only along the last axis: along any other, TensorFlow's softmax ends in a transposition,
    which hides the softmax from Keras.
    """
    return (
        isinstance(x, Node)
        and x.op is not None
        and x.op.name == "softmax"
        and x.params["axis"] in (-1, constant(x).ndim - 1)
    )
