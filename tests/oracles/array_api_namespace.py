"""NumPy's namespace of the array API standard, with this package's functions in place of NumPy's.

The standard's test suite is run on it (see test_array_api.py), and asks this module, as a plugin of
pytest, which of its tests are about those functions.

A test hands over arrays. Of an array of real floating-point numbers the function gets a Tensor, and
the test gets the data of the result: the path that is tested is the recorded one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_xent as tx

# The standard's names of functions that are, or will be, here; some have another name.
NAMES = """
abs=absolute acos=arccos acosh=arccosh add asin=arcsin asinh=arcsinh atan=arctan atan2=arctan2
atanh=arctanh broadcast_to ceil clip concat=concatenate cos cosh divide exp expand_dims expm1 flip
floor floor_divide hypot log log10 log1p log2 logaddexp matmul max maximum mean min minimum moveaxis
multiply negative permute_dims=transpose pow=power prod reciprocal remainder repeat reshape roll
round sign sin sinh sort sqrt square squeeze stack std subtract sum take take_along_axis tan tanh
tensordot tile var where
"""
ALL = {name: ours or name for name, _, ours in (x.partition("=") for x in NAMES.split())}
OURS = {name: ours for name, ours in ALL.items() if hasattr(tx, ours)}
# A parameter that has a default must be named here; the standard has it by position, too.
SECOND = {"permute_dims": "axes", "squeeze": "axis"}


def recorded(name: str, ours: str) -> Callable[..., Any]:
    """Return our function as the standard calls it."""
    function = getattr(tx, ours)

    def f(x: Any, *others: Any, dtype: Any = None, **params: Any) -> Any:
        if dtype is not None:  # there is no such parameter here
            return getattr(np, name)(x, *others, dtype=dtype, **params)
        if "correction" in params:
            params["ddof"] = params.pop("correction")
        if name in SECOND and others:
            params[SECOND[name]], *others = others
        out = function(tensor(x), *map(tensor, others), **{k: tensor(v) for k, v in params.items()})
        return out.data if isinstance(out, tx.Tensor) else out

    return f


def tensor(x: Any) -> Any:
    """Return real floating-point numbers as a Tensor, also in a list; all else as it is."""
    if isinstance(x, list | tuple):
        return type(x)(map(tensor, x))
    floating = isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"
    return tx.Tensor(x) if floating else x


globals().update({name: recorded(name, ours) for name, ours in OURS.items()})


def __getattr__(name: str) -> Any:
    return getattr(np, name)


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out the tests of other functions, of operators on arrays and of signatures."""
    kept = [item for item in items if function_of(item) in OURS]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def function_of(item: Any) -> str:
    """Return what a test is about: test_exp, test_add[add(x1, x2)], test_unary[exp(x_i is NaN)].

    Infinite complex numbers are NumPy's business, which answers as the machine's library does.
    """
    test, _, case = item.name.partition("[")
    case = re.split(r"\W", case)[0]
    if item.path.name == "test_special_cases.py":
        return "" if "imag(x_i)" in item.name else case
    name = test.removeprefix("test_")
    known = item.path.name not in {"test_signatures.py", "test_has_names.py"}
    return name if known and case in {"", name} else ""
