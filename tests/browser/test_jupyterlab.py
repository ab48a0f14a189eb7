"""Live views in JupyterLab and Notebook 7: run there, and in notebooks that are not trusted."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

pytestmark = pytest.mark.browser

CODE = """
import tinygrad_xent as tx
from tinygrad_xent.visualization.player import play
x = tx.Tensor(2.0)
loss = x / 4.0
play(loss, names=locals())
"""


def notebook(code, outputs=()):
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": code}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": [{**cell, "execution_count": None, "outputs": list(outputs)}],
    }


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A server of its own, with empty settings; gives its directory and address."""
    pytest.importorskip("jupyterlab", reason="needs JupyterLab: pip install jupyterlab ipykernel")
    pytest.importorskip("ipykernel", reason="needs a kernel: pip install ipykernel")
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = {"HOME": str(folder / "home"), "JUPYTER_DATA_DIR": str(folder / "data")}
    settings = {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_RUNTIME_DIR": str(folder)}
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    options = [f"--port={port}", "--ip=127.0.0.1", "--ServerApp.port_retries=0"]
    options += [
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
        "--expose-app-in-browser",
        "--ServerApp.jpserver_extensions={'notebook': True}",
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, *options],
            env={**os.environ, **home, **settings},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"{address}/api") as answer:  # noqa: S310 - our own
                    assert answer.status == 200
                break
            except OSError:
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.5)
        else:
            raise AssertionError((folder / "log").read_text())
        yield folder, address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:  # it waits for its kernels, on a busy machine for long
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


@pytest.fixture
def open_notebook(lab, chromium):
    folder, address = lab
    context = chromium.new_context(viewport={"width": 1280, "height": 900})

    def opened(name, content, app="lab/tree"):
        (folder / f"{name}.ipynb").write_text(json.dumps(content))
        page = context.new_page()
        page.outside = []
        page.on(
            "request",
            lambda r: (
                None
                if r.url.startswith((address, "data:", "blob:", address.replace("http", "ws")))
                else page.outside.append(r.url)
            ),
        )
        page.goto(f"{address}/{app}/{name}.ipynb?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        return page

    yield opened
    context.close()


def test_the_player_runs_and_its_keys_do_not_reach_the_notebook(open_notebook) -> None:
    page = open_notebook("play", notebook(CODE))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    view = page.locator(".view")
    view.wait_for(timeout=60_000)
    view.get_by_role("button", name="Next").click()
    for key in (
        "ArrowRight",
        "a",
        "b",
        "d",
        "d",
        "ArrowLeft",
        "Enter",
    ):  # a, b: insert; d d: delete
        page.keyboard.press(key)
    assert view.locator(".counter").inner_text() == "3 / 3"  # Enter pressed the button once more
    view.get_by_label("Predict first").check()
    view.get_by_role("textbox").click()
    page.keyboard.type("1/4")
    page.keyboard.press("Enter")
    assert view.locator(".answer").inner_text().startswith("Right: 0.25.")
    assert page.locator(".jp-Cell").count() == 1
    assert page.outside == []


def test_a_picture_has_tooltips_and_its_search_takes_keys_from_the_notebook(open_notebook) -> None:
    code = CODE.replace("play(loss, names", "tx.draw(loss, names")
    page = open_notebook("draw", notebook(code))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Control+Enter")
    view = page.locator(".view")
    view.wait_for(timeout=60_000)
    tips = view.locator("g[id^=n] > title").all_text_contents()
    assert [tip.split("\n")[0] for tip in tips] == ["x", "loss = divide"]
    view.get_by_label("find a tensor").click()
    page.keyboard.type("addx")  # a: insert a cell above; d d: delete
    page.keyboard.press("Control+A")
    page.keyboard.type("loss")
    page.keyboard.press("Enter")
    assert view.locator(".told").inner_text().startswith("loss = divide")
    view.locator(".graph").press("+")
    assert view.locator(".percent").inner_text() == "125 %"
    assert page.locator(".jp-Cell").count() == 1
    assert page.outside == []


@pytest.mark.parametrize("kind", ["play", "draw"])
def test_an_untrusted_notebook_shows_the_picture(open_notebook, kind) -> None:
    import tinygrad_xent as tx
    from tinygrad_xent.visualization.player import play

    made = {"play": play, "draw": tx.draw}[kind]
    data = made(tx.Tensor(2.0, name="x") / 4.0)._repr_mimebundle_()
    data.pop("image/png", None)  # of several forms a notebook shows the first that it can
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    page = open_notebook(f"untrusted {kind}", notebook("pass", [output]))
    image = page.locator(".jp-OutputArea img")
    image.wait_for()
    assert image.evaluate("e => e.naturalWidth") > 100
    assert "Leaves: x" in image.get_attribute("alt")
    assert page.locator(".view").count() == 0


TRAINING = """
import numpy as np
import tinygrad_xent as tx
x, t = np.array([[0.0, 1.0], [1.0, 0.5]]), np.array([0, 1])
w, recording = tx.Tensor(np.eye(2), name="w"), tx.record()
for _ in range(5):
    loss = tx.sparse_softmax_cross_entropy_with_logits(labels=t, logits=x @ w).mean()
    recording.step(loss)
    w.data = w.data - 0.5 * tx.gradients(loss, w)
recording
"""


@pytest.mark.parametrize("app", ["lab/tree", "notebooks"])
def test_a_recording_trains_on_and_its_keys_do_not_reach_the_notebook(open_notebook, app) -> None:
    if app == "notebooks":
        pytest.importorskip("notebook", reason="needs Notebook 7: pip install notebook")
    page = open_notebook(f"train-{app[:3]}", notebook(TRAINING), app)
    page.locator(".jp-Cell .cm-content").first.click()
    view = page.locator(".view")
    for _ in range(5):  # until the kernel has come up
        page.keyboard.press("Control+Enter")
        try:
            view.wait_for(timeout=20_000)
            break
        except Exception:  # noqa: BLE001, S112 - a timeout: once more
            continue
    view.get_by_role("button", name="Last").click()
    view.get_by_role("button", name="One step").click()
    assert view.locator(".say").inner_text().startswith("Step 6: loss ")
    rate = view.get_by_label("Learning rate")
    assert rate.input_value() == "0.5"
    rate.click()
    for key in ("End", "a", "b", "d", "d", "Enter", "Backspace"):
        page.keyboard.press(key)
    view.get_by_role("button", name="One step").click()
    assert view.get_by_role("alert").inner_text().startswith("Type a learning rate above 0")
    page.keyboard.press("Home")
    assert view.locator(".say").inner_text().startswith("Step 1: ")
    assert page.locator(".jp-Cell").count() == 1
    assert page.outside == []


def test_an_untrusted_notebook_says_how_to_make_it_live_and_keeps_powers(open_notebook) -> None:
    import tinygrad_xent as tx

    recording, x = tx.record(), tx.Tensor(2.0, name="x")
    recording.step(tx.tanh(x) ** 2.0)
    made = [recording._repr_mimebundle_()["text/html"], tx.trace(tx.tanh(x) ** 2.0)._repr_html_()]
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": html}}
        for html in made
    ]
    page = open_notebook("untrusted-powers", notebook("pass", outputs))
    area = page.locator(".jp-OutputArea").first
    area.locator("img").wait_for()
    assert "run the cell" in area.inner_text()
    assert "(1−v1^2)" in area.inner_text().replace(" ", "")
    assert page.locator(".view").count() == 0
