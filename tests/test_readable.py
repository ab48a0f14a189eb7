"""What a function returns reads well: printed, as a repr, and in a notebook."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from small_graphs import wrong_square

import tinygrad_xent as tx
from tinygrad_xent.graph import Node

RAW = re.compile(r"\b[A-Z]\w+\(\w+=| at 0x|np\.float64\(|array\(")


class Text(HTMLParser):
    """The tags and the text of some HTML, without its style."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += " " * (tag in ("td", "th", "p", "li", "dt", "dd", "caption"))

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def wrong(x):
    return tx.gradcheck(wrong_square(), x)


def graph():
    z = tx.Tensor([[2.0, 1.0, 0.1]], name="z")
    return tx.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=z * 2.0).mean()


def underflow(name):
    z = tx.Tensor([0.0, -800.0], name=name)
    with np.errstate(divide="ignore"):
        return tx.log(tx.softmax(z)).sum()


def explanation():
    loss = graph()
    return tx.why(tx.ancestors(loss)[0], loss)


RESULTS = {
    "a wrong gradient": lambda: wrong([[1.0, 2.0, -3.0], [0.5, 0.1, 7.0]]),
    "a large wrong gradient": lambda: wrong(np.arange(1.0, 400.0)),
    "a scalar": lambda: wrong(2.0),
    "nothing": lambda: tx.gradcheck(tx.exp, np.zeros((0, 3))),
    "a graph": lambda: tx.gradcheck(graph()),
    "a fast check": lambda: tx.gradcheck(tx.exp, [1.0, 2.0], mode="fast"),
    "the curve of steps": lambda: wrong([1.0, 2.0]).curve(),
    "a bad number": lambda: tx.first_bad(underflow("z")),
    "stability": lambda: tx.stability(lambda z: tx.log(tx.softmax(z)), [0.0, -120.0]),
    "laws": lambda: tx.invariants(tx.softmax),
    "ways to unfuse": lambda: tx.unfuse([[1.0, 0.0]], [[2.0, 0.1]]),
    "a comparison": lambda: tx.compare([0], [[0.0, 0.0, 0.0]]),
    "errors of frameworks": lambda: tx.compare([5], [[0.5, 0.5]]),
    "a trace": lambda: tx.trace(graph()),
    "an explanation": explanation,
}


def reached(x, seen):
    """Yield a result, and all results that its attributes and entries lead to."""
    if id(x) in seen or isinstance(x, Node):
        return
    seen[id(x)] = x
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        if not type(x).__name__.startswith("_"):
            yield x
        for field in dataclasses.fields(x):
            yield from reached(getattr(x, field.name), seen)
    elif isinstance(x, list | tuple):
        for each in x[:5]:
            yield from reached(each, seen)


@pytest.mark.parametrize("what", RESULTS)
def test_no_raw_repr(what):
    for x in reached(RESULTS[what](), {}):
        text = repr(x)
        assert not RAW.search(text), text[:300]
        assert len(text) < 2000


@pytest.mark.parametrize("what", RESULTS)
def test_a_notebook_shows_the_same_as_html(what):
    for x in reached(RESULTS[what](), {}):
        html = Text(x._repr_html_())
        if "img" not in html.tags and not {"pre", "svg"} & set(html.tags):
            said, shown = (set(re.findall("[A-Za-z]{4,}", text)) for text in (str(x), html.text))
            assert said <= shown, (type(x), said - shown)


def test_names_are_text():
    evil = "<img src=x onerror=alert(1)>"
    html = tx.first_bad(underflow(evil))._repr_html_()
    assert "&lt;img" in html
    assert "<img" not in html


def test_a_record_lists_its_facts():
    case = wrong([[1.0, 2.0], [3.0, 4.0]])[0]
    assert repr(case).splitlines() == [
        "gradient of    x",
        "entries        4",
        "largest error  0.5",
        "verdict        wrong",
        "returned       [[1 2] [3 4]]",
        "it should be   [[2 4] [6 8]]",
    ]
    row = tx.stability(lambda z: tx.log(tx.softmax(z)), [0.0, -120.0])[0]
    assert repr(row).splitlines()[:4] == [
        "OpDigits",
        "name      v1",
        "op        softmax",
        "digits    float16 0, float32 0, float64 16.0",
    ]
    step = tx.trace(tx.Tensor(2.0, name="x") * 3.0)
    assert repr(step.forward[1]) == "step 2: v1 = x ⋅ 3, 6"
    assert repr(step.backward[0]) == "step 3: ∂x = 3 ⋅ ∂v1 sends 3 to x"


def test_the_curve_is_a_picture_also_where_markup_is_sanitised():
    html = Text(wrong([1.0, 2.0]).curve()._repr_html_())
    assert html.tags == ["img"]


def test_superscripts_survive_a_sanitiser():
    x = tx.Tensor(2.0, name="x")
    html = tx.trace((tx.tanh(x) ** 2.0).sum())._repr_html_()
    assert "x^" not in re.sub(r"<mtext[^>]*>[^<]*</mtext>", "", html)
    text = Text(html).text  # what is left if all tags are taken away
    assert "(1−v1^2)" in text
    assert "display:none" in html
