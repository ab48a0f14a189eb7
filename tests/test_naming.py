"""What every view calls tensors and constants: where they come from, told apart, and set."""

from __future__ import annotations

import re

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import Tensor
from tinygrad_xent.graph import ancestors
from tinygrad_xent.visualization.drawing.build import build
from tinygrad_xent.visualization.drawing.marks import Text, layout_of
from tinygrad_xent.visualization.formatting import brief, number
from tinygrad_xent.visualization.formulas import formula_text
from tinygrad_xent.visualization.naming import names_of
from tinygrad_xent.visualization.tracing import trace


def constants(*outputs, names=None, **options):
    """The titles of the constants in a picture."""
    picture = tx.draw(*outputs, names=names, **options)
    return [box.title for box in picture._model.boxes if box.kind == "constant"]


def boxes(output, names=None):
    return {box.title: box for box in build((output,), names, gradients=True).boxes}


Z = np.array([[2.0, 1.0, 0.1], [0.0, -1.0, 3.0]])
X = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.5]])


# -- where a constant comes from ---------------------------------------------------------------


def test_a_transposed_array_says_so() -> None:
    z = Tensor(Z, name="z")
    assert constants((X.T @ z).sum(), names={"X": X}) == ["Xᵀ"]
    assert constants((X.T @ z).sum(), names={"X": X}, backward=True) == ["Xᵀ", "X"]


def test_the_values_of_a_tensor_say_whose_they_are() -> None:
    z = Tensor(Z, name="z")
    assert constants((z * z.data).sum()) == ["z.data"]
    assert constants((z.data.T @ z).sum()) == ["zᵀ"]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (tx.relu, "z > 0"),
        (lambda z: z.max(axis=1), "z == v1"),
        (lambda z: z.max(axis=0), "z == v1"),
        (lambda z: z.min(), "z == v1"),
        (lambda z: tx.where(z.data < 0, z, z * 2.0), "z < 0"),
        (lambda z: z * (z.data > 0).astype(float), "z > 0"),
    ],
)
def test_a_mask_says_what_was_compared(make, name) -> None:
    z = Tensor(Z + 1e-3, name="z")
    output = make(z).sum() if make(z).data.size > 1 else make(z)
    assert name in constants(output, names={"X": X}) + constants(output, backward=True)


def test_a_mask_of_a_square_matrix_knows_its_axis() -> None:
    z = Tensor([[2.0, 1.0, 0.0], [5.0, 9.0, 7.0], [3.0, 4.0, 8.0]], name="z")
    for axis in (0, 1):
        assert "z == v1" in constants(z.max(axis=axis).sum(), backward=True)


@pytest.mark.parametrize("mask", [np.ones((2, 3)), np.zeros((2, 3)), X, np.full((2, 3), np.nan)])
def test_what_could_come_from_anywhere_is_an_array(mask) -> None:
    # All ones are z == z, z > -9 and much more: that says nothing.
    assert constants((Tensor(Z, name="z") * mask).sum()) == ["array"]


def test_a_name_says_what_is_true() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        known = {"a": rng.normal(size=3), "b": rng.integers(-1, 2, size=3).astype(float)}
        mask = rng.random(3) < 0.5
        made = [Tensor(x, name=name) for name, x in known.items()]
        (title,) = constants((made[0] * made[1] * mask).sum())
        if title != "mask":
            known["v2"] = known["a"] * known["b"]
            assert (eval(title, {}, known) == mask).all()  # noqa: S307 - our own names


def test_two_arrays_without_origin_are_told_apart_and_no_letter_with_a_number_is_left() -> None:
    z = Tensor(Z, name="z")
    assert constants((z * X + X.copy()).sum()) == ["array", "array (2)"]
    assert constants((z * X + z * (X > 1.3) * (X > 4.5)).sum()) == ["array", "mask", "mask (2)"]


def test_the_word_of_any_op_that_uses_it_names_a_constant() -> None:
    p, t = Tensor([0.5, 0.5], name="p"), np.array([1.0, 0.0])
    assert constants((p * t).sum() + tx.crossentropy(p, t)) == ["labels"]


def test_a_comparison_stands_in_parentheses() -> None:
    z = Tensor(Z + 1e-3, name="z")
    output = (z * (z.data > 0)).sum()
    shown = boxes(output)
    assert shown["v1"].expression == "z × (z > 0)"
    assert "∂z = (z > 0) ∂v1" in str(trace(output))


# -- told apart --------------------------------------------------------------------------------


def test_a_name_given_twice_has_its_scope_before_it() -> None:
    h = Tensor(np.ones((1, 2)), name="x")
    for k in (1, 2):
        with tx.scope("net"), tx.scope(f"layer{k}"):
            h = h @ Tensor(np.ones((2, 2)), name="W")
    names = list(names_of(ancestors(h)).values())
    assert names == ["x", "layer1.W", "v2", "layer2.W", "v4"]
    assert "∂layer2.W" in str(trace(h.sum()))


def test_a_name_given_twice_in_one_scope_is_counted() -> None:
    x = Tensor(1.0, name="h")
    with tx.scope("a"):
        y = x * Tensor(2.0, name="h") * Tensor(3.0, name="h")
    names = list(names_of(ancestors(y)).values())
    assert names == ["h", "a.h", "v2", "a.h (2)", "v4"]
    assert len(set(names)) == len(names)


def test_a_name_given_once_stays_as_it_is() -> None:
    with tx.scope("layer1"):
        x = Tensor(1.0, name="W")
    assert names_of([x])[x] == "W"


# -- LaTeX -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (r"\theta_1", "θ₁"),
        (r"$\theta_1$", "θ₁"),
        ("$W^{(1)}$", "W⁽¹⁾"),
        ("$h_{t-1}$", "hₜ₋₁"),
        (r"\alpha\beta", "αβ"),
        ("$x$", "x"),
        # What only looks like LaTeX stays as it is.
        ("W_1", "W_1"),
        ("x^2", "x^2"),
        (r"C:\temp", r"C:\temp"),
        (r"$\frac{$", r"$\frac{$"),
        ("$", "$"),
        ("$$", "$$"),
        ("5 $", "5 $"),
        ("a\\", "a\\"),
        ("\\N\\G\\l", "\\N\\G\\l"),
    ],
)
def test_names_in_latex_are_set(given, shown) -> None:
    x = Tensor([1.0, 2.0], name=given)
    assert names_of([x])[x] == shown
    assert shown in boxes((x * x).sum())


def test_a_formula_with_a_name_in_latex_reads_as_one() -> None:
    theta = Tensor([1.0, 2.0], name=r"\theta_1")
    assert "∂θ₁ = 2 θ₁ ∂v1" in str(trace(tx.square(theta).sum()))
    assert formula_text(r"\bar x", {"x": "θ₁"}) == "∂θ₁"


# -- numbers -----------------------------------------------------------------------------------


def test_minus_zero_shows_its_sign() -> None:
    assert [number(x) for x in (-0.0, 0.0, np.float32(-0.0), 0)] == ["-0", "0", "-0", "0"]
    assert brief([-0.0, 0.0]) == "[-0 0]"
    texts = [
        m.text
        for m in layout_of(boxes(Tensor([-0.0, 1.0]) * 1.0)["v0"]).marks
        if isinstance(m, Text)
    ]
    assert "−0" in texts


def test_the_sign_of_a_zero_is_left_out_of_calculations() -> None:
    z = Tensor([2.0, 1.0, 0.1], name="z")
    loss = -(tx.log(tx.softmax(z)) * np.array([1.0, 0.0, 0.0])).sum()
    text = str(tx.why(z, loss))
    assert re.search(r"\b0 - \(-1\)|- 0\b| 0\b", text)
    assert not re.search(r"-0(?![.\d])", text)


def test_a_cell_that_is_not_finite_carries_a_sign() -> None:
    with np.errstate(all="ignore"):
        shown = boxes(Tensor([np.nan, np.inf, -np.inf, 1.0], name="x") * 1.0)
    bold = [m.bold for m in layout_of(shown["x"]).marks if isinstance(m, Text) and m.bold]
    assert {"✗ NaN", "▲ inf", "▼ −inf"} <= set(bold)


# -- gradients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [np.array([0, 2]), np.array([True, False])])
def test_a_leaf_that_is_not_floating_says_why_it_has_no_gradient(data) -> None:
    labels = Tensor(data, name="labels")
    output = (Tensor([1.0, 2.0], name="x") * labels.astype(float)).sum()
    shown = boxes(output)
    assert f"no gradient: {data.dtype} cannot change a little" in shown["labels"].details
    assert "no gradient" not in str(shown["x"])
    without = build((output,), None, gradients=False)
    assert "no gradient" not in str(without)  # where none are shown, nothing is missing


def test_the_seed_of_a_second_pass_has_a_name() -> None:
    x = Tensor([2.0, 3.0], name="x")
    loss = (x**3.0).sum()
    loss.name = "loss"
    slope = tx.gradients(loss, x, create_graph=True)
    assert "∂loss" in boxes((slope * slope).sum())
    loss.name = None
    slope = tx.gradients(loss, x, create_graph=True)
    assert "seed" in boxes((slope * slope).sum())


@pytest.mark.parametrize("show", [tx.draw, tx.play, tx.first_bad, tx.trace])
@pytest.mark.parametrize("names", ["x", ["x"], 3])
def test_names_that_name_nothing_are_refused(show, names) -> None:
    with pytest.raises(tx.errors.ArgumentError, match=r"names is .*; write names={\"x\": x}, or"):
        show(tx.exp(1.0 * Tensor(2.0)), names=names)


@pytest.mark.parametrize("loss", ["a", None, 1j, np.ones(3), np.ones(0), {}])
def test_what_is_not_a_loss_is_not_recorded(loss) -> None:
    recording = tx.record()
    with pytest.raises(tx.errors.NotScalarError, match="the loss of a step is one number, got "):
        recording.step(loss)
    recording.step(1.0)
    assert str(recording).split() == ["step", "loss", "1", "1"]


def test_a_file_that_cannot_be_written_is_called_by_its_name(tmp_path) -> None:
    path = tmp_path / "none" / "x.svg"
    with pytest.raises(FileNotFoundError) as caught:
        tx.draw(Tensor(1.0) * 2).save(path)
    assert str(caught.value) == f"[Errno 2] No such file or directory: '{path}'"
