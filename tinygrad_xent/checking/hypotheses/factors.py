"""Wrong as a whole: missing, of the other sign, a multiple, or not linear in the upstream one."""

import math
from collections.abc import Iterator
from numbers import Real
from typing import Any

import numpy as np

from tinygrad_xent.checking.case import Case, Claim
from tinygrad_xent.checking.hypotheses.entries import written
from tinygrad_xent.visualization.formatting import number

_LOUDER = 1e3  # so large an upstream gradient leaves whole numbers, if not only zeros


def missing_gradient(case: Case) -> Iterator[Claim]:
    """None or zeros, where there is a gradient."""
    if not np.isfinite(case.got).all():
        return
    if all(np.asarray(r).dtype.kind in "iub" for r in case.raw):
        louder = case.upstream * (_LOUDER / case.scale)
        again = case.vjp(case.subject.inputs, case.out, louder, case.x.shape)
        if again is not None and again.any():
            return  # whole numbers: the digits after the point are what is missing
    nothing = all(r is None for r in case.raw)
    if nothing or (np.abs(case.got) <= 1e-12 * case.scale).all():
        most = np.abs(case.got).max()
        what = f"nothing larger than {number(most)}" if most else "only zeros"
        what = "None" if nothing else what
        arriving = f"{case.arriving} " if case.arriving else ""
        yield Claim(
            "missing-gradient",
            f"The rule returns {what} for {{name}}, but the output depends on {{name}}: "
            f"{arriving}its gradient should have entries of up to "
            f"{number(np.abs(case.expected[case.shown]).max())}.",
            None,
            "Return one gradient for each input, in the order of the inputs."
            if case.subject.is_rule
            else "Look for an array, or .data, in place of a Tensor: it cuts the graph.",
        )


def wrong_sign(case: Case) -> Iterator[Claim]:
    """Minus the right gradient."""
    yield Claim(
        "wrong-sign",
        "The gradient of {name} has the wrong sign everywhere; its size is right.",
        -case.got,
        "Look for a minus sign too few or too many, as in the derivative of -x or of 1/x.",
        undo="change its sign",
    )


def constant_factor(case: Case) -> Iterator[Claim]:
    """The right gradient times the same number in every entry."""
    factor = _ratio(case.got, case.expected)
    if factor is None or factor <= 0 or math.isclose(factor, 1, rel_tol=1e-6):
        return
    unnamed = "Every entry is off by the same factor: look for a constant."
    exactly, hint = _meaning(factor, case) or (written(factor), unnamed)
    yield Claim(
        "constant-factor",
        f"The gradient of {{name}} is {exactly} times what it should be, in every entry.",
        case.got / factor,
        hint,
        (f"factor {factor:.12g}",),
        undo=f"divide it by {exactly.removeprefix('exactly ')}",
    )


def _ratio(got: Any, expected: Any) -> float | None:
    """The ratio that most of the large entries have, from the first upstream gradients."""
    got, expected = got[:2], expected[:2]
    with np.errstate(all="ignore"):
        large = np.isfinite(got) & (np.abs(expected) > 1e-3 * np.nanmax(np.abs(expected)))
        ratios = got[large] / expected[large]
    return float(np.median(ratios)) if ratios.size else None


def _meaning(factor: float, case: Case) -> tuple[str, str] | None:
    """Return what a factor equals here, and a hint at what was forgotten."""
    for value, what, more, less in _numbers(case):
        if value == 1 or not 0 < value < math.inf:
            continue
        for power, text, hint in ((value, "", more), (1 / value, "1/", less)):
            if math.isclose(factor, power, rel_tol=1e-6) and _follows(case, what, power == value):
                return f"exactly {text}{number(value)}" + f" ({what})" * bool(what), hint
    return None


def _follows(case: Case, what: str, times: bool) -> bool:
    """Whether the factor changes with what it is taken for, in smaller arrays: a 2 may be a 2."""
    for smaller in case.smaller:
        factor = abs(_ratio(smaller.got, smaller.expected) or 0.0)
        alike = [value for value, said, *_ in _numbers(smaller) if said == what]
        close = (math.isclose(factor, n if times else 1 / n, rel_tol=1e-6) for n in alike)
        if factor and alike and not any(close):
            return False
    return True


_LENGTH = (
    "Did you forget to divide by N, as a mean of N entries does?",
    "Did you divide by it where the function sums, or twice where it takes the mean?",
)
_REPEATS = (
    "Does the rule count the repetitions that broadcasting makes once too often?",
    "Broadcasting repeats it: its gradient is the sum of the repetitions, not the mean.",
)
_TWO = (
    "Is a factor 2 counted twice, or 1/2 of the function forgotten?",
    "Look for a factor 2 that differentiating brings down, as in the derivative of a square.",
)
_CONSTANT = (
    "Look for a constant that is counted once too often.",
    "Look for a constant that differentiating brings down.",
)


def _numbers(case: Case) -> Iterator[tuple[float, str, str, str]]:
    """Numbers that a factor may be: its value, what it is here, and a hint for it and 1 over it."""
    x, y, subject = case.x, case.out, case.subject
    if x.ndim > 1 and y.size == 1:
        yield len(x), "the batch size", *_LENGTH
    if y.size and x.size % y.size == 0:
        what = f"the number of entries of {case.name} that go into one of the output"
        yield x.size // y.size, what, *_LENGTH
    for axis, length in enumerate(x.shape):
        yield length, f"the length of axis {axis} of {case.name}", *_LENGTH
    if y.size > 1 and x.size and y.size % x.size == 0:
        yield y.size // x.size, f"how often broadcasting repeats {case.name}", *_REPEATS
    others = zip(subject.names, subject.inputs, strict=True)
    single = [("input", name, n) for name, n in others if name != case.name and np.size(n) == 1]
    single += [("parameter", name, n) for name, n in subject.params.items()]
    for kind, name, value in single:
        if isinstance(value, Real | np.ndarray):
            more, less = f"Is {name} counted once too often?", f"Was {name} forgotten?"
            yield abs(float(np.asarray(value).flat[0])), f"the {kind} {name}", more, less
    yield 2.0, "", *_TWO
    for length in {*x.shape, *y.shape, x.size, y.size}:
        yield length, "a length of the arrays", *_LENGTH
    logarithms = (math.log(2), "ln 2"), (math.log(10), "ln 10"), (math.e, "e"), (math.pi, "π")
    for value, name in logarithms:
        hint = f"Look for {name}, as in logarithms of another base."
        yield value, name, hint, hint
    for k in (3, 4, 5, 6, 8, 10):
        yield k, "", *_CONSTANT


def ignores_upstream(case: Case) -> Iterator[Claim]:
    """The same for every upstream gradient: right only at the end of the graph."""
    got = case.got
    if not np.isfinite(got).all() or not got.any() or not np.ptp(case.upstream[:-1], axis=0).any():
        return
    if (np.abs(got - got[0]) > 1e-9 * np.abs(got).max()).any():
        return
    # Then the gradient for an upstream gradient of ones must be right: only that is known of it.
    ones = np.broadcast_to(got[-1], got.shape)
    corrected = case.expected + (ones - case.expected[-1])
    yield Claim(
        "ignores-upstream",
        "The gradient of {name} is the same for every upstream gradient: the rule returns its own "
        "slope without multiplying it by grad.",
        corrected,
        "By the chain rule every gradient is the local slope times the upstream gradient.",
    )
    if case.out.size == 1 or case.out.shape == case.x.shape:
        entries = (1,) * case.x.ndim if case.out.size == 1 else case.x.shape
        yield Claim(
            "ignores-upstream",
            "The gradient of {name} is the same for every upstream gradient.",
            case.got * case.upstream.reshape(-1, *entries),
            "By the chain rule every gradient is the local slope times the upstream gradient.",
            undo="multiply it by grad",
        )


def not_linear(case: Case) -> Iterator[Claim]:
    """Twice the upstream gradient does not give twice the gradient."""
    if len(case.upstream) > 2 and not case.linear:
        yield Claim(
            "wrong-formula",
            "The rule for {name} is not linear in grad: twice the upstream gradient does not give "
            "twice the gradient of {name}.",
            None,
            "Look for grad in another factor, a condition or a rounding; or for other inputs that "
            "were updated with it.",
        )
