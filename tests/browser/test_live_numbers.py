"""Formulas with the numbers of one entry, in the page."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.visualization.live.page import LivePage
from tinygrad_xent.visualization.live.program import program_of
from tinygrad_xent.visualization.player import markup

pytestmark = pytest.mark.browser

SCRIPT = "\n".join(
    markup._source(*file.split("/")) for file in markup._SCRIPTS["player"] if "live/" in file
)
ALL = """
([page, isChosen]) => {
  const live = new Live(page.program);
  const lines = new numbers.Lines(page);
  const found = [];
  const add = (op, line) => line && found.push([op, line.outerHTML, numbers.spoken(line)]);
  const each = (array, f) => array.data.forEach((_, k) => f(numbers.indexOf(array.shape, k)));
  page.program.tensors.forEach(({ number, gradient }, k) => {
    if (!page.made[k]) return;
    const { op } = page.made[k];
    each(live.values[number], (place) => add(op, lines.forward(live.values, k, place, isChosen)));
    for (const event of page.program.events.filter(([from]) => from === number)) {
      const late = [gradient, event[3], event[4]];
      each(live.values[event[4]], (place) =>
        add(op, lines.backward(live.values, k, event, late, place, isChosen)));
    }
  });
  return found;
}
"""


@pytest.fixture
def lines_of(visit):
    """Return the op, the MathML and the text of all lines of a graph."""
    script = f"<script>{markup._source('player', 'view.js')}\n{SCRIPT}</script>"
    page = visit(f"<!doctype html><meta charset=utf-8><title>lines</title>{script}")

    def lines(loss, *, chosen=True):
        told = json.loads(json.dumps(LivePage(program_of(loss)).to_dict(())))
        found = page.evaluate(ALL, [told, chosen])
        assert not page.problems
        return found

    return lines


def diamond():
    """L = ln a + a a with a = 3 x: the gradient of a is 1 / a + 2 a."""
    x = tx.Tensor(2.0, name="x")
    a = x * 3.0
    return tx.log(a) + a * a


def by_hand():
    p = tx.softmax(tx.Tensor([2.0, 1.0, 0.1], name="z"))
    return -(tx.log(p) * np.array([1.0, 0.0, 0.0])).sum()


def written(mathml: str) -> str:
    """MathML as a line of text that Python can compute."""

    def text(node):
        tag, parts = node.tag.rpartition("}")[2], [text(child) for child in node]
        if tag == "mfrac":
            return f"(({parts[0]})/({parts[1]}))"
        if tag == "msup":
            return f"({parts[0]})**({parts[1]})"
        if tag == "msqrt":
            return f"sqrt({''.join(parts)})"
        if tag == "msub":
            return parts[0]
        if tag == "mi" and node.get("class") != "name":
            return {"ln": "log "}.get(node.text, node.text)
        return (node.text or "") + "".join(parts)

    return text(ET.fromstring(mathml)) if mathml else ""  # noqa: S314 - our own


def computed(line: str) -> tuple[float, float]:
    """The right side of "name = formula = number", computed, and the number."""
    parts = line.replace("−", "-").replace("⋅", "*").split("=", 1)[1]
    parts = re.sub(r"\[([^\]]*)\]", lambda m: f"({m[1].replace('=', '==')})", parts)
    left, _, answer = (
        parts.rpartition("=") if re.search(r"[^=]=[^=]", parts) else (parts, "", parts)
    )
    left = re.sub(r"log ([\d.]+)", r"log(\1)", left)
    left = re.sub(r"tanh([\d.]+)", r"tanh(\1)", left)
    known = {"e": np.e, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "max": max, "min": min}
    known["__builtins__"] = {}
    left, right = (float(eval(side.strip(), known)) for side in (left, answer))  # noqa: S307
    return left, right


def graphs():
    x = tx.Tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], name="x")
    y = tx.Tensor([3.0, 0.5, 1.25], name="y")
    yield by_hand()
    yield (x @ tx.Tensor([[1.0, -2.0], [0.5, 0.25], [3.0, 1.5]])).sum() + (x @ y).sum() + y @ y
    yield (x.mT @ x).sum()
    yield diamond()
    yield tx.mean(tx.softmax(x, axis=0) * 2 + tx.log_softmax(x, axis=1) / y)
    yield tx.sqrt(y).sum() - tx.tanh(y).sum() + tx.sigmoid(x).sum()
    yield tx.logsumexp(x) + tx.prod(y) + (tx.relu(x) ** 2).sum() + tx.maximum(x, y).sum()
    yield tx.sum(x, axis=1).sum() + tx.max(y) + tx.where(x.data > 0, x, -x).sum()
    yield tx.sparse_softmax_cross_entropy_with_logits(labels=[2, 0], logits=x).sum()
    t = tx.Tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    yield tx.softmax_cross_entropy_with_logits_v2(t, x).sum()


def test_formulas_with_numbers_are_true(lines_of) -> None:
    seen = set()
    for loss in graphs():
        for op, mathml, text in lines_of(loss):
            if "⋯" in mathml:
                continue
            left, right = computed(written(mathml))
            assert left == pytest.approx(right, rel=0.03, abs=0.02), (op, text)
            seen.add(op)
    assert seen >= {"softmax", "log", "multiply", "sum", "mean", "logsumexp", "relu", "matmul"}
    assert seen >= {"sparse_softmax_cross_entropy", "softmax_cross_entropy", "log_softmax", "where"}


def test_the_rule_of_softmax_is_written_out(lines_of) -> None:
    x = tx.Tensor([2.0, 1.0, 0.1], name="z")
    loss = (-tx.log(tx.softmax(x)) * np.array([1.0, 0.0, 0.0])).sum()
    op, mathml, text = next(line for line in lines_of(loss) if "∂z[0]" in line[2])
    assert op == "softmax"
    line = "∂z=0.659⋅(−1.52−(−1.52⋅0.659+0⋅0.242+0⋅0.0986))=−0.341"
    assert written(mathml) == line
    assert "<mn>0</mn></msub>" in mathml  # which entry
    assert text == "∂z[0] = 0.659 ⋅ (−1.52 − (−1.52 ⋅ 0.659 + 0 ⋅ 0.242 + 0 ⋅ 0.0986)) = −0.341"


def test_small_matrices_are_written_out_and_of_large_ones_a_row_and_a_column(lines_of) -> None:
    a, b = tx.Tensor([[1.0, 2.0], [3.0, 4.0]]), tx.Tensor([[5.0], [6.0]])
    _, mathml, text = lines_of((a @ b).sum(), chosen=False)[0]
    assert re.findall(r"<mn>(\d+)</mn>", mathml) == ["1", "2", "3", "4", "5", "6", "17", "39"]
    assert text == "v2 = ([1 2] [3 4])([5] [6]) = ([17] [39])"
    one, two = (text for _, _, text in lines_of((a @ b).sum())[:2])
    assert (one, two) == ("v2[0, 0] = 1 ⋅ 5 + 2 ⋅ 6 = 17", "v2[1, 0] = 3 ⋅ 5 + 4 ⋅ 6 = 39")
    x = tx.Tensor(np.arange(16.0).reshape(4, 4))
    big = lines_of(tx.matmul(np.ones((4, 4)), x).sum(), chosen=False)
    assert big[0][2] == "v1[0, 0] = 1 ⋅ 0 + 1 ⋅ 4 + 1 ⋅ 8 + 1 ⋅ 12 = 24"


def test_stacks_of_matrices_have_lines_too(lines_of) -> None:
    rng = np.random.default_rng(0)
    x, y = tx.Tensor(rng.normal(size=(2, 3, 2))), tx.Tensor(rng.normal(size=(2, 2, 4)))
    found = [line for line in lines_of((x @ y).sum()) if line[0] == "matmul"]
    assert len(found) == 24 + 12 + 16
    for _, mathml, text in found:
        if "⋯" not in mathml:
            left, right = computed(written(mathml))
            assert left == pytest.approx(right, rel=0.03, abs=0.02), text


def test_the_sum_that_undoes_broadcasting_is_written_out(lines_of) -> None:
    v, b = tx.Tensor([[1.0, 2.0], [3.0, 4.0]], name="v"), tx.Tensor([5.0, 6.0], name="b")
    s = tx.Tensor(2.0, name="s")
    found = [text for *_, text in lines_of((v * b).sum() + (s * np.arange(5.0)).sum())]
    assert "∂b[1] = 2 ⋅ 1 + 4 ⋅ 1 = 6" in found
    assert "∂s = 0 ⋅ 1 + 1 ⋅ 1 + ⋯ + 4 ⋅ 1 = 10" in found
    assert "∂b[0] = 1 + 1 = 2" in [text for *_, text in lines_of((v + b).sum())]


def test_what_the_formula_does_not_say_gets_no_numbers(lines_of) -> None:
    one = tx.Tensor(1.0)
    assert lines_of(tx.maximum(one, tx.Tensor(1.0))) == []  # of a tie the formulas do not speak
    assert lines_of(tx.maximum(one, tx.Tensor(2.0))) != []
    masked = tx.softmax(tx.Tensor([1.0, 2.0, 3.0]), where=np.array([True, True, False]))
    assert not [op for op, *_ in lines_of(masked.sum()) if op == "softmax"]
    x = tx.Tensor([1.0, 2.0, 4.0])
    assert not [op for op, *_ in lines_of(tx.var(x, ddof=1)) if op == "var"]
