"""What the child shuts before it runs a stranger's code.

Python tells an audit hook of every file it opens and every process it starts, and the hook can say
no; once there, no Python code can remove it. All that the hook uses is local to it and written in
C, because globals, builtins and functions written in Python can be replaced by the learner's code.
It is no wall against somebody who breaks the interpreter itself: on Linux `landlock` is one, and
docs/grading.md says what remains.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn

_SHUT = frozenset({
    "_winapi.CreateProcess", "code.__new__", "os.exec", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn",
    "resource.prlimit", "signal.pthread_kill", "subprocess.Popen", "sys._current_exceptions",
    "sys._current_frames", "_thread.start_new_thread", "_thread.start_joinable_thread",
})  # fmt: skip
_SHUT_FAMILIES = ("cpython._PyInterpreterState", "ctypes.", "gc.", "socket.", "winreg.")
_LOOKING = frozenset({"os.chdir", "os.listdir", "os.scandir"})
_CHANGING = frozenset({
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
    "os.symlink", "os.truncate", "os.utime", "shutil.rmtree",
})  # fmt: skip
_RUNNING = frozenset({"exec", "function.__new__", "object.__setattr__"})
# These start threads and processes or send signals, and not every version of Python tells a hook.
_UNHEARD = {
    "_thread": ("start_new_thread", "start_new", "start_joinable_thread"),
    "threading": ("_start_new_thread", "_start_joinable_thread"),
    "_posixsubprocess": ("fork_exec",),
    "signal": ("pidfd_send_signal",),
    "_signal": ("pidfd_send_signal",),
}
_FRESH = frozenset({
    "_interpreters", "_posixsubprocess", "_signal", "_thread", "_xxsubinterpreters",
})  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_FOLDER, _LINK, _KIND = 0o040000, 0o120000, 0o170000
_SEPARATORS = (os.sep, os.altsep or os.sep)


def shut(closed: Collection[str], own: str, package: str) -> Callable[[Callable[[], None]], None]:
    """Refuse processes, threads, the network, foreign memory, and files that are not the learner's.

    Parameters
    ----------
    closed : collection of str
        Folders and files that cannot be read: solutions, other submissions, the grader's own.
    own : str
        The one folder that can be written to.
    package : str
        The folder of this package.

    Returns
    -------
    callable
        Runs a function that takes the package's code away; from then on no more of the package can
        be imported, and no code of it be brought back.
    """
    for module, names in _UNHEARD.items():
        _replace(module, names)
    refused, families, looking, changing, running, fresh, writing = (
        _SHUT, _SHUT_FAMILIES, _LOOKING, _CHANGING, _RUNNING, _FRESH, _WRITING,
    )  # fmt: skip
    stat, lstat, devnull, separators = os.stat, os.lstat, os.devnull, _SEPARATORS
    folder_kind, link_kind, kind = _FOLDER, _LINK, _KIND
    is_a, text, raw, code_kind, no, fault, missing = (
        isinstance, str, bytes, CodeType, PermissionError, OSError, ValueError,
    )  # fmt: skip
    longest, error_code = max, errno.EACCES
    numbers = frozenset(key for folder in closed for key in _identities(folder))
    found = stat(own)
    home = (found.st_dev, found.st_ino)
    taking: list[bool] = []  # while code is taken away
    taken: list[bool] = []  # afterwards

    def identity(path: str) -> tuple[int, int] | None:
        try:
            found = stat(path)
        except (fault, missing):
            return None
        return found.st_dev, found.st_ino

    def mode(path: str, look: Callable[[str], os.stat_result]) -> int:
        try:
            return look(path).st_mode & kind
        except (fault, missing):
            return 0

    def parted(path: str) -> tuple[str, str]:
        at = longest(path.rfind(separators[0]), path.rfind(separators[1])) + 1
        return path[:at] or ".", path[at:]

    def below(path: str, wanted: Collection[tuple[int, int]]) -> bool:
        """Whether a path, or a folder above it, is one of these, whatever its name there."""
        if identity(path) in wanted:
            return True
        at = path if mode(path, stat) == folder_kind else parted(path)[0]
        key = None
        while (above := identity(at)) is not None and above != key:
            if above in wanted:
                return True
            at, key = f"{at}/..", above
        return False

    def exact(path: Any) -> str:
        """Give a plain text; one of a class of the learner's own might say what it likes."""
        if is_a(path, raw):
            return raw.decode(path, "utf-8", "surrogateescape")
        return text.__str__(path)

    def may_write(path: str) -> bool:
        folder, name = parted(path)
        if path == devnull:
            return True
        return name not in ("", "..") and mode(path, lstat) != link_kind and below(folder, (home,))

    def look_at(path: str, *, changes: bool) -> None:
        if below(path, numbers):
            raise no(error_code, "this cannot be read while a file is checked")
        if changes and not may_write(path):
            raise no(error_code, "only the current folder can be changed while a file is checked")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if is_a(path, (text, raw)):  # else it is a number: a file that is open already
                path = exact(path)
                look_at(path, changes=flags & writing != 0)
                if mode(path, stat) == folder_kind and not below(path, (home,)):
                    raise no(error_code, "a folder cannot be opened while a file is checked")
                if path.startswith("..") or "/../" in path:  # it may be relative to an open folder
                    raise no(error_code, "a path with `..` is refused while a file is checked")
        elif event in looking or event in changing:
            for path in arguments[:2]:
                if is_a(path, (text, raw)):
                    look_at(exact(path), changes=event in changing)
        elif event in refused or event.startswith(families):
            if not taking:
                raise no(error_code, f"{event} is refused while a file is checked")
        elif event == "import":
            name = text.__str__(arguments[0])
            if name.rpartition(".")[2] in fresh or (taken and name.startswith("tinygrad_xent")):
                raise no(error_code, f"{name} cannot be imported any more while a file is checked")
        elif taken and event in running:
            for value in arguments:
                if is_a(value, code_kind) and value.co_filename.startswith(package):
                    raise no(error_code, f"{value.co_name} is not run while a file is checked")

    def take(work: Callable[[], None]) -> None:
        taking.append(True)
        work()
        taken.append(True)
        taking.clear()

    sys.addaudithook(hook)
    return take


def _identities(folder: str) -> list[tuple[int, int]]:
    """Find what a folder holds, as far as one may look; what one may not is shut anyway."""
    numbers, left = [], [folder]
    while left:  # without recursion, which ends at a folder a thousand levels deep
        path = left.pop()
        with contextlib.suppress(OSError):
            found = Path(path).stat()
            numbers.append((found.st_dev, found.st_ino))
            followed = path == folder or not Path(path).is_symlink()
            if followed and found.st_mode & _KIND == _FOLDER:
                left += [entry.path for entry in os.scandir(path)]
    return numbers


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
