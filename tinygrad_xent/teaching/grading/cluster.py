"""Grading on a Dask cluster: the files are sent to the workers as bytes, the records come back."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

from tinygrad_xent.errors import UsageError
from tinygrad_xent.teaching.grading.submissions import (
    Submission,
    content_of,
    failed,
    grade_submission,
)
from tinygrad_xent.visualization.naming import printable

_SHARED = "tinygrad-xent-submissions"
_PATIENCE = 10  # seconds


def graded_on_cluster(
    address: str,
    todo: Sequence[Submission],
    facts: Mapping[str, Any],
    tell: Callable[[str], object],
) -> Iterator[dict[str, Any]]:
    """Yield the records as they come.

    Parameters
    ----------
    address : str
        The address of the scheduler. Its workers need this package, in this version.
    todo : sequence of Submission
    facts : mapping
        The other arguments of `grade_submission`.
    tell : callable
        Called with a line that says what is waited for.

    Raises
    ------
    UsageError
        If Dask is missing, no scheduler answers, or a worker has another version or none.
    """
    try:
        from distributed import Client, Security, as_completed
        from distributed.comm import connect
    except ImportError:
        message = '--cluster needs Dask: pip install "tinygrad_xent[dask]"'
        raise UsageError(message) from None

    async def knock() -> None:  # a client would wait forever for a server that is not a scheduler
        secrets = Security().get_connection_args("client")
        comm = await asyncio.wait_for(connect(address, timeout=_PATIENCE, **secrets), _PATIENCE + 1)
        comm.abort()

    try:
        with ThreadPoolExecutor(1) as other:  # in a notebook this thread has a loop already
            other.submit(asyncio.run, knock()).result()
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = printable(error) or "no answer"
        raise UsageError(f"--cluster: no scheduler at {printable(address)} ({reason})") from None
    with client, client.as_current():
        versions = client.run(_version, on_error="return")
        _check_workers(versions)
        if not versions:
            tell(f"--cluster: {printable(address)} has no workers yet; waiting for one")
        futures = {
            client.submit(grade_copies, s.student, _contents(s), s.problems, **facts, pure=False): s
            for s in todo
        }
        try:
            for future in as_completed(futures):
                fault = future.exception()  # another worker does what one that died had to do
                if fault is None:
                    yield future.result()
                else:
                    message = f"It could not be graded ({printable(fault)})."
                    yield failed(futures[future], facts["names"], message)
        finally:
            client.cancel(list(futures))


def _version() -> str:
    return metadata.version("tinygrad_xent")


def _check_workers(versions: Mapping[str, Any]) -> None:
    """Refuse a worker that would fail everybody, or judge as another version does."""
    needed = _version()
    for worker, version in versions.items():
        if version != needed and not isinstance(version, OSError):  # this one has just left
            raise UsageError(
                f"--cluster: the worker {worker} needs tinygrad_xent {needed} and has "
                f"{version if isinstance(version, str) else f'none ({printable(version)})'}; "
                "install it there"
            )


def grade_copies(
    student: str,
    contents: Sequence[tuple[str, bytes]],
    problems: tuple[str, ...] = (),
    **facts: Any,
) -> dict[str, Any]:
    """Grade a student's files on a machine that does not have them.

    Parameters
    ----------
    student : str
    contents : sequence of (str, bytes)
        The files' names and what is in them.
    problems : tuple of str
        What else was handed in and cannot be graded, and why.
    **facts
        The other arguments of `grade_submission`.
    """
    shared = _shared()
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        files = []
        for i, (name, content) in enumerate(contents):
            files.append(Path(folder, str(i), name))
            files[-1].parent.mkdir()
            files[-1].write_bytes(content)
        closed = (*facts.pop("closed", ()), str(shared))
        return grade_submission(Submission(student, tuple(files), problems), closed=closed, **facts)


def _shared() -> Path:
    """Return the folder of all workers of this user, which no submission can read.

    Raises
    ------
    PermissionError
        If another user has made it.
    """
    uid = os.getuid() if hasattr(os, "getuid") else ""
    shared = Path(tempfile.gettempdir(), f"{_SHARED}-{uid}")
    shared.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and shared.lstat().st_uid != uid:
        raise PermissionError(f"{shared} belongs to another user; remove it")
    return shared


def _contents(submission: Submission) -> list[tuple[str, bytes]]:
    return [(file.name, content_of(file)) for file in submission.files]
