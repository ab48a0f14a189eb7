"""Strangers' answers to the exercises on softmax, logarithms of sums and cross-entropies."""

from __future__ import annotations

import math

import numpy as np
from strangers.answer import right, wrong


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@wrong("stable_softmax", r"whole array|row|largest|maximum")
def softmax_minus_the_largest_of_all(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e, axis=-1, keepdims=True)


@wrong("stable_softmax", r"sum|axis|row|whole")
def softmax_over_everything(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


@wrong("stable_softmax", r"overflow|NaN|infinit|clip|large")
def softmax_clipped(x):
    e = np.exp(np.clip(x, -50, 50))
    return e / np.sum(e, axis=-1, keepdims=True)


@right("stable_softmax")
def softmax_by_apply_along_axis(x):
    def one(row):
        e = np.exp(row - row.max())
        return e / e.sum()

    return np.apply_along_axis(one, -1, x)


@right("stable_softmax")
def softmax_by_lists(x):
    rows = []
    for row in np.reshape(x, (-1, x.shape[-1])).tolist():
        top = max(row)
        e = [math.exp(v - top) for v in row]
        rows.append([v / sum(e) for v in e])
    return np.reshape(rows, x.shape)


@wrong("softmax_jacobian", r"diagonal|off")
def jacobian_of_the_diagonal(p):
    return np.diag(p * (1 - p))


@wrong("softmax_jacobian", r"sign|negative|minus|−|-")
def jacobian_negative(p):
    return np.outer(p, p) - np.diag(p)


@wrong("softmax_jacobian", r"identity|diag|p_i|\bp\b|ones|diagonal")
def jacobian_with_the_identity(p):
    return np.eye(len(p)) - np.outer(p, p)


@right("softmax_jacobian")
def jacobian_by_two_loops(p):
    return [[p[i] * ((i == j) - p[j]) for j in range(len(p))] for i in range(len(p))]


@right("softmax_jacobian")
def jacobian_by_einsum(p):
    return np.einsum("i,ij->ij", p, np.eye(p.size)) - np.einsum("i,j->ij", p, p)


@wrong("softmax_backward", r"axis")
def softmax_rule_over_the_last_axis(grad, y, x, *, axis):
    return y * (grad - (grad * y).sum(axis=-1, keepdims=True))


@wrong("softmax_backward", r"sum|weight|`?grad \* y|\by\b|probabilit")
def softmax_rule_with_an_unweighted_sum(grad, y, x, *, axis):
    return y * (grad - grad.sum(axis=axis, keepdims=True))


@wrong("softmax_backward", r"axis|keyword|parameter|argument")
def softmax_rule_without_axis(grad, y, x):
    return y * (grad - (grad * y).sum(axis=-1, keepdims=True))


@right("softmax_backward")
def softmax_rule_row_by_row(grad, y, x, *, axis):
    g, p = np.moveaxis(grad, axis, -1), np.moveaxis(y, axis, -1)
    out = np.empty_like(p)
    for i in np.ndindex(p.shape[:-1]):
        out[i] = p[i] * (g[i] - g[i] @ p[i])
    return np.moveaxis(out, -1, axis)


@right("softmax_backward")
def softmax_rule_by_apply_along_axis(grad, y, x, *, axis):
    both = np.concatenate([grad, y], axis=axis)

    def one(v):
        g, p = np.split(v, 2)
        return p * g - p * np.dot(p, g)

    return np.apply_along_axis(one, axis, both)


@wrong("logsumexp", r"maximum|added back|add|largest|subtract")
def logsumexp_without_adding_back(x):
    m = x.max(axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(x - m), axis=-1))


@wrong("logsumexp", r"NaN|inf|∞")
def logsumexp_without_the_empty_row(x):
    m = x.max(axis=-1)
    return m + np.log(np.sum(np.exp(x - m[..., None]), axis=-1))


@wrong("logsumexp", r"keepdims|shape|axis")
def logsumexp_keeping_the_axis(x):
    m = x.max(axis=-1, keepdims=True)
    m = np.where(np.isinf(m), 0, m)
    with np.errstate(divide="ignore"):
        return m + np.log(np.exp(x - m).sum(axis=-1, keepdims=True))


@right("logsumexp")
def logsumexp_by_logaddexp(x):
    return np.logaddexp.reduce(x, axis=-1)


@right("logsumexp")
def logsumexp_row_by_row(x):
    out = np.zeros(x.shape[:-1])
    for i in np.ndindex(out.shape):
        top = max(x[i])
        out[i] = top if np.isinf(top) else top + math.log(sum(math.exp(v - top) for v in x[i]))
    return out


@wrong("log_softmax_backward", r"softmax|exp|\by\b|logarithm|probabilit")
def log_softmax_rule_with_the_logarithm(grad, y, x):
    return grad - y * grad.sum(axis=-1, keepdims=True)


@wrong("log_softmax_backward", r"softmax|rule of|grad \* y|sum|upstream")
def log_softmax_rule_of_softmax(grad, y, x):
    p = np.exp(y)
    return p * (grad - (grad * p).sum(axis=-1, keepdims=True))


@wrong("log_softmax_backward", r"sum|keepdims|axis|row")
def log_softmax_rule_with_the_sum_of_everything(grad, y, x):
    return grad - np.exp(y) * grad.sum()


@right("log_softmax_backward")
def log_softmax_rule_by_jacobians(grad, y, x):
    p = np.exp(y)
    eye = np.eye(y.shape[-1])
    return np.einsum("...i,...ij->...j", grad, eye - p[..., None, :])


@right("log_softmax_backward")
def log_softmax_rule_as_lists(grad, y, x):
    flat_g, flat_p = grad.reshape(-1, x.shape[-1]), _softmax(x).reshape(-1, x.shape[-1])
    rows = [
        [g - p * sum(gs) for g, p in zip(gs, ps, strict=True)]
        for gs, ps in zip(flat_g, flat_p, strict=True)
    ]
    return np.array(rows).reshape(x.shape)


@wrong("softmax_cross_entropy", r"0 |log|NaN|inf|∞|rounded|log-sum-exp|logarithm")
def cross_entropy_by_the_log_of_softmax(labels, logits):
    return -np.sum(labels * np.log(_softmax(logits)), axis=-1)


@wrong("softmax_cross_entropy", r"row|mean|shape|one loss")
def cross_entropy_as_a_mean(labels, logits):
    m = logits.max(axis=-1, keepdims=True)
    log_p = logits - m - np.log(np.exp(logits - m).sum(axis=-1, keepdims=True))
    return np.mean(-np.sum(labels * log_p, axis=-1))


@wrong("softmax_cross_entropy", r"epsilon|1e-|clip|added|limit|capped|largest|bound|small")
def cross_entropy_with_an_epsilon(labels, logits):
    return -np.sum(labels * np.log(_softmax(logits) + 1e-9), axis=-1)


@right("softmax_cross_entropy")
def cross_entropy_row_by_row(labels, logits):
    out = np.zeros(logits.shape[:-1])
    for i in np.ndindex(out.shape):
        z = logits[i] - logits[i].max()
        log_p = z - math.log(sum(math.exp(v) for v in z))
        out[i] = -float(np.dot(labels[i], log_p))
    return out


@right("softmax_cross_entropy")
def cross_entropy_by_einsum(labels, logits):
    lse = np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    return np.einsum("...i,...i->...", labels, lse - logits)


@wrong("softmax_cross_entropy_backward", r"sum|1|labels|softmax|p")
def cross_entropy_rule_for_labels_that_sum_to_one(grad, loss, labels, logits):
    p = _softmax(logits)
    return -np.log(p) * grad[:, None], (p - labels) * grad[:, None]


@wrong("softmax_cross_entropy_backward", r"labels|None|zero|gradient")
def cross_entropy_rule_without_labels(grad, loss, labels, logits):
    p = _softmax(logits)
    total = labels.sum(axis=1, keepdims=True)
    return np.zeros_like(labels), (p * total - labels) * grad[:, None]


@wrong("softmax_cross_entropy_backward", r"sign|minus|negative")
def cross_entropy_rule_with_a_lost_sign(grad, loss, labels, logits):
    m = logits.max(axis=1, keepdims=True)
    log_p = logits - m - np.log(np.exp(logits - m).sum(axis=1, keepdims=True))
    total = labels.sum(axis=1, keepdims=True)
    return log_p * grad[:, None], (np.exp(log_p) * total - labels) * grad[:, None]


@right("softmax_cross_entropy_backward")
def cross_entropy_rule_row_by_row(grad, loss, labels, logits):
    dlabels, dlogits = [], []
    for g, t, z in zip(grad, labels, logits, strict=True):
        lse = np.logaddexp.reduce(z)
        dlabels.append((lse - z) * g)
        dlogits.append((np.exp(z - lse) * t.sum() - t) * g)
    return np.array(dlabels), np.array(dlogits)


@right("softmax_cross_entropy_backward")
def cross_entropy_rule_by_einsum(grad, loss, labels, logits):
    log_p = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    return (
        np.einsum("n,nc->nc", -grad, log_p),
        np.einsum("n,nc->nc", grad, np.einsum("nc,nk->nc", np.exp(log_p), labels) - labels),
    )


@wrong("sparse_cross_entropy", r"log|0|inf|∞|rounded|probabilit|log-sum-exp")
def sparse_by_the_log_of_softmax(target, logits):
    p = _softmax(logits)
    return -np.log(np.take_along_axis(p, np.asarray(target)[..., None], -1)[..., 0])


@wrong("sparse_cross_entropy", r"row|single|axes|axis|dimension|shape|batch")
def sparse_for_matrices_only(target, logits):
    m = logits.max(axis=1, keepdims=True)
    lse = m[:, 0] + np.log(np.exp(logits - m).sum(axis=1))
    return lse - logits[np.arange(len(target)), target]


@wrong("sparse_cross_entropy", r"column|rows|arange|each row|index|true class|shape")
def sparse_indexes_the_rows(target, logits):
    log_p = logits - np.logaddexp.reduce(logits, axis=-1)[..., None]
    return -log_p[..., target]


@right("sparse_cross_entropy")
def sparse_by_one_hot(target, logits):
    hot = np.eye(logits.shape[-1])[target].astype(bool)
    lse = np.logaddexp.reduce(logits, axis=-1)
    return lse - np.sum(np.where(hot, logits, 0), axis=-1)


@right("sparse_cross_entropy")
def sparse_row_by_row(target, logits):
    target = np.asarray(target)
    out = np.empty(target.shape)
    for i in np.ndindex(target.shape):
        z = logits[i]
        out[i] = np.logaddexp.reduce(z) - z[target[i]]
    return out


@wrong("sparse_cross_entropy_backward", r"axis")
def sparse_rule_of_the_last_axis(grad, loss, logits, *, target, axis):
    p = _softmax(logits)
    hot = np.eye(logits.shape[-1])[target]
    return (p - hot) * grad[..., None]


@wrong("sparse_cross_entropy_backward", r"upstream|grad")
def sparse_rule_without_upstream(grad, loss, logits, *, target, axis):
    z = np.moveaxis(logits, axis, -1)
    d = _softmax(z)
    np.put_along_axis(
        d, target[..., None], np.take_along_axis(d, target[..., None], -1) - 1, axis=-1
    )
    return np.moveaxis(d, -1, axis)


@wrong("sparse_cross_entropy_backward", r"mean|divid|number of|factor|times|batch|rows|1 ?/ ?")
def sparse_rule_of_the_mean(grad, loss, logits, *, target, axis):
    z = np.moveaxis(logits, axis, -1)
    d = (_softmax(z) - np.eye(z.shape[-1])[target]) * grad[..., None] / max(target.size, 1)
    return np.moveaxis(d, -1, axis)


@right("sparse_cross_entropy_backward")
def sparse_rule_by_one_hot(grad, loss, logits, *, target, axis):
    z = np.moveaxis(logits, axis, -1)
    d = (_softmax(z) - np.eye(z.shape[-1])[target]) * grad[..., None]
    return np.moveaxis(d, -1, axis)


@right("sparse_cross_entropy_backward")
def sparse_rule_row_by_row(grad, loss, logits, *, target, axis):
    out = np.zeros(logits.shape)
    z, d = np.moveaxis(logits, axis, -1), np.moveaxis(out, axis, -1)
    for i in np.ndindex(target.shape):
        e = np.exp(z[i] - max(z[i]))
        d[i] = grad[i] * e / sum(e)
        d[i][target[i]] -= grad[i]
    return out


@wrong("exact_top_gradient", r"cancel|digits|1 (-|−)|subtract")
def exact_by_a_plain_difference(logits, target):
    p = _softmax(logits)
    p[target] -= 1
    return p


@wrong("exact_top_gradient", r"sign|negative|minus")
def exact_without_the_sign(logits, target):
    e = np.exp(logits - logits.max())
    p = e / e.sum()
    p[target] = np.delete(e, target).sum() / e.sum()
    return p


@wrong("exact_top_gradient", r"cancel|digits|sum of (all|the others)|1 (-|−)|subtract")
def exact_by_subtracting_from_the_sum(logits, target):
    e = np.exp(logits - logits.max())
    p = e / e.sum()
    p[target] = (e[target] - e.sum()) / e.sum()
    return p


@right("exact_top_gradient")
def exact_by_fsum_of_the_others(logits, target):
    e = [math.exp(v - max(logits)) for v in logits]
    total = math.fsum(e)
    out = [v / total for v in e]
    out[target] = -math.fsum(v for i, v in enumerate(out) if i != target)
    return out


@right("exact_top_gradient")
def exact_by_a_mask(logits, target):
    e = np.exp(logits - np.max(logits))
    others = np.arange(len(logits)) != target
    return np.where(others, e, -np.sum(e, where=others)) / np.sum(e)


@wrong("mean_cross_entropy_backward", r"mean|N|divid|batch|rows")
def mean_rule_not_divided(grad, loss, logits, *, target):
    p = _softmax(logits)
    p[np.arange(len(target)), target] -= 1
    return grad * p


@wrong("mean_cross_entropy_backward", r"classes|C\b|entries|size|N\b|divid")
def mean_rule_divided_by_all_entries(grad, loss, logits, *, target):
    p = _softmax(logits)
    p[np.arange(len(target)), target] -= 1
    return grad * p / logits.size


@wrong("mean_cross_entropy_backward", r"true class|row|column|index|arange|every")
def mean_rule_with_a_slice(grad, loss, logits, *, target):
    p = _softmax(logits)
    p[:, target] -= 1
    return grad * p / len(target)


@right("mean_cross_entropy_backward")
def mean_rule_by_a_loop(grad, loss, logits, *, target):
    rows = []
    for z, t in zip(logits, target, strict=True):
        e = np.exp(z - z.max())
        rows.append([float(grad) * (v / e.sum() - (k == t)) / len(target) for k, v in enumerate(e)])
    return rows


@right("mean_cross_entropy_backward")
def mean_rule_by_identity_rows(grad, loss, logits, *, target):
    hot = np.identity(logits.shape[1])[target]
    return np.multiply(_softmax(logits) - hot, grad / logits.shape[0])


@wrong("cross_entropy_hessian", r"diagonal|off")
def hessian_of_the_diagonal(p):
    return p[..., None] * np.eye(p.shape[-1]) * (1 - p[..., None])


@wrong("cross_entropy_hessian", r"batch|rows?\b|shape|axes|axis|matrix")
def hessian_of_one_row(p):
    return np.diag(p) - np.outer(p, p)


@wrong("cross_entropy_hessian", r"sign|negative|minus|add|\+|plus")
def hessian_with_a_plus(p):
    return p[..., None] * np.eye(p.shape[-1]) + p[..., :, None] * p[..., None, :]


@right("cross_entropy_hessian")
def hessian_by_einsum(p):
    eye = np.eye(p.shape[-1])
    return np.einsum("...i,ij->...ij", p, eye) - np.einsum("...i,...j->...ij", p, p)


@right("cross_entropy_hessian")
def hessian_by_apply_along_axis(p):
    return np.apply_along_axis(lambda row: np.diag(row) - np.outer(row, row), -1, p)


@wrong("hessian_vector_product", r"logits|softmax|probabilit|overflow")
def hvp_of_the_logits(logits, v):
    return logits * v - logits * (logits @ v)


@wrong("hessian_vector_product", r"overflow|NaN|large|maximum")
def hvp_that_overflows(logits, v):
    p = np.exp(logits) / np.exp(logits).sum()
    return p * (v - p @ v)


@wrong("hessian_vector_product", r"matrix|memory|\(C, C\)|C²|outer|do not form|without")
def hvp_with_the_matrix(logits, v):
    p = _softmax(logits)
    return (np.diag(p) - np.outer(p, p)) @ v


@right("hessian_vector_product")
def hvp_by_a_list(logits, v):
    p = _softmax(logits).tolist()
    mean = sum(pi * vi for pi, vi in zip(p, v, strict=True))
    return [pi * (vi - mean) for pi, vi in zip(p, v, strict=True)]


@right("hessian_vector_product")
def hvp_by_vdot(logits, v):
    p = _softmax(logits)
    return np.multiply(p, v) - np.vdot(p, v) * p


@wrong("keras_probability_loss", r"sum|divide|normali|third|log-sum-exp|step 3|last step")
def keras_forgets_to_normalise(target, p):
    clipped = np.clip(p, 1e-7, 1 - 1e-7)
    return -np.log(clipped[np.arange(len(target)), target])


@wrong("keras_probability_loss", r"clip|order|before|normali|sum")
def keras_normalises_first(target, p):
    q = p / p.sum(axis=1, keepdims=True)
    q = np.clip(q, 1e-7, 1 - 1e-7)
    return -np.log(q[np.arange(len(target)), target])


@wrong("keras_probability_loss", r"softmax|logit|logarithm|probabilit")
def keras_takes_them_as_logits(target, p):
    z = np.clip(p, 1e-7, 1 - 1e-7)
    return np.logaddexp.reduce(z, axis=1) - z[np.arange(len(target)), target]


@right("keras_probability_loss")
def keras_by_dividing(target, p):
    c = np.minimum(np.maximum(p, 1e-7), 1 - 1e-7)
    q = c / c.sum(axis=-1, keepdims=True)
    return -np.log(np.take_along_axis(q, target[:, None], axis=-1)).ravel()


@right("keras_probability_loss")
def keras_row_by_row(target, p):
    losses = []
    for t, row in zip(target, p, strict=True):
        c = [min(max(v, 1e-7), 1 - 1e-7) for v in row]
        losses.append(math.log(sum(c)) - math.log(c[t]))
    return losses


@wrong("merge_logsumexp", r"maximum|rescal|relative|scale|same")
def merge_adds_the_sums(m1, s1, m2, s2):
    return np.maximum(m1, m2), s1 + s2


@wrong("merge_logsumexp", r"NaN|inf|∞|empty|without entries")
def merge_forgets_two_empty_blocks(m1, s1, m2, s2):
    m = np.maximum(m1, m2)
    return m, s1 * np.exp(m1 - m) + s2 * np.exp(m2 - m)


@wrong("merge_logsumexp", r"overflow|maximum|inf|large")
def merge_relative_to_the_first(m1, s1, m2, s2):
    return m1, s1 + s2 * np.exp(m2 - m1)


@right("merge_logsumexp")
def merge_by_where(m1, s1, m2, s2):
    first = m1 >= m2
    high, low = np.where(first, m1, m2), np.where(first, m2, m1)
    s_high, s_low = np.where(first, s1, s2), np.where(first, s2, s1)
    scale = np.exp(np.where(np.isneginf(low), -np.inf, low - np.where(np.isneginf(high), 0, high)))
    return high, s_high + s_low * scale


@right("merge_logsumexp")
def merge_one_by_one(m1, s1, m2, s2):
    m, s = np.empty_like(m1), np.empty_like(s1)
    for i in np.ndindex(m1.shape):
        top = max(m1[i], m2[i])
        m[i], s[i] = top, 0.0
        for a, b in ((m1[i], s1[i]), (m2[i], s2[i])):
            if a > -np.inf:
                s[i] += b * math.exp(a - top)
    return [m, s]
