"""Looking around in a picture: zoom, pan, map, search, folding, by mouse, touch and keyboard."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.visualization.player import play

pytestmark = pytest.mark.browser


def fused():
    z = tx.Tensor([[2.0, 1.0, 0.1], [0.0, -1.0, 3.0]], name="z")
    return tx.sparse_softmax_cross_entropy_with_logits(labels=np.array([0, 2]), logits=z).mean()


def xor():
    rng = np.random.default_rng(0)
    h, t = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
    for k, (a, b) in enumerate([(2, 4), (4, 1)], start=1):
        with tx.scope(f"layer{k}"):
            weight = tx.Tensor(rng.normal(size=(a, b)), name=f"W{k}")
            h = tx.tanh(h @ weight + tx.Tensor(np.zeros(b), name=f"b{k}"))
    return ((h - t) ** 2.0).mean()


def attention():
    rng = np.random.default_rng(1)
    x = tx.Tensor(rng.normal(size=(5, 4)), name="x")
    with tx.scope("block"):
        with tx.scope("heads"):
            q, k, v = (x @ tx.Tensor(rng.normal(size=(4, 4)), name=f"W{n}") for n in "qkv")
            p = tx.softmax(q @ k.T + np.triu(np.full((5, 5), -1e9), 1))
        y = p @ v + x
    return (y * y).mean()


def recurrent(steps=12):
    rng = np.random.default_rng(2)
    w, u = tx.Tensor(rng.normal(size=(4, 4)) / 3, name="W"), tx.Tensor(np.ones((3, 4)), name="U")
    h = tx.Tensor(np.zeros((2, 4)), name="h0")
    for _ in range(steps):
        h = tx.tanh(h @ w + rng.normal(size=(2, 3)) @ u)
    return (h * h).sum()


def batch_norm():
    x = tx.Tensor(np.random.default_rng(3).normal(size=(6, 3)), name="x")
    centred = x - x.mean(axis=0)
    y = centred / tx.sqrt((centred * centred).mean(axis=0) + 1e-5)
    return (y * y * tx.Tensor(np.ones(3), name="gamma")).sum()


def any_graph(seed):
    """A random graph with scopes within scopes, values used twice, and long names."""
    rng = np.random.default_rng(seed)
    made = [tx.Tensor(rng.normal(size=3), name="a" * 60), tx.Tensor(0.5, name="s")]
    for k in range(40):
        with tx.scope(f"outer{k // 14}"), tx.scope(f"inner{k // 5}"):
            x, y = (made[i] for i in rng.integers(max(len(made) - 6, 0), len(made), size=2))
            made.append([x * y, x + y, tx.tanh(x), x - tx.Tensor(rng.normal(size=3))][k % 4])
    return made[-1].sum()


GRAPHS = {f.__name__: f for f in (fused, xor, attention, recurrent, batch_norm)}
GRAPHS |= {f"any{seed}": lambda seed=seed: any_graph(seed) for seed in range(4)}


def scale(page):
    return float(page.locator(".percent").inner_text().split()[0]) / 100


def say(page):
    return page.locator(".told").inner_text()


def find(page, text):
    page.get_by_label("find a tensor").fill(text)
    page.get_by_label("find a tensor").press("Enter")


def boxes(page):
    """What is seen of boxes and folded boxes: id to left, top, right, bottom in the picture."""
    return page.evaluate(
        """() => {
          const svg = document.querySelector("[id]").shadowRoot.querySelector(".graph > svg");
          const seen = [...svg.querySelectorAll("g[id]")].filter((g) =>
            /^([ncf]\\d+|s\\d+f)$/.test(g.id) && g.style.display !== "none");
          return Object.fromEntries(seen.map((g) => {
            const [x, y] = g.getAttribute("transform").match(/-?[\\d.]+/g).map(Number);
            const rect = g.querySelector("rect");
            const [w, h] = ["width", "height"].map((side) => +rect.getAttribute(side));
            return [g.id, [x, y, x + w, y + h]];
          }));
        }"""
    )


def arrows(page):
    """Where the arrows that are seen begin and end."""
    return page.evaluate(
        """() => {
          const svg = document.querySelector("[id]").shadowRoot.querySelector(".graph > svg");
          return [...svg.querySelectorAll("g[id^=e]")].filter((g) => g.style.display !== "none")
            .map((g) => {
              const line = g.querySelectorAll("path")[1];
              const [a, b] = [0, line.getTotalLength()].map((at) => line.getPointAtLength(at));
              return [a.x, a.y, b.x, b.y];
            });
        }"""
    )


def overlapping(shown):
    found = list(shown.items())
    return [
        (one, other)
        for i, (one, a) in enumerate(found)
        for other, b in found[i + 1 :]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def smallest_text(page):
    """The smallest text of the picture in pixels, as it is shown."""
    return page.evaluate(
        """() => {
          const svg = document.querySelector("[id]").shadowRoot.querySelector(".graph > svg");
          const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
          const texts = [...svg.querySelectorAll("text")];
          const sizes = texts.map((text) => +text.getAttribute("font-size"));
          return Math.min(...sizes.filter(Boolean)) * scale;
        }"""
    )


# -- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("width", [420, 800])
def test_what_is_in_focus_can_be_read(visit, name, width) -> None:
    page = visit(tx.draw(GRAPHS[name]()), width=width)
    page.get_by_role("button", name="fit", exact=True).click()
    page.locator(".graph").press("ArrowDown")  # the first box
    assert smallest_text(page) >= 9
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.problems == []


@pytest.mark.parametrize("name", ["fused", "xor", "attention"])
@pytest.mark.parametrize("width", [420, 800])
def test_the_box_at_work_in_a_player_can_be_read(visit, name, width) -> None:
    page = visit(play(GRAPHS[name]()), width=width)
    page.get_by_role("button", name="Next", exact=True).click()
    assert smallest_text(page) >= 9
    assert page.problems == []


def test_tooltips_live_in_the_page(visit) -> None:
    page = visit(tx.draw(xor()))
    assert not page.locator("img").is_visible()
    tips = page.locator(".graph g[id^=n] > title").all_text_contents()
    assert any(tip.startswith("W1\n(2, 4) float64") for tip in tips)
    page.locator(".graph g[id^=n]").first.click()
    assert say(page).startswith("W1")  # for touch and keyboard the same is told below


def test_without_scripts_there_is_the_picture(visit) -> None:
    page = visit(tx.draw(xor()), java_script_enabled=False)
    assert page.get_by_role("img").is_visible()


# -- zoom and pan ------------------------------------------------------------------------------


def test_zooming_by_buttons_and_keys(visit) -> None:
    page = visit(tx.draw(attention()), width=800)
    first = scale(page)
    page.get_by_role("button", name="zoom in").click()
    assert scale(page) > first
    page.get_by_role("button", name="zoom out").click()
    assert scale(page) == pytest.approx(first, abs=0.011)
    pane = page.locator(".graph")
    pane.press("+")
    pane.press("+")
    assert scale(page) == pytest.approx(first * 1.25**2, abs=0.02)
    pane.press("1")
    assert scale(page) == 1
    pane.press("0")
    svg, frame = page.locator(".graph > svg").bounding_box(), pane.bounding_box()
    assert svg["height"] <= frame["height"] + 1
    assert svg["width"] <= frame["width"] + 1
    for _ in range(60):
        pane.press("-")
    assert scale(page) >= 0.05
    for _ in range(60):
        pane.press("+")
    assert scale(page) <= 4
    page.get_by_role("button", name="actual size").click()
    assert scale(page) == 1


def test_the_wheel_scrolls_and_with_control_zooms_at_the_pointer(visit) -> None:
    page = visit(tx.draw(attention()))
    pane = page.locator(".graph")
    frame = pane.bounding_box()
    page.mouse.move(frame["x"] + 300, frame["y"] + 200)
    before = scale(page)
    api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    page.mouse.wheel(0, 120)
    api.expect(pane).not_to_have_js_property("scrollTop", 0)
    assert scale(page) == before

    def under_pointer():
        return pane.evaluate(
            """(pane) => {
              const svg = pane.querySelector("svg"), frame = svg.getBoundingClientRect();
              const outer = pane.getBoundingClientRect();
              const scale = frame.width / svg.viewBox.baseVal.width;
              const at = [outer.left + 300 - frame.left, outer.top + 200 - frame.top];
              return at.map((x) => x / scale);
            }"""
        )

    at = under_pointer()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    api.expect(page.locator(".percent")).not_to_have_text(f"{before:.0%}".replace("%", " %"))
    assert scale(page) > before
    assert under_pointer()[1] == pytest.approx(at[1], abs=3)


def test_dragging_moves_the_picture_and_is_no_click(visit) -> None:
    page = visit(tx.draw(attention()))
    pane = page.locator(".graph")
    pane.press("1")
    frame = pane.bounding_box()
    pane.evaluate("(pane) => pane.scrollTo(40, 60)")
    page.mouse.move(frame["x"] + 300, frame["y"] + 300)
    page.mouse.down()
    page.mouse.move(frame["x"] + 280, frame["y"] + 250, steps=4)
    page.mouse.up()
    assert pane.evaluate("(pane) => pane.scrollTop") == pytest.approx(110, abs=5)
    assert say(page) == ""


def test_two_fingers_zoom(visit) -> None:
    page = visit(tx.draw(attention()), width=420, has_touch=True)
    before = scale(page)
    page.locator(".graph").evaluate(
        """(pane) => {
          const frame = pane.getBoundingClientRect();
          const touch = (identifier, x) => new Touch({
            identifier, target: pane, clientX: frame.left + x, clientY: frame.top + 100 });
          const send = (kind, ...xs) => {
            const touches = xs.map((x, k) => touch(k, x));
            pane.dispatchEvent(new TouchEvent(kind, { touches, bubbles: true, cancelable: true }));
          };
          send("touchstart", 100, 160);
          send("touchmove", 90, 170);
          send("touchmove", 70, 190);
        }"""
    )
    assert scale(page) == pytest.approx(2 * before, abs=0.02)


def test_the_map_shows_where_one_is_and_leads_elsewhere(visit) -> None:
    page = visit(tx.draw(attention()))
    pane, small = page.locator(".graph"), page.locator(".map")
    pane.press("1")
    assert small.is_visible()
    frame = small.bounding_box()
    page.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] - 4)
    assert pane.evaluate("(e) => e.scrollTop + e.clientHeight - e.scrollHeight") > -80
    pane.press("0")
    assert not small.is_visible()  # all is seen
    whole = visit(tx.draw(tx.exp(tx.Tensor(1.0))))
    assert not whole.locator(".map").is_visible()


def test_nothing_moves_by_itself(visit) -> None:
    page = visit(tx.draw(recurrent()))
    before = page.locator(".graph").evaluate("(e) => [e.scrollTop, e.scrollLeft, e.innerHTML]")
    page.clock.run_for(60_000)
    after = page.locator(".graph").evaluate("(e) => [e.scrollTop, e.scrollLeft, e.innerHTML]")
    assert before == after


# -- search ------------------------------------------------------------------------------------


def test_a_tensor_is_found_by_name_also_where_it_is_folded(visit) -> None:
    page = visit(tx.draw(xor()))
    page.get_by_role("button", name="fold all", exact=True).click()
    assert "n3" not in boxes(page)
    find(page, "w2")
    assert say(page).startswith("W2")
    assert page.locator(".hits").inner_text() == "1 of 1"
    assert smallest_text(page) >= 9
    find(page, "tanh")
    first = say(page)
    page.get_by_label("find a tensor").press("Enter")
    assert say(page) != first
    assert page.locator(".hits").inner_text() == "2 of 2"
    assert "tanh" in say(page)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("nobody", "Nothing here is called “nobody”."),
        ("<b>", "Nothing here is called “<b>”."),
        ("  ", "Type a name, or an op."),
    ],
)
def test_a_search_that_finds_nothing_says_so_and_changes_nothing(visit, text, hint) -> None:
    page = visit(tx.draw(xor()))
    before = boxes(page)
    find(page, text)
    assert page.locator(".hits").inner_text() == hint
    assert boxes(page) == before
    assert page.problems == []


# -- folding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GRAPHS)
def test_whatever_is_folded_nothing_overlaps_and_arrows_end_at_boxes(visit, name) -> None:
    page = visit(tx.draw(GRAPHS[name](), fold=False if name.startswith("any") else "auto"))
    labels = page.locator(".graph [role=button]")
    ways = [labels.nth(i) for i in range(labels.count())]
    everything = boxes(page)
    for step in range(len(ways) + 1):
        shown = boxes(page)
        assert overlapping(shown) == []
        for x1, y1, x2, y2 in arrows(page):
            starts = [b for b in shown.values() if b[0] <= x1 <= b[2] and abs(y1 - b[3]) < 1]
            ends = [b for b in shown.values() if b[0] <= x2 <= b[2] and abs(y2 - b[1]) < 8]
            assert starts, f"an arrow begins nowhere: {x1, y1}"
            assert ends, f"an arrow ends nowhere: {x2, y2}"
        if step < len(ways) and ways[step].is_visible():
            ways[step].press("Enter")
    if ways:
        page.get_by_role("button", name="unfold all").click()
        assert set(boxes(page)) >= {name for name in everything if not name.startswith("s")}
        page.get_by_role("button", name="fold all", exact=True).click()
        assert len(boxes(page)) < len(everything) or name == "recurrent"
    assert page.problems == []


def test_a_large_graph_begins_folded_and_unfolds(visit) -> None:
    picture = tx.draw(recurrent(30))
    page = visit(picture)
    assert len(boxes(page)) <= 60
    assert any(name.endswith("f") for name in boxes(page))
    folded = page.get_by_role("button", name="× 30: matmul, matmul, add, tanh")
    assert folded.get_attribute("aria-expanded") == "false"
    folded.press(" ")
    assert len(boxes(page)) == 30 * 5 + 5  # steps and their inputs; W, U, h0, the square, the sum
    page.keyboard.press("Enter")  # the focus is on the title of the frame
    assert len(boxes(page)) <= 60
    assert say(page).startswith("× 30: matmul, matmul, add, tanh")


def test_folding_needs_no_mouse_and_keeps_the_focus(visit) -> None:
    page = visit(tx.draw(xor()))
    title = page.get_by_role("button", name="layer1: fold")
    assert title.get_attribute("aria-expanded") == "true"
    title.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.id") == "s0f"
    page.keyboard.press("Enter")
    assert title.is_visible()
    assert page.evaluate(
        "document.activeElement.shadowRoot.activeElement.getAttribute('aria-label')"
    ) == ("layer1: fold")


def test_what_was_asked_to_be_expanded_begins_open(visit) -> None:
    page = visit(tx.draw(attention(), fold=True, expand=["heads"]))
    names = page.locator(".graph [aria-expanded]").evaluate_all(
        "(all) => all.filter((e) => e.checkVisibility()).map((e) => e.getAttribute('aria-label'))"
    )
    assert any(name.startswith("heads: fold") for name in names)


# -- from box to box ---------------------------------------------------------------------------


def test_arrow_keys_follow_the_arrows(visit) -> None:
    x, y = tx.Tensor(2.0, name="x"), tx.Tensor(3.0, name="y")
    product = x * y
    product.name = "product"
    page = visit(tx.draw(product))
    pane = page.locator(".graph")
    pane.press("ArrowDown")
    assert say(page).startswith("x\n")
    pane.press("ArrowRight")
    assert say(page).startswith("y\n")
    pane.press("ArrowRight")
    assert say(page) == "Nothing is beside it."
    pane.press("ArrowDown")
    assert say(page).startswith("product = multiply")
    pane.press("ArrowDown")
    assert say(page) == "Nothing was computed from it."
    pane.press("ArrowUp")
    assert say(page).startswith("x\n")
    pane.press("ArrowUp")
    assert say(page) == "Nothing is above it."


def test_in_a_player_arrow_keys_still_go_from_step_to_step(visit) -> None:
    page = visit(play(xor()))
    page.locator(".graph").press("ArrowRight")
    assert page.locator(".counter").inner_text().startswith("2 /")
    before = scale(page)
    page.locator(".graph").press("+")
    assert scale(page) > before


def test_a_player_shows_a_folded_step_by_the_box_that_holds_it(visit) -> None:
    page = visit(play(xor()))
    page.get_by_role("button", name="fold all", exact=True).click()
    for _ in range(3):
        page.get_by_role("button", name="Next", exact=True).click()
    assert page.locator(".graph .holds").count() == 1
    page.get_by_role("button", name="unfold all").click()
    page.get_by_role("button", name="Next", exact=True).click()
    assert page.locator(".graph .holds").count() == 0
    assert page.problems == []


def test_a_player_of_many_tensors_goes_through_folded_ones(visit) -> None:
    page = visit(play(recurrent(100)))
    assert len(boxes(page)) < 60
    page.get_by_role("slider").fill("300")
    folded = page.locator(".graph g.current")
    assert folded.get_attribute("id").startswith("f")
    page.keyboard.press("End")
    assert page.locator(".graph g.current .badge text").text_content() == "✓"
    find(page, "v300")
    assert page.locator(".hits").inner_text() == "1 of 1"
    assert page.problems == []


@pytest.mark.parametrize("width", [420, 1200])
@pytest.mark.parametrize("classes", [10, 30])
def test_no_line_of_numbers_is_cut(visit, width, classes) -> None:
    z = tx.Tensor(np.linspace(-2.0, 3.0, classes), name="logits")
    p = tx.softmax(z)
    loss = -(tx.log(p) * np.eye(classes)[3]).sum()
    page = visit(play(loss), width=width)
    for _ in range(11):
        cut = page.locator(".details").evaluate(
            """(details) => {
              const right = details.getBoundingClientRect().right;
              return [...details.querySelectorAll("td, math, p")].filter((part) =>
                part.getBoundingClientRect().right > right + 1).map((part) => part.outerHTML);
            }"""
        )
        assert cut == []
        page.keyboard.press("ArrowRight")
    assert page.problems == []
