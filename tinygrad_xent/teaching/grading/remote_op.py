"""An op that a learner's file defines, checked from outside: function and rule run in the child."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_xent import domains
from tinygrad_xent.checking import Diagnosis, gradcheck
from tinygrad_xent.checking.samples import samples
from tinygrad_xent.errors import MessageError, TinygradXentError
from tinygrad_xent.op import Op
from tinygrad_xent.teaching.grading.messages import decode
from tinygrad_xent.teaching.grading.session import Session
from tinygrad_xent.visualization.naming import printable

_DOMAINS = {value.name: value for value in vars(domains).values() if hasattr(value, "draw")}
Call = tuple[tuple[Any, ...], Mapping[str, Any]]


def judge_op(session: Session, described: Mapping[str, Any], rng: np.random.Generator) -> Diagnosis:
    """Check the rule of an op, where its file called it and at random inputs.

    Returns
    -------
    Diagnosis
        Its code may also be "passed", "no-rule" or "no-inputs".
    """
    if described.get("rule") is None:
        return Diagnosis("no-rule", "It has no backward rule.", "")
    try:
        op = remote_op(session, described)
    except (TinygradXentError, KeyError, TypeError, ValueError) as error:
        why = printable(error)
        return Diagnosis("no-inputs", f"It cannot be called from another process: {why}.", "")
    problem = "its signature does not tell the values of its parameters"
    tried = False
    for candidates in _inputs(op, described, rng):
        for inputs, params in candidates:
            if not (problem := _unfit(op, inputs, params)):
                tried = True
                report = gradcheck(op, *inputs, rng=rng, **params)
                if report.diagnosis is not None:
                    return report.diagnosis
                break
            if session.ended:
                return Diagnosis("no-inputs", problem, "")
    if not tried:
        message = f"No inputs were found to check it with: {problem}. Call it once in the file."
        return Diagnosis("no-inputs", message, "")
    return Diagnosis("passed", "Its rule agrees with differences of its function.", "")


def _unfit(op: Op, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> str:
    """Return why an op cannot be checked at these inputs, or ""."""
    try:
        y = np.asarray(op(*inputs, **params), dtype=float)
    except Exception as error:  # noqa: BLE001 - anything may go wrong in there
        return f"it raised {type(error).__name__}: {printable(error)}"
    return "" if np.isfinite(y).all() else "it returns NaN or inf for random inputs"


def remote_op(session: Session, described: Mapping[str, Any]) -> Op:
    """Return an op whose function and rule run in the child."""
    name, inputs, variadic, required, optional, defaults, shapes = (
        decode(described[part])
        for part in ("name", "inputs", "variadic", "required", "optional", "defaults", "shapes")
    )
    names = [name, *inputs, *required, *defaults, *([variadic] if variadic else [])]
    if not all(isinstance(n, str) and n.isidentifier() and not keyword.iskeyword(n) for n in names):
        raise MessageError("a name in its signature is not an identifier")
    # An op reads its inputs from the function's signature, so that has to be the learner's.
    given = [f"*{variadic}"] if variadic else inputs
    keywords = [*required, *defaults]
    head = ", ".join([*given, *(["*"] if keywords and not variadic else []), *keywords])
    passed = ", ".join([*given, *(f"{name}={name}" for name in keywords)])
    space = {"_call": session.function(described["function"])}
    function: Callable[..., Any] = eval(f"lambda {head}: _call({passed})", space)  # noqa: S307
    function.__name__ = function.__qualname__ = name
    function.__defaults__ = tuple(optional.values()) or None
    function.__kwdefaults__ = defaults
    known = tuple(_DOMAINS.get(name, domains.real) for name in described["domains"])
    op = Op(
        function,
        shapes=shapes,
        domain=known if len(known) > 1 else known[0],
        examples=tuple(decode(described["examples"])),
    )
    op.backward(session.function(described["rule"]))
    return op


def _inputs(op: Op, described: Mapping[str, Any], rng: np.random.Generator) -> Iterator[list[Call]]:
    """Yield lists of calls; of each list, the first call that the op accepts is to be checked.

    What the file calls the op with shows best what it is made for: those numbers, and fresh ones of
    the same shapes. Without a call, its `shapes`, `domain` and `examples` tell; without those,
    small arrays of common shapes are tried.
    """
    for call in described["calls"]:
        inputs, params = decode(call)
        yield [(inputs, params)]
        yield [(tuple(_fresh(x, rng) for x in inputs), params)]
    if described["calls"] or (op.required and op.examples == ({},)):
        return
    count = len(op.inputs) or 2
    if op.shapes != ",".join(["()"] * len(op.inputs)) + "->()" or op.examples != ({},):
        for inputs, params in samples(op, rng):
            yield [(inputs, params)]
        return
    drawn = [d.draw for d in op.domains * (count if op.variadic else 1)]
    shapes: list[list[tuple[int, ...]]] = [[(2, 3)] * count, [(3,)] * count, [(3, 3)] * count]
    if count == 2:
        shapes.insert(1, [(2, 3), (3, 4)])
    yield [
        (tuple(draw(rng, shape) for draw, shape in zip(draws, form, strict=True)), {})
        for form in shapes
        for draws in (drawn, [domains.positive.draw] * count, [domains.simplex.draw] * count)
    ]


def _fresh(value: Any, rng: np.random.Generator) -> Any:
    """Return random numbers of the same dtype and shape, and about the same range."""
    array = np.asarray(value)
    if array.dtype.kind != "f" or array.size == 0:
        return value
    low, high = float(array.min()), float(array.max())
    noise = rng.uniform(0.0, 1.0, array.shape) * ((high - low) or 0.1 * (abs(high) or 1.0)) + low
    return noise.astype(array.dtype)
