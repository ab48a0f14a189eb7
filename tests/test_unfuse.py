"""One cross-entropy three ways: they agree where nothing goes wrong, and differ as documented."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.checking.unfusing import Unfused, unfuse

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("labels", "logits", "axis"),
    [
        (0, [2.0, 1.0, 0.1], -1),
        ([0], [2.0, 1.0, 0.1], -1),
        ([0, 2], RNG.normal(size=(2, 3)), -1),
        ([[0, 1, 2, 0], [2, 2, 1, 0]], RNG.normal(size=(2, 3, 4)), 1),
        ([1, 0, 1], RNG.normal(size=(2, 3)), 0),
        (RNG.dirichlet(np.ones(3), size=2), RNG.normal(size=(2, 3)), -1),
        (RNG.dirichlet(np.ones(2), size=3).T, RNG.normal(size=(2, 3)), 0),
        ([0, 1, 0], [3, 2, 1], -1),
    ],
)
def test_the_three_agree_for_ordinary_logits(labels, logits, axis):
    ways = unfuse(labels, logits, axis)
    assert isinstance(ways, Unfused)
    assert [way.title for way in ways] == ["primitives", "log-softmax and pick", "fused"]
    z = tx.Tensor(np.asarray(logits, float))
    if np.shape(labels) == np.shape(logits):
        loss = tx.softmax_cross_entropy_with_logits(labels=labels, logits=z, dim=axis)
    else:
        loss = tx.sparse_categorical_crossentropy(labels, z, from_logits=True, axis=axis)
    gradient = tx.gradients(loss.sum(), z)
    for way in ways:
        np.testing.assert_allclose(way.loss.data.ravel(), loss.data.ravel(), rtol=1e-14)
        np.testing.assert_allclose(way.gradient, gradient, rtol=1e-13, atol=1e-16)
        assert min(way.loss_digits, way.gradient_digits) > 13.5
        assert way.trouble == ""


def test_overflow():
    """exp(1000) is beyond float64; the two others subtract the largest logit first."""
    primitives, log_softmax, fused = unfuse(0, [1000.0, 0.0])
    assert np.isnan(primitives.loss.data)
    assert np.isnan(primitives.gradient).all()
    assert primitives.loss_digits == primitives.gradient_digits == 0
    assert primitives.trouble.startswith(
        "exp made inf at e^z[0] out of logits = 1000. exp overflows"
    )
    for way in (log_softmax, fused):
        assert way.loss.data == 0
        assert (way.gradient == 0).all()
        assert way.trouble == ""
    primitives, log_softmax, fused = unfuse(1, [1000.0, 0.0])
    assert primitives.loss.data == np.inf
    assert log_softmax.loss.data == fused.loss.data == 1000


def test_lost_digits():
    """p rounds to 1: the primitives lose the loss, log-softmax and the fused op nothing."""
    primitives, log_softmax, fused = unfuse(0, [37.43, 0.0])
    exact = np.exp(-37.43)
    assert primitives.loss.data == 0
    assert primitives.loss_digits == 0
    assert primitives.trouble == f"log loses 16.0 of 16.0 digits: a loss of {exact:.2e} becomes -0."
    assert log_softmax.loss.data == pytest.approx(exact, rel=1e-14, abs=0)
    for way in (log_softmax, fused):
        np.testing.assert_allclose(way.gradient, [-exact, exact], rtol=1e-14)
        assert way.gradient_digits > 15
        assert way.trouble == ""


def test_a_digit_lost_on_another_class_is_no_trouble():
    assert [way.trouble for way in unfuse(1, [37.43, 0.0])] == ["", "", ""]


def test_digits_that_do_not_show_in_three_are_told_of_too():
    trouble = unfuse(0, [20.0, 0.0])[0].trouble
    assert re.fullmatch(r"log loses [6-9]\.\d of 16\.0 digits of the loss\.", trouble)


def test_what_is_kept():
    """Six arrays, three, one; of a batch of two rows of three float32."""
    logits = RNG.normal(size=(2, 3)).astype(np.float32)
    sparse, dense = unfuse([0, 1], logits), unfuse(np.eye(3)[:2], logits)
    assert [way.kept for way in sparse] == [6, 3, 1]
    assert [way.bytes for way in sparse] == [4 * (6 + 2 + 6 + 6 + 2 + 2), 4 * (6 + 2 + 2), 4 * 2]
    assert [way.kept for way in dense] == [7, 4, 1]
    assert {way.loss.dtype for way in [*sparse, *dense]} == {np.dtype(np.float32)}
    assert sparse[0].loss_digits <= 7.3


def test_text():
    text = str(unfuse(0, [1000.0, 0.0]))
    table, troubles = text.split("\n\n")
    assert table.splitlines()[0].split() == ["primitives", "log-softmax", "and", "pick", "fused"]
    assert [line.partition("  ")[0] for line in table.splitlines()[1:]] == [
        "loss",
        "gradient of the logits",
        "right digits of the loss",
        "right digits of the gradient",
        "tensors kept",
        "their bytes",
    ]
    assert troubles.splitlines()[1:] == [
        "log-softmax and pick: no more than three digits are lost.",
        "fused: no more than three digits are lost.",
    ]
    assert repr(unfuse(0, [1000.0, 0.0])) == text


def test_html():
    found = unfuse([0, 1], [[2.0, 1.0], [0.0, 3.0]])
    text = found._repr_html_()
    page = ET.fromstring(re.sub(r"(<img [^>]*)>", r"\1/>", text))  # noqa: S314 - our own
    rows = [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]
    assert rows[1] == ["loss", "[0.313 0.0486]", "[0.313 0.0486]", "[0.313 0.0486]"]
    assert [cell.get("scope") for cell in page.iter("th")] == ["col"] * 4 + ["row"] * 6
    titles = [caption.text for caption in page.iter("figcaption")]
    assert titles == [way.title for way in found.ways]
    assert len(list(page.iter("img"))) == 3
    assert all(image.get("alt") for image in page.iter("img"))
    assert len(list(page.iter("li"))) == 3
    assert not re.search(r"<script|https?://(?!www.w3.org)", text)
    assert "p = " in str(found.pictures[0])


def test_errors_are_those_of_the_losses():
    for labels, logits, kind in [
        (3, [1.0, 2.0], errors.LabelRangeError),
        (0.5, [1.0, 2.0], errors.LabelDtypeError),
        (0, 3.0, errors.ShapeError),
        ([0, 1], [[1.0, 2.0]], errors.ShapeError),
        (0, ["a", "b"], errors.DtypeError),
    ]:
        with pytest.raises(kind):
            unfuse(labels, logits)
    with pytest.raises(errors.AxisError):
        unfuse(0, [1.0, 2.0], axis=3)


def test_a_given_tensor_is_left_alone():
    z = tx.Tensor([2.0, 1.0, 0.1], name="mine")
    ways = unfuse(0, z)
    assert z.name == "mine"
    assert z.grad is None
    assert all(way.logits is not z for way in ways)
