"""What flowed back along the arrows, written beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from tinygrad_xent.drawing.face import Face
from tinygrad_xent.drawing.layout import Placement
from tinygrad_xent.drawing.layout.geometry import Point, Rect
from tinygrad_xent.drawing.lettering import shorten, text_width
from tinygrad_xent.drawing.marks import Mark, Patch, Text
from tinygrad_xent.drawing.model import Model
from tinygrad_xent.drawing.palette import RULE

SIZE, LONGEST, HEIGHT, BESIDE = 9.0, 30, 12.0, 4.0
_STEPS = 40  # points on each curve


def sent_labels(model: Model, faces: Sequence[Face], placement: Placement) -> Iterator[Mark]:
    """Write each contribution near its arrow's start, beside the tensor that it flowed to.

    The first place counts that is clear of boxes, of other labels and of other arrows; if need be
    it lies left or right of the picture, which must then be made wider. Where there is none, the
    label interrupts another arrow or a frame, or stands at the side with a line to its own.
    """
    if not model.with_sent:
        return
    taken = [
        (x, y, x + face.width, y + face.height)
        for (x, y), face in zip(placement.corners, faces, strict=True)
    ]
    sides: list[Rect] = []
    for x, y, w, h in placement.frames:
        taken.append((x, y, x + w, y + 18))  # its title
        sides += [(x, y + h, x + w, y + h), (x, y, x, y + h), (x + w, y, x + w, y + h)]
    lines = [list(_points(route)) for route in placement.routes]

    def is_free(place: Rect) -> bool:
        return not any(_meet(place, t) for t in taken)

    def is_clear(place: Rect) -> bool:
        if not is_free(place) or any(_meet(place, s) for s in sides):
            return False
        return not any(_crosses(line, place) for line in lines)

    def is_within(place: Rect) -> bool:
        return place[0] >= 0 and place[2] <= placement.width and is_clear(place)

    for line, arrow in zip(lines, model.arrows, strict=True):
        if not arrow.small:
            continue
        text = "↑ " + shorten(arrow.small, LONGEST).replace("-", "−")
        places = list(_places(line, text_width(text, SIZE)))
        place = _first(places, is_within) or _first(places, is_clear)
        if place is None:
            place = _first(places, is_free) or _at_the_side(
                line, places[0], placement.width, is_free
            )
            left, top, right, _ = place
            yield Patch(left, top + 1, ((0, 0, right - left, HEIGHT - 2),), "#ffffff")
            if (x := line[2][0]) < left - 2 * BESIDE:
                yield Patch(x, top + HEIGHT / 2, ((0, 0, left - x - 2, 0.6),), RULE)
        taken.append(place)
        yield Text(place[0], place[1] + 9, text, SIZE, RULE)


def _places(line: Sequence[Point], width: float) -> Iterator[Rect]:
    """List the places beside an arrow, from its start on."""
    for x, y in line[2 : max(len(line) * 4 // 5, 3)]:
        for top, left in product((y - HEIGHT / 2, y + 2), (x + BESIDE, x - BESIDE - width)):
            yield left, top, left + width, top + HEIGHT


def _first(places: Sequence[Rect], is_good: Callable[[Rect], bool]) -> Rect | None:
    return next(filter(is_good, places), None)


def _at_the_side(
    line: Sequence[Point], place: Rect, left: float, is_free: Callable[[Rect], bool]
) -> Rect:
    """Return a place right of the picture at the height where an arrow starts."""
    top, width = line[2][1] - HEIGHT / 2, place[2] - place[0]
    while not is_free((left, top, left + width, top + HEIGHT)):
        left += 2 * BESIDE
    return left, top, left + width, top + HEIGHT


def _meet(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] + 1 and b[0] < a[2] + 1 and a[1] < b[3] + 1 and b[1] < a[3] + 1


def _crosses(line: Sequence[Point], rect: Rect) -> bool:
    left, top, right, bottom = rect
    for x, y in line:  # noqa: SIM110 - any() of a generator is half the time of a small picture
        if left - 1 < x < right + 1 and top < y < bottom:
            return True
    return False


def _points(route: Sequence[Point]) -> Iterator[Point]:
    for k in range(0, len(route) - 1, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = route[k : k + 4]
        for step in range(_STEPS + 1):
            t = step / _STEPS
            s = 1 - t
            a, b, c, d = s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t
            yield a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy
