"""Who takes part: for each library a module with the tasks that it can do, by their names."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterable
from typing import Any

OURS = "tinygrad_xent"
BY_HAND = "numpy"
MODULES = {
    OURS: "ours",
    BY_HAND: "by_hand",
    "torch": "pytorch",
    "jax": "jax_jit",
    "autograd": "hips_autograd",
    "mygrad": "my_grad",
    "tensorflow": "tensorflow_function",
}
ALWAYS = (OURS, BY_HAND)
OTHERS = tuple(name for name in MODULES if name not in ALWAYS)


def installed(wanted: Iterable[str]) -> tuple[str, ...]:
    """Those of the wanted peers that this interpreter could import."""
    return tuple(name for name in wanted if importlib.util.find_spec(name))


def version(peer: str) -> str:
    if peer == OURS:
        return str(importlib.import_module(OURS).__version__)
    return importlib.metadata.version(peer)


def task(peer: str, name: str) -> Callable[..., Any] | None:
    """What a peer does for a task; None if it cannot."""
    module = importlib.import_module(f"tests.benchmarks.peers.{MODULES[peer]}")
    found: Callable[..., Any] | None = getattr(module, name, None)
    return found
