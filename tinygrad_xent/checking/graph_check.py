"""Every gradient of a graph against differences of its output."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tinygrad_xent.backprop import backpropagate, check_seed, is_real
from tinygrad_xent.checking.refining import refine
from tinygrad_xent.checking.replaying import rebuild, replayer
from tinygrad_xent.checking.rounding import Judged, judge
from tinygrad_xent.checking.slopes import EPSILON, Slopes, differences
from tinygrad_xent.graph import Node, parents
from tinygrad_xent.visualization.formatting import number
from tinygrad_xent.visualization.naming import names_of, shown
from tinygrad_xent.visualization.tracing import table

Verdict = Literal["right", "wrong", "unclear"]
_JITTERS = 8
_LAST_DIGIT = 0.08  # what is judged has a margin of a hundred roundings


@dataclass(frozen=True, eq=False)
class TensorCheck:
    """What differences say about one tensor's gradient.

    Attributes
    ----------
    tensor : Tensor
    name : str
    verdict : str
        "right", "wrong", or "unclear" where differences cannot tell.
    checked, entries : int
        How many entries were compared, of how many.
    error : float
        The largest difference, relative to the largest entry of the gradient; kinks and unclear
        entries left out.
    worst : tuple of int
        Where it is.
    gradient, expected : float
        What backpropagation gives there, and what the differences give.
    kinks : int
        Entries where the function has a kink: backpropagation takes one of the slopes there, or one
        between.
    unclear : int
        Entries where the differences are too uncertain.
    suspects : tuple of str
        The ops whose rules sent a wrong gradient although their own was right.
    """

    tensor: Node
    name: str
    verdict: Verdict
    checked: int
    entries: int
    error: float
    worst: tuple[int, ...]
    gradient: float
    expected: float
    kinks: int
    unclear: int
    suspects: tuple[str, ...] = ()


@dataclass(frozen=True)
class GradientCheck(Sequence[TensorCheck]):
    """The checks of all tensors of a graph, from the output backwards.

    Examples
    --------
    >>> from tinygrad_xent import Tensor
    >>> x = Tensor([1.0, 2.0], name="x")
    >>> print(check_gradients((x * x).sum()))
    tensor  entries  largest error  verdict
    v2      1        ...            right
    v1      2        ...            right
    x       2        ...            right
    """

    checks: tuple[TensorCheck, ...]

    def __len__(self) -> int:
        return len(self.checks)

    def __getitem__(self, index: Any) -> Any:
        return self.checks[index]

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong."""
        return all(check.verdict != "wrong" for check in self.checks)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        rows = [
            (c.name, counted(c), number(c.error) if np.isfinite(c.error) else "-", remark(c))
            for c in self.checks
        ]
        return "\n".join(table(("tensor", "entries", "largest error", "verdict"), rows))


def counted(check: TensorCheck) -> str:
    """Say how many entries were checked."""
    some = "" if check.checked == check.entries else f"{check.checked:,} of "
    return f"{some}{check.entries:,}"


def remark(check: TensorCheck) -> str:
    """Give the verdict and what is to be said about it."""
    said: list[str] = [check.verdict]
    if check.verdict == "wrong":
        where = f"[{', '.join(map(str, check.worst))}]" if check.worst else ""
        gradient, expected = number(check.gradient), number(check.expected)
        said.append(f"∂{check.name}{where} is {gradient}, differences give {expected}")
    if check.suspects:
        said.append(f"look at the rule of {' and '.join(check.suspects)}")
    if check.kinks:
        said.append(f"{check.kinks} at a kink")
    if check.unclear and check.verdict != "unclear":
        said.append(f"{check.unclear} unclear")
    return "; ".join(said)


def check_gradients(
    output: Node, *, seed: Any = None, limit: int = 5000, rng: np.random.Generator | None = None
) -> GradientCheck:
    """Check the gradient of every tensor of a graph, those in between included.

    The graph is computed again in float64, with each tensor's entries moved up and down. A
    gradient is wrong where it differs by more than the estimated error of the differences and
    the rounding of float64 allow.

    Parameters
    ----------
    output : Tensor
        Where the backward pass starts.
    seed : array_like, optional
        The gradient of `output`, of its shape; 1 where it is a scalar.
    limit : int
        How many entries of a tensor to check; of a larger one as many are chosen at random.
    rng : numpy.random.Generator, optional
        What to choose them with.

    Returns
    -------
    GradientCheck
        One `TensorCheck` for each tensor, from the output backwards. It is true if none is wrong.

    Raises
    ------
    NotRecordedError, NotScalarError, SeedShapeError, GradientDtypeError, StaleGraphError
        If there is no backward pass to check; the message says why.
    """
    weights = np.asarray(check_seed(output, getattr(seed, "data", seed)), np.float64)
    rng = rng or np.random.default_rng(0)
    names = names_of(shown(output))
    twins = rebuild(output)
    originals = {twin: node for node, twin in twins.items()}
    rounding = functools.cache(lambda: _rounding(output, weights))
    checks: dict[Node, TensorCheck] = {}
    largest = 0.0  # of the gradients that the next one is made of
    for twin, grad in backpropagate(twins[output], weights):
        floor = _LAST_DIGIT * EPSILON * largest
        largest = max(largest, np.max(np.abs(grad), initial=0.0, where=np.isfinite(grad)))
        size, node = twin.data.size, originals[twin]
        if size:
            all_of_them = np.arange(size)
            some = all_of_them if size <= limit else rng.choice(size, limit, replace=False)
            entries = np.sort(some)
            f = _function(twins[output], twin, weights)
            gradient = np.asarray(grad, np.float64).reshape(-1)[entries]
            noise = functools.partial(_of, rounding, node)
            judged = _judged(f, twin.data, gradient, entries, floor, noise)
            checks[node] = _check_of(node, names[node], gradient, entries, judged)
    return GradientCheck(tuple(_with_suspects(node, checks) for node in checks))


def _function(output: Node, node: Node, weights: Any) -> Callable[[Any], Any]:
    run = replayer(output, [node])
    return lambda x: np.asarray(np.sum(weights * run(x)))


def _judged(
    f: Callable[[Any], Any],
    x: Any,
    gradient: Any,
    entries: Any,
    floor: float,
    rounding: Callable[[], Any],
) -> Judged:
    """Judge some entries of a gradient; before one is called wrong, look closer.

    What rounding does to the gradient is at least `floor`, and more where `rounding` saw more.
    """
    measured = differences(f, x, entries)
    found = Slopes(
        measured.derivative[None], measured.error[None], measured.kink, "central differences"
    )
    got, one = gradient[None], np.ones(1)
    judged = judge(got, found, one, EPSILON, floor)
    if not (judged.wrong.any() or judged.kink.any()):
        return judged
    noise = floor + rounding().reshape(-1)[entries][None]
    judged = judge(got, found, one, EPSILON, noise)
    if not (judged.wrong.any() or judged.kink.any()):
        return judged

    def moved(part: Any) -> Any:
        whole = np.array(x)
        whole.reshape(-1)[entries] = part
        return f(whole)

    part = x.reshape(-1)[entries]
    closer = refine(moved, part, one, got, found, judged.wrong)
    return judge(got, closer, one, EPSILON, noise)


def _rounding(output: Node, weights: Any) -> dict[Node, Any]:
    """Return how far gradients move when the last digits of the leaves do.

    Of several moves a small one: a wrong rule may jump at some of them, and that is no rounding.
    """
    twins = rebuild(output)
    leaves = [node for node in twins if node.op is None and is_real(node)]
    grads = dict(backpropagate(twins[output], weights))
    moves: dict[Node, list[Any]] = {node: [] for node in twins}
    rng = np.random.default_rng(0)
    for _ in range(_JITTERS):
        stirred = {
            leaf: twins[leaf].data * (1 + EPSILON * rng.choice([-1, 1], leaf.data.shape))
            for leaf in leaves
        }
        others = rebuild(output, data=stirred)
        moved = dict(backpropagate(others[output], weights))
        for node, twin in twins.items():
            off = np.abs(moved.get(others[node], 0.0) - grads.get(twin, 0.0))
            off = np.broadcast_to(off, twin.data.shape)
            moves[node].append(np.where(np.isfinite(off), off, 0))
    return {node: np.sort(several, axis=0)[_JITTERS // 4] for node, several in moves.items()}


def _check_of(node: Node, name: str, gradient: Any, entries: Any, judged: Judged) -> TensorCheck:
    """Say what the entries of one gradient were judged to be."""
    wrong, off = judged.wrong[0], judged.relative[0]
    worst = int(np.argmax(off))
    return TensorCheck(
        tensor=node,
        name=name,
        verdict="wrong" if wrong.any() else "unclear" if judged.unclear.all() else "right",
        checked=len(entries),
        entries=node.data.size,
        error=float(off[worst]),
        worst=tuple(int(i) for i in np.unravel_index(entries[worst], node.data.shape)),
        gradient=float(gradient[worst]),
        expected=float(judged.expected[0, worst]),
        kinks=int(np.sum(judged.kink & ~wrong)),
        unclear=int(np.sum(judged.unclear)),
    )


def _with_suspects(node: Node, checks: Mapping[Node, TensorCheck]) -> TensorCheck:
    """Name the ops that use a tensor and got a right gradient, if the tensor's own is wrong."""
    check = checks[node]
    if check.verdict != "wrong":
        return check
    users = [user for user in checks if any(x is node for x in parents(user))]
    if any(checks[user].verdict == "wrong" for user in users):
        return check
    suspects = dict.fromkeys(user.op.name for user in users if user.op)
    return replace(check, suspects=tuple(suspects))


def _of(found: Callable[[], Mapping[Node, Any]], node: Node) -> Any:
    return found()[node]
