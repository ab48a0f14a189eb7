"""Record PyTorch's losses and gradients in tests/data/torch.json.gz.

The tests read that file and need no PyTorch. To make it again, in an environment of its own::

    python -m venv torch-venv
    torch-venv/bin/pip install torch==2.13.0 numpy
    torch-venv/bin/python tests/record_torch.py

Everything is float64 and seeded; another processor may change the last bits. The kinds of cases:

"network"
    A character model after Andrej Karpathy's lecture "becoming a backprop ninja", in steps small
    enough to differentiate by hand: `grads` has the gradient of every step and parameter. Those
    named in `cancels` are 0 but for rounding.
"recipe"
    Cross-entropies with PyTorch's `options`: the `losses` of the examples as ``reduction="none"``
    gives them (so weighted, where there are weights), the reduced `loss`, and its gradients.
"op"
    One op under NumPy's names: `inputs`, `params`, `output`, and the gradients of the inputs for
    a random `upstream`. Ties only where PyTorch splits the gradient evenly among them.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch  # type: ignore[import-not-found, unused-ignore]  # not among the project's packages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
OUT = Path(__file__).parent / "data" / "torch.json.gz"
rng = np.random.default_rng(20)

# Each op with NumPy's parameters, in PyTorch's words.
OPS: dict[str, Callable[..., Any]] = {
    "var": lambda x, axis, ddof, keepdims=False: x.var(axis, correction=ddof, keepdim=keepdims),
    "prod": lambda x, axis, keepdims=False: (
        x.prod() if axis is None else x.prod(axis, keepdim=keepdims)
    ),
    "logsumexp": lambda x, axis, keepdims=False: x.logsumexp(axes(x, axis), keepdim=keepdims),
    "max": lambda x, axis, keepdims=False: x.amax(axes(x, axis), keepdim=keepdims),
    "min": lambda x, axis, keepdims=False: x.amin(axes(x, axis), keepdim=keepdims),
    "cumsum": lambda x, axis: x.cumsum(axis),
    "softmax": lambda x, axis: x.softmax(axis),
    "log_softmax": lambda x, axis: x.log_softmax(axis),
    "einsum": lambda *xs, subscripts: torch.einsum(subscripts, *xs),
    "take_along_axis": lambda x, indices, axis: x.take_along_dim(torch.tensor(indices), axis),
    "getitem": lambda x, key: x[key],
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "where": lambda x, y, condition: torch.where(torch.tensor(condition), x, y),
    "clip": lambda x, **limits: x.clamp(**limits),
    "matmul": torch.matmul,
    "power": lambda x, y=None, exponent=None: x ** (y if exponent is None else exponent),
}


def main() -> None:
    """Write the file."""
    torch.set_num_threads(1)  # the order of additions does not depend on the machine
    contents = {
        "source": f"PyTorch {torch.__version__}, float64, by tests/record_torch.py; C99 hex floats",
        "cases": [network(), *recipes(), *ops()],
    }
    text = json.dumps(contents, default=encode, separators=(",", ":"))
    OUT.write_bytes(gzip.compress(text.encode(), mtime=0))


def encode(value: Any) -> Json:
    """Return an array or tensor as JSON, floats as C99 hex."""
    array = value.detach().numpy() if isinstance(value, torch.Tensor) else value
    data = [x.hex() if isinstance(x, float) else x for x in array.ravel().tolist()]
    return {"shape": array.shape, "dtype": str(array.dtype), "data": data}


def leaf(array: Any) -> Any:
    """Return a tensor that gets a gradient."""
    return torch.tensor(array, requires_grad=True)


def network() -> Json:
    """One training step, each operation of the forward pass by name."""
    vocabulary, block, embedding, hidden, batch = 27, 3, 10, 64, 32
    x = rng.integers(vocabulary, size=(batch, block))
    y = rng.integers(vocabulary, size=batch)
    scales: dict[str, tuple[float, tuple[int, ...]]] = {
        "C": (1.0, (vocabulary, embedding)),
        "W1": (0.3, (block * embedding, hidden)),
        "b1": (0.1, (hidden,)),
        "bngain": (0.1, (1, hidden)),
        "bnbias": (0.1, (1, hidden)),
        "W2": (0.1, (hidden, vocabulary)),
        "b2": (0.1, (vocabulary,)),
    }
    p = {name: scale * rng.normal(size=shape) for name, (scale, shape) in scales.items()}
    p["bngain"] += 1
    p = {name: leaf(array) for name, array in p.items()}

    s: dict[str, Any] = {}
    s["emb"] = p["C"][x]
    s["embcat"] = s["emb"].reshape(batch, block * embedding)
    s["hprebn"] = s["embcat"] @ p["W1"] + p["b1"]
    s["bnmeani"] = 1 / batch * s["hprebn"].sum(0, keepdim=True)
    s["bndiff"] = s["hprebn"] - s["bnmeani"]
    s["bndiff2"] = s["bndiff"] ** 2
    s["bnvar"] = 1 / (batch - 1) * s["bndiff2"].sum(0, keepdim=True)
    s["bnvar_inv"] = (s["bnvar"] + 1e-5) ** -0.5
    s["bnraw"] = s["bndiff"] * s["bnvar_inv"]
    s["hpreact"] = p["bngain"] * s["bnraw"] + p["bnbias"]
    s["h"] = torch.tanh(s["hpreact"])
    s["logits"] = s["h"] @ p["W2"] + p["b2"]
    s["logit_maxes"] = s["logits"].max(1, keepdim=True).values
    s["norm_logits"] = s["logits"] - s["logit_maxes"]
    s["counts"] = s["norm_logits"].exp()
    s["counts_sum"] = s["counts"].sum(1, keepdim=True)
    s["counts_sum_inv"] = s["counts_sum"] ** -1
    s["probs"] = s["counts"] * s["counts_sum_inv"]
    s["logprobs"] = s["probs"].log()
    loss = -s["logprobs"][range(batch), y].mean()

    for step in s.values():
        step.retain_grad()
    loss.backward()
    return {
        "id": "network",
        "kind": "network",
        "inputs": {"Xb": x, "Yb": y},
        "parameters": p,
        "loss": loss,
        "grads": {name: tensor.grad for name, tensor in {**p, **s}.items()},
        "cancels": ["b1", "logit_maxes"],  # b1 leaves with the mean; no shift changes the loss
    }


def recipes() -> Iterator[Json]:
    """Cross-entropies of a table of rows and of a segmentation; the class axis is 1."""
    cross_entropy = torch.nn.functional.cross_entropy
    for shape in [(6, 5), (2, 5, 3, 4)]:
        classes = shape[1]
        logits = leaf(2 * rng.normal(size=shape))
        labels = rng.integers(classes, size=shape[:1] + shape[2:])
        padded = np.where(rng.random(labels.shape) < 0.4, -100, labels)
        padded.flat[0], padded.flat[-1] = labels.flat[0], -100  # some of either, whatever was drawn
        soft = rng.dirichlet(np.ones(classes), size=labels.shape)
        soft = np.moveaxis(soft, -1, 1)
        weight = rng.uniform(0.2, 3, size=classes)

        choices: list[tuple[str, Any, Json]] = [
            ("mean", labels, {}),
            ("sum", labels, {"reduction": "sum"}),
            ("padding", padded, {"ignore_index": -100}),
            ("ignored class", labels, {"ignore_index": int(labels.flat[0])}),
            ("class weights", labels, {"weight": weight}),
            ("class weights, sum", labels, {"weight": weight, "reduction": "sum"}),
            ("class weights and padding", padded, {"weight": weight, "ignore_index": -100}),
            ("label smoothing", labels, {"label_smoothing": 0.1}),
            ("label smoothing and padding", padded, {"label_smoothing": 0.1, "ignore_index": -100}),
            ("soft labels", soft, {}),
            ("soft labels, sum", soft, {"reduction": "sum"}),
            (
                "label smoothing and class weights",
                labels,
                {"label_smoothing": 0.1, "weight": weight},
            ),
            ("soft labels and class weights", soft, {"weight": weight}),
        ]
        for name, target, options in choices:
            arguments = dict(options)
            if "weight" in options:
                arguments["weight"] = torch.tensor(weight)
            wants = leaf(target) if target is soft else torch.tensor(target)
            loss = cross_entropy(logits, wants, **arguments)
            grads = torch.autograd.grad(loss, [logits, wants] if target is soft else [logits])
            yield {
                "id": f"{name} {shape}",
                "kind": "recipe",
                "recipe": name,
                "axis": 1,
                "logits": logits,
                "labels": target,
                "options": options,
                "losses": cross_entropy(logits, wants, **{**arguments, "reduction": "none"}),
                "loss": loss,
                "grad_logits": grads[0],
                "grad_labels": grads[1] if target is soft else None,
            }


def ops() -> Iterator[Json]:
    """Single ops, away from the points without a derivative."""
    normal = rng.normal
    table, box = normal(size=(4, 5)), normal(size=(2, 3, 4))

    for axis in (None, 0, 1, (0, 1)):
        for ddof in (0, 1):
            yield case("var", table, axis=axis, ddof=ddof)
    yield case("var", box, axis=(0, 2), ddof=1, keepdims=True)

    one_zero, two_zeros = normal(size=(2, 3, 4))
    one_zero[1, 2] = 0
    two_zeros[1, [0, 3]] = 0
    for note, x in (("", table), ("one zero", one_zero), ("two zeros", two_zeros)):
        yield case("prod", x, note=note, axis=None)
        yield case("prod", x, note=note, axis=1)
    yield case("prod", one_zero, note="one zero", axis=0, keepdims=True)

    for op in ("logsumexp", "cumsum", "max", "min", "softmax", "log_softmax"):
        for axis in (0, 1, -1):
            yield case(op, box, axis=axis)
    for op in ("logsumexp", "max", "min"):
        yield case(op, box, axis=None)
        yield case(op, box, axis=(0, 2), keepdims=True)
    for op in ("logsumexp", "softmax", "log_softmax"):
        yield case(op, 300 * table, note="saturated", axis=1)
    for op in ("max", "min"):
        yield case(op, np.sign(box), note="ties", axis=2)
        yield case(op, np.sign(box), note="ties", axis=None)

    left, right = normal(size=(3, 4)), normal(size=(4, 2))
    for subscripts in ("ij,jk->ik", "ij,jk->ki", "ij,jk->k", "ij,jk->"):
        yield case("einsum", left, right, subscripts=subscripts)
    yield case("einsum", box, normal(size=(2, 4, 5)), subscripts="bij,bjk->bik")
    yield case("einsum", table, subscripts="ij->j")

    yield case("take_along_axis", table, indices=rng.integers(4, size=(6, 5)), axis=0)
    yield case("take_along_axis", table, indices=rng.integers(5, size=(4, 7)), axis=1)
    rows, columns = np.array([3, 1, 1, 0, 3, 3]), np.array([0, 2, 2, 4, 0, 0])
    yield case("getitem", table, note="rows", key=(rows,))
    yield case("getitem", table, note="entries", key=(rows, columns))
    yield case("getitem", table, note="blocks of rows", key=(rows.reshape(2, 3),))
    yield case("getitem", table, note="mask", key=(table > 0,))

    row = normal(size=4)
    for op in ("maximum", "minimum"):
        yield case(op, left, row)
        yield case(op, np.sign(left), np.sign(row), note="ties")
    yield case("where", left, row, condition=rng.random((3, 4)) < 0.5)
    yield case("clip", table, min=-0.4, max=0.7)
    yield case("clip", table, min=0.1, max=None)

    for shapes in (
        ((4,), (4,)),
        ((3, 4), (4,)),
        ((4,), (2, 4, 3)),
        ((3, 4), (4, 2)),
        ((2, 3, 4), (2, 4, 5)),
        ((2, 3, 4), (4, 5)),
        ((5, 1, 3, 4), (2, 4, 2)),
    ):
        yield case("matmul", *(normal(size=shape) for shape in shapes))

    bases = rng.uniform(0.2, 3, size=(3, 4))
    yield case("power", bases, row)
    yield case("power", bases[:, :1], left)
    yield case("power", table, exponent=3.0)
    yield case("power", bases, exponent=-0.5)


def case(op: str, *arrays: Any, note: str = "", **params: Any) -> Json:
    """Run one op and its gradients."""
    inputs = [leaf(array) for array in arrays]
    output = OPS[op](*inputs, **params)
    upstream = torch.tensor(rng.normal(size=tuple(output.shape)))
    words = [op, *(str(array.shape) for array in arrays), note]
    words += [f"{k}={v}" for k, v in params.items() if k not in ("key", "indices", "condition")]
    return {
        "id": " ".join(filter(None, words)),
        "kind": "op",
        "op": op,
        "inputs": inputs,
        "params": params,
        "output": output,
        "upstream": upstream,
        "grads": torch.autograd.grad(output, inputs, upstream),
    }


def axes(x: Any, axis: Any) -> Any:
    """Return `axis` with None spelled out."""
    return tuple(range(x.ndim)) if axis is None else axis


if __name__ == "__main__":
    main()
