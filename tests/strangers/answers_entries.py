"""Strangers' answers to the exercises on graphs, on single entries and on sums and products."""

from __future__ import annotations

import math

import numpy as np
from strangers.answer import right, wrong

# -- products and graphs ----------------------------------------------------------------------


@wrong("product_backward", r"exchang|swap|order|other way")
def product_exchanged(grad, y, a, b):
    return grad * a, grad * b


@wrong("product_backward", r"add|sum|`\+`|times|multipl")
def product_adds_the_factor(grad, y, a, b):
    return grad + b, grad + a


@wrong("product_backward", r"upstream|grad")
def product_multiplies_the_upstream_gradient_twice(grad, y, a, b):
    return grad * grad * b, grad * grad * a


@right("product_backward")
def product_by_division_of_lists(grad, y, a, b):
    da = [g * bi for g, bi in zip(grad.ravel().tolist(), b.ravel().tolist(), strict=True)]
    db = [g * ai for g, ai in zip(grad.ravel().tolist(), a.ravel().tolist(), strict=True)]
    return [np.reshape(da, a.shape), np.reshape(db, b.shape)]


@right("product_backward")
def product_by_einsum(grad, y, a, b):
    return np.einsum("...,...->...", grad, b), np.einsum("...,...->...", grad, a)


@wrong("ancestors_of", r"direct|through others|parents of")
def ancestors_only_parents_and_grandparents(inputs, name):
    found = set(inputs[name])
    for parent in inputs[name]:
        found |= set(inputs[parent])
    return found


@wrong("ancestors_of", r"leaf|leaves|itself|never|empty|computed from")
def ancestors_only_leaves(inputs, name):
    if not inputs[name]:
        return {name}
    return set().union(*(ancestors_only_leaves.function(inputs, i) for i in inputs[name]))


@wrong("ancestors_of", r"again|twice|once|remember|2\^|doubl|too (often|many|long)|steps")
def ancestors_recursive_without_memory(inputs, name):
    found = set(inputs[name])
    for parent in inputs[name]:
        found |= ancestors_recursive_without_memory.function(inputs, parent)
    return found


@right("ancestors_of")
def ancestors_by_a_fixed_point(inputs, name):
    found = set(inputs[name])
    while True:
        more = found.union(*(inputs[known] for known in found))
        if more == found:
            return found
        found = more


@right("ancestors_of")
def ancestors_by_a_queue_as_frozenset(inputs, name):
    queue, seen = list(inputs[name]), []
    while queue:
        first = queue.pop(0)
        if first not in seen:
            seen.append(first)
            queue.extend(inputs[first])
    return frozenset(seen)


@wrong("chain_rule", r"sign|minus|negative")
def chain_without_the_minus(x):
    return 2 * x * np.exp(-(x**2))


@wrong("chain_rule", r"factor|inner|2 ?x|x²|\bx\b|times")
def chain_without_the_x(x):
    return -2 * np.exp(-(x**2))


@wrong("chain_rule", r"square|`x ?\*\* ?2`|x²|parenthes|sign|exponent|minus")
def chain_with_a_positive_exponent(x):
    return -2 * x * np.exp(x**2)


@right("chain_rule")
def chain_entry_by_entry_with_math(x):
    return np.array([-2 * v * math.exp(-v * v) for v in x.ravel()]).reshape(x.shape)


@right("chain_rule")
def chain_vectorized(x):
    return np.vectorize(lambda v: -2 * v * math.exp(-v * v))(x)


@wrong("topological_order", r"before|after|order|inputs")
def order_of_a_depth_first_walk_from_the_output(inputs, output):
    order = [output]
    for name in inputs[output]:
        for found in order_of_a_depth_first_walk_from_the_output.function(inputs, name):
            if found not in order:
                order.append(found)
    return order


@wrong("topological_order", r"depend|output|not need|leave out|without|belong")
def order_of_the_whole_graph(inputs, output):
    order, done = [], set()
    while len(order) < len(inputs):
        for name, needs in inputs.items():
            if name not in done and done.issuperset(needs):
                order.append(name)
                done.add(name)
    return order


@wrong("topological_order", r"again|twice|once|remember|2\^|doubl|too (often|many|long)|steps")
def order_without_memory(inputs, output):
    order = []
    for name in inputs[output]:
        order += [x for x in order_without_memory.function(inputs, name) if x not in order]
    return [*order, output]


@right("topological_order")
def order_by_counting_uses(inputs, output):
    needed, stack = {output}, [output]
    while stack:
        for name in inputs[stack.pop()]:
            if name not in needed:
                needed.add(name)
                stack.append(name)
    order = []
    while len(order) < len(needed):
        for name in sorted(needed):
            if name not in order and all(i in order for i in inputs[name]):
                order.append(name)
    return order


@right("topological_order")
def order_by_the_standard_library(inputs, output):
    from graphlib import TopologicalSorter

    needed = {}

    def visit(name):
        if name not in needed:
            needed[name] = inputs[name]
            for source in inputs[name]:
                visit(source)

    visit(output)
    return tuple(TopologicalSorter(needed).static_order())


@wrong("accumulate", r"add|sum|overwr|last|paths|meet|twice")
def accumulate_overwrites(inputs, slopes, output):
    gradients = {output: 1.0}
    stack = [output]
    while stack:
        name = stack.pop()
        for source, slope in zip(inputs[name], slopes[name], strict=True):
            gradients[source] = gradients[name] * slope
            stack.append(source)
    return gradients


@wrong("accumulate", r"complete|order|before|too early|later|paths")
def accumulate_breadth_first(inputs, slopes, output):
    gradients, queue, seen = {output: 1.0}, [output], {output}
    while queue:
        name = queue.pop(0)
        for source, slope in zip(inputs[name], slopes[name], strict=True):
            gradients[source] = gradients.get(source, 0.0) + gradients[name] * slope
            if source not in seen:
                seen.add(source)
                queue.append(source)
    return gradients


@wrong("accumulate", r"again|twice|once|remember|2\^|doubl|too (often|many|long)|steps|paths")
def accumulate_along_every_path(inputs, slopes, output):
    gradients = {}

    def walk(name, gradient):
        gradients[name] = gradients.get(name, 0.0) + gradient
        for source, slope in zip(inputs[name], slopes[name], strict=True):
            walk(source, gradient * slope)

    walk(output, 1.0)
    return gradients


@right("accumulate")
def accumulate_with_a_cache_of_users(inputs, slopes, output):
    from functools import cache

    needed = set(ancestors_by_a_fixed_point.function(inputs, output)) | {output}

    @cache
    def gradient(name):
        total = 1.0 if name == output else 0.0
        for user in needed:
            for source, slope in zip(inputs[user], slopes[user], strict=True):
                if source == name:
                    total += gradient(user) * slope
        return total

    return {name: gradient(name) for name in needed}


@right("accumulate")
def accumulate_with_a_default_dict_and_numpy_numbers(inputs, slopes, output):
    from collections import defaultdict

    gradients = defaultdict(float)
    gradients[output] = np.float64(1)
    for name in reversed(order_by_counting_uses.function(inputs, output)):
        for source, slope in zip(inputs[name], slopes[name], strict=True):
            gradients[source] += gradients[name] * slope
    return gradients


# -- functions of single entries --------------------------------------------------------------


@wrong("square_backward", r"\by\b|output|input")
def square_with_the_output(grad, y, x):
    return 2 * grad * y


@wrong("square_backward", r"half|2|factor|twice|0\.5")
def square_without_the_two(grad, y, x):
    return grad * x


@wrong("square_backward", r"sum|number|shape|each entry|scalar")
def square_summed(grad, y, x):
    return np.sum(grad * 2 * x)


@right("square_backward")
def square_as_a_list(grad, y, x):
    return (2 * grad * x).tolist()


@right("square_backward")
def square_entry_by_entry(grad, y, x):
    dx = np.empty_like(x)
    for place in np.ndindex(x.shape):
        dx[place] = 2 * x[place] * grad[place]
    return dx


@wrong("sigmoid_backward", r"input|\bx\b|output|\by\b")
def sigmoid_of_the_input(grad, y, x):
    return grad * x * (1 - x)


@wrong("sigmoid_backward", r"tanh|y²|square|y \*\* 2|y\^2|\(1 (-|−) y\)|factor")
def sigmoid_as_tanh(grad, y, x):
    return grad * (1 - y**2)


@wrong("sigmoid_backward", r"sigmoid|output|again|twice|already|\by\b")
def sigmoid_applied_again(grad, y, x):
    s = 1 / (1 + np.exp(-y))
    return grad * s * (1 - s)


@right("sigmoid_backward")
def sigmoid_expanded(grad, y, x):
    return grad * y - grad * np.square(y)


@right("sigmoid_backward")
def sigmoid_from_a_list(grad, y, x):
    flat = [g * s * (1.0 - s) for g, s in zip(grad.flat, y.flat, strict=True)]
    return np.reshape(np.array(flat), x.shape)


@wrong("maximum_backward", r"equal|tie|half")
def maximum_gives_ties_to_both(grad, y, a, b):
    return grad * (a >= b), grad * (b >= a)


@wrong("maximum_backward", r"exchang|swap|smaller|minimum|larger")
def maximum_of_the_smaller(grad, y, a, b):
    return (
        np.where(a < b, grad, np.where(a == b, grad / 2, 0)),
        np.where(b < a, grad, np.where(a == b, grad / 2, 0)),
    )


@wrong("maximum_backward", r"upstream|`?grad`?")
def maximum_ignores_the_upstream_gradient(grad, y, a, b):
    return (
        np.where(a > b, 1, np.where(a == b, 0.5, 0)),
        np.where(b > a, 1, np.where(a == b, 0.5, 0)),
    )


@right("maximum_backward")
def maximum_by_heaviside(grad, y, a, b):
    return grad * np.heaviside(a - b, 0.5), grad * np.heaviside(b - a, 0.5)


@right("maximum_backward")
def maximum_by_masks(grad, y, a, b):
    da, db = np.zeros_like(a), np.zeros_like(b)
    first, second = a > b, a < b
    tie = ~(first | second)
    da[first], db[second] = grad[first], grad[second]
    da[tie] = db[tie] = grad[tie] * 0.5
    return [da, db]


@wrong("log_backward", r"clip|small|near 0|0\.|large|nothing about it|limit|epsilon|added")
def log_with_an_epsilon(grad, y, x):
    return grad / (x + 1e-3)


@wrong("log_backward", r"output|\by\b|input|exp")
def log_as_exp(grad, y, x):
    return grad * np.exp(x)


@wrong("log_backward", r"square|x²|log|derivative|1 ?/ ?x|factor|x \*\* 2")
def log_of_a_reciprocal(grad, y, x):
    return -grad / x**2


@right("log_backward")
def log_through_the_output(grad, y, x):
    return grad * np.power(x, -1.0)


@right("log_backward")
def log_with_fromiter(grad, y, x):
    return np.fromiter((g / v for g, v in zip(grad.flat, x.flat, strict=True)), float).reshape(
        x.shape
    )


@wrong("clipped_log_backward", r"clip|zero|outside|cliff|mask|no gradient|flat")
def clipped_log_without_the_cliff(grad, y, p, *, epsilon):
    return grad / np.clip(p, epsilon, 1 - epsilon)


@wrong("clipped_log_backward", r"upper|near 1|above|1 (-|−) |close to 1|one side")
def clipped_log_only_below(grad, y, p, *, epsilon):
    return np.where(p > epsilon, grad / np.maximum(p, epsilon), 0)


@wrong("clipped_log_backward", r"1e-7|epsilon|parameter|fixed")
def clipped_log_with_its_own_epsilon(grad, y, p, *, epsilon):
    inside = (p > 1e-7) & (p < 1 - 1e-7)
    return np.where(inside, grad / np.where(inside, p, 1), 0)


@right("clipped_log_backward")
def clipped_log_with_a_loop(grad, y, p, *, epsilon):
    dp = np.zeros_like(p)
    for i in np.ndindex(*p.shape):
        if epsilon <= p[i] <= 1 - epsilon:
            dp[i] = grad[i] / p[i]
    return dp


@right("clipped_log_backward")
def clipped_log_by_divide_where(grad, y, p, *, epsilon):
    inside = np.logical_and(p >= epsilon, p <= 1 - epsilon)
    return np.divide(grad, p, out=np.zeros(p.shape), where=inside)


# -- sums and products ------------------------------------------------------------------------


@wrong("sum_backward", r"keepdims|axis|shape|broadcast")
def sum_always_expands(grad, y, x, *, axis, keepdims):
    return np.expand_dims(grad, axis) * np.ones_like(x)


@wrong("sum_backward", r"mean|divid|number of|length|factor|times")
def sum_as_a_mean(grad, y, x, *, axis, keepdims):
    if not keepdims:
        grad = np.expand_dims(grad, axis)
    return np.broadcast_to(grad, x.shape) / x.shape[axis]


@wrong("sum_backward", r"\bx\b|input|depend|1|ones")
def sum_times_the_input(grad, y, x, *, axis, keepdims):
    if not keepdims:
        grad = np.expand_dims(grad, axis)
    return grad * x


@right("sum_backward")
def sum_by_repeat(grad, y, x, *, axis, keepdims):
    if not keepdims:
        grad = np.expand_dims(grad, axis)
    return np.repeat(grad, x.shape[axis], axis=axis)


@right("sum_backward")
def sum_by_moving_axes(grad, y, x, *, axis, keepdims):
    dx = np.zeros(x.shape)
    view = np.moveaxis(dx, axis, 0)
    upstream = np.take(grad, 0, axis=axis) if keepdims else grad
    for i in range(len(view)):
        view[i] = upstream
    return dx


@wrong("unbroadcast", r"front|length 1|axes|axis|shape")
def unbroadcast_only_axes_in_front(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    return grad


@wrong("unbroadcast", r"mean|averag|sum|divid|times")
def unbroadcast_as_a_mean(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.mean(axis=0)
    for axis, length in enumerate(shape):
        if length == 1:
            grad = grad.mean(axis=axis, keepdims=True)
    return grad


@wrong("unbroadcast", r"first|only one|sum|add|cop(y|ies)|repeated|one of")
def unbroadcast_takes_the_first_copy(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[0]
    for axis, length in enumerate(shape):
        if length == 1:
            grad = np.take(grad, [0], axis=axis)
    return grad


@right("unbroadcast")
def unbroadcast_by_add_at(grad, shape):
    total = np.zeros(shape)
    places = np.broadcast_to(np.arange(total.size).reshape(shape), grad.shape)
    np.add.at(total.reshape(-1), places.ravel(), grad.ravel())
    return total


@right("unbroadcast")
def unbroadcast_with_padded_shape(grad, shape):
    full = (1,) * (grad.ndim - len(shape)) + tuple(shape)
    axes = tuple(i for i, length in enumerate(full) if length == 1)
    return np.sum(grad, axis=axes, keepdims=True).reshape(shape)


@wrong("matmul_backward", r"transpos|shape|`a\.T`|\.T")
def matmul_without_transposes(grad, y, a, b):
    return (grad @ b if grad.shape[1] == b.shape[0] else grad @ b.T), a @ grad if a.shape[
        1
    ] == grad.shape[0] else a.T @ grad


@wrong("matmul_backward", r"exchang|swap|order|other way")
def matmul_exchanged(grad, y, a, b):
    return a.T @ grad, grad @ b.T


@wrong("matmul_backward", r"upstream|grad|sum")
def matmul_of_ones(grad, y, a, b):
    ones = np.ones_like(grad)
    return ones @ b.T, a.T @ ones


@right("matmul_backward")
def matmul_by_einsum(grad, y, a, b):
    return np.einsum("mn,kn->mk", grad, b), np.einsum("mk,mn->kn", a, grad)


@right("matmul_backward")
def matmul_by_three_loops(grad, y, a, b):
    da, db = np.zeros(a.shape), np.zeros(b.shape)
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                da[i, k] += grad[i, j] * b[k, j]
                db[k, j] += a[i, k] * grad[i, j]
    return da, db
