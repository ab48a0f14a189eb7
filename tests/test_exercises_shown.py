"""What a learner sees: verdicts, hints, solutions, and errors for names that do not exist."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.errors import UnknownExerciseError
from tinygrad_xent.teaching.exercises import CATALOGUE
from tinygrad_xent.teaching.exercises.cases import same
from tinygrad_xent.teaching.exercises.returned_values import Closeness, compare, shown


def wrong(grad, y, x):
    return 2 * x


def verdict_of(answer):
    return tx.check("square_backward", answer, rng=np.random.default_rng(0))


def test_a_verdict_in_a_terminal() -> None:
    told = CATALOGUE["square_backward"].mistakes[0].words.replace("$", "")
    assert str(verdict_of(wrong)).splitlines() == [
        "square_backward: not right yet",
        f"{told} `dx[0]` is 0.251, and should be -0.0550.",
        "This was seen with three numbers:",
        "  grad = [-0.219 -1.25 -0.732]",
        "  y = [0.0158 0.0175 0.410]",
        "  x = [0.126 -0.132 0.640]",
        'A hint: tx.hint("square_backward", 1)',
    ]
    hint = tx.hint("square_backward", 1)
    assert "x²" in str(hint)
    assert str(verdict_of(np.negative)).splitlines()[-2:] == [
        f"Hint: {hint}",
        'The next hint: tx.hint("square_backward", 2)',
    ]
    passed = str(verdict_of(CATALOGUE["square_backward"].answer)).splitlines()
    assert passed[0] == "square_backward: passed"
    assert passed[1].startswith("Right for three numbers, ")
    assert len(passed) == 2


def test_a_verdict_in_a_notebook_does_not_rest_on_colour() -> None:
    page = verdict_of(wrong)._repr_html_()
    assert "✗ <code>square_backward</code>: not right yet" in page
    assert '<th scope="row">grad</th>' in page
    assert "<math" in page
    assert "$" not in page
    passed = verdict_of(CATALOGUE["square_backward"].answer)._repr_html_()
    assert "✓ <code>square_backward</code>: passed" in passed
    assert "Hint" not in passed


def test_hints_and_solutions() -> None:
    texts = [tx.hint("log_backward", i).markdown for i in (1, 2, 3)]
    assert texts == list(CATALOGUE["log_backward"].hints)
    assert str(tx.hint("log_backward")) == "dy/dx = 1/x. What happens to the upstream gradient?"
    solution = tx.solution("log_backward")
    assert str(solution) == repr(solution) == CATALOGUE["log_backward"].solution
    assert solution._repr_markdown_() == f"```python\n{solution}\n```"


def test_an_exercise_shows_its_statement() -> None:
    exercise = CATALOGUE["log_backward"]
    assert repr(exercise) == "<exercise log_backward>"
    assert exercise._repr_markdown_().startswith("**The backward rule of the logarithm**\n\nThe ")


@pytest.mark.parametrize("number", [0, 4, -1, "2", None])
def test_a_hint_that_is_not_there(number) -> None:
    with pytest.raises(
        UnknownExerciseError, match=r"has the hints 1, 2 and 3; tx.solution\('logsumexp"
    ):
        tx.hint("logsumexp", number)


def test_an_unknown_name() -> None:
    message = "there is no exercise 'softmax_bakward'; did you mean 'softmax_backward' or"
    for ask in (tx.hint, tx.solution, CATALOGUE.__getitem__, lambda name: tx.check(name, wrong)):
        with pytest.raises(UnknownExerciseError) as caught:
            ask("softmax_bakward")
        assert str(caught.value).startswith(message)
    with pytest.raises(UnknownExerciseError, match="there are 35 exercises: product_backward, "):
        tx.solution("zzz")
    with pytest.raises(UnknownExerciseError, match="there is no exercise 5"):
        tx.check(5, wrong)


def test_the_catalogue_is_a_mapping() -> None:
    assert "logsumexp" in CATALOGUE
    assert "nothing" not in CATALOGUE
    assert CATALOGUE.get("nothing") is None
    assert len(CATALOGUE) == 35


def test_an_exercise_is_loaded_when_it_is_asked_for() -> None:
    script = (
        "import sys; from tinygrad_xent.teaching.exercises import CATALOGUE; list(CATALOGUE);"
        "CATALOGUE['logsumexp'];"
        "print(*(m for m in sys.modules if 'exercises.tasks.' in m))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["tinygrad_xent.teaching.exercises.tasks.logsumexp"]


def test_values_in_one_line() -> None:
    assert shown(np.exp) == "np.exp"
    assert shown(np.prod) == "np.prod"
    assert shown(np.arange(20.0)) == "shape (20,), 0 to 19"
    assert shown((np.ones(2), 3)) == "([1 1], 3)"
    assert len(shown("x" * 1000)) == 200

    class Rude:
        def __repr__(self):
            raise ValueError

    assert shown(Rude()) == "a Rude"


def test_numbers_that_differ_in_late_digits_are_written_in_full() -> None:
    found = compare(np.array(1.00001), np.array(1.0), "result", Closeness(1e-9))
    assert found.message == "`result` is 1.00001, and should be 1.0."


def test_arguments_are_compared_deeply() -> None:
    nan = np.array([np.nan])
    assert same({"a": [nan, 1]}, {"a": [nan.copy(), 1]})
    assert not same({"a": [nan, 1]}, {"a": [nan, 2]})
    assert not same([1], (1, 2))
    assert not same(1, 1.0)
