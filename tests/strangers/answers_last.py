"""Twenty more, written last: at first sight the judge had not been changed for them."""

from __future__ import annotations

import numpy as np
from strangers.answer import wrong


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@wrong("ancestors_of", r"itself|name|extra|should not")
def ancestors_and_descendants(inputs, name):
    found = {name}
    while True:
        more = found | {x for n in found for x in inputs[n]}
        more |= {n for n in inputs if set(inputs[n]) & more}
        if more == found:
            return found - {name}
        found = more


@wrong("topological_order", r"list|itself|output")
def order_without_the_output(inputs, output):
    order = []

    def add(name):
        for source in inputs[name]:
            if source not in order:
                add(source)
                order.append(source)

    add(output)
    return order


@wrong("accumulate", r"every|all|other|no entry|leave")
def accumulate_for_all_names(inputs, slopes, output):
    gradients = dict.fromkeys(inputs, 0.0)
    gradients[output] = 1.0
    done = []

    def add(name):
        if name not in done:
            for source in inputs[name]:
                add(source)
            done.append(name)

    add(output)
    for name in reversed(done):
        for source, slope in zip(inputs[name], slopes[name], strict=True):
            gradients[source] += gradients[name] * slope
    return gradients


@wrong("chain_rule", r"exp|function|itself|\by\b|derivative|factor")
def chain_of_the_square_alone(x):
    return -2 * x


@wrong("square_backward", r"square|power|factor|cube|upstream|grad")
def square_of_the_upstream(grad, y, x):
    return 2 * grad**2 * x


@wrong("sigmoid_backward", r"1 (-|−) y|factor|half|missing|times")
def sigmoid_without_the_second_factor(grad, y, x):
    return grad * y


@wrong("log_backward", r"output|input|\by\b|\bx\b")
def log_divided_by_the_output(grad, y, x):
    return grad / y


@wrong("matmul_backward", r"upstream|grad|transpos")
def matmul_of_the_output(grad, y, a, b):
    return y @ b.T, a.T @ y


@wrong("unbroadcast", r"largest|max|sum|add")
def unbroadcast_by_the_maximum(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.max(axis=0)
    for i, n in enumerate(shape):
        if n == 1:
            grad = grad.max(axis=i, keepdims=True)
    return grad


@wrong("stable_softmax", r"smallest|largest|overflow|NaN|inf|minimum|maximum")
def softmax_minus_the_smallest(x):
    e = np.exp(x - x.min(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@wrong("softmax_backward", r"mean|sum|divid|number of|averag|factor")
def softmax_rule_with_a_mean(grad, y, x, *, axis):
    return y * (grad - (grad * y).mean(axis=axis, keepdims=True))


@wrong("log_softmax_backward", r"mean|sum|averag|probabilit|softmax")
def log_softmax_rule_with_a_mean(grad, y, x):
    return grad - grad.mean(axis=-1, keepdims=True)


@wrong("logsumexp", r"log|exponential|sum of")
def logsumexp_without_the_logarithm(x):
    m = x.max(axis=-1)
    m = np.where(np.isinf(m), 0, m)
    return m + np.exp(x - m[..., None]).sum(axis=-1)


@wrong("softmax_cross_entropy", r"lacks|term|entropy|labels|log")
def cross_entropy_as_a_divergence(labels, logits):
    log_p = logits - np.logaddexp.reduce(logits, axis=-1)[..., None]
    safe = np.where(labels > 0, labels, 1)
    return np.sum(labels * (np.log(safe) - log_p), axis=-1)


@wrong("exact_top_gradient", r"target|entry|other|wrong only|sign|true class")
def exact_of_the_softmax(logits, target):
    return _softmax(logits)


@wrong("complex_step", r"real|complex|type|holds")
def complex_result_kept(f, x):
    return f(x + 1e-20j) / 1e-20


@wrong("linear_backward", r"shape|keepdims|axis")
def linear_bias_keeps_its_axis(grad, y, x, w, b):
    return grad @ w.T, x.T @ grad, grad.sum(axis=0, keepdims=True)


@wrong("batch_norm_backward", r"gain|factor|missing")
def batch_norm_without_the_gain(grad, y, x, gain, bias, *, epsilon):
    std = np.sqrt(x.var(0) + epsilon)
    n = (x - x.mean(0)) / std
    dx = (grad - grad.mean(0) - n * (grad * n).mean(0)) / std
    return dx, (grad * n).sum(0), grad.sum(0)


@wrong("hessian_vector_product", r"sign|minus|second|term|add")
def hvp_with_an_unweighted_sum(logits, v):
    p = _softmax(logits)
    return p * v - p * v.mean()


@wrong("merge_logsumexp", r"sum|maximum|add|m\b|relative")
def merge_with_the_smaller_maximum(m1, s1, m2, s2):
    m = np.minimum(m1, m2)
    return m, s1 * np.exp(m1 - m) + s2 * np.exp(m2 - m)
