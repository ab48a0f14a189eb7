"""What can be read off the definition of a function, and whether two definitions are the same."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from types import CodeType
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node

Function = Callable[..., Any]


def bare_signature(function: Function) -> inspect.Signature:
    """Names and defaults, without the annotations."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return signature.replace(parameters=bare, return_annotation=signature.empty)


def formulas_of(function: Function) -> tuple[str, ...]:
    """Give the LaTeX in the first paragraph of the docstring."""
    first_paragraph = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0]
    return tuple(re.findall(r"\$([^$]+)\$", first_paragraph))


def same_definition(old: Function, new: Function) -> bool:
    """Whether `new` is `old` run again, as happens to a notebook cell."""
    return old is new or _content(old) == _content(new)


def _content(function: Function) -> Any:
    """What a function does, without where it stands in its file."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return (
        function.__qualname__,
        _code(function.__code__),
        [_value(x) for x in function.__defaults__ or ()],
        {name: _value(x) for name, x in (function.__kwdefaults__ or {}).items()},
        [_value(cell) if cell is not function else function.__name__ for cell in cells],
    )


def _value(x: Any) -> Any:
    """Return what two equal values have in common: `==` of arrays and Tensors is an array."""
    if inspect.isfunction(x):
        return _content(x)
    if isinstance(x, Node):
        return id(x)
    return (x.dtype.str, x.shape, x.tolist()) if isinstance(x, np.ndarray) else x


def _code(code: CodeType) -> Any:
    constants = [_code(c) if isinstance(c, CodeType) else c for c in code.co_consts]
    return code.co_code, code.co_names, constants
