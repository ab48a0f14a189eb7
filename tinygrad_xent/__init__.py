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

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_xent import domains, errors, ops
from tinygrad_xent.backprop import backpropagate, gradients
from tinygrad_xent.derivatives import hessian, jacobian
from tinygrad_xent.errors import *
from tinygrad_xent.graph import Node, ancestors, scope
from tinygrad_xent.losses import (
    categorical_crossentropy,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_categorical_crossentropy,
    sparse_softmax_cross_entropy_with_logits,
)
from tinygrad_xent.op import Op, op
from tinygrad_xent.ops import *
from tinygrad_xent.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_xent.draw import Picture, draw
    from tinygrad_xent.trace import Trace, trace

__version__ = "0.1.0"

abs = ops.absolute  # NumPy has both names

# What lies above the core is imported when it is first asked for: the core alone starts fast.
_LAZY = {
    "Picture": "tinygrad_xent.draw",
    "Trace": "tinygrad_xent.trace",
    "draw": "tinygrad_xent.draw",
    "trace": "tinygrad_xent.trace",
}

__all__ = [
    "Node",
    "Op",
    "Picture",
    "Tensor",
    "Trace",
    "abs",
    "ancestors",
    "backpropagate",
    "categorical_crossentropy",
    "domains",
    "draw",
    "errors",
    "gradients",
    "hessian",
    "jacobian",
    "op",
    "ops",
    "scope",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
    "sparse_categorical_crossentropy",
    "sparse_softmax_cross_entropy_with_logits",
    "trace",
]
__all__ += ops.__all__
__all__ += errors.__all__


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'tinygrad_xent' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_LAZY[name]), name)
    # Importing a submodule of the same name has put the module there: the function takes its place.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
