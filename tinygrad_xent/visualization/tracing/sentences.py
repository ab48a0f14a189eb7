"""The ops of the field, each in a sentence: what its rule does to one entry, with the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.ops import log_softmax, softmax
from tinygrad_xent.ops.reductions import reduced_count, spread
from tinygrad_xent.visualization.formatting import count, number, telling
from tinygrad_xent.visualization.tracing.reasons import (
    Look,
    Place,
    at,
    entrywise,
    plus,
    rowwise,
    times,
)

# -- entry by entry --------------------------------------------------------------------------


@entrywise("add", "astype", "look_through")
def _unchanged(look: Look) -> tuple[str, str]:
    return number(look.g), f"{look.sender}, passed on unchanged"


@entrywise("subtract")
def _difference(look: Look) -> tuple[str, str]:
    return _opposite(look) if look.event.position else _unchanged(look)


@entrywise("negative")
def _opposite(look: Look) -> tuple[str, str]:
    return number(-look.g), f"{look.sender}, with its sign turned"


@entrywise("multiply")
def _product(look: Look) -> tuple[str, str]:
    other = 1 - look.event.position
    words = f"{look.sender} times the other factor, {look.called(other)}"
    return times(look.g, look.x(other)), words


@entrywise("divide")
def _quotient(look: Look) -> tuple[str, str]:
    divisor = look.x(1)
    if look.event.position == 0:
        words = f"{look.sender} divided by {look.called(1)}"
        return f"{number(look.g)} / {_in_brackets(divisor)}", words
    words = f"minus {look.sender} times the quotient, divided by the divisor"
    return f"{times(-look.g, look.y)} / {_in_brackets(divisor)}", words


@entrywise("power")
def _power(look: Look) -> tuple[str, str]:
    if look.event.position:
        words = f"{look.sender} times the power, times the logarithm of the base"
        return times(look.g, look.y, f"ln {number(look.x(0))}"), words
    n, base = look.x(1), _in_brackets(look.own)
    if n == 2:
        return times(look.g, 2, look.own), f"{look.sender} times 2, times the base"
    words = f"{look.sender} times the exponent, times the base to one power less"
    return times(look.g, n, f"{base}^{_in_brackets(n - 1)}"), words


@entrywise("exp")
def _exp(look: Look) -> tuple[str, str]:
    return times(look.g, look.y), f"{look.sender} times the exponential itself"


@entrywise("log")
def _log(look: Look) -> tuple[str, str]:
    return (
        f"{number(look.g)} / {_in_brackets(look.own)}",
        f"{look.sender} divided by {look.called(0)}",
    )


@entrywise("tanh")
def _tanh(look: Look) -> tuple[str, str]:
    words = f"{look.sender} times the slope, with tanh = {number(look.y)}"
    return times(look.g, f"(1 - {_in_brackets(look.y)}²)"), words


@entrywise("sigmoid")
def _sigmoid(look: Look) -> tuple[str, str]:
    y = number(look.y)
    return times(look.g, y, f"(1 - {y})"), f"{look.sender} times the slope, with σ = {y}"


@entrywise("relu")
def _relu(look: Look) -> tuple[str, str]:
    if look.own > 0:
        return number(look.g), f"{look.sender}, and the unit is on ({number(look.own)})"
    return "0", f"the unit is off ({number(look.own)} is not above 0)"


@entrywise("maximum", "minimum")
def _winner(look: Look) -> tuple[str, str]:
    best = "larger" if look.event.op == "maximum" else "smaller"
    own, other = number(look.own), look.x(1 - look.event.position)
    if look.own == other:
        term, words = f"{number(look.g)} / 2", f"the two tie, and each gets half of {look.sender}"
    elif (look.own > other) == (best == "larger"):
        term, words = number(look.g), f"{look.sender}, for {own} is the {best} of the two"
    else:
        term, words = "0", f"{own} is not the {best} of the two"
    return term, f"{look.sender} where this is the {best}" if look.many else words


@entrywise("clip")
def _clip(look: Look) -> tuple[str, str]:
    x, low, high = look.x(0), look.x(1), look.x(2)
    low, high = (-np.inf if np.isnan(low) else low), (np.inf if np.isnan(high) else high)
    above = max(x, low) > high
    decided = (not above and x >= low, not above and x < low, above)
    term = number(look.g) if decided[look.event.position] else "0"
    if look.event.position or look.many:
        what = (
            "the entry is within the limits",
            "the lower limit decides",
            "the upper one decides",
        )
        return term, f"{look.sender} where {what[look.event.position]}"
    ends = f"{telling(low)} to {telling(high)}"
    if decided[0]:
        return term, f"{look.sender}, for {number(x)} is within {ends}"
    return term, f"{number(x)} is outside {ends}, so it was clipped"


@entrywise("where")
def _where(look: Look) -> tuple[str, str]:
    chosen = bool(look.x(0)) == (look.event.position == 1)
    term = number(look.g) if chosen else "0"
    if look.many:
        return term, f"{look.sender} where the condition chose this"
    if chosen:
        return term, f"{look.sender}, for the condition chose this entry"
    return term, "the condition chose the other entry"


# -- sums and their like ---------------------------------------------------------------------


def _reduced(look: Look) -> Place:
    """Find the entry of the output that an entry was reduced to."""
    out, x = look.event.tensor.data, look.event.to.data
    params = look.event.tensor.params
    ids = spread(np.arange(out.size).reshape(out.shape), x, params["axis"], params["keepdims"])
    place = int(np.broadcast_to(ids, x.shape)[look.place])
    return tuple(int(k) for k in np.unravel_index(place, out.shape))


@rowwise("sum")
def _sum(look: Look) -> tuple[str, str]:
    to = _reduced(look)
    words = f"the gradient of {at(look.event.name, to)}, which each of its terms gets"
    return number(look.event.incoming[to]), words


@rowwise("mean")
def _mean(look: Look) -> tuple[str, str]:
    to, n = _reduced(look), reduced_count(look.event.to.data, look.event.tensor.data)
    g = number(look.event.incoming[to])
    words = f"the gradient of {at(look.event.name, to)}, divided by the {n:,} entries averaged"
    return f"{g} / {n} = {number(look.sent)}", words


@rowwise("max", "min")
def _extreme(look: Look) -> tuple[str, str]:
    to = _reduced(look)
    best = "largest" if look.event.op == "max" else "smallest"
    value, winner = look.event.to.data[look.place], look.event.tensor.data[to]
    if value != winner:
        return "0", f"{number(value)} is not the {best}: that is {number(winner)}"
    grad = f"the gradient of {at(look.event.name, to)}"
    shared = look.sent != look.event.incoming[to]
    words = f"several tie for the {best} and share {grad}" if shared else f"{grad}, as the {best}"
    return number(look.sent), words


@rowwise("matmul")
def _matmul(look: Look) -> tuple[str, str]:
    """Tell of matrices; stacks of them are left to the rule."""
    x, y = look.arrays
    if x.ndim != 2 or y.ndim != 2:
        return "", ""
    g, (i, j) = look.event.incoming, look.place
    first = look.event.position == 0
    pairs = zip(g[i], y[j], strict=True) if first else zip(x[:, i], g[:, j], strict=True)
    terms = [times(a, b) for a, b in pairs] if g.size <= 16 else [""] * 9
    other = look.event.tensor.inputs[1 if first else 0]
    name = look.names.get(other, "the other matrix") if hasattr(other, "op") else "the other matrix"
    grad = f"the gradient of {look.event.name}"
    words = (
        f"row {i} of {grad} times row {j} of {name}, summed over {count(g.shape[1], 'column')}"
        if first
        else f"column {i} of {name} times column {j} of {grad}, summed over {count(len(g), 'row')}"
    )
    return plus(terms, look.sent), words


# -- softmax and cross-entropies -------------------------------------------------------------


@rowwise("softmax")
def _softmax(look: Look) -> tuple[str, str]:
    batch, k = look.classes()
    p = look.row(look.event.tensor.data, batch)
    g = look.row(look.event.incoming, batch)
    mean = number((p * g).sum())
    calculation = f"{times(p[k], f'({number(g[k])} - {_in_brackets((p * g).sum())})')}"
    words = (
        f"p = {number(p[k])} has the gradient {number(g[k])}, and {mean} is the mean of the "
        "gradients, weighted by p"
    )
    return f"{calculation} = {number(look.sent)}", words


@rowwise("log_softmax")
def _log_softmax(look: Look) -> tuple[str, str]:
    batch, k = look.classes()
    p = np.exp(look.row(look.event.tensor.data, batch)[k])
    g = look.row(look.event.incoming, batch)
    total = number(g.sum())
    calculation = f"{number(g[k])} - {times(f'({total})' if total[0] == '-' else total, p)}"
    words = (
        f"ln p has the gradient {number(g[k])}, p = {number(p)}, and the gradients sum to {total}"
    )
    return f"{calculation} = {number(look.sent)}", words


@rowwise("logsumexp")
def _logsumexp(look: Look) -> tuple[str, str]:
    to = _reduced(look)
    share = np.exp(look.event.to.data[look.place] - look.event.tensor.data[to])
    words = f"the gradient of {at(look.event.name, to)} times its share of the sum, {number(share)}"
    return f"{times(look.event.incoming[to], share)} = {number(look.sent)}", words


@rowwise("sparse_softmax_cross_entropy")
def _sparse(look: Look) -> tuple[str, str]:
    batch, k = look.classes()
    p = number(look.row(softmax(look.arrays[1], axis=look.event.tensor.params["axis"]), batch)[k])
    label = int(look.arrays[0][batch])
    if label == k:
        return _weighted(look, batch, f"{p} - 1"), f"p = {p}, and {k} is the label"
    return _weighted(look, batch, p), f"p = {p}, and the label is {label}, not {k}"


@rowwise("softmax_cross_entropy")
def _dense(look: Look) -> tuple[str, str]:
    batch, k = look.classes()
    axis = look.event.tensor.params["axis"]
    labels = look.row(look.arrays[0], batch)
    if look.event.position == 0:
        ln = number(look.row(log_softmax(look.arrays[1], axis=axis), batch)[k])
        calculation = times(-look.event.incoming[batch], ln)
        return f"{calculation} = {number(look.sent)}", f"ln p = {ln}, with its sign turned"
    p, t = number(look.row(softmax(look.arrays[1], axis=axis), batch)[k]), number(labels[k])
    total = number(labels.sum())
    first, more = p, ""
    if total not in ("1", "1.00"):
        first, more = times(p, total), f", and the labels sum to {total}"
    calculation = first if t == "0" else f"{first} - {_in_brackets(labels[k])}"
    return _weighted(look, batch, calculation), f"p = {p}, and its label is {t}{more}"


@rowwise("crossentropy")
def _crossentropy(look: Look) -> tuple[str, str]:
    batch, _ = look.classes()
    p, t = (np.broadcast_to(x, look.event.to.data.shape)[look.place] for x in look.arrays)
    g = look.event.incoming[batch]
    if look.event.position:
        calculation = times(-g, f"ln {number(p)}")
        return f"{calculation} = {number(look.sent)}", f"p = {number(p)}"
    if t == 0:
        return "0", "its label is 0"
    calculation = f"{times(-g, t)} / {number(p)} = {number(look.sent)}"
    return calculation, f"p = {number(p)}, and its label is {number(t)}"


def _weighted(look: Look, batch: Place, calculation: str) -> str:
    """Multiply by the gradient of the row's loss, unless that is 1; say what it comes to."""
    g = look.event.incoming[batch]
    if g != 1:
        bare = " " not in calculation
        calculation = times(g, calculation if bare else f"({calculation})")
    result = number(look.sent)
    return calculation if calculation == result else f"{calculation} = {result}"


def _in_brackets(x: Any) -> str:
    text = number(x)
    return f"({text})" if text.startswith("-") else text
