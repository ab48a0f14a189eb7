"""How the module of an exercise is written, and the errors for one that is written otherwise."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tinygrad_xent.errors import ExerciseError
from tinygrad_xent.teaching.exercises import Exercise, reading

TASK = '''r"""A doubled sum.

Return $2 (a + b)$.

It takes two numbers.

Hints
------

1. What is
   $2 \\cdot 1$?
2. Add first.

3. `2 * (a + b)`.

Mistakes
--------
return a + b
    The factor is missing:
    you only added.
- total = a + b
+ c = 2 * b
+ total = a + c
    Only `b` is doubled.
-     total *= 2
+     total *= 3

- return total
+ return -total
    Tripled, and with the wrong sign.
other
    That is a product.
"""


def doubled(a, b):
    """Return twice the sum."""
    total = a + b
    if True:
        total *= 2
    return total


def other(a, b):
    return 2 * a * b


def inputs(rng):
    yield from ()
'''


def exercise(tmp_path: Path, source: str) -> Exercise:
    path = tmp_path / "doubled.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("doubled", path)
    assert spec is not None
    assert spec.loader is not None
    task = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(task)
    return Exercise(task, lesson=1)


def test_the_docstring_has_all_the_words(tmp_path: Path) -> None:
    read = exercise(tmp_path, TASK)
    assert read.name == "doubled"
    assert read.title == "A doubled sum"
    assert read.statement == "Return $2 (a + b)$.\n\nIt takes two numbers."
    assert read.hints == (r"What is $2 \cdot 1$?", "Add first.", "`2 * (a + b)`.")
    assert [mistake.words for mistake in read.mistakes] == [
        "The factor is missing: you only added.",
        "Only `b` is doubled.",
        "Tripled, and with the wrong sign.",
        "That is a product.",
    ]


def test_a_mistake_is_a_line_or_a_diff_or_a_function(tmp_path: Path) -> None:
    read = exercise(tmp_path, TASK)
    assert [mistake.source.partition(":")[2] for mistake in read.mistakes] == [
        "\n    return a + b",
        "\n    c = 2 * b\n    total = a + c\n    if True:\n        total *= 2\n    return total",
        "\n    total = a + b\n    if True:\n        total *= 3\n    return -total",
        "\n    return 2 * a * b",
    ]
    assert {mistake.source.partition(":")[0] for mistake in read.mistakes} == {"def doubled(a, b)"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Hints\n------\n", "", r"docstring of doubled must have a title, .* section `Mistakes`"),
        ("3. `2", "4. `2", "with the hints 1, 2 and 3"),
        ("Mistakes\n--------\n", "Mistakes:\n\n", "and a section `Mistakes`"),
        ('r"""A doubled sum.\n', '"A doubled sum."\n_ = r"""', "must have a title"),
        ("    That is a product.\n", "", r"must take turns: 'other' has no counterpart"),
        ("--------\n", "--------\n    Words.\n", r"must take turns: '    Words.' has no"),
        ("    The factor is missing:\n    you only added.\n", "", "'return a \\+ b' is not `- `"),
        ("- total = a + b", "- total = b + a", r"'- total = b \+ a' is not `- ` and one line"),
        ("\nother\n", "\nothers\n", "doubled has no function 'others'"),
    ],
)
def test_a_docstring_of_another_form_is_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    assert TASK.count(old) == 1
    with pytest.raises(ExerciseError, match=message):
        exercise(tmp_path, TASK.replace(old, new))


def test_a_line_that_stands_twice_in_the_solution_cannot_be_removed(tmp_path: Path) -> None:
    twice = TASK.replace("    total = a + b\n", "    total = a + b\n    total = a + b\n")
    with pytest.raises(ExerciseError, match=r"'- total = a \+ b' is not `- ` and one line of the"):
        exercise(tmp_path, twice)


def test_python_may_drop_the_docstrings() -> None:
    """`python -OO` drops them, and the exercises have the same words."""
    code = (
        "from tinygrad_xent.teaching.exercises import CATALOGUE\n"
        "for e in CATALOGUE.values():\n"
        "    print(e.title, e.statement, e.hints, e.blank, e.mistakes[0].words)"
    )
    plain, bare = (
        subprocess.run([sys.executable, *option, "-c", code], capture_output=True, check=True)
        for option in ((), ("-OO",))
    )
    assert plain.stdout == bare.stdout
    assert len(plain.stdout) > 10_000


def test_only_one_thread_makes_a_syntax_tree_at_a_time(monkeypatch) -> None:
    """CPython 3.11 raises a SystemError where two do, and then nobody knows a learner's mark."""
    at_once, most = [], []

    def parse(source):
        at_once.append(source)
        most.append(len(at_once))
        time.sleep(0.01)
        at_once.pop()

    monkeypatch.setattr(reading.ast, "parse", parse)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(reading.parsed, ["x = 1"] * 8))
    assert set(most) == {1}
