"""More wrong answers, written when the judge had been changed for the others, and before it ran."""

from __future__ import annotations

import numpy as np
from strangers.answer import wrong


def _softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@wrong("product_backward", r"sign|minus")
def product_as_a_quotient_rule(grad, y, a, b):
    return grad * b, -grad * a


@wrong("product_backward", r"sum|shape|number")
def product_as_dot_products(grad, y, a, b):
    return np.sum(grad * b), np.sum(grad * a)


@wrong("chain_rule", r"2|factor|times|half|sign|minus")
def chain_without_any_two(x):
    return -x * np.exp(-(x**2))


@wrong("chain_rule", r"number|shape|sum|mean|first|axis|entr")
def chain_of_the_first_entry(x):
    v = np.ravel(x)[0]
    return -2 * v * np.exp(-v * v)


@wrong("accumulate", r"1|output|itself")
def accumulate_from_zero(inputs, slopes, output):
    gradients = dict.fromkeys(inputs, 0.0)
    for name in reversed(list(inputs)):
        for source, slope in zip(inputs[name], slopes[name], strict=True):
            gradients[source] += gradients[name] * slope
    return gradients


@wrong("square_backward", r"shape|axis|row|transpos")
def square_flattened(grad, y, x):
    return (2 * grad * x).ravel()


@wrong("sigmoid_backward", r"half|2|factor|times")
def sigmoid_twice(grad, y, x):
    return 2 * grad * y * (1 - y)


@wrong("sigmoid_backward", r"sign|minus")
def sigmoid_with_the_other_order(grad, y, x):
    return grad * y * (y - 1)


@wrong("maximum_backward", r"equal|tie|half|both")
def maximum_gives_ties_to_neither(grad, y, a, b):
    return grad * (a > b), grad * (b > a)


@wrong("sum_backward", r"upstream|grad")
def sum_of_ones(grad, y, x, *, axis, keepdims):
    return np.ones_like(x)


@wrong("sum_backward", r"axis|row|column")
def sum_always_over_the_last(grad, y, x, *, axis, keepdims):
    return np.broadcast_to(grad if keepdims else grad[..., None], x.shape)


@wrong("unbroadcast", r"keepdims|shape|axis|length 1")
def unbroadcast_drops_the_axes_of_length_one(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    axes = tuple(i for i, n in enumerate(shape) if n == 1)
    return grad.sum(axis=axes)


@wrong("matmul_backward", r"transpos|shape|row|column")
def matmul_with_transposed_results(grad, y, a, b):
    return (grad @ b.T).T, (a.T @ grad).T


@wrong("stable_softmax", r"sum|logarithm|log|normali|divid|factor|exp")
def softmax_not_divided(x):
    return np.exp(x - x.max(axis=-1, keepdims=True))


@wrong("stable_softmax", r"log")
def softmax_as_log_softmax(x):
    m = x.max(axis=-1, keepdims=True)
    return x - m - np.log(np.exp(x - m).sum(axis=-1, keepdims=True))


@wrong("stable_softmax", r"axis|column|row")
def softmax_over_the_first_axis(x):
    return _softmax(x, 0)


@wrong("softmax_jacobian", r"diagonal|off")
def jacobian_without_the_diagonal_term(p):
    return -np.outer(p, p)


@wrong("softmax_backward", r"cross|sum|diagonal|others|Jacobian")
def softmax_rule_of_the_diagonal(grad, y, x, *, axis):
    return grad * (y - y**2)


@wrong("logsumexp", r"minus|sign|term|largest|subtract|add")
def logsumexp_subtracts_the_maximum(x):
    m = x.max(axis=-1)
    m = np.where(np.isinf(m), 0, m)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x - m[..., None]).sum(axis=-1)) - m


@wrong("logsumexp", r"mean|len|shape|log|number")
def logsumexp_of_the_mean(x):
    m = x.max(axis=-1)
    m = np.where(np.isinf(m), 0, m)
    with np.errstate(divide="ignore"):
        return m + np.log(np.exp(x - m[..., None]).mean(axis=-1))


@wrong("softmax_cross_entropy", r"sign|minus")
def cross_entropy_without_the_minus(labels, logits):
    return np.sum(labels * (logits - np.logaddexp.reduce(logits, axis=-1)[..., None]), axis=-1)


@wrong("softmax_cross_entropy", r"mean|classes|shape\[-1\]|sum|divid")
def cross_entropy_averaged_over_the_classes(labels, logits):
    log_p = logits - np.logaddexp.reduce(logits, axis=-1)[..., None]
    return -np.mean(labels * log_p, axis=-1)


@wrong("sparse_cross_entropy", r"log")
def sparse_as_a_probability(target, logits):
    p = _softmax(logits)
    return 1 - np.take_along_axis(p, np.asarray(target)[..., None], -1)[..., 0]


@wrong("sparse_cross_entropy", r"keepdims|shape|axis|length 1")
def sparse_keeps_the_axis(target, logits):
    lse = np.logaddexp.reduce(logits, axis=-1)[..., None]
    return lse - np.take_along_axis(logits, np.asarray(target)[..., None], -1)


@wrong("sparse_cross_entropy_backward", r"sign|minus|t - p|p - t")
def sparse_rule_with_the_signs_reversed(grad, loss, logits, *, target, axis):
    z = np.moveaxis(logits, axis, -1)
    d = (np.eye(z.shape[-1])[target] - _softmax(z)) * grad[..., None]
    return np.moveaxis(d, -1, axis)


@wrong("cross_entropy_hessian", r"identity|diag|eye|p")
def hessian_with_the_identity(p):
    return np.eye(p.shape[-1]) - p[..., :, None] * p[..., None, :]


@wrong("central_difference", r"sign|minus|order|exchang")
def difference_the_wrong_way_round(f, x, h):
    d = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        d[i] = (f(x - e) - f(x + e)) / (2 * h)
    return d


@wrong("sgd_step", r"momentum|velocity")
def sgd_forgets_the_momentum(w, grad, learning_rate, momentum, velocity):
    velocity = velocity + grad
    return w - learning_rate * velocity, velocity


@wrong("embedding_backward", r"mean|averag|count|number|divid")
def embedding_averages(grad, y, table, *, index):
    d, n = np.zeros_like(table), np.zeros(len(table))
    np.add.at(d, index, grad)
    np.add.at(n, index, 1)
    return d / np.maximum(n, 1)[:, None]


@wrong("keras_probability_loss", r"row|mean|shape|one loss|average")
def keras_as_a_mean(target, p):
    c = np.clip(p, 1e-7, 1 - 1e-7)
    q = c / c.sum(axis=1, keepdims=True)
    return float(np.mean(-np.log(q[np.arange(len(target)), target])))
