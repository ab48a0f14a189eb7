"""What the museum keeps: a rule, the op it was written for, and what is known about it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tinygrad_xent.op import Op
from tinygrad_xent.samples import Sample, samples

Inputs = Callable[[np.random.Generator], Sample]


@dataclass(frozen=True, eq=False)
class Rule:
    """A backward rule on show.

    Attributes
    ----------
    name : str
        Of the function that is the rule.
    op : Op
        What it is a rule of.
    rule : callable
        `rule(grad, out, *inputs, **params)`.
    looks : str
        What one sees of it, in a sentence or two.
    inputs : callable, optional
        From a random generator to inputs and parameters; the op's own samples by default.
    """

    name: str
    op: Op
    rule: Callable[..., Any]
    looks: str
    inputs: Inputs | None = None

    @property
    def source(self) -> str:
        """The rule as a learner would write it: no decorator, docstring or annotation."""
        return bare_source(self.rule)

    def example(self, rng: np.random.Generator) -> Sample:
        """Draw inputs and parameters of one call."""
        if self.inputs:
            return self.inputs(rng)
        calls = list(samples(self.op, rng))
        return calls[rng.integers(len(calls))]


@dataclass(frozen=True, eq=False)
class WrongRule(Rule):
    """A wrong backward rule, and the diagnosis that it should get.

    Attributes
    ----------
    code : str
        The expected `Diagnosis.code`.
    also : tuple of str
        Codes that say the same of it just as well.
    order : int
        The derivative at which the mistake shows: 2 where only the rule of the rule is wrong.
    """

    code: str = "unknown"
    also: tuple[str, ...] = ()
    order: Literal[1, 2] = 1


def wrong(
    op: Op,
    code: str,
    inputs: Inputs | None = None,
    *,
    also: tuple[str, ...] = (),
    order: Literal[1, 2] = 1,
) -> Callable[[Callable[..., Any]], WrongRule]:
    """Put a rule into the museum (a decorator); its docstring says what it looks like."""
    return lambda rule: WrongRule(
        rule.__name__, op, rule, inspect.cleandoc(rule.__doc__ or ""), inputs, code, also, order
    )


def right(op: Op, inputs: Inputs | None = None) -> Callable[[Callable[..., Any]], Rule]:
    """Keep another right way to write a rule (a decorator); its docstring says why it is right."""
    return lambda rule: Rule(rule.__name__, op, rule, inspect.cleandoc(rule.__doc__ or ""), inputs)


def found_in(*modules: Mapping[str, Any]) -> tuple[Any, ...]:
    """Collect what modules put into the museum, in the order of their lines."""
    return tuple(value for names in modules for value in names.values() if isinstance(value, Rule))


def bare_source(function: Callable[..., Any]) -> str:
    """Give a function's text from its `def` on, without docstring and annotations."""
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    (node,) = ast.parse("\n".join(lines)).body
    assert isinstance(node, ast.FunctionDef)  # noqa: S101 - an op and a rule are written with def
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        del lines[first.lineno - 1 : first.end_lineno]
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    body = lines[node.body[0].lineno - 1 :] if ast.get_docstring(node) is None else None
    head = f"def {node.name}({ast.unparse(node.args)}):"
    if body is None:
        body = lines[first.lineno - 1 :]
    return "\n".join([head, *body]) + "\n"
