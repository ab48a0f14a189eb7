"""From a model, its faces and their places to SVG that needs no style or script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from tinygrad_xent.visualization.drawing import cells
from tinygrad_xent.visualization.drawing.edge_labels import edge_labels
from tinygrad_xent.visualization.drawing.face import (
    LONGEST_TITLE,
    Face,
    Mark,
    Patch,
    Sign,
    Swatch,
    Text,
)
from tinygrad_xent.visualization.drawing.layout import Placement
from tinygrad_xent.visualization.drawing.layout.geometry import Point, Rect
from tinygrad_xent.visualization.drawing.legend import legend
from tinygrad_xent.visualization.drawing.lettering import (
    FAMILIES,
    escape,
    quote,
    shorten,
    text_width,
)
from tinygrad_xent.visualization.drawing.model import Arrow, Box, Group, Model
from tinygrad_xent.visualization.drawing.palette import GREY, INK, LINE, LOOKS, NEGATIVE, POSITIVE
from tinygrad_xent.visualization.drawing.words import arrow_tooltip, box_tooltip

MARGIN, SPACE, NARROWEST = 16.0, 16.0, 300.0
SCOPE_SIZE = 11.0
HEAD = 8.0  # length of an arrow's head


def paint(model: Model, faces: Sequence[Face], placement: Placement, title: str, alt: str) -> str:
    """Write the picture as one SVG document."""
    notes = list(edge_labels(model, faces, placement))
    ends = [(m.x, m.x + text_width(m.text, m.size)) for m in notes if isinstance(m, Text)]
    outside = max([0.0, *(-x for x, _ in ends)])  # what is written left of all boxes
    wide = outside + max([placement.width, *(x for _, x in ends)])
    inner = max(wide, NARROWEST)
    key = legend(model, faces, inner)
    below = MARGIN + placement.height + SPACE
    width, height = math.ceil(inner + 2 * MARGIN), math.ceil(below + key.height + MARGIN / 2)
    left = MARGIN + (inner - wide) / 2 + outside
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    label = f'role="img" aria-label={quote(title)}'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label} font-family="{FAMILIES}">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(alt)}</desc>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<g transform="translate({_n(left)} {_n(MARGIN)})">',
    ]
    for i, (group, frame) in enumerate(zip(model.groups, placement.frames, strict=False)):
        parts += _scope(f"s{i}", group, frame)
    for i, (arrow, route) in enumerate(zip(model.arrows, placement.routes, strict=True)):
        parts += _arrow(f"e{i}", arrow, route, model)
    parts += _marks(notes)
    for box, face, (x, y) in zip(model.boxes, faces, placement.corners, strict=True):
        parts += _box(box, face, x, y)
    parts.append(f'</g>\n<g id="legend" transform="translate({_n(MARGIN)} {_n(below)})">')
    parts += _marks(key.marks)
    return "\n".join([*parts, "</g>", "</svg>", ""])


# -- boxes and arrows ----------------------------------------------------------------------------


def _scope(name: str, group: Group, frame: Rect) -> Iterator[str]:
    x, y, w, h = map(_n, frame)
    yield f'<g id="{name}" transform="translate({x} {y})">'
    yield f"<title>{escape(f'scope {group.title}')}</title>"
    yield (
        f'<rect width="{w}" height="{h}" rx="8" fill="{INK}" fill-opacity="0.035" '
        f'stroke="{LINE}" stroke-width="1" stroke-dasharray="1 2.5"/>'
    )
    yield _text(Text(10, 14, "", SCOPE_SIZE, GREY, bold=scope_title(group)))
    yield "</g>"


def scope_title(group: Group) -> str:
    """Give what is written above the boxes of a scope."""
    return shorten(group.title, LONGEST_TITLE)


def _box(box: Box, face: Face, x: float, y: float) -> Iterator[str]:
    yield f'<g id="{box.id}" transform="translate({_n(x)} {_n(y)})">'
    yield f"<title>{escape(box_tooltip(box))}</title>"
    yield _frame(box.kind, face.width, face.height, face.header, 2.4 if box.output else 1.2)
    yield from _marks(face.marks)
    yield "</g>"


def _frame(kind: str, width: float, height: float, header: float, stroke: float) -> str:
    """A box with a coloured head, round at the corners."""
    head, border, dashes = LOOKS[kind]
    r = min(5.0, height / 4)
    w, h, y = _n(width), _n(height), _n(header)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    shape = f"M0 {y}V{_n(r)}Q0 0 {_n(r)} 0H{_n(width - r)}Q{w} 0 {w} {_n(r)}V{y}Z"
    return (
        f'<rect width="{w}" height="{h}" rx="{_n(r)}" fill="#ffffff"/>'
        f'<path d="{shape}" fill="{head}"/>'
        f'<rect width="{w}" height="{h}" rx="{_n(r)}" fill="none" stroke="{border}" '
        f'stroke-width="{_n(stroke)}"{dashed}/>'
    )


def _arrow(name: str, arrow: Arrow, route: Sequence[Point], model: Model) -> Iterator[str]:
    points = list(route)
    x1, y1 = points[-1]
    # The head points where the line comes from, seen from a head's length away.
    x0, y0 = next((p for p in reversed(points) if math.dist(p, points[-1]) > HEAD), points[0])
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    x2, y2, wing = x1 - HEAD * dx, y1 - HEAD * dy, HEAD * 0.4
    points[-1] = (x1 - HEAD * 0.7 * dx, y1 - HEAD * 0.7 * dy)  # the line ends inside the head
    path = _path(points)
    head = [(x1, y1), (x2 - wing * dy, y2 + wing * dx), (x2 + wing * dy, y2 - wing * dx)]
    dashed = ' stroke-dasharray="4 3"' if model.is_dashed(arrow) else ""
    yield f'<g id="{name}"><title>{escape(arrow_tooltip(arrow, model))}</title>'
    # An invisible broad line under the visible one: a pointer finds it, and with it the tooltip.
    yield f'<path d="{path}" fill="none" stroke="{LINE}" stroke-opacity="0" stroke-width="9"/>'
    yield f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.3"{dashed}/>'
    yield f'<path d="{_polygon(head)}" fill="{LINE}"/></g>'


def _path(points: Sequence[Point]) -> str:
    """Write cubic segments as path data, straight down where they are."""
    text = f"M{_p(points[0])}"
    for i in range(1, len(points), 3):
        if len({_n(x) for x, _ in points[i - 1 : i + 3]}) == 1:
            text += f"V{_n(points[i + 2][1])}"
        else:
            text += "C" + " ".join(map(_p, points[i : i + 3]))
    return text


def _polygon(points: Iterable[Point]) -> str:
    return "M" + "L".join(map(_p, points)) + "Z"


# -- marks ---------------------------------------------------------------------------------------


def _marks(marks: Iterable[Mark]) -> Iterator[str]:
    for mark in marks:
        match mark:
            case Text():
                yield _text(mark)
            case Patch():
                lines = f' stroke="{mark.lines}" stroke-width="0.6"' if mark.lines else ""
                yield f'<path d="{"".join(_rects(mark))}" fill="{mark.fill}"{lines}/>'
            case Sign():
                yield _sign(mark)
            case Swatch():
                frame = _frame(mark.kind, 14, 10, 5, 1)
                yield f'<g transform="translate({_n(mark.x)} {_n(mark.y)})">{frame}</g>'


def _text(mark: Text) -> str:
    anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
    bold = f'<tspan font-weight="700">{escape(mark.bold)}</tspan>' if mark.bold else ""
    return (
        f'<text x="{_n(mark.x)}" y="{_n(mark.y)}" font-size="{_n(mark.size)}" fill="{mark.fill}"'
        f"{anchor}>{bold}{escape(mark.text)}</text>"
    )


def _rects(patch: Patch) -> Iterator[str]:
    for x, y, w, h in patch.rects:
        yield f"M{_n(patch.x + x)} {_n(patch.y + y)}h{_n(w)}v{_n(h)}h{_n(-w)}z"


def _sign(mark: Sign) -> str:
    """A cross for NaN, an arrowhead up or down for an infinity: told apart without any colour."""
    a, b, c = mark.size * 0.2, mark.size * 0.5, mark.size * 0.8
    x, y = mark.x, mark.y
    if mark.what == cells.NAN:
        falling = f"M{_p((x + a, y + a))}L{_p((x + c, y + c))}"
        rising = f"M{_p((x + a, y + c))}L{_p((x + c, y + a))}"
        return f'<path d="{falling}{rising}" fill="none" stroke="{INK}" stroke-width="1.6"/>'
    tip, base, fill = (a, c, POSITIVE) if mark.what == cells.INF else (c, a, NEGATIVE)
    head = _polygon([(x + b, y + tip), (x + c, y + base), (x + a, y + base)])
    return f'<path d="{head}" fill="{fill}"/>'


def _n(x: float) -> str:
    """Write a coordinate with at most one decimal."""
    text = f"{x:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def _p(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"
