"""Shapes that do not fit, and gradients of other inputs."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.subjects import fitted

MOST_AXES = 4


def stacked(case: Case) -> Any:
    """Return the results of the rule as they came, if they have one shape and are numbers."""
    arrays = [np.asarray(r) for r in case.raw if r is not None]
    alike = len(arrays) == len(case.raw) and len({a.shape for a in arrays}) == 1
    return np.stack(arrays).astype(float) if alike and arrays[0].dtype.kind in "fiub" else None


def gradients_swapped(case: Case) -> Iterator[Claim]:
    """The gradient of another input, which has got this one's."""
    for other in case.others:
        if other.index == case.index or other.x.shape == () != case.x.shape:
            continue
        theirs = [fitted(r, case.x.shape) for r in other.raw]
        mine = [fitted(r, other.x.shape) for r in case.raw]
        if any(part is None for part in (*theirs, *mine)):
            continue
        if not other.right(np.stack(mine)) or not any(np.abs(p).max(initial=0) > 0 for p in mine):
            continue
        a, b = sorted((case.index, other.index))
        names = case.subject.names
        yield Claim(
            "gradients-swapped",
            f"The gradients of {names[a]} and {names[b]} are exchanged: each is right for the "
            "other.",
            np.stack(theirs),
            f"Return them in the order of the inputs: ({', '.join(names)}).",
        )


def wrong_shape(case: Case) -> Iterator[Claim]:
    """A shape that the input's gradient cannot have."""
    if case.got is not None:
        return
    shapes = {np.shape(r) for r in case.raw}
    have = " or ".join(map(str, sorted(shapes, key=str)))
    raw = stacked(case)
    hint = "The gradient of an array has an entry for each of its entries."
    if (
        raw is not None
        and raw[0].size == case.x.size
        and case.right(raw.reshape(case.expected.shape))
    ):
        hint = "The numbers are right, in this order: reshape them to the input's shape."
    elif raw is not None and any(map(case.right, _spread(raw, case))):
        hint = "The numbers are right: repeat them along the axes that the function summed over."
    yield Claim(
        "wrong-shape",
        f"The gradient of {{name}} has the shape {have}, but {{name}} has {case.x.shape}.",
        None,
        hint,
    )


def _spread(raw: Any, case: Case) -> Iterator[Any]:
    """Yield results with axes of length 1 where they make them broadcast to the input."""
    for gone in combinations(range(case.x.ndim), max(0, case.x.ndim - raw.ndim + 1)):
        wide = np.expand_dims(raw, tuple(axis + 1 for axis in gone))
        if fits(wide.shape[1:], case.x.shape):
            yield np.broadcast_to(wide, case.expected.shape)


def fits(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Return whether an array of a shape broadcasts to another."""
    try:
        return np.broadcast_shapes(small, large) == large
    except ValueError:
        return False


def not_summed(case: Case) -> Iterator[Claim]:
    """A result with axes too many that, summed away, leave the right gradient."""
    raw = stacked(case)
    if case.got is not None or raw is None or raw.ndim - 1 > MOST_AXES + 1:
        return
    long = [axis for axis in range(1, raw.ndim) if raw.shape[axis] > 1]
    for number in range(1, len(long) + 1):
        for axes in combinations(long, number):
            for summed in (raw.sum(axis=axes), raw.sum(axis=axes, keepdims=True)):
                if summed.shape == case.expected.shape:
                    which = " and ".join(str(axis - 1) for axis in axes)
                    noun = "axis" if number == 1 else "axes"
                    yield Claim(
                        "not-summed-over-broadcast",
                        f"The gradient of {{name}} has the shape {raw.shape[1:]}, but {{name}} has "
                        f"{case.x.shape}: it is not summed over the {noun} {which}, along which "
                        "broadcasting repeats {name}.",
                        summed,
                        "An input that is used several times gets the sum of the gradients of its "
                        "uses.",
                    )
