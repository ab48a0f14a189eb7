"""An answer to an exercise that somebody else wrote, and what a teacher would say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A function that answers an exercise, under the exercise's name.

    `words` is a regular expression that a good sentence about it would contain; it is empty for a
    right answer.
    """

    name: str
    exercise: str
    function: Callable[..., Any]
    words: str


def wrong(exercise: str, words: str) -> Callable[[Callable[..., Any]], Answer]:
    """Make a wrong answer of the decorated function."""

    def answer(function: Callable[..., Any]) -> Answer:
        name = function.__name__
        function.__name__ = function.__qualname__ = exercise
        return Answer(name, exercise, function, words)

    return answer


def right(exercise: str) -> Callable[[Callable[..., Any]], Answer]:
    """Make a right answer of the decorated function."""
    return wrong(exercise, "")


def answers_of(*modules: ModuleType) -> list[Answer]:
    """Return the answers that the modules define, in their order."""
    return [x for module in modules for x in vars(module).values() if isinstance(x, Answer)]
