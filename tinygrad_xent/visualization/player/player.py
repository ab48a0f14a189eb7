"""A graph to step through: forward, then backward."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from tinygrad_xent.errors import GraphTooLargeError
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.drawing.build import MOST_BOXES, build
from tinygrad_xent.visualization.drawing.picture import View
from tinygrad_xent.visualization.live.page import LivePage, entries_of
from tinygrad_xent.visualization.live.program import program_of
from tinygrad_xent.visualization.player import markup
from tinygrad_xent.visualization.player.frames import Frames, State, frames, viewed
from tinygrad_xent.visualization.player.steps import Arrays, Steps
from tinygrad_xent.visualization.player.wrong_order import depth_first, wrong_order
from tinygrad_xent.visualization.tracing import Trace, trace


class Player(View):
    """Both passes of a graph, a step at a time; made by `play`.

    Notebooks show it by itself; `print` writes all steps as text, `save` writes a page that needs
    no network.

    Attributes
    ----------
    trace : Trace
        The steps.
    """

    def __init__(self, trace: Trace, names: Mapping[str, Any] | None = None) -> None:
        self.trace = trace
        self._name = trace.names[trace.output]
        self._model = build((trace.output,), names, gradients=True, fold="auto", most=MOST_BOXES)
        self._wrong = wrong_order(trace)
        self._live: LivePage | None = None
        other = partial(depth_first, direction=self._wrong.direction) if self._wrong else None
        with suppress(GraphTooLargeError):  # the page then shows what was recorded
            if not self._model.note:  # of what is folded no number can be changed
                self._live = LivePage(program_of(trace.output, trace.seed, names, other))

    @cached_property
    def _frames(self) -> Frames:
        """The picture, and as it is after the backward pass in a wrong order."""
        models = [self._model]
        if self._wrong:
            ids = (f"n{i}" for i in range(len(self.trace.names)))
            totals = dict(zip(ids, map(self._wrong.totals.get, self.trace.names), strict=True))
            boxes = (replace(box, gradient=totals.get(box.id)) for box in self._model.boxes)
            models.append(replace(self._model, boxes=tuple(boxes)))
        return frames([State.of(model) for model in models])

    @cached_property
    def _data(self) -> dict[str, Any]:
        """All that the page shows; see `player.js`."""
        arrays, live, wrong, boxes = Arrays(), self._live, self._wrong, self._model.boxes
        entries = entries_of(live.program, self.trace, wrong) if live else {}
        homes = {inner: box.id for box in boxes for inner in box.holds}
        steps = Steps(self.trace, arrays, entries, live.softmaxes if live else {}, homes)
        return {
            "name": self._name,
            "forward": steps.forward(),
            "backward": steps.backward(self.trace.backward),
            "wrong": wrong
            and {
                "name": wrong.name,
                "steps": steps.backward(wrong.events, wrong),
                "bodies": self._frames.changes[-1],
                "verdict": steps.verdict(wrong),
                "at": [steps.ids[node] for node in wrong.wrong],
            },
            "view": viewed(self._model),
            "arrays": arrays.shown,
            "heat": markup.HEAT,
            "live": live and live.to_dict(boxes),
        }

    @property
    def svg(self) -> str:
        """The picture of the graph."""
        return self._frames.svg

    def _title(self) -> str:
        return f"Backpropagation from {self._name}, step by step"

    def fragment(self, name: str = "", *, alone: bool = False) -> str:
        """Write markup to put into a page, as `View.fragment` documents it."""
        data = {**self._data, "alone": alone, "address": bool(name)}
        return markup.fragment(self.svg, self._model.alt, "player", data, name)

    def __str__(self) -> str:
        return str(self.trace)

    def __repr__(self) -> str:
        forward, backward = len(self.trace.forward), len(self.trace.backward)
        return f"<Player of {self._name}: {forward} steps forward, {backward} backward>"


def play(output: Node, *, names: Mapping[str, Any] | None = None) -> Player:
    """Step through the graph of a tensor: its values forward, its gradients backward.

    The page that this makes shows at each step the formula with its numbers, the arrays that go
    into it and what comes out, and where contributions are added up. It can ask for the next
    gradient before it shows it, and run the backward pass in a wrong order. A graph of more than
    400 tensors is folded; its numbers cannot be changed in the page.

    Parameters
    ----------
    output : Tensor
        A scalar.
    names : mapping of str to Tensor or ndarray, optional
        What to call the tensors; `names=locals()` takes a notebook's or a function's own names.

    Returns
    -------
    Player
        Shows itself in notebooks; `print` it, or `save` it as .html.

    Raises
    ------
    NotRecordedError, NotScalarError, DtypeError, StaleGraphError
        If there is no backward pass to run; the message says why.
    GraphTooLargeError
        If the graph has more tensors than a picture can show, also folded.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, softmax, sparse_categorical_crossentropy
    >>> z = Tensor([2.0, 1.0, 0.1], name="z")
    >>> player = play(sparse_categorical_crossentropy(0, softmax(z)))
    >>> player
    <Player of v3: 4 steps forward, 2 backward>
    """
    return Player(trace(output, names=names), names)
