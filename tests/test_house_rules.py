"""The architecture, held by tests: layers, sizes, documentation, and what an import costs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import tinygrad_xent as tx

PACKAGE = Path(tx.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# A module imports only from floors below its own; within a folder its files may import each other.
FLOORS = [
    ["graph", "arrays", "domains", "errors", "numbers", "files", "pages"],
    ["definitions"],
    ["op"],
    ["ops"],
    ["backprop"],
    ["tensor"],
    ["derivatives", "checks", "samples", "replaying", "reading", "formulas"],
    ["losses", "tracing"],
    ["numerics", "drawing"],
    ["checking", "comparing"],
    ["museum"],
    ["player", "lens", "notebook"],
    ["exercises"],
    ["explain", "grading", "teaching"],
    ["commands"],
    ["__init__", "cli"],
    ["__main__"],
]
# Errors are one line of code each, and serve every floor.
CORE = {part for floor in FLOORS[:6] for part in floor}
CORE -= {"errors", "numbers", "files", "pages"}
KERNELS = PACKAGE / "ops/kernels.py"
FIRST_READING = ["ops/elementwise", "graph", "op", "tensor", "ops/softmax_family", "backprop"]


def part_of(module: Path) -> str:
    """The file or folder directly in the package that a module belongs to."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def floor_of(part: str) -> int:
    (floor,) = [i for i, parts in enumerate(FLOORS) if part in parts]
    return floor


def imported_parts(module: Path) -> set[str]:
    """The parts of the package that a module imports, wherever it does so."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module}: relative import"
            names = [node.module]
            if node.module == "tinygrad_xent":
                names = [f"tinygrad_xent.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("tinygrad_xent.")}
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_imports_go_down(module: Path) -> None:
    own = part_of(module)
    known = {part for parts in FLOORS for part in parts}
    for part in imported_parts(module) & known - {own}:
        up = floor_of(part) > floor_of(own) or (
            floor_of(part) == floor_of(own) > floor_of("checking")
        )
        assert not up or is_typing_only(module, part), f"{own} imports {part}, which lies above it"


def is_typing_only(module: Path, part: str) -> bool:
    """Whether a part is imported under TYPE_CHECKING alone: names for annotations, no code."""
    tree = ast.parse(module.read_text())
    guarded = [
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    ]
    return all(
        node in guarded
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith(f"tinygrad_xent.{part}")
    )


def test_every_module_has_a_floor() -> None:
    known = {part for parts in FLOORS for part in parts}
    assert {part_of(module) for module in MODULES} <= known


def code_lines(module: Path) -> int:
    """Lines that are neither blank, nor comment, nor part of a docstring."""
    tree = ast.parse(module.read_text())
    prose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            text = node.body[0]
            prose |= set(range(text.lineno, (text.end_lineno or 0) + 1))
    with module.open("rb") as file:
        layout = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING)
        layout = (*layout, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
        lines = {
            line
            for token in tokenize.tokenize(file.readline)
            if token.type not in layout
            for line in range(token.start[0], token.end[0] + 1)
        }
    return len(lines - prose)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_a_module_that_wants_more_is_two_modules(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 400


def test_the_core_stays_small() -> None:
    assert sum(code_lines(m) for m in MODULES if part_of(m) in CORE) < 1750


def test_the_kernels_stay_small() -> None:
    assert code_lines(KERNELS) <= 170


def test_the_first_reading_stays_short() -> None:
    assert sum(code_lines(PACKAGE / f"{name}.py") for name in FIRST_READING) < 755


def test_every_public_name_is_documented() -> None:
    assert tx.__all__ == sorted(set(tx.__all__), key=tx.__all__.index), "a name is listed twice"
    for name in tx.__all__:
        value = getattr(tx, name)
        assert isinstance(value, dict) or inspect.getdoc(value), name
    own = {name for name, value in vars(tx.errors).items() if isinstance(value, type)}
    assert own == set(tx.errors.__all__)
    for name in ("nothing", "_nothing"):
        with pytest.raises(AttributeError, match=name):
            getattr(tx, name)


def test_the_import_is_light() -> None:
    script = (
        # `inspect` reads the signatures of rules; NumPy loads it too, but for 2.0.
        "import sys, inspect, numpy; before = set(sys.modules); import tinygrad_xent\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    others = [name for name in run.stdout.split() if not name.startswith("tinygrad_xent")]
    assert set(others) <= {"__future__"}  # no graphviz, IPython, subprocess, argparse, threading
