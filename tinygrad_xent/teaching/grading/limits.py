"""What a learner's code may use up."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import asdict, dataclass

MEBI = 2**20


@dataclass(frozen=True)
class Limits:
    """Limits of one submission.

    The operating system holds those on memory, processor time and files, which Windows does not
    have; the parent holds the others everywhere.

    Attributes
    ----------
    run_seconds : float
        For running the file from top to bottom.
    call_seconds : float
        For one call of an answer.
    total_seconds : float
        For everything together, judging included.
    memory : int
        Bytes of address space.
    file : int
        Bytes of the largest file that it may write.
    disk : int
        Bytes of all its files together, looked at now and then.
    message : int
        Bytes of the largest value that an answer may return, as it is sent.
    """

    run_seconds: float = 60.0
    call_seconds: float = 10.0
    total_seconds: float = 180.0
    memory: int = 2048 * MEBI
    file: int = 16 * MEBI
    disk: int = 256 * MEBI
    message: int = 8 * MEBI

    def as_dict(self) -> dict[str, float]:
        """Give them as JSON for the child."""
        return asdict(self)

    def hold(self) -> None:
        """Put this process under the limits that the operating system holds, where it has them."""
        if sys.platform == "win32":
            return
        bounds = {
            "RLIMIT_AS": self.memory,
            "RLIMIT_CPU": int(self.total_seconds) + 1,
            "RLIMIT_FSIZE": self.file,
            "RLIMIT_CORE": 0,
        }
        for name, bound in bounds.items():
            _bound(name, bound)
        signal.alarm(int(self.total_seconds) + 60)  # should the parent be gone by then
        os.nice(5)  # the grader itself stays responsive


def no_more_processes() -> None:
    """Refuse this process any further process or thread; those that run already stay.

    The system counts all that the user runs, everywhere, so 0 is the only limit that is the same
    for everybody. It does not bind root.
    """
    if sys.platform != "win32":
        _bound("RLIMIT_NPROC", 0)


def _bound(name: str, bound: int) -> None:
    import resource

    with contextlib.suppress(AttributeError, ValueError, OSError):  # e.g. macOS, memory
        resource.setrlimit(getattr(resource, name), (bound, bound))
