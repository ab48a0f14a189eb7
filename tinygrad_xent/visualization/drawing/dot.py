"""The picture as DOT, for people who want to style or lay it out with Graphviz themselves."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from tinygrad_xent.visualization.drawing import cells, style
from tinygrad_xent.visualization.drawing.records import Box, Group, Model
from tinygrad_xent.visualization.drawing.style import shorten, text_width
from tinygrad_xent.visualization.formatting import brief

if TYPE_CHECKING:
    from graphviz import Digraph

_LONGEST = 30
_TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">'


def digraph(model: Model) -> Digraph:
    """Make a `graphviz.Digraph` with a table for each box. Names appear in it as text only."""
    import graphviz

    graph = graphviz.Digraph(
        graph_attr={"rankdir": "TB", "bgcolor": "white", "tooltip": " "},
        node_attr={"shape": "plain", "fontname": "Helvetica,Arial,sans-serif", "fontsize": "11"},
        edge_attr={"color": style.LINE, "arrowsize": "0.7"},
    )
    if model.note:
        graph.attr(
            label=_string(model.note, 1), fontname="Helvetica,Arial,sans-serif", fontsize="10"
        )
    frames = [_frame(i, group) for i, group in enumerate(model.groups)]
    home: dict[int, Any] = {}
    for group, frame in zip(model.groups, frames, strict=True):  # the innermost comes last
        home.update(dict.fromkeys(group.boxes, frame))
    for i, box in enumerate(model.boxes):
        home.get(i, graph).node(box.id, label=f"<{_label(box)}>", tooltip=_string(box.tooltip))
    for group, frame in zip(reversed(model.groups), reversed(frames), strict=True):
        (frames[group.parent] if group.parent >= 0 else graph).subgraph(frame)
    for arrow in model.arrows:
        source, target = model.boxes[arrow.source], model.boxes[arrow.target]
        port = f":p{arrow.port}:n" if target.ports else ""
        graph.edge(
            source.id,
            target.id + port,
            tooltip=_string(model.tooltip(arrow)),
            style="dashed" if arrow.dashed else "solid",
        )
    return graph


def _frame(i: int, group: Group) -> Digraph:
    import graphviz

    attributes = {
        "label": _string(shorten(group.title, _LONGEST), 1),
        "labeljust": "l",
        "fontname": "Helvetica,Arial,sans-serif",
        "fontsize": "11",
        "style": "dotted,rounded",
        "color": style.LINE,
    }
    return graphviz.Digraph(f"cluster{i}", graph_attr=attributes)


def _string(text: str, levels: int = 2) -> Any:
    """Keep Graphviz from reading backslashes (twice, in tooltips), entities or markup into text."""
    import graphviz

    return graphviz.nohtml(text.replace("&", "&amp;").replace("\\", "\\" * 2 * levels))


def _label(box: Box) -> str:
    head, border, dashes, _ = style.LOOKS[box.kind]
    dashed = ' STYLE="DASHED"' if dashes else ""
    width = 2 if box.output else 1
    shade = f' BGCOLOR="{head}"'
    made = f" = {_text(box.expression)}" if box.expression else ""
    # Programs measure bold text as if it were not: the width is given.
    room = text_width(shorten(box.title, _LONGEST), 12, bold=True) + text_width(made, 12)
    rows = [_row(f"<B>{_text(box.title)}</B>{made}", f' WIDTH="{room:.0f}"{shade}')]
    if box.ports:
        names = "".join(
            f'<TD PORT="p{i}">{_small(name, 14)}</TD>' for i, name in enumerate(box.ports)
        )
        rows.insert(0, f"<TR><TD{shade}>{_TABLE}<TR>{names}</TR></TABLE></TD></TR>")
    for line, colour in box.lines:
        rows.append(_row(_small(line, 60 if colour == style.RULE else 44, colour)))
    body = "".join(
        f'<TR><TD ALIGN="LEFT" WIDTH="46">{_small(words)}</TD>'
        f'<TD ALIGN="LEFT">{_numbers(array)}</TD></TR>'
        for words, array in box.arrays
    )
    rows.append(_row(f"{_TABLE}{body}</TABLE>"))
    return (
        f'<TABLE BORDER="{width}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4" COLOR="{border}" '
        f'BGCOLOR="white"{dashed}>{"".join(rows)}</TABLE>'
    )


def _row(content: str, attributes: str = "") -> str:
    return f'<TR><TD ALIGN="LEFT"{attributes}>{content}</TD></TR>'


def _numbers(array: Any) -> str:
    shown = cells.table_of(array)
    if not (isinstance(shown, cells.Cells) and shown.texts):
        return _text(brief(array))
    rows = ""
    for texts, levels in zip(shown.texts, shown.levels, strict=True):
        rows += "<TR>"
        for text, level in zip(texts, levels, strict=True):
            fill = style.heat(level) if abs(level) <= style.LEVELS else "#ffffff"
            font = f'<FONT POINT-SIZE="9" COLOR="{style.ink(fill)}">'
            rows += f'<TD BGCOLOR="{fill}">{font}{text}</FONT></TD>'
        rows += "</TR>"
    frame = 'BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="3"'
    return f'<TABLE {frame} COLOR="{style.HAIR}">{rows}</TABLE>'


def _text(text: str, limit: int = _LONGEST) -> str:
    r"""Make text safe in a table: Graphviz puts a node's name for \N there too, and \ for \\."""
    return escape(shorten(text, limit)).replace("\\", "\\\\")


def _small(text: str, limit: int = 44, fill: str = style.GREY) -> str:
    return f'<FONT POINT-SIZE="9" COLOR="{fill}">{_text(text, limit)}</FONT>'
