"""Where numbers go bad: found at the op that did it, with the rewrite that avoids it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import errors
from tinygrad_xent.checking.digits import stability
from tinygrad_xent.visualization.bad_numbers import first_bad

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def z(*values: float, dtype: Any = np.float64) -> tx.Tensor:
    return tx.Tensor(values, dtype=dtype, name="z")


FORWARD = [
    (
        lambda: tx.log(tx.softmax(z(0, -800))),
        "log made -inf at v2[1] out of v1 = 0",
        "log_softmax(z)",
    ),
    (lambda: tx.log(z(1, 0)), "log made -inf at v1[1] out of z = 0", "clip(z, 1e-7, None)"),
    (
        lambda: tx.log(z(-2.0)),
        "log made NaN at v1[0] out of z = -2",
        "needs numbers that are positive",
    ),
    (lambda: tx.log(tx.exp(z(-800, -900)).sum()), "log made -inf at v3", "write logsumexp"),
    (lambda: tx.log(tx.sigmoid(z(-800))), "log made -inf", "sigmoid underflowed"),
    (lambda: tx.exp(z(0, 1000)), "exp made inf at v1[1] out of z = 1000", "overflows above 710"),
    (lambda: tx.exp(z(100, dtype=np.float32)), "exp made inf", "above 88.7 in float32"),
    (lambda: 1 / z(2, 0), "divide made inf at v1[1] out of x = 1 and z = 0", "divisor z is 0"),
    (lambda: (e := tx.exp(z(-800))) / e.sum(), "divide made NaN", "write softmax"),
    (lambda: tx.sqrt(z(-1)), "sqrt made NaN", "needs numbers that are positive"),
    (lambda: tx.log1p(z(-2)), "log1p made NaN", "needs numbers that are above -1"),
    (
        lambda: tx.log2(z(0)),
        "log2 made -inf",
        "needs numbers that are positive: look at what made z",
    ),
    (lambda: tx.reciprocal(z(0)), "reciprocal made inf", "needs numbers that are nonzero"),
    (lambda: tx.arccos(z(1.1)), "arccos made NaN", "needs numbers that are between -1 and 1"),
    (lambda: tx.sinh(z(1000)), "sinh made inf", ""),
    (lambda: z(1) / np.array([0.0]), "divide made inf", "The divisor y is 0"),
    (lambda: 1 / (1 + tx.exp(z(800))), "exp made inf", "subtract the maximum"),
    (
        lambda: z(1.0, 2) * np.array([np.nan, 1]),
        "multiply made NaN at v1[0] out of z = 1 and y",
        "",
    ),
    (
        lambda: z(1.0, 2) + np.array([np.inf, 1]),
        "add made inf at v1[0] out of z = 1 and y = inf",
        "",
    ),
    (lambda: z(0.0) ** -1.5, "power made inf", "keep the base from 0"),
    (lambda: z(-8.0) ** 0.5, "power made NaN", "absolute value first"),
    (
        lambda: z(300, dtype=np.float16) ** 2,
        "power made inf",
        "beyond float16 (largest number 6.55e+04)",
    ),
    (lambda: z(np.inf) - z(np.inf), "subtract made NaN", "minus infinity"),
    (lambda: z(np.inf) * z(0.0), "multiply made NaN", "choose with where"),
    (lambda: z(np.nan, 1) * 2, "z[0] is NaN from the start", ""),
    (lambda: tx.crossentropy(tx.softmax(z(0, -800)), [0.0, 1.0]), "made inf", "from the logits"),
    (lambda: tx.crossentropy(z(1.0, 0.0), [0.0, 1.0]), "made inf", "has probability 0"),
    (lambda: tx.softmax(z(np.inf, 0)), "softmax made NaN", "its softmax is not defined"),
]


@pytest.mark.parametrize(("make", "message", "rewrite"), FORWARD, ids=[f[1] for f in FORWARD])
def test_the_first_bad_number_of_the_forward_pass(make: Any, message: str, rewrite: str) -> None:
    later = make() * 2.0 + 1.0  # what comes after is not blamed
    found = first_bad(later)
    assert found is not None
    assert found.phase == "forward"
    assert message in str(found)
    assert rewrite in found.rewrite
    assert bool(found.rewrite) == bool(rewrite)


def test_the_first_bad_number_is_called_as_its_reader_calls_it() -> None:
    x = z(1.0, 0.0)
    y = tx.log(x)
    found = first_bad((y * y).sum(), names={"scores": x, "x": y})
    assert found is not None
    assert found.message == "log made -inf at x[1] out of scores = 0"
    assert "clip(scores, 1e-7, None)" in found.rewrite
    found = first_bad((1 / x).sum(), names={"x": x})
    assert found is not None
    assert found.causes == {"the constant x": "1", "x": "0"}


def test_a_masked_slope_that_is_infinite() -> None:
    x = tx.Tensor([4.0, 0.0], name="x")
    found = first_bad(tx.where(x.data > 0, tx.sqrt(x), 0.0).sum())
    assert found is not None
    assert (found.phase, found.op, found.index) == ("backward", "sqrt", (1,))
    assert "∂x = ∂v1 / (2 v1), sent NaN to x[1] out of ∂v1 = 0 and x = 0" in found.message
    assert "where(mask, x, 1)" in found.rewrite
    safe = tx.where(x.data > 0, x, 1.0)
    assert first_bad(tx.where(x.data > 0, tx.sqrt(safe), 0.0).sum()) is None


def test_an_infinite_slope() -> None:
    found = first_bad(tx.sqrt(z(0.0)))
    assert found is not None
    assert (found.phase, found.value) == ("backward", np.inf)
    assert "slope of sqrt is infinite at 0" in found.rewrite


def test_nothing_is_bad() -> None:
    assert first_bad(tx.log_softmax(z(0, -800))) is None
    masked = tx.Tensor([[1.0, -np.inf]])  # an infinity on purpose
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=[0], logits=masked)
    assert first_bad(loss) is None


def test_what_has_no_graph() -> None:
    with pytest.raises(errors.NotRecordedError, match="nothing was recorded"):
        first_bad(np.ones(2))  # type: ignore[arg-type]


def test_the_op_that_loses_the_digits_is_named() -> None:
    found = stability(lambda x: (x * x).mean() - x.mean() ** 2, [100.1, 100.2, 100.3])
    worst = found.first(np.float64)
    assert worst is not None
    assert worst.op == "subtract"
    assert 5 < worst.lost["float64"] < 7
    assert worst.digits["float32"] < 2
    assert "float64: subtract (v5) is the first to lose digits: 5." in str(found)


def test_the_fused_loss_keeps_the_digits_that_the_unfused_one_loses() -> None:
    logits = [37.0, 0.0, 1.0]
    unfused = stability(lambda z: -tx.log(tx.softmax(z))[0], logits)
    fused = stability(
        lambda z: tx.sparse_softmax_cross_entropy_with_logits(labels=0, logits=z), logits
    )
    guilty = unfused.first("float64")
    assert guilty is not None
    assert guilty.op == "log"
    assert fused.first("float64") is None
    assert fused[0].digits["float64"] > 15
    assert "float64: no op loses more than one digit" in str(fused)


def test_stability_needs_a_graph() -> None:
    with pytest.raises(errors.NotRecordedError, match="f returned ndarray, not a Tensor"):
        stability(lambda x: x.data, [1.0])


HALVES = {
    "a large quotient": (lambda z: 1 / z, [1.19e-7, 1], "beyond float16"),
    "a large slope": (tx.log, [1.19e-7, 1], "The slope is beyond float16"),
    "a logarithm": (tx.log, [0, 1], "clip(z, 1e-4, None)"),
    "log of a vanished number": (lambda z: tx.log(z + 1e-12), [0, 1], "1e-12 is 0 in float16"),
    "its inverse": (lambda z: 1 / (1e-12 + z), [0, 1], "1e-12 is 0 in float16: use 1e-4"),
    "its root": (lambda z: tx.sqrt(z + 1e-12), [0, 1], "1e-12 is 0 in float16: use 1e-4"),
    "a clip": (lambda z: tx.log(tx.clip(z, 1e-12, 1)), [0, 1], "1e-12 is 0 in float16: use 1e-4"),
    "a factor": (lambda z: tx.log(z * 1e-12), [1, 1], "1e-12 is 0 in float16: use 1e-4"),
    "a mask of the label that overflows": (
        lambda z: cross_entropy(tx.where([False, True], z, -1e9), 0),
        [1, 5],
        "check the mask",
    ),
    "a root": (tx.sqrt, [0, 1], "x + 1e-4"),
    "a large sum": (lambda z: z.sum() + 60000, [60000, 5], "largest number 6.55e+04"),
    "a large loss": (lambda z: cross_entropy(z, 0), [-5e4, 5e4], "largest number 6.55e+04"),
    "a masked label": (lambda z: cross_entropy(z, 0), [-np.inf, 5], "check the mask"),
    "a masked label by hand": (lambda z: -tx.log_softmax(z)[0], [-np.inf, 5], "if it is a mask"),
    "a masked label and probabilities": (
        lambda z: tx.sparse_categorical_crossentropy(0, tx.softmax(z)),
        [-np.inf, 5],
        "check the mask",
    ),
}


def cross_entropy(z: Any, label: int) -> Any:
    return tx.sparse_softmax_cross_entropy_with_logits(labels=label, logits=z)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("function", "data", "advice"), HALVES.values(), ids=HALVES)
def test_the_first_bad_number_in_few_bits(function: Any, data: Any, advice: str) -> None:
    found = first_bad(function(tx.Tensor(data, dtype=np.float16, name="z")).sum())
    assert found is not None
    assert advice in found.rewrite


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_mask_that_hides_no_label_is_not_bad() -> None:
    z = tx.Tensor([-np.inf, 5.0, 1.0])
    assert first_bad(cross_entropy(z, 1)) is None
    assert first_bad(-tx.log_softmax(z)[1]) is None
    half = tx.Tensor([0.0, 5.0, 1.0], dtype=np.float16)
    assert first_bad(cross_entropy(tx.where([False, True, True], half, -1e9), 1)) is None


def test_an_infinite_slope_at_the_end_of_a_domain() -> None:
    found = first_bad(tx.arccos(z(1.0)))
    assert found is not None
    assert found.phase == "backward"
    assert found.rewrite == ("arccos needs numbers that are between -1 and 1: look at what made z.")
