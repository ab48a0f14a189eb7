"""Right numbers in wrong places, sums along a wrong axis, and contributions that are left out."""

from collections.abc import Iterator
from itertools import combinations, permutations
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.hypotheses.shapes import MOST_AXES, fits, stacked
from tinygrad_xent.checking.slopes import slopes
from tinygrad_xent.checking.subjects import is_real, precise
from tinygrad_xent.visualization.naming import entry_name

_MOST_SHIFTED = 4
_MOST_ROWS = 64
_MOST_OUTPUTS = 512  # entries: the rule is asked for each
_LARGEST_JACOBIAN = 100_000
_BACK = "Send what comes back for an entry of the output to the entry that it was made of."


def transposed(case: Case) -> Iterator[Claim]:
    """The right gradient with its axes in another order; or a factor that should be turned."""
    raw, ndim = stacked(case), case.x.ndim
    narrow = case.out.size < case.x.size and fits(case.out.shape, case.x.shape)
    if raw is not None and ndim == raw.ndim - 1 <= MOST_AXES and not narrow:
        how = "rows and columns are exchanged" if ndim == 2 else "its axes are in another order"
        for order in list(permutations(range(ndim)))[1:]:
            turned = raw.transpose(0, *(axis + 1 for axis in order))
            if turned.shape == case.expected.shape:
                yield Claim(
                    "transposed",
                    f"The gradient of {{name}} is transposed: its numbers are right, {how}.",
                    turned,
                    "Undo what the function does to the axes, by the inverse of its order of axes.",
                    undo="transpose it",
                )
    for inputs, upstream, message, hint in _turned_factors(case):
        if (again := case.vjp(inputs, case.out, upstream, case.x.shape)) is not None:
            yield Claim("transposed", f"In the gradient of {{name}} {message}", again, hint)


def _turned_factors(case: Case) -> Iterator[tuple[Any, Any, str, str]]:
    """Yield other inputs and upstream gradients to hand to the rule, and what they undo."""
    given, upstream = case.subject.inputs, case.upstream
    for j, (name, other) in enumerate(zip(case.subject.names, given, strict=True)):
        if j == case.index or not is_real(other):
            continue
        if other.ndim >= 2:
            message = f"the factor {name} must be transposed: so turned, the rule is right."
            hint = "For Z = X Y the gradients are grad @ Y.T and X.T @ grad."
            turned = np.swapaxes(other, -1, -2)
            yield [*given[:j], turned, *given[j + 1 :]], upstream, message, hint
        for axis in range(other.ndim):
            where = f" along axis {axis}" if other.ndim > 1 else ""
            message = f"the factor {name} runs the wrong way: reversed{where} it is right."
            hint = "In a convolution what comes back meets the kernel from its other end."
            turned = np.flip(other, axis)
            yield [*given[:j], turned, *given[j + 1 :]], upstream, message, hint
    if case.out.ndim >= 2 and case.x.ndim >= 2:
        message = "the upstream gradient is transposed, but must not be."
        hint = "Write the product with indices, and see which index is summed over."
        yield given, np.swapaxes(upstream, -1, -2), message, hint


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


def wrong_axis(case: Case) -> Iterator[Claim]:
    """Right with its axes exchanged, or with one row at a time: then a sum takes a wrong way."""
    alone, ndim = _rows_alone(case), case.x.ndim
    pairs = combinations(range(ndim), 2)
    for a, b in pairs if case.subject.params.get("axis") is not None or alone is not None else ():

        def turned(x: Any, a: int = a, b: int = b) -> Any:
            return np.swapaxes(x, a, b) if isinstance(x, np.ndarray) and x.ndim == ndim else x

        inputs, upstream = [
            [*map(turned, arrays)] for arrays in (case.subject.inputs, case.upstream)
        ]
        again = case.vjp(inputs, turned(case.out), upstream, inputs[case.index].shape)
        if again is not None:
            yield Claim(
                "wrong-axis",
                f"The rule for {{name}} works along the wrong axis: it is right with the axes {a} "
                f"and {b} exchanged.",
                np.swapaxes(again, a + 1, b + 1),
                "Sum along the axis that the function works along. Is a number written where the "
                "parameter `axis` belongs?",
            )
    if alone is not None:
        yield Claim(
            "wrong-axis",
            "The rule for {name} mixes the rows of the batch: it is right for one row at a time.",
            alone,
            "Does a sum run over the whole array? It should run along one axis, with keepdims.",
        )


def _rows_alone(case: Case) -> Any:
    """Return the gradients of one row at a time, or None where rows depend on each other."""
    n = case.x.shape[0] if case.x.ndim else 0
    if not (1 < n <= _MOST_ROWS and case.out.ndim and case.out.shape[0] == n):
        return None
    if not case.apart(0):
        return None
    parts = []
    for k in range(n):
        inputs = [
            x[k : k + 1] if isinstance(x, np.ndarray) and x.ndim and len(x) == n else x
            for x in case.subject.inputs
        ]
        upstream, shape = case.upstream[:, k : k + 1], (1, *case.x.shape[1:])
        part = case.vjp(inputs, case.out[k : k + 1], upstream, shape)
        if part is None:
            return None
        parts.append(part)
    return np.concatenate(parts, axis=1)


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
