"""What a dialect says of a case, in the form in which the frameworks' answers were recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from golden import Case

import tinygrad_xent as tx
from tinygrad_xent.comparing.dialects import framework_error
from tinygrad_xent.derivatives import gradients_or_none

# In units of eps * max(1, |value|), with the eps of the coarsest dtype in the case. In brackets the
# worst found: sums are added in another order, exp and log have another last bit.
TOLERANCE = {"float16": 2, "float32": 3, "float64": 3}  # (2.0, 2.71, 3.0)


@np.errstate(all="ignore")
def ask(dialect: str, case: Any) -> dict[str, Any]:
    """Return loss and gradients, the name of the error, or why there is no such call."""
    x, labels, given, from_logits = tx.Tensor(case.array), case.labels, None, case.from_logits
    if case.labels_kind == "dense" and labels.dtype.kind == "f":
        labels = tx.Tensor(labels)
    answer: dict[str, Any] = {"grad": None, "grad_labels": None}
    try:
        if dialect == "keras2-graph":  # recorded is what a softmax of the logits gives
            given = tx.softmax(x, axis=case.axis) if from_logits else case.array
            from_logits = False
        loss = tx.crossentropy_as(
            dialect,
            labels,
            x if given is None else given,
            from_logits=from_logits,
            axis=case.axis,
            sparse=case.labels_kind == "sparse",
        )
    except tx.errors.TinygradXentError as error:
        theirs = framework_error(dialect, error)
        if "does not fit" in str(error):  # it was the softmax's
            return {"error": theirs}
        if theirs is None:
            return {"unsupported": str(error)}
        named = f"({dialect} raises {theirs})" in str(error)
        return {"error": theirs if named else str(error)}
    answer["loss"] = loss.data
    seed = np.resize(case.upstream, loss.shape).astype(loss.dtype)
    for name, source in {"grad": x, "grad_labels": labels}.items():
        if isinstance(source, tx.Tensor):
            try:
                (answer[name],) = gradients_or_none(loss, [source], seed, create_graph=False)
            except tx.errors.DialectFaultError as error:
                answer[f"{name}_error"] = framework_error(dialect, error)
        if case.entries and answer[name] is not None:
            answer[name] = np.array([answer[name][tuple(place)] for place in case.entries])
    return answer


def differences(
    found: dict[str, Any], recorded: dict[str, Any], case: Case, slack: float = 1
) -> list[str]:
    """Return what in an answer is not as recorded, within `slack` times the tolerance."""
    if "unsupported" in found or "unsupported" in recorded:
        both = "unsupported" in found and "unsupported" in recorded
        return [] if both else [f"{found}, recorded {recorded}"]
    wrong = [
        f"{name} is {found.get(name)}, recorded {recorded.get(name)}"
        for name in ("error", "grad_error", "grad_labels_error")
        if found.get(name) != recorded.get(name)
    ]
    if "error" in found or "error" in recorded:
        return wrong
    floats = [d for d in (case.array.dtype, case.labels.dtype) if d.kind == "f"]
    for name in ("loss", "grad", "grad_labels"):
        mine, theirs = found[name], recorded[name]
        if mine is None or theirs is None:
            same = mine is theirs
        else:
            same = (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)
            coarsest = max((theirs.dtype, *floats), key=lambda d: np.finfo(d).eps)
            same = same and distance(mine, theirs, coarsest) <= slack * TOLERANCE[coarsest.name]
        if not same:
            wrong.append(f"{name} is {mine}, recorded {theirs}")
    return wrong


def distance(found: Any, recorded: Any, dtype: Any) -> float:
    """Return the largest difference of two arrays in units of the dtype's rounding."""
    found, wanted = found.astype(float), recorded.astype(float)
    finite = np.isfinite(wanted)
    if not np.array_equal(found[~finite], wanted[~finite], equal_nan=True):
        return np.inf
    found, wanted = found[finite], wanted[finite]
    unit = float(np.finfo(dtype).eps) * np.maximum(1, np.abs(wanted))
    error: float = np.max(np.abs(found - wanted) / unit, initial=0)
    return np.inf if np.isnan(error) else error
