"""What to write instead: read only once something has gone wrong.

hints.txt beside this file says what the words of other libraries are called here. To answer one
more, add a line there, and one to the table in tests/test_hints.py.
"""

import difflib
import inspect
import opcode
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.errors import (
    AxisError,
    DtypeError,
    OpCallError,
    OpDefinitionError,
    ShapeError,
    TinygradXentError,
)


def _read() -> list[dict[str, str]]:
    """Return the sections of the table, each a sentence for every word."""
    sections: list[dict[str, str]] = []
    for line in Path(__file__).with_name("hints.txt").read_text("utf-8").splitlines():
        words, _, sentence = line.partition(": ")
        if line.startswith("["):
            sections.append({})
        elif sentence and not line.startswith("#"):
            sections[-1] |= dict.fromkeys(words.split(", "), sentence)
    return sections


ATTRIBUTES, NAMES, FUNCTIONS, RENAMED, ARGUMENTS, SAYINGS = _read()


# -- names -----------------------------------------------------------------------------------


def no_attribute(x: Any, name: str, ops: Any) -> AttributeError:
    """Return the error for an attribute that a Tensor does not have."""
    hint = ATTRIBUTES.get(name)
    if hint is None and name in ops.MODULE_OF:
        function = getattr(ops, name)
        parameters = inspect.signature(getattr(function, "function", function)).parameters
        needed = [str(p.name) for p in parameters.values() if p.default is p.empty]
        hint = f"write tx.{name}({', '.join(needed)})"
    if hint is None and hasattr(np.ndarray, name):
        hint = f"x.data.{name} is that of the plain array"
    if hint is None and name[-1] == "_" and name[0] != "_":
        hint = "nothing is changed in place; assign new data to a leaf: x.data = ..."
    return AttributeError(_missing("a Tensor", x, name, hint or NAMES.get(name)), name=name, obj=x)


def no_name(module: str, name: str) -> AttributeError | ImportError:
    """Return the error for a name that a module of this package does not have."""
    hint = NAMES.get(name) or ATTRIBUTES.get(name)
    if hint is None and name[0].isalpha() and hasattr(np, name):
        hint = f"np.{name} is NumPy's"
        if inspect.isroutine(getattr(np, name)):
            hint += "; for an array that needs a gradient write tx.Tensor(array)"
    x = sys.modules[module]
    message = _missing(f"module {module!r}", x, name, hint)
    # Of an AttributeError `from tinygrad_xent import nn` would not show what is said.
    caller = sys._getframe(2)
    if caller.f_code.co_code[caller.f_lasti] == opcode.opmap["IMPORT_FROM"]:
        return ImportError(message, name=module)
    return AttributeError(message, name=name, obj=x)


def _missing(where: str, x: Any, name: str, hint: str | None) -> str:
    hint = hint or FUNCTIONS.get(name)
    near = [] if hint or name[0] == "_" else difflib.get_close_matches(name, dir(x), 1, 0.8)
    hint = f"perhaps {near[0]} is meant" if near else hint
    return f"{where} has no attribute {name!r}" + (f": {hint}" if hint else "")


def no_function(name: str, where: str = "numpy") -> str:
    """Return the message for a function of NumPy that no op here replaces."""
    hint = FUNCTIONS.get(name, "compose it of other ops, or take .data for the plain array")
    called = f"np{where.removeprefix('numpy')}.{name}"
    return f"{called} would lose the graph of a Tensor, and no op here replaces it: {hint}"


def no_array(reader: str) -> str:
    """Return the message for a Tensor that a module of another library takes for an array."""
    if reader.startswith("scipy.sparse"):
        return f"scipy.sparse would lose the graph of a Tensor. {_SPARSE[0].upper()}{_SPARSE[1:]}"
    return NUMPYS


# -- calls -----------------------------------------------------------------------------------


def explain_call(
    error: Exception, function: Any, given: Mapping[str, Any], inputs: Sequence[Any] = ()
) -> None:
    """Raise an error that says what to write, if a call failed of one of its arguments.

    `given` are parameters by name; before them came `inputs`, which are data.
    """
    if isinstance(error, TinygradXentError):  # it says what to write
        return
    name, said = function.__name__, str(error).strip()
    if isinstance(error, TypeError):
        _explain_signature(error, function, given)
    parameters = inspect.signature(function).parameters
    left_out = any(p.default is None and p.name != "axis" for p in parameters.values())
    for x in inputs:
        if x is not None or "NoneType" in said or not left_out:
            explain_input(x)
    if isinstance(error, np.exceptions.AxisError):
        ndim = error.ndim or 0
        choice = f"choose one from {-ndim} to {ndim - 1}" if ndim else "a number has none"
        raise AxisError(f"{name}: {said}: {choice}") from None
    if isinstance(error, ValueError):
        _explain_shapes(name, said, [np.shape(x) for x in inputs])
    for phrase, advice in SAYINGS.items():
        if phrase in said:
            kind = ShapeError if isinstance(error, ValueError) else OpCallError
            raise kind(f"{name}: {said}: {advice}") from None
    for word, value in given.items():
        several = value if isinstance(value, tuple) else (value,)
        if "integer" in said and any(isinstance(x, (float, list, str)) for x in several):
            hint = f": write {word}={value:.0f}" if isinstance(value, float) else ""
            hint = f": write {word}={tuple(value)}" if isinstance(value, list) else hint
            raise OpCallError(f"{word}={value!r} is not an integer{hint}") from None
        usual = parameters[word].default if word in parameters else None
        if isinstance(usual, (int, float)) and (value is None or isinstance(value, str)):
            message = f"{word}={value!r} is not a number, such as {word}={usual}"
            raise OpCallError(message) from None


def explain_function(
    error: TypeError, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    """Raise an error that says what to write, if a function that is not an op failed."""
    _explain_signature(error, function, kwargs)
    parameters = inspect.signature(function).parameters
    named = {**dict(zip(parameters, args, strict=False)), **kwargs}
    numbers = [p for p in parameters.values() if isinstance(p.default, (int, float))]
    explain_call(error, function, {p.name: named[p.name] for p in numbers if p.name in named})


def _explain_signature(error: TypeError, function: Any, given: Mapping[str, Any]) -> None:
    """Raise an error that says what to write, if a function does not take these arguments."""
    foreign = re.search(r"\(\) got an unexpected keyword argument '(\w+)'", str(error))
    began = error.__traceback__ and error.__traceback__.tb_next
    own = inspect.signature(function).parameters
    if foreign and (not began or foreign[1] in given.keys() - own.keys()):
        raise no_argument(function, foreign[1]) from None
    if not began and re.search("positional argument|keyword-only argument", str(error)):
        by_name = [p.name for p in own.values() if p.kind is p.KEYWORD_ONLY]
        others = [name for name in own if name not in (*by_name, "self")]
        raise OpCallError(
            f"{_called(function)} takes {', '.join(others) or 'no argument'}"
            + (f", and only by name {', '.join(by_name)}" if by_name else "")
        ) from None


def explain_rule(error: TypeError, op: Any, rule: Any) -> None:
    """Raise an error that says how a rule is called, if this one cannot be called so."""
    if not (error.__traceback__ and error.__traceback__.tb_next):  # it never began
        handed = ", ".join(("grad", "y", *op.inputs, *(f"{p}=..." for p in op.parameters)))
        raise OpDefinitionError(
            f"the rule of op `{op.name}` is called as {rule.__name__}({handed}), which it does not "
            f"take: {error}"
        ) from None


def _called(function: Any) -> str:
    """Return the name of a function, and of a class for its constructor."""
    name: str = function.__qualname__
    return name.removesuffix(".__init__").rpartition(".")[2]


def _explain_shapes(name: str, said: str, shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise an error that says what to write, if an op failed of the shapes of its inputs."""
    if name == "matmul" and () in shapes:
        raise ShapeError("x @ y needs rows and columns, which a number has not; write x * y")
    if name == "matmul" and "mismatch" in said:
        left, right = shapes
        rows = right[-2] if len(right) > 1 else right[-1]
        transposed = len(right) > 1 and left[-1] == right[-1]
        raise ShapeError(
            f"x @ y of shapes {left} and {right}: the {left[-1]} columns of x must be as many as "
            f"the {rows} rows of y"
            + (f". Perhaps x @ y.{'mT' if len(right) > 2 else 'T'} is meant" if transposed else "")
        ) from None


def no_argument(function: Any, foreign: str) -> OpCallError:
    """Return the error for an argument that a function does not have."""
    parameters = inspect.signature(function).parameters.values()
    own = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.name != "self"]
    ours = [p for p in RENAMED.get(foreign, "").split(", ") if p in own]
    hint = f"write {ours[0]}=" if ours else ARGUMENTS.get(foreign)
    return OpCallError(
        f"{_called(function)} has no argument `{foreign}`: "
        f"{hint or 'its arguments are ' + (', '.join(own) or 'none')}"
    )


# -- data ------------------------------------------------------------------------------------


_SPARSE = "a sparse matrix is not an array: write m.toarray()"
_COLLECTIONS = (dict, set, frozenset, Iterator)


def explain_data(x: Any) -> None:
    """Raise an error that says why data are not an array of numbers, if it is known."""
    if hasattr(x, "toarray"):
        raise DtypeError(_SPARSE)
    if x is None:
        raise DtypeError("numbers are needed, got None")
    if isinstance(x, _COLLECTIONS):
        raise DtypeError(f"a {type(x).__name__} is not an array: make a list of its numbers")
    if not isinstance(x, (list, tuple)):
        return
    for i, row in enumerate(x):
        if (has := _entries(row)) != _entries(x[0]):
            raise ShapeError(
                f"row {i} {has}, row 0 {_entries(x[0])}: pad the rows to the same length, and "
                "leave out what was added with where, or with the weight 0"
            )
        if row is not None:
            explain_data(row)


def explain_input(x: Any) -> None:
    """Raise an error that says why an input is not an array of numbers, if it is not."""
    explain_data(x)
    if hasattr(x, "to_numpy"):
        raise DtypeError(f"a {type(x).__name__} is not an array: write x.to_numpy()")
    if isinstance(x, (str, bytes)) or (isinstance(x, np.ndarray) and x.dtype.kind in "OUS"):
        for entry in np.asarray(x, object).flat:
            if not isinstance(entry, (int, float, complex, np.number, np.bool_)):
                raise DtypeError(f"numbers are needed, got {entry!r:.60}")


def _entries(row: Any) -> str:
    if not isinstance(row, (list, tuple)) and not getattr(row, "ndim", 0):
        return "is a single value"
    return f"has {len(row)} {'entry' if len(row) == 1 else 'entries'}"


def no_integers(labels: Any, word: str) -> str:
    """Return the message for class labels that are not integers."""
    said = f"{word} must be integers, got {labels.dtype}"
    if labels.dtype.kind in "OUST":
        return said + _names(labels, word)
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        place = tuple(map(int, np.argwhere(np.isnan(labels))[0]))
        where = f" at position {', '.join(map(str, place))}" if place else ""
        return f"{said} with NaN{where}: leave out rows without a label"
    return (
        f"{said}. Rows of probabilities go to softmax_cross_entropy_with_logits or "
        "categorical_crossentropy; whole numbers of another dtype convert: "
        f"np.asarray({word}, dtype=int)"
    )


def no_numbers(labels: Any, word: str) -> str:
    """Return the message for dense labels that are not numbers."""
    said = f"{word} must be real numbers, got {labels.dtype}"
    return said if labels.dtype.kind == "c" else said + _names(labels, word)


def _names(labels: Any, word: str) -> str:
    """Return what to do with labels of any Python objects."""
    for i, label in enumerate(labels.flat):
        if not isinstance(label, (int, str, np.integer)):
            return f" with {label!r} at position {i}: leave out rows without a label"
    return (
        f". Names of classes become numbers by names, {word} = np.unique({word}, "
        "return_inverse=True), which the sparse losses take"
    )


def no_class(label: Any, where: str, ends: tuple[Any, Any], classes: int) -> str:
    """Return the message for a label that names no class."""
    said = (
        f"label {int(label)}{where} is not a class: labels go from 0 to {classes - 1} for "
        f"{classes} classes"
    )
    if ends == (1, classes):
        return f"{said}. These may count from 1: subtract 1"
    return (
        f"{said}. Give rows without a class (padding) any label that exists, and their loss the "
        "weight 0"
    )


def no_axis(word: str, axis: Any, shape: tuple[int, ...]) -> str:
    """Return the message for an axis of classes that there is not."""
    return (
        f"{word}={axis!r} is not an axis of an array of shape {shape}; choose one from "
        f"{-len(shape)} to {len(shape) - 1}"
    )


def no_epsilon(epsilon: float) -> str:
    """Return the message for a clip that is empty, or leaves a 0 as it is."""
    return (
        f"epsilon={epsilon!r} must lie between 0 and 0.5: probabilities are clipped to "
        "[epsilon, 1 - epsilon]"
    )


def class_numbers(labels: Any, word: str, shape: Any, other: str, axis: int) -> str:
    """Return the message for class numbers that are not one for each row of an array of `shape`."""
    rows = shape[:axis] + shape[axis + 1 :]
    return (
        f"the shape of {word} is {labels.shape}, but {other} of shape {shape} with its classes "
        f"along axis {axis} needs {rows}: one label for each row"
        f"{_likely_number(labels, word, shape, other, axis, rows)}"
    )


def _likely_number(labels: Any, word: str, shape: Any, other: str, axis: int, rows: Any) -> str:
    if labels.shape == (*rows, 1):
        return f". The labels are a column: write {word}[..., 0]"
    if labels.shape == shape:
        return (
            ". One-hot labels go to softmax_cross_entropy_with_logits or categorical_crossentropy, "
            f"or become numbers by {word}.argmax(axis={axis})"
        )
    for fitting in range(len(shape)):
        if labels.shape == shape[:fitting] + shape[fitting + 1 :]:
            if word == "target":  # of a function that has the parameter
                return f". Axis {fitting} would fit: write axis={fitting}"
            return (
                f". Axis {fitting} would fit: sparse_categorical_crossentropy({word}, {other}, "
                f"from_logits=True, axis={fitting})"
            )
    if len(labels.shape) == len(rows) == 1:
        labels = "is 1 label" if labels.size == 1 else f"are {labels.size} labels"
        return f". There {labels} for {rows[0]} rows"
    return ""


def distributions(labels: Any, word: str, shape: Any, other: str, axis: int) -> str:
    """Return the message for dense labels that do not have the shape of the other argument."""
    said = (
        f"the shape of {word} is {labels.shape}, but that of {other} is {tuple(shape)}; they must "
        "be the same"
    )
    rows = shape[:axis] + shape[axis + 1 :]
    if labels.shape in (rows, (*rows, 1)) and labels.dtype.kind in "iu":
        name = "sparse_softmax_cross_entropy_with_logits or sparse_categorical_crossentropy"
        return f"{said}. Class numbers go to {name}"
    for to in range(len(shape)):
        moved = [*labels.shape[:-1]]
        moved[to:to] = labels.shape[-1:]
        if len(labels.shape) == len(shape) and tuple(moved) == shape:
            return f"{said}. Move the classes of the labels: np.moveaxis({word}, -1, {to})"
    return said


def not_floating(dtype: Any, word: str, recorded: bool) -> str:
    """Return the message for logits or probabilities that are not floats."""
    convert = "Tensor" if recorded else "np.asarray"
    said = (
        f"{word} must be float16, float32 or float64, got {dtype}; convert: "
        f"{convert}({word}, dtype=float)"
    )
    return f"{said}. If these are the labels: they come first" if dtype.kind in "iu" else said


TWO_SOFTMAXES = (
    "the logits are the output of a softmax, and this loss applies another one. Pass what went "
    "into the softmax, or give the probabilities to categorical_crossentropy or "
    "sparse_categorical_crossentropy with from_logits=False"
)


def no_domain(op: str, domain: Any, names: Sequence[str]) -> str:
    """Return the message for a domain that there is not."""
    return (
        f"op `{op}`: there is no domain {domain!r}; choose from {', '.join(names)}, or give a "
        "domains.Domain of your own"
    )


# -- graphs ----------------------------------------------------------------------------------


def not_recorded(output: Any) -> str:
    """Return the message for a gradient of something that is not a Tensor."""
    if inspect.isfunction(output) or inspect.ismethod(output):
        return (
            f"a gradient starts from a Tensor, got the function {output.__name__}: call it first, "
            "y = f(x) with x = Tensor(...), and take the derivatives of y by x"
        )
    return (
        f"a gradient starts from a Tensor, got {type(output).__name__}: nothing was recorded. Wrap "
        "the inputs whose gradients you want: Tensor(x)"
    )


def no_floats(output: Any, graph: Iterable[Any], describe: Callable[[Any], str]) -> str:
    """Return the message for a gradient of integers or booleans, which names the leaf they are."""
    leaves = [x for x in graph if x.op is None and x.data.dtype.kind != "f"]
    said = (
        f"{describe(output)} holds {output.data.dtype}: gradients need float16, float32 or float64"
    )
    if not leaves:
        return said
    leaf = "it" if leaves[0] is output else f"the {describe(leaves[0])}"
    return f"{said}. Make {leaf} float: Tensor(data, dtype=float)"


NO_SCALAR = (
    "{} is not a scalar: reduce it first (.sum() or .mean()), or give the gradient to start from, "
    "of the same shape"
)


# -- what a Tensor refuses -------------------------------------------------------------------

SEVERAL = (
    "{} holds {} numbers, and one is needed: reduce it (.sum(), .mean()), choose an entry (x[0]), "
    "or take the plain array, x.data"
)
IN_AN_ARRAY = (
    "an entry of a NumPy array would hold the number of a Tensor and lose its graph: collect "
    "Tensors in a list and use stack, or choose with where. If the number is all you want, write "
    "array[i] = float(x)"
)
NUMPYS = (
    "NumPy would lose the graph of a Tensor: use a function of tinygrad_xent, such as stack for a "
    "list of Tensors, or give NumPy the plain array, x.data"
)
ASSIGNED = (
    "a Tensor's entries cannot be assigned, because its graph would be wrong; build it with where, "
    "concatenate or stack, or change x.data before it is used"
)
UPDATED = (
    "{} is a leaf, and `p -= step` does not update it: it makes a new Tensor and calls that p. To "
    "update the leaf write p.data -= step, such as p.data -= 0.1 * p.grad; to compute a new Tensor "
    "write p = p - step"
)
