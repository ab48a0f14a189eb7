"""What is checked: a function of arrays, and its backward pass."""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_xent import errors
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.checking.side_effects import SideEffects, copy_array
from tinygrad_xent.derivatives import gradients_or_none
from tinygrad_xent.graph import Node, values
from tinygrad_xent.op import Op
from tinygrad_xent.ops import concatenate, reshape, sum_to
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.visualization.formatting import count

Arrays = Sequence[Any]


class Subject:
    """A function and its backward pass.

    Attributes
    ----------
    name : str
        What messages call the rule.
    inputs, names : sequence
        Arrays where a gradient is possible; else whatever was given. And what they are called.
    params : Mapping
        Keyword parameters.
    is_rule : bool
        Whether a rule is checked, or the backward pass through a graph.
    side_effects : SideEffects
        What calls did beside computing their results.
    """

    name: str
    inputs: Arrays
    names: Sequence[str]
    params: Mapping[str, Any]
    is_rule = False
    side_effects: SideEffects

    def value(self, inputs: Arrays) -> Any:
        """Compute the function of arrays of any dtype."""
        raise NotImplementedError

    def vjp(self, grad: Any, out: Any, inputs: Arrays) -> tuple[Any, ...]:  # noqa: ARG002
        """Return the gradient of each input, as the backward pass returns it; None without one."""
        output, tensors = self.record(inputs)
        wanted = [x for x in tensors if isinstance(x, Node)]
        found = iter(gradients_or_none(output, wanted, grad, create_graph=False))
        return tuple(next(found) if isinstance(x, Node) else None for x in tensors)

    def record(self, inputs: Arrays) -> Any:  # noqa: ARG002
        """Return the recorded output and inputs; None if calling the function costs no more."""
        return None

    def on_tensors(self, inputs: Arrays) -> Any:
        """Record the function on Tensors, and return its output."""
        raise NotImplementedError

    def precision(self, *others: Any) -> float:
        """Return the coarsest precision of the inputs, and of other arrays."""
        return max(float(np.finfo(x.dtype).eps) for x in (*self.inputs, *others) if is_real(x))

    def at(self, inputs: Arrays) -> Subject:
        """Return the same subject with other inputs."""
        twin = copy(self)
        vars(twin).pop("_here", None)
        twin.inputs = inputs
        return twin

    def function_of(self, i: int) -> Callable[[Any], Any]:
        """Return the function of input `i` alone, in float64, with the other inputs fixed."""
        inputs = [precise(x) for x in self.inputs]
        return lambda x: self.value([*inputs[:i], x, *inputs[i + 1 :]])

    def gradients(
        self, i: int, upstream: Iterable[Any], out: Any, inputs: Arrays, shape: tuple[int, ...]
    ) -> Any:
        """Return input `i`'s gradients for several upstream gradients, stacked.

        None where the rule fails on these numbers, or returns another shape.
        """
        try:
            with np.errstate(all="ignore"):
                parts = [fitted(self.vjp(grad, out, inputs)[i], shape) for grad in upstream]
        except Exception:  # noqa: BLE001 - a rule may fail in any way on other numbers
            return None
        return None if any(part is None for part in parts) else np.stack(parts)


class OpSubject(Subject):
    """An op: its function, and its hand-written rule, called with plain arrays only."""

    is_rule = True

    def __init__(self, op: Op, inputs: Iterable[Any], params: Mapping[str, Any]) -> None:
        given: Any = tuple(map(values, inputs))
        parameters = dict(params)
        if len(given) != len(op.inputs) or op.variadic:
            given, parameters = op._bind(given, parameters)
        if op.rule is None:
            raise errors.MissingRuleError(
                f"op `{op.name}` has no backward rule that could be checked; write one below its "
                f"definition with @{op.name}.backward"
            )
        self.op, self.rule = op, op.rule
        self.name = op.rule.__name__
        self.params: Mapping[str, Any] = {**op.defaults, **parameters}
        self.inputs: Arrays = tuple(map(_array, given))
        self.names: Sequence[str] = op.names_of(len(self.inputs))
        self.handed = _names(op.rule, 2 + len(self.inputs))  # to the rule, by its own names
        self.side_effects = SideEffects()

    def value(self, inputs: Arrays) -> Any:
        """Compute the op's function."""
        function = self.op.function
        out = np.array(
            self.side_effects.call("The function", function, inputs, self.names, self.params)
        )
        if out.dtype.kind not in ("fiuc" if any(map(np.iscomplexobj, inputs)) else "fiu"):
            raise errors.DtypeError(
                f"op `{self.op.name}` made {out.dtype}: only real numbers have gradients to check"
            )
        return out

    def on_tensors(self, inputs: Arrays) -> Any:
        """Record the op."""
        return self.op.on(inputs, self.params)

    def vjp(self, grad: Any, out: Any, inputs: Arrays) -> tuple[Any, ...]:
        """Apply the rule; thunks are computed."""

        def rule(*arguments: Any, **params: Any) -> tuple[Any, ...]:
            try:
                results = self.rule(*arguments, **params)
            except TypeError as error:
                errors.hints.explain_rule(error, self.op, self.rule)
                raise
            results = results if isinstance(results, tuple) else (results,)
            if len(results) != len(inputs):
                raise errors.RuleResultError(
                    f"`{self.name}` returns {_described(results)} for "
                    f"{count(len(inputs), 'input')}; return a tuple with one gradient for each of "
                    f"{', '.join(self.names)}"
                )
            results = [result() if callable(result) else result for result in results]
            return tuple(map(self._not_ragged, self.names, results))

        handed = (grad, out, *inputs)
        results = self.side_effects.call("The rule", rule, handed, self.handed, self.params)
        return self.side_effects.copy_results(results, self.names)

    def _not_ragged(self, name: str, result: Any) -> Any:
        """Return a result, or raise an error if it is a list that cannot become an array."""
        try:
            return np.asarray(result) if isinstance(result, list | tuple) else result
        except ValueError:
            raise errors.RuleResultError(
                f"`{self.name}` returns a list for {name} whose parts differ in length"
            ) from None


class FunctionSubject(Subject):
    """A function of Tensors, and the backward pass through its graph."""

    def __init__(
        self, function: Callable[..., Any], inputs: Arrays, params: Mapping[str, Any]
    ) -> None:
        self.function = function
        self.name = f"the backward pass of {getattr(function, '__name__', 'the function')}"
        self.params = params
        self.inputs: Arrays = tuple(_array(values(x)) for x in inputs)
        parameters = zip(inputs, _names(function, len(inputs)), strict=True)
        self.names = [(isinstance(x, Node) and x.name) or name for x, name in parameters]
        self.side_effects = SideEffects()

    def value(self, inputs: Arrays) -> Any:
        """Run it on Tensors, or on complex arrays as they are."""
        if any(np.iscomplexobj(x) for x in inputs):
            return np.asarray(self.function(*map(copy_array, inputs), **self.params))
        return self.record(inputs)[0].data

    def on_tensors(self, inputs: Arrays) -> Any:
        """Record the function."""
        return self.function(*inputs, **self.params)

    def record(self, inputs: Arrays) -> tuple[Any, list[Any]]:
        """Run it on Tensors, only once on the inputs of the check."""
        if all(map(operator.is_, inputs, self.inputs)):
            return self._here
        with warnings.catch_warnings():
            # A check leaves the domain.
            warnings.simplefilter("ignore", errors.ProbabilitiesWarning)
            warnings.simplefilter("ignore", errors.LabelsWarning)
            return self._run(inputs)

    @cached_property
    def _here(self) -> tuple[Any, list[Any]]:
        return self._run(self.inputs)

    def _run(self, inputs: Arrays) -> tuple[Any, list[Any]]:
        tensors = _recorded(inputs)
        output = self.function(*tensors, **self.params)
        after = list(map(values, tensors))
        self.side_effects.compare_arguments("The function", self.names, inputs, after)
        if not isinstance(output, Node):
            raise errors.NotRecordedError(
                f"`{self.name.split()[-1]}` returned {type(output).__name__}, not a Tensor: "
                "nothing was recorded that could be checked. Compute with Tensors and the ops of "
                "tinygrad_xent all the way"
            )
        return output, tensors


def subject_of(f: Any, inputs: Arrays, params: Mapping[str, Any]) -> Subject:
    """Return the subject for `f`, or raise an error that says why `f` cannot be checked."""
    if not callable(f):
        raise errors.ArgumentError(
            f"gradcheck takes an op, a function of Tensors or a recorded Tensor, got "
            f"{type(f).__name__}: gradcheck(tx.softmax, x), gradcheck(lambda x: (x * x).sum(), x), "
            "gradcheck(loss)"
        )
    for x in inputs:
        if isinstance(x, (list, tuple)) and any(isinstance(entry, Node) for entry in x):
            raise errors.ArgumentError(
                f"inputs are given one after another, not in a {type(x).__name__}: "
                "gradcheck(f, x, y), with lambda *xs: f(xs) for a function that takes a list"
            )
    subject = (
        OpSubject(f, inputs, params) if isinstance(f, Op) else FunctionSubject(f, inputs, params)
    )
    _whole_numbers_as_floats(subject)
    if not any(map(is_real, subject.inputs)):
        kinds = ", ".join(str(getattr(x, "dtype", type(x).__name__)) for x in subject.inputs)
        raise errors.DtypeError(
            f"none of the inputs is of a floating dtype ({kinds or 'there is none'}): there is no "
            "gradient to check. Write 1.0 for 1, or convert with .astype(float)"
        )
    return subject


def _whole_numbers_as_floats(subject: Subject) -> None:
    """Check whole numbers too where the rule has a gradient for them, or no input is floating."""
    whole = [isinstance(x, np.ndarray) and x.dtype.kind in "iu" for x in subject.inputs]
    if not any(whole):
        return
    floating = any(map(is_real, subject.inputs))
    if floating and not subject.is_rule:
        return
    floats = [x.astype(float) if i else x for x, i in zip(subject.inputs, whole, strict=True)]
    try:
        with np.errstate(all="ignore"):
            other = subject.value(floats)
            out = subject.value(subject.inputs) if subject.is_rule else other
            found = subject.vjp(np.ones(out.shape), out, subject.inputs) if floating else floats
    except Exception:  # noqa: BLE001 - a function may take them as whole numbers only
        return
    if np.array_equal(out, other, equal_nan=True):
        meant = [i and np.any(gradient) for i, gradient in zip(whole, found, strict=True)]
        chosen = zip(subject.inputs, floats, meant, strict=True)
        subject.inputs = tuple(y if i or not floating else x for x, y, i in chosen)


def keywords_of(f: Any, taken: int) -> Sequence[str]:
    """Return the names of the parameters of a function that are not its first inputs."""
    if isinstance(f, Op):
        return list(f.parameters)
    rest = _parameters(f)[taken:] if callable(f) and not isinstance(f, Node) else ()
    return [p.name for p in rest if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def precise(x: Any) -> Any:
    """Return floating arrays in double precision, and others as they are."""
    return np.asarray(x, np.float64) if is_real(x) else x


def is_real(x: Any) -> bool:
    """Whether an input can have a gradient."""
    return isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f"


def _recorded(inputs: Arrays) -> list[Any]:
    return [Tensor(x) if is_real(x) else x for x in map(copy_array, inputs)]


def _array(x: Any) -> Any:
    """Return lists and floats as arrays; integers, booleans and None are constants."""
    if x is None or isinstance(x, int | str):
        return x
    try:
        return np.asarray(x)
    except ValueError:
        errors.hints.explain_data(x)
        raise


def _names(function: Callable[..., Any], number: int) -> list[str]:
    """Return the names of a function's first parameters."""
    named = [
        p.name
        for p in _parameters(function)
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return [named[i] if i < len(named) else f"input {i}" for i in range(number)]


class GradientSubject(Subject):
    """From the inputs and an upstream gradient to the gradient, or to all of them in one row.

    Its backward pass goes through the graph that the rule records when it is called with Tensors.
    """

    def __init__(self, first: Subject, upstream: Any) -> None:
        self.first = first
        self.name = f"the rule of {first.name}"
        self.inputs: Arrays = (*first.inputs, upstream)
        self.names: Sequence[str] = (*first.names, "grad")
        self.params = first.params
        self.side_effects = first.side_effects

    def value(self, inputs: Arrays) -> Any:
        """Compute the first gradients, by the rule on arrays."""
        *xs, grad = inputs
        out = self.first.value(xs) if self.first.is_rule else None
        results = self.first.vjp(grad, out, xs)
        rows = [
            np.zeros(x.shape) if r is None else sum_to(np.asarray(r), shape=x.shape)
            for r, x in zip(results, xs, strict=True)
            if isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc"
        ]
        return rows[0] if len(rows) == 1 else np.concatenate([row.reshape(-1) for row in rows])

    def record(self, inputs: Arrays) -> tuple[Any, list[Any]]:
        """Record the rule on Tensors."""
        tensors = _recorded(inputs)
        *xs, upstream = tensors
        wanted = [x for x in xs if isinstance(x, Node)]
        first = gradients_or_none(self.first.on_tensors(xs), wanted, upstream, create_graph=True)
        rows = [
            Tensor(np.zeros(x.data.shape)) if g is None else g
            for g, x in zip(first, wanted, strict=True)
        ]
        if len(rows) == 1:
            return rows[0], tensors
        return concatenate([reshape(row, shape=(-1,)) for row in rows]), tensors


def cannot_run(error: Exception, name: str) -> Diagnosis:
    """Return the diagnosis of a rule that works on arrays only."""
    return Diagnosis(
        "second-order-only",
        f"The gradient is right, but {name} cannot be differentiated again: it fails on Tensors.",
        name,
        (f"{type(error).__name__}: {error}",),
        "In a rule use operators and the ops of tinygrad_xent, not NumPy's functions or .data.",
    )


def second_only(found: Diagnosis, name: str) -> Diagnosis:
    """Return a diagnosis of second derivatives, with the note that the first are right."""
    return Diagnosis(
        "second-order-only",
        f"The gradient is right, but not its own derivative: differentiated once more with respect "
        f"to {found.input}, {name} goes wrong. {found.message}",
        found.input,
        (f"of the second derivative: {found.code}", *found.evidence),
        "Look for a value that the rule holds constant: .data, np.asarray or NumPy arithmetic cut "
        "the graph. Use the Tensors that it is handed.",
    )


FAILURES = (errors.TinygradXentError, TypeError, AttributeError, ValueError)
STOPS = (ValueError, IndexError, errors.InPlaceError)  # of a rule that cannot work as it is written


def _described(results: tuple[Any, ...]) -> str:
    """Return what a rule returned, in words: "3 gradients", "a list", "None"."""
    if len(results) != 1 or isinstance(results[0], np.ndarray):
        return count(len(results), "gradient")
    return "None" if results[0] is None else f"a {type(results[0]).__name__}"


def fitted(result: Any, shape: tuple[int, ...]) -> Any:
    """Return a rule's result in the shape of its input, as the backward pass sums it, or None."""
    gradient = np.asarray(np.zeros(shape) if result is None else result)
    if gradient.dtype.kind not in "fiub":
        return None
    if gradient.shape != shape:
        try:
            gradient = sum_to(gradient, shape=shape)
        except ValueError:
            return None
    return gradient.astype(np.float64)
