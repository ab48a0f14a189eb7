"""Right numbers in wrong places, and shapes that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.slopes import slopes
from tinygrad_xent.checking.subjects import fitted, precise

_MOST_AXES = 4


def _stacked(case: Case) -> Any:
    """Return the results of the rule as they came, if they have one shape and are numbers."""
    arrays = [np.asarray(r) for r in case.raw if r is not None]
    alike = len(arrays) == len(case.raw) and len({a.shape for a in arrays}) == 1
    return np.stack(arrays).astype(float) if alike and arrays[0].dtype.kind in "fiub" else None


def transposed(case: Case) -> Iterator[Claim]:
    """The right gradient with its axes in another order; or a factor that should be transposed."""
    raw = _stacked(case)
    if (
        raw is not None
        and case.x.ndim == raw.ndim - 1 <= _MOST_AXES
        and not (case.out.size < case.x.size and _fits(case.out.shape, case.x.shape))
    ):
        for order in list(permutations(range(case.x.ndim)))[1:]:
            turned = raw.transpose(0, *(axis + 1 for axis in order))
            if turned.shape == case.expected.shape:
                how = (
                    "rows and columns are exchanged"
                    if case.x.ndim == 2
                    else "its axes are in another order"
                )
                yield Claim(
                    "transposed",
                    f"The gradient of {{name}} is transposed: its numbers are right, {how}.",
                    turned,
                    "Undo what the function does to the axes, by the inverse of its order of axes.",
                )
    for j, other in enumerate(case.subject.inputs):
        if j != case.index and isinstance(other, np.ndarray) and other.ndim >= 2:
            inputs = list(case.subject.inputs)
            inputs[j] = np.swapaxes(other, -1, -2)
            if (again := case.vjp(inputs, case.out, case.upstream, case.x.shape)) is not None:
                yield Claim(
                    "transposed",
                    f"In the gradient of {{name}} the factor {case.subject.names[j]} must be "
                    "transposed: the rule is right with its rows and columns exchanged.",
                    again,
                    "For Z = X Y the gradients are grad @ Y.T and X.T @ grad.",
                )
    if case.out.ndim >= 2 and case.x.ndim >= 2:
        turned = np.swapaxes(case.upstream, -1, -2)
        if (again := case.vjp(case.subject.inputs, case.out, turned, case.x.shape)) is not None:
            yield Claim(
                "transposed",
                "In the gradient of {name} the upstream gradient is transposed, but must not be.",
                again,
                "Write the product with indices, and see which index is summed over.",
            )


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
    raw = _stacked(case)
    hint = "The gradient of an array has an entry for each of its entries."
    if raw is not None:
        if raw[0].size == case.x.size and case.right(raw.reshape(case.expected.shape)):
            hint = "The numbers are right, in this order: reshape them to the input's shape."
        elif (spread := _spread(raw, case)) is not None and case.right(spread):
            hint = (
                "The numbers are right: repeat them along the axes that the function summed over."
            )
    yield Claim(
        "wrong-shape",
        f"The gradient of {{name}} has the shape {have}, but {{name}} has {case.x.shape}.",
        None,
        hint,
    )


def _spread(raw: Any, case: Case) -> Any:
    """Put axes of length 1 where they make the result broadcast to the input."""
    shape, gone = case.x.shape, case.x.ndim - (raw.ndim - 1)
    for axis in range(case.x.ndim) if gone == 1 else ():
        wide = np.expand_dims(raw, axis + 1)
        if (
            np.broadcast_shapes(wide.shape[1:], shape) == shape
            if _fits(wide.shape[1:], shape)
            else False
        ):
            spread = np.broadcast_to(wide, case.expected.shape)
            if case.right(spread):
                return spread
    return (
        np.broadcast_to(raw.reshape(-1, *(1,) * case.x.ndim), case.expected.shape)
        if raw[0].size == 1
        else None
    )


def _fits(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    return len(small) <= len(large) and all(
        a in (1, b) for a, b in zip(small[::-1], large[::-1], strict=False)
    )


def not_summed(case: Case) -> Iterator[Claim]:
    """The gradients of the copies that broadcasting made, not summed."""
    if case.got is None:
        yield from _left_long(case)
        return
    whole = _before_the_sum(case)
    if whole is None:
        return
    extra = whole.ndim - case.expected.ndim
    axes = tuple(1 + i for i in range(extra)) + tuple(
        1 + extra + i
        for i, n in enumerate(case.x.shape)
        if n == 1 and whole.shape[1 + extra + i] > 1
    )
    n = int(np.prod([whole.shape[a] for a in axes]))
    for name, rows in (
        ("the first", whole.take(0, axes[0])),
        ("the last", whole.take(-1, axes[0])),
        ("the largest", whole.max(axis=axes)),
    ):
        part = rows.reshape(case.expected.shape) if rows.size == case.expected.size else None
        if part is not None and np.allclose(
            case.got, part, rtol=1e-6, atol=1e-9 * case.scale.max()
        ):
            yield Claim(
                "not-summed-over-broadcast",
                f"Broadcasting repeats {{name}} {n} times. Its gradient is {name} of the {n} that "
                "come back, and should be their sum.",
                None,
                "Sum over the axes along which broadcasting repeated the input.",
            )


def _left_long(case: Case) -> Iterator[Claim]:
    """A result with axes too many that, summed away, leave the right gradient."""
    raw = _stacked(case)
    if raw is None or raw.ndim - 1 > _MOST_AXES + 1:
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


def _before_the_sum(case: Case) -> Any:
    """Return the gradient of the input as if each repetition were an input of its own."""
    y = case.out.shape
    if y == case.x.shape or not _fits(case.x.shape, y):
        return None
    inputs = list(case.subject.inputs)
    inputs[case.index] = np.array(np.broadcast_to(case.x, y))
    f = case.subject.function_of(case.index, inputs)
    try:
        found = slopes(f, precise(inputs[case.index]), precise(case.upstream))
    except Exception:  # noqa: BLE001 - the function may not take the larger input
        return None
    return found.value
