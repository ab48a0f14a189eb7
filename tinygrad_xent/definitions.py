"""The definition of an op's function: its signature, formulas and docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from types import CodeType
from typing import Any

import numpy as np

from tinygrad_xent.domains import Domain
from tinygrad_xent.graph import Node

Function = Callable[..., Any]

# The parameters that ops share.
_PARAMETERS = {
    "axis": "The axis or axes; negative ones count from the end, None means all.",
    "axes": "The old axes in their new order; None reverses them.",
    "axis1": "The first axis.",
    "axis2": "The second axis.",
    "ddof": "Subtracted from the number of entries: 0, or 1 for the unbiased estimate.",
    "dtype": "The new dtype.",
    "index": "Any NumPy index: integers, slices, masks, arrays, or a tuple of these.",
    "keepdims": "Whether to keep the reduced axes, with length 1.",
    "shape": "The lengths of the axes.",
    "subscripts": "One letter for each axis, as in `numpy.einsum`.",
}


def bare_signature(function: Function) -> inspect.Signature:
    """Return a signature without annotations."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return signature.replace(parameters=bare, return_annotation=signature.empty)


def formulas_of(function: Function) -> tuple[str, ...]:
    """Return the LaTeX formulas in the first paragraph of a docstring."""
    first_paragraph = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0]
    return tuple(re.findall(r"\$([^$]+)\$", first_paragraph))


def same_definition(old: Function, new: Function) -> bool:
    """Return whether `new` is `old` defined again, as when a notebook cell runs twice."""
    return old is new or _content(old) == _content(new)


def _content(function: Function) -> Any:
    """Return what defines a function, without its place in the file."""
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


def complete(
    doc: str | None,
    inputs: Sequence[str],
    domains: Sequence[Domain],
    parameters: Mapping[str, str],
    shapes: str,
) -> str:
    """Return the docstring of an op, completed with numpydoc's sections.

    Parameters
    ----------
    doc : str or None
        The docstring of the function: a summary, perhaps more, perhaps an example.
    inputs : sequence of str
        The inputs that get gradients, in order.
    domains : sequence of Domain
        The domain of each input.
    parameters : Mapping
        The keyword parameters with their defaults as text ("" if there is none).
    shapes : str
        NumPy's gufunc notation.

    Returns
    -------
    str
    """
    text, mark, example = inspect.cleandoc(doc or "").partition(">>> ")
    lines = [text.rstrip(), "", "Parameters", "----------"]
    for name, domain in zip(inputs, domains, strict=True):
        lines.append(f"{name} : array_like or Tensor")
        lines.append(f"    From the domain: {domain.name}.")
    for name, default in parameters.items():
        lines.append(f"{name} : keyword{f', default {default}' if default else ''}")
        lines += [f"    {_PARAMETERS[name]}"] if name in _PARAMETERS else []
    lines += ["", "Returns", "-------", "ndarray or Tensor"]
    lines += [f"    A Tensor if an input is one. Axes of one call: ``{shapes}``; others broadcast."]
    return "\n".join([*lines, "", "Examples", "--------", mark + example] if mark else lines)
