"""A backward rule that somebody else wrote, where to try it, what a teacher would say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_xent as tx


@dataclass(frozen=True)
class Case:
    """A rule with the function it belongs to.

    `codes` are the codes of a diagnosis that a teacher would accept, `words` regular expressions
    that a good sentence would contain. Where no code fits, the words alone decide. `kind` sorts the
    mistakes, so that none of them fills the collection.
    """

    name: str
    op: Any
    inputs: tuple[Any, ...]
    params: dict[str, Any]
    second: bool
    kind: str = ""
    codes: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()


WRONG: list[Case] = []
RIGHT: list[Case] = []


def wrong(
    function: Callable[..., Any],
    *inputs: Any,
    kind: str,
    words: tuple[str, ...],
    codes: str = "",
    second: bool = False,
    **params: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter the decorated rule as a wrong rule of the function, which becomes an op of its own."""

    def enter(rule: Callable[..., Any]) -> Callable[..., Any]:
        op = tx.op(function)
        op.backward(rule)
        accepted = frozenset(codes.split())
        WRONG.append(Case(rule.__name__, op, inputs, params, second, kind, accepted, words))
        return rule

    return enter


def right(
    function: Callable[..., Any], *inputs: Any, second: bool = False, **params: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter the decorated rule as a right rule of the function, which becomes an op of its own."""

    def enter(rule: Callable[..., Any]) -> Callable[..., Any]:
        op = tx.op(function)
        op.backward(rule)
        RIGHT.append(Case(rule.__name__, op, inputs, params, second))
        return rule

    return enter


def normal(*shape: int, seed: int) -> Any:
    """Return random numbers of both signs."""
    return np.random.default_rng(seed).normal(size=shape)


def positive(*shape: int, seed: int) -> Any:
    """Return random numbers between 0.4 and 2.5."""
    return np.random.default_rng(seed).uniform(0.4, 2.5, size=shape)
