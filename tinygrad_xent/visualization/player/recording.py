"""A training run to scrub through: the loss, chosen arrays and the graph, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.backprop import check_seed
from tinygrad_xent.errors import NotRecordedError, StaleGraphError
from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.drawing.build import build
from tinygrad_xent.visualization.drawing.records import Model
from tinygrad_xent.visualization.formatting import count, number
from tinygrad_xent.visualization.line_plot import LinePlot, ticks
from tinygrad_xent.visualization.player import markup
from tinygrad_xent.visualization.player.arrays import Arrays, window
from tinygrad_xent.visualization.player.frames import State, pictures
from tinygrad_xent.visualization.tables import table

_MOST_LOSSES = 2000


@dataclass(frozen=True)
class _Frame:
    """What is kept of a step."""

    step: int
    loss: float
    arrays: dict[str, dict[str, Any]]
    norms: tuple[tuple[str, str, str], ...]
    state: State | None


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


class Recording(markup.Page):
    """A training run that can be looked at step by step; made by `record`.

    Notebooks show it by itself; `print` writes the loss as a table, `save` writes a page that
    needs no network.
    """

    def __init__(self, most: int = 60, names: Mapping[str, Any] | None = None) -> None:
        self._names = names
        self._taken = 0
        self._losses = _Thinned(_MOST_LOSSES)
        self._frames = _Thinned(most)

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
        is_tensor = isinstance(loss, Node)
        if is_tensor:
            check_seed(loss, None)
        value = float(np.asarray(loss.data if is_tensor else loss).reshape(()))
        index, step = self._taken, self._taken + 1
        if self._frames.wants(index):
            model = self._model(loss) if is_tensor else None
            shown = {name: window(x) for name, x in _with_difference(arrays).items()}
            norms, state = (_norms(model), State.of(model)) if model else ([], None)
            self._frames.add(_Frame(step, value, shown, tuple(norms), state))
        if self._losses.wants(index):
            self._losses.add((step, value))
        self._taken = step

    def _model(self, loss: Node) -> Model:
        try:
            return build((loss,), self._names, gradients=True)
        except StaleGraphError as error:
            raise StaleGraphError(
                f"{error}. Call recording.step(loss) before the parameters are updated"
            ) from None

    def __len__(self) -> int:
        return self._taken

    def _title(self) -> str:
        return f"Training, {count(self._taken, 'step')}"

    def fragment(self, name: str = "", *, alone: bool = False) -> str:
        """Write markup to put into a page, as `Player.fragment` does.

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
        curve = loss_plot(self._losses.items)
        data = {**self._data(curve), "alone": alone}
        return markup.fragment(curve.svg, curve.alt, "recording", markup.packed(data), name)

    def _data(self, curve: LinePlot) -> dict[str, Any]:
        """All that the page shows; see `recording.js`."""
        kept: list[_Frame] = self._frames.items
        arrays = Arrays()
        layouts, places, texts = pictures([frame.state for frame in kept])
        tops: dict[str, float] = {}
        for frame in kept:
            for name, shown in frame.arrays.items():
                tops[name] = max(tops.get(name, 0.0), float(shown["top"]))
        return {
            "frames": [
                {
                    "step": frame.step,
                    "loss": number(frame.loss),
                    "at": curve.place(frame.step, frame.loss),
                    "tables": [[name, arrays.add(shown)] for name, shown in frame.arrays.items()],
                    "norms": frame.norms,
                    **place,
                }
                for frame, place in zip(kept, places, strict=True)
            ],
            "tops": tops,
            "arrays": arrays.shown,
            "layouts": layouts,
            "bodies": texts,
            "heat": markup.HEAT,
        }

    def _repr_mimebundle_(self, **_filters: Any) -> dict[str, str]:
        if not self._taken:
            return {"text/plain": str(self)}
        curve = loss_plot(self._losses.items)
        return {
            "text/plain": str(self),
            "text/html": self.fragment(),
            "image/svg+xml": curve.svg,
        }

    def __str__(self) -> str:
        losses = self._losses.items
        if not losses:
            return repr(self)
        every = max(len(losses) // 10, 1)
        rows = [*losses[:-1:every], losses[-1]]
        return "\n".join(table(("step", "loss"), [(str(k), number(loss)) for k, loss in rows]))

    def __repr__(self) -> str:
        kept = f", {len(self._frames.items)} of them kept" if self._frames.stride > 1 else ""
        return f"<Recording of {count(self._taken, 'step')}{kept}>"


def loss_plot(points: Sequence[tuple[int, float]]) -> LinePlot:
    """Return the plot of a loss over the steps of a training run."""
    finite = [loss for _, loss in points if math.isfinite(loss)] or [0.0]
    low, high = min(*finite, 0.0), max(*finite, 0.0)
    high = high if high > low else low + 1
    (first, start), (last, end) = points[0], points[-1]
    alt = f"Loss of one step: {number(start)}."
    if len(points) > 1:
        smallest = number(min(loss for _, loss in points))
        alt = (
            f"Loss over the training steps {first} to {last}: {number(start)} at first, "
            f"{number(end)} in the end, {smallest} at the least."
        )
    steps = [step for step in ticks(1, max(last, 2)) if step >= 1 and step == int(step)]
    return LinePlot(
        points,
        x_range=(1, max(last, 2)),
        y_range=(low, high),
        x_ticks={step: str(int(step)) for step in steps},
        y_ticks={loss: number(loss) for loss in ticks(low, high)},
        x_label="step",
        y_label="loss",
        alt=alt,
    )


def record(*, most: int = 60, names: Mapping[str, Any] | None = None) -> Recording:
    """Start the recording of a training run.

    Parameters
    ----------
    most : int
        How many steps to keep. Of a longer run every second one is kept, or every fourth, and so
        on, and of the loss some 2,000 values: memory stays bounded, and steps that are not kept
        cost nothing.
    names : mapping of str to Tensor or ndarray, optional
        What to call the tensors in the pictures of the graph.

    Returns
    -------
    Recording
        Its `step` is called in the training loop. It shows itself in notebooks; `print` it, or
        `save` it as .html.

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
