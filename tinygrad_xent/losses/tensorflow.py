"""The cross-entropies under TensorFlow's names: they check, then call an op; one loss per example.

Their numbers are those of TensorFlow 1.4 (`tf.nn`) and 2.2 (`tf.keras.backend`). Where we differ
on purpose (labels that do not sum to 1, labels out of range, axes that do not exist, digits that
cancellation loses) the docstring says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.errors import DoubleSoftmaxWarning, ShapeError, warn
from tinygrad_xent.graph import Node
from tinygrad_xent.losses.checks import (
    check_classes,
    check_distributions,
    check_named,
    check_same_shape,
    checked_labels,
    dense_labels,
    floating,
    integers,
)


def softmax_cross_entropy_with_logits(
    _sentinel: None = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
) -> Any:
    r"""Softmax cross-entropy of dense labels; gradients reach the logits only.

    Each loss is $-\sum_i t_i \ln \operatorname{softmax}(z)_i$ along the classes, where a label of
    0 adds nothing even if its logit is -inf.

    Parameters
    ----------
    _sentinel : None
        Keeps the arguments named; pass nothing.
    labels : array_like or Tensor, the shape of `logits`
        Each row along `dim` a probability distribution; cast to the logits' dtype.
    logits : array_like or Tensor of float16, float32 or float64
        Unnormalised log probabilities, of any rank from 1. float16 is computed in float32.
    dim : int
        The axis of classes, negative ones count from the end.
    name : str, optional
        What pictures and traces call the loss.

    Returns
    -------
    ndarray or Tensor
        The logits' dtype, and their shape without `dim`. A Tensor if `logits` is one.

    Raises
    ------
    ArgumentError
        If an argument is given by position, or `labels` or `logits` is missing.
    DtypeError
        If the logits are not floating-point numbers, or the labels not real numbers.
    ShapeError
        If the shapes differ, or there are no classes.
    AxisError
        If the logits have no axis `dim`.

    Warns
    -----
    LabelsWarning
        If a row of labels is not a probability distribution. The gradient is then still the
        derivative, $p_i \sum_j t_j - t_i$; TensorFlow's leaves out the sum.
    DoubleSoftmaxWarning
        If the logits are the output of a softmax.

    See Also
    --------
    softmax_cross_entropy_with_logits_v2 : gradients reach the labels too.
    sparse_softmax_cross_entropy_with_logits : integer labels.

    Notes
    -----
    Specification: `tf.nn.softmax_cross_entropy_with_logits` of TensorFlow 1.x.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> z = Tensor([[2.0, 1.0, 0.1]], name="z")
    >>> loss = softmax_cross_entropy_with_logits(labels=[[1, 0, 0]], logits=z)
    >>> loss
    Tensor([0.41703002], op=softmax_cross_entropy)
    >>> loss.sum().backward()
    >>> z.grad.round(4)
    array([[-0.341 ,  0.2424,  0.0986]])
    """
    check_named("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    labels = labels.data if isinstance(labels, Node) else labels
    return _dense(labels, logits, dim, name, axis_word="dim")


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None
) -> Any:
    """Softmax cross-entropy of dense labels; gradients reach the logits and the labels.

    As `softmax_cross_entropy_with_logits`, whose arguments, errors and warnings it has. The
    gradient of the labels is minus the log-softmax, and the mixed second derivative is right
    (TensorFlow's is 0).

    Parameters
    ----------
    labels, logits : array_like or Tensor
        Of the same shape.
    axis : int
        The axis of classes.
    name : str, optional
        What pictures and traces call the loss.

    Returns
    -------
    ndarray or Tensor
        The logits' dtype, and their shape without `axis`.

    Examples
    --------
    >>> from tinygrad_xent import Tensor, gradients
    >>> t = Tensor([0.5, 0.5])
    >>> gradients(softmax_cross_entropy_with_logits_v2(t, [0.0, 0.0]), t)
    array([0.69314718, 0.69314718])
    """
    return _dense(labels, logits, axis, name, axis_word="axis")


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: None = None, labels: Any = None, logits: Any = None, name: str | None = None
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
        If a label names no class.

    Notes
    -----
    Specification: `tf.nn.sparse_softmax_cross_entropy_with_logits` of TensorFlow 1.x.

    Examples
    --------
    >>> sparse_softmax_cross_entropy_with_logits(labels=[0], logits=[[2.0, 1.0, 0.1]])
    array([0.41703002])
    """
    check_named("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    logits = floating(logits, "logits")
    axis = check_classes(logits, -1, "axis")
    labels = integers(labels, "labels")
    check_same_shape("labels", labels.shape, "logits without the last axis", logits.shape[:-1])
    labels = checked_labels(labels, logits.shape[axis])
    _warn_of_double_softmax(logits)
    return _named(ops.sparse_softmax_cross_entropy(labels, logits, axis=axis), name)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1, *, epsilon: float = 1e-7
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
    output = floating(output, "output")
    axis = check_classes(output, axis, "axis")
    target = integers(target, "target")
    shape = output.shape
    rows = shape[:axis] + shape[axis + 1 :]
    as_many = target.ndim != len(rows) and target.size == np.prod(rows, dtype=int)
    if target.shape != rows and not as_many:
        raise ShapeError(
            f"the shape of target is {target.shape}, but output of shape {shape} with its "
            f"classes along axis {axis} needs {rows}: one label for each row"
        )
    target = checked_labels(target, shape[axis])
    logits = _logits_of(output, axis, from_logits)
    if logits is None:
        output = _checked_probabilities(output)
        low = np.asarray(epsilon, output.dtype)
        logits = ops.log(ops.clip(output, low, 1 - low))
    if as_many and not rows:  # one label in a list for one row: a list of one loss
        rows, logits, axis = (1,), ops.reshape(logits, shape=(1, -1)), 1
    return ops.sparse_softmax_cross_entropy(target.reshape(rows), logits, axis=axis)


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1, *, epsilon: float = 1e-7
) -> Any:
    """Cross-entropy of dense targets and probabilities, or logits.

    From probabilities: renormalise, clip to [`epsilon`, 1 - `epsilon`], take the logarithm, in this
    order, as TensorFlow 2.2 does (`sparse_categorical_crossentropy` renormalises last). A `softmax`
    along the same axis is looked through. Gradients reach the targets too.

    Parameters
    ----------
    target : array_like or Tensor, the shape of `output`
        Each row along `axis` a probability distribution; cast to the dtype of `output`.
    output : array_like or Tensor of float16, float32 or float64
        Probabilities, or logits, of any rank from 1.
    from_logits : bool
        Whether `output` holds logits.
    axis : int
        The axis of classes.
    epsilon : float
        How close to 0 and 1 a probability may come.

    Returns
    -------
    ndarray or Tensor
        The dtype of `output`, and its shape without `axis`.

    Raises
    ------
    AxisError, DtypeError, ShapeError
        As `softmax_cross_entropy_with_logits`.

    Warns
    -----
    LabelsWarning, DoubleSoftmaxWarning
        As `softmax_cross_entropy_with_logits`.
    ProbabilitiesWarning
        As `sparse_categorical_crossentropy`.

    Notes
    -----
    Specification: `tf.keras.backend.categorical_crossentropy` of TensorFlow 2.2.

    Examples
    --------
    >>> categorical_crossentropy([[0.0, 1.0, 0.0]], [[0.5, 0.3, 0.2]])
    array([1.2039728])
    """
    output = floating(output, "output")
    axis = check_classes(output, axis, "axis")
    target = dense_labels(target, output, axis, "target", "output")
    logits = _logits_of(output, axis, from_logits)
    if logits is not None:
        return _checked_cross_entropy(target, logits, axis, "target")
    check_distributions(target, output.dtype, axis, "target")
    target = _in_dtype(target, output.dtype)
    output = _checked_probabilities(output)
    low = np.asarray(epsilon, output.dtype)
    probs = ops.divide(output, ops.sum(output, axis=axis, keepdims=True))
    return ops.crossentropy(ops.clip(probs, low, 1 - low), target, axis=axis)


# -- the two ends ----------------------------------------------------------------------------


def _dense(labels: Any, logits: Any, axis: int, name: str | None, axis_word: str) -> Any:
    logits = floating(logits, "logits")
    axis = check_classes(logits, axis, axis_word)
    labels = dense_labels(labels, logits, axis, "labels", "logits")
    _warn_of_double_softmax(logits)
    return _named(_checked_cross_entropy(labels, logits, axis, "labels"), name)


def _checked_cross_entropy(labels: Any, logits: Any, axis: int, word: str) -> Any:
    """Check the labels after the call: a recorded one has added them up anyway."""
    loss = ops.softmax_cross_entropy(_in_dtype(labels, logits.dtype), logits, axis=axis)
    kept = loss.kept if isinstance(loss, Node) else None
    error = kept["label error"] if kept else np.inf
    check_distributions(labels, logits.dtype, axis, word, error=error)
    return loss


def _checked_probabilities(output: Any) -> Any:
    from tinygrad_xent.ops.cross_entropy import check_probabilities  # most losses do without it

    return check_probabilities(output, "output")


def _in_dtype(labels: Any, dtype: Any) -> Any:
    return labels if labels.dtype == dtype else ops.astype(labels, dtype=dtype)


def _logits_of(output: Any, axis: int, from_logits: bool) -> Any:
    """Return the logits in `output`, or those that a softmax along `axis` made it of, or None."""
    if from_logits:
        _warn_of_double_softmax(output)
        return output
    if isinstance(output, Node) and output.op is ops.softmax:
        (logits,) = output.inputs
        if output.params["axis"] in (axis, axis - output.data.ndim):
            return ops.look_through(logits, output)
    return None


def _warn_of_double_softmax(logits: Any) -> None:
    if isinstance(logits, Node) and logits.op is ops.softmax:
        warn(
            "the logits are the output of a softmax, and this loss applies another one. Pass what "
            "went into the softmax, or give the probabilities to categorical_crossentropy or "
            "sparse_categorical_crossentropy with from_logits=False",
            DoubleSoftmaxWarning,
        )


def _named(loss: Any, name: str | None) -> Any:
    if name is not None and isinstance(loss, Node):
        loss.name = name
    return loss
