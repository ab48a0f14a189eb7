"""What parent and child send each other: JSON objects, a line for each.

Never pickles: unpickling runs code, and the child runs a stranger's. An array is sent as its dtype,
its shape and its bytes, which are checked before memory is allocated.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from tinygrad_xent.errors import MessageError
from tinygrad_xent.graph import Node

_NUMBERS = re.compile(r"[<>|=][biufc]\d{1,2}")
_COLLECTIONS: dict[str, Any] = {kind.__name__: kind for kind in (tuple, list, set, frozenset)}


def send(stream: BinaryIO, message: Mapping[str, Any], most: int) -> None:
    """Write one message.

    Raises
    ------
    MessageError
        If it has more than `most` bytes, or JSON cannot hold it.
    """
    try:
        payload = json.dumps(message).encode()
    except (TypeError, ValueError, RecursionError) as error:  # such as a number of 5,000 digits
        raise MessageError(f"the value cannot be sent ({error})") from None
    if len(payload) > most:
        raise MessageError(
            f"the value takes {len(payload):,} bytes as a message, the limit is {most:,}"
        )
    stream.write(payload + b"\n")
    stream.flush()


def receive(stream: BinaryIO, most: int) -> dict[str, Any]:
    """Read one message.

    Raises
    ------
    EOFError
        If the other side has closed the stream.
    MessageError
        If what arrives is too long, or is not a JSON object.
    """
    line = stream.readline(most + 1)
    if not line.endswith(b"\n"):
        if len(line) <= most:
            raise EOFError
        raise MessageError(f"a message has more than {most:,} bytes, which is the limit")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise MessageError("a message is not JSON") from None
    if not isinstance(message, dict):
        raise MessageError("a message is not a JSON object")
    return message


def encode(value: Any) -> Any:
    """Return a value as JSON: numbers, text, arrays, NumPy functions, and collections of them.

    Of anything else, only the name of its type is kept.

    Examples
    --------
    >>> encode((1.5, None, [True, "a"]))
    {'tuple': [1.5, None, {'list': [True, 'a']}]}
    >>> decode(encode({"x": np.arange(3.0)}))
    {'x': array([0., 1., 2.])}
    """
    if value is None or isinstance(value, bool | str) or type(value) in (int, float):
        return value
    for name, kind in _COLLECTIONS.items():
        if isinstance(value, kind):
            return {name: [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if name := _function_name(value):
        return {"function": name}
    if isinstance(value, Node):
        value = value.data
    if isinstance(value, np.ndarray | np.generic | complex):
        array = np.asarray(value)
        if _NUMBERS.fullmatch(array.dtype.str):
            data = base64.b64encode(array.tobytes()).decode()
            name = "array" if isinstance(value, np.ndarray) else "scalar"
            return {name: [array.dtype.str, list(array.shape), data]}
        return {"other": f"array of {array.dtype}"}
    return {"other": type(value).__name__}


def decode(value: Any) -> Any:
    """Return the value from what `encode` returned.

    Raises
    ------
    MessageError
        If `encode` cannot have returned this.
    """
    try:
        return _decoded(value)
    except (AttributeError, ArithmeticError, TypeError, ValueError, RecursionError):
        raise MessageError("a message holds a value in a form that is never sent") from None


def _decoded(value: Any) -> Any:
    if value is None or isinstance(value, bool | str | int | float):
        return value
    ((kind, content),) = value.items()
    match kind, content:
        case (("array" | "scalar"), [dtype, shape, data]):
            array = _array(dtype, shape, data)
            return array if kind == "array" else array[()]
        case "dict", [*pairs]:
            return {_decoded(key): _decoded(item) for key, item in pairs}
        case (("tuple" | "list" | "set" | "frozenset"), [*items]):
            return _COLLECTIONS[kind](map(_decoded, items))
        case "other", str():
            return type(content[:50].replace("\0", ""), (), {})()
        case "function", str() if _function_name(getattr(np, content, None)):
            return getattr(np, content)
    raise ValueError


def _function_name(value: Any) -> str:
    """Return the name of a NumPy ufunc or reduction, which exercises pass; "" for all else."""
    reductions = (np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min)
    if not isinstance(value, np.ufunc) and not any(value is f for f in reductions):
        return ""
    name = str(value.__name__)
    return name if getattr(np, name, None) is value else ""


def _array(dtype: str, shape: list[int], data: str) -> np.ndarray[Any, Any]:
    if not _NUMBERS.fullmatch(dtype) or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError
    raw = bytearray(base64.b64decode(data, validate=True))  # so that the array is writable
    return np.frombuffer(raw, dtype).reshape(shape)  # an error if they do not fit each other
