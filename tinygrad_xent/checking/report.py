"""The report of a gradient check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.checking.fast import Along
from tinygrad_xent.checking.slopes import sizes
from tinygrad_xent.checking.subjects import OpSubject, Subject, precise
from tinygrad_xent.domains import WITHOUT_GRADIENT
from tinygrad_xent.errors import ArgumentError, GradcheckError
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.drawing import cells
from tinygrad_xent.visualization.drawing.style import LEVELS, heat, ink
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.formulas import formula_text
from tinygrad_xent.visualization.line_plot import LinePlot
from tinygrad_xent.visualization.pages import image
from tinygrad_xent.visualization.readable import Readable
from tinygrad_xent.visualization.tables import html_table, styled


@dataclass(frozen=True, eq=False, repr=False)
class GradcheckReport(Readable, Sequence[Case]):
    """The result of `gradcheck`; true if nothing is wrong.

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
    whole : Tensor or None
        The output of the recorded graph that was checked; None for an op or a function.

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
    whole: Node | None = None

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong; kinks and undefined functions are not the rule's fault."""
        blamed = any(found.of_rule for found in self.diagnoses)
        return not blamed and not any(case.wrong for case in self.cases)

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: Any) -> Any:
        return self.cases[index]

    def __bool__(self) -> bool:
        return self.ok

    @property
    def unclear(self) -> bool:
        """Whether nothing is known of an input, or the function is not finite here.

        In a recorded graph, whether nothing is known of any tensor.
        """
        if any(found.code == "non-finite" and not found.of_rule for found in self.diagnoses):
            return True
        unknown = [case.verdict == "unclear" for case in self.cases]
        return any(unknown) if self.whole is None else bool(unknown) and all(unknown)

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
        return max(
            [*(case.error for case in self.cases), *(a.error for a in self.along)], default=0.0
        )

    @property
    def where(self) -> tuple[str, tuple[int, ...]] | None:
        """The input and the entry with the largest difference; None in fast mode."""
        if not self.cases:
            return None
        case = max(self.cases, key=lambda case: case.error)
        return case.name, case.worst

    @property
    def can_miss(self) -> str:
        """What the check cannot see, in words; empty for a full one."""
        return "; ".join(
            f"for {self.subject.names[along.index]}: an error in a single entry smaller than about "
            f"{number(along.smallest)}, and errors that cancel along the directions taken"
            for along in self.along
        )

    @property
    def held(self) -> str:
        """Which inputs were held constant as they are whole numbers, in words; or nothing."""
        subject = self.subject
        domains: Sequence[Any] = (None,) * len(subject.names)
        if isinstance(subject, OpSubject):
            domains = subject.op.domains
        held = [
            name
            for name, x, domain in zip(subject.names, subject.inputs, domains, strict=False)
            if isinstance(x, np.ndarray) and x.dtype.kind in "iu" and domain not in WITHOUT_GRADIENT
        ]
        if not held:
            return ""
        several, them = ("s", "their") if len(held) > 1 else ("", "its")
        return (
            f"Not checked: {' and '.join(held)}, held constant as array{several} of whole numbers. "
            f"To check {them} gradient{several}, write 1.0 for 1, or convert with .astype(float)."
        )

    def assert_ok(self) -> None:
        """Raise a `GradcheckError` that says what is wrong, or what could not be compared."""
        if not self.ok or self.unclear:
            raise GradcheckError(f"{self.subject.name}\n{self}")

    def curve(self, input: str | None = None) -> StepCurve:
        """Measure how the error of plain differences depends on their step.

        Parameters
        ----------
        input : str, optional
            The name of an input; by default the one with the largest error.

        Returns
        -------
        StepCurve
            `steps`, `errors`, and the picture as `svg`.

        Raises
        ------
        ArgumentError
            If no input of this name was checked.

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
        return _step_curve(max(cases, key=lambda case: case.error))

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield the rows of the table: input, entries, largest error, verdict."""
        changing = any(found.code == "not-repeatable" for found in self.diagnoses)
        for case in self.cases:
            error = number(case.error) if case.judged else "wrong shape"
            yield case.name, case.counted, error, "unclear" if changing else case.remark
        for along in self.along:
            x = self.subject.inputs[along.index]
            said = "right along random directions" if along.ok else "wrong"
            yield self.subject.names[along.index], f"{x.size:,}", number(along.error), said

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        first = "input" if self.whole is None else "tensor"
        return (first, "entries", "largest error", "verdict"), list(self.rows())

    def _limits(self) -> list[str]:
        missed = f"A fast check can miss, {self.can_miss}." if self.along else ""
        return [text for text in (missed, self.held) if text]

    def _notes(self) -> Iterable[str]:
        return (*self._limits(), *map(str, self.diagnoses))

    def _repr_html_(self) -> str:
        return _html(self)


_SIGNS = {cells.NAN: "NaN", cells.INF: "∞", cells.MINUS_INF: "−∞"}


def _html(report: GradcheckReport) -> str:
    """Return the report as HTML: diagnoses, the table, and the gradients of each wrong input."""
    said = "Unclear" if report.ok and report.unclear else "Right" if report.ok else "Wrong"
    parts = [f"<p><strong>{said}:</strong> {escape(report.subject.name)}</p>"]
    for found in report.diagnoses:
        parts.append(f"<p><code>{found.code}</code> {escape(found.message)}</p>")
        if found.hint:
            parts.append(f"<p>{escape(found.hint)}</p>")
    parts.append(html_table(*report._table(), "Compared with differences"))
    parts += [f"<p>{escape(text)}</p>" for text in report._limits()]
    for case in report.cases:
        if case.got is None or case.sampled or not (case.wrong or len(report.cases) == 1):
            continue
        if case.arriving:
            parts.append(f"<p>The gradient of {escape(case.name)}, {case.arriving}:</p>")
        parts.append(f'<div class="heats">{"".join(_heats(case))}</div>')
    return styled("check", "".join(parts))


def _heats(case: Case) -> Iterator[str]:
    got, expected, tolerance = (
        a[case.shown].reshape(case.x.shape) for a in (case.got, case.expected, case.tolerance)
    )
    with np.errstate(all="ignore"):
        difference = got - expected
    name = f"∂{escape(case.name)}"
    noise = np.abs(difference) <= tolerance
    for words, array in (
        (f"{name} by the rule", got),
        (f"{name} by differences", expected),
        ("difference", np.where(noise, 0, difference)),
    ):
        yield f"<figure><figcaption>{words}</figcaption>{_heat(array)}</figure>"


def _heat(array: Any) -> str:
    match cells.table_of(array):
        case cells.Phrase(text):
            return escape(text)
        case cells.Summary() as summary:
            return "<br>".join(escape(f"{label} {text}") for label, text in summary.lines)
        case cells.Cells(levels) as shown:
            texts = shown.texts or [[""] * len(row) for row in levels]
            rows = ("".join(map(_cell, *row)) for row in zip(levels, texts, strict=True))
            return f'<table class="heat">{"".join(f"<tr>{row}</tr>" for row in rows)}</table>'


def _cell(level: int, text: str) -> str:
    if level == cells.MISSING:
        return '<td style="border: 0"></td>'
    finite = abs(level) <= LEVELS
    fill = heat(level) if finite else "#ffffff"
    text = text.replace("-", "−") if finite else _SIGNS[level]
    kind = ' class="number"' if text else ""
    return f'<td{kind} style="background: {fill}; color: {ink(fill)}">{escape(text)}</td>'


# -- the error of differences, step by step --------------------------------------------------

_SMALLEST = 1e-17


@dataclass(frozen=True, repr=False)
class StepCurve(Readable):
    """How far plain central differences lie from the gradient that was checked, step by step.

    For a right gradient the error falls with the square of the step until rounding takes over, and
    rises again. For a wrong one it stays where it is, however short the step.

    Attributes
    ----------
    input : str
    steps, errors : ndarray
        Relative to the size of the entries, and to the largest entry of the gradient.
    """

    input: str
    steps: Any
    errors: Any

    @property
    def alt(self) -> str:
        """The curve in words."""
        best = int(np.nanargmin(self.errors))
        return (
            f"Error of central differences against the gradient of {self.input}, for steps from "
            f"{number(self.steps.min())} to {number(self.steps.max())}: smallest, "
            f"{number(self.errors[best])}, at a step of {number(self.steps[best])}."
        )

    def __str__(self) -> str:
        return self.alt

    @property
    def svg(self) -> str:
        """The picture, both axes logarithmic."""
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y = np.log10(self.steps), np.log10(np.clip(self.errors, _SMALLEST, 10))
        return LinePlot(
            points=list(zip(x.tolist(), y.tolist(), strict=True)),
            x_range=(float(x.min()), float(x.max())),
            y_range=(float(np.log10(_SMALLEST)), 1),
            x_ticks={power: formula_text(f"10^{{{power}}}") for power in range(-14, 0, 3)},
            y_ticks={power: formula_text(f"10^{{{power}}}") for power in range(-16, 1, 4)},
            x_label="step, relative",
            y_label="error, relative",
            alt=self.alt,
        ).svg

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return image(self.svg, self.alt)


def _step_curve(case: Case) -> StepCurve:
    """Measure the slope along one direction with every step."""
    f, x = case.subject.function_of(case.index), precise(case.x)
    direction = np.random.default_rng(0).choice([-1.0, 1.0], x.shape) * sizes(x)
    terms = (case.expected[0] if case.got is None else case.got[0]) * direction
    steps = 10.0 ** np.arange(-14, -0.4, 0.25)
    with np.errstate(all="ignore"):
        rises = [f(x + h * direction) - f(x - h * direction) for h in steps]
        slopes = np.array([np.sum(precise(case.upstream[0]) * rise) for rise in rises]) / (
            2 * steps
        )
    off = np.abs(slopes - np.sum(terms))
    return StepCurve(case.name, steps, off / (np.sum(np.abs(terms)) or 1.0))
