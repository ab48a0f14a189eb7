"""The sandbox around a learner's code: an audit hook, and functions that are withheld from answers.

Python reports every file that it opens and every process that it starts to an audit hook, which
can refuse by raising an error; no Python code can remove a hook. Ours uses only local names and
functions written in C, because the learner's code can replace globals, builtins and functions
written in Python. It cannot stop code that breaks the interpreter itself: on Linux
`limits.confine` does, and docs/grading.md says what remains.

An answer may use the package's ops as a backward rule does: `exp`, `sum`, `matmul`. It may not use
a backward rule, a cross-entropy, the op that it is to write, or the engine, which would find every
gradient. When the file has been run, these functions lose their code, so it does not matter how an
answer reaches one of them: it refuses.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NoReturn

import tinygrad_xent.errors.hints  # noqa: F401 - read now: in the sandbox no module is run
from tinygrad_xent.ops import OPS

PACKAGE = str(Path(__file__).parents[2])
REFUSAL = "an answer does this work itself"
SOLUTIONS = ("tinygrad_xent.teaching.exercises", "tinygrad_xent.teaching.museum")
"""The packages that hold answers: their files cannot be read, their public names do nothing."""
_ALLOWED = (
    "__init__.py", "arrays.py", "definitions.py", "domains.py", "errors", "graph.py", "op.py",
    "teaching/grading", "tensor.py", "visualization/formatting.py", "visualization/naming.py",
    *(f"ops/{part}.py" for part in (
        "__init__", "accumulation", "arithmetic", "array_api", "broadcasting", "einstein",
        "elementwise", "indexing", "kernels", "linear_algebra", "numpy_calls", "piecewise",
        "powers", "products", "rearranging", "reductions", "rounding", "shaping",
        "softmax_family", "trigonometry",
    )),
)  # fmt: skip
"""The files whose functions answers may call, except for backward rules and withheld ops."""

_REFUSED = frozenset({
    "_winapi.CreateProcess", "code.__new__", "os.exec", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "pty.spawn",
    "resource.prlimit", "signal.pthread_kill", "subprocess.Popen", "sys._current_exceptions",
    "sys._current_frames", "_thread.start_new_thread", "_thread.start_joinable_thread",
})  # fmt: skip
_REFUSED_FAMILIES = ("cpython._PyInterpreterState", "ctypes.", "gc.", "socket.", "winreg.")
_LOOKING = frozenset({"os.chdir", "os.listdir", "os.scandir"})
_CHANGING = frozenset({
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
    "os.symlink", "os.truncate", "os.utime", "shutil.rmtree",
})  # fmt: skip
_RUNNING = frozenset({"exec", "function.__new__", "object.__setattr__"})
# These start threads and processes or send signals, and not every version of Python reports them.
_NOT_ALWAYS_AUDITED = {
    "_thread": ("start_new_thread", "start_new", "start_joinable_thread"),
    "threading": ("_start_new_thread", "_start_joinable_thread"),
    "_posixsubprocess": ("fork_exec",),
    "signal": ("pidfd_send_signal",),
    "_signal": ("pidfd_send_signal",),
}
_NOT_REIMPORTED = frozenset({
    "_interpreters", "_posixsubprocess", "_signal", "_thread", "_xxsubinterpreters",
})  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_FOLDER, _LINK, _KIND = 0o040000, 0o120000, 0o170000
_SEPARATORS = (os.sep, os.altsep or os.sep)


def enter(
    closed: Collection[str], home: str, withheld: Collection[str] | None
) -> Callable[[], None]:
    """Refuse processes, threads, the network, foreign memory, and files that are not the learner's.

    Parameters
    ----------
    closed : collection of str
        Folders and files that cannot be read: solutions, other submissions, the grader's own.
    home : str
        The one folder that can be written to.
    withheld : collection of str, or None
        Ops that an answer is to write itself; None to leave it the whole package.

    Returns
    -------
    callable
        Takes the withheld functions' code away, for good; from then on no more of the package can
        be imported, and no code of it be brought back. With None it does nothing.
    """
    for module, names in _NOT_ALWAYS_AUDITED.items():
        _replace(module, names)
    taking: list[bool] = []  # filled while code is taken away
    taken: list[bool] = []  # filled afterwards
    is_withheld = _withheld_test(withheld or ())
    objects, package, kind, function, refusing = (
        gc.get_objects, PACKAGE, type, FunctionType, _refusing,
    )  # fmt: skip

    def withhold() -> None:
        taking.append(True)
        for thing in objects():
            if kind(thing) is function:
                code = thing.__code__
                if code.co_filename.startswith(package) and is_withheld(code):
                    thing.__code__ = refusing(code)
        taken.append(True)
        taking.clear()

    sys.addaudithook(_audit_hook(closed, home, taking, taken))
    return (lambda: None) if withheld is None else withhold


def _audit_hook(
    closed: Collection[str], home: str, taking: list[bool], taken: list[bool]
) -> Callable[[str, tuple[Any, ...]], None]:
    refused, families, looking, changing, running, not_again, writing, package = (
        _REFUSED, _REFUSED_FAMILIES, _LOOKING, _CHANGING, _RUNNING, _NOT_REIMPORTED, _WRITING,
        PACKAGE,
    )  # fmt: skip
    stat, lstat, devnull, separators = os.stat, os.lstat, os.devnull, _SEPARATORS
    folder_kind, link_kind, kind = _FOLDER, _LINK, _KIND
    is_a, text, raw, code_kind, no, fault, missing = (
        isinstance, str, bytes, CodeType, PermissionError, OSError, ValueError,
    )  # fmt: skip
    longest, error_code = max, errno.EACCES
    closed_files = frozenset(key for folder in closed for key in _identities(folder))
    found = stat(home)
    home_file = (found.st_dev, found.st_ino)

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
        """Whether a path, or a folder above it, is one of these files, by whatever name."""
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
        """Return a plain str; a subclass of the learner's own may have methods that lie."""
        if is_a(path, raw):
            return raw.decode(path, "utf-8", "surrogateescape")
        return text.__str__(path)

    def may_write(path: str) -> bool:
        folder, name = parted(path)
        if path == devnull:
            return True
        here = below(folder, (home_file,))
        return here and name not in ("", "..") and mode(path, lstat) != link_kind

    def is_own(path: str) -> bool:
        """Whether it lies in the home folder, and is not a link, which may lead out of it."""
        return below(path, (home_file,)) and mode(path, lstat) != link_kind

    def look_at(path: str, *, changes: bool) -> None:
        if below(path, closed_files) and not is_own(path):
            raise no(error_code, "this cannot be read while a file is checked")
        if changes and not may_write(path):
            raise no(error_code, "only the current folder can be changed while a file is checked")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if is_a(path, (text, raw)):  # a number stands for a file that is open already
                path = exact(path)
                look_at(path, changes=flags & writing != 0)
                if mode(path, stat) == folder_kind and not below(path, (home_file,)):
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
            if name.rpartition(".")[2] in not_again or (taken and name.startswith("tinygrad_xent")):
                raise no(error_code, f"{name} can no longer be imported while a file is checked")
        elif taken and event in running:
            for value in arguments:
                if is_a(value, code_kind) and value.co_filename.startswith(package):
                    raise no(error_code, f"{value.co_name} is not run while a file is checked")

    return hook


def _identities(folder: str) -> list[tuple[int, int]]:
    """Return the identities of a folder and of all files in it that this user may look at."""
    found_there, left = [], [folder]
    while left:  # a loop, because recursion ends at a folder a thousand levels deep
        path = left.pop()
        with contextlib.suppress(OSError):
            found = Path(path).stat()
            found_there.append((found.st_dev, found.st_ino))
            followed = path == folder or not Path(path).is_symlink()
            if followed and found.st_mode & _KIND == _FOLDER:
                left += [entry.path for entry in os.scandir(path)]
    return found_there


def _replace(module: str, names: Collection[str]) -> None:
    def refused(*_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("threads and processes are refused while a file is checked")

    try:
        found = importlib.import_module(module)
    except ImportError:  # only POSIX has it
        return
    for name in names:
        if hasattr(found, name):
            setattr(found, name, refused)


def _withheld_test(withheld: Collection[str]) -> Callable[[CodeType], bool]:
    """Return a function that tells the code that answers may not run from that which they may."""
    by_itself = {OPS[name].function.__code__ for name in withheld}
    by_itself |= {op.rule.__code__ for op in OPS.values() if op.rule}
    words = ("backward", "cross_entropy", "scaled", *withheld)
    package = PACKAGE.replace("\\", "/")
    allowed = tuple(f"{package}/{part}" for part in _ALLOWED)
    kernels = f"{package}/ops/kernels.py"

    def is_withheld(code: CodeType) -> bool:
        file = code.co_filename.replace("\\", "/")
        if code in by_itself or not file.startswith(allowed):
            return True
        if file.startswith(kernels):
            for word in words:
                if word in code.co_name:
                    return True
        return False

    return is_withheld


def _template(*_: Any, **__: Any) -> Any:
    raise PermissionError("MESSAGE")


def _make_refusing() -> Callable[[CodeType], CodeType]:
    template = _template.__code__
    replace, consts, kind, refusal = CodeType.replace, template.co_consts, tuple, REFUSAL

    def refusing(code: CodeType) -> CodeType:
        """Return code that refuses, for a function with the same number of free variables."""
        message = f"tinygrad_xent's own {code.co_name}: {refusal}"
        named = kind([message if const == "MESSAGE" else const for const in consts])
        return replace(template, co_consts=named, co_freevars=code.co_freevars)

    return refusing


_refusing = _make_refusing()
