"""The picture of a graph, and the forms that it, a player and a recording can be had in."""

from __future__ import annotations

import base64
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tinygrad_xent.backprop import backpropagate, is_real
from tinygrad_xent.errors import ArgumentError, MissingRendererError
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.visualization.drawing.build import MOST_BOXES, Folding, build, check_recorded
from tinygrad_xent.visualization.drawing.marks import layout_of
from tinygrad_xent.visualization.drawing.paint import paint, png
from tinygrad_xent.visualization.drawing.records import FOLD_ABOVE, Kind, Model
from tinygrad_xent.visualization.formulas import partial_of
from tinygrad_xent.visualization.naming import names_of

if TYPE_CHECKING:
    from graphviz import Digraph


class View(ABC):
    """A picture of a graph, a player or a recording, in every form it can be had in."""

    _hint = "For a picture call draw(...).save(...)"

    @property
    @abstractmethod
    def svg(self) -> str:
        """The picture as one SVG document, the same bytes on every machine."""

    @abstractmethod
    def _title(self) -> str:
        """Return the title of the page."""

    @abstractmethod
    def fragment(self, name: str = "", *, alone: bool = False) -> str:
        """Write markup to put into a page: an image, and a script that replaces it by a live view.

        Parameters
        ----------
        name : str
            The id of the element; a random one if it is empty. With a name, what was changed in
            the page stands in its address.
        alone : bool
            Whether the page has no other use for keys: they then work wherever the focus is.

        Raises
        ------
        NotRecordedError
            If no step of a training run was recorded.
        """

    @property
    def html(self) -> str:
        """A page of its own that needs no network: the live view, then the same in words.

        Raises
        ------
        NotRecordedError
            If no step of a training run was recorded.
        """
        from tinygrad_xent.visualization.pages import page

        body = self.fragment(type(self).__name__.lower(), alone=True)
        return page(self._title(), body, scripts=True, text=str(self))

    def png(self) -> bytes:
        """Return the picture as PNG, two pixels for each unit of the SVG.

        Raises
        ------
        MissingRendererError
            If `resvg_py` cannot be imported.
        """
        return png(self.svg)

    def _forms(self) -> Mapping[str, Callable[[], str | bytes]]:
        """Return what can be saved, by the ending of the file."""
        return {".html": lambda: self.html}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file; the ending says in which form.

        Parameters
        ----------
        path : path-like
            Ends in .html, for a page that needs no network; of a picture also in .svg, .png, .dot
            or .txt. The file appears complete or not at all.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        FileFormatError
            If the ending is another one.
        MissingRendererError
            If the form is PNG and `resvg_py` cannot be imported.
        NotRecordedError
            If no step of a training run was recorded.
        OSError
            If the file cannot be written.
        """
        from tinygrad_xent.visualization.files import save

        return save(path, self._forms(), self._hint)

    def __getattr__(self, name: str) -> NoReturn:
        kind = type(self).__name__
        hint = f"notebooks show it by itself; elsewhere write .save('{kind.lower()}.html')"
        raise AttributeError(
            f"a {kind} has no attribute {name!r}: {hint} and open the file", name=name, obj=self
        )

    def _repr_mimebundle_(self, **_filters: Any) -> dict[str, str]:
        bundle = {"text/plain": str(self), "text/html": self.fragment(), "image/svg+xml": self.svg}
        with suppress(MissingRendererError):
            bundle["image/png"] = base64.b64encode(self.png()).decode()
        return bundle


class Picture(View):
    """A graph with its values and gradients, made by `draw`.

    Notebooks show it by itself; `print` writes it as a tree of text.
    """

    _hint = "For PDF save .svg or .html and print it from a browser, or run Graphviz on .dot"

    def __init__(
        self,
        model: Model,
        whole: Model | None = None,
        most: float = inf,
        expand: Sequence[str] = (),
        live: tuple[Node, Mapping[str, Any]] | None = None,
    ) -> None:
        self._model = model
        self._whole = whole or model  # what a page can unfold
        self._begin = most, expand
        self._live = live  # the graph and its names: for a page that computes

    @cached_property
    def svg(self) -> str:
        """The picture as one SVG document, the same bytes on every machine."""
        model = self._model
        return paint(model, [layout_of(box) for box in model.boxes], model.title, model.alt)

    @cached_property
    def alt(self) -> str:
        """What the picture shows, in words."""
        return self._model.alt

    def _title(self) -> str:
        return self._model.title

    def fragment(
        self,
        name: str = "",
        *,
        alone: bool = False,  # noqa: ARG002 - a picture takes no keys of its page
    ) -> str:
        """Write markup to put into a page, as `View.fragment` documents it."""
        from tinygrad_xent.visualization.live.page import live_data
        from tinygrad_xent.visualization.player.frames import State, frames, viewed
        from tinygrad_xent.visualization.player.markup import HEAT, fragment

        data: Any = viewed(self._whole, *self._begin)
        live = live_data(*self._live, self._whole.boxes) if self._live else None
        if live:
            data |= {"live": live, "heat": HEAT, "address": bool(name)}
        if live or self._whole is not self._model:
            data |= {"picture": frames([State.of(self._whole)]).svg}
        return fragment(self.svg, self.alt, "liveDrawing" if live else "drawing", data, name)

    def to_dot(self) -> Digraph:
        """Return the picture as a `graphviz.Digraph`, to be styled and laid out by Graphviz."""
        from tinygrad_xent.visualization.drawing.dot import digraph

        return digraph(self._model)

    def _forms(self) -> dict[str, Callable[[], str | bytes]]:
        return {
            ".svg": lambda: self.svg,
            ".png": self.png,
            ".dot": lambda: self.to_dot().source,
            ".txt": lambda: str(self) + "\n",
            ".html": lambda: self.html,
        }

    def __str__(self) -> str:
        return str(self._model)

    def __repr__(self) -> str:
        names = ", ".join(box.title for box in self._model.outputs)
        return f"<Picture of {names}: {len(self._model.boxes)} boxes>"


def draw(
    *outputs: Any,
    names: Mapping[str, Any] | None = None,
    gradients: bool = True,
    backward: bool = False,
    fold: Folding = "auto",
    expand: Sequence[str] = (),
    rules: bool | None = None,
) -> Picture:
    """Draw the graph of one or more tensors: values, gradients, ops, and how they hang together.

    Tensors made in a block ``with scope("layer1"):`` stand in a frame with that title. A graph
    of more than 60 boxes is folded, and says so: first each scope becomes one box (the innermost
    first), then ops that repeat, then ops that follow each other without a branch. The outputs
    keep their own boxes.

    Parameters
    ----------
    *outputs : Tensor
        What to draw, with everything it was computed from.
    names : mapping of str to Tensor or ndarray, optional
        What to call them; `names=locals()` takes a notebook's or a function's own names. They go
        before the tensors' own; the others are called v0, v1, ... from the oldest on. Names that
        start with an underscore, and what is no Tensor or array, are passed over.
    gradients : bool
        Run the backward pass and show each gradient beside its value. It needs a single floating
        output; if that is not a scalar, the gradients are those of its sum. `.grad` stays as it is.
    backward : bool
        Draw the backward pass as a graph of its own ops, from the one output on to the gradient
        of each leaf, and the forward pass in grey. Gradients are boxes here, called ∂x.
    fold : "auto", True or False
        True folds small graphs too, in the first of the ways that makes them smaller.
    expand : sequence of str
        Scopes that are not folded, by name or by path: "layer1", "net/layer1".
    rules : bool, optional
        Write the rules into the boxes, and beside each arrow what flowed back along it. The
        default is to do so for up to 20 boxes; tooltips have it always.

    Returns
    -------
    Picture
        Shows itself in notebooks; `print` it, or `save` it as .svg, .png, .html, .dot or .txt.

    Raises
    ------
    NotRecordedError
        If an output is no Tensor.
    ArgumentError
        If `expand` names a scope that is not there, or `backward` is asked of several outputs.
    GraphTooLargeError
        If the graph has more tensors than a picture can show, and folding does not help.
    StaleGraphError, MissingRuleError
        If the backward pass cannot be run; `gradients=False` does without it.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x, y = Tensor(2.0, name="x"), Tensor(3.0, name="y")
    >>> print(draw(x * y))
    v2 = multiply  scalar float64  value 6  gradient 1
    ├─ x: x  scalar float64  value 2  gradient 3
    └─ y: y  scalar float64  value 3  gradient 2
    <BLANKLINE>
    gradient: of v2
    """
    if fold not in (True, False, "auto"):
        raise ArgumentError(f'fold={fold!r}: give "auto", True or False')
    kinds: dict[Node, Kind] = {}
    if backward:
        if len(outputs) != 1:
            raise ArgumentError(
                f"backward=True draws the backward pass of one output, got {len(outputs)}"
            )
        outputs, names, kinds = _backward_graph(outputs[0], names)
        gradients = rules = False
    built = partial(
        build, outputs, names, gradients=gradients, expand=expand, rules=rules, kinds=kinds
    )
    model, whole = built(fold=fold), None
    if model.note:  # folded: a page can unfold it
        whole = built(fold="auto", most=MOST_BOXES)
    live = None
    if model.seed and not backward:
        # It must not keep all that a notebook has names for.
        used = {id(x) for node in ancestors(outputs[0]) for x in (node, *node.inputs)}
        live = outputs[0], {name: x for name, x in (names or {}).items() if id(x) in used}
    return Picture(model, whole, FOLD_ABOVE if fold == "auto" else 0 if fold else inf, expand, live)


def _backward_graph(
    output: Any, names: Mapping[str, Any] | None
) -> tuple[tuple[Node, ...], dict[str, Any], dict[Node, Kind]]:
    """Record the backward pass of an output.

    Returns
    -------
    outputs : tuple of Tensor
        The output, and the gradient of each leaf.
    names : dict of str to Tensor
        The names given, those of the tensors, and ∂x for the gradient of x. A tensor that is the
        gradient of several (a sum hands its own on) is called after the last of them.
    kinds : dict of Tensor to str
        Which ops belong to which pass.
    """
    check_recorded(output)
    forward = ancestors(output)
    titles = names_of(forward, names)
    leaves = [node for node in forward if node.op is None and is_real(node)]
    seed = type(output)(np.ones_like(output.data))
    found = dict(backpropagate(output, seed, wrt=leaves))
    called: dict[int, tuple[str, Node]] = {}
    for node, grad in found.items():
        title = titles[node]
        if id(grad) not in called or node.op is None:
            called[id(grad)] = partial_of(title), grad
    grads = [found[leaf] for leaf in leaves if leaf in found]
    outputs = tuple(dict.fromkeys((output, *grads)))
    known = set(forward)
    kinds: dict[Node, Kind] = {
        node: "forward" if node in known else "backward"
        for node in ancestors(*outputs)
        if node.op is not None
    }
    every = {title: node for node, title in titles.items()}
    return outputs, every | dict(names or {}) | dict(called.values()), kinds
