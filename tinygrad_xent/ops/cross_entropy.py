"""Cross-entropy of probabilities, per example."""

import functools
from typing import Any

import numpy as np

from tinygrad_xent.arrays import as_array, at, checked, first
from tinygrad_xent.errors import HiddenSoftmaxWarning, ProbabilitiesWarning, ShapeError, warn
from tinygrad_xent.graph import Node
from tinygrad_xent.op import Op
from tinygrad_xent.ops.elementwise import log
from tinygrad_xent.ops.piecewise import where
from tinygrad_xent.ops.shaping import expand_dims

_REARRANGED = frozenset({
    "astype", "expand_dims", "flip", "getitem", "reshape", "squeeze", "swapaxes", "take",
    "transpose",
})  # fmt: skip
_SATURATED = 1e-7


def check_probabilities(x: Any, word: str, remedy: str = "from_logits=True") -> Any:
    """Return an array or a Tensor, and warn if it holds numbers that no probability can be.

    Roundings are let by, also those of numbers that were once of single precision.
    """
    if isinstance(x, Node):
        check_probabilities(x.data, word, remedy)
        return x
    x = as_array(x)

    def check(x: Any, start: tuple[int, ...]) -> None:
        rounding = max(1e-5, np.finfo(x.dtype).eps)
        if x.size and (np.min(x) < -rounding or np.max(x) > 1 + rounding):
            place = first((x < -rounding) | (x > 1 + rounding))
            warn(
                f"{word} has an entry of {x[place]:.4g}{at(place, start)}, which is not a "
                "probability. Are these logits, or logarithms of probabilities? Then say so: "
                f"{remedy}",
                ProbabilitiesWarning,
            )

    return checked(check, x) if x.dtype.kind == "f" else x


def check_output(x: Any) -> Any:
    """Return the probabilities that a loss is going to clip, after a check.

    It warns of a saturated softmax whose logits the loss does not see: behind the clip is no
    gradient.
    """
    x = check_probabilities(x, "output")
    node, through = x, []
    while isinstance(node, Node) and node.op is not None and node.op.name in _REARRANGED:
        through.append(node.op.name)
        node = node.inputs[0]
    hidden = through and isinstance(node, Node) and node.op is not None
    if hidden and node.op.name == "softmax" and np.min(x.data, initial=1) < _SATURATED:
        warn(
            f"the loss does not see the logits of this softmax behind `{through[0]}`, and a row "
            "that is as sure as this one is clipped and gets no gradient. Give it the logits with "
            "from_logits=True, or apply softmax last",
            HiddenSoftmaxWarning,
        )
    return x


class _OfProbabilities(Op):
    """An op that warns of numbers that are not probabilities.

    Its function does not: the checks of gradients call it beyond the borders as well.
    """

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        if len(inputs) != 2:
            inputs, params = self._bind(inputs, params)
        remedy = "categorical_crossentropy(..., from_logits=True)"
        return super().__call__(
            check_probabilities(inputs[0], "probs", remedy), *inputs[1:], **params
        )


@functools.partial(_OfProbabilities, shapes="(n),(n)->()", domain=("simplex", "simplex"))
def crossentropy(probs: Any, labels: Any, *, axis: int = -1) -> Any:
    r"""Cross-entropy of probabilities: $\ell = -\sum_i t_i \ln p_i$. A label of 0 adds nothing.

    Nothing broadcasts: labels have the shape of the probabilities. The probabilities come first:
    of the losses with the names of TensorFlow and Keras it is the labels.

    >>> print(crossentropy([0.5, 0.5, 0.0], [1.0, 0.0, 0.0]))
    0.6931471805599453
    """
    probs, labels = as_array(probs), as_array(labels)
    if labels.shape != probs.shape:
        raise ShapeError(
            f"the shape of labels is {labels.shape}, but that of probs is {probs.shape}; they must "
            "be the same. Class numbers go to sparse_categorical_crossentropy"
        )
    return 0 - np.sum(labels * np.log(where(labels == 0, 1, probs)), axis=axis)  # 0, never -0


@crossentropy.backward
def crossentropy_backward(grad: Any, loss: Any, probs: Any, labels: Any, *, axis: int) -> Any:
    r"""$\bar p_i = -\bar\ell\,t_i / p_i$ and $\bar t_i = -\bar\ell \ln p_i$"""
    grad = expand_dims(-grad, axis=axis)
    return (
        lambda: grad * labels / where((labels == 0) & (probs == 0), 1, probs),
        lambda: grad * log(probs),
    )
