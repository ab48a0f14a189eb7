"""Worksheets: numbers that are easy by hand, a page with blanks, a page with answers."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.teaching.sheet import exact_text


def small_loss():
    x, y = tx.Tensor(2.0, name="x"), tx.Tensor(3.0, name="y")
    product = x * y
    loss = product * product
    return loss, {"product": product, "loss": loss}


def softmax_loss():
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    p = tx.softmax(z)
    loss = tx.sparse_categorical_crossentropy(0, p)
    return loss, {"p": p, "loss": loss}


def texts(svg):
    """The words and numbers that are painted; tooltips and descriptions are left out."""
    painted = re.findall(r"<text[^>]*>(.*?)</text>", svg)
    return [html.unescape(re.sub(r"<[^>]*>", "", text)) for text in painted]


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (-7.0, "-7"),
        (0.75, "0.75"),
        (1 / 3, "1/3"),
        (-5 / 36, "-5/36"),
        (np.log(6), "ln 6"),
        (-np.log(4 / 3), "-ln(4/3)"),
        (np.sqrt(2), None),
        (1e4, None),
        (1e-9, None),
        (5e-10, None),
        (0.1 + 0.2 - 0.3, "0"),
        (np.inf, None),
        (np.nan, None),
    ],
)
def test_numbers_are_written_exactly_or_not_at_all(x, text):
    assert exact_text(float(x)) == text


def test_own_numbers_stay_when_they_are_easy():
    loss, names = small_loss()
    sheet = tx.worksheet(loss, names=names)
    assert sheet.loss is loss
    numbers = [text for text in texts(sheet.key) if re.fullmatch(r"−?[\d./]+", text)]
    assert sorted(numbers, key=int) == ["1", "2", "3", "6", "12", "24", "36", "36"]


def test_a_softmax_gets_logarithms_so_that_probabilities_are_fractions():
    loss, names = softmax_loss()
    sheet = tx.worksheet(loss, names=names)
    z = next(x for x in tx.ancestors(sheet.loss) if x.name == "z")
    assert len(set(z.data)) == 3
    assert all(exact_text(x).startswith(("ln ", "0")) for x in z.data)
    assert exact_text(sheet.loss.item()).startswith("ln")
    assert {"p", "z", "loss"} <= {text.split(" = ")[0] for text in texts(sheet.key)}
    assert loss.item() == pytest.approx(0.417, abs=1e-3), "the learner's own graph stays as it was"


def test_an_array_without_entries_is_left_to_nobody():
    x = tx.Tensor([1.0, 2.0], name="x")
    for nothing in (x[x.data > 5], tx.ops.reshape(x[:0], shape=(0, 3))):
        sheet = tx.worksheet(nothing.sum() + x.sum())
        assert "no entries" in texts(sheet.sheet)
        assert "no entries" in texts(sheet.key)


def test_the_key_has_the_gradients():
    loss, names = softmax_loss()
    sheet = tx.worksheet(loss, names=names, seed=5)
    (z,) = [x for x in tx.ancestors(sheet.loss) if x.op is None]
    for entry in tx.gradients(sheet.loss, z):
        assert exact_text(entry).replace("-", "−") in texts(sheet.key)


def test_each_seed_gives_other_numbers_and_always_the_same():
    loss, names = small_loss()
    keys = [tx.worksheet(loss, names=names, seed=seed).key for seed in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2]


def test_the_sheet_gives_nothing_away():
    loss, names = small_loss()
    sheet = tx.worksheet(loss, names=names)
    assert [text for text in texts(sheet.sheet) if re.fullmatch(r"−?[\d./]+", text)] == ["2", "3"]
    assert "36" not in re.sub(r'\w+="[^"]*"', "", sheet.sheet), "nor does a tooltip"
    assert "∂x = " in texts(sheet.sheet)
    assert "∂x = y ∂product" in texts(sheet.key)


def test_boxes_stand_at_the_same_places_on_both_pages():
    loss, names = softmax_loss()
    sheet = tx.worksheet(loss, names=names)
    pages = [
        re.findall(r'<g id="n\d+" transform="[^"]+"', page) for page in (sheet.sheet, sheet.key)
    ]
    assert pages[0] == pages[1]
    assert len(pages[0]) == 4


def test_the_page_to_print(tmp_path):
    loss, names = small_loss()
    sheet = tx.worksheet(loss, names=names, seed=4)
    path = sheet.save(tmp_path / "sheet.html")
    page = path.read_text("utf-8")
    key = (tmp_path / "sheet-key.html").read_text("utf-8")
    assert "The gradients of loss, no. 4" in page
    assert "Answer key: loss, no. 4" in key
    for one in (page, key):
        assert one.count("<svg") == 1
        assert not re.search(r'(src|href)="http', one)
    assert "Answer key" not in page
    assert "data:image/svg+xml" in sheet._repr_html_()
    with pytest.raises(tx.errors.FileFormatError, match=r"'\.svg'; end the name in \.html\. Its"):
        sheet.save("a.svg")


def test_names_are_escaped():
    x = tx.Tensor(2.0, name="<b>")
    page = tx.worksheet(x * 3.0, names={}).html
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_what_is_too_large_to_fill_in_is_refused():
    x = tx.Tensor(np.ones(13), name="x")
    with pytest.raises(
        tx.errors.GraphTooLargeError, match=r"x has the shape \(13,\), too large to fill in"
    ):
        tx.worksheet(x.sum())
    y = tx.Tensor(2.0)
    for _ in range(16):
        y = y + 1.0
    with pytest.raises(tx.errors.GraphTooLargeError, match="the graph has 17 boxes, too many"):
        tx.worksheet(y)
    with pytest.raises(tx.errors.NotScalarError):
        tx.worksheet(tx.Tensor([1.0, 2.0]) * 2.0)
    with pytest.raises(tx.errors.NotRecordedError):
        tx.worksheet(np.float64(2.0))
