"""How the error of central differences depends on their step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.slopes import sizes
from tinygrad_xent.checking.subjects import precise
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.line_plot import LinePlot

_SMALLEST = 1e-17


@dataclass(frozen=True)
class StepCurve:
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

    @property
    def svg(self) -> str:
        """The picture, both axes logarithmic."""
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y = np.log10(self.steps), np.log10(np.clip(self.errors, _SMALLEST, 10))
        return LinePlot(
            points=list(zip(x.tolist(), y.tolist(), strict=True)),
            x_range=(float(x.min()), float(x.max())),
            y_range=(math.log10(_SMALLEST), 1),
            x_ticks={power: _ten(power) for power in range(-14, 0, 3)},
            y_ticks={power: _ten(power) for power in range(-16, 1, 4)},
            x_label="step, relative",
            y_label="error, relative",
            alt=self.alt,
        ).svg

    def _repr_svg_(self) -> str:
        return self.svg


def step_curve(case: Case) -> StepCurve:
    """Measure the slope along one direction with every step."""
    f, x = case.subject.function_of(case.index), precise(case.x)
    rng = np.random.default_rng(0)
    direction = rng.choice([-1.0, 1.0], x.shape) * sizes(x)
    weights = precise(case.upstream[0])
    gradient = case.expected[0] if case.got is None else case.got[0]
    steps = 10.0 ** np.arange(-14, -0.4, 0.25)
    mine = np.sum(gradient * direction)
    size = np.sum(np.abs(gradient * direction)) or 1.0
    with np.errstate(all="ignore"):
        slopes = [
            np.sum(weights * (f(x + h * direction) - f(x - h * direction))) / (2 * h) for h in steps
        ]
    return StepCurve(case.name, steps, np.abs(np.array(slopes) - mine) / size)


def _ten(power: int) -> str:
    return (
        "1"
        if power == 0
        else "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    )
