"""Results that read well wherever they are shown: printed, as a repr, and in a notebook."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node, describe
from tinygrad_xent.visualization.formatting import brief
from tinygrad_xent.visualization.tables import html_table, styled, table


class Readable:
    """A dataclass whose repr is its text: a table, and sentences below; or what `__str__` writes.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(repr=False)
    ... class Step(Readable):
    ...     name: str
    ...     gradient: object
    >>> Step("w", np.array([0.5, -1.25]))
    Step
    name      w
    gradient  [0.5 -1.25]
    """

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        """Return head and rows of the table; by default the names and values of all fields."""
        values = vars(self).items()
        return (type(self).__name__, ""), [(k.replace("_", " "), _short(x)) for k, x in values]

    def _notes(self) -> Iterable[str]:
        """Return the sentences below the table."""
        return ()

    def __str__(self) -> str:
        return "\n".join([*table(*self._table()), *self._notes()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """Return the same as HTML; each line of a text is a paragraph."""
        head, lines = "", str(self).split("\n")
        if type(self).__str__ is Readable.__str__:
            head, lines = html_table(*self._table()), list(self._notes())
        body = head + "".join(f"<p>{escape(line)}</p>" for line in lines)
        return styled("result", body)


def _short(x: Any) -> str:
    """Return a value on one line; of a list of results how many there are."""
    match x:
        case None:
            return "none"
        case str():
            return x or "none"
        case Node():
            return describe(x)
        case Mapping():
            return ", ".join(f"{key} {_short(value)}" for key, value in x.items())
        case np.ndarray() | np.generic() | bool() | int() | float():
            return brief(x)
        case list() | tuple() if all(isinstance(each, str | int | float) for each in x):
            return ", ".join(map(_short, x)) or "none"
        case list() | tuple():
            return str(len(x))
    return str(x)
