"""A graph to step through, forward and then backward: its steps as plain data, and its page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from tinygrad_xent.arrays import as_array
from tinygrad_xent.errors import GraphTooLargeError
from tinygrad_xent.graph import Node
from tinygrad_xent.ops.fused import looked_through
from tinygrad_xent.visualization.drawing.build import MOST_BOXES, build
from tinygrad_xent.visualization.drawing.picture import View
from tinygrad_xent.visualization.formatting import as_rows, brief, count, visible, window
from tinygrad_xent.visualization.formulas import mathml
from tinygrad_xent.visualization.live.page import (
    RESULT,
    SOFTMAX,
    LivePage,
    array_at,
    entries_of,
    letters_in,
)
from tinygrad_xent.visualization.live.program import program_of
from tinygrad_xent.visualization.player import markup
from tinygrad_xent.visualization.player.frames import Frames, State, frames, viewed
from tinygrad_xent.visualization.player.wrong_order import WrongOrder, depth_first, wrong_order
from tinygrad_xent.visualization.tracing import Backward, Forward, Trace, trace


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
        live, wrong, boxes = self._live, self._wrong, self._model.boxes
        entries = entries_of(live.program, self.trace, wrong) if live else {}
        homes = {inner: box.id for box in boxes for inner in box.holds}
        steps = Steps(self.trace, entries, live.softmaxes if live else {}, homes)
        return {
            "name": self._name,
            "forward": steps.forward(),
            "backward": steps.backward(self.trace.backward),
            "wrong": wrong
            and {
                "name": wrong.name,
                "steps": steps.backward(wrong.events, wrong),
                "bodies": self._frames.bodies[-1],
                "verdict": steps.verdict(wrong),
                "at": [steps.ids[node] for node in wrong.wrong],
            },
            "view": viewed(self._model),
            "heat": markup.HEAT,
            "live": live and live.to_dict(boxes),
        }

    @property
    def svg(self) -> str:
        """The picture of the graph."""
        return self._frames.svg

    def _title(self) -> str:
        return f"Backpropagation from {self._name}, step by step"

    def fragment(self, name: str = "", *, alone: bool = False, last: bool = False) -> str:
        """Write markup to put into a page, as `View.fragment` documents it.

        If `last`, the player begins at its last step, where every number is known.
        """
        data = {**self._data, "alone": alone, "address": bool(name), "last": last}
        return markup.fragment(self.svg, self._model.alt, "player", data, name)

    def __str__(self) -> str:
        return str(self.trace)

    def __repr__(self) -> str:
        forward, backward = len(self.trace.forward), len(self.trace.backward)
        return f"<Player of {self._name}: {count(forward, 'step')} forward, {backward} backward>"


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


# -- what the page shows at each step -------------------------------------------------------------

Step = dict[str, Any]
Sentence = list[Any]  # text, names, which the page sets apart, and numbers that may change
_MOST_TABLES = 4  # of what goes in


class Steps:
    """Writes the steps of a trace.

    A step is a dict. Its ``say`` is a sentence, ``brief`` its numbers in words, ``box`` the id of
    the box at work; ``formula`` is MathML; ``given`` and ``sent`` are tables: what goes in, and
    what comes out. A table is a caption, an array as `window` prints it, and the entry of the
    program that computes it; ``at`` is the index of the entry that is written out in numbers, and
    ``cell`` its row and column in the table.

    A step of the backward pass adds ``to``, the id of the box that receives, and ``arrow``, which
    of the arrows between the two; ``part``, which of how many contributions this is; ``op``, that
    of the sender; ``ask``, the entry to be predicted; and the table ``grad``. Some have more: the
    table ``unsummed``, what the rule returned if ``sent`` is the sum of it; ``before`` and
    ``total``, where contributions are added up; and in a wrong order ``notes``, sentences, and
    ``right``, a table.
    """

    def __init__(
        self,
        trace: Trace,
        entries: Mapping[Any, int],
        softmaxes: Mapping[Node, int],
        homes: Mapping[str, str],
    ) -> None:
        self.trace = trace
        self.entries = entries  # which entry of a program an array is
        self.softmaxes = softmaxes
        # Of what is folded the id of the box that holds it.
        self.ids = {node: homes.get(f"n{i}", f"n{i}") for i, node in enumerate(trace.names)}

    def forward(self) -> list[Step]:
        """Write the steps of the forward pass."""
        return [self._forward(event) for event in self.trace.forward]

    def backward(self, events: Sequence[Backward], wrong: WrongOrder | None = None) -> list[Step]:
        """Write the steps of a backward pass: that of the trace, or one in a wrong order."""
        expected = Counter(event.to for event in events)
        arrived: Counter[Node] = Counter()
        totals: dict[Node, Any] = {}
        steps = []
        for event in events:
            arrived[event.to] += 1
            step = self._backward(event) | {"part": [arrived[event.to], expected[event.to]]}
            if event.to in totals:
                step["before"] = self._table(["so far at ", named(event.to_name)], totals[event.to])
                step["total"] = self._table(["total at ", named(event.to_name)], event.total)
            totals[event.to] = event.total
            if wrong:
                step["notes"] = self._mistakes(event, wrong)
                if wrong.has_wrong(event.to) and arrived[event.to] == expected[event.to]:
                    right = self.trace.gradient(event.to)
                    step["right"] = self._table(["right for ", named(event.to_name)], right)
            steps.append(step)
        return steps

    def _forward(self, event: Forward) -> Step:
        name, node = event.name, event.tensor
        step: Step = {
            "say": [named(name), f" is computed by {event.op}." if event.op else " is given."],
            "brief": brief(event.value),
            "box": self.ids[node],
            "sent": self._table([named(name)], event.value),
        }
        if not event.op:
            return step
        given = {
            called: x.data if isinstance(x, Node) else x
            for called, x in zip(event.inputs, node.inputs, strict=True)
            if isinstance(x, Node) or as_array(x).size > 1
        }
        if len(given) > _MOST_TABLES:
            step["say"] += [f" Of its {len(given)} inputs {_MOST_TABLES} are shown."]
        place, cell = _largest(event.value)
        return step | {
            "formula": mathml(event.formula, event.letters) if event.formula else "",
            "at": place,
            "given": [self._table([named(k)], x) for k, x in [*given.items()][:_MOST_TABLES]],
            "cell": cell,
            "aside": _aside(node, self.trace),
        }

    def _backward(self, event: Backward) -> Step:
        node, sent = event.tensor, event.sent
        place, cell = _largest(sent)
        summed = f", summed over {event.summed_over}." if event.summed_over else "."
        can_ask = sent.size > 0 and np.isfinite(sent[place])
        return {
            "say": [named(event.name), " sends a gradient to ", named(event.to_name), summed],
            "brief": brief(sent),
            "box": self.ids[node],
            "to": self.ids[event.to],
            "arrow": sum(x is event.to for x in node.inputs[: event.position]),
            "formula": mathml(event.rule, event.letters) if event.rule else "",
            "at": place,
            "given": [*self._operands(event)][:_MOST_TABLES],
            "grad": self._table(["gradient at ", named(event.name)], event.incoming),
            "unsummed": self._unsummed(event),
            "sent": self._table(["sent to ", named(event.to_name)], sent),
            "cell": cell,
            "op": event.op,
            "ask": float(sent[place]) if can_ask else None,
            "start": self._start(event) if node is self.trace.output else [],
        }

    def _unsummed(self, event: Backward) -> Any:
        """Return the table of what is summed, unless it is just the gradient that came in."""
        if event.unsummed is None or np.array_equal(event.unsummed, event.incoming, equal_nan=True):
            return None
        return self._table(["to be summed over ", event.summed_over], event.unsummed)

    def _operands(self, event: Backward) -> Iterator[Any]:
        """Yield the tables of the values that the rule needs; of the sender if it needs none."""
        right = mathml(event.rule).partition("=</mo>")[2] if event.rule else ""
        used = re.sub("<mover>.*?</mover>", "", right)  # not those of gradients
        found = {
            event.letters.get(letter, letter): (place, array_at(event.tensor, place))
            for letter, place in letters_in(event.tensor).items()
            if f"<mi>{letter}</mi>" in used
        }
        tensors = set(self.trace.names.values())
        shown = {name: it for name, it in found.items() if it[1].size > 1 or name in tensors}
        for name, (place, data) in (shown or {event.name: (RESULT, event.tensor.data)}).items():
            entry = self.softmaxes.get(event.tensor) if place == SOFTMAX else None
            yield self._table(["value of ", named(name)], data, entry)

    def _start(self, event: Backward) -> Sentence:
        """Describe how the backward pass begins."""
        where = ["The backward pass starts at ", named(event.name), " with the gradient "]
        return [*where, self._number(event.incoming), "."]

    def _mistakes(self, event: Backward, wrong: WrongOrder) -> list[Sentence]:
        """Describe what is wrong with one step of a wrong order."""
        found: list[Sentence] = []
        right = self._number(self.trace.gradient(event.tensor))
        name = named(event.name)
        if missing := wrong.missing(event):
            are = "is" if missing == 1 else "are"
            todo = f" sends although {count(missing, 'contribution')} to it {are} still to come."
            found.append(["Too early: ", name, f"{todo} Its gradient will be ", right, "."])
        elif wrong.has_wrong(event.tensor):
            should = (" should be ", right, ": a wrong number is passed on.")
            found.append(["The gradient of ", name, *should])
        if wrong.late(event):
            gone = " has sent its gradient on already. What arrives now goes no further."
            found.append(["Too late: ", named(event.to_name), gone])
        return found

    def verdict(self, wrong: WrongOrder) -> Sentence:
        """Describe what came out wrong in the end, and why."""
        cause = next(
            event
            for event in wrong.events
            if wrong.missing(event)
            and not np.array_equal(
                self.trace.gradient(event.tensor), event.incoming, equal_nan=True
            )
        )
        worst = wrong.wrong[-1]
        has, right = map(self._number, (wrong.totals[worst], self.trace.gradient(worst)))
        others = len(wrong.wrong) - 1
        more = f", and {count(others, 'other tensor')} {'is' if others == 1 else 'are'} wrong too"
        missing = wrong.missing(cause)
        were = f"{count(missing, 'contribution')} to it {'was' if missing == 1 else 'were'} missing"
        rule = "Only a topological order is right: every tensor waits for all its contributions."
        return [
            *("Wrong: ", named(self.trace.names[worst]), " has ", has, " instead of ", right),
            *(f"{more if others else ''}. ", named(cause.name)),
            f" sent its gradient on while {were}. {rule}",
        ]

    def _number(self, data: Any) -> dict[str, Any]:
        """Return an array on one line, to stand in a sentence, and which entry it is."""
        return {"text": brief(data), "entry": self.entries.get(id(data))}

    def _table(self, caption: Sentence, data: Any, entry: int | None = None) -> Any:
        entry = self.entries.get(id(data)) if entry is None else entry
        return [caption, window(data), entry]


def _largest(data: Any) -> tuple[tuple[int, ...], list[int]]:
    """Find the largest magnitude of those that are printed: its index, and its row and column.

    The row and column are left out where there is nothing to choose from.
    """
    if data.size <= 1:
        return (0,) * data.ndim, []
    table = as_rows(data)
    rows, columns = visible(table)
    cells = [
        (-abs(float(table[i, j])), r, c)
        for r, i in enumerate(rows)
        for c, j in enumerate(columns)
        if i is not None and j is not None and np.isfinite(table[i, j])
    ]
    _, r, c = min(cells, default=(0.0, 0, 0))
    flat = (rows[r] or 0) * table.shape[1] + (columns[c] or 0)
    return tuple(int(i) for i in np.unravel_index(flat, data.shape)), [r, c]


# -- sentences -------------------------------------------------------------------------------


def named(name: str) -> dict[str, str]:
    """Mark a name in a sentence."""
    return {"name": name}


def _aside(node: Node, trace: Trace) -> Sentence:
    """Name the softmax that a loss looked through, if it did so here."""
    probs = looked_through(node)
    if probs is None:
        return []
    why = ", the output of a softmax. It goes back to the logits: the same loss, with more digits."
    return ["The loss was given ", named(trace.names[probs]), why]
