"""Backpropagation to look at, to step through and to trust, for softmax and cross-entropy.

Examples
--------
>>> import tinygrad_xent as tx
>>> z = tx.Tensor([2.0, 1.0, 0.1], name="z")
>>> loss = tx.sparse_categorical_crossentropy(0, tx.softmax(z))
>>> loss.backward()
>>> z.grad.round(3)  # p - t
array([-0.341,  0.242,  0.099])
"""

from tinygrad_xent import losses, ops
from tinygrad_xent.tensor import Tensor as Tensor

__version__ = "0.1.0"

# What the stub lists is imported when it is first asked for: the core alone starts fast.
_NAMES = {**ops.MODULE_OF, **losses.MODULE_OF, **ops.catalogue(__spec__)}
__all__ = ["domains", "errors", "ops", *_NAMES]  # noqa: PLE0604 - names, as the stub lists them
__getattr__ = ops.importing(__name__, _NAMES)


def __dir__() -> list[str]:
    return __all__
