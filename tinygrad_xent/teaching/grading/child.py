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
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, BinaryIO

import numpy as np

from tinygrad_xent.errors import MessageError
from tinygrad_xent.graph import Node
from tinygrad_xent.op import Op
from tinygrad_xent.ops import OPS
from tinygrad_xent.teaching.exercises.verdict import Verdict
from tinygrad_xent.teaching.grading.limits import Limits, no_more_processes
from tinygrad_xent.teaching.grading.messages import decode, encode, receive, send
from tinygrad_xent.teaching.grading.sandbox import Silent, confine
from tinygrad_xent.visualization.naming import printable

_LARGEST = 2**30  # bytes of a request
_LONGEST = 2_000  # letters of an error message that is sent
_LONGEST_TOLD = 300  # letters of one that is told with its line
_CALLS_KEPT = 3  # for each op: inputs that the file itself used
_ENTRIES_KEPT = 5_000
_DEFINED = re.compile(r"^\s*def (\w+)", re.MULTILINE)
_FUTURE = __future__.annotations.compiler_flag


def main() -> None:
    """Serve until the parent hangs up."""
    requests, replies = _streams()
    first = receive(requests, _LARGEST)
    limits = Limits(**first["limits"])
    home = str(Path.cwd())
    limits.hold()
    confine(home, first["places"])
    no_more_processes()
    learner = Learner(first["names"], Path(home, first["file"]))
    send(replies, {"ready": True}, limits.message)
    learner.run(receive(requests, _LARGEST)["cells"])
    reply = learner.found
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
    names : collection of str
        The exercises.
    file : Path
        Where its file lies, beside the others that it may import and read.
    """

    def __init__(self, names: Collection[str], file: Path) -> None:
        self.names = names
        self.file = file
        self.found: dict[str, Any] = {}
        self.functions: list[Callable[..., Any]] = []
        self.answers: dict[str, Any] = {}
        self.errors: list[str] = []
        self.lost: dict[str, str] = {}
        self.ops: list[Op] = []
        self.seen: dict[int, list[Any]] = {}
        self.module = ModuleType("__main__")
        self.flags = 0
        self.runner: Any = None  # of what awaits
        vars(sys.modules["tinygrad_xent"])["check"] = self._check

    def run(self, cells: Sequence[str]) -> None:
        """Run the cells one after another, also after one that fails, and note what they define."""
        try:
            self._run_cells(cells)
            self.found = self._found()
        except BaseException as error:  # noqa: BLE001 - what they define may fail in any way
            self.found = _described(error)

    def _run_cells(self, cells: Sequence[str]) -> None:
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
        plain_call = Op.__call__
        Op.__call__ = self._noted(plain_call)  # type: ignore[method-assign]
        for i, source in enumerate(cells, 1):
            name = f"<cell {i}>"
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
            self._run_cell(i, source, name)
        Op.__call__ = plain_call  # type: ignore[method-assign]

    def _run_cell(self, number: int, source: str, name: str) -> None:
        """Run a cell statement by statement, also after one that fails, up to an exit.

        What fails here, such as a package for plots, may have nothing to do with the answers.
        """
        try:
            left = ast.parse(source, name).body
        except BaseException as error:  # noqa: BLE001 - ten thousand brackets may do more than fail
            self._fail(number, error, _DEFINED.findall(source))
            return
        told, waits = False, self._waits(left, name)
        while left:
            node = left.pop(0)
            try:
                self._run_statement(node, name, waits=waits)
            except Exception as error:  # noqa: BLE001
                is_import = isinstance(node, ast.Import | ast.ImportFrom)
                self._fail(number, error, _DEFINED.findall(ast.unparse(node)), told=told)
                told = told or not is_import  # what follows may fail for the same cause
            except BaseException as error:  # noqa: BLE001 - such as sys.exit and KeyboardInterrupt
                self._fail(number, error, _DEFINED.findall(ast.unparse(ast.Module(left, []))))
                return

    def _run_statement(self, node: ast.stmt, name: str, *, waits: bool) -> None:
        code = self._compiled([node], name)
        self.flags |= code.co_flags & _FUTURE  # it holds in the cells that follow, too
        if not waits:
            exec(code, vars(self.module))  # noqa: S102
            return
        import asyncio

        async def wait() -> None:  # in a loop, as in a notebook, where also tasks can be made
            result = eval(code, vars(self.module))  # noqa: S307
            if code.co_flags & inspect.CO_COROUTINE:
                await result

        self.runner = self.runner or asyncio.Runner()
        self.runner.run(wait())

    def _compiled(self, nodes: list[ast.stmt], name: str) -> CodeType:
        flags = self.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code: CodeType = compile(ast.Module(nodes, []), name, "exec", flags, dont_inherit=True)
        return code

    def _waits(self, nodes: list[ast.stmt], name: str) -> bool:
        with contextlib.suppress(Exception):  # the statement that is to blame will fail
            return bool(self._compiled(nodes, name).co_flags & inspect.CO_COROUTINE)
        return False

    def _fail(
        self, number: int, error: BaseException, lost: Sequence[str], *, told: bool = False
    ) -> None:
        sentence = _sentence(number, error)
        if not told:
            self.errors.append(sentence)
        self.lost |= dict.fromkeys(set(lost) & set(self.names), sentence)

    def _found(self) -> dict[str, Any]:
        space = vars(self.module)
        for name in self.names:
            value = space.get(name)
            if name not in self.answers and callable(value) and not _is_ours(value):
                self.answers[name] = value
        defined = (op for op in space.values() if isinstance(op, Op) and not _is_ours(op))
        self.ops = list({id(op): op for op in defined}.values())
        return {
            "functions": [name for name, value in space.items() if inspect.isfunction(value)],
            "answers": {name: self._number(answer) for name, answer in self.answers.items()},
            "ops": [op.name for op in self.ops],
            "errors": self.errors,
            "lost": self.lost,
        }

    def call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call a function or check an op; return its value or its error, in the form of a reply."""
        try:
            if "op" in request:
                from tinygrad_xent.teaching.grading.op_check import check_op

                op = self.ops[request["op"]]
                return asdict(check_op(op, self.seen.get(id(op), ()), request["seed"]))
            args, params = decode(request["args"]), decode(request["params"])
            value = self.functions[request["function"]](*args, **params)
            if isinstance(value, tuple):  # a rule may return functions that compute its gradients
                value = tuple(part() if inspect.isfunction(part) else part for part in value)
            reply: dict[str, Any] = {"value": encode(value)}
            if (after := encode(args)) != request["args"]:
                reply["args"] = after
        except BaseException as error:  # noqa: BLE001
            reply = _described(error)
        return reply

    def _check(self, name: str, answer: Any = None, *_: Any, **__: Any) -> Verdict:
        if name in self.names and answer is not None:
            self.answers[name] = answer
        return Verdict(passed=True, message="", code="passed", exercise=str(name))

    def _number(self, function: Any) -> int:
        self.functions.append(function.function if isinstance(function, Op) else function)
        return len(self.functions) - 1

    def _noted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call`, which calls an op, so that it also notes the inputs of the first calls."""

        def noted(op: Op, *inputs: Any, **params: Any) -> Any:
            value = call(op, *inputs, **params)
            calls = self.seen.setdefault(id(op), [])
            if op.name not in OPS and len(calls) < _CALLS_KEPT:
                given, rest = op._bind(inputs, params)
                arrays = tuple(x.data if isinstance(x, Node) else x for x in given)
                if sum(getattr(x, "size", 1) for x in arrays) <= _ENTRIES_KEPT:
                    calls.append((tuple(map(np.array, arrays)), rest))  # as they are now
            return value

        return noted


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
    places = [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno or 0))
    within = [place for place in places if place[0].startswith("<cell ")]
    line = f"line {within[-1][1]}: " if within else ""
    source = linecache.getline(*within[-1]).strip()[:200] if within else ""
    message = error.msg if isinstance(error, SyntaxError) else described["message"]
    text = " ".join(message.split())[:_LONGEST_TOLD]
    what = ": ".join(filter(None, (described["error"][0], text)))
    start = f"cell {cell} does not parse: " if isinstance(error, SyntaxError) else f"cell {cell}, "
    return printable(f"{start}{line}{what}{f' in `{source}`' if source else ''}")
