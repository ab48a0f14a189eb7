"""The recipe of each dialect: its steps, in order."""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_xent.comparing import label_steps as label
from tinygrad_xent.comparing import loss_steps as loss
from tinygrad_xent.comparing.steps import Step
from tinygrad_xent.errors import DialectError

Steps = tuple[Step, ...]

# What several dialects share.

_KERAS3_DENSE = (label.any_axis, label.integers_converted, label.same_shape)
_TF_SPARSE = (loss.in_single, loss.take_log_softmax, loss.pick, loss.rounded)
_TF_DENSE = (label.as_logits, loss.in_single, loss.fused, loss.rounded)
_CLIPPED_LOG = (loss.clip_whole, loss.logarithm)
_NORMALISED_LOG = (loss.renormalise, *_CLIPPED_LOG)
_JAX_LOG = (loss.renormalise, loss.clip_half, loss.logarithm)


def tf1(sparse: bool, from_logits: bool) -> Steps:
    """TensorFlow 1.4: `tf.nn.[sparse_]softmax_cross_entropy_with_logits`."""
    _logits_only("tf1", from_logits)
    if sparse:
        return (
            label.last_axis, label.int32_or_int64, label.one_for_each_row, label.refused,
            *_TF_SPARSE,
        )  # fmt: skip
    return (label.axis_from_zero, label.constant_labels, label.same_shape, *_TF_DENSE)


def tf2(sparse: bool, from_logits: bool) -> Steps:
    """TensorFlow 2.21: the same functions, but labels get gradients and broadcast."""
    _logits_only("tf2", from_logits)
    if sparse:
        return tf1(sparse, from_logits)
    return (label.axis_from_zero, *_TF_DENSE)


def keras2(sparse: bool, from_logits: bool) -> Steps:
    """Keras in TensorFlow 2.2: `tf.keras.backend.[sparse_]categorical_crossentropy`, eager."""
    if sparse:
        logarithm = () if from_logits else _CLIPPED_LOG
        return (
            label.wrapped_axis, label.truncated, label.flattened_labels, label.refused,
            *logarithm, *_TF_SPARSE, loss.reshaped,
        )  # fmt: skip
    if from_logits:
        return (label.axis_from_zero, label.same_shape, *_TF_DENSE)
    return (label.any_axis, label.same_dtype, label.same_shape, *_NORMALISED_LOG, loss.weigh)


def keras2_graph(sparse: bool, from_logits: bool) -> Steps:
    """As `keras2` inside a `tf.function`, given the output of `softmax` along the last axis."""
    if from_logits:
        return keras2(sparse, from_logits)
    return (loss.look_through_softmax, *keras2(sparse, from_logits=True))


def keras3_tf(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on TensorFlow: `keras.ops.[sparse_]categorical_crossentropy`."""
    if not sparse:
        return keras2(sparse, from_logits)
    return (
        label.last_axis, label.truncated, label.squeezed, label.one_for_each_row, label.refused,
        *(() if from_logits else _CLIPPED_LOG), *_TF_SPARSE,
    )  # fmt: skip


def keras3_jax(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on JAX."""
    logarithm = (loss.take_log_softmax,) if from_logits else _JAX_LOG
    if sparse:
        return (
            label.truncated, label.squeezed, label.one_for_each_last_row, label.any_axis,
            label.row_of_zeros, *logarithm, loss.weigh_one_hot,
        )  # fmt: skip
    return (*_KERAS3_DENSE, *logarithm, loss.weigh)


def keras3_numpy(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on NumPy, which has no automatic differentiation."""
    replaced = {
        label.row_of_zeros: label.row_of_zeros_below,
        label.integers_converted: label.any_dtype,
        loss.clip_half: loss.clip_whole,
    }
    return (
        *(replaced.get(step, step) for step in keras3_jax(sparse, from_logits)),
        loss.unrecorded,
    )


def keras3_torch(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on PyTorch."""
    logarithm = (loss.take_log_softmax,) if from_logits else _NORMALISED_LOG
    if sparse:
        return (
            label.any_axis, label.truncated, label.squeezed_axis, label.one_for_each_row,
            label.refused_but_ignored, *logarithm,
            *(() if from_logits else (loss.without_four_axes,)), loss.pick_or_ignore,
        )  # fmt: skip
    return (*_KERAS3_DENSE, *logarithm, loss.weigh)


def torch(sparse: bool, from_logits: bool) -> Steps:
    """PyTorch 2.13: `torch.nn.functional.cross_entropy`, with reduction="none"."""
    _logits_only("torch", from_logits)
    if sparse:
        return (
            label.moved_axis, label.batch_size, label.int64_or_uint8,
            label.one_for_each_row_or_one, label.refused_but_ignored, loss.take_log_softmax,
            loss.pick_or_ignore,
        )  # fmt: skip
    return (label.moved_axis, label.only_floats, loss.take_log_softmax, loss.weigh)


def optax(sparse: bool, from_logits: bool) -> Steps:
    """Optax 0.2.8: `optax.softmax_cross_entropy[_with_integer_labels]`."""
    _logits_only("optax", from_logits)
    if sparse:
        return (
            label.any_axis, label.any_integer, label.repeated_labels, label.from_the_end,
            loss.keep_logits, loss.subtract_picked,
        )  # fmt: skip
    return (label.any_axis, label.integers_converted, loss.take_log_softmax, loss.weigh)


RECIPES: dict[str, Callable[[bool, bool], Steps]] = {
    "tf1": tf1,
    "tf2": tf2,
    "keras2": keras2,
    "keras2-graph": keras2_graph,
    "keras3-tf": keras3_tf,
    "keras3-jax": keras3_jax,
    "keras3-torch": keras3_torch,
    "keras3-numpy": keras3_numpy,
    "torch": torch,
    "optax": optax,
}
"""The recipe of each dialect, called with `sparse` (labels are class numbers) and `from_logits`."""


def _logits_only(dialect: str, from_logits: bool) -> None:
    if not from_logits:
        raise DialectError(
            f"{dialect} takes logits only: pass the input of the softmax, with from_logits=True"
        )
