"""How many digits each op of a computation keeps, and which one loses them first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_xent.checking.replaying import rebuild
from tinygrad_xent.errors import NotRecordedError
from tinygrad_xent.graph import Node, ancestors
from tinygrad_xent.tensor import Tensor
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.naming import names_of
from tinygrad_xent.visualization.readable import Readable

_DTYPES = (np.float16, np.float32, np.float64)
_NOTICED = 1.0  # digits that an op may lose before it is named


@dataclass(frozen=True, repr=False)
class OpDigits(Readable):
    """What one op did to the digits, in each precision.

    Attributes
    ----------
    name, op : str
        The tensor, and the op that made it.
    digits : dict of str to float
        Right decimal digits of its worst entry, by dtype. It is 0 where no digit is right, or where
        the entry should be finite and is not.
    lost : dict of str to float
        How many of the digits that its inputs had are gone, by dtype.
    exact : str
        The entry that is worst in the narrowest precision, as it should be.
    """

    name: str
    op: str
    digits: dict[str, float]
    lost: dict[str, float]
    exact: str


@dataclass(frozen=True, repr=False)
class Stability(Readable, Sequence[OpDigits]):
    """The digits that each op keeps; printed as a table.

    Attributes
    ----------
    rows : tuple of OpDigits
        One for each op, in the order of computation.
    reference : str
        The precision that the others were compared with.
    """

    rows: tuple[OpDigits, ...]
    reference: str

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return self.rows[index]

    def first(self, dtype: Any) -> OpDigits | None:
        """Return the first op that loses more than one digit in a precision, or None."""
        name = np.dtype(dtype).name
        return next((row for row in self.rows if row.lost[name] > _NOTICED), None)

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        names = self._names()
        rows = [
            (row.name, row.op, *(_shown(row, name) for name in names), row.exact)
            for row in self.rows
        ]
        return ("tensor", "op", *names, "worst entry"), rows

    def _names(self) -> list[str]:
        return [np.dtype(d).name for d in _DTYPES if np.dtype(d).name != self.reference]

    def _notes(self) -> Iterator[str]:
        yield f"Right decimal digits, against {self.reference}; in brackets those lost here."
        for name in self._names():
            row = self.first(name)
            yield (
                f"{name}: {row.op} ({row.name}) is the first to lose digits: {row.lost[name]:.1f}."
                if row
                else f"{name}: no op loses more than one digit."
            )


def _shown(row: OpDigits, name: str) -> str:
    lost = f" (-{row.lost[name]:.1f})" if row.lost[name] > _NOTICED else ""
    return f"{row.digits[name]:.1f}{lost}"


def stability(f: Callable[..., Any], *inputs: Any) -> Stability:
    """Run a computation in several precisions, and say which op loses the digits.

    Parameters
    ----------
    f : callable
        Of Tensors. It is recorded once in float64, then repeated in float16, in float32, and in
        `longdouble` where that is wider than float64.
    *inputs : array_like
        What to call it with.

    Returns
    -------
    Stability
        Digits kept and lost at each op. A result that overflows or is NaN has no correct digit.

    Raises
    ------
    NotRecordedError
        If `f` does not return a Tensor.

    Examples
    --------
    >>> import tinygrad_xent as tx
    >>> found = stability(lambda z: tx.log(tx.softmax(z)), [0.0, -120.0])
    >>> found.first("float32").op
    'softmax'
    """
    tensors = [Tensor(np.asarray(x, np.float64)) for x in inputs]
    output = f(*tensors)
    if not isinstance(output, Node):
        raise NotRecordedError(
            f"f returned {type(output).__name__}, not a Tensor: compute with the ops of "
            "tinygrad_xent"
        )
    nodes = ancestors(output)
    names = names_of(nodes)
    widest = np.longdouble if np.finfo(np.longdouble).eps < np.finfo(np.float64).eps else np.float64
    narrow = [d for d in _DTYPES if d is not widest]
    digits, exact = {}, {}
    for dtype in narrow:
        with np.errstate(all="ignore"):
            found = rebuild(output, dtype)
            # From the numbers that the narrow run starts with: their rounding is no op's fault.
            wide = rebuild(found[output], widest)
        exact[dtype] = {node: wide[twin].data for node, twin in found.items()}
        digits[dtype] = {
            node: right_digits(twin.data, exact[dtype][node], dtype) for node, twin in found.items()
        }
    rows = [
        OpDigits(
            name=names[node],
            op=node.op.name,
            digits={np.dtype(d).name: digits[d][node].min(initial=digits_of(d)) for d in narrow},
            lost={np.dtype(d).name: _lost(node, digits[d], d) for d in narrow},
            exact=_worst(exact[narrow[0]][node], digits[narrow[0]][node]),
        )
        for node in nodes
        if node.op is not None
    ]
    return Stability(tuple(rows), np.dtype(widest).name)


def digits_of(dtype: Any) -> float:
    """Return how many decimal digits a floating dtype has."""
    return float(-np.log10(np.finfo(dtype).eps / 2))


def right_digits(found: Any, exact: Any, dtype: Any) -> Any:
    """Return the correct decimal digits of each entry."""
    found = np.asarray(found, exact.dtype)
    error = np.abs(found - exact)
    smallest = np.finfo(np.float64).tiny
    relative = np.where(error == 0, 0, error / np.maximum(np.abs(exact), smallest))
    same = (found == exact) | (np.isnan(found) & np.isnan(exact))
    floor = np.finfo(dtype).eps / 2
    digits = np.abs(np.log10(np.clip(np.where(np.isnan(relative), 1, relative), floor, 1)))
    return np.asarray(np.where(same, digits_of(dtype), digits), float)


def _lost(node: Node, digits: dict[Node, Any], dtype: Any) -> float:
    every = digits_of(dtype)
    before = [digits[x].min(initial=every) for x in node.inputs if isinstance(x, Node)]
    return float(max(min(before, default=every) - digits[node].min(initial=every), 0.0))


def _worst(exact: Any, digits: Any) -> str:
    return number(exact.reshape(-1)[int(np.argmin(digits))]) if exact.size else ""
