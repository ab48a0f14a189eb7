"""A training run to scrub through: the loss, chosen arrays and the graph, step by step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_xent.backprop import check_seed
from tinygrad_xent.errors import (
    GraphTooLargeError,
    NotRecordedError,
    NotScalarError,
    StaleGraphError,
)
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.visualization.drawing.build import build
from tinygrad_xent.visualization.drawing.picture import View
from tinygrad_xent.visualization.drawing.records import Model
from tinygrad_xent.visualization.formatting import count, number, plain, window
from tinygrad_xent.visualization.line_plot import LinePlot, ticks
from tinygrad_xent.visualization.live.program import program_of
from tinygrad_xent.visualization.player import markup
from tinygrad_xent.visualization.player.frames import State, pictures
from tinygrad_xent.visualization.tables import table

_MOST_LOSSES, _MOST_WEIGHTS = 2000, 2000
_LAST = 3
"""How many of the last steps are kept as they are, to be looked at if nothing follows them."""


@dataclass(frozen=True)
class _Frame:
    """What the page shows of a step; `leaves` has the data of a small model."""

    number: int
    loss: float
    arrays: dict[str, dict[str, Any]]
    norms: tuple[tuple[str, str, str], ...] = ()
    state: State | None = None
    leaves: Mapping[Node, Any] = field(default_factory=dict)


class _Thinned:
    """A list that keeps everything at first, then every second item, then every fourth, ..."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.stride = 1
        self.items: list[Any] = []

    def wants(self, index: int) -> bool:
        return index % self.stride == 0

    def add(self, item: Any) -> None:
        self.items.append(item)
        if len(self.items) > self.most:
            del self.items[1::2]
            self.stride *= 2


class Recording(View):
    """A training run that can be looked at step by step; made by `record`.

    Notebooks show it by itself; `print` writes the loss as a table, `save` writes a page that
    needs no network.
    """

    def __init__(self, most: int = 60, names: Mapping[str, Any] | None = None) -> None:
        self._names = names
        self._taken = 0
        self._losses = _Thinned(_MOST_LOSSES)
        self._frames = _Thinned(most)
        self._bad: list[_Frame] = []  # up to the first step whose loss is NaN or infinite
        self._last: deque[Step] = deque(maxlen=_LAST)
        self._first: Step | None = None

    def step(self, loss: Any, **arrays: Any) -> None:
        """Record a step: call it after the loss was computed, before the parameters change.

        Parameters
        ----------
        loss : Tensor or float
            A scalar. Of a Tensor the graph is kept too, with the gradients and the norms of the
            parameters; `.grad` stays as it is.
        **arrays : array_like or Tensor
            What else to show, under these names. With `probs` and `labels` (dense, or classes)
            their difference is shown too: the gradient of a cross-entropy's logits.

        Raises
        ------
        NotScalarError
            If the loss has several entries.
        StaleGraphError
            If a parameter has changed since the loss was computed.
        """
        if isinstance(loss, Node):
            check_seed(loss, None)
        step = Step.of(self._taken + 1, loss, arrays)
        self._first = self._first or step
        if self._frames.wants(self._taken):
            self._frames.add(self._frame(step))
        if self._losses.wants(self._taken):
            self._losses.add((step.number, step.loss))
        self._last.append(step)
        if not self._bad and not math.isfinite(step.loss):
            self._bad = list(map(self._frame, self._last))
        self._taken = step.number

    def _frame(self, step: Step) -> _Frame:
        """Look at a step: draw its graph, and print its arrays."""
        shown = {name: window(x) for name, x in _with_difference(step.arrays).items()}
        if step.output is None:
            return _Frame(step.number, step.loss, shown)
        with step.back():
            model = build((step.output,), self._names, gradients=True)
        small = sum(data.size for data, _ in step.leaves.values()) <= _MOST_WEIGHTS
        leaves = {x: data for x, (data, _) in step.leaves.items() if small}
        return _Frame(step.number, step.loss, shown, tuple(_norms(model)), State.of(model), leaves)

    @property
    def _kept(self) -> list[_Frame]:
        """The frames to show: evenly spread ones, the first bad ones, and the last ones."""
        frames = {frame.number: frame for frame in (*self._frames.items, *self._bad)}
        for step in self._last:
            frames.setdefault(step.number, self._frame(step))
        return [frames[number] for number in sorted(frames)]

    def __len__(self) -> int:
        return self._taken

    def _title(self) -> str:
        return f"Training, {count(self._taken, 'step')}"

    def fragment(self, name: str = "", *, alone: bool = False) -> str:
        """Write markup to put into a page, as `View.fragment` documents it.

        Raises
        ------
        NotRecordedError
            If no step was recorded.
        """
        if not self._taken:
            raise NotRecordedError(
                "nothing was recorded: call recording.step(loss) in the training loop, after the "
                "loss was computed and before the parameters are updated"
            )
        data = {**self._data(), "alone": alone}
        return markup.fragment(self.svg, loss_plot(self._points).alt, "recording", data, name)

    @property
    def _points(self) -> list[tuple[int, float]]:
        """The losses to draw, those of the last steps and of the first bad one among them."""
        steps = [(step.number, step.loss) for step in self._last]
        bad = [(frame.number, frame.loss) for frame in self._bad]
        return sorted({*self._losses.items, *steps, *bad}, key=lambda point: point[0])

    @property
    def svg(self) -> str:
        """The curve of the loss."""
        return loss_plot(self._points).svg

    def _data(self) -> dict[str, Any]:
        """All that the page shows; see `recording.js`."""
        kept = self._kept
        layouts, places = pictures([frame.state for frame in kept])
        tops: dict[str, float] = {}
        for frame in kept:
            for name, shown in frame.arrays.items():
                tops[name] = max(tops.get(name, 0.0), float(shown["top"]))
        return {
            "frames": [
                {
                    "step": frame.number,
                    "loss": number(frame.loss),
                    "tables": [*frame.arrays.items()],
                    "norms": frame.norms,
                    **place,
                }
                for frame, place in zip(kept, places, strict=True)
            ],
            "tops": tops,
            "layouts": layouts,
            "heat": markup.HEAT,
            "losses": [[step, plain(loss)] for step, loss in self._points],
            "training": self._first
            and training(self._first, [f.leaves for f in kept], self._names),
        }

    def _repr_mimebundle_(self, **_filters: Any) -> dict[str, str]:
        if not self._taken:
            return {"text/plain": str(self)}
        return super()._repr_mimebundle_()

    def __str__(self) -> str:
        losses = self._points
        if not losses:
            return repr(self)
        every = max(len(losses) // 10, 1)
        rows = sorted(
            {*losses[:-1:every], losses[-1], *[(f.number, f.loss) for f in self._bad[-1:]]}
        )
        return "\n".join(table(("step", "loss"), [(str(k), number(loss)) for k, loss in rows]))

    def __repr__(self) -> str:
        kept = f", {len(self._frames.items)} of them kept" if self._frames.stride > 1 else ""
        return f"<Recording of {count(self._taken, 'step')}{kept}>"


def loss_plot(points: Sequence[tuple[int, float]]) -> LinePlot:
    """Return the plot of a loss over the steps; logarithmic where it spans two powers of ten."""
    finite = [loss for _, loss in points if math.isfinite(loss)] or [0.0]
    smallest, largest = min(finite), max(finite)
    (first, start), (last, end) = points[0], points[-1]
    alt = f"Loss of one step: {number(start)}."
    if len(points) > 1:
        least = number(min(loss for _, loss in points))
        alt = (
            f"Loss over the training steps {first} to {last}: {number(start)} at first, "
            f"{number(end)} in the end, {least} at the least."
        )
    label = "loss"
    if 0 < 100 * smallest <= largest:
        low, high, label = math.log10(smallest), math.log10(largest), "loss, logarithmic"
        points = [(k, math.log10(x) if math.isfinite(x) else x) for k, x in points]
        y_ticks = {p: number(10**p) for p in ticks(low, high) if p == int(p)}
    else:
        low, high = min(smallest, 0.0), max(largest, 0.0)
        high = high if high > low else low + 1
        y_ticks = {loss: number(loss) for loss in ticks(low, high)}
    steps = [step for step in ticks(1, max(last, 2)) if step >= 1 and step == int(step)]
    return LinePlot(
        points,
        x_range=(1, max(last, 2)),
        y_range=(low, high),
        x_ticks={step: str(int(step)) for step in steps},
        y_ticks=y_ticks,
        x_label="step",
        y_label=label,
        alt=alt,
    )


def record(*, most: int = 60, names: Mapping[str, Any] | None = None) -> Recording:
    """Start the recording of a training run.

    Parameters
    ----------
    most : int
        How many steps to keep. Of a longer run every second one is kept, or every fourth, and so
        on, and of the loss some 2,000 values: memory stays bounded, and of the other steps only
        the parameters are copied. The first step with a NaN or infinite loss is kept, and so are
        the last three.
    names : mapping of str to Tensor or ndarray, optional
        What to call the tensors in the pictures of the graph.

    Returns
    -------
    Recording
        Its `step` is called in the training loop. It shows itself in notebooks; `print` it, or
        `save` it as .html. Where the losses are Tensors, the page also shows the weights as
        pictures and, for two inputs, what the model decides; and it can train on by itself, with
        a learning rate and a seed to choose.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, softmax_cross_entropy_with_logits
    >>> z = Tensor([0.0, 0.0, 0.0], name="z")
    >>> recording = record()
    >>> for _ in range(3):
    ...     loss = softmax_cross_entropy_with_logits(labels=[1.0, 0.0, 0.0], logits=z)
    ...     loss.backward()
    ...     recording.step(loss)
    ...     z.data = z.data - z.grad
    ...     z.grad = None
    >>> print(recording)
    step  loss
    1     1.10
    2     0.551
    3     0.329
    """
    return Recording(most, names)


def _with_difference(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Add the difference of probabilities and labels, if both are there."""
    data = {name: np.asarray(x.data if isinstance(x, Node) else x) for name, x in arrays.items()}
    if "probs" in data and "labels" in data:
        probs, labels = data["probs"], data["labels"]
        if labels.shape == probs.shape[:-1] and labels.dtype.kind in "iu":
            labels = np.arange(probs.shape[-1]) == labels[..., None]
        if labels.shape == probs.shape:
            return {"probs − labels": probs - labels, **data}
    return data


def _norms(model: Model) -> list[tuple[str, str, str]]:
    """Return name, norm of the value and norm of the gradient of each leaf that has one."""
    return [
        (box.title, number(np.linalg.norm(box.value)), number(np.linalg.norm(box.gradient)))
        for box in model.boxes
        if box.kind == "leaf" and box.gradient is not None
    ]


# -- training in the page ------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """A step as it was taken: the loss, and copies of what the next step will change.

    Attributes
    ----------
    number : int
        From 1.
    loss : float
    output : Tensor or None
        The loss with its graph.
    leaves : dict of Tensor to (ndarray, int)
        The data of each leaf of the graph, and its birth.
    arrays : dict of str to ndarray
    """

    number: int
    loss: float
    output: Node | None
    leaves: dict[Node, tuple[Any, int]]
    arrays: dict[str, Any]

    @classmethod
    def of(cls, number: int, loss: Any, arrays: Mapping[str, Any]) -> Step:
        """Write a step down."""
        output = loss if isinstance(loss, Node) else None
        try:
            nodes = [] if output is None else ancestors(output)
        except StaleGraphError as error:
            raise StaleGraphError(
                f"{error}. Call recording.step(loss) before the parameters are updated"
            ) from None
        leaves = {x: (x.data.copy(), x.birth) for x in nodes if x.op is None}
        value = np.asarray(loss if output is None else output.data)
        if value.size != 1 or value.dtype.kind not in "fiub":
            raise NotScalarError(
                f"the loss of a step is one number, got {type(loss).__name__} of shape "
                f"{value.shape}: reduce it first (.sum() or .mean())"
            )
        return cls(
            number, float(value.item()), output, leaves, {k: _copied(x) for k, x in arrays.items()}
        )

    @contextmanager
    def back(self) -> Iterator[None]:
        """Give the leaves for a while what they held when the step was taken."""
        now = {x: (x._data, x._given, x.birth) for x in self.leaves}
        try:
            for x, (data, birth) in self.leaves.items():
                x._data = x._given = data
                x.birth = birth
            yield
        finally:
            for x, (data, given, birth) in now.items():
                x._data, x._given, x.birth = data, given, birth


def _copied(x: Any) -> Any:
    x = x.data if isinstance(x, Node) else x
    return x.copy() if isinstance(x, np.ndarray) else x


def training(
    first: Step, kept: Sequence[Mapping[Node, Any]], names: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return what `training.js` needs, or None where there is no graph that a page could run.

    Parameters
    ----------
    first : Step
        The first step: its graph is the program, and its numbers are where training starts.
    kept : sequence of mapping of Tensor to ndarray
        The data of the leaves in each step that is shown; empty where they were not kept.
    names : mapping of str to Tensor or ndarray, optional
        What to call the tensors.

    Returns
    -------
    dict
        ``program``; ``output``, the entry of the loss; ``weights``, the entry of each leaf that
        training changed; ``frames``, for each kept step the numbers of these leaves, or null;
        ``why``, what the page cannot follow.
    """
    if first.output is None:
        return None
    try:
        with first.back():
            program = program_of(first.output, names=names)
    except GraphTooLargeError:
        return None
    weights = [x for x in first.leaves if x in program.gradients and _changes(x, kept)]
    if not weights:
        return None
    return {
        "program": program.to_dict(),
        "output": program.tensors[first.output],
        "weights": [program.tensors[x] for x in weights],
        "frames": [_numbers(weights, leaves) for leaves in kept],
        "why": program.unknown,
    }


def _then(x: Node, leaves: Mapping[Node, Any]) -> Any:
    """Return what a leaf of the first step held in another: it, or the one of its name."""
    if x in leaves:
        return leaves[x]
    same = [data for y, data in leaves.items() if y.name is not None and y.name == x.name]
    return same[0] if same and same[0].shape == x.data.shape else None


def _changes(x: Node, kept: Sequence[Mapping[Node, Any]]) -> bool:
    """Return whether training changed a leaf, as far as is known."""
    known = [data for leaves in kept if (data := _then(x, leaves)) is not None]
    return len(known) < 2 or any(not np.array_equal(data, known[0]) for data in known)


def _numbers(weights: Sequence[Node], leaves: Mapping[Node, Any]) -> list[Any] | None:
    """Return the entries of each weight in a step, or None if one of them is not known."""
    data = [_then(x, leaves) for x in weights]
    return None if any(a is None for a in data) else [plain(a.ravel()) for a in data]
