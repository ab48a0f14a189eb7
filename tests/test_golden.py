"""All cases recorded from TensorFlow: losses, and gradients for an upstream that is not 1.

The tolerances are multiples of eps times max(1, |value|); the worst found is in brackets.
float32, float64: 3 (2.3). The probabilities and their sums are rounded a few times here and
there, and TensorFlow's p - t is a difference of numbers of size 1.
float16: 1.5 (1.0). Both compute in float32, and the losses are equal but for one in thousands.
TensorFlow rounds p - t times upstream once, by half an ulp; here p - t is an op of its own,
rounded before it meets the upstream: half an ulp twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from golden import Case, load

import tinygrad_xent as tx

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.OneClassWarning")

TOLERANCE = {"float16": 1.5, "float32": 3, "float64": 3}


def assert_close(found: Any, recorded: Any, *, magnified: Any = 1) -> None:
    assert (found.dtype, found.shape) == (recorded.dtype, recorded.shape)
    found, wanted = found.astype(float), recorded.astype(float)
    infinite = ~np.isfinite(wanted)
    np.testing.assert_array_equal(found[infinite], wanted[infinite])
    unit = np.finfo(recorded.dtype).eps * np.maximum(1, np.abs(wanted)) * magnified
    error = np.abs(found - wanted, where=~infinite, out=np.zeros_like(wanted)) / unit
    assert error.max(initial=0) <= TOLERANCE[recorded.dtype.name]


@pytest.mark.parametrize("case", load("softmax_cross_entropy_with_logits"), ids=str)
def test_dense_labels(case: Case) -> None:
    z = tx.Tensor(case.logits)
    loss = tx.softmax_cross_entropy_with_logits(labels=case.labels, logits=z, dim=case.dim)
    assert_close(loss.data, case.loss)
    assert_close(tx.gradients(loss, z, seed=case.upstream), case.grad_logits)


@pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.ProbabilitiesWarning")
@pytest.mark.parametrize("case", load("sparse_categorical_crossentropy"), ids=str)
def test_integer_labels(case: Case) -> None:
    x = tx.Tensor(case.output)
    magnified: Any = 1
    if case.mode == "softmax-graph":  # recorded are the logits, and their gradient
        output = tx.softmax(x, axis=case.axis)
    else:
        output = x
        if not case.from_logits:  # an error of 1 ulp in ln p is one of |ln p| ulp in p
            magnified = 1 - np.log(np.clip(case.output.astype(float), 1e-7, 1))
    loss = tx.sparse_categorical_crossentropy(case.target, output, case.from_logits, case.axis)
    assert_close(loss.data, case.loss)
    assert_close(tx.gradients(loss, x, seed=case.upstream), case.grad_output, magnified=magnified)
