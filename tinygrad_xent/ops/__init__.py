"""The ops: NumPy functions, each with the rule that sends gradients back through it.

Read `elementwise` first, then `softmax_family` and `fused`.
"""

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from tinygrad_xent import errors
from tinygrad_xent.op import Op, answering

Catalogue = Mapping[str, tuple[str, str]]


def catalogue(package: Any) -> Catalogue:
    """Return the names in a package's stub, each with its module and what it is called there.

    The stub is there for type checkers, too. (The loader reads it: the import of pathlib is slow.)
    """
    stub = package.loader.get_data(f"{package.submodule_search_locations[0]}/__init__.pyi").decode()
    lines = re.findall(r"from (\S+\.\S+) import \(?\s*(\w+) as (\w+)", stub)
    return {alias: (module, name) for module, name, alias in lines}


def importing(package: str, names: Catalogue) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package that imports a module when one of its names is used."""

    def get(name: str) -> Any:
        if name not in names:
            module = f"{package}.{name}"
            try:
                return import_module(module)
            except ModuleNotFoundError as error:
                if error.name != module:  # the module is there, and one that it needs is not
                    raise
                raise errors.hints.no_name(package, name) from None
        module, known_as = names[name]
        value = getattr(import_module(module), known_as)
        if inspect.isfunction(value) and not hasattr(value, "__wrapped__"):
            value = answering(value)
        setattr(sys.modules[package], name, value)
        return value

    return get


MODULE_OF = catalogue(__spec__)
__all__ = ["OPS", *MODULE_OF]  # noqa: PLE0604 - names, as the stub lists them
_imported = importing(__name__, MODULE_OF)


def __getattr__(name: str) -> Any:
    if name != "OPS":
        return _imported(name)
    functions = [globals().get(each) or _imported(each) for each in MODULE_OF]
    globals()[name] = {op.name: op for op in functions if isinstance(op, Op)}
    return globals()[name]


def __dir__() -> list[str]:
    return __all__
