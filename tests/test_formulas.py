"""Formulas in text and as MathML, and what graphs call their tensors."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import ops
from tinygrad_xent.commands.streams import ascii_text
from tinygrad_xent.visualization.formulas import formula_text, letters_of, mathml, rule_of
from tinygrad_xent.visualization.naming import names_of, printable

MATHML = "{http://www.w3.org/1998/Math/MathML}"


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own text


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\bar x = \bar y / x", "∂x = ∂y / x"),
        (r"\bar x_i = y_i\,(\bar y_i - \sum_j \bar y_j\,y_j)", "∂xᵢ = yᵢ (∂yᵢ − Σⱼ ∂yⱼ yⱼ)"),
        (r"\bar X = \bar Z\,Y^T", "∂X = ∂Z Yᵀ"),
        (r"\bar y = -\bar z", "∂y = −∂z"),
        (r"y = \min(\max(x, a), b)", "y = min(max(x, a), b)"),
        (r"y = |x|", "y = |x|"),
        (r"y = \ln \sum_i e^{x_i}", "y = ln Σᵢ e^(xᵢ)"),
        (r"\bar x = \bar y / (2 y)", "∂x = ∂y / (2y)"),
        (r"y = \sqrt{x + 1}", "y = √(x + 1)"),
        (r"y = \frac{1}{n - 1} x^2", "y = 1/(n − 1) x²"),
        (r"(\bar x_0, \bar x_1, \dots) = \bar y", "(∂x₀, ∂x₁, …) = ∂y"),
        (r"y = \prod_{j \ne i} x_j", "y = Π_(j≠i) xⱼ"),
    ],
)
def test_text(latex, text):
    assert formula_text(latex) == text


def test_names_take_the_place_of_letters():
    letters = {"X": "hidden", "Y": "W2", "Z": "out"}
    assert formula_text(r"\bar X = \bar Z\,Y^T", letters) == "∂hidden = ∂out W2ᵀ"
    assert formula_text("Z = X Y", letters) == "out = hidden W2"
    assert formula_text("y = x^n", {"x": "base", "n": "power", "y": "out"}) == "out = base^power"
    assert formula_text(r"\bar x = y", {"x": "h (2)"}) == "∂(h (2)) = y"
    assert formula_text(r"y = \max(x, 0)", {"x": "max", "y": "v"}) == "v = max(max, 0)"


def test_a_name_that_is_also_a_letter_of_the_formula_is_not_put_in():
    rule = r"\bar z_i = \bar\ell\,(p_i - [i = t])"
    assert formula_text(rule, {"z": "p", "ℓ": "loss"}) == "∂zᵢ = ∂ℓ (pᵢ − [i = t])"
    assert formula_text(rule, {"z": "q", "ℓ": "loss"}) == "∂qᵢ = ∂loss (pᵢ − [i = t])"
    assert formula_text("z = x y", {"x": "y", "y": "x", "z": "z"}) == "z = y x", "all at once"


def test_mathml_is_well_formed_and_names_are_text():
    evil = '<script>"&\\'
    tree = parsed(mathml(r"\bar x = y\,z", {"x": "hidden", "y": evil}))
    texts = [node.text for node in tree.iter() if node.text]
    assert tree.tag == f"{MATHML}math"
    assert texts == ["∂hidden", "=", evil, "z"]
    bars = parsed(mathml(r"\bar x")).findall(f".//{MATHML}mover")
    assert len(bars) == 1, "without a name the overline stays"


def test_multiplied_names_stay_apart_on_pages():
    tree = parsed(mathml("Z = X Y", {"X": "pixels", "Y": "W1"}))
    (row,) = tree
    assert [node.tag.removeprefix(MATHML) for node in row] == ["mi", "mo", "mi", "mspace", "mi"]


@pytest.mark.parametrize("op", ops.OPS.values(), ids=str)
def test_every_formula_of_every_op_can_be_written(op):
    count = len(op.inputs) or 2
    inputs = tuple(f"in{i}" for i in range(count))
    letters = letters_of(op, inputs, "out")
    assert "out" in letters.values()
    formulas = [op.formula, *(rule_of(op, i, count) for i in range(count))]
    for latex in filter(None, formulas):
        for text in (formula_text(latex), formula_text(latex, letters)):
            assert not set(text) & set("\\{}$\n\x00\u0304"), text
            assert "  " not in text
            assert text == text.strip()
            assert ascii_text(text).isascii()
            assert "\\" not in ascii_text(text), "every letter has an ASCII form"
        parsed(mathml(latex, letters))


def test_the_rule_of_an_input():
    assert rule_of(ops.matmul, 0, 2) == r"\bar X = \bar Z\,Y^T"
    assert rule_of(ops.where, 0, 3) == "", "a condition gets no gradient"
    assert formula_text(rule_of(ops.where, 2, 3)) == "∂y = (1 − c) ∂z"
    assert formula_text(rule_of(ops.sparse_softmax_cross_entropy, 1, 2)).startswith("∂zᵢ = ")
    assert rule_of(ops.concatenate, 0, 2) == rule_of(ops.concatenate, 1, 2) != ""


@pytest.mark.parametrize(
    ("index", "formula", "rule"),
    [
        (0, "y = x[0]", "∂x[0] = ∂y, 0 elsewhere"),
        ((slice(None), -1), "y = x[:, -1]", "∂x[:, -1] = ∂y, 0 elsewhere"),
        (slice(0, 2, 2), "y = x[0:2:2]", "∂x[0:2:2] = ∂y, 0 elsewhere"),
        ([1, 1], "y = x[[1 1]]", "∂x[[1 1]] = ∂y, 0 elsewhere, added if read twice"),
        (np.ones((2, 3), bool), "y = x[…]", "∂x[…] = ∂y, 0 elsewhere"),
        ((..., None, 0), "y = x[..., None, 0]", "∂x[..., None, 0] = ∂y, 0 elsewhere"),
    ],
)
def test_an_index_is_written_out(index, formula, rule):
    x = tx.Tensor(np.ones((2, 3)), name="x")
    y = x[index]
    y.name = "y"
    t = tx.trace(y.sum())
    assert t.forward[1].text == formula
    assert t.backward[-1].text == rule
    picture = tx.draw(y, rules=True)
    assert f"</tspan> ={formula[3:]}</text>" in picture.svg
    assert f">{rule}<" in tx.draw(y.sum(), rules=True).svg


def test_the_adjoint_of_an_index_is_written_out():
    x = tx.Tensor([1.0, 2.0], name="x")
    slope = tx.gradients((x[1] ** 3), x, create_graph=True)
    put = next(e for e in tx.trace(slope.sum()).forward if e.op == "put")
    assert put.text.endswith(", 0 elsewhere")
    assert put.text.startswith(f"{put.name}[1] = ")
    back = next(e for e in tx.trace(slope.sum()).backward if e.op == "put")
    assert back.text == f"∂{back.to_name} = ∂{back.name}[1]"


@pytest.mark.parametrize(
    ("letters", "text"),
    [
        ({"x": "1", "y": "p"}, "z = 1 ⋅ p"),
        ({"x": "p", "y": "1e-07"}, "z = p ⋅ 1e-07"),
        ({"x": "p", "y": "-2.5"}, "z = p ⋅ -2.5"),
        ({"x": "p", "y": "w"}, "z = p w"),
    ],
)
def test_a_number_and_a_name_are_kept_apart_by_a_sign(letters, text):
    assert formula_text(ops.multiply.formula, letters) == text
    assert ("⋅" in mathml(ops.multiply.formula, letters)) == ("⋅" in text)


def test_a_limit_is_not_printed_as_the_number_that_it_rounds_to():
    p = tx.Tensor([0.2, 0.8], name="p")
    clipped = tx.clip(p, 1e-7, 1 - 1e-7)
    assert tx.trace(clipped.sum()).forward[1].text == "v1 = min(max(p, 1e-07), 0.9999999)"
    assert "max = 0.9999999" in tx.draw(clipped).svg


def test_letters_of_an_op():
    assert letters_of(ops.matmul, ("a", "b"), "c") == {"X": "a", "Y": "b", "Z": "c"}
    assert letters_of(ops.concatenate, ("a", "b"), "c") == {"y": "c"}, "x stands for several"
    assert letters_of(ops.sparse_softmax_cross_entropy, ("3", "z"), "loss") == {
        "ℓ": "loss",
        "z": "z",
    }

    @tx.op
    def mystery(x):
        return x

    assert letters_of(mystery, ("a",), "b") == {}
    assert rule_of(mystery, 0, 1) == ""


# -- names -----------------------------------------------------------------------------------


def test_names_are_unique_and_safe():
    x = tx.Tensor(1.0, name="h")
    y = x + 1
    y.name = "h"
    z = y + 1
    w = z + 1
    w.name = "a\x1b[31m\nb"
    assert list(names_of(tx.ancestors(w)).values()) == ["h", "h (2)", "v2", r"a\x1b[31m\nb"]


def test_given_names_go_first_and_the_first_of_them_counts():
    x = tx.Tensor(1.0, name="x")
    y = x * 2
    names = names_of(tx.ancestors(y), {"_": x, "weight": x, "again": x, "number": 3, "total": y})
    assert list(names.values()) == ["weight", "total"]


def test_the_softmax_that_was_looked_through_is_shown():
    p = tx.softmax(tx.Tensor([1.0, 2.0], name="z"))
    loss = tx.sparse_categorical_crossentropy(0, p)
    assert any(node is p for node in tx.ancestors(loss))


def test_printable():
    assert printable("é\t\u202e\ud800") == r"é\t\u202e\ud800"
