"""Our rules beside PyTorch's: single ops, and the network of "becoming a backprop ninja"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from golden import Case, load

import tinygrad_xent as tx

OPS = load("torch", kind="op")


def call(case: Case, xs: list[tx.Tensor]) -> Any:
    """Call our op as the case says."""
    params = dict(case.params)
    match case.op:
        case "einsum":
            return tx.einsum(params["subscripts"], *xs)
        case "getitem":
            return xs[0][params["key"]]
        case "take_along_axis":
            return tx.take_along_axis(xs[0], params["indices"], axis=params["axis"])
        case "where":
            return tx.where(params["condition"], *xs)
        case "power" if "exponent" in params:
            return xs[0] ** params["exponent"]
        case _:
            return getattr(tx, case.op)(*xs, **params)


@pytest.mark.parametrize("case", OPS, ids=str)
def test_an_op_and_its_gradients(case: Case) -> None:
    xs = [tx.Tensor(x) for x in case.inputs]
    out = call(case, xs)
    np.testing.assert_allclose(out.data, case.output, rtol=1e-12, atol=1e-13)
    found = tx.gradients(out, xs, seed=case.upstream)
    for grad, wanted in zip(found, case.grads, strict=True):
        np.testing.assert_allclose(grad, wanted, rtol=1e-11, atol=1e-12)


def test_every_gradient_of_the_ninja_network() -> None:
    (case,) = load("torch", kind="network")
    made = {name: tx.Tensor(value) for name, value in case.parameters.items()}
    rows, labels = case.inputs["Xb"], case.inputs["Yb"]
    n = len(rows)
    C, W1, b1, W2, b2 = (made[name] for name in ("C", "W1", "b1", "W2", "b2"))

    emb = C[rows]
    embcat = emb.reshape(n, -1)
    hprebn = embcat @ W1 + b1
    bnmeani = hprebn.sum(0, keepdims=True) * (1 / n)
    bndiff = hprebn - bnmeani
    bndiff2 = bndiff**2
    bnvar = bndiff2.sum(0, keepdims=True) * (1 / (n - 1))
    bnvar_inv = (bnvar + 1e-5) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = made["bngain"] * bnraw + made["bnbias"]
    h = tx.tanh(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdims=True)
    norm_logits = logits - logit_maxes
    counts = tx.exp(norm_logits)
    counts_sum = counts.sum(1, keepdims=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = tx.log(probs)
    loss = -logprobs[np.arange(n), labels].mean()
    made |= {name: value for name, value in locals().items() if name in case.grads}

    loss.backward()
    np.testing.assert_allclose(loss.data, case.loss, rtol=1e-14)
    assert made.keys() == case.grads.keys()
    for name, wanted in case.grads.items():
        if name in case.cancels:  # 0 in exact arithmetic: nothing but rounding on either side
            np.testing.assert_allclose(made[name].grad, 0, atol=1e-15)
            continue
        assert largest_difference(made[name].grad, wanted) < 1e-10, name
    fused = tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits).mean()
    assert largest_difference(tx.gradients(fused, logits), case.grads["logits"]) < 1e-10


def largest_difference(found: Any, wanted: Any) -> float:
    """Relative, entry by entry."""
    assert found.shape == wanted.shape
    np.testing.assert_array_equal(found[wanted == 0], 0)
    off = np.abs(found - wanted)[wanted != 0] / np.abs(wanted)[wanted != 0]
    return float(off.max())
