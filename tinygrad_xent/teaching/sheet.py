"""A worksheet: the graph of a loss with blanks to fill in by hand, and the answer key."""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.backprop import backpropagate, check_seed
from tinygrad_xent.checking.replaying import rebuild
from tinygrad_xent.errors import GraphTooLargeError
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.visualization.drawing import marks, style
from tinygrad_xent.visualization.drawing.build import build
from tinygrad_xent.visualization.drawing.paint import paint
from tinygrad_xent.visualization.drawing.records import Box, Model
from tinygrad_xent.visualization.files import save
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.naming import names_by_id
from tinygrad_xent.visualization.pages import image, page

MOST_BOXES, MOST_ENTRIES = 16, 12
_PAD, _CELL, _DOWN, _TEXT, _SMALL = 12.0, 60.0, 30.0, 14.0, 11.0
_RULE_LINE = 26.0
_ROOM = 150.0  # for a rule written by hand
_PAPER = "#fffffe"  # not the white of 0, which the legend would explain
_CAPTION = 62.0  # the cells begin to the right of the words "value" and "gradient"

_ATTEMPTS = 90
_SLACK = 1.2  # how much longer than the shortest numbers others may be, so that seeds differ
_INEXACT, _ZERO = 12, 8  # a number without an exact form, and 0, count as this many characters
_ROUNDING = 1e-13  # smaller numbers are 0 apart from rounding errors, such as 0.1 + 0.2 - 0.3
_CHOICES = (
    np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]),
    np.log([1.0, 2.0, 3.0, 4.0]),  # a softmax turns them into fractions
)


class Worksheet:
    """The graph of a loss with blanks, and the answer key; made by `worksheet`.

    A notebook shows it; `save` writes the sheet to print, and the key as a file of its own.

    Attributes
    ----------
    loss : Tensor
        The loss whose numbers are on the sheet.
    """

    def __init__(self, loss: Node, model: Model, number: int | None) -> None:
        self.loss = loss
        self._model = model
        self._name = model.outputs[0].title
        self._number = number

    @cached_property
    def sheet(self) -> str:
        """The graph with blanks, as an SVG document."""
        boxes = ", ".join(box.title for box in self._model.boxes)
        alt = f"The graph of {self._name} with empty cells for values and gradients: {boxes}."
        return _picture(self._model, f"Worksheet: {self._name}", alt, filled=False)

    @cached_property
    def key(self) -> str:
        """The answer key, as an SVG document."""
        title = f"Answer key: {self._name}"
        return _picture(self._model, title, self._model.alt, filled=True)

    @property
    def html(self) -> str:
        """The worksheet, a page to print."""
        steps = "".join(f"<li>{escape(step)}</li>" for step in self._steps())
        body = f"<p>Name: <span></span></p>\n<ol>{steps}</ol>\n{self.sheet}"
        return self._page("The gradients of", body)

    @property
    def key_html(self) -> str:
        """The answer key, a page of its own."""
        return self._page("Answer key:", self.key)

    def _page(self, title: str, body: str) -> str:
        number = "" if self._number is None else f", no. {self._number}"
        css = files("tinygrad_xent.teaching").joinpath("sheet.css").read_text("utf-8")
        return page(f"{title} {self._name}{number}", f"<section>\n{body}</section>\n", css)

    def _steps(self) -> tuple[str, ...]:
        name = self._name
        return (
            "Fill in the values from top to bottom. Leave fractions and logarithms: 1/3, ln 2.",
            f"Write down the rule of each op. ∂x stands for ∂{name}/∂x.",
            f"Start with the gradient 1 at {name}, and fill in the gradients from the bottom up.",
            "Where several arrows leave a box, add up the contributions that come back along them.",
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save the worksheet as an HTML file to print, and the key beside it.

        For `week5.html` the key is `week5-key.html`. Neither needs a network.

        Parameters
        ----------
        path : path-like
            A name that ends in .html. Each file is written completely or not at all.

        Returns
        -------
        Path
            The path of the worksheet.

        Raises
        ------
        FileFormatError
            If the name does not end in .html.
        OSError
            If the file cannot be written.
        """
        pictures = "Its attributes `sheet` and `key` are pictures in SVG"
        saved = save(path, {".html": lambda: self.html}, pictures)
        save(saved.with_stem(f"{saved.stem}-key"), {".html": lambda: self.key_html})
        return saved

    def _repr_html_(self) -> str:
        sheet = image(self.sheet, f"Worksheet for {self._name}")
        key = image(self.key, f"Answer key for {self._name}")
        return f"{sheet}<details><summary>Answer key</summary>{key}</details>"

    def __repr__(self) -> str:
        return f"<Worksheet of {self._name}: {len(self._model.boxes)} boxes>"


def worksheet(
    loss: Node, *, names: Mapping[str, Any] | None = None, seed: int | None = None
) -> Worksheet:
    """Return a worksheet of a loss: its graph with blanks to fill in by hand, and the answer key.

    The values of leaves and constants are given. The learner fills in the values of all ops, their
    backward rules, and all gradients.

    Parameters
    ----------
    loss : Tensor
        A scalar, computed by a few ops from small arrays.
    names : mapping of str to Tensor or ndarray, optional
        Names of the tensors; `names=locals()` takes those of a notebook's or function's variables.
    seed : int, optional
        Compute the loss from other numbers, so that it and its gradients are easy to write:
        integers, short fractions and logarithms of these. Another seed draws other numbers,
        if there are any. By default, numbers are replaced only if some cannot be written exactly.

    Returns
    -------
    Worksheet
        Shown in notebooks; `save` it as .html to print it.

    Raises
    ------
    NotRecordedError, NotScalarError, DtypeError
        If the loss has no gradient; the message says why.
    GraphTooLargeError
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
    if seed is not None or not is_easy(loss):
        called = names_by_id(names)
        loss, twin = with_easy_numbers(loss, seed or 0)
        names = {called[id(old)]: new for old, new in twin.items() if id(old) in called} | {
            name: x for name, x in (names or {}).items() if not isinstance(x, Node)
        }
    model = build((loss,), names, gradients=True, rules=True)
    model = replace(model, note="")
    return Worksheet(loss, model, seed)


def _check_size(model: Model) -> None:
    if len(model.boxes) > MOST_BOXES:
        raise GraphTooLargeError(
            f"the graph has {len(model.boxes)} boxes, too many to fill in by hand: {MOST_BOXES} "
            "fit on a sheet. Make the worksheet of an earlier tensor of it"
        )
    for box in model.boxes:
        if box.value.size > MOST_ENTRIES or box.value.ndim > 2:
            raise GraphTooLargeError(
                f"{box.title} has the shape {box.value.shape}, too large to fill in by hand: use "
                f"arrays of at most {MOST_ENTRIES} entries and two axes"
            )


# -- the picture of a graph for paper --------------------------------------------------------


def _picture(model: Model, title: str, alt: str, *, filled: bool) -> str:
    """Return a graph as SVG, with its numbers and rules or with space for them."""
    arrows = tuple(
        replace(arrow, rule="", contribution="", short_contribution="") for arrow in model.arrows
    )
    # The widths do not depend on `filled`, so both pages have the boxes in the same places.
    layouts = [_layout(box, filled=filled) for box in model.boxes]
    plain = replace(model, arrows=arrows, with_contributions=False, groups=())
    return paint(plain, layouts, title, alt)


def _layout(box: Box, *, filled: bool) -> marks.BoxLayout:
    title = style.shorten(box.title, 30)
    made = f" = {style.shorten(box.expression, 30)}" if box.expression else ""
    drawn: list[marks.Mark] = [marks.Text(_PAD, marks.HEADER - 7, made, 13, bold=title)]
    width = style.text_width(title, 13, bold=True) + style.text_width(made, 13)
    y = marks.HEADER
    for line in box.details:
        y += 15
        drawn.append(marks.Text(_PAD, y, line, _SMALL, style.GREY))
        width = max(width, style.text_width(line, _SMALL))
    for rule in box.rules:
        left, _, right = rule.partition(" = ")
        y += _RULE_LINE
        drawn.append(marks.Text(_PAD, y, f"{left} = {right if filled else ''}", 12, style.RULE))
        start = style.text_width(f"{left} = ", 12)
        length = max(_ROOM, style.text_width(right, 12))
        if not filled:
            drawn.append(marks.Patch(_PAD + start, y + 3, ((0, 0, length, 0.6),), style.LINE))
        width = max(width, start + length)
    y += 10
    given = box.kind in ("leaf", "constant")
    tables = [("value", _texts(box.value), filled or given)]
    if box.gradient is not None:
        tables.append(("gradient", _texts(box.gradient), filled))
    # All cells have the same width, so that it does not reveal the length of an answer.
    texts = [text for _, rows, _ in tables for row in rows for text in row]
    longest = max((style.text_width(text, _TEXT) for text in texts), default=0.0)
    across = max(_CELL, longest + 10)
    for caption, rows, shown in tables:
        drawn.append(marks.Text(_PAD, y + _DOWN / 2 + 4, caption, _SMALL, style.GREY))
        if not rows[0]:
            drawn.append(
                marks.Text(_PAD + _CAPTION, y + _DOWN / 2 + 4, "no entries", _SMALL, style.GREY)
            )
        table = marks.Block(0.0, 0.0, tuple(_cells(rows, across, shown=shown)))
        drawn += table.at(_PAD + _CAPTION, y)
        width = max(width, _CAPTION + len(rows[0]) * across)
        y += len(rows) * _DOWN + 8
    return marks.BoxLayout(
        float(round(width + 2 * _PAD)), float(round(y + 4)), tuple(drawn), marks.HEADER
    )


def _texts(array: Any) -> list[list[str]]:
    rows = np.atleast_2d(array)
    return [[exact_or_rounded(x).replace("-", "−") for x in row] for row in rows] or [[]]


def _cells(rows: list[list[str]], across: float, *, shown: bool) -> Iterator[marks.Mark]:
    """Yield cells of the same width, empty or with their numbers."""
    places = [(i * _DOWN, j * across) for i, row in enumerate(rows) for j in range(len(row))]
    yield marks.Patch(0, 0, tuple((x, y, across, _DOWN) for y, x in places), _PAPER, style.LINE)
    if shown:
        texts = (text for row in rows for text in row)
        for (y, x), text in zip(places, texts, strict=True):
            yield marks.Text(x + across / 2, y + 20, text, _TEXT, style.INK, "middle")


# -- numbers that are easy to compute with by hand --------------------------------------------


def exact_text(x: float) -> str | None:
    """Return a number as written by hand, or None if it has no short exact form.

    Examples
    --------
    >>> [exact_text(x) for x in (3.0, -0.25, 1 / 6, np.log(2), -np.log(1.5), 1e-17, 0.41703)]
    ['3', '-0.25', '1/6', 'ln 2', '-ln(3/2)', '0', None]
    """
    if not math.isfinite(x) or abs(x) >= 1000:
        return None
    if abs(x) < _ROUNDING:
        return "0"
    if math.isclose(x, round(x, 2), rel_tol=1e-9):
        return f"{round(x, 2) + 0.0:g}"  # + 0.0 makes 0 of -0
    if (fraction := _fraction(x)) is not None:
        return str(fraction)
    inside = _fraction(math.exp(abs(x))) if abs(x) < 10 else None
    if inside is not None and inside != 1:
        text = f"ln {inside}" if inside.denominator == 1 else f"ln({inside})"
        return f"-{text}" if x < 0 else text
    return None


def _fraction(x: float) -> Fraction | None:
    fraction = Fraction(x).limit_denominator(36)
    return fraction if math.isclose(float(fraction), x, rel_tol=1e-9) else None


def exact_or_rounded(x: Any) -> str:
    """Return a number exactly if possible, otherwise with three digits."""
    return exact_text(float(x)) or number(x)


def is_easy(output: Node) -> bool:
    """Return whether all values and gradients of a graph can be written exactly."""
    return all(exact_text(x) is not None for x in _numbers(output))


def with_easy_numbers(output: Node, seed: int) -> tuple[Node, dict[Node, Node]]:
    """Return a copy of a graph, computed from other numbers so that all its numbers are easy.

    The leaves get integers and logarithms of integers; of many attempts, one with the shortest
    numbers is chosen.

    Returns
    -------
    Tensor, dict of Tensor to Tensor
        The new output, and the copy of each tensor.
    """
    rng = np.random.default_rng(seed)
    leaves = [node for node in ancestors(output) if node.op is None and node.data.dtype.kind == "f"]
    twins = []
    for attempt in range(_ATTEMPTS):
        kinds = _CHOICES[attempt % 3 : attempt % 3 + 1] or _CHOICES  # integers, logarithms, both
        drawn = {x: _drawn(rng, kinds[rng.integers(len(kinds))], x.data.shape) for x in leaves}
        twins.append(rebuild(output, data=drawn))
    efforts = np.array([sum(map(_effort, _numbers(twin[output]))) for twin in twins])
    chosen = twins[rng.choice(np.flatnonzero(efforts <= _SLACK * efforts.min()))]
    return chosen[output], chosen


def _drawn(rng: np.random.Generator, choice: Any, shape: tuple[int, ...]) -> Any:
    """Return random numbers, all different while there are enough: equal ones hide mistakes."""
    size = math.prod(shape)
    rounds = [rng.permutation(choice) for _ in range(0, max(size, 1), choice.size)]
    return np.concatenate(rounds)[:size].reshape(shape)


def _numbers(output: Node) -> list[float]:
    """Return all values and gradients of a graph."""
    arrays = [node.data for node in ancestors(output) if node.data.dtype.kind == "f"]
    with np.errstate(all="ignore"):
        arrays += [grad for _, grad in backpropagate(output)]
    return [float(x) for array in arrays for x in np.ravel(array)]


def _effort(x: float) -> int:
    if x == 0:
        return _ZERO
    text = exact_text(x)
    return _INEXACT if text is None else len(text)
