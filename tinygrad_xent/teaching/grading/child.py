"""The child process: it runs a learner's file, then calls the learner's functions on request.

    python -I -c "... main()"      requests come on standard input, replies go to standard output

Both streams are moved elsewhere before the learner's code runs, so what that code prints is lost.
The child receives the arguments of a call and never the expected result: there is nothing to find.
"""

import __future__

import ast
import contextlib
import inspect
import linecache
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from tinygrad_xent.errors import MessageError
from tinygrad_xent.graph import Node
from tinygrad_xent.op import Op
from tinygrad_xent.teaching.exercises.verdict import Verdict
from tinygrad_xent.teaching.grading.messages import decode, encode, receive, send
from tinygrad_xent.teaching.grading.sandbox import MOST_LEFT_OUT, Limits, Silent, confine
from tinygrad_xent.visualization.naming import printable

_LARGEST = 2**30  # bytes of a request
_LONGEST = 2_000  # letters of an error message that is sent
_LONGEST_TOLD = 300  # letters of one that is told with its line
_DEFINED = re.compile(r"^\s*(?:def (?=\w+\()|(?=\w+ = ))(\w+)", re.MULTILINE)
_FUTURE = __future__.annotations.compiler_flag


def main() -> None:
    """Serve until the parent hangs up."""
    requests, replies = _streams()
    work = receive(requests, _LARGEST)
    limits = Limits(**work["limits"])
    limits.hold()
    confine(str(Path.cwd()), work["places"])
    send(replies, {"ready": True}, limits.message)
    learner = Learner(work, lambda place: send(replies, {"place": place}, limits.message))
    reply = learner.run(work["cells"])
    while True:
        try:
            send(replies, reply, limits.message)
        except MessageError as error:
            send(replies, {"error": ["ValueError"], "message": str(error)}, 2**16)
        try:
            request = receive(requests, _LARGEST)
        except EOFError:
            os._exit(0)  # at once, whatever the learner has registered to run at exit
        reply = learner.call(request)


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Return copies of standard input and output, and leave the null device in their places."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    return requests, replies


class Learner:
    """A learner's file, run, and the functions that were found in it.

    Parameters
    ----------
    work : mapping
        The "names" of the exercises, the path of the "file", beside the others that it may import
        and read, and why statements are "left out", by their places.
    tell : callable
        Called with the place of each statement, before it is run.
    """

    def __init__(self, work: Mapping[str, Any], tell: Callable[[str], object]) -> None:
        self.names: list[str] = work["names"]
        self.file = Path.cwd() / work["file"]
        self.left_out: dict[str, str] = work["left out"]
        self.tell = tell
        self.answers: dict[str, Callable[..., Any]] = {}
        self.ops: dict[str, Op] = {}
        self.errors: list[str] = []
        self.lost: dict[str, str] = {}
        self.module = ModuleType("__main__")
        self.flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        vars(sys.modules["tinygrad_xent"])["check"] = self._check

    def run(self, cells: Sequence[str]) -> dict[str, Any]:
        """Run the cells, also after one that fails, and return what they define."""
        running = self._run_cells(cells)
        try:
            if any(map(_awaits, cells)):
                import asyncio

                asyncio.run(running)  # as in a notebook, where also tasks can be made
            else:  # without a loop, so that the code may start its own
                with contextlib.suppress(StopIteration):
                    running.send(None)
            return self._found()
        except BaseException as error:  # noqa: BLE001 - what they define may fail in any way
            return _described(error)

    async def _run_cells(self, cells: Sequence[str]) -> None:
        sys.modules["__main__"] = self.module
        # What a notebook, one saved as a script, and a script rely on.
        space = vars(self.module)
        space.update(display=Silent(), get_ipython=Silent(), __file__=str(self.file))
        folder = str(self.file.parent)
        with contextlib.suppress(OSError):  # the system refused the folder's name
            os.chdir(folder)
        sys.path.insert(0, folder)
        package = ModuleType("submission")  # so that `from .helper import ...` finds the file
        package.__path__ = [folder]
        sys.modules["submission"] = package
        self.module.__package__ = "submission"
        over = ""
        for i, source in enumerate(cells, 1):
            if over:
                self._note(over, source, told=True)
            else:
                over = await self._run_cell(i, source)

    async def _run_cell(self, number: int, source: str) -> str:
        """Run a cell statement by statement, also after one that fails, up to an exit.

        What fails here, such as a package for plots, may have nothing to do with the answers.
        Return why the rest of the file is not run, or "".
        """
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            nodes = ast.parse(source, name).body
        except BaseException as error:  # noqa: BLE001 - ten thousand brackets may do more than fail
            self._note(_sentence(number, error), source)
            return ""
        told = False
        for i, node in enumerate(nodes):
            column = f", column {node.col_offset + 1}" if node.col_offset else ""  # after a ;
            place = f"cell {number}, line {node.lineno}{column}"
            if why := self.left_out.get(place):
                quoted = _quoted(name, node.lineno)
                sentence = printable(f"{place} {why}{quoted} and was left out")
                if place == [*self.left_out][-1] and len(self.left_out) == MOST_LEFT_OUT:
                    self._note(sentence, nodes[i:])
                    return sentence
                self._note(sentence, [node])
                continue
            self.tell(place)
            try:
                await self._run_statement(node, name)
            except Exception as error:  # noqa: BLE001
                self._note(_sentence(number, error), [node], told=told)
                # What follows may fail for the same cause.
                told = told or not isinstance(node, ast.Import | ast.ImportFrom)
            except BaseException as error:  # noqa: BLE001 - such as sys.exit and KeyboardInterrupt
                self._note(_sentence(number, error), nodes[i:])
                break
        return ""

    async def _run_statement(self, node: ast.stmt, name: str) -> None:
        code = compile(ast.Module([node], []), name, "exec", self.flags, dont_inherit=True)
        self.flags |= code.co_flags & _FUTURE  # it holds in the cells that follow, too
        result = eval(code, vars(self.module))  # noqa: S307
        if code.co_flags & inspect.CO_COROUTINE:
            await result

    def _note(self, sentence: str, code: str | list[ast.stmt], *, told: bool = False) -> None:
        """Note that code has failed, and which answers it would have defined."""
        source = code if isinstance(code, str) else ast.unparse(ast.Module(code, []))
        self.lost |= dict.fromkeys(set(_DEFINED.findall(source)) & set(self.names), sentence)
        self.errors += [] if told else [sentence]

    def _found(self) -> dict[str, Any]:
        space = vars(self.module)
        for name in self.names:
            value = space.get(name)
            if name not in self.answers and callable(value) and not _is_ours(value):
                self.answers[name] = value
        defined = (op for op in space.values() if isinstance(op, Op) and not _is_ours(op))
        self.ops = {op.name: op for op in defined}
        return {
            "functions": [name for name, value in space.items() if inspect.isfunction(value)],
            "answers": list(self.answers),
            "ops": list(self.ops),
            "errors": self.errors,
            "lost": self.lost,
        }

    def call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call a function and return its value or its error, in the form of a reply."""
        try:
            args, params = decode(request["args"]), decode(request["params"])
            name, kind = request["name"], request["kind"]
            if kind == "op":
                from tinygrad_xent.teaching.grading.op_check import check_op

                found = check_op(self.ops[name], *args)
                told = (found.code, found.message, found.hint, *found.evidence)
                return {"value": encode(told)}
            function = self.answers[name]
            function = function.function if isinstance(function, Op) else function
            value = (_drawn if kind == "drawn" else _computed)(function, args, params)
            reply = {"value": encode(value)}
            if (after := encode(args)) != request["args"]:
                reply["args"] = after
        except BaseException as error:  # noqa: BLE001
            reply = _described(error)
        return reply

    def _check(self, name: str, answer: Any = None, *_: Any, **__: Any) -> Verdict:
        if name in self.names and answer is not None:
            self.answers[name] = answer
        return Verdict(passed=True, message="", code="passed", exercise=str(name))


def _awaits(source: str) -> bool:
    """Whether a cell awaits something outside of its functions."""
    with contextlib.suppress(Exception):  # the statement that is to blame will fail
        code = compile(source, "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        return bool(code.co_flags & inspect.CO_COROUTINE)
    return False


def _computed(function: Callable[..., Any], args: Sequence[Any], params: Mapping[str, Any]) -> Any:
    """Return a value; a rule may return functions that compute its gradients."""
    value = function(*args, **params)
    if isinstance(value, tuple):
        return tuple(part() if inspect.isfunction(part) else part for part in value)
    return value


def _drawn(function: Callable[..., Any], args: Sequence[Any], params: Mapping[str, Any]) -> str:
    """Return the graph of what a function computes from Tensors with its arguments' names."""
    from tinygrad_xent.tensor import Tensor
    from tinygrad_xent.visualization.drawing import draw

    given = [
        Tensor(x, name=name) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
        for name, x in zip(inspect.signature(function).parameters, args, strict=False)
    ]
    value = _computed(function, given, params)
    parts = value if isinstance(value, tuple) else (value,)
    tensors = [part for part in parts if isinstance(part, Node)]
    return draw(*tensors, gradients=False, rules=False).svg


def _is_ours(value: Any) -> bool:
    """Whether this package defines it; `from tinygrad_xent import *` brings such names."""
    module = getattr(value.function if isinstance(value, Op) else value, "__module__", None)
    return isinstance(module, str) and module.split(".")[0] == "tinygrad_xent"


def _described(error: BaseException) -> dict[str, Any]:
    """Return the name and the bases of an error and its text, in the form of a reply."""
    try:
        message = str(error)[:_LONGEST]
    except BaseException:  # noqa: BLE001 - the learner may have written its __str__
        message = "an error that cannot be printed"
    return {"error": [kind.__name__ for kind in type(error).__mro__], "message": message}


def _sentence(cell: int, error: BaseException) -> str:
    """Return which cell failed, where and how."""
    described = _described(error)
    frames = traceback.extract_tb(error.__traceback__)
    start, message = f"cell {cell}, ", described["message"]
    if isinstance(error, SyntaxError):
        start, message = f"cell {cell} does not parse: ", error.msg
        frames.append(traceback.FrameSummary(error.filename or "", error.lineno or 0, ""))
    within = [frame for frame in frames if frame.filename.startswith("<cell ")][-1:]
    line = "".join(f"line {frame.lineno}: " for frame in within)
    source = "".join(_quoted(frame.filename, frame.lineno or 0) for frame in within)
    text = " ".join(message.split())[:_LONGEST_TOLD]
    what = ": ".join(filter(None, (described["error"][0], text)))
    return printable(f"{start}{line}{what}{source}")


def _quoted(name: str, line: int) -> str:
    """Return what to add to a sentence about a line of a cell."""
    source = linecache.getline(name, line).strip()[:200]
    return f" in `{source}`" if source else ""
