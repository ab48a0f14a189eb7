"""The same cross-entropy three ways, side by side: from primitives, by log-softmax, as one op."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from tinygrad_xent import ops
from tinygrad_xent.backprop import gradients
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.losses import (
    softmax_cross_entropy_with_logits_v2,
    sparse_categorical_crossentropy,
)
from tinygrad_xent.numbers import brief
from tinygrad_xent.numerics import first_bad, stability
from tinygrad_xent.numerics.stability import right_digits
from tinygrad_xent.replay import rebuild
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.trace import table

_WIDEST = max(np.float64, np.longdouble, key=lambda dtype: np.finfo(dtype).precision)
_NARROW = 4  # entries up to which an array is written out


@dataclass(frozen=True, eq=False)
class Way:
    """One way to compute a cross-entropy, and what came of it.

    Attributes
    ----------
    title : str
    loss : Tensor
        One loss per row, with the graph under it.
    logits : Tensor
        The leaf of that graph.
    gradient : ndarray
        Of the sum of the losses with respect to the logits.
    kept : int
        How many tensors the ops made: all are kept until the backward pass has run.
    bytes : int
        What these take.
    loss_digits, gradient_digits : float
        Right decimal digits of the worst entry; 0 where it is NaN or infinite and should not be.
    trouble : str
        The op that loses digits or makes the first NaN or infinity; empty if there is none.
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


@dataclass(frozen=True)
class Unfused(Sequence[Way]):
    """What `unfuse` found: three ways, to be printed or shown in a notebook as a table.

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
        """The picture of each way's graph, as `draw` makes it."""
        from tinygrad_xent.draw import draw

        return tuple(draw(way.loss, names={"logits": way.logits}) for way in self.ways)

    def _head(self) -> tuple[str, ...]:
        return ("", *(way.title for way in self.ways))

    def _rows(self) -> Iterator[tuple[str, ...]]:
        facts: dict[str, Callable[[Way], str]] = {
            "loss": lambda way: brief(way.loss.data, _NARROW),
            "gradient of the logits": lambda way: brief(way.gradient, _NARROW),
            "right digits of the loss": lambda way: f"{way.loss_digits:.1f}",
            "right digits of the gradient": lambda way: f"{way.gradient_digits:.1f}",
            "tensors kept": lambda way: str(way.kept),
            "their bytes": lambda way: f"{way.bytes:,}",
        }
        for word, fact in facts.items():
            yield (word, *(fact(way) for way in self.ways))

    def _troubles(self) -> Iterator[str]:
        for way in self.ways:
            yield f"{way.title}: {way.trouble or 'no op loses more than one digit.'}"

    def __str__(self) -> str:
        return "\n".join([*table(self._head(), list(self._rows())), "", *self._troubles()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{escape(word)}</th>' for word in self._head())
        body = "".join(
            f'<tr><th scope="row">{escape(word)}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>"
            for word, *cells in self._rows()
        )
        images = "".join(
            f"<td>{picture._repr_mimebundle_()['text/html']}</td>" for picture in self.pictures
        )
        body += f'<tr><th scope="row">graph</th>{images}</tr>'
        troubles = "".join(f"<li>{escape(trouble)}</li>" for trouble in self._troubles())
        return (
            f'<div class="tx-unfused"><style>{_STYLE}</style>'
            f"<table><caption>One cross-entropy, three ways</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table><ul>{troubles}</ul></div>"
        )


_STYLE = """
.tx-unfused { overflow-x: auto; color: var(--jp-ui-font-color1, inherit); }
.tx-unfused table { border-collapse: collapse; font-size: 0.9em; }
.tx-unfused caption { text-align: start; font-weight: bold; padding: 0.3em 0; caption-side: top; }
.tx-unfused :is(th, td) { text-align: start; padding: 0.25em 0.8em; vertical-align: top;
  background: none; border: 0 solid var(--jp-border-color2, currentColor); }
.tx-unfused thead th { border-bottom-width: 1px; }
.tx-unfused tbody th { font-weight: normal; }
.tx-unfused img { background: #fff; max-width: none; }
"""


def unfuse(labels: Any, logits: Any, axis: int = -1) -> Unfused:
    """Compute one softmax cross-entropy three ways, and put what comes of them side by side.

    The ways are primitives (exp, sum, divide, log, pick, negative), log-softmax and pick, and the
    one fused op. Dense labels are not picked with but multiplied and summed.

    Parameters
    ----------
    labels : array_like
        Integers, the shape of `logits` without `axis`; or probabilities, of the shape of `logits`.
    logits : array_like or Tensor
        Unnormalised log probabilities; whole numbers are taken as float64.
    axis : int
        The axis of classes.

    Returns
    -------
    Unfused
        Losses, gradients, how many of their digits are right, the tensors that each way keeps for
        its backward pass, and the op that spoils a way, if one does.

    Raises
    ------
    AxisError, DtypeError, LabelDtypeError, LabelRangeError, ShapeError
        As `sparse_categorical_crossentropy` and `softmax_cross_entropy_with_logits_v2`.

    Notes
    -----
    Digits are counted against the fused op in the widest precision that NumPy has here.

    Examples
    --------
    >>> print(unfuse(0, [37.43, 0.0]))
                                  primitives  log-softmax and pick  fused
    loss                          0           5.56e-17              5.56e-17
    gradient of the logits        ...
    """
    data = logits.data if isinstance(logits, Node) else np.asarray(logits)
    data = data.astype(np.float64) if data.dtype.kind in "iub" else data
    labels = np.asarray(labels.data if isinstance(labels, Node) else labels)
    fused = _fused_of(labels, data, axis)
    with np.errstate(all="ignore"):
        exact_loss, exact_gradient = _exactly(fused, data)
        return Unfused(
            tuple(
                _look(title, f, data, exact_loss, exact_gradient)
                for title, f in (
                    ("primitives", lambda z: -_pick(labels, ops.log(_softmax(z, axis)), axis)),
                    (
                        "log-softmax and pick",
                        lambda z: -_pick(labels, ops.log_softmax(z, axis=axis), axis),
                    ),
                    ("fused", fused),
                )
            )
        )


def _fused_of(labels: Any, logits: Any, axis: int) -> Callable[[Any], Any]:
    dense = labels.shape == logits.shape
    loss = softmax_cross_entropy_with_logits_v2 if dense else sparse_categorical_crossentropy
    more = {} if dense else {"from_logits": True}
    checked: Any = loss(labels, Tensor(logits), axis=axis, **more)  # the errors are the losses' own
    given, params = checked.inputs[0], checked.params
    return lambda z: checked.op(given, z, **params)


def _softmax(z: Any, axis: int) -> Any:
    """Compute a softmax as the textbook writes it."""
    e = ops.exp(z)
    return e / e.sum(axis=axis, keepdims=True)


def _pick(labels: Any, log_probs: Any, axis: int) -> Any:
    if labels.shape == log_probs.shape:
        return (log_probs * labels.astype(log_probs.dtype)).sum(axis=axis)
    rows = (
        *log_probs.shape[: axis % log_probs.ndim],
        *log_probs.shape[axis % log_probs.ndim + 1 :],
    )
    index: list[Any] = list(np.ogrid[tuple(slice(n) for n in rows)])
    index.insert(axis % log_probs.ndim, labels.reshape(rows))
    return log_probs[tuple(index)]


def _exactly(fused: Callable[[Any], Any], data: Any) -> tuple[Any, Any]:
    """Give loss and gradient in the widest precision."""
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
    return Way(
        title=title,
        loss=loss,
        logits=logits,
        gradient=gradient,
        kept=len(made),
        bytes=sum(node.data.nbytes for node in made),
        loss_digits=_worst(loss.data, exact_loss),
        gradient_digits=_worst(gradient, exact_gradient),
        trouble=_trouble(f, loss, data),
    )


def _worst(found: Any, exact: Any) -> float:
    return float(np.min(right_digits(found, exact, found.dtype), initial=np.inf))


def _trouble(f: Callable[[Any], Any], loss: Any, data: Any) -> str:
    bad = first_bad(loss.sum())
    if bad is not None:
        return f"{bad.message}. {bad.rewrite}".strip()
    loses = stability(f, data).first(data.dtype)
    if loses is None:
        return ""
    lost = loses.lost[data.dtype.name]
    return f"{loses.op} is the first to lose digits: {lost:.1f} of them are gone."
