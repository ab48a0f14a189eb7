"""The data that ship with the package, and the loader of the recorded figures."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest
from golden import DATA, contents_of, decode, load, source
from record import text_of


def test_the_digits_are_what_their_note_says() -> None:
    packed = (files("tinygrad_xent") / "teaching" / "data" / "digits.csv.gz").read_bytes()
    header, *lines = gzip.decompress(packed).decode().splitlines()
    assert header.split(",") == [f"pixel_{i // 8}_{i % 8}" for i in range(64)] + ["digit"]
    table = np.array([line.split(",") for line in lines]).astype(int)
    pixels, digits = table[:, :64], table[:, 64]
    assert table.shape == (1797, 65)
    assert (pixels.min(), pixels.max()) == (0, 16)
    assert np.bincount(digits).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert pixels[0].reshape(8, 8)[0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert packed[4:8] == bytes(4)  # no time in the gzip header: the same rows, the same bytes


def test_arrays_come_back_bit_by_bit() -> None:
    text = """{"x": {"shape": [2, 3], "dtype": "float32",
        "data": ["0x1.99999a0000000p-4", "-0x0.0p+0", "nan", "inf", "-inf", "0x1.0p-149"]},
        "y": {"shape": [], "dtype": "float64", "data": ["0x1.999999999999ap-4"]},
        "mask": {"shape": [2], "dtype": "bool", "data": [true, false]}, "axis": [0, 1]}"""
    fields = json.loads(text, object_hook=decode)
    tiny = np.finfo(np.float32).smallest_subnormal
    expected = np.array([[0.1, -0.0, np.nan], [np.inf, -np.inf, tiny]], np.float32)
    assert fields["x"].dtype == expected.dtype
    np.testing.assert_array_equal(fields["x"], expected)
    assert np.signbit(fields["x"][0, 1])
    assert (fields["y"].shape, fields["y"][()]) == ((), 0.1)
    assert (fields["mask"].dtype, fields["mask"].tolist()) == (bool, [True, False])
    assert fields["axis"] == (0, 1)


def test_recording_one_dialect_leaves_the_others_as_they_are() -> None:
    text = gzip.decompress((DATA / "dialects.json.gz").read_bytes()).decode()
    assert text_of(contents_of("dialects")) == text


@pytest.mark.parametrize(
    ("name", "maker", "kinds"),
    [
        ("softmax_cross_entropy_with_logits", "TensorFlow 1.4.1", {"onehot": 94, "soft": 106}),
        (
            "sparse_categorical_crossentropy",
            "TensorFlow 2.2.0",
            {"probs": 38, "hard-probs": 40, "unnormalised": 29, "logits": 50, "softmax-graph": 43},
        ),
        ("torch", "PyTorch 2.13.0", {"network": 1, "recipe": 26, "op": 77}),
    ],
)
def test_every_case_is_there(name: str, maker: str, kinds: dict[str, int]) -> None:
    field = "mode" if name.startswith("sparse") else "kind"
    cases = load(name)
    assert source(name).startswith(maker)
    assert Counter(getattr(case, field) for case in cases) == kinds
    assert len({str(case) for case in cases}) == len(cases)
    for kind, count in kinds.items():
        assert len(load(name, **{field: kind})) == count


def test_asking_for_cases_that_are_not_there_fails() -> None:
    with pytest.raises(LookupError, match=r"no case with .*'tan'.* in torch\.json\.gz"):
        load("torch", kind="op", op="tan")


def test_a_recorded_loss_follows_from_its_recorded_inputs() -> None:
    (case,) = (c for c in load("torch", kind="recipe", recipe="mean") if c.logits.ndim == 2)
    probs = np.exp(case.logits) / np.exp(case.logits).sum(axis=case.axis, keepdims=True)
    losses = -np.log(probs[np.arange(6), case.labels])
    np.testing.assert_allclose(case.losses, losses, rtol=1e-14)
    np.testing.assert_allclose(case.loss, losses.mean(), rtol=1e-14)
