"""Comparing a returned value with the expected one: the first difference, in a sentence."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.teaching.exercises.cases import MOST_ENTRIES
from tinygrad_xent.teaching.exercises.verdict import quoted
from tinygrad_xent.visualization.formatting import brief, number
from tinygrad_xent.visualization.naming import entry_name, printable

_MOST_NAMES = 5  # that a sentence lists
_SMALLEST_SCALE = 1e-3  # a gradient of ordinary inputs much below it counts as 0


@dataclass(frozen=True)
class Difference:
    """What is wrong with a value: a code for programs, a sentence, and perhaps where to look."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Closeness:
    """How far two numbers may be apart.

    Attributes
    ----------
    tolerance : float
        The largest error, relative to the largest expected number.
    entrywise : bool
        Whether it is relative to each number instead, for exercises about the last digits.
    """

    tolerance: float
    entrywise: bool = False

    def holds(self, given: Any, expected: Any) -> Any:
        """Return for each entry whether it is right; NaN is right where it is expected."""
        finite = np.abs(expected[np.isfinite(expected)])
        scale = np.abs(expected)
        if not self.entrywise:
            scale = np.maximum(np.max(finite, initial=0.0), _SMALLEST_SCALE)
        with np.errstate(all="ignore"):
            near = np.abs(given - expected) <= self.tolerance * scale
        exactly = (given == expected) | (np.isnan(given) & np.isnan(expected))
        return np.where(np.isfinite(expected), near, exactly)


def compare(given: Any, expected: Any, name: str, close: Closeness) -> Difference | None:
    """Return the first difference between two values, or None.

    Parameters
    ----------
    given, expected : object
        What an answer returned, and what is right: arrays, numbers, sets or lists of names, or a
        tuple or a dict of these.
    name : str
        What to call the value; "da, db" for a tuple of two.
    close : Closeness
        How far numbers may be apart.
    """
    if given is None:
        return Difference("none", f"{_called(name)} is None. Is a `return` missing?")
    for kind, fitting, noun, by in _KINDS:
        if isinstance(expected, kind):
            if isinstance(given, fitting):
                return by(given, expected, name, close)
            parts = _parts(expected, name) if kind is tuple else []
            wanted = f"{noun} of {len(parts)}: ({', '.join(parts)})" if parts else noun
            return Difference("wrong-type", f"{_called(name)} is {a(given)}, not {wanted}.")
    return _arrays(given, expected, name, close)


def _arrays(given: Any, expected: Any, name: str, close: Closeness) -> Difference | None:
    expected = np.asarray(expected)
    if not isinstance(given, np.ndarray | np.generic | bool | int | float | complex | list | tuple):
        return Difference("wrong-type", f"{_called(name)} is {a(given)}, and should be an array.")
    try:
        array = np.asarray(given)
    except (TypeError, ValueError):
        return Difference(
            "wrong-type", f"{_called(name)} is a list that NumPy cannot turn into an array."
        )
    if array.dtype.kind not in "biuf":
        held = "complex numbers" if array.dtype.kind == "c" else f"{array.dtype} entries"
        return Difference(
            "wrong-dtype", f"{_called(name)} holds {held}, and should hold real numbers."
        )
    if array.shape != expected.shape:
        return Difference(
            "wrong-shape",
            f"{_called(name)} has the shape {array.shape}, and should have {expected.shape}.",
        )
    numbers, truth = array.astype(np.float64), expected.astype(np.float64)
    right = close.holds(numbers, truth)
    if np.all(right):
        return None
    place = tuple(int(i) for i in np.argwhere(~right)[0])
    wrong, should = _told_apart(numbers[place], truth[place])
    message = f"`{entry_name(name, place)}` is {wrong}, and should be {should}."
    if not np.isfinite(numbers[place]):
        return Difference("non-finite", message)
    if array.dtype.kind in "biu" and expected.dtype.kind == "f":
        return Difference(
            "wrong-dtype", f"{message} It holds integers, so the decimals are cut off."
        )
    return Difference("wrong-value", message)


def _told_apart(a: float, b: float) -> tuple[str, str]:
    """Return two numbers as text, with enough digits to see that they differ."""
    short = number(a), number(b)
    return (repr(float(a)), repr(float(b))) if float(short[0]) == float(short[1]) else short


def _tuples(given: Any, expected: Any, name: str, close: Closeness) -> Difference | None:
    names = _parts(expected, name)
    if len(given) != len(expected):
        return Difference(
            "wrong-count",
            f"{_called(name)} has {len(given)} parts, not {len(expected)}: ({', '.join(names)}).",
        )
    for part in zip(given, expected, names, strict=True):
        if found := compare(*part, close):
            return found
    return None


def _parts(expected: Any, name: str) -> list[str]:
    """Return what messages call the parts of a tuple."""
    names = name.split(", ")
    fit = len(names) == len(expected)
    return names if fit else [f"{name}[{i}]" for i in range(len(expected))]


def _dicts(given: Any, expected: Any, name: str, close: Closeness) -> Difference | None:
    for key in expected:
        if key not in given:
            return Difference("missing", f"{_called(name)} has no entry for `{key!r}`.")
        if found := compare(given[key], expected[key], f"{name}[{key!r}]", close):
            return found
    if extra := [key for key in given if key not in expected]:
        one = quoted(shown(extra[0]))
        return Difference("extra", f"{_called(name)} should have no entry for {one}.")
    return None


def _sets(given: Any, expected: Any, name: str, _: Closeness) -> Difference | None:
    if missing := [f"`{name!r}`" for name in sorted(expected - given)]:
        return Difference("missing", f"{_called(name)} lacks {listed(missing[:_MOST_NAMES])}.")
    if extra := [quoted(text) for text in sorted(map(shown, given - expected))]:
        named = listed(extra[:_MOST_NAMES])
        return Difference("extra", f"{_called(name)} should not have {named}.")
    return None


def _lists(given: Any, expected: Any, name: str, _: Closeness) -> Difference | None:
    if list(given) != expected:
        return Difference(
            "wrong-value",
            f"{_called(name)} is {quoted(shown(list(given)))}, and should be `{expected}`.",
        )
    return None


_KINDS: tuple[tuple[type, Any, str, Callable[..., Difference | None]], ...] = (
    (tuple, tuple | list, "a tuple", _tuples),
    (dict, dict, "a dict", _dicts),
    (set, set | frozenset, "a set", _sets),
    (list, list | tuple, "a list", _lists),
)


def in_parts(given: Any, expected: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the parts of a returned value that have a right counterpart, with their names."""
    if isinstance(expected, tuple):
        if isinstance(given, tuple | list) and len(given) == len(expected):
            yield from zip(_parts(expected, name), given, expected, strict=True)
    elif isinstance(expected, dict):
        if isinstance(given, dict):
            yield from ((f"{name}[{k!r}]", given[k], expected[k]) for k in expected if k in given)
    elif not isinstance(expected, set | list):
        yield name, given, expected


def real_array(value: Any) -> Any:
    """Return a value as an array of float64, or None if it holds others, or too many numbers."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # of objects, or of lists that differ in length
        return None
    fits = array.dtype.kind in "biuf" and array.size <= MOST_ENTRIES
    return array.astype(np.float64) if fits else None


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> listed(["da", "db", "dc"])
    'da, db and dc'
    """
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _called(name: str) -> str:
    """Return what a message calls a value, at the beginning of a sentence."""
    return "The result" if name == "result" or ", " in name else f"`{name}`"


def a(value: Any) -> str:
    """Return the type of a value with its article: "an array", "a str"."""
    kind = re.sub(r"\W", "", type(value).__name__.replace("ndarray", "array"))
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def shown(value: Any, most: int = 200) -> str:
    """Return any value as text on one line of at most `most` characters."""
    name = getattr(value, "__name__", "")
    if name and getattr(np, name, None) is value:
        return f"np.{name}"
    if isinstance(value, np.ndarray | np.generic | float):
        array = np.asarray(value)
        return brief(array) if array.size <= 10 else f"shape {array.shape}, {brief(array)}"
    if isinstance(value, tuple) and any(isinstance(x, np.ndarray) for x in value):
        text = f"({', '.join(map(shown, value))})"
    else:
        try:
            text = repr(value)
        except Exception:  # noqa: BLE001 - the repr of any object may raise anything
            text = a(value)
    return printable(text if len(text) <= most else f"{text[: most - 1]}…")
