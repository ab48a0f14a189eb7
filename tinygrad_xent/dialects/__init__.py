"""What TensorFlow, Keras, PyTorch and Optax compute, step by step, in the ops of this package."""

from __future__ import annotations

from tinygrad_xent.dialects.speak import crossentropy_as

__all__ = ["crossentropy_as"]
