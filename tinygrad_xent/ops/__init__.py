"""The ops: NumPy functions, each with the rule that sends gradients back through it.

Read `elementwise` first, then `softmax_family` and `fused`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_xent.op import Op
    from tinygrad_xent.ops.accumulation import *
    from tinygrad_xent.ops.arithmetic import *
    from tinygrad_xent.ops.broadcasting import *
    from tinygrad_xent.ops.cross_entropy import *
    from tinygrad_xent.ops.elementwise import *
    from tinygrad_xent.ops.fused import *
    from tinygrad_xent.ops.indexing import *
    from tinygrad_xent.ops.piecewise import *
    from tinygrad_xent.ops.products import *
    from tinygrad_xent.ops.reductions import *
    from tinygrad_xent.ops.shaping import *
    from tinygrad_xent.ops.softmax_family import *

    OPS: dict[str, Op]
    """The ops of this package by name, without those that users define."""

# A module is imported when the first of its functions is asked for.
MODULES = {
    "accumulation": ("cumsum", "prod"),
    "arithmetic": ("add", "divide", "multiply", "negative", "power", "subtract"),
    "broadcasting": ("broadcast_to", "sum", "sum_to"),
    "cross_entropy": ("crossentropy",),
    "elementwise": ("exp", "expm1", "log", "log1p", "sigmoid", "sqrt", "tanh"),
    "fused": (
        "look_through", "softmax_cross_entropy", "softmax_minus_labels", "softmax_minus_one_hot",
        "sparse_softmax_cross_entropy",
    ),
    "indexing": ("concatenate", "getitem", "put", "stack", "take", "take_along_axis"),
    "piecewise": ("absolute", "clip", "maximum", "minimum", "relu", "where"),
    "products": ("einsum", "einsum_of", "matmul"),
    "reductions": ("max", "mean", "min", "var"),
    "shaping": (
        "astype", "expand_dims", "flip", "reshape", "squeeze", "swapaxes", "transpose",
    ),
    "softmax_family": ("log_softmax", "logsumexp", "softmax"),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in MODULES.items() for name in names}

if not TYPE_CHECKING:  # type checkers read the lists of the modules instead
    __all__ = ["OPS"]
    __all__ += list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    value: Any
    if name == "OPS":
        from tinygrad_xent.op import Op

        functions = [globals().get(each) or __getattr__(each) for each in _MODULE_OF]
        value = {op.name: op for op in functions if isinstance(op, Op)}
    elif name in _MODULE_OF:
        value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return ["OPS", *_MODULE_OF]
