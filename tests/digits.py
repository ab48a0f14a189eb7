"""How many digits of derivatives are right, here and in other libraries, against 60 digits.

`python -m tests.digits` prints the table of docs/accuracy.md, with columns for PyTorch and JAX if
they are installed. An error is the largest of all entries, in (1 + g) ulp. An ulp is the distance
to the next floating-point number; where terms of two signs add up, that of the larger term. g is
the distance of an entry's logit from the row's maximum (for the maximum itself, that of the next
logit), or of the entry where a one-hot upstream gradient is 1, whichever is larger.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

Matrix = list[list[mpf]]
LEADS = (0, 20, 40)
CLASSES = (2, 3, 10)
VARIABLES = (1e-30, 1e-20, 1e-8, 1e-3, 0.3, 1.0, 3.0, 9.0, 17.0, 20.0, 37.5, 40.0, 80.0)


@dataclass
class Row:
    """A row of logits, an upstream gradient, and what follows from them to 60 digits."""

    z: Any
    u: Any
    label: int

    def __post_init__(self) -> None:
        exact = [mpf(float(x)) for x in self.z]
        self.n = len(exact)
        self.top = int(np.argmax(self.z))
        gaps = [float(exact[self.top] - x) for x in exact]
        gaps[self.top] = min(gaps[: self.top] + gaps[self.top + 1 :])
        whole = mpmath.fsum(mpmath.exp(x) for x in exact)
        self.p = [mpmath.exp(x) / whole for x in exact]
        self.given = [mpf(float(x)) for x in self.u]
        hot = np.flatnonzero(self.u)
        self.g = np.maximum(gaps, gaps[hot[0]] if len(hot) == 1 else 0)

    def centred(self) -> tuple[list[mpf], list[mpf]]:
        """Return the upstream gradient less its mean, and the size of the terms of that."""
        h = [x - self.given[self.top] for x in self.given]
        mean = mpmath.fsum(p * x for p, x in zip(self.p, h, strict=True))
        size = mpmath.fsum(p * abs(x) for p, x in zip(self.p, h, strict=True))
        return [x - mean for x in h], [abs(x) + size for x in h]


# -- exact derivatives, and the sizes of their terms -----------------------------------------


def of_softmax(row: Row) -> tuple[Matrix, Matrix]:
    values, sizes = row.centred()
    return (
        [[p * x for p, x in zip(row.p, values, strict=True)]],
        [[p * x for p, x in zip(row.p, sizes, strict=True)]],
    )


def of_log_softmax(row: Row) -> tuple[Matrix, Matrix]:
    p, u, total = row.p, row.given, mpmath.fsum(row.given)
    others = [mpmath.fsum(map(abs, u[:i] + u[i + 1 :])) for i in range(row.n)]
    return (
        [[u[i] - p[i] * total for i in range(row.n)]],
        [[abs(u[i]) * (1 - p[i]) + p[i] * others[i] for i in range(row.n)]],
    )


def of_logsumexp(row: Row) -> tuple[Matrix, Matrix]:
    return [row.p], [row.p]


def of_loss(row: Row) -> tuple[Matrix, Matrix]:
    values = [[p - (i == row.label) for i, p in enumerate(row.p)]]
    return values, values


def twice_of_softmax(row: Row) -> tuple[Matrix, Matrix]:
    p, (c, size) = row.p, row.centred()
    n = range(row.n)
    return (
        [[p[i] * c[i] * (i == j) - p[i] * p[j] * (c[i] + c[j]) for j in n] for i in n],
        [[p[i] * size[i] * (i == j) + p[i] * p[j] * (size[i] + size[j]) for j in n] for i in n],
    )


def twice_of_loss(row: Row) -> tuple[Matrix, Matrix]:
    p, n = row.p, range(row.n)
    values = [[p[i] * ((1 - p[i]) if i == j else -p[j]) for j in n] for i in n]
    return values, values


def twice_of_log_softmax(row: Row) -> tuple[Matrix, Matrix]:
    total, size = mpmath.fsum(row.given), mpmath.fsum(map(abs, row.given))
    hessian, _ = twice_of_loss(row)
    return (
        [[-total * x for x in line] for line in hessian],
        [[size * x for x in line] for line in hessian],
    )


@dataclass(frozen=True)
class Quantity:
    """A derivative of a function of logits, and its exact numbers.

    `kind` is "vjp" of the upstream gradient, "hessian" of what it selects, or "product" of the
    Hessian with it.
    """

    kind: str
    function: str
    exact: Callable[[Row], tuple[Matrix, Matrix]]
    upstream: bool = False  # whether a random upstream gradient is another case

    def __str__(self) -> str:
        return f"{KINDS[self.kind]}, {self.function}"


KINDS = {"vjp": "gradient", "hessian": "Hessian", "product": "Hessian-vector product"}
LOSSES = ("sparse loss", "dense loss", "looked-through sparse", "looked-through dense")
QUANTITIES = [
    Quantity("vjp", "softmax", of_softmax, upstream=True),
    Quantity("vjp", "log_softmax", of_log_softmax, upstream=True),
    Quantity("vjp", "logsumexp", of_logsumexp),
    *(Quantity("vjp", name, of_loss) for name in LOSSES),
    Quantity("hessian", "softmax", twice_of_softmax, upstream=True),
    Quantity("hessian", "log_softmax", twice_of_log_softmax, upstream=True),
    Quantity("hessian", "logsumexp", twice_of_loss),
    *(Quantity("hessian", name, twice_of_loss) for name in LOSSES),
    Quantity("product", "logsumexp", of_softmax, upstream=True),
    *(Quantity("product", name, of_softmax, upstream=True) for name in LOSSES),
]


@cache
def rows(lead: float, dtype: Any, random: bool) -> list[Row]:
    """Return rows where one class leads, with random upstream gradients or each one-hot one."""
    rng = np.random.default_rng(int(lead))
    found = []
    for n in CLASSES:
        for _ in range(3):
            z = rng.normal(size=n)
            z[np.argmax(z)] += lead
            for a in range(n):
                u = rng.normal(size=n) if random else np.eye(n)[a]
                found.append(Row(z.astype(dtype), u.astype(dtype), a))
    return found


# A library computes, from (kind, function, logits, upstream gradient, label), an array or None.
Library = Callable[[str, str, Any, Any, int], Any]


def worst_of(
    quantity: Quantity, library: Library, lead: float, dtype: Any, *, random: bool = False
) -> float | None:
    """Return the largest error in (1 + g) ulp; infinite for a NaN, None if there is no answer."""
    worst = 0.0
    with mpmath.workdps(60):
        for row in rows(lead, dtype, random):
            found = library(quantity.kind, quantity.function, row.z, row.u, row.label)
            if found is None:
                return None
            values, sizes = quantity.exact(row)
            found = np.asarray(found).reshape(len(values), row.n)
            assert found.dtype == dtype
            for i in range(len(values)):
                for j in range(row.n):
                    g = max(row.g[j], row.g[i] if len(values) > 1 else 0)
                    error = ulps(found[i, j], values[i][j], sizes[i][j])
                    worst = max(worst, error / (1 + g))
    return worst


def ulps(found: Any, exact: mpf, size: mpf) -> float:
    """Return how far a number is off, in the last places of numbers of a size.

    Where these are not normal numbers, it is in the last places of the smallest normal one.
    """
    if not np.isfinite(found):
        return float("inf")
    tiny = np.finfo(found.dtype).tiny
    spacing = np.spacing(max(found.dtype.type(float(abs(size))), tiny))
    return float(abs(mpf(float(found)) - exact) / mpf(float(spacing)))


# -- functions of one variable ---------------------------------------------------------------

VARIABLE: dict[str, tuple[Callable[[mpf], mpf], Callable[[mpf], mpf]]] = {
    "sigmoid": (
        lambda x: mpmath.sech(x / 2) ** 2 / 4,
        lambda x: -(mpmath.sech(x / 2) ** 2) * mpmath.tanh(x / 2) / 4,
    ),
    "tanh": (
        lambda x: mpmath.sech(x) ** 2,
        lambda x: -2 * mpmath.sech(x) ** 2 * mpmath.tanh(x),
    ),
    "expm1": (mpmath.exp, mpmath.exp),
}


def worst_of_variable(function: str, order: int, library: Library, dtype: Any) -> float:
    """Return the largest error of the first or second derivative, in ulp."""
    worst = 0.0
    one = np.ones(1, dtype)
    with mpmath.workdps(60):
        for x in (*VARIABLES, *(-x for x in VARIABLES)):
            z = np.array([x], dtype)
            found = library("hessian" if order == 2 else "vjp", function, z, one, 0)
            exact = VARIABLE[function][order - 1](mpf(float(z[0])))
            worst = max(worst, ulps(np.asarray(found).reshape(-1)[0], exact, exact))
    return worst


# -- libraries -------------------------------------------------------------------------------


def ours(kind: str, function: str, z: Any, u: Any, label: int) -> Any:
    import tinygrad_xent as tx

    x, hot = tx.Tensor(z), np.eye(len(z), dtype=z.dtype)[label]
    losses = {
        "sparse loss": lambda: tx.sparse_softmax_cross_entropy_with_logits(labels=label, logits=x),
        "dense loss": lambda: tx.softmax_cross_entropy_with_logits(labels=hot, logits=x),
        "looked-through sparse": lambda: tx.sparse_categorical_crossentropy(label, tx.softmax(x)),
        "looked-through dense": lambda: tx.categorical_crossentropy(hot, tx.softmax(x)),
    }
    y = losses[function]() if function in losses else getattr(tx, function)(x)
    seed = u if y.shape else np.ones((), z.dtype)
    if kind == "vjp":
        return tx.gradients(y, x, seed=seed)
    slope = tx.gradients(y, x, seed=seed, create_graph=True)
    return tx.gradients(slope, x, seed=u) if kind == "product" else tx.jacobian(slope, x)


def pytorch() -> Library:
    import torch
    from torch.nn import functional as F  # noqa: N812

    def library(kind: str, function: str, z: Any, u: Any, label: int) -> Any:
        x, seed = torch.tensor(z, requires_grad=True), torch.tensor(u)
        hot = torch.eye(len(z), dtype=x.dtype)[label]
        functions = {
            "softmax": lambda x: (x.softmax(-1) * seed).sum(),
            "log_softmax": lambda x: (x.log_softmax(-1) * seed).sum(),
            "logsumexp": lambda x: x.logsumexp(-1),
            "sparse loss": lambda x: F.cross_entropy(x, torch.tensor(label)),
            "dense loss": lambda x: F.cross_entropy(x, hot),
            "sigmoid": lambda x: x.sigmoid().sum(),
            "tanh": lambda x: x.tanh().sum(),
            "expm1": lambda x: x.expm1().sum(),
        }
        if function not in functions:
            return None
        f = functions[function]
        if kind == "hessian":
            return torch.autograd.functional.hessian(f, x).numpy()
        (slope,) = torch.autograd.grad(f(x), x, create_graph=True)
        if kind == "product":
            (slope,) = torch.autograd.grad(slope, x, seed)
        return slope.detach().numpy()

    return library


def jax() -> Library:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def library(kind: str, function: str, z: Any, u: Any, label: int) -> Any:
        def pick(x: Any) -> Any:
            return -jax.nn.log_softmax(x)[label]

        functions = {
            "softmax": lambda x: jnp.vdot(u, jax.nn.softmax(x)),
            "log_softmax": lambda x: jnp.vdot(u, jax.nn.log_softmax(x)),
            "logsumexp": jax.nn.logsumexp,
            "sparse loss": pick,
            "dense loss": lambda x: -jnp.vdot(jnp.eye(len(z))[label], jax.nn.log_softmax(x)),
            "sigmoid": lambda x: jax.nn.sigmoid(x).sum(),
            "tanh": lambda x: jnp.tanh(x).sum(),
            "expm1": lambda x: jnp.expm1(x).sum(),
        }
        if function not in functions:
            return None
        f = functions[function]
        if kind == "hessian":
            found = jax.hessian(f)(z)
        elif kind == "product":
            found = jax.vjp(jax.grad(f), z)[1](jnp.asarray(u))[0]
        else:
            found = jax.grad(f)(z)
        return np.asarray(found, z.dtype)

    return library


def lines() -> Iterator[str]:
    """Return the lines of the tables: the largest error of all upstream gradients, and losses."""
    libraries: dict[str, Library] = {"tinygrad_xent": ours}
    for name, build in (("PyTorch", pytorch), ("JAX", jax)):
        with contextlib.suppress(ImportError):
            libraries[name] = build()
    groups: dict[str, list[Quantity]] = {}
    for quantity in QUANTITIES:
        function = "losses" if quantity.function in LOSSES else quantity.function
        groups.setdefault(f"{KINDS[quantity.kind]}, {function}", []).append(quantity)
    for dtype in (np.float32, np.float64):
        columns = [f"{name}, {lead}" for name in libraries for lead in LEADS]
        yield f"\n| {dtype.__name__} | {' | '.join(columns)} |"
        yield f"|---|{'---|' * len(columns)}"
        for name, quantities in groups.items():
            errors = [
                max(
                    worst_of(quantity, library, lead, dtype, random=random) or 0
                    for quantity in quantities
                    for random in (False, quantity.upstream)
                )
                for library in libraries.values()
                for lead in LEADS
            ]
            yield f"| {name} | {' | '.join(map(brief, errors))} |"
        yield f"\n| {dtype.__name__} | {' | '.join(libraries)} |"
        yield f"|---|{'---|' * len(libraries)}"
        for function in VARIABLE:
            for order in (1, 2):
                errors = [
                    worst_of_variable(function, order, library, dtype)
                    for library in libraries.values()
                ]
                name = ("first", "second")[order - 1]
                yield f"| {name} derivative, {function} | {' | '.join(map(brief, errors))} |"


def brief(error: float) -> str:
    return f"{error:.1f}" if error < 1000 else f"{error:.0e}".replace("e+", "e")


if __name__ == "__main__":
    for line in lines():
        print(line)  # noqa: T201
