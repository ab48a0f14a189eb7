"""What a gradient check found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.curve import StepCurve, step_curve
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.checking.fast import Along
from tinygrad_xent.checking.subjects import Subject
from tinygrad_xent.errors import ArgumentError, GradcheckError
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.tracing import table


@dataclass(frozen=True, eq=False, repr=False)
class GradcheckReport:
    """What `gradcheck` found; true if nothing is wrong.

    Attributes
    ----------
    subject : object
        What was checked, with its `name`, `inputs` and `names`.
    cases : sequence
        For each input, and upstream gradient, what was `got` and what was `expected`.
    diagnoses : tuple of Diagnosis
        One for each mistake that could be told apart.
    order : int
        The order of the derivatives that were checked.
    along : sequence
        In fast mode, what was found along random directions.

    Examples
    --------
    >>> import tinygrad_xent as tx
    >>> report = tx.gradcheck(tx.multiply, [1.0, 2.0], [3.0, 4.0])
    >>> print(report)
    input  entries  largest error  verdict
    x      2        ...            right
    y      2        ...            right
    >>> report.ok, report.diagnosis
    (True, None)
    """

    subject: Subject
    cases: Sequence[Case]
    diagnoses: tuple[Diagnosis, ...]
    order: int = 1
    along: Sequence[Along] = ()

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong; a kink is not the rule's fault."""
        return all(found.code == "kink" for found in self.diagnoses)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What is wrong, or None; the first of `diagnoses`."""
        return self.diagnoses[0] if self.diagnoses else None

    @property
    def max_error(self) -> float:
        """The largest difference, relative to the largest entry of the two gradients.

        1 where a gradient is missing, 2 where its sign is wrong; infinite where it is not finite,
        or has another shape.
        """
        return max([*map(error_of, self.cases), *(a.error for a in self.along)], default=0.0)

    @property
    def where(self) -> tuple[str, tuple[int, ...]] | None:
        """The input and the entry with the largest difference; None in fast mode."""
        if not self.cases:
            return None
        case = max(self.cases, key=error_of)
        return case.name, worst_of(case)

    @property
    def can_miss(self) -> str:
        """What the check cannot see, in words; empty for a full one."""
        names = self.subject.names
        return "; ".join(f"for {names[a.index]}: {a.can_miss}" for a in self.along)

    def assert_ok(self) -> None:
        """Raise a `GradcheckError` that says what is wrong, or that nothing could be compared."""
        nothing = self.cases and all(case.unclear for case in self.cases) and not self.along
        if not self.ok or nothing:
            raise GradcheckError(f"{self.subject.name}\n{self}")

    def curve(self, input: str | None = None) -> StepCurve:
        """Measure how the error of plain differences depends on their step.

        Parameters
        ----------
        input : str, optional
            Of which input; the one with the largest error by default.

        Returns
        -------
        StepCurve
            `steps`, `errors`, and the picture as `svg`.

        Examples
        --------
        >>> import tinygrad_xent as tx
        >>> curve = tx.gradcheck(tx.exp, [0.0, 1.0]).curve("x")
        >>> bool(curve.errors.min() < 1e-9)
        True
        """
        cases = [case for case in self.cases if input in (None, case.name)]
        if not cases:
            names = ", ".join(case.name for case in self.cases) or "none in fast mode"
            raise ArgumentError(f"no checked input is called {input!r}; there is {names}")
        return step_curve(max(cases, key=error_of))

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Give the table: input, entries, largest error, verdict."""
        changing = any(found.code == "not-repeatable" for found in self.diagnoses)
        for case in self.cases:
            error = number(error_of(case)) if case.judged else "wrong shape"
            yield case.name, f"{case.x.size:,}", error, "unclear" if changing else verdict(case)
        for along in self.along:
            x = self.subject.inputs[along.index]
            said = "right along random directions" if along.ok else "wrong"
            yield self.subject.names[along.index], f"{x.size:,}", number(along.error), said

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [*table(("input", "entries", "largest error", "verdict"), list(self.rows()))]
        missed = [f"A fast check can miss, {self.can_miss}."] if self.along else []
        return "\n".join([*lines, *missed, *map(str, self.diagnoses)])

    def _repr_html_(self) -> str:
        from tinygrad_xent.checking.html import html

        return html(self)


def error_of(case: Case) -> float:
    """The largest difference in a gradient, relative; infinite where the shape is wrong."""
    return float(np.max(case.judged.relative, initial=0.0)) if case.judged else float("inf")


def worst_of(case: Case) -> tuple[int, ...]:
    """Where the largest difference is."""
    if case.judged is None:
        return ()
    largest = np.argmax(case.judged.relative.max(axis=0))
    return tuple(int(k) for k in np.unravel_index(largest, case.x.shape))


def verdict(case: Case) -> str:
    """Right or wrong, and what could not be judged."""
    if case.unclear:
        return "unclear: the function is not finite here, or too noisy"
    said = ["wrong" if case.wrong else "right"]
    if case.judged is not None:
        if kinks := int(np.sum(case.judged.kink & ~case.judged.wrong.any(axis=0))):
            said.append(f"{kinks} at a kink")
        if unclear := int(case.judged.unclear.sum()):
            said.append(f"{unclear} unclear")
    return "; ".join(said)
