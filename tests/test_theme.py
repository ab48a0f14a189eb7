"""Pictures in the dark and on paper: every colour has a counterpart, and every text is legible."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.visualization.drawing import style
from tinygrad_xent.visualization.drawing.style import LEVELS, contrast, heat, ink
from tinygrad_xent.visualization.pages import css, turned


def colours(pattern: str) -> dict[str, str]:
    """Return the dark counterparts of the colours whose selectors fit a pattern."""
    found = re.findall(rf"{pattern}\{{[^}}]*light-dark\((#\w+),(#\w+)\)", css())
    return dict(found)


def pictures():
    x = tx.Tensor([[0.0, -1.0, 2.0], [np.nan, np.inf, -np.inf]], name="x")
    with tx.scope("layer"):
        y = tx.tanh(x) * 2.0
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=y).sum()
    deep = tx.Tensor(np.linspace(-1, 1, 21), name="deep")
    for _ in range(70):
        deep = tx.sin(deep)
    for options in ({}, {"backward": True}, {"gradients": False}, {"fold": True}):
        yield tx.draw(loss, **options).svg
    yield tx.draw(deep).svg
    yield tx.draw(tx.Tensor(np.zeros((0, 3)), name="none") * 1.0).svg
    yield tx.gradcheck(tx.exp, [0.0, 1.0]).curve().svg
    recording = tx.record()
    recording.step(1.0)
    yield recording._repr_mimebundle_()["image/svg+xml"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_colour_of_a_picture_has_a_dark_counterpart():
    for svg in pictures():
        for what in ("fill", "stroke"):
            used = set(re.findall(rf'{what}="(#\w+)"', svg)) - {"#000000"}
            known = set(re.findall(rf'svg \[{what}="(#\w+)"\]', css()))
            assert used <= known, (what, used - known)


def test_text_in_a_cell_is_legible_in_the_dark():
    cells = colours(r'svg \[fill="#\w+"\]')
    marks = colours(r'svg text\[fill="#\w+"\]')
    for k in range(-LEVELS, LEVELS + 1):
        dark, mark = cells[heat(k)], marks[ink(heat(k))]
        assert contrast(dark, mark) >= 4.5, k
        cell = f'td[data-level="{k}"]{{background:light-dark({heat(k)},{dark});color:light-dark('
        assert f"{cell}{ink(heat(k))},{mark})}}" in css()


def test_cells_are_told_apart_in_the_dark():
    for sign in (-1, 1):
        scale = [style.luminance(turned(heat(sign * k), 0.8)) for k in range(LEVELS + 1)]
        assert all(b > a for a, b in itertools.pairwise(scale)), scale


@pytest.mark.parametrize("colour", [style.INK, style.GREY, style.RULE, style.ALARM])
def test_what_is_legible_on_white_is_so_in_the_dark(colour):
    heads = [head for head, *_ in style.LOOKS.values()]
    for paper in ["#ffffff", *heads]:
        light, dark = contrast(colour, paper), contrast(turned(colour), turned(paper))
        assert dark == pytest.approx(light, rel=0.03)


def test_the_sign_of_a_cell_is_told_on_grey_paper():
    rule = css().split("@media print{svg path:is(")[1]
    told = set(re.findall(r'\[fill="(#\w+)"\]', rule.split(")")[0]))
    assert told == {heat(k) for k in range(-LEVELS, 0)}
    assert "stroke-dasharray" in rule
