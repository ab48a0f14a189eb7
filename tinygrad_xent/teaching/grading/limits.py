"""How much a learner's code may use; the operating system holds it to most of that."""

import contextlib
import math
import os
import signal
import sys
import time
from dataclasses import dataclass

MEBI = 2**20
_LONGEST_ALARM = 2**31 - 1  # seconds


@dataclass(frozen=True)
class Limits:
    """Limits of one student's work.

    The operating system holds those on memory, processor time and file size, which Windows does not
    have; the parent holds the others everywhere.

    Attributes
    ----------
    run_seconds : float
        For running the file from top to bottom.
    call_seconds : float
        For one call of an answer.
    total_seconds : float
        For all files of a student together, judging included.
    memory : int
        Bytes of address space.
    file : int
        Bytes of the largest file that it may write.
    disk : int
        Bytes of all its files together, which the parent adds up several times a second.
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

    def hold(self) -> None:
        """Put this process under the limits that the operating system has."""
        if sys.platform == "win32":
            return
        seconds = int(min(self.total_seconds, _LONGEST_ALARM - 60))
        _bound("RLIMIT_AS", self.memory)
        started = math.ceil(time.process_time())  # what starting Python took is not theirs
        _bound("RLIMIT_CPU", started + seconds + 1)
        _bound("RLIMIT_FSIZE", self.file)
        _bound("RLIMIT_CORE", 0)
        signal.alarm(seconds + 60)  # in case the parent is gone by then
        os.nice(5)  # so that the grader itself is not slowed down


def no_more_processes() -> None:
    """Refuse this process any further process or thread; those that run already stay.

    The system counts all processes of the user, everywhere, so 0 is the only limit that means the
    same for every user. It does not bind root.
    """
    if sys.platform != "win32":
        _bound("RLIMIT_NPROC", 0)


def _bound(name: str, bound: int) -> None:
    import resource

    with contextlib.suppress(AttributeError, ValueError, OSError, OverflowError):
        resource.setrlimit(getattr(resource, name), (bound, bound))  # macOS refuses some
