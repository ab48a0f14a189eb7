"""What is read from an op's definition: how to call it, its formulas and its docstring."""

import inspect
import re
from collections.abc import Callable
from types import CodeType
from typing import Any, cast

import numpy as np

from tinygrad_xent.errors import OpCallError, OpDefinitionError
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


def bind(op: Any, inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
    """Return the inputs and parameters of a call that is not just positional inputs."""
    if op.variadic:
        if len(inputs) > 1 and not isinstance(inputs[0], (list, tuple)):
            return inputs, params
        extra, inputs = inputs[1:], tuple(inputs[0] if inputs else ())
        takes = "one list of inputs"
    else:
        count = len(op.inputs)
        extra, inputs = inputs[count:], inputs[:count]
        for name in op.inputs[len(inputs) :]:
            if name not in params and name not in op.optional:
                raise OpCallError(f"op `{op.name}` is missing its input `{name}`. {_usage(op)}")
            inputs += (params.pop(name) if name in params else op.optional[name],)
        takes = f"{count} input{'s' if count > 1 else ''}"
    if len(extra) > len(op.required) or params.keys() & op.required[: len(extra)]:
        free = [name for name in (*op.required, *op.defaults) if name not in params]
        hint = f"; parameters are keywords: {free[0]}={extra[0]!r}" if free else ""
        raise OpCallError(
            f"op `{op.name}` takes {takes}, got {len(inputs) + len(extra)} values by "
            f"position{hint}. {_usage(op)}"
        )
    return inputs, {**dict(zip(op.required, extra, strict=False)), **params}


def function_of(ufunc: np.ufunc) -> Function:
    """Return a NumPy ufunc as a function whose inputs have names."""
    functions = {1: lambda x: ufunc(x), 2: lambda x, y: ufunc(x, y)}  # noqa: PLW0108 - it has names
    function: Any = functions.get(ufunc.nin) if ufunc.nout == 1 else None
    if function is None:
        raise OpDefinitionError(
            f"op `{ufunc.__name__}`: an op has one output, and NumPy's function has {ufunc.nout} "
            f"for its {ufunc.nin} inputs; define the op with `def`, and return one of them"
        )
    function.__name__ = function.__qualname__ = ufunc.__name__
    function.__doc__ = f"NumPy's `{ufunc.__name__}`."
    return cast(Function, function)


def _usage(op: Any) -> str:
    return f"Call {op.name}{bare_signature(op.function)}"


def bare_signature(function: Function) -> inspect.Signature:
    """Return a signature without annotations."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return signature.replace(parameters=bare, return_annotation=signature.empty)


def formulas(function: Function) -> tuple[str, ...]:
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


def complete(op: Any) -> str:
    """Return the docstring of an op's function, completed with numpydoc's sections."""
    text, mark, example = inspect.cleandoc(op.function.__doc__ or "").partition(">>> ")
    lines = [text.rstrip(), "", "Parameters", "----------"]
    for name, domain in zip(op.inputs or (f"*{op.variadic}",), op.domains, strict=True):
        lines.append(f"{name} : array_like or Tensor")
        lines.append(f"    From the domain: {domain.name}.")
    for name in op.parameters:
        default = f", default {op.defaults[name]!r}" if name in op.defaults else ""
        lines.append(f"{name} : keyword{default}")
        lines += [f"    {_PARAMETERS[name]}"] if name in _PARAMETERS else []
    lines += ["", "Returns", "-------", "ndarray or Tensor"]
    lines.append("    A Tensor if an input is one. ")
    lines[-1] += f"Axes of one call: ``{op.shapes}``; others broadcast."
    return "\n".join([*lines, "", "Examples", "--------", mark + example] if mark else lines)
