"""Random checks: of right rules, none of which may be blamed, and of wrong ones, all to be found.

Every op, at random shapes, precisions and scales from 1e-12 to 1e12, to first and second order,
in full and fast. A wrong rule is the right one with a random mutation. What a check says of it is
read by `sentences.py` and held against the numbers.

    PYTHONPATH=tests python tests/campaigns.py right 20000
    PYTHONPATH=tests python tests/campaigns.py wrong 20000 --from 40000

prints what went wrong, with the number of the check, and how many there were.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from typing import Any

import numpy as np
from sentences import untrue

import tinygrad_xent as tx
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.checking.subjects import fitted, is_real, precise
from tinygrad_xent.domains import WITHOUT_GRADIENT
from tinygrad_xent.op import Op
from tinygrad_xent.ops import OPS

DTYPES = (np.float64, np.float64, np.float32, np.float16)
SEEN = {np.float64: 1e-4, np.float32: 1e-3, np.float16: 0.03}  # a mutation changes at least so much
FEWEST = {
    np.float64: 1e-30,
    np.float32: 1e-30,
    np.float16: 1e-3,
}  # a gradient of this size is lost
_FELT = {np.float64: 1e-13, np.float32: 1e-5, np.float16: 1e-2}  # of the output
# Domains that hold every multiple of their numbers.
SCALED = {"real", "positive", "nonzero", "distinct", "held constant", "class labels"}

Gradients = list[Any]
Mutation = Callable[[np.random.Generator, Gradients, Any, Any, tuple[Any, ...]], Gradients]


@dataclass(frozen=True)
class Call:
    """A valid call of an op."""

    op: Op
    inputs: tuple[Any, ...]
    params: dict[str, Any]
    dtype: Any
    scale: float

    def __str__(self) -> str:
        shapes = ", ".join(str(np.shape(x)) for x in self.inputs)
        return f"{self.op.name}({shapes}, {self.params}) {self.dtype.__name__} x {self.scale:.0e}"


@cache
def _examples(name: str) -> int:
    return sum(1 for _ in samples(OPS[name], np.random.default_rng(0)))


def call_of(rng: np.random.Generator) -> Call:
    """Return a random call of a random op."""
    op = OPS[str(rng.choice(sorted(OPS)))]
    number = int(rng.integers(_examples(op.name)))
    inputs, params = next(islice(samples(op, rng), number, None))
    dtype = DTYPES[rng.integers(len(DTYPES))]
    scale = 1.0 if rng.random() < 0.5 else float(10.0 ** rng.integers(-12, 13))
    domains = {domain.name for domain in op.domains}
    if not domains <= SCALED and (scale > 1 or domains != {"above -1"}):
        scale = 1.0
    if dtype is np.float16:
        scale = float(np.clip(scale, 1e-2, 1e2))
    held = [d in WITHOUT_GRADIENT for d in op.domains] * (len(inputs) if op.variadic else 1)
    scaled = (
        np.asarray(x * (1 if h else scale), dtype) if np.asarray(x).dtype.kind == "f" else x
        for x, h in zip(inputs, held, strict=True)
    )
    return Call(op, tuple(scaled), dict(params), dtype, scale)


def gradients_of(op: Op, grad: Any, y: Any, inputs: tuple[Any, ...], params: Any) -> Gradients:
    """Return what the rule of an op returns, computed."""
    results = op.rule(grad, y, *inputs, **{**op.defaults, **params})
    results = results if isinstance(results, tuple) else (results,)
    return [r() if callable(r) else r for r in results]


# -- right rules ------------------------------------------------------------------------------


def right(seed: int) -> Iterator[str]:
    """Check an op's own rule; yield what is wrong with the verdict."""
    rng = np.random.default_rng(seed)
    call = call_of(rng)
    options = {"mode": "fast"} if rng.random() < 0.2 else {}
    if rng.random() < 0.25 and call.dtype is not np.float16:
        options["order"] = 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = tx.gradcheck(call.op, *call.inputs, rng=rng, **options, **call.params)
    if not report.ok:
        yield f"{call} {options}: blamed\n{report}"


# -- wrong rules ------------------------------------------------------------------------------


def _chosen(rng: np.random.Generator, grads: Gradients) -> int:
    return int(rng.choice([i for i, g in enumerate(grads) if g is not None]))


def _with(grads: Gradients, i: int, gradient: Any) -> Gradients:
    return [gradient if k == i else g for k, g in enumerate(grads)]


def _changed(
    change: Callable[[np.random.Generator, Any, Any, Any, Any], Any],
    rng: np.random.Generator,
    grads: Gradients,
    grad: Any,
    y: Any,
    inputs: tuple[Any, ...],
) -> Gradients:
    """Change the gradient of one input."""
    i = _chosen(rng, grads)
    return _with(grads, i, change(rng, grads[i], grad, y, inputs[i]))


def _factor(rng: np.random.Generator, g: Any, grad: Any, y: Any, x: Any) -> Any:
    return g * g.dtype.type(
        rng.choice([2, 0.5, 3, 1.1, 0.9, 1.3, 1 / 3, np.log(2), x.size, 100, 1.003])
    )


def _one_entry(rng: np.random.Generator, g: Any, grad: Any, y: Any, x: Any) -> Any:
    g = np.array(g)
    g.flat[rng.integers(g.size)] *= rng.choice([0, -1, 2, np.nan])
    return g


def _row(rng: np.random.Generator, g: Any, grad: Any, y: Any, x: Any) -> Any:
    g = np.array(np.broadcast_to(g, x.shape))
    if g.ndim:
        rows = np.moveaxis(g, rng.integers(g.ndim), 0)
        rows[rng.integers(len(rows))] *= rng.choice([0, -1, 2])
    return g


def _side(rng: np.random.Generator, g: Any, grad: Any, y: Any, x: Any) -> Any:
    a, b = rng.choice([0, 1, 1, -1, 2, 0.1], 2)
    return np.where(x > 0, a * g, b * g).astype(x.dtype)


def _added(rng: np.random.Generator, g: Any, grad: Any, y: Any, x: Any) -> Any:
    return g + g.dtype.type(rng.choice([1, 0.1, 10])) * np.abs(g).max(initial=0)


def _rolled(rng: np.random.Generator, g: Any, grad: Any, y: Any, x: Any) -> Any:
    return np.roll(g, 1, rng.integers(np.ndim(g))) if np.ndim(g) else g


def _averaged(rng: np.random.Generator, g: Any, grad: Any, y: Any, x: Any) -> Any:
    g = np.broadcast_to(g, x.shape) if np.ndim(g) <= x.ndim else g
    return g - np.mean(g, axis=rng.integers(g.ndim), keepdims=True) if g.ndim else g


CHANGES = {
    "a factor": _factor,
    "the sign": lambda rng, g, grad, y, x: -g,
    "zeros": lambda rng, g, grad, y, x: np.zeros_like(g),
    "one entry": _one_entry,
    "a row": _row,
    "a side": _side,
    "a constant": _added,
    "a place further": _rolled,
    "less its mean": _averaged,
    "times itself": lambda rng, g, grad, y, x: g * np.abs(g),
    "times the input": lambda rng, g, grad, y, x: g * x if np.shape(g) == x.shape else g,
    "transposed": lambda rng, g, grad, y, x: np.swapaxes(g, -1, -2) if np.ndim(g) > 1 else g,
    "turned round": lambda rng, g, grad, y, x: np.flip(g),
    "whole numbers": lambda rng, g, grad, y, x: np.asarray(g).astype(int),
    "flat": lambda rng, g, grad, y, x: np.ravel(g),
    "None": lambda rng, g, grad, y, x: None,
}  # fmt: skip


def _exchanged(rng: Any, grads: Gradients, grad: Any, y: Any, inputs: Any) -> Gradients:
    return grads[::-1]


def _with_ones(op: Op, params: Any) -> Mutation:
    def ignores(rng: Any, grads: Gradients, grad: Any, y: Any, inputs: Any) -> Gradients:
        return gradients_of(op, np.ones_like(grad), y, inputs, params)

    return ignores


def wrong_op(call: Call, name: str, seed: int) -> Op:
    """Return the op with a rule that is mutated, the same way at every call."""
    mutations = {what: partial(_changed, change) for what, change in CHANGES.items()}
    mutations |= {"exchanged": _exchanged, "ignores grad": _with_ones(call.op, call.params)}

    def rule(grad: Any, y: Any, *inputs: Any, **params: Any) -> tuple[Any, ...]:
        grads = gradients_of(call.op, grad, y, inputs, params)
        return tuple(mutations[name](np.random.default_rng(seed), grads, grad, y, inputs))

    new = Op(call.op.function, shapes=call.op.shapes, domain=call.op.domains)
    new.backward(rule)
    return new


NAMES = (*CHANGES, "exchanged", "ignores grad")


def both_gradients(call: Call, op: Op, grad: Any, inputs: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """Return for each input the gradient of a wrong rule, and the right one in double precision."""
    exact = tuple(map(precise, inputs))
    y, wanted_y = (np.asarray(op.function(*given, **call.params)) for given in (inputs, exact))
    found = gradients_of(op, np.asarray(grad, y.dtype), y, inputs, call.params)
    wanted = gradients_of(call.op, np.asarray(grad, float), wanted_y, exact, call.params)
    return [
        (fitted(one, np.shape(x)), fitted(other, np.shape(x)))
        if is_real(np.asarray(x))
        else (None, None)
        for x, one, other in zip(inputs, found, wanted, strict=True)
    ]


def is_wrong(call: Call, op: Op) -> bool:
    """Whether the mutation changes a gradient so much that every precision shows it."""
    y = np.asarray(call.op.function(*call.inputs, **call.params))
    for seed in range(2):
        grad = np.random.default_rng(seed).normal(size=y.shape)
        worst = 0.0
        pairs = both_gradients(call, op, grad, call.inputs)
        for x, (found, wanted) in zip(call.inputs, pairs, strict=True):
            if wanted is None or not wanted.size:
                continue
            size = np.abs(wanted).max()
            if not FEWEST[call.dtype] < size < 1 / FEWEST[call.dtype]:
                return False  # nothing about it is certain
            if size * np.abs(x).max() < _FELT[call.dtype] * np.abs(y).max():
                return False  # no move of the input can be seen in the output
            if found is None or not np.isfinite(found).all():
                worst = np.inf
                continue
            worst = max(worst, np.abs(found - wanted).max() / size)
        if worst < SEEN[call.dtype]:
            return False
    return True


def mutated(seed: int) -> tuple[Call, str, Op] | None:
    """Return a random wrong rule, or None where the mutation changes nothing that counts."""
    rng = np.random.default_rng(seed)
    call, name = call_of(rng), NAMES[rng.integers(len(NAMES))]
    op = wrong_op(call, name, seed)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return (call, name, op) if is_wrong(call, op) else None
        except (ValueError, IndexError, TypeError):  # as of a factor for an empty array
            return None


def wrong(seed: int, kinds: Counter[str] | None = None) -> Iterator[str]:
    """Check a mutated rule; yield what is wrong with the verdict, or untrue in its words."""
    made = mutated(seed)
    if made is None:
        return
    call, name, op = made
    options = {"mode": "fast"} if seed % 5 == 0 else {}
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = tx.gradcheck(op, *call.inputs, rng=rng, **options, **call.params)
    if kinds is not None:
        kinds[report.diagnosis.code if report.diagnosis else "passed"] += 1
    where = f"{call}, {name} {options}"
    if report.ok and not report.unclear:
        yield f"{where}: passed\n{report}"
    for sentence in untrue(report, partial(gradients_here, call, op)) if not report.ok else ():
        yield f"{where}: not true: {sentence}\n{report}"


def gradients_here(call: Call, op: Op, grad: Any, inputs: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """Return what `both_gradients` does, without its warnings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return both_gradients(call, op, grad, inputs)


def main() -> None:
    """Run a campaign."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("which", choices=["right", "wrong"])
    parser.add_argument("count", type=int)
    parser.add_argument("--from", dest="first", type=int, default=0)
    given = parser.parse_args()
    kinds: Counter[str] = Counter()
    bad = done = 0
    with suppress(KeyboardInterrupt):  # then it tells how far it came
        for seed in range(given.first, given.first + given.count):
            found = list(right(seed) if given.which == "right" else wrong(seed, kinds))
            done += 1
            bad += bool(found)
            for text in found:
                print(f"-- {seed}: {text}", flush=True)  # noqa: T201 - this is a script, too
    if given.which == "wrong":
        told = dict(kinds.most_common())
        print(f"{kinds.total()} mutations change something: {told}")  # noqa: T201
    print(f"{done} checks, {bad} bad")  # noqa: T201


if __name__ == "__main__":
    main()
