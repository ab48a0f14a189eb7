"""NumPy's own functions of Tensors: `np.sum(x, 0)` calls the op with its arguments by name."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tinygrad_xent import errors, ops
from tinygrad_xent.definitions import bare_signature
from tinygrad_xent.errors import NumpyFunctionError
from tinygrad_xent.graph import values
from tinygrad_xent.op import Op

# Their results are facts about the numbers, through which no gradient passes.
_OF_NUMBERS = {
    "all", "allclose", "any", "argmax", "argmin", "argsort", "array_equal", "array_equiv",
    "count_nonzero", "empty_like", "equal", "full_like", "greater", "greater_equal", "isclose",
    "iscomplexobj", "isfinite", "isinf", "isnan", "isneginf", "isposinf", "isrealobj", "less",
    "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "ndim", "nonzero",
    "not_equal", "ones_like", "result_type", "save", "savetxt", "savez", "savez_compressed",
    "shape", "signbit", "size", "zeros_like",
}  # fmt: skip
_OTHER_NAMES = {"amax": "max", "amin": "min", "trace": "matrix_trace"}
_UNLIKE = {"put"}  # it writes into an array
_WITHOUT_EFFECT = {"kind", "optimize", "stable"}  # how to compute the same
_LAST_TWO = {"axis1": -2, "axis2": -1}  # of matrices in numpy.linalg; elsewhere the first two
# NumPy 2.0 calls a shape `newshape`, and until 2.4 functions written in C tell `inspect` nothing.
_SIGNATURES = {
    "concatenate": lambda arrays, axis=0, out=None: None,  # noqa: ARG005 - only its signature
    "dot": lambda a, b, out=None: None,  # noqa: ARG005
    "inner": lambda a, b: None,  # noqa: ARG005
    "reshape": lambda a, shape, order="C", copy=None: None,  # noqa: ARG005
    "where": lambda condition, x, y: None,  # noqa: ARG005
}


def call_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what the op with the name of NumPy's elementwise function makes of the inputs.

    Raises
    ------
    NumpyFunctionError
        If there is none, or NumPy was asked for more than the plain call.
    """
    name = ufunc.__name__
    if method == "__call__" and name in ops.MODULE_OF:
        for key in kwargs:
            raise _without(key, name, getattr(ops, name))
        return getattr(ops, name)(*inputs)
    if method == "__call__" and name in _OF_NUMBERS:
        return ufunc(*map(values, inputs), **kwargs)
    name = name if method == "__call__" else f"{name}.{method}"
    raise NumpyFunctionError(errors.hints.no_function(name))


def call(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what this package's function of the same name makes of NumPy's arguments.

    Raises
    ------
    NumpyFunctionError
        If there is none, or it lacks one of the arguments.
    """
    where = function.__module__
    name = _OTHER_NAMES.get(function.__name__, function.__name__)
    if where == "numpy" and name in _OF_NUMBERS:
        return function(*map(values, args), **{key: values(x) for key, x in kwargs.items()})
    known = name in ops.MODULE_OF and where in ("numpy", "numpy.linalg")
    if not known or name in _UNLIKE:
        raise NumpyFunctionError(errors.hints.no_function(function.__name__, where))
    positional, named = _renamed(function, getattr(ops, name), args, kwargs)
    if where == "numpy.linalg" and name in ("diagonal", "matrix_trace"):
        named = {**_LAST_TWO, **named}
    return getattr(ops, name)(*positional, **named)


def _renamed(function: Any, ours: Any, args: Any, kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments under our names, without those that are NumPy's defaults."""
    signature = inspect.signature(_SIGNATURES.get(function.__name__, function))
    parameters = list(bare_signature(getattr(ours, "function", ours)).parameters)
    inputs = ours.inputs if isinstance(ours, Op) else [p for p in parameters if p in ("x", "y")]
    positional: list[Any] = []
    named: dict[str, Any] = {}
    given = signature.bind(*args, **kwargs).arguments
    for place, (key, parameter) in enumerate(signature.parameters.items()):
        if key not in given:
            continue
        value = given[key]
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += value
        elif parameter.kind is parameter.VAR_KEYWORD:
            for foreign in value.keys() - (set(parameters) - named.keys()):
                raise _without(foreign, function.__name__, ours)
            named.update(value)
        elif place < len(inputs):
            named[inputs[place]] = value
        elif key in parameters and key not in named:
            named[key] = value
        elif place == 0:
            positional.append(value)  # the list of arrays that are joined
        elif key not in _WITHOUT_EFFECT and repr(value) != repr(parameter.default):
            raise _without(key, function.__name__, ours)
    return positional, named


def _without(key: str, name: str, ours: Any) -> NumpyFunctionError:
    signature = bare_signature(getattr(ours, "function", ours))
    return NumpyFunctionError(
        f"np.{name} of a Tensor does not take the argument `{key}`; it calls "
        f"tx.{ours.__name__}{signature}"
    )
