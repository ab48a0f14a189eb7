"""The inputs that an answer is tried on."""

from __future__ import annotations

from typing import Any

import numpy as np


class Case:
    """One call of the learner's function.

    Parameters
    ----------
    about : str
        What is special about these inputs, in words that fit after "for": "saturated logits".
    *args, **params
        The arguments of the call. Of a backward rule only what its function takes: the gradient
        and the output are put in front.
    """

    def __init__(self, about: str, /, *args: Any, **params: Any) -> None:
        self.about = about
        self.args = args
        self.params = params

    def copy(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give arguments that the answer may spoil."""
        return tuple(map(copied, self.args)), {k: copied(v) for k, v in self.params.items()}

    def precise(self) -> Case:
        """Give the same numbers in double precision."""
        wide = {name: widened(value) for name, value in self.params.items()}
        return Case(self.about, *map(widened, self.args), **wide)

    @property
    def epsilon(self) -> float:
        """How precise the least precise array is."""
        values = (*self.args, *self.params.values())
        dtypes = [x.dtype for x in values if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
        return max([float(np.finfo(dtype).eps) for dtype in dtypes], default=2.0**-52)


def copied(value: Any) -> Any:
    """Copy an argument with all that can be changed in it."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(copied, value))
    return value


def widened(value: Any) -> Any:
    """Give floats in float64, other things as they are."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(np.float64)
    return copied(value)


def same(a: Any, b: Any) -> bool:
    """Whether two arguments are the same, NaN included."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        floats = a.dtype.kind == "f"
        return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=floats))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)
