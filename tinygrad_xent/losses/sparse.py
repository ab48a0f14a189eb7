"""The cross-entropies of integer labels under TensorFlow's names: they check, then call an op.

One loss per example; the numbers are those of TensorFlow 1.4 (`tf.nn`) and 2.2
(`tf.keras.backend`). Where we differ on purpose (labels out of range, axes that do not exist,
digits that cancellation loses) the docstring says so.
"""

from typing import Any

import numpy as np

from tinygrad_xent import errors, ops
from tinygrad_xent.graph import Node
from tinygrad_xent.losses import checks

__all__ = ["sparse_categorical_crossentropy", "sparse_softmax_cross_entropy_with_logits"]


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: None = None,
    labels: Any = None,
    logits: Any = None,
    name: str | None = None,
    *,
    where: Any = None,
) -> Any:
    r"""Softmax cross-entropy of integer labels; the classes are the last axis.

    Each loss is $-\ln \operatorname{softmax}(z)_t$.

    Parameters
    ----------
    _sentinel : None
        Keeps the arguments named; pass nothing.
    labels : array_like of int, the shape of `logits` without its last axis
        The true classes, from 0 to the number of classes less 1.
    logits : array_like or Tensor of float16, float32 or float64
        Unnormalised log probabilities, of any rank from 1.
    name : str, optional
        What pictures and traces call the loss.
    where : array_like of bool, broadcast to `logits`
        Which classes take part, as for `softmax_cross_entropy_with_logits`. The labels of rows that
        are left out as a whole need not be classes, such as -100 for padding.

    Returns
    -------
    ndarray or Tensor
        The logits' dtype, and the labels' shape.

    Raises
    ------
    ArgumentError, DtypeError, ShapeError
        As `softmax_cross_entropy_with_logits`.
    LabelDtypeError
        If the labels are not integers.
    LabelRangeError
        If a label names no class, or one that `where` leaves out.

    Notes
    -----
    Specification: `tf.nn.sparse_softmax_cross_entropy_with_logits` of TensorFlow 1.x.

    Examples
    --------
    >>> sparse_softmax_cross_entropy_with_logits(labels=[0], logits=[[2.0, 1.0, 0.1]])
    array([0.41703002])

    A batch with padding:

    >>> labels = np.array([0, -100])
    >>> sparse_softmax_cross_entropy_with_logits(
    ...     labels=labels, logits=[[2.0, 1.0, 0.1], [0.0, 0.0, 0.0]], where=labels[:, None] >= 0
    ... )
    array([0.41703002, 0.        ])
    """
    checks.check_named("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    logits = checks.floating(logits, "logits")
    axis = checks.check_classes(logits, -1, "axis")
    labels = checks.integers(labels, "labels")
    if labels.shape != logits.shape[:-1]:
        raise errors.ShapeError(
            errors.hints.class_numbers(labels, "labels", logits.shape, "logits", axis)
        )
    checks.warn_of_double_softmax(logits)
    if where is None:
        labels = checks.checked_labels(labels, logits.shape[axis])
        loss = ops.sparse_softmax_cross_entropy(labels, logits, axis=axis)
    else:
        loss = _masked(labels, logits, axis, where)
    return checks.named(loss, name)


def sparse_categorical_crossentropy(
    target: Any,
    output: Any,
    from_logits: bool = False,
    axis: int = -1,
    *,
    epsilon: float = 1e-7,
    where: Any = None,
) -> Any:
    """Cross-entropy of integer targets and probabilities, or logits.

    From probabilities: clip to [`epsilon`, 1 - `epsilon`], take the logarithm, renormalise, in this
    order, as TensorFlow 2.2 does. If `output` was made by `softmax` along the same axis, its
    logits are used instead, as TensorFlow does in a graph: a saturated softmax then still learns.

    Parameters
    ----------
    target : array_like of int
        The true classes: the shape of `output` without `axis`, or as many in another shape.
    output : array_like or Tensor of float16, float32 or float64
        Probabilities, or logits, of any rank from 1.
    from_logits : bool
        Whether `output` holds logits.
    axis : int
        The axis of classes.
    epsilon : float
        How close to 0 and 1 a probability may come.
    where : array_like of bool, broadcast to `output`
        Which classes take part, as for `sparse_softmax_cross_entropy_with_logits`.

    Returns
    -------
    ndarray or Tensor
        The dtype of `output`, and its shape without `axis`.

    Raises
    ------
    AxisError
        If `axis` is neither -1 nor one of the axes of `output`.
    LabelDtypeError
        If the targets are not integers (TensorFlow truncates 1.9 to 1).
    LabelRangeError
        If a target names no class.
    DtypeError, ShapeError
        If `output` is not floating, has no class, or not one row per target.

    Warns
    -----
    ProbabilitiesWarning
        If `from_logits` is not set and an entry of `output` is negative or larger than 1.
    DoubleSoftmaxWarning
        If `from_logits` is set and `output` was made by a softmax.

    Notes
    -----
    Specification: `tf.keras.backend.sparse_categorical_crossentropy` of TensorFlow 2.2.

    Examples
    --------
    >>> sparse_categorical_crossentropy([1], [[0.5, 0.3, 0.2]])
    array([1.2039728])

    Probabilities that came from a softmax are looked through:

    >>> from tinygrad_xent import Tensor, softmax
    >>> p = softmax(Tensor([[100.0, 0.0]]))
    >>> sparse_categorical_crossentropy([1], p)
    Tensor([100.], op=sparse_softmax_cross_entropy)
    >>> sparse_categorical_crossentropy([1], p.data)
    array([16.11809565])
    """
    if not 0 < epsilon < 0.5:
        raise errors.ArgumentError(errors.hints.no_epsilon(epsilon))
    output = checks.floating(output, "output")
    axis = checks.check_classes(output, axis, "axis")
    target = checks.integers(target, "target")
    shape = output.data.shape if isinstance(output, Node) else output.shape
    rows = shape[:axis] + shape[axis + 1 :]
    as_many = target.ndim != len(rows) and target.size == np.prod(rows, dtype=int)
    if target.shape != rows and not as_many:
        raise errors.ShapeError(errors.hints.class_numbers(target, "target", shape, "output", axis))
    logits, where = checks.logits_of(output, axis, from_logits, where)
    if where is None:
        target = checks.checked_labels(target, shape[axis])
    if logits is None:
        if where is not None:
            output = ops.where(checks.masked_logits(output, where, axis)[1], output, 1)
        from tinygrad_xent.ops.cross_entropy import check_output  # most losses need none

        output = check_output(output)
        logits = ops.log(checks.clipped(output, epsilon))
    if as_many and not rows:  # one label in a list for one row: a list of one loss
        rows, logits, axis = (1,), ops.reshape(logits, shape=(1, -1)), 1
    target = target.reshape(rows)
    if where is not None:
        return _masked(target, logits, axis, where)
    return ops.sparse_softmax_cross_entropy(target, logits, axis=axis)


def _masked(labels: Any, logits: Any, axis: int, where: Any) -> Any:
    """Return the loss of integer labels, of which only those count that take part."""
    logits, mask, rows = checks.masked_logits(logits, where, axis)
    labels = checks.checked_labels(np.where(rows, labels, 0), logits.shape[axis])
    checks.check_not_masked(labels, mask, rows, axis)
    return ops.where(rows, ops.sparse_softmax_cross_entropy(labels, logits, axis=axis), 0)
