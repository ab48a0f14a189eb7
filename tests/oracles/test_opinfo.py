"""PyTorch's own samples of its operators ("OpInfo"), computed by PyTorch and by this package.

Compared are the values, the gradients, and the gradients of a weighted sum of the gradients, in
float64. Not part of the usual test run::

    pip install -e ".[test]" torch expecttest
    pytest -m oracle tests/oracles/test_opinfo.py

Left out are operators without a function here, and samples that ask for what NumPy's functions
have not: each says so (`Lacking`), and is counted. `COUNTS` are those of PyTorch 2.13.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_xent as tx

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch's samples come with torch"
)
pytestmark = [pytest.mark.oracle, needs_torch, pytest.mark.filterwarnings("ignore")]


class Lacking(Exception):  # noqa: N818 (it is a reason, not an error)
    """A sample asks for something that is not offered here."""


# -- PyTorch's operators, in this package's words ------------------------------------------------


def axes(x: Any, dim: Any) -> Any:
    """Return NumPy's axis for PyTorch's dim: none means all, and a number has the axes 0 and -1."""
    if dim is None or (isinstance(dim, (list, tuple)) and not dim):
        return None
    if x.ndim == 0:
        return ()
    return tuple(dim) if isinstance(dim, (list, tuple)) else dim


def reduction(name: str) -> Callable[..., Any]:
    def f(x: Any, dim: Any = None, keepdim: bool = False, **others: Any) -> Any:
        plain(others)
        return getattr(tx, name)(x, axis=axes(x, dim), keepdims=keepdim)

    return f


def largest(name: str, pair: str) -> Callable[..., Any]:
    """max and min, which have three forms."""

    def f(x: Any, other: Any = None, keepdim: bool = False, *, dim: Any = None) -> Any:
        if isinstance(other, tx.Tensor):
            return getattr(tx, pair)(x, other)
        return reduction(name)(x, other if dim is None else dim, keepdim)

    return f


def along(name: str) -> Callable[..., Any]:
    """A function along one axis, of which a number has one."""

    def f(x: Any, dim: int, **others: Any) -> Any:
        plain(others)
        if x.ndim == 0:
            return tx.reshape(getattr(tx, name)(tx.reshape(x, shape=(1,)), axis=0), shape=())
        return getattr(tx, name)(x, axis=dim)

    return f


def plain(others: dict[str, Any]) -> None:
    """Accept a dtype that changes nothing; every other keyword is lacking."""
    for name, value in others.items():
        if name != "dtype" or not str(value).endswith("float64"):
            raise Lacking(name)


def entrywise(name: str) -> Callable[..., Any]:
    def f(*xs: Any, **others: Any) -> Any:
        plain(others)
        return getattr(tx, name)(*xs)

    return f


def scaled(name: str) -> Callable[..., Any]:
    """add and subtract, whose second term is multiplied by `alpha`."""
    return lambda x, y, alpha=1: getattr(tx, name)(x, y if alpha == 1 else y * alpha)


def rsub(x: Any, y: Any, alpha: float = 1) -> Any:
    return y - (x if alpha == 1 else x * alpha)


def divide(x: Any, y: Any, *, rounding_mode: str | None = None) -> Any:
    if rounding_mode is not None:
        raise Lacking("rounding_mode")
    return tx.divide(x, y)


def spread(name: str) -> Callable[..., Any]:
    """var and std, whose divisor is told in three ways."""

    def f(
        x: Any,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        correction: float | None = 1,
    ) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        less = int(unbiased) if correction in {1, None} else correction
        return getattr(tx, name)(x, axis=axes(x, dim), ddof=less, keepdims=keepdim)

    return f


def expand(x: Any, *shape: Any) -> Any:
    shape = shape[0] if isinstance(shape[0], (list, tuple)) else shape
    new = len(shape) - x.ndim
    sizes = (x.shape[i - new] if n == -1 else n for i, n in enumerate(shape))
    return tx.broadcast_to(x, tuple(sizes))


def shaped(x: Any, *shape: Any) -> Any:
    return tx.reshape(x, shape=shape[0] if isinstance(shape[0], (list, tuple)) else shape)


def squeeze(x: Any, dim: Any = None) -> Any:
    if dim is None:
        return tx.squeeze(x)
    dims = dim if isinstance(dim, (list, tuple)) else (dim,)
    return tx.squeeze(x, axis=tuple(i for i in dims if x.ndim and x.shape[i] == 1))


def transpose(x: Any, a: int, b: int) -> Any:
    return tx.swapaxes(x, a, b) if x.ndim else x


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    y = x @ tx.swapaxes(weight, -1, -2) if weight.ndim > 1 else x @ weight
    return y if bias is None else y + bias


def embedding(weight: Any, index: Any, **others: Any) -> Any:
    """The rows by number; what only the gradient of its own layer knows is left out."""
    for name in others:
        raise Lacking(name)
    return tx.take(weight, index, axis=0)


def nll_loss(
    log_p: Any,
    labels: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    axis = 0 if log_p.ndim == 1 else 1
    counted = labels != ignore_index
    labels = np.where(counted, labels, 0)
    factor = counted * (1.0 if weight is None else weight[labels])
    losses = -tx.take_along_axis(log_p, np.expand_dims(labels, axis), axis=axis)
    return reduced(tx.squeeze(losses, axis=axis) * factor, factor.sum(), reduction)


def cross_entropy(
    logits: Any,
    labels: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0,
) -> Any:
    if label_smoothing:
        raise Lacking("label_smoothing: see the recipes")
    axis = 0 if logits.ndim == 1 else 1
    if labels.dtype.kind == "f":
        if weight is not None:
            labels = labels * np.reshape(weight, (-1, *[1] * (logits.ndim - 1 - axis)))
        losses = tx.softmax_cross_entropy(labels, logits, axis=axis)
        return reduced(losses, losses.size, reduction)
    counted = labels != ignore_index
    labels = np.where(counted, labels, 0)
    factor = counted * (1.0 if weight is None else weight[labels])
    losses = tx.sparse_categorical_crossentropy(labels, logits, from_logits=True, axis=axis)
    return reduced(losses * factor, factor.sum(), reduction)


def reduced(losses: Any, count: float, reduction: str) -> Any:
    if reduction == "none":
        return losses
    return tx.sum(losses) / (count if reduction == "mean" else 1)


def attention(
    q: Any,
    k: Any,
    v: Any,
    attn_mask: Any = None,
    dropout_p: float = 0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    if dropout_p:
        raise Lacking("dropout_p: random")
    if enable_gqa:
        raise Lacking("enable_gqa")
    scores = q @ tx.swapaxes(k, -1, -2) * (scale or 1 / math.sqrt(q.shape[-1]))
    if is_causal:
        scores = tx.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    return tx.softmax(scores if attn_mask is None else scores + attn_mask) @ v


def flip(x: Any, dims: Any) -> Any:
    return tx.flip(x, axis=tuple(dims))


def repeat_interleave(x: Any, repeats: Any, dim: int | None = None, **others: Any) -> Any:
    plain({k: v for k, v in others.items() if k != "output_size"})
    return tx.repeat(x, repeats, axis=dim)


def index_select(x: Any, dim: int, index: Any) -> Any:
    if x.ndim == 0:
        raise Lacking("an axis of a number")
    return tx.take(x, index, axis=dim)


def take_along_dim(x: Any, index: Any, dim: int | None = None) -> Any:
    return tx.take_along_axis(x, index.ravel() if dim is None else index, axis=dim)


def cat(xs: Any, dim: int = 0) -> Any:
    if any(x.shape == (0,) for x in xs) and any(x.ndim > 1 for x in xs):
        raise Lacking("an array of shape (0,) among matrices")
    return tx.concatenate(list(xs), axis=dim)


def constant_pad(x: Any, pad: Any, value: float = 0) -> Any:
    """PyTorch counts the axes from the last."""
    if min(pad) < 0:
        raise Lacking("a negative width")
    widths = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    return tx.pad(x, [(0, 0)] * (x.ndim - len(widths)) + widths, constant_values=value)


def sort(x: Any, dim: int = -1, descending: bool = False, **others: Any) -> Any:
    if descending or x.ndim == 0:
        raise Lacking("descending" if descending else "an axis of a number")
    return tx.sort(x, axis=dim)


def einsum(xs: Any, subscripts: str) -> Any:
    if subscripts == "...ik, ...j -> ij":
        raise Lacking("a sum over an ellipsis, which NumPy refuses too")
    return tx.einsum(subscripts, *xs)


def tensordot(x: Any, y: Any, dims: Any) -> Any:
    a, b = dims if isinstance(dims, tuple) else ((), ())
    if [x.shape[i] for i in a] != [y.shape[i] for i in b]:
        raise Lacking("an axis of length 1 that is stretched, which NumPy refuses too")
    return tx.tensordot(x, y, axes=dims)


def joined(name: str) -> Callable[..., Any]:
    return lambda xs, dim=0: getattr(tx, name)(list(xs), axis=dim)


SAME_NAME = ("ceil", "cos", "cosh", "dot", "exp2", "floor", "hypot", "inner", "log10", "log2")
SAME_NAME += ("logaddexp", "outer", "ravel", "reciprocal", "remainder", "sign", "sin", "sinh")
SAME_NAME += ("square", "tan")
ARCS = ("acos", "acosh", "asin", "asinh", "atan", "atanh", "atan2")
OPERATORS: dict[str, Callable[..., Any]] = {
    **{name: entrywise(name) for name in ("exp", "expm1", "log", "log1p", "sigmoid", "sqrt")},
    **{name: entrywise(name) for name in ("tanh", "matmul", "maximum", "minimum")},
    **{name: reduction(name) for name in ("sum", "mean")},
    **{name: along(name) for name in ("softmax", "log_softmax", "cumsum")},
    "T": tx.transpose,
    "__getitem__": lambda x, key: x[key],
    "__radd__": scaled("add"),
    "__rdiv__": lambda x, y: y / x,
    "__rmatmul__": lambda x, y: y @ x,
    "__rmul__": entrywise("multiply"),
    "__rpow__": lambda x, y: y**x,
    "__rsub__": rsub,
    "abs": tx.absolute,
    "add": scaled("add"),
    "amax": reduction("max"),
    "amin": reduction("min"),
    "bmm": tx.matmul,
    "broadcast_to": expand,
    "cat": cat,
    "clamp": tx.clip,
    "clamp_max": tx.minimum,
    "clamp_min": tx.maximum,
    "div": divide,
    "einsum": einsum,
    "expand": expand,
    "expand_as": lambda x, other: tx.broadcast_to(x, other.shape),
    "flip": flip,
    "fliplr": lambda x: tx.flip(x, axis=1),
    "flipud": lambda x: tx.flip(x, axis=0),
    "index_select": index_select,
    "logsumexp": reduction("logsumexp"),
    "mT": lambda x: tx.swapaxes(x, -1, -2),
    "masked_fill": lambda x, mask, value: tx.where(mask, value, x),
    "max": largest("max", "maximum"),
    "min": largest("min", "minimum"),
    "mm": tx.matmul,
    "mul": entrywise("multiply"),
    "mv": tx.matmul,
    "neg": tx.negative,
    "nn.functional.cross_entropy": cross_entropy,
    "nn.functional.embedding": embedding,
    "nn.functional.linear": linear,
    "nn.functional.nll_loss": nll_loss,
    "nn.functional.relu": entrywise("relu"),
    "nn.functional.scaled_dot_product_attention": attention,
    "permute": lambda x, dims: tx.transpose(x, axes=tuple(dims)),
    "pow": tx.power,
    "prod": reduction("prod"),
    "reshape": shaped,
    "rsub": rsub,
    "squeeze": squeeze,
    "stack": joined("stack"),
    "sub": scaled("subtract"),
    "sum_to_size": lambda x, *shape: tx.sum_to(x, shape[0] if np.ndim(shape[0]) else shape),
    "t": tx.transpose,
    "take": tx.take,
    "take_along_dim": take_along_dim,
    "transpose": transpose,
    "true_divide": divide,
    "unsqueeze": tx.expand_dims,
    "var": spread("var"),
    "view": shaped,
    "where": lambda x, condition, y: tx.where(condition, x, y),
    **{name: entrywise(name) for name in SAME_NAME},
    **{name: entrywise("arc" + name[1:]) for name in ARCS},
    "constant_pad_nd": constant_pad,
    "cumprod": along("cumprod"),
    "diag": lambda x, diagonal=0: tx.diag(x, k=diagonal),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: tx.diagonal(
        x, offset=offset, axis1=dim1, axis2=dim2
    ),
    "hstack": lambda xs: tx.hstack(list(xs)),
    "movedim": entrywise("moveaxis"),
    "msort": lambda x: tx.sort(x, axis=0),
    "repeat": entrywise("tile"),
    "repeat_interleave": repeat_interleave,
    "roll": lambda x, shifts, dims=None: tx.roll(x, shifts, axis=None if dims == () else dims),
    "round": lambda x, decimals=0: tx.round(x, decimals=decimals),
    "sort": sort,
    "std": spread("std"),
    "tensor_split": lambda x, where, dim=0: tx.array_split(x, where, axis=dim),
    "tensordot": tensordot,
    "tile": entrywise("tile"),
    "trace": entrywise("matrix_trace"),
    "tril": lambda x, k=0: tx.tril(x, k=k),
    "triu": lambda x, k=0: tx.triu(x, k=k),
    "vstack": lambda xs: tx.vstack(list(xs)),
}


# -- a sample, there and here -------------------------------------------------------------------


def samples(name: str) -> list[tuple[Any, Any]]:
    """Return the variants of an operator with each of their samples."""
    import torch
    from torch.testing._internal.common_methods_invocations import op_db

    torch.manual_seed(0)
    variants = [op for op in op_db if op.name == name and torch.float64 in op.dtypes]
    return [
        (op, sample)
        for op in variants
        for sample in op.sample_inputs("cpu", torch.float64, requires_grad=True)
    ]


def translated(x: Any, leaves: list[tuple[Any, Any]]) -> Any:
    """Return a sample's argument with our Tensors; `leaves` gets the pairs of theirs and ours."""
    import torch

    if isinstance(x, torch.Tensor):
        if not x.requires_grad:
            return x.numpy()
        ours = tx.Tensor(x.detach().numpy().copy())
        leaves.append((x, ours))
        return ours
    if isinstance(x, (list, tuple)):
        return type(x)(translated(y, leaves) for y in x)
    return x


def theirs(op: Any, sample: Any, leaves: list[Any], rng: Any) -> list[Any]:
    """Return the value, the gradients and the second gradients that PyTorch computes."""
    import torch

    def weights(x: Any) -> Any:
        return torch.from_numpy(np.asarray(rng.normal(size=tuple(x.shape))))

    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # it has every order
        out = op.op(sample.input, *sample.args, **sample.kwargs)
    out = out if isinstance(out, torch.Tensor) else out[0]
    if not leaves:
        return [out.numpy()]
    options = {"create_graph": True, "allow_unused": True, "materialize_grads": True}
    first = torch.autograd.grad(out, leaves, weights(out), **options)
    total = sum((weights(g) * g).sum() for g in first)
    second = [torch.zeros_like(x) for x in leaves]
    if total.requires_grad:
        second = torch.autograd.grad(total, leaves, **options)
    return [x.detach().numpy(force=True) for x in (out, *first, *second)]


def ours(function: Any, sample: Any, leaves: list[Any], arguments: Any, rng: Any) -> list[Any]:
    """Return the same by this package."""
    args, kwargs = arguments
    out = function(*args, **kwargs)
    out = out[0] if isinstance(out, (list, tuple)) else out
    if not leaves:
        return [out]
    first = tx.gradients(out, leaves, seed=rng.normal(size=out.shape), create_graph=True)
    total = sum((rng.normal(size=g.shape) * g).sum() for g in first)
    second = [np.zeros(x.shape) for x in leaves]
    if isinstance(total, tx.Tensor) and total.op is not None:
        second = tx.gradients(total, leaves)
    return [out.data, *(g.data for g in first), *second]


def difference(function: Any, op: Any, sample: Any) -> str:
    """Return what of a sample is not the same here, or nothing."""
    leaves: list[tuple[Any, Any]] = []
    args = [translated(x, leaves) for x in (sample.input, *sample.args)]
    kwargs = {name: translated(x, leaves) for name, x in sample.kwargs.items()}
    them, us = [pair[0] for pair in leaves], [pair[1] for pair in leaves]
    found = ours(function, sample, us, (args, kwargs), np.random.default_rng(0))
    wanted = theirs(op, sample, them, np.random.default_rng(0))
    n = len(leaves)
    names = ["the value", *["a gradient"] * n, *["a second gradient"] * n]
    for name, a, b in zip(names, found, wanted, strict=True):
        if a.shape != b.shape:
            return f"{name} has shape {a.shape}, there {b.shape}"
        scale = np.max(np.abs(b), initial=1, where=np.isfinite(b))
        if not np.allclose(a, b, rtol=1e-10, atol=1e-12 * scale, equal_nan=True):
            return f"{name} is\n{a}, there\n{b}"
    return ""


# -- the tests ----------------------------------------------------------------------------------

# How many samples of each operator are the same here, and how many more ask for what is lacking.
COUNTS = """
T 2, __getitem__ 16, __radd__ 9, __rdiv__ 9, __rmatmul__ 15, __rmul__ 9, __rpow__ 9, __rsub__ 9,
abs 1, acos 3, acosh 3, add 11, amax 20, amin 20, asin 1, asinh 1, atan 1, atan2 9, atanh 1, bmm
19, broadcast_to 7, cat 8+1, ceil 1, clamp 7, clamp_max 9, clamp_min 9, constant_pad_nd 47+4,
cos 3, cosh 3, cumprod 10, cumsum 4, diag 16, diagonal 15, div 9+18, dot 1, einsum 10+1, exp 3,
exp2 3, expand 9, expand_as 3, expm1 1, flip 10, fliplr 2, flipud 2, floor 1, hstack 2, hypot 9,
index_select 2+1, inner 2, log 3, log10 3, log1p 1, log2 3, log_softmax 14, logaddexp 9,
logsumexp 15, mT 5, masked_fill 8, matmul 15, max 15, maximum 9, mean 20, min 15, minimum 9, mm
3, movedim 2, msort 2, mul 9, mv 1, neg 1, nn.functional.cross_entropy 21,
nn.functional.embedding 3, nn.functional.linear 18, nn.functional.nll_loss 61,
nn.functional.relu 4, nn.functional.scaled_dot_product_attention 13+12, outer 1, permute 4, pow
9, prod 39, ravel 3, reciprocal 3, remainder 9, repeat 24, repeat_interleave 5, reshape 7, roll
17, round 10, rsub 11, sigmoid 3, sign 1, sin 1, sinh 1, softmax 14, sort 29+29, sqrt 1, square
3, squeeze 14, stack 9, std 16, sub 11, sum 20, sum_to_size 16, t 3, take 10, take_along_dim 5,
tan 1, tanh 1, tensor_split 10, tensordot 2+1, tile 28, trace 5, transpose 8, tril 8, triu 8,
true_divide 9, unsqueeze 9, var 16, view 7, vstack 2, where 6
"""


def counted() -> dict[str, tuple[int, int]]:
    """Return the counts by operator."""
    found = {}
    for entry in COUNTS.split(","):
        name, count = entry.split()
        same, _, lacking = count.partition("+")
        found[name] = int(same), int(lacking or 0)
    return found


def test_every_operator_is_counted() -> None:
    assert counted().keys() == OPERATORS.keys()


@pytest.mark.parametrize("name", OPERATORS)
def test_the_samples_of_an_operator(name: str) -> None:
    import torch

    wrong, same, lacking = [], 0, 0
    for op, sample in samples(name):
        try:
            what = difference(OPERATORS[name], op, sample)
        except Lacking:
            lacking += 1
            continue
        same += not what
        wrong += [f"{op.formatted_name}, {sample.summary()}: {what}"] if what else []
    assert not wrong, "\n".join(wrong)
    assert same
    if torch.__version__.startswith("2.13."):
        assert (same, lacking) == counted()[name]
