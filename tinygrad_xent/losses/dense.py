"""The cross-entropies of dense labels under TensorFlow's names: they check, then call an op.

One loss per example; the numbers are those of TensorFlow 1.4 (`tf.nn`) and 2.2
(`tf.keras.backend`). Where we differ on purpose (labels that do not sum to 1, axes that do not
exist, digits that cancellation loses) the docstring says so.
"""

import functools
from typing import Any

import numpy as np

from tinygrad_xent import errors, ops
from tinygrad_xent.arrays import at, checked, first
from tinygrad_xent.graph import Node, operand, values
from tinygrad_xent.losses import checks
from tinygrad_xent.ops.cross_entropy import check_output

__all__ = [
    "categorical_crossentropy",
    "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2",
]


def softmax_cross_entropy_with_logits(
    _sentinel: None = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    *,
    where: Any = None,
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
    where : array_like of bool, broadcast to `logits`
        Which classes take part; the others count as if they did not exist, whatever is there. The
        loss of a row that is left out as a whole is 0, and so is its gradient.

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
    OneClassWarning
        If there is only one class.

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
    checks.check_named("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    return _dense(values(labels), logits, dim, name, where, axis_word="dim")


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None, *, where: Any = None
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
    where : array_like of bool, broadcast to `logits`
        Which classes take part.

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
    return _dense(labels, logits, axis, name, where, axis_word="axis")


def categorical_crossentropy(
    target: Any,
    output: Any,
    from_logits: bool = False,
    axis: int = -1,
    *,
    epsilon: float = 1e-7,
    where: Any = None,
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
    where : array_like of bool, broadcast to `output`
        Which classes take part, as for `softmax_cross_entropy_with_logits`.

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
    if not 0 < epsilon < 0.5:
        raise errors.ArgumentError(errors.hints.no_epsilon(epsilon))
    output = checks.floating(output, "output")
    axis = checks.check_classes(output, axis, "axis")
    target = dense_labels(target, output, axis, "target", "output")
    logits, where = checks.logits_of(output, axis, from_logits, where)
    if logits is not None:
        return _checked_cross_entropy(target, logits, axis, "target", where)
    rows = None
    if where is not None:
        _, mask, rows = checks.masked_logits(output, where, axis)
        output = ops.where(mask, output, np.expand_dims(~rows, axis).astype(output.dtype))
        target = ops.where(mask, target, 0)
    check_distributions(target, dtype=output.dtype, axis=axis, word="target", rows=rows)
    target = checks.converted(target, output.dtype)
    output = check_output(output)
    probs = ops.divide(output, ops.sum(output, axis=axis, keepdims=True))
    return ops.crossentropy(checks.clipped(probs, epsilon), target, axis=axis)


# -- the steps that they share, and the check of dense labels ---------------------------------


def _dense(
    labels: Any, logits: Any, axis: int, name: str | None, where: Any, axis_word: str
) -> Any:
    logits = checks.floating(logits, "logits")
    axis = checks.check_classes(logits, axis, axis_word)
    labels = dense_labels(labels, logits, axis, "labels", "logits")
    checks.warn_of_double_softmax(logits)
    return checks.named(_checked_cross_entropy(labels, logits, axis, "labels", where), name)


def _checked_cross_entropy(labels: Any, logits: Any, axis: int, word: str, where: Any) -> Any:
    """Check the labels after the call: a recorded one has added them up anyway."""
    rows = None
    if where is not None:
        logits, mask, rows = checks.masked_logits(logits, where, axis)
        labels = ops.where(mask, labels, 0)
    loss = ops.softmax_cross_entropy(checks.converted(labels, logits.dtype), logits, axis=axis)
    kept = loss.kept if isinstance(loss, Node) else None
    error = kept["label error"] if kept else np.inf
    check_distributions(labels, dtype=logits.dtype, axis=axis, word=word, rows=rows, error=error)
    return loss


def dense_labels(labels: Any, logits: Any, axis: int, word: str, other_word: str) -> Any:
    """Return dense labels as an array or Tensor; check the blocks of a Dask array."""
    labels = operand(labels)
    if labels.dtype.kind not in "fiub":
        raise errors.DtypeError(errors.hints.no_numbers(labels, word))
    if labels.shape != logits.shape:
        raise errors.ShapeError(
            errors.hints.distributions(labels, word, logits.shape, other_word, axis)
        )
    if not hasattr(labels, "map_blocks"):
        return labels
    facts = {"dtype": logits.dtype, "axis": axis, "word": word}
    return checked(functools.partial(check_distributions, **facts), labels, axis)


def check_distributions(
    labels: Any,
    start: tuple[int, ...] = (),
    *,
    dtype: Any,
    axis: int,
    word: str,
    rows: Any = None,
    error: float = np.inf,
) -> None:
    """Warn of rows of dense labels, for logits of `dtype`, that are not distributions.

    `start` is the index of the first entry, `rows` says which rows take part, and `error` is how
    far from 1 a row sums at most, if it is known.
    """
    array = values(labels)
    if rows is not None:
        array = np.where(np.expand_dims(rows, axis), array, 1 / array.shape[axis])
    coarsest = _coarsest(array.dtype, dtype)
    rounding = coarsest * (4 + array.shape[axis] ** 0.5)
    # Half of it, because the known error is that of labels rounded to the dtype of the logits.
    if error <= rounding / 2 or hasattr(array, "map_blocks"):
        return
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite sum is not 1 either
        sums: Any = np.sum(array, axis=axis, dtype=np.float64)
    off = ~(np.abs(sums - 1) <= rounding)
    if np.any(off) or np.min(array, initial=0) < 0:
        place = first(off | np.any(array < 0, axis=axis))
        where = at(place, start[:axis] + start[axis + 1 :])
        negative = abs(sums[place] - 1) <= rounding
        total = f"{sums[place]:.{int(1 - np.log10(coarsest))}g}"  # enough digits to differ from 1
        errors.warn(
            f"the row of {word}{where} is not a probability distribution: it sums to {total}, "
            f"{'but has a negative entry' if negative else 'not 1'}. The loss and its gradient "
            "are computed from the labels as they are",
            errors.LabelsWarning,
        )


@functools.cache
def _coarsest(*dtypes: Any) -> float:
    """Return the coarser rounding of two dtypes, those of labels and logits."""
    return max(float(np.finfo(dtype).eps) for dtype in dtypes if dtype.kind == "f")
