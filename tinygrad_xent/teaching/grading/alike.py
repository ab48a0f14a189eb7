"""Submissions that are alike beyond names and the order of definitions, for a look at the lines."""

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tinygrad_xent.teaching.exercises.reading import parsed

_SMALLEST = 40  # nodes of a function's syntax tree: of a line or two, most are alike
_MOST = 3  # students: what more of them share was handed out, or is how one writes it


def definitions_in(cells: Sequence[str], file: str) -> Iterator[list[Any]]:
    r"""Yield for each longer function a digest of its form, the file, and its first and last line.

    Examples
    --------
    >>> one = "def f(x):\n    y = 0\n    for z in x:\n        y += z * z + 2 * z + 1\n"
    >>> one += "    if y < 0:\n        y = -y\n    return [y, y / 2, y / 3]"
    >>> other = one.replace("x", "values").replace("y", "total").replace("f(", "g(")
    >>> [(a[0] == b[0], a[1:]) for a, b in zip(definitions_in([one], "a.py"),
    ...                                        definitions_in([other], "b.py"))]
    [(True, ['a.py', 'cell 1, lines 1 to 7'])]
    """
    for number, cell in enumerate(cells, 1):
        try:
            tree = parsed(cell)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and sum(1 for _ in ast.walk(node)) >= _SMALLEST:
                lines = f"cell {number}, lines {node.lineno} to {node.end_lineno}"
                yield [_digest(node), file, lines]


def _digest(function: ast.FunctionDef) -> str:
    """Return a digest that is the same whatever the names and the docstring."""
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:] or [ast.Pass()]
    names: dict[str, str] = {}
    for node in ast.walk(function):
        for part in ("id", "arg", "name"):
            name = getattr(node, part, None)
            if isinstance(name, str) and not isinstance(node, ast.keyword | ast.alias):
                setattr(node, part, names.setdefault(name, f"n{len(names)}"))
    return hashlib.sha256(ast.dump(function).encode()).hexdigest()[:16]


def alike(records: Iterable[Mapping[str, Any]]) -> list[list[tuple[str, str, str]]]:
    """Return groups of students who share a function: each one's name, file and lines."""
    groups: dict[str, dict[str, tuple[str, str, str]]] = defaultdict(dict)
    for record in records:
        for digest, file, lines in record.get("definitions", ()):
            student = record["student"]
            groups[digest].setdefault(student, (student, file, lines))
    return [list(group.values()) for group in groups.values() if 2 <= len(group) <= _MOST]
