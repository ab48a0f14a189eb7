"""The same cross-entropy three ways: from primitives, by log-softmax, and as one fused op."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.checking.digits import digits_of, right_digits, stability
from tinygrad_xent.checking.replaying import rebuild
from tinygrad_xent.derivatives import gradients
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.losses.dense import softmax_cross_entropy_with_logits_v2
from tinygrad_xent.losses.sparse import sparse_categorical_crossentropy
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.visualization.bad_numbers import first_bad
from tinygrad_xent.visualization.formatting import brief, number
from tinygrad_xent.visualization.pages import image
from tinygrad_xent.visualization.readable import Readable
from tinygrad_xent.visualization.tables import html_table, styled

_WIDEST: Any = np.promote_types(np.longdouble, np.float64).type
_NARROW = 4  # up to so many entries an array is shown in full
_NOTICED = 3.0  # lost digits that are reported; p - t always cancels one or two


@dataclass(frozen=True, eq=False, repr=False)
class Way(Readable):
    """One way to compute a cross-entropy, with its results.

    Attributes
    ----------
    title : str
    loss : Tensor
        One loss per row, with its graph.
    logits : Tensor
        The leaf of the graph.
    gradient : ndarray
        The gradient of the sum of the losses with respect to the logits.
    kept : int
        The number of tensors that the ops computed, all kept until the backward pass has run.
    bytes : int
        Their size in bytes.
    loss_digits, gradient_digits : float
        Correct decimal digits of the worst entry; 0 if it is NaN or infinite and should not be.
    trouble : str
        The cause of the first NaN or infinity, or else of lost digits; empty if there is none.
    """

    title: str
    loss: Tensor
    logits: Tensor
    gradient: Any
    kept: int
    bytes: int
    loss_digits: float
    gradient_digits: float
    trouble: str


@dataclass(frozen=True, repr=False)
class Unfused(Readable, Sequence[Way]):
    """The three ways of `unfuse`: printed as text, and shown in a notebook as a table.

    Attributes
    ----------
    ways : tuple of Way
        From primitives, by log-softmax, and fused.
    """

    ways: tuple[Way, ...]

    def __len__(self) -> int:
        return len(self.ways)

    def __getitem__(self, index: Any) -> Any:
        return self.ways[index]

    @property
    def pictures(self) -> tuple[Any, ...]:
        """The picture of each way's graph."""
        from tinygrad_xent.visualization.drawing import draw

        return tuple(draw(way.loss, names={"logits": way.logits}) for way in self.ways)

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        facts: dict[str, Callable[[Way], str]] = {
            "loss": lambda way: brief(way.loss.data, _NARROW),
            "gradient of the logits": lambda way: brief(way.gradient, _NARROW),
            "right digits of the loss": lambda way: f"{way.loss_digits:.1f}",
            "right digits of the gradient": lambda way: f"{way.gradient_digits:.1f}",
            "tensors kept": lambda way: str(way.kept),
            "their bytes": lambda way: f"{way.bytes:,}",
        }
        head = ("", *(way.title for way in self.ways))
        return head, [(word, *map(fact, self.ways)) for word, fact in facts.items()]

    def _notes(self) -> Iterator[str]:
        yield ""
        for way in self.ways:
            yield f"{way.title}: {way.trouble or 'no more than three digits are lost.'}"

    def _repr_html_(self) -> str:
        graphs = "".join(
            f"<figure><figcaption>{escape(way.title)}</figcaption>"
            f"{image(picture.svg, picture.alt)}</figure>"
            for way, picture in zip(self.ways, self.pictures, strict=True)
        )
        troubles = "".join(f"<li>{escape(trouble)}</li>" for trouble in self._notes() if trouble)
        rows = html_table(*self._table(), "One cross-entropy, three ways")
        return styled("unfused", f'{rows}<ul>{troubles}</ul><div class="graphs">{graphs}</div>')


def unfuse(labels: Any, logits: Any, axis: int = -1) -> Unfused:
    """Compute one softmax cross-entropy three ways, and compare the results.

    The ways are primitives (exp, sum, divide, log, pick, negative), log-softmax and pick, and one
    fused op. For dense labels, multiply and sum replace pick.

    Parameters
    ----------
    labels : array_like
        Integers in the shape of `logits` without `axis`, or probabilities in the shape of `logits`.
    logits : array_like or Tensor
        Unnormalised log-probabilities; integers are converted to float64.
    axis : int
        The axis of classes.

    Returns
    -------
    Unfused
        Losses, gradients, their correct digits, the tensors that each way keeps for its backward
        pass, and the op that causes a wrong result, if any.

    Raises
    ------
    AxisError, DtypeError, LabelDtypeError, LabelRangeError, ShapeError
        As `sparse_categorical_crossentropy` and `softmax_cross_entropy_with_logits_v2`.

    Notes
    -----
    The reference for correct digits is the fused op in NumPy's widest precision.

    Examples
    --------
    >>> unfuse(0, [1000.0, 0.0])
                                  primitives  log-softmax and pick  fused
    loss                          NaN         -0                    0
    gradient of the logits        [NaN NaN]   [-0 0]                [0 0]
    right digits of the loss      0.0         16.0                  16.0
    right digits of the gradient  0.0         16.0                  16.0
    tensors kept                  6           3                     1
    their bytes                   72          32                    8
    <BLANKLINE>
    primitives: exp made inf at e^z[0] out of logits = 1000. exp overflows above 710 in float64:
    subtract the maximum first, as softmax and logsumexp do.
    log-softmax and pick: no more than three digits are lost.
    fused: no more than three digits are lost.
    """
    data = logits.data if isinstance(logits, Node) else np.asarray(logits)
    data = data.astype(np.float64) if data.dtype.kind in "iub" else data
    labels = np.asarray(labels.data if isinstance(labels, Node) else labels)
    labels, fused = _checked(labels, data, axis)
    ways: dict[str, Callable[[Any], Any]] = {
        "primitives": lambda z: -_pick(labels, _ln_p(z, axis), axis),
        "log-softmax and pick": lambda z: -_pick(labels, ops.log_softmax(z, axis=axis), axis),
        "fused": fused,
    }
    with np.errstate(all="ignore"):
        exact = _exactly(fused, data)
        return Unfused(tuple(_look(title, f, data, *exact) for title, f in ways.items()))


def _checked(labels: Any, logits: Any, axis: int) -> tuple[Any, Callable[[Any], Any]]:
    """Return the labels in the right shape, and the fused op; the losses check the arguments."""
    if labels.shape == logits.shape:
        fused: Any = softmax_cross_entropy_with_logits_v2(labels, Tensor(logits), axis=axis)
        labels = labels.astype(logits.dtype)
    else:
        fused = sparse_categorical_crossentropy(labels, Tensor(logits), True, axis)
        labels = labels.reshape(np.delete(logits.shape, axis))
    return labels, lambda z: fused.op(labels, z, axis=axis)


def _ln_p(z: Any, axis: int) -> Any:
    """Return the logarithm of a softmax by the textbook formula."""
    e = ops.exp(z)
    total = e.sum(axis=axis, keepdims=True)
    p = e / total
    e.name, total.name, p.name = "e^z", "sum of e^z", "p"
    return ops.log(p)


def _pick(labels: Any, log_probs: Any, axis: int) -> Any:
    """Return the logarithm of the probability at the labels."""
    log_probs.name = "ln p"
    if labels.shape == log_probs.shape:
        return (log_probs * labels).sum(axis=axis)
    index: list[Any] = list(np.ogrid[tuple(slice(n) for n in labels.shape)])
    index.insert(axis % log_probs.ndim, labels)
    return log_probs[tuple(index)]


def _exactly(fused: Callable[[Any], Any], data: Any) -> tuple[Any, Any]:
    """Return loss and gradient in the widest precision."""
    logits = Tensor(data)
    loss = fused(logits)
    twin = rebuild(loss, _WIDEST)
    wide = twin[loss]
    return wide.data, gradients(wide, twin[logits], seed=np.ones_like(wide.data))


def _look(
    title: str, f: Callable[[Any], Any], data: Any, exact_loss: Any, exact_gradient: Any
) -> Way:
    logits = Tensor(data, name="logits")
    loss = f(logits)
    loss.name = "loss"
    gradient = gradients(loss, logits, seed=np.ones_like(loss.data))
    made = [node for node in ancestors(loss) if node.op is not None]
    loss_digits = right_digits(loss.data, exact_loss, loss.data.dtype)
    gradient_digits = right_digits(gradient, exact_gradient, gradient.dtype)
    bad = first_bad(loss)
    return Way(
        title=title,
        loss=loss,
        logits=logits,
        gradient=gradient,
        kept=len(made),
        bytes=sum(node.data.nbytes for node in made),
        loss_digits=float(np.min(loss_digits, initial=digits_of(data.dtype))),
        gradient_digits=float(np.min(gradient_digits, initial=digits_of(data.dtype))),
        trouble=(f"{bad.message}. {bad.rewrite}".strip() if bad else "")
        or _spoilt("loss", loss.data, exact_loss, loss_digits, _culprit(f, data))
        or _spoilt("gradient", gradient, exact_gradient, gradient_digits, "the backward pass"),
    )


def _culprit(f: Callable[[Any], Any], data: Any) -> str:
    """Return the name of the op that loses digits first in the forward pass."""
    first = stability(f, data).first(data.dtype)
    return first.op if first else "rounding"


def _spoilt(word: str, found: Any, exact: Any, digits: Any, culprit: str) -> str:
    """Return a sentence on the entry with the most lost digits, or an empty string."""
    every = digits_of(found.dtype)
    lost = every - np.min(digits, initial=every)
    if lost <= _NOTICED:
        return ""
    i = int(np.argmin(digits))
    is_, should = number(found.reshape(-1)[i]), number(exact.reshape(-1)[i].astype(found.dtype))
    became = f": a {word} of {should} becomes {is_}" if is_ != should else f" of the {word}"
    return f"{culprit} loses {lost:.1f} of {every:.1f} digits{became}."
