"""A small call of each op, as source: what its page shows is what this code makes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_xent import Op
from tinygrad_xent import domains as d
from tinygrad_xent.checking.samples import samples

CONSTANT = (d.labels, d.truth)


class Call(NamedTuple):
    names: tuple[str, ...]
    inputs: tuple[Any, ...]
    domains: tuple[d.Domain, ...]
    params: dict[str, Any]

    @property
    def differentiable(self) -> list[int]:
        return [i for i, domain in enumerate(self.domains) if domain not in d.WITHOUT_GRADIENT]


def is_entrywise(op: Op) -> bool:
    """Whether each entry of the output comes from one entry of each input."""
    return set(op.shapes) <= set("(),->")


def call_of(op: Op) -> Call:
    """Take the op's first example, with short numbers and without the axis of a batch."""
    inputs, params = next(samples(op, np.random.default_rng(123)))
    names = tuple(name.replace("[", "").replace("]", "") for name in op.names_of(len(inputs)))
    domains = op.domains * len(inputs) if op.variadic else op.domains
    if not any(letter.isdigit() for letter in op.shapes):
        inputs = tuple(x[0] if np.ndim(x) else x for x in inputs)
    tidy = tuple(_short(x, domain) for x, domain in zip(inputs, domains, strict=True))
    return Call(names, tidy, domains, dict(params))


def _short(x: Any, domain: d.Domain) -> Any:
    if domain in CONSTANT:
        return x
    x = np.round(x, 1) + 0.0  # no -0
    if domain is d.simplex:
        x[..., -1] = np.round(1 - x[..., :-1].sum(axis=-1), 1)
    return x


def source_of(op: Op, call: Call) -> list[str]:
    """Write the call as lines of Python that leave the output in a variable, drawn in the last."""
    lines = []
    for i, (name, x) in enumerate(zip(call.names, call.inputs, strict=True)):
        kind = "tx.Tensor" if i in call.differentiable else "np.array"
        lines.append(f"{name} = {kind}({np.asarray(x).tolist()})")
    inputs = ", ".join(call.names)
    shown = [f"{name}={_written(value)}" for name, value in call.params.items()]
    arguments = ", ".join([f"[{inputs}]" if op.variadic else inputs, *shown])
    code = op.rule.__code__ if op.rule else op.function.__code__
    y = code.co_varnames[1] if op.rule else "y"
    lines.append(f"{y} = tx.{op.name}({arguments})")
    shape = run([*lines, f"shape = {y}.shape"])["shape"]
    if shape and not is_entrywise(op):
        reshaped = f".reshape{shape}" if len(shape) > 1 else ""
        lines.append(f"weights = np.arange(1.0, {np.prod(shape) + 1}){reshaped}")
        lines.append(f"loss = tx.sum(weights * {y})")
        y = "loss"
    return [*lines, f"tx.draw({y}, names=locals())"]


def run(lines: list[str]) -> dict[str, Any]:
    """Run the lines; give their variables, the value of a last expression as "shown"."""
    names: dict[str, Any] = {}
    *first, last = lines
    if last.startswith("tx.draw"):
        last = f"shown = {last}"
    text = "\n".join(["import numpy as np", "import tinygrad_xent as tx", *first, last])
    exec(text, names)  # noqa: S102 - it was written above
    return names


def _written(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"np.array({value.tolist()})"
    return f"np.{value.__name__}" if isinstance(value, type) else repr(value)
