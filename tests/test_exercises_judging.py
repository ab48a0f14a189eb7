"""Answers that no exercise has thought of: each gets a sentence, and none disturbs the judge."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_xent as tx
from tinygrad_xent.errors import UnknownExerciseError
from tinygrad_xent.teaching.exercises import CATALOGUE


def checked(name, answer):
    return tx.check(name, answer, rng=np.random.default_rng(0))


def right_softmax(grad, y, x, *, axis):
    return y * (grad - np.sum(grad * y, axis=axis, keepdims=True))


def in_place(grad, y, x, *, axis):
    grad -= np.sum(grad * y, axis=axis, keepdims=True)
    grad *= y
    return grad


def endless(grad, y, x, *, axis):
    return endless(grad, y, x, axis=axis)


def leaves(grad, y, x, *, axis):
    raise SystemExit(3)


def of_ints(grad, y, x, *, axis):
    return np.ones(x.shape, dtype=int)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (None, "not-callable", "this is a NoneType"),
        (np.zeros(3), "not-callable", 'without calling it: `check("softmax_backward", softmax_'),
        (lambda *_, axis: None, "none", "`dx` is None. Is a `return` missing?"),
        (lambda *_, axis: "text", "wrong-type", "`dx` is a str, and should be an array."),
        (lambda *_, axis: np.sum, "wrong-type", "should be an array"),
        (lambda *_, axis: [[1.0], [2.0, 3.0]], "wrong-type", "a list that NumPy cannot turn"),
        (lambda *_, axis: [np.sum], "wrong-dtype", "object entries"),
        (lambda *_, axis: 1j * right_softmax(*_, axis=axis), "wrong-dtype", "complex"),
        (lambda *_, axis: np.zeros((2, 2)), "wrong-shape", "`dx` has the shape (2, 2), and should"),
        (lambda *_, axis: np.broadcast_to(0.0, (10**6, 10**6)), "wrong-shape", "1000000"),
        (lambda *_, axis: np.full(_[0].shape, np.nan), "non-finite", "`dx[0]` is NaN"),
        (lambda *_, axis: right_softmax(*_, axis=axis).astype(np.float16), "wrong-dtype", "dx"),
        (lambda *_: 0.0, "raised", "TypeError"),
        (endless, "raised", "RecursionError"),
        (leaves, "raised", "`SystemExit: 3`"),
        (in_place, "mutated", "your function changed its argument `grad`"),
        (of_ints, None, "`dx[0]` is 1, and should be"),
    ],
)
def test_an_odd_answer_gets_a_clear_sentence(answer, code, words) -> None:
    verdict = checked("softmax_backward", answer)
    assert not verdict
    assert code in (verdict.code, None), verdict
    assert words in verdict.message
    assert str(verdict)
    assert verdict._repr_html_()


@pytest.mark.parametrize(
    ("name", "answer", "code", "words"),
    [
        ("product_backward", lambda *_: (1, 2, 3), "wrong-count", "3 parts, not 2: (da, db)"),
        ("product_backward", lambda *_: _[0], "wrong-type", "an array, not a tuple of 2: (da, db)"),
        ("product_backward", lambda *_: (_[0] * _[3], None), "none", "`db` is None"),
        ("ancestors_of", lambda *_: ["x"], "wrong-type", "a list, not a set"),
        ("ancestors_of", lambda *_: {"x", "a", "b", "$"}, "extra", "should not have `'$'`"),
        ("ancestors_of", lambda *_: {"x", "a"}, "missing", "lacks `'b'`"),
        ("accumulate", lambda *_: [], "wrong-type", "not a dict"),
        ("accumulate", lambda *_: {}, "missing", "no entry for `'x'`"),
        (
            "accumulate",
            lambda *_: dict.fromkeys(_[0], 1.0) | {5: 1.0},
            "wrong-value",
            "['x']` is 1",
        ),
        (
            "topological_order",
            lambda *_: None,
            "none",
            "The result is None. Is a `return` missing?",
        ),
        ("topological_order", lambda *_: 1, "wrong-value", "an int, and should be a list"),
        ("topological_order", lambda *_: [[]], "wrong-value", "`[]` is in the list"),
        ("topological_order", lambda *_: ["y"], "wrong-value", "`'a'` is not in the list"),
        ("topological_order", lambda *_: list("yxab"), "wrong-value", "'y'` comes before its"),
        ("stable_softmax", lambda x: x.astype(int), "wrong-dtype", "decimals are cut off"),
        ("central_difference", lambda f, x, h: x, "wrong-value", "should be"),
        ("sgd_step", lambda w, *_: w, "wrong-type", "a tuple of 2: (w, velocity)"),
    ],
)
def test_other_kinds_of_results(name, answer, code, words) -> None:
    verdict = checked(name, answer)
    assert (verdict.code, bool(verdict)) == (code, False), verdict
    assert words in verdict.message


def test_a_name_alone_is_told_what_is_missing() -> None:
    verdict = tx.check("softmax_backward")
    assert verdict.code == "not-callable"
    assert (
        'Pass the function without calling it: `check("softmax_backward", softmax_'
        in verdict.message
    )


def test_an_extra_entry_of_a_dict_is_told() -> None:
    right = CATALOGUE["accumulate"].answer
    verdict = checked("accumulate", lambda *args: right(*args) | {5: 1.0})
    assert verdict.code == "extra"
    assert "should have no entry for `5`" in verdict.message


@pytest.mark.parametrize(
    ("name", "rule", "code"),
    [
        ("sigmoid_backward", lambda grad, y, x: grad * y * (y - 1), "wrong-sign"),
        ("sigmoid_backward", lambda grad, y, x: 7 * grad * y * (1 - y), "constant-factor"),
        (
            "matmul_backward",
            lambda grad, y, a, b: (grad @ b.T, np.zeros_like(b)),
            "missing-gradient",
        ),
    ],
)
def test_a_wrong_rule_that_is_no_common_mistake_is_diagnosed_by_gradcheck(name, rule, code) -> None:
    verdict = checked(name, rule)
    assert verdict.code == code, verdict
    assert "and should be" in verdict.message


def test_what_gradcheck_makes_of_a_rule_that_fails_for_it_is_not_told() -> None:
    def brittle(grad, y, x):
        calls.append(grad)
        if len(calls) > 5:
            raise ValueError("called too often")
        return -grad

    calls = []
    verdict = checked("square_backward", brittle)
    assert len(calls) > 5
    assert verdict.code == "wrong-value"
    assert verdict.message.startswith("`dx[0]` is ")


def test_an_error_with_dollars_and_quotes_is_shown_as_it_is() -> None:
    def answer(x):
        raise ValueError("costs 5$ \\frac `and` $ 6\n<b>\x1b[0m")

    verdict = checked("logsumexp", answer)
    assert "costs 5$ \\frac 'and' $ 6 <b>\\x1b[0m" in str(verdict)
    assert "&lt;b&gt;" in verdict._repr_html_()
    assert "\x1b" not in verdict._repr_html_() + str(verdict)


def test_an_answer_may_be_any_callable() -> None:
    class Proxy:
        def __call__(self, *args, **params):
            return right_softmax(*args, **params)

    assert checked("softmax_backward", Proxy())


def test_lists_scalars_and_views_are_accepted() -> None:
    assert checked("product_backward", lambda g, y, a, b: [(g * b).tolist(), g * a])
    assert checked("sum_backward", CATALOGUE["sum_backward"].answer)  # a read-only view


@pytest.mark.parametrize(("off", "passes"), [(1e-11, True), (1e-8, False)])
def test_how_far_a_number_may_be_off(off, passes) -> None:
    verdict = checked("chain_rule", lambda x: CATALOGUE["chain_rule"].answer(x) * (1 + off))
    assert bool(verdict) is passes


def test_what_is_right_is_computed_in_double_precision(monkeypatch) -> None:
    exercise = CATALOGUE["chain_rule"]
    solution, seen = exercise.answer, []

    def spied(x):
        seen.append(x.dtype)
        return solution(x)

    monkeypatch.setattr(exercise, "answer", spied)
    assert checked("chain_rule", solution)
    assert set(seen) == {np.dtype(np.float64)}


def test_inputs_are_fresh_each_time() -> None:
    seen = []

    def answer(x):
        seen.append(x)
        return x

    tx.check("chain_rule", answer)
    tx.check("chain_rule", answer)
    assert not np.array_equal(seen[0], seen[len(seen) // 2])


def test_an_answer_may_return_the_same_array_from_every_call() -> None:
    """It is judged on what the array held when it was returned, not on its last content."""
    kept: dict[object, np.ndarray] = {}

    def refilled(grad, y, x, *, axis):
        out = kept.setdefault((x.shape, x.dtype), np.empty_like(x))
        out[...] = right_softmax(grad, y, x, axis=axis)
        return out

    assert checked("softmax_backward", refilled)

    pair = [None, None]

    def same_list(grad, y, a, b):
        pair[:] = grad * b, grad * a
        return pair

    assert checked("product_backward", same_list)

    found: set[str] = set()

    def same_set(inputs, name):
        found.clear()
        found.update(CATALOGUE["ancestors_of"].answer(inputs, name))
        return found

    assert checked("ancestors_of", same_set)

    first: dict[tuple[int, ...], np.ndarray] = {}

    def wrong_later(grad, y, x, *, axis):
        out = first.setdefault(x.shape, np.zeros(x.shape))
        out += right_softmax(grad, y, x, axis=axis)
        return out

    verdict = checked("softmax_backward", wrong_later)
    assert verdict.code != "passed"
    assert verdict.case != "one row", "the first call was right"


def test_a_list_that_contains_itself_is_judged_like_any_other() -> None:
    endless_list: list[object] = []
    endless_list.append(endless_list)
    verdict = checked("softmax_backward", lambda *_, axis: endless_list)
    assert verdict.code.startswith("wrong-")


# -- what goes wrong around an answer ----------------------------------------------------------


RULES = [name for name, exercise in CATALOGUE.items() if exercise.forward]


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_a_right_answer_that_cannot_take_empty_arrays_passes(name) -> None:
    """NumPy's `apply_along_axis` and `vectorize` cannot take them."""
    right = CATALOGUE[name].answer

    def answer(*args, **params):
        if any(isinstance(x, np.ndarray) and not x.size for x in (*args, *params.values())):
            raise ValueError("cannot call `vectorize` on size 0 inputs")
        return right(*args, **params)

    verdict = checked(name, answer)
    assert verdict.passed
    empties = {
        case.about for case in CATALOGUE[name].inputs(np.random.default_rng(0)) if case.empty
    }
    for about in empties:
        assert f"For {about} it is not, which hardly matters: Your function raised" in str(verdict)
    assert ("hardly matters" in verdict.message) == bool(empties)


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_a_right_answer_may_return_lists(name) -> None:
    def in_lists(value):
        if isinstance(value, np.ndarray):
            return value.tolist()
        if isinstance(value, dict):
            return {key: in_lists(part) for key, part in value.items()}
        return [in_lists(part) for part in value] if isinstance(value, tuple) else value

    right = CATALOGUE[name].answer
    assert checked(name, lambda *args, **params: in_lists(right(*args, **params)))


@pytest.mark.parametrize("name", RULES)
def test_a_diagnosis_outlives_a_rule_that_fails_for_other_upstream_gradients(name) -> None:
    right = CATALOGUE[name].answer

    def fussy(grad, *args, **params):
        if np.all(grad == 1):
            raise RuntimeError("a gradient of ones")
        value = right(grad, *args, **params)
        return tuple(-part for part in value) if isinstance(value, tuple) else -value

    verdict = checked(name, fussy)
    assert not verdict
    assert verdict.code in {"mistake", "wrong-sign", "wrong-value"}
    assert "sign" in verdict.message, verdict


def test_arguments_of_check_that_are_swapped() -> None:
    def mine(grad, y, x):
        return grad * 2 * x

    with pytest.raises(UnknownExerciseError) as caught:
        tx.check(mine, "square_backward")
    assert str(caught.value) == (
        "the name of the exercise comes first, then your function without calling it: "
        'tx.check("square_backward", square_backward)'
    )
    with pytest.raises(UnknownExerciseError, match="comes first"):
        tx.check(mine, mine)


def test_the_function_of_another_exercise_is_named() -> None:
    def log_backward(grad, y, x):
        return grad / x

    verdict = checked("square_backward", log_backward)
    assert verdict.message.startswith(
        "You passed `log_backward`, which has the name of another exercise. "
    )
    log_backward.__name__ = "my_rule"
    assert "another exercise" not in checked("square_backward", log_backward).message


@pytest.mark.parametrize(
    "answer",
    [
        lambda grad, y, x: y,
        lambda grad, y, x, axis, more: y,
        lambda grad, y, inputs, *, axis, keepdims: y,
        lambda x, axis: x,
    ],
)
def test_how_a_function_is_called_is_told_where_its_parameters_differ(answer) -> None:
    verdict = checked("softmax_backward", answer)
    assert verdict.code == "raised"
    assert verdict.message.endswith("It is called as `softmax_backward(grad, y, x, *, axis)`.")


def test_a_type_error_inside_a_function_is_not_taken_for_a_wrong_call() -> None:
    def answer(grad, y, x, *, axis):
        return len(grad, y)

    verdict = checked("softmax_backward", answer)
    assert verdict.code == "raised"
    assert "It is called as" not in verdict.message


def test_an_axis_that_is_not_there_is_explained() -> None:
    verdict = checked("stable_softmax", lambda x: x / x.sum(axis=1, keepdims=True))
    assert verdict.message.endswith("count from the end: `axis=-1` is the last.")


def test_the_hint_follows_the_diagnosis() -> None:
    verdict = checked("sigmoid_backward", lambda grad, y, x: grad * y * (y - 1))
    assert verdict.code == "wrong-sign"
    assert verdict.hint.startswith("Look for a minus sign")
    assert verdict.hint not in verdict.message
    assert str(verdict).endswith('The next hint: tx.hint("sigmoid_backward", 1)')
    mistake = checked("square_backward", lambda grad, y, x: grad * x)
    assert (mistake.code, mistake.hint, mistake.next_hint) == ("mistake", "", 1)
    unexplained = checked("square_backward", lambda grad, y, x: grad * np.cos(np.cumsum(x)))
    assert (unexplained.hint, unexplained.next_hint) == (CATALOGUE["square_backward"].hints[0], 2)


def test_the_kinds_of_input_for_which_an_answer_is_right_are_named() -> None:
    verdict = checked("stable_softmax", lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True))
    assert verdict.case == "large numbers"
    verdict = checked("logsumexp", lambda x: np.log(np.exp(np.minimum(x, 50)).sum(axis=-1)))
    assert "Your function is right for one row, two rows" in verdict.message


def without_memory_of_ancestors(inputs, name):
    return set(inputs[name]).union(*(without_memory_of_ancestors(inputs, x) for x in inputs[name]))


def without_memory_of_order(inputs, output):
    order = []
    for name in inputs[output]:
        order += [x for x in without_memory_of_order(inputs, name) if x not in order]
    return [*order, output]


def without_memory_of_gradients(inputs, slopes, output):
    gradients = {output: 1.0}
    for name, slope in zip(inputs[output], slopes[output], strict=True):
        for key, value in without_memory_of_gradients(inputs, slopes, name).items():
            gradients[key] = gradients.get(key, 0.0) + slope * value
    return gradients


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("ancestors_of", without_memory_of_ancestors),
        ("topological_order", without_memory_of_order),
        ("accumulate", without_memory_of_gradients),
    ],
)
@pytest.mark.parametrize("given", [lambda graph: graph, dict, copy.deepcopy])
def test_a_walk_along_every_path_ends_and_does_not_pass(name, answer, given) -> None:
    """Also on a copy of the graph."""
    verdict = checked(name, lambda inputs, *rest: answer(given(inputs), *rest))
    assert verdict.code == "too-many-steps"
    assert "Keep what is done for each name" in verdict.message
    assert verdict.case == "a graph with more than a trillion paths"
