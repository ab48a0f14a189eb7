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
TEXT = PAGE.read_text(encoding="utf-8").split("## Recipes\n")[1]
INTRODUCTION, *SECTIONS = TEXT.split("\n### ")
RECIPES = {section.partition("\n")[0].lower(): section for section in SECTIONS}


def run(text: str, names: dict[str, Any]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, names)  # noqa: S102 (the page's own lines)


@pytest.mark.parametrize("case", load("torch", kind="recipe"), ids=str)
def test_a_recipe_gives_pytorchs_figures(case: Case) -> None:
    logits = tx.Tensor(case.logits)
    labels = case.labels if case.grad_labels is None else tx.Tensor(case.labels)
    names = {"tx": tx, "np": np, "logits": logits, "labels": labels}
    names["weight"] = case.options.get("weight")
    names["ignored"] = case.options.get("ignore_index")
    assert case.options.get("label_smoothing", 0.1) == 0.1
    run(INTRODUCTION, names)
    run(RECIPES[case.recipe], names)
    loss = names["loss"]
    assert float(loss.data) == pytest.approx(float(case.loss), rel=1e-13)
    found = tx.gradients(loss, logits)
    np.testing.assert_allclose(found, case.grad_logits, rtol=1e-12, atol=1e-16)
    if case.grad_labels is not None:
        found = tx.gradients(loss, labels)
        np.testing.assert_allclose(found, case.grad_labels, rtol=1e-12)


def test_every_recipe_is_run() -> None:
    assert RECIPES.keys() == {case.recipe for case in load("torch", kind="recipe")}
