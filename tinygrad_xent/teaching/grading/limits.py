"""What the operating system holds a learner's code to: how much it may use, what it may touch."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import stat
import struct
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

MEBI = 2**20
_LONGEST_ALARM = 2**31 - 1  # seconds

# Landlock, https://docs.kernel.org/userspace-api/landlock.html
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, on every processor
_NO_NEW_PRIVILEGES = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many access rights to files a version of Landlock knows, the lowest bits of a mask."""
_TCP, _SIGNALS_AND_SOCKETS = 0b11, 0b11
_MACHINE = ("cpuinfo", "meminfo", "stat")  # libraries such as psutil read these in /proc


@dataclass(frozen=True)
class Limits:
    """Limits of one submission.

    The operating system holds those on memory, processor time and file size, which Windows does not
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


def confine(closed: Collection[str], home: str) -> bool:
    """Confine this thread, and all that it starts, with Landlock of Linux, for good.

    The audit hook of `sandbox` sees what Python does; this binds the process itself, also code that
    gets round the hook. It forbids reading the closed files, writing or executing any file outside
    the home folder, signals to other processes, reading their memory, and TCP.

    Parameters
    ----------
    closed : collection of str
        Folders and files that cannot be read.
    home : str
        The one folder that can be written to.

    Returns
    -------
    bool
        Whether the kernel can do this.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    every = (1 << max(n for v, n in _RIGHTS.items() if v <= version)) - 1
    handled = [every, *([_TCP] if version >= 4 else []), *([_SIGNALS_AND_SOCKETS] * (version >= 6))]
    closed = {"/proc", *map(os.path.realpath, closed)}  # /proc shows what others were told
    rules = dict.fromkeys(_open_places(closed), _READ_FILE) | {
        "/": _READ_DIR,
        **dict.fromkeys((f"/proc/{name}" for name in (os.getpid(), *_MACHINE)), _READ_FILE),
        home: every & ~_EXECUTE,
        os.devnull: _READ_FILE | _WRITE_FILE,
    }
    ruleset = libc.syscall(_CREATE_RULESET, struct.pack(f"={len(handled)}Q", *handled),
                           8 * len(handled), 0)  # fmt: skip
    for path, rights in rules.items():
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # it has gone
            continue
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _FOR_FILES & every  # noqa: PLW2901
        libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, place), 0)
        os.close(place)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    confined: bool = libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return confined


def _open_places(closed: Collection[str]) -> Iterator[str]:
    """Yield every place beside the closed ones: Landlock's rules can allow, and cannot forbid."""
    outermost = [path for path in closed if not any(path.startswith(f"{c}/") for c in closed)]
    above = {str(folder) for path in outermost for folder in Path(path).parents}
    for folder in above:
        try:
            entries = [entry.path for entry in os.scandir(folder) if not entry.is_symlink()]
        except OSError:  # such as /home, which not everybody may list; what Python needs is known
            needed = map(os.path.realpath, (sys.prefix, sys.base_prefix, *sys.path))
            entries = [str(Path(folder, Path(path).relative_to(folder).parts[0]))
                       for path in needed if path.startswith(f"{folder}/")]  # fmt: skip
        yield from (path for path in entries if path not in above and path not in closed)
