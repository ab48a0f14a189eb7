"""What the function of an op leaves for its rule, so that the rule need not compute it again.

It is kept under the very array that the function returned, is used up by the first rule that asks,
and goes when that array goes, with the graph.
"""

from __future__ import annotations

import weakref
from typing import Any

_kept: dict[int, tuple[Any, Any]] = {}


def keep(out: Any, value: Any) -> None:
    """Keep `value` for as long as the array `out` lives."""
    key = id(out)
    _kept[key] = weakref.ref(out, lambda _: _kept.pop(key, None)), value


def take(out: Any) -> Any:
    """Give what was kept under `out`, once; after that, and for any other array, None."""
    reference, value = _kept.pop(id(out), (None, None))
    return value if reference is not None and reference() is out else None


def peek(out: Any) -> Any:
    """Give what is kept under `out`, and leave it there; None if nothing is."""
    reference, value = _kept.get(id(out), (None, None))
    return value if reference is not None and reference() is out else None
