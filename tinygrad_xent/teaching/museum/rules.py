"""A rule of the museum: its op, its description, inputs that show the mistake, its diagnosis."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tinygrad_xent.checking.samples import Sample, samples
from tinygrad_xent.domains import positive, simplex
from tinygrad_xent.op import Op
from tinygrad_xent.teaching.exercises.reading import bare_source

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
        The symptoms of a wrong rule.
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
    first_sight : str
        The code of the diagnosis when `gradcheck` first met the rule of a stranger; "" if the rule
        was there while `gradcheck` was made.
    """

    code: str = "unknown"
    also: tuple[str, ...] = ()
    order: Literal[1, 2] = 1
    first_sight: str = ""


def wrong(
    op: Op, code: str, inputs: Inputs | None = None, **more: Any
) -> Callable[[Callable[..., Any]], WrongRule]:
    """Add a wrong rule to the museum, as a decorator; its docstring is its description.

    The parameters are attributes of `WrongRule`.
    """
    return lambda rule: WrongRule(
        rule.__name__, op, rule, inspect.getdoc(rule) or "", inputs, code, **more
    )


def found_in(*modules: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the rules of some modules, in the order of their definition."""
    return tuple(value for names in modules for value in names.values() if isinstance(value, Rule))


# -- random inputs that show a mistake, and leave only one diagnosis for it -------------------


def normal(*shapes: tuple[int, ...], **params: Any) -> Inputs:
    """Return inputs of normally distributed numbers."""
    return lambda rng: (tuple(rng.normal(size=shape) for shape in shapes), params)


def above_zero(*shapes: tuple[int, ...], **params: Any) -> Inputs:
    """Return inputs of positive numbers."""
    return lambda rng: (tuple(positive.draw(rng, shape) for shape in shapes), params)


def with_value(value: float, shape: tuple[int, ...], **params: Any) -> Inputs:
    """Return an input of positive numbers, one of them replaced by `value`."""

    def draw(rng: np.random.Generator) -> Any:
        x = positive.draw(rng, shape)
        x.flat[rng.integers(x.size)] = value
        return (x,), params

    return draw


def few_negative(shape: tuple[int, ...], count: int) -> Inputs:
    """Return an input of numbers away from zero, `count` of them negative."""

    def draw(rng: np.random.Generator) -> Any:
        x = positive.draw(rng, shape)
        x.flat[rng.choice(x.size, count, replace=False)] *= -1
        return (x,), {}

    return draw


def distributions(rows: int, classes: int, **params: Any) -> Inputs:
    """Return logits, and labels that are distributions along the last axis."""
    return lambda rng: (
        (simplex.draw(rng, (rows, classes)), rng.normal(size=(rows, classes))),
        params,
    )


def class_numbers(rows: int, classes: int, **params: Any) -> Inputs:
    """Return logits, and a different class number for each row."""

    def draw(rng: np.random.Generator) -> Any:
        labels = rng.choice(classes, rows, replace=False)
        return (labels, rng.normal(size=(rows, classes))), params

    return draw


def logits_for(rows: int, classes: int) -> Inputs:
    """Return logits, and class numbers as the parameter `target`."""

    def draw(rng: np.random.Generator) -> Any:
        target = rng.choice(classes, rows, replace=False)
        return (rng.normal(size=(rows, classes)),), {"target": target}

    return draw


def repeated_rows(make: Callable[[Any], Any]) -> Inputs:
    """Return a table of 6 rows, and what `make` returns for 4 row numbers, two of them equal."""

    def draw(rng: np.random.Generator) -> Any:
        once = rng.choice(6, 3, replace=False)
        inputs, params = make(np.append(once, once[1]))
        return (rng.normal(size=(6, 3)), *inputs), params

    return draw
