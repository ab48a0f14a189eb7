"""The facts about one loss, from which every report is written."""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.checking import GradcheckReport, gradcheck
from tinygrad_xent.commands.explain.classifier import Training, train
from tinygrad_xent.commands.explain.tables import DIGITS, DIGITS_SOURCE, read_table
from tinygrad_xent.errors import LabelsWarning
from tinygrad_xent.losses.dense import categorical_crossentropy
from tinygrad_xent.losses.sparse import sparse_categorical_crossentropy
from tinygrad_xent.ops import matmul, relu, softmax
from tinygrad_xent.ops.fused import looked_through
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.visualization.formatting import plain
from tinygrad_xent.visualization.tracing import Trace, trace


@dataclass(frozen=True)
class Explanation:
    """One loss, its gradients step by step, and their numerical check.

    Attributes
    ----------
    loss : Tensor
        A scalar.
    given : Tensor
        The logits, or the probabilities, one for each class.
    from_logits : bool
        Whether these are logits.
    probs : ndarray
        The probabilities p.
    labels : ndarray
        The labels t, one for each class: 1 for the true class, or dense.
    target : int or None
        The true class, if there is one.
    classes : tuple of str
    trace : Trace
    check : GradcheckReport
    notes : tuple of str
        Warnings for the reader.
    training : Training or None
        None for a loss given by hand.
    """

    loss: Tensor
    given: Tensor
    from_logits: bool
    probs: Any
    labels: Any
    target: int | None
    classes: tuple[str, ...]
    trace: Trace
    check: GradcheckReport
    notes: tuple[str, ...] = ()
    training: Training | None = None

    @property
    def gradient(self) -> Any:
        """The gradient of the loss with respect to `given`: p - t for logits."""
        return self.trace.gradient(self.given)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as lists, strings and numbers.

        Returns
        -------
        dict
            The keys of `Trace.to_dict`, and ``classes``; ``target`` (an index into them, or null);
            ``labels``, ``probs`` and ``gradient`` (one number for each class; ``gradient`` is p - t
            if ``from_logits``); ``loss``; ``notes``; ``check`` (for each tensor its ``verdict``,
            ``entries``, ``checked``, ``error``, ``kinks`` and ``unclear``); and ``training``, null
            for a loss given by hand.
        """
        return {
            **self.trace.to_dict(),
            "classes": list(self.classes),
            "target": self.target,
            "from_logits": self.from_logits,
            "labels": plain(self.labels),
            "probs": plain(self.probs),
            "gradient": plain(self.gradient),
            "loss": plain(self.loss.data),
            "notes": list(self.notes),
            "check": [
                {"tensor": c.name, "verdict": c.verdict, "error": plain(c.error)}
                | {"entries": c.x.size, "checked": len(c.sample) if c.sampled else c.x.size}
                | {"kinks": c.kinks, "unclear": c.unclear}
                for c in self.check
            ],
            "training": None if self.training is None else self.training.to_dict(),
        }

    def to_json(self) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)


def explain_table(
    path: Path | None, label: str | None, seed: int = 0, features: str | None = None
) -> Explanation:
    """Train on a table, and explain the held-out row with the largest loss.

    Parameters
    ----------
    path : Path or None
        A file that `read_table` reads; None for the handwritten digits in the package.
    label : str or None
        The column to predict.
    seed : int
    features : str or None
        The columns to predict it from, separated by commas; None for all that can be used.

    Raises
    ------
    TableError
        If no classifier can be trained on it. The message is one line.
    """
    if path is None:
        table = read_table(DIGITS, "digit", source=DIGITS_SOURCE)
    else:
        table = read_table(path, label, features)
    training = train(table, seed)
    name = "features" if training.image is None else "pixels"
    W1, b1, W2, b2 = (Tensor(w.data, name=w.name) for w in training.parameters)
    x = Tensor(training.features[training.row], name=name)
    weighted1 = _named("weighted1", matmul(x, W1))
    hidden_in = _named("hidden_in", weighted1 + b1)
    hidden = _named("hidden", relu(hidden_in))
    weighted2 = _named("weighted2", matmul(hidden, W2))
    logits = _named("logits", weighted2 + b2)
    target = int(table.labels[training.row])
    return explain_loss(logits, target=target, classes=table.classes, training=training)


def explain_loss(
    given: Tensor,
    *,
    from_logits: bool = True,
    target: int | None = None,
    labels: Any = None,
    classes: tuple[str, ...] | None = None,
    training: Training | None = None,
    notes: tuple[str, ...] = (),
) -> Explanation:
    """Explain the cross-entropy of logits, or of probabilities, and a target or dense labels."""
    output = _named("p", softmax(given)) if from_logits else given
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", LabelsWarning)  # a note says the same
        if target is not None:
            loss = sparse_categorical_crossentropy(target, output)
        else:
            loss = categorical_crossentropy(labels, output)
        _name_steps(_named("loss", loss))
        dense = np.eye(given.size)[target] if target is not None else np.asarray(labels, float)
        return Explanation(
            loss=loss,
            given=given,
            from_logits=from_logits,
            probs=output.data,
            labels=dense,
            target=target,
            classes=classes or tuple(map(str, range(given.size))),
            trace=trace(loss),
            check=gradcheck(loss),
            notes=notes,
            training=training,
        )


def _named(name: str, tensor: Any) -> Any:
    tensor.name = name
    return tensor


def _name_steps(loss: Tensor) -> None:
    """Name the tensors between the inputs of a loss function and the loss."""
    words = {"clip": "clipped", "log": "log_probs", "sum": "total", "divide": "normalised"}
    waiting: list[Any] = list(loss.inputs)
    while waiting:
        node = waiting.pop()
        if isinstance(node, Tensor) and node.name is None and node.op is not None:
            probs = looked_through(node)
            node.name = f"logits_of_{probs.name}" if probs is not None else words.get(node.op.name)
            waiting += node.inputs
