"""What is written in boxes, beside arrows and below the picture, and where: marks to paint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygrad_xent.visualization.drawing import cells, style
from tinygrad_xent.visualization.drawing.layout import Placement, Point, Rect, port_x
from tinygrad_xent.visualization.drawing.records import Arrow, Box, Model
from tinygrad_xent.visualization.drawing.style import shorten, text_width

# -- marks -----------------------------------------------------------------------------------------


class Text(NamedTuple):
    """A line of text, perhaps with a few bold words before it."""

    x: float
    y: float
    text: str
    size: float = 10.0
    fill: str = style.INK
    anchor: str = "start"
    bold: str = ""


class Patch(NamedTuple):
    """Rectangles of one colour, from the patch's corner on; `lines` is the colour between them."""

    x: float
    y: float
    rects: tuple[Rect, ...]
    fill: str
    lines: str = ""


class Sign(NamedTuple):
    """A mark in a cell whose entry is not a finite number: cells.NAN, INF or MINUS_INF."""

    x: float
    y: float
    size: float
    what: int


class Swatch(NamedTuple):
    """A small sample of what boxes of a kind look like."""

    x: float
    y: float
    kind: str


Mark = Text | Patch | Sign | Swatch


@dataclass(frozen=True)
class Block:
    """Marks that belong together, and the room they take from (0, 0) on."""

    width: float
    height: float
    marks: tuple[Mark, ...]

    def at(self, x: float, y: float) -> list[Mark]:
        """Return the marks moved to a place."""
        return [mark._replace(x=mark.x + x, y=mark.y + y) for mark in self.marks]


PAD, GAP = 10.0, 16.0
STRIP, HEADER, LINE = 14.0, 23.0, 14.0
TITLE, SMALL, CAPTION, LABEL = 12.5, 10.0, 9.5, 9.0
LONGEST_TITLE, LONGEST_LINE, LONGEST_LABEL, MOST_LABELS = 30, 44, 14, 8
LONGEST_RULE, LONGEST_FOLDED = 60, 60
SIDE_BY_SIDE = 150.0  # tables wider than this stand one below the other


@dataclass(frozen=True)
class BoxLayout(Block):
    """The marks of a box; `header` is the height of its coloured head."""

    header: float


def layout_of(box: Box) -> BoxLayout:
    """Lay out one box."""
    title = shorten(box.title, LONGEST_FOLDED if box.kind == "folded" else LONGEST_TITLE)
    made = f" = {shorten(box.expression, LONGEST_TITLE)}" if box.expression else ""
    tables = [(caption, cells.table_of(array)) for caption, array in box.arrays]
    value, lines = tables[0][1], box.lines
    if isinstance(value, cells.Cells) and value.note:
        lines.append((value.note, style.GREY))
    longest = LONGEST_FOLDED if box.kind == "folded" else LONGEST_LINE
    lines = [
        (shorten(line, longest if colour == style.GREY else LONGEST_RULE), colour)
        for line, colour in lines
    ]
    body = _body(tables)
    head = text_width(title, TITLE, bold=True) + text_width(made, TITLE)
    texts = max(text_width(line, SMALL) for line, _ in lines)
    bars = _bars(box.norms) if len(box.norms) > 1 else Block(0, 0, ())
    inner = max(head, texts, body.width, bars.width, 64.0)
    width = float(round(max(inner + 2 * PAD, _ports_width(box.ports))))

    marks = _port_labels(box.ports, width)
    header = HEADER + (STRIP if box.ports else 0.0)
    marks.append(Text(PAD, header - 7.5, made, TITLE, bold=title))
    y = header
    for line, ink_of_line in lines:
        y += LINE
        marks.append(Text(PAD, y, line, SMALL, ink_of_line))
    y += 8
    marks += body.at(PAD, y)
    y += body.height
    marks += bars.at(PAD, y + 4)
    y += bars.height + 4 * bool(bars.marks)
    return BoxLayout(width, float(round(y + 9)), tuple(marks), header)


# -- where arrows arrive -------------------------------------------------------------------------


def _labels(ports: Sequence[str]) -> dict[int, str]:
    """Return the label at each port: at each, or at the first and last of many."""
    at = range(len(ports)) if len(ports) <= MOST_LABELS else (0, len(ports) - 1)
    return {i: shorten(ports[i], LONGEST_LABEL) for i in at}


def _ports_width(ports: Sequence[str]) -> float:
    widest = max((text_width(label, LABEL) + 8 for label in _labels(ports).values()), default=0.0)
    if len(ports) <= MOST_LABELS:
        return len(ports) * widest
    return max(len(ports) * 9.0, 2 * widest)


def _port_labels(ports: Sequence[str], width: float) -> list[Mark]:
    marks: list[Mark] = []
    for i, label in _labels(ports).items():
        half = text_width(label, LABEL) / 2 + 4
        x = min(max(port_x(width, i, len(ports)), half), width - half)
        marks.append(Text(x, 10.5, label, LABEL, style.GREY, "middle"))
    return marks


# -- value and gradient --------------------------------------------------------------------------


def _body(tables: Sequence[tuple[str, cells.Table]]) -> Block:
    """Put a row above its gradient, narrow tables side by side, wide ones one below the other."""
    column = max((_column(shown) for _, shown in tables), default=0.0)
    blocks = [(_caption(words), _block(shown, column)) for words, shown in tables]
    rows = all(isinstance(shown, cells.Cells) and len(shown.levels) == 1 for _, shown in tables)
    marks: list[Mark] = []
    x = y = width = height = 0.0
    left = max(caption.width for caption, _ in blocks) + 8
    for caption, block in blocks:
        if rows:
            marks += caption.at(0, y + block.height / 2 - 4.5)
            marks += block.at(left, y)
            width, height = max(width, left + block.width), y + block.height
            y = height + 3
            continue
        marks += caption.at(x, y)
        marks += block.at(x, y + caption.height)
        width = max(width, x + max(block.width, caption.width))
        height = max(height, y + caption.height + block.height)
        if block.width > SIDE_BY_SIDE:
            y = height + 9
        else:
            x = width + GAP
    return Block(width, height, tuple(marks))


MOST_BARS, BAR, TALLEST = 40, 6.0, 26.0


def _bars(norms: Sequence[float]) -> Block:
    """Draw norms as bars on a logarithmic scale: vanishing and exploding gradients show."""
    data = np.array(norms[:: -(-len(norms) // MOST_BARS)])
    there = np.isfinite(data) & (data > 0)
    logs = np.log10(data, where=there, out=np.zeros(len(data)))
    top = float(np.max(logs, where=there, initial=-np.inf))
    # The largest is as high as there is room; at least two decades: what hardly differs is level.
    span = max(top - float(np.min(logs, where=there, initial=top)), 2.0)
    marks: list[Mark] = []
    rects = []
    for k, norm in enumerate(data.tolist()):
        tall = 3 + (TALLEST - 3) * (1 - (top - logs[k]) / span) if there[k] else 0.0
        rects.append((k * BAR, TALLEST - tall, BAR - 1, tall))
        if not np.isfinite(norm):
            marks.append(Sign(k * BAR, TALLEST - 8, 8, cells.NAN if np.isnan(norm) else cells.INF))
    width = len(data) * BAR
    marks.append(Patch(0, 0, tuple(rects), style.RULE))
    marks.append(Patch(0, TALLEST, ((0, 0, width, 1),), style.HAIR))
    caption = _caption("gradient norms, first to last (logarithmic)")
    return Block(max(width, caption.width), TALLEST + 16, (*caption.at(0, TALLEST + 3), *marks))


def _caption(words: str) -> Block:
    return Block(text_width(words, CAPTION), 13, (Text(0, 8, words, CAPTION, style.GREY),))


def _column(shown: cells.Table) -> float:
    """The width of a column of printed numbers."""
    texts = shown.texts if isinstance(shown, cells.Cells) and shown.texts else ()
    return max((text_width(_minus(text), 11) + 9 for row in texts for text in row), default=0.0)


def _block(shown: cells.Table, column: float) -> Block:
    match shown:
        case cells.Phrase():
            text = _minus(shown.text)
            return Block(text_width(text, 14), 16, (Text(0, 13, text, 14),))
        case cells.Cells():
            return _cells_block(shown, column)
        case cells.Summary():
            return _summary_block(shown)


def _minus(text: str) -> str:
    """Write numbers with a minus sign: a hyphen is easily overlooked."""
    return text.replace("-", "−")


def _cells_block(shown: cells.Cells, column: float) -> Block:
    height, width = len(shown.levels), len(shown.levels[0])
    longest = max(height, width)
    across = down = 12.0 if longest <= 12 else 10.0 if longest <= 16 else 6.0
    if shown.texts:
        across, down = max(column, 28.0), 18.0
    fills: dict[str, list[Rect]] = {}
    marks: list[Mark] = []
    for i, row in enumerate(shown.levels):
        y = i * down + (i // shown.slice_rows) * 5
        for j, level in enumerate(row):
            if level == cells.MISSING:
                continue
            finite = abs(level) <= style.LEVELS
            fill = style.heat(level) if finite else "#ffffff"
            fills.setdefault(fill, []).append((j * across, y, across, down))
            if shown.texts:
                text, x = _minus(shown.texts[i][j]), (j + 0.5) * across
                plain, bold = (text, "") if finite else ("", text)
                marks.append(Text(x, y + 13, plain, 11, style.ink(fill), "middle", bold))
            elif not finite:
                marks.append(Sign(j * across, y, across, level))
    patches = [Patch(0, 0, tuple(rects), fill, style.HAIR) for fill, rects in sorted(fills.items())]
    total = height * down + (height - 1) // shown.slice_rows * 5
    return Block(width * across, total, (*patches, *marks))


def _summary_block(shown: cells.Summary) -> Block:
    width, chart, y = 96.0, 30.0, 0.0
    marks: list[Mark] = []
    if shown.histogram:
        bar = width / len(shown.histogram)
        zero = -shown.low / ((shown.high - shown.low) or 1.0) * width
        sides: dict[str, list[Rect]] = {style.NEGATIVE: [], style.POSITIVE: []}
        for i, share in enumerate(shown.histogram):
            tall = max(share * chart, 1.0) if share else 0.0
            side = style.NEGATIVE if (i + 0.5) * bar < zero else style.POSITIVE
            sides[side].append((i * bar, chart - tall, bar, tall))
        marks += [Patch(0, 0, tuple(rects), fill) for fill, rects in sides.items() if rects]
        marks.append(Patch(0, chart, ((0, 0, width, 1),), style.HAIR))
        y = chart + 2
    for label, text in shown.lines:
        y += 12.5
        marks.append(Text(0, y, label, CAPTION, style.GREY))
        marks.append(Text(width, y, _minus(text), SMALL, anchor="end"))
    return Block(width, y + 2, tuple(marks))


# -- beside the arrows -----------------------------------------------------------------------------

LONGEST_CONTRIBUTION, HEIGHT, BESIDE = 30, 12.0, 4.0
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
    if not model.with_contributions:
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
        if not arrow.short_contribution:
            continue
        text = contribution_text(arrow)
        if line[0, 1] == line[-1, 1]:
            text = text.replace("↑", "←")
        places = _places(line, text_width(text, LABEL))
        free = places[~_meet(places, taken)]
        place = _first_clear(free[~_meet(free, sides)], points, placement.width)
        if place is None:
            place = free[0] if len(free) else _at_the_side(places[0], placement.width, taken)
            left, top, right, _ = place.tolist()
            yield Patch(left, top + 1, ((0, 0, right - left, HEIGHT - 2),), "#ffffff")
            if (x := float(line[2, 0])) < left - 2 * BESIDE:
                yield Patch(x, top + HEIGHT / 2, ((0, 0, left - x - 2, 0.6),), style.RULE)
        left, top, right, bottom = place.tolist()
        taken.append((left, top, right, bottom))
        yield Text(left, top + 9, text, LABEL, style.RULE)


def contribution_text(arrow: Arrow) -> str:
    """Return what stands beside an arrow."""
    return "↑ " + shorten(arrow.short_contribution, LONGEST_CONTRIBUTION).replace("-", "−")


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


# -- the legend ------------------------------------------------------------------------------------

KEY_LINE, SPACE = 16.0, 18.0
_SIGNS = {cells.NAN: "NaN", cells.INF: "inf", cells.MINUS_INF: "−inf"}


def legend(model: Model, blocks: Sequence[Block], width: float) -> list[tuple[float, float, Block]]:
    """Explain colours, signs and words below a picture of this width: entries and their places."""
    placed = []
    x = y = 0.0
    for item in _entries(model, blocks):
        if x and x + item.width > width:
            x, y = 0.0, y + KEY_LINE
        placed.append((x, y, item))
        x += item.width + SPACE
    return placed


def _entries(model: Model, blocks: Sequence[Block]) -> Iterator[Block]:
    if model.note:
        yield _words(model.note)
    present = {box.kind for box in model.boxes}
    for kind, (*_, words) in style.LOOKS.items():
        if kind in present:
            yield _labelled(Swatch(0, 0, kind), 19, words)
    if model.seed:
        output = "sum of " * (model.seed == "sum") + shorten(model.outputs[0].title, 20)
        yield _words("gradient: ∂L/∂value" + (f", L = {output}" if output != "L" else ""))
    if any(box.rules for box in model.boxes):
        yield _words("∂x = …: rule for input x", style.RULE)
    marks = [mark for block in blocks for mark in block.marks]
    sent = [mark.text[0] for mark in marks if isinstance(mark, Text) and mark.text[:1] in {*"↑←"}]
    if sent:
        yield _words(f"{sent[0]} gradient sent back", style.RULE)
    if any(isinstance(mark, Patch) and mark.fill in _SHADES for mark in marks):
        yield _scale()
    found = {mark.what for mark in marks if isinstance(mark, Sign)}
    for what, words in _SIGNS.items():
        if what in found:
            yield _labelled(Sign(0, 0, 11, what), 14, words)


_SHADES = [style.heat(level) for level in range(-style.LEVELS, style.LEVELS + 1)]


def _words(text: str, fill: str = style.GREY) -> Block:
    return Block(text_width(text, CAPTION), KEY_LINE, (Text(0, 9, text, CAPTION, fill),))


def _labelled(mark: Mark, width: float, words: str) -> Block:
    text = _words(words)
    return Block(width + text.width, KEY_LINE, (mark, *text.at(width, 0)))


def _scale() -> Block:
    """The colours, from the most negative to the most positive entry of a table."""
    left, right = _words("−max"), _words("max of each table")
    step, start = 4.0, left.width + 4
    shades = [
        Patch(start + k * step, 1, ((0, 0, step, 9),), fill, style.HAIR * (k == style.LEVELS))
        for k, fill in enumerate(_SHADES)
    ]
    end = start + len(shades) * step + 4
    return Block(end + right.width, KEY_LINE, (*left.marks, *shades, *right.at(end, 0)))
