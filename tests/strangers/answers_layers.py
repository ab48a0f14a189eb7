"""Strangers' answers to the exercises on differences, layers, training and whole networks."""

from __future__ import annotations

import numpy as np
from strangers.answer import right, wrong


@wrong("central_difference", r"2|half|twice|factor|distance")
def difference_divided_by_h(f, x, h):
    d = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        d[i] = (f(x + e) - f(x - e)) / h
    return d


@wrong("central_difference", r"one side|forward|single step|each side|one-sided|both sides")
def difference_to_one_side(f, x, h):
    d = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        d[i] = (f(x + e) - f(x)) / h
    return d


@wrong(
    "central_difference", r"all|each entry|one entry|single|separately|one at a time|every entry"
)
def difference_of_all_entries_at_once(f, x, h):
    return np.ones_like(x) * (f(x + h) - f(x - h)) / (2 * h)


@right("central_difference")
def difference_by_the_identity(f, x, h):
    steps = h * np.eye(x.size).reshape(-1, *x.shape)
    return np.reshape([(f(x + e) - f(x - e)) / (2 * h) for e in steps], x.shape)


@right("central_difference")
def difference_in_a_copy(f, x, h):
    flat, out = x.flatten(), []
    for i in range(flat.size):
        keep = flat[i]
        flat[i] = keep + h
        up = f(flat.reshape(x.shape))
        flat[i] = keep - h
        down = f(flat.reshape(x.shape))
        flat[i] = keep
        out.append((up - down) / (2 * h))
    return np.array(out).reshape(x.shape)


@wrong("complex_step", r"small|step|h\b|large|digits|accura")
def complex_with_a_big_step(f, x):
    h = 1e-3
    return np.imag(f(x + 1j * h)) / h


@wrong("complex_step", r"divid|h\b|step")
def complex_not_divided(f, x):
    return np.imag(f(x + 1e-20j))


@wrong("complex_step", r"imag|real")
def complex_with_the_real_part(f, x):
    h = 1e-20
    return np.real(f(x + 1j * h)) / h


@right("complex_step")
def complex_by_attribute(f, x):
    h = 2.0**-200
    return f(x + complex(0, h)).imag / h


@right("complex_step")
def complex_entry_by_entry(f, x):
    return np.array([f(np.complex128(complex(v, 1e-30))).imag / 1e-30 for v in x.flat]).reshape(
        x.shape
    )


@wrong("linear_backward", r"bias|`db`|sum|batch|rows")
def linear_with_a_mean_for_the_bias(grad, y, x, w, b):
    return grad @ w.T, x.T @ grad, grad.mean(axis=0)


@wrong("linear_backward", r"bias|`db`|axis|shape|rows")
def linear_with_the_bias_over_the_wrong_axis(grad, y, x, w, b):
    db = grad.sum(axis=1)
    return grad @ w.T, x.T @ grad, np.resize(db, b.shape)


@wrong("linear_backward", r"mean|batch|N\b|rows|divid|times|factor")
def linear_averages_over_the_batch(grad, y, x, w, b):
    n = len(x)
    return grad @ w.T, x.T @ grad / n, grad.sum(axis=0) / n


@right("linear_backward")
def linear_example_by_example(grad, y, x, w, b):
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)
    for n in range(len(x)):
        dx[n] = w @ grad[n]
        dw += np.outer(x[n], grad[n])
        db += grad[n]
    return dx, dw, db


@right("linear_backward")
def linear_by_einsum(grad, y, x, w, b):
    return (
        np.einsum("nm,dm->nd", grad, w),
        np.einsum("nd,nm->dm", x, grad),
        np.einsum("nm->m", grad),
    )


@wrong("sgd_step", r"sign|uphill|minus|subtract|add|downhill|direction")
def sgd_uphill(w, grad, learning_rate, momentum, velocity):
    velocity = momentum * velocity + grad
    return w + learning_rate * velocity, velocity


@wrong("sgd_step", r"old|new|velocity")
def sgd_with_the_old_velocity(w, grad, learning_rate, momentum, velocity):
    return w - learning_rate * velocity, momentum * velocity + grad


@wrong("sgd_step", r"Keras|learning rate|velocity")
def sgd_of_keras(w, grad, learning_rate, momentum, velocity):
    velocity = momentum * velocity - learning_rate * grad
    return w + velocity, velocity


@right("sgd_step")
def sgd_on_copies(w, grad, learning_rate, momentum, velocity):
    w, v = w.copy(), velocity.copy()
    v *= momentum
    v += grad
    w -= learning_rate * v
    return w, v


@right("sgd_step")
def sgd_by_lists(w, grad, learning_rate, momentum, velocity):
    v = [momentum * a + g for a, g in zip(velocity.ravel(), grad.ravel(), strict=True)]
    new = [a - learning_rate * b for a, b in zip(w.ravel(), v, strict=True)]
    return np.reshape(new, w.shape), np.reshape(v, w.shape)


@wrong("embedding_backward", r"several|twice|add|repeat|overwr|last")
def embedding_overwrites(grad, y, table, *, index):
    d = np.zeros_like(table)
    d[index] = grad
    return d


@wrong("embedding_backward", r"several|twice|add|repeat|overwr|last|once|buffer")
def embedding_adds_in_place(grad, y, table, *, index):
    d = np.zeros_like(table)
    d[index] += grad
    return d


@wrong("embedding_backward", r"table|values|zero|start|gradient|contains")
def embedding_updates_the_table(grad, y, table, *, index):
    d = table.copy()
    np.add.at(d, index, grad)
    return d


@right("embedding_backward")
def embedding_by_one_hot(grad, y, table, *, index):
    hot = np.eye(len(table))[index.ravel()]
    return hot.T @ grad.reshape(-1, table.shape[1])


@right("embedding_backward")
def embedding_by_a_loop(grad, y, table, *, index):
    d = [[0.0] * table.shape[1] for _ in range(len(table))]
    for place in np.ndindex(index.shape):
        for k in range(table.shape[1]):
            d[index[place]][k] += grad[place][k]
    return np.array(d)


@wrong("batch_norm_backward", r"mean|variance|depend|constant|term")
def batch_norm_with_constant_statistics(grad, y, x, gain, bias, *, epsilon):
    normed = (x - x.mean(0)) / np.sqrt(x.var(0) + epsilon)
    dx = grad * gain / np.sqrt(x.var(0) + epsilon)
    return dx, (grad * normed).sum(0), grad.sum(0)


@wrong("batch_norm_backward", r"variance|term|mean")
def batch_norm_without_the_variance_term(grad, y, x, gain, bias, *, epsilon):
    std = np.sqrt(x.var(0) + epsilon)
    normed = (x - x.mean(0)) / std
    dn = grad * gain
    return (dn - dn.mean(0)) / std, (grad * normed).sum(0), grad.sum(0)


@wrong("batch_norm_backward", r"gain|y\b|normed|normali[sz]ed|bias")
def batch_norm_with_the_output_for_normed(grad, y, x, gain, bias, *, epsilon):
    std = np.sqrt(x.var(0) + epsilon)
    normed = (x - x.mean(0)) / std
    dn = grad * gain
    dx = (dn - dn.mean(0) - normed * (dn * normed).mean(0)) / std
    return dx, (grad * y).sum(0), grad.sum(0)


@right("batch_norm_backward")
def batch_norm_column_by_column(grad, y, x, gain, bias, *, epsilon):
    n = len(x)
    dx, dgain, dbias = np.zeros_like(x), np.zeros_like(gain), np.zeros_like(bias)
    for d in range(x.shape[1]):
        centred = x[:, d] - sum(x[:, d]) / n
        std = (sum(centred**2) / n + epsilon) ** 0.5
        normed = centred / std
        jacobian = (np.eye(n) - 1 / n - np.outer(normed, normed) / n) / std
        dx[:, d] = jacobian @ (gain[d] * grad[:, d])
        dgain[d], dbias[d] = normed @ grad[:, d], sum(grad[:, d])
    return dx, dgain, dbias


@right("batch_norm_backward")
def batch_norm_step_by_step(grad, y, x, gain, bias, *, epsilon):
    n = x.shape[0]
    mu = x.mean(axis=0)
    xc = x - mu
    var = np.mean(xc**2, axis=0)
    inv = (var + epsilon) ** -0.5
    dnormed = grad * gain
    dvar = np.sum(dnormed * xc, axis=0) * -0.5 * inv**3
    dmu = -np.sum(dnormed * inv, axis=0) + dvar * np.mean(-2 * xc, axis=0)
    dx = dnormed * inv + dvar * 2 * xc / n + dmu / n
    return dx, np.sum(grad * xc * inv, axis=0), np.sum(grad, axis=0)


def _ninja(index, target, table, w1, gain, bias, w2, b2, *, n_loss=True, repeat=True, tanh=True):
    n = len(index)
    rows = table[index].reshape(n, -1)
    linear = rows @ w1
    std = np.sqrt(linear.var(axis=0) + 1e-5)
    normed = (linear - linear.mean(axis=0)) / std
    h = np.tanh(gain * normed + bias)
    logits = h @ w2 + b2
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    dlogits = e / e.sum(axis=1, keepdims=True)
    dlogits[np.arange(n), target] -= 1
    if n_loss:
        dlogits /= n
    dh = dlogits @ w2.T
    da = dh * (1 - h**2) if tanh else dh
    dn = da * gain
    dlinear = (dn - dn.mean(axis=0) - normed * (dn * normed).mean(axis=0)) / std
    dtable, drows = np.zeros_like(table), (dlinear @ w1.T).reshape(*index.shape, -1)
    if repeat:
        np.add.at(dtable, index, drows)
    else:
        dtable[index] += drows
    return {
        "table": dtable,
        "w1": rows.T @ dlinear,
        "gain": (da * normed).sum(axis=0),
        "bias": da.sum(axis=0),
        "w2": h.T @ dlogits,
        "b2": dlogits.sum(axis=0),
    }


@wrong("ninja_backward", r"mean|N\b|batch|divid|times|rows")
def ninja_not_divided_by_the_batch(index, target, table, w1, gain, bias, w2, b2):
    return _ninja(index, target, table, w1, gain, bias, w2, b2, n_loss=False)


@wrong("ninja_backward", r"several|twice|add|repeat|overwr|last|once")
def ninja_overwrites_repeated_characters(index, target, table, w1, gain, bias, w2, b2):
    return _ninja(index, target, table, w1, gain, bias, w2, b2, repeat=False)


@wrong("ninja_backward", r"tanh")
def ninja_forgets_tanh(index, target, table, w1, gain, bias, w2, b2):
    return _ninja(index, target, table, w1, gain, bias, w2, b2, tanh=False)


@right("ninja_backward")
def ninja_in_one_function(index, target, table, w1, gain, bias, w2, b2):
    return _ninja(index, target, table, w1, gain, bias, w2, b2)


@right("ninja_backward")
def ninja_by_jacobians_and_lists(index, target, table, w1, gain, bias, w2, b2):
    found = _ninja(index, target, table, w1, gain, bias, w2, b2)
    return {name: found[name].tolist() for name in sorted(found)}
