"""Plots of an op and its gradient as SVG that takes the colours of the page, light or dark."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from op_calls import Call, is_entrywise

import tinygrad_xent as tx
from tinygrad_xent import Op
from tinygrad_xent import domains as d
from tinygrad_xent.visualization.drawing.style import LEVELS, heat, ink
from tinygrad_xent.visualization.formatting import number

INK, FUNCTION, GRADIENT = "#010203", "#010204", "#010205"  # stand for the colours of the page
COLOURS = {INK: "currentColor", FUNCTION: "var(--plot-function)", GRADIENT: "var(--plot-gradient)"}
mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "tinygrad_xent",
        "font.size": 9,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **dict.fromkeys(["text.color", "axes.edgecolor", "xtick.color", "ytick.color"], INK),
        **dict.fromkeys(["axes.labelcolor", "axes.titlecolor"], INK),
    }
)

RANGES = {
    d.positive: (0.05, 3),
    d.above_minus_one: (-0.95, 3),
    d.above_one: (1.01, 4),
    d.inside_one: (-0.99, 0.99),
    d.first_branch: (-1.5, 1.5),
    d.simplex: (0.03, 1),
}
HELD = {"min": -1.0, "max": 1.0, "condition": True}  # the other inputs; 2 where nothing is said


def figures(op: Op, call: Call) -> Iterator[str]:
    """Draw curves where there is something to see, and Jacobians where entries depend on others."""
    if is_entrywise(op):
        yield from (_curve_of_input(op, call, i) for i in call.differentiable)
        return
    i = 0 if op.name == "crossentropy" else call.differentiable[-1]
    yield from _curve_of_entry(op, call, i)
    for i in call.differentiable:
        yield _jacobian(op, call, i)


# -- curves ----------------------------------------------------------------------------------


def _curve_of_input(op: Op, call: Call, i: int) -> str:
    held = {"x": 0.0, **HELD} if op.name == "clip" else HELD
    others = {name: held.get(name, 2.0) for name in call.names if name != call.names[i]}
    x = tx.Tensor(np.linspace(*RANGES.get(call.domains[i], (-3, 3)), 240))
    y = op(*(x if j == i else others[name] for j, name in enumerate(call.names)), **call.params)
    slope = tx.gradients(y, x, seed=np.ones(x.shape))
    note = ", ".join(f"{name} = {number(value)}" for name, value in others.items())
    return _curves(call.names[i], x.data, y.data, slope, f"for {note}" if note else "")


def _curve_of_entry(op: Op, call: Call, i: int) -> Iterator[str]:
    """Vary the first entry of an input, watch that of the output: unless it is a line."""
    first = (0,) * np.ndim(call.inputs[i])
    ts = np.linspace(*RANGES.get(call.domains[i], (-3, 3)), 120)
    values, slopes = [], []
    for t in ts:
        x = np.array(call.inputs[i], float)
        x[first] = t
        x = tx.Tensor(x)
        y = op.on([x if j == i else other for j, other in enumerate(call.inputs)], call.params)
        y = y[(0,) * y.ndim]
        values.append(y.item())
        slopes.append(tx.gradients(y, x)[first])
    if np.ptp(slopes) < 1e-9:
        return
    others = np.ravel(call.inputs[i])[1:]
    held = ", ".join(number(x) for x in others[:3]) + (", ..." if len(others) > 3 else "")
    note = f"the other entries are {held}"
    yield _curves(f"{call.names[i]}[0]", ts, np.array(values), np.array(slopes), note)


def _curves(name: str, x: Any, y: Any, slope: Any, note: str) -> str:
    figure, axes = _new_figure(3.5, 2.6)
    limit = 6.0
    for values, colour, label, dash in (
        (y, FUNCTION, "function", "-"),
        (slope, GRADIENT, "gradient", (0, (4, 2))),
    ):
        shown = np.where(np.abs(values) < 2 * limit, values, np.nan)
        jump = np.abs(np.diff(shown, append=shown[-1])) > limit  # a pole, or a step: no line there
        axes.plot(x, np.where(jump, np.nan, shown), color=colour, linestyle=dash, label=label)
    axes.axhline(0, color=INK, linewidth=0.4)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -limit), min(high, limit))
    axes.set_xlabel(f"{name}{', ' if note.startswith('the') else ' '}{note}")
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    return _svg(figure, f"The function and its gradient against {name} {note}")


# -- Jacobians -------------------------------------------------------------------------------


def _jacobian(op: Op, call: Call, i: int) -> str:
    leaf = tx.Tensor(np.array(call.inputs[i], float))
    y = op.on([leaf if j == i else other for j, other in enumerate(call.inputs)], call.params)
    matrix = np.reshape(tx.jacobian(y, leaf), (y.size, leaf.size))
    rows, columns = matrix.shape
    size = 0.34 if columns <= 10 else 0.2
    figure, axes = _new_figure(columns * size + 0.6, max(rows * size, 0.45) + 0.45)
    largest = np.max(np.abs(matrix)) or 1
    axes.add_patch(Rectangle((0, 0), columns, rows, facecolor="none", edgecolor=INK, linewidth=0.6))
    for row, column in np.argwhere(matrix):
        value = float(matrix[row, column])
        fill = heat(round(value / largest * LEVELS) or int(np.sign(value)))
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor=fill, edgecolor="none"))
        if size > 0.3:
            text = number(round(value, 2)) if abs(value) > 0.005 else "~0"
            place = (column + 0.5, row + 0.54)
            axes.text(*place, text, ha="center", va="center", fontsize=6.5, color=ink(fill))
    axes.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_ylabel("output")
    axes.set_xlabel(call.names[i])
    return _svg(figure, f"The Jacobian of the output with respect to {call.names[i]}")


# -- as SVG ----------------------------------------------------------------------------------


def _new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    return figure, axes


def _svg(figure: Figure, label: str) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg ") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    # Within a page this style would be that of the whole page.
    text = re.sub(r"<style type=\"text/css\">.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"(font: [\d.]+px) [^;\"]*", r"\1 var(--font-stack)", text)
    key = re.sub(r"\W+", "-", label)  # two figures on a page must not share their ids
    text = re.sub(r'(\bid="|"#|url\(#)', rf"\g<1>{key}-", text)
    for stand_in, colour in COLOURS.items():
        text = text.replace(stand_in, colour)
    attributes = f'role="img" aria-label="{html.escape(label)}" stroke-linejoin="round"'
    return text.replace("<svg ", f"<svg {attributes} ", 1)
