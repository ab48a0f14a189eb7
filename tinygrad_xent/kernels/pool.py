"""How many threads the kernels use, and the pool that the others beside the caller come from."""

from __future__ import annotations

import contextlib
import itertools
import os
from _thread import allocate_lock  # `threading` would be a fifth of the time of the import
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from tinygrad_xent.errors import ThreadsError

_lock = allocate_lock()
_now = SimpleNamespace(count=1, pool=None)


def threads() -> int:
    """How many threads the kernels use on large arrays.

    Examples
    --------
    >>> import tinygrad_xent as tx
    >>> tx.set_threads(2)
    >>> tx.threads()
    2
    >>> tx.set_threads(1)
    """
    count: int = _now.count
    return count


def set_threads(count: int) -> None:
    """Let the cross-entropies and the softmax family share large arrays among threads.

    The results do not depend on it, bit for bit. It starts with what the environment variable
    `TINYGRAD_XENT_THREADS` says, and with 1 where there is none.

    Parameters
    ----------
    count : int
        1 or more. Beyond the number of processors nothing is gained.

    Raises
    ------
    ThreadsError
        If `count` is no whole number from 1.
    """
    if not hasattr(count, "__index__") or isinstance(count, bool) or count < 1:
        raise ThreadsError(f"the number of threads is a whole number from 1, got {count!r}")
    with _lock:
        old, _now.pool, _now.count = _now.pool, None, int(count)
    if old is not None:
        old.shutdown(wait=False)


def share(work: Callable[[Sequence[Any]], None], items: Sequence[Any]) -> None:
    """Call `work` on as many runs of `items` as there are threads; the caller takes the first."""
    count = min(_now.count, len(items))
    if count <= 1:
        work(items)
        return
    bounds = [len(items) * i // count for i in range(count + 1)]
    runs = [items[a:b] for a, b in itertools.pairwise(bounds)]
    others: list[Any] = []
    try:
        with contextlib.suppress(RuntimeError):  # no thread starts any more while Python closes
            while len(runs) > 1:
                others.append(_submit(work, runs[-1]))
                runs.pop()
        for run in runs:
            work(run)
    finally:  # when the caller goes on, even after an error, nobody writes to its arrays any more
        errors = [future.exception() for future in others]
    for error in filter(None, errors):
        raise error


def _submit(work: Callable[[Sequence[Any]], None], items: Sequence[Any]) -> Any:
    with _lock:
        if _now.pool is None:
            from concurrent.futures import ThreadPoolExecutor  # 10 ms that few programs need

            _now.pool = ThreadPoolExecutor(max(1, _now.count - 1), "tinygrad_xent")
        return _now.pool.submit(work, items)


def _from_environment() -> None:
    text = os.environ.get("TINYGRAD_XENT_THREADS") or "1"
    try:
        set_threads(int(text))
    except ValueError:
        raise ThreadsError(
            f"TINYGRAD_XENT_THREADS={text!r} is no whole number from 1; correct or unset it"
        ) from None


_from_environment()
if hasattr(os, "register_at_fork"):  # a child has the pool without its threads, and nobody's lock

    def _in_child() -> None:
        _now.pool = None
        _lock.release()

    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_in_child
    )
