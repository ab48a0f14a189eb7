"""The player and the recording in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from small_graphs import by_hand, diamond

import tinygrad_xent as tx
from tinygrad_xent.visualization.player import play, record

pytestmark = pytest.mark.browser


def recorded(steps=30):
    w = tx.Tensor(np.zeros((2, 3)), name="w")
    x, t = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([0, 2])
    recording = record()
    for _ in range(steps):
        loss = tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=x @ w).mean()
        recording.step(loss, probs=tx.softmax(x @ w.data), labels=t)
        w.data = w.data - tx.gradients(loss, w)
    return recording


def counter(page):
    return page.locator(".counter").inner_text()


def said(page):
    return page.locator(".say").inner_text().split(" ", 1)[1]


def box(page, name):
    """The box of a tensor: its title is the only bold text in it."""
    return page.locator("svg g[id^=n]").filter(
        has=page.locator("tspan", has_text=re.compile(f"^{name}$"))
    )


def state(page, name):
    return set((box(page, name).get_attribute("class") or "").split())


def go(page, step):
    page.get_by_role("slider").fill(str(step))


# -- standing alone --------------------------------------------------------------------------


@pytest.mark.parametrize("width", [340, 420, 1000])
@pytest.mark.parametrize("shown", [play, tx.draw])
def test_the_legend_stands_below_the_pane_whole(visit, shown, width) -> None:
    page = visit(shown(by_hand()))
    page.set_viewport_size({"width": width, "height": 800})
    pane, legend = (page.locator(s).bounding_box() for s in (".graph", ".legend"))
    assert legend["y"] >= pane["y"] + pane["height"]
    assert legend["height"] > 8
    entries = [entry.bounding_box() for entry in page.locator(".legend > svg").all()]
    assert all(at["x"] >= 0 and at["x"] + at["width"] <= width for at in entries)
    texts = page.locator(".legend text").all_text_contents()
    assert {"leaf", "op"} <= set(texts)
    assert page.locator(".graph #legend").count() == 0


@pytest.mark.parametrize("made", [lambda: play(by_hand()), recorded])
def test_a_file_works_without_network_and_without_complaint(visit, made) -> None:
    page = visit(made())
    page.get_by_role("button", name="Last").click()
    assert page.locator("figure table").count() > 0
    assert not page.locator("img").is_visible()
    assert page.locator(".graph > svg").is_visible()
    assert page.problems == []
    assert page.outside == []


def test_without_scripts_there_is_the_picture_and_the_text(visit) -> None:
    page = visit(play(by_hand()), java_script_enabled=False)
    assert page.get_by_role("img").is_visible()
    assert page.locator("pre").count() == 1


def test_a_name_is_text(visit) -> None:
    evil = "</script><img src=x onerror=alert(1)>&amp;"
    page = visit(play(by_hand(evil)))
    assert said(page) == f"{evil} is given."
    page.keyboard.press("End")
    assert said(page) == f"p sends a gradient to {evil}."
    assert page.locator(".formula").inner_text().startswith(f"∂({evil})")
    assert page.locator(".view img").count() == 0
    assert page.problems == []


# -- stepping --------------------------------------------------------------------------------


def test_the_keyboard_alone_goes_to_the_end_and_back(visit) -> None:
    page = visit(play(by_hand()))
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.shadowRoot.activeElement.textContent") != "Next":
        page.keyboard.press("Tab")
    sentences = [said(page)]
    while counter(page) != "11 / 11":
        page.keyboard.press("Enter")
        sentences.append(said(page))
    assert sentences[0] == "z is given."
    assert sentences[5:7] == ["L is computed by negative.", "L sends a gradient to v4."]
    assert sentences[-1] == "p sends a gradient to z."
    assert page.locator("figure").last.inner_text().split() == [
        "sent",
        "to",
        "z",
        "−0.341",
        "0.242",
        "0.0986",
    ]
    page.keyboard.press("Enter")  # there is no further step
    assert counter(page) == "11 / 11"
    for key, where in [("Home", 1), ("ArrowRight", 2), ("End", 11), ("ArrowLeft", 10)]:
        page.keyboard.press(key)
        assert counter(page) == f"{where} / 11"


def test_the_slider(visit) -> None:
    page = visit(play(by_hand()))
    slider = page.get_by_role("slider", name="step")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert counter(page) == "3 / 11"
    assert slider.get_attribute("aria-valuetext") == "3 of 11, forward"
    slider.fill("7")
    assert said(page) == "L sends a gradient to v4."
    page.keyboard.press("End")
    assert counter(page) == "11 / 11"


def test_each_step_is_said(visit) -> None:
    page = visit(play(by_hand()))
    status = page.get_by_role("status")
    go(page, 2)
    assert (
        status.inner_text()
        == "Step 2 of 11, forward. p is computed by softmax. [0.659 0.242 0.0986]"
    )
    go(page, 11)
    assert status.inner_text().startswith(
        "Step 11 of 11, backward. p sends a gradient to z. [-0.341"
    )


def test_a_click_on_a_tensor_goes_to_its_next_step(visit) -> None:
    page = visit(play(by_hand()))
    steps = []
    for _ in range(5):
        box(page, "p").click()
        steps.append(counter(page).split()[0])
    assert steps == ["2", "10", "11", "2", "10"]  # computed, receives, sends, and round again


def test_nothing_plays_by_itself_and_the_space_bar_plays(visit) -> None:
    page = visit(play(diamond()))
    page.clock.run_for(60_000)
    assert counter(page) == "1 / 11"
    page.keyboard.press(" ")
    assert page.get_by_role("button", name="Pause").is_visible()
    page.clock.run_for(2 * 1600 + 100)
    assert counter(page) == "3 / 11"
    page.keyboard.press(" ")
    page.clock.run_for(60_000)
    assert counter(page) == "3 / 11"
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(60_000)
    assert counter(page) == "11 / 11"
    assert page.get_by_role("button", name="Play").is_visible()


def test_the_picture_shows_what_is_known_so_far(visit) -> None:
    page = visit(play(diamond()))
    assert "unknown" in state(page, "a")
    assert not box(page, "a").get_by_text("6", exact=True).is_visible()
    go(page, 9)  # a a sends to a, the second of three contributions
    assert {"current"} <= state(page, "v3")
    assert {"receiver", "waiting"} <= state(page, "a")
    assert box(page, "a").locator(".badge").text_content() == "2/3"
    assert box(page, "a").locator(".value").is_visible()
    assert not box(page, "a").locator(".gradient").is_visible()
    outline = "e => getComputedStyle(e.querySelector('.outline'))"
    assert box(page, "v3").evaluate(f"{outline}.strokeDasharray") == "none"
    assert box(page, "a").evaluate(f"{outline}.strokeDasharray") != "none"
    assert page.locator("g.used").count() == 1
    shown = " ".join(page.locator(".tables").nth(1).inner_text().split())
    assert shown == "so far at a 6 + sent to a 6 = total at a 12"
    go(page, 10)
    assert "waiting" not in state(page, "a")
    assert box(page, "a").locator(".gradient").is_visible()


def test_the_current_step_is_scrolled_into_view_inside_its_pane_only(visit, digit) -> None:
    page = visit(play(digit.loss), reduced_motion="reduce")
    for step in (24, 1, 14):
        go(page, step)
        pane = page.locator(".graph").bounding_box()
        current = page.locator("g.current").bounding_box()
        assert current["y"] >= pane["y"]
        assert current["y"] + current["height"] <= pane["y"] + pane["height"]
    assert page.evaluate("scrollY") == 0


# -- predicting ------------------------------------------------------------------------------


def third():
    x = tx.Tensor(2.0, name="x")
    loss = x / 3.0
    loss.name = "L"
    return loss


def answer(page, text):
    page.get_by_label("Predict first").check()
    go(page, 3)
    page.get_by_role("textbox").fill(text)
    page.keyboard.press("Enter")


def test_a_right_prediction(visit) -> None:
    page = visit(play(third()))
    for text in ("1/3", "0.3333", ".333", " 3.33e-1 ", "0,3333", "+1/3", "-1 / -3", "−1/−3"):
        answer(page, text)
        assert page.locator(".answer").inner_text().startswith("Right: 0.3333."), text
        assert page.locator(".score").inner_text() == "1 of 1 right"
        page.reload()


def test_a_wrong_prediction(visit) -> None:
    page = visit(play(third()))
    for text in ("0.3", "-1/3", "3", "1e-3", "0"):
        answer(page, text)
        shown = text.replace("-1", "−1").replace("e-", "e−")
        assert page.locator(".question .hint").inner_text().startswith(f"Not {shown}. ")
        assert page.locator(".question .hint").inner_text().endswith("Try again, or press Show.")
        assert page.locator(".score").inner_text() == "0 of 1 right"
        page.get_by_role("textbox").fill("1/3")  # once more
        page.keyboard.press("Enter")
        assert page.locator(".answer").inner_text().startswith("Right: 0.3333.")
        assert page.locator(".score").inner_text() == "0 of 1 right"  # the first answer counts
        page.reload()


BROUGHT_DOWN = "differentiating brings down, as in the derivative of a square."


def squares():
    x = tx.Tensor([3.0, -1.0], name="x")
    loss = (tx.square(x) * np.array([5.0, 5.0])).sum()
    loss.name = "L"
    return loss


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-30", "Look for a minus sign too few or too many, as in the derivative of -x or of 1/x."),
        ("5", "By the chain rule every gradient is the local slope times the upstream gradient."),
        ("6", "By the chain rule every gradient is the local slope times the upstream gradient."),
        (
            "150",
            "A gradient is linear in grad: twice the upstream gradient gives twice the gradient.",
        ),
        (
            "15",
            f"Look for a factor 2 that {BROUGHT_DOWN}",
        ),
        ("60", "Is a factor 2 counted twice, or 1/2 of the function forgotten?"),
        ("7", ""),
        ("0", ""),
    ],
)
def test_a_misconception_is_named_in_the_words_of_the_check(visit, text, words) -> None:
    page = visit(play(squares()))
    page.get_by_label("Predict first").check()
    go(page, page.get_by_role("slider").get_attribute("max"))
    page.get_by_role("textbox").fill(text)
    page.keyboard.press("Enter")
    shown = text.replace("-", "−")
    told = " ".join(filter(None, [f"Not {shown}.", words, "Try again, or press Show."]))
    assert page.locator(".question .hint").inner_text() == told
    folder = Path(tx.__file__).parent / "checking" / "hypotheses"
    check = " ".join(file.read_text("utf-8") for file in folder.glob("*.py"))
    assert words in re.sub(r'"\s*f?"', "", check)


def test_the_score_has_its_kinds_and_starts_again(visit) -> None:
    page = visit(play(squares()))
    page.get_by_label("Predict first").check()
    again = page.get_by_role("button", name="Start again")
    assert again.is_hidden()
    go(page, 5)
    for text in ("1", "5", "4"):
        page.get_by_role("textbox").fill(text)
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
    assert (
        page.locator(".score").inner_text()
        == "2 of 3 right: multiply 1 of 1, square 0 of 1, sum 1 of 1"
    )
    again.click()
    assert page.locator(".score").inner_text() == "0 of 0 right"
    assert counter(page).startswith("5 /")
    page.keyboard.type("1")  # the question has the focus
    page.keyboard.press("Enter")
    assert page.locator(".score").inner_text() == "1 of 1 right"


def test_what_is_no_number_is_asked_for_again(visit) -> None:
    page = visit(play(third()))
    for text in ("", "a third", "1/0", "1/3/5", "0x10", "1..5", "Infinity"):
        answer(page, text)
        assert page.get_by_text("Type a number, such as 0.25, -1e-3 or 1/3.").is_visible(), text
        assert page.locator(".score").inner_text() == "0 of 0 right"
    answer(page, "1/3")
    assert page.locator(".score").inner_text() == "1 of 1 right"


def test_nothing_tells_the_answer_before_it_is_given(visit) -> None:
    page = visit(play(by_hand()))
    page.get_by_label("Predict first").check()
    go(page, 11)
    secret = re.compile(r"0\.341|(0\.242.*){2}|(0\.0986.*){2}")
    assert page.get_by_label("What is sent to z at [0]?").is_visible()
    assert not secret.search(page.locator(".details").inner_text().replace("\n", " "))
    assert page.get_by_role("status").inner_text().endswith("Predict it.")
    assert not box(page, "z").locator(".gradient").is_visible()
    assert box(page, "z").locator(".badge").is_hidden()
    page.get_by_role("button", name="Show").click()
    assert page.locator(".answer").inner_text().startswith("It is −0.341.")
    assert box(page, "z").locator(".gradient").is_visible()
    assert page.locator(".score").inner_text() == "0 of 1 right"


def test_a_whole_pass_can_be_predicted_by_keyboard(visit) -> None:
    page = visit(play(diamond()))
    page.get_by_label("Predict first").check()
    go(page, 6)
    page.get_by_role("textbox").focus()
    answers = ["1", "1", "6", "6", "1/6", "36.5"]
    for text in answers:
        page.keyboard.type(text)
        page.keyboard.press("Enter")  # check
        page.keyboard.press("Enter")  # next step, whose question has the focus
    each = "add 2 of 2, log 1 of 1, multiply 3 of 3"
    assert page.locator(".score").inner_text() == f"6 of 6 right: {each}"
    assert counter(page) == "11 / 11"


# -- the wrong order -------------------------------------------------------------------------


def test_the_wrong_order_shows_the_wrong_number_and_says_why(visit) -> None:
    page = visit(play(diamond()))
    page.get_by_label("Wrong order").check()
    assert "depth first" in page.locator(".banner").inner_text()
    go(page, 9)  # a sends too early
    details = page.locator(".details")
    assert (
        "Too early: a sends although 2 contributions to it are still to come."
        in details.inner_text()
    )
    assert re.sub(r"\s+", " ", details.locator("figure").last.inner_text()) == "right for x 36.5"
    assert box(page, "x").locator(".gradient text").all_text_contents() == ["gradient", "0.5"]
    assert box(page, "x").locator(".badge").text_content() == "≠"
    page.keyboard.press("End")
    assert "Wrong: x has 0.5 instead of 36.5." in details.inner_text()
    page.get_by_label("Wrong order").uncheck()
    assert "Wrong" not in details.inner_text()
    assert box(page, "x").locator(".gradient text").all_text_contents() == ["gradient", "36.5"]
    assert box(page, "x").locator(".badge").text_content() == "✓"


def test_where_the_order_does_not_matter_the_page_says_so(visit) -> None:
    page = visit(play(by_hand()))
    page.get_by_label("Wrong order").check()
    assert (
        page.locator(".banner").inner_text().startswith("The order does not matter in this graph")
    )
    page.keyboard.press("End")
    assert box(page, "z").locator(".badge").text_content() == "✓"


# -- looks -----------------------------------------------------------------------------------


def ink_and_paper(page):
    return page.locator(".view").evaluate(
        "e => [getComputedStyle(e).color, getComputedStyle(e.getRootNode().host).backgroundColor]"
    )


def test_light_and_dark(visit) -> None:
    light, dark = (ink_and_paper(visit(play(by_hand()), color_scheme=s)) for s in ("light", "dark"))
    assert light[1] == "rgb(255, 255, 255)"
    assert dark[1] == "rgb(22, 24, 27)"
    assert light[0] != dark[0]


def test_a_notebook_s_theme_goes_before_the_system_s(visit) -> None:
    page = visit(play(by_hand()), color_scheme="dark")
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    page.wait_for_function("document.querySelector('main > div').dataset.theme === 'light'")
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    page.wait_for_function("document.querySelector('main > div').dataset.theme === 'dark'")


@pytest.mark.parametrize("which", ["digits", "diamond", "recording"])
def test_a_narrow_page_does_not_scroll_sideways(visit, digit, which) -> None:
    made = {
        "digits": lambda: play(digit.loss),
        "diamond": lambda: play(diamond()),
        "recording": recorded,
    }
    page = visit(made[which](), width=420)
    steps = int(page.get_by_role("slider").get_attribute("max"))
    for step in range(1, steps + 1):
        go(page, step)
        assert page.evaluate("document.documentElement.scrollWidth") <= 420, step


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (420, "dark")])
@pytest.mark.parametrize("which", ["steps", "question", "wrong", "recording"])
def test_axe_finds_nothing_serious(visit, which, width, scheme) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="needs axe: pip install 'tinygrad_xent[browser]'",
    )
    made = (
        recorded() if which == "recording" else play(by_hand() if which == "steps" else diamond())
    )
    page = visit(made, width=width, color_scheme=scheme)
    if which in ("question", "wrong"):
        page.get_by_label({"question": "Predict first", "wrong": "Wrong order"}[which]).check()
    for key in ("Home", "ArrowRight", "End"):
        page.keyboard.press(key)
        page.clock.run_for(1000)
        found = axe.Axe().run(page).response["violations"]
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        assert not serious, [(v["id"], v["nodes"][0]["html"]) for v in serious]


# -- recording -------------------------------------------------------------------------------


def test_scrubbing_through_a_recording(visit) -> None:
    page = visit(recorded())
    first = page.locator("figure", has_text="probs −").first.inner_text().split()
    assert first[:4] == ["probs", "−", "labels", "−0.667"]
    weight = box(page, "w").locator(".value text")
    before = weight.all_text_contents()
    page.keyboard.press("End")
    assert page.locator(".say").inner_text() == "Step 30: loss 0.0233"
    assert page.locator("figure", has_text="probs −").first.inner_text().split()[3] != "−0.667"
    assert weight.all_text_contents() != before
    curve = page.locator(".curve svg")
    frame = curve.bounding_box()
    curve.click(position={"x": frame["width"] * 0.54, "y": frame["height"] * 0.4})
    assert page.locator(".counter").inner_text() in {f"step {k}" for k in (14, 15, 16, 17)}


def test_a_colour_means_the_same_at_every_step_of_a_recording(visit) -> None:
    page = visit(recorded())
    darkest = """figure => Math.min(...[...figure.querySelectorAll("td")].map((cell) =>
        Math.max(...getComputedStyle(cell).backgroundColor.match(/\\d+/g))))"""
    differences = page.locator("figure", has_text="probs −").first
    assert differences.evaluate(darkest) < 150
    page.keyboard.press("End")
    assert differences.evaluate(darkest) > 220  # they have shrunk, and are pale now


# -- in notebooks ----------------------------------------------------------------------------


def test_two_outputs_on_one_page_do_not_disturb_each_other(visit) -> None:
    one, two = (play(f())._repr_mimebundle_()["text/html"] for f in (by_hand, diamond))
    page = visit(f"<!DOCTYPE html><html><body>{one}{two}{one}</body></html>")
    counters = page.locator(".counter")
    assert counters.all_inner_texts() == ["1 / 11"] * 3  # the copy of the first is alive too
    page.get_by_role("button", name="Next").nth(1).click()
    assert counters.all_inner_texts() == ["1 / 11", "2 / 11", "1 / 11"]
    page.keyboard.press("ArrowRight")
    assert counters.all_inner_texts() == ["1 / 11", "3 / 11", "1 / 11"]
    assert page.problems == []


def test_a_notebook_exported_by_nbconvert(visit) -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs nbconvert: pip install nbconvert")
    nbconvert = pytest.importorskip("nbconvert", reason="needs nbconvert: pip install nbconvert")
    cells = []
    for made in (play(by_hand()), recorded()):
        output = nbformat.v4.new_output("display_data", data=made._repr_mimebundle_())
        cells.append(nbformat.v4.new_code_cell("shown", outputs=[output]))
    html, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    page = visit(html)
    views = page.locator(".view")
    for k in range(2):
        views.nth(k).get_by_role("button", name="Last").click()
    assert page.locator(".counter").all_inner_texts() == ["11 / 11", "step 30"]
    assert "−0.341" in views.first.inner_text()
