"""A backward rule that somebody else wrote, where to try it, what a teacher would say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

import tinygrad_xent as tx


@dataclass(frozen=True)
class Case:
    """A rule with the function it belongs to.

    `codes` are the codes of a diagnosis that a teacher would accept, `words` regular expressions
    that a good sentence would contain; where no code fits, the words alone decide. Both are empty
    for a right rule. `kind` sorts the mistakes, so that none of them fills the collection.
    """

    name: str
    op: Any
    inputs: tuple[Any, ...]
    params: dict[str, Any]
    second: bool
    kind: str
    codes: frozenset[str]
    words: tuple[str, ...]


def wrong(
    function: Callable[..., Any],
    *inputs: Any,
    kind: str,
    words: tuple[str, ...],
    codes: str = "",
    second: bool = False,
    **params: Any,
) -> Callable[[Callable[..., Any]], Case]:
    """Make a case of the decorated wrong rule; the function becomes an op of its own."""

    def case(rule: Callable[..., Any]) -> Case:
        op = tx.op(function)
        op.backward(rule)
        accepted = frozenset(codes.split())
        return Case(rule.__name__, op, inputs, params, second, kind, accepted, words)

    return case


def right(
    function: Callable[..., Any], *inputs: Any, second: bool = False, **params: Any
) -> Callable[[Callable[..., Any]], Case]:
    """Make a case of the decorated right rule; the function becomes an op of its own."""
    return wrong(function, *inputs, kind="", words=(), second=second, **params)


def cases_of(*modules: ModuleType) -> list[Case]:
    """Return the cases that the modules define, in their order."""
    return [x for module in modules for x in vars(module).values() if isinstance(x, Case)]


def normal(*shape: int, seed: int) -> Any:
    """Return random numbers of both signs."""
    return np.random.default_rng(seed).normal(size=shape)


def positive(*shape: int, seed: int) -> Any:
    """Return random numbers between 0.4 and 2.5."""
    return np.random.default_rng(seed).uniform(0.4, 2.5, size=shape)
