"""Several states of one graph as pictures over one layout, so that nothing jumps between them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tinygrad_xent.visualization.drawing.marks import CAPTION, BoxLayout, Text, layout_of
from tinygrad_xent.visualization.drawing.paint import paint, painted_box, written
from tinygrad_xent.visualization.drawing.records import Model

_CAPTIONS = {"value", "gradient"}


class State(NamedTuple):
    """What a graph shows at one time.

    Attributes
    ----------
    model : Model
        Its arrays hold one number each, so that many states take little room.
    alt : str
        The picture in words.
    layouts : tuple of BoxLayout
    """

    model: Model
    alt: str
    layouts: tuple[BoxLayout, ...]

    @classmethod
    def of(cls, model: Model) -> State:
        """Lay the boxes out, with the numbers that they have now."""
        layouts = tuple([layout_of(box) for box in model.boxes])
        boxes = tuple([replace(box, value=_empty(box.value), gradient=None) for box in model.boxes])
        groups = tuple([replace(group, box=None) for group in model.groups])
        return cls(replace(model, boxes=boxes, groups=groups), model.alt, layouts)


def _empty(array: Any) -> Any:
    """Return zeros of an array's shape and dtype that take the room of one."""
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)


class Frames(NamedTuple):
    """Pictures of a graph in several states.

    Attributes
    ----------
    svg : str
        The first state. Each box has a group of class "body" for what differs between states; in it
        a group of class "value" holds the value with its caption, and one of class "gradient" the
        gradient.
    bodies : list of dict of str to str
        For each state, the markup of the boxes' bodies that differ from the first state, by the
        box's id.
    """

    svg: str
    bodies: list[dict[str, str]]


def frames(states: Sequence[State]) -> Frames:
    """Paint states of one graph: the same boxes and arrows, with other numbers."""
    model, alt, widest = states[0]
    for state in states[1:]:
        widest = tuple(
            replace(a, width=max(a.width, b.width), height=max(a.height, b.height))
            for a, b in zip(widest, state.layouts, strict=True)
        )
    svg = paint(model, widest, model.title, alt, lambda layout: "".join(_grouped(layout)))
    ids = [box.id for box in model.boxes]
    first, *others = [[_grouped(layout)[1] for layout in state.layouts] for state in states]
    bodies: list[dict[str, str]] = [{}]
    for texts in others:
        rows = zip(ids, texts, first, strict=True)
        bodies.append({name: text for name, text, before in rows if text != before})
    return Frames(svg, bodies)


def _grouped(layout: BoxLayout) -> tuple[str, str]:
    """Write what stands above a box's value, and its body: value and gradient, each in a group."""
    groups = [""]
    for mark, text in zip(layout.marks, written(layout.marks), strict=True):
        if isinstance(mark, Text) and mark.size == CAPTION and mark.text in _CAPTIONS:
            groups.append(f'<g class="{mark.text}">')
        groups[-1] += text
    head, *parts = groups
    body = "".join(f"{part}</g>" for part in parts)
    return head, f'<g xmlns="http://www.w3.org/2000/svg" class="body">{body}</g>'


# -- a picture to look around in ---------------------------------------------------------------


def viewed(
    model: Model, most: float = float("inf"), expand: Collection[str] = ()
) -> dict[str, Any]:
    """Return the ends of the arrows, and of each group what stands for it once it is folded.

    Parameters
    ----------
    model : Model
    most : float
        How many boxes the page begins with: it folds groups until there are no more.
    expand : collection of str
        The titles of groups that are not folded then.

    Returns
    -------
    dict
        ``arrows`` are pairs of ids. ``groups`` have a ``title``, the ids of their ``boxes``, the
        number of their ``parent`` or -1, and the ``markup`` of the box that stands for them.
        ``holds`` are the names of the tensors in folded boxes, by id.
    """
    ids = [box.id for box in model.boxes]
    return {
        "arrows": [[ids[arrow.source], ids[arrow.target]] for arrow in model.arrows],
        "groups": [
            {
                "title": group.title,
                "boxes": [ids[i] for i in group.boxes],
                "parent": group.parent,
                "markup": painted_box(group.box),
            }
            for group in model.groups
            if group.box
        ],
        "holds": {box.id: [*box.holds.values()] for box in model.boxes if box.holds},
        "open": list(expand),
    } | ({"most": most} if most < len(ids) else {})


# -- many steps of a training run ------------------------------------------------------------


def pictures(states: Sequence[State | None]) -> tuple[list[str], list[dict[str, Any]]]:
    """Paint states; those of the same graph over one layout.

    Returns
    -------
    layouts : list of str
        A picture for each graph, with the numbers of its first state.
    places : list of dict
        For each state its ``layout``, -1 if it has none, and the ``bodies`` that differ from it.
    """
    alike: dict[Any, dict[int, State]] = {}
    for k, state in enumerate(states):
        if state is not None:
            alike.setdefault(_structure(state.model), {})[k] = state
    places: list[dict[str, Any]] = [{"layout": -1, "bodies": {}} for _ in states]
    layouts: list[str] = []
    for members in alike.values():
        painted = frames([*members.values()])
        for k, bodies in zip(members, painted.bodies, strict=True):
            places[k] = {"layout": len(layouts), "bodies": bodies}
        layouts.append(painted.svg)
    return layouts, places


def _structure(model: Model) -> Any:
    boxes = tuple((box.id, box.title, box.kind, box.op, box.ports) for box in model.boxes)
    return boxes, tuple((arrow.source, arrow.target, arrow.port) for arrow in model.arrows)
