"""Laws that a gradient must obey because of what its function is seen to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking.samples import samples
from tinygrad_xent.checking.subjects import subject_of
from tinygrad_xent.checking.symmetries import LAWS, Law, Point, shape
from tinygrad_xent.op import Op
from tinygrad_xent.visualization.readable import Readable
from tinygrad_xent.visualization.tables import html_table, styled, table


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
    misshapen = [law for law in shape(point) if not law.ok]
    if misshapen:
        yield from misshapen  # nothing more can be said
    if misshapen or not np.all(np.isfinite(point.out)):
        return
    for law in LAWS:
        yield from law(point)
