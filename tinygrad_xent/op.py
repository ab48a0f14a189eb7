"""An op is a NumPy function plus the rule that sends gradients back through it."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, get_args, overload

import numpy as np

from tinygrad_xent import errors
from tinygrad_xent.arrays import as_array, read_only
from tinygrad_xent.graph import Node, clock

if TYPE_CHECKING:
    from tinygrad_xent.domains import Domain

# `definitions` and `domains` are imported inside the functions that need them: most programs call
# none of these.

Function = Callable[..., Any]
P = ParamSpec("P")
R = TypeVar("R")
DomainName = Literal[
    "real", "positive", "nonzero", "distinct", "above_minus_one", "above_one", "inside_one",
    "first_branch", "between_steps", "divisor", "simplex", "truth", "held", "labels",
]  # fmt: skip
_LISTS = (list, tuple)
_ARRAY = np.ndarray
# NumPy's warnings of the lines inside ops reach `Op.__call__` as errors, and users as warnings of
# their own line.
warnings.filterwarnings("error", category=RuntimeWarning, module=r"tinygrad_xent\.ops\.")
# Parameters that are handed on only if they are given: a rule need not know of masks and factors.
_IF_GIVEN = ("where", "b")


class _Docstring:
    """The docstring of an op: that of its function, completed when it is read.

    The class keeps its own.
    """

    def __init__(self, of_class: str | None) -> None:
        self.of_class = of_class

    def __get__(self, op: Op | None, _owner: type[Op]) -> str | None:
        if op is None:
            return self.of_class
        from tinygrad_xent.definitions import complete

        return complete(op)


class Op:
    r"""A function of arrays that records itself when one of them is a Tensor.

    The arguments before the `*` in the function's signature are inputs: data, which can have a
    gradient. Those after it are parameters, which cannot. The decorator `backward` registers the
    backward rule.

    Attributes
    ----------
    name, symbol : str
        The name in messages, and the label in pictures.
    function, rule : callable
        The forward function maps arrays to an array. The backward rule,
        `rule(grad, out, *inputs, **params)`, returns one gradient per input: None for an input
        without one, or a function without arguments (a thunk) to compute the gradient only if it
        is needed.
    recorded : callable or None
        What a recorded call runs instead of `function`, if set. It returns the result, and a value
        that the rule gets as the keyword `kept` when it computes on arrays.
    formula, rule_formulas : str, tuple of str
        LaTeX, taken from the first paragraphs of the two docstrings.
    shapes : str
        The inputs' and output's own axes in NumPy's gufunc notation, such as "(n)->(n)". This and
        the next two serve tests and documentation; your own op works without them.
    domains : tuple of Domain
        For each input, the numbers for which the op is defined and smooth. The argument `domain`
        takes the names in `tinygrad_xent.domains`, such as "positive".
    examples : sequence of dict
        Parameters that tests and the documentation try.

    Raises
    ------
    OpDefinitionError
        If the function has no input or takes `**params`, or if a domain is missing or unknown.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, op
    >>> @op
    ... def cube(x):
    ...     r"Third power: $y = x^3$."
    ...     return x ** 3
    >>> @cube.backward
    ... def cube_backward(grad, y, x):
    ...     r"$\bar x = 3 x^2\,\bar y$"
    ...     return 3 * x ** 2 * grad
    >>> x = Tensor(2.0)
    >>> cube(x).backward()
    >>> x.grad
    array(12.)
    """

    __name__: str

    def __init__(
        self,
        function: Function,
        *,
        symbol: str | None = None,
        shapes: str | None = None,
        domain: DomainName | Domain | tuple[DomainName | Domain, ...] = "real",
        examples: Sequence[Mapping[str, Any]] = ({},),
    ) -> None:
        if isinstance(function, np.ufunc):
            from tinygrad_xent.definitions import function_of

            function = function_of(function)
        functools.update_wrapper(self, function)
        del self.__doc__  # `_Docstring` takes its place
        self.name = getattr(function, "__name__", type(function).__name__)
        self.function = function
        self.recorded: Function | None = None
        self.rule: Function | None = None
        self.symbol = symbol or self.name
        self.examples = examples
        # Read off the code object: `inspect.signature` of every op would double the import time.
        code = getattr(function, "__code__", None)
        if code is None or code.co_flags & inspect.CO_VARKEYWORDS:
            raise errors.OpDefinitionError(
                f"op `{self.name}`: define it with `def` and name every parameter after a `*`"
            )
        names = code.co_varnames  # inputs first, then parameters, then *xs
        several = code.co_argcount + code.co_kwonlyargcount
        self.inputs = names[: code.co_argcount]
        self.parameters = names[code.co_argcount : several]
        self.variadic = names[several] if code.co_flags & inspect.CO_VARARGS else None
        self._arity = -1 if self.variadic else len(self.inputs)  # of a call with inputs only
        if not self.inputs and not self.variadic:
            raise errors.OpDefinitionError(
                f"op `{self.name}` has no input; write one before the `*`"
            )
        given = function.__defaults__ or ()
        self.optional = dict(zip(self.inputs[len(self.inputs) - len(given) :], given, strict=True))
        self.defaults = dict(function.__kwdefaults__ or {})
        self.required = tuple(name for name in self.parameters if name not in self.defaults)
        self.shapes = shapes or ",".join(["()"] * len(self.inputs)) + "->()"
        count = len(self.inputs) or 1  # a variadic op has one domain for all its inputs
        self._domains = domain if isinstance(domain, tuple) else (domain,) * count
        if len(self._domains) != count:
            raise errors.OpDefinitionError(
                f"op `{self.name}` has {count} inputs, but {len(self._domains)} domains; give one "
                "for each input, or one for all"
            )
        for each in self._domains:
            names = get_args(DomainName)
            if not hasattr(each, "draw") and each not in names:
                raise errors.OpDefinitionError(errors.hints.no_domain(self.name, each, names))
        for name in _IF_GIVEN:
            self.defaults.pop(name, None)

    def __init_subclass__(cls) -> None:
        cls.__doc__ = _Docstring(cls.__doc__)  # type: ignore[assignment]

    # -- forward -----------------------------------------------------------------------------

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        """Return an array, or, if an input is a Tensor, a Tensor that remembers this call."""
        if len(inputs) != self._arity:
            inputs, params = self._bind(inputs, params)
        birth = next(clock)  # before any data is read: a leaf that changes later is younger
        kind = None
        arrays = []
        for x in inputs:
            if isinstance(x, Node):
                kind = type(x)
                arrays.append(x._data)
            elif isinstance(x, _LISTS):
                arrays = [as_array(x) if isinstance(x, _LISTS) else x for x in inputs]
                return self.on(arrays, params)
            else:
                arrays.append(x)
        try:
            if kind is None:
                return self.function(*arrays, **params)
            if self.recorded:
                out, kept = self.recorded(*arrays, **params)
            else:
                out, kept = self.function(*arrays, **params), None
        except (TypeError, ValueError, NotImplementedError) as error:
            errors.hints.explain_call(error, self.function, params, arrays)
            raise
        except RuntimeWarning as warning:
            with self.warned(warning):
                return self.on(inputs, params)
        for x in arrays:
            if x is out:
                out = out.view()  # it becomes read-only, the array that the user passed must not
        if type(out) is not _ARRAY:
            out = as_array(out)  # NumPy turns results without axes into scalars
        if type(out) is _ARRAY:
            out.setflags(False)  # type: ignore[call-arg]  # the keyword `write` takes twice as long
        if out.dtype.kind not in "fiub":
            for x in arrays:
                errors.hints.explain_data(x)
            raise errors.DtypeError(
                f"op `{self.name}` made {out.dtype}: Tensors hold real numbers only"
            )
        params = {**self.defaults, **params} if params else self.defaults
        # Bypass the public constructor: what an op returned needs none of its checks.
        node = object.__new__(kind)
        Node.__init__(node, out, self, inputs, params, birth)
        node.kept = kept
        return node

    def on(self, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """Call the op on a sequence of inputs, whether or not it is variadic."""
        return self(list(inputs), **params) if self.variadic else self(*inputs, **params)

    def _bind(self, inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
        """Return the inputs and parameters of a call that is not just positional inputs."""
        from tinygrad_xent.definitions import bind

        return bind(self, inputs, params)

    # -- backward ----------------------------------------------------------------------------

    def backward(self, rule: Function) -> Function:
        """Register the backward rule (a decorator).

        In a rule use operators and the ops of this package, not `np.`: the same code must run on
        arrays and, when the backward pass is recorded, on Tensors. The notebook cell that defines
        the rule may be run again; a different rule is refused.
        """
        if self.rule is not None:
            from tinygrad_xent.definitions import same_definition

            if not same_definition(self.rule, rule):
                raise errors.OpDefinitionError(
                    f"op `{self.name}` already has the rule `{self.rule.__name__}`; define the op "
                    "again to give it another"
                )
        self.rule = rule
        return rule

    def vjp(self, grad: Any, node: Node) -> Any:
        """Return the vector-Jacobian products of a node: a gradient, thunk or None for each input.

        The rule computes numbers if `grad` is an array, and records a graph if it is a Tensor.
        """
        if self.rule is None:
            raise errors.MissingRuleError(
                f"op `{self.name}` has no backward rule; write one below its definition with "
                f"@{self.name}.backward"
            )
        inputs, params = node.inputs, node.params
        try:
            if isinstance(grad, Node):
                results = self.rule(grad, node, *inputs, **params)
            else:
                arrays = []
                for x in inputs:
                    if isinstance(x, Node):
                        arrays.append(x._data)
                    else:
                        arrays.append(read_only(x))
                if node.kept is not None:
                    params = {**params, "kept": node.kept}
                results = self.rule(grad, node._data, *arrays, **params)
        except ValueError as error:
            self.check_wrote(error)
            raise
        except TypeError as error:
            errors.hints.explain_rule(error, self, self.rule)
            raise
        except RuntimeWarning as warning:
            with self.warned(warning, "the rule of "):
                return self.vjp(grad, node)
        if type(results) is not tuple:
            results = (results,)
        if len(results) != len(inputs):
            names = self.names_of(len(inputs))
            raise errors.RuleResultError(
                f"the rule of op `{self.name}` returned {len(results)} gradients for {len(names)} "
                f"inputs; return one for each of {', '.join(names)}"
            )
        return results

    def warned(self, warning: RuntimeWarning, what: str = "") -> np.errstate:
        """Warn of the user's line; in the context returned NumPy does not warn again."""
        errors.warn(f"{warning}: {what}op `{self.name}`", RuntimeWarning)
        return np.errstate(all="ignore")

    def check_wrote(self, error: ValueError) -> None:
        """Explain the error if NumPy stopped a rule that writes to a read-only array."""
        if "read-only" in str(error):
            raise errors.InPlaceError(
                f"the rule of op `{self.name}` changes what it is handed, which others read, too; "
                "compute a new array: `grad = grad * ...` instead of `grad *= ...`"
            ) from error

    # -- for pictures, traces and messages ---------------------------------------------------

    def names_of(self, count: int) -> tuple[str, ...]:
        """Return the names of the inputs of a call with `count` of them."""
        return (
            tuple(f"{self.variadic}[{i}]" for i in range(count)) if self.variadic else self.inputs
        )

    @functools.cached_property
    def domains(self) -> tuple[Domain, ...]:
        """The domain of each input."""
        from tinygrad_xent.domains import named

        return tuple(map(named, self._domains))

    @property
    def formula(self) -> str:
        """The function as LaTeX."""
        from tinygrad_xent.definitions import formulas

        return next(iter(formulas(self.function)), "")

    @property
    def rule_formulas(self) -> tuple[str, ...]:
        """The rule as LaTeX: one formula for each input that gets a gradient."""
        from tinygrad_xent.definitions import formulas

        return formulas(self.rule) if self.rule else ()

    def __reduce__(self) -> str:
        """Pickle and copy by name, like a function."""
        return self.name

    def __repr__(self) -> str:
        from tinygrad_xent.definitions import bare_signature

        return f"<op {self.name}{bare_signature(self.function)}>"

    def __str__(self) -> str:
        return self.name


Op.__doc__ = _Docstring(Op.__doc__)  # type: ignore[assignment]


@overload
def op(function: Function, /) -> Op: ...
@overload
def op(
    *,
    symbol: str | None = None,
    shapes: str | None = None,
    domain: DomainName | Domain | tuple[DomainName | Domain, ...] = "real",
    examples: Sequence[Mapping[str, Any]] = ({},),
) -> Callable[[Function], Op]: ...
def op(function: Function | None = None, /, **facts: Any) -> Op | Callable[[Function], Op]:
    """Make an op of a NumPy function: `@op`, or `@op(symbol=..., shapes=..., domain=...)`.

    The arguments are those of `Op`; all have defaults that suit a function of real
    numbers, entry by entry.
    """
    return Op(function) if function else lambda function: Op(function, **facts)


def answering(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function say what to write for an argument of another library (a decorator)."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            errors.hints.explain_function(error, function, args, kwargs)
            raise

    return call


class _CallableModule(ModuleType):
    """A module that is the decorator as well: `tinygrad_xent.op` names both."""

    __call__ = staticmethod(op)


sys.modules[__name__].__class__ = _CallableModule
