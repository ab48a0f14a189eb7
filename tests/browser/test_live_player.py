"""Changing numbers in the player: it then shows what a new player of the changed graph shows."""

from __future__ import annotations

import json

import live_cases
import numpy as np
import pytest
from live_cases import shown

import tinygrad_xent as tx
from tinygrad_xent.visualization.formatting import number, telling

pytestmark = pytest.mark.browser

CONSTANT = np.array([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]])


def layer(w=0.5, x=CONSTANT, labels=(2, 0)):
    """A layer with a mask, a value used twice, constants in boxes, and labels."""
    weights = np.array([[w, -0.25, 1.5], [0.75, 1.0, -2.0], [0.125, 0.5, 0.25]])
    matrix = tx.Tensor(weights, name="W")
    h = tx.relu(x @ matrix)
    logits = h + h * h
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=np.array(labels), logits=logits)
    total = loss.mean()
    h.name, total.name = "h", "L"
    return tx.play(total)


def fused(label=1, first=2.0):
    z = tx.Tensor([first, 1.0, 0.1], name="z")
    return tx.play(tx.sparse_softmax_cross_entropy_with_logits(labels=label, logits=z))


def wide(first=1.0, factor=-0.5, n=2):
    x = tx.Tensor(np.concatenate([[first], np.arange(39.0) / 8]), name="x")
    return tx.play((tx.exp(x * factor) ** n).sum())


def field(page, name):
    return page.get_by_label(f"value of {name}", exact=True)


def open_editor(page):
    page.get_by_text("Change a number", exact=True).click()


def choose(page, name):
    page.get_by_label("tensor to change").select_option(label=name)


def change(page, name, text):
    field(page, name).fill(text)
    field(page, name).press("Enter")


def test_the_page_shows_what_a_new_page_of_the_changed_graph_shows(visit) -> None:
    page = visit(layer())
    recorded = shown(page)
    open_editor(page)
    choose(page, "W")
    change(page, "W[0, 0]", "-1.75")
    choose(page, "array (constant)")
    change(page, "array[1, 2]", "0.3333")
    choose(page, "labels (constant)")
    change(page, "labels[0]", "1")
    x = CONSTANT.copy()
    x[1, 2] = 0.3333
    other = visit(layer(-1.75, x, (1, 0)))
    assert shown(page) == shown(other)
    assert shown(page) != recorded
    page.get_by_role("button", name="Reset").click()
    assert shown(page) == recorded
    assert not page.problems
    assert not page.outside


def test_a_constant_that_is_a_line_in_its_box(visit) -> None:
    page = visit(fused())
    open_editor(page)
    choose(page, "labels of v1 (constant)")
    change(page, "labels of v1", "2")
    assert shown(page) == shown(visit(fused(2)))
    assert page.locator(".graph text", has_text="labels = 2").count() == 1
    page.get_by_role("slider").fill("3")
    assert page.locator(".formula").count() == 0  # it has the old label
    page.get_by_role("button", name="Undo").click()
    assert page.locator(".graph text", has_text="labels = 1").count() == 1
    assert page.locator(".formula").count() == 1


def test_long_arrays_and_numbers_in_titles(visit) -> None:
    page = visit(wide())
    open_editor(page)
    assert page.locator(".fields input").count() == 7
    change(page, "x[39]", "-3")
    change(page, "x[0]", "2.5")
    change(page, "x[39]", "4.75")
    assert shown(page)["steps"] == shown(visit(wide(2.5)))["steps"]
    page.get_by_label("entry to change").fill("17")
    page.get_by_label("entry to change").press("Enter")
    change(page, "x[17]", "1.5")
    change(page, "x[17]", repr(16 / 8))  # as it was
    page.get_by_label("entry to change").fill("40")
    page.get_by_label("entry to change").press("Enter")
    assert page.get_by_text("x has no entry [40]: its shape is (40)").is_visible()
    choose(page, "y of v1 (constant)")
    assert page.get_by_label("entry to change").is_hidden()
    change(page, "y of v1", "-0.75")
    choose(page, "n of v3 (constant)")
    change(page, "n of v3", "3")
    other = shown(visit(wide(2.5, -0.75, 3)))
    assert shown(page)["steps"] == other["steps"]
    assert shown(page)["heads"] == other["heads"]


def test_arrows_change_a_number_and_the_page_tells_what_that_does(visit) -> None:
    page = visit(fused())
    open_editor(page)
    z = field(page, "z[0]")
    for keys, text in (("ArrowUp", "2.1"), ("Shift+ArrowDown", "1.1"), ("Alt+ArrowUp", "1.11")):
        z.press(keys)
        assert z.input_value() == text
    z.fill("2")
    z.press("Enter")
    z.press("Alt+ArrowUp")
    told = page.locator(".outcome").inner_text()
    gradient = float(tx.softmax(np.array([2.0, 1.0, 0.1]))[0])
    assert told.startswith("v1 is ")
    assert told.endswith(f"gradient × change: {number(gradient * 0.01)}.")
    page.get_by_role("slider").press("Home")
    z.press("ArrowUp")
    assert page.locator(".counter").inner_text().startswith("1 /")  # steps do not move


def test_bad_input_gets_a_word_and_the_field_keeps_it(visit) -> None:
    page = visit(fused())
    before = shown(page)
    open_editor(page)
    change(page, "z[1]", "1e999")
    assert page.get_by_role("alert").filter(has_text="1e999").inner_text() == (
        "1e999 is too large for float64"
    )
    assert field(page, "z[1]").get_attribute("aria-invalid") == "true"
    assert field(page, "z[1]").input_value() == "1e999"
    choose(page, "labels of v1 (constant)")
    change(page, "labels of v1", "3")
    assert page.get_by_text("there is no class 3: the classes are 0 to 2").count() == 1
    assert shown(page) == before


def test_the_address_brings_the_change_back(visit) -> None:
    page = visit(fused())
    open_editor(page)
    change(page, "z[0]", "-1.5")
    choose(page, "labels of v1 (constant)")
    change(page, "labels of v1", "0")
    assert page.url.endswith("#z[0]=-1.5;labels%20of%20v1=0")
    changed = shown(page)
    page.reload()
    assert shown(page) == changed
    page.evaluate("() => { location.hash = '#z[0]=7;z[9]=1'; }")
    page.get_by_text("z[9]=1: there is no such number here").wait_for()
    assert shown(page) == shown(visit(fused(1, 7.0)))
    page.get_by_role("button", name="Reset").click()
    assert "#" not in page.url


def test_a_guess_is_judged_by_the_changed_numbers(visit) -> None:
    page = visit(fused())
    open_editor(page)
    change(page, "z[0]", "0.5")
    page.get_by_label("Predict first").check()
    page.get_by_role("slider").press("End")
    label = page.locator(".question label").inner_text()
    place = int(label.split("[")[1].split("]")[0])
    z = tx.Tensor([0.5, 1.0, 0.1])
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=1, logits=z)
    page.locator(".question input").fill(str(tx.gradients(loss, z)[place]))
    page.get_by_role("button", name="Check").click()
    assert page.locator(".answer").inner_text().startswith("Right")


def diamond(x=2.0, factor=3.0):
    leaf = tx.Tensor(x, name="x")
    a = leaf * factor
    loss = tx.log(a) + a * a
    a.name, loss.name = "a", "L"
    return tx.play(loss)


def test_a_wrong_order_follows_the_change_too(visit) -> None:
    page, other = visit(diamond()), visit(diamond(0.5, 4.0))
    for each in (page, other):
        each.get_by_label("Wrong order").check()
    recorded = shown(page)
    open_editor(page)
    change(page, "x", "0.5")
    choose(page, "y of a (constant)")
    change(page, "y of a", "4")
    assert shown(page) == shown(other)
    assert "instead of" in str(shown(page))
    page.get_by_role("button", name="Reset").click()
    assert shown(page) == recorded


def test_numbers_are_printed_as_python_prints_them(visit) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=3000) * 10.0 ** rng.integers(-8, 9, size=3000)
    round_ones = np.array([1 - 1e-7, 999.9999, 1.0000001e10, 0.30000001, 12345.678, 2.5e-9, 1e22])
    ties = np.array([1.125, 0.0625, 1.375, -2.625, 11.25, 112.5, 1125.0, 11250.0, 0.00015, 999.5])
    numbers = np.concatenate(
        [numbers, ties, round_ones, [0.0, -0.0, np.nan, np.inf, -np.inf, 9995.0, 0.9999]]
    )
    source = json.dumps([repr(float(x)) for x in numbers])
    words = (live_cases.FOLDER / "printed.js").read_text("utf-8")
    tool = visit(f"{live_cases.HTML}<script>{words}</script>")
    for name, python in (("printed", number), ("telling", telling)):
        got = tool.evaluate(
            f"() => {source}.map((x) => {name}(Number(x.replace('inf', 'Infinity')), 'float64'))"
        )
        assert got == [python(x) for x in numbers]
