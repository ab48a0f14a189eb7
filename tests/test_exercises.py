"""Every exercise: its solution passes, its blank and its mistakes fail with the intended words."""

from __future__ import annotations

import ast
import contextlib
import inspect
from pathlib import Path

import numpy as np
import pytest

from tinygrad_xent.teaching.exercises import CATALOGUE, tasks
from tinygrad_xent.visualization.formulas import formula_text

NAMES = list(CATALOGUE)
MISTAKES = [(name, i) for name in NAMES for i in range(len(CATALOGUE[name].mistakes))]


def defined(source, name):
    """The function that a learner has after running a cell."""
    cell = {"np": np}
    exec(source, cell)  # noqa: S102 - as a notebook does
    return cell[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_passes(name: str) -> None:
    solution = defined(CATALOGUE[name].solution, name)
    for seed in range(5):
        verdict = CATALOGUE[name].judge(solution, np.random.default_rng(seed))
        assert verdict, verdict
        assert (verdict.code, verdict.exercise, verdict.hint) == ("passed", name, "")


@pytest.mark.parametrize("name", NAMES)
def test_the_blank_says_that_nothing_is_written(name: str) -> None:
    exercise = CATALOGUE[name]
    verdict = exercise.judge(defined(exercise.blank, name), np.random.default_rng(0))
    assert not verdict
    assert verdict.code == "blank"
    assert "Nothing is written yet" in verdict.message
    assert verdict.hint == exercise.hints[0]


@pytest.mark.parametrize(("name", "i"), MISTAKES)
def test_a_mistake_is_told_in_its_own_words(name: str, i: int) -> None:
    mistake = CATALOGUE[name].mistakes[i]
    answer = defined(mistake.source, name)
    for seed in range(2):
        verdict = CATALOGUE[name].judge(answer, np.random.default_rng(seed))
        assert not verdict
        assert verdict.code == "mistake", verdict
        assert verdict.message.startswith(mistake.words), verdict


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_is_complete(name: str) -> None:
    exercise = CATALOGUE[name]
    assert exercise.name == name
    assert len(exercise.mistakes) >= 2
    assert len(set(exercise.hints)) == 3
    assert exercise.title
    assert f">>> {name}(" in exercise.statement or f"{name}(" in exercise.statement
    signature = inspect.signature(defined(exercise.solution, name))
    for source in (exercise.blank, *(mistake.source for mistake in exercise.mistakes)):
        assert source.startswith(f"def {name}(")
        assert inspect.signature(defined(source, name)) == signature
    assert inspect.getdoc(defined(exercise.blank, name))
    assert exercise.blank.endswith("raise NotImplementedError")
    assert "NotImplementedError" not in exercise.solution
    assert '"""' not in exercise.solution


def test_a_blank_holds_what_is_given_and_nothing_of_what_is_to_be_written() -> None:
    ninja, order = CATALOGUE["ninja_backward"], CATALOGUE["topological_order"]
    assert "logits = h @ w2 + b2" in ninja.blank
    assert "dlogits" not in ninja.blank
    assert order.blank.splitlines()[2:] == ["    raise NotImplementedError"]


@pytest.mark.parametrize("name", NAMES)
def test_formulas_can_be_read_in_a_terminal(name: str) -> None:
    exercise = CATALOGUE[name]
    for text in (*exercise.hints, *(mistake.words for mistake in exercise.mistakes)):
        assert text.count("$") % 2 == 0
        assert text.count("`") % 2 == 0
        for latex in text.split("$")[1::2]:
            assert "\\" not in formula_text(latex), latex


def test_the_catalogue_lists_every_module_in_the_order_of_the_lessons() -> None:
    modules = {path.stem for path in Path(tasks.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(CATALOGUE) == modules
    lessons = [exercise.lesson for exercise in CATALOGUE.values()]
    assert lessons == sorted(lessons)
    assert set(lessons) == set(range(1, 16))


@pytest.mark.parametrize(("name", "i"), MISTAKES)
def test_a_mistake_does_not_fail_always(name: str, i: int) -> None:
    """Otherwise it would be seen in every answer that fails."""
    exercise = CATALOGUE[name]
    returned = []

    def answer(*args, **params):
        with contextlib.suppress(Exception):
            returned.append(exercise.mistakes[i].function(*args, **params))

    exercise.judge(answer, np.random.default_rng(0))
    assert returned


def test_an_exercise_defines_nothing_that_a_learner_would_lack() -> None:
    """A solution stands alone: of all that its module has, it uses NumPy only."""
    for exercise in CATALOGUE.values():
        for source in (exercise.solution, *(m.source for m in exercise.mistakes)):
            tree = ast.parse(source)
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert not used & {"Case", "Exercise", "exercise", "rng"}
