"""The player and the recording, as far as Python makes them; tests/browser drives the pages."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import by_hand, diamond

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.visualization.drawing.build import build
from tinygrad_xent.visualization.formatting import number, window
from tinygrad_xent.visualization.line_plot import ticks
from tinygrad_xent.visualization.player import Recording, markup, play, record
from tinygrad_xent.visualization.player.frames import State, frames
from tinygrad_xent.visualization.player.recording import loss_plot
from tinygrad_xent.visualization.player.wrong_order import wrong_order
from tinygrad_xent.visualization.tracing import trace

EVIL = "</script><!--<script>alert(1)//]]>&amp;\"'\\u003c$\\alpha$\x1b"


def by_name(events, name):
    return next(node for node, called in events.names.items() if called == name)


# -- what a page is made of ------------------------------------------------------------------


class Page(HTMLParser):
    """Tags, their attributes, and the text inside scripts and elsewhere."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.scripts, self.text = [], [], [], []
        self._open = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        (self.scripts if inside == "script" else self.text).append(data)

    def all(self, name):
        return [attrs[name] for _, attrs in self.attributes if name in attrs]


def data_of(html):
    """The JSON that the script is started with."""
    (call,) = re.findall(r"\nstart\((.*)\);\n", "".join(Page(html).scripts))
    name, rest = json.JSONDecoder().raw_decode(call)[0], call.split(", ", 2)[2]
    data = json.JSONDecoder().raw_decode(rest)[0]
    assert isinstance(name, str)
    if isinstance(data, str):
        data = json.loads(gzip.decompress(base64.b64decode(data)))
    return data


def recorded(steps=3, **options) -> Recording:
    w = tx.Tensor(np.zeros((2, 3)), name="w")
    x, t = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([0, 2])
    recording = record(**options)
    for _ in range(steps):
        z = x @ w
        loss = tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=z).mean()
        recording.step(loss, logits=z, probs=tx.softmax(z.data), labels=t)
        w.data = w.data - tx.gradients(loss, w)
    return recording


@pytest.mark.parametrize("made", [lambda: play(by_hand()), recorded])
def test_a_page_is_whole_and_asks_for_nothing_from_elsewhere(made, tmp_path) -> None:
    path = made().save(tmp_path / "page.html")
    html = path.read_text("utf-8")
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert page.tags.count("h1") == page.tags.count("title") == page.tags.count("main") == 1
    assert dict(page.attributes)["html"]["lang"] == "en"
    assert all(source.startswith("data:") for source in page.all("src") + page.all("href"))
    strangers = set(re.findall(r"https?://[^\s\"'<>\\]+", html))
    assert strangers <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
    assert "default-src 'none'" in next(c for c in page.all("content") if "default-src" in c)
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("made", [lambda: play(by_hand()), recorded])
def test_a_notebook_gets_an_image_that_passes_sanitizers_and_a_script(made) -> None:
    bundle = made()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml", "image/png"}
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    page = Page(bundle["text/html"])
    assert page.tags == ["div", "img", "p", "script"]
    assert "run the cell" in bundle["text/html"].split("<script>")[0]
    div, image = (attrs for _, attrs in page.attributes[:2])
    assert div["data-lm-suppress-shortcuts"] == "true"
    svg = base64.b64decode(image["src"].removeprefix("data:image/svg+xml;base64,"))
    assert svg.decode() == bundle["image/svg+xml"]
    assert len(image["alt"]) > 30
    assert bundle["text/plain"].strip()


def test_ids_are_unique_for_each_output() -> None:
    player = play(by_hand())
    fragments = [player._repr_mimebundle_()["text/html"] for _ in range(2)]
    ids = Page("".join(fragments)).all("id")
    assert len(set(ids)) == len(ids) == 2
    for name, fragment in zip(ids, fragments, strict=True):
        assert fragment.count(name) == 2  # its own, and its script's
    assert player.html == player.html


@pytest.mark.parametrize("place", ["own", "given", "recorded"])
def test_a_name_is_text_everywhere(place) -> None:
    if place == "recorded":
        recording = record()
        recording.step(by_hand(EVIL), **{EVIL: [1.0, 2.0]})
        html = recording.html
    else:
        loss = by_hand(EVIL)
        html = play(loss, names={EVIL: loss} if place == "given" else None).html
    page = Page(html)
    assert page.tags.count("script") == 1
    assert "<!--" not in html
    assert "\x1b" not in html
    shown = "</script><!--<script>alert(1)//]]>&amp;\"'\\u003c$\\alpha$\\x1b"
    assert shown in json.dumps(data_of(html)).encode().decode("unicode_escape") or shown in "".join(
        page.text
    )
    for formula in re.findall(r"<math.*?</math>", json.dumps(data_of(html))):
        ET.fromstring(json.loads(f'"{formula}"'))  # noqa: S314 - our own


@pytest.mark.parametrize("name", ["player.svg", "player", "a.html.png"])
@pytest.mark.parametrize("made", [lambda: play(by_hand()), recorded])
def test_another_ending_is_refused(made, name, tmp_path) -> None:
    with pytest.raises(errors.FileFormatError, match=r"name in \.html.*draw\(") as caught:
        made().save(tmp_path / name)
    assert name in str(caught.value)
    assert not [*tmp_path.iterdir()]


# -- the steps -------------------------------------------------------------------------------


def test_the_steps_are_those_of_the_trace() -> None:
    player = play(by_hand())
    data = data_of(player.html)
    assert not data["last"]
    assert data_of(f"<body>{player.fragment('player', last=True)}</body>")["last"]
    assert len(data["forward"]) == len(player.trace.forward)
    assert len(data["backward"]) == len(player.trace.backward)
    names = [part["name"] for part in data["backward"][-1]["say"] if isinstance(part, dict)]
    assert names == ["p", "z"]
    last = data["backward"][-1]
    assert last["sent"][1]["rows"] == [["-0.341", "0.242", "0.0986"]]
    assert last["grad"][1]["rows"] == [["-1.52", "-0", "-0"]]
    assert last["ask"] == player.trace.backward[-1].sent[0]  # all digits
    assert str(player) == str(player.trace)
    assert repr(player) == "<Player of L: 6 steps forward, 5 backward>"
    assert repr(tx.play(tx.Tensor(1.0, name="x"))) == "<Player of x: 1 step forward, 0 backward>"


def test_contributions_are_counted_and_added_up() -> None:
    data = data_of(play(diamond()).html)
    to_a = [step for step in data["backward"] if step["say"][2] == {"name": "a"}]
    assert [step["part"] for step in to_a] == [[1, 3], [2, 3], [3, 3]]
    assert "total" not in to_a[0]
    last = [to_a[2][key][1]["rows"][0][0] for key in ("before", "sent", "total")]
    assert last == ["12", "0.167", "12.2"]
    twice = [step for step in data["backward"] if step["say"][0] == to_a[1]["say"][0]]
    assert [step["arrow"] for step in twice] == [0, 1]


def test_every_step_has_its_boxes_and_its_arrow_in_the_picture() -> None:
    html = play(by_hand()).html
    data = data_of(html)
    source = next(s for s in Page(html).all("src") if "svg" in s)
    svg = ET.fromstring(base64.b64decode(source.partition(",")[2]))  # noqa: S314 - our own
    groups = {g.get("id"): g for g in svg.iter("{http://www.w3.org/2000/svg}g")}
    for step in data["forward"] + data["backward"]:
        kinds = [part.get("class") for part in groups[step["box"]].iter() if part.get("class")]
        assert kinds == ["body", "value", "gradient"]
    for step in data["backward"]:
        assert [step["to"], step["box"]] in data["view"]["arrows"]
    assert all(f"e{k}" in groups for k in range(len(data["view"]["arrows"])))


def test_given_names_are_used_throughout() -> None:
    loss = by_hand()
    data = data_of(play(loss, names={"scores": loss.inputs[0].inputs[0], "cost": loss}).html)
    assert data["name"] == "cost"
    assert data["forward"][-1]["say"][0] == {"name": "cost"}
    assert ">∂cost<" in data["backward"][0]["formula"]
    assert {"name": "L"} not in data["forward"][-1]["say"]


def test_a_loss_that_looked_through_a_softmax_says_so() -> None:
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    p = tx.softmax(z)
    p.name = "p"
    data = data_of(play(tx.sparse_categorical_crossentropy(0, p)).html)
    (said,) = [step["aside"] for step in data["forward"] if step.get("aside")]
    assert {"name": "p"} in said


def test_what_has_no_backward_pass_is_refused() -> None:
    with pytest.raises(errors.NotScalarError, match="reduce it first"):
        play(tx.Tensor([1.0, 2.0]) * 2)
    with pytest.raises(errors.NotRecordedError):
        play(np.array(1.0))


# -- arrays ----------------------------------------------------------------------------------


def test_large_arrays_show_their_corners_and_say_what_is_left_out() -> None:
    shown = window(np.arange(1200.0).reshape(30, 40) - 600)
    assert len(shown["rows"]) == 7
    assert {len(row) for row in shown["rows"]} == {8}
    assert shown["rows"][0][0] == "-600"
    assert shown["rows"][-1][-1] == "599"
    assert set(shown["rows"][4]) == {"…"}
    assert shown["top"] == "600"
    assert shown["note"] == "30 × 40, from -600 to 599"


@pytest.mark.parametrize(
    ("data", "rows", "note"),
    [
        (0.1, [["0.1"]], ""),
        (np.zeros((0, 3)), [[]], "no entries (0 × 3)"),
        ([np.nan, np.inf, -2.0], [["NaN", "inf", "-2"]], ""),
        (np.ones((2, 1, 2)), [["1", "1"], ["1", "1"]], "2 × 1 × 2"),
        ([True, False], [["True", "False"]], ""),
        (np.full(20, np.nan), [["NaN"] * 4 + ["…"] + ["NaN"] * 3], "20"),
    ],
)
def test_odd_arrays_are_shown_too(data, rows, note) -> None:
    shown = window(data)
    assert shown["rows"] == rows
    assert shown["note"] == note
    json.dumps(shown, allow_nan=False)


def test_a_graph_with_bad_numbers_can_be_played() -> None:
    x, y = tx.Tensor(0.0, name="x"), tx.Tensor([0.0, 1.0], name="y")
    with np.errstate(all="ignore"):
        data = data_of(play(x * tx.log(x) + (y * tx.log(y)).sum()).html)
    asked = {step["say"][2]["name"]: (step["ask"], step["at"]) for step in data["backward"]}
    assert asked["x"] == (None, [])  # 0 / 0
    assert asked["y"] == (1.0, [1])  # the finite entry


# -- the wrong order -------------------------------------------------------------------------


def test_the_wrong_order_of_a_diamond() -> None:
    events = trace(diamond())
    wrong = wrong_order(events)
    x, a = by_name(events, "x"), by_name(events, "a")
    assert wrong.name == "depth first"
    assert wrong.wrong == (x,)
    assert wrong.totals[x] == pytest.approx(3 / 6)  # by way of ln a alone
    assert events.gradient(x) == pytest.approx(3 * (1 / 6 + 12))
    assert wrong.totals[a] == pytest.approx(1 / 6 + 12)  # right in the end, but sent too early
    early = next(e for e in wrong.events if e.tensor is a)
    assert wrong.missing(early) == 2
    assert [wrong.late(e) for e in wrong.events if e.to is a] == [False, True, True]
    assert [e.step for e in wrong.events] == [e.step for e in events.backward]


def as_text(parts):
    return "".join(p.get("name", p.get("text")) if isinstance(p, dict) else p for p in parts)


def test_the_page_says_what_is_wrong_and_why() -> None:
    data = data_of(play(diamond()).html)["wrong"]
    notes = [as_text(note) for step in data["steps"] for note in step["notes"]]
    early = "Too early: a sends although 2 contributions to it are still to come. "
    assert notes[0] == early + "Its gradient will be 12.2."
    assert notes[1].startswith("Too late: a has sent its gradient on already.")
    assert as_text(data["verdict"]).startswith(
        "Wrong: x has 0.5 instead of 36.5. a sent its gradient on while 2 contrib"
    )
    assert data["at"] == ["n0"]
    assert set(data["bodies"]) == {"n0"}
    assert "0.5<" in data["bodies"]["n0"]


def test_a_vector_that_is_used_twice_can_be_played() -> None:
    h = tx.exp(tx.Tensor([1.0, 2.0], name="x"))
    data = data_of(play((h + h * h).sum()).html)["wrong"]
    assert data["at"] == ["n0"]  # h is right in the end, but sent too early


def test_a_right_tensor_is_not_accused_of_a_wrong_ones_number() -> None:
    x = tx.Tensor(3.0, name="x")
    a = x * 1.0  # in the end x is wrong and a is right, and both are 3
    steps = data_of(play(tx.log(a) + a * a).html)["wrong"]["steps"]
    accused = {step["to"] for step in steps if "right" in step}
    assert accused == {"n0"}


def test_inputs_without_a_table_are_counted() -> None:
    six = [tx.Tensor([float(i)], name=f"x{i}") for i in range(6)]
    say = data_of(play(tx.concatenate(six).sum()).html)["forward"][-2]["say"]
    assert say[1:] == [" is computed by concatenate.", " Of its 6 inputs 4 are shown."]


def test_the_sum_that_undoes_broadcasting_is_played() -> None:
    v, b = tx.Tensor([[1.0, 2.0], [3.0, 4.0]], name="v"), tx.Tensor([5.0, 6.0], name="b")
    s, x = tx.Tensor(2.0, name="s"), np.arange(5.0)
    product, shifted = v * b, (s * x).sum()
    data = data_of(play(product.sum() + shifted).html)
    steps = {step["say"][2]["name"]: step for step in data["backward"]}
    assert steps["b"]["say"][-1] == ", summed over rows."
    assert steps["s"]["say"][-1] == ", summed over all entries."
    assert steps["v"]["say"][-1] == "."
    assert plain_math(steps["b"]["formula"]) == "∂b=∑rowsv∂v3"
    caption, array, _ = steps["b"]["unsummed"]
    assert "".join(caption) == "to be summed over rows"
    assert array["rows"] == [["1", "2"], ["3", "4"]]
    assert steps["v"]["unsummed"] is None
    row = data_of(play((v + b).sum()).html)["backward"][-1]
    assert row["unsummed"] is None, "it is the gradient that came in"


def plain_math(text: str) -> str:
    return "".join(ET.fromstring(text).itertext())  # noqa: S314 - our own


def test_integers_get_nothing_in_a_wrong_order_either() -> None:
    a = tx.Tensor(2.0) * tx.Tensor(3)
    events = trace(a + a * a)
    assert {e.to for e in wrong_order(events).events} == {e.to for e in events.backward}


def test_where_the_order_does_not_matter() -> None:
    x = tx.Tensor(3.0, name="x")
    assert wrong_order(trace(by_hand())) is None  # a chain
    assert wrong_order(trace(x * x + tx.exp(x))) is None  # what is shared sends nothing
    a = x * 2.0
    assert wrong_order(trace(a * a)) is None  # both contributions arrive at once
    assert wrong_order(trace(a + 0.0 * tx.relu(-a))) is None  # what comes too late is 0
    assert data_of(play(by_hand()).html)["wrong"] is None


@pytest.mark.parametrize("swap", [False, True])
def test_one_of_the_two_directions_is_always_wrong(swap) -> None:
    """In a residual connection one direction happens to wait for everything."""
    a = tx.Tensor(2.0, name="x") * 3.0
    branch = tx.exp(a * 0.1)
    wrong = wrong_order(trace(branch + a if swap else a + branch))
    assert wrong.name == ("depth first, last input first" if swap else "depth first")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12))
def test_some_order_is_wrong_exactly_where_one_is_possible(pairs) -> None:
    nodes = [tx.Tensor(1.0), tx.Tensor(2.0)]
    for i, j in pairs:  # all gradients are positive: nothing cancels
        nodes.append(nodes[i % len(nodes)] + nodes[j % len(nodes)])
    events = trace(nodes[-1])
    senders = {}
    for event in events.backward:
        senders.setdefault(event.to, set()).add(event.tensor)
    possible = any(len(found) > 1 and to.op is not None for to, found in senders.items())
    assert (wrong_order(events) is not None) == possible


# -- pictures --------------------------------------------------------------------------------


def test_states_of_a_graph_share_one_layout_in_which_all_fit() -> None:
    outputs = [tx.Tensor([x], name="x") * [1.0] for x in (1.0, -1.23e-7)]
    states = [State.of(build((output,), None, gradients=True)) for output in outputs]
    narrow, wide = (state.layouts[-1].width for state in states)
    assert narrow < wide
    painted = frames(states)
    root = ET.fromstring(painted.svg)  # noqa: S314 - our own
    (group,) = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("id") == "n1"]
    assert float(group[1].get("width")) == wide
    assert [set(change) for change in painted.bodies] == [set(), {"n0", "n1"}]


# -- recording -------------------------------------------------------------------------------


def test_a_recorded_picture_describes_large_arrays_as_they_were() -> None:
    recording, w = record(), tx.Tensor(np.linspace(1.0, 2.0, 1600).reshape(40, 40), name="w")
    recording.step((w * w).sum())
    (layout,) = data_of(recording.html)["layouts"]
    assert "with respect to w: 2 to 4." in layout


def test_a_recording_keeps_loss_arrays_norms_and_graph() -> None:
    recording = recorded(3)
    data = data_of(recording.html)
    assert len(recording) == 3
    assert [frame["step"] for frame in data["frames"]] == [1, 2, 3]
    assert data["frames"][0]["loss"] == "1.10"
    assert [name for name, _ in data["frames"][0]["tables"]] == [
        "probs − labels",
        "logits",
        "probs",
        "labels",
    ]
    array = data["frames"][0]["tables"][0][1]
    assert array["rows"] == [
        ["-0.667", "0.333", "0.333"],
        ["0.333", "0.333", "-0.667"],
    ]
    assert data["tops"]["probs − labels"] == pytest.approx(0.667)
    (norm,) = data["frames"][0]["norms"]
    assert norm[:2] == ["w", "0"]
    assert len(data["layouts"]) == 1
    bodies = [frame["bodies"] for frame in data["frames"]]
    assert bodies[0] == {}  # as the layout shows it
    assert "c0" not in bodies[1]  # what does not change is kept once
    assert bodies[1]["n0"] != bodies[2]["n0"]
    assert str(recording).splitlines()[:2] == ["step  loss", "1     1.10"]


def test_a_long_recording_thins_itself() -> None:
    recording = record(most=10)
    for k in range(5000):
        recording.step(1 / (k + 1))
    data = data_of(recording.html)
    steps = [frame["step"] for frame in data["frames"]]
    assert len(recording) == 5000
    *spread, before, last_but_one, last = steps
    assert (before, last_but_one, last) == (4998, 4999, 5000)
    assert 5 < len(spread) <= 10
    assert spread[0] == 1
    assert len(set(np.diff(spread))) == 1
    assert len(recording._losses.items) <= 2000
    assert f"{len(spread)} of them kept" in repr(recording)
    assert data["layouts"] == []
    assert all(frame["layout"] == -1 for frame in data["frames"])


def test_the_last_steps_are_shown_as_they_were_and_nothing_is_changed_by_that() -> None:
    w, recording = tx.Tensor([1.0, -2.0], name="w"), record(most=4)
    for k in range(21):
        loss = (w * w).sum()
        recording.step(loss, w=w)
        if k % 2:
            w.data = w.data - 0.1
        else:
            w.data[...] -= 0.1  # in place
            w.data = w.data
    before = w.data.copy(), w.birth
    data = data_of(recording.html)
    assert [frame["step"] for frame in data["frames"]][-3:] == [19, 20, 21]
    for frame in data["frames"]:
        value = 1.0 - 0.1 * (frame["step"] - 1)
        (entry,) = [array["rows"][0][0] for _, array in frame["tables"]]
        assert float(entry) == pytest.approx(value, abs=1e-3)
        assert frame["norms"][0][1] == number(np.linalg.norm([value, value - 3.0]))
    assert data["training"]["frames"][-1][0] == pytest.approx([-1.0, -4.0])
    assert (w.data == before[0]).all()
    assert w.birth == before[1]
    with pytest.raises(errors.StaleGraphError):
        loss.backward()


def test_the_first_bad_loss_is_kept_with_the_steps_before_it() -> None:
    recording = record(most=4)
    for k in range(200):
        recording.step(float("inf") if k > 100 else 1.0)
    steps = [frame["step"] for frame in data_of(recording.html)["frames"]]
    assert {100, 101, 102, 198, 199, 200} <= set(steps)
    assert len(steps) <= 10
    assert "102   inf" in str(recording).splitlines()
    assert [102, "inf"] in data_of(recording.html)["losses"]


def test_a_loss_that_spans_orders_of_magnitude_has_a_logarithmic_axis() -> None:
    curve = loss_plot([(1, 10.0), (2, 1.0), (3, float("nan")), (4, 0.01)])
    assert curve.y_label == "loss, logarithmic"
    assert set(curve.y_ticks.values()) == {"0.01", "0.1", "1", "10"}
    assert curve.place(2, 0.0)[1] - curve.place(1, 1.0)[1] == pytest.approx(56.7, abs=0.1)
    for losses in ([1.0, 0.5], [10.0, 0.0], [-1.0, 200.0], [float("nan")]):
        assert loss_plot([*enumerate(losses, 1)]).y_label == "loss"


def test_a_page_trains_on_what_training_changed() -> None:
    x, w = tx.Tensor([[1.0, 2.0]], name="x"), tx.Tensor([[1.0], [1.0]], name="w")
    recording = record()
    for _ in range(3):
        recording.step((x @ w).sum())
        w = tx.Tensor(w.data - 0.1, name="w")  # a new tensor each time
    training = data_of(recording.html)["training"]
    leaves = {leaf["number"]: leaf["name"] for leaf in training["program"]["leaves"]}
    assert [leaves[number] for number in training["weights"]] == ["w"]
    assert training["frames"][2] == [pytest.approx([0.8, 0.8])]
    alone = record()
    alone.step(1.0)
    assert data_of(alone.html)["training"] is None
    large = record()
    large.step((tx.Tensor(np.ones((500, 500)), name="large") * 2.0).sum())
    assert data_of(large.html)["training"] is None  # too much for a page


def test_steps_that_are_not_kept_cost_nothing() -> None:
    class Costly:
        asked = 0

        def __array__(self, dtype=None, copy=None):
            Costly.asked += 1
            return np.zeros(2)

    recording = record(most=4)
    for _ in range(100):
        recording.step(1.0, costly=Costly())
    assert Costly.asked < 20


def test_a_recording_holds_no_large_array() -> None:
    big = tx.Tensor(np.ones((100, 100)), name="big")
    recording = record()
    recording.step((big * big).mean(), big=big)
    (frame,) = recording._frames.items
    assert all(box.value.base is not big.data for box in frame.state.model.boxes)
    held = [box.value for box in frame.state.model.boxes if box.value.size > 1000]
    assert held
    assert all(value.strides == (0, 0) for value in held)


def test_a_recording_is_not_changed_by_what_comes_later() -> None:
    w, loss = tx.Tensor([1.0, 2.0], name="w"), tx.Tensor(1.0, name="loss")
    recording = record()
    recording.step((w * w).sum(), w=w)
    recording.step(loss)
    before = recording.html
    w.data[:] = loss.data[...] = 7.0
    assert recording.html == before


def test_graphs_of_different_shape_get_pictures_of_their_own() -> None:
    recording = record()
    for k in (1, 2, 1):
        x = tx.Tensor(1.0, name="x")
        recording.step(x * 2.0 if k == 1 else tx.exp(x * 2.0))
    data = data_of(recording.html)
    assert [frame["layout"] for frame in data["frames"]] == [0, 1, 0]


@pytest.mark.parametrize("made", [lambda: tx.draw(by_hand()), lambda: play(by_hand()), recorded])
def test_what_cannot_show_itself_says_how_it_is_opened(made) -> None:
    view = made()
    kind = type(view).__name__
    with pytest.raises(AttributeError, match=rf"a {kind} has no attribute 'show': .* write .save"):
        view.show()


def test_messages_of_a_recording() -> None:
    recording = record()
    assert set(recording._repr_mimebundle_()) == {"text/plain"}
    assert repr(recording) == str(recording) == "<Recording of 0 steps>"
    with pytest.raises(errors.NotRecordedError, match=r"call recording\.step\(loss\) in the"):
        _ = recording.html
    with pytest.raises(errors.NotScalarError, match="reduce it first"):
        recording.step(tx.Tensor([1.0, 2.0]))
    w = tx.Tensor(1.0, name="w")
    loss = w * w
    w.data = w.data - 0.1
    with pytest.raises(errors.StaleGraphError, match=r"'w'.*before the parameters are updated"):
        recording.step(loss)
    assert len(recording) == 0


def test_the_curve_survives_a_loss_that_is_no_number() -> None:
    curve = loss_plot([(1, 2.0), (2, float("nan")), (3, 1.0), (4, float("inf")), (5, 0.5)])
    root = ET.fromstring(curve.svg)  # noqa: S314 - our own
    (line,) = [p.get("d") for p in root.iter() if p.get("stroke-width") == "2"]
    assert line.count("M") == 3
    assert "nan" not in curve.svg
    data = record()
    data.step(float("nan"))
    assert data_of(data.html)["frames"][0]["loss"] == "NaN"


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_inside(low, size) -> None:
    high = low + size
    if high - low > 1e-9 * abs(low):
        found = ticks(low, high)
        assert 2 <= len(found) <= 9
        assert min(found) >= low - 1e-6 * size - 1e-9 * abs(low)
        assert max(found) <= high + 1e-6 * size + 1e-9 * abs(low)


# -- large graphs ------------------------------------------------------------------------------


def test_a_graph_of_more_tensors_than_a_picture_shows_is_folded() -> None:
    w, h = tx.Tensor(0.5, name="w"), tx.Tensor(0.1, name="h0")
    for _ in range(150):
        h = tx.tanh(h * w + tx.Tensor(0.1))
    loss = h * 1.0
    data = data_of(play(loss).html)
    assert len(data["forward"]) == 603
    svg = ET.fromstring(play(loss)._frames.svg)  # noqa: S314 - our own
    ids = {g.get("id") for g in svg.iter("{http://www.w3.org/2000/svg}g")}
    used = {
        step[key]
        for step in data["forward"] + data["backward"]
        for key in ("box", "to")
        if key in step
    }
    assert used <= ids
    assert any(name.startswith("f") for name in used)
    assert data["live"] is None
    assert "v300" in {name for names in data["view"]["holds"].values() for name in names}


def test_up_to_400_tensors_each_has_its_box() -> None:
    x = tx.Tensor(1.0)
    for _ in range(399):
        x = x + 1.0
    data = data_of(play(x).html)
    assert {step["box"] for step in data["forward"]} == {f"n{i}" for i in range(400)}


@pytest.mark.parametrize("kind", markup._SCRIPTS)
def test_no_two_scripts_of_a_page_declare_the_same_name(kind: str) -> None:
    # They share one scope, in which the last of two functions wins without a word.
    scripts = [markup._source(*file.split("/")) for file in markup._SCRIPTS[kind]]
    pattern = re.compile(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)
    names = [name for script in scripts for name in pattern.findall(script)]
    assert [name for name in set(names) if names.count(name) > 1] == []
    assert kind in names
