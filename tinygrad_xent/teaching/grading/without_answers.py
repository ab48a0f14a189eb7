"""A copy of this package that lacks what would answer the exercises.

A learner's code gets this copy. An answer may use the ops as a backward rule does: `exp`, `sum`,
`matmul`. It may not use a backward rule, a cross-entropy, the op that it is to write, or the
engine, which would find every gradient; nor may it show a solution. Their code is not there, so
nobody can find it: what uses them is told that an answer must do this work itself.
"""

import ast
import marshal
from collections.abc import Collection, Mapping
from functools import cache
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from tinygrad_xent.teaching.exercises.reading import parsed

PACKAGE = Path(__file__).parents[2]
REFUSAL = "an answer must do this work itself"
_WHOLE = (
    "__init__", "arrays", "definitions", "domains", "errors/__init__", "errors/hints", "graph",
    "losses/__init__", "op", "teaching/__init__", "teaching/grading/__init__",
    "teaching/exercises/verdict", "teaching/grading/child", "teaching/grading/messages",
    "teaching/grading/sandbox", "tensor", "visualization/__init__", "visualization/formatting",
    "visualization/formulas", "visualization/naming", "visualization/tables",
)  # fmt: skip
_LOSSES = ("ops/cross_entropy", "ops/fused")  # of the ops, those that are nobody's to use
_DATA = (".css", ".gz", ".pyi", ".txt")  # hold no code
_WORDS = ("backward", "cross_entropy", "scaled")  # names of functions in `ops` that hold answers
_ABSENT = f"""
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    from tinygrad_xent.teaching.grading.sandbox import Silent
    return Silent(f"tinygrad_xent's own {{name}} is not there while a file is graded: {REFUSAL}")
"""


@cache
def package(withheld: Collection[str]) -> Mapping[str, bytes]:
    """Return the copy: the content of each file by its path.

    Parameters
    ----------
    withheld : frozenset of str
        Ops whose code is left out, besides all rules.
    """
    data = (path for path in PACKAGE.rglob("*") if path.suffix in _DATA)
    files = {path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes() for path in data}
    for path in PACKAGE.rglob("*.py"):
        part = path.relative_to(PACKAGE).with_suffix("").as_posix()
        if part in _WHOLE:
            tree = parsed(path.read_bytes())
        elif part.startswith("ops/") and part not in _LOSSES:
            tree = _Hollow(withheld).visit(parsed(path.read_bytes()))
        else:
            tree = parsed(_ABSENT)
        code = compile(tree, f"tinygrad_xent/{part}.py", "exec", dont_inherit=True)
        files[f"tinygrad_xent/{part}.pyc"] = MAGIC_NUMBER + bytes(12) + marshal.dumps(code)
    return files


class _Hollow(ast.NodeTransformer):
    """Take the bodies of rules and of withheld ops away."""

    def __init__(self, withheld: Collection[str]) -> None:
        self.withheld = withheld

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        is_rule = any(getattr(each, "attr", "") == "backward" for each in node.decorator_list)
        if is_rule or node.name in self.withheld or any(word in node.name for word in _WORDS):
            message = f"tinygrad_xent's own {node.name}: {REFUSAL}"
            node.body = parsed(f"raise PermissionError({message!r})").body
        return node
