"""A line through points, as SVG that needs no font, style or script."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tinygrad_xent.visualization.drawing.style import GREY, HAIR, INK, LINE, POSITIVE, escape

WIDTH, HEIGHT = 520, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 26, 34
_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class LinePlot:
    """A line through points, and its two axes.

    Attributes
    ----------
    points : sequence of (float, float)
        A point that is not finite leaves a gap.
    x_range, y_range : (float, float)
        The numbers at the two ends of each axis.
    x_ticks, y_ticks : mapping of float to str
        What to write at which numbers.
    x_label, y_label : str
        What each axis shows.
    alt : str
        The plot in words.
    """

    points: Sequence[tuple[float, float]]
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    x_ticks: Mapping[float, str]
    y_ticks: Mapping[float, str]
    x_label: str
    y_label: str
    alt: str

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a point; a y that is not finite lies at the top."""
        (left, right), (low, high) = self.x_range, self.y_range
        share = (y - low) / (high - low) if math.isfinite(y) else 1.0
        across = LEFT + (x - left) / (right - left) * (WIDTH - LEFT - RIGHT)
        return round(across, 1), round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    @property
    def svg(self) -> str:
        """The plot."""
        size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        label = f'role="img" aria-label="{escape(self.alt)}"'
        fit = 'style="max-width:100%;height:auto"'
        line = f'fill="none" stroke="{POSITIVE}" stroke-width="2" stroke-linejoin="round"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label} font-family="{_FONT}" {fit}>',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            '<g font-size="12">',
            *self._axes(),
            "</g>",
            f'<path d="{self._path()}" {line}/>',
            "</svg>\n",
        ]
        return "\n".join(lines)

    def _axes(self) -> Iterator[str]:
        for y, text in self.y_ticks.items():
            down = self.place(self.x_range[0], y)[1]
            yield f'<path d="M{LEFT} {down}H{WIDTH - RIGHT}" stroke="{HAIR}"/>'
            yield _text(LEFT - 8, down + 4, "end", GREY, text)
        below = HEIGHT - BOTTOM
        for x, text in self.x_ticks.items():
            across = self.place(x, self.y_range[0])[0]
            yield f'<path d="M{across} {below}v5" stroke="{LINE}"/>'
            yield _text(across, below + 18, "middle", GREY, text)
        yield _text(LEFT, 16, "start", INK, self.y_label)
        yield _text(WIDTH - RIGHT, HEIGHT - 4, "end", INK, self.x_label)

    def _path(self) -> str:
        parts, pen = [], "M"
        for x, y in self.points:
            if not math.isfinite(y):
                pen = "M"
                continue
            parts.append("{}{} {}".format(pen, *self.place(x, y)))
            pen = "L"
        if len(parts) == 1:
            parts.append("h0.1")
        return "".join(parts)


def _text(x: float, y: float, anchor: str, colour: str, text: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


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
