"""What Linux refuses to a confined process, whatever Python's hook would say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tinygrad_xent.teaching.grading import sandbox

SCRIPT = """
import json, os, signal, sys
from tinygrad_xent.teaching.grading import sandbox
own, beside, package = sys.argv[1:]
os.chdir(own)
sandbox.sys.addaudithook = lambda hook: None  # the kernel alone
if not sandbox.confine(own, sandbox.readable(package)):
    print("cannot")
    raise SystemExit
def refused(work, *args):
    try:
        work(*args)
    except PermissionError:
        return True
    return False
import json.tool, numpy.fft  # what is installed can still be imported
open("mine", "w").write("mine")
print(json.dumps([
    open("mine").read(),
    open(os.path.join(package, "there")).read(),
    refused(open, os.path.join(package, "there"), "w"),
    refused(open, sandbox.__file__),
    refused(open, beside),
    refused(os.listdir, os.path.dirname(beside)),
    refused(open, beside, "w"),
    refused(os.remove, beside),
    refused(os.execv, sys.executable, [sys.executable, "-c", ""]),
    refused(os.kill, os.getppid(), signal.SIGCONT),
    refused(open, f"/proc/{os.getppid()}/environ"),
    refused(open, "/etc/passwd"),
]))
"""


def test_a_confined_process(tmp_path):
    own, beside, package = tmp_path / "own", tmp_path / "beside", tmp_path / "package"
    own.mkdir()
    package.mkdir()
    (package / "there").write_text("there")
    beside.write_text("beside")
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, own, beside, package],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if run.stdout == "cannot\n":
        pytest.skip("this kernel has no Landlock (Linux 5.13 or later), only the hook protects")
    assert run.stdout == f'["mine", "there"{", true" * 10}]\n'


def test_what_can_be_read_leaves_every_copy_of_the_package_out(tmp_path, monkeypatch):
    """Also one that is installed beside the one that is used, under the same prefix."""
    for site in ("lib/python3.11/site-packages", "lib/python3.12/site-packages"):
        for name in ("tinygrad_xent", "numpy"):
            (tmp_path / "real" / site / name).mkdir(parents=True)
    (tmp_path / "real" / "share").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "linked"))
    found = sandbox.readable("/the/copy")
    real = str(tmp_path / "real")
    assert {
        path.removeprefix(real): rights for path, rights in found.items() if path.startswith(real)
    } == {
        "": sandbox._READ_DIR,
        "/share": sandbox._READ,
        "/lib": sandbox._READ_DIR,
        **{f"/lib/{python}": sandbox._READ_DIR for python in ("python3.11", "python3.12")},
        **{
            f"/lib/{python}/site-packages{end}": rights
            for python in ("python3.11", "python3.12")
            for end, rights in (("", sandbox._READ_DIR), ("/numpy", sandbox._READ))
        },
    }
    assert found["/the/copy"] == sandbox._READ


def test_an_environment_in_the_folder_of_the_course_opens_nothing_of_the_course(
    tmp_path, monkeypatch
):
    for name in ("lib/python3.11/site-packages/numpy", "bin", "submissions"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "grades.csv").touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    found = [path for path in sandbox.readable("/the/copy") if path.startswith(str(tmp_path))]
    assert found
    assert all(path.startswith(f"{tmp_path}/lib") for path in found)
