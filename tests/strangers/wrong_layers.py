"""Wrong rules of layers, and wrong habits: what a rule returns, keeps, overwrites."""

from __future__ import annotations

import numpy as np
from strangers.case import normal, positive, wrong
from strangers.functions import (
    attention,
    avgpool,
    bilinear,
    conv1d,
    conv2d,
    dot,
    dropout,
    embedding,
    flatten,
    linear,
    maxpool,
    mean,
    multiply,
    pad,
    padded_embedding,
    relu,
    roll,
    row_softmax,
    square,
    upsample,
)

X44, W44 = normal(4, 4, seed=41), normal(4, 4, seed=42)
RNG = np.random.default_rng(43)


def attention_gradients(grad, q, k, v):
    scale = 1 / np.sqrt(q.shape[-1])
    p = row_softmax(q @ k.T * scale)
    dp = grad @ v.T
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) * scale
    return p, dp, ds


@wrong(
    linear,
    X44,
    W44,
    normal(4, seed=44),
    kind="transposed",
    codes="transposed",
    words=(r"transpos|x\.T|\.T\b|exchang",),
)
def linear_weights_transposed(grad, y, x, w, b):
    return grad @ w.T, grad.T @ x, grad.sum(axis=0)


@wrong(
    linear,
    X44,
    W44,
    normal(4, seed=44),
    kind="two mistakes",
    codes="transposed constant-factor",
    words=(r"transpos|w\.T|\.T\b", r"\b4\b|batch|1/4|0\.25"),
)
def linear_input_not_transposed_and_weights_averaged(grad, y, x, w, b):
    return grad @ w, x.T @ grad / len(x), grad.sum(axis=0)


@wrong(
    bilinear,
    normal(3, seed=45),
    normal(3, 3, seed=46),
    kind="transposed",
    words=(r"transpos|a\.T|symmetr|\.T\b",),
)
def bilinear_as_if_symmetric(grad, y, x, a):
    return 2 * grad * (a @ x), grad * np.outer(x, x)


@wrong(
    conv1d,
    normal(7, seed=47),
    normal(3, seed=48),
    kind="direction",
    words=(r"flip|revers|mirror|direction|backward",),
)
def conv1d_without_flipping_the_kernel(grad, y, x, k):
    return np.convolve(grad, k[::-1], mode="full"), np.correlate(x, grad, mode="valid")


@wrong(
    conv1d,
    normal(8, seed=47),
    normal(3, seed=48),
    kind="direction",
    words=(r"\bk\b", r"flip|revers|mirror|direction|backward"),
)
def conv1d_kernel_gradient_reversed(grad, y, x, k):
    return np.convolve(grad, k, mode="full"), np.correlate(x, grad, mode="valid")[::-1]


@wrong(
    conv2d,
    normal(5, 5, seed=49),
    normal(3, 3, seed=50),
    kind="overwritten",
    codes="few-entries-wrong",
    words=(r"overlap|several|more than one|window|row|column|add|sum|overwr",),
)
def conv2d_overwrites_where_windows_overlap(grad, y, x, k, *, stride):
    dx, dk = np.zeros_like(x), np.zeros_like(k)
    for i in range(grad.shape[0]):
        for j in range(grad.shape[1]):
            window = np.s_[i * stride : i * stride + 3, j * stride : j * stride + 3]
            dx[window] = grad[i, j] * k
            dk += grad[i, j] * x[window]
    return dx, dk


@wrong(
    maxpool,
    normal(6, 4, seed=51),
    kind="stops early",
    codes="few-entries-wrong missing-gradient",
    words=(r"row|zero|\b0\b|after|last",),
)
def maxpool_returns_after_the_first_row(grad, y, x):
    dx = np.zeros_like(x)
    for i in range(grad.shape[0]):
        for j in range(grad.shape[1]):
            window = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = grad[i, j] * (window == window.max())
        return dx
    return dx


@wrong(
    avgpool,
    normal(4, 6, seed=52),
    kind="batch size",
    codes="constant-factor",
    words=(r"\b4\b|1/4|0\.25|window|number",),
)
def avgpool_not_divided(grad, y, x):
    return grad.repeat(2, axis=0).repeat(2, axis=1)


@wrong(
    upsample,
    normal(2, 3, seed=53),
    kind="not summed",
    codes="not-summed-over-broadcast",
    words=(r"sum|cop(y|ies)|repe|one of",),
)
def upsample_takes_one_of_the_copies(grad, y, x):
    return grad[::2, ::2]


TOKENS = np.array([3, 1, 3, 0, 1, 3])


@wrong(
    embedding,
    normal(5, 2, seed=54),
    TOKENS,
    kind="overwritten",
    codes="few-entries-wrong",
    words=(r"row|token|index|repe|twice|several|more than once|last|add",),
)
def embedding_overwrites_repeated_tokens(grad, y, table, tokens):
    d = np.zeros_like(table)
    d[tokens] += grad
    return d, None


@wrong(
    padded_embedding,
    normal(4, 3, seed=55),
    np.array([2, 0, 1, 2, 0]),
    kind="padding",
    codes="few-entries-wrong",
    words=(r"row|padd|\b0\b|zero",),
)
def padded_embedding_trains_the_padding_row(grad, y, table, tokens, *, padding_idx):
    d = np.zeros_like(table)
    np.add.at(d, tokens, grad)
    return d, None


Q, K, V = normal(4, 3, seed=56), normal(4, 3, seed=57), normal(4, 2, seed=58)


@wrong(
    attention,
    Q,
    K,
    V,
    kind="transposed",
    codes="transposed",
    words=(r"\bk\b", r"transpos|\.T\b|exchang"),
)
def attention_keys_with_untransposed_scores(grad, y, q, k, v):
    p, _, ds = attention_gradients(grad, q, k, v)
    return ds @ k, ds @ q, p.T @ grad


@wrong(
    attention,
    Q,
    K,
    V,
    kind="cross term",
    codes="missing-cross-term",
    words=(r"diagonal|cross|others|softmax|sum",),
)
def attention_with_the_diagonal_of_its_softmax(grad, y, q, k, v):
    p, dp, _ = attention_gradients(grad, q, k, v)
    ds = p * (1 - p) * dp / np.sqrt(q.shape[-1])
    return ds @ k, ds.T @ q, p.T @ grad


@wrong(
    relu,
    normal(3, 4, seed=59),
    kind="in place",
    codes="in-place",
    words=(r"chang|writ|overwr|in place",),
)
def relu_writes_into_the_upstream_gradient(grad, y, x):
    grad[x < 0] = 0
    return grad


@wrong(
    multiply,
    normal(2, 3, seed=60),
    normal(2, 3, seed=61),
    kind="what is returned",
    codes="gradients-swapped",
    words=(r"list|tuple|swap|exchang",),
)
def multiply_returns_a_list_in_the_wrong_order(grad, y, a, b):
    return [grad * a, grad * b]


@wrong(
    dot,
    normal(4, seed=62),
    normal(4, seed=63),
    kind="what is returned",
    codes="missing-gradient",
    words=(r"1 gradient|one gradient|None|\bb\b|missing",),
)
def dot_forgets_the_second_gradient(grad, y, a, b):
    return grad * b


@wrong(
    multiply,
    normal(3, seed=64),
    positive(3, seed=65),
    kind="what is returned",
    words=(r"\b3\b|three", r"\b2\b|two|inputs"),
)
def multiply_returns_three_gradients(grad, y, a, b):
    return grad * b, grad * a, grad


@wrong(
    dropout,
    normal(3, 4, seed=66),
    normal(3, 4, seed=67) > 0,
    kind="random",
    codes="not-repeatable",
    words=(r"again|each time|random|repeat|another|differ",),
)
def dropout_draws_another_mask(grad, y, x, mask, *, rate):
    return grad * (RNG.random(x.shape) > rate) / (1 - rate), None


@wrong(
    square,
    normal(3, 3, seed=68),
    kind="precision",
    codes="wrong-dtype",
    words=(r"float16|digits|precis|dtype",),
)
def square_in_half_precision(grad, y, x):
    return (2 * grad * x).astype(np.float16)


@wrong(
    mean, normal(4, seed=69), kind="integer division", words=(r"whole|integer|floor|round|//|step",)
)
def mean_with_integer_division(grad, y, x, *, axis):
    return np.full(x.shape, grad // x.size)


@wrong(
    dot,
    normal(5, seed=70),
    normal(5, seed=71),
    kind="shape",
    codes="wrong-shape",
    words=(r"shape",),
)
def dot_returns_numbers(grad, y, a, b):
    return grad * b.sum(), grad * a.sum()


@wrong(
    roll,
    normal(6, seed=72),
    shift=2,
    kind="direction",
    words=(r"direction|back|shift|-2|roll|revers|permut|moved",),
)
def roll_in_the_same_direction(grad, y, x, *, shift):
    return np.roll(grad, shift)


@wrong(
    flatten,
    normal(2, 3, seed=73),
    order="F",
    kind="ignored parameter",
    codes="transposed",
    words=(r"order|axes|transpos|permut|moved|place",),
)
def flatten_ignores_the_order(grad, y, x, *, order):
    return grad.reshape(x.shape)


@wrong(
    pad,
    normal(5, seed=74),
    mode="edge",
    kind="ignored parameter",
    codes="few-entries-wrong",
    words=(r"first|last|edge|end|border|\[0\]|\[4\]",),
)
def pad_drops_what_the_edges_repeat(grad, y, x, *, mode):
    return grad[2:-2]


@wrong(
    linear,
    normal(3, 4, seed=75),
    normal(4, 2, seed=76),
    normal(2, seed=77),
    kind="stale",
    words=(r"\bx\b", r"weight|\bw\b|updat|stale|changed|other"),
)
def linear_goes_back_through_updated_weights(grad, y, x, w, b):
    dw, db = x.T @ grad, grad.sum(axis=0)
    return grad @ (w - 0.1 * dw).T, dw, db
