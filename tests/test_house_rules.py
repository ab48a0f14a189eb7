"""The architecture, held by tests: layers, circles, sizes, documentation, what an import costs."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import tinygrad_xent as tx

PACKAGE = Path(tx.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# What a file or folder of the package may import lies above it in this list.
LAYERS = [
    ["errors", "domains"],
    ["arrays"],
    ["graph"],
    ["definitions"],
    ["op"],
    ["ops"],
    ["backprop"],
    ["derivatives"],
    ["tensor"],
    ["losses"],
    ["visualization"],
    ["checking"],
    ["comparing"],
    ["teaching"],
    ["__init__"],
    ["commands"],
    ["__main__"],
]
LAYER = {part: number for number, parts in enumerate(LAYERS) for part in parts}

FIRST_EXAMPLE = """
import tinygrad_xent as tx
z = tx.Tensor([2.0, 1.0, 0.1], name="z")
loss = tx.sparse_categorical_crossentropy(0, tx.softmax(z))
loss.backward()
z.grad
"""


def name_of(module: Path) -> str:
    parts = module.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


NAMES = {name_of(module): module for module in MODULES}


def part_of(name: str) -> str:
    """The file or folder directly in the package that a module belongs to."""
    return name.split(".")[1] if "." in name else "__init__"


def imports_of(name: str) -> set[str]:
    """The modules of the package that a module imports, wherever it does so, also for types."""
    found = set()
    for node in ast.walk(ast.parse(NAMES[name].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in NAMES else str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(NAMES) - {name}


@pytest.mark.parametrize("name", NAMES)
def test_imports_go_down(name: str) -> None:
    # The package's own module is the catalogue that users see: nothing below it may need it.
    if name == "tinygrad_xent":
        return
    own = part_of(name)
    for imported in imports_of(name):
        other = part_of(imported)
        assert other == own or LAYER[other] < LAYER[own], f"{name} imports {imported}"


def test_every_part_has_a_layer() -> None:
    assert {part_of(name) for name in NAMES} == set(LAYER)


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges = {name: imports_of(name) for name in NAMES}
    reached: dict[str, set[str]] = {}
    for name in NAMES:
        waiting, seen = list(edges[name]), set()
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                waiting += edges[at]
        reached[name] = seen
    # A package's __init__ collects what its modules offer, so only modules count.
    circles = [n for n in NAMES if n in reached[n] and NAMES[n].name != "__init__.py"]
    assert circles == []


def test_no_name_hides_a_module() -> None:
    for name in NAMES:
        parent, _, leaf = name.rpartition(".")
        if not parent or leaf == "__main__":
            continue
        module = importlib.import_module(name)
        assert getattr(sys.modules[parent], leaf) is module, f"{name} is hidden by a value"
        assert leaf not in sys.stdlib_module_names, f"{name} has the name of a standard module"


def code_lines(module: Path) -> int:
    """Lines that are neither blank, nor comment, nor part of a docstring."""
    tree = ast.parse(module.read_text("utf-8"))
    prose: set[int] = set()
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node):
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
    assert len(module.read_text("utf-8").splitlines()) <= 600


def test_the_package_stays_small() -> None:
    assert len(MODULES) <= 186
    assert sum(map(code_lines, MODULES)) <= 19_700
    assert len({entry.name for entry in PACKAGE.iterdir()} - {"__pycache__"}) <= 20


def test_the_kernels_stay_small() -> None:
    assert code_lines(PACKAGE / "ops" / "kernels.py") <= 180


def test_the_first_example_loads_little() -> None:
    script = (
        f"{FIRST_EXAMPLE}\nimport json, sys\nprint(json.dumps([module.__file__ for name, module"
        " in sys.modules.items() if name.split('.')[0] == 'tinygrad_xent']))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = [Path(file) for file in json.loads(run.stdout)]
    assert len(loaded) <= 14
    assert sum(map(code_lines, loaded)) <= 1500


def calls_of(script: str, before: str = "") -> tuple[int, int]:
    """Count the Python calls of a script in the package, and the files that they are in."""
    counting = (
        f"{FIRST_EXAMPLE}\n{before}\nimport json, sys\nfiles = []\ndef count(frame, event, _):\n"
        "    file = frame.f_code.co_filename\n"
        "    if event == 'call' and 'tinygrad_xent' in file: files.append(file)\n"
        f"sys.setprofile(count)\n{script}\nsys.setprofile(None)\n"
        "print(json.dumps([len(files), len(set(files))]))"
    )
    command = [sys.executable, "-c", counting]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    calls, files = json.loads(run.stdout)
    return calls, files


def test_a_loss_and_its_gradient_take_few_calls() -> None:
    calls, files = calls_of(
        "loss = tx.sparse_categorical_crossentropy(0, tx.softmax(z)); loss.backward()"
    )
    assert calls <= 55
    assert files <= 10


def test_a_small_picture_takes_few_calls() -> None:
    calls, files = calls_of("tx.draw(loss).svg")
    assert calls <= 1870
    assert files <= 22


def test_a_check_of_a_rule_takes_few_calls() -> None:
    check = "tx.gradcheck(tx.tanh, [0.3, -1.2, 2.0])"
    calls, files = calls_of(check, before=check)  # once before: the check is loaded when it is used
    assert calls <= 281
    assert files <= 11


def test_every_public_name_is_documented() -> None:
    assert tx.__all__ == sorted(set(tx.__all__), key=tx.__all__.index), "a name is listed twice"
    assert len(set(tx.__all__) - set(tx.ops.__all__)) <= 45, "a user looks through these"
    for name in tx.__all__:
        value = getattr(tx, name)
        assert isinstance(value, dict) or inspect.getdoc(value), name
    own = {name for name, value in vars(tx.errors).items() if isinstance(value, type)}
    assert not own & set(tx.__all__), "exceptions live in tx.errors"
    for name in ("nothing", "_nothing"):
        with pytest.raises(AttributeError, match=name):
            getattr(tx, name)


def test_every_op_is_in_the_stub_with_its_module() -> None:
    folder = PACKAGE / "ops"
    with_ops = {file.stem for file in folder.glob("*.py")} - {"__init__", "kernels", "numpy_calls"}
    modules = {name: f"tinygrad_xent.ops.{name}" for name in with_ops}
    assert {module for module, _ in tx.ops.MODULE_OF.values()} == set(modules.values())
    for path in modules.values():
        module = importlib.import_module(path)
        for name, value in vars(module).items():
            # Of the other functions the stub decides which ones are public.
            if isinstance(value, tx.Op) and value.function.__module__ == path and name[0] != "_":
                assert tx.ops.MODULE_OF.get(name) == (path, name)
    for path, name in tx.ops.MODULE_OF.values():
        value = vars(importlib.import_module(path))[name]
        assert getattr(value, "function", value).__module__ == path
    assert dir(tx.ops) == sorted(tx.ops.__all__)  # loaded or not, as Tab shows them


def test_every_loss_is_in_the_stub_with_its_module() -> None:
    offered = {}
    for module in ("tinygrad_xent.losses.dense", "tinygrad_xent.losses.sparse"):
        offered |= {name: (module, name) for name in importlib.import_module(module).__all__}
    assert offered == tx.losses.MODULE_OF
    assert dir(tx.losses) == sorted(offered)
    for name in ("nothing", "_nothing"):
        with pytest.raises(AttributeError, match=name):
            getattr(tx.losses, name)


@pytest.mark.parametrize(
    "script",
    [
        "from tinygrad_xent import *; assert gradients and domains and abs(Tensor(-1.0)).op is abs",
        "import tinygrad_xent as tx; assert tx.domains.positive.name == 'positive'",
        "import tinygrad_xent as tx; assert tx.abs is tx.absolute",
        "from tinygrad_xent.losses import *; assert categorical_crossentropy([1.0], [1.0])",
        "import tinygrad_xent as tx; assert tx.losses.categorical_crossentropy.__doc__",
        "import tinygrad_xent as tx; z = tx.Tensor([1.0]); assert tx.gradients(z.sum(), z) == 1.0",
    ],
)
def test_what_is_imported_later_is_there_when_it_is_asked_for(script: str) -> None:
    # In a process of its own: in this one, other tests have long imported everything.
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_module_that_cannot_import_another_one_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import a_library_not_installed")
    for package in (tx, tx.ops, tx.losses):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        with pytest.raises(ModuleNotFoundError, match="a_library_not_installed"):
            package.half_installed  # noqa: B018 - the import is the deed
        with pytest.raises(ModuleNotFoundError, match="a_library_not_installed"):
            __import__(package.__name__, fromlist=["half_installed"])


def test_the_import_is_light() -> None:
    script = (
        # `inspect` reads the signatures of rules; NumPy loads it too, but for 2.0.
        "import sys, inspect, numpy; before = set(sys.modules); import tinygrad_xent\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    others = [name for name in run.stdout.split() if not name.startswith("tinygrad_xent")]
    assert set(others) <= {"__future__"}  # no graphviz, IPython, subprocess, argparse, threading
