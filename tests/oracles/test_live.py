"""The dialects against the frameworks themselves, as far as they are installed.

Not part of the usual test run: ``pip install -e ".[test,oracles]"``, then ``pytest -m oracle``.
The frameworks' recorded answers (tests/test_dialects.py) are always compared. TensorFlow 1.4 and
2.2 run on no Python that this package runs on, so "tf1", "keras2" and "keras2-graph" are compared
with their records alone.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dialect_answers import ask, differences
from golden import Case, decode, encode, load
from more_cases import cases as more_cases

HERE = Path(__file__).parent
PACKAGES = {
    "tf2": ["tensorflow"],
    "keras3-tf": ["keras", "tensorflow"],
    "keras3-jax": ["keras", "jax"],
    "keras3-torch": ["keras", "torch"],
    "keras3-numpy": ["keras"],
    "torch": ["torch"],
    "optax": ["optax", "jax"],
}
FIELDS = ("labels_kind", "from_logits", "axis", "array", "labels", "upstream")
pytestmark = pytest.mark.oracle


def live_answers(dialect: str, cases: list[Any]) -> list[dict[str, Any]]:
    missing = [p for p in PACKAGES[dialect] if importlib.util.find_spec(p) is None]
    if missing:
        pytest.skip(f"{dialect} needs {' and '.join(missing)}: pip install -e '.[oracles]'")
    text = json.dumps([{f: getattr(c, f) for f in FIELDS} for c in cases], default=encode)
    argv = [sys.executable, str(HERE / "answer.py"), dialect]
    run = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    answers: list[dict[str, Any]] = json.loads(run.stdout, object_hook=decode)
    return answers


# XLA divides by multiplying with the reciprocal, which it takes for 0 where it is subnormal: -3e38
# divided by a sum of -3e38 is then 0, not 1.
DIFFERENT = {("keras3-jax", "random-100-dense-probs")}


@pytest.mark.parametrize("dialect", PACKAGES)
@pytest.mark.parametrize("cases", [load("dialects"), more_cases()], ids=["recorded", "more"])
def test_a_dialect_says_what_the_framework_says(dialect: str, cases: list[Any]) -> None:
    wrong = []
    for case, live in zip(cases, live_answers(dialect, cases), strict=True):
        whole = Case(**{**vars(case), "entries": None})  # a live answer has the whole gradient
        found = differences(ask(dialect, whole), live, case, slack=3)
        assert found or (dialect, str(case)) not in DIFFERENT
        if (dialect, str(case)) not in DIFFERENT:
            wrong += [f"{case}: {what}" for what in found]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)}", *wrong])
