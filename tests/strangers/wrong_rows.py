"""Wrong rules of functions that work on rows: softmax, losses, sums, normalisations."""

from __future__ import annotations

import numpy as np
from strangers.case import normal, positive, wrong
from strangers.functions import (
    batchnorm,
    binary_cross_entropy,
    centre,
    cross_entropy,
    cumprod,
    cumsum,
    layernorm,
    log_softmax,
    logsumexp,
    masked_cross_entropy,
    mean,
    mean_cross_entropy,
    norm,
    normalize,
    row_max,
    smoothed_cross_entropy,
    softmax,
)

X34, X44 = normal(3, 4, seed=21), normal(4, 4, seed=22)
LABELS3, LABELS4 = np.array([2, 0, 3]), np.array([1, 3, 0, 2])
MEAN_TERM = (r"mean|average|centre|center",)


@wrong(
    softmax,
    normal(5, seed=23),
    kind="cross term",
    codes="missing-cross-term",
    words=(r"diagonal|others|cross|depend",),
)
def softmax_diagonal_only(grad, y, x, *, axis):
    return grad * y * (1 - y)


@wrong(
    softmax,
    X44,
    kind="keepdims",
    codes="wrong-axis transposed",
    words=(r"keepdims|axis|row|column|transpos|broadcast",),
)
def softmax_without_keepdims(grad, y, x, *, axis):
    return y * (grad - (grad * y).sum(axis=axis))


@wrong(
    softmax,
    X34,
    axis=0,
    kind="axis",
    codes="wrong-axis",
    words=(r"axis", r"\b0\b", r"-1|\b1\b|last"),
)
def softmax_sums_along_the_last_axis(grad, y, x, *, axis):
    return y * (grad - (grad * y).sum(axis=-1, keepdims=True))


@wrong(
    softmax,
    normal(2, 3, 4, seed=24),
    kind="cross term",
    words=(r"sum", r"weight|grad ?\* ?y|y ?\* ?grad|factor|without y|by y"),
)
def softmax_sums_the_plain_upstream(grad, y, x, *, axis):
    return y * (grad - grad.sum(axis=axis, keepdims=True))


@wrong(
    softmax,
    X34,
    kind="missing term",
    words=(r"diagonal|own|term|grad ?\* ?y|y ?\* ?grad|y ?\* ?\(grad",),
)
def softmax_off_the_diagonal_only(grad, y, x, *, axis):
    return -y * (grad * y).sum(axis=axis, keepdims=True)


@wrong(
    softmax,
    normal(6, seed=25),
    kind="missing factor",
    words=(r"factor|times y|by y|multipl|y ?\* ?\(|divid",),
)
def softmax_without_the_outer_factor(grad, y, x, *, axis):
    return grad - (grad * y).sum(axis=axis, keepdims=True)


@wrong(
    log_softmax, X34, kind="log for probability", words=(r"exp|softmax|probabilit|logarithm|\bp\b",)
)
def log_softmax_with_the_logarithms(grad, y, x):
    return grad - y * grad.sum(axis=-1, keepdims=True)


@wrong(
    log_softmax,
    X34,
    kind="upstream",
    words=(r"grad|upstream", r"sum|multipl|proportional|linear|scale|depend|without"),
)
def log_softmax_minus_the_bare_probability(grad, y, x):
    return grad - np.exp(y)


@wrong(
    cross_entropy,
    X34,
    LABELS3,
    kind="ignores upstream",
    codes="ignores-upstream",
    words=(r"grad|upstream", r"arriv|ignor|change|multipl|depend"),
)
def cross_entropy_without_the_upstream(grad, y, logits, labels):
    return np.exp(log_softmax(logits)) - np.eye(4)[labels], None


@wrong(
    cross_entropy,
    X44,
    LABELS4,
    kind="keepdims",
    codes="transposed wrong-axis",
    words=(r"row|column|axis|keepdims|\[:, None\]|transpos|broadcast",),
)
def cross_entropy_upstream_along_the_classes(grad, y, logits, labels):
    return grad * (np.exp(log_softmax(logits)) - np.eye(4)[labels]), None


@wrong(
    cross_entropy,
    X34,
    LABELS3,
    kind="one-hot",
    codes="few-entries-wrong",
    words=(r"label|one-hot|class", r"off|one|next|before|shift|previous|neighb|- 1|beside"),
)
def cross_entropy_one_hot_off_by_one(grad, y, logits, labels):
    d = np.exp(log_softmax(logits))
    d[np.arange(3), labels - 1] -= 1
    return grad[:, None] * d, None


@wrong(cross_entropy, X34, LABELS3, kind="sign", codes="wrong-sign", words=(r"sign",))
def cross_entropy_t_minus_p(grad, y, logits, labels):
    return grad[:, None] * (np.eye(4)[labels] - np.exp(log_softmax(logits))), None


@wrong(
    mean_cross_entropy,
    normal(5, 3, seed=26),
    np.array([0, 1, 2, 1, 1]),
    kind="batch size",
    codes="constant-factor",
    words=(r"\b5\b|batch|rows|number of",),
)
def mean_cross_entropy_not_divided(grad, y, logits, labels):
    return grad * (np.exp(log_softmax(logits)) - np.eye(3)[labels]), None


@wrong(
    masked_cross_entropy,
    normal(5, 3, seed=27),
    np.array([0, -1, 2, -1, 1]),
    kind="padding",
    codes="few-entries-wrong",
    words=(r"row|padd|label|ignor|-1",),
)
def masked_cross_entropy_trains_on_padding(grad, y, logits, labels, *, ignore_index):
    return grad[:, None] * (np.exp(log_softmax(logits)) - np.eye(3)[labels]), None


@wrong(
    smoothed_cross_entropy,
    X34,
    LABELS3,
    kind="wrong target",
    words=(r"smooth|label|eps|target|one-hot|constant|0\.05|0\.15|0\.2",),
)
def smoothed_cross_entropy_with_hard_labels(grad, y, logits, labels, *, eps):
    return grad[:, None] * (np.exp(log_softmax(logits)) - np.eye(4)[labels]), None


@wrong(
    binary_cross_entropy,
    np.array([0.2, 0.7, 0.9, 0.4]),
    target=np.array([0.0, 1, 0, 1]),
    kind="missing factor",
    words=(r"divi|1 ?- ?p|p ?\* ?\(1|factor|missing",),
)
def binary_cross_entropy_as_if_of_logits(grad, y, p, *, target):
    return grad * (p - target)


@wrong(
    logsumexp,
    X34,
    kind="axis",
    codes="wrong-axis constant-factor",
    words=(r"axis|every|whole|all|row",),
)
def logsumexp_normalized_over_everything(grad, y, x, *, axis):
    e = np.exp(x - x.max())
    return np.expand_dims(grad, axis) * e / e.sum()


@wrong(
    mean,
    normal(2, 3, 4, seed=28),
    axis=2,
    kind="batch size",
    codes="constant-factor",
    words=(r"\b6\b|1/6|size|axis|24|0\.16",),
)
def mean_divided_by_the_size_of_everything(grad, y, x, *, axis):
    return np.broadcast_to(np.expand_dims(grad, axis), x.shape) / x.size


@wrong(centre, X34, kind="detached", codes="missing-cross-term", words=MEAN_TERM)
def centre_with_a_detached_mean(grad, y, x):
    return grad


@wrong(
    norm, positive(3, 4, seed=29), kind="missing factor", words=(r"divi|norm|1 ?/ ?y|/ ?y|factor",)
)
def norm_not_divided_by_the_norm(grad, y, x):
    return grad[..., None] * x


@wrong(
    normalize,
    normal(2, 5, seed=30),
    kind="detached",
    codes="missing-cross-term",
    words=(r"norm|projection|cross|others|term|y ?\* ?sum|length|divisor",),
)
def normalize_with_a_detached_norm(grad, y, x):
    return grad / np.sqrt((x * x).sum(axis=-1, keepdims=True))


@wrong(
    row_max,
    normal(3, 5, seed=31),
    kind="mask",
    codes="few-entries-wrong",
    words=(r"maxim|largest|not the max|argmax|mask|should be 0|zero",),
)
def row_max_to_every_entry(grad, y, x, *, axis):
    return np.repeat(grad[:, None], x.shape[1], axis=1)


@wrong(
    row_max,
    normal(3, 3, seed=32),
    axis=0,
    kind="axis",
    codes="wrong-axis few-entries-wrong",
    words=(r"axis|row|column|maxim|largest",),
)
def row_max_found_along_the_other_axis(grad, y, x, *, axis):
    return grad * (x == x.max(axis=1, keepdims=True))


@wrong(
    cumsum,
    X34,
    kind="direction",
    words=(r"revers|flip|end|direction|backward|later|after|right to left",),
)
def cumsum_in_the_forward_direction(grad, y, x, *, axis):
    return np.cumsum(grad, axis=axis)


@wrong(
    cumprod,
    positive(2, 4, seed=33),
    kind="missing factor",
    words=(r"divi|/ ?x|1 ?/ ?x|factor|by x",),
)
def cumprod_not_divided_by_x(grad, y, x):
    return np.cumsum((grad * y)[:, ::-1], axis=1)[:, ::-1]


GAMMA, BETA, BATCH = positive(3, seed=34), normal(3, seed=35), normal(6, 3, seed=36)


def x_hat(x, eps=1e-5):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)


@wrong(
    batchnorm,
    BATCH,
    GAMMA,
    BETA,
    kind="detached",
    codes="missing-cross-term",
    words=(r"mean|varianc|statistic|deviation|others",),
)
def batchnorm_with_detached_statistics(grad, y, x, gamma, beta, *, eps):
    dx = grad * gamma / np.sqrt(x.var(axis=0) + eps)
    return dx, (grad * x_hat(x)).sum(axis=0), grad.sum(axis=0)


@wrong(
    batchnorm,
    BATCH,
    GAMMA,
    BETA,
    kind="detached",
    codes="missing-cross-term",
    words=(r"varianc|deviation|x_hat|statistic|second term|normali",),
)
def batchnorm_with_a_detached_variance(grad, y, x, gamma, beta, *, eps):
    d = grad * gamma
    dx = (d - d.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return dx, (grad * x_hat(x)).sum(axis=0), grad.sum(axis=0)


@wrong(batchnorm, BATCH, GAMMA, BETA, eps=0.1, kind="eps", words=(r"eps|0\.1|root|sqrt",))
def batchnorm_with_eps_outside_the_root(grad, y, x, gamma, beta, *, eps):
    d, h = grad * gamma, x_hat(x, eps)
    dx = (d - d.mean(axis=0) - h * (d * h).mean(axis=0)) / (np.sqrt(x.var(axis=0)) + eps)
    return dx, (grad * h).sum(axis=0), grad.sum(axis=0)


@wrong(
    batchnorm,
    BATCH,
    GAMMA,
    BETA,
    kind="wrong variable",
    words=(r"gamma", r"normali|x_hat|\bx\b|input|mean"),
)
def batchnorm_gamma_with_the_raw_input(grad, y, x, gamma, beta, *, eps):
    d, h = grad * gamma, x_hat(x, eps)
    dx = (d - d.mean(axis=0) - h * (d * h).mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return dx, (grad * x).sum(axis=0), grad.sum(axis=0)


@wrong(
    batchnorm,
    BATCH,
    GAMMA,
    BETA,
    kind="swapped",
    codes="gradients-swapped",
    words=(r"gamma", r"beta", r"swap|exchang|other"),
)
def batchnorm_gamma_and_beta_swapped(grad, y, x, gamma, beta, *, eps):
    d, h = grad * gamma, x_hat(x, eps)
    dx = (d - d.mean(axis=0) - h * (d * h).mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return dx, grad.sum(axis=0), (grad * h).sum(axis=0)


@wrong(
    layernorm,
    normal(4, 4, seed=37),
    kind="axis",
    codes="wrong-axis",
    words=(r"axis|row|column|batch",),
)
def layernorm_with_sums_over_the_batch(grad, y, x, *, eps):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    return (grad - grad.mean(axis=0) - y * (grad * y).mean(axis=0)) / std


@wrong(
    layernorm,
    normal(2, 3, 5, seed=38),
    kind="double counting",
    words=(r"mean|average", r"twice|\b2\b|double|again"),
)
def layernorm_with_the_mean_taken_off_twice(grad, y, x, *, eps):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    m = grad.mean(axis=-1, keepdims=True)
    return (grad - m - m - y * (grad * y).mean(axis=-1, keepdims=True)) / std
