"""The recipe of each dialect: its steps, in order."""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_xent.comparing import steps
from tinygrad_xent.errors import DialectError

Steps = tuple[steps.Step, ...]

# What several dialects share.

_KERAS3_DENSE = (steps.any_axis, steps.integers_converted, steps.same_shape)
_TF_SPARSE = (steps.in_single, steps.take_log_softmax, steps.pick, steps.rounded)
_TF_DENSE = (steps.as_logits, steps.in_single, steps.fused, steps.rounded)
_CLIPPED_LOG = (steps.clip_whole, steps.logarithm)
_NORMALISED_LOG = (steps.renormalise, *_CLIPPED_LOG)
_JAX_LOG = (steps.renormalise, steps.clip_half, steps.logarithm)


def tf1(sparse: bool, from_logits: bool) -> Steps:
    """TensorFlow 1.4: `tf.nn.[sparse_]softmax_cross_entropy_with_logits`."""
    _logits_only("tf1", from_logits)
    if sparse:
        return (
            steps.last_axis, steps.int32_or_int64, steps.one_for_each_row, steps.refused,
            *_TF_SPARSE,
        )  # fmt: skip
    return (steps.axis_from_zero, steps.constant_labels, steps.same_shape, *_TF_DENSE)


def tf2(sparse: bool, from_logits: bool) -> Steps:
    """TensorFlow 2.21: the same functions, but labels get gradients and broadcast."""
    _logits_only("tf2", from_logits)
    if sparse:
        return tf1(sparse, from_logits)
    return (steps.axis_from_zero, *_TF_DENSE)


def keras2(sparse: bool, from_logits: bool) -> Steps:
    """Keras in TensorFlow 2.2: `tf.keras.backend.[sparse_]categorical_crossentropy`, eager."""
    if sparse:
        logarithm = () if from_logits else _CLIPPED_LOG
        return (
            steps.wrapped_axis, steps.truncated, steps.flattened_labels, steps.refused,
            *logarithm, *_TF_SPARSE, steps.reshaped,
        )  # fmt: skip
    if from_logits:
        return (steps.axis_from_zero, steps.same_shape, *_TF_DENSE)
    return (steps.any_axis, steps.same_dtype, steps.same_shape, *_NORMALISED_LOG, steps.weigh)


def keras2_graph(sparse: bool, from_logits: bool) -> Steps:
    """As `keras2` inside a `tf.function`, given the output of `softmax` along the last axis."""
    if from_logits:
        return keras2(sparse, from_logits)
    return (steps.look_through_softmax, *keras2(sparse, from_logits=True))


def keras3_tf(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on TensorFlow: `keras.ops.[sparse_]categorical_crossentropy`."""
    if not sparse:
        return keras2(sparse, from_logits)
    return (
        steps.last_axis, steps.truncated, steps.squeezed, steps.one_for_each_row, steps.refused,
        *(() if from_logits else _CLIPPED_LOG), *_TF_SPARSE,
    )  # fmt: skip


def keras3_jax(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on JAX."""
    logarithm = (steps.take_log_softmax,) if from_logits else _JAX_LOG
    if sparse:
        return (
            steps.truncated, steps.squeezed, steps.one_for_each_last_row, steps.any_axis,
            steps.row_of_zeros, *logarithm, steps.weigh_one_hot,
        )  # fmt: skip
    return (*_KERAS3_DENSE, *logarithm, steps.weigh)


def keras3_numpy(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on NumPy, which has no automatic differentiation."""
    replaced = {
        steps.row_of_zeros: steps.row_of_zeros_below,
        steps.integers_converted: steps.any_dtype,
        steps.clip_half: steps.clip_whole,
    }
    return (
        *(replaced.get(step, step) for step in keras3_jax(sparse, from_logits)),
        steps.unrecorded,
    )


def keras3_torch(sparse: bool, from_logits: bool) -> Steps:
    """Keras 3.15 on PyTorch."""
    logarithm = (steps.take_log_softmax,) if from_logits else _NORMALISED_LOG
    if sparse:
        return (
            steps.any_axis, steps.truncated, steps.squeezed_axis, steps.one_for_each_row,
            steps.refused_but_ignored, *logarithm,
            *(() if from_logits else (steps.without_four_axes,)), steps.pick_or_ignore,
        )  # fmt: skip
    return (*_KERAS3_DENSE, *logarithm, steps.weigh)


def torch(sparse: bool, from_logits: bool) -> Steps:
    """PyTorch 2.13: `torch.nn.functional.cross_entropy`, with reduction="none"."""
    _logits_only("torch", from_logits)
    if sparse:
        return (
            steps.moved_axis, steps.batch_size, steps.int64_or_uint8,
            steps.one_for_each_row_or_one, steps.refused_but_ignored, steps.take_log_softmax,
            steps.pick_or_ignore,
        )  # fmt: skip
    return (steps.moved_axis, steps.only_floats, steps.take_log_softmax, steps.weigh)


def optax(sparse: bool, from_logits: bool) -> Steps:
    """Optax 0.2.8: `optax.softmax_cross_entropy[_with_integer_labels]`."""
    _logits_only("optax", from_logits)
    if sparse:
        return (
            steps.any_axis, steps.any_integer, steps.repeated_labels, steps.from_the_end,
            steps.keep_logits, steps.subtract_picked,
        )  # fmt: skip
    return (steps.any_axis, steps.integers_converted, steps.take_log_softmax, steps.weigh)


_ALL = (
    tf1, tf2, keras2, keras2_graph, keras3_tf, keras3_jax, keras3_torch, keras3_numpy, torch, optax,
)  # fmt: skip
RECIPES: dict[str, Callable[[bool, bool], Steps]] = {
    recipe.__name__.replace("_", "-"): recipe for recipe in _ALL
}
"""The recipe of each dialect, called with `sparse` (labels are class numbers) and `from_logits`."""


def _logits_only(dialect: str, from_logits: bool) -> None:
    if not from_logits:
        raise DialectError(
            f"{dialect} takes logits only: pass the input of the softmax, with from_logits=True"
        )
