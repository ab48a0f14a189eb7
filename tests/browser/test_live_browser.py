"""Pages that compute, in a real browser: their numbers are Python's, also after edits."""

from __future__ import annotations

import contextlib
import itertools
import re

import live_cases
import numpy as np
import pytest
from random_graphs import random_graph

import tinygrad_xent as tx
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.ops import OPS
from tinygrad_xent.teaching.museum import RIGHT_RULES, WRONG_RULES, op_of
from tinygrad_xent.visualization.live.program import program_of
from tinygrad_xent.visualization.live.recorded import FACTS

pytestmark = pytest.mark.browser

CLOSE = 1e-12


def answers(visit, cases):
    """What the page computes; all graphs in one page."""
    page = visit(live_cases.HTML)
    found = page.evaluate("(cases) => cases.map(run)", [case.to_dict() for case in cases])
    assert not page.problems
    return list(zip(cases, found, strict=True))


def far_apart(compared, **options):
    return [
        f"{word}: {far:.1e}"
        for case, answer in compared
        for far, word in live_cases.differences(case, answer, **options)
        if not far <= CLOSE
    ]


def test_every_op_has_its_function(visit) -> None:
    names = visit(live_cases.HTML).evaluate("() => Object.keys(functions.ops)")
    assert {*OPS, *FACTS} <= set(names)
    assert names == sorted(names)


def test_every_op_computes_as_in_python(visit) -> None:
    compared = answers(visit, list(live_cases.op_cases()))
    assert {case.label.split()[0] for case, _ in compared} == set(OPS)
    assert far_apart(compared) == []
    assert [word for _, answer in compared for word in answer["words"] if word] == []


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numbers_that_are_hard_keep_their_digits(visit, dtype) -> None:
    # Each entry on its own: tiny ones beside large ones, and what overflows in the naive formula.
    x = np.array(
        [1e-20, -1e-20, 1e-9, 0.0, -0.0, 0.3, 40.0, -40.0, 1000.0, -1000.0, np.inf, np.nan]
    )
    rows = np.array([[1000.0, 0.0, -1000.0], [1e-20, 0.0, 0.0], [40.0, 0.0, 0.5], [1, -np.inf, 2]])
    labels = np.array([0, 2, 0, 2])
    with np.errstate(all="ignore"):
        unary = [op for op in OPS.values() if op.shapes == "()->()" and len(op.inputs) == 1]
        made = [op(tx.Tensor(x.astype(dtype))) for op in unary if not op.required]
        z = tx.Tensor(rows.astype(dtype))
        made += [op(z, axis=-1) for op in (tx.softmax, tx.log_softmax, tx.logsumexp)]
        made += [tx.ops.sparse_softmax_cross_entropy(labels, z)]
        made += [tx.ops.softmax_minus_one_hot(labels, z)]
        made += [tx.ops.softmax_cross_entropy(np.eye(3, dtype=dtype)[labels], z)]
        made += [tx.ops.softmax_minus_labels(np.eye(3, dtype=dtype)[labels], z)]
        made += [tx.logaddexp(z, -z), tx.hypot(z, 1e-3), tx.arctan2(z, -z), tx.power(1.0, z)]
        cases = [live_cases.Case(str(y.op), program_of(y.sum()), []) for y in made]
    assert len(cases) > 30
    for (case, answer), y in zip(answers(visit, cases), made, strict=True):
        number = case.program.tensors[y]
        got = live_cases.numbers(answer["states"][0], number)
        close = 1e-12 if dtype == "float64" else 1e-6
        np.testing.assert_allclose(got, y.data, rtol=close, atol=0, err_msg=case.label)


def test_every_kind_of_index_chooses_as_in_numpy(visit) -> None:
    mask = np.arange(12).reshape(3, 4) % 5 == 0
    rows, columns = np.array([[0, 2], [-1, 1]]), np.array([1, -1])
    every = slice(None)
    indices = [
        1, -1, (0, -1), (..., 1), (None, 1), (1, None, ..., -2), (0, 1, 2), ..., None,
        slice(None, None, -2), (slice(5, 0, -2), slice(-3, 9), slice(2, 2)), slice(-9, 99, 2),
        [0, 2, 2], rows, mask, (mask, 1), (mask, slice(1, 3)), (every, columns, 1),
        (rows, every, columns), (0, every, columns), (columns, None, columns), (1, ..., columns),
        (every, None, columns, columns), (rows, [0, 1]), (every, every, np.arange(5) > 2),
        (np.array([True, False, True]), every, [0, 1]), (columns, slice(0, 3), slice(3, None, -1)),
        (None, columns, every, columns), (slice(2), columns, None, columns),
        (every, columns, ..., columns), (every, 1, None, columns), (every, 1, ..., 2),
    ]  # fmt: skip
    x = tx.Tensor(np.random.default_rng(0).normal(size=(3, 4, 5)), name="x")
    cases = [
        live_cases.Case(
            str(index), program_of((x[index] * 1.5 + x[index] ** 2).sum()), [(0, 3, "7")]
        )
        for index in indices
    ]
    assert far_apart(answers(visit, cases)) == []


def test_the_graphs_of_the_lessons_compute_as_in_python(visit, tmp_path, monkeypatch) -> None:
    cases = live_cases.lesson_cases(tmp_path, monkeypatch)
    assert len(cases) > 12
    assert all(case.edits for case in cases)
    compared = answers(visit, cases)
    assert far_apart(compared) == []
    assert [word for _, answer in compared for word in answer["words"] if word] == []
    unknown = {why.split(":")[0] for case in cases for why in case.program.unknown}
    assert unknown <= {"op kernel_cross_entropy", "op kernel_gradient"}, (
        "a lesson that stands still"
    )


def test_random_graphs_compute_as_in_python(visit) -> None:
    rng = np.random.default_rng(0)
    cases = [live_cases.case_of(f"seed {k}", random_graph(k), rng) for k in range(len(OPS))]
    whole = [case for case in cases if {e.get("dtype", "float64") for e in case.program.entries}
             <= {"float64", "int64", "bool"}]  # fmt: skip
    assert len(whole) > 40
    compared = answers(visit, whole)
    # Sums that come to nothing are roundings: of the largest number of the graph, here.
    assert far_apart(compared, beside_largest=True) == []
    assert all(not case.program.unknown for case in whole)


def test_a_learners_rule_follows_or_says_that_it_does_not(visit) -> None:
    # The right and the wrong rules of the museum are written in all the ways that learners know.
    cases = []
    for rule in (*RIGHT_RULES, *WRONG_RULES):
        rng = np.random.default_rng(0)
        op = op_of(rule)
        for inputs, params in itertools.islice(samples(rule.op, rng), 1):
            real = [np.asarray(x).dtype.kind == "f" for x in inputs]
            given = [tx.Tensor(x) if r else x for x, r in zip(inputs, real, strict=True)]
            with contextlib.suppress(Exception):  # many rules fail, which is their mistake
                out = op.on(given, params)
                output = (out * tx.Tensor(rng.normal(size=out.shape))).sum()
                dict(tx.backpropagate(output))
                cases.append(live_cases.case_of(f"{rule.name} {params}", output, rng))
    compared = answers(visit, cases)
    assert len(compared) > 150
    follow = [case for case in cases if not case.program.unknown]
    assert len(follow) > len(cases) * 3 // 4
    sums_of_zeros = "softmax_jacobian_summed"  # nothing but roundings, which differ
    assert [text for text in far_apart(compared) if not text.startswith(sums_of_zeros)] == []
    unknown = {case.label.split()[0] for case in cases if case.program.unknown}
    assert "cross_entropy_of_bare_numbers" in unknown  # it takes them out of the Tensors


# -- editing -------------------------------------------------------------------------------------


@pytest.fixture
def editor(visit):
    """Return a function that opens a page with a program as `live` in it."""

    def open_page(output, **options):
        page = visit(live_cases.HTML)
        page.evaluate(
            "(program) => { window.live = new Live(program); }",
            program_of(output, **options).to_dict(),
        )
        return page

    return open_page


WEIGHTS = np.array([0.25, 0.75], np.float32)


def small():
    """x of shape (2, 3), labels t and the weights of their losses."""
    x = tx.Tensor([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]], name="x")
    losses = tx.sparse_softmax_cross_entropy_with_logits(labels=np.array([2, 0]), logits=x)
    return (losses * WEIGHTS).sum()


def edit(page, name, place, text):
    return page.evaluate(
        "([name, place, text]) => live.edit(live.leaves.find((x) => x.name === name).number,"
        " place, text).word",
        [name, place, text],
    )


def all_values(page):
    return page.evaluate("() => JSON.stringify(live.values)")


def test_undo_and_reset(editor) -> None:
    page = editor(small())
    first = all_values(page)
    assert edit(page, "x", 0, "3") is None
    second = all_values(page)
    assert second != first
    assert edit(page, "x", 5, "-1e-3") is None
    page.evaluate("() => live.undo()")
    assert all_values(page) == second
    page.evaluate("() => live.reset()")
    assert all_values(page) == first
    page.evaluate("() => live.undo()")  # a reset can be taken back as well
    assert all_values(page) == second
    page.evaluate("() => { live.undo(); live.undo(); live.undo(); }")
    assert all_values(page) == first
    assert edit(page, "x", 0, "1") is None  # as it was
    assert page.evaluate("() => live.past.length") == 0


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("x", "", "type a number"),
        ("x", "  ", "type a number"),
        ("x", "1,5", "1,5 is not a number"),
        ("x", "abc", "abc is not a number"),
        ("x", "0x10", "0x10 is not a number"),
        ("x", "1e999", "1e999 is too large for float64"),
        ("labels", "3", "there is no class 3: the classes are 0 to 2"),
        ("labels", "-1", "there is no class -1: the classes are 0 to 2"),
        ("labels", "0.5", "0.5 is not a whole number"),
        ("labels", "1e30", "1e30 does not fit into int64"),
        ("labels", "nan", "nan is not a number"),
        ("weights", "1e39", "1e39 is too large for float32"),
    ],
)
def test_bad_input_gets_a_word_and_changes_nothing(editor, name, text, word) -> None:
    page = editor(small(), names={"weights": WEIGHTS})
    before = all_values(page)
    assert edit(page, name, 0, text) == word
    assert all_values(page) == before
    assert page.evaluate("() => live.address") == ""


def test_numbers_are_typed_in_many_ways(editor) -> None:
    page = editor(tx.Tensor([1.0, 2.0], name="x").sum())
    for text, number in {
        " 3 ": 3, "+2.50": 2.5, ".5": 0.5, "5.": 5, "1E-3": 0.001, "\N{MINUS SIGN}4": -4,
    }.items():  # fmt: skip
        assert edit(page, "x", 0, text) is None
        assert page.evaluate("() => live.values[0].data[0]") == number
    assert edit(page, "x", 0, "-inf") is None
    assert page.evaluate("() => live.values[1].data[0] === -Infinity")


def test_the_address_has_what_was_edited_and_nothing_else(editor) -> None:
    page = editor(small())
    assert edit(page, "x", 5, "2.5") is None
    assert edit(page, "x", 0, "-inf") is None
    assert edit(page, "labels", 1, "1") is None
    address = page.evaluate("() => live.address")
    assert address == "x[0,0]=-inf;x[1,2]=2.5;labels[1]=1"
    values = all_values(page)
    again = editor(small())
    assert again.evaluate("(address) => live.load(address)", "#" + address) == []
    assert all_values(again) == values


def test_a_bad_part_of_an_address_gets_a_word_and_the_others_count(editor) -> None:
    page = editor(small())
    words = page.evaluate(
        "() => live.load('#x[0,9]=1;y=2;x=1;labels[0]=7;x[0,0]=;;%E0%A4=1;nonsense;x[1,1]=8')"
    )
    assert [re.sub(r":.*", "", word) for word in words] == [
        "x[0,9]=1", "y=2", "x=1", "labels[0]=7", "x[0,0]=", "%E0%A4=1", "nonsense",
    ]  # fmt: skip
    assert page.evaluate("() => live.address") == "x[1,1]=8"


def test_names_of_every_kind_stand_in_an_address(editor) -> None:
    for name in ("a=b;c", "W[1]", "∂x", "two words", "50%", "#"):
        page = editor(tx.Tensor([1.0, 2.0], name=name).sum())
        assert edit(page, name, 1, "5") is None
        address = page.evaluate("() => live.address")
        assert not set(address.split("%5B")[0].rsplit("[", 1)[0]) & set("=;# ")
        page.evaluate("() => live.reset()")
        assert page.evaluate("(address) => live.load(address)", address) == []
        assert page.evaluate("() => live.address") == address


def test_where_a_rule_goes_another_way_the_edit_is_refused(editor) -> None:
    page = editor(tx.prod(tx.Tensor([2.0, 3.0], name="x")))
    before = all_values(page)
    assert edit(page, "x", 0, "4") is None
    assert edit(page, "x", 0, "0").startswith("with this number the rule of prod goes another way")
    page.evaluate("() => live.undo()")
    assert all_values(page) == before


def test_what_cannot_follow_is_unknown_and_known_again_after_undo(editor) -> None:
    @tx.op
    def cube_by_loop(x):
        out = np.zeros_like(x)
        for i in range(len(x)):
            out[i] = x[i] ** 3
        return out

    @cube_by_loop.backward
    def cube_by_loop_backward(grad, y, x):
        return 3 * grad * x * x

    x = tx.Tensor([1.0, 2.0], name="x")
    w = tx.Tensor([5.0, 6.0], name="w")
    page = editor((cube_by_loop(x) * w).sum())
    known = "() => live.values.filter((x) => x === null).length"
    assert page.evaluate(known) == 0
    assert edit(page, "w", 0, "7") is None  # nothing goes from w into the op
    assert page.evaluate(known) == 0
    assert edit(page, "x", 0, "7") is None
    assert page.evaluate(known) > 0
    page.evaluate("() => live.undo()")
    assert page.evaluate(known) == 0


def test_a_mask_that_would_choose_more_entries_is_refused(editor) -> None:
    x = tx.Tensor([1.0, 2.0, 3.0], name="x")
    page = editor(x[tx.Tensor([True, False, True], name="mask")].sum())
    word = "with this number an array would have another shape"
    assert edit(page, "mask", 1, "true") == word
    assert page.evaluate("() => live.address") == ""


def test_half_precision_is_rounded_to_even(editor) -> None:
    numbers = np.random.default_rng(0).normal(size=400) * 10.0 ** np.arange(-9, 7).repeat(25)
    numbers = np.concatenate([numbers, [2049, 2051, 65519, 65520, -65520, 2.0**-25, 3 * 2.0**-25]])
    page = editor(tx.Tensor(numbers, name="x").sum())
    got = page.evaluate(
        "() => Array.from(functions.rounded(live.values[0], 'float16').data, written)"
    )
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal([float(x) for x in got], numbers.astype(np.float16))
