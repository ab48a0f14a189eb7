"""What is checked: a function of arrays, and what is said to be its backward pass."""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from tinygrad_xent.backprop import gradients_or_none
from tinygrad_xent.checking.habits import Habits, own_array
from tinygrad_xent.errors import (
    ArgumentError,
    GradientDtypeError,
    MissingRuleError,
    NotRecordedError,
    ProbabilitiesWarning,
)
from tinygrad_xent.graph import Node
from tinygrad_xent.op import Op
from tinygrad_xent.tensor import Tensor

Arrays = Sequence[Any]


class Subject(Protocol):
    """A function and its backward pass.

    Attributes
    ----------
    name : str
        What messages call the rule.
    inputs : sequence
        Arrays where a gradient is possible; else whatever was given.
    params : Mapping
        Keyword parameters.
    is_rule : bool
        Whether it is a rule that is checked, or the backward pass through a graph.
    habits : Habits
        What was seen beside the results, over all calls.
    """

    name: str
    inputs: Arrays
    params: Mapping[str, Any]
    is_rule: bool
    habits: Habits

    @property
    def names(self) -> Sequence[str]:
        """What the inputs are called."""

    def value(self, inputs: Arrays) -> Any:
        """Compute the function of arrays of any dtype."""

    def vjp(self, grad: Any, out: Any, inputs: Arrays) -> tuple[Any, ...]:
        """Give what the backward pass gives for each input, as it comes."""

    def record(self, inputs: Arrays) -> tuple[Any, Sequence[Any]] | None:
        """Give the graph's output and the inputs in it; None if calls are as cheap without."""


class OpSubject:
    """An op: its function, and its hand-written rule, called with plain arrays only."""

    is_rule = True

    def __init__(self, op: Op, inputs: Iterable[Any], params: Mapping[str, Any]) -> None:
        given: Any = tuple(map(_plain, inputs))
        parameters = dict(params)
        if len(given) != len(op.inputs) or op.variadic:
            given, parameters = op._bind(given, parameters)
        if op.rule is None:
            raise MissingRuleError(
                f"op `{op.name}` has no backward rule that could be checked; write one below its "
                f"definition with @{op.name}.backward"
            )
        self.op, self.rule = op, op.rule
        self.name = op.rule.__name__
        self.params: Mapping[str, Any] = {**op.defaults, **parameters}
        self.inputs: Arrays = tuple(map(_array, given))
        self.names: Sequence[str] = op.names_of(len(self.inputs))
        self.habits = Habits()

    def value(self, inputs: Arrays) -> Any:
        """Compute the op's function."""
        function = self.op.function
        return np.array(
            self.habits.watch("The function", function, inputs, self.names, self.params)
        )

    def record(self, inputs: Arrays) -> None:
        """Give nothing: an op is called as it is."""

    def on_tensors(self, inputs: Arrays) -> Any:
        """Record the op."""
        return self.op.on(inputs, self.params)

    def vjp(self, grad: Any, out: Any, inputs: Arrays) -> tuple[Any, ...]:
        """Apply the rule; thunks are computed."""
        names = _names(self.rule, 2 + len(inputs))

        def rule(*arguments: Any, **params: Any) -> tuple[Any, ...]:
            results = self.rule(*arguments, **params)
            results = results if isinstance(results, tuple) else (results,)
            return tuple(result() if callable(result) else result for result in results)

        results = self.habits.watch("The rule", rule, (grad, out, *inputs), names, self.params)
        return self.habits.kept(results, self.names)


class FunctionSubject:
    """A function of Tensors, and the backward pass through its graph."""

    is_rule = False

    def __init__(
        self, function: Callable[..., Any], inputs: Arrays, params: Mapping[str, Any]
    ) -> None:
        self.function = function
        self.name = f"the backward pass of {getattr(function, '__name__', 'the function')}"
        self.params = params
        self.inputs: Arrays = tuple(_array(_plain(x)) for x in inputs)
        self._own_names = [x.name if isinstance(x, Node) else None for x in inputs]
        self.habits = Habits()

    @cached_property
    def names(self) -> Sequence[str]:
        """Those that the inputs have, or the function's parameters."""
        own = self._own_names
        others = _names(self.function, len(own))
        return [name or other for name, other in zip(own, others, strict=True)]

    def value(self, inputs: Arrays) -> Any:
        """Run it on Tensors, or on complex arrays as they are."""
        if any(np.iscomplexobj(x) for x in inputs):
            return np.asarray(self.function(*map(own_array, inputs), **self.params))
        return self.record(inputs)[0].data

    def vjp(self, grad: Any, out: Any, inputs: Arrays) -> tuple[Any, ...]:  # noqa: ARG002
        """Run it on Tensors, and the backward pass."""
        output, tensors = self.record(inputs)
        wanted = [x for x in tensors if isinstance(x, Node)]
        found = iter(gradients_or_none(output, wanted, grad, create_graph=False))
        return tuple(next(found) if isinstance(x, Node) else None for x in tensors)

    def on_tensors(self, inputs: Arrays) -> Any:
        """Record the function."""
        return self.function(*inputs, **self.params)

    def record(self, inputs: Arrays) -> tuple[Any, list[Any]]:
        """Run it on Tensors, once only on those that it was given."""
        if all(map(operator.is_, inputs, self.inputs)):
            return self._here
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ProbabilitiesWarning)  # a check goes beyond the borders
            return self._run(inputs)

    @cached_property
    def _here(self) -> tuple[Any, list[Any]]:
        return self._run(self.inputs)

    def _run(self, inputs: Arrays) -> tuple[Any, list[Any]]:
        tensors = [Tensor(x) if is_real(x) else x for x in map(own_array, inputs)]
        output = self.function(*tensors, **self.params)
        for name, before, after in zip(self.names, inputs, tensors, strict=True):
            self.habits.compare("The function", name, before, _plain(after))
        if not isinstance(output, Node):
            raise NotRecordedError(
                f"`{self.name.split()[-1]}` returned {type(output).__name__}, not a Tensor: "
                "nothing was recorded that could be checked. Compute with Tensors and the ops of "
                "tinygrad_xent all the way"
            )
        return output, tensors


def subject_of(f: Any, inputs: Arrays, params: Mapping[str, Any]) -> OpSubject | FunctionSubject:
    """Make the thing to check, or say why there is nothing."""
    if not callable(f):
        raise ArgumentError(
            f"gradcheck takes an op or a function of Tensors, got {type(f).__name__}: "
            "gradcheck(tx.softmax, x), gradcheck(lambda x: (x * x).sum(), x)"
        )
    subject = (
        OpSubject(f, inputs, params) if isinstance(f, Op) else FunctionSubject(f, inputs, params)
    )
    if not any(map(is_real, subject.inputs)):
        kinds = ", ".join(str(getattr(x, "dtype", type(x).__name__)) for x in subject.inputs)
        raise GradientDtypeError(
            f"none of the inputs is of a floating dtype ({kinds or 'there is none'}): there is no "
            "gradient to check. Write 1.0 for 1, or convert with .astype(float)"
        )
    return subject


def function_of(subject: Subject, i: int, at: Sequence[Any] | None = None) -> Callable[[Any], Any]:
    """Give the function of its input `i` alone, in double precision, the others as they are."""
    inputs = [precise(x) for x in (subject.inputs if at is None else at)]

    def f(x: Any) -> Any:
        return subject.value([*inputs[:i], x, *inputs[i + 1 :]])

    return f


def precise(x: Any) -> Any:
    """Return floating arrays in double precision, and others as they are."""
    return np.asarray(x, np.float64) if is_real(x) else x


def is_real(x: Any) -> bool:
    """Whether an input can have a gradient."""
    return isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f"


def _plain(x: Any) -> Any:
    return x.data if isinstance(x, Node) else x


def _array(x: Any) -> Any:
    """Make arrays of lists and floats; integers, truth values and None are constants."""
    if x is None or isinstance(x, int | str):
        return x
    return np.asarray(x)


def _names(function: Callable[..., Any], count: int) -> list[str]:
    """Give the names that a function has for its first inputs."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [named[i] if i < len(named) else f"input {i}" for i in range(count)]
