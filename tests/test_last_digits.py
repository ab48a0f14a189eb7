"""The cross-entropies and the log-softmax against 50 digits (mpmath): only roundings are lost.

The promise: the loss and every entry of the gradient are within 4 (1 + g) ulp of the exact result,
wherever that is a normal number. g is the distance of the entry's logit from the row's maximum; for
the label's own entry, and for the loss of a row whose label is the maximum, the distance of the
largest other logit. g is there because z - max is rounded, by up to g times half an eps, and exp
makes that a relative error.

Run with -rP to see the largest errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from math import fsum
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import tinygrad_xent as tx
from tinygrad_xent.ops.kernels import exact_sums

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_xent.errors.OneClassWarning")

Draw = Callable[[np.random.Generator, tuple[int, int]], Any]


def one_place(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    """A 1 somewhere in each row."""
    return np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]


KINDS: dict[str, Draw] = {
    "ordinary": lambda rng, shape: rng.normal(size=shape) * rng.choice([0.1, 1, 3, 10]),
    "shifted": lambda rng, shape: rng.normal(size=shape) * 3 + rng.choice([-1e6, 1e6]),
    "saturated": lambda rng, shape: rng.normal(size=shape) + one_place(rng, shape) * 40,
    "extreme": lambda rng, shape: rng.normal(size=shape) + rng.choice([-1e4, 1e4], size=shape),
    "huge": lambda rng, shape: rng.choice([-1e30, 0, 1, 1e30], size=shape),
    "ties": lambda rng, shape: rng.integers(3, size=shape) * rng.choice([0.3, 1, 7.7]),
    "near ties": lambda rng, shape: 1 + rng.integers(20, size=shape) * 2.0**-20,
}
SHAPES = [(1, 1), (12, 2), (12, 3), (8, 10), (2, 129), (1, 1000)]  # rows, classes

every_kind = pytest.mark.parametrize("kind", KINDS)
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@dataclass
class Exact:
    """A row of logits to 50 digits, and what follows from it."""

    gap: list[mpf]  # z - max
    e: list[mpf]
    top: int
    rest: mpf  # the sum of e without the top's, which is 1

    @classmethod
    def of(cls, z: Any) -> Exact:
        exact = [mpf(float(x)) for x in z]
        top = int(np.argmax(z))
        gap = [x - exact[top] for x in exact]
        e = [mpmath.exp(x) if x > -1000 else mpf(0) for x in gap]
        return cls(gap, e, top, mpmath.fsum(e[:top] + e[top + 1 :]))

    def log_softmax(self) -> list[mpf]:
        log_whole = mpmath.log1p(self.rest)
        return [x - log_whole for x in self.gap]

    def loss(self, t: list[mpf]) -> mpf:
        log_whole = mpmath.log1p(self.rest)
        return mpmath.fsum(t_i * (log_whole - x) for t_i, x in zip(t, self.gap, strict=True) if t_i)

    def gradient(self, t: list[mpf]) -> list[mpf]:
        """p * sum(t) - t, written so that 50 digits are enough however small the result."""
        whole, total = 1 + self.rest, mpmath.fsum(t)
        others = [whole - e for e in self.e]
        others[self.top] = self.rest
        terms = zip(self.e, t, others, strict=True)
        return [(e * (total - t_i) - t_i * other) / whole for e, t_i, other in terms]

    def distances(self) -> list[float]:
        """The g of each entry that is no label's own."""
        return [-float(x) for x in self.gap]

    def distance_of_label(self, i: int) -> float:
        """The g of the label's own entry."""
        others = self.gap[:i] + self.gap[i + 1 :]
        return -float(max(others, default=0)) if i == self.top else 0.0


class Wanted:
    """Exact results as sums of two doubles; an ulp in `dtype` of each, or of something else."""

    def __init__(self, exact: list[list[mpf]], dtype: Any, of: Any = None) -> None:
        self.high = np.array([[float(x) for x in row] for row in exact])
        self.low = np.array([[float(x - mpf(float(x))) for x in row] for row in exact])
        with np.errstate(over="ignore"):
            size = np.abs(self.high if of is None else of).astype(dtype)
        self.normal = (size >= np.finfo(dtype).tiny) & np.isfinite(size)
        self.ulp = np.spacing(np.where(self.normal, size, 1))

    def ulps_from(self, found: Any) -> Any:
        """How far `found` is off; 0 where what the ulps are those of is no normal number."""
        error = np.abs((found.astype(float) - self.high) - self.low) / self.ulp
        return np.where(self.normal, error, 0)


@cache
def batches(kind: str, dtype: Any) -> list[tuple[Any, list[Exact]]]:
    rng = np.random.default_rng(sum(map(ord, kind)))
    with np.errstate(over="ignore"):  # 1e30 in float16 is inf
        drawn = [KINDS[kind](rng, shape).astype(dtype) for shape in SHAPES]
    with mpmath.workdps(50):
        return [(z, [Exact.of(row) for row in z]) for z in drawn if np.isfinite(z).all()]


def labels_for(z: Any) -> Iterator[Any]:
    """For each row the largest logit; the one next to it; and one elsewhere."""
    order = np.argsort(-z, axis=1, kind="stable")
    for place in {0, min(1, z.shape[1] - 1), z.shape[1] // 2}:
        yield order[:, place]


def losses_and_gradients(labels: Any, z: Any) -> Iterator[tuple[Any, Any]]:
    """The functions that take logits; the last two with the classes along the first axis."""
    hot = np.eye(z.shape[1], dtype=z.dtype)[labels]
    x, columns = tx.Tensor(z), tx.Tensor(z.T)
    for loss in (
        tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x),
        tx.softmax_cross_entropy_with_logits(labels=hot, logits=x),
    ):
        yield loss.data, tx.gradients(loss, x, seed=np.ones(len(z)))
    for loss in (
        tx.sparse_categorical_crossentropy(labels, columns, from_logits=True, axis=0),
        tx.categorical_crossentropy(hot.T, columns, from_logits=True, axis=0),
    ):
        yield loss.data, tx.gradients(loss, columns, seed=np.ones(len(z))).T


def largest_errors(kind: str, dtype: Any) -> tuple[float, float]:
    """The largest errors of the loss and of the gradient with one true class, in (1 + g) ulp."""
    worst_loss = worst_gradient = 0.0
    for z, exact in batches(kind, dtype):
        for labels in labels_for(z):
            with mpmath.workdps(50):
                hot = [[mpf(int(i == label)) for i in range(z.shape[1])] for label in labels]
                pairs = list(zip(exact, hot, strict=True))
                loss = Wanted([[row.loss(t)] for row, t in pairs], dtype)
                gradient = Wanted([row.gradient(t) for row, t in pairs], dtype)
            g = np.array([row.distances() for row in exact])
            own = [row.distance_of_label(i) for row, i in zip(exact, labels, strict=True)]
            rows = np.arange(len(z))
            g_loss = (g[rows, labels] + own)[:, None]  # one of the two is 0
            g[rows, labels] = own
            for found_loss, found in losses_and_gradients(labels, z):
                assert (found_loss.dtype, found.dtype) == (dtype, dtype)
                errors = loss.ulps_from(found_loss[:, None]) / (1 + g_loss)
                worst_loss = max(worst_loss, errors.max())
                worst_gradient = max(worst_gradient, (gradient.ulps_from(found) / (1 + g)).max())
    return worst_loss, worst_gradient


def assert_within(limit: float, worst: float, what: str) -> None:
    print(f"{what}: {worst:.3f}, allowed {limit}")  # noqa: T201 (for -rP)
    assert worst <= limit


@both
@every_kind
def test_one_true_class(kind: str, dtype: Any) -> None:
    loss, gradient = largest_errors(kind, dtype)
    assert_within(4, loss, f"loss, {kind} rows, {dtype.__name__}, (1 + g) ulp")
    assert_within(4, gradient, f"gradient, {kind} rows, {dtype.__name__}, (1 + g) ulp")


@every_kind
def test_half_precision_is_rounded_once(kind: str) -> None:
    """Computed in float32: beyond half an ulp of float16 is only what float32 adds."""
    for what, worst in zip(("loss", "gradient"), largest_errors(kind, np.float16), strict=True):
        assert_within(0.51, worst, f"{what}, {kind} rows, float16, (1 + g) ulp")


@both
@every_kind
def test_soft_labels(kind: str, dtype: Any) -> None:
    """In ulps of the larger of p and t: where they are close, their difference can be anything."""
    rng = np.random.default_rng(1)
    worst_loss = worst_gradient = 0.0
    for z, exact in batches(kind, dtype):
        x = tx.Tensor(z)
        labels = rng.dirichlet(np.full(z.shape[1], rng.choice([0.1, 1, 20])), len(z)).astype(dtype)
        found_loss = tx.softmax_cross_entropy_with_logits(labels=labels, logits=x)
        found = tx.gradients(found_loss, x, seed=np.ones(len(z)))
        with mpmath.workdps(50):
            soft = [[mpf(float(t_i)) for t_i in t] for t in labels]
            pairs = list(zip(exact, soft, strict=True))
            loss = Wanted([[row.loss(t)] for row, t in pairs], dtype)
            p = [[float(e / (1 + row.rest)) for e in row.e] for row in exact]
            gradient = Wanted(
                [row.gradient(t) for row, t in pairs], dtype, of=np.maximum(p, labels)
            )
        g_loss = np.array([[row.distance_of_label(row.top)] for row in exact])
        g = np.array([row.distances() for row in exact])
        errors = loss.ulps_from(found_loss.data[:, None]) / (1 + g_loss)
        worst_loss = max(worst_loss, errors.max())
        worst_gradient = max(worst_gradient, (gradient.ulps_from(found) / (1 + g)).max())
    assert_within(4, worst_loss, f"loss, {kind} rows, {dtype.__name__}, (1 + g) ulp")
    assert_within(4, worst_gradient, f"gradient, {kind} rows, {dtype.__name__}, (1 + g) ulp")


def test_the_sum_of_soft_labels_costs_no_rounding() -> None:
    """Of 129 equal logits the sum is exact, which leaves a few roundings for p * sum(t) - t."""
    labels = np.random.default_rng(0).dirichlet(np.ones(129), 100)
    x = tx.Tensor(np.zeros(labels.shape))
    loss = tx.softmax_cross_entropy_with_logits(labels=labels, logits=x)
    with mpmath.workdps(50):
        row = Exact.of(x.data[0])
        exact = [row.gradient([mpf(float(t_i)) for t_i in t]) for t in labels]
        wanted = Wanted(exact, float, of=np.maximum(1 / 129, labels))
    worst = wanted.ulps_from(tx.gradients(loss, x, seed=np.ones(100))).max()
    assert_within(1.9, worst, "tied rows, soft labels, ulp")


def test_a_loss_of_many_soft_labels_in_any_memory_order() -> None:
    rng = np.random.default_rng(0)
    z, labels = rng.normal(size=20_000), rng.dirichlet(np.ones(20_000))
    with mpmath.workdps(50):
        wanted = Wanted([[Exact.of(z).loss([mpf(float(t_i)) for t_i in labels])]], float)
    for order in "CF":
        x, t = (np.asarray(np.stack([a] * 3, axis=1), order=order) for a in (z, labels))
        loss = tx.softmax_cross_entropy_with_logits(labels=t, logits=x, dim=0)
        assert_within(4, wanted.ulps_from(loss[:1]).max(), f"{order} order, ulp")


@both
@pytest.mark.parametrize("what", ["spike", "higher", "lower"])
def test_a_row_that_needs_care_among_rows_that_do_not(what: str, dtype: Any) -> None:
    """The first of 8 rows of small logits are looked at, and promise large losses; not so row 1."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(8, 1000))
    z[1] += {"spike": 25 * np.eye(1000)[7], "higher": 80, "lower": -80}[what]
    labels = np.full(z.shape, 0 if what == "spike" else 1e-3)
    labels[:, 7] += 1 - labels.sum(axis=1)
    z, labels = z.astype(dtype), labels.astype(dtype)
    x = tx.Tensor(z)
    loss = tx.ops.softmax_cross_entropy(labels, x)
    found = tx.gradients(loss, x, seed=np.ones(8))[1]
    with mpmath.workdps(50):
        row, t = Exact.of(z[1]), [mpf(float(t_i)) for t_i in labels[1]]
        p = [float(e / (1 + row.rest)) for e in row.e]
        size = None if what == "spike" else np.maximum(p, labels[1])
        wanted = Wanted([row.gradient(t)], dtype, of=size)
        worst = Wanted([[row.loss(t)]], dtype).ulps_from(loss.data[1:2]).max()
    g = np.array(row.distances())
    g[row.top] = row.distance_of_label(row.top)
    assert_within(4, worst / (1 + g[row.top]), f"loss, {what}, {dtype.__name__}, (1 + g) ulp")
    errors = wanted.ulps_from(found) / (1 + g)
    assert_within(4, errors.max(), f"gradient, {what}, {dtype.__name__}, (1 + g) ulp")


@pytest.mark.parametrize("axis", [0, 1])
def test_many_equal_labels(axis: int) -> None:
    """Label smoothing: that all labels but one are equal makes their roundings equal, too."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(64, 1100)).astype(np.float32)
    z[:, 0] = 14
    labels = np.repeat(rng.uniform(0.1, 0.4, size=(64, 1)) / 1099, 1100, axis=1).astype(np.float32)
    labels[:, 0] = 1 - labels[:, 1:].sum(axis=1)
    x = tx.Tensor(np.moveaxis(z, 1, axis))
    found_loss = tx.ops.softmax_cross_entropy(np.moveaxis(labels, 1, axis), x, axis=axis)
    found = np.moveaxis(tx.gradients(found_loss, x, seed=np.ones(64)), axis, 1)
    t, wide = labels.astype(np.longdouble), z.astype(np.longdouble)
    log_p = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    total = t.sum(axis=1, keepdims=True)
    top = (np.exp(log_p) * total - t)[:, 0]
    loss = -(t * log_p).sum(axis=1)
    size = np.maximum(np.exp(log_p)[:, 0], labels[:, 0]).astype(np.float32)
    assert_within(
        4, (np.abs(found[:, 0] - top) / np.spacing(size)).max(), "gradient at the top, ulp"
    )
    error = np.abs(found_loss.data - loss) / np.spacing(loss.astype(np.float32))
    assert_within(4, error.max(), "loss, ulp")


@pytest.mark.parametrize("axis", [0, 1])
def test_many_equal_logits(axis: int) -> None:
    """As those of a model that has learnt nothing but a bias: their sum must not drift."""
    worst = 0.0
    for value in np.random.default_rng(0).uniform(-2, 0, size=8).astype(np.float32):
        shape = (64, 1030) if axis else (1030, 64)
        z = np.full(shape, value)
        found = tx.ops.softmax_minus_one_hot(np.zeros(64, int), z, axis=axis)
        error = np.moveaxis(found, axis, 1)[:, 1:].astype(float) - 1 / 1030
        worst = max(worst, np.abs(error).max() / np.spacing(np.float32(1 / 1030)))
    assert_within(4, worst, "ulp")


@both
@every_kind
def test_log_softmax(kind: str, dtype: Any) -> None:
    worst = 0.0
    for z, exact in batches(kind, dtype):
        with mpmath.workdps(50):
            wanted = Wanted([row.log_softmax() for row in exact], dtype)
        g = np.array([row.distances() for row in exact])
        for row, g_row in zip(exact, g, strict=True):
            g_row[row.top] = row.distance_of_label(row.top)
        for found in (tx.log_softmax(z), tx.log_softmax(z.T, axis=0).T):
            worst = max(worst, (wanted.ulps_from(found) / (1 + g)).max())
    assert_within(4, worst, f"{kind} rows, {dtype.__name__}, (1 + g) ulp")


@both
def test_a_maximum_among_thousands_of_distant_ties(dtype: Any) -> None:
    """The one place where g is not enough: rounding errors of the others that are all the same.

    Then their sum has them too, and with it p of the maximum, though its own g is 0. The others'
    distance is what counts for it. (Where they differ, the errors average out.)
    """
    worst = 0.0
    for distance in np.random.default_rng(0).uniform(4, 10, size=40):
        z = np.zeros(20_000, dtype)
        z[:2] = distance, 0.3
        with mpmath.workdps(50):
            row = Exact.of(z[:3])
            wanted = Wanted([[1 / (1 + row.e[1] + (len(z) - 2) * row.e[2])]], dtype)
        x = tx.Tensor(z)
        loss = tx.sparse_softmax_cross_entropy_with_logits(labels=1, logits=x)
        errors = wanted.ulps_from(tx.gradients(loss, x)[:1]) / (1 + float(z[0]))
        worst = max(worst, errors.max())
    assert_within(4, worst, f"{dtype.__name__}, (1 + distance) ulp")


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_sum_is_exact_far_beyond_double_precision(order: Any) -> None:
    rng = np.random.default_rng(0)
    for t in (rng.dirichlet(np.ones(129), 100), rng.uniform(0, 1e-30, (100, 129))):
        high, low = exact_sums(np.asarray(t, order=order))
        np.testing.assert_allclose((high + low), [fsum(row) for row in t], rtol=3e-16)
    t = np.full((2, 300_000), 0.1 / 300_000)  # whose roundings are all the same
    high, low = exact_sums(np.asarray(t, order=order))
    np.testing.assert_allclose(high + low, fsum(t[0]), rtol=1e-15)
    high, low = exact_sums(np.asarray(t := rng.dirichlet(np.ones(129), 100), order=order))
    excess = [fsum([*row, -1]) for row in t]
    np.testing.assert_allclose((high - 1) + low, excess, atol=1e-20, rtol=1e-12)


@both
def test_many_classes_in_any_memory_order(dtype: Any) -> None:
    """NumPy adds in another order along another axis; 20,000 roundings one by one would show."""
    for lead in (0, 25):
        z = np.random.default_rng(5).uniform(0, 3, size=20_000).astype(dtype)
        label = int(np.argmax(z))
        z[label] += lead
        some = [*range(200), label]
        with mpmath.workdps(50):
            row = Exact.of(z)
            exact = [row.e[i] / (1 + row.rest) for i in some[:-1]]
            wanted = Wanted([[*exact, -row.rest / (1 + row.rest)]], dtype)
            wanted_loss = Wanted([[mpmath.log1p(row.rest)]], dtype)
        g = np.array([*row.distances()[:200], row.distance_of_label(label)])
        for order in "CF":
            x = tx.Tensor(np.asarray(np.stack([z] * 3, axis=1), order=order))
            loss = tx.sparse_categorical_crossentropy([label] * 3, x, from_logits=True, axis=0)
            gradient = tx.gradients(loss, x, seed=np.ones(3))
            errors = wanted.ulps_from(gradient[some, 1]) / (1 + g)
            errors_of_loss = wanted_loss.ulps_from(loss.data[:1]) / (1 + g[-1])
            worst = max(errors.max(), errors_of_loss.max())
            assert_within(4, worst, f"{order} order, {dtype.__name__}, (1 + g) ulp")


@both
@every_kind
def test_rows_of_a_gradient_sum_to_zero(kind: str, dtype: Any) -> None:
    """Relative to their largest entry, however small that is."""
    worst = 0.0
    for z, _ in batches(kind, dtype):
        for labels in labels_for(z):
            for _, gradients in losses_and_gradients(labels, z):
                for gradient in gradients:
                    largest = float(np.abs(gradient).max())
                    if largest >= np.finfo(dtype).tiny:
                        worst = max(worst, abs(fsum(gradient.tolist())) / largest)
    worst /= np.finfo(dtype).eps
    assert_within(2, worst, f"{kind} rows, {dtype.__name__}, eps of the largest entry")


def test_where_the_others_lose_every_digit() -> None:
    """exp(-gap) is about 2**-54: log(1 + exp(-gap)) is 0 in float64, and p - 1 as well."""
    z = tx.Tensor([37.42994775023705, 0])
    with mpmath.workdps(50):
        tail = float(mpmath.log1p(mpmath.exp(-mpf(37.42994775023705))))
    assert tail == 5.551115123125776e-17
    for loss in (
        tx.sparse_softmax_cross_entropy_with_logits(labels=0, logits=z),
        tx.softmax_cross_entropy_with_logits(labels=[1, 0], logits=z),
        tx.softmax_cross_entropy_with_logits_v2([1, 0], z),
        tx.sparse_categorical_crossentropy(0, z, from_logits=True),
        tx.sparse_categorical_crossentropy(0, tx.softmax(z)),
        tx.categorical_crossentropy([1, 0], tx.softmax(z)),
    ):
        assert float(loss.data) == pytest.approx(tail, rel=1e-15, abs=0)
        assert tx.gradients(loss, z) == pytest.approx([-tail, tail], rel=1e-15, abs=0)
