"""ONNX's own tests of its operators, put to the functions that answer to them.

The package `onnx` makes the cases, inputs and outputs, while it is imported; none is kept here.
Each gradient is compared with a difference, too, which ONNX does not ask for. Left out are the
forms that ONNX expands into smaller operators: they repeat the numbers of the operator itself.
"""

from __future__ import annotations

import importlib
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx

onnx = pytest.importorskip("onnx", reason="ONNX's cases come with its package: pip install onnx")

# The cases of each operator in onnx 1.23; a later version may have more. All pass, but for those of
# bfloat16, a dtype that NumPy lacks.
COUNTS = {
    "Attention": 93,
    "Exp": 2,
    "Log": 2,
    "LogSoftmax": 7,
    "NegativeLogLikelihoodLoss": 18,
    "ReduceLogSum": 5,
    "ReduceLogSumExp": 9,
    "Softmax": 7,
    "SoftmaxCrossEntropyLoss": 34,
}
BFLOAT16 = 5


# -- the operators, made of this package's functions ------------------------------------------


def reduce_log_sum(x: Any, axes: Any = (), *, keepdims: int = 1) -> Any:
    axes = None if len(axes) == 0 else tuple(int(i) for i in axes)
    return tx.log(tx.sum(x, axis=axes, keepdims=bool(keepdims)))


def reduce_log_sum_exp(x: Any, axes: Any = (), *, keepdims: int = 1) -> Any:
    axes = None if len(axes) == 0 else tuple(int(i) for i in axes)
    return tx.logsumexp(x, axis=axes, keepdims=bool(keepdims))


def negative_log_likelihood(
    log_p: Any,
    labels: Any,
    weight: Any = None,
    *,
    reduction: str = "mean",
    ignore_index: int | None = None,
) -> Any:
    """Return the loss of log probabilities, whose classes are axis 1."""
    counted = labels != ignore_index
    labels = np.where(counted, labels, 0)
    losses = -tx.squeeze(tx.take_along_axis(log_p, np.expand_dims(labels, 1), axis=1), axis=1)
    return reduced(losses, labels, counted, weight, reduction)


def softmax_cross_entropy(
    logits: Any,
    labels: Any,
    weight: Any = None,
    *,
    reduction: str = "mean",
    ignore_index: int | None = None,
) -> Any:
    """Return the loss of logits and their log-softmax."""
    counted = labels != ignore_index
    labels = np.where(counted, labels, 0)
    losses = tx.sparse_categorical_crossentropy(labels, logits, from_logits=True, axis=1)
    loss = reduced(losses, labels, counted, weight, reduction)
    return loss, tx.log_softmax(logits, axis=1)


def reduced(losses: Any, labels: Any, counted: Any, weight: Any, reduction: str) -> Any:
    factor = counted.astype(losses.dtype)
    if weight is not None:
        factor = factor * tx.take(weight, labels)
    if reduction == "none":
        return losses * factor
    return tx.sum(losses * factor) / (tx.sum(factor) if reduction == "mean" else 1)


def attention(
    q: Any,
    k: Any,
    v: Any,
    mask: Any = None,
    past_key: Any = None,
    past_value: Any = None,
    lengths: Any = None,
    *,
    is_causal: int = 0,
    scale: float | None = None,
    softcap: float = 0,
    q_num_heads: int = 0,
    kv_num_heads: int = 0,
    qk_matmul_output_mode: int = 0,
    softmax_precision: int | None = None,
    left_window_size: int = -1,
    right_window_size: int = -1,
) -> Any:
    """Return the output, the keys and values that were attended to, and the scores asked for."""
    in_three_axes = len(q.shape) == 3
    if in_three_axes:
        q, k, v = by_head(q, q_num_heads), by_head(k, kv_num_heads), by_head(v, kv_num_heads)
    before = 0
    if past_key is not None:
        before = past_key.shape[2]
        k, v = tx.concatenate([past_key, k], axis=2), tx.concatenate([past_value, v], axis=2)
    present = k, v
    shared_by = q.shape[1] // k.shape[1]  # heads of queries for one head of keys
    head = np.repeat(np.arange(k.shape[1]), shared_by)
    k, v = tx.take(k, head, axis=1), tx.take(v, head, axis=1)

    root = q.dtype.type(np.sqrt(q.shape[-1] ** -0.5 if scale is None else scale))
    scores = shown = (q * root) @ tx.swapaxes(k * root, -1, -2)
    if softcap:
        scores = shown = softcap * tx.tanh(scores / softcap)

    window = left_window_size, right_window_size
    allowed = may_attend(q.shape[2], k.shape[2], before, lengths, is_causal, *window)
    if mask is not None:
        missing = [(0, 0)] * (mask.ndim - 1) + [(0, k.shape[2] - mask.shape[-1])]
        if mask.dtype == bool:
            allowed = allowed & np.pad(mask, missing, constant_values=False)
        else:
            mask = np.pad(mask, missing, constant_values=-np.inf)
            allowed = allowed & (mask != -np.inf)
            scores = scores + np.where(mask == -np.inf, 0, mask)
    # Twice `where`: what is masked must not meet infinity or NaN on the way back either.
    some = allowed.any(axis=-1, keepdims=True)
    scores = tx.where(allowed, scores, -np.inf)
    if qk_matmul_output_mode == 2:
        shown = scores
    scores = tx.where(some, scores, 0)
    if softmax_precision is not None:
        wide = onnx.helper.tensor_dtype_to_np_dtype(softmax_precision)
        scores = tx.astype(scores, dtype=np.promote_types(wide, scores.dtype))
    p = tx.astype(tx.where(some, tx.softmax(scores), 0), dtype=q.dtype)
    if qk_matmul_output_mode == 3:
        shown = p
    out = p @ v
    if in_three_axes:
        out = tx.swapaxes(out, 1, 2)
        out = tx.reshape(out, shape=(*out.shape[:2], -1))
    return out, *present, shown


def by_head(x: Any, heads: int) -> Any:
    """Return (batch, position, heads * n) as (batch, heads, position, n)."""
    return tx.swapaxes(tx.reshape(x, shape=(*x.shape[:2], heads, -1)), 1, 2)


def may_attend(
    queries: int, keys: int, before: int, lengths: Any, causal: int, left: int, right: int
) -> Any:
    """Return which query may attend to which key, broadcastable to the scores."""
    key = np.arange(keys)
    query = np.arange(queries)[:, None] + before
    valid: Any = True
    if lengths is not None:  # of the keys in each example of the batch; the queries are the last
        lengths = lengths.reshape(-1, 1, 1, 1)
        query, valid = query + lengths - queries, key < lengths
    allowed = (key <= query) | (not causal)
    allowed &= (query - key <= left) | (left < 0)
    allowed &= (key - query <= right) | (right < 0)
    return allowed & valid


OPERATORS = {
    "Attention": attention,
    "Exp": tx.exp,
    "Log": tx.log,
    "LogSoftmax": tx.log_softmax,
    "NegativeLogLikelihoodLoss": negative_log_likelihood,
    "ReduceLogSum": reduce_log_sum,
    "ReduceLogSumExp": reduce_log_sum_exp,
    "Softmax": tx.softmax,
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy,
}


# -- the cases --------------------------------------------------------------------------------

MODULES = (
    *("attention", "exp", "log", "logsoftmax", "negativeloglikelihoodloss", "reduce_log_sum"),
    *("reduce_log_sum_exp", "softmax", "softmax_cross_entropy_loss"),
)


def cases() -> list[Any]:
    """Return ONNX's cases of the operators; the modules make them while they are imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # log(0), where that is the right answer
        for name in MODULES:
            importlib.import_module(f"onnx.backend.test.case.node.{name}")
    made = importlib.import_module("onnx.backend.test.case.node")._NodeTestCases
    return [case for case in made if operator(case) in COUNTS and "_expanded" not in case.name]


def operator(case: Any) -> str:
    return str(case.model.graph.node[0].op_type)


def has_bfloat16(case: Any) -> bool:
    return any(x.dtype.name == "bfloat16" for x in case.data_sets[0][0])


def params() -> list[Any]:
    return [
        pytest.param(case, id=case.name.removeprefix("test_"))
        for case in cases()
        if not has_bfloat16(case)
    ]


def outputs_of(case: Any, inputs: list[Any]) -> dict[str, Any]:
    """Return the outputs by name, with the inputs that a case leaves out as None."""
    (node,) = case.model.graph.node
    given = iter(inputs)
    arguments = [next(given) if name else None for name in node.input]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    attributes = {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()}
    found = OPERATORS[node.op_type](*arguments, **attributes)
    found = found if isinstance(found, tuple) else (found,)
    return {name: y for name, y in zip(node.output, found, strict=False) if name}


def tensors_of(case: Any, dtype: Any = None) -> list[Any]:
    """Return the inputs of a case, those that may get a gradient as Tensors."""
    inputs = []
    names = filter(None, case.model.graph.node[0].input)
    for name, x in zip(names, case.data_sets[0][0], strict=True):
        is_data = x.dtype.kind == "f" and name != "attn_mask"
        inputs.append(tx.Tensor(x.astype(dtype or x.dtype)) if is_data else x)
    return inputs


def test_no_case_is_lost() -> None:
    found = Counter(operator(case) for case in cases())
    lost = {name: found[name] for name in COUNTS if found[name] < COUNTS[name]}
    assert not lost
    assert sum(map(has_bfloat16, cases())) == BFLOAT16


log_of_nothing = pytest.mark.filterwarnings("ignore:divide by zero")


@log_of_nothing
@pytest.mark.parametrize("case", params())
def test_the_outputs(case: Any) -> None:
    inputs, wanted = case.data_sets[0]
    for given in (inputs, tensors_of(case)):
        found = outputs_of(case, given)
        assert len(found) == len(wanted)
        for y, right in zip(found.values(), wanted, strict=True):
            assert (y.shape, y.dtype) == (right.shape, right.dtype)
            values = y.data if isinstance(y, tx.Tensor) else y
            # In float16 ONNX's own numbers are rounded after every step.
            rtol = max(case.rtol, 2 * float(np.finfo(right.dtype).eps))
            np.testing.assert_allclose(values, right, rtol=rtol, atol=case.atol)


@log_of_nothing
@pytest.mark.parametrize("case", params())
def test_the_gradients(case: Any) -> None:
    """Along one direction, of a random sum of the first output, in float64."""
    inputs = tensors_of(case, np.float64)
    leaves = [x for x in inputs if isinstance(x, tx.Tensor)]
    (out, *_) = outputs_of(case, inputs).values()
    rng = np.random.default_rng(0)
    seed = rng.normal(size=out.shape)
    grads = tx.gradients(out, leaves, seed=seed)
    assert [g.shape for g in grads] == [x.shape for x in leaves]
    assert all(np.isfinite(g).all() for g in grads)
    if not all(x.size for x in leaves):
        return
    directions = [rng.normal(size=x.shape) for x in leaves]

    def moved(step: float) -> Any:
        pairs = iter(zip(leaves, directions, strict=True))
        shifted = (x.data + step * d for x, d in pairs)
        given = [next(shifted) if isinstance(x, tx.Tensor) else x for x in inputs]
        (out, *_) = outputs_of(case, given).values()
        return np.sum(seed * out)

    slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
    along = sum(np.sum(g * d) for g, d in zip(grads, directions, strict=True))
    scale = sum(np.sum(np.abs(g * d)) for g, d in zip(grads, directions, strict=True))
    assert abs(along - slope) <= 1e-7 * (scale + 1)
