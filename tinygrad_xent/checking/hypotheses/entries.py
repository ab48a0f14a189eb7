"""A gradient that is right but for a few entries, and what these have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.visualization.formatting import count

_FEW = 0.34
_NAMED = 0.5  # entries with something in common may be more than a few
_MOST_SHOWN = 4


def few_entries_wrong(case: Case) -> Iterator[Claim]:
    """Some entries, always the same, and the others right."""
    wrong = ~case.right_entries(case.got)
    places = wrong.any(axis=0)
    share = places.mean() if places.size else 0.0
    if not 0 < share < 1:
        return
    common = next((words for words, mask in _patterns(case) if (mask == places).all()), None)
    within = next(
        (words for words, mask in _patterns(case) if mask.mean() < _FEW and (mask | ~places).all()),
        None,
    )
    if share > (_NAMED if common else _FEW):
        return
    shown = [_place(index) for index in np.argwhere(places)[:_MOST_SHOWN]]
    more = "" if places.sum() <= _MOST_SHOWN else ", ..."
    where = f"{count(int(places.sum()), 'entry')} of {places.size}"
    said = f": {common}" if common else f", all among {within}" if within else ""
    yield Claim(
        "few-entries-wrong",
        f"The gradient of {{name}} is right but for {where}{said}. Wrong: "
        f"{', '.join(shown)}{more}.",
        np.where(places, case.expected, case.got),
        "The formula is right; look at what the code does at these entries.",
    )


def _place(index: Any) -> str:
    return f"[{', '.join(map(str, index))}]"


def _patterns(case: Case) -> Iterator[tuple[str, Any]]:
    """Sets of entries that mistakes are made at, with words for them."""
    x = case.x
    for name, mask in _labels(case):
        yield f"the places of the labels in {name}", mask
        yield f"all but the places of the labels in {name}", ~mask
    yield from _repeated(case)
    last_axis = x.shape[-1] if x.ndim else 0
    for axis, length in enumerate(x.shape):
        if length < 2:
            continue
        index = np.arange(length).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        along = np.broadcast_to(index, x.shape)
        for k, which in ((length - 1, "the last"), (0, "the first")):
            place = place_along(axis, x.ndim, which)
            yield place, along == k
            yield f"all but {place}", along != k
        for k in range(1, length - 1):
            yield place_along(axis, x.ndim, k), along == k
    if x.ndim >= 2 and x.shape[-1] == x.shape[-2]:
        yield "the diagonal", np.broadcast_to(np.eye(last_axis, dtype=bool), x.shape)
    yield "where {name} is 0", x == 0
    yield "where {name} is negative", x < 0
    yield "where {name} is not positive", x <= 0
    yield "where {name} is positive", x > 0
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
    for name, value in case.subject.params.items():
        if isinstance(value, float):
            yield f"where {{name}} is below {name}", x < value
            yield f"where {{name}} is above {name}", x > value
    for axis in range(x.ndim):
        yield f"the largest along axis {axis}", x == x.max(axis=axis, keepdims=True)
        yield f"the smallest along axis {axis}", x == x.min(axis=axis, keepdims=True)
        yield f"all but the largest along axis {axis}", x != x.max(axis=axis, keepdims=True)
    yield "the largest", x == x.max()
    yield "the smallest", x == x.min()
    yield "where {name} is 1 or larger in size", np.abs(x) >= 1


def place_along(axis: int, ndim: int, which: int | str) -> str:
    """Return a row, column or slice in words: "row 3", "the last column", "slice 0 of axis 1"."""
    noun = "entry" if ndim == 1 else {ndim - 1: "column", ndim - 2: "row"}.get(axis, "slice")
    place = f"{which} {noun}" if isinstance(which, str) else f"{noun} {which}"
    return f"{place} of axis {axis}" if noun == "slice" else place


def _labels(case: Case) -> Iterator[tuple[str, Any]]:
    """Class numbers among the inputs and parameters, as places in the input."""
    named = [
        *zip(case.subject.names, case.subject.inputs, strict=True),
        *case.subject.params.items(),
    ]
    for name, value in named:
        labels = np.asarray(value) if value is not None else np.empty(0)
        if labels.dtype.kind in "iu" and labels.ndim == case.x.ndim - 1 and labels.size:
            for axis in range(case.x.ndim):
                if labels.shape == case.x.shape[:axis] + case.x.shape[axis + 1 :]:
                    classes = np.arange(case.x.shape[axis]).reshape(
                        [-1 if a == axis else 1 for a in range(case.x.ndim)]
                    )
                    yield name, classes == np.expand_dims(labels, axis)
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
    index = case.subject.params.get("index", case.subject.params.get("indices"))
    candidates = (
        [index]
        if index is not None
        else [v for v in case.subject.inputs if np.asarray(v).dtype.kind in "iu"]
    )
    for given in candidates:
        try:
            read = (
                numbers[given]
                if case.subject.params.get("axis", 0) in (0, None)
                else np.take(numbers, given, axis=case.subject.params["axis"])
            )
        except (IndexError, TypeError):
            continue
        times = np.bincount(read.ravel(), minlength=case.x.size).reshape(case.x.shape)
        yield "what is read more than once", times > 1
        yield "what is read", times > 0
