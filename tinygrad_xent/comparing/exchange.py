"""Which step makes the difference: exchange steps of one dialect for another's, and look.

Two sequences of steps are laid side by side, steps of the same stage next to each other. Where they
differ there is a piece of the one and a piece of the other. The smallest set of pieces whose
exchange turns the one answer into the other is what makes the difference. Nothing is looked up.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_xent.comparing.answers import Answer, agree, ask
from tinygrad_xent.dialects.steps import Step


class Piece(NamedTuple):
    """Where one sequence has a step, or several, and what stands in their place in the other.

    Attributes
    ----------
    first, second : slice
        Either may be empty.
    """

    first: slice
    second: slice


def pieces(first: Sequence[Step], second: Sequence[Step]) -> list[Piece]:
    """Lay two sequences side by side, and give the places where they differ."""
    a, b = ([step.stage for step in steps] for steps in (first, second))
    found: list[Piece] = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [_one(i + n, k + n) for n in range(j - i) if first[i + n] is not second[k + n]]
        else:
            found += [Piece(slice(n, n + 1), slice(k, k)) for n in range(i, j)]
            found += [Piece(slice(j, j), slice(n, n + 1)) for n in range(k, m)]
    return found


def _one(i: int, k: int) -> Piece:
    return Piece(slice(i, i + 1), slice(k, k + 1))


def difference(a: Answer, b: Answer) -> tuple[Answer, Answer, tuple[Piece, ...]]:
    """Find the fewest pieces whose exchange makes one dialect answer as the other.

    Returns
    -------
    first, second : Answer
        `a` and `b`, or the other way round: with the exchange the first answers as the second.
    chosen : tuple of Piece
    """
    ways = [(x, y, pieces(x.steps, y.steps)) for x, y in ((a, b), (b, a))]
    for size in range(1, len(ways[0][2])):
        for first, second, found in ways:
            for chosen in itertools.combinations(found, size):
                steps = exchanged(first.steps, second.steps, chosen)
                if agree(_ask(second.dialect, steps, first), second):
                    return first, second, chosen
    return a, b, tuple(ways[0][2])  # with all of them the first is the second


def exchanged(
    first: Sequence[Step], second: Sequence[Step], chosen: Sequence[Piece]
) -> tuple[Step, ...]:
    """Give the first sequence with some of its pieces replaced."""
    steps = list(first)
    for piece in reversed(chosen):
        steps[piece.first] = second[piece.second]
    return tuple(steps)


def _ask(dialect: str, steps: tuple[Step, ...], like: Answer) -> Answer:
    """Ask a mixture of two dialects, which may well be nonsense."""
    try:
        return ask(dialect, steps, like.states[0])
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        nonsense = type("Nonsense", (Exception,), {})(str(error))
        return Answer(dialect, steps, like.states[:1], error=nonsense)


def joined(chosen: Sequence[Piece]) -> list[list[Piece]]:
    """Put pieces together that follow on each other in one of the sequences."""
    together: list[list[Piece]] = []
    for piece in chosen:
        last = together[-1][-1] if together else piece
        if any(x.stop == y.start for x, y in zip(last, piece, strict=True)) and together:
            together[-1].append(piece)
        else:
            together.append([piece])
    return together
