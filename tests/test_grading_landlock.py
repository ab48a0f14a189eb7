"""What Linux refuses to a confined process, whatever Python's hook would say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tinygrad_xent.teaching.grading.limits import confine

SCRIPT = """
import os, signal, sys
from tinygrad_xent.teaching.grading.limits import confine
closed, own, beside, blind = sys.argv[1:]
os.chdir(own)
look = os.scandir
def scandir(path):
    if path == blind:
        raise PermissionError
    return look(path)
os.scandir = scandir
if not confine([closed, os.path.join(closed, "deep", "deeper")], own):
    print("cannot")
    raise SystemExit
def refused(work, *args):
    try:
        work(*args)
    except PermissionError:
        return True
    return False
import json.tool  # what is installed can still be imported
open("mine", "w").write("mine")
print([
    open(beside).read(),
    open("mine").read(),
    refused(open, os.path.join(closed, "secret")),
    refused(open, os.path.join(closed, "deep", "secret")),
    refused(open, beside, "w"),
    refused(os.remove, beside),
    refused(os.execv, sys.executable, [sys.executable, "-c", ""]),
    refused(os.kill, os.getppid(), signal.SIGCONT),
    refused(open, f"/proc/{os.getppid()}/environ"),
])
"""


def test_a_confined_process(tmp_path):
    closed, own, beside = tmp_path / "closed", tmp_path / "own", tmp_path / "beside"
    (closed / "deep").mkdir(parents=True)
    own.mkdir()
    (closed / "deep" / "secret").write_text("secret")
    (closed / "secret").write_text("secret")
    beside.write_text("beside")

    def report(blind):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, closed, own, beside, blind],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        return run.stdout

    first = report("")
    if first == "cannot\n":
        pytest.skip("this kernel has no Landlock (Linux 5.13 or later), only the hook protects")
    assert first == f"{['beside', 'mine', *[True] * 7]}\n"
    # Above the closed ones may be a folder where one can pass and not look, as /home often is.
    assert report(str(tmp_path.parent)) == first


def test_elsewhere_it_says_that_it_cannot(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert confine([], "/") is False
