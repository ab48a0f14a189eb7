"""Steps that compute: from probabilities or logits to the losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_xent.dialects.rules import (
    clip_inside,
    clip_sharing,
    kernel_cross_entropy,
    log_normaliser,
    no_way_back,
    stop_gradient,
)
from tinygrad_xent.dialects.steps import State, constant, step
from tinygrad_xent.errors import BroadcastError, LabelsWarning, ShapeError, warn
from tinygrad_xent.graph import Node
from tinygrad_xent.ops import (
    astype,
    divide,
    log,
    log_softmax,
    look_through,
    multiply,
    negative,
    reshape,
    squeeze,
    subtract,
    sum,
    take_along_axis,
    transpose,
    where,
)

EPSILON = 1e-7  # Keras's: `keras.config.epsilon()`

# -- from probabilities to their logarithms --------------------------------------------------


@step("look through", "looks through the softmax to its logits")
def look_through_softmax(s: State) -> State:
    (logits,) = s.x.inputs
    return s.but(x=look_through(logits, probs=s.x))


@step("renormalise", "divides each probability by the sum of its row")
def renormalise(s: State) -> State:
    return s.but(x=divide(s.x, sum(s.x, axis=s.axis, keepdims=True)))


@step("clip", "clips to [1e-7, 1 - 1e-7], and sends a limit the whole gradient")
def clip_whole(s: State) -> State:
    low, high = s.x.dtype.type(EPSILON), s.x.dtype.type(1 - EPSILON)
    return s.but(x=clip_inside(s.x, min=low, max=high))


@step("clip", "clips to [1e-7, 1 - 1e-7], and sends a limit half of the gradient")
def clip_half(s: State) -> State:
    low, high = s.x.dtype.type(EPSILON), s.x.dtype.type(1 - EPSILON)
    return s.but(x=clip_sharing(s.x, min=low, max=high))


@step("logarithm", "takes the logarithm")
def logarithm(s: State) -> State:
    return s.but(x=log(s.x))


# -- precision -------------------------------------------------------------------------------


@step("precision", "computes float16 in float32")
def in_single(s: State) -> State:
    return s.but(x=_as(s.x, np.promote_types(s.x.dtype, np.float32)))


@step("rounding", "rounds to the dtype given")
def rounded(s: State) -> State:
    return s.but(x=_as(s.x, s.dtype))


def _as(x: Any, dtype: Any) -> Any:
    return x if x.dtype == dtype else astype(x, dtype=dtype)


# -- from logits to their normalised logarithms ----------------------------------------------


@step("log-softmax", "takes the log-softmax, which normalises")
def take_log_softmax(s: State) -> State:
    return s.but(x=log_softmax(s.x, axis=s.axis))


@step("log-softmax", "keeps the logits, and the logarithm of the sum of their exponentials")
def keep_logits(s: State) -> State:
    return s.but(normaliser=log_normaliser(s.x, axis=s.axis))


# -- the loss of integer labels --------------------------------------------------------------


@step("loss", "takes minus the entry of the label")
def pick(s: State) -> State:
    return s.but(x=negative(_picked(s, s.labels)))


@step("loss", "takes minus the entry of the label, 0 where it is -100")
def pick_or_ignore(s: State) -> State:
    ignored = s.labels == -100
    picked = _picked(s, np.where(ignored, 0, s.labels))
    return s.but(x=negative(where(ignored, s.x.dtype.type(0), picked)))


@step("loss", "subtracts the logit of the label, which is NaN where there is none")
def subtract_picked(s: State) -> State:
    picked = _picked(s, s.labels)
    if s.missing is not None and s.missing.any():
        picked = where(s.missing, s.x.dtype.type(np.nan), picked)
    return s.but(x=subtract(squeeze(s.normaliser, axis=s.axis), picked))


@step("loss", "multiplies with a row of 0 and 1, and adds up: 0 times inf is NaN")
def weigh_one_hot(s: State) -> State:
    classes = np.arange(s.x.shape[s.axis])
    one_hot = (s.labels[..., None] == classes).astype(np.float32)
    return weigh.run(s.but(labels=np.moveaxis(one_hot, -1, s.axis)))


def _picked(s: State, labels: Any) -> Any:
    index = np.expand_dims(labels, s.axis)
    return squeeze(take_along_axis(s.x, index, axis=s.axis), axis=s.axis)


@step(
    "way back", "gives no gradient to probabilities with four axes, unless the classes are axis 1"
)
def without_four_axes(s: State) -> State:
    if s.x.ndim != 4 or s.axis % 4 == 1:
        return s
    why = (
        f"the backward pass of its loss fails on probabilities of shape {s.x.shape} whose classes "
        "Keras moved to axis 1. Put the rows into two axes: reshape(x, (-1, classes))"
    )
    return s.but(x=no_way_back(s.x, why=why))


# -- the loss of dense labels ----------------------------------------------------------------


@step("loss", "multiplies with the labels, and adds up: 0 times inf is NaN")
def weigh(s: State) -> State:
    try:
        np.broadcast_shapes(s.labels.shape, s.x.shape)
    except ValueError:
        kind = BroadcastError if s.labels.ndim == s.x.ndim else ShapeError
        raise kind(f"labels of shape {s.labels.shape} do not broadcast with {s.x.shape}") from None
    _warn_of_class_numbers(s)
    return s.but(x=negative(sum(multiply(s.labels, s.x), axis=s.axis)))


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
    return s.but(x=reshape(kernel_cross_entropy(labels, logits), shape=s.rows))


def _warn_of_class_numbers(s: State) -> None:
    if s.labels.shape == s.rows != s.x.shape:
        warn(
            f"the labels of shape {s.labels.shape} are one number for each row of x, and yet are "
            "spread over all rows as if they were one row. Are they class numbers? Then give "
            "integers, and sparse=True",
            LabelsWarning,
        )


def _in_rows(x: Any, axis: int, ndim: int) -> Any:
    """Move the classes to the end, and all other axes into one."""
    if axis != ndim - 1:
        if x.ndim != ndim:
            raise BroadcastError(
                f"labels of shape {x.shape} have no axis {axis} of {ndim} to move to the end"
            )
        x = transpose(x, axes=(*(i for i in range(ndim) if i != axis), axis))
    return x if x.ndim == 2 else reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))


# -- the result ------------------------------------------------------------------------------


@step("result", "gives the losses in the shape of the labels")
def reshaped(s: State) -> State:
    return s if s.shape is None else s.but(x=reshape(s.x, shape=s.shape))


@step("result", "records nothing, so that there is no gradient")
def unrecorded(s: State) -> State:
    return s.but(x=stop_gradient(s.x))


def sees_through(x: Any) -> bool:
    """Whether Keras in a graph finds the softmax that made `x`: only along the last axis.

    Along another one TensorFlow's softmax ends in a transposition; Keras does not look behind it.
    """
    return (
        isinstance(x, Node)
        and x.op is not None
        and x.op.name == "softmax"
        and x.params["axis"] in (-1, constant(x).ndim - 1)
    )
