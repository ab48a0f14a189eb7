"""The cross-entropies under the names, with the arguments and the numbers of TensorFlow."""

from tinygrad_xent.ops import catalogue, importing

MODULE_OF = catalogue(__spec__)
__all__ = list(MODULE_OF)
__getattr__ = importing(__name__, MODULE_OF)


def __dir__() -> list[str]:
    return __all__
