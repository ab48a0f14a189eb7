"""The parent's end: a child process, and functions that are called in it."""

from __future__ import annotations

import builtins
import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np

from tinygrad_xent.errors import MessageError
from tinygrad_xent.teaching.grading.limits import MEBI, Limits
from tinygrad_xent.teaching.grading.messages import decode, encode, receive, send
from tinygrad_xent.teaching.grading.sandbox import PACKAGE, SOLUTIONS
from tinygrad_xent.visualization.naming import printable

_START = (
    "import sys; sys.path.insert(0, {!r})\n"
    "from tinygrad_xent.teaching.grading.child import main; main()"
)
_TOKEN = "TINYGRAD_XENT_CHILD"  # noqa: S105 - it marks a process, and is no secret
_LOOK_SECONDS = 0.2
_STARTING_SECONDS = 30  # for Python and NumPy themselves, on a busy machine


_OPEN: weakref.WeakSet[Session] = weakref.WeakSet()


def _folder_of(package: str) -> str:
    """Return the folder of a package that holds answers; one that has moved must not stay open."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package}, which holds answers, is not there")
    return str(Path(spec.origin).parent)


class AnswerStoppedError(Exception):
    """An answer cannot be called any more; `Session.ended` says why."""


class Session:
    """A child process that has run a learner's file and calls its functions.

    Parameters
    ----------
    cells : sequence of str
        The code to run.
    names : collection of str
        Of the exercises.
    own : collection of str, or None
        The package's ops that the functions are to do without, besides all that `disarming` takes;
        with None they may use everything.
    closed : collection of str
        Files and folders that the child cannot read, besides the solutions.
    limits : Limits, optional
    end : float, optional
        When the time for everything is over, as `time.monotonic()` tells it.

    Attributes
    ----------
    found : dict
        What the file has: "answers", "ops", "errors".
    ended : tuple of (str, str), or None
        Why the child is gone: a code and a sentence.
    """

    def __init__(
        self,
        cells: Sequence[str],
        names: Collection[str],
        own: Collection[str] | None = None,
        closed: Collection[str] = (),
        limits: Limits | None = None,
        end: float | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._end = end or time.monotonic() + self.limits.total_seconds
        self.ended: tuple[str, str] | None = None
        self._folder = tempfile.mkdtemp(prefix="tinygrad-xent-")
        self._token = f"{os.getpid()}-{Path(self._folder).name}"
        self._process: subprocess.Popen[bytes] | None = None
        _OPEN.add(self)
        self._process = self._start()
        first = {
            "names": sorted(names),
            "withheld": None if own is None else sorted(own),
            "closed": [*map(_folder_of, SOLUTIONS), *closed],
            "museum": any("museum" in cell for cell in cells),
            "limits": self.limits.as_dict(),
        }
        self.found: dict[str, Any] = {"answers": {}, "ops": [], "errors": []}
        with contextlib.suppress(AnswerStoppedError):
            self._exchange(first, _STARTING_SECONDS)
            reply = self._exchange({"cells": list(cells)}, self.limits.run_seconds)
            self.found = _checked(reply)

    def function(self, number: int) -> Callable[..., Any]:
        """Give one of the functions in `found`, which is called in the child."""

        def remote(*args: Any, **params: Any) -> Any:
            encoded = encode(args)
            request = {
                "function": number,
                "args": encoded,
                "params": encode(params),
            }
            reply = self._exchange(request, self.limits.call_seconds)
            if "error" in reply:
                raise _error(reply)
            try:
                if "args" in reply:
                    _write_back(args, decode(reply["args"]))
                return decode(reply.get("value"))
            except MessageError as error:
                raise self._stopped("no-answer", f"sent rubbish back: {error}") from None

        return remote

    def close(self) -> None:
        """End the child with all that it started, and remove its folder."""
        _OPEN.discard(self)
        if self._process:
            _kill(self._process, self._token)
            for stream in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()  # type: ignore[union-attr]
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")
        plots = Path(self._folder) / ".matplotlib"
        plots.mkdir()
        for fonts in _font_lists():  # or matplotlib would look at every font, for seconds
            shutil.copy(fonts, plots)
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            [
                sys.executable,
                "-I",
                "-B",
                "-X",
                "utf8",
                "-c",
                _START.format(str(Path(PACKAGE).parent)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env={
                **{name: os.environ[name] for name in kept if name in os.environ},
                **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "USERPROFILE"), self._folder),
                "OPENBLAS_NUM_THREADS": "1",  # a pool of threads would count as memory
                "OMP_NUM_THREADS": "1",
                "DASK_SCHEDULER": "synchronous",  # which has no threads
                "MPLBACKEND": "Agg",
                "MPLCONFIGDIR": str(plots),
                _TOKEN: self._token,
            },
            start_new_session=True,
        )

    def _exchange(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a message and wait for the reply, but not for ever."""
        if self.ended:
            raise AnswerStoppedError
        left = self._end - time.monotonic()

        def ask() -> dict[str, Any]:
            send(self._process.stdin, message, 2**30)  # type: ignore[union-attr, arg-type]
            return receive(self._process.stdout, self.limits.message)  # type: ignore[union-attr, arg-type]

        try:
            return _within(max(min(seconds, left), 0.0), ask, self._look_at_disk)
        except TimeoutError:
            if left < seconds:
                limit = self.limits.total_seconds
                raise self._stopped(
                    "no-time-left", f"the {limit:g} s for a file were over"
                ) from None
            raise self._stopped("too-slow", f"took more than {seconds:g} s") from None
        except MessageError as error:
            raise self._stopped("no-answer", f"sent rubbish back: {error}") from None
        except (EOFError, OSError, ValueError):
            raise self._stopped("crashed", self._cause()) from None

    def _look_at_disk(self) -> None:
        sizes = (size for path in Path(self._folder).rglob("*") if (size := _size(path)))
        if sum(sizes) > self.limits.disk:
            most = self.limits.disk // MEBI
            raise self._stopped("too-much-written", f"filled more than {most} MB with files")

    def _stopped(self, code: str, message: str) -> AnswerStoppedError:
        self.ended = self.ended or (code, message)
        if self._process:
            _kill(self._process, self._token)
        return AnswerStoppedError(message)

    def _cause(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(1) if self._process else 0
            if status >= 0:
                return f"ended the process (exit status {status})"
            with contextlib.suppress(ValueError):
                return f"ended the process ({signal.Signals(-status).name})"
        return "ended the process"


def close_all() -> None:
    """Close the sessions that are open, in a process that is about to end."""
    for session in list(_OPEN):
        session.close()


def _font_lists() -> list[Path]:
    """Find what matplotlib knows about the fonts of this machine, if it was ever used here."""
    try:
        home = Path.home()
    except RuntimeError:  # a user who is on no list and has none, as in a container
        home = Path()
    cache = os.environ.get("XDG_CACHE_HOME", home / ".cache")
    places = (Path(cache) / "matplotlib", home / ".matplotlib")
    own = os.environ.get("MPLCONFIGDIR")
    return [
        path for place in ([Path(own)] if own else places) for path in place.glob("fontlist-*.json")
    ]


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:  # it has gone
        return 0


def _within(
    seconds: float, work: Callable[[], dict[str, Any]], look: Callable[[], None]
) -> dict[str, Any]:
    """Do something in a thread, look now and then; leave it behind when it takes too long."""
    box: queue.SimpleQueue[dict[str, Any] | BaseException] = queue.SimpleQueue()

    def attempt() -> None:
        try:
            box.put(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again below
            box.put(error)

    threading.Thread(target=attempt, daemon=True).start()
    end = time.monotonic() + seconds
    while True:
        try:
            result = box.get(timeout=max(0.0, min(_LOOK_SECONDS, end - time.monotonic())))
            break
        except queue.Empty:
            look()
            if time.monotonic() >= end:
                raise TimeoutError from None
    if isinstance(result, BaseException):
        raise result
    return result


def _kill(process: subprocess.Popen[bytes], token: str) -> None:
    """Kill a process with its group and, where /proc shows them, all others that come from it."""
    if hasattr(os, "killpg") and process.returncode is None:  # else its number may be another's
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for _ in range(100):  # what forks on and on is soon out of luck
        strays = [pid for pid in _marked(token) if pid != process.pid]
        if not strays:
            break
        for pid in strays:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)


def _marked(token: str) -> list[int]:
    """Find the processes that were started with a token in their environment."""
    mark = f"{_TOKEN}={token}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes():
                found.append(int(path.parent.name))
    return found


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
    """Make the learner's error again: of the same name, and of the same built-in kind."""
    kinds = [kind for kind in reply["error"] if isinstance(kind, str) and kind.isidentifier()]
    message = printable(reply.get("message", ""))
    for kind in kinds:
        base = getattr(builtins, kind, None)
        if isinstance(base, type) and issubclass(base, Exception):
            with contextlib.suppress(TypeError):  # UnicodeDecodeError wants five arguments
                return _named(kinds[0], base)(message)
    return _named(kinds[0] if kinds else "Error", RuntimeError)(message)


def _named(name: str, base: type[Exception]) -> type[Exception]:
    return base if base.__name__ == name else type(name, (base,), {})


def _checked(reply: dict[str, Any]) -> dict[str, Any]:
    """Take from the child's list only what has the right form."""
    answers = reply.get("answers")
    return {
        "answers": {
            name: number
            for name, number in (answers if isinstance(answers, dict) else {}).items()
            if type(number) is int
        },
        **{
            key: [item for item in reply[key] if isinstance(item, dict)]
            if isinstance(reply.get(key), list)
            else []
            for key in ("ops", "errors")
        },
    }
