"""The cross-entropies under the names, with the arguments and the numbers of TensorFlow."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_xent.op import answering

if TYPE_CHECKING:
    from tinygrad_xent.losses.dense import *
    from tinygrad_xent.losses.sparse import *

_MODULE_OF = {
    "categorical_crossentropy": "dense",
    "softmax_cross_entropy_with_logits": "dense",
    "softmax_cross_entropy_with_logits_v2": "dense",
    "sparse_categorical_crossentropy": "sparse",
    "sparse_softmax_cross_entropy_with_logits": "sparse",
}

if not TYPE_CHECKING:  # type checkers read the lists of the modules instead
    __all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise import_module("tinygrad_xent.errors.hints").no_name(__name__, name)
    return answering(getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name))


def __dir__() -> list[str]:
    return list(_MODULE_OF)
