"""The cross-entropies under the names, with the arguments and the numbers of TensorFlow."""

from __future__ import annotations

from tinygrad_xent.losses.tensorflow import (
    categorical_crossentropy,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_categorical_crossentropy,
    sparse_softmax_cross_entropy_with_logits,
)

__all__ = [
    "categorical_crossentropy",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "sparse_categorical_crossentropy",
    "sparse_softmax_cross_entropy_with_logits",
]
