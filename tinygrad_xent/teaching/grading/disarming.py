"""Taking away what an answer is to write itself.

An answer may use the package's ops as a rule does: `exp`, `sum`, `matmul`. It may not use a
backward rule, nor the engine, which would find every gradient, nor a cross-entropy, nor an op that
it is to write. When a file has been run, these functions lose their code. So it does not matter by
which road an answer comes to one of them: what it finds there refuses.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from tinygrad_xent.ops import OPS

PACKAGE = str(Path(__file__).parents[2])
REFUSAL = "an answer does this work itself"
SOLUTIONS = ("tinygrad_xent.teaching.exercises", "tinygrad_xent.teaching.museum")
"""The packages that hold answers: their files cannot be read, their public names say nothing."""
_STAYS = (
    "__init__.py", "arrays.py", "definitions.py", "domains.py", "errors.py", "graph.py", "op.py",
    "teaching/grading", "tensor.py", "visualization/formatting.py", "visualization/naming.py",
    *(f"ops/{part}.py" for part in (
        "__init__", "accumulation", "arithmetic", "elementwise", "indexing", "kernels",
        "piecewise", "products", "reductions", "shaping", "softmax_family",
    )),
)  # fmt: skip
"""The files of which plain ops are made; of these, only rules and the ops to write are taken."""


def disarming(own: Collection[str], objects: Callable[[], list[Any]] = gc.get_objects) -> Any:
    """Prepare for it before a stranger's code can change anything.

    Parameters
    ----------
    own : collection of str
        Ops that an answer is to write.
    objects : callable
        Gives all objects of the process.

    Returns
    -------
    callable
        Takes the functions' code away, for good.
    """
    # All that `disarm` needs is local: globals and builtins can be replaced by the learner's code.
    gone = {OPS[name].function.__code__ for name in own}
    gone |= {op.rule.__code__ for op in OPS.values() if op.rule}
    words = ("backward", "cross_entropy", "scaled", *own)
    package, kernels = PACKAGE, f"{PACKAGE}/ops/kernels.py"
    stays = tuple(f"{PACKAGE}/{part}" for part in _STAYS)
    kind, function, refusing = type, FunctionType, _refusing

    def is_taken(code: CodeType) -> bool:
        file = code.co_filename.replace("\\", "/")
        if code in gone or not file.startswith(stays):
            return True
        if file.startswith(kernels):
            for word in words:
                if word in code.co_name:
                    return True
        return False

    def disarm() -> None:
        for thing in objects():
            if kind(thing) is function:
                code = thing.__code__
                if code.co_filename.startswith(package) and is_taken(code):
                    thing.__code__ = refusing(code)

    return disarm


def _template(*_: Any, **__: Any) -> Any:
    raise PermissionError("NAME")


def _make_refusing() -> Callable[[CodeType], CodeType]:
    template = _template.__code__
    replace, consts, kind = CodeType.replace, template.co_consts, tuple

    def refusing(code: CodeType) -> CodeType:
        """Give code that refuses, for a function with the same number of free variables."""
        said = f"tinygrad_xent's own {code.co_name}: {REFUSAL}"
        named = []
        for const in consts:
            named.append(said if const == "NAME" else const)  # noqa: PERF401 - a scope of its own
        return replace(template, co_consts=kind(named), co_freevars=code.co_freevars)

    return refusing


_refusing = _make_refusing()
