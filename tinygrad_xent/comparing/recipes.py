"""The recipe of each dialect: its steps, in order."""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_xent.comparing import label_steps as of_labels
from tinygrad_xent.comparing import loss_steps as to
from tinygrad_xent.comparing.steps import Step
from tinygrad_xent.errors import DialectError

Steps = tuple[Step, ...]

# What several dialects share.

_TF_SPARSE = (to.in_single, to.take_log_softmax, to.pick, to.rounded)
_TF_DENSE = (of_labels.as_logits, to.in_single, to.fused, to.rounded)
_CLIPPED_LOG = (to.clip_whole, to.logarithm)
_NORMALISED_LOG = (to.renormalise, *_CLIPPED_LOG)
_JAX_LOG = (to.renormalise, to.clip_half, to.logarithm)


def tf1(sparse: bool, from_logits: bool) -> Steps:
    """TensorFlow 1.4: `tf.nn.[sparse_]softmax_cross_entropy_with_logits`."""
    _logits_only("tf1", from_logits)
    if sparse:
        return (
            of_labels.last_axis,
            of_labels.int32_or_int64,
            of_labels.one_for_each_row,
            of_labels.refused,
            *_TF_SPARSE,
        )
    return (of_labels.axis_from_zero, of_labels.constant_labels, of_labels.same_shape, *_TF_DENSE)


def tf2(sparse: bool, from_logits: bool) -> Steps:
    """TensorFlow 2.21: the same functions, but labels get gradients and broadcast."""
    _logits_only("tf2", from_logits)
    if sparse:
        return tf1(sparse, from_logits)
    return (of_labels.axis_from_zero, *_TF_DENSE)


def keras2(sparse: bool, from_logits: bool) -> Steps:
    """Keras in TensorFlow 2.2: `tf.keras.backend.[sparse_]categorical_crossentropy`, eager."""
    if sparse:
        logarithm = () if from_logits else _CLIPPED_LOG
        return (
            of_labels.wrapped_axis,
            of_labels.truncated,
            of_labels.flattened_labels,
            of_labels.refused,
            *logarithm,
            *_TF_SPARSE,
            to.reshaped,
        )
    if from_logits:
        return (of_labels.axis_from_zero, of_labels.same_shape, *_TF_DENSE)
    wanted = (of_labels.any_axis, of_labels.same_dtype, of_labels.same_shape)
    return (*wanted, *_NORMALISED_LOG, to.weigh)


def keras2_graph(sparse: bool, from_logits: bool) -> Steps:
    """As `keras2` inside a `tf.function`, given the output of `softmax` along the last axis."""
    if from_logits:
        return keras2(sparse, from_logits)
    return (to.look_through_softmax, *keras2(sparse, from_logits=True))


def keras3_tf(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on TensorFlow: `keras.ops.[sparse_]categorical_crossentropy`."""
    if not sparse:
        return keras2(sparse, from_logits)
    return (
        of_labels.last_axis,
        of_labels.truncated,
        of_labels.squeezed,
        of_labels.one_for_each_row,
        of_labels.refused,
        *(() if from_logits else _CLIPPED_LOG),
        *_TF_SPARSE,
    )


def keras3_jax(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on JAX."""
    logarithm = (to.take_log_softmax,) if from_logits else _JAX_LOG
    if sparse:
        return (
            of_labels.truncated,
            of_labels.squeezed,
            of_labels.one_for_each_last_row,
            of_labels.any_axis,
            of_labels.row_of_zeros,
            *logarithm,
            to.weigh_one_hot,
        )
    wanted = (of_labels.any_axis, of_labels.integers_converted, of_labels.same_shape)
    return (*wanted, *logarithm, to.weigh)


def keras3_numpy(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on NumPy, which has no automatic differentiation."""
    replaced = {
        of_labels.row_of_zeros: of_labels.row_of_zeros_below,
        of_labels.integers_converted: of_labels.any_dtype,
        to.clip_half: to.clip_whole,
    }
    return (*(replaced.get(step, step) for step in keras3_jax(sparse, from_logits)), to.unrecorded)


def keras3_torch(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on PyTorch."""
    if sparse:
        return (
            of_labels.any_axis,
            of_labels.truncated,
            of_labels.squeezed_axis,
            of_labels.one_for_each_row,
            of_labels.refused_but_ignored,
            *((to.take_log_softmax,) if from_logits else (*_NORMALISED_LOG, to.without_four_axes)),
            to.pick_or_ignore,
        )
    wanted = (of_labels.any_axis, of_labels.integers_converted, of_labels.same_shape)
    logarithm = (to.take_log_softmax,) if from_logits else _NORMALISED_LOG
    return (*wanted, *logarithm, to.weigh)


def torch(sparse: bool, from_logits: bool) -> Steps:
    """PyTorch 2.13: `torch.nn.functional.cross_entropy`, with reduction="none"."""
    _logits_only("torch", from_logits)
    if sparse:
        return (
            of_labels.moved_axis,
            of_labels.batch_size,
            of_labels.int64_or_uint8,
            of_labels.one_for_each_row_or_one,
            of_labels.refused_but_ignored,
            to.take_log_softmax,
            to.pick_or_ignore,
        )
    return (of_labels.moved_axis, of_labels.only_floats, to.take_log_softmax, to.weigh)


def optax(sparse: bool, from_logits: bool) -> Steps:
    """Optax 0.2.8: `optax.softmax_cross_entropy[_with_integer_labels]`."""
    _logits_only("optax", from_logits)
    if sparse:
        return (
            of_labels.any_axis,
            of_labels.any_integer,
            of_labels.repeated_labels,
            of_labels.from_the_end,
            to.keep_logits,
            to.subtract_picked,
        )
    return (of_labels.any_axis, of_labels.integers_converted, to.take_log_softmax, to.weigh)


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
