"""A small classifier, trained with the tensors and ops of this package: linear, relu, linear."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.commands.explain.tables import DIGITS_SOURCE, Table
from tinygrad_xent.derivatives import gradients
from tinygrad_xent.losses.sparse import sparse_softmax_cross_entropy_with_logits
from tinygrad_xent.ops import matmul, mean, relu
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.visualization.formatting import plain

HIDDEN = 32
HELD_OUT = 0.2
# Standardised features are clipped here: a pixel that is rarely inked would be 40 deviations off.
_FARTHEST = 3.0
_RATE, _DECAY = 0.02, 0.3
_PASSES, _LEAST_STEPS, _MOST_STEPS = 30, 300, 1500


@dataclass(frozen=True)
class Training:
    """A trained network, with its results on the held-out rows.

    Attributes
    ----------
    table : Table
    seed : int
    seconds : float
        The duration of the training.
    parameters : tuple of Tensor
        W1, b1, W2, b2.
    features : ndarray
        All rows of the table, standardised.
    trained_on, held_out : ndarray of int
        The indices of the rows.
    losses : ndarray
        The loss of each held-out row.
    predicted : ndarray of int
        The class of each held-out row's largest logit.
    """

    table: Table
    seed: int
    seconds: float
    parameters: tuple[Tensor, ...]
    features: Any
    trained_on: Any
    held_out: Any
    losses: Any
    predicted: Any

    @property
    def accuracy(self) -> float:
        """The share of held-out rows whose predicted class is the label."""
        return float(np.mean(self.predicted == self.table.labels[self.held_out]))

    @property
    def worst(self) -> int:
        """The place of the example, which has the largest loss, among the held-out rows."""
        return int(np.argmax(self.losses))

    @property
    def row(self) -> int:
        """The index of the example in the table."""
        return int(self.held_out[self.worst])

    @property
    def image(self) -> Any:
        """The example's pixels in rows, if it is a handwritten digit, else None."""
        is_digit = self.table.source == DIGITS_SOURCE
        return self.table.features[self.row].reshape(8, 8) if is_digit else None

    def to_dict(self) -> dict[str, Any]:
        """Return the training as strings and numbers."""
        table = self.table
        return {
            "source": table.source,
            "label": table.label,
            "seed": self.seed,
            "rows": len(table.labels),
            "trained_on": len(self.trained_on),
            "held_out": len(self.held_out),
            "accuracy": self.accuracy,
            "row": int(table.rows[self.row]),
            "features": dict(zip(table.columns, plain(table.features[self.row]), strict=True)),
        }


def network(x: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    """Return the logits of rows of features; a Tensor if a parameter is one."""
    return matmul(relu(matmul(x, W1) + b1), W2) + b2


def train(table: Table, seed: int) -> Training:
    """Train a classifier on most rows of a table, and evaluate it on the others.

    Parameters
    ----------
    table : Table
    seed : int
        Determines the held-out rows, the initial weights, and the order of the rows.

    Returns
    -------
    Training
    """
    from tqdm import tqdm

    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    trained_on, held_out = _split(table.labels, rng)
    features = _standardised(table.features, trained_on)
    parameters = _first_parameters(features.shape[1], len(table.classes), rng)
    batches = list(_batches(trained_on, rng))
    moments = [(np.zeros(w.shape), np.zeros(w.shape)) for w in parameters]
    # disable=None shows the bar only on a terminal.
    steps = tqdm(batches, desc="training", unit="step", leave=False, disable=None)
    for i, batch in enumerate(steps):
        losses = sparse_softmax_cross_entropy_with_logits(
            labels=table.labels[batch], logits=network(features[batch], *parameters)
        )
        rate = _RATE * (1 - i / len(batches))
        _adam(parameters, gradients(mean(losses), parameters), moments, i + 1, rate)
    logits = network(features[held_out], *(w.data for w in parameters))
    return Training(
        table=table,
        seed=seed,
        seconds=time.perf_counter() - start,
        parameters=parameters,
        features=features,
        trained_on=trained_on,
        held_out=held_out,
        losses=sparse_softmax_cross_entropy_with_logits(
            labels=table.labels[held_out], logits=logits
        ),
        predicted=logits.argmax(axis=-1),
    )


def _split(labels: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return training and held-out rows: a fifth of each class, none of a class with one row."""
    trained_on, held_out = [], []
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        n = min(max(round(HELD_OUT * len(rows)), 1), len(rows) - 1)
        held_out.append(rows[:n])
        trained_on.append(rows[n:])
    return np.concatenate(trained_on), np.sort(np.concatenate(held_out))


def _standardised(features: Any, trained_on: Any) -> Any:
    """Return columns with mean 0 and deviation 1 over the training rows; constant columns are 0."""
    known = features[trained_on]
    deviation = known.std(axis=0)
    constant = deviation <= 1e-12 * np.abs(known).max(axis=0)
    scaled = (features - known.mean(axis=0)) / np.where(constant, 1, deviation)
    return np.where(constant, 0.0, np.clip(scaled, -_FARTHEST, _FARTHEST))


def _first_parameters(features: int, classes: int, rng: np.random.Generator) -> tuple[Tensor, ...]:
    return (
        Tensor(rng.normal(size=(features, HIDDEN)) * np.sqrt(2 / features), name="W1"),
        Tensor(np.zeros(HIDDEN), name="b1"),
        Tensor(rng.normal(size=(HIDDEN, classes)) * np.sqrt(2 / HIDDEN), name="W2"),
        Tensor(np.zeros(classes), name="b2"),
    )


def _batches(rows: Any, rng: np.random.Generator) -> Iterator[Any]:
    """Yield mini-batches of shuffled rows, for 30 passes over a table of ordinary size."""
    size = int(np.clip(len(rows) // 20, 8, 256))
    per_pass = -(-len(rows) // size)
    passes = int(np.clip(_PASSES, _LEAST_STEPS / per_pass, max(_MOST_STEPS / per_pass, 1)))
    for _ in range(max(passes, 1)):
        yield from np.array_split(rng.permutation(rows), per_pass)


def _adam(
    parameters: tuple[Tensor, ...], grads: list[Any], moments: list[Any], step: int, rate: float
) -> None:
    """Move the parameters by Adam with decoupled weight decay; `step` counts from 1."""
    rising, slow = 1 - 0.9**step, 1 - 0.999**step
    for w, grad, (m, s) in zip(parameters, grads, moments, strict=True):
        np.add(m, 0.1 * (grad - m), out=m)
        np.add(s, 0.001 * (grad * grad - s), out=s)
        direction = (m / rising) / (np.sqrt(s / slow) + 1e-8)
        w.data = w.data * (1 - rate * _DECAY) - rate * direction
