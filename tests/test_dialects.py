"""Every answer recorded from the ten frameworks, reproduced: losses, gradients, refusals."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from dialect_answers import ask, differences
from golden import load, source

import tinygrad_xent as tx
from tinygrad_xent.comparing.dialects import DIALECTS

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.OneClassWarning")

CASES = load("dialects")
# Of 162 cases each: answers (losses and refusals), and calls that the framework does not have.
RECORDED = {
    "tf1": (81, 81),
    "tf2": (81, 81),
    "keras2": (162, 0),
    "keras2-graph": (87, 75),
    "keras3-tf": (162, 0),
    "keras3-jax": (162, 0),
    "keras3-torch": (162, 0),
    "keras3-numpy": (162, 0),
    "torch": (85, 77),
    "optax": (87, 75),
}


def test_all_of_them_are_there() -> None:
    assert list(DIALECTS) == list(RECORDED)
    assert source("dialects").startswith("TensorFlow 1.4.1, 2.2.0 and 2.21.0, Keras 3.15.1, PyTor")
    assert len(CASES) == 162
    assert len({case.edge for case in CASES}) == 49
    for dialect, (answers, missing) in RECORDED.items():
        kinds = Counter("unsupported" in case.results[dialect] for case in CASES)
        assert (kinds[False], kinds[True]) == (answers, missing), dialect


@pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.ProbabilitiesWarning")
@pytest.mark.parametrize("dialect", RECORDED)
def test_a_dialect_answers_as_the_framework_did(dialect: str) -> None:
    answers, missing = RECORDED[dialect]
    wrong = {
        f"{case} ({case.edge})": found
        for case in CASES
        if (found := differences(ask(dialect, case), case.results[dialect], case))
    }
    assert not wrong, f"{answers + missing - len(wrong)} of {answers + missing}: {wrong}"


def test_optax_divides_by_the_sum_of_shifted_exponentials() -> None:
    """The normaliser of two logits of 1e8 rounds to 1e8 in float32; e^(1e8 - it) would be 1."""
    for dtype in ("float32", "float64"):
        z = tx.Tensor(np.array([[1e8, 1e8]], dtype))
        loss = tx.crossentropy_as("optax", [1], z, from_logits=True, sparse=True)
        np.testing.assert_array_equal(tx.gradients(loss.sum(), z), [[0.5, -0.5]])
