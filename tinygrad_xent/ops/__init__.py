"""The ops: NumPy functions, each with the rule that sends gradients back through it.

Read `elementwise` first, then `softmax_family` and `fused`.
"""

import re
from importlib import import_module
from typing import Any

from tinygrad_xent.op import Op

# A module is imported when the first of its functions is asked for. The stub, which type checkers
# read, says which one that is. (Its loader reads it: the import of pathlib is slow.)
_STUB = __spec__.loader.get_data(f"{__path__[0]}/__init__.pyi").decode()
_LINES = re.findall(r"from (\S+ops\.\S+) import (\w+) as (\w+)", _STUB)
MODULE_OF = {alias: (module, name) for module, name, alias in _LINES}

__all__ = ["OPS", *MODULE_OF]  # noqa: PLE0604 - names, as the stub lists them


def __getattr__(name: str) -> Any:
    if name == "OPS":
        functions = [globals().get(each) or __getattr__(each) for each in MODULE_OF]
        value = {op.name: op for op in functions if isinstance(op, Op)}
    elif name in MODULE_OF:
        module, known_as = MODULE_OF[name]
        value = getattr(import_module(module), known_as)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
