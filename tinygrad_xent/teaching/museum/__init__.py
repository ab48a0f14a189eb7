"""The museum of wrong rules: backward rules with typical mistakes, and their diagnoses.

>>> from tinygrad_xent.teaching.museum import WRONG_RULES, op_of
>>> wrong = {rule.name: rule for rule in WRONG_RULES}["softmax_diagonal_only"]
>>> print(wrong.source)
def softmax_diagonal_only(grad, y, x, *, axis):
    return grad * y * (1 - y)
>>> wrong.code
'missing-cross-term'
>>> softmax = op_of(wrong)  # an op with a wrong gradient
"""

from functools import cache
from types import CodeType, FunctionType
from typing import Any

from tinygrad_xent.errors import ArgumentError
from tinygrad_xent.op import Op
from tinygrad_xent.ops import OPS
from tinygrad_xent.teaching.museum import arithmetic, arrays, layers, softmax, strangers
from tinygrad_xent.teaching.museum.rules import Rule, WrongRule, found_in

WRONG_RULES: tuple[WrongRule, ...] = found_in(*map(vars, (arithmetic, arrays, softmax)))
STRANGERS_RULES: tuple[WrongRule, ...] = found_in(vars(strangers))

_LAYERS = [value for value in vars(layers).values() if isinstance(value, Op)]
RIGHT_RULES: tuple[Rule, ...] = tuple(
    Rule(f"{op.name}_backward", op, op.rule, "The rule of the package.")
    for op in [*OPS.values(), *(op for op in _LAYERS if op.name not in OPS)]
    if op.rule
)


def op_of(rule: Rule | str) -> Op:
    """Return an op with this rule: its forward pass is right, its backward pass is the rule's.

    Parameters
    ----------
    rule : Rule or str
        A rule of the museum, or the name of a wrong one.

    Returns
    -------
    Op
        A new op with the name of the right one; its rule has neither name nor docstring.

    Raises
    ------
    ArgumentError
        If no wrong rule has this name.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> exp = op_of("exp_local_slope_only")
    >>> exp, exp.rule.__name__
    (<op exp(x)>, 'exp_backward')
    >>> x = Tensor(0.0)
    >>> (5 * exp(x)).backward()
    >>> x.grad  # 5 would be right
    array(1.)
    """
    if isinstance(rule, str):
        rule = named(rule)
    op = rule.op
    made = Op(
        op.function, symbol=op.symbol, shapes=op.shapes, domain=op.domains, examples=op.examples
    )
    made.rule = _anonymous(rule.rule, f"{op.name}_backward")
    return made


def named(name: str) -> WrongRule:
    """Return the wrong rule of this name; the error for an unknown name lists similar ones."""
    for rule in (*WRONG_RULES, *STRANGERS_RULES):
        if rule.name == name:
            return rule
    start = name.partition("_")[0]
    alike = [rule.name for rule in WRONG_RULES if rule.name.startswith(start)]
    known = f"it has {', '.join(alike)}" if alike else "see WRONG_RULES for all names"
    raise ArgumentError(f"the museum has no wrong rule {name!r}; {known}")


def puzzle(number: int, op: Op | str | None = None) -> Op:
    """Return an op with a wrong rule to find.

    Parameters
    ----------
    number : int
        Any number; the same number gives the same puzzle.
    op : Op or str, optional
        Only wrong rules of this op.

    Returns
    -------
    Op
        As from `op_of`; `answer` returns the rule.

    Raises
    ------
    ArgumentError
        If the museum has no wrong rule of this op.

    Examples
    --------
    >>> puzzle(1, "softmax")
    <op softmax(x, *, axis=-1, where=None)>
    """
    name = op.name if isinstance(op, Op) else op
    rules = [rule for rule in WRONG_RULES if name in (None, rule.op.name) and rule.order == 1]
    if not rules:
        names = ", ".join(sorted({rule.op.name for rule in WRONG_RULES}))
        raise ArgumentError(f"the museum has no wrong rule of op {name!r}; it has rules of {names}")
    # Neighbours in the museum are alike; a step of 37 leads to another kind of op.
    return op_of(rules[number * 37 % len(rules)])


def answer(op: Op) -> WrongRule:
    """Return the wrong rule of an op from `op_of` or `puzzle`.

    Examples
    --------
    >>> print(answer(op_of("exp_local_slope_only")).source)
    def exp_local_slope_only(grad, y, x):
        return y
    """
    code = getattr(op.rule, "__code__", None)
    for rule in (*WRONG_RULES, *STRANGERS_RULES):
        if code is not None and _place(rule.rule.__code__) == _place(code):
            return rule
    raise ArgumentError(f"the rule of op `{op.name}` is not in the museum")


def _place(code: CodeType) -> tuple[str, int]:
    return code.co_filename, code.co_firstlineno


@cache
def _anonymous(rule: Any, name: str) -> Any:
    """Return a copy of a function under another name, which tracebacks show too."""
    code = rule.__code__.replace(co_name=name, co_qualname=name)
    copy = FunctionType(code, rule.__globals__, name, rule.__defaults__, rule.__closure__)
    copy.__kwdefaults__ = rule.__kwdefaults__
    copy.__doc__ = None
    return copy
