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

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_xent import errors, losses, ops
from tinygrad_xent.backprop import backpropagate
from tinygrad_xent.graph import Node, ancestors, scope
from tinygrad_xent.op import Op, answering
from tinygrad_xent.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_xent import domains
    from tinygrad_xent.checking import *
    from tinygrad_xent.comparing import *
    from tinygrad_xent.derivatives import *
    from tinygrad_xent.losses import *
    from tinygrad_xent.op import op
    from tinygrad_xent.ops import *
    from tinygrad_xent.ops import absolute as abs
    from tinygrad_xent.teaching import *
    from tinygrad_xent.teaching.exercises import *
    from tinygrad_xent.visualization.bad_numbers import *
    from tinygrad_xent.visualization.drawing import *
    from tinygrad_xent.visualization.notebook import *
    from tinygrad_xent.visualization.player import *
    from tinygrad_xent.visualization.tracing import *

__version__ = "0.1.0"

# The rest is imported when it is first asked for: the core alone starts fast.
_LATER = {
    "checking": ("GradcheckReport", "gradcheck", "invariants"),
    "checking.digits": ("stability",),
    "checking.replaying": ("replay",),
    "checking.unfusing": ("unfuse",),
    "comparing": ("compare", "crossentropy_as"),
    "derivatives": ("gradients", "hessian", "jacobian"),
    "losses": list(losses._MODULE_OF),
    "ops": list(ops.MODULE_OF),
    "teaching": ("Worksheet", "worksheet"),
    "teaching.exercises": ("Exercise", "Verdict", "check", "hint", "solution"),
    "visualization.bad_numbers": ("first_bad",),
    "visualization.drawing": ("Picture", "draw"),
    "visualization.notebook": ("load_ipython_extension", "unload_ipython_extension"),
    "visualization.player": ("Player", "play", "record"),
    "visualization.tracing": ("Trace", "trace", "why"),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _LATER.items() for name in names}

__all__ = [
    "Node", "Op", "Tensor", "abs", "ancestors", "backpropagate", "domains", "errors", "op", "ops",
    "scope",
]  # fmt: skip
__all__ += list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name == "abs":  # NumPy has both names
        return ops.absolute
    if name == "domains":
        return import_module("tinygrad_xent.domains")
    if name not in _MODULE_OF:
        raise errors.hints.no_name(__name__, name)
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    if inspect.isfunction(value) and not hasattr(value, "__wrapped__"):
        value = answering(value)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
