"""What flowed back along the arrows, written beside them where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from tinygrad_xent.drawing.face import Face
from tinygrad_xent.drawing.layout import Placement
from tinygrad_xent.drawing.layout.geometry import Point, Rect
from tinygrad_xent.drawing.lettering import shorten, text_width
from tinygrad_xent.drawing.marks import Mark, Text
from tinygrad_xent.drawing.model import Model
from tinygrad_xent.drawing.palette import RULE

SIZE, LONGEST, HEIGHT, BESIDE = 9.0, 30, 12.0, 4.0
_STEPS = 40  # points on each curve


def sent_labels(model: Model, faces: Sequence[Face], placement: Placement) -> Iterator[Mark]:
    """Write each contribution near its arrow's start, beside the tensor that it flowed to.

    The first place counts that is clear of boxes, of other labels and of other arrows; where
    there is none, only the tooltip says what flowed.
    """
    if not model.with_sent:
        return
    taken = [
        (x, y, x + face.width, y + face.height)
        for (x, y), face in zip(placement.corners, faces, strict=True)
    ]
    for x, y, w, h in placement.frames:  # their titles and sides
        taken += [(x, y, x + w, y + 18), (x, y + h, x + w, y + h)]
        taken += [(x, y, x, y + h), (x + w, y, x + w, y + h)]
    lines = [list(_points(route)) for route in placement.routes]
    for i, arrow in enumerate(model.arrows):
        if not arrow.small:
            continue
        text = "↑ " + shorten(arrow.small, LONGEST).replace("-", "−")
        width = text_width(text, SIZE)
        place = _free(lines, i, width, taken, placement)
        if place:
            left, top, _, _ = place
            taken.append(place)
            yield Text(left, top + 9, text, SIZE, RULE)


def _free(
    lines: Sequence[Sequence[Point]],
    own: int,
    width: float,
    taken: Sequence[Rect],
    placement: Placement,
) -> Rect | None:
    points = lines[own]
    for x, y in points[2 : max(len(points) * 4 // 5, 3)]:
        for top, left in product((y - HEIGHT / 2, y + 2), (x + BESIDE, x - BESIDE - width)):
            place = (left, top, left + width, top + HEIGHT)
            if left < 0 or place[2] > placement.width or any(_meet(place, t) for t in taken):
                continue
            if not any(_inside(place, point) for line in lines for point in line):
                return place
    return None


def _meet(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] + 1 and b[0] < a[2] + 1 and a[1] < b[3] + 1 and b[1] < a[3] + 1


def _inside(rect: Rect, point: Point) -> bool:
    return rect[0] - 1 < point[0] < rect[2] + 1 and rect[1] < point[1] < rect[3]


def _points(route: Sequence[Point]) -> Iterator[Point]:
    for k in range(0, len(route) - 1, 3):
        a, b, c, d = route[k : k + 4]
        for step in range(_STEPS + 1):
            t = step / _STEPS
            s = 1 - t
            weights = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
            yield (
                sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True)),
                sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True)),
            )
