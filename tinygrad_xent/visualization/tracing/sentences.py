"""What one entry receives from an op's rule: a calculation, and what it means in words.

An op that works entry by entry has a case in `_term`, and its name in `_BY_ENTRY`; others have a
function of a `Contribution` under `@explains("op")`. An op without either is explained by the
formula of its rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_xent.graph import Node
from tinygrad_xent.ops import log_softmax, softmax
from tinygrad_xent.ops.broadcasting import spread
from tinygrad_xent.ops.reductions import reduced_count
from tinygrad_xent.visualization.formatting import count, telling
from tinygrad_xent.visualization.formatting import number as signed
from tinygrad_xent.visualization.naming import entry_name
from tinygrad_xent.visualization.tracing.events import Backward

Place = tuple[int, ...]
Explanation = tuple[str, str]  # a calculation, and what it means
Function = Callable[["Contribution"], Explanation]

_MOST_TERMS = 4
_FUNCTIONS: dict[str, Function] = {}
_BY_ENTRY = (
    *("add", "astype", "clip", "divide", "exp", "log", "look_through", "maximum", "minimum"),
    *("multiply", "negative", "power", "relu", "sigmoid", "subtract", "tanh", "where"),
)
_PICKS = ("getitem", "take", "take_along_axis")
_MOVES = (
    *("broadcast_to", "expand_dims", "flip", "reshape", "squeeze", "swapaxes", "transpose"),
    *("concatenate", "stack", *_PICKS),
)


def number(x: Any) -> str:
    """Write a number of a calculation; the sign of a zero does not matter there."""
    text = signed(x)
    return "0" if text == "-0" else text


def plus(terms: Sequence[str], most: int = _MOST_TERMS) -> str:
    """Write a sum; nothing if there are more than `most` terms."""
    return " + ".join(terms).replace("+ -", "- ") if len(terms) <= most else ""


def equation(calculation: str, result: Any) -> str:
    """Write a calculation and its result; only the result where there is nothing to calculate."""
    total = number(result)
    return total if calculation in ("", total) else f"{calculation} = {total}"


def times(*factors: Any) -> str:
    """Write a product; negative factors after the first in parentheses."""
    first, *others = (x if isinstance(x, str) else number(x) for x in factors)
    return " × ".join([first, *map(_in_brackets, others)])


def _in_brackets(x: Any) -> str:
    """Write a number, in parentheses if it is negative."""
    text = x if isinstance(x, str) else number(x)
    return f"({text})" if text.startswith("-") else text


@dataclass(frozen=True)
class Contribution:
    """What one entry of a tensor received in one contribution.

    Attributes
    ----------
    event : Backward
    names : mapping of Tensor to str
    place : tuple of int
        Which entry of the receiver.
    source : tuple of int
        Which entry of the sender it came from, if it is one.
    several : bool
        Whether there are several such entries; the words are then about all of them.
    """

    event: Backward
    names: Mapping[Node, str]
    place: Place
    source: Place = ()
    several: bool = False

    @property
    def sent(self) -> Any:
        """What this entry received."""
        return self.event.sent[self.place]

    @property
    def grad(self) -> Any:
        """The upstream gradient at the source."""
        return self.event.incoming[self.source]

    @property
    def out(self) -> Any:
        """The sender's value at the source."""
        return self.event.tensor.data[self.source]

    @cached_property
    def inputs(self) -> list[Any]:
        """The op's inputs as arrays."""
        return [
            x.data if isinstance(x, Node) else np.asarray(np.nan if x is None else x)
            for x in self.event.tensor.inputs
        ]

    def input(self, i: int) -> Any:
        """Return the value of input `i` at the source."""
        return np.broadcast_to(self.inputs[i], self.event.tensor.data.shape)[self.source]

    @property
    def value(self) -> Any:
        """The value of the receiver at the source."""
        return self.input(self.event.position)

    @property
    def upstream(self) -> str:
        """The upstream gradient in words."""
        name = self.event.name
        return f"the gradient of {name if self.several else entry_name(name, self.source)}"

    def named_input(self, i: int) -> str:
        """Name input `i`, with its value if there is a single one."""
        x = self.event.tensor.inputs[i]
        name = self.names[x] if isinstance(x, Node) else ""
        if self.several:
            return name or "a constant"
        value = number(self.input(i))
        return f"{name} = {value}" if name else value

    @property
    def axis(self) -> int:
        """The op's axis, counted from the first."""
        return int(self.event.tensor.params["axis"]) % len(self.place)

    @property
    def in_row(self) -> Contribution:
        """The same from the entry of the sender that this row of the op's axis became."""
        row = (*self.place[: self.axis], *self.place[self.axis + 1 :])
        return replace(self, source=row)

    def row_total(self, x: Any) -> Any:
        """Return the sum of an array along the op's axis, in the row of this entry."""
        row = (*self.place[: self.axis], slice(None), *self.place[self.axis + 1 :])
        return x[row].sum()


def explain(event: Backward, names: Mapping[Node, str], place: Place) -> Explanation:
    """Return the calculation of what an entry received, and what it means."""
    c = Contribution(event, names, place)
    calculation, words = _FUNCTIONS.get(event.op, _by_rule)(c)
    return equation(calculation, c.sent), words or _by_rule(c)[1]


def explains(*ops: str) -> Callable[[Function], Function]:
    """Register a function for ops; if it returns empty strings, the rule explains the entry."""
    return lambda function: (_FUNCTIONS.update(dict.fromkeys(ops, function)), function)[1]


def _by_rule(c: Contribution) -> Explanation:
    formula = f", {c.event.text}" if c.event.rule else ""
    return "", f"by the rule of {c.event.op}{formula}"


@explains(*_BY_ENTRY)
def _summed(c: Contribution) -> Explanation:
    """Add up the terms of an entry that broadcasting repeated."""
    sources = _sources(c)
    several = len(sources) > 1
    some = sources[: _MOST_TERMS + 1]
    terms = [_term(replace(c, source=source, several=several)) for source in some]
    words = terms[0][1] if terms else "there is nothing to sum"
    if several:
        event = c.event
        rows = event.incoming.ndim == 2 and event.incoming.shape[1:] == event.to.data.shape
        what = "rows" if rows else "entries that it was broadcast to"
        words += f", summed over the {len(sources)} {what}"
    return plus([term for term, _ in terms]), words


def _sources(c: Contribution) -> list[Place]:
    """Find the entries of the output that an entry of the receiver went to."""
    event = c.event
    op, out = event.tensor.op, event.tensor.data
    ids = np.arange(event.to.data.size).reshape(event.to.data.shape)
    if op is not None and event.op in _MOVES:
        others = event.op not in _PICKS
        inputs = [np.full(np.shape(x), -1) if others else x for x in c.inputs]
        inputs[event.position] = ids
        where = op.function(*inputs, **event.tensor.params)
    else:
        where = np.broadcast_to(ids, out.shape)
    found = np.argwhere(np.asarray(where) == ids[c.place])
    return [tuple(int(k) for k in place) for place in found]


@explains(*_MOVES)
def _moved(c: Contribution) -> Explanation:
    event, sources = c.event, _sources(c)
    calculation = plus([number(event.incoming[source]) for source in sources])
    where = " and ".join(entry_name(event.name, source) for source in sources[:_MOST_TERMS])
    times_used = len(sources)
    if event.op not in _PICKS:
        if times_used > _MOST_TERMS:
            words = f"the sum of the gradients of the {times_used} entries that repeat it"
            return calculation, words
        return calculation, f"the gradient of {where}, where this entry went"
    if not sources:
        return "0", f"{event.name} never picked it"
    if times_used == 1:
        return calculation, f"{event.name} picked it once, so the gradient of {where} comes here"
    return calculation, f"{event.name} picked it {times_used} times, and the gradients add up"


# -- entry by entry --------------------------------------------------------------------------


def _term(c: Contribution) -> Explanation:
    """Explain what came from the entry at `source`, of an op that works entry by entry."""
    grad = number(c.grad)
    match c.event.op, c.event.position:
        case ("add" | "astype" | "look_through", _) | ("subtract", 0):
            return grad, f"{c.upstream}, passed on unchanged"
        case "negative" | "subtract", _:
            return number(-c.grad), f"{c.upstream}, with the sign flipped"
        case "multiply", i:
            words = f"{c.upstream} times the other factor, {c.named_input(1 - i)}"
            return times(c.grad, c.input(1 - i)), words
        case "divide", 0:
            words = f"{c.upstream} divided by {c.named_input(1)}"
            return f"{grad} / {_in_brackets(c.input(1))}", words
        case "divide", _:
            words = f"minus {c.upstream} times the quotient, divided by the divisor"
            return f"{times(-c.grad, c.out)} / {_in_brackets(c.input(1))}", words
        case "power", 0 if c.input(1) == 2:
            return times(c.grad, 2, c.value), f"{c.upstream} times 2, times the base"
        case "power", 0:
            power = f"{_in_brackets(c.value)}^{_in_brackets(c.input(1) - 1)}"
            words = f"{c.upstream} times the exponent, times the base to one power less"
            return times(c.grad, c.input(1), power), words
        case "power", _:
            words = f"{c.upstream} times the power, times the logarithm of the base"
            return times(c.grad, c.out, f"ln {number(c.input(0))}"), words
        case "exp", _:
            return times(c.grad, c.out), f"{c.upstream} times the exponential itself"
        case "log", _:
            words = f"{c.upstream} divided by {c.named_input(0)}"
            return f"{grad} / {_in_brackets(c.value)}", words
        case "tanh", _:
            words = f"{c.upstream} times the slope, with tanh = {number(c.out)}"
            return times(c.grad, f"(1 - {_in_brackets(c.out)}²)"), words
        case "sigmoid", _:
            y = number(c.out)
            return times(c.grad, y, f"(1 - {y})"), f"{c.upstream} times the slope, with σ = {y}"
        case "relu", _ if c.value > 0:
            return grad, f"{c.upstream}, and the unit is on ({number(c.value)})"
        case "relu", _:
            return "0", f"the unit is off ({number(c.value)} is not above 0)"
        case "clip", _:
            return _clip(c)
        case "where", _:
            return _where(c)
    return _winner(c)


def _winner(c: Contribution) -> Explanation:
    best = "larger" if c.event.op == "maximum" else "smaller"
    value, other = number(c.value), c.input(1 - c.event.position)
    if c.value == other:
        term, words = f"{number(c.grad)} / 2", f"the two tie, and each gets half of {c.upstream}"
    elif (c.value > other) == (best == "larger"):
        term, words = number(c.grad), f"{c.upstream}, for {value} is the {best} of the two"
    else:
        term, words = "0", f"{value} is not the {best} of the two"
    return term, f"{c.upstream} where this is the {best}" if c.several else words


def _clip(c: Contribution) -> Explanation:
    x, low, high = c.input(0), c.input(1), c.input(2)
    low, high = (-np.inf if np.isnan(low) else low), (np.inf if np.isnan(high) else high)
    above = max(x, low) > high
    decided = (not above and x >= low, not above and x < low, above)
    term = number(c.grad) if decided[c.event.position] else "0"
    if c.event.position or c.several:
        what = (
            "the entry is within the limits",
            "the lower limit decides",
            "the upper one decides",
        )
        return term, f"{c.upstream} where {what[c.event.position]}"
    ends = f"{telling(low)} to {telling(high)}"
    if decided[0]:
        return term, f"{c.upstream}, for {number(x)} is within {ends}"
    return term, f"{number(x)} is outside {ends}, so it was clipped"


def _where(c: Contribution) -> Explanation:
    chosen = bool(c.input(0)) == (c.event.position == 1)
    term = number(c.grad) if chosen else "0"
    if c.several:
        return term, f"{c.upstream} where the condition chose this"
    if chosen:
        return term, f"{c.upstream}, for the condition chose this entry"
    return term, "the condition chose the other entry"


# -- reductions and products ---------------------------------------------------------------------


def _reduced(c: Contribution) -> Contribution:
    """Return the same from the entry of the output that an entry was reduced to."""
    out, x = c.event.tensor.data, c.event.to.data
    params = c.event.tensor.params
    ids = spread(np.arange(out.size).reshape(out.shape), params["axis"], params["keepdims"])
    number = int(np.broadcast_to(ids, x.shape)[c.place])
    return replace(c, source=tuple(int(k) for k in np.unravel_index(number, out.shape)))


@explains("sum")
def _sum(c: Contribution) -> Explanation:
    c = _reduced(c)
    return number(c.grad), f"{c.upstream}, which each of its terms gets"


@explains("mean")
def _mean(c: Contribution) -> Explanation:
    c, n = _reduced(c), reduced_count(c.event.to.data, c.event.tensor.data)
    return f"{number(c.grad)} / {n}", f"{c.upstream}, divided by the {n:,} entries averaged"


@explains("max", "min")
def _extreme(c: Contribution) -> Explanation:
    c = _reduced(c)
    best = "largest" if c.event.op == "max" else "smallest"
    value = c.event.to.data[c.place]
    if value != c.out:
        return "0", f"{number(value)} is not the {best}: that is {number(c.out)}"
    if c.sent != c.grad:
        return number(c.sent), f"several tie for the {best} and share {c.upstream}"
    return number(c.sent), f"{c.upstream}, as the {best}"


@explains("matmul")
def _matmul(c: Contribution) -> Explanation:
    """Explain the product of two matrices; stacks of them are left to the rule."""
    x, y = c.inputs
    if x.ndim != 2 or y.ndim != 2:
        return "", ""
    g, (i, j) = c.event.incoming, c.place
    first = c.event.position == 0
    pairs = zip(g[i], y[j], strict=True) if first else zip(x[:, i], g[:, j], strict=True)
    terms = [times(a, b) for a, b in pairs] if g.size <= 16 else [""] * 9
    other = c.event.tensor.inputs[1 if first else 0]
    name = c.names.get(other, "the other matrix") if hasattr(other, "op") else "the other matrix"
    grad = f"the gradient of {c.event.name}"
    words = (
        f"row {i} of {grad} times row {j} of {name}, summed over {count(g.shape[1], 'column')}"
        if first
        else f"column {i} of {name} times column {j} of {grad}, summed over {count(len(g), 'row')}"
    )
    return plus(terms), words


# -- softmax and cross-entropies -------------------------------------------------------------


def _is_plain(c: Contribution) -> bool:
    """Return whether an op runs along one axis, and without a mask."""
    return isinstance(c.event.tensor.params["axis"], int) and "where" not in c.event.tensor.params


@explains("softmax")
def _softmax(c: Contribution) -> Explanation:
    if not _is_plain(c):
        return "", ""
    c = replace(c, source=c.place)
    mean = c.row_total(c.event.tensor.data * c.event.incoming)
    p, g = number(c.out), number(c.grad)
    words = (
        f"p = {p} has the gradient {g}, and {number(mean)} is the mean of the gradients, weighted "
        "by p"
    )
    return times(c.out, f"({g} - {_in_brackets(mean)})"), words


@explains("log_softmax")
def _log_softmax(c: Contribution) -> Explanation:
    if not _is_plain(c):
        return "", ""
    c = replace(c, source=c.place)
    p, g, total = np.exp(c.out), number(c.grad), number(c.row_total(c.event.incoming))
    words = f"ln p has the gradient {g}, p = {number(p)}, and the gradients sum to {total}"
    return f"{g} - {times(_in_brackets(total), p)}", words


@explains("logsumexp")
def _logsumexp(c: Contribution) -> Explanation:
    if c.event.tensor.params.keys() & {"where", "b"}:
        return "", ""
    c = _reduced(c)
    share = np.exp(c.event.to.data[c.place] - c.out)
    return times(c.grad, share), f"{c.upstream} times its share of the sum, {number(share)}"


@explains("sparse_softmax_cross_entropy")
def _sparse(c: Contribution) -> Explanation:
    c, k = c.in_row, c.place[c.axis]
    p = number(softmax(c.inputs[1], axis=c.axis)[c.place])
    label = int(c.inputs[0][c.source])
    if label == k:
        return _weighted(c, f"{p} - 1"), f"p = {p}, and {k} is the label"
    return _weighted(c, p), f"p = {p}, and the label is {label}, not {k}"


@explains("softmax_cross_entropy")
def _dense(c: Contribution) -> Explanation:
    c = c.in_row
    labels, logits = c.inputs
    if c.event.position == 0:
        ln = number(log_softmax(logits, axis=c.axis)[c.place])
        return times(-c.grad, ln), f"ln p = {ln}, with the sign flipped"
    p, t = number(softmax(logits, axis=c.axis)[c.place]), number(labels[c.place])
    total = number(c.row_total(labels))
    first, more = p, ""
    if total not in ("1", "1.00"):
        first, more = times(p, total), f", and the labels sum to {total}"
    calculation = first if t == "0" else f"{first} - {_in_brackets(t)}"
    return _weighted(c, calculation), f"p = {p}, and its label is {t}{more}"


@explains("crossentropy")
def _crossentropy(c: Contribution) -> Explanation:
    c = c.in_row
    p, t = (np.broadcast_to(x, c.event.to.data.shape)[c.place] for x in c.inputs)
    if c.event.position:
        return times(-c.grad, f"ln {number(p)}"), f"p = {number(p)}"
    if t == 0 == c.sent:
        return "0", "its label is 0"
    words = f"p = {number(p)}, and its label is {number(t)}"
    return f"{times(-c.grad, t)} / {number(p)}", words


def _weighted(c: Contribution, calculation: str) -> str:
    """Multiply by the gradient of the row's loss, unless that is 1."""
    if c.grad == 1:
        return calculation
    return times(c.grad, f"({calculation})" if " " in calculation else calculation)
