"""Figures recorded from PyTorch in float64: single ops, and every step of a small network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from golden import Case, load

import tinygrad_xent as tx

# The ops under NumPy's names take NumPy's parameters; these are called in another way.
CALLS: dict[str, Callable[..., Any]] = {
    "einsum": lambda *xs, subscripts: tx.einsum(subscripts, *xs),
    "getitem": lambda x, key: x[key],
    "power": lambda x, y=None, exponent=None: x ** (y if exponent is None else exponent),
    "where": lambda x, y, condition: tx.where(condition, x, y),
}


@pytest.mark.parametrize("case", load("torch", kind="op"), ids=str)
def test_an_op_and_its_gradients(case: Case) -> None:
    inputs = [tx.Tensor(x) for x in case.inputs]
    output = CALLS.get(case.op, getattr(tx, case.op, None))(*inputs, **case.params)
    grads = tx.gradients(output, inputs, seed=case.upstream)
    for found, wanted in zip([output.data, *grads], [case.output, *case.grads], strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def steps(inputs: Any, p: dict[str, tx.Tensor]) -> dict[str, tx.Tensor]:
    """The forward pass of a network with batch normalisation, each operation by name."""
    batch = len(inputs["Yb"])
    s: dict[str, tx.Tensor] = {}
    s["emb"] = p["C"][inputs["Xb"]]
    s["embcat"] = s["emb"].reshape(batch, -1)
    s["hprebn"] = s["embcat"] @ p["W1"] + p["b1"]
    s["bnmeani"] = s["hprebn"].sum(axis=0, keepdims=True) / batch
    s["bndiff"] = s["hprebn"] - s["bnmeani"]
    s["bndiff2"] = s["bndiff"] ** 2
    s["bnvar"] = s["bndiff2"].sum(axis=0, keepdims=True) / (batch - 1)
    s["bnvar_inv"] = (s["bnvar"] + 1e-5) ** -0.5
    s["bnraw"] = s["bndiff"] * s["bnvar_inv"]
    s["hpreact"] = p["bngain"] * s["bnraw"] + p["bnbias"]
    s["h"] = tx.tanh(s["hpreact"])
    s["logits"] = s["h"] @ p["W2"] + p["b2"]
    s["logit_maxes"] = s["logits"].max(axis=1, keepdims=True)
    s["norm_logits"] = s["logits"] - s["logit_maxes"]
    s["counts"] = tx.exp(s["norm_logits"])
    s["counts_sum"] = s["counts"].sum(axis=1, keepdims=True)
    s["counts_sum_inv"] = s["counts_sum"] ** -1
    s["probs"] = s["counts"] * s["counts_sum_inv"]
    s["logprobs"] = tx.log(s["probs"])
    s["loss"] = -s["logprobs"][np.arange(batch), inputs["Yb"]].mean()
    return s


def test_every_step_of_a_network() -> None:
    (case,) = load("torch", kind="network")
    tensors = {name: tx.Tensor(value, name=name) for name, value in case.parameters.items()}
    tensors |= steps(case.inputs, tensors)
    loss = tensors.pop("loss")
    assert float(loss.data) == pytest.approx(float(case.loss), rel=1e-14)
    loss.backward()
    assert tensors.keys() == case.grads.keys()
    largest = 0.0
    for name, wanted in case.grads.items():
        if name in case.cancels:  # nothing but roundings
            assert np.abs(tensors[name].grad).max() < 1e-16
            continue
        zero = wanted == 0
        assert not tensors[name].grad[zero].any()
        largest = max(largest, np.abs(tensors[name].grad[~zero] / wanted[~zero] - 1).max())
    print(f"largest relative difference of an entry: {largest:.1e}")  # noqa: T201 (for -rP)
    assert largest < 1e-10


def test_the_fused_loss_gives_the_network_the_same_gradients() -> None:
    (case,) = load("torch", kind="network")
    p = {name: tx.Tensor(value) for name, value in case.parameters.items()}
    s = steps(case.inputs, p)
    tx.sparse_categorical_crossentropy(case.inputs["Yb"], tx.softmax(s["logits"])).mean().backward()
    for name in ("logits", "h", "bnraw", "hprebn", "emb"):
        np.testing.assert_allclose(s[name].grad, case.grads[name], rtol=1e-10, atol=1e-16)
