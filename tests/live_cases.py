"""Graphs for pages that compute, edits of their numbers, and what Python makes of them."""

from __future__ import annotations

import json
import runpy
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from solved_lessons import solved

import tinygrad_xent as tx
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.graph import Node
from tinygrad_xent.ops import OPS
from tinygrad_xent.visualization.live.program import Program, program_of

LESSONS = sorted((Path(__file__).parents[1] / "lessons").glob("[0-9][0-9]_*.ipynb"))
FOLDER = Path(tx.__file__).parent / "visualization" / "live"
SCRIPT = "\n".join((FOLDER / name).read_text("utf-8") for name in ("functions.js", "live.js"))
RUN = """
function run({ program, edits }) {
  const shown = (x) => Number.isFinite(x) && !Object.is(x, -0) ? x : written(x);
  const live = new Live(program);
  const plain = (x) => x && { shape: x.shape, data: Array.from(x.data, shown) };
  const all = () => live.values.map(plain);
  const before = all();
  const words = edits.map(([number, place, text]) => live.edit(number, place, text).word);
  return { words, states: [before, all()] };
}
"""
HTML = f"<!doctype html><meta charset=utf-8><title>live</title><script>{SCRIPT}{RUN}</script>"


class Case(NamedTuple):
    """A graph as a program, and edits: the number of an entry, a place in it, what is typed."""

    label: str
    program: Program
    edits: list[tuple[int, int, str]]

    def to_dict(self) -> dict[str, Any]:
        return {"program": self.program.to_dict(), "edits": self.edits}


def case_of(label: str, output: Any, rng: np.random.Generator, count: int = 20) -> Case:
    """Return a graph with random edits that stay in the domains: a tenth more or less."""
    program = program_of(output)
    edits = []
    filled = [leaf for leaf in program.leaves if program.entries[leaf.number]["data"]]
    for _ in range(count if filled else 0):
        number = filled[rng.integers(len(filled))].number
        entry = program.entries[number]
        place = int(rng.integers(len(entry["data"])))
        if entry["dtype"] == "bool":
            text = ["true", "false"][rng.integers(2)]
        elif entry["dtype"].startswith("float"):
            text = repr(float(entry["data"][place]) * float(1 + 0.1 * rng.normal()))
        else:
            text = str(rng.integers(2))
        edits.append((number, place, text))
    return Case(label, program, edits)


def op_cases() -> Iterator[Case]:
    """Yield every op on its own examples, with weights that make each gradient another one."""
    for name, op in sorted(OPS.items()):
        rng = np.random.default_rng(0)
        for inputs, params in samples(op, rng):
            real = [np.asarray(x).dtype.kind == "f" for x in inputs]
            out = op.on(
                [tx.Tensor(x) if r else x for x, r in zip(inputs, real, strict=True)], params
            )
            if isinstance(out, tx.Tensor) and out.dtype.kind == "f":
                weights = tx.Tensor(rng.normal(size=out.shape), name="weights")
                yield case_of(f"{name} {params}", (out * weights).sum(), rng)


def lesson_cases(folder: Path, monkeypatch: Any) -> list[Case]:
    """Return the graphs of the lessons that are not too large to show, each form once."""
    mpl = pytest.importorskip("matplotlib", reason="the lessons plot: pip install matplotlib")
    from matplotlib import pyplot as plt

    mpl.use("Agg")
    cases: dict[Any, Case] = {}
    lesson = ""
    rng = np.random.default_rng(1)

    def look(output: Any) -> None:
        if not isinstance(output, tx.Tensor) or output.size != 1:
            return
        nodes = tx.ancestors(output)
        form = tuple((node.op and node.op.name, node.shape) for node in nodes)
        small = len(nodes) <= 80 and sum(node.size for node in nodes) <= 1500
        if form not in cases and small and output.dtype.kind == "f":
            cases[form] = case_of(lesson, output, rng)

    def watched(function: Any) -> Any:
        def call(first: Any, *rest: Any, **options: Any) -> Any:
            result = function(first, *rest, **options)
            look(first)
            return result

        return call

    monkeypatch.setattr(tx.Tensor, "backward", watched(tx.Tensor.backward))
    for name in ("draw", "play", "trace", "gradients"):
        monkeypatch.setattr(tx, name, watched(getattr(tx, name)))
    monkeypatch.chdir(folder)
    for path in LESSONS:
        lesson = path.stem
        notebook = solved(json.loads(path.read_text("utf-8")))
        code = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
        program = folder / "lesson.py"
        program.write_text("\n\n\n".join(code), "utf-8")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
            runpy.run_path(str(program), run_name="lesson")
        plt.close("all")
    return list(cases.values())


# -- what a player shows --------------------------------------------------------------------------

SHOWN = """
(count) => {
  const root = [...document.querySelectorAll("*")].find((x) => x.shadowRoot).shadowRoot;
  const slider = root.querySelector('input[type="range"]');
  const texts = (selector, inside = root) =>
    [...inside.querySelectorAll(selector)].map((x) => x.textContent);
  const steps = [];
  for (let at = 1; at <= count; at++) {
    slider.value = at;
    slider.dispatchEvent(new Event("input"));
    const colours = [...root.querySelectorAll(".details td")].map((x) => x.style.background);
    const status = texts('[role="status"].hidden');
    const lines = texts(".details .numbers, .details .note, .details .bad");
    steps.push({ tables: texts(".details figure"), status, colours, lines });
  }
  const bodies = [...root.querySelectorAll(".graph .body")];
  const boxes = root.querySelectorAll('.graph g[id^="n"] > text, .graph g[id^="c"] > text');
  return { steps, cells: bodies.map((body) => texts("text", body)),
           heads: [...boxes].map((x) => x.textContent) };
}
"""


def shown(page: Any) -> Any:
    """Return everything that a player shows, step by step."""
    count = int(page.locator(".counter").inner_text().split(" / ")[1])
    return page.evaluate(SHOWN, count)


# -- what Python makes of it ---------------------------------------------------------------------


def numbers(state: Any, number: int, dtype: str = "float64") -> Any:
    """Return an array of the page."""
    value = state[number]
    data = np.array([float(x) for x in value["data"]], dtype)
    return data.reshape(value["shape"])


def rebuilt(program: Program, state: Any) -> tuple[dict[Node, Any], dict[str, Any]]:
    """Compute a graph anew, with the leaves and constants of a page.

    Return the new tensors by the old ones, and the constants by their names.
    """
    given = {
        leaf.number: numbers(state, leaf.number, program.entries[leaf.number]["dtype"])
        for leaf in program.leaves
    }
    twins: dict[Node, Any] = {}
    for node, number in program.tensors.items():  # oldest first
        if node.op is None:
            twins[node] = tx.Tensor(given[number], name=node.name)
            continue
        inputs = [
            twins[x]
            if isinstance(x, Node)
            else given[program.constants[node, i]]
            if (node, i) in program.constants
            else x
            for i, x in enumerate(node.inputs)
        ]
        twins[node] = node.op.on(inputs, node.params)
        twins[node].name = node.name
    return twins, {leaf.name: given[leaf.number] for leaf in program.leaves if leaf.constant}


def expected(program: Program, state: Any) -> dict[str, tuple[int, Any]]:
    """Compute a graph anew; return every array by a word, and the entry that must hold it."""
    twins, _ = rebuilt(program, state)
    output = twins[list(program.tensors)[-1]]
    sent: list[Any] = []
    grads = dict(
        tx.backpropagate(output, observe=lambda _, __, ___, part, total: sent.append((part, total)))
    )
    found = {f"tensor {program.names[x]}": (n, twins[x].data) for x, n in program.tensors.items()}
    for x, n in program.gradients.items():
        found[f"gradient of {program.names[x]}"] = n, grads[twins[x]]
    assert len(sent) == len(program.events)
    for k, (event, (part, total)) in enumerate(zip(program.events, sent, strict=True)):
        found[f"contribution {k}"] = event.contribution, part
        found[f"running total {k}"] = event.total, total
    return found


def size_of(*arrays: Any) -> float:
    """Return the largest finite entry, without its sign."""
    return max(float(np.max(np.abs(x), initial=0, where=np.isfinite(x))) for x in arrays)


def distance(got: Any, want: Any, size: float) -> float:
    """Return how far two arrays are from each other, relative to a size."""
    if got.shape != want.shape:
        return np.inf
    with np.errstate(all="ignore"):
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        worst = float(np.max(np.where(same, 0, np.abs(got - want)), initial=0))
    return worst / size if worst and size else worst


def differences(
    case: Case, answer: Any, *, beside_largest: bool = False
) -> Iterator[tuple[float, str]]:
    """Yield how far each array of the page is from Python's, before and after the edits.

    This is relative to the largest entry of the array; if wanted, to that of the whole graph.
    """
    for when, state in zip(("at first", "after the edits"), answer["states"], strict=True):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            wanted = expected(case.program, state)
        largest = size_of(*(want for _, want in wanted.values())) if beside_largest else 0.0
        for word, (number, want) in wanted.items():
            if state[number] is None and case.program.unknown:
                continue  # the page says that it does not know
            far = distance(numbers(state, number), want, max(size_of(want), largest))
            yield far, f"{case.label}: {word} {when}"
