"""Linux holds the refusals too: what Landlock takes from a process, nothing in it gets back.

The audit hook of `doors` sees what Python does; this binds the process itself, also code that gets
round the hook. It takes the closed files, every file to write or to execute but those in its own
folder, signals to other processes and a look into their memory, and TCP. Source: the kernel's
documentation, https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls, on every processor
_NO_NEW_PRIVILEGES = 38
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_OF_FILES = 1 << 0 | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many kinds of access a version of Landlock knows; execution is the first."""
_FACTS = ("cpuinfo", "meminfo", "stat")  # about the machine; libraries such as psutil ask for them
_TCP, _SIGNALS_AND_SOCKETS = 0b11, 0b11


def confine(closed: Collection[str], own: str) -> bool:
    """Confine this thread, and all that it starts, for good; say whether the kernel can.

    Parameters
    ----------
    closed : collection of str
        Folders and files that cannot be read.
    own : str
        The one folder that can be written to.
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
        **dict.fromkeys((f"/proc/{name}" for name in (os.getpid(), *_FACTS)), _READ_FILE),
        own: every & ~1,
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
            rights &= _OF_FILES & every  # noqa: PLW2901
        libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, place), 0)
        os.close(place)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    confined: bool = libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return confined


def _open_places(closed: Collection[str]) -> Iterator[str]:
    """Give all places beside the closed ones: rules can allow, and not forbid."""
    outermost = [path for path in closed if not any(path.startswith(f"{c}/") for c in closed)]
    above = {str(folder) for path in outermost for folder in Path(path).parents}
    for folder in above:
        try:
            entries = [entry.path for entry in os.scandir(folder) if not entry.is_symlink()]
        except OSError:  # such as /home where one may pass and not look: what Python needs is known
            needed = map(os.path.realpath, (sys.prefix, sys.base_prefix, *sys.path))
            entries = [str(Path(folder, Path(path).relative_to(folder).parts[0]))
                       for path in needed if path.startswith(f"{folder}/")]  # fmt: skip
        yield from (path for path in entries if path not in above and path not in closed)
