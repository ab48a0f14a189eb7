"""The recipes of docs/cross_entropies.md, run as they stand there, beside PyTorch's figures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden import Case, load

import tinygrad_xent as tx

PAGE = Path(__file__).parent.parent / "docs" / "cross_entropies.md"
BLOCKS = re.findall(r"```python\n((?!>>>).*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
MEAN, SUM, SOFT, PADDING, WEIGHTS, WEIGHTS_PADDING, SMOOTHING = BLOCKS

# PyTorch's case -> the block of the page that does the same.
RECIPES = {
    "mean": MEAN,
    "sum": SUM,
    "soft labels": SOFT,
    "padding": PADDING,
    "ignored class": PADDING,
    "class weights": WEIGHTS,
    "class weights and padding": WEIGHTS_PADDING,
    "label smoothing": SMOOTHING,
}
CASES = [case for case in load("torch", kind="recipe") if case.recipe in RECIPES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recipe_gives_pytorchs_figures(case: Case) -> None:
    logits = tx.Tensor(case.logits)
    names: dict[str, Any] = {
        "tx": tx,
        "np": np,
        "logits": logits,
        "target": case.labels,
        "labels": case.labels,
        "classes": case.logits.shape[1],
        "ignored": case.options.get("ignore_index", -100),
        "weight": np.asarray(case.options.get("weight", np.ones(1))),
        "a": case.options.get("label_smoothing"),
    }
    exec(RECIPES[case.recipe], names)  # noqa: S102 - the page's own lines
    loss = names["loss"]
    np.testing.assert_allclose(loss.data, case.loss, rtol=1e-13)
    np.testing.assert_allclose(tx.gradients(loss, logits), case.grad_logits, rtol=1e-12, atol=1e-16)


def test_every_recipe_is_tried() -> None:
    assert {RECIPES[case.recipe] for case in CASES} == set(BLOCKS)
    assert len(CASES) == 2 * len(RECIPES)
