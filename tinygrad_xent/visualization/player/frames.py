"""Several states of one graph as pictures over one layout, so that nothing jumps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from tinygrad_xent.visualization.drawing import words
from tinygrad_xent.visualization.drawing.face import CAPTION, Face
from tinygrad_xent.visualization.drawing.face import face as face_of
from tinygrad_xent.visualization.drawing.layout import Link, place
from tinygrad_xent.visualization.drawing.marks import Text
from tinygrad_xent.visualization.drawing.model import Model
from tinygrad_xent.visualization.drawing.paint import paint

_G = "{http://www.w3.org/2000/svg}g"
_FRAME = 4  # what `paint` writes of a box before its marks: a title and three shapes


class State(NamedTuple):
    """What a graph shows at one time: its model, and a face for each box."""

    model: Model
    faces: tuple[Face, ...]

    @classmethod
    def of(cls, model: Model) -> State:
        """Lay the boxes out."""
        return cls(model, tuple(face_of(box) for box in model.boxes))


class Frames(NamedTuple):
    """Pictures of a graph in several states.

    Attributes
    ----------
    svg : str
        The first state. Each box has a group of class "body" for what differs between states; in it
        a group of class "value" holds the value with its caption, and one of class "gradient" the
        gradient.
    bodies : list of dict of str to str
        For each state, the markup of each box's body by the box's id.
    """

    svg: str
    bodies: list[dict[str, str]]

    @property
    def changes(self) -> list[dict[str, str]]:
        """For each state, the bodies that differ from the first."""
        first = self.bodies[0]
        return [
            {name: text for name, text in state.items() if text != first[name]}
            for state in self.bodies
        ]


def frames(states: Sequence[State]) -> Frames:
    """Paint states of one graph: the same boxes and arrows, with other numbers."""
    sizes = [
        (max(f.width for f in faces), max(f.height for f in faces))
        for faces in zip(*(state.faces for state in states), strict=True)
    ]
    model = states[0].model
    ports = [max(len(box.ports), 1) for box in model.boxes]
    links = [Link(a.source, a.target, a.port, ports[a.target]) for a in model.arrows]
    placement = place(sizes, links)
    svg, bodies = "", []
    for model, faces in states:
        full = [
            replace(f, width=width, height=height)
            for f, (width, height) in zip(faces, sizes, strict=True)
        ]
        picture = paint(model, full, placement, words.title(model), words.alt(model))
        tree = fromstring(picture)  # noqa: S314 - painted just now
        bodies.append(_grouped(tree, State(model, faces)))
        svg = svg or _text(tree)
    return Frames(svg, bodies)


def _grouped(tree: Element, state: State) -> dict[str, str]:
    """Put value and gradient of each box into groups of their own; give the bodies' markup."""
    groups = {element.get("id"): element for element in tree.iter(_G)}
    bodies = {}
    for box, face in zip(state.model.boxes, state.faces, strict=True):
        group = groups[box.id]
        body = part = Element(_G, {"class": "body"})
        for child, mark in zip(list(group)[_FRAME:], face.marks, strict=True):
            if isinstance(mark, Text) and mark.size == CAPTION and mark.text in _CAPTIONS:
                part = SubElement(body, _G, {"class": mark.text})
            if part is not body:
                group.remove(child)
                part.append(child)
        group.append(body)
        bodies[box.id] = _text(body)
    return bodies


_CAPTIONS = {"value", "gradient"}


def _text(element: Element) -> str:
    return tostring(element, encoding="unicode").replace("ns0:", "").replace(":ns0", "")
