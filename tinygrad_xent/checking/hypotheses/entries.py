"""Gradients that are wrong in a family of entries, and what these have in common."""

from collections.abc import Iterator
from itertools import combinations
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
    common = next((said for said, mask in patterns if _alike(mask, places, known)), None)
    if share > (named if common else unnamed):
        return
    within = (
        said for said, mask in patterns if mask.mean() < _FEW and (mask | ~places)[known].all()
    )
    among = f", all among {found}" if (found := next(within, "")) else ""
    shown = ", ".join(entry_name("", index) for index in np.argwhere(places)[:_MOST_SHOWN])
    more = "" if places.sum() <= _MOST_SHOWN else ", ..."
    compared = "" if known.all() else " that can be compared"
    yield Claim(
        "few-entries-wrong",
        f"The gradient of {{name}} is right but for {count(int(places.sum()), 'entry')} of "
        f"{known.sum()}{compared}{f': {common}' if common else among}. Wrong: {shown}{more}."
        f"{_there(case, places)}",
        np.where(places, case.expected, case.got),
        "The formula is right; look at what the code does at these entries.",
    )


def _alike(mask: Any, places: Any, known: Any) -> bool:
    return bool((mask == places)[known].all())


def _there(case: Case, places: Any) -> str:
    """Return what the gradient is in the wrong entries, and should be, if it is the same in all."""
    got, expected = case.got[:, places], case.expected[:, places]
    should = "0" if not expected.any() else ""
    upstream = case.upstream[:, places] if case.upstream.shape == case.got.shape else None
    sure = (case.tolerance[:, places] <= _SURE * np.abs(expected)).all()
    factor = _factor(got, expected) if sure else None
    if not got.any():
        found = "0"
    elif upstream is not None and np.array_equal(got, upstream):
        found = "grad itself"
    elif len(got) > 1 and np.array_equal(got, np.broadcast_to(got[:1], got.shape)):
        found = "the same for every upstream gradient"
    elif factor is not None:
        return f" There it is {written(factor)} times what it should be."
    elif should:
        return " There it should be 0."
    else:
        return ""
    return f" There it is {found}{f', and should be {should}' if should else ''}."


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
    x = case.x
    for name, mask in _labels(case):
        yield f"the places of the labels in {name}", mask
        yield f"all but the places of the labels in {name}", ~mask
        for axis in range(x.ndim):
            for shift, which in ((1, "after"), (-1, "before")):
                moved = np.roll(mask, shift, axis)
                yield f"the places of the labels in {name}, and those {which} them", mask | moved
    yield from _repeated(case)
    for axis, length in enumerate(x.shape):
        if length < 2:
            continue
        along = _along(axis, x)
        for k, which in ((length - 1, "the last"), (0, "the first")):
            where = place_along(axis, x.ndim, which)
            yield where, along == k
            yield f"all but {where}", along != k
        for k in range(1, length - 1):
            yield place_along(axis, x.ndim, k), along == k
    if x.ndim >= 2:
        rows, columns = np.indices(x.shape)[-2:]
        if x.shape[-1] == x.shape[-2]:
            yield "the diagonal", rows == columns
            yield "all but the diagonal", rows != columns
        yield "those above the diagonal", rows < columns
        yield "those below the diagonal", rows > columns
    yield from _sides(case)
    for axis in range(x.ndim):
        yield f"the largest along axis {axis}", x == x.max(axis=axis, keepdims=True)
        yield f"the smallest along axis {axis}", x == x.min(axis=axis, keepdims=True)
        yield f"all but the largest along axis {axis}", x != x.max(axis=axis, keepdims=True)
        yield f"all but the smallest along axis {axis}", x != x.min(axis=axis, keepdims=True)
    yield "the largest", x == x.max()
    yield "the smallest", x == x.min()
    flat = (case.expected == 0).all(axis=0)
    yield "where the true gradient is 0 (clipped, cut off or not chosen)", flat
    yield "where the true gradient is not 0", ~flat
    yield "where the gradient is 0 though it should not be", (case.got == 0).all(axis=0) & ~flat
    if case.out.shape == x.shape:
        yield (
            "the clipped ones, where the output is at its limits",
            (case.out == case.out.min()) | (case.out == case.out.max()),
        )
        yield "where the function changes the value of {name}", case.out != x
        yield "where the function leaves {name} as it is", case.out == x
    yield from _slices(case)


def _sides(case: Case) -> Iterator[Pattern]:
    """Conditions on the numbers themselves, as `where` and masks have them."""
    x = case.x
    yield "where {name} is 0", x == 0
    yield "where {name} is not 0", x != 0
    yield "where {name} is negative", x < 0
    yield "where {name} is not positive", x <= 0
    yield "where {name} is positive", x > 0
    limits: list[Pattern] = [
        (name, v) for name, v in case.subject.params.items() if isinstance(v, Real)
    ]
    for i, name in enumerate(case.subject.names):
        other = np.asarray(case.subject.inputs[i])
        if i == case.index or other.dtype.kind not in "fiub" or not fits(other.shape, x.shape):
            continue
        if other.dtype.kind == "b" or set(np.unique(other)) <= {0, 1}:
            yes, no = ("true", "false") if other.dtype.kind == "b" else ("1", "0")
            yield f"where {name} is {yes}", np.broadcast_to(other == 1, x.shape)
            yield f"where {name} is {no}", np.broadcast_to(other != 1, x.shape)
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
        if (
            rows.dtype.kind in "iub"
            and 0 < rows.ndim < x.ndim
            and rows.shape == x.shape[: rows.ndim]
        ):
            wide = rows.reshape(rows.shape + (1,) * (x.ndim - rows.ndim))
            for k in np.unique(rows)[:10]:
                yield f"where {name} is {k}", np.broadcast_to(wide == k, x.shape)
    for axis in range(x.ndim if x.ndim > 1 else 0):
        others = tuple(a for a in range(x.ndim) if a != axis)
        numbers = np.flatnonzero(places.any(axis=others))
        whole = np.isin(np.arange(x.shape[axis]), numbers)
        mask = np.broadcast_to(np.expand_dims(whole, others), x.shape)
        listed = ", ".join(map(str, numbers[:_MOST_SHOWN]))
        more = ", ..." if len(numbers) > _MOST_SHOWN else ""
        yield f"the whole of {listed}{more} along axis {axis}", mask


def place_along(axis: int, ndim: int, which: int | str) -> str:
    """Return a row, column or slice in words: "row 3", "the last column", "slice 0 of axis 1"."""
    noun = "entry" if ndim == 1 else {ndim - 1: "column", ndim - 2: "row"}.get(axis, "slice")
    place = f"{which} {noun}" if isinstance(which, str) else f"{noun} {which}"
    return f"{place} of axis {axis}" if noun == "slice" else place


def _along(axis: int, x: Any) -> Any:
    """Return for each entry of an array its index along an axis."""
    return np.broadcast_to(np.indices(x.shape, sparse=True)[axis], x.shape)


def _labels(case: Case) -> Iterator[tuple[str, Any]]:
    """Class numbers among the inputs and parameters, as places in the input."""
    subject = case.subject
    given = zip(subject.names, subject.inputs, strict=True)
    for name, value in (*given, *subject.params.items()):
        labels = np.asarray(value) if value is not None else np.empty(0)
        if labels.dtype.kind in "iu" and labels.ndim == case.x.ndim - 1 and labels.size:
            for axis in range(case.x.ndim):
                if labels.shape == case.x.shape[:axis] + case.x.shape[axis + 1 :]:
                    yield name, _along(axis, case.x) == np.expand_dims(labels, axis)
        if (
            name != case.name
            and labels.dtype.kind == "f"
            and labels.shape == case.x.shape
            and set(np.unique(labels)) <= {0.0, 1.0}
        ):
            yield name, labels == 1


def _repeated(case: Case) -> Iterator[tuple[str, Any]]:
    """Entries that an index names more than once."""
    numbers = np.arange(case.x.size).reshape(case.x.shape)
    params = case.subject.params
    index, axis = params.get("index", params.get("indices")), params.get("axis", 0)
    whole = [v for v in case.subject.inputs if np.asarray(v).dtype.kind in "iu"]
    for given in whole if index is None else [index]:
        try:
            read = numbers[given] if axis in (0, None) else np.take(numbers, given, axis=axis)
        except (IndexError, TypeError):
            continue
        times = np.bincount(read.ravel(), minlength=case.x.size).reshape(case.x.shape)
        yield "what is read more than once", times > 1
        yield "what is read", times > 0
