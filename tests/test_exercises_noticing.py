"""What wrong results have in common with the right ones: each sentence is true, or is not said."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_xent.teaching.exercises.returned_values import Call, Closeness, noticed

CLOSE = Closeness(1e-9)


def calls(wrong, shapes=((3,), (2, 4))):
    """Return calls of a function of x that should be y = tanh(x), and is `wrong(x, y)`."""
    rng = np.random.default_rng(5)
    xs = [rng.normal(size=shape) for shape in shapes]
    return [Call({"x": x}, wrong(x, np.tanh(x)), np.tanh(x), CLOSE) for x in xs]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda x, y: -y, "The result has the wrong sign everywhere; its size is right."),
        (lambda x, y: abs(y), "The result has lost its sign: it is the absolute value of"),
        (lambda x, y: np.exp(y), "The result is the exponential of what it should be."),
        (lambda x, y: y**2, "The result is the square of what it should be."),
        (lambda x, y: 1 / y, "The result is 1 divided by what it should be."),
        (lambda x, y: 1 - y, "The result is 1 minus what it should be."),
        (lambda x, y: np.exp(-y), "The result is $e^{-r}$, where $r$ is what it should be."),
        (lambda x, y: 1 - np.exp(-y), "The result is $1 - e^{-r}$, where $r$ is what it"),
        (lambda x, y: 3 * y, "The result is 3 times what it should be, in every entry."),
        (lambda x, y: y / -4, "The result is -0.25 times what it should be, in every entry."),
        (lambda x, y: y - 2, "The result is 2 less than it should be, in every entry."),
        (lambda x, y: x, "The result is `x`."),
        (lambda x, y: y + x, "The result contains `x` as a term too many."),
        (lambda x, y: y - x, "The result lacks a term: right is your result plus `x`."),
        (lambda x, y: y * x, "The result contains `x` as a factor too many."),
        (lambda x, y: y / x, "The result lacks a factor: right is your result times `x`."),
        (lambda x, y: y + 2 * x, "The result adds `x` where it should be subtracted."),
        (lambda x, y: y - 2 * x, "The result subtracts `x` where it should be added."),
        (lambda x, y: y * x**2, "The result multiplies by `x` where it should divide by it."),
        (lambda x, y: y / x**2, "The result divides by `x` where it should multiply by it."),
        (lambda x, y: y * x.size, "The result contains `x.size` as a factor too many."),
        (lambda x, y: y + np.sum(x), "The result contains the sum of `x` as a term too many."),
        (lambda x, y: y + np.log(x.shape[-1]), "contains the logarithm of `x.shape[-1]` as a term"),
        (lambda x, y: 1e5 * y * x**2 + 1e6 * y, "times too large in every entry that is not 0."),
        (lambda x, y: y + 1e-5 * np.cos(x), "Here the result is nearly right: no entry is off by"),
        (lambda x, y: 0 * y, "Here the result is 0 everywhere."),
        (lambda x, y: y * (1 + 0.5 * x[..., :1] ** 2), "lacks one factor for each row, the same"),
        (lambda x, y: y + x[..., :1] ** 3, "lacks one term for each row, the same"),
    ],
)
def test_a_relation_is_told(wrong, sentence) -> None:
    assert sentence in noticed(calls(wrong), "result")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda x, y: y.T, "The result is transposed: its rows and columns are exchanged."),
        (lambda x, y: np.diag(np.diag(y)), "Here the result is right on the diagonal and wrong"),
        (lambda x, y: y - 7 * np.diag(np.diag(y)), "is right off the diagonal and wrong on it"),
        (
            lambda x, y: np.diag(np.diag(y) + 0.3) - (y - np.diag(np.diag(y))),
            "has the wrong sign off the diagonal, and is wrong on it, too",
        ),
        (
            lambda x, y: np.where(np.arange(y.size).reshape(y.shape) == 5, 0, y),
            "is wrong only at [1, 2], of 9 entries",
        ),
    ],
)
def test_what_is_told_of_a_square_matrix(wrong, sentence) -> None:
    assert sentence in noticed(calls(wrong, shapes=((3, 3), (3, 3))), "result")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda x, y: y.T, "`dx` is transposed: its rows and columns are exchanged."),
        (lambda x, y: y[None], "`dx` has the right numbers in the wrong shape: look at axes of"),
        (lambda x, y: y.sum(axis=0), "`dx` is the sum of what it should be over its axis -2."),
        (lambda x, y: y.mean(axis=1), "`dx` is the mean of what it should be over its axis -1."),
        (
            lambda x, y: np.stack([y / 4, 3 * y / 4]),
            "`dx` still has to be reduced: right is its sum over its axis -3.",
        ),
        (lambda x, y: 3 * y[:, 0], "`dx` lacks the axis -1."),
    ],
)
def test_what_is_told_of_a_wrong_shape(wrong, sentence) -> None:
    assert noticed(calls(wrong, shapes=((2, 3), (4, 5))), "dx").startswith(sentence)


def test_nothing_is_told_of_unrelated_numbers() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        shape = tuple(rng.integers(1, 4, size=rng.integers(0, 4)))
        seen = calls(lambda x, y: 3 + rng.normal(size=x.shape), shapes=(shape, (2, 3), shape))
        assert noticed(seen, "result") == ""
        seen = calls(lambda x, y: rng.normal(size=(*x.shape, 2)), shapes=(shape, (2, 3)))
        assert noticed(seen, "result") == ""


def test_a_relation_must_hold_in_every_call() -> None:
    first, second = calls(lambda x, y: -y)
    third = Call({"x": second.arguments["x"]}, 5 + second.given**3, second.expected, second.close)
    assert "wrong sign" not in noticed([first, second, third], "result")


def test_too_few_numbers_prove_nothing() -> None:
    assert noticed(calls(lambda x, y: 3 * y, shapes=((),)), "result") == ""
    assert "3 times" in noticed(calls(lambda x, y: 3 * y, shapes=((), (), ())), "result")


def test_the_parts_that_are_right_are_named() -> None:
    x = np.array([1.0, 2.0, 4.0])
    one = Call({"x": x}, (x, 2 * x, x), (x, x, x), CLOSE)
    assert noticed([one], "da, db, dc").endswith("in every entry. `da` and `dc` are right.")
    one = Call({"x": x}, {"a": 0.0, "b": 0.0}, {"a": 1.0, "b": 2.0}, CLOSE)
    assert noticed([one], "result") == "Every number that you return is 0."


def test_lost_digits_of_small_entries_are_told() -> None:
    expected = np.array([-3e-19, 3e-19])
    one = Call({}, np.array([0.0, 3e-19]), expected, Closeness(1e-9, entrywise=True))
    assert "the difference of two nearly equal numbers loses them" in noticed([one], "result")


@pytest.mark.parametrize(
    "given", [None, "text", [[1.0], [1.0, 2.0]], [np.sum], np.full(3, np.inf), 1j, {}, ()]
)
def test_odd_values_are_left_to_others(given) -> None:
    expected = np.arange(3.0)
    assert noticed([Call({}, given, expected, CLOSE)], "result") == ""


def test_a_huge_broadcast_array_is_not_copied() -> None:
    huge = np.broadcast_to(np.float32(1), (10**6, 10**6))
    assert noticed([Call({"x": huge}, huge, np.ones(3), CLOSE)], "result") == ""
