"""The cross-entropies of TensorFlow, Keras, PyTorch and Optax, step by step and side by side."""

from tinygrad_xent.comparing.comparison import Comparison, compare
from tinygrad_xent.comparing.dialects import crossentropy_as

__all__ = ["Comparison", "compare", "crossentropy_as"]
