"""Reading a task, the module of an exercise: the sections of its docstring, and its code."""

import ast
import inspect
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_xent.errors import ExerciseError

Function = Callable[..., Any]
_SECTIONS = re.compile(
    r"(.+?)\n\n(.+?)\n+Hints\n-+\s+1\. (.+?)\n2\. (.+?)\n3\. (.+?)\n+Mistakes\n-+\n(.+)",
    re.DOTALL,
)
_MISTAKE = re.compile(r"^((?:\S.*\n)+)((?: .*\n)+)", re.MULTILINE)  # code, and indented words
_TO_WRITE = "    # The backward pass:"  # the lines above it are given to the learner

_PARSING = threading.Lock()


def parsed(source: str | bytes) -> ast.Module:
    """Return the syntax tree of Python code, one thread at a time.

    CPython 3.11 raises a SystemError where two threads make syntax trees at once.
    """
    with _PARSING:
        return ast.parse(source)


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners often write.

    Attributes
    ----------
    source : str
        Its code.
    words : str
        What the verdict says about it, in Markdown.
    function : callable
        The wrong answer itself.
    """

    source: str
    words: str
    function: Function


def sections(source: str, name: str) -> tuple[str, str, tuple[str, ...], str]:
    """Return the title, the statement, the three hints, and the section on mistakes.

    They are read from the source of the task, since `python -OO` drops docstrings.
    """
    found = _SECTIONS.fullmatch(ast.get_docstring(parsed(source)) or "")
    if found is None:
        raise ExerciseError(
            f"the docstring of {name} must have a title, a statement, a section `Hints` "
            "with the hints 1, 2 and 3, and a section `Mistakes`"
        )
    title, statement, *hints, mistakes = found.groups()
    return title.rstrip("."), statement, tuple(map(_one_line, hints)), mistakes


def mistakes_of(task: ModuleType, section: str, name: str, solution: str) -> tuple[Mistake, ...]:
    """Return the mistakes that a section lists, each with its words indented below its code."""
    section = "".join(f"{line}\n" for line in section.splitlines() if line)
    if rest := _MISTAKE.sub("", section):
        raise ExerciseError(
            f"in the section `Mistakes` of {task.__name__}, code and indented words must take "
            f"turns: {rest.splitlines()[0]!r} has no counterpart"
        )
    found = []
    for code, words in _MISTAKE.findall(section):
        source = _wrong_source(task, code.splitlines(), name, solution)
        defined: dict[str, Any] = {"np": np}
        exec(source, defined)  # noqa: S102 - code of this package
        found.append(Mistake(source, _one_line(words), defined[name]))
    return tuple(found)


def _wrong_source(task: ModuleType, code: Sequence[str], name: str, solution: str) -> str:
    """Return a wrong answer, written as its one line, as a function's name, or as a diff."""
    lines = solution.splitlines()
    if len(code) == 1 and code[0].isidentifier():
        if not hasattr(task, code[0]):
            raise ExerciseError(f"{task.__name__} has no function {code[0]!r}")
        return bare_source(getattr(task, code[0])).replace(code[0], name)
    if len(code) == 1 and not code[0].startswith("- "):
        return f"{lines[0]}\n    {code[0]}"
    at = 0
    for each in code:
        line = f"    {each[2:]}"
        if each.startswith("+ "):
            lines.insert(at, line)
            at += 1
        elif each.startswith("- ") and lines.count(line) == 1:
            at = lines.index(line)
            del lines[at]
        else:
            raise ExerciseError(
                f"in the section `Mistakes` of {task.__name__}, {each!r} is not "
                "`- ` and one line of the solution, nor `+ ` and a line to put in its place"
            )
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def bare_source(function: Function) -> str:
    """Return the code of a function without decorators, docstring and annotations."""
    source = inspect.getsource(function)
    node = _parsed(source)
    first = node.body[0]
    documented = ast.get_docstring(node) is not None
    start = first.end_lineno if documented else first.lineno - 1
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    body = source.splitlines()[start:]
    return "\n".join([f"def {node.name}({ast.unparse(node.args)}):", *body])


def blank_source(answer: Function, solution: str) -> str:
    """Return what the learner starts from: the head of an answer and its docstring."""
    docstring = ast.get_docstring(_parsed(inspect.getsource(answer)), clean=False)
    head, *body = solution.splitlines()
    given = body[: body.index(_TO_WRITE)] if _TO_WRITE in body else []
    return "\n".join([head, f'    """{docstring}"""', *given, "    raise NotImplementedError"])


def _parsed(source: str) -> ast.FunctionDef:
    (node,) = parsed(source).body
    assert isinstance(node, ast.FunctionDef)  # noqa: S101 - answers and rules are written with def
    return node
