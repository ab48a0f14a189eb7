"""Array code under the softmax family, fast and right to the last digits; it knows no graph.

Each kernel computes what the function of its name in `plain.py` does. It works through blocks of
rows that fit the cache (`blocks.py`), maybe on several threads (`pool.py`), and may keep for the
backward pass what that would compute again (`kept.py`).

Half precision is computed in single precision; what there is one of in a row, such as sums, in
double precision. Both are rounded once, at the end.
"""

from __future__ import annotations

from tinygrad_xent.kernels.cross_entropy import (
    cross_entropy,
    cross_entropy_gradient,
    label_error,
    softmax_minus_labels,
    softmax_minus_one_hot,
    sparse_cross_entropy,
    sparse_cross_entropy_gradient,
)
from tinygrad_xent.kernels.pool import set_threads, threads
from tinygrad_xent.kernels.softmax import log_softmax, logsumexp, softmax, softmax_backward

__all__ = [
    "cross_entropy",
    "cross_entropy_gradient",
    "label_error",
    "log_softmax",
    "logsumexp",
    "set_threads",
    "softmax",
    "softmax_backward",
    "softmax_minus_labels",
    "softmax_minus_one_hot",
    "sparse_cross_entropy",
    "sparse_cross_entropy_gradient",
    "threads",
]
