"""The tasks in TensorFlow, inside `tf.function`."""

from __future__ import annotations

import os
from typing import Any

import tensorflow as tf

for setting in ("intra", "inter"):
    getattr(tf.config.threading, f"set_{setting}_op_parallelism_threads")(
        int(os.environ.get("OMP_NUM_THREADS", "1"))
    )
imported = True


def _both(loss: Any, logits: Any) -> Any:
    z = tf.Variable(logits)

    @tf.function
    def both() -> Any:
        with tf.GradientTape() as tape:
            value = loss(z)
        return value, tape.gradient(value, z)

    return both


def cross_entropy(logits: Any, labels: Any, axis: int) -> Any:
    if axis != -1 and labels.ndim < logits.ndim:
        return None  # integer labels go with the last axis only
    t = tf.constant(labels)
    nn = tf.nn

    def loss(z: Any) -> Any:
        if labels.ndim < logits.ndim:
            return tf.reduce_mean(nn.sparse_softmax_cross_entropy_with_logits(labels=t, logits=z))
        return tf.reduce_mean(nn.softmax_cross_entropy_with_logits(t, z, axis=axis))

    return _both(loss, logits)


def unfused(logits: Any, labels: Any, axis: int) -> Any:
    t = tf.constant(labels)
    return _both(
        lambda z: -tf.reduce_mean(tf.reduce_sum(t * tf.math.log(tf.nn.softmax(z)), axis=1)), logits
    )
