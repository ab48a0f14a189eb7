"""A recording in a real browser: scrub through it, and train on in the page."""

from __future__ import annotations

import re

import numpy as np
import pytest

import tinygrad_xent as tx

pytestmark = pytest.mark.browser

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def network(dtype=np.float64):
    rng = np.random.default_rng(3)
    sizes = ((2, 4), (4,), (4, 2), (2,))
    names = ("W1", "b1", "W2", "b2")
    return [
        tx.Tensor(rng.normal(size=size).astype(dtype), name=name)
        for size, name in zip(sizes, names, strict=True)
    ]


def loss_of(parameters, x=XOR, labels=(0, 1, 1, 0)):
    W1, b1, W2, b2 = parameters
    logits = tx.tanh(x.astype(W1.dtype) @ W1 + b1) @ W2 + b2
    return tx.sparse_softmax_cross_entropy_with_logits(
        labels=np.array(labels), logits=logits
    ).mean()


def train(parameters, loss_of, steps, rate, recording=None):
    for _ in range(steps):
        loss = loss_of(parameters)
        if recording is not None:
            recording.step(loss)
        gradients = tx.gradients(loss, parameters)
        for w, gradient in zip(parameters, gradients, strict=True):
            w.data = w.data - rate * gradient
    return loss_of(parameters)


def recorded(steps=20, rate=0.5, loss_of=loss_of, parameters=None):
    recording, parameters = tx.record(), parameters or network()
    train(parameters, loss_of, steps, rate, recording)
    return recording


def press(page, name, times=1):
    for _ in range(times):
        page.get_by_role("button", name=name, exact=True).click()


def loss_shown(page):
    return page.locator(".say").inner_text().replace("−", "-")


# Train a model of a page without its controls: all weights after each of some steps.
RUN = """(({steps, rate}) => {
  const trainer = new Trainer(DATA.training);
  const taken = [];
  for (let k = 0; k < steps; k++) {
    const word = trainer.step(rate);
    if (word) return word;
    const weights = trainer.weights.map(({ number }) => [...trainer.values[number].data]);
    taken.push({ loss: trainer.loss, weights });
  }
  return taken;
})"""


def laboratory(recording):
    """A page with the scripts and data of a recording, and nothing else."""
    import json

    from tinygrad_xent.visualization.player import markup

    names = [name for name in markup._SCRIPTS["recording"] if "recording.js" not in name]
    scripts = "\n".join(markup._source(*name.split("/")) for name in names)
    data = json.dumps(recording._data()).replace("</", "<\\/")
    return f"<!DOCTYPE html><title>t</title><script>{scripts}\nconst DATA = {data};</script>"


@pytest.mark.parametrize(("dtype", "close"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_fifty_steps_in_the_page_are_those_of_python(visit, dtype, close) -> None:
    recording = recorded(2, parameters=network(dtype))
    page = visit(laboratory(recording))
    taken = page.evaluate(RUN, {"steps": 50, "rate": 0.5})
    parameters = network(dtype)
    for k in range(50):
        loss = train(parameters, loss_of, 1, dtype(0.5))
        assert taken[k]["loss"] == pytest.approx(loss.item(), rel=close), k
        for w, found in zip(parameters, taken[k]["weights"], strict=True):
            np.testing.assert_allclose(found, w.data.ravel(), rtol=close, atol=close)


def test_training_goes_on_from_the_step_that_is_shown(visit) -> None:
    page = visit(recorded(20))
    assert page.get_by_label("Learning rate").input_value() == "0.5"  # as it was in Python
    press(page, "Last")
    press(page, "One step", 3)
    parameters = network()
    loss = train(parameters, loss_of, 22, 0.5)
    shown = loss_shown(page)
    assert shown.startswith("Step 23: loss ")
    assert float(shown.split()[-1]) == pytest.approx(loss.item(), rel=5e-3)
    assert page.get_by_role("status").first.inner_text() == page.locator(".say").inner_text() + "."
    press(page, "First")
    assert loss_shown(page).startswith("Step 1: ")
    assert page.problems == []


def test_the_graph_the_weights_and_the_surface_follow(visit) -> None:
    page = visit(recorded(3))
    before = page.locator(".graph").text_content(), page.locator(".surface").inner_html()
    fresh = page.locator(".heatmap").nth(1).get_attribute("aria-label")
    page.get_by_label("Learning rate").fill("2")
    page.get_by_label("Learning rate").press("Enter")
    press(page, "One step", 8)
    assert page.locator(".graph").text_content() != before[0]
    assert page.locator(".surface").inner_html() != before[1]
    assert page.locator(".heatmap").nth(1).get_attribute("aria-label") != fresh
    parameters = network()
    train(parameters, loss_of, 8, 2.0)
    want = tx.visualization.formatting.brief(parameters[0].data.ravel())
    label = page.locator(".heatmap").nth(1).get_attribute("aria-label")
    assert label == f"W1: {want}"
    press(page, "First")
    assert page.locator(".graph").text_content() == before[0]


def test_it_trains_and_pauses(visit) -> None:
    page = visit(recorded(5))
    press(page, "Train")
    page.clock.run_for(3000)
    press(page, "Pause")
    step = int(loss_shown(page).split()[1].rstrip(":"))
    assert step > 20
    page.clock.run_for(3000)
    assert loss_shown(page).split()[1] == f"{step}:"
    assert page.locator(".losses .more").get_attribute("d").count("L") >= step - 2


def test_a_seed_draws_the_same_weights_and_none_brings_the_first_back(visit) -> None:
    page = visit(recorded(5))
    first = loss_shown(page)
    found = []
    for seed in ("7", "8", "7", ""):
        page.get_by_label("Seed").fill(seed)
        press(page, "Start again")
        found.append(loss_shown(page))
    assert found[0] == found[2] != found[1]
    assert found[3] == first


@pytest.mark.parametrize(
    ("field", "text", "button", "word"),
    [
        ("Learning rate", "", "One step", "Type a learning rate above 0, such as 0.5."),
        ("Learning rate", "-1", "Train", "Type a learning rate above 0, such as 0.5."),
        ("Learning rate", "fast", "One step", "Type a learning rate above 0, such as 0.5."),
        ("Seed", "1.5", "Start again", "Type a whole number as seed, such as 7, or nothing."),
    ],
)
def test_bad_input_gets_a_word_and_changes_nothing(visit, field, text, button, word) -> None:
    page = visit(recorded(5))
    before = loss_shown(page)
    page.get_by_label(field).fill(text)
    press(page, button)
    page.clock.run_for(500)
    assert page.get_by_role("alert").inner_text() == word
    assert loss_shown(page) == before
    assert page.get_by_label(field).get_attribute("aria-invalid") == "true"


def test_a_rate_that_is_too_large_stops_with_a_word(visit) -> None:
    def power(parameters):
        return (parameters[0] ** 4).sum()

    page = visit(recorded(3, 0.01, power, [tx.Tensor([1.0, 2.0], name="w")]))
    page.get_by_label("Learning rate").fill("1e3")
    press(page, "Train")
    page.clock.run_for(3000)
    assert re.match(
        r"Training stopped at step \d: the loss is (inf|NaN)\. Try a smaller learning rate\.",
        page.get_by_role("alert").inner_text(),
    )
    assert page.get_by_role("button", name="Train").count() == 1
    assert page.problems == []


# -- the curve -------------------------------------------------------------------------------


def test_the_axis_is_logarithmic_where_the_loss_spans_orders_of_magnitude(visit) -> None:
    recording = tx.record()
    for k in range(40):
        recording.step(10.0 ** (-k / 8))
    page = visit(recording)
    box = page.get_by_label("logarithmic")
    assert box.is_checked()
    ticks = page.locator(".losses text").all_text_contents()
    assert {"1", "0.1", "0.001"} <= set(ticks)
    box.uncheck()
    assert "0.001" not in page.locator(".losses text").all_text_contents()
    assert page.locator(".train").count() == 0


def test_the_first_bad_loss_is_marked_and_can_be_looked_at(visit) -> None:
    recording = tx.record(most=10)
    for k in range(1000):
        recording.step(float("nan") if k >= 777 else 1.0 / (k + 1))
    page = visit(recording)
    assert page.locator(".losses .alarm").text_content() == "NaN from step 778"
    seen = set()
    while page.get_by_role("button", name="Next").get_attribute("aria-disabled") != "true":
        press(page, "Next")
        seen.add(loss_shown(page))
    assert {"Step 777: loss 0.00129", "Step 778: loss NaN", "Step 1000: loss NaN"} <= seen


# -- the surface -----------------------------------------------------------------------------


def surface_of(page):
    return page.locator(".pictures figcaption").first.inner_text()


def score(parameters):
    return (XOR @ parameters[0])[:, 0] + parameters[1]


def one_score():
    rng = np.random.default_rng(0)
    return [tx.Tensor(rng.normal(size=(2, 1)), name="w"), tx.Tensor(0.0, name="b")]


SIGNS = np.array([-1.0, 1.0, 1.0, 1.0])
LOSSES = {
    "hinge": lambda p: tx.maximum(1.0 - SIGNS * score(p), 0.0).mean(),
    "sigmoid": lambda p: ((tx.sigmoid(score(p)) - (SIGNS > 0)) ** 2).mean(),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_a_single_score_decides_between_two_classes(visit, kind) -> None:
    page = visit(recorded(40, 0.5, LOSSES[kind], one_score()))
    press(page, "Last")
    parameters = one_score()
    train(parameters, LOSSES[kind], 39, 0.5)
    right = int((np.sign(score(parameters).data) == SIGNS).sum())
    assert surface_of(page) == f"Decision {right} of 4 examples right"


def test_three_classes_have_three_colours(visit) -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(30) % 3
    x = rng.normal(size=(30, 2)) + np.array([[0, 3], [3, -2], [-3, -2]])[labels]
    W = tx.Tensor(rng.normal(size=(2, 3)), name="W")

    def loss(parameters):
        p = tx.softmax(x @ parameters[0])
        return tx.sparse_categorical_crossentropy(labels, p).mean()

    page = visit(recorded(60, 0.3, loss, [W]))
    press(page, "Last")
    press(page, "One step")  # to the weights that Python has now
    right = int((np.argmax(x @ W.data, 1) == labels).sum())
    assert surface_of(page) == f"Decision {right} of 30 examples right"
    painted = page.locator(".surface > path").evaluate_all(
        "ps => ps.filter(p => p.getAttribute('d')).length"
    )
    assert painted == 3


def test_rows_that_depend_on_each_other_have_no_surface(visit) -> None:
    def loss(parameters):
        z = XOR @ parameters[0]
        z = (z - z.mean(axis=0)) / tx.sqrt(tx.var(z, axis=0) + 0.1)
        return tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 1, 1], logits=z).mean()

    page = visit(recorded(5, 0.5, loss, [tx.Tensor(np.eye(2) + 0.1, name="W")]))
    assert "rows of a batch depend on each other" in surface_of(page)
    assert page.locator(".surface").count() == 0


def test_images_of_a_layer_are_shown_as_images(visit) -> None:
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(3, 64)), tx.Tensor(rng.normal(size=(64, 5)), name="W")

    def loss(parameters):
        z = x @ parameters[0]
        return tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 4], logits=z).mean()

    page = visit(recorded(5, 0.1, loss, [W]))
    assert page.locator(".maps .heatmap").count() == 5
    assert "5 columns of 8 × 8" in page.locator(".pictures").inner_text()
    assert page.get_by_text("Decision").count() == 0


def test_what_was_not_trained_is_not_trained_here(visit) -> None:
    x = tx.Tensor(XOR, name="X")

    def loss(parameters):
        z = x @ parameters[0]
        return tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 1, 1], logits=z).mean()

    page = visit(recorded(5, 0.5, loss, [tx.Tensor(np.eye(2), name="W")]))
    press(page, "One step")
    captions = page.locator(".pictures figcaption").all_inner_texts()
    assert len(captions) == 2
    assert captions[1] == "W 2 × 2"


def test_it_is_trained_by_touch(visit) -> None:
    page = visit(recorded(5), width=420, has_touch=True)
    page.get_by_role("button", name="Last").tap()
    page.get_by_role("button", name="One step").tap()
    assert loss_shown(page).startswith("Step 6: ")
    curve = page.locator(".losses")
    frame = curve.bounding_box()
    curve.tap(position={"x": frame["width"] * 0.12, "y": frame["height"] / 2})
    assert loss_shown(page).startswith("Step 1: ")
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_an_op_that_the_page_does_not_know_is_named(visit) -> None:
    @tx.op
    def odd(x):
        return np.array(sorted(x))

    @odd.backward
    def odd_backward(grad, y, x):
        return grad * np.array([float(v) for v in x])

    page = visit(recorded(3, 0.1, lambda p: odd(p[0]).sum(), [tx.Tensor([1.0, 2.0], name="w")]))
    assert page.locator(".train").count() == 0
    assert "It cannot go on in this page: op odd:" in page.locator(".key").inner_text()
    press(page, "Last")
    assert loss_shown(page).startswith("Step 3: ")
