"""What the page says in words. Sentences are lists of text and of names, which are set apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent.graph import Node
from tinygrad_xent.visualization.formatting import brief, count
from tinygrad_xent.visualization.naming import looked_through
from tinygrad_xent.visualization.player.wrong_order import WrongOrder
from tinygrad_xent.visualization.tracing import Backward, Trace

Sentence = list[Any]


def named(name: str) -> dict[str, str]:
    """Mark a name in a sentence."""
    return {"name": name}


def aside(node: Node, trace: Trace) -> Sentence:
    """Say what a loss looked through, if this is where it did."""
    probs = looked_through(node)
    if probs is None:
        return []
    why = ", the output of a softmax. It goes back to the logits: the same loss, with more digits."
    return ["The loss was given ", named(trace.names[probs]), why]


def start(event: Backward) -> Sentence:
    """Say how the backward pass begins."""
    grad = f" with the gradient {brief(event.incoming)}."
    return ["The backward pass starts at ", named(event.name), grad]


def mistakes(event: Backward, trace: Trace, wrong: WrongOrder) -> list[Sentence]:
    """Say what is wrong with one step of a wrong order."""
    found: list[Sentence] = []
    right = brief(trace.gradient(event.tensor))
    if missing := wrong.missing(event):
        are = "is" if missing == 1 else "are"
        todo = f" sends although {count(missing, 'contribution')} to it {are} still to come. "
        found.append(["Too early: ", named(event.name), f"{todo}Its gradient will be {right}."])
    elif wrong.has_wrong(event.tensor):
        should = f" should be {right}: a wrong number is passed on."
        found.append(["The gradient of ", named(event.name), should])
    if wrong.late(event):
        gone = " has sent its gradient on already. What arrives now goes no further."
        found.append(["Too late: ", named(event.to_name), gone])
    return found


def verdict(trace: Trace, wrong: WrongOrder) -> Sentence:
    """Say what came out wrong in the end, and why."""
    cause = next(
        event
        for event in wrong.events
        if wrong.missing(event)
        and not np.array_equal(trace.gradient(event.tensor), event.incoming, equal_nan=True)
    )
    worst = wrong.wrong[-1]
    has, right = brief(wrong.totals[worst]), brief(trace.gradient(worst))
    others = len(wrong.wrong) - 1
    more = f", and {count(others, 'other tensor')} {'is' if others == 1 else 'are'} wrong too"
    missing = wrong.missing(cause)
    were = f"{count(missing, 'contribution')} to it {'was' if missing == 1 else 'were'} missing"
    rule = "Right is only a topological order: every tensor waits for all that it receives."
    return [
        "Wrong: ",
        named(trace.names[worst]),
        f" has {has}, right is {right}{more if others else ''}. ",
        named(cause.name),
        f" sent its gradient on while {were}. {rule}",
    ]
