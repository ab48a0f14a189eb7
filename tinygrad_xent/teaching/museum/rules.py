"""A rule of the museum, with its op, its description and the expected diagnosis."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tinygrad_xent.checking.samples import Sample, samples
from tinygrad_xent.op import Op

Inputs = Callable[[np.random.Generator], Sample]


@dataclass(frozen=True, eq=False)
class Rule:
    """A backward rule of the museum.

    Attributes
    ----------
    name : str
        The name of the rule's function.
    op : Op
        The op that the rule belongs to.
    rule : callable
        `rule(grad, out, *inputs, **params)`.
    description : str
        The symptoms of a wrong rule, or the idea of a right one.
    inputs : callable, optional
        Draws inputs and parameters with a random generator; by default the op's own samples.
    """

    name: str
    op: Op
    rule: Callable[..., Any]
    description: str
    inputs: Inputs | None = None

    @property
    def source(self) -> str:
        """The code of the rule without decorator, docstring and annotations."""
        return bare_source(self.rule)

    def example(self, rng: np.random.Generator) -> Sample:
        """Return inputs and parameters of one call."""
        if self.inputs:
            return self.inputs(rng)
        calls = list(samples(self.op, rng))
        return calls[rng.integers(len(calls))]


@dataclass(frozen=True, eq=False)
class WrongRule(Rule):
    """A wrong backward rule, and its expected diagnosis.

    Attributes
    ----------
    code : str
        The expected `Diagnosis.code`.
    also : tuple of str
        Other codes that describe the mistake as well.
    order : int
        The derivative that shows the mistake: 2 if only second derivatives are wrong.
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
    """Add a wrong rule to the museum, as a decorator; its docstring is its description."""
    return lambda rule: WrongRule(
        rule.__name__, op, rule, inspect.cleandoc(rule.__doc__ or ""), inputs, code, also, order
    )


def right(op: Op, inputs: Inputs | None = None) -> Callable[[Callable[..., Any]], Rule]:
    """Add a right rule to the museum, as a decorator; its docstring is its description."""
    return lambda rule: Rule(rule.__name__, op, rule, inspect.cleandoc(rule.__doc__ or ""), inputs)


def found_in(*modules: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the rules of some modules, in the order of their definition."""
    return tuple(value for names in modules for value in names.values() if isinstance(value, Rule))


def bare_source(function: Callable[..., Any]) -> str:
    """Return the code of a function without decorators, docstring and annotations."""
    source = textwrap.dedent(inspect.getsource(function))
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.FunctionDef)  # noqa: S101 - an op and a rule are written with def
    first = node.body[0]
    documented = ast.get_docstring(node) is not None
    start = first.end_lineno if documented else first.lineno - 1
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    body = source.splitlines()[start:]
    return "\n".join([f"def {node.name}({ast.unparse(node.args)}):", *body]) + "\n"
