"""Twelve graphs whose numbers are changed in the page, by all ways to change one.

Afterwards all numbers of the page are those of Python, and it shows what a new page shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import live_cases
import numpy as np
import pytest

import tinygrad_xent as tx

pytestmark = pytest.mark.browser

STATE = """
() => {
  const host = [...document.querySelectorAll("*")].find((x) => x.shadowRoot);
  const word = (x) => String(x).replace("Infinity", "inf");
  const shown = (x) => (Number.isFinite(x) && !Object.is(x, -0) ? x : word(x));
  return host.live.values.map((x) => x && { shape: x.shape, data: Array.from(x.data, shown) });
}
"""


def leaf(rng, *shape, name):
    return tx.Tensor(np.round(rng.normal(size=shape), 3), name=name)


def fused(rng):
    z = leaf(rng, 3, 4, name="z")
    labels = np.array([2, 0, 3])
    return tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=z).mean()


def by_hand(rng):
    t = np.eye(3)[[1, 0]]
    return -(tx.log(tx.softmax(leaf(rng, 2, 3, name="z"))) * t).sum() / 2.0


def dense(rng):
    z, t = leaf(rng, 5, name="z"), tx.Tensor(np.eye(5)[3], name="t")
    smooth = t * 0.9 + 0.02
    return tx.softmax_cross_entropy_with_logits_v2(labels=smooth, logits=z)


def network(rng):
    x, w, b = leaf(rng, 4, 3, name="x"), leaf(rng, 3, 5, name="W"), leaf(rng, 5, name="b")
    h = tx.relu(x @ w + b)
    z = h @ leaf(rng, 5, 3, name="V")
    return tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 2, 1], logits=z).mean()


def batch_norm(rng):
    x = leaf(rng, 4, 3, name="x")
    centred = x - tx.mean(x, axis=0)
    y = centred / tx.sqrt(tx.mean(centred * centred, axis=0) + 0.1)
    return (y * leaf(rng, 3, name="gain") + leaf(rng, 3, name="shift")).sum(axis=1).std()


def attention(rng):
    q, k, v = (leaf(rng, 3, 2, name=name) for name in "QKV")
    mask = np.where(np.tril(np.ones((3, 3))), 0.0, -1e9)
    return tx.vector_norm(tx.softmax(q @ k.mT / np.sqrt(2.0) + mask) @ v)


def logistic(rng):
    x, w = leaf(rng, 5, 2, name="x"), leaf(rng, 2, name="w")
    p = tx.sigmoid(x @ w)
    t = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    return -tx.mean(t * tx.log(p) + (1.0 - t) * tx.log(1.0 - p))


def diamond(rng):
    a = leaf(rng, name="x") * 3.0 + 9.0
    return tx.log(a) + a * a


def embedding(rng):
    table = leaf(rng, 6, 2, name="table")
    rows = tx.take(table, np.array([3, 1, 3]), axis=0)
    return (tx.tanh(rows) * rows).sum()


def pieces(rng):
    x, y = leaf(rng, 6, name="x"), leaf(rng, 6, name="y")
    return (tx.maximum(x, y) * tx.clip(x, -0.5, 0.5) + tx.where(x.data > 0, x, y)).sum()


def shapes(rng):
    x = leaf(rng, 2, 3, name="x")
    both = tx.concatenate([x.reshape(3, 2), x.mT * 2.0], axis=1)
    return (both[1:, ::-1] * leaf(rng, 2, 1, name="s")).sum() + tx.logsumexp(x)


def powers(rng):
    x = tx.exp(leaf(rng, 2, 2, name="x"))
    return tx.prod(x) + (x**1.5).mean() - tx.cumsum(x, axis=0).max() + tx.einsum("ij,ji->", x, x)


GRAPHS: list[Callable] = [
    fused, by_hand, dense, network, batch_norm, attention,
    logistic, diamond, embedding, pieces, shapes, powers,
]  # fmt: skip


def change(page, rng, program, k):
    """Change a number in one of the ways there are."""
    number = program.leaves[k].number
    page.get_by_label("tensor to change").select_option(index=k)
    classes = page.locator(".classes button")
    if classes.count():
        return classes.nth(int(rng.integers(classes.count()))).click()
    fields = page.locator(".fields input")
    field = fields.nth(int(rng.integers(fields.count())))
    if not program.entries[number]["dtype"].startswith("float"):
        return field.press("ArrowUp" if rng.integers(2) else "ArrowDown")
    match rng.integers(4):
        case 0:
            field.press("Alt+ArrowUp")
        case 1:
            frame = field.bounding_box()
            x, y = frame["x"] + 20, frame["y"] + 15
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + 6, y, steps=2)
            page.mouse.up()
        case 2:
            field.focus()
            page.get_by_role("button", name="Nudge by 0.01").click()
        case 3:
            field.fill(repr(float(field.input_value()) * float(1 + 0.1 * rng.normal())))
            field.press("Enter")
    return None


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)
def test_after_twenty_changes_all_numbers_are_those_of_python(visit, graph) -> None:
    rng = np.random.default_rng(GRAPHS.index(graph))
    player = tx.play(graph(rng))
    program = player._live.program
    page = visit(player)
    page.get_by_text("Change a number", exact=True).click()
    first = page.evaluate(STATE)
    names = page.get_by_label("tensor to change").locator("option").all_text_contents()
    listed = [
        next(each for each in program.leaves if each.name == name.removesuffix(" (constant)"))
        for name in names
    ]
    for _ in range(20):
        change(page, rng, replace(program, leaves=listed), int(rng.integers(len(names))))
    assert page.locator(".hint").all_text_contents() == ["", ""]
    state = page.evaluate(STATE)
    assert state != first
    case = live_cases.Case(graph.__name__, program, [])
    worst = max(live_cases.differences(case, {"states": [first, state]}, beside_largest=True))
    assert worst[0] <= 1e-12, worst
    twins, constants = live_cases.rebuilt(program, state)
    other = visit(tx.play(list(twins.values())[-1], names=constants))
    got, want = live_cases.shown(page), live_cases.shown(other)
    for key, value in want.items():
        assert got[key] == value, key
    assert not page.problems
