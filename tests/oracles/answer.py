"""Put cases to one live framework: ``python answer.py DIALECT < cases.json > answers.json``.

A process of its own for each, because Keras chooses its backend when it is imported. The answers
have the form of the recorded ones in tests/data/dialects.json.gz.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from golden import decode, encode

Case = dict[str, Any]
Answer = dict[str, Any]


def tensorflow(case: Case, loss_of: Callable[..., Any]) -> Answer:
    import tensorflow as tf

    x = tf.constant(case["array"])
    labels = tf.constant(case["labels"])
    answer: Answer = {"grad": None, "grad_labels": None}
    wanted = {"grad": x}
    if case["labels_kind"] == "dense" and labels.dtype.is_floating:
        wanted["grad_labels"] = labels
    for name, source in wanted.items():
        with tf.GradientTape() as tape:
            tape.watch(source)
            loss = loss_of(labels, x, case)
        answer["loss"] = np.asarray(loss)
        seed = seed_of(case, answer["loss"])
        with failure(answer, f"{name}_error"):
            grad = tape.gradient(loss, source, output_gradients=tf.constant(seed))
            answer[name] = None if grad is None else np.asarray(grad)
    return answer


def jax(case: Case, loss_of: Callable[..., Any]) -> Answer:
    import jax.numpy as jnp
    from jax import config, vjp

    doubles = any(case[k].dtype == np.float64 for k in ("array", "labels"))
    config.update("jax_enable_x64", doubles)
    x, labels = jnp.asarray(case["array"]), jnp.asarray(case["labels"])
    if case["labels_kind"] == "dense" and labels.dtype.kind == "f":
        loss, pull = vjp(lambda x, t: loss_of(t, x, case), x, labels)
    else:
        loss, pull = vjp(lambda x: loss_of(labels, x, case), x)
    grads = pull(jnp.asarray(seed_of(case, np.asarray(loss))))
    grad, grad_labels = map(np.asarray, (*grads, None)[:2])
    return {
        "loss": np.asarray(loss),
        "grad": grad,
        "grad_labels": grad_labels if grad_labels.shape else None,
    }


def pytorch(case: Case, loss_of: Callable[..., Any]) -> Answer:
    import torch

    x = torch.tensor(case["array"], requires_grad=True)
    labels = torch.tensor(case["labels"])
    wanted = {"grad": x}
    if case["labels_kind"] == "dense" and labels.is_floating_point():
        wanted["grad_labels"] = labels.requires_grad_()
    loss = loss_of(labels, x, case)
    answer: Answer = {"loss": loss.detach().numpy(), "grad": None, "grad_labels": None}
    seed = torch.tensor(seed_of(case, answer["loss"]))
    for name, source in wanted.items():
        with failure(answer, f"{name}_error"):
            (grad,) = torch.autograd.grad(loss, source, seed, retain_graph=True, allow_unused=True)
            answer[name] = None if grad is None else grad.numpy()
    return answer


def seed_of(case: Case, loss: Any) -> Any:
    return np.resize(case["upstream"], loss.shape).astype(loss.dtype)


def numpy(case: Case, loss_of: Callable[..., Any]) -> Answer:
    loss = np.asarray(loss_of(case["labels"], case["array"], case))
    return {"loss": loss, "grad": None, "grad_labels": None}


def keras_loss(labels: Any, x: Any, case: Case) -> Any:
    from keras import ops

    sparse = "sparse_" * (case["labels_kind"] == "sparse")
    function = getattr(ops, f"{sparse}categorical_crossentropy")
    return function(labels, x, from_logits=case["from_logits"], axis=case["axis"])


def tf2_loss(labels: Any, x: Any, case: Case) -> Any:
    import tensorflow as tf

    if case["labels_kind"] == "dense":
        return tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=x, axis=case["axis"])
    if case["axis"] not in (-1, len(x.shape) - 1):
        raise UnsupportedError
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)


def torch_loss(labels: Any, x: Any, case: Case) -> Any:
    import torch

    axis, rank = case["axis"], x.ndim
    if axis not in range(-rank, rank):
        raise UnsupportedError
    if rank > 1:
        x = torch.movedim(x, axis, 1)
        if case["labels_kind"] == "dense" and labels.ndim == rank:
            labels = torch.movedim(labels, axis, 1)
    return torch.nn.functional.cross_entropy(x, labels, reduction="none")


def optax_loss(labels: Any, x: Any, case: Case) -> Any:
    import optax

    if case["labels_kind"] == "dense":
        return optax.softmax_cross_entropy(x, labels, axis=case["axis"])
    return optax.softmax_cross_entropy_with_integer_labels(x, labels, axis=case["axis"])


class UnsupportedError(Exception):
    """There is no such call."""


@contextlib.contextmanager
def failure(answer: Answer, name: str) -> Any:
    """Write down the class of an exception, and go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 (whatever a framework raises is its answer)
        answer[name] = type(error).__name__
        answer["message"] = str(error)[:300]


FRAMEWORKS = {
    "tf2": (tensorflow, tf2_loss),
    "keras3-tf": (tensorflow, keras_loss),
    "keras3-jax": (jax, keras_loss),
    "keras3-torch": (pytorch, keras_loss),
    "keras3-numpy": (numpy, keras_loss),
    "torch": (pytorch, torch_loss),
    "optax": (jax, optax_loss),
}


def main(dialect: str) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if dialect.startswith("keras3-"):
        backend = dialect.removeprefix("keras3-")
        os.environ["KERAS_BACKEND"] = "tensorflow" if backend == "tf" else backend
    framework, loss_of = FRAMEWORKS[dialect]
    answers = []
    for case in json.load(sys.stdin, object_hook=decode):
        answer: Answer = {}
        if not case["from_logits"] and not dialect.startswith("keras"):
            answer["unsupported"] = "takes logits only"
        else:
            try:
                answer = framework(case, loss_of)
            except UnsupportedError:
                answer["unsupported"] = "no axis argument"
            except Exception as error:  # noqa: BLE001 (whatever it raises is its answer)
                answer["error"] = type(error).__name__
                answer["message"] = str(error)[:300]
        answers.append(answer)
    json.dump(answers, sys.stdout, default=encode)


if __name__ == "__main__":
    np.seterr(all="ignore")
    main(sys.argv[1])
