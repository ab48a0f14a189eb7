"""A loss over the steps of a training run, as SVG that needs no font, style or script."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinygrad_xent.visualization.drawing.lettering import escape
from tinygrad_xent.visualization.drawing.palette import GREY, HAIR, INK, LINE, POSITIVE
from tinygrad_xent.visualization.formatting import number

WIDTH, HEIGHT = 520, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 26, 34
_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Curve:
    """A curve through points (step, loss), and its scales."""

    points: Sequence[tuple[int, float]]

    def place(self, step: int, loss: float) -> tuple[float, float]:
        """Return the pixel of a point; a loss that is not finite lies at the top."""
        low, high = self._range
        last = max(self.points[-1][0], 2)
        share = (loss - low) / (high - low) if math.isfinite(loss) else 1.0
        x = LEFT + (step - 1) / (last - 1) * (WIDTH - LEFT - RIGHT)
        return round(x, 1), round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    @property
    def _range(self) -> tuple[float, float]:
        finite = [loss for _, loss in self.points if math.isfinite(loss)] or [0.0]
        low, high = min(*finite, 0.0), max(*finite, 0.0)
        return low, high if high > low else low + 1

    @property
    def alt(self) -> str:
        """The curve in words."""
        steps, (first, start), (last, end) = len(self.points), self.points[0], self.points[-1]
        if steps == 1:
            return f"Loss of one step: {number(start)}."
        smallest = number(min(loss for _, loss in self.points))
        return (
            f"Loss over the training steps {first} to {last}: {number(start)} at first, "
            f"{number(end)} in the end, {smallest} at the least."
        )

    @property
    def svg(self) -> str:
        """The picture."""
        size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        label = f'role="img" aria-label="{escape(self.alt)}"'
        line = f'fill="none" stroke="{POSITIVE}" stroke-width="2" stroke-linejoin="round"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label} font-family="{_FONT}">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            '<g font-size="12">',
            *self._axes(),
            "</g>",
            f'<path d="{self._path()}" {line}/>',
            "</svg>\n",
        ]
        return "\n".join(lines)

    def _axes(self) -> Iterator[str]:
        low, high = self._range
        for loss in ticks(low, high):
            y = self.place(1, loss)[1]
            yield f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="{HAIR}"/>'
            yield (
                f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="{GREY}">'
                f"{number(loss)}</text>"
            )
        below = HEIGHT - BOTTOM
        for step in ticks(1, max(self.points[-1][0], 2)):
            if step >= 1 and step == int(step):
                x = self.place(int(step), 0)[0]
                yield f'<path d="M{x} {below}v5" stroke="{LINE}"/>'
                yield (
                    f'<text x="{x}" y="{below + 18}" text-anchor="middle" fill="{GREY}">'
                    f"{int(step)}</text>"
                )
        yield f'<text x="{LEFT}" y="16" fill="{INK}">loss</text>'
        yield (
            f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end" fill="{INK}">step</text>'
        )

    def _path(self) -> str:
        """Draw through the finite losses; others leave a gap."""
        parts, pen = [], "M"
        for step, loss in self.points:
            if not math.isfinite(loss):
                pen = "M"
                continue
            parts.append("{}{} {}".format(pen, *self.place(step, loss)))
            pen = "L"
        if len(parts) == 1:
            parts.append("h0.1")
        return "".join(parts)


def ticks(low: float, high: float) -> list[float]:
    """Return about four round numbers between two.

    Examples
    --------
    >>> ticks(0, 2.3), ticks(1, 200)
    ([0.0, 0.5, 1.0, 1.5, 2.0], [50.0, 100.0, 150.0, 200.0])
    """
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((power * k for k in (1, 2, 5, 10)), key=lambda size: abs(size - rough))
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [float(f"{(first + k) * step:.12g}") for k in range(count)]
