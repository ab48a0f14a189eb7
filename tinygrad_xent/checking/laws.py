"""Laws that a gradient must obey because of what its function is seen to do.

Each law tries one property of the function at a point, and yields what follows for the gradient.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_xent.checking.samples import samples
from tinygrad_xent.checking.subjects import Subject, fitted, is_real, precise, subject_of
from tinygrad_xent.errors import RuleResultError
from tinygrad_xent.op import Op
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.naming import entry_name
from tinygrad_xent.visualization.readable import Readable
from tinygrad_xent.visualization.tables import html_table, styled, table


@dataclass(frozen=True, repr=False)
class Law(Readable):
    """What must hold for the gradient of one input.

    Attributes
    ----------
    code : str
        "shape", "linear", "shift", "scale", "total", "batch", "symmetry" or "convexity"; "in-place"
        for a rule that writes into its arguments, "not-repeatable" for one that keeps an array.
    input : str
        Whose gradient.
    ok : bool
    because : str
        What the function does, and what follows for the gradient.
    numbers : str
        Where the law is broken: what was found instead.
    """

    code: str
    input: str
    ok: bool
    because: str
    numbers: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.because, self.numbers)))


@dataclass(frozen=True, repr=False)
class Invariants(Readable, Sequence[Law]):
    """The laws that apply to a rule, and whether it keeps them. True if it keeps all.

    Examples
    --------
    >>> import tinygrad_xent as tx
    >>> print(tx.invariants(tx.softmax, [[2.0, 1.0, 0.1], [0.0, 1.0, 5.0]])[1])
    Adding a number to x along axis 1 changes nothing, so the gradient of x sums to 0 along it.
    """

    name: str
    laws: tuple[Law, ...]

    def __len__(self) -> int:
        return len(self.laws)

    def __getitem__(self, index: Any) -> Any:
        return self.laws[index]

    @property
    def ok(self) -> bool:
        """Whether no law is broken."""
        return all(law.ok for law in self.laws)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def broken(self) -> tuple[Law, ...]:
        """The laws that the rule breaks."""
        return tuple(law for law in self.laws if not law.ok)

    def _verdict(self) -> str:
        if not self.laws:
            return f"{self.name}: no law applies where the function is not finite."
        count = len(self.broken)
        kept = f"keeps all {len(self.laws)}" if self.ok else f"breaks {count} of {len(self.laws)}"
        return f"{self.name} {kept} laws that apply."

    def __str__(self) -> str:
        rows = [(law.code, law.input, "kept" if law.ok else "broken") for law in self.laws]
        if not rows:
            return self._verdict()
        lines = [self._verdict(), "", *table(("law", "input", "verdict"), rows)]
        for law in self.broken:
            lines += ["", str(law)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [(w.code, w.input, "kept" if w.ok else "broken", str(w)) for w in self.laws]
        head = ("law", "input", "verdict", "why")
        return styled("laws", html_table(head, rows, self._verdict()))


def invariants(
    f: Any, *inputs: Any, rng: np.random.Generator | None = None, **params: Any
) -> Invariants:
    """Hold a backward rule to the laws that follow from what its function does.

    Nothing needs to be known about the function; its properties are tried out. Does it change when
    a number is added to its input, or when the input is multiplied? Do its outputs always have the
    same sum? Are its rows independent? Is it convex? Each property that is seen makes a law for the
    gradient. Two laws hold for every rule: its result is linear in the upstream gradient,
    and second derivatives do not depend on the order of differentiation.

    Unlike `gradcheck` this compares nothing with differences of the function. A rule may keep every
    law and be wrong; one that breaks a law is wrong, and the law says how.

    Parameters
    ----------
    f : Op or callable
        An op, whose rule is held to the laws, or a function of Tensors.
    *inputs : array_like
        Where; without any, at random places that the op is made for.
    rng : numpy.random.Generator, optional
        What to draw with.
    **params
        Keyword parameters of `f`.

    Returns
    -------
    Invariants
        A sequence of `Law`; true if none is broken.

    Raises
    ------
    ArgumentError, DtypeError, NotRecordedError, MissingRuleError
        If there is nothing to try; the message says why.
    RuleResultError
        If the rule returns a wrong number of gradients, or something that is not a number.

    Examples
    --------
    >>> import tinygrad_xent as tx
    >>> @tx.op
    ... def softmax(x):
    ...     e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    ...     return e / np.sum(e, axis=-1, keepdims=True)
    >>> @softmax.backward
    ... def softmax_backward(grad, y, x):
    ...     return grad * y * (1 - y)  # the diagonal of the Jacobian, and nothing else
    >>> report = tx.invariants(softmax)
    >>> report.ok, report.broken[0].code
    (False, 'shift')
    """
    rng = rng or np.random.default_rng(0)
    calls = [(inputs, params)]
    if not inputs and isinstance(f, Op):
        calls = [(drawn, {**given, **params}) for drawn, given in samples(f, rng)]
    found: dict[tuple[str, str], Law] = {}
    name = ""
    for drawn, given in calls:
        subject = subject_of(f, drawn, given)
        name = subject.name
        with np.errstate(all="ignore"):
            laws = list(_laws_at(Point(subject, rng)))
            side_effects = subject.side_effects.found.values()
            laws += [Law(h.code, h.input, False, h.message, h.hint) for h in side_effects]
            for law in laws:
                known = found.get((law.code, law.input))
                if known is None or known.ok:  # of several places the first where it is broken
                    found[law.code, law.input] = law
    return Invariants(name, tuple(sorted(found.values(), key=lambda law: law.ok)))


def _laws_at(point: Point) -> Iterator[Law]:
    """Try every law; where the gradient has a wrong shape, nothing more can be said."""
    misshapen = [i for i in point.real if fitted(point.raw[i], point.inputs[i].shape) is None]
    for i in misshapen:
        name, have, want = point.names[i], np.shape(point.raw[i]), point.inputs[i].shape
        because = f"The gradient of {name} has the shape of {name}."
        yield Law("shape", name, False, because, f"{have} is not {want}.")
    if not misshapen and np.isfinite(point.out).all():
        for law in LAWS:
            yield from law(point)


class Point:
    """A function and its rule around one place, in double precision."""

    def __init__(self, subject: Subject, rng: np.random.Generator) -> None:
        self.subject, self.names, self.rng = subject, subject.names, rng
        self.inputs = [precise(x) for x in subject.inputs]
        self.real = [i for i, x in enumerate(self.inputs) if is_real(x)]
        self.out = self.value(self.inputs)
        self.upstream = rng.normal(size=self.out.shape)
        self.raw = self.subject.vjp(self.upstream, self.out, self.inputs)
        for name, given in ((self.names[i], self.raw[i]) for i in self.real):
            kind = np.asarray(0 if given is None else given).dtype
            if kind.kind not in "fiub":
                raise RuleResultError(
                    f"`{subject.name}` returned {kind} for `{name}`; return real numbers"
                )
        self.grads = self._fitted(self.raw, self.inputs)

    def value(self, inputs: Any) -> Any:
        """Return the output."""
        return np.asarray(self.subject.value(inputs))

    def moved(self, i: int, x: Any) -> Any:
        """Return the output for another value of one input."""
        return self.value([*self.inputs[:i], x, *self.inputs[i + 1 :]])

    def vjp(self, upstream: Any, inputs: Any = None) -> dict[int, Any]:
        """Return the gradient of each floating input; NaN where its shape does not fit."""
        out = self.out if inputs is None else self.value(inputs)
        inputs = self.inputs if inputs is None else inputs
        return self._fitted(self.subject.vjp(upstream, out, inputs), inputs)

    def _fitted(self, results: Any, inputs: Any) -> dict[int, Any]:
        found = {i: fitted(results[i], inputs[i].shape) for i in self.real}
        return {i: np.full(inputs[i].shape, np.nan) if g is None else g for i, g in found.items()}


_SAME = 1e-9
_DEGREES = (0, 1, 2, 3, -1, -2, 0.5)
_SHIFTS = (0.31, -0.47)
_FACTORS = (1.3, 0.8)
_PARTS = 8  # a larger batch is cut into as many, not into its examples


def close(a: Any, b: Any, *scales: Any) -> bool:
    """Whether two results are the same but for rounding, next to numbers of these sizes."""
    size = max(float(np.max(np.abs(v), initial=0)) for v in (a, b, *scales))
    return bool(np.all(np.abs(np.subtract(a, b)) <= _SAME * size))


def _law(code: str, name: str, ok: bool, because: str, found: str) -> Law:
    return Law(code, name, ok, because, "" if ok else found)


def linear(point: Point) -> Iterator[Law]:
    """Any rule: its result is linear in the upstream gradient."""
    other = point.rng.normal(size=point.out.shape)
    second, both = point.vjp(other), point.vjp(2 * point.upstream - 3 * other)
    for i in point.real:
        want = 2 * point.grads[i] - 3 * second[i]
        ok = close(both[i], want, point.grads[i])
        name = point.names[i]
        because = (
            f"The upstream gradient only weights the derivatives, so the gradient of {name} is "
            "linear in it."
        )
        found = f"For 2 a - 3 b it gives {_apart(both[i], want)}."
        yield _law("linear", name, ok, because, found)


def shift(point: Point) -> Iterator[Law]:
    """Unchanged, or itself shifted, when a number is added to an input."""
    for i in point.real:
        x, grad, name = point.inputs[i], point.grads[i], point.names[i]
        axes = [axis for axis in range(x.ndim) if x.shape[axis] > 1]
        lines = [axis for axis in axes if _blind_to_shift(point, i, axis)]
        for axis in lines:
            sums = np.sum(grad, axis=axis)
            ok = close(sums, 0, grad)
            because = (
                f"Adding a number to {name} along axis {axis} changes nothing, so the gradient of "
                f"{name} sums to 0 along it."
            )
            worst = np.max(np.abs(sums), initial=0)
            yield _law("shift", name, ok, because, f"It sums to {number(worst)}.")
        if not lines and x.size > 1:
            yield from _shift_of_all(point, i)


def _blind_to_shift(point: Point, i: int, axis: int) -> bool:
    """Whether adding a number to each line along an axis, another for each, changes nothing."""
    x = point.inputs[i]
    lines = [n if a != axis else 1 for a, n in enumerate(x.shape)]
    return all(
        close(point.moved(i, x + c * point.rng.uniform(0.5, 1, lines)), point.out) for c in _SHIFTS
    )


def _shift_of_all(point: Point, i: int) -> Iterator[Law]:
    """One number added to a whole input moves all outputs by the same multiple of it."""
    x, name, total = point.inputs[i], point.names[i], np.sum(point.grads[i])
    moved = [(point.moved(i, x + c) - point.out) / c for c in _SHIFTS]
    slope = float(np.mean(moved[0])) if point.out.size else np.nan
    if not np.isfinite(slope) or not close(moved, slope, point.out, x):
        return
    slope = float(round(slope)) if abs(slope - round(slope)) < _SAME else slope
    want = slope * np.sum(point.upstream)
    ok = close(total, want, point.grads[i], point.upstream)
    does = {0.0: "changes nothing", 1.0: "adds it to the output"}.get(
        slope, f"adds {number(slope)} times it to the output"
    )
    sums = {0.0: "0", 1.0: "the sum of the upstream gradient"}.get(
        slope, f"{number(slope)} times the sum of the upstream gradient"
    )
    because = f"Adding a number to all of {name} {does}, so the gradient of {name} sums to {sums}."
    found = f"It sums to {number(total)}, not {number(want)}."
    yield _law("shift", name, ok, because, found)


def scale(point: Point) -> Iterator[Law]:
    """Homogeneous: Euler's theorem, sum of x times gradient = degree times sum of y times grad."""
    if not np.any(point.out):
        return
    for i in point.real:
        x, name = point.inputs[i], point.names[i]
        for degree in _DEGREES:
            if all(close(point.moved(i, c * x), c**degree * point.out) for c in _FACTORS):
                terms = x * point.grads[i]
                found, want = np.sum(terms), degree * np.sum(point.out * point.upstream)
                ok = close(found, want, terms, point.out * point.upstream)
                power, often = ("c", "") if degree == 1 else (f"c^{degree}", f"{degree} times ")
                because = (
                    f"Multiplying {name} by a number changes nothing, so the gradient of {name} is "
                    f"orthogonal to {name}."
                    if degree == 0
                    else f"Multiplying {name} by c multiplies the output by {power}. So the sum of "
                    f"{name} times its gradient is {often}the sum of the output times the upstream "
                    "gradient (Euler)."
                )
                numbers = f"The sum is {number(found)}, not {number(want)}."
                yield _law("scale", name, ok, because, numbers)
                break


def total(point: Point) -> Iterator[Law]:
    """Outputs with a constant sum: equal upstream gradients give the gradient 0."""
    for axis in range(point.out.ndim):
        if point.out.shape[axis] < 2:
            continue
        lines = [n if a != axis else 1 for a, n in enumerate(point.out.shape)]
        for i in point.real:
            if _sum_is_constant(point, i, axis):
                grad = point.vjp(np.broadcast_to(point.rng.normal(size=lines), point.out.shape))[i]
                ok, name = close(grad, 0, point.grads[i]), point.names[i]
                because = (
                    f"The outputs along axis {axis} have the same sum for every {name}. So equal "
                    f"upstream gradients along it give {name} the gradient 0."
                )
                worst = number(np.max(np.abs(grad), initial=0))
                yield _law("total", name, ok, because, f"They give up to {worst}.")


def _sum_is_constant(point: Point, i: int, axis: int) -> bool:
    before = np.sum(point.out, axis=axis)
    if not np.all(np.isfinite(before)):
        return False
    x = point.inputs[i]
    outs = [point.moved(i, x * (1 + c * point.rng.uniform(0.1, 1, x.shape))) for c in _SHIFTS]
    changed = not all(close(out, point.out) for out in outs)
    return changed and all(close(np.sum(out, axis=axis), before, point.out) for out in outs)


def batches(point: Point) -> Iterator[Law]:
    """Independent examples: the gradient of the batch is that of its parts."""
    leading = [point.out.shape, *(point.inputs[i].shape for i in point.real)]
    size = next((s[0] for s in leading if s), 0)
    if size < 2:
        return
    ends = np.linspace(0, size, min(size, _PARTS) + 1).astype(int).tolist()
    spans = [slice(start, end) for start, end in pairwise(ends)]
    parts = [[_part(x, span, size) for x in point.inputs] for span in spans]
    cut = {i: parts[0][i] is not point.inputs[i] for i in point.real}
    weights = _weights(point, parts, spans, size) if any(cut.values()) else None
    if weights is None:
        return
    upstream = point.upstream
    found = [
        point.vjp(upstream[span] if point.out.ndim else weight * upstream, part)
        for span, weight, part in zip(spans, weights, parts, strict=True)
    ]
    for i in point.real:
        grads = [grad[i] for grad in found]
        want = np.concatenate(grads) if cut[i] else np.sum(grads, axis=0)
        ok, name = close(point.grads[i], want, *grads), point.names[i]
        so = "put together" if cut[i] else "added up"
        because = (
            f"The {size} examples do not depend on each other, so the gradient of {name} is that "
            f"of each example by itself, {so}."
        )
        yield _law("batch", name, ok, because, f"It gives {_apart(point.grads[i], want)}.")


def _part(x: Any, span: slice, size: int) -> Any:
    return x[span] if np.ndim(x) and np.shape(x)[0] == size else x


def _weights(point: Point, parts: Any, spans: Any, size: int) -> list[float] | None:
    """Return the weight of each part in the output: 1, or its share of the examples in a mean."""
    alike = [1.0] * len(parts)
    shares = [(span.stop - span.start) / size for span in spans]
    # Some shapes only the whole batch has, and one example may be too few for the function.
    with suppress(ValueError, IndexError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outs = [point.value(part) for part in parts]
        if not point.out.ndim:
            return next((w for w in (alike, shares) if close(np.dot(w, outs), point.out)), None)
        together = np.concatenate(outs)
        if together.shape == point.out.shape and close(together, point.out):
            return alike
    return None


def _apart(found: Any, want: Any) -> str:
    """Return in words the entry where two arrays differ most: "0.5 at [1, 2], not 0.25"."""
    off = np.abs(np.subtract(found, want))
    if not off.size:
        return "nothing"
    worst = np.unravel_index(int(np.argmax(np.where(np.isnan(off), np.inf, off))), off.shape)
    where = f" at {entry_name('', worst)}" if worst else ""
    return f"{number(found[worst])}{where}, not {number(want[worst])}"


# -- the second derivative: the Jacobian of a gradient is symmetric, and a bowl curves up -------

_STEP = 1e-3
_LARGEST = 60  # entries: each costs eight passes
_SYMMETRIC = 1e-5
_PAIRS = 20


def curvature(point: Point) -> Iterator[Law]:
    """Symmetry for every rule; no negative curvature where the function was seen to be convex."""
    sizes = [point.inputs[i].size for i in point.real]
    if not 0 < sum(sizes) <= _LARGEST:
        return
    weights = np.abs(point.upstream)
    hessian, doubt = _hessian(point, weights)
    scale = np.max(np.abs(hessian), initial=0)
    if not np.all(np.isfinite(hessian)) or doubt > _SYMMETRIC * scale:
        return  # a kink is near: nothing to differentiate
    ends = np.cumsum(sizes)
    spans = {i: slice(end - n, end) for i, n, end in zip(point.real, sizes, ends, strict=True)}
    for i, rows in spans.items():
        skew = np.abs(hessian[rows] - hessian[:, rows].T)
        ok, name = bool(np.max(skew, initial=0) <= _SYMMETRIC * scale), point.names[i]
        because = (
            f"A Hessian is symmetric, as the order of differentiation does not matter. Any entry "
            f"changes the gradient of {name} as much as {name} changes the gradient of that entry."
        )
        k = np.unravel_index(int(np.argmax(skew)), skew.shape)
        one, other = hessian[rows][k], hessian[:, rows].T[k]
        found = f"One way gives {number(one)}, the other {number(other)}."
        yield _law("symmetry", name, ok, because, found)
        yield from _convexity(point, i, hessian[rows, rows], weights)


def _hessian(point: Point, weights: Any) -> tuple[Any, float]:
    """Differentiate the rule by differences; the doubt is what a longer step changes."""

    def gradient(moved: Any) -> Any:
        parts = point.vjp(weights, moved)
        return np.concatenate([parts[i].reshape(-1) for i in point.real])

    columns: list[Any] = []
    doubt = 0.0
    for i in point.real:
        for k in np.ndindex(point.inputs[i].shape):

            def slope(h: float, i: int = i, k: Any = k) -> Any:
                ends = []
                for step in (-h, h):
                    x = point.inputs[i].copy()
                    x[k] += step
                    ends.append(gradient([*point.inputs[:i], x, *point.inputs[i + 1 :]]))
                return (ends[1] - ends[0]) / (2 * h)

            near, far = slope(_STEP), slope(2 * _STEP)
            columns.append((4 * near - far) / 3)
            doubt = max(doubt, float(np.max(np.abs(near - far), initial=0)) / 10)
    return np.array(columns).T, doubt


def _convexity(point: Point, i: int, block: Any, weights: Any) -> Iterator[Law]:
    x, name = point.inputs[i], point.names[i]

    def height(at: Any) -> float:
        return float(np.sum(weights * point.moved(i, at)))

    if not all(_bends_up(height, x, point.rng) for _ in range(_PAIRS)):
        return
    values, vectors = np.linalg.eigh((block + block.T) / 2)
    size = np.max(np.abs(values))
    ok = bool(values[0] >= -_SYMMETRIC * size)
    if not ok:
        # Pairs may all have missed where the function is hollow: ask it along this very line.
        step = 0.01 * vectors[:, 0].reshape(x.shape)
        if height(x + step) + height(x - step) < 2 * height(x):
            return
    because = (
        f"The output is convex in {name}, so its Hessian has no negative eigenvalue: in no "
        f"direction does the slope fall."
    )
    found = f"One is {number(values[0])}, where the largest is {number(values[-1])}."
    yield _law("convexity", name, ok, because, found)


def _bends_up(height: Any, x: Any, rng: np.random.Generator) -> bool:
    """Whether the middle of a random chord lies above the function, by more than rounding.

    A chord across the place, then one within it, which keeps to the signs of the numbers. One that
    leaves the function's domain says nothing.
    """
    across = [x + 3 * rng.normal(size=x.shape) for _ in range(2)]
    within = [x * (1 + rng.uniform(-0.4, 0.4, x.shape)) for _ in range(2)]
    for a, b in (across, within):
        chord, middle = (height(a) + height(b)) / 2, height((a + b) / 2)
        if np.isfinite(chord) and not chord - middle > 1e-9 * (abs(chord) + abs(middle)):
            return False
    return True


LAWS = (linear, shift, scale, total, batches, curvature)
"""What holds where the gradient has the right shape and the output is finite."""
