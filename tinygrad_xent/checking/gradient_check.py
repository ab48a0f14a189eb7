"""`gradcheck`: a rule, or a whole backward pass, against differences."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from tinygrad_xent.checking.case import Case
from tinygrad_xent.checking.diagnosis import Diagnosis
from tinygrad_xent.checking.fast import along_directions
from tinygrad_xent.checking.graph_check import Stop, check_graph, gradients_until_stopped
from tinygrad_xent.checking.hypotheses import diagnose, function_not_finite, kink
from tinygrad_xent.checking.judging import Judged, judge, judge_with_rounding
from tinygrad_xent.checking.report import GradcheckReport
from tinygrad_xent.checking.side_effects import copy_array
from tinygrad_xent.checking.slopes import EPSILON
from tinygrad_xent.checking.subjects import (
    FAILURES,
    STOPS,
    GradientSubject,
    Subject,
    cannot_run,
    fitted,
    is_real,
    keywords_of,
    precise,
    second_only,
    subject_of,
)
from tinygrad_xent.checking.through_graph import way_of
from tinygrad_xent.errors import ArgumentError, InPlaceError, NotRecordedError, RuleResultError
from tinygrad_xent.graph import Node
from tinygrad_xent.op import Op

_HALF = float(np.finfo(np.float16).eps)  # so much rounding hides a mistake
_NO_DIGIT = 0.1  # of the largest entry: so large a difference that rounding may explain
_OF_GRAPHS = {"wrt", "seed", "limit"}
_OF_SHAPES = re.compile(r"shape|broadcast|dimension|\bsize|\baxes|\baxis|unpack|length")
_OF_DTYPES = {"wrong-dtype", "wrong-shape"}  # said of the dtype that was handed in
_UPSTREAM = 4  # random ones, to explain: the first fit what a claim leaves open, the others test it


def gradcheck(
    f: Any,
    *inputs: Any,
    order: Literal[1, 2] | Any = None,
    mode: Literal["full", "fast"] | Any = None,
    rng: np.random.Generator | Any = None,
    **params: Any,
) -> GradcheckReport:
    """Compare gradients with differences of the function, and say what is wrong with them.

    Parameters
    ----------
    f : Op, callable or Tensor
        What to check. Of an op: its hand-written rule, input by input. Of a function of Tensors
        that returns a Tensor: its backward pass. Of a recorded Tensor, such as a loss: the gradient
        of every tensor that it was computed from. A function without inputs is called, and what it
        returns is checked like a recorded Tensor.
    *inputs : array_like or Tensor
        Where to check. Whole numbers are held constant, unless a rule returns a gradient for them
        or no input is floating.
    order : 1 or 2, optional
        2 checks the rule of the rule too: the rule is run on Tensors, and differentiated.
    mode : "full" or "fast", optional
        Every entry, or along a random direction or two: see `GradcheckReport.can_miss`.
    rng : numpy.random.Generator, optional
        Draws the upstream gradients, the directions, and the entries of large tensors.
    **params
        Keyword parameters of `f`. Those called `order`, `mode` or `rng` go to `f` too, if it has
        them; for the check's own hand over a function: `lambda x: f(x, order=3)`. A recorded Tensor
        takes three. `wrt`: the tensors whose gradients to check, all by default. `seed`: its own
        gradient, 1 by default where it is a scalar. `limit`: at most how many entries of a tensor
        to check, chosen at random; 5,000 by default.

    Returns
    -------
    GradcheckReport
        True if nothing is wrong; else its `diagnosis` says what.

    Raises
    ------
    ArgumentError
        If `f` cannot be checked, or an argument does not belong to it.
    DtypeError
        If no input is floating.
    NotRecordedError
        If a function returns no Tensor.
    MissingRuleError
        If an op has no rule.
    NotScalarError, ShapeError, StaleGraphError, NotInGraphError
        If a recorded Tensor has no such backward pass.

    Examples
    --------
    >>> import tinygrad_xent as tx
    >>> bool(gradcheck(tx.softmax, [[1.0, 2.0, 3.0]]))
    True
    >>> bool(gradcheck(lambda x: (x * x).sum(), [1.0, 2.0], order=2))
    True
    >>> x = tx.Tensor([1.0, 2.0], name="x")
    >>> print(gradcheck((x * x).sum()))
    tensor  entries  largest error  verdict
    v2      1        ...            right
    v1      2        ...            right
    x       2        ...            right
    """
    own: dict[str, Any] = {"order": order, "mode": mode, "rng": rng}
    theirs = own.keys() & keywords_of(f, len(inputs))
    params |= {name: own.pop(name) for name in theirs if own[name] is not None}
    order, mode, rng = own.get("order"), own.get("mode"), own.get("rng")
    order, mode = 1 if order is None else order, "full" if mode is None else mode
    if order not in (1, 2) or mode not in ("full", "fast"):
        raise ArgumentError(
            f'gradcheck has order=1 or 2 and mode="full" or "fast", got {order!r} and {mode!r}'
        )
    rng = np.random.default_rng(0 if rng is None else rng)
    if callable(f) and not isinstance(f, Op) and not inputs and params.keys() <= _OF_GRAPHS:
        f = _returned(f)
    if isinstance(f, Node):
        if inputs or order == 2 or mode == "fast" or not params.keys() <= _OF_GRAPHS:
            raise ArgumentError(
                "a recorded Tensor is checked as it was recorded: gradcheck(loss) takes wrt, seed, "
                "limit and rng. For other inputs, order=2 or mode='fast', hand over the function "
                "that computes it: gradcheck(function, x)"
            )
        return _check_graph(f, rng, **params)
    subject = subject_of(f, inputs, params)
    check = _fast if mode == "fast" else _check
    report = check(subject, rng)
    return _second(subject, report, rng, check) if order == 2 and report.ok else report


def _returned(f: Callable[[], Any]) -> Node:
    """Call a function without inputs, and return the Tensor that it recorded."""
    output = f()
    if not isinstance(output, Node):
        raise NotRecordedError(
            f"`{getattr(f, '__name__', 'the function')}` returned {type(output).__name__}, not a "
            "Tensor: nothing was recorded that could be checked"
        )
    return output


def _check_graph(
    output: Node,
    rng: np.random.Generator,
    *,
    wrt: Node | Iterable[Node] | None = None,
    seed: Any = None,
    limit: int = 5000,
) -> GradcheckReport:
    """Check a recorded graph; where a gradient goes wrong, check the op's rule there by itself."""
    with np.errstate(all="ignore"):
        subject, cases, stop = check_graph(output, wrt=wrt, seed=seed, limit=limit, rng=rng)
        diagnoses = _stopped(stop, subject, limit) if stop else []
    if diagnoses:
        hint = f"{diagnoses[-1].hint} The backward pass stops there: nothing behind it was checked."
        diagnoses[-1] = replace(diagnoses[-1], hint=hint.strip())
    for node in dict.fromkeys(node for case in cases for node in case.blamed):
        diagnoses += _of_rule(node, limit)
    if not np.isfinite(subject.output.data).all():
        diagnoses.append(function_not_finite(", ".join(subject.names), subject.output.data))
    return GradcheckReport(subject, cases, tuple(diagnoses), whole=output)


def _of_rule(node: Node, limit: float = np.inf) -> list[Diagnosis]:
    """Check the rule of one op of a graph by itself, unless its inputs are too large."""
    inputs = [x.data if isinstance(x, Node) else x for x in node.inputs]
    if node.op is None or max(map(np.size, inputs)) > limit:
        return []
    rule = subject_of(node.op, inputs, node.params)
    named = f"{rule.name}: "
    return [
        found if rule.name in found.message else replace(found, message=named + found.message)
        for found in _check(rule, np.random.default_rng(0)).diagnoses
        if found.of_rule
    ]


def _fast(subject: Subject, rng: np.random.Generator) -> GradcheckReport:
    """Check along directions; in full where something is wrong, to find what."""
    with np.errstate(all="ignore"):
        try:
            along = along_directions(subject, rng)
        except STOPS:
            along = None
    if along is None or not all(found.ok for found in along) or subject.side_effects.found:
        return _check(subject, rng)
    return GradcheckReport(subject, (), (), along=along)


def _second(
    subject: Subject,
    first: GradcheckReport,
    rng: np.random.Generator,
    check: Callable[[Subject, np.random.Generator], GradcheckReport],
) -> GradcheckReport:
    """Check the rule of a rule that was found right."""
    try:
        with np.errstate(all="ignore"):
            out = subject.value(subject.inputs)
            rule = GradientSubject(subject, rng.normal(size=out.shape).astype(out.dtype))
            rule.vjp(rule.value(rule.inputs), None, rule.inputs)
    except FAILURES as error:
        return replace(first, order=2, diagnoses=(cannot_run(error, subject.name),))
    report = check(rule, rng)
    diagnoses = tuple(
        second_only(found, subject.name) if found.of_rule else found for found in report.diagnoses
    )
    return replace(
        report,
        subject=first.subject if not report.along else report.subject,
        order=2,
        cases=(*first.cases, *report.cases),
        diagnoses=(*first.diagnoses, *diagnoses),
    )


def _check(subject: Subject, rng: np.random.Generator) -> GradcheckReport:
    """Check every entry; one random upstream gradient shows that something is wrong.

    What is wrong is told from a run in double precision: rounding hides nothing there. In half
    precision, and where rounding leaves no digit, this run finds what is wrong, too.
    """
    report = _compared(subject, rng, 1)
    if report.ok and report[0].epsilon < _HALF and all(case.error < _NO_DIGIT for case in report):
        return report
    if subject.precision() > EPSILON:
        double = _check(subject.at(tuple(map(precise, subject.inputs))), rng)
        if not double.ok and not _of_dtypes(double):
            return double
    return report if report.ok else _compared(subject, rng, _UPSTREAM)


def _of_dtypes(report: GradcheckReport) -> bool:
    """Whether a diagnosis is about the dtype or shape of a result, and not about its numbers."""
    whole = any(np.asarray(r).dtype.kind in "iub" for case in report for r in case.raw)
    return not whole and any(found.code in _OF_DTYPES for found in report.diagnoses)


def _compared(subject: Subject, rng: np.random.Generator, number: int) -> GradcheckReport:
    with np.errstate(all="ignore"):
        out = subject.value(subject.inputs)
        kind = out.dtype if out.dtype.kind == "f" else np.float64
        draws = rng.normal(size=(number, *out.shape))
        draws[0].flat[:1] = -np.abs(draws[0].flat[:1])  # so that not all are positive, as ones are
        upstream = np.concatenate([draws, np.ones((1, *out.shape))]).astype(kind)
        raw, stop = _ask(subject, out, upstream)
        if not stop:
            again = subject.vjp(upstream[0], out, subject.inputs)
            subject.side_effects.compare_answers("The rule", subject.names, raw[0], again)
        cases = []
        for i, x in enumerate(subject.inputs):
            if is_real(x):
                answers = [r[i] if i < len(r) else None for r in raw]
                case = _case(subject, i, out, upstream, answers)
                cases.append(case)
        cases = [replace(case, others=cases) for case in cases]
        wrong = [case for case in cases if case.wrong]
        if wrong or any(case.verdict == "unclear" for case in cases):
            again = subject.value([copy_array(x) for x in subject.inputs])
            subject.side_effects.compare_answers("The function", ["its output"], [out], [again])
        side_effects = list(subject.side_effects.found.values())
        if any(found.code == "not-repeatable" for found in side_effects):
            # Nothing else is certain.
            return GradcheckReport(subject, tuple(cases), tuple(side_effects))
        if stop:
            diagnoses = _stopped(stop, subject)
        else:
            diagnoses = [found for case in wrong for found in diagnose(case)]
        diagnoses += side_effects
        if not np.isfinite(out).all() and any(case.unclear for case in cases):
            diagnoses.append(function_not_finite(", ".join(subject.names), out))
        diagnoses += [kink(case) for case in cases if case.kinks and not case.wrong]
        return GradcheckReport(subject, tuple(cases), tuple(diagnoses))


def _ask(subject: Subject, out: Any, upstream: Any) -> tuple[list[tuple[Any, ...]], Stop | None]:
    """Call the rule for each upstream gradient; what it raises about its arrays is a finding."""
    try:
        return [subject.vjp(np.asarray(g), out, subject.inputs) for g in upstream], None
    except STOPS as error:
        node = None
        if (recorded := subject.record(subject.inputs)) is not None:
            _, stop = gradients_until_stopped(recorded[0], upstream[0])
            node = stop.node if stop else None
        return [() for _ in upstream], Stop(error, node)


def _case(subject: Subject, i: int, out: Any, upstream: Any, raw: Sequence[Any]) -> Case:
    x = subject.inputs[i]
    way = way_of(subject, i, out)
    found = way.slopes(precise(x), precise(upstream))
    parts = [fitted(r, x.shape) for r in raw]
    got = None if any(p is None for p in parts) else np.stack(parts)
    epsilon = subject.precision(out)
    judged: Judged | None = None
    expected, tolerance = found.value, 2 * found.error
    if got is not None:
        judged = judge(got, found, upstream, epsilon)
        if judged.wrong.any() or judged.kink.any():
            judged = judge_with_rounding(subject, i, out, upstream, got, found, epsilon, way)
        tolerance = judged.allowed
        expected = judged.expected
    return Case(subject, i, out, upstream, raw, got, expected, tolerance, epsilon, judged)


def _stopped(stop: Stop, subject: Subject, limit: float = np.inf) -> list[Diagnosis]:
    """Return what is wrong with a rule that raises an error, or returns what nothing can use."""
    if stop.node is not None and (found := _of_rule(stop.node, limit)):
        return found
    error, message = stop.error, f"The rule stops: {str(stop.error) or type(stop.error).__name__}"
    hint = "Write the shapes of grad, the output and the inputs beside the line that stops."
    code = "wrong-shape"
    if isinstance(error, RuleResultError):
        message = f"{str(error)[:1].upper()}{str(error)[1:]}."
        hint = "Write None for an input that has no gradient."
    elif isinstance(error, InPlaceError):
        code, hint = "in-place", ""  # the message says what to write instead
    elif isinstance(error, np.exceptions.AxisError):
        code = "wrong-axis"
    elif not isinstance(error, IndexError) and not _OF_SHAPES.search(str(error)):
        code, hint = "unknown", "Look at the numbers that reach the line that stops."
    return [Diagnosis(code, message, ", ".join(subject.names), (type(error).__name__,), hint)]
