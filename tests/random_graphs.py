"""Random graphs of every op, operator, method and loss, and everything that can be shown of them.

`random_graph(seed)` makes one, `look_at` has it drawn, traced, explained, played, searched, checked
and put on a sheet, and returns what went wrong. The long form is a program:

    python tests/random_graphs.py [how many] [first seed]
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

import tinygrad_xent as tx
from tinygrad_xent import domains
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.ops import OPS
from tinygrad_xent.visualization.tracing import Backward, Trace

SHAPES = ((), (1,), (3,), (2, 3), (1, 3), (4, 2, 3))
NAMES = ("h", "w", "b", "loss", "x", "∂x", "a<b", "two words")


class Maker:
    """Makes one graph: `pool` holds what later steps can use, again and again."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.pool: list[Any] = [self.leaf(shape) for shape in self.some(SHAPES, 3)]
        self.first = self.op(sorted(OPS)[seed % len(OPS)])  # no op is left out for long
        self.keep(self.first)
        for _ in range(self.rng.integers(1, 7)):
            step = self.one(
                [self.op, self.op, self.operator, self.operator, self.method, self.loss]
            )
            block = tx.scope(self.one(["layer", "net"])) if self.chance(0.2) else nullcontext()
            with block:
                self.keep(step())

    # -- choosing ----------------------------------------------------------------------------

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def one(self, things: Any) -> Any:
        return things[self.rng.integers(len(things))]

    def some(self, things: Any, count: int) -> list[Any]:
        return [self.one(things) for _ in range(count)]

    def leaf(self, shape: tuple[int, ...], values: Any = None) -> Any:
        data = values
        if data is None and self.chance(0.2):  # kinks and ties
            data = self.rng.integers(-2, 3, size=shape).astype(float)
        elif data is None:
            data = self.rng.normal(size=shape).round(2)
        if data.dtype.kind == "f" and self.chance(0.25):
            data = data.astype(np.float32)
        return tx.Tensor(data, name=self.one(NAMES) if self.chance(0.4) else None)

    def keep(self, made: Any) -> None:
        """Keep numbers of a size that differences can be taken at."""
        if isinstance(made, tx.Tensor) and made.dtype.kind == "f" and made.size <= 100:
            if not np.isfinite(made.data).all():
                return
            if np.abs(made.data).max(initial=0) > 20:
                made = tx.ops.tanh(made * 0.01)
            if self.chance(0.1):
                made.name = self.one(NAMES)
            self.pool.append(made)

    def of_shape(self, shape: tuple[int, ...]) -> Any:
        """Return a tensor of a shape: one that is there if there is one, else a new leaf."""
        there = [x for x in self.pool if x.shape == shape]
        return self.one(there) if there and self.chance(0.8) else self.leaf(shape)

    def fitting(self, shape: tuple[int, ...]) -> Any:
        """Return a tensor that broadcasts with a shape."""
        there = [x for x in self.pool if _broadcasts(x.shape, shape)]
        return self.one(there) if there else self.leaf(())

    # -- steps -------------------------------------------------------------------------------

    def op(self, name: str = "") -> Any:
        """Call an op of the table, by default any, as its own definition says."""
        op = OPS[name or self.one(sorted(OPS))]
        inputs, params = self.one(list(samples(op, self.rng)))
        kinds = op.domains * len(inputs) if op.variadic else op.domains
        given = [self.into(kind, x) for kind, x in zip(kinds, inputs, strict=True)]
        if not any(isinstance(x, tx.Tensor) for x in given):
            given = [tx.Tensor(x) if np.asarray(x).dtype.kind == "f" else x for x in inputs]
        return op.on(given, params)

    def into(self, kind: domains.Domain, x: Any) -> Any:
        """Return a constant, a leaf or a tensor that is there, brought into a domain."""
        if x is None or np.asarray(x).dtype.kind != "f" or self.chance(0.2):
            return x
        if self.chance(0.3):
            return self.leaf(x.shape, x) if isinstance(x, np.ndarray) else x
        there = self.of_shape(np.shape(x))
        if kind is domains.real or kind is domains.distinct:
            return there
        if kind is domains.simplex:
            return tx.ops.softmax(there) if there.ndim else x
        if kind in (domains.inside_one, domains.first_branch):
            return tx.ops.tanh(there) * 0.8
        if kind in (domains.between_steps, domains.divisor):
            return self.leaf(np.shape(x), x)
        return tx.ops.exp(there * 0.3) + (1.2 if kind is domains.above_one else 0)

    def operator(self) -> Any:
        x = self.one(self.pool)
        y = self.one([x, self.fitting(x.shape), 2.0, -0.5, 3, np.float32(0.5), self.constant(x)])
        match self.one("+-*/^@rtn"):
            case "+":
                return x + y
            case "-":
                return y - x
            case "*":
                return y * x
            case "/":
                return x / (tx.ops.exp(y * 0.1) if isinstance(y, tx.Tensor) else 2.0)
            case "^":
                return self.one([x**2, x**3, tx.ops.exp(x * 0.2) ** y, 2.0**x])
            case "@" if x.ndim:
                shape = (x.shape[-1],) if self.chance(0.5) else (x.shape[-1], 2)
                return x @ self.of_shape(shape)
            case "r":
                return x + x * x
            case "t":
                return tx.ops.tanh(x) * x
        return -abs(x)

    def constant(self, x: Any) -> Any:
        return self.rng.normal(size=x.shape[self.rng.integers(x.ndim + 1) :]).round(1)

    def method(self) -> Any:
        x = self.one(self.pool)
        axes = [None, *range(-x.ndim, x.ndim), *itertools.combinations(range(x.ndim), 2)]
        axis, keepdims = self.one(axes), self.chance(0.4)
        way = self.one(
            ["sum", "mean", "var", "max", "min", "prod", "index", "clip", "move", "cast"]
        )
        if way == "index" and x.ndim:
            index = [0, -1, slice(None, None, 2), [0, 0], ..., None, (..., 0), x.data > 0]
            return x[self.one(index)]
        if way == "clip":
            return x.clip(-0.51, self.one([None, 0.77, self.leaf(())]))
        if way == "cast":
            return x.astype(self.one([np.float32, np.float64]))
        if way in ("index", "move"):
            return self.one([x.reshape(-1), x.T, x.squeeze(), x.cumsum(), x.reshape((1, *x.shape))])
        return getattr(x, way)(axis=axis, keepdims=keepdims)

    def loss(self) -> Any:
        z = self.one([x for x in self.pool if x.ndim and x.shape[-1] > 1] or [self.leaf((2, 3))])
        rows, classes = z.shape[:-1], z.shape[-1]
        labels = self.rng.integers(classes, size=rows)
        dense = domains.simplex.draw(self.rng, z.shape)
        match self.rng.integers(6):
            case 0:
                return tx.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=z)
            case 1:
                return tx.softmax_cross_entropy_with_logits(labels=dense, logits=z, name="loss")
            case 2:
                target = self.leaf(z.shape, dense)
                return tx.softmax_cross_entropy_with_logits_v2(labels=target, logits=z)
            case 3:
                return tx.sparse_categorical_crossentropy(labels, tx.ops.softmax(z))
            case 4:
                p = tx.ops.softmax(z)
                self.pool.append(p)  # the loss looks through it, and later steps may use it
                return tx.categorical_crossentropy(dense, p)
        return tx.categorical_crossentropy(dense, tx.ops.exp(z * 0.1))

    # -- the end -----------------------------------------------------------------------------

    def total(self) -> Any:
        """Return a scalar that several of the last tensors go into."""
        ends = [self.pool[-1], *self.some(self.pool, 2)]
        total = ends[0].mean() if self.chance(0.3) else ends[0].sum()
        if np.isfinite(self.first.data).all() and self.first.dtype.kind == "f":
            total = total + self.first.sum()
        for x in ends[1 : self.rng.integers(1, 4)]:
            total = total + (x * x).sum() * 0.1
        return total


def _broadcasts(x: tuple[int, ...], y: tuple[int, ...]) -> bool:
    return all(1 in (a, b) or a == b for a, b in zip(x[::-1], y[::-1], strict=False))


def random_graph(seed: int) -> Any:
    """Return the scalar at the end of a random graph; the same for the same seed."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # labels in float32, a softmax of a softmax
        return Maker(seed).total()


# -- looking -------------------------------------------------------------------------------------


def look_at(output: Any, checked: bool = True) -> Iterator[tuple[str, str]]:
    """Show a graph in every way; yield what was tried and what is wrong with the answer."""
    inputs = [node for node in tx.ancestors(output) if node.dtype.kind == "f"]
    views: dict[str, Callable[[], Any]] = {
        "draw": lambda: _picture(tx.draw(output)),
        "draw several": lambda: _picture(tx.draw(output, *inputs[:2], fold=True, rules=True)),
        "draw the backward pass": lambda: _picture(tx.draw(output, backward=True)),
        "trace": lambda: _trace(tx.trace(output)),
        "why": lambda: [_said(tx.why(x, output)) for x in inputs],
        "play": lambda: tx.play(output).html,
        "first_bad": lambda: _bad(tx.first_bad(output), output),
        "worksheet": lambda: _worksheet(output),
    }
    if checked:
        views["gradcheck"] = lambda: _right(tx.gradcheck(output))
    for name, view in views.items():
        try:
            _quietly(view)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is to be told
            where = traceback.extract_tb(error.__traceback__)[-1]
            yield name, f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"


def _picture(picture: Any) -> None:
    assert picture.svg
    assert picture.alt
    assert str(picture)
    assert picture.to_dot().source
    model = picture._model
    small = [arrow.short_contribution for arrow in model.arrows if model.with_contributions]
    written = len(re.findall(">[↑←] ", picture.svg)) - any(small)  # the legend has one
    assert written == sum(map(bool, small)), f"{written} labels of {sum(map(bool, small))}"


def _trace(trace: Trace) -> None:
    assert str(trace)
    assert trace._repr_html_()
    assert json.dumps(trace.to_dict(), allow_nan=False)
    for event in trace.backward:
        wide = np.size(event.incoming if event.unsummed is None else event.unsummed)
        told = "Σ" in event.text or "summed over" in event.text or not event.text
        assert told or event.unsummed is None, f"{event.text} does not say that {wide} are summed"
        if event.unsummed is not None:
            summed = tx.ops.sum_to(event.unsummed, shape=event.sent.shape)
            np.testing.assert_array_equal(summed.astype(event.sent.dtype), event.sent)
    found = dict(tx.backpropagate(trace.output))
    for node, grad in found.items():
        sent = [e.sent for e in trace if isinstance(e, Backward) and e.to is node]
        np.testing.assert_array_equal(trace.gradient(node), grad)
        if sent:
            total = sum(sent[1:], start=sent[0])
            np.testing.assert_array_equal(total, grad, trace.names[node])


def _said(answer: Any) -> None:
    assert all(answer.sentences)


def _bad(found: Any, output: Any) -> None:
    """Check that a bad number is found where there is one, and nowhere else."""
    arrays = [node.data for node in tx.ancestors(output)]
    arrays += [grad for _, grad in tx.backpropagate(output)]
    assert (found is None) == all(np.isfinite(x).all() for x in arrays), str(found)


def _worksheet(output: Any) -> None:
    try:
        assert tx.worksheet(output).html
    except tx.errors.GraphTooLargeError as error:  # as documented: larger than a sheet
        assert "too many to fill in" in str(error) or "too large to fill in" in str(error), error  # noqa: PT017


def _right(check: Any) -> None:
    assert check.ok, str(check)


@contextmanager
def no_comparing() -> Iterator[None]:
    """Refuse `x == y` of Tensors to the package, its ops excepted: it means their numbers."""
    old = tx.Tensor.__eq__

    def compared(self: Any, other: object) -> Any:
        caller = sys._getframe(1).f_globals["__name__"]
        ours = caller.startswith("tinygrad_xent") and not caller.startswith("tinygrad_xent.ops")
        assert not ours, f"{caller} compares Tensors by their numbers"
        return old(self, other)

    tx.Tensor.__eq__ = compared  # type: ignore[method-assign]
    try:
        yield
    finally:
        tx.Tensor.__eq__ = old  # type: ignore[method-assign]


def _quietly(view: Callable[[], Any]) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        view()


def main(count: int = 2000, first: int = 0) -> int:
    """Look at many graphs, and print what is wrong with which."""
    faults = 0
    with no_comparing():
        for seed in range(first, first + count):
            try:
                output = random_graph(seed)
            except Exception as error:  # noqa: BLE001
                traceback.print_exc()
                print(f"{seed}: cannot be made: {type(error).__name__}: {error}", flush=True)  # noqa: T201
                faults += 1
                continue
            for view, fault in look_at(output):
                faults += 1
                print(f"{seed}: {view}: {fault}", flush=True)  # noqa: T201
    print(f"{count} graphs, {faults} faults")  # noqa: T201
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
