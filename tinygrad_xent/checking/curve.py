"""How the error of central differences depends on their step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.slopes import sizes
from tinygrad_xent.checking.subjects import precise
from tinygrad_xent.visualization.drawing.lettering import escape
from tinygrad_xent.visualization.drawing.palette import GREY, HAIR, INK, LINE, POSITIVE
from tinygrad_xent.visualization.formatting import number

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 520, 250, 56, 38, 28, 14
_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
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

    def _place(self, step: float, error: float) -> tuple[float, float]:
        low, high = math.log10(self.steps.min()), math.log10(self.steps.max())
        x = _LEFT + (math.log10(step) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)
        share = (math.log10(min(max(error, _SMALLEST), 10.0)) + 17) / 18
        return round(x, 1), round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)

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
        size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        label = f'role="img" aria-label="{escape(self.alt)}"'
        fit = 'style="max-width:100%;height:auto"'
        right = f'x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end" fill="{INK}"'
        below = _HEIGHT - _BOTTOM
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label} font-family="{_FONT}" {fit}>',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/><g font-size="12">',
            f'<text x="{_LEFT}" y="16" fill="{INK}">error, relative</text>',
            f"<text {right}>step, relative</text>",
        ]
        for power in range(-16, 1, 4):
            _, y = self._place(self.steps[0], 10.0**power)
            lines.append(f'<path d="M{_LEFT} {y}H{_WIDTH - _RIGHT}" stroke="{HAIR}"/>')
            lines.append(
                f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end" fill="{GREY}">'
                f"{_ten(power)}</text>"
            )
        for power in range(-14, 0, 3):
            x, _ = self._place(10.0**power, 1.0)
            lines.append(f'<path d="M{x} {below}v5" stroke="{LINE}"/>')
            lines.append(
                f'<text x="{x}" y="{below + 18}" text-anchor="middle" fill="{GREY}">'
                f"{_ten(power)}</text>"
            )
        known = [(s, e) for s, e in zip(self.steps, self.errors, strict=True) if math.isfinite(e)]
        path = "L".join("{} {}".format(*self._place(s, e)) for s, e in known)
        line = f'fill="none" stroke="{POSITIVE}" stroke-width="2" stroke-linejoin="round"'
        return "\n".join([*lines, "</g>", f'<path d="M{path}" {line}/>', "</svg>\n"])

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
