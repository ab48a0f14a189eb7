"""The walls around a learner's code: what it may use, read, write and reach.

On Linux the kernel holds them (Landlock): the process reads the places on a list and nothing else,
writes in its own folder, starts no program, signals nobody outside, and opens no TCP connection.
Everywhere an audit hook of Python refuses processes and the network with a message; where there is
no Landlock, it refuses files as well. It stops what students try, not somebody who attacks the
interpreter itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os
import signal
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEBI = 2**20
MOST_LEFT_OUT = 2  # statements that do not end; with the last of them, the file ends

# Landlock, https://docs.kernel.org/userspace-api/landlock.html
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, on every processor
_DIE_WITH_PARENT, _NO_NEW_PRIVILEGES = 1, 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_READ = _READ_FILE | _READ_DIR
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many access rights to files a version of Landlock knows, the lowest bits of a mask."""
_TCP, _SIGNALS_AND_SOCKETS = 0b11, 0b11

_SYSTEM = (
    "/usr", "/lib", "/lib64", "/nix/store", "/gnu/store", "/System", "/Library/Fonts",
    "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/ssl",
    "/dev/random", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
    "/sys/devices/system/cpu",
)  # fmt: skip
"""What Python and libraries read of every system, beside themselves."""
_SITES = "lib*/python*/*-packages"
_REFUSED = (
    "os.exec", "os.fork", "os.kill", "os.posix_spawn", "os.spawn", "os.startfile", "os.system",
    "pty.spawn", "signal.pthread_kill", "socket.bind", "socket.connect", "socket.getaddrinfo",
    "socket.gethostby", "socket.send", "subprocess.Popen", "_winapi.CreateProcess", "winreg.",
)  # fmt: skip
_LOOKING = frozenset({"os.chdir", "os.listdir", "os.scandir"})
_CHANGING = frozenset({
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
    "os.symlink", "os.truncate", "os.utime", "shutil.rmtree",
})  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


@dataclass
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
    used : float
        The seconds that are used up: of one student, all processes share this object.
    """

    run_seconds: float = 60.0
    call_seconds: float = 10.0
    total_seconds: float = 180.0
    memory: int = 2048 * MEBI
    file: int = 16 * MEBI
    disk: int = 256 * MEBI
    message: int = 8 * MEBI
    used: float = 0.0

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return max(self.total_seconds - self.used, 0.0)

    def hold(self) -> None:
        """Put this process under the limits that the operating system has.

        Any further process or thread is refused. The system counts all processes of the user, so 0
        is the only limit that means the same for every user; it does not bind root.
        """
        if sys.platform == "win32":
            return
        seconds = int(min(self.total_seconds, 10**9))  # an alarm takes 31 bits
        _bound("RLIMIT_AS", self.memory)
        started = math.ceil(time.process_time())  # what starting Python took is not theirs
        _bound("RLIMIT_CPU", started + seconds + 1)
        _bound("RLIMIT_FSIZE", self.file)
        _bound("RLIMIT_CORE", 0)
        _bound("RLIMIT_NPROC", 0)
        signal.alarm(seconds + 60)  # in case the parent is gone by then
        os.nice(5)  # so that the grader itself is not slowed down


def _bound(name: str, bound: int) -> None:
    import resource

    with contextlib.suppress(AttributeError, ValueError, OSError, OverflowError):
        resource.setrlimit(getattr(resource, name), (bound, bound))  # macOS refuses some


def confine(home: str, places: Mapping[str, int]) -> bool:
    """Confine this process and all that it starts, for good.

    Parameters
    ----------
    home : str
        The one folder that can be written to.
    places : mapping of str to int
        What can be read, as `readable` returns it.

    Returns
    -------
    bool
        Whether the kernel does it. Otherwise only Python's hook does.
    """
    held = sys.platform.startswith("linux") and _landlock(home, places)
    sys.addaudithook(_hook(home, places, files=not held))
    return held


def readable(package: str) -> dict[str, int]:
    """Return what Python, the installed packages and the system's libraries consist of.

    Each comes with the rights to it. A folder that holds a copy of `tinygrad_xent` can be listed;
    what lies there can be read, but not that copy, unless it is `package`.
    """
    sites = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    # Of an environment only this, as some make theirs in the very folder of the course.
    environment = [str(Path(sys.prefix, name)) for name in ("lib", "lib64", "Lib")]
    wanted = {sys.base_prefix, *environment, *sites, *filter(None, libraries), *_SYSTEM}
    real = {os.path.realpath(path) for path in wanted if Path(path).exists()}
    sites += [str(site) for path in real for site in Path(path).glob(_SITES)]
    closed = {os.path.realpath(Path(site, "tinygrad_xent")) for site in sites}
    closed.add(str(Path(__file__).resolve().parents[2]))
    above = {str(folder) for path in closed for folder in Path(path).parents}
    found, left = {package: _READ}, [*real]
    while left:
        path = left.pop()
        if path in above:
            found[path] = _READ_DIR
            left += [entry.path for entry in os.scandir(path) if not entry.is_symlink()]
        elif path not in closed:
            found[path] = _READ
    return found


def _landlock(home: str, places: Mapping[str, int]) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_DIE_WITH_PARENT, 9, 0, 0, 0)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    version = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    every = (1 << max(n for v, n in _RIGHTS.items() if v <= version)) - 1
    handled = [every, *([_TCP] if version >= 4 else []), *([_SIGNALS_AND_SOCKETS] * (version >= 6))]
    rules = {
        **places,
        f"/proc/{os.getpid()}": _READ,
        home: every & ~_EXECUTE,
        os.devnull: _READ_FILE | _WRITE_FILE,
    }
    ruleset = libc.syscall(_CREATE_RULESET, struct.pack(f"={len(handled)}Q", *handled),
                           8 * len(handled), 0)  # fmt: skip
    for path, rights in rules.items():
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # it has gone, or this user may not look there
            continue
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _FOR_FILES & every  # noqa: PLW2901
        libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, place), 0)
        os.close(place)
    held: bool = libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return held


def _hook(
    home: str, places: Mapping[str, int], *, files: bool
) -> Callable[[str, tuple[Any, ...]], None]:
    realpath, writing, looking, changing = os.path.realpath, _WRITING, _LOOKING, _CHANGING
    mine = (realpath(home), realpath(os.devnull))
    legible = (*mine, *(path for path, rights in places.items() if rights == _READ))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_REFUSED):
            raise PermissionError(errno.EACCES, f"{event} is refused while a file is checked")
        writes = event in changing or (event == "open" and arguments[2] & writing)
        if not files or not (writes or event == "open" or event in looking):
            return
        for path in arguments[: 2 if event in changing else 1]:
            is_path = isinstance(path, str | bytes | os.PathLike)  # or a mode, or an open file
            if not is_path or (event in looking and path in places):
                continue
            real = realpath(os.fsdecode(path))
            allowed = mine if writes else legible
            if not any(real == place or real.startswith(place + os.sep) for place in allowed):
                raise PermissionError(errno.EACCES, "this is closed while a file is checked", real)

    return hook


class Silent:
    """Stands for what is not here: it is true, prints nothing, and every part of it is itself.

    Parameters
    ----------
    refusal : str, optional
        The error that it raises instead when it is used.
    """

    def __init__(self, refusal: str = "") -> None:
        self._refusal = refusal

    def _used(self, *_: Any, **__: Any) -> Silent:
        if self._refusal:
            raise PermissionError(self._refusal)
        return self

    __call__ = __getitem__ = _used

    def __getattr__(self, name: str) -> Silent:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._used()

    def __iter__(self) -> Iterator[Silent]:
        return iter(())

    def __repr__(self) -> str:
        return ""
