"""Right rules at steep and extreme places are never blamed; wrong ones are still found."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent import domains
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.op import Op

OPS = [op for op in tx.ops.OPS.values() if op.name != "look_through"]
WITH_SLOPE = [op for op in OPS if any(not f.endswith("= 0") for f in op.rule_formulas)]
DECADES = {np.float64: 12, np.float32: 6, np.float16: 3}


# -- places that somebody came upon ------------------------------------------------------------

STEEP = {
    "a divisor near 0": (tx.divide, [1.0, 1.0], [1e-9, 1.0]),
    "a probability near 0": (
        lambda p: tx.sparse_categorical_crossentropy(0, p),
        [1e-6, 0.3, 0.7 - 1e-6],
    ),
    "logarithms of many sizes": (tx.log, [1e-8, 1e-3, 1.0]),
    "a step": (lambda x: tx.tanh(1e6 * x), [1e-7, 0.3, 1.0, 0.0]),
    "a step within a sum": (lambda x: tx.tanh(1e6 * x).sum(), [1e-7, 0.3, 1.0, 0.0]),
    "a step without axes": (lambda x: tx.tanh(1e6 * x), 0.0),
    "one large entry, saturated": (tx.sigmoid, [3.4e9, 0.7, -1.2]),
    "one large logit": (tx.softmax, [[-227.0, 1451.0, 2.5e5], [3.5e-6, -675.0, -2e-8]]),
    "both sides of a step": (tx.tanh, [1.6, -5e-8, -1.9e7]),
    "near the border of the domain": (tx.log1p, [-1 + 1e-12, 3.0, 1.6e9]),
}


@pytest.mark.parametrize("name", STEEP)
@pytest.mark.parametrize("order", [1, 2])
def test_a_right_rule_at_a_steep_place_is_not_blamed(name, order):
    f, *inputs = STEEP[name]
    report = tx.gradcheck(f, *inputs, order=order)
    assert report.ok, str(report)


@pytest.mark.parametrize("name", [name for name in STEEP if "saturated" not in name][:7])
def test_where_the_slope_can_be_known_it_is(name):
    f, *inputs = STEEP[name]
    report = tx.gradcheck(f, *inputs)
    assert "unclear" not in str(report)
    assert "kink" not in str(report)


def test_a_graph_with_a_step():
    x = tx.Tensor([1e-7, 0.3, 1.0, 0.0])
    found = tx.gradcheck(tx.tanh(1e6 * x).sum())
    assert {check.verdict for check in found} == {"right"}


@pytest.mark.parametrize("kind", ["rounded away", "last digit"])
def test_what_a_graph_loses_to_rounding_is_not_wrong(kind):
    x = np.array([[0.3, -0.2, 0.5]])
    if kind == "rounded away":  # 1 - y is 0, and the slope some 1e-30
        z = tx.Tensor(np.array([[70.0, 0.0], [0.0, 1.0]]))
        y = tx.log_softmax(z)[0, 0]
    else:
        z = tx.Tensor(x)
        y = tx.var(tx.logsumexp(z, axis=-1, keepdims=True) + 0 * z)
    assert tx.gradcheck(y), str(tx.gradcheck(y))


def test_nobody_knows_what_rounding_hides():
    report = tx.gradcheck(lambda x: tx.absolute(1e16 + tx.tanh(1e6 * x).sum()), [1e-7, 2e-7])
    assert report.ok, str(report)
    assert "unclear" in str(report)
    with pytest.raises(tx.errors.GradcheckError, match="unclear"):
        report.assert_ok()


# -- at random ---------------------------------------------------------------------------------


def steep(rng, x, domain, dtype):
    """Scale an input, or single entries of it, over all the decades that the dtype has."""
    if not (isinstance(x, np.ndarray) and x.dtype.kind == "f"):
        return x
    most = DECADES[dtype]
    if domain is domains.simplex:
        x = x * 10.0 ** rng.uniform(-most, 0, x.shape)
        return (x / x.sum(-1, keepdims=True)).astype(dtype)
    exponents = rng.uniform(-most, most, x.shape if rng.random() < 0.7 else ())
    if domain is domains.above_minus_one:
        return (-1 + np.abs(x + 1) * 10.0**exponents).astype(dtype)
    return (x * 10.0**exponents).astype(dtype)


@pytest.mark.parametrize("seed", range(4))
def test_no_op_is_blamed_anywhere(seed):
    for k, op in enumerate(OPS):
        if domains.between_steps in op.domains:
            continue  # its steps come closer together than differences can be taken
        rng = np.random.default_rng([seed, k])
        calls = list(samples(op, rng))
        inputs, params = calls[rng.integers(len(calls))]
        dtype = rng.choice(list(DECADES))
        where = op.domains * len(inputs) if op.variadic else op.domains
        with np.errstate(over="ignore"):
            inputs = [steep(rng, x, d, dtype) for x, d in zip(inputs, where, strict=True)]
        report = tx.gradcheck(op, *inputs, order=1 + seed % 2, **params)
        assert report.ok, f"{op.name} at {inputs}\n{report}"


ONE = [
    tx.exp,
    tx.tanh,
    tx.sigmoid,
    tx.softmax,
    tx.log_softmax,
    tx.relu,
    lambda x: tx.log(x * x + 1e-3),
    lambda x: tx.tanh(1e3 * x),
    lambda x: 1 / (x * x + 1e-4),
    lambda x: x - x.mean(axis=-1, keepdims=True),
    lambda x: x / tx.sqrt((x * x).sum(axis=-1, keepdims=True) + 1e-8),
    lambda x: x + tx.logsumexp(x, axis=-1, keepdims=True),
    lambda x: x + 100.0,
]
TWO = [tx.add, tx.subtract, tx.multiply, tx.maximum, lambda a, b: a / (b * b + 1e-2)]
LAST = [
    lambda x: x.sum(),
    lambda x: (x * x).mean(),
    tx.var,
    lambda x: tx.logsumexp(x, axis=None),
    lambda x: tx.sparse_softmax_cross_entropy(np.zeros(len(x), int), x).sum(),
]


def random_graph(rng):
    """Return a function of two arrays, and where to check it."""
    shape = tuple(rng.integers(1, 5, size=2))
    inputs = [rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 3) for _ in range(2)]
    plan = [(rng.random() < 0.6, *rng.random(3)) for _ in range(rng.integers(1, 6))]
    last = LAST[rng.integers(len(LAST))]

    def f(x, w):
        made = [x, w]
        for alone, which, i, j in plan:
            a, b = made[int(i * len(made))], made[int(j * len(made))]
            ops = ONE if alone else TWO
            op = ops[int(which * len(ops))]
            made.append(op(a) if alone else op(a, b))
        return last(made[-1])

    return f, inputs


@pytest.mark.parametrize("seed", range(3))
def test_no_random_graph_is_blamed(seed):
    checked = 0
    for k in range(25):
        f, inputs = random_graph(np.random.default_rng([seed, k]))
        x, w = map(tx.Tensor, inputs)
        with np.errstate(all="ignore"):
            y = f(x, w)
            grads = tx.gradients(y + 0 * (x + w).sum(), [x, w])
            if not (np.isfinite(y.data) and np.isfinite(grads).all()):
                continue
            assert tx.gradcheck(y), f"{seed, k}\n{tx.gradcheck(y)}"
            report = tx.gradcheck(lambda x, w, f=f: f(x, w) + 0 * (x + w).sum(), *inputs)
            assert report.ok, f"{seed, k}\n{report}"
        checked += 1
    assert checked > 15


# -- and wrong rules -----------------------------------------------------------------------------


def spoiled(op, off):
    """An op whose rule is off."""

    def rule(*args, **params):
        results = op.rule(*args, **params)
        results = results if isinstance(results, tuple) else (results,)
        results = tuple(r() if callable(r) else r for r in results)
        return tuple(None if r is None else off(np.array(r)) for r in results)

    made = Op(op.function, shapes=op.shapes, domain=op.domains, examples=op.examples)
    made.backward(rule)
    return made


def one_entry(grad):
    grad.flat[grad.size // 2] += 0.01 * np.abs(grad).max()
    return grad


@pytest.mark.parametrize("op", WITH_SLOPE, ids=str)
@pytest.mark.parametrize("off", [lambda grad: 1.01 * grad, one_entry], ids=["factor", "entry"])
def test_one_percent_is_found_at_ordinary_places(op, off):
    inputs, params = next(iter(samples(op, np.random.default_rng(3))))
    report = tx.gradcheck(op, *inputs, **params)
    assert "unclear" not in str(report)
    report = tx.gradcheck(spoiled(op, off), *inputs, **params)
    assert not report.ok, str(report)


@pytest.mark.parametrize("factor", [1.01, 0.5, -1.0, 0.0])
def test_a_wrong_rule_is_found_at_steep_places(factor):
    for op, *inputs in (
        (tx.log, [1e-8, 1e-3, 1.0]),
        (tx.divide, [1.0, 1.0], [1e-9, 1.0]),
        (tx.tanh, [1e-7, 0.3, 30.0]),
        (tx.exp, [-20.0, 300.0]),
    ):
        wrong = spoiled(op, lambda grad: factor * grad)
        assert not tx.gradcheck(wrong, *inputs), op.name
