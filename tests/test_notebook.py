"""`%load_ext tinygrad_xent` and `%%graph`, in a real IPython."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

import tinygrad_xent as tx
from tinygrad_xent.visualization.drawing import Picture

LOGITS = "z = tx.Tensor([2.0, 1.0, 0.1])\n"
LOSS = "loss = tx.sparse_softmax_cross_entropy_with_logits(labels=0, logits=z)\n"


@pytest.fixture
def ip(monkeypatch, tmp_path):
    """An IPython with the extension, and a namespace of its own."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # IPython warns of one that is not its own
    shell = InteractiveShell()
    shell.history_manager.enabled = False
    shell.user_ns["tx"] = tx
    shell.run_cell("%load_ext tinygrad_xent.visualization.notebook").raise_error()
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def drawn(ip, cell):
    result = ip.run_cell(cell)
    result.raise_error()
    assert isinstance(result.result, Picture)
    return str(result.result)


def test_the_tensors_are_called_as_their_variables(ip):
    text = drawn(ip, f"%%graph\n{LOGITS}{LOSS}loss")
    assert "loss = sparse_softmax_cross_entropy" in text
    assert "─ z  (3,) float64" in text
    assert ip.user_ns["z"].name is None
    assert ip.user_ns["loss"].name is None


def test_a_tensors_own_name_counts_more(ip):
    ip.user_ns["w"] = tx.Tensor(2.0, name="weight")
    text = drawn(ip, "%%graph\nw * w")
    assert "─ weight" in text or "x: weight" in text
    assert " w " not in text


def test_the_cell_may_end_in_an_assignment(ip):
    assert drawn(ip, f"%%graph\n{LOGITS}{LOSS}").startswith("loss = ")
    assert drawn(ip, "%%graph\ny: tx.Tensor = z * 2.0").startswith("y = multiply")


def test_the_output_can_be_named(ip):
    text = drawn(ip, f"%%graph loss\n{LOGITS}{LOSS}loss.backward()")
    assert text.startswith("loss = ")
    assert ip.user_ns["z"].grad is not None, "the cell has run"
    assert drawn(ip, "%graph loss") == text
    assert drawn(ip, "%graph loss, z").startswith("loss = ")


def test_what_a_cell_may_contain(ip, capsys):
    cell = "%%graph\n%time print('said')\nx = tx.Tensor(3.0)\n(x *\n x)"
    assert "multiply" in drawn(ip, cell)
    assert "said" in capsys.readouterr().out
    assert "multiply" in drawn(ip, "%%graph\ndef f(x):\n    return x * x\nf(x)")


def test_errors_in_the_cell_show_as_usual(ip, capsys):
    result = ip.run_cell("%%graph\na = 1\nb = a / 0\nb")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    shown = capsys.readouterr().out
    assert "b = a / 0" in shown
    assert "notebook.py" not in shown, "between the cell and its line there is nothing of ours"
    assert ip.user_ns["a"] == 1
    ip.run_cell("%%graph\n1 / 0", store_history=True)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    numbers = re.findall(r"(?:In\[|ipython-input-)(\d+)", shown)
    assert len(numbers) > 1
    assert len(set(numbers)) == 1, "the cell has one number"
    assert isinstance(ip.run_cell("%%graph\nx = (").error_in_exec, SyntaxError)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("%%graph\nNone", "the cell ends in nothing to draw, not a Tensor. End the cell with the "),
        ("%%graph\nx = 3", "the cell ends in a value of type int, not a Tensor."),
        ("%%graph\nimport math", "the cell ends in nothing to draw"),
        ("%graph tx", "`tx` is a value of type module, not a Tensor."),
        ("%graph", "the cell ends in nothing to draw"),
        ("%graph nope", "name 'nope' is not defined: put the name of a Tensor after the magic"),
    ],
)
def test_nothing_to_draw(ip, capsys, cell, message):
    assert not ip.run_cell(cell).success
    output = capsys.readouterr()
    assert message in output.out + output.err
    assert "Traceback" not in output.out + output.err


def test_loading_twice_and_unloading(ip, capsys):
    ip.run_cell("%load_ext tinygrad_xent.visualization.notebook").raise_error()
    assert "already loaded" in capsys.readouterr().out
    ip.run_cell("%reload_ext tinygrad_xent.visualization.notebook").raise_error()
    assert "multiply" in drawn(ip, "%%graph\ntx.Tensor(2.0) * 3.0")
    ip.run_cell("%unload_ext tinygrad_xent.visualization.notebook").raise_error()
    assert ip.find_cell_magic("graph") is None
    assert ip.find_line_magic("graph") is None


def test_help(ip):
    assert "draw the Tensor of its last line" in ip.find_cell_magic("graph").__doc__


def test_the_package_is_the_extension(tmp_path):
    script = (
        "import tinygrad_xent, sys; assert 'IPython' not in sys.modules\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "ip = InteractiveShell.instance()\n"
        "ip.run_cell('%load_ext tinygrad_xent').raise_error()\n"
        "assert ip.find_cell_magic('graph')"
    )
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
