"""What is wrong with returned values: the first difference, and what all have in common.

What all have in common is computed from the numbers, in whatever exercise: it holds in every call
with finite results, or names the calls that it holds for.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tinygrad_xent.teaching.exercises.cases import MOST_ENTRIES
from tinygrad_xent.teaching.exercises.verdict import quoted
from tinygrad_xent.visualization.formatting import brief, number
from tinygrad_xent.visualization.naming import entry_name, printable

_MOST_NAMES = 5  # that a sentence lists
_LONGEST = 200  # letters of a value
_SMALLEST_SCALE = 1e-3  # a gradient of ordinary inputs much below it counts as 0
_FEWEST = 3  # entries that a sentence about all of them needs
_NEARLY = 0.02  # the largest error, relative to the largest entry, that is called nearly right
_ROUNDING = 1e-15  # an error that is nothing beside 1
_FAR = 1e3  # a factor that is called far too large


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


def shown(value: Any) -> str:
    """Return any value as text on one line, with an ellipsis where it is long."""
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
    return printable(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


# -- what wrong results have in common with the right ones ------------------------------------


@dataclass(frozen=True)
class Call:
    """What a call returned and what is right, with the call's array arguments by name."""

    arguments: Mapping[str, Any]
    given: Any
    expected: Any
    close: Closeness

    @property
    def wrong(self) -> bool:
        """Whether what it returned is not what is right."""
        return not _same(self, self.given, self.expected)


def noticed(calls: Sequence[Call], name: str) -> str:
    """Return what is notable about wrong results, as a sentence or two, or "".

    Parameters
    ----------
    calls : sequence of Call
        What an answer returned, and what is right; the first is wrong.
    name : str
        What to call the result; "da, db" for two.
    """
    parts: dict[str, list[Call]] = {}
    for call in calls:
        for part, given, expected in in_parts(call.given, call.expected, name):
            if (array := real_array(given)) is not None and array.size:
                one = Call(call.arguments, array, np.asarray(expected, np.float64), call.close)
                parts.setdefault(part, []).append(one)
    wrong = [part for part, seen in parts.items() if any(call.wrong for call in seen)]
    if not wrong:
        return ""
    with np.errstate(all="ignore"):
        said = _said_of(parts[wrong[0]], "the result" if wrong[0] == "result" else f"`{wrong[0]}`")
    said = said[:1].upper() + said[1:]
    if len(parts) > 1 and not any(c.given.any() for seen in parts.values() for c in seen):
        said = "Every number that you return is 0."
    if right := [f"`{part}`" for part in parts if part not in wrong]:
        said += f" {listed(right)} {'is' if len(right) == 1 else 'are'} right."
    return said.strip()


def _said_of(calls: Sequence[Call], name: str) -> str:
    shapes = [call for call in calls if call.given.shape != call.expected.shape]
    if shapes:
        return next((f"{name} {what}." for what in _of_shapes(shapes)), "")
    finite = [c for c in calls if np.all(np.isfinite(c.given)) and np.all(np.isfinite(c.expected))]
    wrong = [call for call in finite if call.wrong]
    if not wrong:
        return ""
    if sum(np.count_nonzero(call.expected) for call in wrong) >= _FEWEST:
        for what in _of_all(finite):
            return f"{name} {what}."
    return next((f"Here {name} {what}." for what in _of_one(wrong[0])), "")


# -- what holds in every call ----------------------------------------------------------------

_FORMS: tuple[tuple[Callable[[Any], Any], str], ...] = (
    (np.negative, "has the wrong sign everywhere; its size is right"),
    (np.abs, "has lost its sign: it is the absolute value of what it should be"),
    (lambda e: np.swapaxes(e, -1, -2), "is transposed: its rows and columns are exchanged"),
    (np.exp, "is the exponential of what it should be"),
    (np.log, "is the logarithm of what it should be"),
    (np.square, "is the square of what it should be"),
    (np.reciprocal, "is 1 divided by what it should be"),
    (lambda e: 1 - e, "is 1 minus what it should be"),
    (lambda e: np.exp(-e), "is $e^{-r}$, where $r$ is what it should be"),
    (lambda e: 1 - np.exp(-e), "is $1 - e^{-r}$, where $r$ is what it should be"),
)
_OVER: dict[str, Callable[..., Any]] = {"largest entry": np.max, "sum": np.sum, "mean": np.mean}
_AXES = ((None, 0, ""), (-1, 1, " of each row"), (0, 2, " of each column"))
_WITH_TERMS: tuple[tuple[Callable[[Any, Any], Any], str], ...] = (
    (lambda e, t: t + 0 * e, "is {}"),
    (lambda e, t: e + t, "contains {} as a term too many"),
    (lambda e, t: e - t, "lacks a term: right is your result plus {}"),
    (lambda e, t: e * t, "contains {} as a factor too many"),
    (lambda e, t: e / t, "lacks a factor: right is your result times {}"),
    (lambda e, t: e + 2 * t, "adds {} where it should be subtracted"),
    (lambda e, t: e - 2 * t, "subtracts {} where it should be added"),
    (lambda e, t: e * t**2, "multiplies by {} where it should divide by it"),
    (lambda e, t: e / t**2, "divides by {} where it should multiply by it"),
)


def _of_all(calls: Sequence[Call]) -> Iterator[str]:
    """Yield how the result differs from the right one, in the same way in all calls."""
    for form, what in _FORMS:
        if _all_are(calls, form):
            yield what
    largest = max(calls, key=lambda call: np.max(np.abs(call.expected), initial=0))
    at = np.argmax(np.abs(largest.expected))
    given, expected = largest.given.flat[at], largest.expected.flat[at]
    factor, constant = float(f"{given / expected:.9g}"), float(f"{given - expected:.9g}")
    if factor and _all_are(calls, lambda e: given / expected * e):
        yield f"is {number(factor)} times what it should be, in every entry"
    if _all_are(calls, lambda e: given - expected + e):
        more = "more" if constant > 0 else "less"
        yield f"is {number(abs(constant))} {more} than it should be, in every entry"
    terms = [_terms(call) for call in calls]
    for what in terms[0]:
        if all(what in known for known in terms):
            values = [known[what] for known in terms]
            yield from (
                words.format(what) for do, words in _WITH_TERMS if _all_are(calls, do, values)
            )
    ratios = [np.abs(c.given / c.expected)[(c.expected != 0) & (c.given != 0)] for c in calls]
    least = min(float(np.min(ratio, initial=np.inf)) for ratio in ratios)
    if np.isfinite(least) and least > _FAR:
        yield f"is at least {number(least)} times too large in every entry that is not 0"


def _all_are(calls: Sequence[Call], wanted: Callable[..., Any], *terms: Sequence[Any]) -> bool:
    """Return whether each result is `wanted(what is right, *terms of this call)`."""
    rows = zip(calls, *terms, strict=True)
    try:
        return all(_same(call, call.given, wanted(call.expected, *own)) for call, *own in rows)
    except ValueError:  # the shapes do not fit, or there are not so many axes
        return False


def _same(call: Call, one: Any, other: Any) -> bool:
    return one.shape == np.shape(other) and bool(np.all(call.close.holds(one, other)))


def _terms(call: Call) -> dict[str, Any]:
    """Return the arguments, their sums, largest entries and lengths, by name."""
    known: dict[str, Any] = {}
    arrays = {name: real_array(value) for name, value in call.arguments.items()}
    for name, x in arrays.items():
        if x is None or not x.size:
            continue
        known[f"`{name}`"] = x
        for axis, least, of_each in _AXES if x.ndim else ():
            for words, reduction in _OVER.items() if x.ndim >= least else ():
                term = reduction(x, axis=axis, keepdims=x.ndim == call.expected.ndim)
                known[f"the {words}{of_each} of `{name}`"] = term
        if x.ndim:
            lengths = {"shape[0]": len(x), "shape[-1]": x.shape[-1], "size": x.size}
            known |= {f"`{name}.{k}`": np.array(float(n)) for k, n in lengths.items()}
            known |= {f"the logarithm of `{name}.{k}`": np.log(n) for k, n in lengths.items()}
    return known


# -- what holds in the first call that is wrong ----------------------------------------------


def _of_one(call: Call) -> Iterator[str]:
    right = call.close.holds(call.given, call.expected)
    scale = np.max(np.abs(call.expected), initial=0.0)
    error = np.max(np.abs(call.given - call.expected), initial=0.0)
    if call.close.entrywise and error <= _ROUNDING:
        yield (
            f"is off by at most {number(error)}, but entries this small have digits, too: the "
            "difference of two nearly equal numbers loses them"
        )
    if error <= _NEARLY * scale:
        yield (
            f"is nearly right: no entry is off by more than {number(error)}, and the largest is "
            f"{number(scale)}. Look for a small number that was added, a limit, or lost digits"
        )
    if not call.given.any():
        yield "is 0 everywhere"
    if call.expected.ndim and call.expected.shape[-1] >= _FEWEST:
        for operation, words in ((np.divide, "factor"), (np.subtract, "term")):
            needed = operation(call.expected, call.given)
            spread = np.ptp(needed, axis=-1)
            if np.all(spread <= 1e-9 * np.max(np.abs(needed))) and np.all(np.isfinite(needed)):
                yield (
                    f"lacks one {words} for each row, the same for all its entries. Look at what "
                    "runs over a row: over all of it, and over no other"
                )
    if call.expected.ndim > 1 and call.expected.shape[-1] == call.expected.shape[-2] > 1:
        on = np.broadcast_to(np.eye(call.expected.shape[-1], dtype=bool), right.shape)
        for part, rest, where, elsewhere in (
            (on, ~on, "on the diagonal", "off it"),
            (~on, on, "off the diagonal", "on it"),
        ):
            if right[rest].any():
                continue
            if right[part].all():
                yield f"is right {where} and wrong {elsewhere}"
            elif _same(call, call.given[part], -call.expected[part]):
                yield f"has the wrong sign {where}, and is wrong {elsewhere}, too"
    if right.size > _FEWEST and 0 < 2 * np.count_nonzero(~right) < right.size:
        places = [entry_name("", at) for at in np.argwhere(~right).tolist()]
        shown = places if len(places) <= 6 else [*places[:5], f"{len(places) - 5} more"]
        yield f"is wrong only at {listed(shown)}, of {right.size} entries"


def _of_shapes(calls: Sequence[Call]) -> Iterator[str]:
    """Yield how a result of the wrong shape could become right."""
    yield from (what for form, what in _FORMS if _all_are(calls, form))
    if _all_are(calls, lambda e, g: e.reshape(g.shape), [call.given for call in calls]):
        yield "has the right numbers in the wrong shape: look at axes of length 1, and `keepdims`"
    turned = [Call({}, call.expected, call.given, call.close) for call in calls]
    for axis in range(-max(max(call.given.ndim, call.expected.ndim) for call in calls), 0):
        for word, reduction in (("sum", np.sum), ("mean", np.mean)):
            for keepdims in (False, True):
                reduced = partial(reduction, axis=axis, keepdims=keepdims)
                if _all_are(calls, reduced):
                    yield f"is the {word} of what it should be over its axis {axis}"
                if _all_are(turned, reduced):
                    yield f"still has to be reduced: right is its {word} over its axis {axis}"
        if all(
            call.expected.ndim >= -axis
            and list(call.given.shape) == np.delete(call.expected.shape, axis).tolist()
            for call in calls
        ):
            yield f"lacks the axis {axis}"
