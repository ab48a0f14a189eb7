"""From a model, its layouts and their places to SVG that needs no style or script, and to PNG."""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Sequence

from tinygrad_xent.errors import MissingRendererError
from tinygrad_xent.visualization.drawing import cells, marks, style
from tinygrad_xent.visualization.drawing.layout import (
    GAP,
    Cluster,
    Link,
    Placement,
    Point,
    Rect,
    Size,
    place,
)
from tinygrad_xent.visualization.drawing.records import Arrow, Box, Group, Model
from tinygrad_xent.visualization.drawing.style import escape, quote, shorten, text_width

MARGIN, SPACE, NARROWEST = 16.0, 16.0, 300.0
SCOPE_SIZE = 11.0
HEAD = 8.0  # length of an arrow's head
WIDEST_ROW = 1100.0  # a longer chain stands upright: a page would shrink its letters too far


def paint(
    model: Model,
    layouts: Sequence[marks.BoxLayout],
    title: str,
    alt: str,
    body: Callable[[marks.BoxLayout], str] | None = None,
) -> str:
    """Place boxes and arrows, and write the picture as one SVG document.

    Parameters
    ----------
    model : Model
    layouts : sequence of BoxLayout
        That of each box.
    title, alt : str
        What to call the picture, and how to describe it.
    body : callable, optional
        Writes the marks of a box, if they are not to follow each other plainly.
    """
    placement = _placed(model, layouts)
    notes = list(marks.edge_labels(model, layouts, placement))
    beside = [mark for mark in notes if isinstance(mark, marks.Text)]
    ends = [(m.x, m.x + text_width(m.text, m.size)) for m in beside]
    outside = max([0.0, *(-x for x, _ in ends)])  # what is written left of all boxes
    wide = outside + max([placement.width, *(x for _, x in ends)])
    inner = max(wide, NARROWEST)
    key = marks.legend(model, [*layouts, marks.Block(0, 0, tuple(beside))], inner)
    below = MARGIN + placement.height + SPACE
    lowest = max([y for _, y, _ in key], default=0.0) + marks.KEY_LINE
    width, height = math.ceil(inner + 2 * MARGIN), math.ceil(below + lowest + MARGIN / 2)
    left = MARGIN + (inner - wide) / 2 + outside
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    label = f'role="img" aria-label={quote(title)}'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label} font-family="{style.FAMILIES}">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(alt)}</desc>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<g transform="translate({_n(left)} {_n(MARGIN)})">',
    ]
    for i, (group, frame) in enumerate(zip(model.groups, placement.frames, strict=False)):
        parts.append(_scope(f"s{i}", group, frame))
    for i, (arrow, route) in enumerate(zip(model.arrows, placement.routes, strict=True)):
        parts.append(_arrow(f"e{i}", arrow, route, model.tooltip(arrow)))
    parts += written(notes)
    for box, layout, corner in zip(model.boxes, layouts, placement.corners, strict=True):
        inside = body(layout) if body else "\n".join(written(layout.marks))
        parts.append(_box(box, layout, corner, inside))
    parts.append(f'</g>\n<g id="legend" transform="translate({_n(MARGIN)} {_n(below)})">')
    for x, y, entry in key:
        where = f'data-width="{entry.width:.1f}" transform="translate({x:.1f} {y:.1f})"'
        parts += [f"<g {_without_zeros(where)}>", *written(entry.marks), "</g>"]
    return "\n".join([*parts, "</g>", "</svg>", ""])


# -- boxes and arrows ----------------------------------------------------------------------------


def _placed(model: Model, layouts: Sequence[marks.BoxLayout]) -> Placement:
    ports = [max(len(box.ports), 1) for box in model.boxes]
    links = [Link(a.source, a.target, a.port, ports[a.target]) for a in model.arrows]
    clusters = [
        Cluster(
            group.boxes, group.parent, text_width(f"▾ {_scope_title(group)}", SCOPE_SIZE, bold=True)
        )
        for group in model.groups
    ]
    sizes = [(layout.width, layout.height) for layout in layouts]
    if [arrow[:2] for arrow in links] == list(itertools.pairwise(range(len(sizes)))):
        texts = [marks.contribution_text(a) for a in model.arrows if model.with_contributions]
        gaps = [max(GAP, text_width(text, marks.LABEL) + SPACE) for text in texts]
        chain = _row(sizes, gaps or [GAP] * len(links))
        if chain.width <= WIDEST_ROW and not clusters:
            return chain
    return place(sizes, links, clusters)


def _row(sizes: Sequence[Size], gaps: Sequence[float]) -> Placement:
    """Place boxes that follow each other from left to right, with a straight arrow in each gap."""
    height = max(h for _, h in sizes)
    corners: list[Point] = []
    routes = []
    x = 0.0
    for (w, h), gap in zip(sizes, [*gaps, 0.0], strict=True):
        corners.append((x, (height - h) / 2))
        x += w + gap
        routes.append(tuple([(x - gap * (1 - k / 3), height / 2) for k in range(4)]))
    return Placement(x, height, tuple(corners), tuple(routes[:-1]))


def _scope_title(group: Group) -> str:
    return shorten(group.title, marks.LONGEST_TITLE)


def _scope(name: str, group: Group, frame: Rect) -> str:
    x, y, w, h = map(_n, frame)
    title = _text(marks.Text(10, 14, "", SCOPE_SIZE, style.GREY, bold=_scope_title(group)))
    return (
        f'<g id="{name}" transform="translate({x} {y})">\n'
        f"<title>{escape(f'scope {group.title}')}</title>\n"
        f'<rect width="{w}" height="{h}" rx="8" fill="{style.INK}" fill-opacity="0.035" '
        f'stroke="{style.LINE}" stroke-width="1" stroke-dasharray="1 2.5"/>\n{title}\n</g>'
    )


def _box(box: Box, layout: marks.BoxLayout, corner: Point, inside: str) -> str:
    stroke = 2.4 if box.output else 1.2
    return (
        f'<g id="{box.id}" transform="translate({_p(corner)})">\n'
        f"<title>{escape(box.tooltip)}</title>\n"
        f"{_frame(box.kind, layout.width, layout.height, layout.header, stroke)}\n{inside}\n</g>"
    )


def painted_box(box: Box) -> str:
    """Write a box that is not placed yet as an SVG element of its own."""
    layout = marks.layout_of(box)
    text = _box(box, layout, (0, 0), "\n".join(written(layout.marks)))
    return text.replace("<g ", '<g xmlns="http://www.w3.org/2000/svg" ', 1)


def _frame(kind: str, width: float, height: float, header: float, stroke: float) -> str:
    """Return a box with a coloured head, round at the corners."""
    head, border, dashes, _ = style.LOOKS[kind]
    r = min(5.0, height / 4)
    w, h, y, rounding = f"{width:.1f}", f"{height:.1f}", f"{header:.1f}", f"{r:.1f}"
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    corner = f"H{width - r:.1f}Q{w} 0 {w} {rounding}"
    return _without_zeros(
        f'<rect width="{w}" height="{h}" rx="{rounding}" fill="#ffffff"/>'
        f'<path d="M0 {y}V{rounding}Q0 0 {rounding} 0{corner}V{y}Z" fill="{head}"/>'
        f'<rect width="{w}" height="{h}" rx="{rounding}" fill="none" stroke="{border}" '
        f'stroke-width="{stroke:.1f}"{dashed}/>'
    )


def _arrow(name: str, arrow: Arrow, route: Sequence[Point], tooltip: str) -> str:
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
    dashed = ' stroke-dasharray="4 3"' if arrow.dashed else ""
    # An invisible broad line under the visible one: a pointer finds it, and with it the tooltip.
    line = f'<path d="{path}" fill="none" stroke="{style.LINE}"'
    return (
        f'<g id="{name}"><title>{escape(tooltip)}</title>\n'
        f'{line} stroke-opacity="0" stroke-width="9"/>\n{line} stroke-width="1.3"{dashed}/>\n'
        f'<path d="{_polygon(head)}" fill="{style.LINE}"/></g>'
    )


def _path(points: Sequence[Point]) -> str:
    """Write cubic segments as path data, straight down where they are."""
    written = [_without_zeros(f"{x:.1f} {y:.1f}") for x, y in points]
    text = f"M{written[0]}"
    for i in range(1, len(points), 3):
        if len({point.split()[0] for point in written[i - 1 : i + 3]}) == 1:
            text += f"V{written[i + 2].split()[1]}"
        else:
            text += "C" + " ".join(written[i : i + 3])
    return text


def _polygon(points: Iterable[Point]) -> str:
    return _without_zeros("M" + "L".join([f"{x:.1f} {y:.1f}" for x, y in points]) + "Z")


# -- marks ---------------------------------------------------------------------------------------


def written(shown: Iterable[marks.Mark]) -> list[str]:
    """Return the markup of each mark."""
    parts = []
    for mark in shown:
        match mark:
            case marks.Text():
                parts.append(_text(mark))
            case marks.Patch():
                lines = f' stroke="{mark.lines}" stroke-width="0.6"' if mark.lines else ""
                parts.append(f'<path d="{_rects(mark)}" fill="{mark.fill}"{lines}/>')
            case marks.Sign():
                parts.append(_sign(mark))
            case marks.Swatch():
                frame = _frame(mark.kind, 14, 10, 5, 1)
                where = f"translate({_n(mark.x)} {_n(mark.y)})"
                parts.append(f'<g transform="{where}">{frame}</g>')
    return parts


def _text(mark: marks.Text) -> str:
    where = f'x="{mark.x:.1f}" y="{mark.y:.1f}" font-size="{mark.size:.1f}"'
    anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
    bold = f'<tspan font-weight="700">{escape(mark.bold)}</tspan>' if mark.bold else ""
    text = escape(mark.text) if mark.text else ""
    return f'<text {_without_zeros(where)} fill="{mark.fill}"{anchor}>{bold}{text}</text>'


def _rects(patch: marks.Patch) -> str:
    path = ""
    for x, y, w, h in patch.rects:
        path += f"M{patch.x + x:.1f} {patch.y + y:.1f}h{w:.1f}v{h:.1f}h{-w:.1f}z"
    return _without_zeros(path)


def _sign(mark: marks.Sign) -> str:
    """A cross for NaN, an arrowhead up or down for an infinity: told apart without any colour."""
    a, b, c = mark.size * 0.2, mark.size * 0.5, mark.size * 0.8
    x, y = mark.x, mark.y
    if mark.what == cells.NAN:
        falling = f"M{_p((x + a, y + a))}L{_p((x + c, y + c))}"
        rising = f"M{_p((x + a, y + c))}L{_p((x + c, y + a))}"
        return f'<path d="{falling}{rising}" fill="none" stroke="{style.INK}" stroke-width="1.6"/>'
    tip, base, fill = (a, c, style.POSITIVE) if mark.what == cells.INF else (c, a, style.NEGATIVE)
    head = _polygon([(x + b, y + tip), (x + c, y + base), (x + a, y + base)])
    return f'<path d="{head}" fill="{fill}"/>'


def _n(x: float) -> str:
    """Write a coordinate with at most one decimal."""
    return _without_zeros(f"{x:.1f}")


def _without_zeros(text: str) -> str:
    """Write 5.0 as 5 and -0.0 as 0 in text whose numbers have one decimal."""
    return re.sub(r"-0(?![.\d])", "0", text.replace(".0", ""))


def _p(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


# -- pixels --------------------------------------------------------------------------------------

SCALE = 2  # pixels for each unit of the picture: sharp on dense screens and in print


def png(svg: str) -> bytes:
    """Rasterise a picture.

    The letters are those of the font that ships with the package, so the bytes do not depend on
    the fonts of the machine. Only a letter that this font lacks is looked for in those.

    Raises
    ------
    MissingRendererError
        If `resvg_py` cannot be imported.
    """
    try:
        import resvg_py
    except ImportError:
        raise MissingRendererError(
            "PNG needs resvg_py, which cannot be imported here: run `pip install resvg_py`, or "
            "save the picture as .svg, which needs nothing"
        ) from None
    fonts = [str(style.FONT / name) for name in ("sans.ttf", "sans-bold.ttf")]
    family = 'svg { font-family: "tinygrad_xent Sans" }'
    png = resvg_py.svg_to_bytes(svg_string=svg, zoom=SCALE, font_files=fonts, style_sheet=family)
    return bytes(png)
