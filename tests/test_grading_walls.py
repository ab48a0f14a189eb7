"""The sandbox's walls, found by looking at the package: a renamed file or folder must not open one.

The grading code names parts of the package as text: what a learner's code cannot read, which
functions keep their code. No import misses such a name when the part moves. These tests take the
names from where the answers really are.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.teaching import museum
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.grading.session import Session
from tinygrad_xent.teaching.grading.without_answers import _LOSSES, _WHOLE, PACKAGE, package

ANSWERS = [CATALOGUE[name].answer for name in CATALOGUE]
RULES = [rule.rule for rule in (*museum.WRONG_RULES, *museum.STRANGERS_RULES, *museum.RIGHT_RULES)]
OWN_OPS = {op.rule for op in tx.ops.OPS.values()}
MODULES = sorted(
    {inspect.getmodule(f).__name__ for f in (*ANSWERS, *RULES) if f not in OWN_OPS}
)  # fmt: skip

OPEN = """
import importlib, sys
def read(path):
    try:
        return "read" if open(path).read() else "empty"
    except PermissionError:
        return "refused"
def held(name):
    return [n for n, value in vars(importlib.import_module(name)).items() if n[:2] != "__"]
"""

SEARCH = """
import sys, types
import numpy as np
import tinygrad_xent as tx
def functions():
    assert tx.ops.OPS  # which loads them all
    for name, module in list(sys.modules.items()):
        if name.startswith("tinygrad_xent"):
            for key, value in list(vars(module).items()):
                if isinstance(value, (types.FunctionType, tx.Op)):
                    yield f"{name}.{key}", value
                if isinstance(value, tx.Op) and value.rule:
                    yield f"{name}.{key}.rule", value.rule
EVERYTHING = dict(functions())
def search(wanted, *values):
    found = []
    for name, function in EVERYTHING.items():
        for more, params in (((), {}), ((-1,), {}), ((), {"axis": -1})):
            try:
                own = [value.copy() for value in values]  # a kernel may write into its own
                result = function(*own, *more, **params)
                for part in result if isinstance(result, tuple) else (result,):
                    part = part() if isinstance(part, types.FunctionType) else part
                    part = np.asarray(getattr(part, "data", part), float)
                    if part.shape == wanted.shape and np.allclose(part, wanted):
                        found.append(name)
            except Exception:
                pass
    return sorted(set(found))
"""


@pytest.fixture
def child():
    """Run a learner's file; return one of its functions, which is called in the child."""
    with contextlib.ExitStack() as sessions:

        def run(source: str, name: str, withheld: frozenset[str] = frozenset()):
            session = sessions.enter_context(Session([source], [name], withheld))
            assert session.found["errors"] == []
            return session.function(name)

        yield run


def test_the_allow_list_names_the_files_that_are_there():
    """A file that has moved would lose its functions, or open them, and no import would fail."""
    there = {path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py")}
    assert {*_WHOLE, *_LOSSES} <= there
    plain = {Path(inspect.getsourcefile(op.function)) for op in tx.ops.OPS.values()}
    files = {file.relative_to(PACKAGE).with_suffix("").as_posix() for file in plain}
    assert {file for file in files if not file.startswith("ops/")} == set()


def test_no_rule_is_in_the_copy():
    """Neither by its name, nor by what it calls: each op of the copy has one that refuses."""
    source = """
import tinygrad_xent as tx
def left():
    codes = {}
    for name, op in tx.ops.OPS.items():
        if op.rule:
            code = op.rule.__code__
            codes[name] = code.co_names == ("PermissionError",) and len(code.co_consts) <= 2
    return [len(codes), [name for name, is_hollow in codes.items() if not is_hollow]]
"""
    with Session([source], ["left"], frozenset()) as session:
        count, left = session.function("left")()
    assert (count > 70, left) == (True, [])


@pytest.mark.parametrize("withheld", [frozenset(), frozenset({"softmax"})])
def test_the_copy_holds_no_text_or_code_of_an_answer(withheld):
    """Its files are searched for what the solutions and the rules compute with."""
    copy = b"".join(package(withheld).values())
    assert b"an answer must do this work itself" in copy
    for name in CATALOGUE:
        assert CATALOGUE[name].hints[2].encode() not in copy, name
    rule = tx.softmax.rule.__code__
    assert rule.co_code not in copy
    assert (tx.softmax.function.__code__.co_code in copy) is (not withheld)


def test_files_that_hold_answers_cannot_be_read(child):
    read = child(OPEN, "read")
    for module in MODULES:
        assert read(sys.modules[module].__file__) == "refused", module
    assert read(np.__file__) == "read"  # it is not that nothing can be read


def test_modules_that_hold_answers_are_empty(child):
    held = child(OPEN, "held")
    assert {module: held(module) for module in MODULES} == {key: [] for key in MODULES}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_no_function_of_the_package_is_the_softmax_that_an_answer_is_to_write(child):
    x = np.random.default_rng(0).normal(size=(3, 4))
    search = child(SEARCH, "search")
    assert "tinygrad_xent.ops.softmax" in search(softmax(x), x)  # it finds it where it may be used
    search = child(SEARCH, "search", withheld=frozenset({"softmax", "log_softmax", "logsumexp"}))
    assert search(softmax(x), x) == []
    assert search(np.log(softmax(x)), x) == []
    assert search(np.log(np.exp(x).sum(-1)), x) == []


def test_no_function_of_the_package_is_a_backward_rule_or_a_loss(child):
    rng = np.random.default_rng(1)
    grad, x, a = rng.normal(size=(3, 3, 4))
    p = softmax(x)
    labels = np.array([0, 3, 1])
    logs = np.log(p[range(3), labels])
    search = child(SEARCH, "search")
    # Known functions are found, so the search itself works.
    assert "tinygrad_xent.ops.multiply" in search(x * a, x, a)
    assert search(p * (grad - (grad * p).sum(-1, keepdims=True)), grad, p, x) == []
    assert search(grad * a, grad, x * a, x, a) == []
    assert search(grad / x, grad, np.log(np.abs(x)), x) == []
    assert search(-logs, labels, x) == []
    assert search(-logs, x, labels) == []
    assert search(-logs, labels, p) == []
    assert search(-logs, np.eye(4)[labels], x) == []
    assert search(p - np.eye(4)[labels], np.eye(4)[labels], x) == []


def test_the_engine_finds_no_gradient_for_an_answer(child):
    source = """
import tinygrad_xent as tx
def engine(x):
    said = []
    for find in (
        lambda t: tx.gradients((t * t).sum(), t), lambda t: (t * t).sum().backward(),
        lambda t: list(tx.backpropagate((t * t).sum())), lambda t: tx.jacobian(t * t, t),
        lambda t: tx.hessian((t * t).sum(), t), lambda t: tx.gradcheck(tx.exp, t.data),
        lambda t: tx.trace((t * t).sum()), lambda t: tx.why(t, (t * t).sum()),
    ):
        try:
            said.append(repr(find(tx.Tensor(x))))
        except PermissionError:
            said.append("refused")
    return said
"""
    engine = child(source, "engine")
    assert engine(np.ones(2)) == ["refused"] * 8


def test_an_answer_is_told_what_to_write_for_a_word_of_another_library(child):
    source = """
import tinygrad_xent as tx

def ask(x):
    words = []
    for call in (lambda: tx.Tensor(x).numpy(), lambda: tx.sum(tx.Tensor(x), dim=0)):
        try:
            call()
        except (AttributeError, TypeError) as error:
            words.append(str(error))
    return words
"""
    method, argument = child(source, "ask")(np.ones(3))
    assert "x.data is the plain array" in method
    assert "write axis=" in argument
