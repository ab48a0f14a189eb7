"""The contributions that flowed back along the arrows, written beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_xent.visualization.drawing.box_layout import BoxLayout, Mark, Patch, Text
from tinygrad_xent.visualization.drawing.layout import Placement
from tinygrad_xent.visualization.drawing.layout.geometry import Point
from tinygrad_xent.visualization.drawing.lettering import shorten, text_width
from tinygrad_xent.visualization.drawing.model import Model
from tinygrad_xent.visualization.drawing.palette import RULE

SIZE, LONGEST, HEIGHT, BESIDE = 9.0, 30, 12.0, 4.0
_STEPS = 40  # points on each curve
_T = np.linspace(0, _STEPS, _STEPS + 1)[:, None] / _STEPS
_S = 1 - _T
_BERNSTEIN = (_S * _S * _S, 3 * _S * _S * _T, 3 * _S * _T * _T, _T * _T * _T)


def edge_labels(model: Model, layouts: Sequence[BoxLayout], placement: Placement) -> Iterator[Mark]:
    """Write each contribution near its arrow's start, beside the tensor that received it.

    A label takes the first place that is clear of boxes, other labels and other arrows, within
    the picture or else left or right of it; the picture is then made wider. If no place is clear,
    the label interrupts another arrow or a frame, or stands at the side with a line to its arrow.
    """
    if not model.with_sent:
        return
    taken = [
        (x, y, x + layout.width, y + layout.height)
        for (x, y), layout in zip(placement.corners, layouts, strict=True)
    ]
    sides = []
    for x, y, w, h in placement.frames:
        taken.append((x, y, x + w, y + 18))  # its title
        sides += [(x, y + h, x + w, y + h), (x, y, x, y + h), (x + w, y, x + w, y + h)]
    lines = [_points(route) for route in placement.routes]
    points = np.concatenate([*lines, np.empty((0, 2))])
    for line, arrow in zip(lines, model.arrows, strict=True):
        if not arrow.small:
            continue
        text = "↑ " + shorten(arrow.small, LONGEST).replace("-", "−")
        places = _places(line, text_width(text, SIZE))
        free = places[~_meet(places, taken)]
        place = _first_clear(free[~_meet(free, sides)], points, placement.width)
        if place is None:
            place = free[0] if len(free) else _at_the_side(places[0], placement.width, taken)
            left, top, right, _ = place.tolist()
            yield Patch(left, top + 1, ((0, 0, right - left, HEIGHT - 2),), "#ffffff")
            if (x := float(line[2, 0])) < left - 2 * BESIDE:
                yield Patch(x, top + HEIGHT / 2, ((0, 0, left - x - 2, 0.6),), RULE)
        left, top, right, bottom = place.tolist()
        taken.append((left, top, right, bottom))
        yield Text(left, top + 9, text, SIZE, RULE)


def _points(route: Sequence[Point]) -> Any:
    """Return points along the cubic segments of an arrow, one (x, y) in each row."""
    corners = np.array(route)
    a, b, c, d = _BERNSTEIN
    return np.concatenate(
        [
            a * corners[k] + b * corners[k + 1] + c * corners[k + 2] + d * corners[k + 3]
            for k in range(0, len(route) - 1, 3)
        ]
    )


def _places(line: Any, width: float) -> Any:
    """Return the places beside an arrow, from its start on: left, top, right, bottom in each row.

    The order at each point is above right, above left, below right, below left.
    """
    x, y = line[2 : max(len(line) * 4 // 5, 3)].T
    left = np.stack([x + BESIDE, x - BESIDE - width] * 2, axis=1).ravel()
    top = np.stack([y - HEIGHT / 2, y - HEIGHT / 2, y + 2, y + 2], axis=1).ravel()
    return np.stack([left, top, left + width, top + HEIGHT], axis=1)


def _meet(places: Any, taken: Sequence[Any]) -> Any:
    """Return for each place whether it comes within a pixel of one of the rectangles taken."""
    left, top, right, bottom = np.reshape(taken, (-1, 4)).T
    x0, y0, x1, y1 = places.T[:, :, None]
    beside = (x0 < right + 1) & (left < x1 + 1)
    return (beside & (y0 < bottom + 1) & (top < y1 + 1)).any(axis=1)


def _first_clear(places: Any, points: Any, width: float) -> Any:
    """Return the first place that no arrow crosses, those within the picture before others."""
    within = (places[:, 0] >= 0) & (places[:, 2] <= width)
    x, y = points.T
    for place in np.concatenate([places[within], places[~within]]):
        left, top, right, bottom = place
        crossed = (left - 1 < x) & (x < right + 1) & (top < y) & (y < bottom)
        if not crossed.any():
            return place
    return None


def _at_the_side(place: Any, left: float, taken: Sequence[Any]) -> Any:
    """Return a place right of the picture, at the height where the arrow starts."""
    aside = np.array([1.0, 0.0, 1.0, 0.0])
    place = place + (left - place[0]) * aside
    while _meet(place[None], taken).any():
        place = place + 2 * BESIDE * aside
    return place
