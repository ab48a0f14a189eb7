"""The sentences of an explanation, shared by the terminal and the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.commands.explaining.classifier import HIDDEN
from tinygrad_xent.commands.explaining.explanation import Explanation, Training
from tinygrad_xent.visualization.formatting import brief, count, number
from tinygrad_xent.visualization.naming import printable
from tinygrad_xent.visualization.tracing import Backward, Trace

MOST_CLASSES = 12
_FEW = 5

NOTATION = (
    "∂x is the gradient of the loss with respect to x; a bracket [...] is 1 where it is true, else "
    "0. Each tensor passes its complete gradient to the backward rule of its op, and the "
    "rule sends each input its share. The shares that reach a tensor are added."
)
LOOK_THROUGH = (
    "The loss is computed from the logits behind p: the value is the same, and keeps its digits "
    "even where p is nearly 0 or 1."
)
METHOD = (
    "Each entry is moved a little up and down, and the loss computed again: the gradient should "
    "equal this slope. Differences are relative to the largest entry of the gradient."
)


def training_sentences(training: Training) -> list[str]:
    """Return sentences on the training, its accuracy, and the row that is explained."""
    table, classifier = training.table, training.classifier
    held_out, classes = classifier.held_out, len(table.classes)
    right = round(classifier.accuracy * len(held_out))
    label = shortened(table.classes[table.labels[training.row]])
    (example,) = np.flatnonzero(held_out == training.row)
    predicted = shortened(table.classes[classifier.predicted[example]])
    verdict = (
        "as the classifier predicts"
        if predicted == label
        else f"the classifier predicts {predicted}"
    )
    content = (
        f"{printable(table.source)}: {training.content}, {classes} classes in column "
        f"'{printable(table.label)}'."
    )
    success = (
        f"A classifier ({count(len(table.columns), 'feature')}, {HIDDEN} hidden units, {classes} "
        f"logits) learned from {len(classifier.trained_on):,} rows in {training.seconds:.1f} s "
        f"(seed {training.seed}). It is right on {right:,} of the {len(held_out):,} rows held "
        f"out: {100 * classifier.accuracy:.1f} %."
    )
    choice = (
        f"Of those, row {table.rows[training.row]} of the file has the largest loss: the label is "
        f"{label}, {verdict}."
    )
    return [content, success, choice]


def class_rows(e: Explanation) -> tuple[tuple[str, ...], list[tuple[int, tuple[str, ...]]], int]:
    """Return the table of classes: its head, its rows by class, and how many are left out."""
    order = list(range(len(e.classes)))
    if len(order) > MOST_CLASSES:  # keep the labels and the largest gradients
        order.sort(key=lambda i: (e.labels[i] <= 0, -abs(e.gradient[i])))
        order = sorted(order[:MOST_CLASSES])
    names = [shortened(e.classes[i]) for i in order]
    rows = []
    for i, name in zip(order, names, strict=True):
        cells = (decimal(e.probs[i]), number(e.labels[i]), decimal(e.gradient[i], signed=True))
        rows.append((i, (name, *((decimal(e.given.data[i]),) if e.from_logits else ()), *cells)))
    head = ("logit z", "softmax p") if e.from_logits else ("prob p",)
    return ("class", *head, "label t", gradient_name(e)), rows, len(e.classes) - len(order)


def gradient_name(e: Explanation) -> str:
    """Return the gradient with respect to logits as a formula, and to probabilities as a name."""
    if not e.from_logits:
        return "∂probs"
    return "p − t" if np.isclose(np.sum(e.labels), 1, rtol=0, atol=1e-6) else "p Σt − t"


def loss_sentence(e: Explanation) -> str:
    """Return the loss with its formula."""
    loss = number(e.loss.data)
    if e.target is None:
        return f"loss = −Σᵢ tᵢ ln pᵢ = {loss}"
    p = np.exp(-e.loss.data)  # as the loss used it, after clipping
    middle = f"−ln {number(p)} = " if p else ""
    return f"loss = −ln p[{shortened(e.classes[e.target])}] = {middle}{loss}"


def gradient_sentences(e: Explanation) -> list[str]:
    """Return sentences on the gradient with respect to the logits or probabilities."""
    what, gradient = ("logit" if e.from_logits else "probability"), e.gradient
    sentences = []
    if e.from_logits:
        sentences.append(
            f"{gradient_name(e)} is the gradient of the loss with respect to the logits: ∂logits."
        )
    else:
        sentences.append("∂probs is the gradient of the loss with respect to the probabilities.")
        if e.target is not None and e.probs[e.target] < 1e-7:
            sentences.append(
                "A probability below 1e-7 counts as 1e-7, and no gradient passes this limit: "
                "nothing can be learned here. A loss from logits has no such limit."
            )
    if not np.isfinite(gradient).all() or not gradient.any():
        return sentences
    low, high = int(np.argmin(gradient)), int(np.argmax(gradient))
    raised = (
        f"raise the {what} of {shortened(e.classes[low])} ({decimal(gradient[low], signed=True)})"
    )
    lowered = f"lower that of {shortened(e.classes[high])} ({decimal(gradient[high], signed=True)})"
    moves = [*([raised] if gradient[low] < 0 else []), *([lowered] if gradient[high] > 0 else [])]
    sentences.append(f"A step against it makes the loss smaller: {' and '.join(moves)}.")
    return sentences


def called(event: Backward, trace: Trace) -> str:
    """Return how the sender was computed: a call of its op."""
    made = next(e for e in trace.forward if e.tensor is event.tensor)
    return f"{event.name} = {event.op}({', '.join(filter(None, made.inputs))})"


def check_sentence(e: Explanation) -> str:
    """Return the verdict on all gradients in one sentence."""
    entries = sum(c.checked for c in e.check)
    wrong = [f"∂{c.name}" for c in e.check if c.verdict == "wrong"]
    unclear = sum(c.verdict == "unclear" for c in e.check)
    if wrong:
        others = count(len(e.check) - len(wrong), "other gradient")
        return f"WRONG: {', '.join(wrong)}. {others} agree."
    if unclear == len(e.check):
        return "Nothing could be checked: the loss is not finite."
    worst = number(max(c.error for c in e.check))
    accuracy = f"{count(entries, 'entry')}, off by {worst} at most."
    right = len(e.check) - unclear
    if unclear:
        return f"{right} gradients are right, {unclear} could not be checked: {accuracy}"
    return f"All {right} gradients are right: {accuracy}"


def summary(array: Any) -> str:
    """Return a small array in full, and the shape, norm and largest entries of a large one."""
    array = np.asarray(array)
    if array.size <= _FEW:
        return brief(array)
    shape = _extent(array)
    if not np.isfinite(array).all():
        return f"{shape}, {brief(array)}"
    if not array.any():
        return f"{shape}, all 0"
    flat = np.abs(array.reshape(-1))
    order = np.argsort(flat, kind="stable")[::-1][:2]
    largest = []
    for place in order:
        index = np.unravel_index(place, array.shape)
        largest.append(f"{number(array[index])} at [{', '.join(map(str, map(int, index)))}]")
    return f"{shape}, norm {number(np.linalg.norm(flat))}, largest {', '.join(largest)}"


def outline(array: Any) -> str:
    """Return a small array in full, and the shape and range of a large one."""
    array = np.asarray(array)
    if array.size <= _FEW:
        return brief(array)
    return f"{_extent(array)}, {brief(array, 0)}"


def _extent(array: Any) -> str:
    return count(array.size, "entry") if array.ndim == 1 else " × ".join(map(str, array.shape))


def decimal(x: Any, *, signed: bool = False) -> str:
    """Return a number with four decimals, so that columns align; a tiny one as 1e-06.

    Examples
    --------
    >>> [decimal(x) for x in (0.5, 0.0, 1.0, 3e-6, 12345.6)], decimal(0.25, signed=True)
    (['0.5000', '0', '1.0000', '3e-06', '1.23e+04'], '+0.2500')
    """
    x = float(x)
    sign = "+" if signed else ""
    if x == 0 or not np.isfinite(x):
        return number(x)
    if abs(x) < 5e-4:
        return f"{x:{sign}.0e}"
    return f"{x:{sign}.4f}" if abs(x) < 1000 else sign * (x > 0) + number(x)


def shortened(text: str, most: int = 20) -> str:
    """Return a printable name, shortened in the middle if it is long."""
    text = printable(text)
    return text if len(text) <= most else f"{text[: most - 8]}…{text[-7:]}"
