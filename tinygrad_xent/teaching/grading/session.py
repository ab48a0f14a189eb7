"""The parent's end: a child process, and functions that are called in it."""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_xent.errors import MessageError, SubmissionError
from tinygrad_xent.teaching.grading.messages import decode, encode, receive, send
from tinygrad_xent.teaching.grading.sandbox import MEBI, Limits, readable
from tinygrad_xent.teaching.grading.without_answers import PACKAGE, package
from tinygrad_xent.visualization.naming import printable

_START = (
    "import sys; sys.path.insert(0, {!r})\n"
    "from tinygrad_xent.teaching.grading.child import main; main()"
)
_LARGEST = 2**30  # bytes of a request
_LOOK_SECONDS = 0.2
_STARTING_SECONDS = 30  # for Python and NumPy themselves, on a busy machine
_LONGEST = 1_000  # letters of a sentence about a cell
_SMALLEST = 4096  # bytes that a file or folder takes on most disks

_ROUNDS, _QUIET = 1_000, 50  # how often to look, and how often to find nothing: Linux's list of
# children may lack some while they change
_SUBREAPER = 36  # of Linux's prctl: orphans below a process become its children

_PREFIX = f"tinygrad-xent-{platform.node()}-"  # of folders, also on a disk that machines share
_INHERITED = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",  # a pool of threads would count as memory
    "OMP_NUM_THREADS": "1",
    "DASK_SCHEDULER": "synchronous",  # which has no threads
    "MPLBACKEND": "Agg",
}

STOPPED = threading.Event()
"""Whether grading was stopped: from then on no session begins."""
_OPEN: weakref.WeakSet[Session] = weakref.WeakSet()
_STARTING = threading.RLock()


@dataclass(frozen=True)
class Files:
    """What lies around a learner's code while it runs.

    Attributes
    ----------
    contents : mapping of str to bytes
        The files by their paths. The code may read and change its own copies of them.
    name : str
        The path of the file that is run. Its folder is the current one.
    """

    contents: Mapping[str, bytes] = field(default_factory=dict)
    name: str = "answers.py"

    def write(self, folder: str) -> None:
        """Write the files into a folder; one whose name the system refuses is left out."""
        for name in filter(None, (self.name, *self.contents)):
            path = Path(folder, name)
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.contents.get(name, b""))


class AnswerStoppedError(Exception):
    """An answer cannot be called any more; `Session.ended` says why."""


class Session(contextlib.AbstractContextManager["Session"]):
    """A child process that has run a learner's file and calls its functions.

    Parameters
    ----------
    cells : sequence of str
        The code to run.
    names : collection of str
        The exercises.
    withheld : frozenset of str, or None
        The package's ops that the functions may not use, besides all that `without_answers` leaves
        out; with None they have the whole package, and what they return must not be graded.
    limits : Limits, optional
        Starting a process uses nothing of them.
    files : Files, optional
        What lies around the code.
    left_out : mapping of str to str, optional
        Statements that are not run, by their places, and why.

    Attributes
    ----------
    found : dict
        What the file has: "answers", "functions" (their names), "ops", "errors", and of "lost"
        answers the sentences that tell which cell failed.
    place : str
        The statement that was run last: "cell 4, line 2".
    ended : tuple of (str, str), or None
        Why the child has ended: a code and the rest of a sentence.

    Raises
    ------
    SubmissionError
        If the child ends before it has seen the learner's code.
    """

    def __init__(
        self,
        cells: Sequence[str],
        names: Collection[str],
        withheld: frozenset[str] | None = None,
        limits: Limits | None = None,
        files: Files | None = None,
        left_out: Mapping[str, str] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.found: dict[str, Any] = _checked({})
        self.place = "the file"
        self.ended: tuple[str, str] | None = None
        self._ready = False
        if STOPPED.is_set():
            raise SubmissionError("grading was stopped")
        self._folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
        self._home = os.path.realpath(Path(self._folder, "work"))
        self._process: subprocess.Popen[bytes] | None = None
        _OPEN.add(self)
        files = files or Files()
        files.write(self._home)
        source = PACKAGE.parent
        if withheld is not None:
            source = Path(os.path.realpath(self._folder), "package")
            Files(package(withheld), "").write(str(source))
        work = {
            "cells": list(cells),
            "left out": dict(left_out or {}),
            "file": files.name,
            "names": sorted(names),
            "places": readable(str(source / PACKAGE.name)),
            "limits": asdict(self.limits),
        }
        try:
            self._start(source)
            self._exchange(work, _STARTING_SECONDS)
        except OSError:  # such as too many processes
            self.close()
            raise
        except AnswerStoppedError as error:
            self.close()
            raise SubmissionError(
                f"the process to run it in {error} before it was ready; "
                "a larger limit on memory or a less busy machine may help"
            ) from None
        self._ready = True
        with contextlib.suppress(AnswerStoppedError):  # `ended` tells why
            reply = self._exchange(None, self.limits.run_seconds)
            if "answers" not in reply:
                why, self.place = printable(reply.get("message", "")), "the file"
                raise self._stopped("no-answer", f"left nothing that can be judged: {why}")
            self.found = _checked(reply)

    def function(self, name: str, kind: str = "answer") -> Callable[..., Any]:
        """Return a function that is called in the child; the learner may have written its result.

        Parameters
        ----------
        name : str
            Of an answer or an op.
        kind : "answer", "drawn" or "op"
            What a call returns: the value of the answer; the graph of what the answer computes, as
            SVG; or what is wrong with the rule of the op, of which the argument is a seed.
        """
        seconds = self.limits.run_seconds if kind == "op" else self.limits.call_seconds

        def remote(*args: Any, **params: Any) -> Any:
            call = {"name": name, "kind": kind, "args": encode(args), "params": encode(params)}
            reply = self._exchange(call, seconds)
            if "error" in reply:
                raise _error(reply)
            if "args" in reply:
                _write_back(args, reply["args"])
            return reply.get("value")

        return remote

    def close(self) -> None:
        """End the child and all that it started, and remove its folder."""
        _OPEN.discard(self)
        if self._process:
            _end(self._process, self._others)
            for stream in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()  # type: ignore[union-attr]
        _remove(self._folder)

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, source: Path) -> None:
        homes = ("HOME", "TMPDIR", "TEMP", "TMP", "USERPROFILE")
        with _STARTING:  # so that no other session takes it for a stray
            _adopt_orphans()
            self._others = {*_children(), *_known()}
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-I", "-B", "-X", "utf8", "-c", _START.format(str(source))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._home,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ}
                | dict.fromkeys(homes, self._home)
                | _ENVIRONMENT,
                start_new_session=True,
            )

    def _exchange(self, message: dict[str, Any] | None, seconds: float) -> dict[str, Any]:
        """Send a message, if there is one, and return the reply if it comes in time."""
        if self.ended:
            raise AnswerStoppedError(self.ended[1])
        left = self.limits.left if self._ready else seconds
        begun = time.monotonic()
        end = begun + min(seconds, left)
        future: Future[dict[str, Any]] = Future()
        # In a thread, which is left behind when it takes too long.
        threading.Thread(target=self._ask, args=(message, future), daemon=True).start()
        try:
            while time.monotonic() < end:
                with contextlib.suppress(TimeoutError):
                    return future.result(min(_LOOK_SECONDS, end - time.monotonic()))
                self._check_disk()
            if left < seconds:
                limit = f"used up the {self.limits.total_seconds:g} s for all files"
                raise self._stopped("no-time-left", limit)
            raise self._stopped("too-slow", f"took more than {seconds:g} s")
        except MessageError as error:
            raise self._stopped("no-answer", f"sent a reply that cannot be read: {error}") from None
        except (EOFError, OSError, ValueError):
            raise self._stopped("crashed", self._cause()) from None
        finally:
            if self._ready:
                self.limits.used += time.monotonic() - begun

    def _ask(self, message: dict[str, Any] | None, future: Future[dict[str, Any]]) -> None:
        try:
            if message:
                send(self._process.stdin, message, _LARGEST)  # type: ignore[union-attr, arg-type]
            while "place" in (reply := receive(self._process.stdout, self.limits.message)):  # type: ignore[union-attr, arg-type]
                self.place = printable(reply["place"])[:_LONGEST]
            values = {key: decode(reply[key]) for key in ("value", "args") if key in reply}
            future.set_result(reply | values)
        except BaseException as error:  # noqa: BLE001 - `result` raises it again
            future.set_exception(error)

    def _check_disk(self) -> None:
        size = 0
        with contextlib.suppress(RecursionError):  # for folders a thousand levels deep
            for folder, folders, names in os.walk(self._home):
                for name in (*folders, *names):
                    with contextlib.suppress(OSError):  # it has gone
                        size += max(Path(folder, name).lstat().st_size, _SMALLEST)
        if size > self.limits.disk:
            most = self.limits.disk // MEBI
            raise self._stopped("too-much-written", f"filled more than {most} MB with files")

    def _stopped(self, code: str, message: str) -> AnswerStoppedError:
        """Kill the child and note why; return the error to raise."""
        self.ended = self.ended or (code, message)
        if self._process:
            _end(self._process, self._others)
        return AnswerStoppedError(message)

    def _cause(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired, ValueError):
            status = self._process.wait(1) if self._process else 0
            how = f"exit status {status}" if status >= 0 else signal.Signals(-status).name
            return f"ended the process ({how})"
        return "ended the process"


def close_all() -> None:
    """Close the sessions that are open, and let nobody open another one."""
    STOPPED.set()
    for session in list(_OPEN):
        session.close()


def remove_leftovers() -> None:
    """Remove the folders of graders on this machine that were killed, where they can be told."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*") if os.name == "posix" else ():
        with contextlib.suppress(OSError, ValueError):
            if folder.lstat().st_uid == os.getuid():
                try:
                    os.kill(int(folder.name.removeprefix(_PREFIX).split("-")[0]), 0)
                except ProcessLookupError:
                    _remove(str(folder))


def _end(process: subprocess.Popen[bytes], others: Collection[int]) -> None:
    """Kill a process with its group and, on Linux, all that come from it, whatever they left."""
    if hasattr(os, "killpg") and process.returncode is None:  # else another may have its number
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    with _STARTING:
        quiet = _QUIET - 1
        for _ in range(_ROUNDS):  # those of one that is killed become ours, and are next
            ours = set(_children()).difference(others, _known())
            strays = [pid for pid in ours if _is_confined(pid)]
            for pid in strays:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
            quiet = 0 if strays else quiet + 1
            if quiet == _QUIET:
                break
            time.sleep(0.001)


def _known() -> set[int]:
    return {session._process.pid for session in _OPEN if session._process}


def _children() -> list[int]:
    """Return the children of this process, where the system shows them."""
    found: list[int] = []
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, path.read_bytes().split())
    return found


def _is_confined(pid: int) -> bool:
    """Whether a process comes from a learner's code: nobody can take this mark off."""
    with contextlib.suppress(OSError):
        return b"NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_bytes()
    return False


def _adopt_orphans() -> None:
    """Make a process whose parent has ended below this one a child of this one (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _remove(folder: str) -> None:
    """Remove a folder, also one that a learner's code has locked or made a thousand levels deep."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.name == "posix" and Path(folder).exists():
        for tool in (("chmod", "-R", "u+rwx"), ("rm", "-rf")):
            subprocess.run([*tool, folder], check=False, capture_output=True)  # noqa: S603


def _write_back(args: tuple[Any, ...], after: Any) -> None:
    """Do to the arguments what the answer did to its copies of them."""
    for ours, theirs in zip(args, after, strict=False):
        if isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
            with contextlib.suppress(ValueError, TypeError):
                np.copyto(ours, theirs)
        elif isinstance(ours, list | dict) and type(ours) is type(theirs):
            ours.clear()
            (ours.extend if isinstance(ours, list) else ours.update)(theirs)


def _error(reply: dict[str, Any]) -> Exception:
    """Return the learner's error again: of the same name, and of the same built-in base."""
    kinds = [kind for kind in _texts(reply["error"]) if kind.isidentifier()] or ["Error"]
    message = printable(reply.get("message", ""))
    bases = [getattr(builtins, kind, None) for kind in kinds]
    known = [base for base in bases if isinstance(base, type) and issubclass(base, Exception)]
    kind: Any = type(kinds[0], (*known, RuntimeError)[:1], {"__str__": lambda _: message})
    error: Exception = kind.__new__(kind)  # some of Python's own want more than a message
    return error


def _checked(reply: dict[str, Any]) -> dict[str, Any]:
    """Return from the child's reply only what has the right form: a learner may have written it."""
    parts = ("answers", "functions", "ops", "errors")
    lost = reply.get("lost")
    pairs = lost.items() if isinstance(lost, dict) else ()
    causes = {name: printable(why)[:_LONGEST] for name, why in pairs}
    return {part: _texts(reply.get(part)) for part in parts} | {"lost": causes}


def _texts(value: Any) -> list[str]:
    items = value if isinstance(value, list) else []
    return [printable(item)[:_LONGEST] for item in items if isinstance(item, str)]
