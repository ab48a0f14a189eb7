"""Thirty-six more wrong rules, written when the check had learned from the first hundred."""

from __future__ import annotations

import numpy as np
from strangers.case import normal, positive, wrong
from strangers.functions import attention, batchnorm, cumsum
from strangers.functions_more import (
    angle,
    arcsin,
    convolution_with_bias,
    cosine_similarity,
    differences,
    divergence,
    expm1,
    gaussian,
    hinge,
    hypotenuse,
    joined,
    layernorm_with_gain,
    lerp,
    log_cosh,
    memory_cell,
    negative_log_likelihood,
    outer,
    permuted,
    power,
    reciprocal,
    reciprocal_root,
    rms_norm,
    row_min,
    scaled_embedding,
    sinh,
    softsign,
    squared_distances,
    swish,
    tempered_softmax,
    trace,
    variance,
    weighted_cross_entropy,
    weighted_mean,
)
from strangers.wrong_layers import attention_gradients
from strangers.wrong_rows import x_hat

X34, X5, P34 = normal(3, 4, seed=101), normal(5, seed=102), positive(3, 4, seed=103)
LABELS = np.array([1, 0, 3])
Q, K, V = normal(3, 4, seed=104), normal(5, 4, seed=105), normal(5, 2, seed=106)
POWERS = r"squar|\^2|\*\* ?2|²|power|factor|divided|times"


@wrong(softsign, X34, kind="exponent", words=(POWERS,))
def softsign_without_the_square(grad, y, x):
    return grad / (1 + np.abs(x))


@wrong(arcsin, np.tanh(X5), kind="exponent", words=(r"root|sqrt|squar|power|\^|²|factor",))
def arcsin_without_the_root(grad, y, x):
    return grad / (1 - x**2)


@wrong(reciprocal, P34, kind="exponent", words=(POWERS,))
def reciprocal_without_the_square(grad, y, x):
    return -grad * y


@wrong(reciprocal_root, P34, kind="exponent", words=(r"3|cube|power|factor|\by\b|\bx\b",))
def reciprocal_root_with_the_square(grad, y, x):
    return -0.5 * grad * y**2


@wrong(sinh, X34, kind="function for derivative", words=(r"cosh|\by\b|function itself|output",))
def sinh_as_if_it_were_exp(grad, y, x):
    return grad * y


@wrong(expm1, X5, kind="missing term", words=(r"y \+ 1|1 \+ y|grad|exp|constant|\+ 1",))
def expm1_without_the_one(grad, y, x):
    return grad * y


@wrong(hypotenuse, X34, P34, kind="factor", words=(r"divid|/ y|\by\b|factor",))
def hypotenuse_not_divided(grad, y, a, b):
    return grad * a, grad * b


@wrong(
    power,
    P34,
    normal(3, 4, seed=107),
    kind="input for input",
    words=(r"\blog\b|\bln\b|logarithm", r"\ba\b|\bb\b"),
)
def power_with_the_logarithm_of_the_exponent(grad, y, a, b):
    return grad * b * y / a, grad * y * np.log(np.abs(b))


@wrong(swish, X34, beta=1.7, kind="parameter", words=(r"beta|1\.7|parameter",))
def swish_without_beta(grad, y, x, *, beta):
    s = 1 / (1 + np.exp(-beta * x))
    return grad * (s + x * s * (1 - s))


@wrong(
    gaussian,
    X5,
    sigma=1.5,
    kind="parameter",
    codes="constant-factor",
    words=(r"sigma|1\.5|parameter",),
)
def gaussian_sigma_not_squared(grad, y, x, *, sigma):
    return -grad * y * x / sigma


@wrong(
    lerp,
    normal(4, seed=108),
    normal(4, seed=109),
    positive(4, seed=110) / 3,
    kind="exchanged",
    codes="gradients-swapped",
    words=(r"swap|exchang|other|order",),
)
def lerp_exchanged(grad, y, a, b, t):
    return grad * t, grad * (1 - t), grad * (b - a)


@wrong(
    hinge,
    normal(6, seed=111),
    target=np.array([1.0, -1, 1, 1, -1, -1]),
    kind="sign",
    codes="wrong-sign",
    words=(r"sign|minus",),
)
def hinge_without_the_minus(grad, y, score, *, target):
    return grad * (y > 0) * target


@wrong(log_cosh, X34, kind="input for output", words=(r"\by\b|output", r"\bx\b|input|tanh"))
def log_cosh_of_the_output(grad, y, x):
    return grad * np.tanh(y)


@wrong(angle, X34, P34, kind="factor", words=(r"divid|a\*\*2|a²|a\^2|b²|squar|factor|scale",))
def angle_not_divided(grad, y, a, b):
    return grad * b, -grad * a


@wrong(variance, X34, kind="mean", words=(r"mean|average|centre|center|constant|sum",))
def variance_not_centred(grad, y, x):
    return 2 * grad[:, None] * x / x.shape[-1]


@wrong(
    weighted_mean,
    normal(5, seed=112),
    positive(5, seed=113),
    kind="missing term",
    words=(r"\bw\b", r"- y|− y|\by\b|mean|term|quotient"),
)
def weighted_mean_with_a_detached_total(grad, y, x, w):
    return grad * w / w.sum(), grad * x / w.sum()


@wrong(
    tempered_softmax,
    X34,
    temperature=2.5,
    kind="parameter",
    codes="constant-factor",
    words=(r"temperature|2\.5|0\.4",),
)
def tempered_softmax_without_the_temperature(grad, y, x, *, temperature):
    return y * (grad - (grad * y).sum(axis=-1, keepdims=True))


@wrong(
    divergence,
    X34,
    P34 / P34.sum(axis=1, keepdims=True),
    kind="sign",
    codes="wrong-sign",
    words=(r"sign|minus",),
)
def divergence_with_the_other_sign(grad, y, logits, q):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return grad[:, None] * (q - p), grad[:, None] * (np.log(q) + 1 - np.log(p))


@wrong(
    negative_log_likelihood,
    -P34,
    LABELS,
    kind="one-hot",
    codes="wrong-variable",
    words=(r"label|one.hot|class|softmax|where|entries|\bp\b",),
)
def likelihood_as_if_of_logits(grad, y, log_p, labels):
    p = np.exp(log_p)
    p[np.arange(len(labels)), labels] -= 1
    return p * grad[:, None], None


@wrong(
    weighted_cross_entropy,
    X34,
    LABELS,
    weights=np.array([0.5, 2.0, 1.0, 3.0]),
    kind="parameter",
    words=(r"weight|row|class|factor",),
)
def weighted_cross_entropy_without_the_weights(grad, y, logits, labels, *, weights):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return grad[:, None] * (p - np.eye(4)[labels]), None


@wrong(
    cosine_similarity,
    normal(4, seed=114),
    normal(4, seed=115),
    kind="missing term",
    words=(r"term|norm|constant|project|- y|− y|length",),
)
def cosine_similarity_with_detached_norms(grad, y, a, b):
    scale = grad / np.sqrt((a @ a) * (b @ b))
    return scale * b, scale * a


@wrong(
    rms_norm, X34, kind="sum for mean", words=(r"mean|/ n|\b4\b|average|1/4", r"sum|term|instead")
)
def rms_norm_sums_for_the_mean(grad, y, x):
    rms = np.sqrt((x * x).mean(axis=-1, keepdims=True))
    return (grad - y * (grad * y).sum(axis=-1, keepdims=True)) / rms


@wrong(
    layernorm_with_gain,
    X34,
    positive(4, seed=116),
    kind="missing factor",
    words=(r"gain|missing|factor|without",),
)
def layernorm_without_the_gain(grad, y, x, gain):
    mu, s = x.mean(axis=-1, keepdims=True), x.std(axis=-1, keepdims=True)
    h = (x - mu) / s
    inner = grad - grad.mean(-1, keepdims=True) - h * (grad * h).mean(-1, keepdims=True)
    return inner / s, (grad * h).sum(axis=0)


@wrong(
    batchnorm,
    normal(4, 3, seed=117),
    positive(3, seed=118),
    normal(3, seed=119),
    kind="mean for sum",
    codes="constant-factor",
    words=(r"batch|\b4\b|1/4|0\.25|mean",),
)
def batchnorm_gamma_averaged(grad, y, x, gamma, beta, *, eps):
    h, s = x_hat(x, eps), np.sqrt(x.var(axis=0) + eps)
    inner = grad - grad.mean(axis=0) - h * (grad * h).mean(axis=0)
    return gamma * inner / s, (grad * h).mean(axis=0), grad.sum(axis=0)


@wrong(
    row_min,
    X34,
    kind="other entry",
    words=(r"largest|smallest|max|min|entr|position|where",),
)
def row_min_to_the_largest(grad, y, x):
    d = np.zeros_like(x)
    d[np.arange(len(x)), x.argmax(axis=1)] = grad
    return d


@wrong(
    cumsum, X34, axis=0, kind="axis", codes="wrong-axis", words=(r"axis", r"\b0\b|\b1\b|rows?|col")
)
def cumsum_backward_along_the_other_axis(grad, y, x, *, axis):
    return np.flip(np.cumsum(np.flip(grad, 1), 1), 1)


@wrong(
    outer,
    normal(4, seed=120),
    normal(4, seed=121),
    kind="transposed",
    codes="transposed",
    words=(r"transpos|\.T\b|axis|row|column",),
)
def outer_with_the_transposed_upstream(grad, y, a, b):
    return grad.T @ b, grad @ a


@wrong(trace, normal(3, 3, seed=122), kind="diagonal", words=(r"diagonal",))
def trace_as_if_it_were_a_sum(grad, y, a):
    return grad * np.ones_like(a)


@wrong(
    attention,
    Q,
    K,
    V,
    kind="scale",
    codes="constant-factor",
    words=(r"\b2\b|half|1/2|0\.5|root|sqrt|length",),
)
def attention_without_the_scale(grad, y, q, k, v):
    p, _, ds = attention_gradients(grad, q, k, v)
    ds = ds * np.sqrt(q.shape[-1])
    return ds @ k, ds.T @ q, p.T @ grad


@wrong(
    squared_distances,
    normal(3, 2, seed=123),
    normal(4, 2, seed=124),
    kind="sign",
    codes="wrong-sign",
    words=(r"sign|minus", r"\bb\b"),
)
def squared_distances_with_one_sign(grad, y, a, b):
    gaps = 2 * grad[..., None] * (a[:, None] - b[None])
    return gaps.sum(axis=1), gaps.sum(axis=0)


@wrong(
    permuted,
    normal(3, 3, 3, seed=125),
    kind="transposed",
    codes="transposed",
    words=(r"transpos|axes|permut|invers|order",),
)
def permuted_in_the_same_direction(grad, y, x):
    return grad.transpose(1, 2, 0)


@wrong(
    joined,
    normal(3, seed=126),
    normal(3, seed=127),
    kind="exchanged",
    codes="gradients-swapped",
    words=(r"swap|exchang|order",),
)
def joined_in_the_other_order(grad, y, a, b):
    return grad[len(b) :], grad[: len(b)]


@wrong(
    differences,
    normal(5, seed=128),
    kind="sign",
    codes="wrong-sign",
    words=(r"sign|minus",),
)
def differences_with_the_signs_exchanged(grad, y, x):
    return np.append(grad, 0) - np.append(0, grad)


@wrong(
    memory_cell,
    normal(4, seed=129),
    positive(4, seed=130),
    positive(4, seed=131),
    normal(4, seed=132),
    kind="exchanged",
    codes="gradients-swapped wrong-variable",
    words=(r"swap|exchang|other|instead|should be|place",),
)
def memory_cell_gates_exchanged(grad, y, c, forget, write, new):
    return grad * write, grad * c, grad * forget, grad * write


@wrong(
    scaled_embedding,
    normal(5, 4, seed=133),
    np.array([2, 0, 4]),
    kind="scale",
    codes="constant-factor",
    words=(r"\b2\b|half|1/2|0\.5|root|sqrt|length",),
)
def scaled_embedding_without_the_scale(grad, y, table, tokens):
    d = np.zeros_like(table)
    np.add.at(d, tokens, grad)
    return d, None


@wrong(
    convolution_with_bias,
    normal(7, seed=134),
    normal(3, seed=135),
    np.float64(0.3),
    kind="sum",
    codes="not-summed-over-broadcast wrong-shape constant-factor",
    words=(r"sum|mean|\b5\b|1/5|0\.2|shape",),
)
def convolution_bias_averaged(grad, y, x, k, b):
    return np.convolve(grad, k), np.correlate(x, grad, mode="valid"), grad.mean()
