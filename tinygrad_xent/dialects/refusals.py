"""What a mistake is called where a framework finds it: our exception, and the framework's."""

from __future__ import annotations

from tinygrad_xent.errors import (
    AxisError,
    BatchSizeError,
    BroadcastError,
    DialectError,
    DialectFaultError,
    DtypeError,
    LabelDtypeError,
    LabelRangeError,
    ShapeError,
)

_TENSORFLOW = "InvalidArgumentError"
_ANY = "ValueError"  # where no other is listed

THEIRS: dict[type[Exception], dict[str, str]] = {
    AxisError: {
        "tf2": _TENSORFLOW,
        "keras2": _TENSORFLOW,
        "keras2-graph": _TENSORFLOW,
        "keras3-tf": _TENSORFLOW,
        "keras3-torch": "IndexError",
        "keras3-numpy": "AxisError",
    },
    ShapeError: {"torch": "RuntimeError"},
    BatchSizeError: {"torch": "ValueError"},
    BroadcastError: {"tf2": _TENSORFLOW, "optax": "TypeError"},
    LabelRangeError: {
        "tf1": _TENSORFLOW,
        "tf2": _TENSORFLOW,
        "keras2": _TENSORFLOW,
        "keras2-graph": _TENSORFLOW,
        "keras3-tf": _TENSORFLOW,
        "keras3-torch": "IndexError",
        "keras3-numpy": "IndexError",
        "torch": "IndexError",
    },
    LabelDtypeError: {
        "tf1": "TypeError",
        "tf2": _TENSORFLOW,
        "torch": "RuntimeError",
        "optax": "TypeError",
    },
    DtypeError: {"keras2": _TENSORFLOW, "keras2-graph": _TENSORFLOW, "keras3-tf": _TENSORFLOW},
    DialectError: {"keras3-tf": "ValueError"},
    DialectFaultError: {
        "tf2": _TENSORFLOW,
        "keras3-torch": "RuntimeError",
        "torch": "RuntimeError",
    },
}


def name_there(dialect: str, error: Exception) -> str | None:
    """Give the name of the framework's exception, or None where there is no such call to make."""
    for kind in type(error).__mro__:
        if kind in THEIRS:
            default = None if kind is DialectError else _ANY
            return THEIRS[kind].get(dialect, default)
    return None
