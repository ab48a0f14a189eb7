"""Becoming an ordinary user: what a test run by root has to do to meet what all others meet."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STRANGER = 54321  # is on no list of users and has no home, as in many a container
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "HOME"} | {
    "PYTHONPATH": str(Path(__file__).parents[1])
}
_SETPRIV = shutil.which("setpriv")


def ordinary_user(*, reads_all: bool = True) -> list[str]:
    """Return what to put before a command, so that an ordinary user runs it.

    Of all that root may do it keeps reading files: Python itself may lie where only root can look.
    Without `reads_all` it keeps nothing, and the test is skipped where Python lies there.
    """
    if not IS_ROOT:
        return []
    if _SETPRIV is None:
        pytest.skip("the tests are run by root, and setpriv (of util-linux) is missing")
    kept = "-all,+dac_read_search" if reads_all else "-all"
    command = [
        _SETPRIV, f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups",
        *(f"--{which}={kept}" for which in ("bounding-set", "inh-caps", "ambient-caps")),
    ]  # fmt: skip
    if not reads_all:
        start = [*command, sys.executable, "-c", "import os, tinygrad_xent; print(os.__file__)"]
        run = subprocess.run(start, check=False, capture_output=True, text=True, env=ENVIRONMENT)
        if run.stdout.strip() != os.__file__:
            pytest.skip("the tests are run by root, and Python lies where only root can look")
    return command


@contextlib.contextmanager
def without_privileges():
    """Let this process read only what others may read, for a while."""
    if IS_ROOT:
        os.seteuid(STRANGER)
    try:
        yield
    finally:
        if IS_ROOT:
            os.seteuid(0)
