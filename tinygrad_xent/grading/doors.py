"""What the child shuts before it runs a stranger's code.

Python tells an audit hook of every file it opens and every process it starts, and the hook can say
no; once there, no Python code can remove it. This stops what learners try, by accident or not. It
is no wall against somebody who breaks the interpreter itself: docs/grading.md says what remains.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

_SHUT = frozenset({
    "_winapi.CreateProcess", "os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg",
    "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn", "resource.prlimit",
    "signal.pthread_kill", "subprocess.Popen", "sys.setprofile", "sys.settrace",
    "_thread.start_new_thread", "_thread.start_joinable_thread",
})  # fmt: skip
_SHUT_FAMILIES = ("ctypes.", "socket.", "winreg.")
_LOOKING = frozenset({"os.chdir", "os.listdir", "os.scandir"})
_CHANGING = frozenset({
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
    "os.symlink", "os.truncate", "os.utime", "shutil.rmtree",
})  # fmt: skip
# These start threads and processes or send signals, and not every version of Python tells a hook.
_UNHEARD = {
    "_thread": ("start_new_thread", "start_new", "start_joinable_thread"),
    "threading": ("_start_new_thread", "_start_joinable_thread"),
    "_posixsubprocess": ("fork_exec",),
    "signal": ("pidfd_send_signal",),
    "_signal": ("pidfd_send_signal",),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


def shut(closed: Collection[str], own: str) -> None:
    """Refuse processes, threads, the network, foreign memory, and files that are not the learner's.

    Parameters
    ----------
    closed : collection of str
        Folders and files that cannot be read: solutions, other submissions, the grader's own.
    own : str
        The one folder that can be written to.
    """
    for module, names in _UNHEARD.items():
        _replace(module, names)
    # All that the hook needs is local: a module's globals could be replaced by the learner's code.
    refused, families, looking, changing, writing = (
        _SHUT, _SHUT_FAMILIES, _LOOKING, _CHANGING, _WRITING,
    )  # fmt: skip
    real, decode, stat, devnull, sep = (
        os.path.realpath, os.fsdecode, os.stat, os.devnull, os.sep,
    )  # fmt: skip
    shut_folders = tuple(map(real, closed))
    numbers = frozenset(key for folder in shut_folders for key in _identities(folder))
    own_folder = real(own)

    def under(path: str, folder: str) -> bool:
        return path == folder or path.startswith(folder + sep)

    def is_closed(path: Any) -> bool:
        path = real(decode(path))
        try:
            found = stat(path)  # a closed file may have a second name
        except (OSError, ValueError):
            found = None
        return (found and (found.st_dev, found.st_ino) in numbers) or any(
            under(path, folder) for folder in shut_folders
        )

    def may_write(path: Any) -> bool:
        path = real(decode(path))
        return path == devnull or under(path, own_folder)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in refused or event.startswith(families):
            raise PermissionError(f"{event} is refused while a file is checked")
        if event == "open":
            path, mode, flags = arguments
            if not isinstance(path, str | bytes):
                return  # a file that is open already
            if is_closed(path):
                raise PermissionError("this file cannot be read while a file is checked")
            if (flags & writing or set(mode or "") & set("wax+")) and not may_write(path):
                raise PermissionError("only the current folder can be written to")
        elif event in looking or event in changing:
            paths = [path for path in arguments[:2] if isinstance(path, str | bytes)]
            if any(map(is_closed, paths)):
                raise PermissionError("this folder cannot be read while a file is checked")
            if event in changing and not all(map(may_write, paths)):
                raise PermissionError("only the current folder can be changed")

    sys.addaudithook(hook)


def _identities(folder: str) -> list[tuple[int, int]]:
    found = [path.stat() for path in (Path(folder), *Path(folder).rglob("*")) if path.exists()]
    return [(stat.st_dev, stat.st_ino) for stat in found]


def _replace(module: str, names: Collection[str]) -> None:
    def refused(*_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("threads and processes are refused while a file is checked")

    try:
        found = importlib.import_module(module)
    except ImportError:  # POSIX alone has it
        return
    for name in names:
        if hasattr(found, name):
            setattr(found, name, refused)
