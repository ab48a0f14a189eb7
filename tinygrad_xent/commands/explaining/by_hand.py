"""The explanation of a loss given by hand, as text."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_xent.commands.explaining.explanation import Explanation, explain_loss
from tinygrad_xent.errors import NumbersError
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.naming import printable


def explain_numbers(
    numbers: str, *, target: str | None = None, labels: str | None = None, probs: bool = False
) -> Explanation:
    """Explain the loss of numbers such as "2,1,0.1".

    Parameters
    ----------
    numbers : str
        Logits, or probabilities if `probs` is set; separated by commas or spaces.
    target : str, optional
        The true class, counted from 0.
    labels : str, optional
        Dense labels, one for each class, instead of the target.
    probs : bool

    Raises
    ------
    NumbersError
        If an argument is not valid, or two do not fit together. The message is one line.
    """
    option = "--probs" if probs else "--logits"
    values = parse_numbers(option, numbers)
    notes = _check_probs(values) if probs else _check_logits(values)
    given = Tensor(values, name="probs" if probs else "logits")
    if target is not None:
        true_class = _class(target, len(values), option)
        return explain_loss(given, from_logits=not probs, target=true_class, notes=notes)
    if labels is None:
        raise NumbersError('which class is true? Add --target 0, or --labels "0.7,0.2,0.1"')
    dense = parse_numbers("--labels", labels)
    if len(dense) != len(values):
        raise NumbersError(
            f"--labels has {len(dense)} numbers, {option} {len(values)}; give one for each class"
        )
    notes += _check_labels(dense)
    return explain_loss(given, from_logits=not probs, labels=dense, notes=notes)


def parse_numbers(option: str, text: str) -> list[float]:
    """Return the numbers in a text, separated by commas, semicolons or spaces."""
    example = f'{option} "{"2,1,0.1" if option == "--logits" else "0.7,0.2,0.1"}"'
    words = text.replace(";", ",").replace(",", " ").split()
    found: list[float] = []
    for i, word in enumerate(words, 1):
        try:
            x = float(word)
        except ValueError:
            x = math.nan
        if math.isnan(x):
            raise NumbersError(
                f"{option}: '{printable(word)}' (number {i} of {len(words)}) is not a number; "
                f"write {example}"
            )
        found.append(x)
    if len(found) < 2:
        has = f"has only one number ({number(found[0])})" if found else "is empty"
        raise NumbersError(f"{option} {has}; give one number for each class: {example}")
    return found


def _check_logits(values: list[float]) -> tuple[str, ...]:
    if math.inf in values:
        raise NumbersError(
            "--logits has an infinite number; only -inf is allowed, for an impossible class"
        )
    if not np.isfinite(values).any():
        raise NumbersError("--logits are all -inf; at least one class must be possible")
    return ()


def _check_probs(values: list[float]) -> tuple[str, ...]:
    for i, p in enumerate(values):
        if not 0 <= p <= 1:
            raise NumbersError(
                f"--probs: {number(p)} (number {i + 1}) is not a probability, which lies between 0 "
                "and 1; use --logits for scores of any size"
            )
    total = math.fsum(values)
    if total == 0:
        raise NumbersError("--probs are all 0; they should sum to 1")
    if abs(total - 1) > 1e-6:
        return (
            f"The probabilities sum to {total:.6g}, not 1: the loss divides them by their sum.",
        )
    return ()


def _check_labels(values: list[float]) -> tuple[str, ...]:
    if not np.isfinite(values).all():
        raise NumbersError("--labels has an infinite number; give probabilities that sum to 1")
    total = math.fsum(values)
    odd = f"sum to {total:.6g}, not 1" if abs(total - 1) > 1e-6 else "are not all from 0 to 1"
    if abs(total - 1) <= 1e-6 and min(values) >= 0:
        return ()
    return (f"The labels {odd}: the loss and its gradient use them unchanged.",)


def _class(text: str, classes: int, option: str) -> int:
    what = f"{option} has {classes} classes, from 0 to {classes - 1}"
    try:
        target = int(text)
    except ValueError:
        raise NumbersError(
            f"--target: '{printable(text)}' is not a whole number; {what}. For a distribution use "
            "--labels"
        ) from None
    if not 0 <= target < classes:
        raise NumbersError(f"--target {target} is out of range; {what}")
    return target
