"""Ops with a rule of the museum, for "find the bug": nothing in their names gives it away."""

from __future__ import annotations

from functools import cache
from types import CodeType, FunctionType
from typing import Any

from tinygrad_xent.errors import NotInMuseumError
from tinygrad_xent.museum.collection import WRONG_RULES
from tinygrad_xent.museum.rules import Rule, WrongRule
from tinygrad_xent.op import Op


def op_of(rule: Rule | str) -> Op:
    """Make an op with this rule: the forward pass is right, the backward pass is the rule's.

    Parameters
    ----------
    rule : Rule or str
        A rule of the museum, or the name of a wrong one.

    Returns
    -------
    Op
        A new one, under the name that the right op has. Its rule has lost name and docstring.

    Raises
    ------
    NotInMuseumError
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
    """Find a wrong rule by its name; says which there are of that op if there is none."""
    for rule in WRONG_RULES:
        if rule.name == name:
            return rule
    start = name.partition("_")[0]
    alike = [rule.name for rule in WRONG_RULES if rule.name.startswith(start)]
    known = f"it has {', '.join(alike)}" if alike else "see WRONG_RULES for all names"
    raise NotInMuseumError(f"the museum has no wrong rule {name!r}; {known}")


def puzzle(number: int, op: Op | str | None = None) -> Op:
    """Give an op with some wrong rule, for a lesson: find out what is wrong with it.

    Parameters
    ----------
    number : int
        Any: the same number gives the same puzzle.
    op : Op or str, optional
        Only wrong rules of this op.

    Returns
    -------
    Op
        As from `op_of`; `answer` tells what was wrong.

    Raises
    ------
    NotInMuseumError
        If there is no wrong rule of this op.

    Examples
    --------
    >>> puzzle(1, "softmax")
    <op softmax(x, *, axis=-1)>
    """
    name = op.name if isinstance(op, Op) else op
    rules = [rule for rule in WRONG_RULES if name in (None, rule.op.name) and rule.order == 1]
    if not rules:
        names = ", ".join(sorted({rule.op.name for rule in WRONG_RULES}))
        raise NotInMuseumError(
            f"the museum has no wrong rule of op {name!r}; it has some of {names}"
        )
    # Neighbours in the museum are alike: a step of 37 leads from one kind of op to another.
    return op_of(rules[number * 37 % len(rules)])


def answer(op: Op) -> WrongRule:
    """Tell which wrong rule an op from `op_of` or `puzzle` has.

    Examples
    --------
    >>> print(answer(op_of("exp_local_slope_only")).source)
    def exp_local_slope_only(grad, y, x):
        return y
    """
    code = getattr(op.rule, "__code__", None)
    for rule in WRONG_RULES:
        if code is not None and _place(rule.rule.__code__) == _place(code):
            return rule
    raise NotInMuseumError(f"the rule of op `{op.name}` is none of the museum")


def _place(code: CodeType) -> tuple[str, int]:
    return code.co_filename, code.co_firstlineno


@cache
def _anonymous(rule: Any, name: str) -> Any:
    """Copy a function under another name, so that a traceback does not tell either."""
    code = rule.__code__.replace(co_name=name, co_qualname=name)
    copy = FunctionType(code, rule.__globals__, name, rule.__defaults__, rule.__closure__)
    copy.__kwdefaults__ = rule.__kwdefaults__
    copy.__doc__ = None
    return copy
