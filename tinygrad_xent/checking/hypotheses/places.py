"""Right numbers in wrong places, and contributions that are left out."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.hypotheses.shapes import MOST_AXES, fits, stacked
from tinygrad_xent.checking.slopes import slopes
from tinygrad_xent.checking.subjects import is_real, precise
from tinygrad_xent.visualization.naming import entry_name

_MOST_SHIFTED = 4
_MOST_OUTPUTS = 512  # entries: the rule is asked for each
_LARGEST_JACOBIAN = 100_000
_BACK = "Send what comes back for an entry of the output to the entry that it was made of."


def transposed(case: Case) -> Iterator[Claim]:
    """The right gradient with its axes in another order; or a factor that should be turned."""
    raw = stacked(case)
    if (
        raw is not None
        and case.x.ndim == raw.ndim - 1 <= MOST_AXES
        and not (case.out.size < case.x.size and fits(case.out.shape, case.x.shape))
    ):
        how = (
            "rows and columns are exchanged"
            if case.x.ndim == 2
            else "its axes are in another order"
        )
        for order in list(permutations(range(case.x.ndim)))[1:]:
            turned = raw.transpose(0, *(axis + 1 for axis in order))
            if turned.shape == case.expected.shape:
                yield Claim(
                    "transposed",
                    f"The gradient of {{name}} is transposed: its numbers are right, {how}.",
                    turned,
                    "Undo what the function does to the axes, by the inverse of its order of axes.",
                    undo="transpose it",
                )
    for turned, message, hint in _turned_factors(case):
        inputs, upstream = turned
        if (again := case.vjp(inputs, case.out, upstream, case.x.shape)) is not None:
            yield Claim("transposed", f"In the gradient of {{name}} {message}", again, hint)


def _turned_factors(case: Case) -> Iterator[tuple[tuple[Any, Any], str, str]]:
    """Yield other inputs and upstream gradients to hand to the rule, and what they undo."""
    given = case.subject.inputs
    for j, (name, other) in enumerate(zip(case.subject.names, given, strict=True)):
        if j == case.index or not is_real(other):
            continue
        if other.ndim >= 2:
            yield (
                ([*given[:j], np.swapaxes(other, -1, -2), *given[j + 1 :]], case.upstream),
                f"the factor {name} must be transposed: so turned, the rule is right.",
                "For Z = X Y the gradients are grad @ Y.T and X.T @ grad.",
            )
        for axis in range(other.ndim):
            where = f" along axis {axis}" if other.ndim > 1 else ""
            yield (
                ([*given[:j], np.flip(other, axis), *given[j + 1 :]], case.upstream),
                f"the factor {name} runs the wrong way: reversed{where} it is right.",
                "In a convolution what comes back meets the kernel from its other end.",
            )
    if case.out.ndim >= 2 and case.x.ndim >= 2:
        yield (
            (given, np.swapaxes(case.upstream, -1, -2)),
            "the upstream gradient is transposed, but must not be.",
            "Write the product with indices, and see which index is summed over.",
        )


def misplaced(case: Case) -> Iterator[Claim]:
    """The right numbers in other places: shifted, reversed, or in another order."""
    for axis, n in enumerate(case.x.shape):
        where = f" along axis {axis}" if case.x.ndim > 1 else ""
        moves = [
            (f"shifted by {abs(k)}", np.roll(case.got, k, axis + 1))
            for m in range(1, min(n, _MOST_SHIFTED + 1))
            for k in (m, -m)
        ]
        for how, moved in (*moves, ("reversed", np.flip(case.got, axis + 1))):
            yield Claim(
                "transposed",
                f"The gradient of {{name}} is {how}{where}: its numbers are right, in the wrong "
                "places.",
                moved,
                _BACK,
            )
    flat, right = (a.reshape(len(a), -1) for a in (case.got, case.expected))
    order = np.argsort(flat[0])[np.argsort(np.argsort(right[0]))]
    yield Claim(
        "transposed",
        "The numbers of the gradient of {name} are right, in the wrong order.",
        flat[:, order].reshape(case.got.shape),
        _BACK,
    )


def left_out(case: Case) -> Iterator[Claim]:
    """Of the entries of the output that an entry goes into, only some come back; or others."""
    x, y = case.x, case.out
    if not 1 < y.size <= _MOST_OUTPUTS or x.size * y.size > _LARGEST_JACOBIAN:
        return
    units = np.eye(y.size).reshape(-1, *y.shape)
    mine = case.vjp(case.subject.inputs, y, units, x.shape)
    if mine is None:
        return
    right = slopes(case.subject.function_of(case.index), precise(x), units).value
    mine, right = mine.reshape(y.size, -1), right.reshape(y.size, -1)
    close = max(1e-6, 2000 * case.epsilon) * np.abs(right).max()
    taken, needed = np.abs(mine) > close, np.abs(right) > close
    if mine.shape == right.T.shape and np.abs(mine - right.T).max() <= close:
        yield Claim(
            "transposed",
            "The rule runs forwards: it multiplies grad by the Jacobian, not by its transpose.",
            None,
            "What the function moves from entry i to entry j comes back from entry j to entry i.",
        )
    lost = (needed & ~taken).sum(axis=0)
    if (np.abs(mine - right)[taken] > close).any():
        return
    worst = int(np.argmax(lost))
    some, whole = int(taken[:, worst].sum()), int(needed[:, worst].sum())
    if 0 < some < whole:
        at = entry_name("{name}", np.unravel_index(worst, x.shape))
        yield Claim(
            "not-summed-over-broadcast",
            f"What comes back to {{name}} is not added up: {at} goes into {whole} entries "
            f"of the output, and the rule takes the contributions of {some} of them only.",
            None,
            "What is used several times gets the sum of what comes back from each use: += and "
            "not =.",
        )
