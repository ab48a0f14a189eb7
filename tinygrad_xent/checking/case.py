"""One gradient and what it should be, and what a hypothesis claims about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_xent.checking.judging import Judged
from tinygrad_xent.checking.slopes import sizes, slopes
from tinygrad_xent.checking.subjects import Subject, precise
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.formatting import brief, number
from tinygrad_xent.visualization.naming import entry_name
from tinygrad_xent.visualization.readable import Readable

_CLOSE = 1e-7  # of the largest entry: a hypothesis that leaves more has not explained the error
_NOTICED = 1e-3  # of the largest entry: a difference that rounding may explain, but not pass over
_LEFT = 0.1  # of the error: a correction that leaves more has not found the mistake
_VAGUE = 1e-3  # of the largest entry: with less certain slopes nothing is explained


@dataclass(frozen=True)
class Claim:
    """A possible mistake, and the gradient that the rule would return without it.

    Some claims only report what was seen in the gradient, and what a right one never shows. These
    have nothing to correct.

    Attributes
    ----------
    code : str
    message : str
        With {name} in place of the input's name.
    corrected : ndarray or None
        (upstream gradients, *input); the claim holds if this is right. None if there is nothing to
        correct.
    hint : str
    evidence : tuple of str
    undo : str
        What to do with the gradient to get the corrected one, where another mistake is left.
    partial : bool
        Whether it tells a part only: a claim that tells all goes before it.
    """

    code: str
    message: str
    corrected: Any
    hint: str = ""
    evidence: tuple[str, ...] = ()
    undo: str = ""
    partial: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Case(Readable):
    """The gradient of one input, or of one tensor of a graph, and what it should be.

    Attributes
    ----------
    subject : Subject
    index : int
        Which input.
    out : ndarray
        The function's output.
    upstream : ndarray
        Random gradients of the output, the last of them ones; of a graph, its seed alone.
    raw : sequence
        What the rule returned for each, unchanged.
    got : ndarray or None
        The same in the shape of the input; None if the shapes do not fit.
    expected, tolerance : ndarray
    epsilon : float
        The precision that the rule computes in.
    judged : Judged or None
        None where the shapes cannot be compared.
    others : sequence of Case
        Those of the other inputs, the right ones included.
    sample : ndarray of int or None
        The entries of a tensor of a graph that were compared, in row-major order.
    blamed : tuple of Node
        Where in a graph a wrong gradient begins: tensors whose own gradients are right.
    """

    subject: Subject
    index: int
    out: Any
    upstream: Any
    raw: Sequence[Any]
    got: Any
    expected: Any
    tolerance: Any
    epsilon: float
    judged: Judged | None
    others: Sequence[Case] = ()
    sample: Any = None
    blamed: tuple[Node, ...] = ()

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        return ("gradient of", self.name), [
            ("entries", self.counted),
            ("largest error", number(self.error) if self.judged else "wrong shape"),
            ("verdict", self.remark),
            ("returned", brief(self.raw[-1] if self.got is None else self.got[-1])),
            ("it should be", brief(self.expected[-1])),
        ]

    @property
    def name(self) -> str:
        """The name of the input."""
        return self.subject.names[self.index]

    @property
    def x(self) -> Any:
        """The input."""
        return self.subject.inputs[self.index]

    @property
    def wrong(self) -> bool:
        """Whether some entry is wrong."""
        return self.judged is None or bool(self.judged.wrong.any())

    @property
    def verdict(self) -> str:
        """Either "right", "wrong", or "unclear" where no entry could be judged."""
        if self.wrong:
            return "wrong"
        assert self.judged is not None  # noqa: S101 - else it is wrong
        return "unclear" if self.judged.unclear.all() and self.x.size else "right"

    @property
    def sampled(self) -> bool:
        """Whether only some of the entries were compared."""
        return self.sample is not None and len(self.sample) < self.x.size

    @property
    def kinks(self) -> int:
        """How many entries lie at a kink, where any slope between the two sides' will do."""
        judged = self.judged
        return 0 if judged is None else int(np.sum(judged.kink & ~judged.wrong.any(axis=0)))

    @property
    def unclear(self) -> int:
        """How many entries could not be judged."""
        judged = self.judged
        return 0 if judged is None else int(np.sum(judged.unclear & ~judged.wrong.any(axis=0)))

    @property
    def error(self) -> float:
        """The largest difference, relative to the largest entry; infinite for a wrong shape.

        Kinks and unclear entries are left out.
        """
        judged = self.judged
        return float("inf") if judged is None else float(np.max(judged.relative, initial=0.0))

    @property
    def worst(self) -> tuple[int, ...]:
        """The entry with the largest difference."""
        if self.judged is None:
            return ()
        at = int(np.argmax(self.judged.relative.max(axis=0)))
        place = np.unravel_index(at if self.sample is None else self.sample[at], self.x.shape)
        return tuple(int(k) for k in place)

    @property
    def at_worst(self) -> tuple[float, float]:
        """The gradient at `worst`, and what it should be, for the upstream gradient `shown`."""
        assert self.judged is not None  # noqa: S101 - without a shape there is no place
        at = int(np.argmax(self.judged.relative.max(axis=0)))
        got, expected = (float(a[self.shown].flat[at]) for a in (self.got, self.expected))
        return got, expected

    @property
    def suspects(self) -> tuple[str, ...]:
        """The ops of a graph whose rules turn a right gradient into this wrong one."""
        return tuple(dict.fromkeys(node.op.name for node in self.blamed if node.op))

    @property
    def counted(self) -> str:
        """How many entries were checked, in words."""
        part = f"{len(self.sample):,} of " if self.sampled else ""
        return f"{part}{self.x.size:,}"

    @property
    def remark(self) -> str:
        """The verdict, with its reason."""
        if not self.x.size and not self.wrong:
            return "right: there is nothing to compare"
        if self.verdict == "unclear":
            finite = np.isfinite(self.out).all()
            why = "differences are too noisy" if finite else "the function is not finite"
            return f"unclear: {why} here"
        found = [self.verdict]
        if not self.wrong and self.error > max(_NOTICED, 10 * self.epsilon):
            digits = int(-np.log10(self.error)) if self.error < 1 else 0
            left = ("no digit", "1 digit")[digits] if digits < 2 else f"{digits} digits"
            found = [f"right within rounding, which leaves {left}"]
        if self.wrong and self.sample is not None:
            got, expected = map(number, self.at_worst)
            where = entry_name(self.name, self.worst)
            found.append(f"∂{where} is {got}, differences give {expected}")
        if self.suspects:
            found.append(f"look at the rule of {' and '.join(self.suspects)}")
        if self.kinks:
            found.append(f"{self.kinks} at a kink")
        if self.unclear:
            found.append(f"{self.unclear} unclear")
        return "; ".join(found)

    @property
    def shown(self) -> int:
        """Which upstream gradient to show numbers for: ones for a single output, else random."""
        judged = self.judged
        seen = judged is None or judged.wrong[-1].any() or not judged.wrong.any()
        return -1 if self.out.size == 1 and seen else 0

    @property
    def arriving(self) -> str:
        """Words for that upstream gradient."""
        random = self.shown == 0 and self.sample is None
        return "for a random upstream gradient" if random else ""

    @cached_property
    def scale(self) -> Any:
        """The size of the gradient."""
        sizes = np.where(np.isfinite(self.expected), np.abs(self.expected), 0)
        return sizes.max(initial=0.0)

    @cached_property
    def largest_error(self) -> float:
        """The largest difference between the gradient and what it should be."""
        if self.got is None:
            return math.inf
        off = np.abs(self.got - self.expected)
        return float(np.max(off, initial=0.0, where=np.isfinite(off))) or math.inf

    def right(self, gradient: Any) -> bool:
        """Whether these gradients are right, for every upstream gradient."""
        return bool(self.right_entries(gradient).all())

    def right_entries(self, gradient: Any) -> Any:
        """Which entries of such gradients are right."""
        with np.errstate(all="ignore"):
            close = min(max(_CLOSE, 2000 * self.epsilon) * self.scale, _LEFT * self.largest_error)
            off = np.abs(gradient - self.expected)
            kink = False if self.judged is None else self.judged.kink
            allowed = np.where(
                kink, self.tolerance, np.minimum(self.tolerance, _VAGUE * self.scale)
            )
            return (off <= allowed + close) | ~np.isfinite(self.expected)

    @cached_property
    def linear(self) -> bool:
        """Whether twice the upstream gradient gives twice the gradient."""
        upstream = self.upstream[:1] + 2 * self.upstream[1:2]
        again = self.vjp(self.subject.inputs, self.out, upstream, self.x.shape)
        total = self.got[:1] + 2 * self.got[1:2]
        close = max(1e-6, 2000 * self.epsilon) * np.abs(total).max(initial=0.0)
        return again is None or not (np.abs(again - total) > close).any()

    def apart(self, axis: int) -> bool:
        """Whether the function keeps the rows, columns, ... of an axis apart from each other."""
        x, y = precise(self.x), self.out
        if y.ndim <= axis or y.shape[axis] != x.shape[axis] or x.shape[axis] == 1:
            return False
        move = 1e-3 * sizes(x) * np.random.default_rng(0).normal(size=x.shape)
        np.moveaxis(move, axis, 0)[0] = 0
        f = self.subject.function_of(self.index)
        with np.errstate(all="ignore"):
            before, after = (np.asarray(f(at)).take(0, axis) for at in (x, x + move))
        return bool(np.allclose(before, after, rtol=1e-12, equal_nan=True))

    @cached_property
    def smaller(self) -> Sequence[Case]:
        """The case with an entry less along each axis in turn, where the function takes that."""
        cases = (self._without_last(axis) for axis in range(self.x.ndim))
        return [case for case in cases if case is not None]

    def _without_last(self, axis: int) -> Case | None:
        n = self.x.shape[axis]
        if n < 2:
            return None
        subject = self.subject.at(
            [
                np.delete(x, -1, axis) if np.ndim(x) > axis and np.shape(x)[axis] == n else x
                for x in self.subject.inputs
            ]
        )
        try:
            out = subject.value(subject.inputs)
        except Exception:  # noqa: BLE001 - the lengths of the inputs may belong together
            return None
        smaller = replace(self, subject=subject, out=out)
        upstream = np.random.default_rng(0).normal(size=(2, *out.shape))
        got = self.vjp(subject.inputs, out, upstream, smaller.x.shape)
        expected = slopes(subject.function_of(self.index), precise(smaller.x), upstream).value
        return (
            None if got is None else replace(smaller, upstream=upstream, got=got, expected=expected)
        )

    def vjp(self, inputs: Sequence[Any], out: Any, upstream: Any, shape: tuple[int, ...]) -> Any:
        """Return what the rule returns for other numbers, or None: see `Subject.gradients`."""
        return self.subject.gradients(self.index, upstream, out, inputs, shape)


Hypothesis = Callable[[Case], Iterator[Claim]]
