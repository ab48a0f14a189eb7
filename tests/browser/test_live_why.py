"""Pointing at numbers and boxes: drags, classes, nudges, and why a number is what it is."""

from __future__ import annotations

import re

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.commands.by_hand import explain_numbers
from tinygrad_xent.commands.explain.report import page as explained
from tinygrad_xent.visualization.formatting import number

pytestmark = pytest.mark.browser


def fused(make=tx.play):
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=1, logits=z)
    loss.name = "L"
    return make(loss)


def by_hand(make=tx.play):
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    p = tx.softmax(z)
    loss = -(tx.log(p) * np.array([1.0, 0.0, 0.0])).sum()
    p.name, loss.name = "p", "L"
    return make(loss)


def diamond(make=tx.play, x=2.0):
    leaf = tx.Tensor(x, name="x")
    a = leaf * 3.0
    loss = tx.log(a) + a * a
    a.name, loss.name = "a", "L"
    return make(loss)


def layer(make=tx.play):
    x = tx.Tensor([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]], name="x")
    w = tx.Tensor([[0.5, -0.25], [0.75, 1.0], [0.125, 0.5]], name="W")
    b = tx.Tensor([0.5, -1.0], name="b")
    y = x @ w
    h = tx.tanh(y + b)
    loss = (h * h).sum()
    y.name, h.name, loss.name = "y", "h", "L"
    return make(loss)


def last_step(page):
    last = page.get_by_role("button", name="Last")
    if last.count():
        last.click()


def box(page, name):
    title = page.locator("tspan", has_text=re.compile(f"^{name}$"))
    return page.locator(".graph svg g[id]:has(> rect)").filter(has=title)


def cell(page, name, kind, text):
    return box(page, name).locator(f".{kind} text").get_by_text(text, exact=True)


def because(page):
    """What is told, without the MathML that repeats the lines for the eye."""
    return page.locator(".because").evaluate(
        "e => [...e.querySelectorAll('p, li, .numbers .hidden')].map((x) => x.textContent)"
    )


def ask(page, kind, name, at=""):
    if not page.get_by_label("what to explain").is_visible():
        page.get_by_text("Why this number?", exact=True).click()
    page.get_by_label("tensor to explain").select_option(label=name)
    page.get_by_label("what to explain").select_option(kind)
    if at:
        page.get_by_label("entry to explain").fill(at)
        page.get_by_label("entry to explain").press("Enter")


def drag(page, thing, far):
    thing.scroll_into_view_if_needed()
    frame = thing.bounding_box()
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + far, y, steps=5)
    page.clock.run_for(50)
    page.mouse.up()


def values(page):
    return page.evaluate(
        "() => [...document.querySelectorAll('*')].find((x) => x.shadowRoot).live.values"
        ".map((x) => [...x.data])"
    )


# -- changing by pointing --------------------------------------------------------------------


@pytest.mark.parametrize("make", [tx.play, tx.draw])
def test_a_number_in_the_picture_is_dragged(visit, make) -> None:
    page = visit(fused(make))
    last_step(page)
    before = page.locator(".graph svg").bounding_box()
    drag(page, cell(page, "z", "value", "2"), 20)
    assert values(page)[0] == [3.0, 1.0, 0.1]  # 0.05 for a pixel of a number of this size
    assert cell(page, "z", "value", "3").count() == 1
    assert page.get_by_label("value of z[0]", exact=True).input_value() == "3"
    assert page.locator(".graph svg").bounding_box() == before  # the picture did not move
    p = tx.softmax(np.array([3.0, 1.0, 0.1]))
    assert cell(page, "z", "gradient", number(p[0])).count() == 1
    page.get_by_role("button", name="Undo").click()  # a drag is one change
    assert values(page)[0] == [2.0, 1.0, 0.1]
    assert not page.problems


def test_a_field_is_dragged(visit) -> None:
    page = visit(fused())
    page.get_by_text("Change a number", exact=True).click()
    drag(page, page.get_by_label("value of z[2]", exact=True), -40)
    assert values(page)[0] == [2.0, 1.0, -0.1]


def test_a_finger_drags_too(chromium, visit, tmp_path) -> None:
    page = visit(fused(tx.draw), width=420, has_touch=True)
    frame = cell(page, "z", "value", "2").bounding_box()
    x, y = frame["x"] + 3, frame["y"] + 5
    touch = page.context.new_cdp_session(page)
    for kind, far in (("touchStart", 0), ("touchMove", 10), ("touchMove", 20)):
        points = [{"x": x + far, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.clock.run_for(50)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.clock.run_for(50)
    assert values(page)[0] == [3.0, 1.0, 0.1]


def test_a_class_is_clicked(visit) -> None:
    page = visit(fused())
    page.get_by_text("Change a number", exact=True).click()
    page.get_by_label("tensor to change").select_option(index=1)
    classes = page.locator(".classes button")
    assert classes.all_text_contents() == ["0", "1", "2"]
    assert [b.get_attribute("aria-pressed") for b in classes.all()] == ["false", "true", "false"]
    page.get_by_role("button", name="class 2 for labels of L").click()
    assert [b.get_attribute("aria-pressed") for b in classes.all()] == ["false", "false", "true"]
    z = tx.Tensor([2.0, 1.0, 0.1])
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=2, logits=z)
    assert cell(page, "L", "value", number(loss.data)).count() == 1


def test_the_row_of_a_one_hot_label_is_clicked(visit) -> None:
    page = visit(by_hand())
    last_step(page)
    page.get_by_text("Change a number", exact=True).click()
    page.get_by_label("tensor to change").select_option(index=1)
    page.locator(".classes button", has_text="2").click()
    fields = page.locator(".fields input")
    assert [field.input_value() for field in fields.all()] == ["0", "0", "1"]
    p = tx.softmax(np.array([2.0, 1.0, 0.1]))
    assert cell(page, "L", "value", number(-np.log(p[2]))).count() == 1
    page.get_by_role("button", name="Undo").click()  # the row is one change
    assert [field.input_value() for field in fields.all()] == ["1", "0", "0"]


def test_a_nudge_is_foretold_and_comes_true(visit) -> None:
    page = visit(diamond())
    page.get_by_text("Change a number", exact=True).click()
    a = np.array([6.0, 6.03])
    before, after = np.log(a) + a * a
    told = page.locator(".nudge").inner_text()
    assert f"L changes by {number(after - before)}; gradient × 0.01 = 0.365." in told
    page.get_by_role("button", name="Nudge by 0.01").click()
    outcome = page.locator(".outcome").inner_text()
    assert f"Change of L: {number(after - before)}; gradient × change: 0.365." in outcome
    assert page.locator(".nudge").inner_text() != told


# -- why --------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [tx.play, tx.draw])
def test_a_click_on_a_number_tells_its_own_line(visit, make) -> None:
    page = visit(layer(make))
    last_step(page)
    y = np.array([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]]) @ [[0.5, -0.25], [0.75, 1.0], [0.125, 0.5]]
    cell(page, "y", "value", number(y[1, 1]).replace("-", "−")).click()
    assert because(page)[0] == f"y[1, 1] is {number(y[1, 1])}: matmul computed it from x, W."
    assert because(page)[1] == "y[1, 1] = 0.1 ⋅ (−0.25) + (−1) ⋅ 1 + 3 ⋅ 0.5 = 0.475"
    assert page.locator("svg .pointed").count() == 1
    assert page.get_by_label("entry to explain").input_value() == "1, 1"


def test_the_sum_over_rows_and_contributions_are_told(visit) -> None:
    page = visit(layer())
    ask(page, "gradient", "b", "1")
    told = because(page)
    assert re.fullmatch(r"∂b\[1\] = \S+ \+ \S+ = \S+", told[2].replace("(", "").replace(")", ""))
    ask(page, "gradient", "h", "0, 1")
    told = because(page)
    assert told[0].endswith("2 contributions that add up.")
    assert told[-1].startswith("∂h[0, 1] = ")
    assert told[-1].count("+") == 1


def test_every_entry_of_every_op_has_a_line_for_its_gradient(visit) -> None:
    x = tx.Tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]], name="x")
    y = tx.concatenate([x.mT, x.reshape(3, 2)], axis=1)[::-1, [0, 2, 2]]
    y.name = "y"
    z = tx.cumsum(y, axis=0) + tx.std(x) + tx.einsum("ij,ij->j", y, y)
    page = visit(tx.play(z.sum()))
    ask(page, "gradient", "y", "1, 2")
    lines = [line for line in because(page) if "∂y[1, 2]" in line]
    assert len(lines) == 4  # cumsum, both inputs of einsum, and their sum
    for line in lines:
        left, right = line.replace("−", "-").replace("⋅", "*").split(" = ")[1:][-2:]
        assert eval(left) == pytest.approx(float(right), rel=0.02), line  # noqa: S307
    ask(page, "gradient", "x", "0, 1")
    assert sum("∂x[0, 1] = " in line for line in because(page)) == 4


def test_where_a_nan_began_is_told(visit) -> None:
    x = tx.Tensor([1.0, 0.0, 2.0], name="x")
    with np.errstate(all="ignore"):
        logs = tx.log(x)
        products = logs * x
        loss = products.sum()
        logs.name, products.name, loss.name = "logs", "products", "L"
        page = visit(tx.play(loss))
    ask(page, "value", "L")
    assert "It began at logs[1], where log made -inf." in " ".join(because(page)).replace("−", "-")
    ask(page, "gradient", "x", "1")
    assert "logs[1]" in " ".join(because(page)[1:])
    page.get_by_text("Change a number", exact=True).click()
    page.get_by_label("value of x[1]", exact=True).fill("0.5")
    page.get_by_label("value of x[1]", exact=True).press("Enter")
    assert "began" not in " ".join(because(page))
    assert page.locator("svg").get_by_text("first").count() == 0  # its mark in the picture is gone


def test_paths_light_up_with_the_product_along_each(visit) -> None:
    page = visit(diamond())
    last_step(page)
    box(page, "x").click(position={"x": 15, "y": 12})
    assert because(page) == [
        "3 paths lead from L to x.",
        "L → v3 → a → x: 1 × 1 × 6 × 3 = 18",
        "L → v3 → a → x: 1 × 1 × 6 × 3 = 18",
        "L → v2 → a → x: 1 × 1 × 0.167 × 3 = 0.5",
        "Together 18 + 18 + 0.5 = 36.5: the gradient of x.",
    ]
    assert page.locator("svg g[id^=e].lit").count() == 6
    assert page.locator("svg g[id^=n].lit").count() == 5
    page.get_by_text("Change a number", exact=True).click()
    page.get_by_label("value of x", exact=True).fill("-1")
    page.get_by_label("value of x", exact=True).press("Enter")
    assert because(page)[-1].startswith("Together −9 + (−9) + (−1)")  # it follows
    ask(page, "paths", "v2")
    assert page.locator("svg g[id^=e].lit").count() == 1


def test_the_paths_of_an_array_add_up_to_its_gradient(visit) -> None:
    page = visit(layer())
    ask(page, "paths", "h")
    told = because(page)
    assert told[0] == "2 paths lead from L to h."
    grads = {}
    loss = layer(lambda loss: loss)
    for node, grad in tx.backpropagate(loss):
        grads[node.name] = grad
    norm = number(np.linalg.norm(grads["h"]))
    assert told[-1].endswith(f", norm {norm}: the gradient of h.")


def test_many_paths_are_counted_and_the_rest_is_named(visit) -> None:
    x = tx.Tensor(1.1, name="x")
    y = x
    for _ in range(5):
        y = y * y
    page = visit(tx.play(y))
    ask(page, "paths", "x")
    assert because(page)[0] == "32 paths lead from v5 to x."
    assert "And 26 more." in because(page)
    assert because(page)[-1].startswith("Together they bring 6")


def test_a_wrong_entry_gets_a_word(visit) -> None:
    page = visit(fused())
    ask(page, "gradient", "z", "3")
    assert page.get_by_text("z has no entry [3]: its shape is (3)").is_visible()
    ask(page, "gradient", "z", "2")
    assert page.get_by_text("z has no entry").count() == 0


def test_an_entry_of_a_step_is_clicked_to_be_written_out(visit) -> None:
    page = visit(by_hand())
    last_step(page)
    line = page.locator(".details .numbers .hidden")
    assert line.inner_text().startswith("∂z[0] = ")
    page.locator(".details figure.pickable td").nth(2).click()
    assert line.inner_text().startswith("∂z[2] = 0.0986 ⋅ (0 − (")
    assert page.locator(".details td.marked").last.inner_text() == "0.0986"


def test_predictions_are_not_told(visit) -> None:
    page = visit(by_hand())
    page.get_by_label("Predict first").check()
    assert page.get_by_text("Why this number?", exact=True).is_hidden()
    last_step(page)
    box(page, "z").click()
    assert because(page) == []


def test_all_is_done_by_keyboard_and_said(visit) -> None:
    page = visit(fused(tx.draw))
    answer = page.locator(".because")
    assert answer.get_attribute("role") == "status"
    page.get_by_text("Why this number?", exact=True).press("Enter")
    page.get_by_label("tensor to explain").press("ArrowUp")
    page.get_by_label("what to explain").press("ArrowDown")
    assert because(page)[1] == "From L (sparse_softmax_cross_entropy) comes 0.659."


# -- the page of a picture ---------------------------------------------------------------------


def test_all_numbers_of_a_picture_follow(visit) -> None:
    page, other = visit(diamond(tx.draw)), visit(diamond(tx.draw, 0.5))
    field = page.get_by_label("value of x", exact=True)
    field.fill("0.5")
    field.press("Enter")
    texts = "() => [...[...document.querySelectorAll('*')].find((x) => x.shadowRoot).shadowRoot"
    texts += ".querySelectorAll('.graph svg text, .graph svg [id^=e] > title')]"
    texts += ".map((x) => x.textContent)"
    assert page.evaluate(texts) == other.evaluate(texts)
    assert page.url.endswith("#x=0.5")
    again = visit(diamond(tx.draw))
    again.goto(again.url + "#x=0.5")
    again.reload()
    again.locator(".view").wait_for()
    assert again.evaluate(texts) == other.evaluate(texts)


def test_what_cannot_be_computed_again_is_shown_as_it_was(visit) -> None:
    x = tx.Tensor([1.0, 2.0], name="x")
    picture = tx.draw((x * x).sum())
    x.data = np.array([3.0, 4.0])  # training went on
    for still in (picture, tx.draw(x, x + 1.0), tx.draw(tx.Tensor([1, 2]) * 2)):
        page = visit(still)
        assert page.locator(".graph svg").count() == 1
        assert page.get_by_text("Change a number", exact=True).count() == 0
        assert not page.problems


def test_a_folded_graph_is_live_where_its_boxes_are_open(visit) -> None:
    x = tx.Tensor([[1.0, -1.0]], name="x")
    h = x
    for k in range(12):
        with tx.scope(f"layer{k}"):
            h = tx.tanh(h @ tx.Tensor(np.eye(2) * 0.9, name=f"W{k}") + 0.1) * 1.0
    page = visit(tx.draw(h.sum()))
    field = page.get_by_label("value of x[0, 0]", exact=True)
    before = values(page)[-1]
    field.fill("0.5")
    field.press("Enter")
    assert values(page)[-1] != before
    assert not page.problems


def test_the_page_of_explain_is_live_and_says_what_is_not(visit) -> None:
    page = visit(explained(explain_numbers("2, 1, 0.1", target="1")))
    page.get_by_text("Change a number", exact=True).click()
    field = page.locator(".fields input").first
    field.fill("3")
    field.press("Enter")
    p = tx.softmax(np.array([3.0, 1.0, 0.1]))
    assert page.locator(".graph svg .gradient").get_by_text(number(p[0])).count() >= 1
    assert page.get_by_text("The tables below keep the numbers of this example.").is_visible()
    assert "=3" in page.url
    assert not page.problems


# -- a teacher's script --------------------------------------------------------------------------


def point_at(page, thing, **at):
    """Move the pointer to a thing as a hand would, and click."""
    thing.scroll_into_view_if_needed()
    frame = thing.bounding_box()
    x = frame["x"] + at.get("x", frame["width"] / 2)
    y = frame["y"] + at.get("y", frame["height"] / 2)
    page.mouse.click(x, y)


def test_why_a_softmax_saturates_is_shown_with_the_mouse_alone(visit) -> None:
    """The script in docs/player.md, click by click."""
    z = tx.Tensor([2.0, 1.0, 0.1])
    t = np.array([0.0, 1.0, 0.0])
    p = tx.softmax(z)
    error = p - t
    loss = (error * error).sum()
    page = visit(tx.play(loss, names=locals()), width=1200)

    def gradient():
        texts = box(page, "z").locator(".gradient text").all_text_contents()
        return [text for text in texts if text != "gradient"]

    point_at(page, page.get_by_role("button", name="Last"))
    assert gradient() == GRADIENTS[2]
    drag(page, cell(page, "z", "value", "2"), 120)
    assert cell(page, "z", "value", "8").count() == 1
    assert gradient() == GRADIENTS[8]
    drag(page, cell(page, "z", "value", "8"), 240)
    assert cell(page, "z", "value", "20").count() == 1
    assert cell(page, "loss", "value", "2.00").count() == 1
    assert gradient() == GRADIENTS[20]
    point_at(page, cell(page, "z", "gradient", gradient()[0]))
    assert because(page)[2].startswith(
        "∂z[0] = 1.00 ⋅ (2.00 − (2.00 ⋅ 1.00 + (−2.00) ⋅ (5.60 ⋅ 10^−9)"
    )
    point_at(page, box(page, "z"), x=12, y=12)
    assert because(page)[0] == "2 paths lead from loss to z."
    assert because(page)[1].endswith("norms 1 → 1.73 → 1.41 → 1.41 → 1.77e−08")
    assert page.locator("svg g[id^=e].lit").count() == 5
    point_at(page, page.get_by_role("button", name="Nudge by 0.01"))
    outcome = page.locator(".outcome").inner_text()
    assert outcome == "loss is 2.00. Change of loss: 2.68e−10; gradient × change: 2.70e−10."
    point_at(page, box(page, "t").locator(".value text").nth(1))
    point_at(page, page.locator(".classes button").first)
    right = ((tx.softmax([20.01, 1.0, 0.1]) - np.array([1.0, 0.0, 0.0])) ** 2).sum()
    assert cell(page, "loss", "value", number(right).replace("-", "−")).count() == 1
    point_at(page, page.get_by_role("button", name="Reset"))
    assert gradient() == GRADIENTS[2]
    assert not page.problems


GRADIENTS = {
    2: ["0.525", "−0.494", "−0.0319"],
    8: ["0.00437", "−0.00363", "−7.38e−04"],
    20: ["2.70e−08", "−2.24e−08", "−4.56e−09"],
}
