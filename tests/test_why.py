"""Why a gradient is what it is: the sentences, and that each calculation in them comes out."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import domains, errors
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.ops import OPS
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.tracing import trace, why


def tensors(**arrays):
    return [tx.Tensor(np.asarray(data, float), name=name) for name, data in arrays.items()]


def told(tensor, output, **options):
    """The sentences about the entries, without the one about the path."""
    return why(tensor, output, **options).sentences[1:]


# -- the calculations ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "told"),
    [
        (2, "1 × 2 × 3 = 6: the gradient of y times 2, times the base"),
        (3, "1 × 3 × 3^2 = 27: the gradient of y times the exponent, times the base to one power"),
    ],
)
def test_a_square_is_told_as_one(n: int, told: str) -> None:
    (w,) = tensors(w=3.0)
    y = w**n
    (sentence,) = why(w, y, names={"y": y}).sentences[1:]
    assert sentence.removesuffix(".").removesuffix(" less") == f"w has {told}"


def value_of(text: str) -> float:
    """What a calculation comes to."""
    code = text.replace("ln ", "log ").replace("²", "**2").replace("^", "**").replace("×", "*")
    code = re.sub(r"log (\S+)", r"log(\1)", code)
    return float(eval(code, {"log": math.log, "inf": math.inf}))  # noqa: S307 - our own text


@pytest.mark.parametrize("op", OPS.values(), ids=str)
def test_every_calculation_comes_out(op):
    rng = np.random.default_rng(3)
    for inputs, params in samples(op, rng):
        given = op.domains * len(inputs) if op.variadic else op.domains
        nodes = [
            x if d in domains.WITHOUT_GRADIENT or x is None else tx.Tensor(x, name=f"t{i}")
            for i, (x, d) in enumerate(zip(inputs, given, strict=True))
        ]
        y = op(*nodes, **params)
        y.name = "y"
        t = trace(y, seed=rng.normal(size=y.shape))
        for node in (x for x in nodes if isinstance(x, tx.Tensor)):
            gradient = t.gradient(node)
            if gradient is None:
                continue
            for place in np.ndindex(node.shape):
                entry = t.why(node, entry=place).sentences[-1]
                calculation = entry.split(" has ")[1].split(": ")[0]
                *left, right = calculation.split(" = ")
                assert right == number(gradient[place]) or left == []
                value = gradient[place]
                # Three digits each of up to six numbers, which may cancel.
                assert value_of((left or [right])[0]) == pytest.approx(value, rel=0.03, abs=0.03)
                assert value_of(right) == pytest.approx(value, rel=0.006, abs=1e-12)


# -- the losses ------------------------------------------------------------------------------


def test_integer_labels():
    (z,) = tensors(logits=[[2.0, 1.0, 0.1], [0.0, 0.0, 3.0]])
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=z)
    assert told(z, loss[0])[1:3] == (
        "logits[0, 0] has 0.659 - 1 = -0.341: p = 0.659, and 0 is the label.",
        "logits[0, 1] has 0.242: p = 0.242, and the label is 0, not 1.",
    )
    assert told(z, loss.mean(), entry=(1, 1)) == (
        "logits[1, 1] has 0.5 × (0.0453 - 1) = -0.477: p = 0.0453, and 1 is the label.",
    )
    assert told(z, loss.mean(), entry=(-1, -1)) == (
        "logits[1, 2] has 0.5 × 0.909 = 0.455: p = 0.909, and the label is 1, not 2.",
    )


def test_dense_labels_and_what_they_sum_to():
    z, t = tensors(z=[2.0, 1.0, 0.1], t=[0.5, 0.5, 0.0])
    loss = tx.softmax_cross_entropy_with_logits_v2(t, z)
    assert told(z, loss) == (
        "z[0] has 0.659 - 0.5 = 0.159: p = 0.659, and its label is 0.5.",
        "z[1] has 0.242 - 0.5 = -0.258: p = 0.242, and its label is 0.5.",
        "z[2] has 0.0986: p = 0.0986, and its label is 0.",
    )
    assert told(t, loss)[0] == (
        "t[0] has -1 × (-0.417) = 0.417: ln p = -0.417, with the sign flipped."
    )
    with pytest.warns(errors.LabelsWarning):
        loss = tx.softmax_cross_entropy_with_logits(labels=[2.0, 0.0, 0.0], logits=z)
    assert told(z, loss)[1] == (
        "z[1] has 0.242 × 2 = 0.485: p = 0.242, and its label is 0, and the labels sum to 2."
    )


def test_what_was_looked_through_is_passed_by():
    (z,) = tensors(z=[2.0, 1.0, 0.1])
    p = tx.softmax(z)
    loss = tx.sparse_categorical_crossentropy(0, p)
    assert told(z, loss)[0] == "z[0] has 0.659 - 1 = -0.341: p = 0.659, and 0 is the label."
    assert str(trace(loss).why(p)) == (
        "No gradient came to v1: the loss looked through it to the logits it was computed from, z, "
        "and sent the gradient there."
    )


def test_a_label_of_0_does_not_hide_that_infinity_arrives():
    (p,) = tensors(p=[0.0, 1.0])
    with np.errstate(all="ignore"):
        loss = tx.crossentropy(p, [1.0, 0.0])
        said = told(p, loss * loss, entry=1)
    assert said == ("p[1] has -inf × 0 / 1 = NaN: p = 1, and its label is 0.",)


def test_softmax_and_plain_cross_entropy():
    (z,) = tensors(z=[2.0, 1.0, 0.1])
    p = tx.softmax(z)
    p.name = "p"
    loss = tx.crossentropy(p, [1.0, 0.0, 0.0])
    assert told(p, loss)[:2] == (
        "p[0] has -1 × 1 / 0.659 = -1.52: p = 0.659, and its label is 1.",
        "p[1] has 0: its label is 0.",
    )
    assert told(z, loss)[1] == (
        "z[1] has 0.242 × (0 - (-1)) = 0.242: p = 0.242 has the gradient 0, and -1 is the mean of "
        "the gradients, weighted by p."
    )
    assert told(z, tx.log_softmax(z)[0])[1] == (
        "z[1] has 0 - 1 × 0.242 = -0.242: ln p has the gradient 0, p = 0.242, and the gradients "
        "sum to 1."
    )


# -- the ops around them ---------------------------------------------------------------------


def test_products_and_sums():
    x, w, b = tensors(x=[[1.0, 2.0], [3.0, 4.0]], w=[[0.5], [-1.0]], b=[0.25])
    y = x @ w + b
    y.name = "y"
    assert told(b, y.mean()) == (
        "b[0] has 0.5 + 0.5 = 1: the gradient of y, passed on unchanged, summed over the 2 rows.",
    )
    assert told(w, y.mean(), entry=(1, 0)) == (
        (
            "w[1, 0] has 2 × 0.5 + 4 × 0.5 = 3: column 1 of x times column 0 of the gradient of "
            "v3, summed over 2 rows."
        ),
    )
    assert told(x, y.sum(), entry=(0, 1)) == (
        (
            "x[0, 1] has 1 × (-1) = -1: row 0 of the gradient of v3 times row 1 of w, summed over "
            "1 column."
        ),
    )
    assert told(y, y.mean(), entry=(0, 0)) == (
        "y[0, 0] has 1 / 2 = 0.5: the gradient of v5, divided by the 2 entries averaged.",
    )
    assert told(x, (x * 3.0).sum(), entry=(0, 0)) == (
        "x[0, 0] has 1 × 3 = 3: the gradient of v1[0, 0] times the other factor, 3.",
    )
    assert told(b, (x * b).sum()) == (
        (
            "b[0] has 1 × 1 + 1 × 2 + 1 × 3 + 1 × 4 = 10: the gradient of v2 times the other "
            "factor, x, summed over the 4 entries that it was broadcast to."
        ),
    )


def test_a_long_sum_is_not_written_out():
    (b,) = tensors(b=1.0)
    assert told(b, (b + np.zeros(1000)).sum()) == (
        (
            "b has 1000: the gradient of v1, passed on unchanged, summed over the 1000 entries "
            "that it was broadcast to."
        ),
    )


def test_where_no_gradient_passes():
    (x,) = tensors(x=[-1.0, 2.0, 7.0])
    assert told(x, tx.relu(x).sum())[0] == "x[0] has 0: the unit is off (-1 is not above 0)."
    assert "the unit is on (2)" in told(x, tx.relu(x).sum())[1]
    assert told(x, x.max())[0] == "x[0] has 0: -1 is not the largest: that is 7."
    assert told(x, tx.maximum(x, 3.0).sum())[0] == "x[0] has 0: -1 is not the larger of the two."
    assert told(x, tx.clip(x, 0, None).sum())[0] == (
        "x[0] has 0: -1 is outside 0 to inf, so it was clipped."
    )
    assert told(x, tx.where(np.array([True, False, True]), x, 0.0).sum())[1] == (
        "x[1] has 0: the condition chose the other entry."
    )


def test_picking():
    (x,) = tensors(x=[10.0, 20.0, 30.0])
    y = x[[0, 2, 2]]
    assert told(x, y.sum()) == (
        "x[0] has 1: v1 picked it once, so the gradient of v1[0] comes here.",
        "x[1] has 0: v1 never picked it.",
        "x[2] has 1 + 1 = 2: v1 picked it 2 times, and the gradients add up.",
    )


def test_an_op_of_ones_own_is_answered_with_its_rule():
    @tx.op
    def cube(x):
        r"""Third power: $y = x^3$."""
        return x**3

    @cube.backward
    def cube_backward(grad, y, x):
        r"""$\bar x = 3 x^2\,\bar y$"""
        return 3 * x**2 * grad

    (x,) = tensors(x=2.0)
    assert told(x, cube(x)) == ("x has 12: by the rule of cube, ∂x = 3 x² ∂v1.",)


def test_calls_that_no_sentence_describes_are_explained_by_the_rule():
    z, a = tensors(z=[2.0, 1.0, 0.1], a=np.ones((2, 2, 2)))
    masked = tx.softmax(z, where=np.array([True, True, False]))
    assert told(z, masked[0])[0].startswith("z[0] has 0.197: by the rule of softmax, ∂zᵢ = v1ᵢ (")
    stacks = (a @ np.ones((2, 2, 2))).sum()
    assert told(a, stacks, entry=(0, 0, 0))[0].startswith("a[0, 0, 0] has 2: by the rule of matmul")


# -- paths and entries -----------------------------------------------------------------------


def test_several_contributions():
    (x,) = tensors(x=3.0)
    assert str(why(x, x * x + x)) == (
        "The gradient of v2 came to x in 3 contributions, which add up:\n"
        "1 came along the path v2 (add).\n"
        "3 came along the path v2, v1 (multiply).\n"
        "3 came along the path v2, v1 (multiply).\n"
        "x has 1 + 3 + 3 = 7.\n"
        "From v2 (add) comes 1: the gradient of v2, passed on unchanged.\n"
        "From v1 (multiply) comes 1 × 3 = 3: the gradient of v1 times the other factor, x = 3.\n"
        "From v1 (multiply) comes 1 × 3 = 3: the gradient of v1 times the other factor, x = 3."
    )


def test_paths_are_counted_where_they_are_many():
    (x,) = tensors(x=1.0)
    y = tx.exp(x)
    assert "came to x along 4 paths, which meet in v1 (exp)." in str(why(x, (y + y) * (y - y)))
    for _ in range(100):
        y = y + y
    assert "along 1,000,000 or more paths" in str(why(x, y))


def test_long_paths_are_shortened():
    (x,) = tensors(x=1.0)
    y = x
    for _ in range(2000):
        y = -y
    assert str(why(x, y)).startswith(
        "The gradient of v2000 came to x along the path v2000, v1999, 1995 more, v3, v2, v1 "
    )


def test_the_largest_entries_come_first():
    (x,) = tensors(x=[1.0, -9.0, 3.0, 0.0, 5.0])
    answer = why(x, (x * x).sum()).sentences
    assert "Of its 5 entries, these have the largest gradients:" in answer
    asked = [line.split(" has")[0] for line in answer if line.startswith("x[")]
    assert asked == ["x[1]", "x[4]", "x[2]"]
    assert why(x, (x * x).sum()) == why(x, (x * x).sum())


def test_the_sum_of_several_losses():
    (x,) = tensors(x=[1.0, 2.0])
    y = x * 2.0
    assert str(why(x, y)).startswith("The gradient of the sum of v1 came to x along")
    assert "The gradient of the weighted sum of v1" in str(trace(y, seed=[1.0, 3.0]).why(x))
    assert str(why(y, y)) == "The backward pass started at v1, with the gradient [1 1]."


def test_names_of_variables():
    a = tx.Tensor(3.0)
    b = a * 2.0
    assert str(why(a, b, names=locals())).startswith("The gradient of b came to a along the path b")
    assert trace(b, names={"double": b}).names[b] == "double"


def test_no_gradient():
    (x,) = tensors(x=[1.0, 2.0])
    n = tx.Tensor(np.array([0, 1]), name="n")
    y = tx.take(x, n).sum()
    assert str(trace(y).why(n)) == "n holds int64: it has no gradient."
    assert "limited to other tensors" in str(trace(y, wrt=n).why(x))


def test_a_slice_answers_as_far_as_it_goes():
    (x,) = tensors(x=3.0)
    t = trace(-(x * 2.0))
    assert str(t[-1:].why(x)).splitlines()[0] == "The gradient of v2 came to x from v1 (multiply)."


# -- errors ----------------------------------------------------------------------------------


def test_errors():
    x, other = tensors(x=[1.0, 2.0], other=1.0)
    y = x.sum()
    with pytest.raises(
        errors.NotRecordedError, match="explains the gradient of a Tensor, got list"
    ):
        why([1.0], y)
    with pytest.raises(errors.ArgumentError, match=r"'x' of shape \(2,\) does not know what was"):
        why(x)
    with pytest.raises(errors.NotInGraphError, match="not the other way round: the output comes"):
        why(y, x)
    with pytest.raises(
        errors.NotInGraphError, match=r"'other' of shape .* is not part of the graph"
    ):
        why(other, y)
    for entry in (2, -3, (0, 0), (), 0.5, "a"):
        with pytest.raises(errors.ArgumentError) as caught:
            why(x, y, entry=entry)
        assert str(caught.value) == (
            f"x has no entry {entry!r}: its shape is (2,). Pass one index for each axis, such as "
            "entry=0"
        )
