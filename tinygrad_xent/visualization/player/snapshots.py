"""The graph at many steps of a training run: kept small, and painted in the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_xent.visualization.drawing.model import Model
from tinygrad_xent.visualization.player.frames import State, frames

_SMALL = 1000  # entries up to which an array is kept as it is


def light(state: State) -> State:
    """Keep what a picture still needs once its faces are made: small arrays, and large shapes."""
    boxes = (
        replace(box, value=_kept(box.value), gradient=_kept(box.gradient))
        for box in state.model.boxes
    )
    return State(replace(state.model, boxes=tuple(boxes)), state.faces)


def _kept(data: Any) -> Any:
    if data is None:
        return None
    if data.size <= _SMALL:
        return data
    return np.broadcast_to(np.zeros((), data.dtype), data.shape)  # holds one number


def pictures(
    states: list[State | None],
) -> tuple[list[str], list[dict[str, Any]], list[str]]:
    """Paint states; those of the same graph over one layout.

    Returns
    -------
    layouts : list of str
        A picture for each graph.
    places : list of dict
        For each state its ``layout``, -1 if it has none, and ``places``: where in `texts` the
        markup of each box's body is, by the box's id.
    texts : list of str
    """
    groups: dict[Any, list[int]] = {}
    for k, state in enumerate(states):
        if state is not None:
            groups.setdefault(_structure(state.model), []).append(k)
    layouts: list[str] = []
    places: list[dict[str, Any]] = [{"layout": -1, "places": {}} for _ in states]
    known: dict[str, int] = {}
    for members in groups.values():
        painted = frames([state for k in members if (state := states[k]) is not None])
        for k, bodies in zip(members, painted.bodies, strict=True):
            at = {name: known.setdefault(text, len(known)) for name, text in bodies.items()}
            places[k] = {"layout": len(layouts), "places": at}
        layouts.append(painted.svg)
    return layouts, places, list(known)


def _structure(model: Model) -> Any:
    boxes = tuple((box.id, box.title, box.kind, box.op, box.ports) for box in model.boxes)
    return boxes, tuple((arrow.source, arrow.target, arrow.port) for arrow in model.arrows)
