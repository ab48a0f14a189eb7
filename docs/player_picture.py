"""Make the picture of the player in README: `python docs/player_picture.py` (needs playwright)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

import tinygrad_xent as tx

PICTURE = Path(__file__).parent / "_static" / "player.png"


def loss_with_decay() -> tx.Player:
    """Return the player of a loss whose logits have two uses, so that two gradients are added."""
    z = tx.Tensor([2.0, 1.0, 0.1], name="z")
    t = np.array([1.0, 0.0, 0.0])
    p = tx.softmax(z)
    log_p = tx.log(p)
    picked = t * log_p
    fit = tx.sum(picked)
    squares = z**2
    decay = tx.sum(squares)
    size = 0.05 * decay
    loss = size - fit
    return tx.play(loss, names=locals())


with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
    path = loss_with_decay().save(Path(folder, "player.html"))
    page = playwright.chromium.launch().new_page(viewport={"width": 1280, "height": 780})
    page.goto(path.as_uri())
    page.get_by_role("button", name="Last").click()
    page.locator("details").last.evaluate("element => element.remove()")  # the same as text
    page.screenshot(path=PICTURE, full_page=True)
