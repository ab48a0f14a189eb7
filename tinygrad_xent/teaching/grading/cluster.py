"""Grading on a Dask cluster: the files are sent to the workers as bytes, the records come back."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import Any

from tinygrad_xent.errors import UsageError
from tinygrad_xent.teaching.grading.submissions import Task, failed, grade_files
from tinygrad_xent.visualization.naming import printable

_PATIENCE = 10  # seconds


def graded_on_cluster(
    address: str,
    tasks: Sequence[Task],
    facts: Mapping[str, Any],
    tell: Callable[[str], object],
) -> Iterator[dict[str, Any]]:
    """Yield the records as they come.

    Parameters
    ----------
    address : str
        The address of the scheduler. Its workers need this package, in this version.
    tasks : sequence of (Submission, tuple of str)
        Each with the exercises to judge.
    facts : mapping
        The other arguments of `grade_files`.
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
        versions = client.run(metadata.version, "tinygrad_xent", on_error="return")
        _check_workers(versions)
        if not versions:
            tell(f"--cluster: {printable(address)} has no workers yet; waiting for one")
        futures = {
            client.submit(grade_files, s.student, *s.read(), names, **facts, pure=False): (s, names)
            for s, names in tasks
        }
        try:
            for future in as_completed(futures):
                fault = future.exception()  # another worker does what one that died had to do
                if fault is None:
                    yield future.result()
                else:
                    message = f"It could not be graded ({printable(fault)})."
                    yield failed(*futures[future], message)
        finally:
            client.cancel(list(futures))


def _check_workers(versions: Mapping[str, Any]) -> None:
    """Refuse a worker that would fail everybody, or judge as another version does."""
    needed = metadata.version("tinygrad_xent")
    for worker, version in versions.items():
        if version != needed and not isinstance(version, OSError):  # this one has just left
            raise UsageError(
                f"--cluster: the worker {worker} needs tinygrad_xent {needed} and has "
                f"{version if isinstance(version, str) else f'none ({printable(version)})'}; "
                "install it there"
            )
