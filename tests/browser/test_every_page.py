"""Every page that the package writes: light, dark, on 420 pixels, on paper, and in VS Code."""

from __future__ import annotations

import re

import numpy as np
import pytest
from small_graphs import wrong_square

import tinygrad_xent as tx
from tinygrad_xent import __main__ as main
from tinygrad_xent.teaching.grading.reports import Marking, feedback
from tinygrad_xent.visualization.drawing.style import contrast

pytestmark = pytest.mark.browser

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def network(seed=0):
    rng = np.random.default_rng(seed)
    return [
        tx.Tensor(rng.normal(size=shape), name=name)
        for name, shape in (("W1", (2, 3)), ("b1", (3,)), ("W2", (3, 2)))
    ]


def loss_of(W1, b1, W2):
    logits = tx.tanh(XOR @ W1 + b1) @ W2
    return tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 1, 0], logits=logits).mean()


def recording():
    made, parameters = tx.record(), network()
    for _ in range(5):
        loss = loss_of(*parameters)
        made.step(loss, W1=parameters[0])
        for w, gradient in zip(parameters, tx.gradients(loss, parameters), strict=True):
            w.data = w.data - gradient
    return made.html


def bad_numbers():
    x = tx.Tensor([[0.0, -1.0, 2.0], [np.nan, np.inf, -np.inf]], name="x")
    return tx.draw(x * 2.0).html


def long_names():
    x = tx.Tensor(np.ones(3), name="a name that is longer than most of the names one sees " * 2)
    return tx.draw(tx.exp(x).sum()).html


def student(*_):
    verdict = tx.check("log_backward", lambda grad, y, x: grad * x)
    result = {
        "name": "log_backward", "score": 0, "code": verdict.code, "message": verdict.message,
        "case": verdict.case, "hint": verdict.hint, "evidence": [*verdict.evidence], "share": 0.3,
        "picture": tx.draw(loss_of(*network())).svg,
    }  # fmt: skip
    passed = {**result, "score": 1, "code": "passed", "case": "", "hint": "", "evidence": []}
    problems = ["cell 3 raised NameError: name 'a_very_long_name_that_does_not_break' " * 2]
    facts = {"student": "Ada", "written": "2026-01-05T10:00:00+00:00"}
    record = {**facts, "results": [result, passed], "problems": problems}
    return feedback(record, Marking(partial=True))


def command(*words):
    def made(tmp_path):
        path = tmp_path / "page.html"
        assert main.main([*words, "--out", str(path)]) == 0
        return path.read_text("utf-8")

    return made


def in_notebook(*results):
    """What a notebook shows, on its own paper."""
    parts = []
    for x in results:
        bundle = x._repr_mimebundle_() if hasattr(x, "_repr_mimebundle_") else None
        parts.append(bundle["text/html"] if bundle else x._repr_html_())
    style = """<style>
      :root { --jp-ui-font-color1: #212121; --jp-layout-color0: #ffffff; --jp-border-color2: #bbb; }
      body { background: var(--jp-layout-color0); color: var(--jp-ui-font-color1); }
      @media (prefers-color-scheme: dark) {
        :root { --jp-ui-font-color1: #fff; --jp-layout-color0: #111; --jp-border-color2: #666; }
      }</style>"""
    head = f'<head><meta charset="utf-8"><title>notebook</title>{style}</head>'
    return (
        f'<!DOCTYPE html><html lang="en">{head}<body><main><h1>n</h1>{"".join(parts)}</main></body>'
    )


def results(*_):
    square = wrong_square()
    report = tx.gradcheck(square, np.linspace(-3, 3, 21))
    z = tx.Tensor([0.0, -800.0], name="z")
    with np.errstate(divide="ignore"):
        bad = tx.first_bad(tx.log(tx.softmax(z)).sum())
    return in_notebook(
        report, report[0], report.curve(), bad, tx.invariants(square),
        tx.stability(lambda z: tx.log(tx.softmax(z)), [0.0, -120.0]),
        tx.compare([0], [[0.0, 0.0, 0.0]]), tx.trace(loss_of(*network())),
        tx.check("log_backward", lambda grad, y, x: grad * x),
    )  # fmt: skip


LIVE = {
    "draw": lambda *_: tx.draw(loss_of(*network())).html,
    "play": lambda *_: tx.play(loss_of(*network())).html,
    "recording": lambda *_: recording(),
    "bad numbers": lambda *_: bad_numbers(),
    "long names": lambda *_: long_names(),
    "explain": command("explain", "--logits", "2,1,0.1", "--target", "0"),
}
PAGES = LIVE | {
    "compare": command("compare", "--probs", "0,0,0 / 0.2,0.3,0.5", "--target", "0,1"),
    "worksheet": lambda *_: tx.worksheet((tx.Tensor(2.0, name="x") * 3.0) ** 2.0).html,
    "feedback": student,
    "results": results,
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The pages, each made once."""
    known = {}

    def page(which):
        if which not in known:
            known[which] = PAGES[which](tmp_path_factory.mktemp("page"))
        return known[which]

    return page


def ready(page, which):
    if which in LIVE:
        page.locator(".view").first.wait_for()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", PAGES)
def test_a_narrow_page_is_whole_and_axe_finds_nothing_serious(
    visit, written, which, scheme
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="needs axe: pip install 'tinygrad_xent[browser]'",
    )
    page = ready(visit(written(which), width=420, color_scheme=scheme), which)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    found = axe.Axe().run(page).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not serious, [
        (v["id"], v["nodes"][0]["html"], v["nodes"][0]["failureSummary"]) for v in serious
    ]
    assert page.problems == []
    assert page.outside == []


PAPER = "() => getComputedStyle(document.body).backgroundColor"


@pytest.mark.parametrize("which", [*PAGES.keys() - {"results", "worksheet"}])
def test_a_page_follows_the_theme_of_vs_code(visit, written, which) -> None:
    page = ready(visit(written(which), color_scheme="light"), which)
    light = page.evaluate(PAPER)
    page.evaluate("document.body.classList.add('vscode-dark')")
    page.wait_for_function(f"({PAPER})() !== '{light}'")
    if which in LIVE:
        page.wait_for_function("document.querySelector('[data-theme]').dataset.theme === 'dark'")


# The colours of all texts of pictures on what lies below them.
CELLS = """() => {
  const found = [];
  const pictures = [...document.querySelectorAll("main > div")].map((e) => e.shadowRoot ?? e);
  for (const root of pictures) {
    for (const group of root.querySelectorAll("svg g")) {
      const marks = [...group.children].filter((e) => e.matches("path[fill][stroke-width='0.6']"));
      for (const text of group.querySelectorAll(":scope > text[text-anchor=middle]")) {
        const [x, y] = [text.x.baseVal[0]?.value, text.y.baseVal[0]?.value - 3];
        const point = new DOMPoint(x, y);
        const below = marks.filter((mark) => mark.isPointInFill(point)).at(-1);
        if (below) found.push([getComputedStyle(text).fill, getComputedStyle(below).fill]);
      }
    }
    for (const cell of root.querySelectorAll("td[data-level]")) {
      const style = getComputedStyle(cell);
      found.push([style.color, style.backgroundColor]);
    }
  }
  return found;
}"""


def as_hex(colour):
    return "#" + "".join(f"{int(x):02x}" for x in re.findall(r"\d+", colour)[:3])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["draw", "play", "recording", "bad numbers"])
def test_every_number_in_a_cell_is_legible(visit, written, which, scheme) -> None:
    page = ready(visit(written(which), color_scheme=scheme), which)
    if which == "play":
        page.get_by_role("button", name="Last").click()
    pairs = page.evaluate(CELLS)
    assert len(pairs) > 5
    for text, cell in pairs:
        assert contrast(as_hex(text), as_hex(cell)) >= 4.5, (text, cell)


@pytest.mark.parametrize("which", LIVE)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_shows_the_whole_graph_and_no_buttons(visit, written, which, scheme) -> None:
    page = ready(visit(written(which), color_scheme=scheme), which)
    page.emulate_media(media="print", color_scheme=scheme)
    assert page.evaluate(PAPER) == "rgb(255, 255, 255)"
    for control in page.locator("button, input, select, summary").all():
        assert not control.is_visible(), control.evaluate("e => e.outerHTML.slice(0, 200)")
    graph = page.locator(".graph > svg").first
    inside = graph.evaluate("""svg => {
      const [box, pane] = [svg, svg.parentNode].map((e) => e.getBoundingClientRect());
      const cut = getComputedStyle(svg.parentNode).overflow !== "visible";
      return !cut && box.left >= -1 && box.right <= innerWidth + 1 && box.height > 50;
    }""")
    assert inside
    boxes = graph.locator("g[id^=n] > rect")
    assert boxes.count() > 1
    frame = graph.bounding_box()
    for box in boxes.all():
        at = box.bounding_box()
        assert frame["x"] - 1 <= at["x"]
        assert at["x"] + at["width"] <= frame["x"] + frame["width"] + 1
        assert at["y"] + at["height"] <= frame["y"] + frame["height"] + 1


def test_a_picture_prints_on_one_page_with_its_legend(visit, written) -> None:
    page = ready(visit(written("draw")), "draw")
    sheets = re.findall(rb"/Type /Page\b(?!s)", page.pdf())
    assert len(sheets) == 1
