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
    return _of(_kept.pop(id(out), None), out)


def peek(out: Any) -> Any:
    """Give what is kept under `out`, and leave it there; None if nothing is."""
    return _of(_kept.get(id(out)), out)


def _of(entry: tuple[Any, Any] | None, out: Any) -> Any:
    """Give what was kept, unless it was under another array that had the same id."""
    return entry[1] if entry is not None and entry[0]() is out else None
