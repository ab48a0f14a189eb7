"""Arrays as numbers, coloured cells and summaries; colours that can be read."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_xent.visualization.drawing.cells import (
    INF,
    LEVELS,
    MINUS_INF,
    MISSING,
    NAN,
    Cells,
    Phrase,
    Summary,
    table_of,
)
from tinygrad_xent.visualization.drawing.marks import Patch, Sign, Text, layout_of
from tinygrad_xent.visualization.drawing.records import Box
from tinygrad_xent.visualization.drawing.style import (
    GREY,
    INK,
    LOOKS,
    contrast,
    heat,
    ink,
    text_width,
)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (np.array(0.4170), "0.417"),
        (np.array([[-1.2e-5]]), "-1.2e-05"),
        (np.array(7), "7"),
        (np.array([]), "no entries"),
        (np.array(["a", "b"]), "<U1 entries"),
        (np.array([None]), "object entries"),
    ],
)
def test_one_number_or_none_is_a_phrase(data, text: str) -> None:
    assert table_of(data) == Phrase(text)


def test_a_small_table() -> None:
    shown = table_of(np.array([[1.0, -0.5], [0.0, 1e-9]]))
    assert shown == Cells(
        levels=((LEVELS, -LEVELS // 2), (0, 1)),
        texts=(("1", "-0.5"), ("0", "1e-09")),
        slice_rows=2,
    )


def test_only_zero_has_no_colour() -> None:
    shown = table_of(np.array([5e-324, -1e-300, 0.0, 1e308]))
    assert isinstance(shown, Cells)
    assert shown.levels == ((1, -1, 0, LEVELS),)
    assert table_of(np.zeros(3)) == Cells(((0, 0, 0),), (("0", "0", "0"),), 1)


def test_what_is_not_finite_is_no_colour_and_spoils_no_other() -> None:
    shown = table_of(np.array([np.nan, np.inf, -np.inf, -2.0, 1.0]))
    assert isinstance(shown, Cells)
    assert shown.levels == ((NAN, INF, MINUS_INF, -LEVELS, LEVELS // 2),)
    assert shown.texts == (("✗ NaN", "▲ inf", "▼ -inf", "-2", "1"),)


@pytest.mark.parametrize(
    ("shape", "rows", "columns", "printed", "note"),
    [
        ((10,), 1, 10, True, ""),
        ((1, 1, 10), 1, 10, True, ""),
        ((11,), 1, 11, False, ""),
        ((6, 8), 6, 8, True, ""),
        ((7, 8), 7, 8, False, ""),
        ((6, 9), 6, 9, False, ""),
        ((32, 32), 32, 32, False, ""),
        ((20,), 3, 8, False, "wrapped, 8 to a line"),
        ((64,), 8, 8, False, "wrapped, 8 to a line"),
        ((65,), 5, 16, False, "wrapped, 16 to a line"),
        ((1024,), 32, 32, False, "wrapped, 32 to a line"),
        ((2, 3, 4), 6, 4, True, "2 slices of 3×4"),
        ((2, 5, 3, 4), 30, 4, False, "10 slices of 3×4"),
    ],
)
def test_forms(shape, rows: int, columns: int, printed: bool, note: str) -> None:
    shown = table_of(np.ones(shape))
    assert isinstance(shown, Cells)
    assert (len(shown.levels), len(shown.levels[0])) == (rows, columns)
    assert (shown.texts is not None, shown.note) == (printed, note)
    assert shown.slice_rows == (3 if "slices" in note else rows)
    missing = sum(row.count(MISSING) for row in shown.levels)
    assert rows * columns - missing == np.prod(shape)


@pytest.mark.parametrize("shape", [(33, 2), (2, 33), (1025,), (40, 1)])
def test_large_arrays_are_summarised(shape) -> None:
    assert isinstance(table_of(np.ones(shape)), Summary)


def test_a_summary() -> None:
    data = np.linspace(-1.0, 3.0, 1100)
    data[:11] = 0.0
    data[11:33] = np.nan
    data[33] = np.inf
    shown = table_of(data.reshape(100, 11))
    assert isinstance(shown, Summary)
    finite = data[np.isfinite(data)]
    lines = dict(shown.lines)
    assert (lines["max"], lines["min"]) == ("3", "-0.876")
    assert float(lines["mean"]) == pytest.approx(finite.mean(), rel=1e-2)
    assert float(lines["norm"]) == pytest.approx(np.linalg.norm(finite), rel=1e-2)
    assert (lines["zero"], lines["NaN"], lines["inf"]) == ("1 %", "2 %", "<1 %")
    assert len(shown.histogram) == 24
    assert max(shown.histogram) == 1
    assert (shown.low, shown.high) == (finite.min(), finite.max())


def test_summaries_of_extremes_do_not_overflow() -> None:
    lines = dict(table_of(np.array([[1e308, -1e308, 0.0] * 20] * 2)).lines)
    assert (lines["max"], lines["mean"], lines["norm"]) == ("1e+308", "0", "inf")
    tiny = dict(table_of(np.full((40, 2), 5e-324)).lines)
    assert tiny["norm"] == "4.45e-323"
    nothing = table_of(np.full((40, 2), np.nan))
    assert nothing == Summary((("NaN", "100 %"),), (), 0.0, 0.0)
    same = table_of(np.full((40, 2), 3, np.int64))
    assert isinstance(same, Summary)
    assert sum(same.histogram) == 1


# -- colours ---------------------------------------------------------------------------------


@pytest.mark.parametrize("level", range(-LEVELS, LEVELS + 1))
def test_numbers_can_be_read_on_their_colour(level: int) -> None:
    assert contrast(ink(heat(level)), heat(level)) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("kind", LOOKS)
def test_all_other_text_and_borders_can_be_told(kind: str) -> None:
    head, border, *_ = LOOKS[kind]
    for text in (INK, GREY):
        assert contrast(text, head) >= 4.5
        assert contrast(text, "#ffffff") >= 4.5
    assert contrast(border, "#ffffff") >= 3


def test_shades_are_in_order_and_signs_apart() -> None:
    shades = [heat(level) for level in range(-LEVELS, LEVELS + 1)]
    assert len(set(shades)) == 2 * LEVELS + 1
    light = [contrast(shade, "#000000") for shade in shades]
    assert light[: LEVELS + 1] == sorted(light[: LEVELS + 1])
    assert light[LEVELS:] == sorted(light[LEVELS:], reverse=True)
    assert (shades[0], shades[LEVELS], shades[-1]) == ("#7f3b08", "#ffffff", "#2d004b")


# -- layouts -----------------------------------------------------------------------------------

ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float16, np.int64, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=12)
    | st.sampled_from([(4, 8), (20,), (65,), (33, 40), (2, 3, 8)]),
)
NAMES = st.text(max_size=60)


@given(ARRAYS, NAMES, st.lists(NAMES, max_size=12), st.booleans(), NAMES)
def test_nothing_sticks_out_of_its_box_or_is_written_over(
    value, name: str, ports: list[str], gradient: bool, made: str
) -> None:
    box = Box("n0", name, "op", value, made, "op", tuple(ports), (name, made))
    if gradient:
        box = Box("n0", name, "leaf", value, gradient=value, ports=tuple(ports))
    shown = layout_of(box)
    lines: dict[float, list[tuple[float, float]]] = {}
    for mark in shown.marks:
        if isinstance(mark, Text):
            bold = text_width(mark.bold, mark.size, bold=True)
            width = bold + text_width(mark.text, mark.size)
            left = mark.x - {"start": 0, "middle": width / 2, "end": width}[mark.anchor]
            assert left >= 0
            assert left + width <= shown.width
            assert 0 < mark.y < shown.height
            lines.setdefault(mark.y, []).append((left, left + width))
        if isinstance(mark, Patch):
            for x, y, w, h in mark.rects:
                assert mark.x + x >= 0
                assert mark.x + x + w <= shown.width
                assert mark.y + y >= shown.header
                assert mark.y + y + h <= shown.height
    for line in lines.values():
        line.sort()
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(line))


def test_value_and_gradient_of_a_row_stand_in_columns() -> None:
    value, gradient = np.array([2.0, 1.0, 0.1]), np.array([-0.341, 0.24243297, 0.09856589])
    marks = layout_of(Box("n0", "z", "leaf", value, gradient=gradient)).marks
    numbers = [m for m in marks if isinstance(m, Text) and m.anchor == "middle"]
    assert [m.text for m in numbers] == ["2", "1", "0.1", "−0.341", "0.242", "0.0986"]
    assert [m.x for m in numbers[:3]] == [m.x for m in numbers[3:]]


def test_numbers_are_written_in_the_ink_of_their_cell() -> None:
    marks = layout_of(Box("n0", "z", "leaf", np.linspace(-1, 1, 9).reshape(3, 3))).marks
    fills = {
        (patch.x + x + w / 2, patch.y + y): patch.fill
        for patch in marks
        if isinstance(patch, Patch)
        for x, y, w, _ in patch.rects
    }
    numbers = [m for m in marks if isinstance(m, Text) and m.anchor == "middle"]
    assert len(numbers) == len(fills) == 9
    for text in numbers:
        assert contrast(text.fill, fills[text.x, text.y - 13]) >= 4.5


def test_cells_without_numbers_carry_signs() -> None:
    data = np.ones((9, 9))
    data[0, :3] = np.nan, np.inf, -np.inf
    signs = [m.what for m in layout_of(Box("n0", "x", "leaf", data)).marks if isinstance(m, Sign)]
    assert signs == [NAN, INF, MINUS_INF]
