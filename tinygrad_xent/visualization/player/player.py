"""A graph to step through: forward, then backward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from tinygrad_xent.errors import GraphTooLargeError
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.drawing.build import build
from tinygrad_xent.visualization.drawing.records import Box
from tinygrad_xent.visualization.drawing.viewing import viewed
from tinygrad_xent.visualization.live.program import Program, program_of
from tinygrad_xent.visualization.player import markup
from tinygrad_xent.visualization.player.arrays import Arrays
from tinygrad_xent.visualization.player.frames import Frames, State, frames
from tinygrad_xent.visualization.player.steps import Steps, verdict
from tinygrad_xent.visualization.player.with_numbers import arrays_in
from tinygrad_xent.visualization.player.wrong_order import wrong_order
from tinygrad_xent.visualization.tracing import Trace, trace


class Player(markup.Page):
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
        self._model = build((trace.output,), names, gradients=True)
        self._wrong = wrong_order(trace)
        self._program: Program | None
        try:
            self._program = program_of(trace.output, names=names)
        except GraphTooLargeError:
            self._program = None  # the page shows what was recorded, and nothing can be changed

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
        arrays = Arrays()
        live = _Live(self.trace, self._program) if self._program else None
        steps = Steps(self.trace, arrays, live.entries if live else {})
        boxes = self._model.boxes
        wrong = self._wrong
        return {
            "name": self._name,
            "forward": steps.forward(),
            "backward": steps.backward(self.trace.backward),
            "wrong": wrong
            and {
                "name": wrong.name,
                "steps": steps.backward(wrong.events, wrong),
                "bodies": self._frames.changes[-1],
                "verdict": verdict(self.trace, wrong),
                "at": [steps.ids[node] for node in wrong.wrong],
            },
            "view": viewed(self._model),
            "arrays": arrays.shown,
            "heat": markup.HEAT,
            "live": live and live.to_dict(boxes),
        }

    def _title(self) -> str:
        return f"Backpropagation from {self._name}, step by step"

    def fragment(self, name: str = "", *, alone: bool = False) -> str:
        """Write markup to put into a page: an image, and a script that replaces it by the player.

        Parameters
        ----------
        name : str
            The id of the element; a random one if it is empty.
        alone : bool
            Whether the page has no other use for keys: they then work wherever the focus is.
        """
        data = {**self._data, "alone": alone}
        return markup.fragment(self._frames.svg, self._model.alt, "player", data, name)

    def _repr_mimebundle_(self, **_filters: Any) -> dict[str, str]:
        return {
            "text/plain": str(self),
            "text/html": self.fragment(),
            "image/svg+xml": self._frames.svg,
        }

    def __str__(self) -> str:
        return str(self.trace)

    def __repr__(self) -> str:
        forward, backward = len(self.trace.forward), len(self.trace.backward)
        return f"<Player of {self._name}: {forward} steps forward, {backward} backward>"


class _Live:
    """Which entry of a program each array of the player is, so that all follow a change."""

    def __init__(self, trace: Trace, program: Program) -> None:
        self.trace = trace
        self.program = program
        # Arrays go by their ids, as the trace and the graph keep them.
        self.entries: dict[Any, int] = {id(x.data): number for x, number in program.tensors.items()}
        self.entries |= {id(x.inputs[i]): number for (x, i), number in program.constants.items()}
        self.entries |= {id(event.value): program.tensors[event.tensor] for event in trace.forward}
        for event, sent in zip(trace.backward, program.events, strict=True):
            self.entries[id(event.incoming)] = program.gradients[event.tensor]
            self.entries[id(event.sent)] = sent.contribution
            self.entries[id(event.total)] = sent.total
            if event.unsummed is not None:
                self.entries[id(event.unsummed)] = sent.returned

        for x in program.tensors:
            if "p" in arrays_in(x):  # the softmax that formulas of losses mention
                self.entries[id(x), "p"] = self._softmax_of(x)

    def _softmax_of(self, x: Node) -> int:
        """Add the softmax of a loss's logits to the program, and return its entry."""
        last = len(x.inputs) - 1
        logits = x.inputs[last]
        constants, tensors = self.program.constants, self.program.tensors
        of = tensors[logits] if isinstance(logits, Node) else constants[x, last]
        params = {"axis": x.params["axis"]} if x.params.get("axis") is not None else {}
        dtype = arrays_in(x)["p"].dtype.name
        self.program.entries.append({"op": "softmax", "in": [of], "with": params, "dtype": dtype})
        return len(self.program.entries) - 1

    def to_dict(self, boxes: Sequence[Box]) -> dict[str, Any]:
        """Return the program as plain data, and where its entries are in the picture.

        ``boxes`` has the entries of each box: value and gradient. ``lines`` has the constants that
        are no boxes but lines in one, such as "labels = 1": the entry, the id of the box, and the
        word. Other numbers stand in expressions and formulas, and cannot be changed.
        """
        numbers = {f"n{i}": x for i, x in enumerate(self.trace.names)}
        leaves = {leaf.name: leaf.number for leaf in self.program.leaves}
        found = {}
        for box in boxes:
            if box.id in numbers:
                x = numbers[box.id]
                found[box.id] = [self.program.tensors[x], self.program.gradients.get(x)]
            elif box.title in leaves:
                found[box.id] = [leaves[box.title], None]
        lines = []
        ids = {x: name for name, x in numbers.items()}
        written = {box.id: [text for text, _ in box.lines] for box in boxes}
        for (x, i), number in self.program.constants.items():
            word = x.op.names_of(len(x.inputs))[i]
            if any(text.startswith(f"{word} = ") for text in written[ids[x]]):
                lines.append([number, ids[x], word])
        shown = {number for pair in found.values() for number in pair}
        shown |= {number for number, _, _ in lines}
        program = self.program.to_dict()
        program["leaves"] = [leaf for leaf in program["leaves"] if leaf["number"] in shown]
        output = self.program.tensors[self.trace.output]
        return {"program": program, "boxes": found, "lines": lines, "output": output}


def play(output: Node, *, names: Mapping[str, Any] | None = None) -> Player:
    """Step through the graph of a tensor: its values forward, its gradients backward.

    The page that this makes shows at each step the formula with its numbers, the arrays that go
    into it and what comes out, and where contributions are added up. It can ask for the next
    gradient before it shows it, and run the backward pass in a wrong order.

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
        If the graph has more tensors than a picture can show.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, softmax, sparse_categorical_crossentropy
    >>> z = Tensor([2.0, 1.0, 0.1], name="z")
    >>> player = play(sparse_categorical_crossentropy(0, softmax(z)))
    >>> player
    <Player of v3: 4 steps forward, 2 backward>
    """
    return Player(trace(output, names=names), names)
