"""A worksheet: the graph of a loss to fill in with a pencil, and the answer key."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from tinygrad_xent.backprop import check_seed
from tinygrad_xent.errors import PictureFormatError, WorksheetError
from tinygrad_xent.graph import Node
from tinygrad_xent.teaching.by_hand import friendly, with_friendly_numbers
from tinygrad_xent.teaching.paper import on_paper
from tinygrad_xent.visualization.drawing import words
from tinygrad_xent.visualization.drawing.build import build
from tinygrad_xent.visualization.drawing.model import Model
from tinygrad_xent.visualization.files import write_whole
from tinygrad_xent.visualization.naming import names_by_id, printable

MOST_BOXES, MOST_ENTRIES = 16, 12


class Worksheet:
    """The graph of a loss with blanks, and the answer key; made by `worksheet`.

    Notebooks show it by itself. `save` writes two pages to print.

    Attributes
    ----------
    loss : Tensor
        The loss whose numbers are on the sheet.
    """

    def __init__(self, loss: Node, model: Model, number: int | None) -> None:
        self.loss = loss
        self._model = model
        self._number = number

    @property
    def _name(self) -> str:
        return self._model.outputs[0].title

    @cached_property
    def sheet(self) -> str:
        """The page to fill in, as one SVG document."""
        boxes = ", ".join(box.title for box in self._model.boxes)
        alt = f"The graph of {self._name} with empty cells for values and gradients: {boxes}."
        return on_paper(self._model, f"Worksheet: {self._name}", alt, filled=False)

    @cached_property
    def key(self) -> str:
        """The answer key, as one SVG document."""
        title = f"Answer key: {self._name}"
        return on_paper(self._model, title, words.alt(self._model), filled=True)

    @property
    def html(self) -> str:
        """Two pages to print: the sheet and its key."""
        style = files("tinygrad_xent.teaching").joinpath("sheet.css").read_text("utf-8")
        number = "" if self._number is None else f", no. {self._number}"
        name = escape(self._name)
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>Worksheet: {name}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
            f"<section>\n<header><h1>The gradients of {name}{number}</h1>"
            "<p>Name: <span></span></p></header>\n"
            f"<ol>{''.join(f'<li>{escape(step)}</li>' for step in self._steps())}</ol>\n"
            f"{self.sheet}</section>\n"
            f"<section>\n<header><h1>Answer key: {name}{number}</h1></header>\n"
            f"{self.key}</section>\n</body>\n</html>\n"
        )

    def _steps(self) -> tuple[str, ...]:
        name = self._name
        return (
            "Fill in the values, top to bottom. Fractions and logarithms may stay: 1/3, ln 2.",
            f"Write down the rule of each step. ∂x is the gradient of {name} with respect to x.",
            f"Start with the gradient 1 at {name}, and fill in the gradients from the bottom up.",
            "Where several arrows leave a box, add up what comes back along them.",
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write sheet and key to a file: two pages to print, which need no network.

        Parameters
        ----------
        path : path-like
            Ends in .html. The file appears complete or not at all.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        PictureFormatError
            If the name ends in something else.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() != ".html":
            raise PictureFormatError(
                f"'{printable(path)}': a worksheet is two pages to print; end the name in .html. "
                "Its attributes `sheet` and `key` are SVG"
            )
        write_whole(path, self.html.encode())
        return path

    def _repr_html_(self) -> str:
        sheet, key = (
            f'<img alt="{escape(what)} for {escape(self._name)}" '
            'style="max-width:100%;background:#fff;border-radius:8px" '
            f'src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'
            for what, svg in (("Worksheet", self.sheet), ("Answer key", self.key))
        )
        return f"{sheet}<details><summary>Answer key</summary>{key}</details>"

    def __repr__(self) -> str:
        return f"<Worksheet of {self._name}: {len(self._model.boxes)} boxes>"


def worksheet(
    loss: Node, *, names: Mapping[str, Any] | None = None, seed: int | None = None
) -> Worksheet:
    """Make a worksheet of a loss: its graph with blanks to fill in by hand, and the answer key.

    The values of leaves and constants are given. To be filled in are the values of all steps, their
    backward rules, and all gradients.

    Parameters
    ----------
    loss : Tensor
        A scalar, computed in a few steps from small arrays.
    names : mapping of str to Tensor or ndarray, optional
        What to call the tensors; `names=locals()` takes a notebook's or a function's own names.
    seed : int, optional
        Compute the loss from other numbers, such that it and its gradients come out easy: integers,
        short fractions and logarithms of these. Other seeds give other numbers, as far as there are
        any. By default this is done only if the loss's own numbers do not come out exactly.

    Returns
    -------
    Worksheet
        Shows itself in notebooks; `save` it as .html to print it.

    Raises
    ------
    NotRecordedError, NotScalarError, GradientDtypeError
        If there is no backward pass to run; the message says why.
    WorksheetError
        If the graph is too large to be filled in by hand.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, softmax, sparse_categorical_crossentropy
    >>> z = Tensor([2.0, 1.0, 0.1], name="z")
    >>> loss = sparse_categorical_crossentropy(0, softmax(z))
    >>> worksheet(loss, names={"loss": loss})
    <Worksheet of loss: 4 boxes>
    """
    check_seed(loss, None)
    _check_size(build((loss,), names, gradients=False))
    if seed is not None or not friendly(loss):
        called = names_by_id(names)
        loss, twin = with_friendly_numbers(loss, seed or 0)
        names = {called[id(old)]: new for old, new in twin.items() if id(old) in called} | {
            name: x for name, x in (names or {}).items() if not isinstance(x, Node)
        }
    model = build((loss,), names, gradients=True, rules=True)
    model = replace(model, note="")
    return Worksheet(loss, model, seed)


def _check_size(model: Model) -> None:
    if len(model.boxes) > MOST_BOXES:
        raise WorksheetError(
            f"the graph has {len(model.boxes)} boxes, too many to fill in by hand: {MOST_BOXES} "
            "fit on a sheet. Make the worksheet of an earlier tensor of it"
        )
    for box in model.boxes:
        if box.value.size > MOST_ENTRIES or box.value.ndim > 2:
            raise WorksheetError(
                f"{box.title} has the shape {box.value.shape}, too large to fill in by hand: use "
                f"arrays of at most {MOST_ENTRIES} entries and two axes"
            )
