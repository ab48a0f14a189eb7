"""Gradients that are wrong in a family of entries, and what these have in common."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import combinations, islice, product
from numbers import Real
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.hypotheses.shapes import fits
from tinygrad_xent.visualization.formatting import count, number
from tinygrad_xent.visualization.naming import entry_name

_FEW = 0.34
_NAMED = 0.5  # entries with something in common may be more than a few
_ENOUGH = 6  # entries: with fewer, some condition or other always fits
_MOST_SHOWN = 4
_SURE = 1e-3  # of a slope
_SAME = 1e-6  # of a factor that is the same in several entries

Pattern = tuple[str, Any]


def few_entries_wrong(case: Case) -> Iterator[Claim]:
    """Some entries, always the same, and the others right."""
    yield from _family(case, _FEW, _NAMED)


def family_wrong(case: Case) -> Iterator[Claim]:
    """Most entries wrong, with something in common; or the two sides of something exchanged."""
    if case.x.size >= _ENOUGH:
        yield from _family(case, 0.0, 1.0)
    yield from _on_both_sides(case)


def _family(case: Case, unnamed: float, named: float) -> Iterator[Claim]:
    known = np.isfinite(case.expected).all(axis=0)
    places = ~case.right_entries(case.got).all(axis=0)
    share = places.sum() / max(1, known.sum())
    if not 0 < share < 1:
        return
    patterns = list(_patterns(case))
    common = next((said for said, mask in patterns if (mask == places)[known].all()), "")
    if share > (named if common else unnamed):
        return
    few = (said for said, mask in patterns if mask.mean() < _FEW and (mask | ~places)[known].all())
    what = f": {common}" if common else f", all among {found}" if (found := next(few, "")) else ""
    compared = "" if known.all() else " that can be compared"
    yield Claim(
        "few-entries-wrong",
        f"The gradient of {{name}} is right but for {count(int(places.sum()), 'entry')} of "
        f"{known.sum()}{compared}{what}. Wrong: "
        f"{_listed(entry_name('', index) for index in np.argwhere(places))}."
        f"{_there(case, places)}",
        np.where(places, case.expected, case.got),
        "The formula is right; look at what the code does at these entries.",
    )


def _listed(names: Iterable[Any]) -> str:
    """Return the first few names."""
    first = [str(name) for name in islice(names, _MOST_SHOWN + 1)]
    return ", ".join([*first[:_MOST_SHOWN], *["..."] * (len(first) > _MOST_SHOWN)])


def _there(case: Case, places: Any) -> str:
    """Return what the gradient is in the wrong entries, and should be, if it is the same in all."""
    got, expected = case.got[:, places], case.expected[:, places]
    upstream = case.upstream[:, places] if case.upstream.shape == case.got.shape else np.nan
    should = "" if expected.any() else ", and should be 0"
    sure = (case.tolerance[:, places] <= _SURE * np.abs(expected)).all()
    if not got.any():
        return f" There it is 0{should}."
    if (got == upstream).all():
        return f" There it is grad itself{should}."
    if len(got) > 1 and not np.ptp(got, axis=0).any():
        return f" There it is the same for every upstream gradient{should}."
    if sure and (factor := _factor(got, expected)):
        return f" There it is {written(factor)} times what it should be."
    return " There it should be 0." if should else ""


def _on_both_sides(case: Case) -> Iterator[Claim]:
    """One factor where something holds, and another factor elsewhere."""
    for said, mask in _sides(case):
        if not mask.any() or mask.all():
            continue
        here, there = (_factor(case.got[:, m], case.expected[:, m]) for m in (mask, ~mask))
        if here is None or there is None or abs(here - there) <= _SAME * abs(here):
            continue
        yield Claim(
            "constant-factor",
            f"The gradient of {{name}} is {written(here)} times what it should be {said}, and "
            f"{written(there)} times elsewhere.",
            case.got / np.where(mask, here, there),
            "Look at the condition, and at what stands on its two sides.",
        )


def _factor(got: Any, expected: Any) -> float | None:
    """Return the number that some entries are multiplied by, if it is one number."""
    large = np.abs(expected) > 1e-3 * np.max(np.abs(expected), initial=0.0)
    ratios = got[large] / expected[large]
    if not ratios.size or not np.isfinite(ratios).all():
        return None
    factor = float(np.median(ratios))
    same = np.allclose(got, factor * expected, rtol=_SAME, atol=_SAME * np.abs(got).max())
    return factor if factor and same else None


def written(factor: float) -> str:
    """Return a factor as 1/n or n if it is one, else in so many digits that it is not 1."""
    for value, text in ((factor, "{}"), (1 / factor, "1/{}")):
        if abs(value - round(value)) <= _SAME * abs(value) and value != 1:
            return text.format(round(value)) if value > 0 else f"{factor:.4g}"
    short = number(factor)
    return short if float(short) != 1 else f"{factor:.9g}"


# -- sets of entries that mistakes are made at, with words for them ---------------------------


def _patterns(case: Case) -> Iterator[Pattern]:
    """Yield sets of entries with words for them, then what is left of each."""
    for told in ([*_places(case)], [*_conditions(case)]):
        yield from told
        for said, mask in told:
            words = said.replace(" is ", " is not ", 1) if " is " in said else f"all but {said}"
            yield words, ~mask
    yield from _slices(case)


def _places(case: Case) -> Iterator[Pattern]:
    x = case.x
    for name, mask in _labels(case):
        at = f"the places of the labels in {name}"
        yield at, mask
        for axis, (shift, which) in product(range(x.ndim), ((1, "after"), (-1, "before"))):
            yield f"{at}, and those {which} them", mask | np.roll(mask, shift, axis)
    yield from _repeated(case)
    for axis, length in enumerate(x.shape):
        index = np.indices(x.shape)[axis]
        for k in range(length) if length > 1 else ():
            named = "the last" if k == length - 1 else k or "the first"
            yield place_along(axis, x.ndim, named), index == k
    if x.ndim >= 2:
        rows, columns = np.indices(x.shape)[-2:]
        if x.shape[-1] == x.shape[-2]:
            yield "the diagonal", rows == columns
        yield "those above the diagonal", rows < columns
        yield "those below the diagonal", rows > columns


def _conditions(case: Case) -> Iterator[Pattern]:
    """Conditions on the numbers of the input, of the output, and of the true gradient."""
    x, y = case.x, case.out
    yield from _sides(case)
    for axis in range(x.ndim):
        yield f"the largest along axis {axis}", x == x.max(axis=axis, keepdims=True)
        yield f"the smallest along axis {axis}", x == x.min(axis=axis, keepdims=True)
    yield "the largest", x == x.max()
    yield "the smallest", x == x.min()
    flat = (case.expected == 0).all(axis=0)
    yield "where the true gradient is 0", flat
    yield "those that get 0, and should not", (case.got == 0).all(axis=0) & ~flat
    if y.shape == x.shape:
        yield "the clipped ones, at the limits of the output", (y == y.min()) | (y == y.max())
        yield "where the output is {name} itself", y == x


def _sides(case: Case) -> Iterator[Pattern]:
    """Conditions on the numbers themselves, as `where` and masks have them."""
    x = case.x
    yield "where {name} is 0", x == 0
    yield "where {name} is negative", x < 0
    yield "where {name} is positive", x > 0
    limits: list[Pattern] = [
        (name, v) for name, v in case.subject.params.items() if isinstance(v, Real)
    ]
    for i, name in enumerate(case.subject.names):
        other = np.asarray(case.subject.inputs[i])
        if i == case.index or other.dtype.kind not in "fiub" or not fits(other.shape, x.shape):
            continue
        if other.dtype.kind == "b" or set(np.unique(other)) <= {0, 1}:
            for value, said in enumerate(("false", "true") if other.dtype.kind == "b" else "01"):
                yield f"where {name} is {said}", np.broadcast_to(other == value, x.shape)
        elif other.dtype.kind == "f":
            limits.append((name, other))
    for name, limit in limits:
        yield f"where {{name}} is below {name}", x < limit
        yield f"where {{name}} is above {name}", x > limit
        yield f"where {{name}} is {name}", x == limit
        yield f"where {{name}} is larger in size than {name}", np.abs(x) > limit
        yield f"where {{name}} is smaller in size than {name}", np.abs(x) < limit
    for (low, a), (high, b) in combinations(limits, 2):
        yield f"outside of {low} and {high}", (x < np.minimum(a, b)) | (x > np.maximum(a, b))
        yield f"between {low} and {high}", (x > np.minimum(a, b)) & (x < np.maximum(a, b))
    yield "where {name} is 1 or larger in size", np.abs(x) >= 1


def _slices(case: Case) -> Iterator[Pattern]:
    """Whole rows, columns, ...: several of them, and those that a label or a mask chooses."""
    x, places = case.x, ~case.right_entries(case.got).all(axis=0)
    for name, value in zip(case.subject.names, case.subject.inputs, strict=True):
        rows = np.asarray(value)
        chooses = rows.dtype.kind in "iub" and 0 < rows.ndim < x.ndim
        if chooses and rows.shape == x.shape[: rows.ndim]:
            wide = rows.reshape(rows.shape + (1,) * (x.ndim - rows.ndim))
            for k in np.unique(rows)[:10]:
                yield f"where {name} is {k}", np.broadcast_to(wide == k, x.shape)
    for axis in range(x.ndim if x.ndim > 1 else 0):
        others = tuple(a for a in range(x.ndim) if a != axis)
        whole = places.any(axis=others, keepdims=True)
        yield (
            f"the whole of {_listed(np.flatnonzero(whole))} along axis {axis}",
            np.broadcast_to(whole, x.shape),
        )


def place_along(axis: int, ndim: int, which: int | str) -> str:
    """Return a row, column or slice in words: "row 3", "the last column", "slice 0 of axis 1"."""
    noun = "entry" if ndim == 1 else {ndim - 1: "column", ndim - 2: "row"}.get(axis, "slice")
    place = f"{which} {noun}" if isinstance(which, str) else f"{noun} {which}"
    return f"{place} of axis {axis}" if noun == "slice" else place


def _labels(case: Case) -> Iterator[Pattern]:
    """Class numbers among the inputs and parameters, as places in the input."""
    x, subject = case.x, case.subject
    given = zip(subject.names, subject.inputs, strict=True)
    for name, value in (*given, *subject.params.items()):
        labels = np.asarray(np.nan if value is None else value)
        for axis in range(x.ndim if labels.dtype.kind in "iu" and labels.size else 0):
            if labels.shape == x.shape[:axis] + x.shape[axis + 1 :]:
                yield name, np.indices(x.shape)[axis] == np.expand_dims(labels, axis)
        one_hot = labels.dtype.kind == "f" and set(np.unique(labels)) <= {0.0, 1.0}
        if name != case.name and one_hot and labels.shape == x.shape:
            yield name, labels == 1


def _repeated(case: Case) -> Iterator[Pattern]:
    """Entries that an index names, and those that it names more than once."""
    numbers, params = np.arange(case.x.size).reshape(case.x.shape), case.subject.params
    index, axis = params.get("index", params.get("indices")), params.get("axis", 0)
    whole = [v for v in case.subject.inputs if np.asarray(v).dtype.kind in "iu"]
    for given in whole if index is None else [index]:
        with suppress(IndexError, TypeError):
            read = numbers[given] if axis in (0, None) else np.take(numbers, given, axis=axis)
            times = np.bincount(read.ravel(), minlength=case.x.size).reshape(case.x.shape)
            yield "what is read more than once", times > 1
            yield "what is read", times > 0
